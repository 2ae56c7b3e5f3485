//! Who is not let in.

use std::net::{Ipv4Addr, SocketAddr};

use super::super::need;
use super::super::phone::baresip::{Baresip, Setup};
use super::super::place::{Account, HRAS, Outside, Way};
use super::super::process::Mark;
use super::super::sofw::key;
use super::super::wait::seconds;

#[test]
fn a_wrong_key_is_refused() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, Way::Web);
    let mut hras = outside.hras(&["hq"], &["alice"]);
    let mut hrac = site.hrac_with_key(key("somebody else"));
    hras.process().line(Mark::default(), "wrong key", seconds(10));
    hrac.process().line(Mark::default(), "no tunnel", seconds(10));
    assert!(hrac.process().runs(), "HRAC goes on trying");
    assert!(!hrac.said("tunnel up", seconds(0)));
}

#[test]
fn an_unknown_path_is_answered_as_by_any_web_server() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let _hras = outside.hras(&["hq"], &["alice"]);
    let stranger = outside.host("stranger", Ipv4Addr::new(203, 0, 113, 66));
    for line in
        ["GET / HTTP/1.1", "GET /sofw/1/00/00 HTTP/1.1", "POST /sofw/1/00 HTTP/1.1", "HEAD /x HTTP/1.0"]
    {
        let request = format!("{line}\r\nHost: {HRAS}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let answer =
            stranger.exchange(SocketAddr::from((HRAS, 80)), request.into_bytes()).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{line}: {answer}");
        assert!(!answer.to_lowercase().contains("sofw"), "{line}: the answer tells who we are: {answer}");
    }
}

#[test]
fn p04_phones_outside_register_with_the_right_password_only() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let bob = outside.phone_with("bob", 440, Account::Tcp);
    bob.registered();
    let node = outside.host("mallory", Ipv4Addr::new(203, 0, 113, 66));
    let setup = Setup {
        address: Ipv4Addr::new(203, 0, 113, 66),
        user: "alice@example.net",
        password: "guess",
        more: ";outbound=\"sip:203.0.113.5\"",
        register: true,
        answer: true,
        hertz: 440,
    };
    let mallory = Baresip::start(&node, &setup);
    mallory.refused();
    let status = hras.status();
    let users: Vec<_> =
        status["bindings"].as_array().expect("bindings").iter().map(|one| &one["user"]).collect();
    assert_eq!(users, ["bob"], "{status:#}");
}
