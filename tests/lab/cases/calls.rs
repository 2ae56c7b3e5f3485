//! Calls in both directions, by every way out of a site.

use super::super::need;
use super::super::place::{Outside, Way};
use super::super::proxy::Kind;
use super::{INSIDE_HERTZ, OUTSIDE_HERTZ, call_both_ways};

#[test]
fn p02_p03_p04_p05_p06_calls_both_ways_through_squid() {
    calls_by(Way::Proxy(Kind::Squid));
}

#[test]
fn p02_calls_both_ways_through_squid_with_password() {
    calls_by(Way::Proxy(Kind::SquidWithPassword));
}

#[test]
fn p02_calls_both_ways_through_tinyproxy() {
    calls_by(Way::Proxy(Kind::Tinyproxy));
}

#[test]
fn p02_calls_both_ways_without_proxy() {
    calls_by(Way::Web);
}

fn calls_by(way: Way) {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, way);
    let capture = site.capture();
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let hrac = site.hrac();
    let mut alice = site.phone("alice", 0, INSIDE_HERTZ);
    let mut bob = outside.phone("bob", OUTSIDE_HERTZ);
    call_both_ways(&hras, (&mut alice, "sip:alice@example.net"), (&mut bob, "sip:bob@example.net"));
    drop(hrac);
    site.only_the_tunnel_crossed(&capture.stop());
}
