//! What stands between breaks: calls go on.

use super::super::need;
use super::super::place::{Outside, Way};
use super::super::proxy::Kind;
use super::super::wait::seconds;
use super::{INSIDE_HERTZ, OUTSIDE_HERTZ, hear, over, talk};

#[test]
fn p02_a_call_survives_a_restart_of_squid() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let mut site = outside.site("hq", 0, Way::Proxy(Kind::Squid));
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let mut hrac = site.hrac();
    let mut alice = site.phone("alice", 0, INSIDE_HERTZ);
    let mut bob = outside.phone("bob", OUTSIDE_HERTZ);
    alice.registered();
    bob.registered();
    alice.dial("sip:bob@example.net");
    talk(&hras, &mut alice, &mut bob);
    let before = hrac.process().mark();
    site.proxy().restart();
    hear(&alice, &bob);
    hrac.process().line(before, "resumed=true", seconds(5));
    assert!(!alice.disturbed() && !bob.disturbed(), "the phones noticed");
    bob.hang_up();
    over(&hras, &mut alice, &mut bob);
}
