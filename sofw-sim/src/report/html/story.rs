//! What happened, in order of time.

use std::fmt::Write;

use crate::record::Record;
use crate::report::markup::escape;
use crate::report::units;

pub(super) fn section(record: &Record) -> String {
    let figure = super::glance::figure(record);
    if record.story.is_empty() {
        return if figure.is_empty() { figure } else { format!(r#"<div class="card">{figure}</div>"#) };
    }
    let mut out = figure;
    out += &list(&record.story[..record.story.len().min(SHOWN)]);
    if let Some(rest) = record.story.get(SHOWN..).filter(|rest| !rest.is_empty()) {
        let drawn = &rest[..rest.len().min(FOLDED)];
        _ = write!(out, "<details><summary>{} more</summary>{}</details>", rest.len(), list(drawn));
    }
    format!(r#"<div class="card">{out}</div>"#)
}

fn list(events: &[(sofw_core::base::Instant, String)]) -> String {
    let mut out = String::from(r#"<ol class="story">"#);
    for (at, what) in events {
        _ = write!(out, "<li><time>{}</time><span>{}</span></li>", units::clock(*at), escape(what));
    }
    out + "</ol>"
}

const SHOWN: usize = 16;
const FOLDED: usize = 1_000;
