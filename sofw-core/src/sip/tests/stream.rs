use super::super::*;
use super::INVITE;
use crate::config::limits;

fn drain(framer: &mut Framer) -> Vec<Framed> {
    core::iter::from_fn(|| framer.next().unwrap()).collect()
}

#[test]
fn messages_come_whole_however_the_stream_is_cut() {
    let stream = [INVITE, b"\r\n\r\n", INVITE, b"\r\n", INVITE].concat();
    let whole = Framed::Message(INVITE.to_vec().into());
    let expected = [whole.clone(), Framed::Ping, whole.clone(), whole];
    for step in [1, 2, 3, 7, 100, stream.len()] {
        let mut framer = Framer::new();
        let mut found = Vec::new();
        for piece in stream.chunks(step) {
            framer.push(piece);
            found.extend(drain(&mut framer));
        }
        assert_eq!(found, expected, "in steps of {step}");
        assert_eq!(framer.buffered(), 0);
    }
}

#[test]
fn bodies_may_look_like_heads() {
    let body = b"\r\n\r\nINVITE sip:x SIP/2.0\r\n\r\n";
    let head = b"MESSAGE sip:a@b SIP/2.0\r\nl : 28\r\n\r\n";
    assert_eq!(body.len(), 28);
    let mut framer = Framer::new();
    framer.push(&[&head[..], body, INVITE].concat());
    assert_eq!(framer.next().unwrap(), Some(Framed::Message([&head[..], body].concat().into())));
    assert_eq!(framer.next().unwrap(), Some(Framed::Message(INVITE.to_vec().into())));
}

#[test]
fn a_stream_ends_where_messages_have_no_end() {
    let text = String::from_utf8(INVITE.to_vec()).unwrap();
    for (bytes, status, reason) in [
        (text.replace("Content-Length: 4\r\n", ""), 400, "Missing Content-Length on a stream"),
        (text.replace("Length: 4", "Length: -4"), 400, "Malformed Content-Length"),
        (
            text.replace("Length: 4", "Length: 4\r\nl: 4"),
            400,
            "Header field repeated that may stand once only",
        ),
        (text.replace("Length: 4", "Length: 70000"), 513, "Message Too Large"),
        (text.replace("Length: 4", "Length: 99999999999999999999"), 400, "Malformed Content-Length"),
        (text.replace("CSeq: 1", "CSeq 1"), 400, "Malformed header field"),
        ("x".repeat(limits::SIP_MESSAGE_MAX + 1), 513, "Message Too Large"),
    ] {
        let mut framer = Framer::new();
        framer.push(bytes.as_bytes());
        let error = framer.next().unwrap_err();
        assert_eq!((error.error.status, error.error.reason), (status, reason));
        let source = "192.0.2.1:5060".parse().unwrap();
        let answerable = bytes.starts_with("INVITE") && !bytes.contains("CSeq 1");
        assert_eq!(
            build::response_to_malformed(&error.head, &error.error, source).is_some(),
            answerable,
            "{reason}"
        );
        framer.push(INVITE);
        assert_eq!((framer.next(), framer.buffered()), (Ok(None), 0), "nothing comes after an error");
    }
}
