//! Calls everything that reads, for fuzzing and property tests.

use super::{Editor, Framed, Framer, HeaderName, Message, NameAddr, Uri, build};

/// Reads `bytes` as a datagram and as a stream through every view, and edits what was accepted.
///
/// # Panics
/// If an invariant does not hold: an edit alters what it does not name, or a message of ours cannot be read.
pub(crate) fn exercise(bytes: &[u8]) {
    let source = core::net::SocketAddr::from(([192, 0, 2, 1], 5060));
    match Message::parse(bytes) {
        Ok(message) => {
            views(&message);
            edits(&message);
        }
        Err(error) => {
            assert!((400..600).contains(&error.status));
            let _ = build::response_to_malformed(bytes, &error, source);
        }
    }
    let mut framer = Framer::new();
    for piece in bytes.chunks(97) {
        framer.push(piece);
        while let Ok(Some(framed)) = framer.next() {
            if let Framed::Message(message) = framed {
                let _ = Message::parse(&message);
            }
        }
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        let uri = Uri::parse(text);
        let addr = NameAddr::parse_str(text);
        for uri in uri.into_iter().chain(addr.map(|a| a.uri())) {
            assert!(uri.is_equivalent(&uri), "{uri} is not itself");
            let _ = (uri.user_unescaped(), uri.host().ip(), uri.params().count());
        }
    }
}

fn views(m: &Message<'_>) {
    let whole = m.bytes();
    for header in m.headers() {
        assert_eq!(whole.get(header.value_range.clone()), Some(header.value));
        for value in m.values(header.name) {
            assert_eq!(whole.get(value.range.clone()), Some(value.bytes));
        }
        assert!(m.has(header.name));
    }
    for via in m.vias() {
        let _ = (via.transport(), via.host().ip(), via.received(), via.rport(), via.maddr(), via.ttl());
        for param in via.params() {
            assert!(via.param(param.name).is_some());
        }
    }
    for addr in [m.from(), m.to()].into_iter().chain(m.contacts()).chain(m.routes()).chain(m.record_routes())
    {
        assert_eq!(whole.get(addr.uri_range()), Some(addr.uri().as_str().as_bytes()));
        let _ = (addr.tag(), addr.display(), addr.params().count(), addr.uri().param("lr"));
    }
    let _ = (m.start_line(), m.status(), m.reason(), m.expires(), m.content_type(), m.contact_is_star());
}

fn edits(m: &Message<'_>) {
    assert_eq!(Editor::new(m).finish(), m.bytes());
    let mut edit = Editor::new(m);
    edit.stamp_via(core::net::SocketAddr::from(([192, 0, 2, 1], 5060)))
        .set_request_uri("sip:new@example.com")
        .push_front(HeaderName::Via, "SIP/2.0/UDP new.example.com;branch=z9hG4bKnew")
        .push_front(HeaderName::RecordRoute, "<sip:new.example.com;lr>")
        .remove_first_value(HeaderName::Route)
        .remove_first_value(HeaderName::Route)
        .set(HeaderName::MaxForwards, "69")
        .set_body(b"new body");
    let bytes = edit.finish();
    let Ok(edited) = Message::parse(&bytes) else { return };
    assert_eq!(edited.body(), b"new body");
    assert_eq!(edited.vias().count(), m.vias().count() + 1);
    assert_eq!(edited.max_forwards(), Some(69));
    assert_eq!(edited.call_id(), m.call_id());
}
