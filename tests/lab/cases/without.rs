//! Without SoFW: the firewall stops plain SIP.

use super::super::need;
use super::super::phone::baresip::{Baresip, Setup};
use super::super::place::{INSIDE_PHONE, OUTSIDE_PHONE, Outside, Way};
use super::super::proxy::Kind;
use super::super::wait::{seconds, until};

#[test]
fn without_sofw_the_call_fails() {
    if !need::phones_and_root() {
        return;
    }
    for way in [Way::Proxy(Kind::Squid), Way::Web] {
        let outside = Outside::new();
        let site = outside.site("hq", 0, way);
        let bob_node = outside.host("bob", OUTSIDE_PHONE);
        let phone = |node: &_, address, user: &str, more: &str, register| {
            Baresip::start(
                node,
                &Setup { address, user, password: "secret", more, register, answer: true, hertz: 440 },
            )
        };
        let bob = phone(&bob_node, OUTSIDE_PHONE, "bob@203.0.113.20", "", false);
        let capture = site.capture();
        let before = site.dropped();
        let inside = site.host("alice", INSIDE_PHONE);
        let more = ";outbound=\"sip:203.0.113.5\"";
        let mut alice = phone(&inside, INSIDE_PHONE, "alice@example.net", more, true);
        until("REGISTER, sent again and again, dropped", seconds(15), || {
            (site.dropped() >= before + 3).then_some(())
        });
        drop(alice);
        let before = site.dropped();
        alice = phone(&inside, INSIDE_PHONE, "alice@10.10.10.10", "", false);
        alice.dial("sip:bob@203.0.113.20");
        until("INVITE, sent again and again, dropped", seconds(15), || {
            (site.dropped() >= before + 3).then_some(())
        });
        assert!(!alice.said("registered successfully") && !alice.said("Call established"));
        assert!(!bob.said("incoming call") && !bob.said("Call established"));
        assert!(capture.stop().is_empty(), "plain SIP crossed the firewall");
    }
}
