//! TOML text: strings, inline tables, lists.

use core::fmt::Write as _;

/// A string in quotes.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `["a", "b"]`
pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// Keys and values in order: an inline table, or lines under a header.
#[derive(Default)]
pub struct Fields(Vec<(&'static str, String)>);

impl Fields {
    /// Adds a value as it stands in TOML.
    pub fn raw(&mut self, key: &'static str, value: impl Into<String>) {
        self.0.push((key, value.into()));
    }

    /// Adds a value if there is one.
    pub fn some(&mut self, key: &'static str, value: Option<String>) {
        self.0.extend(value.map(|value| (key, value)));
    }

    /// Adds a string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        self.raw(key, quoted(value));
    }

    /// Adds `key = true` if that is so.
    pub fn flag(&mut self, key: &'static str, value: bool) {
        self.some(key, value.then(|| "true".to_owned()));
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: Fields) {
        self.0.extend(other.0);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value if there is only one key, and it is this.
    pub fn only(&self, key: &str) -> Option<&str> {
        match &self.0[..] {
            [(known, value)] if *known == key => Some(value),
            _ => None,
        }
    }

    /// `{ a = 1, b = 2 }`
    pub fn inline(&self) -> String {
        let fields: Vec<String> = self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        format!("{{ {} }}", fields.join(", "))
    }

    /// Lines.
    pub fn lines(&self) -> String {
        self.0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}
