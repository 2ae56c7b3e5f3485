//! Calls in both directions, by every way out of a site.

use super::super::need;
use super::super::phone::baresip::Baresip;
use super::super::place::{Account, Outside, Way};
use super::super::proxy::Kind;
use super::super::sofw::Hras;
use super::{INSIDE_HERTZ, OUTSIDE_HERTZ, VOICE_OF_CALLS_BOTH_WAYS, call_both_ways};

#[test]
fn p02_p03_p04_p05_p06_calls_both_ways_through_squid() {
    calls_by(Way::Proxy(Kind::Squid), Account::Udp);
}

#[test]
fn p02_calls_both_ways_through_squid_with_password() {
    calls_by(Way::Proxy(Kind::SquidWithPassword), Account::Udp);
}

#[test]
fn p02_calls_both_ways_through_squid_with_digest() {
    calls_by(Way::Proxy(Kind::SquidWithDigest), Account::Udp);
}

#[test]
fn p02_calls_both_ways_by_connect() {
    calls_by(Way::Connect(Kind::Squid), Account::Udp);
}

#[test]
fn p02_calls_both_ways_through_tinyproxy() {
    calls_by(Way::Proxy(Kind::Tinyproxy), Account::Udp);
}

#[test]
fn p02_calls_both_ways_without_proxy() {
    calls_by(Way::Web, Account::Udp);
}

#[test]
fn p03_calls_both_ways_of_phones_that_speak_tcp() {
    calls_by(Way::Proxy(Kind::Squid), Account::Tcp);
}

#[test]
fn p03_calls_both_ways_of_phones_that_know_only_an_address() {
    calls_by(Way::Proxy(Kind::Squid), Account::AddressOnly);
}

fn calls_by(way: Way, account: Account) {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, way);
    let capture = site.capture();
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let hrac = site.hrac();
    let mut alice = site.phone_with("alice", 0, INSIDE_HERTZ, account);
    let mut bob = outside.phone_with("bob", OUTSIDE_HERTZ, account);
    let (to_alice, to_bob) = match account {
        Account::Udp | Account::Manual | Account::Tcp => ("sip:alice@example.net", "sip:bob@example.net"),
        Account::AddressOnly => ("sip:alice@203.0.113.5", "sip:bob@10.10.10.2"),
    };
    call_both_ways(&hras, (&mut alice, to_alice), (&mut bob, to_bob));
    drop(hrac);
    site.only_the_tunnel_crossed(&capture.stop(), VOICE_OF_CALLS_BOTH_WAYS);
}

#[test]
fn p10_a_caller_who_gives_up_leaves_nothing() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, Way::Proxy(Kind::Squid));
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let _hrac = site.hrac();
    let mut alice = site.phone_with("alice", 0, INSIDE_HERTZ, Account::Manual);
    let mut bob = outside.phone_with("bob", OUTSIDE_HERTZ, Account::Manual);
    alice.registered();
    bob.registered();
    gives_up(&hras, &mut alice, &bob, "sip:bob@example.net");
    gives_up(&hras, &mut bob, &alice, "sip:alice@example.net");
}

fn gives_up(hras: &Hras, caller: &mut Baresip, callee: &Baresip, to: &str) {
    caller.dial(to);
    callee.rings();
    assert_eq!(hras.records(), 1, "{:#}", hras.status());
    caller.hang_up();
    callee.rings_no_more();
    hras.forgets_all_calls();
}
