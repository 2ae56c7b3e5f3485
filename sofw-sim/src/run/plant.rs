//! Defects planted into a whole run, to see that the checkers catch them there, too.

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{Input, IoError, SocketId};
use sofw_core::testing::phone::Phone;

use super::map::Zone;
use super::timeline::{Timeline, Todo};
use crate::check::plant::{Plant, Victims};
use crate::host::App;
use crate::world::Way;

/// A defect. It befalls the first call between a phone in a site and one outside; the runner does not excuse it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// A packet that no correct system would send.
    Packet(Plant),
    /// The inside phone gets nothing for a while, although both phones believe the call up.
    Deaf,
    /// The outside phone dies and comes back at the end of the timeline; the call stays half up.
    HalfDead,
    /// Nobody ends the call: the RAT keeps its records, the halves their ports and flows.
    NeverEnds,
    /// HRAS's deadlines never come any more.
    StuckTimers,
    /// A phone that is in no call dies for good.
    DeadPhone,
    /// HRAS cannot open a port.
    PortTaken,
}

impl Defect {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Defect> {
        let others = [
            Defect::Deaf,
            Defect::HalfDead,
            Defect::NeverEnds,
            Defect::StuckTimers,
            Defect::DeadPhone,
            Defect::PortTaken,
        ];
        Plant::ALL.map(Defect::Packet).into_iter().chain(others)
    }

    /// The checker that must catch it.
    pub const fn caught_by(self) -> &'static str {
        match self {
            Defect::Packet(plant) => plant.caught_by(),
            Defect::Deaf | Defect::HalfDead => "dialogs",
            Defect::NeverEnds | Defect::StuckTimers => "zero",
            Defect::DeadPhone => "liveness",
            Defect::PortTaken => "events",
        }
    }

    /// Happens.
    ///
    /// # Panics
    /// If there is no such call or phone at the moment: then the scenario is not made for planting.
    pub(super) fn happen(self, timeline: &mut Timeline<'_>) {
        let now = timeline.world.now();
        let (inside, outside, call_id) = victims(timeline).expect("a call between a site and the outside");
        match self {
            Defect::Packet(plant) => {
                let victims = Victims { inside, outside, call_id: &call_id };
                let planted = plant.packet(now, timeline.map(), victims);
                let (node, packet) = planted.expect("victims that can be reached");
                timeline.world.inject(node, 0, packet);
            }
            Defect::Deaf => {
                let link = timeline.map().phones[inside].link;
                timeline.keep(link);
                let line = *timeline.world.conditions(link, Way::Down);
                timeline.world.set_conditions(link, Way::Down, crate::link::Conditions { loss: 1.0, ..line });
                timeline.later(now + DEAF, Todo::Restore(link));
            }
            Defect::HalfDead => timeline.die(outside, true),
            Defect::NeverEnds => timeline.nobody_hangs_up = true,
            Defect::StuckTimers => {
                let hras = timeline.map().server.0;
                timeline.world.with_host(hras, |host, _| host.stop_clock());
            }
            Defect::DeadPhone => {
                let idle = |&phone: &usize| timeline.phone(phone).is_some_and(|it| it.call_id().is_none());
                let phone = (0..timeline.scenario.phones.len()).find(idle).expect("a phone in no call");
                timeline.die(phone, false);
            }
            Defect::PortTaken => {
                let hras = timeline.map().server.0;
                timeline.world.with_host(hras, |host, now| take_port(host.app_mut(), now));
            }
        }
    }
}

fn take_port(app: &mut App, now: Instant) {
    let App::Hras(hras) = app else { panic!("HRAS is away") };
    let refused = Input::BindFailed(SocketId::Media(TAKEN_PORT), IoError::AddressInUse);
    assert_eq!(hras.handle_input(now, refused), Ok(()), "an answer of the system is no misuse");
}

/// The phones of the first call between a site and the outside, and its Call-ID.
fn victims(timeline: &Timeline<'_>) -> Option<(usize, usize, String)> {
    let map = timeline.map();
    let call_id = |phone: usize| timeline.phone(phone).and_then(Phone::call_id);
    let in_site = |zone| matches!(zone, Zone::Private(place) if map.places[place].site.is_some());
    let phones = 0..map.phones.len();
    phones.clone().filter(|&inside| in_site(map.phones[inside].zone)).find_map(|inside| {
        let own = call_id(inside)?;
        let other = phones
            .clone()
            .find(|&other| map.phones[other].zone == Zone::Public && call_id(other) == Some(own))?;
        Some((inside, other, own.to_owned()))
    })
}

/// Longer than a call may be silent.
const DEAF: Duration = Duration::from_secs(5);
/// In HRAS's range, and used by nobody in a small run.
const TAKEN_PORT: u16 = 29_998;
