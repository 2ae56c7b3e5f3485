use super::*;
use crate::check::testing::{Town, ordinary_day};

#[test]
fn an_ordinary_day_fills_little_and_tells_how_much() {
    let (mut town, mut bounds) = (Town::new(), Bounds::new());
    ordinary_day(&mut town, &mut [&mut bounds]);
    assert!(town.finish(&mut bounds).good);
    let fills: BTreeMap<_, _> = bounds.queues().into_iter().collect();
    let largest = |name: &str| fills.get(name).copied().unwrap_or_else(|| panic!("{name} in {fills:?}"));
    assert!((1..100).contains(&largest("HRAS: SIP transactions").0));
    assert_eq!(largest("HRAS: SIP dialogs").0, 1);
    assert_eq!(largest("HRAS: bindings of one user"), (1, 10));
    assert_eq!(largest("HRAC of office: phones known").0, 2);
    assert!(fills.len() >= 16, "{fills:?}");
}

#[test]
fn a_queue_beyond_its_bound_is_told_once() {
    let mut bounds = Bounds::new();
    for now in [3, 4, 5, 9, 2] {
        bounds.take(Instant::from_millis(now as u64), "HRAS", Fill::new("things", now, 4));
    }
    let finding = bounds.finish(Instant::ZERO, &Map::default()).remove(0);
    assert_eq!(finding.measured, "1 wrong of 5 fills: at 0.005 s HRAS: things 5 of 4");
    assert_eq!(bounds.queues(), [("HRAS: things".to_owned(), (9, 4))]);
}
