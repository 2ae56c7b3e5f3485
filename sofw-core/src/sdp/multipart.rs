//! SDP among other parts of a body (RFC 5621 §3, RFC 2046 §5.1): phones and gateways send it beside a location, an ISUP
//! message or a picture.

use core::ops::Range;

/// Where the SDP stands in `body`: it is all of it, or the first such part of a multipart. `None` if there is none.
pub fn find(content_type: &str, body: &[u8]) -> Option<Range<usize>> {
    find_in(content_type, body, 0..body.len(), NESTED_MAX)
}

fn find_in(content_type: &str, body: &[u8], within: Range<usize>, levels: usize) -> Option<Range<usize>> {
    let mut params = content_type.split(';').map(str::trim);
    let kind = params.next()?;
    if kind.eq_ignore_ascii_case("application/sdp") {
        return Some(within).filter(|range| !range.is_empty());
    }
    let is_multipart = kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    let boundary = params.filter_map(|param| param.split_once('=')).find_map(|(name, value)| {
        name.trim_end().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    let levels = levels.checked_sub(1)?;
    if !is_multipart || boundary.is_empty() {
        return None;
    }
    parts(body, within, boundary).find_map(|part| {
        let (kind, content) = open(body, part)?;
        find_in(kind, body, content, levels)
    })
}

/// What stands between the lines that begin with two hyphens and `boundary`.
fn parts<'a>(
    body: &'a [u8],
    within: Range<usize>,
    boundary: &str,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let delimiter = format!("--{boundary}");
    let mut pos = within.start;
    let mut begun = None;
    core::iter::from_fn(move || {
        loop {
            let line_start = pos;
            let rest = body.get(pos..within.end).filter(|rest| !rest.is_empty())?;
            pos += memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let line = body.get(line_start..pos).unwrap_or_default();
            let Some(behind) = line.strip_prefix(delimiter.as_bytes()) else { continue };
            let is_last = behind.starts_with(b"--");
            if !is_last && !behind.trim_ascii().is_empty() {
                continue; // A longer boundary, of a multipart inside.
            }
            // The line end before a delimiter is part of it.
            let before = body.get(..line_start).unwrap_or_default();
            let end =
                before.strip_suffix(b"\n").map(|b| b.strip_suffix(b"\r").unwrap_or(b)).map_or(0, <[u8]>::len);
            let part = begun.take().map(|start: usize| start..end.max(start));
            if !is_last {
                begun = Some(pos);
            }
            if part.is_some() {
                return part;
            }
        }
    })
}

/// The Content-Type of a part, and where its content stands.
fn open(body: &[u8], part: Range<usize>) -> Option<(&str, Range<usize>)> {
    let mut kind = None;
    let mut pos = part.start;
    loop {
        let rest = body.get(pos..part.end)?;
        let len = memchr::memchr(b'\n', rest)? + 1;
        let line = rest.get(..len)?.trim_ascii();
        pos += len;
        if line.is_empty() {
            return Some((kind?, pos..part.end));
        }
        let (name, value) = core::str::from_utf8(line).ok()?.split_once(':')?;
        if name.trim_end().eq_ignore_ascii_case("content-type") {
            kind = Some(value.trim_start());
        }
    }
}

/// Multiparts within each other that are looked into.
const NESTED_MAX: usize = 4;
