//! What a REGISTER does (RFC 3261 §10.3 steps 6 – 8). Who may send it was decided before.

use super::location::{Binding, Location, contact_hop};
use crate::base::{Duration, Hop, Instant, Transport};
use crate::config::limits::{
    CONTACT_MAX, REGISTER_CONTACTS_MAX, REGISTER_EXPIRES_DEFAULT_S, REGISTER_EXPIRES_NAT_S,
    REGISTER_EXPIRES_S, USER_BINDINGS_MAX,
};
use crate::sip::{HeaderName, Message, NameAddr, Uri};

/// A REGISTER was carried out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registered {
    /// Contact values for the 200: all bindings (step 8).
    pub contacts: Vec<String>,
    /// Bindings made, renewed or (0 seconds) removed.
    pub changes: Vec<(Hop, u32)>,
}

/// A REGISTER was refused, and nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Status of the answer; 423 goes with Min-Expires.
    pub status: u16,
    /// Reason phrase of the answer.
    pub reason: &'static str,
}

const OUT_OF_ORDER: Refused = Refused { status: 500, reason: "Out Of Order" };

/// Carries out `request` of `user`, which came from `source`. All of it, or nothing (§10.3 step 7).
///
/// # Errors
/// 400 for a wrong `*`, 423 for an interval that is too brief, 500 for a request older than what is known.
pub fn register(
    now: Instant,
    location: &mut Location,
    user: &str,
    source: Hop,
    request: &Message<'_>,
) -> Result<Registered, Refused> {
    let mut list: Vec<Binding> = location.of(now, user).cloned().collect();
    let mut changes = Vec::new();
    if request.contact_is_star() {
        // §10.3 step 6: `*` stands alone and only with Expires: 0.
        if request.values(HeaderName::Contact).count() != 1 || request.expires() != Some(0) {
            return Err(Refused { status: 400, reason: "Contact * Needs Expires 0" });
        }
        if list.iter().any(|binding| is_older(request, binding)) {
            return Err(OUT_OF_ORDER);
        }
        changes.extend(list.drain(..).map(|binding| (binding.hop, 0)));
    }
    if request.contacts().nth(REGISTER_CONTACTS_MAX).is_some() {
        return Err(Refused { status: 400, reason: "Too Many Contacts" });
    }
    for contact in request.contacts() {
        let (uri, params) = (contact.uri().as_str().to_owned(), params_without_expires(&contact));
        if uri.len() + params.len() > CONTACT_MAX {
            return Err(Refused { status: 400, reason: "Contact Too Long" });
        }
        let expires_s = wanted_expires_s(request, &contact)?.min(longest_s(source, &contact));
        if !contact.uri().is_sip() {
            return Err(Refused { status: 400, reason: "Contact Is Not A SIP URI" });
        }
        let known = list.iter().position(|b| is_same_contact(b, source, &contact));
        if let Some(old) = known.and_then(|index| list.get(index)) {
            if is_older(request, old) {
                return Err(OUT_OF_ORDER);
            }
        }
        let hop = contact_hop(source, &contact.uri());
        let old = known.map(|index| list.remove(index));
        let instance = instance(&contact);
        if expires_s > 0 && instance.is_some() {
            // The phone has moved: nobody is at its old address, and calls would ring there for half a minute.
            let (moved, others): (Vec<_>, _) = list.into_iter().partition(|b| b.instance == instance);
            list = others;
            if moved.iter().any(|binding| is_older(request, binding)) {
                return Err(OUT_OF_ORDER);
            }
            changes.extend(moved.iter().filter(|b| b.hop != hop).map(|b| (b.hop, 0)));
        }
        changes.push((hop, expires_s));
        if expires_s > 0 {
            let new = Binding {
                id: old.map_or_else(|| location.next_id(), |old| old.id),
                contact: uri,
                params,
                instance,
                hop,
                source,
                call_id: request.call_id().to_owned(),
                cseq: request.cseq().0,
                expires_at: now + Duration::from_secs(expires_s.into()),
            };
            list.push(new);
        }
    }
    // A phone that comes back under ever new contacts must not lock its user out: the oldest go.
    while list.len() > USER_BINDINGS_MAX {
        let oldest = (0..list.len()).min_by_key(|index| list.get(*index).map(|b| (b.expires_at, b.id)));
        if let Some(index) = oldest {
            changes.push((list.remove(index).hop, 0));
        }
    }
    let contacts = list.iter().map(|binding| contact_value(binding, now)).collect();
    if !changes.is_empty() {
        location.replace(user, list);
    }
    Ok(Registered { contacts, changes })
}

/// §10.3 step 7: within one Call-ID, CSeq must grow.
fn is_older(request: &Message<'_>, known: &Binding) -> bool {
    known.call_id == request.call_id() && request.cseq().0 <= known.cseq
}

/// Equal URIs mean the same only within one address space: two sites may use the same private addresses.
fn is_same_contact(binding: &Binding, source: Hop, contact: &NameAddr<'_>) -> bool {
    let known = Uri::parse(&binding.contact);
    binding.source.site() == source.site() && known.is_some_and(|uri| uri.is_equivalent(&contact.uri()))
}

fn instance(contact: &NameAddr<'_>) -> Option<String> {
    let instance = contact.param("+sip.instance")?;
    Some(format!("{instance};{}", contact.param("reg-id").unwrap_or_default()))
}

fn longest_s(source: Hop, contact: &NameAddr<'_>) -> u32 {
    let direct = source.site().is_some()
        || source.transport() != Transport::Udp
        || contact.uri().host().ip() == Some(source.addr().ip());
    if direct { REGISTER_EXPIRES_S.1 } else { REGISTER_EXPIRES_NAT_S }
}

/// §10.3 step 7: the parameter, else the header, else the default; then the bounds.
fn wanted_expires_s(request: &Message<'_>, contact: &NameAddr<'_>) -> Result<u32, Refused> {
    let (min, max) = REGISTER_EXPIRES_S;
    let wanted = match contact.param("expires") {
        // §20.10: malformed means one hour.
        Some(text) => text.parse().unwrap_or(3_600),
        None => request.expires().unwrap_or(REGISTER_EXPIRES_DEFAULT_S),
    };
    match wanted {
        0 => Ok(0),
        brief if brief < min => Err(Refused { status: 423, reason: "Interval Too Brief" }),
        long => Ok(long.min(max)),
    }
}

fn params_without_expires(contact: &NameAddr<'_>) -> String {
    let mut text = String::new();
    for param in contact.params().filter(|param| !param.name.eq_ignore_ascii_case("expires")) {
        text.push(';');
        text.push_str(param.name);
        if let Some(value) = param.value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

fn contact_value(binding: &Binding, now: Instant) -> String {
    format!("<{}>{};expires={}", binding.contact, binding.params, binding.remaining_s(now))
}
