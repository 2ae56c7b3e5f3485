//! Which inside addresses may be spoken to: those that signalling announced, and no others. A hostile HRAS cannot make
//! HRAC talk to anything else.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use crate::base::{Deadline, Expiring, Instant, Transport};
use crate::config::limits::{ANNOUNCED_MEDIA_MAX, PHONE_LIFE, PHONES_MAX};
use crate::fill::Fill;
use crate::media::Remote;
use crate::sdp::{self, Sdp};
use crate::sip::{HeaderName, Message, Uri, Via};
use crate::tunnel::RaHeader;

/// Addresses that spoke SIP, with the other SIP addresses of the same host that they named, and the media addresses that
/// their SDP announced.
#[derive(Debug)]
pub(super) struct Phones {
    /// With the listener that they spoke to.
    known: BTreeMap<RaHeader, u16>,
    known_life: Expiring<RaHeader>,
    media: Expiring<SocketAddr>,
}

impl Phones {
    pub(super) const fn new() -> Self {
        Phones {
            known: BTreeMap::new(),
            known_life: Expiring::new("phone forgotten"),
            media: Expiring::new("media address forgotten"),
        }
    }

    /// A phone said `message`. False if the table is full and the phone is new.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        source: RaHeader,
        listener: u16,
        message: &Message<'_>,
    ) -> bool {
        let is_known = self.remember(now, source, listener);
        // Requests go to the Contact (RFC 3261 §8.1.1.8), responses to the Via (§18.2.2). Only the phone's own host counts:
        // a phone cannot open the network of others.
        let contacts =
            message.contacts().take(NAMED_MAX).filter_map(|contact| of_uri(&contact.uri(), source.transport));
        let named: Vec<RaHeader> = contacts.chain(of_via(&message.via())).collect();
        for phone in named {
            if phone.addr.ip() == source.addr.ip() && phone != source {
                self.remember(now, phone, listener);
            }
        }
        for remote in media_of(message).into_iter().flatten() {
            self.announce(now, remote.rtp);
            self.announce(now, remote.rtcp);
        }
        is_known
    }

    /// The listener from which this phone may be spoken to.
    pub(super) fn listener(&self, phone: RaHeader) -> Option<u16> {
        self.known.get(&phone).copied()
    }

    /// Whether a phone announced this address for media; keeps it announced while calls go on.
    pub(super) fn announced(&mut self, now: Instant, remote: Remote) -> bool {
        let both = [remote.rtp, remote.rtcp];
        let announced = both.iter().all(|&addr| self.media.get(addr).is_some());
        if announced {
            both.into_iter().for_each(|addr| self.announce(now, addr));
        }
        announced
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(phone) = self.known_life.pop_due(now) {
            self.known.remove(&phone);
        }
        while self.media.pop_due(now).is_some() {}
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earlier(self.known_life.next(), self.media.next())
    }

    /// How full its tables are.
    pub(super) fn fills(&self) -> [Fill; 2] {
        [
            Fill::new("phones known", self.known.len(), PHONES_MAX),
            Fill::new("media addresses announced", self.media.len(), ANNOUNCED_MEDIA_MAX),
        ]
    }

    /// Phones known.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn remember(&mut self, now: Instant, phone: RaHeader, listener: u16) -> bool {
        if self.known.len() >= PHONES_MAX && !self.known.contains_key(&phone) {
            return false;
        }
        self.known.insert(phone, listener);
        self.known_life.set(phone, now + PHONE_LIFE);
        true
    }

    fn announce(&mut self, now: Instant, addr: SocketAddr) {
        if self.media.len() < ANNOUNCED_MEDIA_MAX || self.media.get(addr).is_some() {
            self.media.set(addr, now + PHONE_LIFE);
        }
    }
}

/// The media addresses in the SDP of a message, by m-line; empty without SDP.
pub(super) fn media_of(message: &Message<'_>) -> Vec<Option<Remote>> {
    let kind = message.header(HeaderName::ContentType).unwrap_or_default();
    let body = sdp::find(kind, message.body()).and_then(|place| message.body().get(place));
    let Some(sdp) = body.and_then(|body| Sdp::parse(body).ok()) else { return Vec::new() };
    sdp.media().iter().map(|line| line.rtp.zip(line.rtcp).map(|(rtp, rtcp)| Remote { rtp, rtcp })).collect()
}

/// Contacts of one message that are looked at.
const NAMED_MAX: usize = 4;
/// RFC 3261 §19.1.2.
const SIP_PORT: u16 = 5060;

fn of_uri(uri: &Uri<'_>, default: Transport) -> Option<RaHeader> {
    let transport = match uri.param("transport") {
        Some(name) if name.eq_ignore_ascii_case("udp") => Transport::Udp,
        Some(name) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
        Some(_) => return None,
        None => default,
    };
    Some(ra_header(transport, uri.host().ip()?, uri.port()))
}

fn of_via(via: &Via<'_>) -> Option<RaHeader> {
    Some(ra_header(via.known_transport()?, via.host().ip()?, via.port()))
}

fn ra_header(transport: Transport, ip: IpAddr, port: Option<u16>) -> RaHeader {
    RaHeader { transport, addr: SocketAddr::new(ip, port.unwrap_or(SIP_PORT)) }
}
