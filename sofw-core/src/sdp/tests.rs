//! sdp-types as an oracle: see `tests/differential.rs` of the whole-system tests.

use proptest::prelude::*;

use super::*;

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n";
const AUDIO: &str = "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
const VIDEO: &str = "m=video 5000 RTP/AVP 97\r\n";

fn to(rtp: &str) -> Option<MediaRewrite> {
    let rtp: core::net::SocketAddr = rtp.parse().unwrap();
    Some(MediaRewrite { rtp, rtcp: core::net::SocketAddr::new(rtp.ip(), rtp.port() + 1) })
}

fn rewritten(body: &str, lines: &[Option<MediaRewrite>]) -> String {
    String::from_utf8(rewrite(&Sdp::parse(body.as_bytes()).unwrap(), lines)).unwrap()
}

#[test]
fn p08_addresses_ports_and_attributes_are_read() {
    let body = format!(
        "{HEAD}c=IN IP4 10.0.0.1\r\nt=0 0\r\na=sendonly\r\n{AUDIO}a=rtcp:4009 IN IP4 10.0.0.9\r\n\
         {VIDEO}c=IN IP6 2001:db8::1\r\na=rtcp-mux\r\na=recvonly\r\n\
         m=image 6000/2 udptl t38\r\nc=IN IP4 224.2.1.1/127\r\nm=application 0 TCP/BFCP *\r\n"
    );
    let sdp = Sdp::parse(body.as_bytes()).unwrap();
    let [audio, video, image, bfcp] = sdp.media() else { panic!() };
    let addr = |text: &str| Some(text.parse().unwrap());
    assert_eq!(
        (audio.kind, audio.rtp, audio.rtcp),
        (MediaKind::Audio, addr("10.0.0.1:4000"), addr("10.0.0.9:4009"))
    );
    assert_eq!((audio.direction, audio.telephone_event), (Direction::SendOnly, Some(101)));
    assert_eq!((audio.proto, audio.formats), ("RTP/AVP", "0 101"));
    assert_eq!((video.rtp, video.rtcp), (addr("[2001:db8::1]:5000"), addr("[2001:db8::1]:5000")));
    assert_eq!((video.direction, video.rtcp_mux, video.telephone_event), (Direction::RecvOnly, true, None));
    assert_eq!((image.is_udptl, image.port_count, image.rtp), (true, 2, addr("224.2.1.1:6000")));
    assert_eq!((bfcp.rtp, bfcp.is_active(), bfcp.is_datagram()), (None, false, false));
    assert!(audio.is_datagram() && image.is_datagram());
}

#[test]
fn p08_sdp_is_found_in_a_multipart() {
    let mixed = "multipart/mixed; boundary=\"b 1\"";
    let found = |kind: &str, body: &str| find(kind, body.as_bytes()).map(|place| body[place].to_owned());
    assert_eq!(found("application/sdp;x=y", "v=0"), Some("v=0".to_owned()));
    assert_eq!(found("application/sdp", ""), None);
    assert_eq!(found("text/plain", "v=0"), None);
    let body = "preamble\r\n--b 1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b 1 \r\ncontent-type : Application/SDP\r\n\
        Content-Disposition: session\r\n\r\nv=0\r\nm=audio\r\n\r\n--b 1--\r\nepilogue";
    assert_eq!(found(mixed, body), Some("v=0\r\nm=audio\r\n".to_owned()));
    assert_eq!(
        found("Multipart/Mixed;BOUNDARY=b 1", &body.replace("\r\n", "\n")),
        Some("v=0\nm=audio\n".to_owned())
    );
    assert_eq!(found("multipart/mixed", body), None);
    assert_eq!(found("multipart/mixed;boundary=b", body), None, "another boundary");
    assert_eq!(found(mixed, &body.replace("--b 1--", "")), None, "cut off");
    let nested = format!("--o\r\nContent-Type: {mixed}\r\n\r\n{body}\r\n--o--");
    assert_eq!(found("multipart/related;boundary=o", &nested), Some("v=0\r\nm=audio\r\n".to_owned()));
}

#[test]
fn p08_only_what_leads_media_is_written() {
    let body = format!(
        "{HEAD}c=IN IP4 10.0.0.1\r\nt=0 0\r\nk=x\r\n{AUDIO}a=rtcp:4001 IN IP4 10.0.0.1\r\na=x:10.0.0.1\r\ny=1\r\n"
    );
    let expected = body
        .replace("c=IN IP4 10.0.0.1", "c=IN IP4 203.0.113.5")
        .replace("audio 4000", "audio 20000")
        .replace("rtcp:4001 IN IP4 10.0.0.1", "rtcp:20001 IN IP4 203.0.113.5");
    assert_eq!(rewritten(&body, &[to("203.0.113.5:20000")]), expected);
    assert_eq!(rewritten(&body, &[None]), body);
    assert_eq!(rewritten(&body, &[]), body);
}

#[test]
fn p08_each_media_line_may_go_elsewhere() {
    // One address for all: the session's line says it.
    let body = format!("{HEAD}c=IN IP4 10.0.0.1\r\nt=0 0\r\n{AUDIO}{VIDEO}");
    let one = rewritten(&body, &[to("203.0.113.5:20000"), to("203.0.113.5:20002")]);
    assert_eq!(one.matches("c=").count(), 1);
    assert!(one.contains("c=IN IP4 203.0.113.5\r\nt=0") && one.contains("video 20002 "), "{one}");
    // Two addresses: the second media line gets a line of its own, in its place behind i=.
    let body = format!("{HEAD}c=IN IP4 10.0.0.1\r\nt=0 0\r\n{AUDIO}{VIDEO}i=cam\r\nb=AS:1\r\n");
    let two = rewritten(&body, &[to("203.0.113.5:20000"), to("[2001:db8::5]:20002")]);
    assert!(two.contains("i=cam\r\nc=IN IP6 2001:db8::5\r\nb=AS:1\r\n"), "{two}");
    // A line that stays keeps the session's address; the other one gets its own.
    let half = rewritten(&body, &[to("203.0.113.5:20000"), None]);
    assert!(half.contains("c=IN IP4 10.0.0.1\r\nt=0") && half.contains("video 5000 "), "{half}");
    assert!(half.contains("audio 20000 RTP/AVP 0 101\r\nc=IN IP4 203.0.113.5\r\n"), "{half}");
    // Lines with addresses of their own.
    let own = format!("{HEAD}t=0 0\r\n{AUDIO}c=IN IP4 10.0.0.1\r\n{VIDEO}c=IN IP4 10.0.0.2\r\n");
    let moved = rewritten(&own, &[to("203.0.113.5:20000"), to("203.0.113.5:20002")]);
    assert_eq!(moved.matches("c=IN IP4 203.0.113.5\r\n").count(), 2);
    assert_eq!(moved.matches("c=").count(), 2, "{moved}");
}

#[test]
fn p08_held_and_rejected_lines_stay_so() {
    let hold = format!("{HEAD}c=IN IP4 0.0.0.0\r\nt=0 0\r\n{AUDIO}a=rtcp:4001 IN IP4 0.0.0.0\r\n");
    let sdp = Sdp::parse(hold.as_bytes()).unwrap();
    assert_eq!((sdp.media()[0].hold, sdp.media()[0].rtp), (true, None));
    let text = rewritten(&hold, &[to("203.0.113.5:20000")]);
    assert!(text.contains("c=IN IP4 0.0.0.0\r\n") && text.contains("audio 20000 "), "{text}");
    assert!(!text.contains("203.0.113.5"), "{text}");
    let rejected = format!("{HEAD}c=IN IP4 10.0.0.1\r\nt=0 0\r\n{AUDIO}m=video 0 RTP/AVP 97\r\n");
    let text = rewritten(&rejected, &[to("203.0.113.5:20000"), to("203.0.113.5:20002")]);
    assert!(text.contains("video 0 ") && text.contains("c=IN IP4 203.0.113.5\r\nt=0"), "{text}");
}

#[test]
fn p08_ice_goes_and_rtcp_is_said_where_it_is_not_next() {
    let body = format!(
        "{HEAD}c=IN IP4 10.0.0.1\r\na=ice-lite\r\na=ice-options:trickle\r\nt=0 0\r\n{AUDIO}a=ice-ufrag:x\r\na=ice-pwd:y\r\n\
         a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\r\na=end-of-candidates\r\na=remote-candidates:1 10.0.0.2 1\r\na=ptime:20\r\n"
    );
    let text = rewritten(&body, &[to("203.0.113.5:20000")]);
    assert!(
        !text.contains("a=ice") && !text.contains("candidate") && text.ends_with("a=ptime:20\r\n"),
        "{text}"
    );
    let odd = MediaRewrite {
        rtp: "203.0.113.5:20000".parse().unwrap(),
        rtcp: "203.0.113.5:30000".parse().unwrap(),
    };
    let text = rewritten(&body, &[Some(odd)]);
    assert!(text.ends_with("a=ptime:20\r\na=rtcp:30000\r\n"), "{text}");
    let mux = MediaRewrite { rtcp: odd.rtp, ..odd };
    assert!(!rewritten(&body, &[Some(mux)]).contains("a=rtcp:"));
    // A port count goes: the relay holds one pair.
    assert!(rewritten(&body.replace(" 4000 RTP", " 4000/2 RTP"), &[Some(mux)]).contains("audio 20000 RTP"));
}

#[test]
fn sloppy_bodies_are_tolerated() {
    let text = rewritten("v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0", &[to("203.0.113.5:20000")]);
    assert_eq!(text, "v=0\nc=IN IP4 203.0.113.5\nm=audio 20000 RTP/AVP 0");
    let none = "v=0\nm=audio 4000 RTP/AVP 0";
    assert_eq!(Sdp::parse(none.as_bytes()).unwrap().media()[0].rtp, None);
    assert_eq!(
        rewritten(none, &[to("203.0.113.5:20000")]),
        "v=0\nm=audio 20000 RTP/AVP 0\nc=IN IP4 203.0.113.5"
    );
    let half = "v=0\r\nm=audio 4000 RTP/AVP 0\r";
    assert!(rewritten(half, &[to("203.0.113.5:20000")]).ends_with("RTP/AVP 0\r\nc=IN IP4 203.0.113.5"));
    let name = "v=0\r\nc=IN IP4 phone.example.com\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(Sdp::parse(name.as_bytes()).unwrap().media()[0].rtp, None, "names are not resolved");
    assert!(rewritten(name, &[to("203.0.113.5:20000")]).contains("c=IN IP4 203.0.113.5\r\n"));
}

#[test]
fn broken_bodies_are_refused() {
    for body in [
        "",
        "x=0\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio x RTP/AVP 0\r\n",
        "v=0\r\nm=audio 70000 RTP/AVP 0\r\n",
        "v=0\r\nc=10.0.0.1\r\n",
    ] {
        assert!(Sdp::parse(body.as_bytes()).is_err(), "{body:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&[b"v=0\n", &bytes[..]].concat());
        exercise(&bytes);
    }

    #[test]
    fn lines_in_any_order_are_rewritten_and_the_rest_stays(lines in prop::collection::vec(line(), 0..14), lf: bool, cut: bool) {
        let eol = if lf { "\n" } else { "\r\n" };
        let mut body = format!("v=0{eol}{}", lines.iter().map(|line| format!("{line}{eol}")).collect::<String>());
        if cut {
            body.truncate(body.len() - eol.len());
        }
        exercise(body.as_bytes());
    }
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<u16>(), prop::sample::select(vec!["RTP/AVP", "RTP/SAVP", "udptl"]))
            .prop_map(|(p, t)| format!("m=audio {p} {t} 0 8")),
        any::<u16>().prop_map(|p| format!("m=video {p}/3 RTP/AVP 97")),
        any::<[u8; 4]>().prop_map(|ip| format!("c=IN IP4 {}", core::net::Ipv4Addr::from(ip))),
        any::<u128>().prop_map(|ip| format!("c=IN IP6 {}", core::net::Ipv6Addr::from(ip))),
        any::<u16>().prop_map(|p| format!("a=rtcp:{p}")),
        any::<u16>().prop_map(|p| format!("a=rtcp:{p} IN IP4 10.0.0.1")),
        prop::sample::select(vec![
            "c=IN IP4 0.0.0.0",
            "i=about",
            "a=rtcp-mux",
            "a=sendonly",
            "a=inactive",
            "a=ice-ufrag:a",
            "t=0 0",
            "s=-",
            "",
            "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host",
            "a=rtpmap:96 telephone-event/8000",
            "b=AS:64",
            "y=odd",
            "nonsense",
        ])
        .prop_map(str::to_owned),
    ]
}
