//! Text within HTML, SVG and XML.

use std::fmt::Write;

/// `text` as content or attribute of HTML, SVG or XML. Control characters that XML 1.0 §2.2 does not have become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => _ = write!(out, "&#{};", character as u32),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

/// At most `limit` characters of `text`; what is cut off ends in an ellipsis.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// An estimate of the width of `text` set in a sans-serif font of `size` pixels, in pixels: no font is at hand.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let ems = text.chars().map(|character| match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | 'I' | ' ' => 0.28,
        'f' | 't' | 'r' | '(' | ')' | '/' | '-' | '"' => 0.38,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' | '⇄' | '→' => 0.88,
        'A'..='Z' | '0'..='9' => 0.65,
        _ => 0.57,
    });
    ems.sum::<f64>() * size
}

/// `text` as part of a file name or of an anchor: small letters, digits and single hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'a'..='z' | '0'..='9' | '_' | '.' => out.push(character),
            'A'..='Z' => out.push(character.to_ascii_lowercase()),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    let name = out.trim_matches(['-', '.']);
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}
