use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeSet;

use super::{KeeperOutput, PortKeeper, PortPool};
use crate::base::Instant;
use crate::config::MediaConfig;
use crate::config::limits::{RELAY_PORT_RESERVE, RELAY_PORT_RETRY};
use crate::io::{Output, SocketId};

const NOW: Instant = Instant::ZERO;

fn keeper(first: u16, last: u16) -> PortKeeper {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    PortKeeper::new(&MediaConfig { bind: address, address, ports: (first, last) })
}

/// Plays the driver: opens everything but the `bad` ports. Returns what became ready.
fn serve(keeper: &mut PortKeeper, open: &mut BTreeSet<u16>, bad: &[u16]) -> Vec<u16> {
    let mut ready = Vec::new();
    while let Some(output) = keeper.poll() {
        match output {
            KeeperOutput::Io(Output::Bind { socket: SocketId::Media(port), addr }) => {
                assert_eq!(addr.port(), port);
                assert!(open.insert(port) || bad.contains(&port), "{port} bound twice");
                if bad.contains(&port) {
                    open.remove(&port);
                    keeper.handle_bind_failed(NOW, port);
                } else {
                    keeper.handle_bound(NOW, port);
                }
            }
            KeeperOutput::Io(Output::Unbind(SocketId::Media(port))) => assert!(open.remove(&port)),
            KeeperOutput::Io(other) => panic!("{other:?}"),
            KeeperOutput::Ready(port) => ready.push(port),
        }
    }
    ready
}

#[test]
fn keeps_a_reserve_open_and_refills_it() {
    let mut keeper = keeper(30_001, 39_999);
    let mut open = BTreeSet::new();
    let ready = serve(&mut keeper, &mut open, &[]);
    assert_eq!(ready.len(), RELAY_PORT_RESERVE);
    assert_eq!(ready[0], 30_002, "pairs begin even and lie inside the range");
    assert!(keeper.claim(30_002));
    assert!(!keeper.claim(30_002), "not twice");
    assert_eq!(serve(&mut keeper, &mut open, &[]).len(), 1);
    keeper.release(30_002);
    serve(&mut keeper, &mut open, &[]);
    assert!(!open.contains(&30_002) && !open.contains(&30_003));
    assert_eq!(keeper.in_use(), 0);
}

#[test]
fn a_pair_is_skipped_if_one_port_of_it_fails_and_tried_again_later() {
    let mut keeper = keeper(20_000, 20_005);
    let mut open = BTreeSet::new();
    assert_eq!(serve(&mut keeper, &mut open, &[20_003]), [20_000, 20_004]);
    assert_eq!(open, BTreeSet::from([20_000, 20_001, 20_004, 20_005]));
    keeper.handle_timeout(NOW + RELAY_PORT_RETRY);
    assert_eq!(serve(&mut keeper, &mut open, &[]), [20_002]);
    assert!(keeper.poll_timeout().is_none());
}

#[test]
fn a_closed_pair_rests_until_all_others_had_their_turn() {
    let pairs = RELAY_PORT_RESERVE as u16 + 3;
    let mut keeper = keeper(20_000, 20_000 + 2 * pairs - 1);
    let mut open = BTreeSet::new();
    let mut ready = serve(&mut keeper, &mut open, &[]);
    for _ in 0..pairs {
        let port = ready.remove(0);
        assert!(keeper.claim(port));
        ready.extend(serve(&mut keeper, &mut open, &[]));
        keeper.release(port);
        ready.extend(serve(&mut keeper, &mut open, &[]));
    }
    let in_turn: Vec<u16> =
        (0..).map(|pair| 20_000 + 2 * (pair % pairs)).skip(pairs.into()).take(ready.len()).collect();
    assert_eq!(ready, in_turn);
}

#[test]
fn claims_only_pairs_of_the_range() {
    let mut keeper = keeper(20_000, 20_005);
    for port in [0, 19_998, 20_001, 20_006, 65_534] {
        assert!(!keeper.claim(port), "{port}");
    }
}

#[test]
fn a_claim_before_the_socket_answered_and_a_release_before_it_too() {
    let mut keeper = keeper(20_000, 20_001);
    assert!(keeper.claim(20_000));
    keeper.release(20_000);
    let mut open = BTreeSet::new();
    assert_eq!(
        serve(&mut keeper, &mut open, &[]),
        [20_000],
        "opened, closed, and opened anew for the reserve"
    );
    assert_eq!(open.len(), 2);
}

#[test]
fn the_last_ports_of_all_make_no_overflow() {
    let mut keeper = keeper(65_533, 65_535);
    let mut open = BTreeSet::new();
    assert_eq!(serve(&mut keeper, &mut open, &[]), [65_534]);
}

#[test]
fn a_pool_gives_no_port_twice_whatever_it_is_told() {
    let mut pool = PortPool::default();
    for port in [4, 4, 5, 0, 6] {
        pool.add(port);
    }
    assert_eq!(pool.take(), Some(4));
    pool.add(4);
    assert_eq!(pool.take(), Some(6));
    assert_eq!(pool.take(), None);
    pool.release(4);
    pool.add(4);
    pool.forget_ready();
    assert_eq!((pool.take(), pool.in_use()), (None, 1));
}
