//! The peers themselves, without a firewall between them: if these fail, the others say nothing.

use std::net::Ipv4Addr;

use super::super::capture::Capture;
use super::super::need;
use super::super::phone::baresip::{Baresip, Setup};
use super::super::place::{OUTSIDE_PHONE, Outside, sipp};
use super::echoed;

const OTHER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 21);

#[test]
fn two_phones_on_one_network_hear_each_other() {
    if !need::phones_and_root() {
        return;
    }
    let outside = Outside::new();
    let phone = |role: &str, address, user: &str, hertz| {
        let user = format!("{user}@{address}");
        let setup =
            Setup { address, user: &user, password: "", more: "", register: false, answer: true, hertz };
        Baresip::start(&outside.host(role, address), &setup)
    };
    let mut alice = phone("alice", OUTSIDE_PHONE, "alice", 440);
    let mut bob = phone("bob", OTHER, "bob", 1000);
    alice.dial(&format!("sip:bob@{OTHER}"));
    alice.connected();
    bob.connected();
    alice.hears(1000, 1.0, 0);
    bob.hears(440, 1.0, 0);
    assert_eq!(bob.heard().expect("a recording").seconds_of(1000.0), 0.0);
    alice.hang_up();
    alice.disconnected();
    bob.disconnected();
}

#[test]
fn twenty_sipp_calls_on_one_network() {
    if !need::phones_and_root() {
        return;
    }
    let outside = Outside::new();
    let (from, to) = (outside.host("caller", OUTSIDE_PHONE), outside.host("callee", OTHER));
    let caller = sipp(&from, OUTSIDE_PHONE, "load", OTHER);
    let callee = sipp(&to, OTHER, "echo", OUTSIDE_PHONE);
    let capture = Capture::start(&from, "eth0", "udp");
    let answering = callee.answer(20);
    caller.good(caller.call("echo", 20), 30);
    callee.good(answering, 10);
    echoed(&capture.stop(), OUTSIDE_PHONE, 20);
}

#[test]
fn a_caller_on_one_network_gives_up() {
    if !need::phones_and_root() {
        return;
    }
    let outside = Outside::new();
    let phone = |role: &str, address, user: &str| {
        let user = format!("{user}@{address}");
        let setup = Setup {
            address,
            user: &user,
            password: "",
            more: "",
            register: false,
            answer: false,
            hertz: 440,
        };
        Baresip::start(&outside.host(role, address), &setup)
    };
    let mut alice = phone("alice", OUTSIDE_PHONE, "alice");
    let bob = phone("bob", OTHER, "bob");
    alice.dial(&format!("sip:bob@{OTHER}"));
    bob.rings();
    alice.hang_up();
    bob.rings_no_more();
}
