//! One group per branch.

use super::world::*;
use crate::base::Hop;

fn legs() -> [(Hop, Hop); 3] {
    let caller = outside("198.51.100.7:5060");
    [
        (caller, inside(HQ, "10.10.10.10:5060")),
        (caller, inside(HQ, "10.10.10.11:5060")),
        (caller, outside("198.51.100.9:5060")),
    ]
}

fn offer() -> String {
    sdp("198.51.100.7", &[&audio(5_000)])
}

#[test]
fn each_branch_has_its_own_ports_until_it_fails() {
    let mut world = World::new();
    let branches = [world.branch(), world.branch(), world.branch()];
    let invite = request("INVITE", "c1", "a", None, &offer());
    let ports: Vec<Option<String>> = legs()
        .into_iter()
        .zip(branches)
        .map(|(leg, branch)| world.request(leg, branch, &invite).unwrap())
        .collect();
    assert_eq!(told(ports[0].as_ref().unwrap()).1, [30_000]);
    assert_eq!(told(ports[1].as_ref().unwrap()).1, [30_002]);
    assert_eq!(ports[2], None, "outside to outside: nothing is relayed");
    for (index, tag) in [(0, "b0"), (1, "b1")] {
        let body = sdp(&format!("10.10.10.1{index}"), &[&audio(4_000)]);
        let early = response(183, "INVITE", "c1", "a", tag, &body);
        let told_caller = world.response(legs()[index], branches[index], &early).unwrap().unwrap();
        assert_eq!(told(&told_caller).1, [20_000 + 2 * index as u16]);
    }
    let ok = response(200, "INVITE", "c1", "a", "b1", &sdp("10.10.10.11", &[&audio(4_000)]));
    world.response(legs()[1], branches[1], &ok).unwrap();
    assert_eq!(world.agent.records().count(), 2, "the loser lives until its branch failed");
    world.fail(branches[0]);
    assert_eq!(world.agent.records().count(), 1);
    assert_eq!(world.agent.records().next().unwrap().to_tag, Some("b1"));
    world.fail(branches[1]);
    assert_eq!(world.agent.records().count(), 1, "a confirmed dialog does not fail");
    world.bye("c1", ("b1", "a"));
    assert_eq!(world.agent.in_use(), 0);
}

#[test]
fn two_branches_may_both_answer() {
    let mut world = World::new();
    let invite = request("INVITE", "c1", "a", None, &offer());
    for (index, tag) in [(0, "b0"), (1, "b1")] {
        let branch = world.branch();
        world.request(legs()[index], branch, &invite).unwrap();
        let body = sdp(&format!("10.10.10.1{index}"), &[&audio(4_000)]);
        world.response(legs()[index], branch, &response(200, "INVITE", "c1", "a", tag, &body)).unwrap();
    }
    world.bye("c1", ("a", "b0"));
    assert_eq!(world.agent.records().map(|record| record.to_tag).collect::<Vec<_>>(), [Some("b1")]);
    assert_eq!(
        world.outside_sends("198.51.100.7:5000", 20_002, b"x"),
        Heard::Inside(HQ, addr("10.10.10.11:4000"), 30_002)
    );
}

#[test]
fn a_fork_beyond_us_does_not_take_the_media_of_the_confirmed_callee() {
    let mut world = World::new();
    let leg = (inside(HQ, "10.10.10.10:5060"), outside("198.51.100.7:5060"));
    let branch = world.branch();
    world
        .request(leg, branch, &request("INVITE", "c1", "a", None, &sdp("10.10.10.10", &[&audio(4_000)])))
        .unwrap();
    let answer = |tag, port| response(200, "INVITE", "c1", "a", tag, &sdp("198.51.100.7", &[&audio(port)]));
    let first = world.response(leg, branch, &answer("b1", 5_000)).unwrap();
    let second = world.response(leg, branch, &answer("b2", 5_002)).unwrap();
    assert_eq!(first, second, "both are rewritten");
    assert_eq!(world.phone_sends(HQ, 30_000, b"x"), Heard::Outside(addr("198.51.100.7:5000"), 20_000));
    world.bye("c1", ("a", "b2"));
    assert_eq!(world.agent.records().count(), 1);
}
