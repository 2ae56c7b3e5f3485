//! One media line of one call: a tone or stamps out, everything that is heard in, with numbers and times.
//!
//! ```text
//! source (tone, stamps, keys) ─▶ MediaStream ─▶ pool ─▶ Output       packet ─▶ receiver ─▶ report, tone, key
//! ```

mod drive;
mod pool;
mod receiver;
mod report;
mod source;
mod stamp;

use std::collections::VecDeque;

use super::config::{PhoneConfig, Voice};
use super::g711;
use super::rtp::{RtpHeader, write_sender_report};
use super::sdp::{self, Direction, RemoteLine};
use super::tone::Tone;
use crate::base::{Duration, Instant, Rng};
use crate::io::{Output, SocketId};
pub(super) use pool::PacketPool;
use receiver::Receiver;
pub use report::MediaReport;
use source::{Keys, Source};
pub use stamp::{MediaKind, Stamp, call_hash};

/// The running stream.
#[derive(Debug)]
pub(super) struct MediaStream {
    pub report: MediaReport,
    format: Format,
    source: Source,
    ssrc: u32,
    sequence: u64,
    timestamp: u32,
    remote: Option<RemoteLine>,
    direction: Direction,
    muted: bool,
    /// The next packet begins a talk spurt.
    spurt_begins: bool,
    next_packet: Option<Instant>,
    next_report: Option<Instant>,
    octets: u32,
    keys: Keys,
    receiver: Receiver,
    limits: Limits,
    cname: String,
}

#[derive(Clone, Copy, Debug)]
struct Format {
    kind: MediaKind,
    /// Ticks of the RTP timestamp per second.
    clock_rate: u32,
    packet_time: Duration,
    packet_ticks: u32,
    payload_len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    samples: usize,
    log: usize,
    rtcp: bool,
    detect: bool,
}

/// What a received packet meant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Heard {
    Tone(Tone),
    Key(char),
}

/// Where packets go: sockets of the line, and the memory and queue of the phone.
pub(super) struct Outlet<'a> {
    pub rtp: SocketId,
    pub rtcp: SocketId,
    pub pool: &'a mut PacketPool,
    pub out: &'a mut VecDeque<Output>,
}

impl MediaStream {
    pub fn new(config: &PhoneConfig, rng: &mut Rng, call_id: &str, kind: MediaKind) -> Self {
        // RFC 3550 §5.1: random start; the upper half is left free, so that a short call never wraps.
        let sequence = rng.below(0x8000);
        let ssrc = rng.u32();
        let logs = config.voice == Voice::Tone && kind == MediaKind::Audio;
        MediaStream {
            report: MediaReport { sent_log: (ssrc, sequence, Vec::new()), ..MediaReport::default() },
            format: Format::new(config, kind),
            source: Source::new(config, call_id, kind),
            ssrc,
            sequence,
            timestamp: rng.u32(),
            remote: None,
            direction: Direction::BOTH,
            muted: false,
            spurt_begins: true,
            next_packet: None,
            next_report: None,
            octets: 0,
            keys: Keys::default(),
            receiver: Receiver::default(),
            limits: Limits {
                samples: if logs { (config.record_max.as_millis() as usize).saturating_mul(8) } else { 0 },
                log: if logs { config.packet_log_max } else { 0 },
                rtcp: config.rtcp,
                detect: logs && config.detect_tone,
            },
            cname: format!("{}@{}", config.user, config.addr),
        }
    }

    /// What the other end said of this line, if it has it; `local` is what we said.
    pub fn set(&mut self, remote: Option<RemoteLine>, local: Direction) {
        self.remote = remote;
        if let Some(remote) = remote {
            self.direction = Direction {
                send: local.send && remote.direction.receive,
                receive: local.receive && remote.direction.send,
            };
        } else {
            self.stop();
        }
    }

    /// Talks from now on, if the other end has the line.
    pub fn start(&mut self, now: Instant) {
        if self.remote.is_none() {
            return;
        }
        self.next_packet.get_or_insert(now);
        if self.limits.rtcp {
            self.next_report.get_or_insert(now + REPORT_TIME);
        }
    }

    pub fn stop(&mut self) {
        self.next_packet = None;
        self.next_report = None;
    }

    /// Whether packets are kept back. Their times pass all the same.
    pub fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    pub fn press(&mut self, event: u8) {
        self.keys.press(event);
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        match (self.next_packet, self.next_report) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub fn handle_timeout(&mut self, now: Instant, outlet: Outlet<'_>) {
        let mut count = 0;
        while let Some(due) = self.next_packet.filter(|&due| due <= now) {
            self.next_packet = Some(due + self.format.packet_time);
            count += 1;
            let timestamp = self.timestamp;
            self.timestamp = timestamp.wrapping_add(self.format.packet_ticks);
            if count <= CATCH_UP_MAX {
                self.send_packet(now, timestamp, outlet.rtp, outlet.pool, outlet.out);
            }
        }
        if self.next_report.is_some_and(|due| due <= now) {
            self.next_report = Some(now + REPORT_TIME);
            self.send_report(now, outlet);
        }
    }

    fn send_packet(
        &mut self,
        now: Instant,
        timestamp: u32,
        socket: SocketId,
        pool: &mut PacketPool,
        out: &mut VecDeque<Output>,
    ) {
        let Some(remote) = self.remote.filter(|_| self.direction.send) else {
            return;
        };
        if self.muted {
            self.spurt_begins = true;
            return;
        }
        let mut header = RtpHeader {
            marker: core::mem::take(&mut self.spurt_begins),
            payload_type: remote.payload_type,
            sequence: self.sequence as u16,
            timestamp,
            ssrc: self.ssrc,
        };
        let key = remote
            .telephone_event
            .and_then(|kind| Some((kind, self.keys.next_packet(timestamp, self.format.packet_ticks)?)));
        let payload_len = key.as_ref().map_or(self.format.payload_len, |(_, key)| key.payload.len());
        let payload = pool.packet(RtpHeader::LEN + payload_len, |packet| match key {
            Some((payload_type, key)) => {
                header.payload_type = payload_type;
                header.marker = key.first;
                header.timestamp = key.timestamp;
                packet.extend_from_slice(&header.encode());
                packet.extend_from_slice(&key.payload);
            }
            None => {
                packet.extend_from_slice(&header.encode());
                self.source.write(now, self.report.sent, payload_len, packet);
            }
        });
        out.push_back(Output::Send { socket, to: remote.rtp, payload });
        self.sequence += 1;
        self.report.sent += 1;
        self.octets = self.octets.wrapping_add(payload_len as u32);
        if self.report.sent_log.2.len() < self.limits.log {
            self.report.sent_log.2.push(now);
        }
    }

    fn send_report(&mut self, now: Instant, outlet: Outlet<'_>) {
        let Some(remote) = self.remote else {
            return;
        };
        let ntp = ((u128::from(now.as_nanos()) << 32) / 1_000_000_000) as u64;
        let packets = self.report.sent as u32;
        let payload = outlet.pool.packet(REPORT_MAX, |out| {
            write_sender_report(out, self.ssrc, ntp, self.timestamp, packets, self.octets, &self.cname);
        });
        self.report.rtcp[0] += 1;
        outlet.out.push_back(Output::Send { socket: outlet.rtcp, to: remote.rtcp, payload });
    }

    pub fn handle_rtcp(&mut self) {
        self.report.rtcp[1] += 1;
    }

    pub fn handle_rtp(&mut self, now: Instant, bytes: &[u8]) -> Option<Heard> {
        let (header, payload) = RtpHeader::parse(bytes)?;
        let rate = self.format.clock_rate;
        if !self.receiver.take(now, &header, rate, &self.limits, &mut self.report)
            || self.format.kind == MediaKind::Video
        {
            return None;
        }
        if header.payload_type == sdp::PCMU {
            self.receiver.hear(&header, payload, &self.limits, &mut self.report)
        } else if self.remote.is_some_and(|r| r.telephone_event == Some(header.payload_type))
            || header.payload_type == sdp::TELEPHONE_EVENT
        {
            self.receiver.key(&header, payload)
        } else {
            None
        }
    }
}

impl Format {
    fn new(config: &PhoneConfig, kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => {
                // One byte per sample, eight samples per millisecond.
                let millis = config.ptime_ms.max(1);
                let samples = u32::from(millis) * g711::SAMPLE_RATE / 1_000;
                Format {
                    kind,
                    clock_rate: g711::SAMPLE_RATE,
                    packet_time: Duration::from_millis(millis.into()),
                    packet_ticks: samples,
                    payload_len: samples as usize,
                }
            }
            MediaKind::Video => Format {
                kind,
                clock_rate: sdp::VIDEO_CLOCK_RATE,
                packet_time: VIDEO_PACKET_TIME,
                packet_ticks: sdp::VIDEO_CLOCK_RATE / 1_000 * VIDEO_PACKET_TIME.as_millis() as u32,
                payload_len: VIDEO_PAYLOAD_LEN,
            },
        }
    }
}

const REPORT_TIME: Duration = Duration::from_secs(5);
/// Longest sender report with its CNAME: 28 bytes, a head, an SSRC and 255 bytes of name.
const REPORT_MAX: usize = 300;
/// Packets caught up after the driver slept too long; older ones are skipped.
const CATCH_UP_MAX: u32 = 5;
/// 25 frames per second, one packet each.
const VIDEO_PACKET_TIME: Duration = Duration::from_millis(40);
/// With the RTP header 1000 bytes.
const VIDEO_PAYLOAD_LEN: usize = 1_000 - RtpHeader::LEN;
