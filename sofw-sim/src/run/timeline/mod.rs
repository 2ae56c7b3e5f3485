//! Lets the timeline happen.

mod faults;
mod state;

use std::collections::BTreeMap;

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::Phone;

use super::Options;
use super::build::{Builder, Town};
use super::expect;
use super::map::{Map, SitePlace};
use super::phones;
use super::plant::Defect;
use crate::check::{Look, Phase};
use crate::link::Conditions;
use crate::record::Finding;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Step, Target};
use crate::world::{LinkId, NodeId};

/// A running scenario.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub scenario: &'a Scenario,
    pub builder: Builder<'a>,
    pub world: Town,
    options: Options,
    /// What is due: steps, and what earlier ones entail.
    due: BTreeMap<(Instant, u64), Todo>,
    sequence: u64,
    next_look: Instant,
    pub phase: Phase,
    pub findings: Vec<Finding>,
    /// Until when faults excuse silence.
    excused_until: Instant,
    /// Something was lost for good.
    pub lost_state: bool,
    /// Lines as they were built.
    original: BTreeMap<LinkId, [Conditions; 2]>,
    /// Who is off at the moment.
    off: BTreeMap<NodeId, Target>,
    phones_off: Vec<bool>,
    /// Who wants to be registered.
    wants_registration: Vec<bool>,
    /// A planted defect: calls go on when the timeline is over.
    pub nobody_hangs_up: bool,
}

/// Something that is due.
#[derive(Clone, Debug)]
pub(super) enum Todo {
    Step(Box<Step>),
    HangUp(usize, String),
    Start(Target),
    StartPhone(usize),
    LinkUp(LinkId),
    Restore(LinkId),
    Plant(Defect),
}

impl<'a> Timeline<'a> {
    /// Everything is on; nothing has happened.
    pub fn new(scenario: &'a Scenario, builder: Builder<'a>, world: Town, options: Options) -> Self {
        let mut timeline = Timeline {
            scenario,
            builder,
            options,
            due: BTreeMap::new(),
            sequence: 0,
            next_look: Instant::ZERO + options.look,
            phase: Phase::Timeline,
            findings: Vec::new(),
            excused_until: Instant::ZERO,
            lost_state: false,
            original: BTreeMap::new(),
            off: BTreeMap::new(),
            phones_off: vec![false; scenario.phones.len()],
            wants_registration: scenario.phones.iter().map(|phone| phone.registers).collect(),
            nobody_hangs_up: false,
            world,
        };
        if let Some((at, defect)) = options.plant {
            timeline.later(Instant::ZERO + at, Todo::Plant(defect));
        }
        for step in &scenario.timeline {
            timeline.later(Instant::ZERO + step.at, Todo::Step(Box::new(step.clone())));
        }
        timeline
    }

    /// Phones register, a little apart, once the tunnels had their time.
    pub fn start(&mut self) {
        for index in 0..self.scenario.phones.len() {
            if self.wants_registration[index] {
                let at = Instant::ZERO + REGISTER_AFTER + REGISTER_APART * (index as u32 % REGISTER_AT_ONCE);
                let action = Action::Register(index, true);
                self.later(at, Todo::Step(Box::new(Step { at: at.since(Instant::ZERO), action, line: 0 })));
            }
        }
    }

    /// Runs until `end`.
    pub fn run_until(&mut self, end: Instant) {
        loop {
            let due = self.due.first_key_value().map_or(end, |(&(at, _), _)| at);
            let next = due.min(self.next_look).min(end);
            self.world.run_until(next);
            if self.next_look <= next {
                self.look(self.phase);
                self.next_look = next + self.options.look;
                self.note_answers();
            }
            let mut acted = false;
            while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= next) {
                let todo = entry.remove();
                self.perform(todo);
                acted = true;
            }
            if acted {
                self.look(self.phase);
            }
            if next >= end {
                return;
            }
        }
    }

    /// Shows everybody's state to the recorder and the checkers.
    pub fn look(&mut self, phase: Phase) {
        let at = self.world.now();
        // The observer is taken out for the moment, because it looks at the world that holds it.
        let mut recorder = std::mem::replace(&mut self.world.observer, super::Recorder::new(Vec::new()));
        let boxes = recorder.map.places.iter().map(|place| &place.boxes);
        let remembered = |&(_, node): &(&str, NodeId)| self.world.middlebox(node).remembered(at);
        let connections: Vec<usize> =
            boxes.map(|boxes| boxes.iter().map(remembered).max().unwrap_or(0)).collect();
        let look = self.state(&recorder.map, phase);
        recorder.look(at, &look, &connections);
        self.world.observer = recorder;
    }

    fn state<'s>(&'s self, map: &Map, phase: Phase) -> Look<'s> {
        let hrac = |place: &SitePlace| place.hrac.and_then(|(node, _)| self.world.host(node).hrac());
        Look {
            hras: self.world.host(map.server.0).hras(),
            hracs: map.places.iter().map(hrac).collect(),
            phones: map.phones.iter().map(|phone| self.world.host(phone.node).phone()).collect(),
            phase,
            excused_until: self.excused_until,
            lost_state: self.lost_state,
            wants_registration: &self.wants_registration,
        }
    }

    /// Calls that were answered and are to last so long.
    fn note_answers(&mut self) {
        let now = self.world.now();
        let mut ends = Vec::new();
        for book in self.world.observer.calls.iter_mut() {
            let (Some(answered), Some(talk), false) = (book.call.answered, book.talk, book.answer_seen)
            else {
                continue;
            };
            book.answer_seen = true;
            if let Some(caller) = book.phones[0] {
                ends.push(((answered + talk).max(now), caller, book.call.call_id.clone()));
            }
        }
        for (at, caller, call_id) in ends {
            self.later(at, Todo::HangUp(caller, call_id));
        }
    }

    pub(super) fn later(&mut self, at: Instant, todo: Todo) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), todo);
    }

    fn perform(&mut self, todo: Todo) {
        match todo {
            Todo::Step(step) => {
                let told = phones::told(self.scenario, &step.action);
                if let Some(told) = told.filter(|_| step.line > 0 || self.phase == Phase::Timeline) {
                    let now = self.world.now();
                    self.world.observer.tell(now, told);
                }
                self.act(&step.action);
            }
            Todo::HangUp(phone, call_id) => {
                if self.phone(phone).and_then(Phone::call_id) == Some(call_id.as_str()) {
                    self.act(&Action::HangUp(phone));
                }
            }
            Todo::Start(target) => self.start_again(target),
            Todo::StartPhone(phone) => self.start_phone(phone),
            Todo::LinkUp(link) => self.world.set_down(link, false),
            Todo::Restore(link) => self.restore(link),
            Todo::Plant(defect) => defect.happen(self),
        }
    }

    fn act(&mut self, action: &Action) {
        let now = self.world.now();
        match action {
            Action::Call { from, to, talk } => self.call(*from, to, *talk),
            Action::HangUp(phone) => self.hang_up(*phone),
            Action::Answer(phone) => self.command(*phone, |phone, now| phone.answer(now)),
            Action::Decline(phone, status) => {
                let status = *status;
                self.command(*phone, |phone, now| phone.decline(now, status));
            }
            Action::Manner(phone, answer) => {
                let answer = phones::answer(self.scenario, answer);
                self.command(*phone, |phone, _| phone.set_answer(answer));
            }
            Action::Hold(phone, hold) => {
                let hold = *hold;
                self.command(*phone, |phone, now| phone.hold(now, hold));
            }
            Action::Reinvite(phone) => self.command(*phone, |phone, now| phone.reinvite(now)),
            Action::Update(phone) => self.command(*phone, |phone, now| phone.update(now)),
            Action::Transfer(phone, to) => {
                let to = to.clone();
                self.command(*phone, |phone, now| phone.transfer(now, &to));
            }
            Action::Dial(phone, keys) => {
                let keys = keys.clone();
                self.command(*phone, |phone, _| phone.dial(&keys));
            }
            Action::Mute(phone, mute) => {
                let mute = *mute;
                self.command(*phone, |phone, _| phone.mute(mute));
            }
            Action::Register(phone, true) => {
                self.wants_registration[*phone] = true;
                self.world.observer.registers(now, *phone);
                self.command(*phone, Phone::register);
            }
            Action::Register(phone, false) => {
                self.wants_registration[*phone] = false;
                self.command(*phone, Phone::unregister);
            }
            Action::Crash(phone, back) => self.crash(*phone, *back),
            Action::Restart { what, away, power } => self.stop(*what, *away, *power),
            Action::Cut(place) => {
                self.excuse(faults::CUT_EXCUSE);
                let hrac = self.map().places[*place].hrac;
                if let Some((node, _)) = hrac {
                    self.world.with_host(node, |host, now| host.reset_connections(now));
                }
            }
            Action::Forget(target) => self.forget(*target),
            Action::Outage(place, time) => {
                self.excuse(*time + faults::AFTER_OUTAGE);
                let link = self.map().places[*place].line;
                self.world.set_down(link, true);
                self.later(now + *time, Todo::LinkUp(link));
            }
            Action::Line { which, change, lasting } => {
                let link = match which {
                    Some(Ok(place)) => self.map().places[*place].line,
                    Some(Err(phone)) => self.map().phones[*phone].link,
                    None => self.map().server_link,
                };
                self.change(link, change);
                self.excuse(lasting.unwrap_or(self.scenario.duration));
                if let Some(time) = lasting {
                    self.later(now + *time, Todo::Restore(link));
                }
            }
            Action::Strangers => self.strangers(),
            Action::Expect(expectation) => {
                let recorder = &self.world.observer;
                let calls = recorder.calls.snapshot(now, &recorder.map);
                let (books, facts) = (expect::Books { calls, ..recorder.books() }, self.facts());
                let mut judged = expect::judge(expectation, self.scenario, &books, &facts, Some(now));
                judged.at = Some(now);
                self.findings.push(judged);
            }
        }
    }

    pub(super) fn call(&mut self, from: usize, to: &str, talk: Option<Duration>) {
        let now = self.world.now();
        self.command(from, |phone, now| phone.call(now, to));
        if let Some(call_id) = self.phone(from).and_then(Phone::call_id).map(str::to_owned) {
            self.world.observer.calls.begin(now, from, &call_id, to, talk);
        }
    }

    pub(super) fn hang_up(&mut self, phone: usize) {
        let now = self.world.now();
        if let Some(call_id) = self.phone(phone).and_then(Phone::call_id).map(str::to_owned) {
            self.world.observer.calls.close(now, &call_id);
        }
        self.command(phone, |phone, now| phone.hang_up(now));
    }

    /// Datagrams from nobody to the ports of both halves.
    fn strangers(&mut self) {
        let map = self.map().clone();
        let mut rng = self.world.fork(&format!("strangers at {:?}", self.world.now()));
        for packet in crate::adversary::stranger_packets(&mut rng, &map) {
            self.world.inject(map.stranger, 0, packet);
        }
    }

    /// Hangs up whatever there is.
    pub fn hang_up_all(&mut self) {
        if self.nobody_hangs_up {
            return;
        }
        for phone in 0..self.scenario.phones.len() {
            if self.phone(phone).and_then(Phone::call_state).is_some() {
                self.hang_up(phone);
            }
        }
    }

    /// A phone; `None` while it is off.
    pub fn phone(&self, index: usize) -> Option<&Phone> {
        self.world.host(self.map().phones[index].node).phone()
    }

    pub(super) fn command(&mut self, index: usize, command: impl FnOnce(&mut Phone, Instant)) {
        let node = self.map().phones[index].node;
        self.world.with_host(node, |host, now| {
            if let Some(phone) = host.phone_mut() {
                command(phone, now);
            }
        });
    }

    pub(super) fn map(&self) -> &Map {
        &self.world.observer.map
    }

    fn excuse(&mut self, time: Duration) {
        self.excused_until = self.excused_until.max(self.world.now() + time);
    }
}

/// Phones start when the tunnels are up; people switch the relay on first.
const REGISTER_AFTER: Duration = Duration::from_secs(1);
/// Phones register one after the other, …
const REGISTER_APART: Duration = Duration::from_millis(10);
/// … so many of them, then again from the start: a storm is a storm.
const REGISTER_AT_ONCE: u32 = 50;
