//! Voice that was under way when a line died, and comes when it is back.

use super::*;

/// Of `from`: a second of voice on a healthy way, then one of each kind, and what `settle` adds. Gives the last record.
fn call(from: &mut Session, to: &mut Session) -> Vec<u8> {
    let mut lane = RecordReader::new();
    for now in (0..1_000).step_by(20) {
        from.send_voice(at(now), FlowId(2), false, b"voice");
        for bytes in drain(from, at(now)) {
            to.receive(at(now + 30), &bytes, &mut lane).unwrap();
        }
    }
    while to.poll().is_some() {}
    from.send_voice(at(1_000), FlowId(2), false, b"old");
    from.send_voice(at(1_000), FlowId(2), true, b"digit");
    from.send_voice(at(1_000), FlowId(3), false, b"rtcp");
    from.send(at(1_000), sip(b"BYE")).unwrap();
    record(from, at(1_000))
}

/// What the last record of a call brings at `now`, and how much of it was dropped.
fn heard(now: u64) -> (Vec<(u32, Vec<u8>)>, usize, SessionStats) {
    let (mut hrac, mut hras) = pair();
    let bytes = call(&mut hrac, &mut hras);
    hras.receive(at(now), &bytes, &mut RecordReader::new()).unwrap();
    let events: Vec<_> = core::iter::from_fn(|| hras.poll()).collect();
    let dropped =
        events.iter().filter(|event| **event == SessionEvent::Dropped(DropReason::LateVoice)).count();
    let heard = voices(&events);
    assert_eq!(frames(events), [sip(b"BYE")], "SIP is never too late");
    (heard, dropped, *hras.stats())
}

#[test]
fn late_voice_is_dropped_and_counted_but_not_urgent_media() {
    let late_max = (VOICE_AGE_MAX + RECEIPT_INTERVAL_MAX).as_millis() as u64;
    let all = vec![(2, b"old".to_vec()), (2, b"digit".to_vec()), (3, b"rtcp".to_vec())];
    assert_eq!(heard(1_030 + late_max).0, all);
    for now in [1_030 + late_max + 1, 11_000] {
        let (heard, dropped, stats) = heard(now);
        assert_eq!(heard, [(2, b"digit".to_vec())]);
        assert_eq!(dropped, 2);
        assert_eq!(stats.dropped(DropReason::LateVoice), 2);
        assert_eq!((stats.voice_received, stats.voice_missing), (53, 0), "it came, after all");
    }
}

#[test]
fn the_newest_voice_has_its_receipt_also_when_it_is_late() {
    let (mut hrac, mut hras) = pair();
    let bytes = call(&mut hrac, &mut hras);
    while hras.fill_record(at(1_040), usize::MAX, &mut BytesMut::new()) {}
    hras.receive(at(11_000), &bytes, &mut RecordReader::new()).unwrap();
    let receipt = record(&mut hras, at(11_000));
    hrac.receive(at(11_030), &receipt, &mut RecordReader::new()).unwrap();
    hrac.send_voice(at(11_030), FlowId(2), false, b"new");
    assert!(hrac.wants_write(), "nothing holds it back");
}

/// An end that does not say when a record was filled is heard as before.
#[test]
fn without_the_time_of_sending_nothing_is_late() {
    let (mut hrac, mut hras) = pair();
    call(&mut hrac, &mut hras);
    let (mut out, mut plaintext) = (BytesMut::new(), Vec::new());
    View::Voice { flow: FlowId(2), sequence: 0, urgent: false, datagram: b"?" }.emit(&mut plaintext);
    hrac.keys.seal(&plaintext, &mut out).unwrap();
    hras.receive(at(60_000), &out, &mut RecordReader::new()).unwrap();
    assert!(matches!(hras.poll(), Some(SessionEvent::Voice(..))));
}

/// What it costs: records with voice or a ping say it once, the others never.
#[test]
fn only_voice_and_pings_say_when_they_were_sent() {
    let (mut hrac, mut hras) = pair();
    let says = |session: &mut Session, peer: &mut Session, now| {
        let bytes = record(session, at(now));
        let mut plaintext = BytesMut::new();
        peer.keys.open(&bytes[2..], &mut plaintext).unwrap();
        let (mut rest, mut said) = (&plaintext[..], Vec::new());
        while let Ok((view, after)) = View::parse(rest) {
            if let View::Sent { at } = view {
                said.push((at.as_millis(), rest.len() - after.len()));
            }
            rest = after;
        }
        said
    };
    assert_eq!(says(&mut hrac, &mut hras, 0), [(0, 3)], "the first ping");
    hrac.send(at(1_000), sip(b"INVITE")).unwrap();
    assert_eq!(says(&mut hrac, &mut hras, 1_000), []);
    for _ in 0..3 {
        hrac.send_voice(at(3_000), FlowId(2), false, b"voice");
    }
    assert_eq!(says(&mut hrac, &mut hras, 3_000), [(3_000, 4)]);
    hrac.send_voice(at(1_800_000), FlowId(2), true, b"after half an hour");
    assert_eq!(says(&mut hrac, &mut hras, 1_800_000), [(1_800_000, 5)]);
}
