use super::super::*;
use super::{INVITE, request};

#[test]
fn responses_take_over_what_rfc3261_8_2_6_names() {
    let bytes = request(
        "v: SIP/2.0/UDP top;branch=z9hG4bK9\r\nRecord-Route: <sip:r;lr>\r\nTimestamp: 54\r\nX: 1\r\n",
    );
    let m = Message::parse(&bytes).unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    assert_eq!(
        text(build::response(&m, 420, "Bad Extension", Some("t9"), &[(HeaderName::Unsupported, "foo")])),
        "SIP/2.0 420 Bad Extension\r\nv: SIP/2.0/UDP top;branch=z9hG4bK9\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=t9\r\nCall-ID: c1\r\nCSeq: 7 OPTIONS\r\n\
         Unsupported: foo\r\nContent-Length: 0\r\n\r\n"
    );
    assert!(text(build::response(&m, 100, "Trying", None, &[])).contains("\r\nTimestamp: 54\r\n"));
    let copy = build::Copy { record_route: true };
    let ok = text(build::response_with(
        &m,
        200,
        "OK",
        Some("x"),
        &[(HeaderName::ContentType, "a/b")],
        copy,
        b"body",
    ));
    assert!(ok.contains("Record-Route: <sip:r;lr>\r\n") && ok.ends_with("Content-Length: 4\r\n\r\nbody"));
    // In a dialog the tag is there already.
    let tagged =
        String::from_utf8(bytes).unwrap().replace("To: <sip:b@example.com>", "To: <sip:b@example.com>;tag=q");
    let m = Message::parse(tagged.as_bytes()).unwrap();
    assert!(
        text(build::response(&m, 481, "No", Some("t9"), &[])).contains("To: <sip:b@example.com>;tag=q\r\n")
    );
}

#[test]
fn cancel_and_ack_match_their_invite() {
    let routed = String::from_utf8(INVITE.to_vec())
        .unwrap()
        .replace("Max-Forwards", "Via: SIP/2.0/UDP below\r\nRoute: <sip:p1;lr>\r\nMax-Forwards");
    let invite = Message::parse(routed.as_bytes()).unwrap();
    let busy = build::response(&invite, 486, "Busy Here", Some("callee"), &[]);
    let busy = Message::parse(&busy).unwrap();
    for (bytes, method, tag) in [
        (build::cancel(&invite), Method::Cancel, None),
        (build::ack(&invite, &busy), Method::Ack, Some("callee")),
    ] {
        let m = Message::parse(&bytes).unwrap();
        assert_eq!((m.method(), m.cseq(), m.to().tag()), (method, (1, method), tag));
        assert_eq!((m.request_uri(), m.call_id()), (invite.request_uri(), invite.call_id()));
        assert_eq!((m.vias().count(), m.via().branch()), (1, invite.via().branch()));
        assert_eq!((m.from().tag(), m.routes().count(), m.body()), (invite.from().tag(), 1, &b""[..]));
    }
}

#[test]
fn malformed_requests_are_answered_and_nothing_else_is() {
    let source = "192.0.2.77:4711".parse().unwrap();
    let answer = |text: &str| {
        let error = Message::parse(text.as_bytes()).unwrap_err();
        build::response_to_malformed(text.as_bytes(), &error, source).map(|b| String::from_utf8(b).unwrap())
    };
    let good = String::from_utf8(request("")).unwrap();
    let bad = good
        .replace("z9hG4bK1", "z9hG4bK1;rport")
        .replace("CSeq: 7 OPTIONS", "CSeq: 7 OPTIONS\r\nMax-Forwards: x");
    let text = answer(&bad).unwrap();
    assert!(text.starts_with("SIP/2.0 400 Malformed Max-Forwards\r\n"), "{text}");
    assert!(text.contains(";rport=4711;received=192.0.2.77\r\n"), "{text}");
    let m = Message::parse(text.as_bytes()).unwrap();
    assert_eq!((m.status(), m.cseq(), m.to().tag()), (Some(400), (7, Method::Options), Some("malformed")));
    assert!(answer(&bad.replace("OPTIONS", "ACK")).is_none(), "an ACK is never answered");
    assert!(answer(&bad.replace("OPTIONS sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK")).is_none());
    assert!(answer(&bad.replace("Via", "Vla")).is_none(), "nowhere to send it");
    assert!(answer("\0\0\0\0").is_none());
}
