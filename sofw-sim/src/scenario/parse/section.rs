//! A table whose values have been checked: what is wrong reads as if it were not there, since it has been noted already.

use core::net::IpAddr;
use core::ops::Range;

use sofw_core::base::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::values;
use super::context::Context;

/// A table and the path to it.
#[derive(Clone)]
pub struct Section<'c, 't> {
    context: &'c Context<'t>,
    table: Option<&'c DeTable<'t>>,
    span: Range<usize>,
    path: String,
}

/// A string of a list, with the place where it stands.
pub struct Item<'c> {
    /// The string.
    pub text: &'c str,
    /// Its place.
    pub span: Range<usize>,
    /// The path to it.
    pub path: String,
}

impl<'c, 't> Section<'c, 't> {
    pub fn new(context: &'c Context<'t>, table: &'c DeTable<'t>, span: Range<usize>, path: String) -> Self {
        Section { context, table: Some(table), span, path }
    }

    pub fn context(&self) -> &'c Context<'t> {
        self.context
    }

    /// The line where the table begins.
    pub fn line(&self) -> usize {
        self.context.line(self.span.start)
    }

    pub fn table(&self) -> Option<&'c DeTable<'t>> {
        self.table
    }

    fn get(&self, key: &str) -> Option<&'c Spanned<DeValue<'t>>> {
        self.table?.get(key)
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Notes a mistake at a key, or at the table if the key is not there.
    pub fn problem(&self, key: &str, message: impl Into<String>) {
        self.context.problem(&self.span_of(key), self.path_of(key), message);
    }

    /// Where the value of a key stands, or the table if the key is not there.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub fn text(&self, key: &str) -> Option<&'c str> {
        self.get(key)?.get_ref().as_str()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.get_ref().as_bool()
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        number(self.get(key)?.get_ref())
    }

    pub fn time(&self, key: &str) -> Option<Duration> {
        values::time(self.text(key)?).ok()
    }

    pub fn rate(&self, key: &str) -> Option<u64> {
        values::rate(self.text(key)?).ok()
    }

    pub fn address(&self, key: &str) -> Option<IpAddr> {
        values::address(self.text(key)?).ok()
    }

    pub fn network(&self, key: &str) -> Option<(IpAddr, u8)> {
        values::network(self.text(key)?).ok()
    }

    pub fn share(&self, key: &str) -> Option<f64> {
        match self.get(key)?.get_ref() {
            DeValue::String(text) => values::share(text).ok(),
            DeValue::Float(number) => {
                number.as_str().parse().ok().filter(|share| values::in_share(*share).is_ok())
            }
            DeValue::Integer(number) => {
                number.as_str().parse().ok().filter(|share| values::in_share(*share).is_ok())
            }
            _ => None,
        }
    }

    /// A table at this key.
    pub fn section(&self, key: &str) -> Option<Section<'c, 't>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table()?;
        Some(Section::new(self.context, table, value.span(), self.path_of(key)))
    }

    /// A table at this key; without one, an empty one.
    pub fn section_or_empty(&self, key: &str) -> Section<'c, 't> {
        let empty = || Section { table: None, path: self.path_of(key), ..self.clone() };
        self.section(key).unwrap_or_else(empty)
    }

    /// The tables of a list at this key.
    pub fn sections(&self, key: &str) -> Vec<Section<'c, 't>> {
        let table_of = |(value, path): (&'c Spanned<DeValue<'t>>, String)| {
            Some(Section::new(self.context, value.get_ref().as_table()?, value.span(), path))
        };
        self.values(key, true).into_iter().filter_map(table_of).collect()
    }

    /// The strings of a list at this key, or the only one.
    pub fn items(&self, key: &str) -> Vec<Item<'c>> {
        let item_of = |(value, path): (&'c Spanned<DeValue<'t>>, String)| {
            Some(Item { text: value.get_ref().as_str()?, span: value.span(), path })
        };
        self.values(key, false).into_iter().filter_map(item_of).collect()
    }

    /// The numbers of a list at this key, or the only one.
    pub fn numbers(&self, key: &str) -> Vec<u64> {
        self.values(key, false).into_iter().filter_map(|(value, _)| number(value.get_ref())).collect()
    }

    /// Strings and tables of a list at this key, in order.
    pub fn mixed(&self, key: &str) -> Vec<Result<Item<'c>, Section<'c, 't>>> {
        let one = |(value, path): (&'c Spanned<DeValue<'t>>, String)| match value.get_ref() {
            DeValue::String(text) => Some(Ok(Item { text, span: value.span(), path })),
            DeValue::Table(table) => Some(Err(Section::new(self.context, table, value.span(), path))),
            _ => None,
        };
        self.values(key, false).into_iter().filter_map(one).collect()
    }

    fn values(&self, key: &str, always_index: bool) -> Vec<(&'c Spanned<DeValue<'t>>, String)> {
        let path = self.path_of(key);
        match self.get(key) {
            None => Vec::new(),
            Some(value) => match value.get_ref() {
                DeValue::Array(items) => {
                    items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]"))).collect()
                }
                _ if always_index => vec![(value, format!("{path}[0]"))],
                _ => vec![(value, path)],
            },
        }
    }
}

fn number(value: &DeValue) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}
