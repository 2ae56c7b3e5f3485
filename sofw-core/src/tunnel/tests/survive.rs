//! Sessions outlive connections, black holes, restarts.

use proptest::prelude::*;

use super::middle::{Middle, Side};
use super::*;
use crate::base::Rng;
use crate::config::limits::{CARRIER_SILENCE_MAX, SITE_CONNECTIONS_MAX};

fn up(middle: Middle, via: Vec<TunnelVia>) -> World {
    let mut world = World::new(middle, via);
    world.run_until_up(Duration::from_secs(5));
    world
}

fn downs(world: &World) -> usize {
    world.count(Side::Client, |event| matches!(event, Event::TunnelDown { .. }))
}

#[test]
fn a_killed_connection_is_replaced_at_once() {
    let mut world = up(Middle::default(), vec![]);
    for conn in world.live.clone() {
        world.kill(conn);
        world.run_ms(50);
        world.send_up(1);
        world.send_down(2);
        let took = world.run_until_up(Duration::from_secs(1));
        assert!(took < Duration::from_millis(500), "{took:?}");
        world.run_ms(500);
    }
    assert_eq!((world.at_server.len(), world.at_client.len()), (2, 2));
    let resumed = |event: &Event| matches!(event, Event::TunnelUp { resumed: true, .. });
    assert_eq!(world.count(Side::Client, resumed), 2);
    assert_eq!(world.sessions.len(), 2, "the same session: {:?}", world.sessions);
}

#[test]
fn black_holes_are_left() {
    let mut world = up(Middle::default(), vec![]);
    for conn in world.live.clone() {
        world.run(Duration::from_secs(20));
        world.black_holes.insert(conn);
        world.send_up(conn as u16);
        world.send_down(conn as u16);
        world.run(Duration::from_secs(16));
        assert!(world.client.is_up(), "{:#?}", world.events);
        assert!(world.server.is_up(SiteId(0)));
    }
    assert_eq!((world.at_server.len(), world.at_client.len()), (2, 2));
    assert_eq!(world.sessions.len(), 2);
}

#[test]
fn a_site_that_falls_silent_is_down() {
    let mut world = up(Middle::default(), vec![]);
    world.network_is_down = true;
    world.black_holes = world.live.clone();
    world.run(CARRIER_SILENCE_MAX + Duration::from_secs(5));
    assert!(!world.server.is_up(SiteId(0)), "{:#?}", world.events);
    let why =
        |event: &Event| matches!(event, Event::TunnelDown { reason, .. } if reason == "the site fell silent");
    assert_eq!(world.count(Side::Server, why), 1);
}

#[test]
fn a_site_has_a_bounded_number_of_connections() {
    let middle = Middle { buffers_requests: true, ..Middle::proxy() };
    let mut world = up(middle, vec![TunnelVia::Forward(proxy(None))]);
    let down = *world.live.first().unwrap();
    for number in 0..3 * SITE_CONNECTIONS_MAX as u16 {
        world.send_up(number);
        world.run_ms(150);
        // The client's end of an idle connection dies, and the server does not hear of it.
        for conn in world.live.split_off(&(down + 1)) {
            world.later(Duration::ZERO, Happening::Closed(Side::Client, conn));
        }
    }
    assert_eq!((downs(&world), world.at_server.len()), (0, 3 * SITE_CONNECTIONS_MAX));
    let owned = (0..world.connects * 2).filter(|conn| world.server.owns(ConnId::Accepted(*conn))).count();
    // A few have not proved whose they are.
    assert!((SITE_CONNECTIONS_MAX..SITE_CONNECTIONS_MAX + 5).contains(&owned), "{owned}");
}

#[test]
fn an_outage_of_a_minute_ends_nothing() {
    let mut world = up(Middle::default(), vec![]);
    world.network_is_down = true;
    for conn in world.live.clone() {
        world.kill(conn);
    }
    world.send_up(5);
    world.run(Duration::from_secs(60));
    assert!(!world.client.is_up() && !world.server.is_up(SiteId(0)));
    assert_eq!(downs(&world), 1, "told once: {:#?}", world.events);
    let attempts = world.connects - 2;
    assert!((8..40).contains(&attempts), "{attempts} attempts");
    world.network_is_down = false;
    world.run(Duration::from_secs(12));
    assert!(world.client.is_up());
    assert_eq!(world.at_server, [5]);
    assert_eq!(world.sessions.len(), 2);
}

#[test]
fn beyond_the_resume_window_a_new_session_begins() {
    let mut world = up(Middle::default(), vec![]);
    world.network_is_down = true;
    for conn in world.live.clone() {
        world.kill(conn);
    }
    world.run(Duration::from_secs(320));
    let ended = world.sessions.iter().filter(|(_, _, what)| *what == "ended");
    assert_eq!(ended.count(), 2, "each end gives up by itself: {:?}", world.sessions);
    world.network_is_down = false;
    world.run(Duration::from_secs(20));
    assert!(world.client.is_up());
    let client: Vec<&str> = world
        .sessions
        .iter()
        .filter(|(_, side, _)| *side == Side::Client)
        .map(|(_, _, what)| *what)
        .collect();
    assert_eq!(client, ["started", "ended", "started"]);
    let server: Vec<&str> = world
        .sessions
        .iter()
        .filter(|(_, side, _)| *side == Side::Server)
        .map(|(_, _, what)| *what)
        .collect();
    assert_eq!(server, ["started", "ended", "started"]);
}

#[test]
fn a_restarted_server_gets_a_new_session() {
    let mut world = up(Middle::default(), vec![]);
    world.server = TunnelServer::new(&hras_config(), Rng::new([99; 32]), world.now);
    for conn in world.live.clone() {
        world.kill(conn);
    }
    world.run_ms(20);
    world.run_until_up(Duration::from_secs(3));
    world.send_up(9);
    world.run_ms(500);
    assert_eq!(world.at_server, [9]);
}

#[test]
fn a_restarted_client_takes_its_sites_place() {
    let mut world = up(Middle::default(), vec![]);
    world.restart_client(&hrac_config(vec![]), 1_000);
    world.run(Duration::from_secs(2));
    assert!(world.client.is_up());
    let server: Vec<&str> = world
        .sessions
        .iter()
        .filter(|(_, side, _)| *side == Side::Server)
        .map(|(_, _, what)| *what)
        .collect();
    assert_eq!(server, ["started", "ended", "started"]);
}

#[test]
fn a_renewal_that_fails_disturbs_nothing() {
    let ways = vec![TunnelVia::Forward(proxy(None)), TunnelVia::Direct];
    let mut world = up(Middle::proxy(), ways);
    world.middle.is_away = true;
    for number in 0..1_200 {
        world.send_up(number);
        world.send_down(number);
        world.run_ms(1_000);
    }
    assert_eq!(
        (downs(&world), world.at_server.len(), world.at_client.len()),
        (0, 1_200, 1_200),
        "{:#?}",
        world.events
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut world = World::new(Middle::proxy(), vec![TunnelVia::Forward(proxy(None))]);
        world.run(Duration::from_secs(60));
        world.middle.heads_seen
    };
    assert_eq!(run(), run());
}

/// What happens during a run: after a pause, a kill of one of the live connections, or a frame.
#[derive(Clone, Debug)]
enum Step {
    Kill(usize),
    Hole(usize),
    Up,
    Down,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let what = prop_oneof![
        3 => (0_usize..6).prop_map(Step::Kill),
        1 => (0_usize..6).prop_map(Step::Hole),
        4 => Just(Step::Up),
        4 => Just(Step::Down),
    ];
    (0_u64..400, what)
}

fn middle() -> impl Strategy<Value = (bool, bool, Option<usize>)> {
    (any::<bool>(), any::<bool>(), proptest::option::of(1_usize..200))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Arbitrary kills at arbitrary times: every reliable frame arrives once, in order, in both directions, and the
    /// session survives.
    #[test]
    fn nothing_is_lost_or_doubled(
        (buffers_requests, one_request, chunk) in middle(),
        steps in proptest::collection::vec(step(), 1..60),
        seed in any::<u8>(),
    ) {
        let middle = Middle { buffers_requests, one_request, chunk, ..Middle::proxy() };
        let mut world = World::with(middle, &hrac_config(vec![TunnelVia::Forward(proxy(None))]), seed);
        world.run_until_up(Duration::from_secs(5));
        let (mut sent_up, mut sent_down) = (0, 0);
        for (pause, step) in steps {
            world.run_ms(pause);
            match step {
                Step::Kill(which) => {
                    if let Some(conn) = world.live.iter().nth(which).copied() {
                        world.kill(conn);
                    }
                }
                Step::Hole(which) => {
                    if let Some(conn) = world.live.iter().nth(which).copied() {
                        world.black_holes.insert(conn);
                    }
                }
                Step::Up => {
                    world.send_up(sent_up);
                    sent_up += 1;
                }
                Step::Down => {
                    world.send_down(sent_down);
                    sent_down += 1;
                }
            }
        }
        world.run(Duration::from_secs(60));
        prop_assert_eq!(&world.at_server, &(0..sent_up).collect::<Vec<u16>>());
        prop_assert_eq!(&world.at_client, &(0..sent_down).collect::<Vec<u16>>());
        prop_assert!(world.client.is_up());
        prop_assert_eq!(world.sessions.len(), 2, "one session: {:?}", world.sessions);
    }
}
