//! Pages that need nothing beside themselves: no script, no font, no picture from elsewhere.

mod calls;
mod glance;
mod hearings;
mod index;
mod ladder;
mod numbers;
mod rat;
mod story;
mod traffic;
mod verdict;

use std::fmt::Write;

pub use index::index;

use super::chart;
use super::markup::escape;
use crate::record::Record;

/// The page of one run: the verdict first, then what happened, how it sounded, and all numbers.
pub fn page(record: &Record) -> String {
    let sections = [
        ("story", "What happened", story::section(record)),
        ("voice", "Voice quality", calls::section(record)),
        ("plots", "Delay and loss", hearings::section(record)),
        ("ladder", "Messages", ladder::section(record)),
        ("rat", "Relay address table", rat::section(record)),
        ("firewall", "Traffic on the lines", traffic::section(record)),
        ("registrations", "Registrations", numbers::registrations(record)),
        ("queues", "Queues and their bounds", numbers::queues(record)),
        ("counters", "Counters", numbers::counters(record)),
        ("captures", "Captures", numbers::captures(record)),
        ("findings", "Everything that was checked", verdict::findings(record)),
    ];
    let mut body = verdict::top(record);
    let shown = || sections.iter().filter(|(_, _, content)| !content.is_empty());
    body.push_str("<nav>");
    shown().for_each(|(id, title, _)| _ = write!(body, r##"<a href="#{id}">{title}</a>"##));
    body.push_str("</nav>");
    shown().for_each(|(id, title, content)| {
        _ = write!(body, r#"<section id="{id}"><h2>{title}</h2>{content}</section>"#)
    });
    _ = write!(
        body,
        "<footer>Fingerprint of the run <code>{:016x}</code> · {} events · times are virtual, counted from the start of the run</footer>",
        record.digest,
        super::units::count(record.events)
    );
    let mark = if record.is_good() { "✓" } else { "✗" };
    document(&format!("{mark} {} · seed {}", record.scenario, record.seed), &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>",
            "<title>{}</title><style>{}{}</style></head>\n<body><main>{}</main></body></html>\n"
        ),
        escape(title),
        chart::STYLE,
        include_str!("page.css"),
        body
    )
}

/// A table in a box that scrolls sideways; headings that begin with `#` are of numbers.
fn table(headings: &[&str], rows: &str) -> String {
    table_of(headings, &format!("<tbody>{rows}</tbody>"), "")
}

/// The same of several bodies.
fn table_of(headings: &[&str], bodies: &str, class: &str) -> String {
    let mut out = format!(r#"<div class="card scroll"><table class="{class}"><thead><tr>"#);
    for heading in headings {
        _ = match heading.strip_prefix('#') {
            Some(name) => write!(out, r#"<th class="n">{name}</th>"#),
            None => write!(out, "<th>{heading}</th>"),
        };
    }
    _ = write!(out, "</tr></thead>{bodies}</table></div>");
    out
}

/// The class of a mean opinion score by the bounds of ITU-T G.109: satisfied, some or many dissatisfied, nearly all dissatisfied.
fn mos_class(mos: f64) -> (&'static str, &'static str) {
    match mos {
        mos if mos >= 4.03 => ("good", "users are satisfied"),
        mos if mos >= 3.60 => ("good", "some users are dissatisfied"),
        mos if mos >= 3.10 => ("warn", "many users are dissatisfied"),
        mos if mos > 0.0 => ("bad", "nearly all users are dissatisfied"),
        _ => ("bad", "nothing was heard"),
    }
}

fn mos_badge(mos: f64) -> String {
    let (class, words) = mos_class(mos);
    let value = if mos > 0.0 { format!("{mos:.2}") } else { "silent".to_owned() };
    format!(r#"<span class="mos {class}" title="{words}">{value}</span>"#)
}

/// A chart or drawing that scrolls sideways on narrow screens.
fn scrolling(svg: &str) -> String {
    format!(r#"<div class="scroll">{svg}</div>"#)
}
