//! Building the next segment, if one may leave.

use sofw_core::base::{Duration, Instant};

use super::{NEVER, Purpose, Socket, Stage};
use crate::tcp::congestion::Control;
use crate::tcp::recovery::{Phase, Probe};
use crate::tcp::segment::{Flags, Head, Options};

impl Socket {
    /// Whether asking for a segment may give one.
    pub fn has_output(&self) -> bool {
        if self.receive.urgent || self.syn_due || self.tail_due || self.probe_due {
            return true;
        }
        let some = self.send.lost > self.send.resent || self.send.unsent() > 0 || self.send.fin_due();
        some && self.stage == Stage::Open && self.alarms.pacing == NEVER
    }

    /// The next segment; its payload is appended.
    pub fn segment(&mut self, now: Instant, payload: &mut Vec<u8>) -> Option<Head> {
        if self.syn_due {
            return Some(self.syn(now));
        }
        if matches!(self.stage, Stage::SynSent | Stage::SynReceived | Stage::Gone) {
            self.receive.urgent = false;
            return None;
        }
        if self.probe_due {
            self.probe_due = false;
            let room = (self.send.una + self.send.window).saturating_sub(self.send.nxt) as usize;
            if room > 0 && self.send.unsent() > 0 && self.send.records.is_empty() {
                let len = room.min(self.send.unsent()).min(self.send.full);
                return Some(self.fresh_of(now, len, payload));
            }
            return Some(self.head(now, self.send.una.saturating_sub(1)));
        }
        self.data(now, payload).or_else(|| {
            if !self.receive.urgent {
                return None;
            }
            Some(self.head(now, self.send.nxt))
        })
    }

    fn data(&mut self, now: Instant, payload: &mut Vec<u8>) -> Option<Head> {
        if self.stage != Stage::Open {
            return None;
        }
        if self.tail_due {
            self.tail_due = false;
            return self.tail_probe(now, payload);
        }
        if self.send.lost <= self.send.resent && self.send.unsent() == 0 && !self.send.fin_due() {
            return None;
        }
        if self.paced_until > now {
            self.alarms.pacing = self.paced_until;
            return None;
        }
        if self.send.records.is_empty() {
            self.restart_after_idle(now);
        }
        if self.send.in_flight() >= self.window.size {
            self.note_use(now, true);
            return None;
        }
        let head = match self.send.first_lost() {
            Some(index) => Some(self.again(now, index, payload)),
            None => self.fresh(now, payload),
        };
        if let (Some(_), Some(rate)) = (&head, self.control.pacing_rate()) {
            self.pace(now, rate, payload.len());
        }
        head
    }

    /// A segment never sent before.
    fn fresh(&mut self, now: Instant, payload: &mut Vec<u8>) -> Option<Head> {
        if !self.can_send_new() {
            self.check_persist(now);
            return None;
        }
        let len = self.send.unsent().min(self.send.full);
        Some(self.fresh_of(now, len, payload))
    }

    /// A new segment of `len` bytes, with the FIN if nothing is left behind it.
    pub(super) fn fresh_of(&mut self, now: Instant, len: usize, payload: &mut Vec<u8>) -> Head {
        let start = self.send.nxt;
        let end = start + len as u64;
        let last = end == self.send.end();
        let fin = last && self.send.fin;
        self.send.copy(start, end, payload);
        if len < self.send.full {
            self.send.small_end = end;
        }
        let first = self.send.records.is_empty();
        // Linux hands a burst down as one and sets PSH on it; a full segment alone has none.
        let in_burst = self.send.last_sent == now;
        self.send.record(now, end + u64::from(fin), fin);
        self.receive.spoke(now, self.config.delayed_ack);
        self.recovery.count_sent();
        let mut head = self.head(now, start);
        head.flags.fin = fin;
        if self.recovery.probe.is_some() || !self.arm_tail_probe(now) {
            let unset = self.alarms.resend == NEVER || self.alarms.is_persisting();
            if first || unset {
                self.alarms.resend = now + self.rto();
                self.alarms.purpose = Purpose::TimeOut;
            }
        }
        let full = self.send.in_flight() >= self.window.size;
        let ends = full || self.window_blocks();
        head.flags.psh = len > 0 && (last || (in_burst && ends));
        self.note_use(now, full);
        head
    }

    /// Record `index` once more.
    fn again(&mut self, now: Instant, index: usize, payload: &mut Vec<u8>) -> Head {
        let record = self.send.record_again(now, index);
        self.recovery.count_resent(Self::clock(now));
        self.send.copy(record.start, record.end, payload);
        let mut head = self.head(now, record.start);
        head.flags.psh = !payload.is_empty();
        head.flags.fin = self.send.fin && record.end > self.send.end();
        if index == 0 && self.recovery.phase == Phase::Recovery && self.alarms.purpose != Purpose::Reorder {
            self.alarms.resend = now + self.rto();
            self.alarms.purpose = Purpose::TimeOut;
        }
        head
    }

    /// RFC 8985 §7.3: new data if there is some, else the last segment again.
    fn tail_probe(&mut self, now: Instant, payload: &mut Vec<u8>) -> Option<Head> {
        let fresh = self.send.unsent() > 0 && self.can_send_new();
        let head = if fresh {
            let len = self.send.unsent().min(self.send.full);
            self.fresh_of(now, len, payload)
        } else {
            let last = self.send.records.len().checked_sub(1)?;
            self.again(now, last, payload)
        };
        self.recovery.probe = Some(Probe { high: self.send.nxt, again: !fresh });
        self.alarms.resend = now + self.rto();
        self.alarms.purpose = Purpose::TimeOut;
        Some(head)
    }

    fn syn(&mut self, now: Instant) -> Head {
        self.syn_due = false;
        let again = self.send.nxt > 0;
        if again {
            self.send.record_again(now, 0);
        } else {
            self.send.record(now, 1, true);
        }
        self.alarms.resend = now + self.rto();
        self.alarms.purpose = Purpose::TimeOut;
        let answer = self.stage == Stage::SynReceived;
        let mut head = self.head(now, 0);
        head.flags.syn = true;
        head.ack = head.ack.filter(|_| answer);
        // Before the peer's options are known, all of ours are offered.
        let scaled = !answer || self.receive.scale > 0 || self.send.scale > 0;
        head.options.mss = Some(self.config.mss);
        head.options.window_scale = scaled.then_some(self.receive.scale);
        head.options.sack_permitted = self.sack;
        head.window = self.receive.window(true);
        head
    }

    /// A header at `seq` with all that every segment says.
    fn head(&mut self, now: Instant, seq: u64) -> Head {
        let window = self.receive.window(false);
        let sack = if self.sack && self.receive.has_blocks() { self.receive.blocks() } else { [None; 3] };
        let ack = self.receive.irs.wrapping_add(self.receive.nxt as u32);
        self.receive.answered();
        self.alarms.delayed_ack = NEVER;
        Head {
            src: self.pair.local,
            dst: self.pair.remote,
            seq: self.wire(seq),
            ack: Some(ack),
            flags: Flags::default(),
            window,
            options: Options {
                sack,
                timestamps: self.timestamps.then_some((Self::clock(now), self.receive.echo)),
                ..Options::default()
            },
        }
    }

    /// Whether the peer's window and Nagle's rule let the next new segment go.
    pub(super) fn can_send_new(&self) -> bool {
        let len = self.send.unsent().min(self.send.full);
        if len == 0 {
            return self.send.fin_due();
        }
        if self.send.nxt + len as u64 > self.send.una + self.send.window {
            return false;
        }
        let small = len < self.send.full && !self.send.fin;
        self.config.nodelay || !small || self.send.small_end <= self.send.una
    }

    /// Whether it is the peer's window that stops us.
    pub(super) fn window_blocks(&self) -> bool {
        let len = self.send.unsent().min(self.send.full) as u64;
        self.send.nxt + len > self.send.una + self.send.window
    }

    /// After idle time-outs the window proves nothing any more (RFC 9293 §3.8.2).
    fn restart_after_idle(&mut self, now: Instant) {
        let idle = now.since(self.send.last_sent);
        self.control.on_restart(idle, self.send.app_limited > 0);
        let timeout = self.rtt.timeout();
        if idle > timeout && matches!(self.control, Control::Cubic(_)) {
            self.window.restart(now, idle, timeout);
        }
    }

    fn pace(&mut self, now: Instant, rate: f64, len: usize) {
        /// IP and TCP headers, as the rate is that of packets.
        const HEADERS: usize = 52;
        let gap = (len + HEADERS) as f64 / rate;
        self.paced_until = now + Duration::from_nanos((gap * 1e9) as u64);
    }
}
