//! One office: calls in both directions, with the tunnel cut in the middle if asked.

use core::time::Duration;

use sofw_core::testing::pair::Pair;
use sofw_core::testing::world::NodeId;

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Office {
    /// The seed of every machine: the same seed gives the same run.
    pub seed: u8,
    /// One-way time between any two addresses.
    pub delay: Duration,
    /// Length of each call.
    pub talk: Duration,
    /// Cut all tunnel connections in the middle of each call.
    pub cut: bool,
}

/// Who calls whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The inside phone calls.
    Out,
    /// The outside phone calls.
    In,
}

/// What one phone heard in a call.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The user.
    pub user: String,
    /// Packets received.
    pub received: u64,
    /// Packets missed.
    pub lost: u64,
    /// The tone heard, in hertz.
    pub tone_hz: Option<f64>,
    /// The tone that the other phone played.
    pub expected_hz: f64,
}

impl Heard {
    /// Whether the other phone's tone was heard.
    pub fn is_right(&self) -> bool {
        self.tone_hz.is_some_and(|hz| (hz - self.expected_hz).abs() < 5.0)
    }
}

/// The outcome.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Both calls, each with what the inside and the outside phone heard.
    pub calls: Vec<(Direction, [Heard; 2])>,
    /// RAT records left a minute after the last call.
    pub records_left: usize,
    /// Bytes in the tunnel.
    pub crossed: u64,
}

impl Verdict {
    /// Whether everything was as it should be.
    pub fn is_good(&self) -> bool {
        self.records_left == 0 && self.calls.iter().all(|(_, heard)| heard.iter().all(Heard::is_right))
    }
}

impl Office {
    /// Runs it.
    pub fn run(&self) -> Verdict {
        let mut pair = Pair::new(1, self.seed);
        pair.delay = self.delay;
        let inside = pair.inside_phone(0, 10, "alice");
        let outside = pair.outside_phone(20, "bob");
        pair.register(inside);
        pair.register(outside);
        let calls = [Direction::Out, Direction::In].map(|direction| {
            let (caller, callee) = match direction {
                Direction::Out => (inside, "bob"),
                Direction::In => (outside, "alice"),
            };
            pair.talk(caller, callee, self.talk / 2);
            if self.cut {
                let hrac = pair.site_node(0);
                pair.cut(hrac);
            }
            pair.run_for(self.talk / 2);
            let heard = [heard(&pair, inside, outside), heard(&pair, outside, inside)];
            pair.command(caller, |phone, now| phone.hang_up(now));
            pair.run_for(Duration::from_secs(1));
            (direction, heard)
        });
        pair.run_for(Duration::from_secs(60));
        Verdict {
            calls: calls.into(),
            records_left: pair.hras().status().records.len(),
            crossed: pair.crossed,
        }
    }
}

fn heard(pair: &Pair, ear: NodeId, mouth: NodeId) -> Heard {
    let report = pair.report(ear);
    Heard {
        user: pair.phone(ear).config().user.clone(),
        received: report.received,
        lost: report.lost,
        tone_hz: report.tone().map(|tone| tone.hz),
        expected_hz: pair.phone(mouth).config().tone_hz,
    }
}
