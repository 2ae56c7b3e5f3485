use std::collections::BTreeSet;

use bytes::BytesMut;
use proptest::prelude::*;

use super::replay::ReplayWindow;
use super::testing::keys;
use super::*;
use crate::base::Rng;
use crate::config::limits::{RECORD_PLAINTEXT_MAX, REPLAY_WINDOW};

const KEY: SiteKey = SiteKey([7; 32]);

fn greet(name: &str, key: &SiteKey) -> Result<AnsweredHello, HelloError> {
    let (_, bytes) = hello(name, key, b"from hrac", &mut Rng::new([1; 32])).unwrap();
    answer(&bytes)
}

fn answer(bytes: &[u8]) -> Result<AnsweredHello, HelloError> {
    let lookup = |hint| (hint == SiteHint::of("hq")).then_some((SiteId(3), KEY));
    answer_hello(bytes, lookup, |_, _| b"from hras".to_vec(), &mut Rng::new([2; 32]))
}

#[test]
fn a_hello_gives_both_ends_the_same_keys_and_payloads() {
    let (pending, bytes) = hello("hq", &KEY, b"from hrac", &mut Rng::new([1; 32])).unwrap();
    let mut hras = answer(&bytes).unwrap();
    assert_eq!((hras.site, hras.payload.as_slice()), (SiteId(3), &b"from hrac"[..]));
    let (mut hrac, payload) = pending.finish(&hras.answer).unwrap();
    assert_eq!(payload, b"from hras");
    assert!(hrac.is_hrac() && !hras.keys.is_hrac());
    for up in [true, false] {
        let (from, to) = if up { (&mut hrac, &mut hras.keys) } else { (&mut hras.keys, &mut hrac) };
        let (mut record, mut opened) = (BytesMut::new(), BytesMut::new());
        from.seal(b"frames", &mut record).unwrap();
        assert_eq!(record.len(), b"frames".len() + RECORD_OVERHEAD);
        assert_eq!(to.open(&record[LENGTH_LEN..], &mut opened), Ok(0));
        assert_eq!(&opened[..], b"frames");
    }
}

#[test]
fn strangers_are_told_apart() {
    assert_eq!(greet("hq", &KEY).map(|hello| hello.site), Ok(SiteId(3)));
    assert_eq!(greet("nobody", &KEY).unwrap_err(), HelloError::UnknownSite);
    assert_eq!(greet("hq", &SiteKey([8; 32])).unwrap_err(), HelloError::WrongKey);
    assert_eq!(answer(b"GET / HT").unwrap_err(), HelloError::UnknownSite);
    assert_eq!(answer(b"short").unwrap_err(), HelloError::Malformed);
    let mut long = SiteHint::of("hq").0.to_vec();
    long.resize(8 + HELLO_PAYLOAD_MAX + 49, 0);
    assert_eq!(answer(&long).unwrap_err(), HelloError::Malformed);
}

#[test]
fn a_changed_hello_or_answer_is_refused() {
    let (pending, bytes) = hello("hq", &KEY, b"", &mut Rng::new([1; 32])).unwrap();
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(answer(&changed).unwrap_err(), HelloError::WrongKey);
    let mut answer = answer(&bytes).unwrap().answer;
    answer[40] ^= 1;
    assert_eq!(pending.finish(&answer).unwrap_err(), HelloError::WrongKey);
}

#[test]
fn the_answer_to_another_hello_is_refused() {
    let (pending, _) = hello("hq", &KEY, b"", &mut Rng::new([1; 32])).unwrap();
    let (_, other) = hello("hq", &KEY, b"", &mut Rng::new([9; 32])).unwrap();
    assert_eq!(pending.finish(&answer(&other).unwrap().answer).unwrap_err(), HelloError::WrongKey);
}

#[test]
fn the_same_seed_gives_the_same_hello() {
    let hello = |seed| hello("hq", &KEY, b"", &mut Rng::new([seed; 32])).unwrap().1;
    assert_eq!(hello(1), hello(1));
    assert_ne!(hello(1), hello(2));
}

#[test]
fn records_open_once_in_any_order() {
    let (mut hrac, mut hras) = keys();
    let mut opened = BytesMut::new();
    let records: Vec<BytesMut> = (0..100_u8)
        .map(|number| {
            let mut record = BytesMut::new();
            hrac.seal(&[number], &mut record).unwrap();
            record
        })
        .collect();
    for (nonce, record) in records.iter().enumerate().rev() {
        assert_eq!(hras.open(&record[LENGTH_LEN..], &mut opened), Ok(nonce as u64));
        assert_eq!(opened[..], [nonce as u8]);
    }
    for record in &records {
        assert_eq!(hras.open(&record[LENGTH_LEN..], &mut opened), Err(SealError::Replayed));
    }
}

#[test]
fn what_was_not_sealed_for_us_does_not_open() {
    let (mut hrac, mut hras) = keys();
    let (mut record, mut opened) = (BytesMut::new(), BytesMut::new());
    hrac.seal(b"x", &mut record).unwrap();
    // Our own record, sent back to us.
    assert_eq!(hrac.open(&record[LENGTH_LEN..], &mut opened), Err(SealError::Forged));
    for index in LENGTH_LEN..record.len() {
        record[index] ^= 0x80;
        assert_eq!(hras.open(&record[LENGTH_LEN..], &mut opened), Err(SealError::Forged));
        assert!(opened.is_empty());
        record[index] ^= 0x80;
    }
    for len in 0..RECORD_OVERHEAD - LENGTH_LEN {
        assert_eq!(hras.open(&vec![0; len], &mut opened), Err(SealError::Short));
    }
    // A forged nonce far ahead did not move the window.
    assert_eq!(hras.open(&record[LENGTH_LEN..], &mut opened), Ok(0));
}

#[test]
fn sealing_leaves_no_half_record() {
    let (mut hrac, _) = keys();
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(hrac.seal(&[0; 1 << 16], &mut out), Err(SealError::Exhausted));
    assert_eq!(&out[..], b"before");
    assert_eq!(hrac.seal(&[0; RECORD_PLAINTEXT_MAX], &mut out), Ok(()));
}

proptest! {
    /// Against a set that remembers everything.
    #[test]
    fn the_replay_window_forgets_only_what_is_old(
        steps in proptest::collection::vec((any::<bool>(), 0..3 * REPLAY_WINDOW as u64), 0..300),
    ) {
        let mut window = ReplayWindow::new();
        let (mut seen, mut newest) = (BTreeSet::new(), 0);
        for (ahead, distance) in steps {
            let nonce = if ahead { newest + distance / 16 } else { u64::saturating_sub(newest, distance) };
            let fresh = window.is_fresh(nonce);
            if seen.contains(&nonce) {
                prop_assert!(!fresh, "{nonce} was seen");
            } else if nonce + REPLAY_WINDOW as u64 - 64 > newest {
                prop_assert!(fresh, "{nonce} is not older than the window");
            }
            if fresh {
                window.mark(nonce);
                seen.insert(nonce);
                newest = newest.max(nonce);
            }
        }
    }
}
