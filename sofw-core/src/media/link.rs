//! One link: source check, counting, target.

use core::net::SocketAddr;

use super::latch::Latch;
use super::leg::{Accept, Forward, Leg};
use super::quality::Quality;
use crate::base::Instant;
use crate::config::limits::MEDIA_DATAGRAM_MAX;
use crate::event::DropReason;
use crate::tunnel::Urgent;

/// What came in at one leg of a link.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectionStats {
    /// Datagrams relayed, RTP and RTCP.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams refused.
    pub drops: u64,
    /// RTP quality as seen here.
    pub quality: Quality,
    /// The source learned by latching, if it is not what SDP said.
    pub learned: Option<SocketAddr>,
}

/// Counters of a link.
#[derive(Clone, Copy, Debug)]
pub struct LinkStats {
    /// By the leg where packets came in.
    pub from: [DirectionStats; 2],
    /// When the last packet was relayed, or the link was opened.
    pub last_activity: Instant,
    /// When the link was opened.
    pub opened: Instant,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) ends: [End; 2],
    pub(super) urgent: Urgent,
    pub(super) last_activity: Instant,
    pub(super) opened: Instant,
    pub(super) held: bool,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) leg: Leg,
    /// Of RTP and of RTCP.
    pub(super) latches: [Latch; 2],
    pub(super) stats: DirectionStats,
}

impl Link {
    pub(super) fn relay(
        &mut self,
        now: Instant,
        side: usize,
        stream: usize,
        from: Option<SocketAddr>,
        bytes: &[u8],
    ) -> Forward {
        let [first, second] = &mut self.ends;
        let (source, target) = if side == 0 { (first, second) } else { (second, first) };
        let decision = if bytes.len() > MEDIA_DATAGRAM_MAX {
            Forward::Drop(DropReason::Oversize)
        } else if from.is_some_and(|from| !source.admits(now, stream, from)) {
            Forward::Drop(DropReason::ForeignSource)
        } else {
            target.send(stream, stream == 0 && is_urgent(self.urgent, bytes))
        };
        if matches!(decision, Forward::Drop(_)) {
            source.stats.drops += 1;
            return decision;
        }
        source.stats.packets += 1;
        source.stats.bytes += bytes.len() as u64;
        if stream == 0 {
            source.stats.quality.observe(now, bytes);
        }
        self.last_activity = now;
        decision
    }

    pub(super) fn stats(&self) -> LinkStats {
        LinkStats {
            from: self.ends.each_ref().map(|end| end.stats),
            last_activity: self.last_activity,
            opened: self.opened,
        }
    }
}

impl End {
    fn admits(&mut self, now: Instant, stream: usize, from: SocketAddr) -> bool {
        let Leg::Socket { remote, accept, .. } = self.leg else { return false };
        let announced = remote.map(|remote| if stream == 0 { remote.rtp } else { remote.rtcp });
        match accept {
            Accept::Inside => announced.is_some_and(|announced| announced.ip() == from.ip()),
            Accept::Outside { signalling } => {
                let Some(latch) = self.latches.get_mut(stream) else { return false };
                let admitted = latch.admit(now, from, announced, signalling);
                if stream == 0 {
                    self.stats.learned = latch.learned();
                }
                admitted
            }
        }
    }

    fn send(&self, stream: usize, urgent: bool) -> Forward {
        match self.leg {
            Leg::Tunnel { site, flow } if stream == 0 => Forward::Tunnel { site, flow, urgent },
            Leg::Tunnel { site, flow } => Forward::Tunnel { site, flow: flow.rtcp(), urgent },
            Leg::Socket { remote: None, .. } => Forward::Drop(DropReason::NoFlow),
            Leg::Socket { port, remote: Some(remote), accept } => {
                // RFC 5761 §5.1.1: multiplexed, RTCP goes where RTP goes, also if that was learned.
                let (announced, latch) = if stream == 0 || remote.rtcp == remote.rtp {
                    (remote.rtp, self.latches[0])
                } else {
                    (remote.rtcp, self.latches[1])
                };
                let to = match accept {
                    Accept::Inside => Some(announced),
                    Accept::Outside { signalling } => latch.target(announced, signalling),
                };
                to.map_or(Forward::Drop(DropReason::PrivateAddress), |to| Forward::Socket {
                    port: port + stream as u16,
                    to,
                })
            }
        }
    }
}

/// RFC 4733 §2.1: telephone events are known by their payload type.
fn is_urgent(urgent: Urgent, bytes: &[u8]) -> bool {
    match (urgent, bytes) {
        (Urgent::None, _) => false,
        (Urgent::All, _) => true,
        (Urgent::PayloadType(wanted), [first, second, ..]) => first >> 6 == 2 && second & 0x7f == wanted,
        (Urgent::PayloadType(_), _) => false,
    }
}
