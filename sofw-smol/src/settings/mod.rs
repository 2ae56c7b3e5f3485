//! Configuration files: TOML to the core's configuration, every mistake named by its key.
//!
//! ```text
//! file ▶ toml ▶ Section (walks, notes unknown keys) ▶ values (one parser per kind) ▶ HrasSettings | HracSettings
//!                     └────────────── problems, all of them ──────────────┘
//! ```
//!
//! Plain derived deserialization would stop at the first mistake; here the operator sees all in one go.

mod first_start;
mod hrac;
mod hras;
mod link;
mod section;
mod values;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use first_start::{FirstStart, state_dir};
pub use hrac::HracSettings;
pub use hras::{HrasSettings, ha1_md5, ha1_sha256};
pub use link::PairingLink;
pub use values::{detect_local_ip, user_name as check_user_name, via as way_out};

/// A mistake in a configuration: the key, as it would be written with dots, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// E.g. `sip.listen[0]`; empty if the file as a whole is meant.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// All mistakes of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems {
    /// Which file.
    pub file: PathBuf,
    /// At least one.
    pub list: Vec<Problem>,
}

impl core::fmt::Display for Problems {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, Problem { key, reason }) in self.list.iter().enumerate() {
            let end = if index + 1 < self.list.len() { "\n" } else { "" };
            let colon = if key.is_empty() { "" } else { ": " };
            write!(f, "{}{colon}{key}: {reason}{end}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// How to log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogSettings {
    /// A filter as in `RUST_LOG`, e.g. `info` or `sofw_core=debug`.
    pub level: Option<String>,
    /// JSON lines instead of text.
    pub json: Option<bool>,
}

/// A configuration of either half.
#[derive(Debug)]
pub enum Settings {
    /// Of the outside half.
    Hras(HrasSettings),
    /// Of the inside half.
    Hrac(HracSettings),
}

impl Settings {
    /// Reads a file and finds out whose it is: only HRAC's has a top-level `site` or a `tunnel.server`.
    pub fn load(file: &Path) -> Result<Settings, Problems> {
        let table = parse(file)?;
        let tunnel = table.get("tunnel").and_then(toml::Value::as_table);
        let site_is_name = table.get("site").is_some_and(|site| !site.is_array());
        if site_is_name || table.contains_key("key") || tunnel.is_some_and(|t| t.contains_key("server")) {
            HracSettings::from_table(&table).map(Settings::Hrac)
        } else {
            HrasSettings::from_table(&table).map(Settings::Hras)
        }
        .map_err(|list| Problems { file: file.to_owned(), list })
    }
}

impl HrasSettings {
    /// Reads a file.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::from_table(&parse(file)?).map_err(|list| Problems { file: file.to_owned(), list })
    }
}

impl HracSettings {
    /// Reads a file.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::from_table(&parse(file)?).map_err(|list| Problems { file: file.to_owned(), list })
    }
}

fn parse(file: &Path) -> Result<toml::Table, Problems> {
    let whole = |reason: String| Problems {
        file: file.to_owned(),
        list: vec![Problem { key: String::new(), reason }],
    };
    let text = std::fs::read_to_string(file).map_err(|error| whole(format!("cannot be read: {error}")))?;
    text.parse::<toml::Table>().map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        whole(format!("{place}not TOML: {}", error.message().replace('\n', ", ")))
    })
}
