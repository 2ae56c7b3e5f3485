use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::limits::{MEDIA_DATAGRAM_MAX, RELIABLE_PART_MAX, SIP_MESSAGE_MAX};

fn emitted(view: View<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    view.emit(&mut out);
    assert_eq!(out.len(), view.len());
    out
}

fn content(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    frame.emit_content(&mut out);
    out
}

#[test]
fn varints_take_their_shortest_form_and_no_other() {
    for (value, bytes) in [
        (0, &[0x00][..]),
        (1, &[0x01]),
        (0x7f, &[0x7f]),
        (0x80, &[0x80, 0x01]),
        (0x3fff, &[0xff, 0x7f]),
        (0x1f_ffff, &[0xff, 0xff, 0x7f]),
        (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    ] {
        let mut out = Vec::new();
        varint::emit(value, &mut out);
        assert_eq!(out, bytes);
        assert_eq!(varint::len(value), bytes.len());
        assert_eq!(varint::parse(bytes), Ok((value, &[][..])));
    }
    assert_eq!(varint::parse(&[0x80, 0x00]), Err(FrameError::BadVarint));
    assert_eq!(varint::parse(&[0xff; 9]), Err(FrameError::Truncated));
    assert_eq!(varint::parse(&[0xff; 11]), Err(FrameError::BadVarint));
    let above_64_bits = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    assert_eq!(varint::parse(&above_64_bits), Err(FrameError::BadVarint));
}

#[test]
fn p09_voice_frame_adds_at_most_eight_bytes() {
    let datagram = [0x5a; MEDIA_DATAGRAM_MAX];
    for len in [0, 1, 12, 172, MEDIA_DATAGRAM_MAX] {
        for flow in [0, 0x7f, 0x80, 0x3fff, 0x4000, FlowId::MAX] {
            let view = View::Voice {
                flow: FlowId(flow),
                sequence: 0xffff,
                urgent: len == 0,
                datagram: &datagram[..len],
            };
            assert!(emitted(view).len() <= len + VOICE_OVERHEAD_MAX);
        }
    }
    const { assert!(VOICE_OVERHEAD_MAX == 8) };
}

#[test]
fn golden_bytes_of_a_voice_frame() {
    let bytes =
        emitted(View::Voice { flow: FlowId(0x82), sequence: 0x0102, urgent: false, datagram: b"rtp" });
    assert_eq!(bytes, [0x01, 0x07, 0x82, 0x01, 0x01, 0x02, b'r', b't', b'p']);
}

#[test]
fn unknown_types_are_named() {
    assert_eq!(View::parse(&[0x77, 0x00]), Err(FrameError::UnknownType(0x77)));
}

#[test]
fn flow_ids_above_21_bits_are_refused() {
    // 0x200000 as a varint has four bytes.
    let voice = [0x01, 0x06, 0x80, 0x80, 0x80, 0x01, 0x00, 0x00];
    assert_eq!(View::parse(&voice), Err(FrameError::FlowIdRange));
    let close = [0x80, 0x80, 0x80, 0x01];
    assert_eq!(Frame::parse_content(Kind::CloseFlow, &close), Err(FrameError::FlowIdRange));
    assert_eq!(Frame::CloseFlow(FlowId(FlowId::MAX + 1)).check(), Err(FrameError::FlowIdRange));
    assert_eq!(Frame::CloseFlow(FlowId(FlowId::MAX)).check(), Ok(()));
}

#[test]
fn oversize_is_refused() {
    let voice =
        View::Voice { flow: FlowId(0), sequence: 0, urgent: false, datagram: &[0; MEDIA_DATAGRAM_MAX + 1] };
    assert_eq!(View::parse(&emitted(voice)), Err(FrameError::Oversize));
    let part = View::Reliable { kind: Kind::Part, sequence: 0, content: &[0; RELIABLE_PART_MAX + 1] };
    assert_eq!(View::parse(&emitted(part)), Err(FrameError::Oversize));
    let phone = RaHeader { transport: Transport::Udp, addr: "10.10.10.10:5060".parse().unwrap() };
    let sip = Frame::Sip { phone, message: vec![0; SIP_MESSAGE_MAX + 1].into() };
    assert_eq!(sip.check(), Err(FrameError::Oversize));
    assert_eq!(Frame::parse_content(Kind::Sip, &content(&sip)), Err(FrameError::Oversize));
    // A length that says more than any record holds is refused before the bytes have come.
    assert_eq!(View::parse(&[0x00, 0xff, 0xff, 0x7f]), Err(FrameError::Oversize));
}

#[test]
fn trailing_bytes_and_bad_values_are_refused() {
    assert_eq!(View::parse(&[0x02, 0x02, 0x01, 0x00]), Err(FrameError::TrailingBytes));
    assert_eq!(View::parse(&[0x06, 0x01, 0x00]), Err(FrameError::TrailingBytes));
    assert_eq!(View::parse(&[0x00, 0x01, 0x09]), Err(FrameError::BadValue("padding")));
    assert_eq!(Frame::parse_content(Kind::CloseFlow, &[1, 2]), Err(FrameError::TrailingBytes));
    assert_eq!(Frame::parse_content(Kind::PortsReady, &[1]), Err(FrameError::Truncated));
    assert_eq!(Frame::parse_content(Kind::Undelivered, &[2, 4]), Err(FrameError::BadValue("transport")));
    assert_eq!(Frame::parse_content(Kind::Undelivered, &[0, 5]), Err(FrameError::BadValue("address length")));
    assert_eq!(Frame::parse_content(Kind::OpenFlow, &[2, 0, 0, 0x0c]), Err(FrameError::BadValue("flags")));
    let payload_type = [2, 0, 0, 0x04, 0x80];
    assert_eq!(
        Frame::parse_content(Kind::OpenFlow, &payload_type),
        Err(FrameError::BadValue("payload type"))
    );
}

#[test]
fn every_cut_of_a_frame_is_an_error() {
    let phone = "10.10.10.10:4000".parse().unwrap();
    let open = Frame::OpenFlow {
        flow: FlowId(300),
        port: 30_000,
        phone: Some(phone),
        phone_rtcp: Some("[2001:db8::1]:4001".parse().unwrap()),
        urgent: Urgent::PayloadType(101),
    };
    let bytes = content(&open);
    for cut in 0..bytes.len() {
        assert_eq!(Frame::parse_content(Kind::OpenFlow, &bytes[..cut]), Err(FrameError::Truncated));
    }
    let view = emitted(View::Reliable { kind: Kind::OpenFlow, sequence: 200, content: &bytes });
    for cut in 0..view.len() {
        assert_eq!(View::parse(&view[..cut]), Err(FrameError::Truncated));
    }
}

fn any_addr() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn any_phone() -> impl Strategy<Value = RaHeader> {
    (any::<bool>(), any_addr()).prop_map(|(tcp, addr)| RaHeader {
        transport: if tcp { Transport::Tcp } else { Transport::Udp },
        addr,
    })
}

fn any_flow() -> impl Strategy<Value = FlowId> {
    (0..=FlowId::MAX).prop_map(FlowId)
}

fn any_urgent() -> impl Strategy<Value = Urgent> {
    prop_oneof![Just(Urgent::None), (0..128_u8).prop_map(Urgent::PayloadType), Just(Urgent::All)]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let addr = || proptest::option::of(any_addr());
    prop_oneof![
        (proptest::collection::vec(any_phone(), 0..5), any::<IpAddr>())
            .prop_map(|(sip, media)| Frame::Announce { sip, media }),
        proptest::collection::vec(any::<u16>(), 0..100).prop_map(Frame::PortsReady),
        (any_phone(), proptest::collection::vec(any::<u8>(), 0..3000))
            .prop_map(|(phone, message)| Frame::Sip { phone, message: message.into() }),
        any_phone().prop_map(|phone| Frame::Undelivered { phone }),
        (any_flow(), any::<u16>(), addr(), addr(), any_urgent()).prop_map(
            |(flow, port, phone, phone_rtcp, urgent)| Frame::OpenFlow {
                flow,
                port,
                phone,
                phone_rtcp,
                urgent
            }
        ),
        any_flow().prop_map(Frame::CloseFlow),
    ]
}

proptest! {
    #[test]
    fn contents_round_trip(frame in any_frame()) {
        prop_assert_eq!(frame.check(), Ok(()));
        prop_assert_eq!(Frame::parse_content(frame.kind(), &content(&frame)), Ok(frame));
    }

    #[test]
    fn views_round_trip(
        flow in any_flow(), sequence: u16, number: u64, micros: u64,
        datagram in proptest::collection::vec(any::<u8>(), 0..MEDIA_DATAGRAM_MAX),
    ) {
        let held = Duration::from_micros(micros);
        for view in [
            View::Pad(datagram.len()),
            View::Voice { flow, sequence, urgent: false, datagram: &datagram },
            View::Voice { flow, sequence, urgent: true, datagram: &datagram },
            View::Ping { number },
            View::Pong { number, held },
            View::Ack { next: number },
            View::Receipt { newest: number, age: held },
            View::GoAway,
            View::Sent { at: Duration::from_millis(number) },
            View::Reliable { kind: Kind::Sip, sequence: number, content: &datagram },
        ] {
            let mut bytes = emitted(view);
            bytes.push(0xee);
            prop_assert_eq!(View::parse(&bytes), Ok((view, &[0xee][..])));
        }
    }

    /// Whatever parses is emitted as the same bytes; nothing panics.
    #[test]
    fn arbitrary_bytes_parse_to_themselves_or_not_at_all(mut bytes: Vec<u8>, kind in 0..16_u8) {
        for first in [kind, 0x10 | kind] {
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            if let Ok((view, rest)) = View::parse(&bytes) {
                prop_assert_eq!(emitted(view), &bytes[..bytes.len() - rest.len()]);
                if let View::Reliable { kind, content: bytes, .. } = view {
                    if let Ok(frame) = Frame::parse_content(kind, bytes) {
                        prop_assert_eq!(content(&frame), bytes);
                    }
                }
            }
        }
    }
}
