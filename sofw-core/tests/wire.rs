//! docs/WIRE.md against the encoder and decoder: every example in it is made and read here, so it cannot rot.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;
use sofw_core::base::{Payload, Rng, SiteId, Transport};
use sofw_core::config::SiteKey;
use sofw_core::tunnel::frame::{FlowId, Frame, Kind, RaHeader, Urgent, View};
use sofw_core::tunnel::seal::{SiteHint, answer_hello, hello};

const DOCUMENT: &str = include_str!("../../docs/WIRE.md");

/// The bytes of every block tagged ```` ```hex name ````, without the comments.
fn examples() -> BTreeMap<&'static str, Vec<u8>> {
    let mut examples = BTreeMap::new();
    let mut open = None;
    for line in DOCUMENT.lines() {
        if let Some(name) = line.strip_prefix("```hex ") {
            assert!(examples.insert(name, Vec::new()).is_none(), "{name} twice");
            open = Some(name);
        } else if line.starts_with("```") {
            open = None;
        } else if let Some(name) = open {
            let digits: String =
                line.split('#').next().unwrap().chars().filter(|c| !c.is_whitespace()).collect();
            for at in (0..digits.len()).step_by(2) {
                let byte = u8::from_str_radix(&digits[at..at + 2], 16).expect("two hex digits");
                examples.get_mut(name).unwrap().push(byte);
            }
        }
    }
    examples
}

/// What the encoder makes, under the names that the document uses.
fn expected() -> BTreeMap<&'static str, Vec<u8>> {
    let mut expected = BTreeMap::new();
    for (name, sequence, frame) in frames() {
        let mut content = Vec::new();
        frame.emit_content(&mut content);
        expected.insert(name, bytes(View::Reliable { kind: frame.kind(), sequence, content: &content }));
    }
    for (name, view) in views() {
        expected.insert(name, bytes(view));
    }
    expected.extend(sealed());
    expected
}

fn bytes(view: View<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    view.emit(&mut out);
    out
}

fn phone() -> RaHeader {
    RaHeader { transport: Transport::Udp, addr: "10.10.10.10:5060".parse().unwrap() }
}

fn frames() -> Vec<(&'static str, u64, Frame)> {
    let tcp = RaHeader { transport: Transport::Tcp, addr: "10.10.10.2:5060".parse().unwrap() };
    let udp = RaHeader { transport: Transport::Udp, ..tcp };
    let message = Payload::from(b"BYE sip:UA2@203.0.113.20 SIP/2.0\r\n".to_vec());
    vec![
        ("frame:announce", 0, Frame::Announce { sip: vec![udp, tcp], media: "10.10.10.2".parse().unwrap() }),
        ("frame:ports-ready", 1, Frame::PortsReady(vec![30_000, 30_002])),
        ("frame:sip", 2, Frame::Sip { phone: phone(), message }),
        ("frame:undelivered", 3, Frame::Undelivered { phone: phone() }),
        (
            "frame:open-flow",
            300,
            Frame::OpenFlow {
                flow: FlowId(130),
                port: 30_000,
                phone: Some("10.10.10.10:4000".parse().unwrap()),
                phone_rtcp: Some("10.10.10.10:4001".parse().unwrap()),
                urgent: Urgent::PayloadType(101),
            },
        ),
        (
            "frame:open-flow-ipv6-fax",
            301,
            Frame::OpenFlow {
                flow: FlowId(132),
                port: 30_002,
                phone: Some("[2001:db8::10]:4002".parse().unwrap()),
                phone_rtcp: None,
                urgent: Urgent::All,
            },
        ),
        ("frame:close-flow", 302, Frame::CloseFlow(FlowId(130))),
    ]
}

fn views() -> Vec<(&'static str, View<'static>)> {
    vec![
        ("frame:pad", View::Pad(3)),
        ("frame:voice", View::Voice { flow: FlowId(130), sequence: 7, urgent: false, datagram: b"\x80\x08" }),
        (
            "frame:urgent-voice",
            View::Voice { flow: FlowId(130), sequence: 8, urgent: true, datagram: b"\x80\x65" },
        ),
        ("frame:ping", View::Ping { number: 1 }),
        ("frame:pong", View::Pong { number: 1, held: Duration::from_micros(300) }),
        ("frame:ack", View::Ack { next: 303 }),
        ("frame:receipt", View::Receipt { newest: 4_711, age: Duration::from_millis(20) }),
        ("frame:go-away", View::GoAway),
        ("frame:sent", View::Sent { at: Duration::from_secs(1_200) }),
        ("frame:part", View::Reliable { kind: Kind::Part, sequence: 4, content: b"INVITE" }),
    ]
}

/// Hello, answer, first record and first token of one fixed session.
fn sealed() -> [(&'static str, Vec<u8>); 5] {
    let key = SiteKey([7; 32]);
    let (pending, greeting) = hello("hq", &key, b"", &mut Rng::new([1; 32])).unwrap();
    let lookup = |hint| (hint == SiteHint::of("hq")).then_some((SiteId(0), key));
    let answered = answer_hello(&greeting, lookup, |_, _| Vec::new(), &mut Rng::new([2; 32])).unwrap();
    let (mut keys, _) = pending.finish(&answered.answer).unwrap();
    let mut record = BytesMut::new();
    keys.seal(&bytes(View::Ping { number: 0 }), &mut record).unwrap();
    let token = keys.seal_token(b"lane").unwrap();
    [
        ("site-hint", SiteHint::of("hq").0.to_vec()),
        ("hello", greeting),
        ("hello-answer", answered.answer),
        ("record", record.to_vec()),
        ("token", token),
    ]
}

#[test]
fn p09_the_document_shows_what_the_encoder_makes() {
    let examples = examples();
    for (name, bytes) in expected() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(examples.get(name), Some(&bytes), "```hex {name}\n{}\n```", hex.join(" "));
    }
    let unknown: Vec<_> = examples.keys().filter(|name| !expected().contains_key(*name)).collect();
    assert!(unknown.is_empty(), "no code makes these examples: {unknown:?}");
}

#[test]
fn p09_the_decoder_reads_what_the_document_shows() {
    let examples = examples();
    for (name, view) in views() {
        assert_eq!(View::parse(&examples[name]), Ok((view, &[][..])), "{name}");
    }
    for (name, number, frame) in frames() {
        let (view, rest) = View::parse(&examples[name]).unwrap();
        let View::Reliable { kind, sequence, content } = view else { panic!("{name}: {view:?}") };
        assert_eq!((sequence, rest.len()), (number, 0));
        assert_eq!(Frame::parse_content(kind, content), Ok(frame), "{name}");
    }
}
