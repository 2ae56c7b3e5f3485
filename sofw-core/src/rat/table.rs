//! All groups, found by dialog, by branch and by link.

use std::collections::BTreeMap;

use slab::Slab;

use super::group::Group;
use crate::media::LinkId;
use crate::proxy::BranchId;

/// A group's place in the table.
pub(super) type Key = usize;

#[derive(Debug, Default)]
pub(super) struct Table {
    groups: Slab<Group>,
    by_call: BTreeMap<String, Vec<Key>>,
    by_branch: BTreeMap<BranchId, Key>,
    by_link: BTreeMap<LinkId, Key>,
}

impl Table {
    pub(super) fn insert(&mut self, group: Group) -> Key {
        let (call_id, branch) = (group.call_id.clone(), group.branch);
        let key = self.groups.insert(group);
        self.by_call.entry(call_id).or_default().push(key);
        self.by_branch.insert(branch, key);
        key
    }

    /// Removes a group and every way to find it.
    pub(super) fn remove(&mut self, key: Key) -> Option<Group> {
        let group = self.groups.try_remove(key)?;
        if let Some(keys) = self.by_call.get_mut(&group.call_id) {
            keys.retain(|&other| other != key);
            if keys.is_empty() {
                self.by_call.remove(&group.call_id);
            }
        }
        self.by_branch.remove(&group.branch);
        for (branch, _) in &group.pending {
            self.by_branch.remove(branch);
        }
        for link in group.lines.iter().filter_map(|line| line.link) {
            self.by_link.remove(&link);
        }
        Some(group)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Group> {
        self.groups.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Group> {
        self.groups.get_mut(key)
    }

    pub(super) fn by_dialog(&self, call_id: &str, tags: (&str, &str)) -> Option<Key> {
        let keys = self.by_call.get(call_id)?;
        keys.iter().copied().find(|&key| self.groups.get(key).is_some_and(|group| group.is_dialog(tags)))
    }

    pub(super) fn by_branch(&self, branch: BranchId) -> Option<Key> {
        self.by_branch.get(&branch).copied()
    }

    pub(super) fn forget_branch(&mut self, branch: BranchId) {
        self.by_branch.remove(&branch);
    }

    pub(super) fn by_link(&self, link: LinkId) -> Option<Key> {
        self.by_link.get(&link).copied()
    }

    pub(super) fn add_link(&mut self, link: LinkId, key: Key) {
        self.by_link.insert(link, key);
    }

    pub(super) fn remove_link(&mut self, link: LinkId) {
        self.by_link.remove(&link);
    }

    /// A request under way within the dialog: remembers the state to return to.
    pub(super) fn begin(&mut self, key: Key, branch: BranchId) {
        if let Some(group) = self.groups.get_mut(key) {
            if self.by_branch.insert(branch, key).is_none() {
                group.pending.push((branch, group.snapshot()));
            }
        }
    }

    /// The request is answered: what it said is in force, and what others under way would return to.
    pub(super) fn commit(&mut self, key: Key, branch: BranchId) {
        let Some(group) = self.groups.get_mut(key) else { return };
        if group.branch == branch {
            return;
        }
        self.by_branch.remove(&branch);
        group.pending.retain(|(pending, _)| *pending != branch);
        let now = group.snapshot();
        for (_, snapshot) in &mut group.pending {
            snapshot.clone_from(&now);
        }
    }

    /// All groups, ordered by Call-ID.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Group)> {
        self.by_call.values().flatten().filter_map(|&key| Some((key, self.groups.get(key)?)))
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }
}
