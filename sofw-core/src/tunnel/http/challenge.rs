//! `Proxy-Authenticate`: several challenges may share one field, separated by the same commas as their parameters
//! (RFC 9110 §11.6.1).

/// One challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// As offered, e.g. `Negotiate`.
    pub scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter's value, unquoted.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// All challenges of one field value. What cannot be understood is skipped.
pub fn challenges(value: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for item in items(value) {
        let word = item.find([' ', '\t', '=']).map_or(item, |at| item.get(..at).unwrap_or(item));
        let rest = item.get(word.len()..).unwrap_or("").trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            // A parameter of the challenge before. `name = value` with spaces is tolerated (RFC 9110 §5.6.6 BWS).
            if let Some(last) = found.last_mut() {
                last.params.push((word.to_owned(), unquoted(value.trim())));
            }
            continue;
        }
        let mut challenge = Challenge { scheme: word.to_owned(), params: Vec::new() };
        // The first parameter stands behind the scheme; a token68 (NTLM, Negotiate) is of no use to us.
        if let Some((name, value)) = rest.split_once('=') {
            challenge.params.push((name.trim().to_owned(), unquoted(value.trim())));
        }
        found.push(challenge);
    }
    found
}

/// The comma-separated items, with commas in quoted strings respected; empty ones are skipped.
fn items(value: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    let mut escaped = false;
    value
        .split(move |character: char| {
            if escaped {
                escaped = false;
                return false;
            }
            match character {
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                ',' => return !inside,
                _ => {}
            }
            false
        })
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest)) else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for character in inner.chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        out.push(character);
    }
    out
}
