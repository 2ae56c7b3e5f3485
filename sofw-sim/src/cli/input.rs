//! Scenarios by file or by name.

use std::path::Path;

use crate::scenario::{self, Scenario};

/// The text of a scenario: a file, or one that comes with the program.
pub fn text(what: &str) -> Result<String, String> {
    if let Some((_, text)) = scenario::builtin().iter().find(|(name, _)| *name == what) {
        return Ok((*text).to_owned());
    }
    if Path::new(what).exists() {
        return std::fs::read_to_string(what).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => format!("{what}: is no text in UTF-8"),
            std::io::ErrorKind::IsADirectory => {
                format!("{what}: is a directory; name its files, e.g. {what}/*.toml")
            }
            _ => format!("{what}: {error}"),
        });
    }
    let names: Vec<&str> = scenario::builtin().iter().map(|(name, _)| *name).collect();
    let near = scenario::nearest(what, &names).map_or_else(
        || "`sofw-sim list` shows those that come with the program".to_owned(),
        |near| format!("did you mean {near:?}? `sofw-sim list` shows all"),
    );
    Err(format!("{what}: no such file, and no scenario of this name; {near}"))
}

/// A scenario, or everything that is wrong with it, a line each.
pub fn scenario(what: &str) -> Result<Scenario, String> {
    let text = text(what)?;
    Scenario::parse(what, &text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

/// All that come with the program.
pub fn all() -> Result<Vec<Scenario>, String> {
    scenario::builtin().iter().map(|(name, _)| scenario(name)).collect()
}
