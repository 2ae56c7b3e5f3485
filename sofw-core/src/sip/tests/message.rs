use super::super::*;
use super::{INVITE, request};

fn fault(bytes: &[u8]) -> SipError {
    Message::parse(bytes).unwrap_err()
}

#[test]
fn an_ordinary_invite_reads_back() {
    let m = Message::parse(INVITE).unwrap();
    assert_eq!((m.is_request(), m.method(), m.status()), (true, Method::Invite, None));
    assert_eq!(m.start_line(), "INVITE sip:bob@biloxi.example.com SIP/2.0");
    assert_eq!(m.request_uri().unwrap().user(), Some("bob"));
    assert_eq!((m.from().tag(), m.from().display(), m.to().tag()), (Some("9fxced76sl"), &b"Alice"[..], None));
    assert_eq!((m.cseq(), m.max_forwards()), ((1, Method::Invite), Some(70)));
    assert_eq!(m.call_id(), "3848276298220188511@atlanta.example.com");
    assert_eq!(
        (m.via().rport(), m.via().branch(), m.via().port()),
        (Some(None), Some("z9hG4bK74bf9"), Some(5060))
    );
    assert_eq!(m.via().known_transport(), Some(crate::base::Transport::Tcp));
    assert_eq!(m.contacts().next().unwrap().uri().param("TRANSPORT"), Some("tcp"));
    assert_eq!(m.body(), b"v=0\n");
    assert_eq!(m.headers().count(), 8);
}

#[test]
fn ranges_point_into_the_message() {
    let m = Message::parse(INVITE).unwrap();
    let at = |range: core::ops::Range<usize>| core::str::from_utf8(&m.bytes()[range]).unwrap();
    assert_eq!(at(m.from().uri_range()), "sip:alice@atlanta.example.com");
    assert_eq!(at(m.from().range()), "Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl");
    assert_eq!(at(m.via().params().find("branch").unwrap().range), ";branch=z9hG4bK74bf9");
    for header in m.headers() {
        assert!(at(header.line_range.clone()).starts_with(header.raw_name));
        assert!(at(header.line_range.clone()).ends_with("\r\n"));
        assert_eq!(at(header.value_range.clone()).as_bytes(), header.value);
    }
}

#[test]
fn lists_are_read_over_lines_quotes_and_brackets() {
    let bytes = request(
        "m: \"Comma, <quote\\\" \" <sip:a@example.com;x=y>;q=0.5;y=\"z, <\" ,\r\n <sip:b,c@example.com>\r\n\
         Contact: sip:d@example.com;expires=60\r\nsupported: a , b\r\nK: c\r\n",
    );
    let m = Message::parse(&bytes).unwrap();
    let users: Vec<_> = m.contacts().map(|c| c.uri().user().unwrap()).collect();
    assert_eq!(users, ["a", "b,c", "d"]);
    assert_eq!(m.contacts().last().unwrap().param("expires"), Some("60"));
    let tokens: Vec<_> = m.values(HeaderName::Supported).map(|v| v.text()).collect();
    assert_eq!(tokens, ["a", "b", "c"]);
    assert!(m.has_token(HeaderName::Supported, "C") && !m.has_token(HeaderName::Supported, "d"));
    assert_eq!(m.header(HeaderName::parse("SUPPORTED")), Some("a , b"));
}

#[test]
fn every_known_name_is_found_in_any_case_and_form() {
    for (name, compact) in [("Via", "v"), ("Session-Expires", "x"), ("Refer-To", "r"), ("Content-Type", "c")]
    {
        let known = HeaderName::parse(name);
        assert_eq!(HeaderName::parse(&name.to_lowercase()), known);
        assert_eq!(HeaderName::parse(&compact.to_uppercase()), known);
        assert_eq!(known.as_str(), name);
    }
    assert_eq!(HeaderName::parse("X-Own"), HeaderName::Other("x-own"));
    assert_ne!(HeaderName::parse("X-Own"), HeaderName::Via);
}

#[test]
fn leading_crlfs_and_trailing_bytes_are_no_part_of_a_datagram() {
    let bytes = [b"\r\n\r\n", INVITE, b"more"].concat();
    assert_eq!(Message::parse(&bytes).unwrap().bytes(), INVITE);
}

#[test]
fn start_lines_are_strict() {
    let with =
        |line: &str| [line.as_bytes(), &request("")[b"OPTIONS sip:bob@example.com SIP/2.0".len()..]].concat();
    assert!(Message::parse(&with("OPTIONS sip:bob@example.com SIP/2.0")).is_ok());
    assert!(Message::parse(&with("OPTIONS sip:bob@example.com sip/2.0")).is_ok(), "the name is without case");
    for line in [
        "OPTIONS  sip:bob@example.com SIP/2.0",
        "OPTIONS sip:bob@example.com SIP/2.0 ",
        "OPTIONS sip:bob@example.com",
        "OPTIONS <sip:bob@example.com> SIP/2.0",
        "OPTIONS bob SIP/2.0",
        "OPTIONS sip:bob@example.com:99999 SIP/2.0",
        "OPTIONS sip:bob@evil@example.com SIP/2.0",
        "OPTIONS sip:[::1 SIP/2.0",
        "OPTIONS sip:a>b@example.com SIP/2.0",
        "OPTIONS sip:a\"b@example.com SIP/2.0",
        "OPTIONS tel:1\t2 SIP/2.0",
        "OPTIONS sip:@example.com SIP/2.0",
        " OPTIONS sip:bob@example.com SIP/2.0",
        "OPT@IONS sip:bob@example.com SIP/2.0",
        "SIP/2.0 99 No",
        "SIP/2.0 700 No",
        "SIP/2.0  200 OK",
        "SIP/2.0 2000 OK",
        "",
    ] {
        assert_eq!(fault(&with(line)).status, 400, "{line:?}");
    }
    for line in ["OPTIONS sip:bob@example.com SIP/3.0", "SIP/2.1 200 OK"] {
        assert_eq!(fault(&with(line)).status, 505, "{line:?}");
    }
    assert_eq!(
        Message::parse(&with("SIP/2.0 200")).unwrap().reason(),
        Some(""),
        "no SP before no reason: tolerated"
    );
}

#[test]
fn fields_that_may_stand_once_only_do() {
    for line in
        ["Call-ID: c2\r\n", "i: c1\r\n", "t: <sip:x@y>\r\n", "CSeq: 7 OPTIONS\r\n", "l: 0\r\nl: 0\r\n"]
    {
        assert!(fault(&request(line)).reason.contains("repeated"), "{line}");
    }
    assert!(Message::parse(&request("Via: SIP/2.0/TCP a\r\nX: 1\r\nX: 1\r\n")).is_ok());
}

#[test]
fn heads_are_strict_where_readers_could_differ() {
    for lines in [
        "X: a\nb: c\r\n",
        "X: a\rb\r\n",
        " folded: start\r\n",
        "no colon\r\n",
        ": empty\r\n",
        "Max-Forwards: 256\r\n",
        "Max-Forwards: -1\r\n",
        "Content-Length: 1\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: 0 0\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Via: SIP/2.0/UDP\r\n",
        "Via: SIP/2.0/UDP a:0x\r\n",
        "Via: SIP/1.0/UDP a\r\n",
        "Via:\r\n",
        "Contact: <sip:a@b\r\n",
        "Contact: \"a\" sip:a@b\r\n",
    ] {
        assert_eq!(fault(&request(lines)).status, 400, "{lines:?}");
    }
    let cut = request("");
    assert_eq!(fault(&cut[..cut.len() - 2]).reason, "Malformed header field", "no empty line");
    assert!(Message::parse(&request("Contact: *\r\n")).unwrap().contact_is_star());
}

#[test]
fn odd_texts_pass_where_nobody_reads_them() {
    let mut bytes = request("X-Name: M?ller\r\n");
    let at = bytes.iter().position(|b| *b == b'?').unwrap();
    bytes[at] = 0xfc; // Latin-1
    let m = Message::parse(&bytes).unwrap();
    assert_eq!(m.header(HeaderName::Other("X-Name")), Some(""), "no UTF-8 reads as empty");
    assert_eq!(Editor::new(&m).finish(), bytes, "and is passed on");
}

#[test]
fn a_response_with_a_broken_contact_is_still_passed_on() {
    let bytes = request("Contact: \"x <sip:b@example.com>\r\n");
    assert!(Message::parse(&bytes).is_err());
    let response = [b"SIP/2.0 200 OK", &bytes[b"OPTIONS sip:bob@example.com SIP/2.0".len()..]].concat();
    let m = Message::parse(&response).unwrap();
    assert_eq!((m.status(), m.contacts().count()), (Some(200), 0));
}

#[test]
fn malformed_expires_count_as_an_hour() {
    for (value, seconds) in [("60", 60), ("0", 0), ("99999999999", 3_600), ("soon", 3_600)] {
        let bytes = request(&format!("Expires: {value}\r\n"));
        assert_eq!(Message::parse(&bytes).unwrap().expires(), Some(seconds), "{value}");
    }
}

#[test]
fn limits_hold() {
    let many = "X: 1\r\n".repeat(crate::config::limits::SIP_HEADERS_MAX);
    assert_eq!(fault(&request(&many)).reason, "Too many header fields");
    let long = request(&format!("X: {}\r\n", "a".repeat(crate::config::limits::SIP_MESSAGE_MAX)));
    assert_eq!(fault(&long).status, 513);
}
