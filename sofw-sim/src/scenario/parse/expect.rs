//! Expectations: `[not] METRIC [of SCOPE] [COMPARISON VALUE]`.

use super::super::model::{Compare, Expectation, Metric, PhoneSpec, Place, Scope};
use super::super::names::{METRICS, MetricName, Scopes, Unit};
use super::super::problem::no_such;
use super::super::values;

/// What expectations may speak of.
pub struct Known<'a> {
    /// Phones by name.
    pub phones: Vec<&'a str>,
    /// Places by name.
    pub places: Vec<&'a str>,
    /// What else is called.
    pub callees: Vec<&'a str>,
    /// What is known of the phones and places, in the same order.
    pub specs: (&'a [PhoneSpec], &'a [Place]),
}

impl Known<'_> {
    /// The place in which a phone stands.
    fn place_of(&self, phone: &str) -> Option<&str> {
        let spec = self.specs.0.iter().find(|spec| spec.name == phone)?;
        spec.place.map(|place| self.places[place])
    }
}

/// Reads one.
pub fn expectation(text: &str, line: usize, known: &Known) -> Result<Expectation, String> {
    let trimmed = text.trim();
    let (negated, rest) = match trimmed.strip_prefix("not ").or(trimmed.strip_prefix('!')) {
        Some(rest) => (true, rest.trim()),
        None => (false, trimmed),
    };
    if let Some((sign, typed)) = SIGNS.iter().find(|(sign, _)| rest.contains(*sign)) {
        return Err(format!("{sign} is written {typed}: \"{}\"", text.replace(*sign, typed)));
    }
    let (left, comparison) = split(rest)?;
    let (name, scope_text) = match left.split_once(char::is_whitespace) {
        Some((name, rest)) => match rest.trim().strip_prefix("of ") {
            Some(scope) => (name, Some(scope.trim())),
            None => {
                return Err(format!(
                    "after {name:?} comes of or a comparison, not {:?}; {FORMS}",
                    rest.trim()
                ));
            }
        },
        None => (left, None),
    };
    let metric = METRICS.iter().find(|metric| metric.name == name).ok_or_else(|| no_metric(name))?;
    let scope = match scope_text {
        Some(text) => scope(text, metric, known)?,
        None => Scope::All,
    };
    let (compare, value) = compared(metric, &scope, negated, comparison)?;
    Ok(Expectation { text: text.to_owned(), line, metric: metric.metric, scope, compare, value })
}

const FORMS: &str = "write e.g. \"setup_ms < 500\", \"mos of alice->bob >= 4\" or \"not registered of bob\"";

/// A comparison and what stands behind it, if there is one.
type Comparison<'a> = Option<(Compare, &'a str)>;

/// What stands before the comparison, and the comparison with what stands behind it.
fn split(text: &str) -> Result<(&str, Comparison<'_>), String> {
    let begins = text.char_indices().find(|&(at, c)| {
        let arrow = c == '>' && text[..at].trim_end().ends_with('-');
        "<>=!".contains(c) && !arrow
    });
    let Some((at, _)) = begins else { return Ok((text.trim(), None)) };
    let (left, right) = (text[..at].trim(), &text[at..]);
    // `mos of alice > bob`, `mos of alice => bob`: what is compared is never compared with a name.
    let behind = right.trim_start_matches(['=', '>', '-']).trim_start();
    let is_arrow = right.starts_with('>') || right.starts_with("=>");
    if is_arrow && behind.starts_with(|c: char| c.is_ascii_alphabetic()) && left.contains(" of ") {
        return Err(format!("a call is written with an arrow, e.g. \"{left}->{behind}\""));
    }
    let operator = OPERATORS.iter().find(|(sign, _)| right.starts_with(sign));
    match operator {
        Some((sign, compare)) => Ok((left, Some((*compare, right[sign.len()..].trim())))),
        None if right.starts_with('=') => {
            Err(format!("a comparison is written ==, <, <=, >, >= or !=; {left:?} = sets nothing"))
        }
        None => Err(format!("{right:?} is no comparison; valid: <, <=, >, >=, ==, !=")),
    }
}

/// Comparisons as people set them, and as they are typed.
const SIGNS: [(char, &str); 3] = [('≥', ">="), ('≤', "<="), ('≠', "!=")];

const OPERATORS: [(&str, Compare); 6] = [
    ("<=", Compare::LessOrEqual),
    (">=", Compare::GreaterOrEqual),
    ("==", Compare::Equal),
    ("!=", Compare::NotEqual),
    ("<", Compare::Less),
    (">", Compare::Greater),
];

fn no_metric(name: &str) -> String {
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    if name.is_empty() {
        return format!("nothing is expected; {FORMS}");
    }
    no_such("metric", name, &names)
}

fn scope(text: &str, metric: &MetricName, known: &Known) -> Result<Scope, String> {
    let (name, scopes) = (metric.name, metric.scopes);
    if scopes == Scopes::Whole {
        return Err(format!("{name} is about the whole run; leave \"of {text}\" out"));
    }
    if let Some((from, to)) = text.split_once("->") {
        return call(from.trim(), to.trim(), metric, known);
    }
    let takes_phones = matches!(scopes, Scopes::CallOrPhone | Scopes::PhoneOrPlace);
    let takes_places = scopes != Scopes::CallOrPhone;
    if known.phones.contains(&text) {
        if takes_phones {
            return Ok(Scope::Phone(text.to_owned()));
        }
        let hint = known.place_of(text).map_or_else(String::new, |place| format!("; {text} is in {place:?}"));
        return Err(format!("{text:?} is a phone; {name} takes {}{hint}", scopes.about()));
    }
    if let Some(place) = known.places.iter().position(|place| *place == text) {
        let place = known.specs.1.get(place).filter(|_| takes_places);
        let place = place.ok_or_else(|| format!("{text:?} is a place; {name} takes {}", scopes.about()))?;
        return match lacks(place, scopes) {
            Some(what) => Err(format!("{text} has no {what}, which {name} is about")),
            None => Ok(Scope::Place(text.to_owned())),
        };
    }
    if let Some((from, to)) = two_phones(text, known).filter(|_| scopes == Scopes::CallOrPhone) {
        return Err(format!("a call is written with an arrow: \"{name} of {from}->{to}\""));
    }
    let fitting = known.specs.1.iter().filter(|place| takes_places && lacks(place, scopes).is_none());
    let places = fitting.map(|place| place.name.as_str());
    let phones = known.phones.iter().copied().filter(|_| takes_phones);
    let valid: Vec<&str> = places.chain(phones).collect();
    let what = match (takes_phones, takes_places) {
        (true, true) => "phone or place",
        (true, false) => "phone",
        _ => "place",
    };
    Err(no_such(what, text, &valid))
}

fn call(from: &str, to: &str, metric: &MetricName, known: &Known) -> Result<Scope, String> {
    if metric.scopes != Scopes::CallOrPhone {
        return Err(format!("{} is not about a call; after of comes {}", metric.name, metric.scopes.about()));
    }
    if !known.phones.contains(&from) {
        return Err(no_such("phone", from, &known.phones));
    }
    if !known.phones.contains(&to) && !known.callees.contains(&to) {
        return Err(no_such("phone", to, &known.phones));
    }
    Ok(Scope::Call(from.to_owned(), to.to_owned()))
}

/// What a place lacks for a metric to have a meaning there.
fn lacks(place: &Place, scopes: Scopes) -> Option<&'static str> {
    let remembers = place.firewall.is_some() || place.inspect.is_some() || place.nat.is_some();
    match scopes {
        Scopes::Remembering if !remembers => Some("firewall, inspection or nat"),
        Scopes::Site | Scopes::SiteWithProxy if place.hrac.is_none() => Some("HRAC"),
        Scopes::SiteWithProxy if place.proxy.is_none() => Some("proxy"),
        _ => None,
    }
}

/// `alice to bob`, `alice, bob`, `alice bob`.
fn two_phones<'t>(text: &'t str, known: &Known) -> Option<(&'t str, &'t str)> {
    let mut words =
        text.split(|c: char| c.is_whitespace() || ",→>–".contains(c)).filter(|word| !word.is_empty());
    let (first, last) = (words.next()?, words.next_back()?);
    (known.phones.contains(&first) && known.phones.contains(&last)).then_some((first, last))
}

fn compared(
    metric: &MetricName,
    scope: &Scope,
    negated: bool,
    comparison: Comparison,
) -> Result<(Compare, f64), String> {
    let name = metric.name;
    // A phone is registered or it is not; of many, a number is.
    let is_flag = metric.unit == Unit::Flag
        || (metric.metric == Metric::Registered && matches!(scope, Scope::Phone(_)));
    match (is_flag, comparison) {
        (true, None) => Ok((Compare::Equal, if negated { 0.0 } else { 1.0 })),
        (true, Some(_)) => Err(format!("{name} is true or false; write \"{name}\" or \"not {name}\"")),
        (false, _) if negated => Err(format!("{name} is a number; not goes with what is true or false")),
        (false, None) => Err(format!("{name} is a number; compare it, e.g. \"{name} {}\"", usual(metric))),
        (false, Some((_, ""))) => Err(format!("compared with what? e.g. \"{name} {}\"", usual(metric))),
        (false, Some((compare, text))) => Ok((compare, value(metric, text)?)),
    }
}

fn usual(metric: &MetricName) -> &'static str {
    match (metric.unit, metric.metric) {
        (Unit::Milliseconds, _) => "< 500",
        (Unit::Share, _) => "< 1 %",
        (_, Metric::Mos) => ">= 3.8",
        (_, Metric::Status) => "== 486",
        (_, Metric::Registered) => "== 2",
        _ => "< 1000",
    }
}

fn value(metric: &MetricName, text: &str) -> Result<f64, String> {
    if let Some((value, whose)) = text.split_once(" of ") {
        let name = metric.name;
        return Err(format!("of stands before the comparison: e.g. \"{name} of {whose} == {value}\""));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    match metric.unit {
        Unit::Share => match number {
            Some(number) => values::in_share(number),
            None => values::share(text),
        },
        Unit::Milliseconds => match number {
            Some(number) => Ok(number),
            None => values::time(text).map(|time| time.as_secs_f64() * 1e3),
        },
        Unit::Number | Unit::Flag => number.ok_or_else(|| format!("{text:?} is no number")),
    }
}

impl Expectation {
    /// One that does not come from a file.
    pub fn new(metric: Metric, scope: Scope, compare: Compare, value: f64) -> Self {
        let mut expectation = Expectation { text: String::new(), line: 0, metric, scope, compare, value };
        expectation.text = expectation.to_text();
        expectation
    }

    /// As it would be written in a file.
    fn to_text(&self) -> String {
        let known = METRICS.iter().find(|metric| metric.metric == self.metric);
        let name = known.map_or("", |metric| metric.name);
        let of = match &self.scope {
            Scope::All => String::new(),
            Scope::Call(from, to) => format!(" of {from}->{to}"),
            Scope::Phone(name) | Scope::Place(name) => format!(" of {name}"),
        };
        let is_flag = known.is_some_and(|metric| metric.unit == Unit::Flag)
            || (self.metric == Metric::Registered && matches!(self.scope, Scope::Phone(_)));
        match is_flag {
            true if self.compare.holds(0.0, self.value) => format!("not {name}{of}"),
            true => format!("{name}{of}"),
            false => {
                let sign = OPERATORS
                    .iter()
                    .find(|(_, compare)| *compare == self.compare)
                    .map_or("", |(sign, _)| sign);
                format!("{name}{of} {sign} {}", self.value)
            }
        }
    }
}
