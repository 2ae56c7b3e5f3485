//! The relay module as the SIP server sees it: SIP messages in, rewritten SDP out (paper P7, P8).
//!
//! It makes no difference here whether a body is an offer or an answer (RFC 3264), and which message carries it: INVITE and
//! 18x, 200 and ACK (delayed offer), PRACK, UPDATE. Whoever speaks describes where *he* receives.

use core::net::SocketAddr;
use core::ops::Range;

use super::agent::RelayAgent;
use super::group::{CALLEE, CALLER, Heard};
use super::record::Space;
use super::table::Key;
use crate::base::{Hop, Instant};
use crate::media::Remote;
use crate::proxy::{BranchId, Forward, RelayModule};
use crate::sdp::{self, Direction, MediaLine, MediaRewrite, Sdp};
use crate::sip::{HeaderName, Message, Method};
use crate::tunnel::Urgent;

impl RelayModule for RelayAgent {
    fn request(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        Ok(self.sdp_of_request(now, leg, message)?.map(|sdp| whole_body(message, sdp)))
    }

    fn response(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        Ok(self.sdp_of_response(now, leg, message)?.map(|sdp| whole_body(message, sdp)))
    }

    fn branch_failed(&mut self, now: Instant, branch: BranchId, reason: &'static str) {
        self.fail_branch(now, branch, reason);
    }

    fn dialog_ended(&mut self, _now: Instant, call_id: &str, tags: (&str, &str), reason: &'static str) {
        while let Some(key) = self.table.by_dialog(call_id, tags) {
            self.remove(key, reason);
        }
    }
}

impl RelayAgent {
    /// The SDP that the reader of a request gets, if it is another.
    fn sdp_of_request(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        if Space::of(leg.from) == Space::of(leg.to) {
            return Ok(None);
        }
        let sdp = sdp_of(message)?;
        let may_offer_later = message.method() == Method::Invite;
        match &sdp {
            None if !may_offer_later => return Ok(None),
            Some(sdp) if !negotiates(message.method()) => return self.mask(leg.to, sdp).map(Some),
            _ => {}
        }
        let from_tag = message.from().tag().unwrap_or_default();
        let to_tag = message.to().tag();
        let known = to_tag.and_then(|to| self.table.by_dialog(message.call_id(), (from_tag, to)));
        let (key, side) = match known {
            Some(key) => (key, self.side_of(key, leg.from, leg.to)?),
            // An ACK begins nothing: this one comes again for a 2xx of a call that is over.
            None if message.method() == Method::Ack => {
                return sdp.map(|sdp| self.mask(leg.to, &sdp)).transpose();
            }
            None => {
                let hops = (leg.from, leg.to);
                (self.begin(now, leg.branch, hops, message.call_id(), (from_tag, to_tag))?, CALLER)
            }
        };
        // An ACK has no response that could fail (RFC 3261 §17.1.1.3, §13.2.2.4).
        if message.method() == Method::Ack {
            self.confirm(key);
        } else if known.is_some() {
            self.table.begin(key, leg.branch);
        }
        let told = self.tell(now, key, side, sdp.as_ref(), true);
        if told.is_err() {
            self.refuse(now, key, leg.branch);
        }
        told
    }

    /// The SDP that the reader of a response gets, if it is another.
    fn sdp_of_response(
        &mut self,
        now: Instant,
        leg: &Forward<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, u16> {
        let status = message.status().unwrap_or_default();
        if Space::of(leg.from) == Space::of(leg.to) {
            return Ok(None);
        }
        let tags = (message.from().tag().unwrap_or_default(), message.to().tag());
        let by_dialog = || self.table.by_dialog(message.call_id(), (tags.0, tags.1?));
        // A 2xx repeated until its ACK comes finds its branch done (RFC 3261 §13.3.1.4), but its dialog alive.
        let known = self.table.by_branch(leg.branch).or_else(by_dialog);
        let sdp = sdp_of(message)?;
        let key = match (known, &sdp) {
            (Some(key), _) if negotiates(message.cseq().1) && (101..300).contains(&status) => key,
            (_, Some(sdp)) => return self.mask(leg.from, sdp).map(Some),
            (_, None) => return Ok(None),
        };
        let side = self.side_of(key, leg.to, leg.from)?;
        let is_ours = self.answered(key, leg.branch, status, tags.1);
        let told = self.tell(now, key, side, sdp.as_ref(), is_ours);
        if is_ours && status >= 200 {
            match told {
                Ok(_) => self.table.commit(key, leg.branch),
                Err(_) => self.refuse(now, key, leg.branch),
            }
        }
        told
    }

    /// The side that speaks; notes where signalling comes from. 481 if the dialog lives in other spaces.
    fn side_of(&mut self, key: Key, speaker: Hop, listener: Hop) -> Result<usize, u16> {
        let group = self.table.get_mut(key).ok_or(481_u16)?;
        let side = group.side_in(Space::of(speaker)).ok_or(481_u16)?;
        let other = group.legs.get_mut(CALLEE - side).filter(|leg| leg.space == Space::of(listener));
        other.ok_or(481_u16)?.signalling = listener.addr().ip();
        group.legs[side].signalling = speaker.addr().ip();
        Ok(side)
    }

    /// An SDP body that opens no media (the answer to OPTIONS, RFC 3261 §11.2; what a 488 says would do, §21.4.26): it
    /// may not tell one address space of the other either. Port 9 is "discard".
    fn mask(&self, reader: Hop, sdp: &Sdp<'_>) -> Result<Vec<u8>, u16> {
        let nowhere = SocketAddr::new(self.spaces.ip(Space::of(reader)).ok_or(503_u16)?, 9);
        let line =
            |line: &MediaLine<'_>| (line.port != 0).then_some(MediaRewrite { rtp: nowhere, rtcp: nowhere });
        Ok(sdp::rewrite(sdp, &sdp.media().iter().map(line).collect::<Vec<_>>()))
    }

    /// What a message asked for cannot be given: as if its request had failed.
    fn refuse(&mut self, now: Instant, key: Key, branch: BranchId) {
        match self.table.get(key) {
            Some(group) if group.branch == branch => self.remove(key, REFUSED),
            _ => self.fail_branch(now, branch, REFUSED),
        }
    }

    fn confirm(&mut self, key: Key) {
        if let Some(group) = self.table.get_mut(key) {
            group.confirmed = true;
        }
    }

    /// Notes the callee's tag and the 2xx. False if another callee beyond us has confirmed this branch's dialog already
    /// (RFC 3261 §13.2.2.4): its answer is rewritten, but the media stay with the first.
    fn answered(&mut self, key: Key, branch: BranchId, status: u16, tag: Option<&str>) -> bool {
        let Some(group) = self.table.get_mut(key).filter(|group| group.branch == branch) else { return true };
        let Some(tag) = tag else { return true };
        if group.confirmed && group.callee_tag.as_deref() != Some(tag) {
            return false;
        }
        if group.callee_tag.as_deref() != Some(tag) {
            group.callee_tag = Some(tag.to_owned());
        }
        group.confirmed |= status >= 200;
        true
    }

    /// Hears what the terminal at `side` says, and rewrites it for the other.
    fn tell(
        &mut self,
        now: Instant,
        key: Key,
        side: usize,
        sdp: Option<&Sdp<'_>>,
        heed: bool,
    ) -> Result<Option<Vec<u8>>, u16> {
        let Some(sdp) = sdp else { return Ok(None) };
        let heard: Vec<Heard> = sdp.media().iter().map(Heard::of).collect();
        let told = if heed { self.hear(now, key, side, &heard)? } else { self.overhear(key, side, &heard)? };
        let lines: Vec<Option<MediaRewrite>> = told
            .into_iter()
            .map(|told| told.map(|Remote { rtp, rtcp }| MediaRewrite { rtp, rtcp }))
            .collect();
        Ok(Some(sdp::rewrite(sdp, &lines)))
    }
}

impl Heard {
    fn of(line: &MediaLine<'_>) -> Self {
        // What is no datagram (MSRP over TCP) cannot be relayed; its line stays as it is.
        if line.port == 0 || !line.is_datagram() {
            return Heard::Refused;
        }
        let urgent = match line.telephone_event {
            _ if line.is_udptl => Urgent::All,
            Some(payload_type) => Urgent::PayloadType(payload_type),
            None => Urgent::None,
        };
        Heard::Wanted {
            terminal: line.rtp.zip(line.rtcp).map(|(rtp, rtcp)| Remote { rtp, rtcp }),
            held: line.hold || line.direction != Direction::SendRecv,
            urgent,
        }
    }
}

const REFUSED: &str = "refused";

/// Methods whose bodies, and whose responses' bodies, are offers and answers (RFC 6337 §2).
fn negotiates(method: Method<'_>) -> bool {
    matches!(method, Method::Invite | Method::Ack | Method::Prack | Method::Update)
}

/// The SDP of a message, if it has one.
fn sdp_of<'a>(message: &Message<'a>) -> Result<Option<Sdp<'a>>, u16> {
    let Some(place) = place_of_sdp(message) else { return Ok(None) };
    Sdp::parse(message.body().get(place).unwrap_or_default()).map(Some).map_err(|_| 400)
}

/// The body with `sdp` in place of the old one; other parts of a multipart stay.
fn whole_body(message: &Message<'_>, sdp: Vec<u8>) -> Vec<u8> {
    let body = message.body();
    let place = place_of_sdp(message).unwrap_or(0..body.len());
    match (body.get(..place.start), body.get(place.end..)) {
        (Some(before), Some(behind)) if place != (0..body.len()) => [before, &sdp, behind].concat(),
        _ => sdp,
    }
}

fn place_of_sdp(message: &Message<'_>) -> Option<Range<usize>> {
    sdp::find(message.header(HeaderName::ContentType)?, message.body())
}
