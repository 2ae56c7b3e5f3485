//! Segments arriving (RFC 9293 §3.10.7, RFC 5961 on blind attacks).

use sofw_core::base::Instant;

use super::{Events, NEVER, Socket, Stage, TcpEvent};
use crate::tcp::segment::Head;

/// What the stack shall do beyond what the socket did itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tcp) enum Verdict {
    Done,
    /// Answer `head` by RST.
    Refuse,
    /// The pair is free again: treat `head` as if the socket were not there.
    Reuse,
}

impl Socket {
    pub fn arrive(&mut self, now: Instant, head: &Head, payload: &[u8], events: &mut Events) -> Verdict {
        match self.stage {
            Stage::SynSent => self.arrive_syn_sent(now, head, events),
            Stage::TimeWait if head.flags.syn && !head.flags.rst => Verdict::Reuse,
            Stage::Gone => Verdict::Refuse,
            _ => self.arrive_open(now, head, payload, events),
        }
    }

    fn arrive_syn_sent(&mut self, now: Instant, head: &Head, events: &mut Events) -> Verdict {
        let acks_syn = head.ack == Some(self.wire(1)) && self.send.nxt == 1;
        if head.ack.is_some() && !acks_syn {
            return if head.flags.rst { Verdict::Done } else { Verdict::Refuse };
        }
        if head.flags.rst {
            if acks_syn {
                self.finish(events, TcpEvent::Refused(self.id));
            }
            return Verdict::Done;
        }
        // A SYN without ACK would be a simultaneous open; nothing in this world does that.
        if !head.flags.syn || !acks_syn {
            return Verdict::Done;
        }
        self.receive.open(head.seq);
        self.negotiate(head);
        self.send.window_from = 0;
        self.establish(now);
        self.receive.urgent = true;
        events.push_back(TcpEvent::Connected(self.id));
        self.acknowledge(now, 1, head, events);
        Verdict::Done
    }

    fn arrive_open(&mut self, now: Instant, head: &Head, payload: &[u8], events: &mut Events) -> Verdict {
        let seq = self.unwrap_receive(head.seq);
        if head.flags.rst {
            self.arrive_reset(seq, events);
            return Verdict::Done;
        }
        if head.flags.syn {
            if self.stage == Stage::SynReceived && seq == Some(0) {
                self.syn_due = true;
            } else {
                self.receive.urgent = true;
            }
            return Verdict::Done;
        }
        let Some(seq) = seq else { return Verdict::Done };
        let span = u64::from(head.span(payload.len()));
        self.heard = now;
        if seq > self.receive.edge.max(self.receive.nxt)
            || (seq + span < self.receive.nxt)
            || (span == 0 && seq < self.receive.nxt)
        {
            // Out of the window, or a probe: say where we are.
            self.receive.repeat(seq, (seq + payload.len() as u64).min(self.receive.nxt));
            if seq > self.receive.nxt {
                return Verdict::Done;
            }
        }
        if let Some((value, _)) = head.options.timestamps
            && seq <= self.receive.acked.max(1)
        {
            self.receive.echo = value;
        }
        let Some(ack) = head.ack.and_then(|ack| self.unwrap_send(ack)) else {
            self.receive.urgent = true;
            return Verdict::Done;
        };
        if self.stage == Stage::SynReceived {
            if ack < 1 {
                return Verdict::Refuse;
            }
            self.establish(now);
            if let Some(listener) = self.listener {
                events.push_back(TcpEvent::Accepted { listener, id: self.id, peer: self.pair.remote });
            }
        }
        self.acknowledge(now, ack, head, events);
        if self.stage == Stage::Gone {
            return Verdict::Done;
        }
        self.arrive_data(now, seq, head, payload, events)
    }

    fn arrive_data(
        &mut self,
        now: Instant,
        seq: u64,
        head: &Head,
        payload: &[u8],
        events: &mut Events,
    ) -> Verdict {
        if payload.is_empty() && !head.flags.fin {
            return Verdict::Done;
        }
        if self.orphan && !payload.is_empty() && seq + payload.len() as u64 > self.receive.nxt {
            // RFC 9293 §3.6: nobody will ever read this.
            self.finish(events, TcpEvent::Closed(self.id));
            return Verdict::Refuse;
        }
        if !payload.is_empty() {
            let rto = self.rtt.timeout();
            let readable = self.receive.take(now, seq, payload, head.flags.psh, rto);
            if readable > 0 && !self.announced {
                self.announced = true;
                events.push_back(TcpEvent::Readable(self.id));
            }
        }
        if head.flags.fin {
            let end = seq + payload.len() as u64;
            if self.receive.fin.is_none() && end >= self.receive.nxt {
                self.receive.fin = Some(end);
            }
            self.receive.owed = true;
        }
        if self.receive.fin.is_some() {
            self.arrive_fin(now, events);
        }
        if self.receive.owed && !self.receive.urgent && self.alarms.delayed_ack == NEVER {
            self.alarms.delayed_ack = now + self.config.delayed_ack;
        }
        Verdict::Done
    }

    fn arrive_fin(&mut self, now: Instant, events: &mut Events) {
        if self.receive.take_fin() {
            self.first_to_close = self.send.fin && !self.send.fin_due();
            if !self.orphan {
                events.push_back(TcpEvent::PeerClosed(self.id));
            }
            self.check_closed(now, events);
        } else if self.receive.finished() {
            // Its acknowledgement was lost.
            self.receive.urgent = true;
            if self.stage == Stage::TimeWait {
                self.alarms.linger = now + self.config.time_wait;
            }
        }
    }

    /// Ends the socket once both FINs are acknowledged.
    pub(in crate::tcp) fn check_closed(&mut self, now: Instant, events: &mut Events) {
        if self.stage != Stage::Open || !self.send.fin_done() {
            return;
        }
        self.send.records.clear();
        if !self.receive.finished() {
            if self.orphan && self.alarms.linger == NEVER {
                self.alarms.linger = now + self.config.fin_timeout;
            }
            return;
        }
        if self.first_to_close && self.config.time_wait.as_nanos() > 0 {
            if self.receive.unread() == 0 || self.orphan {
                events.push_back(TcpEvent::Closed(self.id));
                self.stage = Stage::TimeWait;
                self.alarms.resend = NEVER;
                self.alarms.keepalive = NEVER;
                self.alarms.linger = now + self.config.time_wait;
            }
        } else if self.receive.unread() == 0 || self.orphan {
            self.finish(events, TcpEvent::Closed(self.id));
        }
    }

    fn arrive_reset(&mut self, seq: Option<u64>, events: &mut Events) {
        let Some(seq) = seq else { return };
        if seq == self.receive.nxt {
            self.finish(events, TcpEvent::Reset(self.id));
        } else if seq > self.receive.nxt && seq <= self.receive.edge {
            // RFC 5961 §3.2: let the peer prove that it knows where we are.
            self.receive.urgent = true;
        }
    }

    fn establish(&mut self, now: Instant) {
        /// RFC 5681 §3.1: a SYN lost more than once leaves one segment.
        const SYN_LOSSES: u64 = 1;
        self.stage = Stage::Open;
        self.syn_due = false;
        if self.send.resent_ever > SYN_LOSSES {
            self.window.size = 1;
        }
        if let Some(keepalive) = self.config.keepalive {
            self.alarms.keepalive = now + keepalive.idle;
        }
    }

    /// A wire number near the next expected one; `None` if it lies before the SYN.
    fn unwrap_receive(&self, seq: u32) -> Option<u64> {
        unwrap(self.receive.nxt, self.receive.irs, seq)
    }

    /// A wire acknowledgement near `una`; `None` if it lies before the SYN.
    fn unwrap_send(&self, ack: u32) -> Option<u64> {
        unwrap(self.send.una, self.send.iss, ack)
    }
}

/// The 64-bit number that has wire form `wire` and lies within half a cycle of `near`.
fn unwrap(near: u64, initial: u32, wire: u32) -> Option<u64> {
    let delta = wire.wrapping_sub(initial.wrapping_add(near as u32)) as i32;
    near.checked_add_signed(i64::from(delta))
}
