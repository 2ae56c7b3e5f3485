use sofw_core::base::Duration;

use super::sample::record;
use super::well_formed::elements;
use crate::report::text::{Progress, verdict};
use crate::report::{Summary, units};

#[test]
fn the_table_stands_in_columns_and_failures_are_explained() {
    let bad = Summary::of(&record());
    let mut good = bad.clone();
    good.scenario = "home".to_owned();
    good.seed = 4_711;
    good.findings.retain(|finding| finding.good);
    let text = verdict(&[good, bad]);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("verdict  scenario") && lines[1].starts_with("good     home "), "{text}");
    let end = |line: &str, word: &str| line.find(word).map(|start| start + word.len());
    assert_eq!(end(lines[0], "seed"), end(lines[1], "4711"));
    assert_eq!(end(lines[0], "seed"), end(lines[2], "  17"));
    assert!(lines[2].ends_with("mos of carol->anna >= 4.2 and 1 more"), "{text}");
    assert!(text.contains("measured packet of call a1 heard in b2"));
    assert!(text.contains("expected no foreign packet (at 1:36.200 s)"));
    assert!(text.contains("expected >= 4.2 (line 42)"));
    assert!(text.contains("  replay: sofw-sim run tunnel_outage.toml --seeds 17..18\n"));
    assert!(text.ends_with("1 of 2 runs failed in 4:40 min of virtual time.\n"), "{text}");
    assert!(text.lines().all(|line| line == line.trim_end()));
}

#[test]
fn a_flood_of_failures_is_cut_short() {
    let mut run = Summary::of(&record());
    let failure = run.failures().next().unwrap().clone();
    run.findings = vec![failure; 1_000];
    let text = verdict(&[run]);
    assert!(text.contains("  and 988 more\n") && text.lines().count() < 40, "{text}");
    assert!(text.contains("mos of carol->anna >= 4.2 and 999 more\n"));
}

#[test]
fn the_progress_line_fits_and_says_how_long_it_takes() {
    let running = ["tunnel-outage", "busy-hour"];
    let progress =
        Progress { done: 10, total: 40, failed: 1, running: &running, elapsed: Duration::from_secs(20) };
    assert_eq!(progress.left(), Some(Duration::from_secs(60)));
    let line = progress.line(120);
    assert_eq!(
        line,
        format!("{}{}  10/40  1 failed  1:00 left  tunnel-outage, busy-hour", "█".repeat(6), "░".repeat(18))
    );
    assert_eq!(progress.line(40).chars().count(), 40);
    let start = Progress { total: 40, ..Progress::default() };
    assert_eq!(start.line(80), format!("{}  0/40", "░".repeat(24)));
    assert_eq!(Progress::default().line(80), format!("{}  0/0", "█".repeat(24)));
}

#[test]
fn numbers_are_written_as_people_read_them() {
    let time = |ms| units::time(Duration::from_micros(ms));
    assert_eq!(
        [time(4_240), time(83_400), time(1_254_000), time(57_800_000)],
        ["4.2 ms", "83 ms", "1.25 s", "57.8 s"]
    );
    assert_eq!([time(125_000_000), time(3_725_000_000)], ["2:05 min", "1:02:05 h"]);
    assert_eq!([0.0, 0.00001, 0.0042, 0.5].map(units::share), ["0 %", "<0.01 %", "0.42 %", "50.0 %"]);
    assert_eq!([999, 1_234, 34_500_000].map(units::bytes), ["999 B", "1.2 kB", "34.5 MB"]);
    assert_eq!(
        [1_234, 12_345, 1_234_567].map(units::count),
        ["1234", "12\u{202f}345", "1\u{202f}234\u{202f}567"]
    );
}

#[test]
fn a_good_run_with_a_warning_is_not_called_good_without_it() {
    let mut run = Summary::of(&record());
    run.findings.retain(|finding| finding.good);
    assert!(verdict(&[run.clone()]).ends_with("\nThe run is good: 2:20 min of virtual time.\n"));
    run.warnings = vec!["nothing was expected: add <expectations>".to_owned()];
    let text = verdict(&[run.clone()]);
    assert!(text.lines().nth(1).is_some_and(|row| row.starts_with("good?")), "{text}");
    assert!(text.contains("WARNING: nothing was expected: add <expectations>\n"), "{text}");
    assert!(text.ends_with("The run is good: 2:20 min of virtual time; mind the warning.\n"), "{text}");
    let two = verdict(&[run.clone(), run.clone()]);
    assert!(two.ends_with("All 2 runs good in 4:40 min of virtual time; mind the warnings of 2.\n"), "{two}");
    let junit = crate::report::junit::xml(&[run.clone()]);
    elements(&junit).unwrap();
    assert!(
        junit.contains("<skipped message=\"nothing was expected: add &lt;expectations&gt;\"/>"),
        "{junit}"
    );
    assert!(junit.contains("failures=\"0\" errors=\"0\" skipped=\"1\""), "{junit}");
    let index = crate::report::html::index(&[run]);
    assert!(index.contains("Good?") && index.contains("add &lt;expectations&gt;"), "{index}");
    let mut page = record();
    page.findings.retain(|finding| finding.good);
    page.warnings = vec!["nothing was expected".to_owned()];
    let page = crate::report::html::page(&page);
    assert!(page.contains("<b>Warning:</b> nothing was expected"), "{page}");
}
