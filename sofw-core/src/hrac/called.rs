//! Which relay ports a phone was told of, in which call, until it answers.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::tunnel::RaHeader;

/// A Call-ID by its hash: it may be as long as a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct CallId([u8; 32]);

impl CallId {
    pub(super) fn of(call_id: &str) -> Self {
        CallId(Sha256::digest(call_id).into())
    }
}

/// Bounded by the flows: each of their ports is here once at most.
#[derive(Debug, Default)]
pub(super) struct Called {
    by_call: BTreeMap<(RaHeader, CallId), Vec<(usize, u16)>>,
    by_port: BTreeMap<u16, (RaHeader, CallId)>,
}

impl Called {
    /// `phone` was told, in m-line number `line` of this call, to send to the relay port.
    pub(super) fn tell(&mut self, phone: RaHeader, call: CallId, line: usize, port: u16) {
        self.forget(port);
        self.by_call.entry((phone, call)).or_default().push((line, port));
        self.by_port.insert(port, (phone, call));
    }

    /// What `phone` was told in this call, by m-line and port; it is forgotten.
    pub(super) fn take(&mut self, phone: RaHeader, call: CallId) -> Vec<(usize, u16)> {
        let told = self.by_call.remove(&(phone, call)).unwrap_or_default();
        for (_, port) in &told {
            self.by_port.remove(port);
        }
        told
    }

    /// The port's phone is known, or its flow is gone.
    pub(super) fn forget(&mut self, port: u16) {
        let Some(key) = self.by_port.remove(&port) else { return };
        if let Some(told) = self.by_call.get_mut(&key) {
            told.retain(|&(_, other)| other != port);
            if told.is_empty() {
                self.by_call.remove(&key);
            }
        }
    }
}
