//! What the SIP server asks of the paper's relay module (P7, P8), and tells it.

use crate::base::{Hop, Instant};
use crate::sip::Message;

/// One forwarded copy of a request: a client transaction, or one forwarding of an ACK for a 2xx. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct BranchId(pub u64);

/// Where a request goes. For responses these are the hops of their request: the response travels from `to` to `from`.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// The copy of the request that is meant.
    pub branch: BranchId,
    /// Who sent the request.
    pub from: Hop,
    /// Where the request goes.
    pub to: Hop,
    /// Whether the request may begin a dialog: it came without a To tag.
    pub initial: bool,
    /// The Call-ID, as in the message.
    pub call_id: &'a str,
}

/// The paper's relay module as the SIP server sees it. Call-ID, tags and body come from the message itself.
pub trait RelayModule {
    /// A request is about to be forwarded. `Ok(Some(body))` replaces its body; `Err(status)` refuses the request (488:
    /// too many m-lines, 503: no relay ports, 400: broken SDP).
    fn request(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16>;

    /// A response is about to be forwarded back; results as for requests. `Err` of a final response makes it that error;
    /// of a provisional one, drops it.
    fn response(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16>;

    /// A branch of a request ended without success (final error, CANCEL, timeout): what it alone held is released; for a
    /// re-INVITE or UPDATE the former media state returns. Called at most once per branch, never after its 2xx. `reason` is
    /// for the operator, see [`crate::event::Event::MediaClosed`].
    fn branch_failed(&mut self, now: Instant, branch: BranchId, reason: &'static str);

    /// The dialog is over (BYE answered or timed out, tunnel lost). The tags come in either order.
    fn dialog_ended(&mut self, now: Instant, call_id: &str, tags: (&str, &str), reason: &'static str);
}
