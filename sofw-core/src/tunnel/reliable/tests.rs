use super::*;
use crate::base::{Payload, Transport};
use crate::tunnel::frame::{FlowId, RaHeader};

const ROOM: usize = 16 * 1024;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn sip(len: usize) -> Frame {
    let addr = "10.10.10.10:5060".parse().unwrap();
    Frame::Sip {
        phone: RaHeader { transport: Transport::Udp, addr },
        message: Payload::from(vec![b'x'; len]),
    }
}

/// Carries what is due from one to the other.
fn carry(from: &mut Outgoing, to: &mut Incoming, now: Instant) -> Vec<Frame> {
    let (mut record, mut heard) = (Vec::new(), Vec::new());
    while from.is_due() {
        record.clear();
        from.fill(now, ROOM, &mut record);
        let mut rest = record.as_slice();
        while !rest.is_empty() {
            let (view, after) = View::parse(rest).unwrap();
            let View::Reliable { kind, sequence, content } = view else { panic!("{view:?}") };
            to.receive(kind, sequence, content, |frame| heard.push(frame)).unwrap();
            rest = after;
        }
    }
    heard
}

#[test]
fn acknowledged_frames_are_forgotten() {
    let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
    outgoing.push(&sip(10)).unwrap();
    outgoing.push(&sip(5_000)).unwrap();
    assert_eq!(carry(&mut outgoing, &mut incoming, at(0)), [sip(10), sip(5_000)]);
    assert_eq!(incoming.next(), 4);
    outgoing.acknowledged(2).unwrap();
    assert!(outgoing.bytes() > 0);
    outgoing.acknowledged(4).unwrap();
    assert_eq!((outgoing.bytes(), outgoing.parts.len(), outgoing.cursor), (0, 0, 0));
    assert_eq!(outgoing.acknowledged(5), Err(SessionError::AckBeyondSent));
    // An old acknowledgement that comes late is harmless.
    outgoing.acknowledged(1).unwrap();
}

#[test]
fn patience_grows_with_the_round_trip_and_with_failure() {
    let mut outgoing = Outgoing::default();
    outgoing.push(&sip(10)).unwrap();
    let mut record = Vec::new();
    outgoing.fill(at(0), ROOM, &mut record);
    let due = |outgoing: &Outgoing, round_trip| outgoing.resend_at(round_trip).map(|deadline| deadline.at);
    assert_eq!(due(&outgoing, None), Some(at(3_000)));
    assert_eq!(due(&outgoing, Some(Duration::from_secs(2))), Some(at(8_000)));
    let mut now = at(0);
    for wait in [3, 6, 12, 24, 30, 30] {
        now += Duration::from_secs(wait);
        assert_eq!(due(&outgoing, None), Some(now));
        outgoing.handle_timeout(now - Duration::from_millis(1), None);
        assert!(!outgoing.is_due());
        outgoing.handle_timeout(now, None);
        assert_eq!(due(&outgoing, None), None);
        assert_eq!(outgoing.fill(now, ROOM, &mut record), (1, 1));
    }
}

#[test]
fn only_what_waited_long_is_resent_by_timer() {
    let mut outgoing = Outgoing::default();
    let mut record = Vec::new();
    outgoing.push(&sip(10)).unwrap();
    outgoing.fill(at(0), ROOM, &mut record);
    outgoing.push(&sip(10)).unwrap();
    outgoing.fill(at(2_000), ROOM, &mut record);
    outgoing.handle_timeout(at(3_000), None);
    assert_eq!(outgoing.fill(at(3_000), ROOM, &mut record), (1, 1));
}

#[test]
fn frames_ahead_of_their_turn_wait_within_bounds() {
    let mut incoming = Incoming::default();
    let part = vec![0; RELIABLE_PART_MAX];
    let mut stored = 0;
    for sequence in 1..RELIABLE_WINDOW {
        if incoming.receive(Kind::Part, sequence, &part, |_| ()).is_ok() {
            stored += part.len();
        }
    }
    assert!(stored <= RELIABLE_BYTES_MAX && stored + part.len() > RELIABLE_BYTES_MAX);
    let beyond = incoming.receive(Kind::Part, RELIABLE_WINDOW, &[], |_| ());
    assert_eq!(beyond, Err(SessionError::ReliableWindow));
    let far = incoming.receive(Kind::Part, u64::MAX, &[], |_| ());
    assert_eq!(far, Err(SessionError::ReliableWindow));
    assert_eq!(incoming.receive(Kind::Part, 1, &part, |_| ()), Ok(Arrival::Duplicate));
}

#[test]
fn parts_without_end_are_refused() {
    let mut incoming = Incoming::default();
    let part = vec![0; RELIABLE_PART_MAX];
    let refused = (0..100).find_map(|sequence| {
        let result = incoming.receive(Kind::Part, sequence, &part, |_| ());
        assert!(incoming.joined.len() <= RELIABLE_FRAME_MAX);
        result.err()
    });
    assert_eq!(refused, Some(SessionError::Frame(FrameError::Oversize)));
}

#[test]
fn a_malformed_frame_does_not_block_the_next() {
    let mut incoming = Incoming::default();
    let bad = incoming.receive(Kind::Undelivered, 0, &[9], |_| ());
    assert_eq!(bad, Err(SessionError::Frame(FrameError::BadValue("transport"))));
    let mut heard = Vec::new();
    incoming.receive(Kind::CloseFlow, 1, &[2], |frame| heard.push(frame)).unwrap();
    assert_eq!(heard, [Frame::CloseFlow(FlowId(2))]);
}

#[test]
fn the_number_of_frames_is_bounded_too() {
    let mut outgoing = Outgoing::default();
    for _ in 0..RELIABLE_WINDOW {
        outgoing.push(&Frame::PortsReady(Vec::new())).unwrap();
    }
    assert_eq!(outgoing.push(&Frame::PortsReady(Vec::new())), Err(SendError::ReliableFull));
}
