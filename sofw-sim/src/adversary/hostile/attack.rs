//! What it tries.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::{Instant, Rng, SiteId, Transport};
use sofw_core::config::limits::MEDIA_DATAGRAM_MAX;
use sofw_core::tunnel::{FlowId, Frame, RaHeader, TunnelServer, Urgent};

use super::{KNOWN_MAX, Victim, words};

/// One kind of misuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attack {
    /// SIP to an inside address that never spoke.
    SipToStranger,
    /// A call to a phone whose description names another host.
    CallWithForeignMedia,
    /// A response to a request that nobody made.
    ResponseToNobody,
    /// Bytes that are no SIP, for a phone.
    NoSip,
    /// The longest message.
    LongSip,
    /// Media to an address that no phone announced.
    FlowToStranger,
    /// RTCP to such an address, RTP to a good one.
    RtcpToStranger,
    /// A relay port outside of those that HRAC offered, or an id that cannot be.
    FlowOutOfRange,
    /// A flow on a port or under an id that another has, and voice on both.
    FlowTwice,
    /// A flow to an announced address, as it should be, and voice.
    GoodFlow,
    /// The end of a flow that never began.
    CloseUnknown,
    /// Voice on flows that do not exist or are over.
    VoiceOnUnknown,
    /// Voice longer than any.
    LongVoice,
    /// Frames that only HRAC says.
    OtherDirection,
    /// A burst of frames and voice.
    Flood,
}

/// What an attack has at hand.
pub(super) struct Means<'a> {
    pub now: Instant,
    pub site: SiteId,
    pub rng: &'a mut Rng,
    pub tunnel: &'a mut TunnelServer,
}

impl Means<'_> {
    fn send(&mut self, frame: Frame) {
        self.tunnel.send(self.now, self.site, frame);
    }

    fn voice(&mut self, flow: FlowId, len: usize) {
        let mut bytes = vec![0x55; len.max(12)];
        bytes[..12].copy_from_slice(&[0x80, 0, 0, 1, 0, 0, 0, 1, 0xba, 0xdb, 0xad, 0xba]);
        self.tunnel.send_voice(self.now, self.site, flow, false, &bytes);
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.below(bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(from.len());
        from.get(at).copied()
    }

    /// Some host beside HRAC, or HRAC itself, or far away, at a port where something may listen.
    fn stranger(&mut self, victim: &Victim) -> SocketAddr {
        let port = self.pick(&PORTS).unwrap_or(80);
        let near = |last: u8| match victim.hrac {
            IpAddr::V4(addr) => {
                let [a, b, c, _] = addr.octets();
                IpAddr::from([a, b, c, last])
            }
            IpAddr::V6(addr) => {
                let mut octets = addr.octets();
                octets[15] = last;
                IpAddr::from(octets)
            }
        };
        let ip = match self.below(8) {
            0 => victim.hrac,
            1 if victim.hrac.is_ipv4() => IpAddr::from([127, 0, 0, 1]),
            2 if victim.hrac.is_ipv4() => IpAddr::from([10, 99, 0, 1]),
            _ => near(self.below(255) as u8),
        };
        SocketAddr::new(ip, port)
    }

    fn flow(&mut self) -> FlowId {
        FlowId(self.rng.below(u64::from(FlowId::MAX) + 1) as u32 & !1)
    }

    fn open(&mut self, victim: &mut Victim, flow: FlowId, port: u16, to: [Option<SocketAddr>; 2]) {
        let [phone, phone_rtcp] = to;
        self.send(Frame::OpenFlow { flow, port, phone, phone_rtcp, urgent: Urgent::None });
        victim.flows.push(flow);
        if victim.flows.len() > KNOWN_MAX {
            let oldest = victim.flows.remove(0);
            self.send(Frame::CloseFlow(oldest));
        }
    }
}

impl Attack {
    pub const ALL: [Attack; 15] = [
        Attack::SipToStranger,
        Attack::CallWithForeignMedia,
        Attack::ResponseToNobody,
        Attack::NoSip,
        Attack::LongSip,
        Attack::FlowToStranger,
        Attack::RtcpToStranger,
        Attack::FlowOutOfRange,
        Attack::FlowTwice,
        Attack::GoodFlow,
        Attack::CloseUnknown,
        Attack::VoiceOnUnknown,
        Attack::LongVoice,
        Attack::OtherDirection,
        Attack::Flood,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Attack::SipToStranger => "sip_to_stranger",
            Attack::CallWithForeignMedia => "call_with_foreign_media",
            Attack::ResponseToNobody => "response_to_nobody",
            Attack::NoSip => "no_sip",
            Attack::LongSip => "long_sip",
            Attack::FlowToStranger => "flow_to_stranger",
            Attack::RtcpToStranger => "rtcp_to_stranger",
            Attack::FlowOutOfRange => "flow_out_of_range",
            Attack::FlowTwice => "flow_twice",
            Attack::GoodFlow => "good_flow",
            Attack::CloseUnknown => "close_unknown",
            Attack::VoiceOnUnknown => "voice_on_unknown",
            Attack::LongVoice => "long_voice",
            Attack::OtherDirection => "other_direction",
            Attack::Flood => "flood",
        }
    }

    /// Does it, as far as what is known of the victim allows.
    pub fn carry_out(self, means: &mut Means<'_>, victim: &mut Victim) {
        match self {
            Attack::SipToStranger => {
                let transport = if means.below(4) == 0 { Transport::Tcp } else { Transport::Udp };
                let phone = RaHeader { transport, addr: means.stranger(victim) };
                let message = words::request(means.rng, "OPTIONS", phone, victim.hrac, "");
                means.send(Frame::Sip { phone, message: message.into() });
            }
            Attack::CallWithForeignMedia => self.call(means, victim),
            Attack::ResponseToNobody | Attack::NoSip | Attack::LongSip => self.talk(means, victim),
            Attack::CloseUnknown => {
                let flow = means.flow();
                means.send(Frame::CloseFlow(flow));
            }
            Attack::VoiceOnUnknown => {
                let unknown = means.flow();
                let old = means.pick(&victim.flows).map_or(unknown, |flow| FlowId(flow.0 ^ (1 << 14)));
                [unknown, old, unknown.rtcp()].into_iter().for_each(|flow| means.voice(flow, 172));
            }
            Attack::LongVoice => {
                let flow = means.flow();
                let flow = means.pick(&victim.flows).unwrap_or(flow);
                means.voice(flow, MEDIA_DATAGRAM_MAX + 1);
            }
            Attack::OtherDirection => {
                let addr = means.stranger(victim);
                let phone = RaHeader { transport: Transport::Udp, addr };
                means.send(Frame::Announce { sip: vec![phone], media: addr.ip() });
                means.send(Frame::PortsReady(vec![22, 80, addr.port()]));
                means.send(Frame::Undelivered { phone });
            }
            Attack::Flood => {
                let flow = means.flow();
                let phone = RaHeader { transport: Transport::Udp, addr: means.stranger(victim) };
                for _ in 0..FLOOD {
                    means.voice(flow, 172);
                    let message = words::request(means.rng, "MESSAGE", phone, victim.hrac, "");
                    means.send(Frame::Sip { phone, message: message.into() });
                }
            }
            Attack::FlowToStranger
            | Attack::RtcpToStranger
            | Attack::FlowOutOfRange
            | Attack::FlowTwice
            | Attack::GoodFlow => self.flow(means, victim),
        }
    }

    fn call(self, means: &mut Means<'_>, victim: &Victim) {
        let Some(phone) = means.pick(&victim.phones) else { return };
        let stranger = means.stranger(victim);
        let relay = means.pick(&victim.ports).map(|port| SocketAddr::new(victim.hrac, port));
        let media = if means.below(2) == 0 { relay.unwrap_or(stranger) } else { stranger };
        let body = words::offer(media);
        let message = words::request(means.rng, "INVITE", phone, victim.hrac, &body);
        means.send(Frame::Sip { phone, message: message.into() });
    }

    fn talk(self, means: &mut Means<'_>, victim: &Victim) {
        let Some(phone) = means.pick(&victim.phones) else { return };
        let message = match self {
            Attack::ResponseToNobody => words::response_to_nobody(means.rng, phone, victim.hrac),
            Attack::NoSip => b"GET / HTTP/1.1\r\nHost: intranet\r\n\r\n".to_vec(),
            // Rarely: it costs the line half a second.
            _ if means.below(10) != 0 => return,
            _ => words::request(means.rng, "MESSAGE", phone, victim.hrac, &"x".repeat(LONG)),
        };
        means.send(Frame::Sip { phone, message: message.into() });
    }

    fn flow(self, means: &mut Means<'_>, victim: &mut Victim) {
        let Some(port) = means.pick(&victim.ports) else { return };
        let good = means.pick(&victim.media.iter().copied().collect::<Vec<_>>());
        let (flow, stranger) = (means.flow(), means.stranger(victim));
        match self {
            Attack::FlowToStranger => means.open(victim, flow, port, [Some(stranger), Some(stranger)]),
            Attack::RtcpToStranger => means.open(victim, flow, port, [good, Some(stranger)]),
            Attack::FlowOutOfRange => {
                let port = means.pick(&[0, 22, 80, 5_060, 65_535, port + 1]).unwrap_or(0);
                let flow = if means.below(2) == 0 { flow.rtcp() } else { flow };
                means.open(victim, flow, port, [good.or(Some(stranger)), None]);
            }
            Attack::FlowTwice => {
                let other = means.flow();
                means.open(victim, flow, port, [good, None]);
                means.open(victim, other, port, [Some(stranger), None]);
                let same_index = FlowId(flow.0 ^ (1 << 14));
                means.open(victim, same_index, port, [Some(stranger), None]);
                [flow, other, same_index].into_iter().for_each(|flow| means.voice(flow, 172));
            }
            _ => means.open(victim, flow, port, [good, good]),
        }
        means.voice(flow, 172);
        means.voice(flow.rtcp(), 60);
    }
}

/// Where something may listen: SSH, web, SIP, a database, phones' media.
const PORTS: [u16; 9] = [22, 80, 443, 5_060, 5_432, 8_080, 4_000, 4_002, 20_000];
/// Frames and datagrams of a burst: below every bound of a session, above what a phone sees in a minute.
const FLOOD: usize = 100;
/// Body of a long message: with its head it still fits one datagram.
const LONG: usize = 60_000;
