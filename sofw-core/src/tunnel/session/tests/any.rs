//! Properties: whatever the path or a stranger does.

use proptest::prelude::*;

use super::*;
use crate::base::Rng;

/// What the property test does to the path.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrive(usize),
    Lose(usize),
    CarrierLost,
    Wait(u64),
    Send(u8),
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => any::<usize>().prop_map(Fate::Arrive),
        1 => any::<usize>().prop_map(Fate::Lose),
        1 => Just(Fate::CarrierLost),
        1 => (0..5_000_u64).prop_map(Fate::Wait),
        4 => any::<u8>().prop_map(Fate::Send),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Records arrive in any order or never, connections die at any time: every frame arrives once and in order.
    #[test]
    fn reliable_frames_survive_any_loss_and_reordering(fates in proptest::collection::vec(any_fate(), 0..120)) {
        let (mut hrac, mut hras) = pair();
        let mut wire: Vec<Vec<u8>> = Vec::new();
        let (mut now, mut sent, mut heard) = (0, Vec::new(), Vec::new());
        for fate in fates {
            match fate {
                Fate::Send(size) => {
                    // Some need several parts.
                    let mut text = vec![size; usize::from(size) * 40];
                    text.extend_from_slice(&(sent.len() as u32).to_be_bytes());
                    sent.push(sip(&text));
                    hrac.send(at(now), sip(&text)).unwrap();
                }
                Fate::Arrive(which) if !wire.is_empty() => {
                    let bytes = wire.swap_remove(which % wire.len());
                    // To whom it belongs, its key tells; the other refuses it.
                    let to_hras = hras.receive(at(now), &bytes, &mut RecordReader::new()).is_ok();
                    let to_hrac = hrac.receive(at(now), &bytes, &mut RecordReader::new()).is_ok();
                    prop_assert!(to_hras != to_hrac);
                }
                Fate::Lose(which) if !wire.is_empty() => {
                    wire.swap_remove(which % wire.len());
                }
                Fate::CarrierLost => {
                    hrac.carrier_lost(at(now));
                    hras.carrier_lost(at(now));
                }
                Fate::Wait(millis) => now += millis,
                Fate::Arrive(_) | Fate::Lose(_) => {}
            }
            hrac.handle_timeout(at(now));
            hras.handle_timeout(at(now));
            wire.extend(drain(&mut hrac, at(now)));
            wire.extend(drain(&mut hras, at(now)));
            heard.extend(frames(core::iter::from_fn(|| hras.poll()).collect()));
        }
        // In the end the path is whole again.
        hrac.carrier_lost(at(now));
        heard.extend(frames(settle(&mut hrac, &mut hras, at(now)).1));
        prop_assert_eq!(heard, sent);
    }

    /// However a body is cut, the same comes out.
    #[test]
    fn cuts_do_not_matter(cuts in proptest::collection::vec(1..700_usize, 1..40)) {
        let (mut hrac, mut hras) = pair();
        let mut body = Vec::new();
        for number in 0..20_u64 {
            hrac.send(at(0), sip(&vec![number as u8; number as usize * 100])).unwrap();
            hrac.send_voice(at(0), FlowId(2), false, &number.to_be_bytes());
            body.extend(record(&mut hrac, at(0)));
        }
        let mut lane = RecordReader::new();
        let mut rest = body.as_slice();
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            hras.receive(at(0), piece, &mut lane).unwrap();
            rest = after;
        }
        prop_assert!(lane.is_between_records());
        let events: Vec<_> = core::iter::from_fn(|| hras.poll()).collect();
        prop_assert_eq!(voices(&events).len(), 20);
        prop_assert_eq!(frames(events).len(), 20);
    }

    /// Bytes of a stranger change nothing.
    #[test]
    fn arbitrary_bytes_are_refused_and_bounded(bodies: Vec<Vec<u8>>) {
        let (_, mut hras) = pair();
        let mut lane = RecordReader::new();
        for body in &bodies {
            let _ = hras.receive(at(0), body, &mut lane);
        }
        prop_assert_eq!(hras.poll(), None);
        prop_assert_eq!(lane.opened(), 0);
    }

    /// Bytes of a peer with the right key that speaks nonsense: no panic, and what is kept is bounded by what came.
    #[test]
    fn arbitrary_plaintext_never_panics(plaintexts: Vec<Vec<u8>>, seed: [u8; 32]) {
        let (mut hrac, mut hras) = pair();
        let mut rng = Rng::new(seed);
        for mut plaintext in plaintexts {
            if let Some(first) = plaintext.first_mut() {
                // Mostly a type that exists.
                *first = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x12, 0x14, 0x1f, *first][rng.below(14) as usize];
            }
            let mut out = BytesMut::new();
            hrac.keys.seal(&plaintext, &mut out).unwrap();
            let _ = hras.receive(at(rng.below(1_000_000)), &out, &mut RecordReader::new());
            while hras.poll().is_some() {}
            drain(&mut hras, at(1_000_000));
        }
    }
}
