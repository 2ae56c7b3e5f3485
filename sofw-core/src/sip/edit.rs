//! In-place editing: what is not named stays as it is, byte for byte.

use core::fmt::Display;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use super::{HeaderName, Message};

/// Collects edits of one message; [`Editor::finish`] writes the result in one pass.
///
/// Edits name places of the original message, so their order matters only where two stand at the same place: there
/// the last `push_front` comes first and the last `push_back` last. An edit that overlaps an earlier one replaces it.
#[derive(Clone, Debug)]
pub struct Editor<'a> {
    message: Message<'a>,
    edits: Vec<Edit>,
    /// The new bytes of all edits.
    text: Vec<u8>,
    /// How many values were taken off the front, by header name.
    taken: Vec<(HeaderName<'a>, usize)>,
}

#[derive(Clone, Debug)]
struct Edit {
    /// What is replaced; empty where something is put in.
    old: Range<usize>,
    /// The new bytes, in `Editor::text`.
    new: Range<usize>,
    /// Order among insertions at one place.
    rank: isize,
}

impl<'a> Editor<'a> {
    /// An editor of `message`, without edits yet.
    pub fn new(message: &Message<'a>) -> Self {
        // Room for what a proxy does to a request: Via, Record-Route, Max-Forwards, received, Content-Length.
        Editor {
            message: *message,
            edits: Vec::with_capacity(8),
            text: Vec::with_capacity(512),
            taken: Vec::new(),
        }
    }

    /// Replaces the Request-URI. Nothing happens to a response.
    pub fn set_request_uri(&mut self, uri: &str) -> &mut Self {
        if let Some(old) = self.message.request_uri() {
            let start = self.message.method().as_str().len() + 1;
            self.replace(start..start + old.as_str().len(), uri.as_bytes());
        }
        self
    }

    /// Puts in a line `name: value` before the first of that name. The first of its name goes behind the Vias, a
    /// first Via before everything: what proxies need stands on top (RFC 3261 §7.3.1).
    pub fn push_front(&mut self, name: HeaderName<'_>, value: impl AsRef<[u8]>) -> &mut Self {
        let at = match (self.message.lines(name).next(), name) {
            (Some(line), _) => line.line_range.start,
            (None, HeaderName::Via) => self.message.headers_range().start,
            (None, _) => self.behind_last(HeaderName::Via),
        };
        let rank = -(self.edits.len() as isize) - 1;
        self.insert_line(at, rank, name, value.as_ref())
    }

    /// Puts in a line `name: value` behind the last of that name, or else behind all.
    pub fn push_back(&mut self, name: HeaderName<'_>, value: impl AsRef<[u8]>) -> &mut Self {
        let at = self.behind_last(name);
        let rank = self.edits.len() as isize + 1;
        self.insert_line(at, rank, name, value.as_ref())
    }

    /// Replaces the bytes in `range`, as given by the views of the same message.
    pub fn replace(&mut self, range: Range<usize>, bytes: &[u8]) -> &mut Self {
        if range.start <= range.end && range.end <= self.message.bytes().len() {
            self.add(range, isize::MAX, &[bytes]);
        }
        self
    }

    /// Takes the first value of `name` out; its line too, if it was the only one. Called again, the next value goes.
    pub fn remove_first_value(&mut self, name: HeaderName<'a>) -> &mut Self {
        let index = match self.taken.iter_mut().find(|(taken, _)| *taken == name) {
            Some((_, count)) => {
                *count += 1;
                *count - 1
            }
            None => {
                self.taken.push((name, 1));
                0
            }
        };
        let mut values = self.message.values(name).skip(index);
        let Some(value) = values.next() else { return self };
        let Some(line) = self.message.lines(name).find(|line| line.value_range.end >= value.range.end) else {
            return self;
        };
        match values.next() {
            Some(next) if line.value_range.contains(&next.range.start) => {
                self.replace(line.value_range.start..next.range.start, b"")
            }
            _ => self.replace(line.line_range, b""),
        }
    }

    /// Takes all lines `name` out.
    pub fn remove_all(&mut self, name: HeaderName<'_>) -> &mut Self {
        let message = self.message;
        for line in message.lines(name) {
            self.replace(line.line_range, b"");
        }
        self
    }

    /// Makes `value` the only value of `name`, in the place of the first, or else behind all lines. Lines of this
    /// name that were pushed before go.
    pub fn set(&mut self, name: HeaderName<'_>, value: impl AsRef<[u8]>) -> &mut Self {
        let label = name.as_str().as_bytes();
        let text = &self.text;
        self.edits.retain(|edit| {
            let new = text.get(edit.new.clone()).unwrap_or_default();
            let pushed = edit.old.is_empty() && new.get(label.len()) == Some(&b':');
            !(pushed && new.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label)))
        });
        let message = self.message;
        let mut lines = message.lines(name);
        let Some(first) = lines.next() else { return self.push_back(name, value) };
        for line in lines {
            self.replace(line.line_range, b"");
        }
        let value = value.as_ref();
        if first.value.is_empty() {
            // `Name:` without a value: the new one goes before its CRLF.
            self.add(first.value_range, isize::MAX, &[b" ", value]);
            return self;
        }
        self.replace(first.value_range, value)
    }

    /// Sets `received` and `rport` of the topmost Via; `None` leaves the parameter as it is.
    pub fn set_via_params(&mut self, received: Option<IpAddr>, rport: Option<u16>) -> &mut Self {
        let via = self.message.via();
        let mut set = |name: &str, value: &dyn Display| {
            let place = via.params().find(name).map_or(via.range().end..via.range().end, |old| old.range);
            let rank = if place.is_empty() { self.edits.len() as isize + 1 } else { isize::MAX };
            self.add(place, rank, &[format!(";{name}={value}").as_bytes()]);
        };
        if let Some(addr) = received {
            set("received", &addr);
        }
        if let Some(port) = rport {
            set("rport", &port);
        }
        self
    }

    /// Notes in the topmost Via of a request where it came from (RFC 3261 §18.2.1, RFC 3581 §4), so that responses
    /// go there. A `received` that the sender wrote itself is never believed.
    pub fn stamp_via(&mut self, source: SocketAddr) -> &mut Self {
        let via = self.message.via();
        let asked = via.rport().is_some();
        // RFC 3581 §4: with rport, received is set even if it says nothing new.
        if asked || via.host().ip() != Some(source.ip()) {
            return self.set_via_params(Some(source.ip()), asked.then_some(source.port()));
        }
        if let Some(forged) = via.params().find("received") {
            self.replace(forged.range, b"");
        }
        self
    }

    /// Replaces the body, and makes Content-Length right.
    pub fn set_body(&mut self, body: &[u8]) -> &mut Self {
        let len = self.message.bytes().len();
        let old = self.message.headers_range().end + 2..len;
        self.replace(old, body);
        self.set(HeaderName::ContentLength, body.len().to_string())
    }

    /// The edited message.
    pub fn finish(mut self) -> Vec<u8> {
        self.edits.sort_by_key(|edit| (edit.old.start, !edit.old.is_empty(), edit.rank));
        let old = self.message.bytes();
        let mut out = Vec::with_capacity(old.len() + self.text.len());
        let mut pos = 0;
        for edit in &self.edits {
            out.extend_from_slice(old.get(pos..edit.old.start).unwrap_or_default());
            out.extend_from_slice(self.text.get(edit.new.clone()).unwrap_or_default());
            pos = edit.old.end;
        }
        out.extend_from_slice(old.get(pos..).unwrap_or_default());
        out
    }

    fn insert_line(&mut self, at: usize, rank: isize, name: HeaderName<'_>, value: &[u8]) -> &mut Self {
        self.add(at..at, rank, &[name.as_str().as_bytes(), b": ", value, b"\r\n"]);
        self
    }

    fn add(&mut self, old: Range<usize>, rank: isize, parts: &[&[u8]]) {
        self.edits.retain(|e| {
            let same = e.old == old && e.rank == isize::MAX && rank == isize::MAX;
            let apart = !same && (e.old.end <= old.start || old.end <= e.old.start);
            // Insertions at the edges of a replaced piece stay.
            apart || (e.old.is_empty() && !same && (e.old.start == old.start || e.old.start == old.end))
        });
        let start = self.text.len();
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.edits.push(Edit { old, new: start..self.text.len(), rank });
    }

    fn behind_last(&self, name: HeaderName<'_>) -> usize {
        let headers = self.message.headers_range();
        self.message.lines(name).last().map_or(headers.end, |line| line.line_range.end)
    }
}
