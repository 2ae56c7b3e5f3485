//! From a file to a [`Scenario`], with every mistake noted on the way.
//!
//! ```text
//! text ─▶ TOML with spans ─▶ check (keys, types, forms: shape/) ─▶ places, phones ─▶ names and addresses ─▶ steps, expectations
//! ```

mod calls;
mod check;
mod context;
mod expect;
mod line;
mod phone;
mod place;
mod section;
mod step;
mod topology;

use sofw_core::base::Duration;
use toml::de::DeTable;

use super::model::{Action, Expectation, HomeOrSite, Place, ServerSpec, Step, System};
use super::names::{self, SYSTEMS};
use super::problem::{listed, no_such};
use super::shape::ROOT;
use super::{Problem, Scenario, plan, values};
use context::Context;
use expect::{Known, expectation};
use phone::Written;
use section::Section;

impl Scenario {
    /// Reads a scenario. `file_name` gives its name and stands in messages.
    ///
    /// Errors: every mistake in the file, in the order of its lines.
    pub fn parse(file_name: &str, text: &str) -> Result<Scenario, Vec<Problem>> {
        let context = Context::new(file_name, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            errors.iter().for_each(|error| not_toml(&context, error));
            return Err(context.into_problems());
        }
        let whole = 0..0;
        check::table(&context, &ROOT, table.get_ref(), &whole, "");
        let root = Section::new(&context, table.get_ref(), whole, String::new());
        let scenario = build(&root, name_of(file_name));
        if context.is_clean() { Ok(scenario) } else { Err(context.into_problems()) }
    }
}

/// The file's name without directory and ending.
fn name_of(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    name.strip_suffix(".toml").unwrap_or(name).to_owned()
}

fn not_toml(context: &Context, error: &toml::de::Error) {
    let span = error.span().unwrap_or(context.text().len()..context.text().len());
    let message = error.message().replace('\n', ", ");
    context.problem_at(&span, format!("not TOML: {message}{}", quotes_missing(context.text(), span.start)));
}

/// The usual reason: a value with a unit, or a word, without quotes.
fn quotes_missing(text: &str, at: usize) -> String {
    let begin = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let Some((key, value)) = line.split_once('=') else { return String::new() };
    let value = value.split('#').next().unwrap_or_default().trim();
    let bare = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || " .%/_-".contains(c));
    if bare && !["true", "false"].contains(&value) {
        return format!("; write {} = \"{value}\"", key.trim());
    }
    String::new()
}

fn build(root: &Section, name: String) -> Scenario {
    let context = root.context();
    let places = places(root);
    let server = place::server(&root.section_or_empty("server"));
    let written = phones(root, &places);
    topology::names(context, &places, &written);
    topology::addresses(context, &places, &server, &written);
    topology::overlaps(&places);
    topology::forwards(context, &written);
    let places: Vec<Place> = places.into_iter().map(|(place, _)| place).collect();
    let mut phones = topology::specs(written);
    if context.is_clean() {
        plan::give_addresses(&places, server.addr, &mut phones);
    }
    let phone_names: Vec<String> = phones.iter().map(|phone| phone.name.clone()).collect();
    let known = Known {
        phones: phone_names.iter().map(String::as_str).collect(),
        places: places.iter().map(|place| place.name.as_str()).collect(),
        callees: callees(root),
        specs: (&phones, &places),
    };
    let end = root.time("duration");
    let mut timeline = timeline(root, &places, end, &known);
    let mut busy = vec![Vec::new(); phones.len()];
    for table in root.sections("calls") {
        let steps = calls::calls(&table, &phones, &known, &mut busy);
        if let Some(step) = steps.iter().find(|step| end.is_some_and(|end| step.at > end)) {
            table.problem("count", too_late(step.at, end));
        }
        timeline.extend(steps);
    }
    timeline.sort_by_key(|step| step.at);
    let expect = expectations(root, &known);
    let capture = captures(root, &places, &server, &known);
    let seed = root.number("seed").unwrap_or(1);
    let system = root.text("system").and_then(|name| names::value_of(&SYSTEMS, &names::SYSTEM_VALUES, name));
    let without = |table: Section| Some((table.text("check")?.to_owned(), table.text("because")?.to_owned()));
    Scenario {
        name,
        about: root.text("about").unwrap_or_default().to_owned(),
        shows: root.items("shows").iter().map(|item| item.text.to_owned()).collect(),
        seed,
        duration: end.unwrap_or_else(|| default_end(&timeline)),
        system: system.unwrap_or(System::Sofw),
        server,
        timeline,
        expect,
        without: root.sections("without").into_iter().filter_map(without).collect(),
        capture,
        phones,
        places,
    }
}

fn places<'c, 't>(root: &Section<'c, 't>) -> Vec<(Place, Section<'c, 't>)> {
    let of_kind = |key, kind| {
        let sections = root.sections(key).into_iter().enumerate();
        sections.map(move |(index, section)| (place::place(&section, kind, index), section))
    };
    of_kind("site", HomeOrSite::Site).chain(of_kind("home", HomeOrSite::Home)).collect()
}

fn phones(root: &Section, places: &[(Place, Section)]) -> Vec<Written> {
    let mut written = Vec::new();
    for (index, (_, section)) in places.iter().enumerate() {
        written.extend(phone::phones(section, "phones", Some(index)));
    }
    written.extend(phone::phones(root, "phones", None));
    let names: Vec<&str> = places.iter().map(|(place, _)| place.name.as_str()).collect();
    for table in root.sections("phone") {
        let place = table.text("place").and_then(|name| {
            let found = names.iter().position(|known| *known == name);
            if found.is_none() {
                table.problem("place", no_such("place", name, &names));
            }
            found
        });
        written.extend(phone::phone(&table, place));
    }
    written
}

/// Everybody that a step calls or transfers to: expectations may name them, too.
fn callees<'c>(root: &Section<'c, '_>) -> Vec<&'c str> {
    let steps = step_lists(root).into_iter().flat_map(|(section, key)| section.sections(key));
    steps.filter_map(|step| step.text("to")).collect()
}

/// Where steps stand.
fn step_lists<'c, 't>(root: &Section<'c, 't>) -> [(Section<'c, 't>, &'static str); 3] {
    [(root.clone(), "step"), (root.clone(), "steps"), (root.section_or_empty("timeline"), "steps")]
}

fn timeline(root: &Section, places: &[Place], end: Option<Duration>, known: &Known) -> Vec<Step> {
    let mut timeline = Vec::new();
    for (list, key) in step_lists(root) {
        for (step, section) in step::steps(&list, key, places, known) {
            if end.is_some_and(|end| step.at > end) {
                section.problem("at", too_late(step.at, end));
            }
            timeline.push(step);
        }
    }
    timeline
}

fn too_late(at: Duration, end: Option<Duration>) -> String {
    let end = end.unwrap_or_default();
    format!(
        "{} is after the end of the timeline, duration = {:?}",
        values::time_text(at),
        values::time_text(end)
    )
}

/// When nothing is left to happen, and a little later.
fn default_end(timeline: &[Step]) -> Duration {
    let ends = timeline.iter().map(|step| step.at + lasting(&step.action));
    ends.max().unwrap_or(plan::FIRST_CALL) + plan::AFTERGLOW
}

fn lasting(action: &Action) -> Duration {
    match action {
        Action::Call { talk: lasting, .. } | Action::Crash(_, lasting) | Action::Line { lasting, .. } => {
            lasting.unwrap_or_default()
        }
        Action::Outage(_, lasting) | Action::Restart { away: lasting, .. } => *lasting,
        _ => Duration::ZERO,
    }
}

fn expectations(root: &Section, known: &Known) -> Vec<Expectation> {
    let context = root.context();
    let read = |item: section::Item| {
        let found = expectation(item.text, context.line(item.span.start), known);
        found.map_err(|message| context.problem(&item.span, item.path, message)).ok()
    };
    let lists = [root.items("expect"), root.section_or_empty("timeline").items("expect")];
    lists.into_iter().flatten().filter_map(read).collect()
}

/// Every link that can be captured has a name: a kind of link that all sites have, a place's line, a phone's, the server's.
fn captures(root: &Section, places: &[Place], server: &ServerSpec, known: &Known) -> Vec<String> {
    let has_site = places.iter().any(|place| place.kind == HomeOrSite::Site);
    let kinds = ["outer", "inner"].into_iter().filter(|_| has_site);
    let hosts = ["server"].into_iter().chain(server.proxy.as_ref().map(|_| "reverse proxy"));
    let names: Vec<&str> =
        kinds.chain(hosts).chain(known.places.iter().copied()).chain(known.phones.iter().copied()).collect();
    let mut captures = Vec::new();
    for item in root.items("capture") {
        if ["outer", "inner"].contains(&item.text) && !has_site {
            let message =
                format!("{:?} is a link of a site, and there is none; valid: {}", item.text, listed(&names));
            root.context().problem(&item.span, item.path, message);
        } else if !names.contains(&item.text) {
            root.context().problem(&item.span, item.path, no_such("link", item.text, &names));
        } else if !captures.iter().any(|name| name == item.text) {
            captures.push(item.text.to_owned());
        }
    }
    captures
}
