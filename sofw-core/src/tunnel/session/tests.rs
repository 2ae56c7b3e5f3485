mod any;
mod late;
mod voice;

use bytes::BytesMut;

use super::*;
use crate::base::Transport;
use crate::config::limits::*;
use crate::tunnel::frame::{FrameError, RaHeader};
use crate::tunnel::seal::{RECORD_OVERHEAD, testing::keys};

const MS: Duration = Duration::from_millis(1);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn pair() -> (Session, Session) {
    let config = SessionConfig { voice_age_max: VOICE_AGE_MAX };
    let (hrac, hras) = keys();
    (Session::new(hrac, config, at(0)), Session::new(hras, config, at(0)))
}

/// One record; panics if there is nothing to say.
fn record(session: &mut Session, now: Instant) -> Vec<u8> {
    let mut out = BytesMut::new();
    assert!(session.fill_record(now, usize::MAX, &mut out), "nothing to say");
    out.to_vec()
}

/// All records that a session wants to send.
fn drain(session: &mut Session, now: Instant) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| {
        let mut out = BytesMut::new();
        session.fill_record(now, usize::MAX, &mut out).then(|| out.to_vec())
    })
    .collect()
}

/// Carries everything between the two until both are silent.
fn settle(a: &mut Session, b: &mut Session, now: Instant) -> (Vec<SessionEvent>, Vec<SessionEvent>) {
    let (mut lane_a, mut lane_b) = (RecordReader::new(), RecordReader::new());
    let (mut events_a, mut events_b) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let mut quiet = true;
        for bytes in drain(a, now) {
            b.receive(now, &bytes, &mut lane_b).unwrap();
            quiet = false;
        }
        for bytes in drain(b, now) {
            a.receive(now, &bytes, &mut lane_a).unwrap();
            quiet = false;
        }
        events_a.extend(core::iter::from_fn(|| a.poll()));
        events_b.extend(core::iter::from_fn(|| b.poll()));
        if quiet {
            return (events_a, events_b);
        }
    }
    panic!("the two never fall silent");
}

fn sip(text: &[u8]) -> Frame {
    let addr = "10.10.10.10:5060".parse().unwrap();
    Frame::Sip { phone: RaHeader { transport: Transport::Udp, addr }, message: text.to_vec().into() }
}

fn voices(events: &[SessionEvent]) -> Vec<(u32, Vec<u8>)> {
    let voice = |event: &SessionEvent| match event {
        SessionEvent::Voice(flow, payload) => Some((flow.0, payload.to_vec())),
        _ => None,
    };
    events.iter().filter_map(voice).collect()
}

fn frames(events: Vec<SessionEvent>) -> Vec<Frame> {
    let frame = |event| match event {
        SessionEvent::Frame(frame) => Some(frame),
        _ => None,
    };
    events.into_iter().filter_map(frame).collect()
}

#[test]
fn the_first_record_is_a_ping_and_its_answer_tells_the_round_trip() {
    let (mut hrac, mut hras) = pair();
    assert!(hrac.wants_write());
    let ping = record(&mut hrac, at(0));
    assert!(!hrac.wants_write());
    hras.receive(at(20), &ping, &mut RecordReader::new()).unwrap();
    // The answer waits 5 ms for a record; that is not part of the round trip.
    let pong = record(&mut hras, at(25));
    hrac.receive(at(45), &pong, &mut RecordReader::new()).unwrap();
    assert_eq!(hrac.poll(), Some(SessionEvent::Pong { number: 0, round_trip: 40 * MS }));
    assert_eq!(hrac.round_trip(), Some(40 * MS));
    assert_eq!(hrac.last_heard(), at(45));
}

#[test]
fn pings_go_on_by_timer_and_on_request() {
    let (mut hrac, mut hras) = pair();
    settle(&mut hrac, &mut hras, at(0));
    let deadline = hrac.poll_timeout().unwrap();
    assert_eq!(deadline, Deadline::new(Instant::ZERO + PING_INTERVAL, "tunnel ping"));
    hrac.handle_timeout(deadline.at);
    assert!(hrac.wants_write());
    let (events, _) = settle(&mut hrac, &mut hras, deadline.at);
    assert_eq!(events, [SessionEvent::Pong { number: 1, round_trip: Duration::ZERO }]);
    let number = hrac.ping(deadline.at);
    let (events, _) = settle(&mut hrac, &mut hras, deadline.at);
    assert_eq!(events, [SessionEvent::Pong { number, round_trip: Duration::ZERO }]);
}

#[test]
fn p09_voice_arrives_with_its_flow_id() {
    let (mut hrac, mut hras) = pair();
    hrac.send_voice(at(0), FlowId(2), false, b"one");
    hrac.send_voice(at(0), FlowId(FlowId::MAX), false, b"two");
    hrac.send_voice(at(0), FlowId(3), true, b"");
    let (_, events) = settle(&mut hrac, &mut hras, at(1));
    let expected = [(2, b"one".to_vec()), (FlowId::MAX, b"two".to_vec()), (3, Vec::new())];
    assert_eq!(voices(&events), expected);
    assert_eq!(hras.stats().voice_received, 3);
    assert_eq!(hrac.stats().voice_sent, 3);
}

#[test]
fn voice_that_cannot_be_carried_is_counted() {
    let (mut hrac, mut hras) = pair();
    hrac.send_voice(at(0), FlowId(2), false, &[0; MEDIA_DATAGRAM_MAX + 1]);
    hrac.send_voice(at(0), FlowId(FlowId::MAX + 1), false, b"x");
    let (_, events) = settle(&mut hrac, &mut hras, at(0));
    assert_eq!(voices(&events), []);
    assert_eq!(hrac.stats().dropped(DropReason::Oversize), 1);
    assert_eq!(hrac.stats().dropped(DropReason::NoFlow), 1);
}

#[test]
fn sip_goes_before_voice_in_a_record() {
    let (mut hrac, mut hras) = pair();
    hrac.send_voice(at(0), FlowId(2), false, b"voice");
    hrac.send(at(0), sip(b"INVITE")).unwrap();
    let bytes = record(&mut hrac, at(0));
    hras.receive(at(0), &bytes, &mut RecordReader::new()).unwrap();
    assert_eq!(hras.poll(), Some(SessionEvent::Frame(sip(b"INVITE"))));
    assert!(matches!(hras.poll(), Some(SessionEvent::Voice(FlowId(2), _))));
}

#[test]
fn a_storm_of_sip_leaves_voice_half_of_every_record() {
    let (mut hrac, mut hras) = pair();
    for _ in 0..1_000 {
        hrac.send(at(0), sip(&[b'x'; 600])).unwrap();
    }
    for _ in 0..40 {
        hrac.send_voice(at(0), FlowId(2), false, &[0; 172]);
    }
    let bytes = record(&mut hrac, at(0));
    hras.receive(at(0), &bytes, &mut RecordReader::new()).unwrap();
    assert_eq!(hras.stats().voice_received, 40);
}

#[test]
fn stale_voice_is_dropped_and_counted_but_not_urgent_media() {
    let (mut hrac, mut hras) = pair();
    hrac.send_voice(at(0), FlowId(2), false, b"old");
    hrac.send_voice(at(0), FlowId(2), true, b"dtmf");
    hrac.send_voice(at(100), FlowId(2), false, b"young");
    let (_, events) = settle(&mut hrac, &mut hras, at(151));
    assert_eq!(voices(&events), [(2, b"dtmf".to_vec()), (2, b"young".to_vec())]);
    assert_eq!(hrac.stats().dropped(DropReason::StaleVoice), 1);
}

#[test]
fn with_only_stale_voice_there_is_nothing_to_say() {
    let (mut hrac, mut hras) = pair();
    settle(&mut hrac, &mut hras, at(0));
    hrac.send_voice(at(0), FlowId(2), false, b"old");
    assert!(hrac.wants_write());
    assert!(!hrac.fill_record(at(200), usize::MAX, &mut BytesMut::new()));
    assert!(!hrac.wants_write());
}

#[test]
fn missing_voice_is_counted_until_it_comes() {
    let (mut hrac, mut hras) = pair();
    let mut lane = RecordReader::new();
    let mut records = Vec::new();
    for number in 0..4 {
        hrac.send_voice(at(number), FlowId(2), false, b"x");
        records.push(record(&mut hrac, at(number)));
    }
    hras.receive(at(5), &records[0], &mut lane).unwrap();
    hras.receive(at(5), &records[3], &mut lane).unwrap();
    assert_eq!(hras.stats().voice_missing, 2);
    hras.receive(at(5), &records[1], &mut RecordReader::new()).unwrap();
    assert_eq!(hras.stats().voice_missing, 1);
}

#[test]
fn an_acknowledgement_waits_a_little_for_company() {
    let (mut hrac, mut hras) = pair();
    settle(&mut hrac, &mut hras, at(0));
    hrac.send(at(10), sip(b"REGISTER")).unwrap();
    let bytes = record(&mut hrac, at(10));
    hras.receive(at(20), &bytes, &mut RecordReader::new()).unwrap();
    assert!(!hras.wants_write());
    assert_eq!(hras.poll_timeout(), Some(Deadline::new(at(20) + ACK_DELAY, "tunnel acknowledgement")));
    hras.handle_timeout(at(20) + ACK_DELAY);
    assert!(hras.wants_write());
    assert!(hrac.unacknowledged() > 0);
    let ack = record(&mut hras, at(70));
    hrac.receive(at(80), &ack, &mut RecordReader::new()).unwrap();
    assert_eq!(hrac.unacknowledged(), 0);
}

#[test]
fn frames_longer_than_a_record_arrive_whole() {
    let (mut hrac, mut hras) = pair();
    let message: Vec<u8> = (0..SIP_MESSAGE_MAX).map(|n| n as u8).collect();
    hrac.send(at(0), sip(&message)).unwrap();
    hrac.send(at(0), sip(b"after")).unwrap();
    let (_, events) = settle(&mut hrac, &mut hras, at(0));
    assert_eq!(frames(events), [sip(&message), sip(b"after")]);
}

#[test]
fn a_lost_carrier_costs_no_reliable_frame() {
    let (mut hrac, mut hras) = pair();
    hrac.send(at(0), sip(b"first")).unwrap();
    record(&mut hrac, at(0)); // Lost.
    hrac.send(at(1), sip(b"second")).unwrap();
    let second = record(&mut hrac, at(1));
    hras.receive(at(2), &second, &mut RecordReader::new()).unwrap();
    assert_eq!(hras.poll(), None);
    hrac.carrier_lost(at(3));
    let (_, events) = settle(&mut hrac, &mut hras, at(3));
    assert_eq!(frames(events), [sip(b"first"), sip(b"second")]);
    assert_eq!(hrac.stats().reliable_resent, 2);
    assert_eq!(hras.stats().reliable_duplicates, 1);
}

#[test]
fn what_a_proxy_swallowed_is_sent_again_after_seconds() {
    let (mut hrac, mut hras) = pair();
    settle(&mut hrac, &mut hras, at(0));
    hrac.send(at(10), sip(b"INVITE")).unwrap();
    record(&mut hrac, at(10)); // Swallowed.
    assert_eq!(hrac.poll_timeout(), Some(Deadline::new(at(10) + RESEND_AFTER_MIN, "tunnel resend")));
    hrac.handle_timeout(at(10) + RESEND_AFTER_MIN);
    assert!(hrac.wants_write());
    let (_, events) = settle(&mut hrac, &mut hras, at(3_010));
    assert_eq!(frames(events), [sip(b"INVITE")]);
}

#[test]
fn a_record_that_does_not_open_costs_the_body_and_not_the_session() {
    let (mut hrac, mut hras) = pair();
    hrac.send(at(0), sip(b"one")).unwrap();
    let mut forged = record(&mut hrac, at(0));
    *forged.last_mut().unwrap() ^= 1;
    let mut lane = RecordReader::new();
    let error = SessionError::Seal(SealError::Forged);
    assert_eq!(hras.receive(at(0), &forged, &mut lane), Err(error));
    assert_eq!(hras.receive(at(0), b"more", &mut lane), Err(error));
    assert_eq!(lane.opened(), 0);
    hrac.carrier_lost(at(1));
    let (_, events) = settle(&mut hrac, &mut hras, at(1));
    assert_eq!(frames(events), [sip(b"one")]);
}

#[test]
fn a_replayed_record_is_refused() {
    let (mut hrac, mut hras) = pair();
    let bytes = record(&mut hrac, at(0));
    let mut lane = RecordReader::new();
    assert_eq!(hras.receive(at(0), &bytes, &mut lane), Ok(()));
    assert_eq!(lane.opened(), 1);
    let mut thief = RecordReader::new();
    assert_eq!(hras.receive(at(1), &bytes, &mut thief), Err(SessionError::Seal(SealError::Replayed)));
    assert_eq!(thief.opened(), 0);
}

#[test]
fn absurd_record_lengths_are_refused_at_once() {
    let (_, mut hras) = pair();
    for length in [0_u16, 1, 21, u16::MAX] {
        let mut lane = RecordReader::new();
        assert_eq!(hras.receive(at(0), &length.to_be_bytes(), &mut lane), Err(SessionError::RecordLength));
    }
}

#[test]
fn a_frame_of_an_unknown_version_is_named() {
    let (mut hrac, mut hras) = pair();
    let mut out = BytesMut::new();
    hrac.keys.seal(&[0x77, 0x00], &mut out).unwrap();
    let error = SessionError::Frame(FrameError::UnknownType(0x77));
    assert_eq!(hras.receive(at(0), &out, &mut RecordReader::new()), Err(error));
}

#[test]
fn an_acknowledgement_of_nothing_is_refused() {
    let (mut hrac, mut hras) = pair();
    let (mut out, mut plaintext) = (BytesMut::new(), Vec::new());
    View::Ack { next: 1 }.emit(&mut plaintext);
    hrac.keys.seal(&plaintext, &mut out).unwrap();
    assert_eq!(hras.receive(at(0), &out, &mut RecordReader::new()), Err(SessionError::AckBeyondSent));
}

#[test]
fn the_reliable_queue_is_bounded() {
    let (mut hrac, _) = pair();
    let big = sip(&vec![b'x'; SIP_MESSAGE_MAX]);
    let taken = (0..1_000).take_while(|_| hrac.send(at(0), big.clone()).is_ok()).count();
    assert!(taken * SIP_MESSAGE_MAX <= RELIABLE_BYTES_MAX);
    assert!(hrac.unacknowledged() <= RELIABLE_BYTES_MAX);
    assert_eq!(hrac.send(at(0), big), Err(SendError::ReliableFull));
    assert_eq!(hrac.send(at(0), Frame::CloseFlow(FlowId(FlowId::MAX + 1))), Err(SendError::BadFlow));
    assert_eq!(hrac.send(at(0), sip(&vec![0; SIP_MESSAGE_MAX + 1])), Err(SendError::Oversize));
}

#[test]
fn records_keep_to_the_room_that_is_offered() {
    let (mut hrac, mut hras) = pair();
    for _ in 0..50 {
        hrac.send(at(0), sip(&[b'x'; 1_900])).unwrap();
        hrac.send_voice(at(0), FlowId(2), false, &[0; 1_000]);
    }
    hrac.pad(100_000);
    let mut lane = RecordReader::new();
    for max in [0, 100, 3_000, 5_000, usize::MAX].into_iter().cycle() {
        let mut out = BytesMut::new();
        if !hrac.fill_record(at(1), max, &mut out) {
            break;
        }
        assert!(out.len() <= max.clamp(RECORD_ROOM_MIN, RECORD_PLAINTEXT_MAX + RECORD_OVERHEAD));
        hras.receive(at(1), &out, &mut lane).unwrap();
    }
    assert_eq!(hras.stats().voice_received, 50);
    assert_eq!(
        core::iter::from_fn(|| hras.poll()).filter(|e| matches!(e, SessionEvent::Frame(_))).count(),
        50
    );
}

#[test]
fn padding_and_go_away_travel() {
    let (mut hrac, mut hras) = pair();
    settle(&mut hrac, &mut hras, at(0));
    hrac.pad(1_000);
    assert!(record(&mut hrac, at(0)).len() > 1_000);
    hrac.go_away();
    let (_, events) = settle(&mut hrac, &mut hras, at(0));
    assert_eq!(events, [SessionEvent::GoAway]);
}

#[test]
fn tokens_open_once_and_never_as_records() {
    let (mut hrac, mut hras) = pair();
    let token = hrac.seal_token(b"lane 1").unwrap();
    assert_eq!(hras.open_token(&token), Ok(b"lane 1".to_vec()));
    assert_eq!(hras.open_token(&token), Err(SealError::Replayed));
    let token = hrac.seal_token(b"lane 2").unwrap();
    let mut as_record = (token.len() as u16).to_be_bytes().to_vec();
    as_record.extend_from_slice(&token);
    let forged = SessionError::Seal(SealError::Forged);
    assert_eq!(hras.receive(at(0), &as_record, &mut RecordReader::new()), Err(forged));
    // Nonces of tokens 0 and 1 are taken; that of the third record is not.
    let records: Vec<_> = (0..3).map(|_| (hrac.ping(at(0)), record(&mut hrac, at(0))).1).collect();
    assert_eq!(hras.open_token(&records[2][2..]), Err(SealError::Forged));
}
