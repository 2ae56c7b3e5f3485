//! Plans that nobody wrote: each seed, or each string of bytes, draws its own topology, faults and user behaviour.
//!
//! ```text
//! Rng (swarm) ──┐                                                    ┌─▶ run ─▶ bad? ─▶ shrink ─▶ the smallest scenario that is bad
//!               ├─▶ Draw ─▶ Plan { Topology, Transitions } ─▶ Scenario ┤
//! bytes (fuzz) ─┘                                                    └─▶ a file
//! ```
//!
//! What may happen is the one list [`Transition::ALL`]. Nothing in a plan is hopeless: every tunnel can come up, every line gets well again, so
//! that the checkers may ask for everything at the end.

mod draw;
mod plan;
mod shrink;
#[cfg(test)]
mod tests;
mod topology;
mod transition;

pub use draw::{Bytes, Draw};
pub use plan::{Plan, STEPS_MAX};
pub use shrink::{shrink, shrink_within};
pub use transition::Transition;

/// The swarm's model driven by a fuzzer's bytes: a whole simulated network, judged by all checkers.
///
/// # Panics
/// If a checker objects: with the plan as a scenario file that repeats it.
pub fn fuzz(data: &[u8]) {
    let scenario = Plan::from_bytes(data).to_scenario();
    let record = crate::run::run(&scenario, FUZZ_SEED);
    let bad = record.findings.iter().find(|finding| !finding.good);
    if let Some(finding) = bad {
        panic!("{}: {}\n{}", finding.name, finding.measured, scenario.to_toml());
    }
}

/// The world's own seed of every fuzzed plan: the bytes are to decide.
const FUZZ_SEED: u64 = 1;
