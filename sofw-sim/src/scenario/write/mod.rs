//! From a [`Scenario`] to a file that reads as the same scenario: what the swarm prints of a plan that failed.

mod line;
mod phone;
mod place;
mod step;
mod text;

use super::model::{HomeOrSite, Scenario, System};
use super::names::{self, SYSTEMS};
use super::values;
use text::{Fields, list, quoted};

pub(super) use step::target;

impl Scenario {
    /// The scenario as a file, with what differs from the defaults. [`Scenario::parse`] reads it as the same scenario (lines apart) if
    /// sites stand before homes, names are names, and addresses lie in their networks.
    pub fn to_toml(&self) -> String {
        let explicit = phone::with_addresses(self);
        let in_places = phone::in_order_of_places(&self.phones);
        let mut head = Fields::default();
        head.text("about", &self.about);
        head.some("shows", (!self.shows.is_empty()).then(|| list(&self.shows)));
        head.text("duration", &values::time_text(self.duration));
        if self.system != System::Sofw {
            head.text("system", names::name_of(&SYSTEMS, &names::SYSTEM_VALUES, &self.system));
        }
        head.some("seed", (self.seed != 1).then(|| self.seed.to_string()));
        if in_places {
            head.some("phones", phone::of_place(self, None, &explicit));
        }
        head.some("capture", (!self.capture.is_empty()).then(|| list(&self.capture)));
        let mut out = head.lines();
        self.write_places(&mut out, in_places.then_some(&explicit[..]));
        let server = place::server(&self.server);
        if !server.is_empty() {
            out += &format!("\n[server]\n{}", server.lines());
        }
        if !in_places {
            self.write_phones(&mut out, &explicit);
        }
        for (check, because) in &self.without {
            out += &format!("\n[[without]]\ncheck = {}\nbecause = {}\n", quoted(check), quoted(because));
        }
        self.write_timeline(&mut out);
        out
    }

    fn write_places(&self, out: &mut String, explicit: Option<&[bool]>) {
        let mut counts = [0, 0];
        for (index, place) in self.places.iter().enumerate() {
            let header = match place.kind {
                HomeOrSite::Site => "site",
                HomeOrSite::Home => "home",
            };
            let count = &mut counts[usize::from(place.kind == HomeOrSite::Home)];
            let mut fields = place::place(place, *count);
            *count += 1;
            fields.some("phones", explicit.and_then(|explicit| phone::of_place(self, Some(index), explicit)));
            *out += &format!("\n[[{header}]]\n{}", fields.lines());
        }
    }

    fn write_phones(&self, out: &mut String, explicit: &[bool]) {
        for (spec, explicit) in self.phones.iter().zip(explicit) {
            let mut fields = phone::phone(spec, *explicit);
            fields.some("place", spec.place.map(|place| quoted(&self.places[place].name)));
            *out += &format!("\n[[phone]]\n{}", fields.lines());
        }
    }

    fn write_timeline(&self, out: &mut String) {
        let steps: String =
            self.timeline.iter().map(|step| format!("  {},\n", step::step(self, step))).collect();
        let expect: String =
            self.expect.iter().map(|expect| format!("  {},\n", quoted(&expect.text))).collect();
        if !steps.is_empty() || !expect.is_empty() {
            *out += "\n[timeline]\n";
        }
        for (key, items) in [("steps", steps), ("expect", expect)] {
            if !items.is_empty() {
                *out += &format!("{key} = [\n{items}]\n");
            }
        }
    }
}
