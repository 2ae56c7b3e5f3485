//! The server alone, in memory: hand-written messages in, what it sends out, a relay module that only takes notes.
//!
//! Two sites use the same private network, as companies do.

mod calls;
mod dialogs;
mod failures;
mod forking;
mod outside;
mod policy;
mod properties;
mod registrations;
mod routing;
mod torture;

use super::*;
use crate::base::{Duration, InsideAddr, OutsideAddr, Transport};
use crate::config::{MediaConfig, SipListener, Site, SiteKey, User};
use crate::registrar::Algorithm;
use crate::sip::Message;

pub(super) const HQ: SiteId = SiteId(0);
pub(super) const LAB: SiteId = SiteId(1);
pub(super) const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 10.10.10.10\r\ns=-\r\nc=IN IP4 10.10.10.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/// A phone in the headquarters.
pub(super) fn hq(addr: &str) -> Hop {
    inside(HQ, Transport::Udp, addr)
}

/// A phone in the laboratory.
pub(super) fn lab(addr: &str) -> Hop {
    inside(LAB, Transport::Udp, addr)
}

pub(super) fn inside(site: SiteId, transport: Transport, addr: &str) -> Hop {
    Hop::Inside(InsideAddr { site, transport, addr: addr.parse().expect("address") })
}

/// A phone on the public network, over UDP.
pub(super) fn out(addr: &str) -> Hop {
    Hop::Outside(OutsideAddr { listener: 0, transport: Transport::Udp, addr: addr.parse().expect("address") })
}

pub(super) fn out_tcp(addr: &str) -> Hop {
    Hop::Outside(OutsideAddr { listener: 1, transport: Transport::Tcp, addr: addr.parse().expect("address") })
}

/// The relay module: notes what it is told, and does what it is told to do.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) log: Vec<String>,
    pub(super) requests: Vec<(BranchId, Hop, Hop, bool)>,
    pub(super) failed: Vec<BranchId>,
    pub(super) ended: Vec<(String, &'static str)>,
    pub(super) new_body: Option<&'static str>,
    pub(super) refuse_request: Option<u16>,
    pub(super) refuse_response: Option<u16>,
}

impl RelayModule for Notes {
    fn request(
        &mut self,
        _: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        self.log.push(format!("request {} {}", message.method(), leg.branch.0));
        self.requests.push((leg.branch, leg.from, leg.to, leg.initial));
        assert_eq!(leg.call_id, message.call_id());
        match self.refuse_request {
            Some(status) => Err(status),
            None => {
                Ok(self.new_body.filter(|_| !message.body().is_empty()).map(|body| body.as_bytes().to_vec()))
            }
        }
    }

    fn response(
        &mut self,
        _: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        self.log.push(format!("response {:?} {}", message.status().unwrap_or(0), leg.branch.0));
        assert!(self.requests.iter().any(|r| r.0 == leg.branch && r.1 == leg.from && r.2 == leg.to));
        match self.refuse_response {
            Some(status) => Err(status),
            None => {
                Ok(self.new_body.filter(|_| !message.body().is_empty()).map(|body| body.as_bytes().to_vec()))
            }
        }
    }

    fn branch_failed(&mut self, _: Instant, branch: BranchId, reason: &'static str) {
        assert!(!self.failed.contains(&branch), "told twice");
        self.log.push(format!("failed {} {reason}", branch.0));
        self.failed.push(branch);
    }

    fn dialog_ended(&mut self, _: Instant, call_id: &str, _: (&str, &str), reason: &'static str) {
        self.log.push(format!("ended {reason}"));
        self.ended.push((call_id.to_owned(), reason));
    }
}

/// A server, its relay module, and what came out.
pub(super) struct World {
    pub(super) server: SipServer,
    pub(super) relay: Notes,
    pub(super) now: Instant,
    pub(super) events: Vec<Event>,
    serial: u32,
}

/// A message that the server sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) to: Hop,
    pub(super) text: String,
}

impl Sent {
    pub(super) fn start(&self) -> &str {
        self.text.lines().next().unwrap_or("")
    }

    pub(super) fn status(&self) -> u16 {
        self.start()
            .strip_prefix("SIP/2.0 ")
            .and_then(|s| s.get(..3))
            .and_then(|s| s.parse().ok())
            .unwrap_or(0)
    }

    /// All values of a header, one per line.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        all(&self.text, name)
    }

    pub(super) fn one(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or("")
    }

    pub(super) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub(super) fn to_tag(&self) -> String {
        self.one("To").split_once("tag=").map_or("", |(_, tag)| tag).to_owned()
    }
}

pub(super) fn all<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let head = text.split("\r\n\r\n").next().unwrap_or("");
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

pub(super) fn config() -> HrasConfig {
    let ha1 = |algorithm: Algorithm, name: &str| Some(algorithm.hash(&[name, "example.net", "secret"]));
    let user = |name: &str, md5: bool, sha: bool| User {
        name: name.to_owned(),
        ha1_md5: ha1(Algorithm::Md5, name).filter(|_| md5),
        ha1_sha256: ha1(Algorithm::Sha256, name).filter(|_| sha),
    };
    let site = |name: &str| Site { name: name.to_owned(), key: SiteKey([0; 32]) };
    let listener = |transport, addr: &str| SipListener { transport, addr: addr.parse().expect("address") };
    let public = "203.0.113.5".parse().expect("address");
    HrasConfig {
        domain: "example.net".to_owned(),
        sip: vec![
            listener(Transport::Udp, "203.0.113.5:5060"),
            listener(Transport::Tcp, "203.0.113.5:5060"),
            listener(Transport::Udp, "[2001:db8::5]:5060"),
        ],
        media: MediaConfig { bind: public, address: public, ports: (20_000, 20_999) },
        tunnel: Vec::new(),
        sites: vec![site("hq"), site("lab")],
        users: vec![
            user("alice", true, true),
            user("bob", true, true),
            user("carol", true, false),
            user("dave", false, true),
        ],
        voice_age_max: Duration::from_millis(150),
        media_silence_max: Duration::from_secs(300),
        outside_calls: false,
    }
}

impl World {
    pub(super) fn new() -> World {
        World::of(&config())
    }

    pub(super) fn of(config: &HrasConfig) -> World {
        let now = Instant::from_millis(1_000);
        let mut server = SipServer::new(config, Rng::new([7; 32]), now);
        let interfaces = [Transport::Udp, Transport::Tcp]
            .map(|transport| RaHeader { transport, addr: "10.10.10.2:5060".parse().expect("address") });
        server.site_up(now, HQ, &interfaces);
        server.site_up(now, LAB, &interfaces);
        World { server, relay: Notes::default(), now, events: Vec::new(), serial: 0 }
    }

    /// Lets `from` send `text`; what the server sent then.
    pub(super) fn say(&mut self, from: Hop, text: &str) -> Vec<Sent> {
        self.server.handle_message(self.now, from, text.as_bytes(), &mut self.relay);
        self.drain()
    }

    pub(super) fn drain(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(output) = self.server.poll() {
            match output {
                SipOutput::Send { to, message } => {
                    let text = String::from_utf8(message.to_vec()).expect("text");
                    let message = Sent { to, text };
                    // The answer to what is malformed repeats what it could read.
                    let valid = Message::parse(message.text.as_bytes()).is_ok();
                    assert!(
                        valid || matches!(message.status(), 400 | 505),
                        "we write valid SIP:\n{}",
                        message.text
                    );
                    sent.push(message);
                }
                SipOutput::Event(event) => self.events.push(event),
            }
        }
        let due = self.server.poll_timeout().is_some_and(|deadline| deadline.at <= self.now);
        assert!(!due, "after a drain the next deadline is later than now");
        sent
    }

    /// Lets time pass, stopping at every deadline.
    pub(super) fn wait(&mut self, duration: Duration) -> Vec<Sent> {
        let end = self.now + duration;
        let mut sent = Vec::new();
        while let Some(deadline) = self.server.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = deadline.at;
            self.server.handle_timeout(self.now, &mut self.relay);
            sent.extend(self.drain());
        }
        self.now = end;
        sent
    }

    /// A number not used before.
    pub(super) fn serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// A request outside dialogs, from the user part and host that `from` gives.
    pub(super) fn request(&mut self, method: &str, uri: &str, from: &str, hop: Hop) -> Request {
        let serial = self.serial();
        Request {
            method: method.to_owned(),
            uri: uri.to_owned(),
            via: format!(
                "SIP/2.0/{} {};rport;branch=z9hG4bKphone{serial}",
                hop.transport().as_via(),
                hop.addr()
            ),
            from: format!("<{from}>;tag=from{serial}"),
            to: format!("<{uri}>"),
            call_id: format!("call{serial}"),
            cseq: 1,
            contact: format!("<sip:phone@{}>", hop.addr()),
            lines: Vec::new(),
            body: if method == "INVITE" { SDP.to_owned() } else { String::new() },
        }
    }

    /// Registers `user` from `hop` with a contact there.
    pub(super) fn register(&mut self, user: &str, hop: Hop) {
        let contact = format!("<sip:{user}@{}>", hop.addr());
        let last = self.register_contact(user, hop, &contact);
        assert_eq!(last.status(), 200, "{}", last.text);
    }

    pub(super) fn register_contact(&mut self, user: &str, hop: Hop, contact: &str) -> Sent {
        let mut request = self.registration(user, hop);
        request.contact = contact.to_owned();
        self.authenticated(hop, request, user, "secret")
    }

    pub(super) fn registration(&mut self, user: &str, hop: Hop) -> Request {
        let mut request =
            self.request("REGISTER", "sip:example.net", &format!("sip:{user}@example.net"), hop);
        request.to = format!("<sip:{user}@example.net>");
        request.contact = format!("<sip:{user}@{}>", hop.addr());
        request
    }

    /// Sends `request`, answers the challenge, gives the last response or what was sent on.
    pub(super) fn authenticated(&mut self, hop: Hop, request: Request, user: &str, password: &str) -> Sent {
        let challenged = self.say(hop, &request.text());
        let challenge = challenged.last().cloned().expect("a challenge");
        let again = self.answer_challenge(&request, &challenge, user, password);
        self.say(hop, &again.text()).into_iter().next().expect("an answer")
    }

    /// `request` again, with credentials for the first challenge in `challenge`.
    pub(super) fn answer_challenge(
        &mut self,
        request: &Request,
        challenge: &Sent,
        user: &str,
        password: &str,
    ) -> Request {
        let (name, header) = match challenge.status() {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let credentials = digest(challenge.one(name), request, user, password, 1);
        let serial = self.serial();
        let mut again = request.clone();
        again.cseq += 1;
        again.via = format!("{}x{serial}", again.via);
        again.lines.retain(|line| !line.starts_with(header));
        again.lines.push(format!("{header}: {credentials}"));
        again
    }
}

pub(super) fn param<'a>(challenge: &'a str, name: &str) -> &'a str {
    let rest = challenge.split_once(&format!("{name}=")).map_or("", |(_, rest)| rest);
    rest.trim_start_matches('"').split(['"', ',']).next().unwrap_or("")
}

pub(super) fn digest(challenge: &str, request: &Request, user: &str, password: &str, count: u32) -> String {
    let algorithm = if param(challenge, "algorithm") == "MD5" { Algorithm::Md5 } else { Algorithm::Sha256 };
    let (realm, nonce) = (param(challenge, "realm"), param(challenge, "nonce"));
    let nc = format!("{count:08x}");
    let ha1 = algorithm.hash(&[user, realm, password]);
    let ha2 = algorithm.hash(&[&request.method, &request.uri]);
    let response = algorithm.hash(&[&ha1, nonce, &nc, "cn", "auth", &ha2]);
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{response}\", \
         algorithm={}, qop=auth, nc={nc}, cnonce=\"cn\"",
        request.uri,
        algorithm.name()
    )
}

/// A request as a phone writes it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) via: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) contact: String,
    pub(super) lines: Vec<String>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {} SIP/2.0\r\nVia: {}\r\n", self.method, self.uri, self.via);
        if !self.lines.iter().any(|line| line.starts_with("Max-Forwards")) {
            text += "Max-Forwards: 70\r\n";
        }
        text += &format!("From: {}\r\nTo: {}\r\nCall-ID: {}\r\n", self.from, self.to, self.call_id);
        text += &format!("CSeq: {} {}\r\n", self.cseq, self.method);
        if !self.contact.is_empty() {
            text += &format!("Contact: {}\r\n", self.contact);
        }
        for line in &self.lines {
            text += &format!("{line}\r\n");
        }
        if !self.body.is_empty() {
            text += "Content-Type: application/sdp\r\n";
        }
        text + &format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }

    /// The same transaction's CANCEL or ACK.
    pub(super) fn sibling(&self, method: &str, to: &str) -> Request {
        let mut request = self.clone();
        request.method = method.to_owned();
        request.to = to.to_owned();
        request.body = String::new();
        request.contact = String::new();
        request
    }

    /// A further request in the dialog that `response` made, by the one who sent this request.
    pub(super) fn next(&self, method: &str, response: &Sent) -> Request {
        let mut request = self.clone();
        request.method = method.to_owned();
        request.uri = uri_in(response.one("Contact"));
        request.to = response.one("To").to_owned();
        if method != "ACK" {
            request.cseq += 1;
        }
        request.via = format!("{}{}{}", self.via, method, request.cseq);
        request.body = String::new();
        // RFC 3261 §12.1.2: the UAC's route set is Record-Route in reverse.
        let mut routes = values(&response.all("Record-Route"));
        routes.reverse();
        request.lines = routes.iter().map(|route| format!("Route: {route}")).collect();
        request
    }
}

pub(super) fn uri_in(value: &str) -> String {
    value.split(['<', '>']).nth(1).unwrap_or(value).to_owned()
}

fn values(lines: &[&str]) -> Vec<String> {
    lines.iter().flat_map(|line| line.split(',')).map(|value| value.trim().to_owned()).collect()
}

/// What a phone answers to a request that it received.
pub(super) fn reply(received: &Sent, status: u16, tag: &str, lines: &[&str], body: &str) -> String {
    let mut text = format!("SIP/2.0 {status} Answer\r\n");
    for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
        for value in received.all(name) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    let to = received.one("To");
    let tag = if to.contains("tag=") || tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    text += &format!("To: {to}{tag}\r\n");
    for line in lines {
        text += &format!("{line}\r\n");
    }
    if !body.is_empty() {
        text += "Content-Type: application/sdp\r\n";
    }
    text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A further request by the callee, in the dialog of `received` with its own `tag`.
pub(super) fn callee_request(received: &Sent, method: &str, tag: &str, hop: Hop) -> Request {
    let routes = values(&received.all("Record-Route"));
    Request {
        method: method.to_owned(),
        uri: uri_in(received.one("Contact")),
        via: format!("SIP/2.0/UDP {};rport;branch=z9hG4bK{method}{tag}", hop.addr()),
        from: format!("{};tag={tag}", received.one("To")),
        to: received.one("From").to_owned(),
        call_id: received.one("Call-ID").to_owned(),
        cseq: 1,
        contact: format!("<sip:callee@{}>", hop.addr()),
        lines: routes.iter().map(|route| format!("Route: {route}")).collect(),
        body: String::new(),
    }
}

pub(super) fn contact_line(hop: Hop) -> String {
    format!("Contact: <sip:callee@{}>", hop.addr())
}

/// An answered call: the INVITE as the caller wrote it, as the callee got it, and the 200 that the caller got.
pub(super) fn call(
    world: &mut World,
    caller: Hop,
    from: &str,
    uri: &str,
    callee: Hop,
) -> (Request, Sent, Sent) {
    let invite = world.request("INVITE", uri, from, caller);
    let sent = world.say(caller, &invite.text());
    let received =
        sent.iter().find(|s| s.to == callee).cloned().unwrap_or_else(|| panic!("no INVITE: {sent:#?}"));
    let answer = world.say(callee, &reply(&received, 200, "callee", &[&contact_line(callee)], SDP));
    let ok = answer.into_iter().find(|s| s.status() == 200).expect("200 for the caller");
    let ack = invite.next("ACK", &ok);
    let acked = world.say(caller, &ack.text());
    assert_eq!(acked.len(), 1, "the ACK goes on");
    assert_eq!(acked[0].to, callee);
    (invite, received, ok)
}
