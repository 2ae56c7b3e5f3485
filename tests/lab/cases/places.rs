//! Where phones are: two sites with the same addresses, one site, a home behind its own router.

use super::super::capture::{Capture, UDP};
use super::super::need;
use super::super::place::{INSIDE_PHONE, Outside, Way};
use super::super::proxy::Kind;
use super::{INSIDE_HERTZ, OUTSIDE_HERTZ, VOICE_OF_CALLS_BOTH_WAYS, call_both_ways, hear, over};

#[test]
fn p07_two_sites_with_the_same_addresses_call_each_other() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let sites = [outside.site("hq", 0, Way::Proxy(Kind::Squid)), outside.site("branch", 1, Way::Web)];
    let captures = [sites[0].capture(), sites[1].capture()];
    let hras = outside.hras(&["hq", "branch"], &["alice", "carol"]);
    let _hracs = [sites[0].hrac(), sites[1].hrac()];
    let mut alice = sites[0].phone("alice", 0, INSIDE_HERTZ);
    let mut carol = sites[1].phone("carol", 0, OUTSIDE_HERTZ);
    call_both_ways(&hras, (&mut alice, "sip:alice@example.net"), (&mut carol, "sip:carol@example.net"));
    for (site, capture) in sites.iter().zip(captures) {
        site.only_the_tunnel_crossed(&capture.stop(), VOICE_OF_CALLS_BOTH_WAYS);
    }
}

#[test]
fn p08_a_phone_at_home_behind_its_own_router_hears_both_ways() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, Way::Proxy(Kind::Squid));
    let hras = outside.hras(&["hq"], &["alice", "bob"]);
    let _hrac = site.hrac();
    let mut alice = site.phone("alice", 0, INSIDE_HERTZ);
    let mut bob = outside.home_phone("bob", OUTSIDE_HERTZ);
    call_both_ways(&hras, (&mut alice, "sip:alice@example.net"), (&mut bob, "sip:bob@example.net"));
}

#[test]
fn p12_two_phones_of_one_site_talk_directly() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, Way::Proxy(Kind::Squid));
    let hras = outside.hras(&["hq"], &["alice", "dave"]);
    let _hrac = site.hrac();
    let mut alice = site.phone("alice", 0, INSIDE_HERTZ);
    let mut dave = site.phone("dave", 1, OUTSIDE_HERTZ);
    alice.registered();
    dave.registered();
    let arriving = Capture::start(dave.node(), "eth0", "udp");
    alice.dial("sip:dave@example.net");
    alice.connected();
    dave.connected();
    let crossing = site.capture();
    hear(&alice, &dave);
    hear(&alice, &dave);
    let crossed: usize = crossing.stop().iter().map(|packet| packet.payload.len()).sum();
    assert!(
        crossed < TWO_SECONDS_OF_VOICE / 5,
        "{crossed} bytes crossed the firewall during a call inside the site"
    );
    assert_eq!(hras.records(), 0, "{:#}", hras.status());
    alice.hang_up();
    over(&hras, &mut alice, &mut dave);

    let packets = arriving.stop();
    let own = format!("c=IN IP4 {INSIDE_PHONE}\r\n");
    let offer = packets.iter().find(|packet| packet.payload.starts_with(b"INVITE ")).expect("an INVITE");
    assert!(String::from_utf8_lossy(&offer.payload).contains(&own), "the SDP was touched: {offer:?}");
    let direct = packets.iter().filter(|packet| packet.protocol == UDP && packet.payload.len() == 172);
    assert!(
        direct.clone().all(|packet| [packet.from, packet.to].iter().any(|end| *end.ip() == INSIDE_PHONE))
    );
    assert!(direct.count() > 100);
}

/// Both directions of G.711, without headers.
const TWO_SECONDS_OF_VOICE: usize = 2 * 2 * 8000;
