//! Phones.

use core::ops::Range;

use sofw_core::base::Transport;

use super::super::model::PhoneSpec;
use super::super::{plan, values};
use super::line::line;
use super::section::Section;

/// A phone, and where the file has it.
pub struct Written {
    /// The phone.
    pub spec: PhoneSpec,
    /// Where, for messages.
    pub span: Range<usize>,
    /// Path to its name, for messages.
    pub path: String,
    /// Path to its address, if it has one.
    pub address: Option<String>,
}

/// The phones of a list of names and tables.
pub fn phones(section: &Section, key: &str, place: Option<usize>) -> Vec<Written> {
    let one_or_many = |item| match item {
        Ok(super::section::Item { text, span, path }) => {
            vec![Written { spec: plan::phone(text, place), span, path, address: None }]
        }
        Err(table) => phone(&table, place),
    };
    section.mixed(key).into_iter().flat_map(one_or_many).collect()
}

/// The phone of a table, or the many of it.
pub fn phone(table: &Section, place: Option<usize>) -> Vec<Written> {
    let names = match (table.text("name"), table.text("prefix")) {
        (Some(name), None) => {
            if table.has("count") {
                table.problem("count", "goes with prefix, not with name");
            }
            vec![name.to_owned()]
        }
        (None, Some(prefix)) => {
            if !table.has("count") {
                table.problem("prefix", format!("how many {prefix}…? add e.g. count = 10"));
            }
            (1..=table.number("count").unwrap_or(1)).map(|n| format!("{prefix}{n}")).collect()
        }
        (Some(_), Some(_)) => {
            table.problem("prefix", "either name, or prefix and count");
            return Vec::new();
        }
        (None, None) => {
            if !table.has("name") && !table.has("prefix") {
                table.problem("name", "is missing, e.g. name = \"alice\", or prefix = \"p\" and count = 10");
            }
            return Vec::new();
        }
    };
    if names.len() > 1 && table.has("address") {
        table.problem("address", "one address cannot serve many phones; leave it out");
    }
    if table.time("expires").is_some_and(|time| time.subsec_nanos() != 0 || time.is_zero()) {
        table.problem("expires", "SIP counts registrations in whole seconds; write e.g. \"5min\"");
    }
    let path = table.path_of(if table.has("prefix") { "prefix" } else { "name" });
    let address = table.address("address").map(|_| table.path_of("address"));
    let written = |name: String| Written {
        spec: spec(table, &name, place),
        span: table.span_of("name"),
        path: path.clone(),
        address: address.clone(),
    };
    names.into_iter().map(written).collect()
}

fn spec(table: &Section, name: &str, place: Option<usize>) -> PhoneSpec {
    let default = plan::phone(name, place);
    PhoneSpec {
        addr: table.address("address").unwrap_or(default.addr),
        line: line(table, "line", default.line),
        transport: match table.text("transport") {
            Some("tcp") => Transport::Tcp,
            _ => Transport::Udp,
        },
        answer: table.text("answer").and_then(|text| values::answer(text).ok()).unwrap_or(default.answer),
        registers: table.flag("registers").unwrap_or(default.registers),
        expires_s: table.time("expires").map_or(default.expires_s, |time| time.as_secs() as u32),
        quirks: table.items("quirks").iter().map(|item| item.text.to_owned()).collect(),
        ptime_ms: table.number("ptime").map_or(default.ptime_ms, |ptime| ptime as u8),
        video: table.flag("video").unwrap_or(default.video),
        wrong_password: table.flag("wrong_password").unwrap_or(default.wrong_password),
        ..default
    }
}
