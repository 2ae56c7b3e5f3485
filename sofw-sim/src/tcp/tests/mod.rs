//! Tests of the stack by behaviour seen on the wire.

mod calibration;
mod closing;
mod hostile;
mod net;
mod opening;
mod repair;
mod stream;
