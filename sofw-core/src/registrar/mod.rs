//! Registrar, location service and digest authentication (paper P4).
//!
//! ```text
//! REGISTER ─▶ proxy ─▶ Authenticator: who is it? ─▶ register(): RFC 3261 §10.3 ─▶ Location: user ─▶ bindings
//! ```
//!
//! A binding keeps the contact URI, which the phone wants to see again, and the [`crate::base::Hop`] that really
//! reaches it. No sockets, no transactions here; refusals are statuses that the proxy sends.

mod auth;
mod digest;
mod location;
mod nonce;
mod register;

pub use auth::{Authenticator, Verdict};
pub(crate) use digest::hmac;
pub use digest::{Algorithm, Credentials};
pub use location::{Binding, Location, contact_hop};
pub use nonce::Nonces;
pub use register::{Refused, Registered, register};

#[cfg(test)]
mod tests;
