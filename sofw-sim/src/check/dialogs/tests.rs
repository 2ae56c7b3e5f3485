use super::*;
use crate::check::testing::{ALICE, BOB, Town, ordinary_day};
use crate::scenario::model::HomeOrSite;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_ordinary_day_is_clean() {
    let (mut town, mut dialogs) = (Town::new(), Dialogs::new());
    ordinary_day(&mut town, &mut [&mut dialogs]);
    let finding = town.finish(&mut dialogs);
    assert!(finding.good && !finding.measured.starts_with("0 "), "{}", finding.measured);
}

#[test]
fn hold_and_its_silence_are_no_fault() {
    let (mut town, mut dialogs) = (Town::new(), Dialogs::new());
    town.call(ALICE, "bob");
    town.run(2 * SECOND, &mut [&mut dialogs]);
    town.pair.command(town.node(ALICE), |phone, now| phone.hold(now, true));
    town.run(10 * SECOND, &mut [&mut dialogs]);
    assert!(town.finish(&mut dialogs).good);
}

/// Alice talks to bob, who is then taken for switched off.
fn half_a_call(lost_state: bool, excused: Duration) -> Finding {
    let (mut town, mut dialogs) = (Town::new(), Dialogs::new());
    town.call(ALICE, "bob");
    town.run(2 * SECOND, &mut [&mut dialogs]);
    town.off = vec![BOB];
    town.lost_state = lost_state;
    town.excused_until = town.pair.now() + excused;
    town.run(42 * SECOND, &mut [&mut dialogs]);
    town.finish(&mut dialogs)
}

#[test]
fn a_call_that_is_up_for_one_only_is_told_unless_excused() {
    let finding = half_a_call(false, Duration::ZERO);
    assert!(!finding.good && finding.measured.contains("up for alice only"), "{}", finding.measured);
    assert!(half_a_call(true, Duration::ZERO).good);
    assert!(half_a_call(false, 10 * SECOND).good);
}

/// A checker that does not let another one hear or see media of one node.
#[derive(Debug)]
struct Deaf(Dialogs, NodeId);

impl Checker for Deaf {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn spoke(&mut self, at: Instant, map: &Map, node: NodeId, to: SocketAddr, media: &Media<'_>) {
        self.0.spoke(at, map, node, to, media);
    }
    fn heard(
        &mut self,
        at: Instant,
        map: &Map,
        node: NodeId,
        phone: &Phone,
        from: SocketAddr,
        media: &Media<'_>,
    ) {
        if node != self.1 {
            self.0.heard(at, map, node, phone, from, media);
        }
    }
    fn look(&mut self, at: Instant, map: &Map, look: &Look<'_>) {
        self.0.look(at, map, look);
    }
    fn finish(&mut self, at: Instant, map: &Map) -> Vec<Finding> {
        self.0.finish(at, map)
    }
}

#[test]
fn voice_that_goes_one_way_only_is_told() {
    let mut town = Town::new();
    let mut deaf = Deaf(Dialogs::new(), town.node(BOB));
    town.call(ALICE, "bob");
    town.run(8 * SECOND, &mut [&mut deaf]);
    let finding = town.finish(&mut deaf);
    assert!(!finding.good && finding.measured.contains("bob hears none of"), "{}", finding.measured);
    assert!(!finding.measured.contains("alice hears"), "{}", finding.measured);
}

#[test]
fn a_silent_phone_at_home_cannot_be_found_and_one_that_spoke_can() {
    use HomeOrSite::{Home, Site};
    // A site without HRAC is on its own.
    let cases =
        [(Home, None, 0, true), (Home, None, 2, false), (Site, Some(0), 0, false), (Site, None, 2, true)];
    for (kind, site, talks_for, good) in cases {
        let mut town = Town::new();
        (town.map.places[0].kind, town.map.places[0].site) = (kind, site);
        let mut deaf = Deaf(Dialogs::new(), town.node(ALICE));
        town.call(ALICE, "bob");
        town.run(talks_for * SECOND, &mut [&mut deaf]);
        town.pair.command(town.node(ALICE), |phone, _| phone.mute(true));
        town.run(8 * SECOND, &mut [&mut deaf]);
        let finding = town.finish(&mut deaf);
        assert_eq!(finding.good, good, "{kind:?} {site:?}, mute after {talks_for}: {}", finding.measured);
    }
}
