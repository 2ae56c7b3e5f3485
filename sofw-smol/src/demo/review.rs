//! The review after the play: was each call good, and the numbers to show it.

use core::fmt::Write as _;

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::{MediaReport, wav};

use super::cast::TONES;
use super::script::CallOutcome;

/// Most loss of a good call.
const LOSS_MAX: f64 = 0.01;
/// How far a tone may be off, in hertz, and its level, in decibels from what was sent.
const HZ_MAX: f64 = 2.0;
const LEVEL: f64 = -12.0;
const LEVEL_MAX: f64 = 1.0;

/// Everything that is wrong with a call; empty if it was good.
pub fn faults(call: &CallOutcome) -> Vec<String> {
    let mut faults = Vec::new();
    for (who, report, hz) in ears(call) {
        match report.tone() {
            _ if report.received == 0 => faults.push(format!("the {who} heard nothing at all")),
            None => faults.push(format!("the {who} heard no clear tone")),
            Some(tone) if (tone.hz - hz).abs() > HZ_MAX => {
                faults.push(format!("the {who} heard {:.0} Hz instead of {hz:.0} Hz", tone.hz));
            }
            Some(tone) if (tone.dbfs - LEVEL).abs() > LEVEL_MAX => {
                faults.push(format!(
                    "the {who} heard the tone at {:.1} dB instead of {LEVEL:.1} dB",
                    tone.dbfs
                ));
            }
            Some(_) => {}
        }
        let loss = loss(report);
        if loss >= LOSS_MAX {
            faults.push(format!("the {who} lost {:.1} % of the packets", loss * 100.0));
        }
    }
    if !call.ended_by_bye {
        faults.push("the call did not end by BYE and 200".into());
    }
    if call.rat.is_empty() {
        faults.push("the RAT had no record of the call".into());
    }
    faults.into_iter().map(|fault| format!("{}: {fault}", call.title)).collect()
}

/// The table of one call.
pub fn table(call: &CallOutcome, bold: &str, reset: &str) -> String {
    let mut out = format!("\n{bold}{}{reset}\n", call.title);
    for row in &call.rat {
        let [from, to] = &row.tags;
        let _ = writeln!(out, "  RAT (P7)  From tag {from}  To tag {to}  Call-ID {}", row.call_id);
        for (side, [ip, port, half]) in
            [["IIP", "IPort", "HRAC"], ["OIP", "OPort", "HRAS"]].iter().enumerate()
        {
            let terminal = row.terminals[side];
            let _ = writeln!(
                out,
                "            {ip} {:<14} {port} {:<6} relay port of {half} {:<6} {:>5} packets",
                terminal.map_or("unknown".into(), |t| t.ip().to_string()),
                terminal.map_or(0, |t| t.port()),
                row.ports[side].unwrap_or(0),
                row.packets[side],
            );
        }
    }
    let _ = writeln!(
        out,
        "  {:<13} {:<18} {:>9} {:>6} {:>9} {:>7} {:>7} {:>8}",
        "heard by", "tone", "packets", "loss", "delay p50", "p99", "max", "jitter"
    );
    let [inside, outside] = &call.reports;
    for ((who, report, _), sender) in ears(call).into_iter().zip([outside, inside]) {
        let mut delays = sender.delays_to(report);
        delays.sort();
        let at = |share: f64| {
            delays.get(((delays.len() as f64 * share) as usize).min(delays.len().saturating_sub(1)))
        };
        let shown = |delay: Option<&Duration>| delay.map_or("-".into(), |d| millis(*d));
        let tone = report.tone().map_or("none".into(), |t| format!("{:.0} Hz, {:.1} dB", t.hz, t.dbfs));
        let _ = writeln!(
            out,
            "  {who:<13} {tone:<18} {:>9} {:>6} {:>9} {:>7} {:>7} {:>8}",
            format!("{}/{}", report.received, sender.sent),
            format!("{:.1} %", loss(report) * 100.0),
            shown(at(0.5)),
            shown(at(0.99)),
            shown(delays.last()),
            format!("{} ms", millis(report.jitter)),
        );
    }
    out
}

/// A stereo WAV of all calls, at their places in time: what the inside phone heard left, the outside phone right.
pub fn recording(calls: &[CallOutcome]) -> Vec<u8> {
    let start =
        calls.iter().flat_map(|c| &c.reports).filter_map(|r| r.heard_from).min().unwrap_or(Instant::ZERO);
    let channel = |side: usize| {
        let mut samples = Vec::new();
        for report in calls.iter().map(|c| &c.reports[side]) {
            let offset = report.heard_from.map_or(Duration::ZERO, |from| from.since(start));
            samples.resize(samples.len().max(offset.as_millis() as usize * 8), 0);
            samples.extend_from_slice(&report.heard);
        }
        samples
    };
    wav::write(&[&channel(0), &channel(1)])
}

fn loss(report: &MediaReport) -> f64 {
    report.lost as f64 / ((report.lost + report.received).max(1)) as f64
}

/// Each listener with what it should have heard.
fn ears(call: &CallOutcome) -> [(&'static str, &MediaReport, f64); 2] {
    [("inside phone", &call.reports[0], TONES[1]), ("outside phone", &call.reports[1], TONES[0])]
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sofw_core::testing::phone::tone::ToneGenerator;

    fn outcome() -> CallOutcome {
        let report = |hz, from| {
            let mut tone = ToneGenerator::new(hz, LEVEL);
            MediaReport {
                received: 100,
                heard: (0..16_000).map(|_| tone.next_sample()).collect(),
                heard_from: Some(Instant::from_millis(from)),
                ..MediaReport::default()
            }
        };
        CallOutcome {
            title: "a calls b".into(),
            rat: vec![super::super::script::RatRow::default()],
            reports: [report(TONES[1], 1_000), report(TONES[0], 1_500)],
            ended_by_bye: true,
        }
    }

    #[test]
    fn a_good_call_has_no_faults() {
        assert_eq!(faults(&outcome()), Vec::<String>::new());
        assert!(table(&outcome(), "", "").contains("587 Hz, -12.0 dB"));
    }

    #[test]
    fn each_fault_is_named() {
        let mut call = outcome();
        call.reports.swap(0, 1);
        call.reports[0].lost = 10;
        call.ended_by_bye = false;
        call.rat.clear();
        let faults = faults(&call).join("\n");
        for part in ["440 Hz instead of 587", "587 Hz instead of 440", "lost 9.1 %", "BYE", "no record"] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }

    #[test]
    fn the_recording_keeps_places_in_time() {
        let mut second = outcome();
        second.reports.iter_mut().for_each(|r| r.heard_from = Some(Instant::from_millis(6_000)));
        let channels = wav::read(&recording(&[outcome(), second])).unwrap();
        assert_eq!(channels[0].len(), 40_000 + 16_000);
        assert_eq!(channels[1].len(), 40_000 + 16_000);
        assert!(channels[1][..4_000].iter().all(|&s| s == 0) && channels[0][..4_000].iter().any(|&s| s != 0));
        assert!(channels[0][16_000..40_000].iter().all(|&s| s == 0));
    }
}
