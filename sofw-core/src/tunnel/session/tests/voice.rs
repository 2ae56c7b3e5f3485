//! Voice through paths with delay, queues and outages: what the receipts make of it.

use super::*;

/// Voice at 50 packets a second both ways through a path with a fixed delay each way; gives what arrived late or never.
struct Call {
    a: Session,
    b: Session,
    to_a: VecDeque<(u64, Vec<u8>)>,
    to_b: VecDeque<(u64, Vec<u8>)>,
    /// A proxy that takes all and gives `rate` bytes in a millisecond.
    proxy: VecDeque<Vec<u8>>,
    rate: usize,
    credit: usize,
    heard: Vec<(u64, u64)>,
}

impl Call {
    fn new() -> Self {
        let (a, b) = pair();
        Call {
            a,
            b,
            to_a: VecDeque::new(),
            to_b: VecDeque::new(),
            proxy: VecDeque::new(),
            rate: 1_000_000,
            credit: 0,
            heard: Vec::new(),
        }
    }

    /// One millisecond. `delays` are those of the two ways; `b_speaks` as said. Packets of a carry their time of sending.
    fn step(&mut self, now: u64, delays: (u64, u64), b_speaks: bool) {
        if now % 20 == 0 {
            let mut packet = [0; 172];
            packet[..8].copy_from_slice(&now.to_be_bytes());
            self.a.send_voice(at(now), FlowId(2), false, &packet);
            if b_speaks {
                self.b.send_voice(at(now), FlowId(2), false, &now.to_be_bytes());
            }
        }
        self.a.handle_timeout(at(now));
        self.b.handle_timeout(at(now));
        self.proxy.extend(drain(&mut self.a, at(now)));
        self.credit = (self.credit + self.rate).min(RECORD_PLAINTEXT_MAX);
        while self.proxy.front().is_some_and(|bytes| bytes.len() <= self.credit) {
            let bytes = self.proxy.pop_front().unwrap();
            self.credit -= bytes.len();
            self.to_b.push_back((now + delays.0, bytes));
        }
        self.to_a.extend(drain(&mut self.b, at(now)).into_iter().map(|bytes| (now + delays.1, bytes)));
        while self.to_b.front().is_some_and(|(due, _)| *due <= now) {
            let (_, bytes) = self.to_b.pop_front().unwrap();
            self.b.receive(at(now), &bytes, &mut RecordReader::new()).unwrap();
        }
        while self.to_a.front().is_some_and(|(due, _)| *due <= now) {
            let (_, bytes) = self.to_a.pop_front().unwrap();
            self.a.receive(at(now), &bytes, &mut RecordReader::new()).unwrap();
        }
        while let Some(event) = self.b.poll() {
            if let SessionEvent::Voice(_, payload) = event {
                let sent = u64::from_be_bytes(payload[..8].try_into().unwrap());
                self.heard.push((sent, now));
            }
        }
        while self.a.poll().is_some() {}
    }
}

#[test]
fn a_healthy_tunnel_never_holds_voice_back() {
    for one_way in [0, 1, 20, 150, 400] {
        for b_speaks in [true, false] {
            let mut call = Call::new();
            for now in 0..10_000 {
                call.step(now, (one_way, one_way), b_speaks);
            }
            assert_eq!(call.a.stats().voice_holds, 0, "one way {one_way} ms, both speak: {b_speaks}");
            assert!(call.heard.iter().all(|(sent, heard)| heard - sent == one_way));
            assert_eq!(call.a.stats().drops, [0; DropReason::ALL.len()]);
        }
    }
}

#[test]
fn a_queue_in_a_proxy_is_bounded_by_receipts() {
    let mut call = Call::new();
    for now in 0..2_000 {
        call.step(now, (20, 20), true);
    }
    // From now on the proxy's way out carries half of what it takes in.
    call.rate = 5;
    call.credit = 0;
    for now in 2_000..20_000 {
        call.step(now, (20, 20), true);
    }
    assert!(call.heard.iter().filter(|(sent, _)| *sent >= 10_000).count() > 110, "{:?}", call.a.stats());
    let worst = call.heard.iter().map(|(sent, heard)| heard - sent).max().unwrap();
    // It waits at most so long before the tunnel, and is at most so late behind it. Base, receipt interval and limit are
    // under way when a hold begins; at half the pace they take twice as long, which is too late for some.
    assert!(worst <= 150 + 20 + 250, "{worst} ms");
    assert!(call.a.stats().dropped(DropReason::StaleVoice) > 0);
    assert!(call.b.stats().dropped(DropReason::LateVoice) > 0);
}

#[test]
fn a_longer_path_is_learnt_within_seconds() {
    let mut call = Call::new();
    for now in 0..2_000 {
        call.step(now, (20, 20), true);
    }
    for now in 2_000..10_000 {
        call.step(now, (300, 300), true);
    }
    let late = call.heard.iter().filter(|(sent, _)| *sent >= 5_200);
    assert_eq!(late.clone().map(|(sent, heard)| heard - sent).max(), Some(300));
    assert_eq!(late.count(), (10_000 - 5_200 - 300) / 20);
}

#[test]
fn voice_goes_on_when_the_way_back_is_broken() {
    let mut call = Call::new();
    for now in 0..2_000 {
        call.step(now, (20, 20), true);
    }
    for now in 2_000..10_000 {
        call.step(now, (20, 20), true);
        call.to_a.clear();
    }
    // Held for the time between "too much without receipt" and "receipts have stopped".
    let heard = call.heard.iter().filter(|(sent, _)| *sent >= 2_000).count();
    assert!(heard >= (10_000 - 2_000) / 20 - 12, "{heard}");
}

#[test]
fn voice_goes_on_after_records_were_lost_without_notice() {
    let mut call = Call::new();
    for now in 0..2_000 {
        call.step(now, (20, 20), true);
    }
    for now in 2_000..2_600 {
        call.step(now, (20, 20), true);
        call.to_b.clear();
    }
    for now in 2_600..5_000 {
        call.step(now, (20, 20), true);
    }
    let late = call.heard.iter().filter(|(sent, _)| *sent >= 3_500);
    assert_eq!(late.clone().count(), 1_500 / 20 - 1);
    assert!(late.into_iter().all(|(sent, heard)| heard - sent == 20));
}
