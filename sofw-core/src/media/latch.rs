//! Who may speak on a leg, and where its peer is heard (RFC 7362; rtpengine's "RTP bleed" is what must not happen).

use core::net::{IpAddr, SocketAddr};

use crate::base::Instant;
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

    /// Where to send.
    pub(super) fn target(&self, announced: SocketAddr) -> SocketAddr {
        self.learned.unwrap_or(announced)
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
