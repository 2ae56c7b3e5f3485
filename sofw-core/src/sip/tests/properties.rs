//! Properties over generated, mutated and arbitrary bytes.

use proptest::prelude::*;

use super::super::*;
use super::INVITE;

/// Bytes near a valid message: some replaced, taken out, put in or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        0_u8..4,
        any::<prop::sample::Index>(),
        prop::sample::select(b"\r\n :;,<>\"\\@%=[]?\0aA1/\xff".to_vec()),
    );
    prop::collection::vec(edit, 0..6).prop_map(|edits| {
        let mut bytes = INVITE.to_vec();
        for (kind, at, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => {
                    let end = (at + 40).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn mutated_messages_never_panic(bytes in mutated()) {
        exercise(&bytes);
    }

    #[test]
    fn no_edit_alters_a_byte_it_does_not_name(bytes in mutated()) {
        let Ok(m) = Message::parse(&bytes) else { return Ok(()) };
        prop_assert_eq!(Editor::new(&m).finish(), m.bytes());
        let mut push = Editor::new(&m);
        push.push_front(HeaderName::Via, "SIP/2.0/UDP h;branch=z9hG4bKx").push_back(HeaderName::Other("X-Own"), "1");
        let pushed = push.finish();
        let longer = Message::parse(&pushed).unwrap();
        prop_assert_eq!(longer.headers().count(), m.headers().count() + 2);
        let mut pop = Editor::new(&longer);
        pop.remove_first_value(HeaderName::Via).remove_all(HeaderName::Other("x-own"));
        prop_assert_eq!(pop.finish(), m.bytes());
    }

    #[test]
    fn a_stamped_via_says_the_source_and_the_rest_stays(bytes in mutated(), port in 1_u16..) {
        let Ok(m) = Message::parse(&bytes) else { return Ok(()) };
        let source = std::net::SocketAddr::from(([198, 51, 100, 9], port));
        let mut edit = Editor::new(&m);
        edit.stamp_via(source);
        let stamped = edit.finish();
        let after = Message::parse(&stamped).unwrap();
        prop_assert_eq!(after.via().received(), Some(source.ip()));
        prop_assert_eq!(after.via().rport(), m.via().rport().map(|_| Some(port)));
        prop_assert_eq!(after.via().branch(), m.via().branch());
        prop_assert_eq!(after.via().host(), m.via().host());
        let (old, new) = (m.via().range(), after.via().range());
        prop_assert_eq!(&stamped[..new.start], &m.bytes()[..old.start]);
        prop_assert_eq!(&stamped[new.end..], &m.bytes()[old.end..]);
    }

    #[test]
    fn every_answer_is_a_valid_response(bytes in mutated()) {
        let source = "198.51.100.9:5060".parse().unwrap();
        match Message::parse(&bytes) {
            Ok(m) => {
                let answer = build::response(&m, 200, "OK", Some("t"), &[]);
                let answer = Message::parse(&answer).unwrap();
                prop_assert_eq!((answer.cseq(), answer.call_id()), (m.cseq(), m.call_id()));
                prop_assert_eq!(answer.vias().count(), m.vias().count());
            }
            // The answer to broken bytes may repeat what is broken; it only must not break its own frame.
            Err(error) => if let Some(answer) = build::response_to_malformed(&bytes, &error, source) {
                prop_assert!(answer.ends_with(b"Content-Length: 0\r\n\r\n"));
                prop_assert_eq!(memchr::memmem::find_iter(&answer, b"\r\n\r\n").count(), 1);
            }
        }
    }
}
