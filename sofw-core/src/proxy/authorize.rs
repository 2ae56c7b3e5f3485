//! Who may send what (RFC 3261 §16.3 step 6, §22.3).

use super::SipServer;
use super::spaces::Space;
use super::state::Answer;
use crate::base::{Hop, Instant};
use crate::event::Event;
use crate::registrar::Verdict;
use crate::sip::{HeaderName, Message, Uri};

/// Who sent an out-of-dialog request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    /// A user of ours: by password, or inside by the address of a binding.
    User,
    /// Somebody who claims to be nobody of ours.
    Stranger,
}

impl SipServer {
    /// Whether the sender of an out-of-dialog request is who From says. Only our own users can be proved; others are
    /// strangers, whose targets are limited elsewhere.
    pub(super) fn authorize(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
    ) -> Result<Sender, Answer> {
        let claimed = request.from().uri();
        // To a phone, who calls from HRAC's address is a colleague: from outside that is a claim too.
        let inside = self.spaces.sites().filter(|_| from.site().is_none());
        let user = core::iter::once(Space::of(&from)).chain(inside).find_map(|at| self.user_of(at, &claimed));
        let Some(user) = user else { return Ok(Sender::Stranger) };
        // Inside, an address is worth something: the phone proved itself when it registered from there. Outside,
        // anybody can write any source into a datagram.
        let known = from.site().is_some()
            && self.location.of(now, &user).any(|binding| binding.source == from || binding.hop == from);
        if !known {
            self.prove(now, from, request, &user, 407)?;
        }
        Ok(Sender::User)
    }

    /// Asks for credentials of `user`: with 401 as registrar, with 407 as proxy.
    pub(super) fn prove(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
        user: &str,
        status: u16,
    ) -> Result<(), Answer> {
        let (name, challenge) = match status {
            401 => (HeaderName::Authorization, "WWW-Authenticate"),
            _ => (HeaderName::ProxyAuthorization, "Proxy-Authenticate"),
        };
        let headers = request.lines(name).map(|line| line.text());
        let stale = match self.auth.check(now, request.method().as_str(), headers) {
            Verdict::User(proved) if proved == user => return Ok(()),
            // Somebody else's password proves nothing about this user (§10.3 step 4, §22.3).
            Verdict::User(_) => return Err(Answer::new(403)),
            Verdict::Missing => false,
            Verdict::Stale => true,
            Verdict::Wrong(user) => {
                self.event(Event::AuthFailed { user, hop: from });
                false
            }
        };
        Err(Answer::new(status).with(challenge, self.auth.challenge(now, user, stale)))
    }

    /// The user part of `uri`, if it is an address-of-record of ours as seen from `space`, whether the user exists
    /// or not.
    pub(super) fn user_of(&self, space: Space, uri: &Uri<'_>) -> Option<String> {
        let ours = uri.is_sip() && self.spaces.is_ours(space, uri);
        uri.user_unescaped().filter(|_| ours).map(|user| user.into_owned())
    }
}
