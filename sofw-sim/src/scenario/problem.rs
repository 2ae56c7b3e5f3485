//! What is wrong in a file, and what was probably meant.

use core::fmt;
use std::collections::BTreeSet;

/// A mistake in a scenario file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file as given on the command line.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1; `None`: the whole line.
    pub column: Option<usize>,
    /// Path of the key, e.g. `site[0].line`; empty where no key is at fault.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// `office.toml:12: site[0].line: "ofice" is no line; did you mean "office"?`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// `"ofice" is no line; did you mean "office"? valid: wire, office, …`
pub(super) fn no_such(what: &str, text: &str, valid: &[&str]) -> String {
    let mut valid = valid.to_vec();
    // A name that stands twice in the file, which is a mistake of its own, is one name.
    let mut seen = BTreeSet::new();
    valid.retain(|name| seen.insert(*name));
    let hint = nearest(text, &valid).map_or_else(String::new, |near| format!(" did you mean {near:?}?"));
    let list =
        if valid.is_empty() { "there is none".to_owned() } else { format!("valid: {}", listed(&valid)) };
    format!("{text:?} is no {what};{hint} {list}")
}

/// The names with commas between them; of a long list, the beginning.
pub(super) fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(LISTED_MAX)].join(", ");
    if names.len() > LISTED_MAX { format!("{shown}, … ({} in all)", names.len()) } else { shown }
}

/// The valid name that `text` was most likely meant to be.
pub fn nearest<'n>(text: &str, valid: &[&'n str]) -> Option<&'n str> {
    let written = plain(text);
    let (distance, near) = valid.iter().map(|name| (edits(&written, &plain(name)), *name)).min()?;
    let close = distance <= 1 + written.chars().count() / 4;
    let begins = |a: &str, b: &str| b.len() >= 3 && a.starts_with(b);
    if close {
        return Some(near);
    }
    valid.iter().find(|name| begins(&plain(name), &written) || begins(&written, &plain(name))).copied()
}

/// Case and the kind of dash are not what a name is recognised by.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['_', ' '], "-")
}

/// Changes of one character that make `b` of `a`; two neighbours exchanged count as one (Damerau's distance).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// More names than this do not help anybody.
const LISTED_MAX: usize = 24;
