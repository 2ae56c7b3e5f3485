//! Via header values (RFC 3261 §20.42, RFC 3581).

use core::net::IpAddr;
use core::ops::Range;

use super::lex::{Cursor, is_token, number, text};
use super::uri::{Host, host_len, ip_literal};
use super::{Params, Values};
use crate::base::Transport;

/// One Via value.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    transport: &'a [u8],
    host: &'a str,
    port: Option<u16>,
    branch: Option<&'a str>,
    params: Params<'a>,
    start: usize,
    end: usize,
}

impl<'a> Via<'a> {
    /// The Via value in `range` of `message`.
    pub(super) fn parse(message: &'a [u8], range: Range<usize>) -> Result<Via<'a>, &'static str> {
        let mut cursor = Cursor::new(message, range.clone());
        if cursor.rest().starts_with(b"SIP/2.0/") {
            cursor.pos += b"SIP/2.0/".len();
        } else {
            // White space may stand around the slashes (RFC 3261 §25.1 SLASH); the name is case-insensitive.
            for (part, fault) in [("SIP", "Malformed Via protocol"), ("2.0", "Malformed Via version")] {
                cursor.skip_ws();
                if !cursor.token().eq_ignore_ascii_case(part.as_bytes()) {
                    return Err(fault);
                }
                cursor.skip_ws();
                if !cursor.eat(b'/') {
                    return Err("Malformed Via protocol");
                }
            }
            cursor.skip_ws();
        }
        let transport = cursor.take_while(is_token);
        let blank = cursor.pos;
        cursor.skip_ws();
        if transport.is_empty() || blank == cursor.pos {
            return Err("Malformed Via transport");
        }
        let host_start = cursor.pos;
        cursor.pos += host_len(cursor.rest());
        let host =
            text(cursor.since(host_start)).filter(|h| Host::is_valid(h)).ok_or("Malformed Via host")?;
        cursor.skip_ws();
        let mut port = None;
        if cursor.eat(b':') {
            cursor.skip_ws();
            let digits = cursor.take_while(|b| b.is_ascii_digit());
            let number = number(digits).and_then(|n| u16::try_from(n).ok());
            port = Some(number.ok_or("Malformed Via port")?);
            cursor.skip_ws();
        }
        let params = Params::new(cursor);
        let mut branch = None;
        let mut walk = params;
        while let Some(param) = walk.try_next()? {
            if branch.is_none() && param.name.eq_ignore_ascii_case(b"branch") {
                branch = param.value.map(|value| text(value).ok_or("Via branch is not UTF-8")).transpose()?;
            }
        }
        Ok(Via { transport, host, port, branch, params, start: range.start, end: range.end })
    }

    /// The transport as written, e.g. `UDP`.
    pub fn transport(&self) -> &'a str {
        text(self.transport).unwrap_or_default()
    }

    /// The transport, if it is one of ours.
    pub fn known_transport(&self) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp]
            .into_iter()
            .find(|t| t.as_via().as_bytes().eq_ignore_ascii_case(self.transport))
    }

    /// The host of sent-by.
    pub fn host(&self) -> Host<'a> {
        Host::of_valid(self.host)
    }

    /// The port of sent-by, if written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch. Absent in RFC 2543 messages.
    pub const fn branch(&self) -> Option<&'a str> {
        self.branch
    }

    /// The branch, if it identifies a transaction by itself: it begins with the magic cookie and something follows
    /// (RFC 3261 §17.2.3; RFC 4475 §3.2.1 for the bare cookie).
    pub fn transaction_branch(&self) -> Option<&'a str> {
        self.branch.filter(|b| b.len() > 7 && b.get(..7).is_some_and(|c| c.eq_ignore_ascii_case("z9hG4bK")))
    }

    /// `received`, with or without brackets around IPv6 (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        self.param("received").flatten().and_then(ip_literal)
    }

    /// `rport`: `Some(None)` is the flag that asks for symmetric responses (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        self.param("rport").map(|value| value.and_then(|v| v.parse().ok()))
    }

    /// `maddr`, as written.
    pub fn maddr(&self) -> Option<&'a str> {
        self.param("maddr").flatten()
    }

    /// `ttl`.
    pub fn ttl(&self) -> Option<u8> {
        self.param("ttl").flatten().and_then(|v| v.parse().ok())
    }

    /// The value of a parameter; `Some(None)` for a flag.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.find(name).map(|param| param.value)
    }

    /// All parameters.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// Where the value stands in the message.
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// All Via values of a message, topmost first.
#[derive(Clone, Debug)]
pub struct Vias<'a>(pub(super) Values<'a, 'static>);

impl<'a> Iterator for Vias<'a> {
    type Item = Via<'a>;
    fn next(&mut self) -> Option<Via<'a>> {
        let value = self.0.next()?;
        Via::parse(self.0.message(), value.range).ok()
    }
}
