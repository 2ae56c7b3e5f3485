//! Its SIP.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::Rng;
use sofw_core::sip::{HeaderName, Message, build};
use sofw_core::tunnel::RaHeader;

/// A request for a phone, as if it came through an honest HRAS.
pub(super) fn request(rng: &mut Rng, method: &str, phone: RaHeader, hrac: IpAddr, body: &str) -> Vec<u8> {
    let (transport, addr) = (phone.transport.as_via(), phone.addr);
    let here = SocketAddr::new(hrac, 5_060);
    let (branch, tag, call_id) = (rng.token(12), rng.token(8), rng.token(16));
    let kind = if body.starts_with("v=") { "application/sdp" } else { "text/plain" };
    format!(
        "{method} sip:victim@{addr} SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:mallory@example.net>;tag={tag}\r\nTo: <sip:victim@example.net>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nContact: <sip:mallory@{here}>\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An offer of voice that is to go to `media`.
pub(super) fn offer(media: SocketAddr) -> String {
    let (ip, port) = (media.ip(), media.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    )
}

/// A response to a request that the phone never made.
pub(super) fn response_to_nobody(rng: &mut Rng, phone: RaHeader, hrac: IpAddr) -> Vec<u8> {
    let request = request(rng, "INVITE", phone, hrac, "");
    Message::parse(&request).map(|request| answer(&request, 200)).unwrap_or_default()
}

/// An answer that satisfies a phone.
pub(super) fn answer(request: &Message<'_>, status: u16) -> Vec<u8> {
    let contact = request.header(HeaderName::Contact);
    let extra: Vec<_> = contact.map(|contact| (HeaderName::Contact, contact)).into_iter().collect();
    build::response(request, status, "As You Like It", Some("mallory"), &extra)
}

/// The ACK for a final response to our INVITE.
pub(super) fn ack(rng: &mut Rng, phone: RaHeader, hrac: IpAddr, response: &Message<'_>) -> Vec<u8> {
    let value = |name| response.header(name).unwrap_or_default();
    let branch = rng.token(12);
    format!(
        "ACK sip:victim@{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} ACK\r\nContent-Length: 0\r\n\r\n",
        phone.addr,
        phone.transport.as_via(),
        SocketAddr::new(hrac, 5_060),
        value(HeaderName::From),
        value(HeaderName::To),
        value(HeaderName::CallId),
        response.cseq().0,
    )
    .into_bytes()
}
