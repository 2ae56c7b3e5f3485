//! The scanner against two other SIP parsers, and the SDP reader against sdp-types: what both accept, both must read
//! alike. Each disagreement that stands is listed in [`KNOWN`] with its reason; any other fails.

use std::fmt::Write as _;

use proptest::prelude::*;
use sofw_core::sdp::Sdp;
use sofw_core::sip::Message;

/// What is compared.
#[derive(Clone, PartialEq, Debug, Default)]
struct View {
    method: String,
    uri: String,
    call_id: String,
    cseq: (u32, String),
    from_tag: Option<String>,
    to_tag: Option<String>,
    branch: Option<String>,
    body: Vec<u8>,
}

/// Where rsip 0.4.0 or sipx-sip 1.0.1 read other than we do, and why that is right. Each changes their view into ours
/// where it applies; what then still differs fails.
const KNOWN: &[(&str, Adjust)] = &[
    ("rsip takes methods in any case; RFC 3261 §7.1: they are case-sensitive", |ours, theirs| {
        let pairs = [(&ours.method, &mut theirs.method), (&ours.cseq.1, &mut theirs.cseq.1)];
        pairs.into_iter().for_each(|(ours, theirs)| same_but_for_case(ours, theirs));
    }),
    ("rsip writes transport=tcp as transport=TCP; we pass on what was written", |ours, theirs| {
        same_but_for_case(&ours.uri, &mut theirs.uri);
    }),
    (
        "rsip cuts branch and tags at the first byte that is no token character; we compare them whole",
        |ours, theirs| {
            let pairs = [
                (&ours.branch, &mut theirs.branch),
                (&ours.from_tag, &mut theirs.from_tag),
                (&ours.to_tag, &mut theirs.to_tag),
            ];
            for (ours, theirs) in pairs {
                let (Some(whole), Some(cut)) = (ours, theirs.as_deref()) else { continue };
                let token = |b: u8| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b);
                if whole.starts_with(cut) && whole.as_bytes().get(cut.len()).is_some_and(|b| !token(*b)) {
                    theirs.clone_from(ours);
                }
            }
        },
    ),
    ("rsip keeps what follows the body by Content-Length; RFC 3261 §18.3: it is ignored", |ours, theirs| {
        if theirs.body.starts_with(&ours.body) {
            theirs.body.clone_from(&ours.body);
        }
    }),
];

type Adjust = fn(&View, &mut View);

fn same_but_for_case(ours: &str, theirs: &mut String) {
    if ours.eq_ignore_ascii_case(theirs) {
        ours.clone_into(theirs);
    }
}

fn ours(bytes: &[u8]) -> Result<View, &'static str> {
    let m = Message::parse(bytes).map_err(|error| error.reason)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(View {
        method: if m.is_request() { m.method().to_string() } else { m.status().unwrap().to_string() },
        uri: m.request_uri().map(|uri| uri.to_string()).unwrap_or_default(),
        call_id: m.call_id().to_owned(),
        cseq: (m.cseq().0, m.cseq().1.to_string()),
        from_tag: owned(m.from().tag()),
        to_tag: owned(m.to().tag()),
        branch: owned(m.via().branch()),
        body: m.body().to_vec(),
    })
}

fn sipx(bytes: &[u8]) -> Option<View> {
    use sipx_sip::headers::{CSeq, CallId, From, To, Via};
    use sipx_sip::{Limits, Message, parse_datagram};
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let m = parse_datagram(bytes.to_vec().into(), &Limits::datagram()).ok()?;
    let h = m.headers();
    let cseq: CSeq = h.typed()?.ok()?;
    let (from, to): (From, To) = (h.typed()?.ok()?, h.typed()?.ok()?);
    let via: Via = h.typed()?.ok()?;
    let call_id: CallId = h.typed()?.ok()?;
    let (method, uri) = match &m {
        Message::Request(r) => (text(r.method.as_bytes()), text(&r.uri.to_bytes())),
        Message::Response(r) => (r.status.code().to_string(), String::new()),
    };
    Some(View {
        method,
        uri,
        call_id: text(&call_id.0),
        cseq: (cseq.sequence, text(cseq.method.as_bytes())),
        from_tag: from.0.tag().map(text),
        to_tag: to.0.tag().map(text),
        branch: via.branch().map(text),
        body: m.body().to_vec(),
    })
}

fn rsip(bytes: &[u8]) -> Option<View> {
    use rsip::prelude::*;
    let m = rsip::SipMessage::try_from(bytes).ok()?;
    let cseq = m.cseq_header().ok()?.typed().ok()?;
    let tag = |tag: Option<&rsip::param::Tag>| tag.map(|tag| tag.value().to_owned());
    let (method, uri) = match &m {
        rsip::SipMessage::Request(r) => (r.method.to_string(), r.uri.to_string()),
        rsip::SipMessage::Response(r) => (r.status_code.code().to_string(), String::new()),
    };
    Some(View {
        method,
        uri,
        call_id: m.call_id_header().ok()?.value().to_owned(),
        cseq: (cseq.seq, cseq.method.to_string()),
        from_tag: tag(m.from_header().ok()?.typed().ok()?.tag()),
        to_tag: tag(m.to_header().ok()?.typed().ok()?.tag()),
        branch: m.via_header().ok()?.typed().ok()?.branch().map(|b| b.value().to_owned()),
        body: m.body().clone(),
    })
}

/// Fails unless the two views are equal but for known disagreements.
fn agree(who: &str, bytes: &[u8], ours: &View, theirs: View) -> Result<(), TestCaseError> {
    let mut theirs = theirs;
    if who == "rsip" {
        KNOWN.iter().for_each(|(_, apply)| apply(ours, &mut theirs));
    }
    if *ours != theirs {
        let text = String::from_utf8_lossy(bytes);
        return Err(TestCaseError::fail(format!("{who}\n ours {ours:?}\ntheirs {theirs:?}\n{text}")));
    }
    Ok(())
}

/// More cases by `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(3_000), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn valid_messages_are_read_alike(bytes in message(true)) {
        let mine = ours(&bytes).map_err(|e| TestCaseError::fail(format!("{e}\n{}", String::from_utf8_lossy(&bytes))))?;
        let theirs = sipx(&bytes);
        prop_assert!(theirs.is_some(), "sipx refuses\n{}", String::from_utf8_lossy(&bytes));
        agree("sipx", &bytes, &mine, theirs.unwrap())?;
        if let Some(theirs) = rsip(&bytes) {
            agree("rsip", &bytes, &mine, theirs)?;
        }
    }

    /// rsip reads neither compact forms nor folds nor IPv6; without them it must accept what we accept.
    #[test]
    fn plain_messages_are_read_alike_by_all_three(bytes in message(false)) {
        let mine = ours(&bytes).unwrap();
        agree("sipx", &bytes, &mine, sipx(&bytes).expect("sipx accepts"))?;
        agree("rsip", &bytes, &mine, rsip(&bytes).expect("rsip accepts"))?;
    }

    #[test]
    fn mutated_messages_are_read_alike_where_all_accept(bytes in mutated()) {
        if let Ok(mine) = ours(&bytes) {
            for (who, theirs) in [("sipx", sipx(&bytes)), ("rsip", rsip(&bytes))] {
                if let Some(theirs) = theirs {
                    agree(who, &bytes, &mine, theirs)?;
                }
            }
        }
    }

    #[test]
    fn sdp_types_reads_the_same_media(body in sdp_body()) {
        let mine = Sdp::parse(body.as_bytes()).unwrap();
        let theirs = sdp_types::Session::parse(body.as_bytes()).unwrap();
        prop_assert_eq!(mine.media().len(), theirs.medias.len());
        for (m, t) in mine.media().iter().zip(&theirs.medias) {
            prop_assert_eq!((m.port, m.proto, m.formats), (t.port, t.proto.as_str(), t.fmt.as_str()));
            prop_assert_eq!(m.port_count, t.num_ports.unwrap_or(1));
            let connection = t.connections.first().or(theirs.connection.as_ref());
            let address = connection.and_then(|c| c.connection_address.parse::<std::net::IpAddr>().ok());
            prop_assert_eq!(m.address, address);
            prop_assert_eq!(m.rtcp_mux, t.has_attribute("rtcp-mux"));
            let rtcp = t.get_first_attribute_value("rtcp").flatten().and_then(|v| v.parse::<u16>().ok());
            if let (Some(port), Some(found)) = (rtcp, m.rtcp) {
                prop_assert_eq!(found.port(), port);
            }
        }
    }
}

/// A valid message. `rich`: also what only a careful parser reads: compact forms, folds, blanks before colons, IPv6,
/// several Vias in a line, quoted display names with commas and brackets.
fn message(rich: bool) -> impl Strategy<Value = Vec<u8>> {
    let methods = ["INVITE", "ACK", "BYE", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "UPDATE"];
    let word = "[a-zA-Z0-9]{1,12}";
    (
        (prop::sample::select(methods.to_vec()), any::<bool>(), uri(rich), uri(rich), uri(rich)),
        (word, prop::option::of(word), "[a-zA-Z0-9.-]{1,20}(@[a-z0-9.]{1,10})?", 0_u32..1 << 31, word),
        (
            prop::collection::vec(any::<u8>(), if rich { 0..40 } else { 0..1 }),
            any::<bool>(),
            any::<u64>(),
            prop::collection::vec(via(rich), 1..4),
        ),
        (any::<[bool; 8]>(), prop::sample::select(vec!["", "\"A, <b> \\\" c\" ", "Alice ", "Alice B. "])),
    )
        .prop_map(
            move |(
                (method, response, target, from, to),
                (tag, to_tag, call_id, cseq, extra),
                (body, with_length, order, vias),
                (coins, display),
            )| {
                let name = |index: usize, long: &'static str, compact: &'static str| match (
                    rich,
                    coins[index],
                    coins[7 - index],
                ) {
                    (true, true, _) => compact.to_owned(),
                    (true, false, true) => format!("{} ", long.to_lowercase()),
                    _ => long.to_owned(),
                };
                let fold = if rich && coins[0] { "\r\n\t" } else { "" };
                let display = if rich || !display.contains('"') { display } else { "" };
                let to_tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
                let separator = if rich && coins[1] { " , " } else { "\r\nVia: " };
                let mut lines = [
                    format!("{}: {}", name(0, "Via", "v"), vias.join(separator)),
                    format!("{}: {display}<{from}>{fold};tag={tag}", name(1, "From", "f")),
                    format!("{}: {fold}<{to}>{to_tag}", name(2, "To", "t")),
                    format!("{}: {call_id}", name(3, "Call-ID", "i")),
                    format!("CSeq: {cseq} {method}"),
                    "Max-Forwards: 70".to_owned(),
                    format!("Subject: {extra}"),
                    format!("X-{extra}: {extra}, \"{extra}\""),
                ]
                .to_vec();
                if with_length {
                    lines.push(format!("{}: {}", name(4, "Content-Length", "l"), body.len()));
                }
                let mut order = order;
                for i in (1..lines.len()).rev() {
                    lines.swap(i, (order % (i as u64 + 1)) as usize);
                    order /= i as u64 + 1;
                }
                let mut text = if response {
                    "SIP/2.0 200 OK\r\n".to_owned()
                } else {
                    format!("{method} {target} SIP/2.0\r\n")
                };
                for line in lines {
                    write!(text, "{line}\r\n").unwrap();
                }
                [text.as_bytes(), b"\r\n", &body].concat()
            },
        )
}

fn uri(rich: bool) -> impl Strategy<Value = String> {
    let hosts = if rich {
        vec!["example.com", "192.0.2.4", "[2001:db8::9:1]"]
    } else {
        vec!["example.com", "192.0.2.4"]
    };
    ("[a-z0-9]{1,8}", prop::sample::select(hosts), prop::option::of(1_u16..), any::<bool>()).prop_map(
        |(user, host, port, lr)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("sip:{user}@{host}{port}{}", if lr { ";transport=tcp" } else { "" })
        },
    )
}

fn via(rich: bool) -> impl Strategy<Value = String> {
    let hosts =
        if rich { vec!["a.example", "[2001:db8::2]", "10.0.0.1"] } else { vec!["a.example", "10.0.0.1"] };
    (prop::sample::select(vec!["UDP", "TCP"]), prop::sample::select(hosts), prop::option::of(1_u16..), "[a-z0-9]{1,8}", any::<bool>())
        .prop_map(move |(transport, host, port, branch, blanks)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let (slash, semicolon) = if rich && blanks { (" / ", " ; ") } else { ("/", ";") };
            format!("SIP{slash}2.0{slash}{transport} {host}{port}{semicolon}branch=z9hG4bK{branch}{semicolon}rport")
        })
}

/// A valid message with a few bytes altered.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit =
        (0_u8..3, any::<prop::sample::Index>(), prop::sample::select(b"\r\n :;,<>\"\\@%=[]?aA1/\t".to_vec()));
    (message(true), prop::collection::vec(edit, 1..4)).prop_map(|(mut bytes, edits)| {
        for (kind, at, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

fn sdp_body() -> impl Strategy<Value = String> {
    let connection = prop::sample::select(vec![
        "",
        "c=IN IP4 192.0.2.1\r\n",
        "c=IN IP6 2001:db8::1\r\n",
        "c=IN IP4 0.0.0.0\r\n",
    ]);
    let media = (
        prop::sample::select(vec!["audio", "video", "image"]),
        any::<u16>(),
        prop::sample::select(vec!["", "/2"]),
        prop::sample::select(vec!["RTP/AVP 0 8 101", "RTP/SAVPF 96", "udptl t38"]),
        connection.clone(),
        prop::sample::subsequence(
            vec!["a=rtcp-mux\r\n", "a=rtcp:4711\r\n", "a=sendonly\r\n", "a=ptime:20\r\n"],
            0..4,
        ),
    )
        .prop_map(|(kind, port, count, rest, c, attributes)| {
            format!("m={kind} {port}{count} {rest}\r\n{c}{}", attributes.concat())
        });
    (connection, prop::collection::vec(media, 0..5)).prop_map(|(c, media)| {
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n{c}t=0 0\r\n{}", media.concat())
    })
}
