//! All messages of RFC 4475 and RFC 5118 through the scanner: valid ones are accepted and forwarded byte for byte,
//! invalid ones refused with the right status, none panics.
//!
//! The messages are read from `SOFW_TORTURE_DIR`, by default `../shared/torture` beside the project.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use sofw_core::sip::{Editor, HeaderName, Message, Method, SipError, build};

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    /// Accepted; whatever is unusual about it is not the parser's matter.
    Forward,
    /// A request that is answered with this status.
    Answer(u16),
    /// A response that is dropped, or a request that cannot be answered.
    Drop,
}
use Fate::{Answer, Drop, Forward};

const RFC4475: &[(&str, Fate, &str)] = &[
    ("wsinv.dat", Forward, "§3.1.1.1: folding, blanks before colons, compact forms, empty Subject"),
    ("intmeth.dat", Forward, "§3.1.1.2: every character that a token or URI may hold"),
    ("esc01.dat", Forward, "§3.1.1.3: escapes in URIs stay as they are"),
    ("escnull.dat", Forward, "§3.1.1.4: so do escaped nulls"),
    ("esc02.dat", Forward, "§3.1.1.5: % in a method is no escape"),
    ("lwsdisp.dat", Forward, "§3.1.1.6: no blank between display name and <"),
    ("longreq.dat", Forward, "§3.1.1.7: long values"),
    ("dblreq.dat", Forward, "§3.1.1.8: what follows the body is ignored"),
    ("semiuri.dat", Forward, "§3.1.1.9: semicolons in the user part"),
    ("transports.dat", Forward, "§3.1.1.10: unknown transports in Via"),
    ("mpart01.dat", Forward, "§3.1.1.11: binary body"),
    ("unreason.dat", Forward, "§3.1.1.12: UTF-8 reason phrase"),
    ("noreason.dat", Forward, "§3.1.1.13: empty reason phrase"),
    ("badinv01.dat", Answer(400), "§3.1.2.1: empty values and parameters in Via and Contact"),
    ("clerr.dat", Answer(400), "§3.1.2.2: Content-Length beyond the datagram"),
    ("ncl.dat", Answer(400), "§3.1.2.3: negative Content-Length"),
    ("scalar02.dat", Answer(400), "§3.1.2.4: CSeq beyond 32 bits, Max-Forwards beyond 255"),
    ("scalarlg.dat", Drop, "§3.1.2.5: a response with a CSeq beyond 32 bits matches nothing"),
    ("quotbal.dat", Answer(400), "§3.1.2.6: quote that does not end"),
    ("ltgtruri.dat", Answer(400), "§3.1.2.7: <> around the Request-URI"),
    ("lwsruri.dat", Answer(400), "§3.1.2.8: blank inside the Request-URI"),
    ("lwsstart.dat", Answer(400), "§3.1.2.9: several blanks in the request line"),
    ("trws.dat", Answer(400), "§3.1.2.10: blank at the end of the request line"),
    ("escruri.dat", Answer(400), "§3.1.2.11: headers in the Request-URI"),
    (
        "baddate.dat",
        Forward,
        "§3.1.2.12: a proxy does not read Date; refusing would cost a call and gain nothing",
    ),
    ("regbadct.dat", Answer(400), "§3.1.2.13: Contact URI with ? but without <>"),
    ("badaspec.dat", Answer(400), "§3.1.2.14: blanks inside <>"),
    ("baddn.dat", Answer(400), "§3.1.2.15: commas in a display name without quotes"),
    ("badvers.dat", Answer(505), "§3.1.2.16: SIP/7.0"),
    ("mismatch01.dat", Answer(400), "§3.1.2.17: CSeq names another method"),
    ("mismatch02.dat", Answer(400), "§3.1.2.18: the same with an unknown method (501 would do as well)"),
    ("bigcode.dat", Drop, "§3.1.2.19: status code 4294967301"),
    (
        "badbranch.dat",
        Forward,
        "§3.2.1: a bare magic cookie is matched as in RFC 2543 (Via::transaction_branch)",
    ),
    ("insuf.dat", Answer(400), "§3.3.1: no Call-ID, From, To; the answer repeats what is there"),
    ("unkscm.dat", Forward, "§3.3.2: unknown URI scheme: the proxy's matter (416)"),
    ("novelsc.dat", Forward, "§3.3.3: rare URI scheme: the proxy's matter (416)"),
    ("unksm2.dat", Forward, "§3.3.4: unknown schemes in From, To, Contact are opaque"),
    ("bext01.dat", Forward, "§3.3.5: Proxy-Require: the proxy's matter (420)"),
    ("invut.dat", Forward, "§3.3.6: unknown Content-Type: the phone's matter (415)"),
    ("regaut01.dat", Forward, "§3.3.7: unknown Authorization scheme: the registrar's matter (401)"),
    ("multi01.dat", Answer(400), "§3.3.8: From, To, CSeq, Call-ID, Max-Forwards twice"),
    ("mcl01.dat", Answer(400), "§3.3.9: Content-Length twice"),
    ("bcast.dat", Forward, "§3.3.10: a second Via naming broadcast: the proxy matches the first and drops"),
    ("zeromf.dat", Forward, "§3.3.11: Max-Forwards 0: the proxy's matter (483)"),
    ("cparam01.dat", Forward, "§3.3.12: unknown Contact header parameter"),
    ("cparam02.dat", Forward, "§3.3.13: unknown Contact URI parameter"),
    ("regescrt.dat", Forward, "§3.3.14: headers in a Contact URI are allowed"),
    ("sdp01.dat", Forward, "§3.3.15: Accept without SDP: the phone's matter (406)"),
    ("inv2543.dat", Forward, "§3.4.1: RFC 2543: no branch, no tag, no Max-Forwards"),
    ("test.dat", Drop, "not in the RFC: no version, a line without colon, no Via"),
];

const RFC5118: &[(&str, Fate, &str)] = &[
    ("ipv6-good", Forward, "§4.1"),
    ("ipv6-bad", Answer(400), "§4.2: IPv6 reference without brackets"),
    ("port-ambiguous", Forward, "§4.3: the port is read as part of the address"),
    ("port-unambiguous", Forward, "§4.4"),
    ("via-received-param-with-delim", Forward, "§4.5: received=[…], tolerated"),
    ("via-received-param-no-delim", Forward, "§4.5"),
    ("ipv6-in-sdp", Forward, "§4.6"),
    ("mult-ip-in-header", Forward, "§4.7"),
    ("mult-ip-in-sdp", Forward, "§4.8"),
    ("ipv4-mapped-ipv6", Forward, "§4.9"),
    ("ipv6-bug-abnf-3-colons", Forward, "§4.10: three colons, tolerated"),
    ("ipv6-correct-abnf-2-colons", Forward, "§4.10"),
];

const SOURCE: &str = "198.51.100.7:40000";

#[test]
fn rfc4475_messages_meet_their_fate() {
    each("rfc4475", RFC4475, |_, bytes| bytes);
}

#[test]
fn rfc5118_messages_meet_their_fate() {
    each("rfc5118_crlf", RFC5118, |_, bytes| with_true_length(bytes));
}

#[test]
fn rfc5118_ipv6_in_sdp_as_archived_is_cut_short() {
    // Its Content-Length (268) exceeds the body however lines end (242 or 251): RFC 3261 §18.3 makes that a 400.
    let Some(messages) = load("rfc5118_crlf") else { return };
    let bytes = &messages["ipv6-in-sdp"];
    assert_eq!(
        Message::parse(bytes).unwrap_err(),
        SipError { status: 400, reason: "Content-Length exceeds the message" }
    );
}

#[test]
fn bare_line_feeds_are_refused() {
    // The same messages with LF for CRLF: what a lone LF means is read differently by different stacks.
    each("rfc5118_crlf", RFC5118, |fate, bytes| {
        *fate = Drop;
        bytes.into_iter().filter(|b| *b != b'\r').collect()
    });
}

#[test]
fn rfc4475_views_are_right() {
    let Some(messages) = load("rfc4475") else { return };
    let read = |name: &str| Message::parse(&messages[name]).unwrap();

    let m = read("wsinv.dat");
    assert_eq!((m.cseq(), m.max_forwards(), m.body().len()), ((9, Method::Invite), Some(68), 150));
    assert_eq!((m.from().tag(), m.to().tag()), (Some("98asjd8"), Some("1918181833n")));
    let branches: Vec<_> = m.vias().map(|v| (v.transport(), v.branch().unwrap())).collect();
    assert_eq!(branches, [("UDP", "390skdjuw"), ("TCP", "z9hG4bK9ikj8"), ("UDP", "z9hG4bK30239")]);
    assert_eq!(m.header(HeaderName::Subject), Some(""));
    assert_eq!(m.contacts().next().unwrap().param("q"), Some("0.33"));
    assert_eq!(m.routes().next().unwrap().uri().param("lr"), Some(""));
    assert_eq!(
        m.header(HeaderName::parse("newfangledheader")),
        Some("newfangled value\r\n continued newfangled value")
    );

    let m = read("intmeth.dat");
    assert_eq!(m.method().as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(m.request_uri().unwrap().host().to_string(), "example.com");
    assert_eq!(m.from().tag(), Some("_token~1'+`*%!-."));

    let m = read("esc01.dat");
    assert_eq!(m.request_uri().unwrap().user_unescaped().unwrap(), "sips:user@example.com");
    let m = read("escnull.dat");
    let users: Vec<_> = m.contacts().map(|c| c.uri().user_unescaped().unwrap().into_owned()).collect();
    assert_eq!(users, ["\0", "\0\0"], "nulls count");
    assert_eq!(read("semiuri.dat").request_uri().unwrap().user(), Some("user;par=u%40example.net"));
    let m = read("unreason.dat");
    assert_eq!(m.status(), Some(200));
    assert!(m.reason().unwrap().starts_with("= 2**3 * 5**2"));
    assert_eq!(read("noreason.dat").reason(), Some(""));
    assert_eq!(read("badbranch.dat").via().transaction_branch(), None);
    let m = read("inv2543.dat");
    assert_eq!((m.via().branch(), m.from().tag(), m.max_forwards()), (None, None, None));
    // A URI without <>: its parameters are the header's (RFC 3261 §20.10).
    assert_eq!((m.to().param("user"), m.to().uri().param("user")), (Some("phone"), None));
    let m = read("cparam01.dat");
    assert_eq!(m.contacts().next().unwrap().param("unknownparam"), Some(""));
    let m = read("cparam02.dat");
    assert_eq!(m.contacts().next().unwrap().uri().param("unknownparam"), Some(""));
    assert_eq!(read("unkscm.dat").request_uri().unwrap().scheme(), "nobodyKnowsThisScheme");
}

#[test]
fn rfc5118_views_are_right() {
    let Some(messages) = load("rfc5118_crlf") else { return };
    let messages: BTreeMap<_, _> =
        messages.into_iter().map(|(name, bytes)| (name, with_true_length(bytes))).collect();
    let read = |name: &str| Message::parse(&messages[name]).unwrap();
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(read(name).via().received(), Some("2001:db8::9:255".parse().unwrap()), "{name}");
    }
    let ip = |name: &str| read(name).request_uri().unwrap().host().ip().unwrap().to_string();
    assert_eq!(ip("ipv6-bug-abnf-3-colons"), ip("ipv6-correct-abnf-2-colons"));
    assert_eq!(ip("port-ambiguous"), "2001:db8::10:5070");
    assert_eq!(read("port-unambiguous").request_uri().unwrap().port(), Some(5070));
    let m = read("mult-ip-in-header");
    assert_eq!(
        m.vias().map(|v| v.host().to_string()).collect::<Vec<_>>(),
        ["[2001:db8::9:1]", "192.0.2.1", "[2001:db8::9:255]"]
    );
    assert_eq!(m.via().port(), Some(6050));
}

/// Sends every message of a folder through the scanner and compares with the table.
fn each(folder: &str, table: &[(&str, Fate, &str)], change: impl Fn(&mut Fate, Vec<u8>) -> Vec<u8>) {
    let Some(messages) = load(folder) else { return };
    let mut rows: BTreeMap<_, _> = table.iter().map(|(name, fate, why)| (*name, (*fate, *why))).collect();
    for (name, bytes) in messages {
        let (mut expected, why) =
            rows.remove(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table"));
        let bytes = change(&mut expected, bytes);
        let parsed = Message::parse(&bytes);
        let found = match &parsed {
            Ok(_) => Forward,
            Err(error) => answer(&bytes, error).map_or(Drop, Answer),
        };
        assert_eq!(found, expected, "{name}: {why} ({:?})", parsed.err());
        if let Ok(message) = &parsed {
            survives_editing(&name, &bytes, message);
        }
    }
    assert!(rows.is_empty(), "missing from {folder}: {:?}", rows.keys());
}

/// The archive of RFC 5118 has LF line ends; with CRLF its bodies no longer have the lengths that they name.
fn with_true_length(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let old = head.lines().find(|line| line.starts_with("Content-Length:")).unwrap();
    let head = head.replace(old, &format!("Content-Length: {}", body.len()));
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Forwarding alters nothing but what it must.
fn survives_editing(name: &str, bytes: &[u8], message: &Message<'_>) {
    assert!(bytes.starts_with(message.bytes()), "{name}");
    assert_eq!(Editor::new(message).finish(), message.bytes(), "{name}: no edits");
    let mut push = Editor::new(message);
    push.push_front(HeaderName::Via, "SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKtest");
    let pushed = push.finish();
    let longer = Message::parse(&pushed).unwrap();
    assert_eq!(longer.vias().count(), message.vias().count() + 1, "{name}");
    assert_eq!(longer.via().branch(), Some("z9hG4bKtest"), "{name}");
    let mut pop = Editor::new(&longer);
    pop.remove_first_value(HeaderName::Via);
    assert_eq!(pop.finish(), message.bytes(), "{name}: Via pushed and removed");
    if message.is_request() {
        let answer = build::response(message, 486, "Busy Here", Some("t"), &[]);
        let answer = Message::parse(&answer).unwrap();
        assert_eq!(
            (answer.status(), answer.cseq(), answer.call_id()),
            (Some(486), message.cseq(), message.call_id())
        );
    }
}

/// The status of the answer to a refused message. The answer itself is a valid response whenever the request held
/// what a valid response needs.
fn answer(bytes: &[u8], error: &SipError) -> Option<u16> {
    let source: SocketAddr = SOURCE.parse().unwrap();
    let answer = build::response_to_malformed(bytes, error, source)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.starts_with(&format!("SIP/2.0 {} {}\r\n", error.status, error.reason)), "{text}");
    // A Via too broken to be read goes back as it came; the answer goes to the source address in any case.
    assert!(
        text.contains(";received=198.51.100.7") || text.contains(";;,;,,") || text.contains("SIP/7.0/"),
        "{text}"
    );
    assert!(text.ends_with("Content-Length: 0\r\n\r\n"), "{text}");
    Some(error.status)
}

fn load(folder: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let base = std::env::var_os("SOFW_TORTURE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/torture")),
        PathBuf::from,
    );
    let folder = base.join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no torture messages at {}", folder.display());
        return None;
    };
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
    };
    Some(entries.map(read).collect())
}
