//! What a phone tells its owner.

use super::tone::Tone;

/// Something happened on the phone.
#[derive(Clone, PartialEq, Debug)]
pub enum PhoneEvent {
    /// The registration was granted or refreshed, for so many seconds.
    Registered {
        /// As granted.
        expires_s: u32,
    },
    /// The registration was removed on our wish.
    Unregistered,
    /// The registration failed for good; 408 if nobody answered.
    RegisterFailed {
        /// The final status.
        status: u16,
    },
    /// Our call rings at the other end (180, or 183 with SDP).
    Ringing {
        /// The status.
        status: u16,
    },
    /// Somebody calls.
    Incoming {
        /// The From URI.
        from: String,
    },
    /// The call is up: 2xx received and ACKed, or ACK received.
    Established,
    /// The other end put us on hold, or took us back.
    HeldByPeer(bool),
    /// Our hold or resume was accepted.
    Held(bool),
    /// The call is over.
    Ended(Ended),
    /// The transfer that we asked for ended with this status: 200 when the other end reached the new party, which ends
    /// the present call; 408 if nobody answered.
    Transferred(u16),
    /// A tone is heard, for the first time in this call.
    ToneHeard(Tone),
    /// The other end pressed a key (RFC 4733).
    Dtmf(char),
    /// A request that is not for the phone's own logic arrived and was answered 200: INFO, MESSAGE, NOTIFY, …
    Request {
        /// Its method.
        method: String,
        /// Its Content-Type, if it had one.
        content_type: Option<String>,
        /// Its body.
        body: Vec<u8>,
    },
    /// A request sent by [`super::Phone::request`], `info`, `update` or a refused re-INVITE got its final answer.
    Answered {
        /// Its method.
        method: String,
        /// The final status; 408 if nobody answered.
        status: u16,
    },
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// We sent BYE, and it was answered with this status (408: it was not answered).
    HungUp(u16),
    /// The peer sent BYE.
    PeerHungUp,
    /// We cancelled before the answer.
    Cancelled,
    /// The caller cancelled before our answer.
    PeerCancelled,
    /// Our call was refused with this status (408: nobody answered).
    Refused(u16),
    /// We refused the call with this status.
    Declined(u16),
    /// We answered, but no ACK came.
    NoAck,
}
