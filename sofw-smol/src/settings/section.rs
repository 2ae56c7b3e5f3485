//! Walks a table of a configuration file and notes every mistake on the way.

use std::cell::RefCell;
use std::rc::Rc;

use toml::{Table, Value};

use super::Problem;

/// A table with the path that leads to it. Keys that nobody asked for are reported by [`Section::finish`].
pub struct Section<'a> {
    table: Option<&'a Table>,
    path: String,
    known: RefCell<Vec<&'static str>>,
    problems: Rc<RefCell<Vec<Problem>>>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub fn root(table: &'a Table) -> Self {
        Section {
            table: Some(table),
            path: String::new(),
            known: RefCell::default(),
            problems: Rc::default(),
        }
    }

    /// A table inside this one; empty if it is missing.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let table = match self.get(key) {
            None => None,
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                self.wrong_type(key, "a table", other);
                None
            }
        };
        self.child(table, self.path_of(key))
    }

    /// An array of tables inside this one, e.g. `[[site]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    let path = format!("{}[{index}]", self.path_of(key));
                    match item {
                        Value::Table(table) => Some(self.child(Some(table), path)),
                        other => {
                            self.problem_at(path, format!("must be a table, not {}", name_of(other)));
                            None
                        }
                    }
                })
                .collect(),
            Some(other) => {
                self.problem(
                    key,
                    format!("must be written [[{key}]], once for each; found {}", name_of(other)),
                );
                Vec::new()
            }
        }
    }

    /// Whether the file has this key.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// A string that `parse` accepts; `None` if it is missing or wrong, which has been noted if wrong.
    pub fn text<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.get(key)? {
            Value::String(text) => parse(text).map_err(|reason| self.problem(key, reason)).ok(),
            other => {
                self.wrong_type(key, "a string in quotes", other);
                None
            }
        }
    }

    /// As [`Section::text`], but the key must be there; `example` shows what could stand there.
    pub fn required<T>(
        &self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.problem(key, format!("is missing, e.g. {key} = {example}"));
        }
        self.text(key, parse)
    }

    /// A list of strings, or one string for a list of one. Each accepted one comes with its path.
    pub fn list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<(String, T)> {
        let items = match self.get(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items.as_slice(),
            Some(one @ Value::String(_)) => core::slice::from_ref(one),
            Some(other) => {
                self.wrong_type(key, "a list of strings", other);
                return Vec::new();
            }
        };
        let path_of = |index: usize| match self.get(key) {
            Some(Value::String(_)) => self.path_of(key),
            _ => format!("{}[{index}]", self.path_of(key)),
        };
        let mut accepted = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item {
                Value::String(text) => match parse(text) {
                    Ok(value) => accepted.push((path_of(index), value)),
                    Err(reason) => self.problem_at(path_of(index), reason),
                },
                other => self.problem_at(
                    path_of(index),
                    format!("must be a string in quotes, not {}", name_of(other)),
                ),
            }
        }
        accepted
    }

    /// As [`Section::list`], but at least one entry must stand there.
    pub fn required_list<T>(
        &self,
        key: &'static str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<(String, T)> {
        match self.get(key) {
            None => self.problem(key, format!("is missing, e.g. {key} = {example}")),
            Some(Value::Array(items)) if items.is_empty() => {
                self.problem(key, format!("is empty, e.g. {key} = {example}"));
            }
            _ => {}
        }
        self.list(key, parse)
    }

    /// A whole number in a range.
    pub fn number(&self, key: &'static str, range: core::ops::RangeInclusive<u64>) -> Option<u64> {
        match self.get(key)? {
            Value::Integer(number) => match u64::try_from(*number) {
                Ok(number) if range.contains(&number) => Some(number),
                _ => {
                    self.problem(key, format!("must lie between {} and {}", range.start(), range.end()));
                    None
                }
            },
            other => {
                self.wrong_type(key, "a whole number", other);
                None
            }
        }
    }

    /// True or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        match self.get(key)? {
            Value::Boolean(flag) => Some(*flag),
            other => {
                self.wrong_type(key, "true or false", other);
                None
            }
        }
    }

    /// Notes a mistake at a key of this table.
    pub fn problem(&self, key: &str, reason: impl Into<String>) {
        self.problem_at(self.path_of(key), reason.into());
    }

    /// Notes a mistake at a full path.
    pub fn problem_at(&self, key: String, reason: String) {
        self.problems.borrow_mut().push(Problem { key, reason });
    }

    /// Reports keys that nobody asked for, each with the nearest one that exists.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for key in self.table.into_iter().flat_map(Table::keys) {
            if !known.contains(&key.as_str()) {
                let hint = nearest(key, &known).map_or_else(
                    || format!("valid here: {}", known.join(", ")),
                    |near| format!("did you mean {near:?}?"),
                );
                self.problem(key, format!("is not a key of this file; {hint}"));
            }
        }
    }

    /// Whether anything was wrong so far.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.borrow().clone()
    }

    /// The full path of a key of this table.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &'static str) -> Option<&'a Value> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.table?.get(key)
    }

    fn child(&self, table: Option<&'a Table>, path: String) -> Section<'a> {
        Section { table, path, known: RefCell::default(), problems: Rc::clone(&self.problems) }
    }

    fn wrong_type(&self, key: &str, wanted: &str, found: &Value) {
        self.problem(key, format!("must be {wanted}, not {}", name_of(found)));
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The known key that `key` was most likely meant to be.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, near) = known.iter().map(|near| (edits(key, near), *near)).min()?;
    (distance <= 2 || near.starts_with(key) || key.starts_with(near)).then_some(near)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
