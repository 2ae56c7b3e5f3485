//! Values in quotes: how they are read, and how they are written so that they read back the same.

use core::net::IpAddr;

use sofw_core::base::Duration;

use super::model::{AnswerSpec, Rule};
use super::problem::nearest;

/// `150ms`, `10s`, `2min`, `1h`, `1.5s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text);
    let wrong = || format!("{text:?} is no time; write e.g. \"150ms\", \"10s\", \"2min\" or \"1h\"");
    if unit.is_empty() && !number.is_empty() {
        return Err(format!("{text:?} has no unit; write e.g. \"{number}s\" or \"{number}ms\""));
    }
    let Some((_, nanos)) = TIME_UNITS.iter().find(|(name, _)| *name == unit) else {
        let near = nearest(unit, &["ms", "s", "min", "h", "sec", "seconds", "minutes", "hours", "msec", "m"]);
        let meant = match near {
            Some("sec" | "seconds") => Some("s"),
            Some("minutes" | "m") => Some("min"),
            Some("hours") => Some("h"),
            Some("msec") => Some("ms"),
            _ => None,
        };
        return Err(match meant {
            Some(meant) if !number.is_empty() => {
                format!("{text:?} is no time; did you mean \"{number}{meant}\"? units: ms, s, min, h")
            }
            _ => wrong(),
        });
    };
    let time = decimal(number, *nanos).map(Duration::from_nanos).ok_or_else(wrong)?;
    if time > TIME_MAX {
        return Err(format!("{text:?} is longer than a week; nobody waits for that"));
    }
    Ok(time)
}

/// Longest time in a file: what is longer is a mistake in the unit.
const TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The shortest text that [`time`] reads as this.
pub(crate) fn time_text(time: Duration) -> String {
    let nanos = time.as_nanos();
    let fits =
        |unit: &&(&str, u64)| nanos.is_multiple_of(u128::from(unit.1)) && nanos >= 2 * u128::from(unit.1);
    let (name, size) = TIME_UNITS.iter().find(fits).unwrap_or(&("ns", 1));
    let (name, size) = match nanos {
        0 => ("s", 1_000_000_000),
        1_000_000 => ("ms", 1_000_000),
        1_000_000_000 => ("s", 1_000_000_000),
        3_600_000_000_000 => ("h", 3_600_000_000_000),
        _ => (*name, *size),
    };
    format!("{}{name}", nanos / u128::from(size))
}

const TIME_UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// `10 Mbit/s`, `512 kbit/s`, in bits per second.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    let (number, unit) = number_and_unit(text);
    let wrong = || format!("{text:?} is no rate; write e.g. \"10 Mbit/s\" or \"512 kbit/s\"");
    let (_, factor) = RATE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| {
        match (number, unit.to_lowercase().as_str()) {
            ("", _) => wrong(),
            (_, "mbps" | "mbit" | "mb/s" | "m" | "mbits/s") => {
                format!("{text:?} is no rate; did you mean \"{number} Mbit/s\"? units: bit/s, kbit/s, Mbit/s, Gbit/s")
            }
            (_, "kbps" | "kbit" | "kb/s" | "k" | "kbits/s") => {
                format!("{text:?} is no rate; did you mean \"{number} kbit/s\"? units: bit/s, kbit/s, Mbit/s, Gbit/s")
            }
            _ => wrong(),
        }
    })?;
    match decimal(number, *factor).ok_or_else(wrong)? {
        0 => Err("nothing passes a line without rate; for a dead line use the step outage".to_owned()),
        rate => Ok(rate),
    }
}

/// The text that [`rate`] reads as this.
pub(super) fn rate_text(rate: u64) -> String {
    let (name, factor) = RATE_UNITS
        .iter()
        .find(|(_, factor)| rate > 0 && rate.is_multiple_of(*factor))
        .unwrap_or(&("bit/s", 1));
    format!("{} {name}", rate / factor)
}

const RATE_UNITS: [(&str, u64); 4] =
    [("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1)];

/// `3 %`, as 0.03.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no share; write e.g. \"3 %\" or 0.03");
    let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?;
    in_share(percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0)
}

/// A share between 0 and 1.
pub(super) fn in_share(share: f64) -> Result<f64, String> {
    match share {
        0.0..=1.0 => Ok(share),
        _ => Err(format!("{share} is no share; it lies between 0 and 1, or 0 % and 100 %")),
    }
}

/// The TOML value that reads as this share.
pub(super) fn share_toml(value: f64) -> String {
    let percent = format!("{} %", (value * 1e8).round() / 1e6);
    if share(&percent) == Ok(value) { format!("\"{percent}\"") } else { format!("{value:?}") }
}

/// `10.10.10.0/24`, `2001:db8:1::/64`.
pub(super) fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("{text:?} is no network; write e.g. \"10.10.10.0/24\" or \"2001:db8:1::/64\"");
    let (addr, bits) = match text.split_once('/') {
        Some((addr, bits)) => (addr.parse::<IpAddr>().map_err(|_| wrong())?, bits),
        None => match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => {
                return Err(format!("{text:?} has no prefix length; write e.g. \"{text}/24\""));
            }
            Ok(IpAddr::V6(_)) => {
                return Err(format!("{text:?} has no prefix length; write e.g. \"{text}/64\""));
            }
            Err(_) => return Err(wrong()),
        },
    };
    let longest = if addr.is_ipv4() { 32 } else { 128 };
    let bits: u8 = bits.parse().ok().filter(|bits| *bits <= longest).ok_or_else(wrong)?;
    let base = masked(addr, bits);
    if base != addr {
        return Err(format!("{text:?} is an address in a network; the network is \"{base}/{bits}\""));
    }
    Ok((base, bits))
}

/// The address with its host bits cleared.
pub(super) fn masked(addr: IpAddr, bits: u8) -> IpAddr {
    match addr {
        IpAddr::V4(addr) => IpAddr::V4((addr.to_bits() & mask(32, bits) as u32).into()),
        IpAddr::V6(addr) => IpAddr::V6((addr.to_bits() & mask(128, bits)).into()),
    }
}

fn mask(width: u32, bits: u8) -> u128 {
    u128::MAX.checked_shl(width - u32::from(bits)).unwrap_or(0)
}

/// Whether the network has this address.
pub(super) fn contains(network: (IpAddr, u8), addr: IpAddr) -> bool {
    network.0.is_ipv4() == addr.is_ipv4() && masked(addr, network.1) == network.0
}

/// The nth address of a network.
pub(super) fn nth(network: (IpAddr, u8), n: u32) -> IpAddr {
    match network.0 {
        IpAddr::V4(addr) => IpAddr::V4(addr.to_bits().wrapping_add(n).into()),
        IpAddr::V6(addr) => IpAddr::V6(addr.to_bits().wrapping_add(u128::from(n)).into()),
    }
}

/// `203.0.113.20`.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no address; write e.g. \"10.10.10.20\" or \"2001:db8::20\""))
}

/// The name of a phone or place: it stands in URIs, in pictures and in file names.
pub(super) fn name(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 63 || !text.chars().all(plain) || text.starts_with('-') {
        return Err(format!("{text:?} is no name; use 1 to 63 letters, digits, dots, dashes or underscores"));
    }
    Ok(())
}

/// `after 500ms`, `at once`, `never`, `busy`, `declines`, `refuses 404`, `forwards to erin`.
pub(super) fn answer(text: &str) -> Result<AnswerSpec, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["at", "once"] => Ok(AnswerSpec::After(Duration::ZERO)),
        ["after", delay] => time(delay).map(AnswerSpec::After),
        ["never"] => Ok(AnswerSpec::Never),
        ["busy"] => Ok(AnswerSpec::Refuse(BUSY)),
        ["declines"] => Ok(AnswerSpec::Refuse(DECLINES)),
        ["refuses", status] => match status.parse() {
            Ok(status @ 400..=699) => Ok(AnswerSpec::Refuse(status)),
            _ => Err(format!("{status:?} is no status that refuses a call; it lies between 400 and 699")),
        },
        ["forwards", "to", target] => Ok(AnswerSpec::Forward(target.to_owned())),
        _ => {
            let first = words.first().copied().unwrap_or_default();
            let forms =
                ["at once", "after 500ms", "never", "busy", "declines", "refuses 404", "forwards to NAME"];
            let meant = nearest(first, &["after", "never", "busy", "declines", "refuses", "forwards"])
                .filter(|near| *near != first)
                .map_or_else(String::new, |near| format!(" did you mean {near:?}?"));
            Err(format!("{text:?} is no answer;{meant} valid: {}", forms.join(", ")))
        }
    }
}

/// The text that [`answer`] reads as this.
pub(crate) fn answer_text(answer: &AnswerSpec) -> String {
    match answer {
        AnswerSpec::After(Duration::ZERO) => "at once".to_owned(),
        AnswerSpec::After(delay) => format!("after {}", time_text(*delay)),
        AnswerSpec::Never => "never".to_owned(),
        AnswerSpec::Refuse(BUSY) => "busy".to_owned(),
        AnswerSpec::Refuse(DECLINES) => "declines".to_owned(),
        AnswerSpec::Refuse(status) => format!("refuses {status}"),
        AnswerSpec::Forward(target) => format!("forwards to {target}"),
    }
}

const BUSY: u16 = 486;
const DECLINES: u16 = 603;

/// `allow out tcp 80 443`, `deny out udp`, `allow in udp 5060-5070 from 203.0.113.0/24`.
pub(super) fn rule(text: &str) -> Result<Rule, String> {
    let mut words = text.split_whitespace().peekable();
    let form =
        "write e.g. \"allow out tcp 80 443\", \"deny out udp\" or \"allow in udp 5060 from 203.0.113.0/24\"";
    let wrong = |what: String| format!("{text:?}: {what}; {form}");
    let allow = match words.next() {
        Some("allow") => true,
        Some("deny") => false,
        other => {
            return Err(wrong(format!(
                "a rule begins with allow or deny, not {:?}",
                other.unwrap_or_default()
            )));
        }
    };
    let out = match words.next() {
        Some("out") => true,
        Some("in") => false,
        other => {
            let first = if allow { "allow" } else { "deny" };
            return Err(wrong(format!("after {first} comes out or in, not {:?}", other.unwrap_or_default())));
        }
    };
    let mut rule = Rule { allow, out, tcp: None, ports: Vec::new(), from: None, to: None };
    if let Some(protocol) = words.next_if(|word| ["tcp", "udp"].contains(word)) {
        rule.tcp = Some(protocol == "tcp");
    }
    while let Some(word) = words.next() {
        match word {
            "from" | "to" => {
                let place = words.next().ok_or_else(|| wrong(format!("{word} which network?")))?;
                let network = host_or_network(place).map_err(wrong)?;
                let slot = if word == "from" { &mut rule.from } else { &mut rule.to };
                *slot = Some(network);
            }
            _ => rule.ports.push(ports(word).ok_or_else(|| wrong(format!("{word:?} is no port")))?),
        }
    }
    Ok(rule)
}

fn host_or_network(text: &str) -> Result<(IpAddr, u8), String> {
    match text.parse::<IpAddr>() {
        Ok(addr) => Ok((addr, if addr.is_ipv4() { 32 } else { 128 })),
        Err(_) => network(text),
    }
}

fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

/// The text that [`rule`] reads as this.
pub(super) fn rule_text(rule: &Rule) -> String {
    let mut words = vec![if rule.allow { "allow" } else { "deny" }.to_owned()];
    words.push(if rule.out { "out" } else { "in" }.to_owned());
    words.extend(rule.tcp.map(|tcp| if tcp { "tcp" } else { "udp" }.to_owned()));
    words.extend(rule.ports.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }));
    words.extend(rule.from.map(|(addr, bits)| format!("from {addr}/{bits}")));
    words.extend(rule.to.map(|(addr, bits)| format!("to {addr}/{bits}")));
    words.join(" ")
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// A decimal number times `factor`, if that is whole.
fn decimal(text: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut value = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let mut scale = factor;
    for digit in fraction.chars() {
        let digit = u64::from(digit.to_digit(10)?);
        if !scale.is_multiple_of(10) && digit != 0 {
            return None;
        }
        scale /= 10;
        value = value.checked_add(digit * scale)?;
    }
    Some(value)
}
