//! SIP scan and edit, SDP parse and rewrite; rsip in the same run for comparison.
//!
//! `cargo bench -p sofw-core --bench sip`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sofw_core::sdp::{self, MediaRewrite, Sdp};
use sofw_core::sip::{Editor, HeaderName, Message};

/// An INVITE as an ordinary phone sends it: 843 bytes, of which 282 are SDP.
const INVITE: &str = "INVITE sip:bob@example.net SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.10.10.21:5060;rport;branch=z9hG4bKPjfd42a1c9c2b64b6d8c0e\r\n\
Max-Forwards: 70\r\n\
From: \"Alice Liddell\" <sip:alice@example.net>;tag=7a6cfa3b9f1d4f7c\r\n\
To: <sip:bob@example.net>\r\n\
Contact: <sip:alice@10.10.10.21:5060;ob>\r\n\
Call-ID: 5d6e7f8091a2b3c4d5e6f708192a3b4c\r\n\
CSeq: 28337 INVITE\r\n\
Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, NOTIFY, OPTIONS\r\n\
Supported: replaces, 100rel, timer, norefersub\r\n\
Session-Expires: 1800\r\n\
User-Agent: Desk phone 4.2.1-77\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 282\r\n\r\n\
v=0\r\n\
o=- 3912345678 3912345678 IN IP4 10.10.10.21\r\n\
s=call\r\n\
c=IN IP4 10.10.10.21\r\n\
t=0 0\r\n\
m=audio 4000 RTP/AVP 9 0 8 101\r\n\
a=rtcp:4001 IN IP4 10.10.10.21\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=sendrecv\r\n";

fn scan(c: &mut Criterion) {
    let bytes = INVITE.as_bytes();
    let mut group = c.benchmark_group("sip/scan");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("sofw", |b| {
        b.iter(|| Message::parse(black_box(bytes)).map(|m| black_box(&m).cseq().0))
    });
    group.bench_function("rsip", |b| b.iter(|| rsip::SipMessage::try_from(black_box(bytes))));
    // What Message::parse has looked into as well.
    group.bench_function("rsip and its typed Via, From, To, CSeq", |b| {
        use rsip::prelude::*;
        b.iter(|| {
            let message = rsip::SipMessage::try_from(black_box(bytes))?;
            let typed = (
                message.via_header()?.typed()?,
                message.from_header()?.typed()?,
                message.to_header()?.typed()?,
                message.cseq_header()?.typed()?,
            );
            Ok::<_, rsip::Error>((message, typed))
        });
    });
    group.finish();
}

fn edit(c: &mut Criterion) {
    let bytes = INVITE.as_bytes();
    let mut group = c.benchmark_group("sip/edit");
    group.bench_function("sofw push Via, Record-Route, rport", |b| {
        let message = Message::parse(bytes).expect("valid");
        b.iter(|| {
            let mut edit = Editor::new(black_box(&message));
            edit.stamp_via("10.10.10.21:5060".parse().expect("address"))
                .push_front(
                    HeaderName::Via,
                    "SIP/2.0/UDP 203.0.113.5:5060;rport;branch=z9hG4bK1234567890abcdef",
                )
                .push_front(HeaderName::RecordRoute, "<sip:203.0.113.5:5060;lr>")
                .set(HeaderName::MaxForwards, "69");
            edit.finish()
        });
    });
    group.bench_function("rsip push Via, to bytes", |b| {
        use rsip::prelude::*;
        let message = rsip::Request::try_from(bytes).expect("valid");
        b.iter(|| {
            let mut message = black_box(&message).clone();
            let via =
                rsip::headers::Via::new("SIP/2.0/UDP 203.0.113.5:5060;rport;branch=z9hG4bK1234567890abcdef");
            message.headers_mut().push(via.into());
            Vec::<u8>::from(rsip::SipMessage::Request(message))
        });
    });
    group.finish();
}

fn body(c: &mut Criterion) {
    let message = Message::parse(INVITE.as_bytes()).expect("valid");
    let to = MediaRewrite {
        rtp: "203.0.113.5:20000".parse().expect("address"),
        rtcp: "203.0.113.5:20001".parse().expect("address"),
    };
    let mut group = c.benchmark_group("sdp");
    group.bench_function("parse and rewrite", |b| {
        b.iter(|| Sdp::parse(black_box(message.body())).map(|sdp| sdp::rewrite(&sdp, &[Some(to)])));
    });
    group.finish();
}

criterion_group!(benches, scan, edit, body);
criterion_main!(benches);
