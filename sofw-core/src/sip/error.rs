//! Why bytes are no acceptable SIP message.

use core::fmt;

/// A fault of the sender, with the status that answers it. A request is answered by
/// [`super::build::response_to_malformed`]; a faulty response is dropped (RFC 3261 §8.1.3, §16.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SipError {
    /// Status code of the answer: 400, 505 (version) or 513 (too large).
    pub status: u16,
    /// Names the fault; the reason phrase of the answer (RFC 3261 §21.4.1 asks for the nature of the problem).
    pub reason: &'static str,
}

impl SipError {
    pub(super) const fn bad(reason: &'static str) -> Self {
        SipError { status: 400, reason }
    }
}

impl fmt::Display for SipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.reason)
    }
}

impl core::error::Error for SipError {}
