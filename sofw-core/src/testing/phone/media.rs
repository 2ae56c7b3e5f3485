//! The audio of one call: a tone out, everything that is heard in, with numbers and times.

use core::net::SocketAddr;
use std::collections::VecDeque;

use super::config::PhoneConfig;
use super::g711;
use super::rtp::{RtpHeader, TelephoneEvent, sender_report};
use super::sdp::{self, Direction, Remote};
use super::tone::{Tone, ToneGenerator};
use crate::base::{Duration, Instant, Rng};

/// What was sent and heard in one call. Two reports of one call, with one clock, give the one-way delays.
#[derive(Clone, Debug, Default)]
pub struct MediaReport {
    /// RTP packets sent.
    pub sent: u64,
    /// Different RTP packets received.
    pub received: u64,
    /// Packets received twice.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Packets that never came, by gaps in the sequence numbers.
    pub lost: u64,
    /// RTCP packets sent and received.
    pub rtcp: [u64; 2],
    /// Interarrival jitter (RFC 3550 §6.4.1), as of the last packet.
    pub jitter: Duration,
    /// What was heard, from the first packet on, 16-bit at 8000 samples per second; lost packets are silence.
    pub heard: Vec<i16>,
    /// When the first packet came.
    pub heard_from: Option<Instant>,
    /// SSRC and packet numbers sent, with the time of each: `sent_log[n]` is number `first + n`.
    pub sent_log: (u32, u64, Vec<Instant>),
    /// SSRC received last, and number and time of each packet.
    pub received_log: (u32, Vec<(u64, Instant)>),
}

impl MediaReport {
    /// The tone heard in the whole call, if there is one.
    pub fn tone(&self) -> Option<Tone> {
        // Ringing, hold and the cut at the end do not belong to the tone: a second from the middle is enough.
        let middle = self.heard.len() / 2;
        let half = (g711::SAMPLE_RATE as usize / 2).min(middle);
        Tone::strongest(&self.heard[middle - half..middle + half])
    }

    /// One-way delays of the packets that `self` sent and `receiver` got, in order of arrival. Both phones must have
    /// had the same clock.
    pub fn delays_to(&self, receiver: &MediaReport) -> Vec<Duration> {
        let (ssrc, first, times) = &self.sent_log;
        if receiver.received_log.0 != *ssrc {
            return Vec::new();
        }
        let sent_at = |number: u64| times.get(usize::try_from(number.checked_sub(*first)?).ok()?);
        receiver.received_log.1.iter().filter_map(|&(number, at)| Some(at.since(*sent_at(number)?))).collect()
    }
}

/// The running stream.
#[derive(Debug)]
pub(super) struct MediaStream {
    pub report: MediaReport,
    ssrc: u32,
    sequence: u64,
    timestamp: u32,
    tone: ToneGenerator,
    remote: Option<Remote>,
    direction: Direction,
    next_packet: Option<Instant>,
    next_report: Option<Instant>,
    octets: u32,
    keys: VecDeque<KeyPress>,
    receiver: Receiver,
    limits: Limits,
    cname: String,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    samples: usize,
    log: usize,
    rtcp: bool,
    detect: bool,
}

#[derive(Debug)]
struct KeyPress {
    event: u8,
    started_at: Option<u32>,
    ends_sent: u8,
}

#[derive(Debug, Default)]
struct Receiver {
    ssrc: Option<u32>,
    highest: u64,
    base: u64,
    /// Bit n: packet `highest - n` came.
    window: u64,
    first_timestamp: u32,
    transit: Option<i64>,
    jitter: f64,
    last_event: Option<u32>,
    tone_sought: usize,
    tone_found: bool,
}

/// What a received packet meant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Heard {
    Tone(Tone),
    Key(char),
}

/// A datagram to send.
#[derive(Debug)]
pub(super) enum ToSend {
    Rtp(SocketAddr, Vec<u8>),
    Rtcp(SocketAddr, Vec<u8>),
}

const PACKET_TIME: Duration = Duration::from_millis(20);
const PACKET_SAMPLES: u32 = 160;
const REPORT_TIME: Duration = Duration::from_secs(5);
/// RFC 4733 §2.5.1.4: the last packet of an event is sent three times.
const KEY_ENDS: u8 = 3;
/// How long a key is held: 100 ms.
const KEY_SAMPLES: u32 = 800;
/// Packets caught up after the driver slept too long; older ones are skipped.
const CATCH_UP_MAX: u32 = 5;

impl MediaStream {
    pub fn new(config: &PhoneConfig, rng: &mut Rng) -> Self {
        // RFC 3550 §5.1: random start; the upper half is left free, so that a short call never wraps.
        let sequence = rng.below(0x8000);
        let ssrc = rng.u32();
        MediaStream {
            report: MediaReport { sent_log: (ssrc, sequence, Vec::new()), ..MediaReport::default() },
            ssrc,
            sequence,
            timestamp: rng.u32(),
            tone: ToneGenerator::new(config.tone_hz, config.tone_dbfs),
            remote: None,
            direction: Direction::BOTH,
            next_packet: None,
            next_report: None,
            octets: 0,
            keys: VecDeque::new(),
            receiver: Receiver::default(),
            limits: Limits {
                samples: (config.record_max.as_millis() as usize).saturating_mul(8),
                log: config.packet_log_max,
                rtcp: config.rtcp,
                detect: config.detect_tone,
            },
            cname: format!("{}@{}", config.user, config.addr),
        }
    }

    /// What the other end said; `local` is what we said.
    pub fn set(&mut self, remote: Remote, local: Direction) {
        self.remote = Some(remote);
        self.direction = Direction {
            send: local.send && remote.direction.receive,
            receive: local.receive && remote.direction.send,
        };
    }

    /// Talks from now on.
    pub fn start(&mut self, now: Instant) {
        self.next_packet.get_or_insert(now);
        if self.limits.rtcp {
            self.next_report.get_or_insert(now + REPORT_TIME);
        }
    }

    pub fn stop(&mut self) {
        self.next_packet = None;
        self.next_report = None;
    }

    pub fn press(&mut self, event: u8) {
        self.keys.push_back(KeyPress { event, started_at: None, ends_sent: 0 });
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        match (self.next_packet, self.next_report) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<ToSend>) {
        let mut count = 0;
        while let Some(due) = self.next_packet.filter(|&due| due <= now) {
            self.next_packet = Some(due + PACKET_TIME);
            count += 1;
            if count > CATCH_UP_MAX {
                self.timestamp = self.timestamp.wrapping_add(PACKET_SAMPLES);
                continue;
            }
            if let Some(packet) = self.packet(now) {
                out.push(packet);
            }
        }
        if self.next_report.is_some_and(|due| due <= now) {
            self.next_report = Some(now + REPORT_TIME);
            if let Some(remote) = self.remote {
                let ntp = (u128::from(now.as_nanos()) << 32) / 1_000_000_000;
                let packets = self.report.sent as u32;
                let report =
                    sender_report(self.ssrc, ntp as u64, self.timestamp, packets, self.octets, &self.cname);
                self.report.rtcp[0] += 1;
                out.push(ToSend::Rtcp(remote.rtcp, report));
            }
        }
    }

    fn packet(&mut self, now: Instant) -> Option<ToSend> {
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(PACKET_SAMPLES);
        let remote = self.remote.filter(|_| self.direction.send)?;
        let mut header = RtpHeader {
            marker: self.report.sent == 0,
            payload_type: sdp::PCMU,
            sequence: self.sequence as u16,
            timestamp,
            ssrc: self.ssrc,
        };
        let payload = match (self.keys.front_mut(), remote.telephone_event) {
            (Some(key), Some(payload_type)) => {
                header.payload_type = payload_type;
                header.marker = key.started_at.is_none();
                // RFC 4733 §2.2: all packets of an event carry the time of its begin.
                let begin = *key.started_at.get_or_insert(timestamp);
                header.timestamp = begin;
                let elapsed = timestamp.wrapping_sub(begin).wrapping_add(PACKET_SAMPLES);
                let end = elapsed >= KEY_SAMPLES;
                let duration = elapsed.min(KEY_SAMPLES) as u16;
                let payload = TelephoneEvent { event: key.event, end, duration }.encode().to_vec();
                key.ends_sent += u8::from(end);
                if key.ends_sent == KEY_ENDS {
                    self.keys.pop_front();
                }
                payload
            }
            _ => (0..PACKET_SAMPLES).map(|_| g711::encode(self.tone.next_sample())).collect(),
        };
        self.sequence += 1;
        self.report.sent += 1;
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        if self.report.sent_log.2.len() < self.limits.log {
            self.report.sent_log.2.push(now);
        }
        Some(ToSend::Rtp(remote.rtp, header.packet(&payload)))
    }

    pub fn handle_rtcp(&mut self) {
        self.report.rtcp[1] += 1;
    }

    pub fn handle_rtp(&mut self, now: Instant, bytes: &[u8]) -> Option<Heard> {
        let (header, payload) = RtpHeader::parse(bytes)?;
        let number = self.receiver.number(&header, &mut self.report)?;
        self.receiver.measure_jitter(now, &header);
        self.report.jitter = Duration::from_secs_f64(self.receiver.jitter / f64::from(g711::SAMPLE_RATE));
        let log = &mut self.report.received_log;
        if log.0 != header.ssrc {
            *log = (header.ssrc, Vec::new());
        }
        if log.1.len() < self.limits.log {
            log.1.push((number, now));
        }
        self.report.heard_from.get_or_insert(now);
        if header.payload_type == sdp::PCMU {
            self.hear(&header, payload)
        } else if self.remote.is_some_and(|r| r.telephone_event == Some(header.payload_type))
            || header.payload_type == sdp::TELEPHONE_EVENT
        {
            let event = TelephoneEvent::parse(payload)?;
            let fresh = self.receiver.last_event != Some(header.timestamp);
            self.receiver.last_event = Some(header.timestamp);
            event.key().filter(|_| fresh).map(Heard::Key)
        } else {
            None
        }
    }

    fn hear(&mut self, header: &RtpHeader, payload: &[u8]) -> Option<Heard> {
        let at = header.timestamp.wrapping_sub(self.receiver.first_timestamp) as usize;
        let end = at.checked_add(payload.len()).filter(|&end| end <= self.limits.samples)?;
        let heard = &mut self.report.heard;
        if heard.len() < end {
            heard.resize(end, 0);
        }
        for (sample, &byte) in heard[at..end].iter_mut().zip(payload) {
            *sample = g711::decode(byte);
        }
        const LOOK: usize = g711::SAMPLE_RATE as usize / 2;
        let receiver = &mut self.receiver;
        if !self.limits.detect || receiver.tone_found || heard.len() < receiver.tone_sought + LOOK {
            return None;
        }
        receiver.tone_sought = heard.len();
        let tone = Tone::strongest(&heard[heard.len() - LOOK..])?;
        receiver.tone_found = true;
        Some(Heard::Tone(tone))
    }
}

impl Receiver {
    /// The packet's extended number; `None` for a duplicate.
    fn number(&mut self, header: &RtpHeader, report: &mut MediaReport) -> Option<u64> {
        if self.ssrc != Some(header.ssrc) {
            // A new source starts anew; what the former one lost stays counted.
            let number = u64::from(header.sequence);
            *self = Receiver {
                ssrc: Some(header.ssrc),
                highest: number,
                base: number,
                window: 1,
                first_timestamp: header.timestamp,
                ..Receiver::default()
            };
            report.received += 1;
            return Some(number);
        }
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        if ahead < 0x8000 && ahead > 0 {
            let ahead = u64::from(ahead);
            self.highest += ahead;
            self.window = if ahead < 64 { (self.window << ahead) | 1 } else { 1 };
            report.received += 1;
            report.lost += ahead - 1;
            return Some(self.highest);
        }
        let behind = u64::from((self.highest as u16).wrapping_sub(header.sequence));
        let bit = 1u64.checked_shl(behind as u32).unwrap_or(0);
        if bit == 0 || self.window & bit != 0 {
            report.duplicates += 1;
            return None;
        }
        let number = self.highest.checked_sub(behind)?;
        self.window |= bit;
        report.received += 1;
        report.reordered += 1;
        // Before the first packet nothing was counted as lost.
        if number > self.base {
            report.lost = report.lost.saturating_sub(1);
        }
        Some(number)
    }

    /// RFC 3550 §6.4.1, in samples.
    fn measure_jitter(&mut self, now: Instant, header: &RtpHeader) {
        let arrival = u128::from(now.as_nanos()) * u128::from(g711::SAMPLE_RATE) / 1_000_000_000;
        let transit = i64::from((arrival as u32).wrapping_sub(header.timestamp) as i32);
        if let Some(former) = self.transit.replace(transit) {
            let difference = (transit - former).unsigned_abs() as f64;
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }
}
