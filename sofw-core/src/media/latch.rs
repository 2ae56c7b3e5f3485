//! Who may speak on a leg, and where its peer is heard (RFC 7362; rtpengine's "RTP bleed" is what must not happen).

use core::net::{IpAddr, SocketAddr};

use crate::base::{Instant, is_public};
use crate::config::limits::LATCH_WINDOW;

/// The peer's address on one stream of a leg outside: announced by SDP, perhaps corrected once by a packet's source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latch {
    /// End of the window, set by the first packet that was let in.
    closes: Option<Instant>,
    learned: Option<SocketAddr>,
}

impl Latch {
    /// Signalling changed the SDP: learn anew (design §6: re-latch only then).
    pub(super) fn reset(&mut self) {
        *self = Latch::default();
    }

    /// Where to send. `None` while that is not known: a private address says nothing outside its own network, and
    /// signalling from another IP says that the phone is in another one. There a stranger may have that address.
    pub(super) fn target(&self, announced: SocketAddr, signalling: IpAddr) -> Option<SocketAddr> {
        let is_reached = is_public(announced.ip())
            || announced.ip().to_canonical() == signalling.to_canonical()
            || self.closes.is_some(); // It spoke from there.
        self.learned.or(is_reached.then_some(announced))
    }

    /// The address learned from a packet, if it differs from what SDP said.
    pub(super) const fn learned(&self) -> Option<SocketAddr> {
        self.learned
    }

    /// Whether a packet from `from` may pass; learns. A phone behind its own NAT announces a private address and
    /// speaks from its signalling address; nobody else may take the stream over.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        from: SocketAddr,
        announced: Option<SocketAddr>,
        signalling: IpAddr,
    ) -> bool {
        if let Some(learned) = self.learned {
            return from == learned;
        }
        let Some(announced) = announced else { return false };
        let closes = self.closes.unwrap_or(now + LATCH_WINDOW);
        if from == announced {
            self.closes = Some(closes);
            return true;
        }
        if now > closes || (from.ip() != announced.ip() && from.ip() != signalling) {
            return false;
        }
        self.learned = Some(from);
        true
    }
}
