//! Random signalling against a model that knows only what a call is: who talks to whom.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::*;
use crate::base::{Duration, Hop, SiteId};
use crate::proxy::BranchId;
use crate::rat::Space;

#[derive(Clone, Copy, Debug)]
enum Step {
    Invite { caller: usize, callee: usize, lines: usize, delayed: bool },
    Early(usize),
    Answer(usize),
    Fail(usize),
    ReInvite { call: usize, by_callee: bool, lines: usize, succeeds: bool, moves: bool },
    Bye(usize),
    Talk(usize),
    Wait(u64),
}

/// Two phones at each site, with the same addresses, and two terminals outside.
const TERMINALS: usize = 6;

fn terminal(index: usize) -> (Option<SiteId>, String) {
    match index {
        0 | 1 => (Some(HQ), format!("10.10.10.1{index}")),
        2 | 3 => (Some(BRANCH_OFFICE), format!("10.10.10.1{}", index - 2)),
        _ => (None, format!("198.51.100.{index}")),
    }
}

fn hop(index: usize) -> Hop {
    let (site, host) = terminal(index);
    match site {
        Some(site) => inside(site, &format!("{host}:5060")),
        None => outside(&format!("{host}:5060")),
    }
}

/// One call of the model. Its terminals use media ports that no other call has.
struct Call {
    id: String,
    ends: [usize; 2],
    branch: BranchId,
    lines: usize,
    /// Changes when an end moves.
    base: [u16; 2],
    delayed: bool,
    described: [bool; 2],
    is_answered: bool,
}

impl Call {
    fn hops(&self) -> (Hop, Hop) {
        (hop(self.ends[0]), hop(self.ends[1]))
    }

    fn is_relayed(&self) -> bool {
        Space::of(self.hops().0) != Space::of(self.hops().1)
    }

    fn sdp(&self, side: usize) -> String {
        self.sdp_with(side, self.lines, self.base[side])
    }

    fn sdp_with(&self, side: usize, lines: usize, base: u16) -> String {
        let media: Vec<String> = (0..lines).map(|line| audio(base + 2 * line as u16)).collect();
        let media: Vec<&str> = media.iter().map(String::as_str).collect();
        sdp(&terminal(self.ends[side]).1, &media)
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = 0..8_usize;
    let step = prop_oneof![
        3 => (0..TERMINALS, 0..TERMINALS, 1..4_usize, any::<bool>())
            .prop_map(|(caller, callee, lines, delayed)| Step::Invite { caller, callee, lines, delayed }),
        2 => call.clone().prop_map(Step::Early),
        3 => call.clone().prop_map(Step::Answer),
        1 => call.clone().prop_map(Step::Fail),
        2 => (call.clone(), any::<bool>(), 1..5_usize, any::<bool>(), any::<bool>()).prop_map(
            |(call, by_callee, lines, succeeds, moves)| Step::ReInvite { call, by_callee, lines, succeeds, moves }
        ),
        1 => call.clone().prop_map(Step::Bye),
        4 => call.prop_map(Step::Talk),
        1 => (1..20_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

struct Model {
    world: World,
    calls: BTreeMap<usize, Call>,
    made: usize,
}

impl Model {
    fn nth(&self, index: usize) -> Option<usize> {
        (!self.calls.is_empty()).then(|| *self.calls.keys().nth(index % self.calls.len()).unwrap())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Invite { caller, callee, lines, delayed } if caller != callee && self.calls.len() < 8 => {
                self.invite(caller, callee, lines, delayed);
            }
            Step::Invite { .. } => {}
            Step::Wait(seconds) => self.world.now += Duration::from_secs(seconds),
            Step::Early(n) | Step::Answer(n) | Step::Fail(n) | Step::Bye(n) | Step::Talk(n) => {
                let Some(key) = self.nth(n) else { return };
                match step {
                    Step::Early(_) => self.answer(key, 183),
                    Step::Answer(_) => self.answer(key, 200),
                    Step::Fail(_) => self.fail(key),
                    Step::Bye(_) => self.bye(key),
                    _ => self.talk(key),
                }
            }
            Step::ReInvite { call, by_callee, lines, succeeds, moves } => {
                let Some(key) = self.nth(call) else { return };
                self.re_invite(key, usize::from(by_callee), lines, succeeds, moves);
            }
        }
    }

    fn invite(&mut self, caller: usize, callee: usize, lines: usize, delayed: bool) {
        self.made += 1;
        let base = 1_000 + (self.made as u16) * 64;
        let call = Call {
            id: format!("call-{}", self.made),
            ends: [caller, callee],
            branch: self.world.branch(),
            lines,
            base: [base, base + 32],
            delayed,
            described: [!delayed, false],
            is_answered: false,
        };
        let body = if delayed { String::new() } else { call.sdp(0) };
        let invite = request("INVITE", &call.id, "a", None, &body);
        let told = self.world.request(call.hops(), call.branch, &invite).unwrap();
        assert_eq!(told.is_some(), call.is_relayed() && !delayed);
        self.calls.insert(self.made, call);
    }

    fn answer(&mut self, key: usize, status: u16) {
        let call = self.calls.get_mut(&key).unwrap();
        if call.is_answered {
            return;
        }
        let answer = response(status, "INVITE", &call.id, "a", "b", &call.sdp(1));
        self.world.response(call.hops(), call.branch, &answer).unwrap();
        call.described[1] = true;
        call.is_answered = status == 200;
        if call.is_answered && call.delayed {
            let ack = request("ACK", &call.id, "a", Some("b"), &call.sdp(0));
            let branch = self.world.branch();
            self.world.request(call.hops(), branch, &ack).unwrap();
            call.described[0] = true;
        }
    }

    fn fail(&mut self, key: usize) {
        if !self.calls[&key].is_answered {
            let call = self.calls.remove(&key).unwrap();
            self.world.fail(call.branch);
        }
    }

    fn bye(&mut self, key: usize) {
        if self.calls[&key].is_answered {
            let call = self.calls.remove(&key).unwrap();
            self.world.bye(&call.id, ("b", "a"));
        }
    }

    fn re_invite(&mut self, key: usize, side: usize, lines: usize, succeeds: bool, moves: bool) {
        let call = self.calls.get_mut(&key).unwrap();
        if !call.is_answered {
            return;
        }
        let lines = lines.max(call.lines);
        let base = call.base[side] ^ if moves { 16 } else { 0 };
        let (hops, tags) = match side {
            0 => (call.hops(), ("a", "b")),
            _ => ((call.hops().1, call.hops().0), ("b", "a")),
        };
        let branch = self.world.branch();
        let offer = request("INVITE", &call.id, tags.0, Some(tags.1), &call.sdp_with(side, lines, base));
        self.world.request(hops, branch, &offer).unwrap();
        if !succeeds {
            return self.world.fail(branch);
        }
        call.lines = lines;
        call.base[side] = base;
        let answer = response(200, "INVITE", &call.id, tags.0, tags.1, &call.sdp(1 - side));
        self.world.response(hops, branch, &answer).unwrap();
    }

    /// Both terminals send on every line, RTP and RTCP: the other one hears it, and nobody else.
    fn talk(&mut self, key: usize) {
        let call = &self.calls[&key];
        if !call.is_relayed() || call.described != [true; 2] {
            return;
        }
        let facing: Vec<[u16; 2]> = self
            .world
            .agent
            .records()
            .filter(|record| record.call_id == call.id)
            .map(|record| record.ends.map(|end| end.relay_port.unwrap()))
            .collect();
        assert_eq!(facing.len(), call.lines);
        for (line, ports) in facing.iter().enumerate() {
            for side in [0, 1] {
                for stream in [0, 1] {
                    let media = |side: usize| call.base[side] + 2 * line as u16 + stream;
                    let (site, host) = terminal(call.ends[side]);
                    let heard = match site {
                        Some(site) => self.world.phone_sends(site, ports[side] + stream, b"x"),
                        None => {
                            let from = format!("{host}:{}", media(side));
                            self.world.outside_sends(&from, ports[side] + stream, b"x")
                        }
                    };
                    let (site, host) = terminal(call.ends[1 - side]);
                    let there = addr(&format!("{host}:{}", media(1 - side)));
                    let from = ports[1 - side] + stream;
                    let expected = match site {
                        Some(site) => Heard::Inside(site, there, from),
                        None => Heard::Outside(there, from),
                    };
                    assert_eq!(heard, expected, "{} line {line} side {side} stream {stream}", call.id);
                }
            }
        }
    }

    /// One record per dialog and media line, and no relay port twice in one space.
    fn check(&self) {
        let mut ports = BTreeMap::new();
        let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
        for record in self.world.agent.records() {
            *lines.entry(record.call_id).or_default() += 1;
            for end in record.ends {
                if let Some(port) = end.relay_port {
                    let former = ports.insert((end.space, port), record.call_id);
                    assert_eq!(former, None, "port {port} given twice");
                }
            }
        }
        for call in self.calls.values().filter(|call| call.is_relayed()) {
            let expected = if call.described.contains(&true) { call.lines } else { 0 };
            assert_eq!(lines.remove(call.id.as_str()).unwrap_or(0), expected, "{}", call.id);
        }
        assert!(lines.is_empty(), "records of no call: {lines:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn p07_p10_records_follow_calls_and_nothing_stays(steps in steps()) {
        let mut model = Model { world: World::new(), calls: BTreeMap::new(), made: 0 };
        for step in steps {
            model.step(step);
            model.check();
        }
        for key in model.calls.keys().copied().collect::<Vec<_>>() {
            model.talk(key);
        }
        for key in model.calls.keys().copied().collect::<Vec<_>>() {
            model.fail(key);
        }
        for key in model.calls.keys().copied().collect::<Vec<_>>() {
            model.bye(key);
        }
        prop_assert_eq!(model.world.agent.in_use(), 0);
        prop_assert!(model.world.hracs.is_empty());
    }
}
