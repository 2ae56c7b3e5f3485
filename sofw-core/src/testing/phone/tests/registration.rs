//! Registering, and what can go wrong with it.

use super::*;

#[test]
fn registers_with_digest_refreshes_and_unregisters() {
    for challenge in [
        "Digest realm=\"example.net\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256",
        "Digest realm=\"example.net\", nonce=\"n1\"",
    ] {
        let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
        world.registrar.challenge = Some(challenge);
        let now = world.now;
        world.phones[0].register(now);
        world.run(1_000);
        assert_eq!(world.events[0], [PhoneEvent::Registered { expires_s: 60 }]);
        assert_eq!(world.registrar.requests.len(), 2);
        // Refreshed at half time, now with credentials at once.
        world.run(30_000);
        assert_eq!(world.registrar.requests.len(), 3);
        assert_eq!(world.registrar.requests[2].cseq().0, 3);
        let now = world.now;
        world.phones[0].unregister(now);
        world.run(100_000);
        assert_eq!(world.events[0].last(), Some(&PhoneEvent::Unregistered));
        assert_eq!(world.registrar.requests.len(), 4);
        assert!(!world.phones[0].is_registered());
    }
}

#[test]
fn a_registrar_that_refuses_credentials_ends_it() {
    let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
    world.registrar.challenge = Some("Basic realm=\"x\"");
    let now = world.now;
    world.phones[0].register(now);
    world.run(1_000);
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 401 }]);
}

#[test]
fn a_silent_server_is_asked_eleven_times_and_then_given_up() {
    let mut world = World::new(vec![config("alice", 1, 440.0, "10.1.1.1:5060")]);
    let now = world.now;
    world.phones[0].register(now);
    world.run(40_000);
    // RFC 3261 §17.1.2.1: 0.5, 1, 2, 4, 4, … until 32 s.
    assert_eq!(world.sip(), ["REGISTER"; 11].join(" "));
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 408 }]);
}

#[test]
fn an_old_registration_that_nobody_answers_does_not_undo_a_newer_one() {
    let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
    world.registrar.expires_s = 3_600;
    world.lose = [true; 11].into();
    let now = world.now;
    world.phones[0].register(now);
    world.run(31_700);
    let now = world.now;
    world.phones[0].register(now);
    world.run(2_000);
    assert_eq!(world.events[0], [PhoneEvent::Registered { expires_s: 3_600 }]);
    assert!(world.phones[0].is_registered());
}

#[test]
fn a_registration_that_failed_for_now_is_tried_again() {
    let mut world = World::new(vec![config("alice", 1, 440.0, SERVER)]);
    world.registrar.unavailable = true;
    let now = world.now;
    world.phones[0].register(now);
    world.run(4_900);
    assert_eq!(world.events[0], [PhoneEvent::RegisterFailed { status: 503 }]);
    world.registrar.unavailable = false;
    // Retry-After was 5.
    world.run(200);
    assert_eq!(world.events[0].last(), Some(&PhoneEvent::Registered { expires_s: 60 }));
}

#[test]
fn how_soon_a_silent_server_is_asked_again_is_configured() {
    let mut config = config("alice", 1, 440.0, "10.1.1.1:5060");
    config.register_retry = Duration::from_secs(3);
    let mut world = World::new(vec![config]);
    let now = world.now;
    world.phones[0].register(now);
    // 64 T1 for the first attempt.
    world.run(34_900);
    assert_eq!(world.sip(), ["REGISTER"; 11].join(" "));
    world.run(200);
    assert_eq!(world.sip(), "REGISTER");
}
