//! Whether a text is well-formed XML, as far as our pages use it: elements closed in order, attributes quoted, references known.

/// The elements in order of their start, or what is wrong.
pub(super) fn elements(text: &str) -> Result<Vec<String>, String> {
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        references(&rest[..start])?;
        rest = &rest[start..];
        let end = if rest.starts_with("<style>") {
            rest.find("</style>").ok_or("style without end")? + "</style>".len() - 1
        } else {
            tag_end(rest).ok_or_else(|| format!("tag without end: {}", around(rest)))?
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        match tag {
            tag if tag.starts_with(['?', '!']) || tag.starts_with("style>") => {}
            tag if tag.starts_with('/') => {
                let expected = open.pop().ok_or_else(|| format!("{tag} without start"))?;
                if tag[1..] != expected {
                    return Err(format!("{tag} instead of /{expected}"));
                }
            }
            tag => {
                let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
                attributes(tag)?;
                if !tag.ends_with('/') {
                    open.push(name.clone());
                }
                seen.push(name);
            }
        }
    }
    references(rest)?;
    if open.is_empty() { Ok(seen) } else { Err(format!("open at the end: {open:?}")) }
}

fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(index, character)| {
        quoted ^= character == '"';
        (character == '>' && !quoted).then_some(index)
    })
}

fn attributes(tag: &str) -> Result<(), String> {
    let body = tag.trim_end_matches('/');
    let mut parts = body.split('"');
    let mut names = Vec::new();
    while let Some(before) = parts.next() {
        let Some(value) = parts.next() else {
            return if before.contains('=') { Err(format!("unquoted: {tag}")) } else { Ok(()) };
        };
        let name = before.rsplit(' ').next().unwrap_or_default().to_owned();
        if !name.ends_with('=') || value.contains('<') || names.contains(&name) {
            return Err(format!("attribute {name} in {tag}"));
        }
        references(value)?;
        names.push(name);
    }
    Ok(())
}

fn references(text: &str) -> Result<(), String> {
    for after in text.split('&').skip(1) {
        let name = after.split(';').next().unwrap_or_default();
        if !(["amp", "lt", "gt", "quot"].contains(&name) || name.starts_with('#')) || !after.contains(';') {
            return Err(format!("reference &{}", around(after)));
        }
    }
    match text.contains('>') {
        true => Err(format!("stray >: {}", around(text))),
        false => Ok(()),
    }
}

fn around(text: &str) -> String {
    text.chars().take(60).collect()
}

#[test]
fn finds_what_is_wrong() {
    assert_eq!(elements("<a b=\"1\"><c/>x &amp; y</a>"), Ok(vec!["a".to_owned(), "c".to_owned()]));
    for bad in
        ["<a>", "<a></b>", "<a b=c/>", "<a b=\"1\" b=\"2\"/>", "a & b", "</a>", "<a b=\"<\"/>", "<a>></a>"]
    {
        assert!(elements(bad).is_err(), "{bad}");
    }
}
