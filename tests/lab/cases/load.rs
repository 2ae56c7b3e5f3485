//! Many calls at once.

use super::super::capture::Capture;
use super::super::need;
use super::super::place::{HRAC, HRAS, INSIDE_PHONE, OUTSIDE_PHONE, Outside, Way, sipp};
use super::super::proxy::Kind;
use super::super::wait::{seconds, until};
use super::echoed;

const CALLS: u32 = 20;

#[test]
fn p01_twenty_calls_at_once_share_the_tunnel() {
    if !need::product() {
        return;
    }
    let outside = Outside::new();
    let site = outside.site("hq", 0, Way::Proxy(Kind::Squid));
    let crossing = site.capture();
    let hras = outside.hras(&["hq"], &["load", "echo"]);
    let _hrac = site.hrac();
    let (from, to) = (site.host("caller", INSIDE_PHONE), outside.host("callee", OUTSIDE_PHONE));
    let caller = sipp(&from, INSIDE_PHONE, "load", HRAC);
    let callee = sipp(&to, OUTSIDE_PHONE, "echo", HRAS);
    caller.register();
    callee.register();
    let voice = Capture::start(&from, "eth0", "udp and not port 5060");
    let answering = callee.answer(CALLS);
    let calling = caller.call("echo", CALLS);
    until("a RAT record for each call", seconds(10), || (hras.records() == CALLS as usize).then_some(()));
    caller.good(calling, 40);
    callee.good(answering, 10);
    echoed(&voice.stop(), INSIDE_PHONE, CALLS as usize);
    hras.forgets_all_calls();
    site.only_the_tunnel_crossed(&crossing.stop(), CALLS as usize * 3 * 2 * 8000);
}
