//! SIP between phones and the tunnel.

use core::net::SocketAddr;

use sha2::{Digest, Sha256};

use super::Hrac;
use super::called::CallId;
use super::phones::media_of;
use super::waiting::Admission;
use crate::base::{Hop, InsideAddr, Payload, SiteId, Transport};
use crate::config::limits::{SIP_MESSAGE_MAX, TUNNEL_DOWN_RETRY_AFTER_S};
use crate::event::{DropReason, Event, SipPassage};
use crate::io::{Output, SocketId};
use crate::sip::{Editor, HeaderName, Message, Method, build, is_keep_alive};
use crate::transport::Arrived;
use crate::tunnel::{Frame, RaHeader};

impl Hrac {
    /// A datagram on a SIP socket.
    pub(super) fn datagram_from_phone(&mut self, listener: u16, from: SocketAddr, bytes: &[u8]) {
        if is_keep_alive(bytes) {
            return;
        }
        let source = RaHeader { transport: Transport::Udp, addr: from };
        let answer = self.message_from_phone(source, listener, bytes);
        if let Some(payload) = answer {
            let to = response_address(&payload, from);
            self.out.push_back(Output::Send { socket: SocketId::Sip(listener), to, payload });
        }
    }

    /// What the SIP connections say.
    pub(super) fn arrived(&mut self, arrived: Arrived) {
        let phone = |addr| RaHeader { transport: Transport::Tcp, addr };
        match arrived {
            Arrived::Message { listener, peer, bytes } => {
                if let Some(answer) = self.message_from_phone(phone(peer), listener, &bytes) {
                    self.connections.send(self.now, listener, peer, answer, false);
                }
            }
            Arrived::Failed { peer, .. } => self.undelivered(phone(peer)),
            Arrived::Io(Output::Event(Event::Dropped(reason, from))) => self.dropped_from(reason, from),
            Arrived::Io(output) => self.out.push_back(output),
        }
    }

    /// One message of a phone. Gives what is answered here and now.
    fn message_from_phone(&mut self, source: RaHeader, listener: u16, bytes: &[u8]) -> Option<Payload> {
        if bytes.len() > SIP_MESSAGE_MAX {
            self.dropped_from(DropReason::Oversize, Some(source.addr));
            return None;
        }
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => {
                self.dropped_from(DropReason::MalformedSip, Some(source.addr));
                return build::response_to_malformed(bytes, &error, source.addr).map(Payload::from);
            }
        };
        if !self.phones.learn(self.now, source, listener, &message) {
            self.dropped_from(DropReason::QueueFull, Some(source.addr));
            return None;
        }
        let media = media_of(&message);
        if !media.is_empty() {
            self.flows.answered(source, CallId::of(message.call_id()), &media);
        }
        let admission = match self.in_session {
            true => self.waiting.admit(self.now, source, &message),
            false => self.waiting.hold(self.now, source, &message),
        };
        match admission {
            Admission::Pass => {}
            Admission::Repeated | Admission::Held => return None,
            Admission::Refused => {
                self.dropped_from(DropReason::TunnelDown, Some(source.addr));
                return unavailable(&message, source.addr);
            }
        }
        self.report(&message, source, listener, true);
        let message = self.pool.copy(bytes);
        self.say(Frame::Sip { phone: source, message });
        None
    }

    /// Nobody waits for the answer to this INVITE any more: a CANCEL follows it through the session, which keeps the order.
    pub(super) fn cancel(&mut self, phone: RaHeader, invite: &[u8]) {
        if let Ok(invite) = Message::parse(invite) {
            self.say(Frame::Sip { phone, message: build::cancel(&invite).into() });
            self.dirty = true;
        }
    }

    /// A message of HRAS for a phone.
    pub(super) fn sip_to_phone(&mut self, phone: RaHeader, message: Payload) {
        let Some(listener) = self.phones.listener(phone) else {
            self.dropped_from(DropReason::UnannouncedInside, Some(phone.addr));
            return self.undelivered(phone);
        };
        match Message::parse(&message) {
            Ok(view) => {
                self.tell_media(phone, &view);
                if !view.is_request() {
                    self.waiting.answered(&view);
                }
                self.report(&view, phone, listener, false);
            }
            Err(_) => return self.dropped_from(DropReason::MalformedSip, None),
        }
        match phone.transport {
            Transport::Udp => {
                let socket = SocketId::Sip(self.socket_for(listener));
                self.out.push_back(Output::Send { socket, to: phone.addr, payload: message });
            }
            Transport::Tcp => {
                if !self.connections.send(self.now, listener, phone.addr, message, true) {
                    self.undelivered(phone);
                }
            }
        }
    }

    /// Remembers which relay ports a phone is told of.
    fn tell_media(&mut self, phone: RaHeader, message: &Message<'_>) {
        let media = media_of(message);
        if media.is_empty() {
            return;
        }
        let address = self.config.media.address;
        let ports = media
            .into_iter()
            .map(|remote| remote.filter(|remote| remote.rtp.ip() == address).map(|remote| remote.rtp.port()));
        self.flows.told(phone, CallId::of(message.call_id()), ports);
    }

    /// The UDP socket to speak to a phone that was learned on `listener`, which may be a TCP one.
    fn socket_for(&self, listener: u16) -> u16 {
        if self.check_listener(listener, Transport::Udp).is_ok() {
            return listener;
        }
        let first = self.config.sip.iter().position(|listener| listener.transport == Transport::Udp);
        first.map_or(listener, |index| index as u16)
    }

    fn report(&mut self, message: &Message<'_>, phone: RaHeader, listener: u16, is_from_phone: bool) {
        let hop = |addr| Hop::Inside(InsideAddr { site: SiteId(0), transport: phone.transport, addr });
        let ours = self.config.sip.get(usize::from(listener)).map_or(phone.addr, |listener| listener.addr);
        let (from, to) = if is_from_phone { (phone.addr, ours) } else { (ours, phone.addr) };
        self.event(Event::Sip(Box::new(SipPassage {
            from: hop(from),
            to: hop(to),
            start_line: message.start_line().to_owned(),
            call_id: message.call_id().to_owned(),
        })));
    }
}

/// RFC 3261 §21.5.4. `None` for what is never answered.
fn unavailable(request: &Message<'_>, source: SocketAddr) -> Option<Payload> {
    if !request.is_request() || request.method() == Method::Ack {
        return None;
    }
    let retry_after = TUNNEL_DOWN_RETRY_AFTER_S.to_string();
    let tag = stateless_tag(request);
    let extra = [(HeaderName::RetryAfter, retry_after.as_str())];
    let response = build::response(request, 503, "Tunnel Down", Some(&tag), &extra);
    let stamped = Message::parse(&response).ok().map(|view| {
        let mut editor = Editor::new(&view);
        editor.stamp_via(source);
        editor.finish()
    });
    Some(stamped.unwrap_or(response).into())
}

/// Where our own answer to a datagram goes (RFC 3261 §18.2.2, RFC 3581 §4).
fn response_address(response: &[u8], from: SocketAddr) -> SocketAddr {
    match Message::parse(response).map(|response| (response.via().rport().is_some(), response.via().port())) {
        Ok((false, port)) => SocketAddr::new(from.ip(), port.unwrap_or(5060)),
        Ok((true, _)) | Err(_) => from,
    }
}

/// RFC 3261 §8.2.7: a stateless UAS gives the same tag to the same request again.
fn stateless_tag(request: &Message<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(request.call_id());
    hash.update(request.from().tag().unwrap_or_default());
    hash.update(request.cseq().0.to_be_bytes());
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
