//! Whatever HRAS says, in any order with what phones do: HRAC speaks only to whom the inside announced.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::*;
use crate::base::Duration;
use crate::config::limits::RELAY_PORT_RESERVE;
use crate::io::{Endpoint, Input, SocketId};
use crate::tunnel::{FlowId, Frame};

#[derive(Clone, Debug)]
enum Step {
    /// A phone speaks SIP and announces a media port.
    Phone(u8, u16),
    Datagram(SocketId, u8, u16, Vec<u8>),
    Stream(u64, Vec<u8>),
    /// HRAS calls a phone, and tells it of a relay port.
    Sip(u8, u16, bool, u16),
    Open(u32, u16, Option<(u8, u16)>),
    Close(u32),
    Voice(u32),
    NewSession,
    Wait(u64),
}

fn host(number: u8) -> String {
    format!("10.10.10.{}", 10 + number)
}

fn at(number: u8, port: u16) -> String {
    format!("{}:{port}", host(number))
}

/// Few values, so that what HRAS says is sometimes right.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0..4_u8;
    let media = (2_000..2_004_u16).prop_map(|port| port * 2);
    let relay_port = prop_oneof![29_998..30_012_u16, any::<u16>()];
    let flow = prop_oneof![0..8_u32, (0..4_u32).prop_map(|flow| flow * 2 + (1 << 14)), any::<u32>()];
    let bytes = prop::collection::vec(any::<u8>(), 0..64);
    let socket = prop_oneof![Just(SocketId::Sip(UDP)), relay_port.clone().prop_map(SocketId::Media)];
    let step = prop_oneof![
        3 => (number.clone(), media.clone()).prop_map(|(number, media)| Step::Phone(number, media)),
        2 => (socket, number.clone(), media.clone(), bytes.clone())
            .prop_map(|(socket, number, port, bytes)| Step::Datagram(socket, number, port, bytes)),
        1 => (0..3_u64, bytes).prop_map(|(conn, bytes)| Step::Stream(conn, bytes)),
        3 => (number.clone(), prop_oneof![3 => Just(5_060_u16), 1 => any::<u16>()], prop::bool::weighted(0.2), relay_port.clone())
            .prop_map(|(number, port, tcp, relay)| Step::Sip(number, port, tcp, relay)),
        5 => (flow.clone(), relay_port, prop::option::of((number, media)))
            .prop_map(|(flow, port, phone)| Step::Open(flow, port, phone)),
        1 => flow.clone().prop_map(Step::Close),
        4 => flow.prop_map(Step::Voice),
        1 => Just(Step::NewSession),
        1 => (1..20_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_hostile_hras_reaches_only_what_phones_announced(steps in steps()) {
        let mut world = World::new();
        let mut announced = BTreeSet::new();
        let mut spoke = BTreeSet::new();
        // Whom HRAS named for a relay port, and the hosts that it told of it.
        let mut named = BTreeSet::new();
        let mut told = BTreeSet::new();
        let mut accepted = 0;
        for step in steps {
            match step {
                Step::Phone(number, media) => {
                    world.udp(&at(number, 5_060), invite(&host(number), media).as_bytes());
                    spoke.insert(addr(&at(number, 5_060)));
                    announced.extend([addr(&at(number, media)), addr(&at(number, media + 1))]);
                }
                Step::Datagram(socket, number, port, bytes) => {
                    world.input(Input::Datagram { socket, from: addr(&at(number, port)), bytes: &bytes });
                }
                Step::Stream(conn, bytes) => {
                    while accepted <= conn {
                        world.accept(accepted, &at(9, 50_000 + accepted as u16));
                        accepted += 1;
                    }
                    world.input(Input::Received { conn: crate::io::ConnId::Accepted(conn), bytes: &bytes });
                }
                Step::Sip(number, port, is_tcp, relay) => {
                    let phone = at(number, port);
                    // RTCP of a relay port is the next one.
                    told.extend([relay, relay + 1].map(|port| (port, addr(&phone).ip())));
                    world.sip(if is_tcp { tcp(&phone) } else { udp(&phone) }, &invite("10.10.10.2", relay));
                }
                Step::Open(flow, port, phone) => {
                    let pair = |(number, media)| [0, 1].map(|n| (port + n, addr(&at(number, media + n))));
                    named.extend(phone.into_iter().flat_map(pair));
                    world.open_flow(flow, port, phone.map(|(number, port)| at(number, port)).as_deref());
                }
                Step::Close(flow) => world.frame(Frame::CloseFlow(FlowId(flow))),
                Step::Voice(flow) => {
                    if let crate::media::Forward::Socket { port, to } = world.voice(flow, b"voice") {
                        prop_assert!(announced.contains(&to), "media to {}", to);
                        let belongs = named.contains(&(port, to)) || told.contains(&(port, to.ip()));
                        prop_assert!(belongs, "{} is of no call on port {}", to, port);
                        prop_assert!((30_000..30_200).contains(&port));
                    }
                }
                Step::NewSession => world.start_session(),
                Step::Wait(seconds) => {
                    world.now += Duration::from_secs(seconds);
                    world.timeout();
                }
            }
            for (socket, to, _) in world.sent.drain(..) {
                prop_assert_eq!(socket, SocketId::Sip(UDP));
                prop_assert!(spoke.contains(&to), "SIP to {}", to);
            }
            for (_, to) in world.connecting.drain(..) {
                prop_assert!(matches!(to, Endpoint::Addr(to) if spoke.contains(&to)), "connects to {}", to);
            }
            let keeper = &world.hrac.flows.keeper;
            prop_assert!(keeper.ready().count() <= RELAY_PORT_RESERVE);
            prop_assert!(world.hrac.flows() <= keeper.in_use());
            prop_assert_eq!(world.hrac.flows(), world.hrac.flows.relay.len());
        }
    }
}
