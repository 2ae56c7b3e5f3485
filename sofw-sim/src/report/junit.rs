//! JUnit XML, as CI systems read it: a test suite for each run, a test case for each finding.

use std::fmt::Write;

use super::markup::escape;
use super::{Summary, units};
use crate::record::{Finding, FindingKind};

/// All runs as one document. Times are virtual seconds.
pub fn xml(runs: &[Summary]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = runs.iter().map(|run| run.findings.len() + run.warnings.len()).sum();
    let failures: usize = runs.iter().map(|run| run.failures().count()).sum();
    let seconds: f64 = runs.iter().map(|run| run.length.as_secs_f64()).sum();
    _ = writeln!(
        out,
        r#"<testsuites name="sofw-sim" tests="{tests}" failures="{failures}" errors="0" time="{seconds:.3}">"#
    );
    runs.iter().for_each(|run| suite(&mut out, run));
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, run: &Summary) {
    let name = format!("{} seed {}", run.scenario, run.seed);
    _ = writeln!(
        out,
        r#"  <testsuite name="{}" tests="{}" failures="{}" errors="0" skipped="{}" time="{:.3}">"#,
        escape(&name),
        run.findings.len() + run.warnings.len(),
        run.failures().count(),
        run.warnings.len(),
        run.length.as_secs_f64()
    );
    out.push_str("    <properties>\n");
    for (name, value) in [("seed", &run.seed.to_string()), ("system", &run.system), ("replay", &run.replay)] {
        _ = writeln!(out, r#"      <property name="{name}" value="{}"/>"#, escape(value));
    }
    out.push_str("    </properties>\n");
    run.findings.iter().for_each(|finding| case(out, run, finding));
    // JUnit has no warnings; what was skipped is shown by every CI system, and fails in none.
    for warning in &run.warnings {
        let (warning, class) = (escape(warning), escape(&run.scenario));
        _ = writeln!(
            out,
            "    <testcase name=\"expectations\" classname=\"{class}.expectation\" time=\"0\">\n      <skipped message=\"{warning}\"/>\n    </testcase>"
        );
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, run: &Summary, finding: &Finding) {
    let kind = match finding.kind {
        FindingKind::Expectation => "expectation",
        FindingKind::Checker => "checker",
    };
    let (name, class) = (escape(&finding.name), escape(&run.scenario));
    _ = write!(out, r#"    <testcase name="{name}" classname="{class}.{kind}" time="0""#);
    if finding.good {
        out.push_str("/>\n");
        return;
    }
    let message = format!("measured {}, expected {}", finding.measured, finding.expected);
    let mut details = format!("{message}\n");
    if let Some(at) = finding.at {
        _ = writeln!(details, "at {} s", units::clock(at));
    }
    if finding.line > 0 {
        _ = writeln!(details, "line {} of the scenario", finding.line);
    }
    _ = write!(details, "replay: {}", run.replay);
    _ = writeln!(
        out,
        ">\n      <failure type=\"{kind}\" message=\"{}\">{}</failure>",
        escape(&message),
        escape(&details)
    );
    out.push_str("    </testcase>\n");
}
