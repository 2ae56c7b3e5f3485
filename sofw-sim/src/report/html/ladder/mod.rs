//! Ladder diagrams: short runs as one, long ones call by call, with what is beyond a bound folded away.

mod drawing;

use std::collections::BTreeMap;
use std::fmt::Write;

use sofw_core::base::{Duration, Instant};

use crate::record::{Call, Record, Rung};
use crate::report::html::calls::by_trouble;
use crate::report::markup::escape;
use crate::report::units;

pub(super) fn section(record: &Record) -> String {
    if record.ladder.is_empty() || record.actors.is_empty() {
        return String::new();
    }
    let mut out = drawing::key(record);
    let calls: Calls =
        record.calls.iter().enumerate().map(|(index, call)| (call.call_id.as_str(), index)).collect();
    if record.ladder.len() <= ONE_DRAWING {
        let all: Vec<_> = record.ladder.iter().collect();
        return out + &format!(r#"<div class="card">{}</div>"#, drawing::draw(record, &calls, &all));
    }
    for (index, call) in by_trouble(record.calls.iter(), CALLS_DRAWN).into_iter().enumerate() {
        let rungs: Vec<_> = record.ladder.iter().filter(|rung| belongs(rung, call)).collect();
        let title = format!("{} calls {} at {} s", call.caller, call.callee, units::clock(call.invited));
        folded(&mut out, record, &calls, &title, &rungs, index == 0);
    }
    if record.calls.len() > CALLS_DRAWN {
        let rest = record.calls.len() - CALLS_DRAWN;
        _ = write!(
            out,
            r#"<p class="muted small">{rest} more calls had less trouble and are not drawn.</p>"#
        );
    }
    let of_no_call = |rung: &&Rung| call_of(&calls, rung).is_none();
    let others: Vec<_> = record.ladder.iter().filter(of_no_call).collect();
    folded(&mut out, record, &calls, "Registrations and everything else", &others, record.calls.is_empty());
    out
}

/// Index in [`Record::calls`] by Call-ID.
type Calls<'a> = BTreeMap<&'a str, usize>;

fn call_of(calls: &Calls, rung: &Rung) -> Option<usize> {
    calls.get(rung.call_id.as_deref()?).copied()
}

/// Its own messages, and notes that fall into its time.
fn belongs(rung: &Rung, call: &Call) -> bool {
    match &rung.call_id {
        Some(call_id) => *call_id == call.call_id,
        None => {
            let end = call.ended.iter().flatten().max().copied().unwrap_or(Instant::from_nanos(u64::MAX));
            let slack = Duration::from_secs(1);
            rung.from == rung.to && rung.at + slack >= call.invited && rung.at <= end + slack
        }
    }
}

fn folded(out: &mut String, record: &Record, calls: &Calls, title: &str, rungs: &[&Rung], open: bool) {
    if rungs.is_empty() {
        return;
    }
    let (first, rest) = rungs.split_at(rungs.len().min(FIRST));
    _ = write!(
        out,
        r#"<details class="card"{}><summary>{} <span class="muted">· {} messages</span></summary>{}"#,
        if open { " open=\"\"" } else { "" },
        escape(title),
        rungs.len(),
        drawing::draw(record, calls, first)
    );
    if !rest.is_empty() {
        let drawn = &rest[..rest.len().min(REST)];
        let not_drawn = rest.len() - drawn.len();
        _ = write!(out, "<details><summary>{} further messages", rest.len());
        if not_drawn > 0 {
            _ = write!(out, ", of which {not_drawn} are not drawn");
        }
        _ = write!(out, "</summary>{}</details>", drawing::draw(record, calls, drawn));
    }
    out.push_str("</details>");
}

/// Up to so many messages are drawn together.
const ONE_DRAWING: usize = 70;
/// Messages of a call that are always shown.
const FIRST: usize = 40;
/// Further ones, folded.
const REST: usize = 200;
const CALLS_DRAWN: usize = 20;
