//! Known dialogs (RFC 3261 §12): who may speak in them, and where each side is reached.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{Deadline, Duration, Expiring, Hop, Instant, SiteId};
use crate::config::limits::{DIALOG_IDLE_MAX, DIALOGS_MAX, SUBSCRIPTION_WAIT};
use crate::transaction::T1_64;

/// One side of a dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leg {
    pub(super) tag: String,
    /// From or To value of this side, with its tag.
    pub(super) address: String,
    /// The neighbour on this side.
    pub(super) hop: Hop,
    /// The remote target (§12.1): this side's contact URI.
    pub(super) contact: String,
    /// Routes of other proxies between us and this side, nearest first.
    pub(super) routes: Vec<String>,
    /// Highest CSeq number that this side used.
    pub(super) cseq: u32,
}

impl Leg {
    /// The URI that the neighbour is known by: the nearest proxy, or the contact.
    pub(super) fn next_uri(&self) -> &str {
        self.routes.first().map_or(&self.contact, |route| route.trim_matches(['<', '>']))
    }
}

/// A dialog, or one that is about to be.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    /// Who sent the request that made it, and who answered. The latter's tag is empty while a SUBSCRIBE or REFER
    /// waits for its first NOTIFY.
    pub(super) legs: [Leg; 2],
    pub(super) invite: bool,
    pub(super) confirmed: bool,
    /// RFC 4028: how long a refresh lasts.
    pub(super) session: Option<Duration>,
}

impl Dialog {
    /// Index of the leg with `tag`.
    pub(super) fn side(&self, tag: &str) -> Option<usize> {
        self.legs.iter().position(|leg| leg.tag == tag)
    }
}

/// The table, bounded by [`DIALOGS_MAX`].
#[derive(Debug)]
pub(super) struct Dialogs {
    next_id: u64,
    by_id: BTreeMap<u64, Dialog>,
    by_name: BTreeMap<Name, u64>,
    by_site: BTreeSet<(SiteId, u64)>,
    expiring: Expiring<u64>,
    /// Dialogs that are over, and until when that is remembered, in this order.
    buried: BTreeSet<Name>,
    graves: VecDeque<(Instant, Name)>,
}

/// Call-ID and both tags, the lesser tag first.
type Name = (String, String, String);

impl Dialogs {
    pub(super) fn new() -> Self {
        Dialogs {
            next_id: 0,
            by_id: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_site: BTreeSet::new(),
            expiring: Expiring::new("dialog"),
            buried: BTreeSet::new(),
            graves: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= DIALOGS_MAX
    }

    pub(super) fn find(&self, call_id: &str, tags: (&str, &str)) -> Option<u64> {
        self.by_name.get(&name(call_id, tags)).copied()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Dialog> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Dialog> {
        self.by_id.get_mut(&id)
    }

    /// Adds a dialog, unless the table is full, or it is known already or over.
    pub(super) fn add(&mut self, now: Instant, dialog: Dialog) -> Option<u64> {
        let [a, b] = &dialog.legs;
        let key = name(&dialog.call_id, (&a.tag, &b.tag));
        self.exhume(now);
        if self.is_full() || self.by_name.contains_key(&key) || self.buried.contains(&key) {
            return None;
        }
        self.next_id += 1;
        let id = self.next_id;
        self.by_site.extend(sites(&dialog).map(|site| (site, id)));
        self.by_name.insert(key, id);
        self.by_id.insert(id, dialog);
        self.touch(now, id, None);
        Some(id)
    }

    /// Starts the dialog's life again: of its session timer, of `life` if given, or of an idle call.
    pub(super) fn touch(&mut self, now: Instant, id: u64, life: Option<Duration>) {
        let Some(dialog) = self.by_id.get(&id) else { return };
        // RFC 4028 §10: the ends act somewhat before the time runs out; we forget somewhat after.
        let life = T1_64
            + match dialog.session {
                Some(session) => session,
                None if dialog.invite => DIALOG_IDLE_MAX,
                None => life.unwrap_or(SUBSCRIPTION_WAIT),
            };
        self.expiring.set(id, now + life);
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Dialog> {
        let dialog = self.by_id.remove(&id)?;
        let [a, b] = &dialog.legs;
        self.by_name.remove(&name(&dialog.call_id, (&a.tag, &b.tag)));
        for site in sites(&dialog) {
            self.by_site.remove(&(site, id));
        }
        self.expiring.clear(id);
        Some(dialog)
    }

    /// A call is over. Its 2xx may come again, or only now (RFC 3261 §13.3.1.4: it is repeated until the ACK): it shall
    /// not make the dialog anew.
    pub(super) fn bury(&mut self, now: Instant, call_id: &str, tags: (&str, &str)) {
        self.exhume(now);
        let name = name(call_id, tags);
        if self.graves.len() < DIALOGS_MAX && self.buried.insert(name.clone()) {
            self.graves.push_back((now + T1_64 + T1_64, name));
        }
    }

    /// Whether the dialog ended a short while ago.
    pub(super) fn is_over(&self, call_id: &str, tags: (&str, &str)) -> bool {
        self.buried.contains(&name(call_id, tags))
    }

    fn exhume(&mut self, now: Instant) {
        while self.graves.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, name)) = self.graves.pop_front() {
                self.buried.remove(&name);
            }
        }
    }

    /// Dialogs with a leg in `site`.
    pub(super) fn through(&self, site: SiteId) -> Vec<u64> {
        self.by_site.range((site, 0)..=(site, u64::MAX)).map(|(_, id)| *id).collect()
    }

    /// The next dialog whose time is over. It is still in the table.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u64> {
        self.expiring.pop_due(now)
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.expiring.next()
    }
}

fn name(call_id: &str, tags: (&str, &str)) -> Name {
    let (low, high) = if tags.0 <= tags.1 { tags } else { (tags.1, tags.0) };
    (call_id.to_owned(), low.to_owned(), high.to_owned())
}

fn sites(dialog: &Dialog) -> impl Iterator<Item = SiteId> {
    dialog.legs.iter().filter_map(|leg| leg.hop.site())
}
