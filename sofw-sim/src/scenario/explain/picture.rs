//! The network as a picture of characters.
//!
//! ```text
//!  office 10.10.10.0/24                                                        │
//!    alice ─┬─ HRAC ── squid ── NAT symmetric ── firewall proxy-only ══════════╪══ HRAS 203.0.113.5
//!    carol ─┘                                                                  │
//! ```

use super::super::model::{HomeOrSite, Place, ProxySpec, Scenario, System, WayOut};

/// One block a place; the public network stands to the right of the bar.
pub fn picture(scenario: &Scenario) -> String {
    let mut rows: Vec<[String; 2]> = Vec::new();
    for (index, place) in scenario.places.iter().enumerate() {
        let (base, bits) = place.network;
        rows.push([format!(" {} {base}/{bits}", place.name), String::new()]);
        let phones = named(scenario, Some(index));
        let way = boxes(scenario, place);
        let width = phones.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (row, name) in phones.iter().enumerate() {
            let joint = match (row, phones.len()) {
                (0, 1) => "──",
                (0, _) => "─┬",
                (row, all) if row + 1 == all => "─┘",
                _ => "─┤",
            };
            let fill = "─".repeat(width - name.chars().count());
            let (way, right) = match row {
                0 => (format!("─ {way} "), server(scenario, place)),
                _ => (String::new(), String::new()),
            };
            rows.push([format!("   {name} {fill}{joint}{way}"), right]);
        }
        if phones.is_empty() {
            rows.push([format!("   {way} "), server(scenario, place)]);
        }
    }
    rows.extend(named(scenario, None).into_iter().map(|name| [String::new(), format!("─── {name}")]));
    let width = rows.iter().map(|[left, _]| left.chars().count()).max().unwrap_or(0);
    let mut out = format!("{:width$} │ public network\n", " private networks");
    for [left, right] in rows {
        let (line, bar) = match right.chars().next() {
            Some('═') => ('═', '╪'),
            Some('─') if !left.is_empty() => ('─', '┼'),
            Some('─') => (' ', '├'),
            _ => (' ', '│'),
        };
        let fill: String = core::iter::repeat_n(line, width - left.chars().count()).collect();
        out += format!("{left}{fill}{line}{bar}{right}").trim_end();
        out.push('\n');
    }
    out
}

/// The phones of a place, at most a few of them by name.
fn named(scenario: &Scenario, place: Option<usize>) -> Vec<String> {
    let phones = scenario.phones.iter().filter(|phone| phone.place == place);
    let names: Vec<&str> = phones.map(|phone| phone.name.as_str()).collect();
    if names.len() <= NAMED_MAX {
        return names.into_iter().map(str::to_owned).collect();
    }
    let last = names[names.len() - 1];
    let shown = names[..NAMED_MAX - 2].iter().map(|name| (*name).to_owned());
    shown.chain([format!("… {} more", names.len() - NAMED_MAX + 1), last.to_owned()]).collect()
}

const NAMED_MAX: usize = 5;

/// What packets pass on their way out.
fn boxes(scenario: &Scenario, place: &Place) -> String {
    let mut boxes = Vec::new();
    let hrac = place.hrac.as_ref().filter(|_| scenario.system == System::Sofw);
    boxes.extend(hrac.map(|_| "HRAC".to_owned()));
    let by_proxy = place.hrac.as_ref().is_some_and(|hrac| hrac.ways.iter().any(|way| *way != WayOut::Direct));
    let is_passed = |proxy: &&ProxySpec| by_proxy || proxy.is_transparent();
    boxes.extend(place.proxy.as_ref().filter(is_passed).map(|proxy| proxy.preset.clone()));
    boxes.extend(place.inspect.as_ref().map(|_| "inspection".to_owned()));
    boxes.extend(place.firewall.as_ref().map(|firewall| format!("firewall {}", firewall.preset)));
    let alg = if place.alg.is_some() { " + ALG" } else { "" };
    boxes.extend(place.nat.as_ref().map(|nat| format!("NAT {}{alg}", nat.preset)));
    if boxes.is_empty() { "──".to_owned() } else { boxes.join(" ── ") }
}

/// What stands at the other end; the tunnel is drawn double.
fn server(scenario: &Scenario, place: &Place) -> String {
    let tunnel = place.kind == HomeOrSite::Site && place.hrac.is_some() && scenario.system == System::Sofw;
    let line = if tunnel { "═══" } else { "───" };
    let name = match scenario.system {
        System::Sofw if scenario.server.hostile => "HRAS (hostile)",
        System::Sofw => "HRAS",
        System::PlainSip => "SIP server",
        System::Hcap | System::Skype => "relay",
        System::Softether => "hub",
    };
    let proxy = scenario.server.proxy.as_ref().filter(|_| tunnel);
    let proxy = proxy.map_or_else(String::new, |proxy| format!("{} {line} ", proxy.preset));
    format!("{line} {proxy}{name} {}", scenario.server.addr)
}
