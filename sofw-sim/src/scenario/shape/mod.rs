//! What a scenario file may contain: one table of keys for each of its tables. The parser checks against it, the schema for editors
//! and the hints in messages are made from it.

mod network;
mod phone;
mod root;
mod steps;

pub(super) use network::SITE;
pub(super) use root::ROOT;
pub(super) use steps::{VERBS, Verb, WHEN};

use super::names::Names;
use super::values;

/// A table of the file.
#[derive(Debug)]
pub struct Shape {
    /// What it describes.
    pub about: &'static str,
    /// The keys that may stand in it.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it says, and its default.
    pub about: &'static str,
}

/// What may stand at a key.
#[derive(Debug)]
pub enum Kind {
    /// Any string.
    Text,
    /// A string of a certain form.
    Form(&'static Form),
    /// One of these names.
    OneOf(&'static Names),
    /// A whole number from, to.
    Number(u64, u64),
    /// One of these numbers.
    Choice(&'static [u64]),
    /// True or false.
    Flag,
    /// Only true: the key's presence says everything.
    True,
    /// `"3 %"` or `0.03`.
    Share,
    /// A list of these, or one without brackets.
    List(&'static Kind),
    /// A table.
    Table(&'static Shape),
    /// A list of tables.
    Tables(&'static Shape),
    /// Steps: tables with one verb each.
    Steps,
    /// The first of these whose TOML type fits; strings that are a name come before strings of a form.
    Either(&'static [Kind]),
}

/// A string of a certain form.
#[derive(Debug)]
pub struct Form {
    /// What it is, with its article: `a time`.
    pub what: &'static str,
    /// How it looks.
    pub example: &'static str,
    /// What is wrong with a text.
    pub check: fn(&str) -> Result<(), String>,
    /// The regular expression for editors; empty if any string may be right.
    pub pattern: &'static str,
}

pub(super) const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, required: false, about }
}

pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, required: true, about }
}

pub(super) static TIME: Form = Form {
    what: "a time",
    example: "\"10s\"",
    check: |text| values::time(text).map(drop),
    pattern: r"^\s*[0-9]+(\.[0-9]+)?\s*(h|min|s|ms|us|ns)\s*$",
};

pub(super) static AT: Form = Form {
    what: "a time",
    example: "\"10s\", or \"+5s\" after the step before",
    check: |text| values::time(text.trim().trim_start_matches('+')).map(drop),
    pattern: r"^\s*\+?[0-9]+(\.[0-9]+)?\s*(h|min|s|ms|us|ns)\s*$",
};

pub(super) static RATE: Form = Form {
    what: "a rate",
    example: "\"10 Mbit/s\"",
    check: |text| values::rate(text).map(drop),
    pattern: r"^\s*[0-9]+(\.[0-9]+)?\s*[kMG]?bit/s\s*$",
};

pub(super) static ADDRESS: Form = Form {
    what: "an address",
    example: "\"10.10.10.20\"",
    check: |text| values::address(text).map(drop),
    pattern: r"^[0-9A-Fa-f.:]+$",
};

pub(super) static NETWORK: Form = Form {
    what: "a network",
    example: "\"10.10.10.0/24\"",
    check: |text| values::network(text).map(drop),
    pattern: r"^[0-9A-Fa-f.:]+/[0-9]+$",
};

pub(super) static NAME: Form = Form {
    what: "a name",
    example: "\"alice\"",
    check: values::name,
    pattern: r"^[A-Za-z0-9._][A-Za-z0-9._-]*$",
};

/// A name of something that stands elsewhere in the file: looked up later.
pub(super) static REFERENCE: Form =
    Form { what: "a name", example: "\"alice\"", check: |_| Ok(()), pattern: "" };

pub(super) static NONE: Names = Names { what: "value here", list: &[("none", "without")] };

pub(super) static UNLIMITED: Names = Names { what: "rate", list: &[("unlimited", "no limit")] };
