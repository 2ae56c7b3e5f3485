//! A plan: a topology and what happens in it.

use sofw_core::base::{Duration, Rng};

use super::draw::{Bytes, Draw};
use super::topology::Topology;
use super::transition::Transition;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Step, System};

/// One plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    topology: Topology,
    steps: Vec<PlanStep>,
}

/// One thing of it.
#[derive(Clone, PartialEq, Debug)]
struct PlanStep {
    pause: Duration,
    transition: Transition,
    action: Option<Action>,
}

impl Plan {
    /// The plan of a seed.
    pub fn from_rng(rng: &mut Rng) -> Plan {
        let steps = 4 + rng.below(STEPS_MAX as u64 - 3) as usize;
        Plan::draw(rng, steps)
    }

    /// The plan of a fuzzer's bytes: whatever they are, it is a valid one.
    pub fn from_bytes(bytes: &[u8]) -> Plan {
        Plan::draw(&mut Bytes::new(bytes), STEPS_MAX)
    }

    fn draw(draw: &mut dyn Draw, most: usize) -> Plan {
        let topology = Topology::draw(draw);
        let mut steps = Vec::new();
        while steps.len() < most && !draw.is_over() {
            let transition = draw.weighted(&Transition::ALL);
            let pause = Duration::from_millis(draw.pick(&[20, 100, 600, 1_000, 2_500, 6_000]));
            let action = transition.action(&topology, draw);
            steps.push(PlanStep { pause, transition, action });
        }
        Plan { topology, steps }
    }

    /// What happens in it, in order; what the topology has nothing for included.
    pub fn transitions(&self) -> impl Iterator<Item = Transition> + '_ {
        self.steps.iter().map(|step| step.transition)
    }

    /// As a scenario without expectations: the checkers are enough.
    pub fn to_scenario(&self) -> Scenario {
        let mut at = FIRST;
        let mut timeline = Vec::new();
        for step in &self.steps {
            at += step.pause;
            timeline.extend(step.action.clone().map(|action| Step { at, action, line: 0 }));
        }
        Scenario {
            name: "swarm".into(),
            about: "What the swarm drew.".into(),
            shows: vec!["swarm".into()],
            seed: 1,
            duration: at + AFTERGLOW,
            system: System::Sofw,
            places: self.topology.places.clone(),
            server: self.topology.server.clone(),
            phones: self.topology.phones.clone(),
            timeline,
            expect: Vec::new(),
            without: Vec::new(),
            capture: Vec::new(),
        }
    }
}

/// Most steps of a plan.
pub const STEPS_MAX: usize = 30;
/// The tunnels are up and the phones have registered by then.
const FIRST: Duration = Duration::from_secs(6);
/// What the last step caused has come by then.
const AFTERGLOW: Duration = Duration::from_secs(5);
