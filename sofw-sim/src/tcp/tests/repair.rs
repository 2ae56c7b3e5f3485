//! Acknowledgement timing and loss recovery, to the millisecond.

use sofw_core::base::Duration;

use super::net::{DELAY, Net, Side, lose_data, ms};
use crate::tcp::{Congestion, TcpConfig};

const RTT: Duration = ms_const(80);
const MSS: usize = 1448;

const fn ms_const(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A connection whose receiver has left its quick start and speaks too, so that acknowledgements wait.
fn in_dialogue() -> (Net, crate::tcp::TcpId, crate::tcp::TcpId) {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    for _ in 0..3 {
        net.write(near, &[0; 100]);
        net.run(DELAY + ms(1));
        let now = net.now;
        net.far.write(now, far, &[0; 100]);
        net.run(ms(100));
    }
    net.run(ms(150));
    (net, near, far)
}

#[test]
fn a_lone_segment_is_acknowledged_after_40_ms_and_the_second_at_once() {
    let (mut net, near, _) = in_dialogue();
    let start = net.now;
    net.write(near, &[0; MSS]);
    net.run(ms(150));
    let ack = net.log.last().expect("an acknowledgement");
    assert_eq!((ack.from, ack.at), (Side::Far, start + DELAY + ms(40)));
    let (mut net, near, _) = in_dialogue();
    let start = net.now;
    net.write(near, &[0; 2 * MSS]);
    net.run(ms(150));
    let ack = net.log.last().expect("an acknowledgement");
    assert_eq!((ack.from, ack.at), (Side::Far, start + DELAY));
    assert_eq!(net.log.iter().filter(|wire| wire.from == Side::Far && wire.at >= start).count(), 1);
}

#[test]
fn the_first_segments_are_acknowledged_at_once() {
    let (mut net, near, _) = Net::open(TcpConfig::default());
    let start = net.now;
    net.write(near, &[0; MSS]);
    net.run(ms(150));
    assert_eq!(net.log.last().map(|wire| wire.at), Some(start + DELAY));
}

#[test]
fn an_acknowledgement_rides_on_data() {
    let (mut net, near, far) = in_dialogue();
    let start = net.now;
    net.write(near, &[0; 100]);
    net.run(DELAY + ms(10));
    let now = net.now;
    net.far.write(now, far, &[0; 100]);
    net.run(ms(30));
    let answers: Vec<_> = net.log.iter().filter(|wire| wire.from == Side::Far && wire.at >= start).collect();
    assert_eq!(answers.len(), 1, "no bare acknowledgement: {answers:#?}");
    assert_eq!(answers[0].len, 100);
}

#[test]
fn a_probe_repairs_a_lost_tail_before_the_time_out() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.fate = lose_data(vec![4]);
    let start = net.now;
    net.write(near, &[0; 5 * MSS]);
    net.run(ms(1_000));
    let sent = net.data(Side::Near, start);
    assert_eq!(sent.len(), 6);
    // Acknowledged at 80 ms, one segment is left: two round trips and the allowance for a delayed acknowledgement, but not
    // beyond the time-out of the segment itself.
    let probe = sent[5].at.since(start);
    assert!(probe > 2 * RTT && probe <= ms(280), "{probe:?}");
    assert_eq!(net.received(Side::Far, far).len(), 5 * MSS);
    assert!(net.status(near).window < 15, "the repaired loss counts as congestion");
}

#[test]
fn a_probe_comes_two_round_trips_after_a_lost_tail_of_two() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.fate = lose_data(vec![3, 4]);
    let start = net.now;
    net.write(near, &[0; 5 * MSS]);
    net.run(ms(1_000));
    let sent = net.data(Side::Near, start);
    let probe = sent[5].at.since(start);
    assert_eq!(probe, RTT + 2 * RTT + ms(2), "PTO is armed anew by the last acknowledgement");
    // The probe's SACK shows the other hole, repaired by RACK a round trip later.
    assert_eq!(net.received(Side::Far, far).len(), 5 * MSS);
    assert!(sent[6].at.since(start) < probe + RTT + RTT / 2, "{:?}", sent[6].at.since(start));
}

#[test]
fn three_segments_behind_a_hole_repair_it_at_once() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.fate = lose_data(vec![2]);
    let start = net.now;
    net.write(near, &[0; 8 * MSS]);
    net.run(ms(1_000));
    let again = net.data(Side::Near, start)[8];
    assert_eq!(again.at, start + RTT);
    assert_eq!(net.received(Side::Far, far).len(), 8 * MSS);
    assert_eq!(net.status(near).retransmissions, 1);
}

#[test]
fn one_segment_behind_a_hole_waits_a_quarter_of_the_round_trip() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.fate = lose_data(vec![2]);
    let start = net.now;
    net.write(near, &[0; 4 * MSS]);
    net.run(ms(1_000));
    let again = net.data(Side::Near, start)[4];
    assert_eq!(again.at, start + RTT + RTT / 4);
    assert_eq!(net.received(Side::Far, far).len(), 4 * MSS);
}

#[test]
fn reordering_within_the_window_is_no_loss() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    let mut count = 0;
    net.fate = Box::new(move |wire| {
        count += usize::from(wire.len > 0);
        if wire.len > 0 && count == 3 { vec![DELAY + ms(15)] } else { vec![DELAY] }
    });
    net.write(near, &[0; 5 * MSS]);
    net.run(ms(1_000));
    assert_eq!(net.received(Side::Far, far).len(), 5 * MSS);
    assert_eq!(net.status(near).retransmissions, 0);
}

#[test]
fn a_lost_retransmission_is_repaired_without_a_time_out() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    // Segment 1 and its repair are lost; new data keeps flowing and shows it.
    net.fate = lose_data(vec![1, 10]);
    let start = net.now;
    net.write(near, &[0; 40 * MSS]);
    net.run(ms(2_000));
    assert_eq!(net.received(Side::Far, far).len(), 40 * MSS);
    let first = net.log.iter().find(|wire| wire.len > 0).expect("data").head.seq;
    let hole = first.wrapping_add(MSS as u32);
    let sent: Vec<u64> = net
        .data(Side::Near, start)
        .iter()
        .filter(|wire| wire.head.seq == hole)
        .map(|wire| wire.at.since(start).as_millis() as u64)
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent[2] - sent[1] < 200, "{sent:?}");
}

#[test]
fn the_time_out_is_never_below_200_ms_and_doubles() {
    let config = TcpConfig::default();
    let mut net = Net::new(config);
    net.fate = Box::new(|_| vec![ms(1)]);
    let near = net.near.connect(net.now, super::net::CLIENT, super::net::SERVER);
    net.run(ms(500));
    for _ in 0..50 {
        net.write(near, &[0; 100]);
        net.run(ms(100));
    }
    assert!(net.status(near).rto >= ms(200), "{:?}", net.status(near).rto);
    net.fate = Box::new(|_| vec![]);
    let start = net.now;
    net.write(near, &[0; 10 * MSS]);
    net.run(ms(3_000));
    let sent: Vec<Duration> =
        net.data(Side::Near, start).iter().skip(10).map(|wire| wire.at.since(start)).collect();
    assert!(sent[0] < ms(10), "the tail probe: {sent:?}");
    assert!(sent[1].saturating_sub(sent[0]) >= ms(200), "{sent:?}");
    assert!(sent[2] - sent[1] >= ms(400), "{sent:?}");
}

#[test]
fn a_delay_spike_does_not_shrink_the_window_for_good() {
    let (mut net, near, far) = Net::open(TcpConfig::default());
    net.write(near, &[0; 40 * MSS]);
    net.run(ms(1_000));
    net.fate = Box::new(|_| vec![DELAY + ms(600)]);
    net.write(near, &[0; 8 * MSS]);
    let before = net.status(near).window;
    net.run(ms(1));
    net.fate = Box::new(|_| vec![DELAY]);
    net.run(ms(3_000));
    assert_eq!(net.received(Side::Far, far).len(), 48 * MSS);
    assert!(net.status(near).retransmissions > 0, "the spike outlasts the time-out");
    assert!(net.status(near).window >= before, "{} after, {before} before", net.status(near).window);
}

#[test]
fn a_voice_flow_does_not_grow_a_window_it_does_not_use() {
    let (mut net, near, _) = Net::open(TcpConfig::default());
    for _ in 0..3_000 {
        net.write(near, &[0; 200]);
        net.run(ms(20));
    }
    let status = net.status(near);
    assert!(status.window <= 12, "{status:?}");
}

#[test]
fn a_bulk_flow_fills_a_clean_path() {
    let (mut net, near, far) =
        Net::open(TcpConfig { send_buffer: 1 << 20, receive_buffer: 1 << 20, ..TcpConfig::default() });
    net.write(near, &vec![0; 1 << 20]);
    net.run(ms(600));
    assert_eq!(net.received(Side::Far, far).len(), 1 << 20, "slow start doubles each round");
}

#[test]
fn an_idle_window_decays_to_the_initial_one() {
    let (mut net, near, _) = Net::open(TcpConfig::default());
    net.write(near, &vec![0; 100 * MSS]);
    net.run(ms(2_000));
    assert!(net.status(near).window > 40);
    net.run(ms(20_000));
    net.write(near, &[0; 100]);
    assert_eq!(net.status(near).window, 10);
}

#[test]
fn bbr_keeps_its_rate_at_a_loss_that_slows_cubic() {
    let received = |congestion| {
        let mut net = Net::new(TcpConfig {
            congestion,
            send_buffer: 4 << 20,
            receive_buffer: 4 << 20,
            ..TcpConfig::default()
        });
        // A bottleneck of 1000 segments per second with a deep queue, and one segment of a hundred lost at random.
        let mut rng = sofw_core::base::Rng::new([5; 32]);
        let mut free = net.now;
        net.fate = Box::new(move |wire| {
            if wire.len > 0 {
                if rng.below(100) == 0 {
                    return vec![];
                }
                free = free.max(wire.at) + Duration::from_millis(1);
                return vec![DELAY + free.since(wire.at)];
            }
            vec![DELAY]
        });
        let near = net.near.connect(net.now, super::net::CLIENT, super::net::SERVER);
        for _ in 0..3_000 {
            net.run(ms(10));
            while net.near.unsent(near) < 500_000 {
                net.write(near, &[0; 50_000]);
            }
        }
        net.received(Side::Far, net.accepted()).len()
    };
    let (cubic, bbr) = (received(Congestion::Cubic), received(Congestion::Bbr));
    assert!(bbr > 30 * 1000 * MSS * 7 / 10, "{bbr} bytes in 30 s");
    assert!(bbr > 3 * cubic, "BBR {bbr}, CUBIC {cubic}");
}
