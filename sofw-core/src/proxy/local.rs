//! What we answer ourselves: REGISTER and OPTIONS (RFC 3261 §10.3, §11.2).

use super::SipServer;
use super::relay::RelayModule;
use super::request::joined_values;
use super::route::Path;
use super::spaces::Space;
use super::state::{Answer, reason};
use crate::base::{Hop, Instant};
use crate::config::limits::REGISTER_EXPIRES_S;
use crate::event::Event;
use crate::registrar::register;
use crate::sip::{HeaderName, Message, Uri};

/// Methods that we forward or answer.
pub(super) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, SUBSCRIBE, NOTIFY, REFER, INFO, MESSAGE";

impl SipServer {
    pub(super) fn on_register(
        &mut self,
        now: Instant,
        id: u64,
        from: Hop,
        request: &Message<'_>,
        path: &Path,
        relay: &mut dyn RelayModule,
    ) -> Result<(), Answer> {
        let space = Space::of(&from);
        let uri = Uri::parse(&path.uri).ok_or(Answer::new(400))?;
        if !self.spaces.is_ours(space, &uri) || !path.routes.is_empty() {
            return Err(Answer::new(403)); // §10.3 step 1: we take nobody to other registrars.
        }
        refuse_extensions(request)?; // Step 2.
        let address = request.to().uri();
        if !address.is_sip() {
            return Err(Answer::new(400));
        }
        // Steps 3 – 5. Who has no password here, user or not, sees a challenge and no more.
        let user = self.user_of(space, &address).ok_or(Answer::new(404))?;
        self.prove(now, from, request, &user, 401)?;
        let done = register(now, &mut self.location, &user, from, request).map_err(|refused| {
            let answer = Answer { reason: refused.reason, ..Answer::new(refused.status) };
            match refused.status {
                423 => answer.with("Min-Expires", REGISTER_EXPIRES_S.0.to_string()),
                _ => answer,
            }
        })?;
        for (hop, expires_s) in done.changes {
            self.event(Event::Registered { user: user.clone(), hop, expires_s });
        }
        let mut answer = Answer::new(200);
        for contact in done.contacts {
            answer = answer.with("Contact", contact);
        }
        self.answer(now, id, request, &answer, relay);
        Ok(())
    }

    pub(super) fn on_options(
        &mut self,
        now: Instant,
        id: u64,
        request: &Message<'_>,
        relay: &mut dyn RelayModule,
    ) -> Result<(), Answer> {
        refuse_extensions(request)?;
        let answer = Answer { reason: reason(200), ..Answer::new(200) };
        let answer = answer.with("Allow", ALLOW).with("Accept", "application/sdp");
        self.answer(now, id, request, &answer, relay);
        Ok(())
    }
}

/// §8.2.2.3: we as a UAS know no extension that a client could require.
fn refuse_extensions(request: &Message<'_>) -> Result<(), Answer> {
    let required = joined_values(request, HeaderName::Require);
    match required.is_empty() {
        true => Ok(()),
        false => Err(Answer::new(420).with("Unsupported", required)),
    }
}
