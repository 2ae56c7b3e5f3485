//! FIN, RST, and ends that nobody announces.

use sofw_core::base::Instant;

use super::net::{CLIENT, DELAY, Net, SERVER, Side, ms};
use crate::tcp::{Keepalive, TcpConfig, TcpEvent, TcpState};

#[test]
fn the_side_that_closes_first_waits_and_both_are_closed() {
    for (first, second) in [(Side::Near, Side::Far), (Side::Far, Side::Near)] {
        let (mut net, near, far) = Net::open(TcpConfig::default());
        let id = |side| if side == Side::Near { near } else { far };
        let now = net.now;
        net.stack(first).shut_write(now, id(first));
        net.run(2 * DELAY);
        assert!(net.has(second, TcpEvent::PeerClosed(id(second))));
        assert_eq!(net.stack(first).status(id(first)).map(|status| status.state), Some(TcpState::FinWait2));
        assert_eq!(
            net.stack(second).status(id(second)).map(|status| status.state),
            Some(TcpState::CloseWait)
        );
        let now = net.now;
        net.stack(second).close(now, id(second));
        net.run(2 * DELAY);
        assert!(net.has(first, TcpEvent::Closed(id(first))) && net.has(second, TcpEvent::Closed(id(second))));
        assert_eq!((net.stack(first).len(), net.stack(second).len()), (1, 0), "one side waits");
        net.run(ms(3_000));
        assert!(net.near.is_empty() && net.far.is_empty());
    }
}

#[test]
fn both_sides_may_close_at_once() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let now = net.now;
    net.near.close(now, near);
    net.far.close(now, far);
    net.run(ms(5_000));
    assert!(net.has(Side::Near, TcpEvent::Closed(near)) && net.has(Side::Far, TcpEvent::Closed(far)));
    assert!(net.near.is_empty() && net.far.is_empty());
}

#[test]
fn a_half_closed_connection_still_carries_the_other_direction() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let now = net.now;
    net.near.write(now, near, b"question");
    net.near.shut_write(now, near);
    net.run(ms(200));
    assert_eq!(net.received(Side::Far, far), b"question");
    assert_eq!(net.near.write(net.now, near, b"more"), 0);
    let now = net.now;
    assert_eq!(net.far.write(now, far, b"answer"), 6);
    net.run(ms(200));
    assert_eq!(net.received(Side::Near, near), b"answer");
}

#[test]
fn a_lost_fin_and_a_lost_last_acknowledgement_are_repaired() {
    for lost in 0..4 {
        let (mut net, near, far) = Net::open(TcpConfig::default());
        let mut count = 0;
        net.fate = Box::new(move |_| {
            count += 1;
            if count == lost + 1 { vec![] } else { vec![DELAY] }
        });
        let now = net.now;
        net.near.close(now, near);
        net.run(ms(50));
        let now = net.now;
        net.far.close(now, far);
        net.run(ms(10_000));
        assert!(net.has(Side::Near, TcpEvent::Closed(near)), "near, segment {lost} lost");
        assert!(net.has(Side::Far, TcpEvent::Closed(far)), "far, segment {lost} lost: {:#?}", net.log);
    }
}

#[test]
fn all_written_bytes_come_before_the_fin() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let bytes = vec![9; 100_000];
    let now = net.now;
    net.near.write(now, near, &bytes);
    net.near.close(now, near);
    net.run(ms(3_000));
    assert_eq!(net.received(Side::Far, far).len(), bytes.len());
    assert!(net.has(Side::Far, TcpEvent::PeerClosed(far)));
}

#[test]
fn an_abort_resets_the_peer() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let now = net.now;
    net.near.abort(now, near);
    net.run(ms(100));
    assert_eq!(net.when(Side::Far, TcpEvent::Reset(far)), Some(now + DELAY));
    assert!(net.near.is_empty() && net.far.is_empty());
}

#[test]
fn data_for_a_closed_socket_is_answered_by_rst() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let now = net.now;
    net.near.close(now, near);
    net.run(ms(100));
    let now = net.now;
    net.far.write(now, far, b"too late");
    net.run(ms(100));
    assert!(net.has(Side::Far, TcpEvent::Reset(far)));
}

#[test]
fn closing_with_unread_bytes_resets() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.reads = [true, false];
    net.write(near, b"unread");
    net.run(ms(100));
    let now = net.now;
    net.far.close(now, far);
    net.run(ms(100));
    assert!(net.has(Side::Near, TcpEvent::Reset(near)));
}

#[test]
fn a_killed_process_resets_its_peers() {
    let (mut net, _, far) = Net::open(TcpConfig::default());
    net.near.abort_all();
    net.run(ms(100));
    assert!(net.has(Side::Far, TcpEvent::Reset(far)));
}

#[test]
fn after_a_power_loss_the_peer_learns_by_its_next_segment() {
    let (mut net, near, _) = Net::open(TcpConfig::default());
    net.far.forget_all();
    net.run(ms(1_000));
    assert!(!net.has(Side::Near, TcpEvent::Reset(near)));
    let now = net.now;
    net.write(near, b"hello?");
    net.run(ms(100));
    assert_eq!(net.when(Side::Near, TcpEvent::Reset(near)), Some(now + 2 * DELAY));
}

#[test]
fn an_unanswered_connection_dies_after_its_retries() {
    let config = TcpConfig { retries: 3, ..TcpConfig::default() };
    let (mut net, near, _) = Net::open(config);
    net.fate = Box::new(|_| vec![]);
    let now = net.now;
    let rto = net.status(near).rto.as_millis() as u64;
    assert_eq!(rto, 280, "80 ms and the floor of 200 ms");
    net.write(near, b"anybody?");
    net.run(ms(30_000));
    let sent: Vec<u64> =
        net.data(Side::Near, now).iter().map(|wire| wire.at.since(now).as_millis() as u64).collect();
    // The tail probe is bounded by the time-out; then 280, 560 and 1120 ms later, and the end after 2240 ms.
    assert_eq!(sent, [0, rto, 2 * rto, 4 * rto, 8 * rto]);
    let died = net.when(Side::Near, TcpEvent::TimedOut(near)).expect("it died");
    assert_eq!(died.since(now), ms(16 * rto));
}

#[test]
fn a_user_time_out_ends_it_sooner() {
    let config = TcpConfig { user_timeout: Some(ms(3_000)), ..TcpConfig::default() };
    let (mut net, near, _) = Net::open(config);
    net.fate = Box::new(|_| vec![]);
    let now = net.now;
    net.write(near, b"anybody?");
    net.run(ms(30_000));
    assert_eq!(net.when(Side::Near, TcpEvent::TimedOut(near)), Some(now + ms(3_000)));
}

#[test]
fn keep_alives_hold_a_live_connection_and_end_a_dead_one() {
    let keepalive = Keepalive { idle: ms(10_000), interval: ms(1_000), count: 3 };
    let config = TcpConfig { keepalive: Some(keepalive), ..TcpConfig::default() };
    let (mut net, near, _) = Net::open(config);
    net.run(ms(100_000));
    assert!(net.near.status(near).is_some());
    net.fate = Box::new(|_| vec![]);
    let now = net.now;
    net.run(ms(100_000));
    let died = net.when(Side::Near, TcpEvent::TimedOut(near)).expect("it died");
    assert!(died.since(now) <= ms(14_000), "{died:?}");
}

#[test]
fn a_pair_in_time_wait_can_be_opened_again() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let now = net.now;
    net.far.close(now, far);
    net.run(ms(100));
    let now = net.now;
    net.near.close(now, near);
    net.run(ms(100));
    assert_eq!(net.far.len(), 1, "the far side waits");
    let syn = net.log.first().expect("a SYN").head;
    let mut again = syn;
    again.seq = syn.seq.wrapping_add(1_000_000);
    net.far.handle_segment(net.now, &again, &[]);
    let answer = net.far.poll_segment(net.now, &mut Vec::new()).expect("an answer");
    assert!(answer.flags.syn);
    assert_eq!(answer.ack, Some(again.seq.wrapping_add(1)));
}

#[test]
fn a_reset_that_does_not_fit_is_challenged() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let mut reset = net.log.last().expect("an acknowledgement").head;
    reset.flags.rst = true;
    reset.seq = reset.seq.wrapping_add(100);
    net.far.handle_segment(net.now, &reset, &[]);
    net.run(ms(200));
    assert!(!net.has(Side::Far, TcpEvent::Reset(far)));
    assert!(net.near.status(near).is_some());
    assert_eq!(net.log.last().map(|wire| (wire.from, wire.len)), Some((Side::Far, 0)));
}

#[test]
fn many_connections_come_and_go() {
    let mut net = Net::new(TcpConfig::default());
    for _ in 0..300 {
        let id = net.near.connect(net.now, CLIENT, SERVER);
        net.run(ms(100));
        net.write(id, b"x");
        net.run(ms(100));
        let now = net.now;
        net.near.abort(now, id);
    }
    net.run(ms(1_000));
    assert!(net.near.is_empty() && net.far.is_empty());
    assert_eq!((net.near.poll_timeout(), net.far.poll_timeout()), (None::<Instant>, None));
}
