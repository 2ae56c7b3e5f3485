//! SIP messages as the phone writes and reads them. Writing uses `rsip`'s methods, header names and status codes;
//! reading uses our own [`crate::sip`]. Nothing else of the phone knows either.

use core::net::SocketAddr;

use rsip::headers::{ContentLength, Header, Headers, UntypedHeader};

use super::config::PhoneConfig;
use crate::sip::Message;

/// A request as the phone plans it; rendered again with other credentials when it is challenged.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub method: &'static str,
    pub uri: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
    pub routes: Vec<String>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<(String, Vec<u8>)>,
}

impl Request {
    /// The bytes, with `via` as the only Via value; header names in their compact forms if asked for.
    pub fn render(&self, via: &str, compact: bool) -> Vec<u8> {
        let mut headers = Headers::default();
        headers.push(rsip::headers::Via::new(via).into());
        headers.push(rsip::headers::MaxForwards::from(70).into());
        for route in &self.routes {
            headers.push(rsip::headers::Route::new(route.as_str()).into());
        }
        headers.push(rsip::headers::From::new(self.from.as_str()).into());
        headers.push(rsip::headers::To::new(self.to.as_str()).into());
        headers.push(rsip::headers::CallId::new(self.call_id.as_str()).into());
        headers.push(rsip::headers::CSeq::new(format!("{} {}", self.cseq, self.method)).into());
        for (name, value) in &self.headers {
            headers.push(Header::Other((*name).into(), value.clone()));
        }
        headers.push(Header::UserAgent(AGENT.into()));
        let head = format!("{} {} {}", self.method, self.uri, rsip::Version::V2);
        let body = self.body.as_ref().map(|(kind, body)| (kind.as_str(), body.as_slice()));
        finish(&head, headers, body, compact)
    }

    /// Another request in the place of this one's transaction: ACK for a non-2xx (RFC 3261 §17.1.1.3) or CANCEL
    /// (§9.1). `to` is the To value to use.
    pub fn companion(&self, method: &'static str, to: &str) -> Request {
        Request { method, to: to.into(), headers: Vec::new(), body: None, ..self.clone() }
    }

    /// Replaces or adds a header.
    pub fn set_header(&mut self, name: &'static str, value: String) {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value));
    }
}

/// A message that was received, in owned parts.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Of a request.
    pub method: Option<String>,
    /// Of a response.
    pub status: Option<u16>,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// From one datagram or one framed message; `None` if it is no SIP message that a phone can use.
    pub fn parse(bytes: &[u8]) -> Option<Received> {
        let message = Message::parse(bytes).ok()?;
        let received = Received {
            method: message.is_request().then(|| message.method().as_str().to_owned()),
            status: message.status(),
            headers: message
                .headers()
                .map(|h| (h.name.as_str().to_ascii_lowercase(), unfold(h.text())))
                .collect(),
            body: message.body().to_vec(),
        };
        // What every message must have (RFC 3261 §8.1.1).
        ["via", "from", "to", "call-id", "cseq"]
            .iter()
            .all(|n| received.header(n).is_some())
            .then_some(received)
    }

    /// The first header of this lower-case long name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All lines of this lower-case long name, unsplit.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All comma-separated values of this lower-case long name.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.lines(name).flat_map(split_list).collect()
    }

    pub fn call_id(&self) -> &str {
        self.header("call-id").unwrap_or("")
    }

    /// Number and method of CSeq.
    pub fn cseq(&self) -> (u32, &str) {
        let (number, method) =
            self.header("cseq").and_then(|v| v.split_once(char::is_whitespace)).unwrap_or(("0", ""));
        (number.parse().unwrap_or(0), method.trim())
    }

    pub fn tag_in_from(&self) -> Option<&str> {
        tag(self.header("from")?)
    }

    pub fn tag_in_to(&self) -> Option<&str> {
        tag(self.header("to")?)
    }

    /// Branch of the topmost Via.
    pub fn branch(&self) -> String {
        let via = self.values("via").into_iter().next().unwrap_or_default();
        parameter(&via, "branch").unwrap_or("").to_owned()
    }

    /// The URI of the first Contact.
    pub fn contact_uri(&self) -> Option<String> {
        self.values("contact").first().map(|v| uri_of(v).to_owned())
    }

    /// Where the response to this request goes over UDP: RFC 3581 §4 (rport), else RFC 3261 §18.2.2.
    pub fn reply_addr(&self, from: SocketAddr) -> SocketAddr {
        let via = self.values("via").into_iter().next().unwrap_or_default();
        if parameter(&via, "rport").is_some() {
            return from;
        }
        let sent_by = via.split(';').next().and_then(|v| v.split_whitespace().last()).unwrap_or("");
        SocketAddr::new(from.ip(), host_port(sent_by).and_then(|(_, port)| port).unwrap_or(5060))
    }

    /// The response to this request, received from `source`. `to_tag` is added if To has none.
    pub fn response(
        &self,
        status: u16,
        source: SocketAddr,
        to_tag: &str,
        extra: &[(&str, String)],
        body: Option<(&str, &[u8])>,
    ) -> Vec<u8> {
        let mut headers = Headers::default();
        for (at, via) in self.values("via").iter().enumerate() {
            let via = if at == 0 { with_source(via, source) } else { via.clone() };
            headers.push(rsip::headers::Via::new(via).into());
        }
        // RFC 3261 §12.1.1: a response that makes a dialog copies Record-Route.
        for route in self.lines("record-route") {
            headers.push(rsip::headers::RecordRoute::new(route).into());
        }
        let to = self.header("to").unwrap_or("");
        // §8.2.6.2: a tag in every response but 100.
        let to = if self.tag_in_to().is_some() || status == 100 {
            to.into()
        } else {
            format!("{to};tag={to_tag}")
        };
        headers.push(rsip::headers::From::new(self.header("from").unwrap_or("")).into());
        headers.push(rsip::headers::To::new(to).into());
        headers.push(rsip::headers::CallId::new(self.call_id()).into());
        headers.push(rsip::headers::CSeq::new(self.header("cseq").unwrap_or("")).into());
        for (name, value) in extra {
            headers.push(Header::Other((*name).into(), value.clone()));
        }
        headers.push(Header::Server(AGENT.into()));
        finish(&status_line(status), headers, body, false)
    }
}

/// A Via value for requests of ours.
pub(super) fn via(config: &PhoneConfig, branch: &str) -> String {
    let rport = if config.quirks.no_rport { "" } else { ";rport" };
    format!("SIP/2.0/{} {}{rport};branch={branch}", config.transport.as_via(), config.sip_addr())
}

/// The part of a response that a NOTIFY tells of (RFC 3420, RFC 3515 §2.4.5), as a body.
pub(super) fn sipfrag(status: u16) -> (String, Vec<u8>) {
    let line = status_line(status) + "\r\n";
    ("message/sipfrag;version=2.0".into(), line.into_bytes())
}

/// The status in such a body.
pub(super) fn sipfrag_status(body: &[u8]) -> Option<u16> {
    core::str::from_utf8(body).ok()?.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// The tag parameter of a From or To value.
pub(super) fn tag(value: &str) -> Option<&str> {
    parameter(value, "tag")
}

/// A header parameter: after `>` if there is one.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = value.rfind('>').map_or(value, |at| &value[at..]);
    after.split(';').skip(1).find_map(|param| {
        let (n, v) = param.split_once('=').unwrap_or((param, ""));
        n.trim().eq_ignore_ascii_case(name).then_some(v.trim())
    })
}

/// The URI in a From, To, Contact or Route value.
pub(super) fn uri_of(value: &str) -> &str {
    match (value.find('<'), value.rfind('>')) {
        (Some(start), Some(end)) if start < end => &value[start + 1..end],
        _ => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// The address that a URI names, if it is numeric.
pub(super) fn uri_addr(uri: &str) -> Option<SocketAddr> {
    let rest = uri.strip_prefix("sip:")?;
    let rest = rest.split([';', '?']).next()?;
    let (host, port) = host_port(rest.rsplit('@').next()?)?;
    Some(SocketAddr::new(host.trim_matches(['[', ']']).parse().ok()?, port.unwrap_or(5060)))
}

fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let port_at = text.rfind(':').filter(|&at| text.rfind(']').is_none_or(|bracket| bracket < at));
    match port_at {
        Some(at) => Some((&text[..at], Some(text[at + 1..].trim().parse().ok()?))),
        None => Some((text, None)),
    }
}

/// `received` and `rport` of RFC 3261 §18.2.1 and RFC 3581 §4.
fn with_source(via: &str, source: SocketAddr) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut has_rport = false;
    for part in via.split(';') {
        if part.trim().eq_ignore_ascii_case("rport") {
            has_rport = true;
            out.push(format!("rport={}", source.port()));
        } else {
            out.push(part.to_owned());
        }
    }
    let sent_by =
        out.first().and_then(|v| v.split_whitespace().last()).and_then(host_port).map(|(host, _)| host);
    if has_rport || sent_by.is_none_or(|h| h.trim_matches(['[', ']']) != source.ip().to_string()) {
        out.push(format!("received={}", source.ip()));
    }
    out.join(";")
}

/// Splits at commas outside quotes and angle brackets.
fn split_list(line: &str) -> Vec<String> {
    let (mut quoted, mut angle, mut start, mut out) = (false, false, 0, Vec::new());
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                out.push(line[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(line[start..].trim().to_owned());
    out
}

fn unfold(value: &str) -> String {
    value.split("\r\n").map(str::trim).collect::<Vec<_>>().join(" ")
}

fn status_line(status: u16) -> String {
    match status {
        // RFC 3515, which rsip does not know.
        202 => format!("{} 202 Accepted", rsip::Version::V2),
        _ => format!("{} {}", rsip::Version::V2, rsip::StatusCode::from(status)),
    }
}

/// RFC 3261 §7.3.3.
fn compacted(headers: Headers) -> Headers {
    let mut out = Headers::default();
    for header in headers {
        let text = header.to_string();
        let (name, value) = text.split_once(':').unwrap_or((&text, ""));
        let short = COMPACT.iter().find(|(long, _)| long.eq_ignore_ascii_case(name)).map(|(_, short)| *short);
        out.push(Header::Other(short.unwrap_or(name).into(), value.trim().into()));
    }
    out
}

fn finish(head: &str, mut headers: Headers, body: Option<(&str, &[u8])>, compact: bool) -> Vec<u8> {
    let (kind, body) = body.unwrap_or(("", b""));
    if !kind.is_empty() {
        headers.push(rsip::headers::ContentType::new(kind).into());
    }
    headers.push(ContentLength::from(body.len() as u32).into());
    if compact {
        headers = compacted(headers);
    }
    let mut bytes = format!("{head}\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Those that we send.
const COMPACT: [(&str, &str); 9] = [
    ("Content-Length", "l"),
    ("Content-Type", "c"),
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Supported", "k"),
    ("Refer-To", "r"),
];
const AGENT: &str = "SoFW-phone/0.1";
