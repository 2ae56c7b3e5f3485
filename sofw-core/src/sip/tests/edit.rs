use core::ops::Range;

use super::super::*;
use super::{INVITE, request};

fn edit(bytes: &[u8], f: impl for<'e, 'm> FnOnce(&'e mut Editor<'m>) -> &'e mut Editor<'m>) -> String {
    let message = Message::parse(bytes).unwrap();
    let mut editor = Editor::new(&message);
    f(&mut editor);
    String::from_utf8(editor.finish()).unwrap()
}

/// The head of [`INVITE`] with one replacement.
fn invite_with(from: &str, to: &str) -> String {
    let text = String::from_utf8(INVITE.to_vec()).unwrap();
    assert!(text.contains(from));
    text.replacen(from, to, 1)
}

#[test]
fn single_values_are_replaced_in_place() {
    assert_eq!(
        edit(INVITE, |e| e.set_request_uri("sip:x@y")),
        invite_with("sip:bob@biloxi.example.com", "sip:x@y")
    );
    assert_eq!(edit(INVITE, |e| e.set(HeaderName::MaxForwards, "69")), invite_with(": 70", ": 69"));
    assert_eq!(
        edit(INVITE, |e| e.set(HeaderName::Expires, "9")),
        invite_with("Content-Length: 4\r\n", "Content-Length: 4\r\nExpires: 9\r\n")
    );
    let twice = edit(INVITE, |e| e.set(HeaderName::Expires, "8").set(HeaderName::Expires, "9"));
    assert_eq!(twice, invite_with("Content-Length: 4\r\n", "Content-Length: 4\r\nExpires: 9\r\n"));
    let bytes = request("s :\r\n");
    let set = edit(&bytes, |e| e.set(HeaderName::Subject, "a").set(HeaderName::Subject, "b"));
    assert!(set.contains("\r\ns : b\r\n"), "{set}");
    let bytes = request("Allow: A\r\nX: 1\r\nAllow: B\r\n");
    assert_eq!(edit(&bytes, |e| e.set(HeaderName::Allow, "C")).as_bytes(), request("Allow: C\r\nX: 1\r\n"));
}

#[test]
fn the_last_push_front_comes_first_and_the_last_push_back_last() {
    let text = edit(INVITE, |e| {
        e.push_front(HeaderName::Via, "one").push_front(HeaderName::Via, "two");
        e.push_front(HeaderName::RecordRoute, "<a>").push_front(HeaderName::RecordRoute, "<b>");
        e.push_back(HeaderName::Other("X-Tail"), "1").push_back(HeaderName::Other("X-Tail"), "2")
    });
    let expected = invite_with("Via: ", "Via: two\r\nVia: one\r\nVia: ")
        .replace("Max-Forwards", "Record-Route: <b>\r\nRecord-Route: <a>\r\nMax-Forwards")
        .replace("Length: 4\r\n", "Length: 4\r\nX-Tail: 1\r\nX-Tail: 2\r\n");
    assert_eq!(text, expected);
}

#[test]
fn first_values_leave_one_by_one() {
    let bytes = request("Route: <sip:a>, <sip:b>\r\nX: 1\r\nroute: <sip:c>\r\n");
    let take = |n: usize| {
        edit(&bytes, |e| {
            for _ in 0..n {
                e.remove_first_value(HeaderName::Route);
            }
            e
        })
        .into_bytes()
    };
    assert_eq!(take(1), request("Route: <sip:b>\r\nX: 1\r\nroute: <sip:c>\r\n"));
    assert_eq!(take(2), request("X: 1\r\nroute: <sip:c>\r\n"));
    assert_eq!(take(3), request("X: 1\r\n"));
    assert_eq!(take(4), request("X: 1\r\n"), "nothing left to take");
    assert_eq!(edit(&bytes, |e| e.remove_all(HeaderName::Route)).as_bytes(), request("X: 1\r\n"));
    // A new Route in the place of one that goes.
    let swapped = edit(&bytes, |e| e.remove_all(HeaderName::Route).push_front(HeaderName::Route, "<sip:n>"));
    assert_eq!(swapped.as_bytes(), request("Route: <sip:n>\r\nX: 1\r\n"));
}

#[test]
fn vias_are_stamped_as_rfc3581_says() {
    let stamp = |via: &str, source: &str| {
        let bytes = request(&format!("Via: {via}\r\n"));
        let text = edit(&bytes, |e| e.stamp_via(source.parse().unwrap()));
        text.lines().nth(1).unwrap().strip_prefix("Via: ").unwrap().to_owned()
    };
    assert_eq!(
        stamp("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff", "192.0.2.1:9988"),
        "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1"
    );
    assert_eq!(
        stamp("SIP/2.0/UDP 10.1.1.1;rport", "10.1.1.1:9"),
        "SIP/2.0/UDP 10.1.1.1;rport=9;received=10.1.1.1"
    );
    assert_eq!(stamp("SIP/2.0/UDP 10.1.1.1", "10.1.1.1:9"), "SIP/2.0/UDP 10.1.1.1");
    assert_eq!(
        stamp("SIP/2.0/UDP a.example, SIP/2.0/UDP b", "10.1.1.1:9"),
        "SIP/2.0/UDP a.example;received=10.1.1.1, SIP/2.0/UDP b"
    );
    // What the sender says about itself is not believed.
    assert_eq!(stamp("SIP/2.0/UDP 10.1.1.1;received=192.0.2.9", "10.1.1.1:9"), "SIP/2.0/UDP 10.1.1.1");
    assert_eq!(
        stamp("SIP/2.0/UDP a;received=192.0.2.9;x", "[2001:db8::1]:9"),
        "SIP/2.0/UDP a;received=2001:db8::1;x"
    );
}

#[test]
fn bodies_take_their_length_with_them() {
    let text = edit(INVITE, |e| e.set_body(b"v=0\r\ns=x\r\n"));
    assert_eq!(
        text,
        invite_with("Content-Length: 4\r\n\r\nv=0\n", "Content-Length: 10\r\n\r\nv=0\r\ns=x\r\n")
    );
    let bytes = request("");
    let twice = edit(&bytes, |e| e.set_body(b"a").set_body(b"bc"));
    assert!(twice.ends_with("CSeq: 7 OPTIONS\r\nContent-Length: 2\r\n\r\nbc"), "{twice}");
    let compact = edit(&request("l: 0\r\n"), |e| e.set_body(b"abc"));
    assert!(compact.contains("\r\nl: 3\r\n") && compact.ends_with("\r\n\r\nabc"), "{compact}");
}

#[test]
fn overlapping_edits_do_not_garble() {
    let text = edit(INVITE, |e| {
        let to = Message::parse(INVITE).unwrap().to();
        e.replace(to.uri_range(), b"sip:lost@example.com").replace(to.range(), b"<sip:won@example.com>");
        e.replace(Range { start: 5, end: 2 }, b"no").replace(0..99_999, b"no")
    });
    assert_eq!(text, invite_with("Bob <sip:bob@biloxi.example.com>", "<sip:won@example.com>"));
}
