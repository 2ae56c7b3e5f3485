//! Tests of the stack by behaviour seen on the wire.

mod calibration;
