//! Where a request goes (RFC 3261 §16.5), and what is refused.

use core::net::{IpAddr, SocketAddr};

use super::SipServer;
use super::authorize::Sender;
use super::dialogs::Leg;
use super::local::ALLOW;
use super::route::Path;
use super::spaces::{DEFAULT_PORT, Space};
use super::state::Answer;
use crate::base::{Hop, InsideAddr, Instant, Transport, is_public};
use crate::registrar::contact_hop;
use crate::sip::{Message, Method, Uri};

/// One place to send a copy of a request to.
#[derive(Debug)]
pub(super) struct Target {
    /// The new Request-URI, if it changes.
    pub(super) uri: Option<String>,
    pub(super) to: Hop,
}

impl SipServer {
    /// The targets of an out-of-dialog request, at least one.
    pub(super) fn targets(
        &self,
        now: Instant,
        (from, sender): (Hop, Sender),
        request: &Message<'_>,
        path: &Path,
    ) -> Result<Vec<Target>, Answer> {
        let uri = Uri::parse(&path.uri).ok_or(Answer::new(400))?;
        let space = Space::of(&from);
        let foreign = !path.routes.is_empty() || !self.spaces.is_ours(space, &uri);
        if foreign {
            return match from {
                // Never from outside to outside: we are no open relay.
                Hop::Outside(_) => Err(Answer::new(403)),
                Hop::Inside(inside) => {
                    let to = self.foreign_hop(now, &inside, path).ok_or(Answer::new(404))?;
                    Ok(vec![Target { uri: None, to }])
                }
            };
        }
        let user =
            self.user_of(space, &uri).filter(|user| self.auth.is_user(user)).ok_or(Answer::new(404))?;
        if request.method() == Method::Publish {
            return Err(Answer::new(405).with("Allow", ALLOW)); // We compose no presence (RFC 3903 §6).
        }
        if request.method() == Method::Notify && from.site().is_none() {
            // RFC 6665 §4.1.3: a NOTIFY belongs to a subscription. Strangers use others to restart phones.
            return Err(Answer::new(481));
        }
        let bindings: Vec<_> = self.location.of(now, &user).collect();
        // Outside, a password is needed for what a call to a phone outside costs us; strangers came for the inside.
        let reaches_outside = from.site().is_some() || (self.outside_calls && sender == Sender::User);
        let targets: Vec<Target> = bindings
            .iter()
            .filter(|binding| reaches_outside || binding.hop.site().is_some())
            .map(|binding| Target { uri: Some(request_uri_of(&binding.contact)), to: binding.hop })
            .collect();
        match (targets.is_empty(), bindings.is_empty()) {
            (false, _) => Ok(targets),
            (true, true) => Err(Answer::new(480)),
            (true, false) => Err(Answer::new(403)), // Registered outside only, called from outside.
        }
    }

    /// The target of an in-dialog request, and its dialog if known.
    pub(super) fn in_dialog_target(
        &mut self,
        now: Instant,
        from: Hop,
        request: &Message<'_>,
        path: &Path,
    ) -> Result<Target, Answer> {
        let unknown = Answer::new(481);
        let from_tag = request.from().tag().unwrap_or_default();
        let to_tag = request.to().tag().unwrap_or_default();
        let found = self.dialogs.find(request.call_id(), (from_tag, to_tag));
        let found = found.or_else(|| self.dialog_by_notify(now, from, request));
        let Some(id) = found else {
            // From inside it may be a dialog older than this server; its Route says where it leads. From outside
            // nobody gets in on his own word.
            let Hop::Inside(inside) = from else { return Err(unknown) };
            let space = path.space.ok_or(unknown.clone())?;
            self.authorize(now, from, request)?;
            let to = self.hop_by_address(space, &inside, path).ok_or(unknown)?;
            return Ok(Target { uri: None, to });
        };
        let dialog = self.dialogs.get_mut(id).ok_or(unknown.clone())?;
        let side = dialog.side(from_tag).ok_or(unknown.clone())?;
        let [caller, callee] = &mut dialog.legs;
        let (sender, receiver) = if side == 0 { (caller, callee) } else { (callee, caller) };
        if sender.hop.site() != from.site() {
            return Err(unknown); // Whoever this is, it is not that side.
        }
        sender.cseq = sender.cseq.max(request.cseq().0);
        if from.transport() == Transport::Tcp && sender.hop.transport() == Transport::Tcp {
            sender.hop = from; // A newer connection of the same side.
        }
        let receiver = receiver.clone();
        if request.method() != Method::Ack {
            self.dialogs_in_use(now, id, request);
        }
        let to = self.leg_target(&receiver, path);
        Ok(Target { uri: None, to })
    }

    /// Where a request for one side of a dialog goes. Inside, only to the phone that is in the dialog.
    fn leg_target(&self, leg: &Leg, path: &Path) -> Hop {
        let (Hop::Outside(_), Some(next)) = (leg.hop, path.next_uri()) else { return leg.hop };
        let same = Uri::parse(leg.next_uri())
            .is_some_and(|known| known.host().is_same(&next.host()) && known.port() == next.port());
        if same { leg.hop } else { self.neighbour(leg.hop, &next) }
    }

    /// The hop for `uri` as given by somebody behind `source`: its address if it can be reached, else the source.
    pub(super) fn neighbour(&self, source: Hop, uri: &Uri<'_>) -> Hop {
        let elsewhere = match (source, uri.host().ip()) {
            (Hop::Outside(_), Some(ip)) => ip != source.addr().ip() && is_public(ip),
            _ => false,
        };
        let numeric = elsewhere.then(|| self.numeric_outside(uri)).flatten();
        numeric.unwrap_or_else(|| contact_hop(source, uri))
    }

    /// A target that is no user of ours, dialled inside: an address outside, or a phone of the same site that is
    /// registered at that address. There is no DNS here, so names are nobody.
    fn foreign_hop(&self, now: Instant, from: &InsideAddr, path: &Path) -> Option<Hop> {
        let uri = path.next_uri()?;
        let addr = SocketAddr::new(uri.host().ip()?, uri.port().unwrap_or(DEFAULT_PORT));
        let same_site = |hop: &Hop| hop.site() == Some(from.site) && hop.addr() == addr;
        let neighbour = self.location.all(now).map(|(_, binding)| binding.hop).find(same_site);
        neighbour.or_else(|| self.numeric_outside(&uri))
    }

    fn hop_by_address(&self, space: Space, from: &InsideAddr, path: &Path) -> Option<Hop> {
        let uri = path.next_uri()?;
        match space {
            Space::Outside => self.numeric_outside(&uri),
            Space::Site(site) if site == from.site => {
                let addr = SocketAddr::new(uri.host().ip()?, uri.port().unwrap_or(DEFAULT_PORT));
                let transport = transport_of(&uri)?;
                Some(Hop::Inside(InsideAddr { site, transport, addr }))
            }
            Space::Site(_) => None,
        }
    }

    /// The hop for a numeric URI outside: by UDP unless it says TCP. `None` if it has no usable address, or ours, or is
    /// a service of this host that only this host may reach.
    fn numeric_outside(&self, uri: &Uri<'_>) -> Option<Hop> {
        let ip = uri.host().ip()?.to_canonical(); // ::ffff:203.0.113.5 may be ourselves.
        let addr = SocketAddr::new(ip, uri.port().unwrap_or(DEFAULT_PORT));
        let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
        let unusable = ip.is_unspecified() || ip.is_multicast() || broadcast || addr.port() == 0;
        let private = ip.is_loopback() && !self.spaces.is_on_loopback();
        if unusable || private || self.spaces.is_our_address(Space::Outside, addr) {
            return None;
        }
        self.spaces.outside_hop(transport_of(uri)?, addr)
    }
}

fn transport_of(uri: &Uri<'_>) -> Option<Transport> {
    match uri.param("transport") {
        None => Some(Transport::Udp),
        Some(name) => {
            [Transport::Udp, Transport::Tcp].into_iter().find(|t| t.as_param().eq_ignore_ascii_case(name))
        }
    }
}

/// A contact as Request-URI: without headers, which may not stand there (RFC 3261 §19.1.1).
fn request_uri_of(contact: &str) -> String {
    let without = match contact.rsplit_once('?') {
        Some((uri, headers)) if !headers.contains('@') => uri,
        _ => contact,
    };
    without.to_owned()
}
