//! The location service: who is reachable where.

use std::collections::BTreeMap;

use crate::base::{Deadline, Expiring, Hop, Instant, Transport};
use crate::sip::Uri;

/// One registered contact of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// A name never used before in this location service.
    pub id: u64,
    /// The contact URI, as registered.
    pub contact: String,
    /// The other contact parameters, without `expires`, each with its semicolon.
    pub params: String,
    /// The phone itself, whatever its address: `+sip.instance`, with `reg-id` if it registers several ways at once
    /// (RFC 5626 §6).
    pub instance: Option<String>,
    /// Where requests for it are sent.
    pub hop: Hop,
    /// Where the REGISTER came from.
    pub source: Hop,
    /// Call-ID of the REGISTER that made or renewed it.
    pub call_id: String,
    /// CSeq number of that REGISTER.
    pub cseq: u32,
    /// When it ends.
    pub expires_at: Instant,
}

impl Binding {
    /// Whole seconds left at `now`, rounded up.
    pub fn remaining_s(&self, now: Instant) -> u32 {
        let left = self.expires_at.since(now).as_millis().div_ceil(1_000);
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

/// All bindings. Bounded by users and [`crate::config::limits::USER_BINDINGS_MAX`].
#[derive(Debug)]
pub struct Location {
    users: BTreeMap<String, Vec<Binding>>,
    owners: BTreeMap<u64, String>,
    expiring: Expiring<u64>,
    next_id: u64,
}

impl Default for Location {
    fn default() -> Self {
        Location {
            users: BTreeMap::new(),
            owners: BTreeMap::new(),
            expiring: Expiring::new("binding"),
            next_id: 0,
        }
    }
}

impl Location {
    /// The bindings of `user` that have not expired.
    pub fn of(&self, now: Instant, user: &str) -> impl Iterator<Item = &Binding> {
        self.users.get(user).into_iter().flatten().filter(move |binding| binding.expires_at > now)
    }

    /// All users' bindings that have not expired.
    pub fn all(&self, now: Instant) -> impl Iterator<Item = (&str, &Binding)> {
        let users = self.users.iter().flat_map(|(user, list)| list.iter().map(move |b| (user.as_str(), b)));
        users.filter(move |(_, binding)| binding.expires_at > now)
    }

    /// How many bindings the user with the most has, expired ones that lie about included.
    pub fn most_of_one(&self) -> usize {
        self.users.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Replaces the bindings of `user`.
    pub fn replace(&mut self, user: &str, bindings: Vec<Binding>) {
        for old in self.users.remove(user).into_iter().flatten() {
            self.expiring.clear(old.id);
            self.owners.remove(&old.id);
        }
        for new in &bindings {
            self.expiring.set(new.id, new.expires_at);
            self.owners.insert(new.id, user.to_owned());
        }
        if !bindings.is_empty() {
            self.users.insert(user.to_owned(), bindings);
        }
    }

    /// A binding id never given before.
    pub fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Takes out the first binding that has expired.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<(String, Binding)> {
        let id = self.expiring.pop_due(now)?;
        let user = self.owners.remove(&id)?;
        let list = self.users.get_mut(&user)?;
        let index = list.iter().position(|binding| binding.id == id)?;
        let binding = list.remove(index);
        if list.is_empty() {
            self.users.remove(&user);
        }
        Some((user, binding))
    }

    /// When the next binding expires.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.expiring.next()
    }
}

/// Where requests for the URI `contact` go, which `source` gave in a Contact: to the address in it, if that is the
/// address the message came from; else its sender sits behind a NAT and only its source reaches it. A TCP peer is
/// reached over its connection: the port in its Contact may not be open for us.
pub fn contact_hop(source: Hop, contact: &Uri<'_>) -> Hop {
    let transport = match contact.param("transport") {
        Some(name) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
        _ => Transport::Udp,
    };
    let direct = source.transport() == Transport::Udp && transport == Transport::Udp;
    if !direct || contact.host().ip() != Some(source.addr().ip()) {
        return source;
    }
    let port = contact.port().unwrap_or(5060);
    let mut hop = source;
    match &mut hop {
        Hop::Inside(inside) => inside.addr.set_port(port),
        Hop::Outside(outside) => outside.addr.set_port(port),
    }
    hop
}
