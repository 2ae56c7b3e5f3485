//! The books of all calls: who, when, how it ended, what was heard.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use sofw_core::base::{Duration, Instant};
use sofw_core::testing::phone::{Ended, MediaKind, Phone, PhoneEvent, Stamp, call_hash};

use crate::quality::Listener;
use crate::record::Call;
use crate::run::Map;
use crate::world::Memo;

/// One call while it goes on.
#[derive(Debug)]
pub(in crate::run) struct CallBook {
    pub call: Call,
    /// Phones: caller and callee.
    pub phones: [Option<usize>; 2],
    /// When one of both ended it: what is sent from then on does not count.
    closing: Option<Instant>,
    /// What the callee and the caller hear.
    listeners: [Option<Listener>; 2],
    /// When the timeline wants it to be hung up, counted from the answer.
    pub talk: Option<Duration>,
    /// The timeline has been told of the answer.
    pub answer_seen: bool,
}

/// All calls.
#[derive(Debug)]
pub(in crate::run) struct Calls {
    books: Vec<CallBook>,
    /// How many of the books the scenario is about; the last call is not.
    registered: Option<usize>,
    by_hash: BTreeMap<u64, usize>,
    /// Found before: every packet of voice asks.
    found: Memo<u64, usize>,
}

impl Default for Calls {
    fn default() -> Self {
        Calls { books: Vec::new(), registered: None, by_hash: BTreeMap::new(), found: Memo::new(FOUND_MAX) }
    }
}

impl Calls {
    /// A phone has just sent its INVITE.
    pub fn begin(&mut self, at: Instant, caller: usize, call_id: &str, callee: &str, talk: Option<Duration>) {
        let index = self.open(at, call_id);
        let book = &mut self.books[index];
        book.phones[0] = Some(caller);
        book.call.callee = callee.into();
        book.talk = talk;
    }

    fn open(&mut self, at: Instant, call_id: &str) -> usize {
        let hash = call_hash(call_id);
        if let Some(&index) = self.by_hash.get(&hash) {
            return index;
        }
        self.by_hash.insert(hash, self.books.len());
        self.books.push(CallBook {
            call: Call { call_id: call_id.into(), invited: at, ..Call::default() },
            phones: [None, None],
            closing: None,
            listeners: [None, None],
            talk: None,
            answer_seen: false,
        });
        self.books.len() - 1
    }

    /// Books, to mark what the timeline has seen.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut CallBook> {
        self.books.iter_mut()
    }

    /// The Call-ID of a stamp's call.
    pub fn call_id(&self, hash: u64) -> Option<&str> {
        Some(&self.books[*self.by_hash.get(&hash)?].call.call_id)
    }

    /// One end of a call closes it, or vanishes: from now on silence is nobody's fault.
    pub fn close(&mut self, at: Instant, call_id: &str) {
        if let Some(&index) = self.by_hash.get(&call_hash(call_id)) {
            self.books[index].closing.get_or_insert(at);
        }
    }

    /// All calls of this moment are closed, as by [`Calls::close`].
    pub fn close_all(&mut self, at: Instant) {
        for book in &mut self.books {
            book.closing.get_or_insert(at);
        }
    }

    /// A phone sent a 2xx to an INVITE.
    pub fn answers(&mut self, at: Instant, phone: usize, call_id: &str) {
        if let Some(&index) = self.by_hash.get(&call_hash(call_id)) {
            let book = &mut self.books[index];
            if book.phones[1].is_none_or(|callee| callee == phone) {
                book.call.callee_answers.get_or_insert(at);
            }
        }
    }

    /// A phone told something.
    pub fn event(&mut self, at: Instant, phone: usize, who: &Phone, event: &PhoneEvent) {
        let ended = matches!(event, PhoneEvent::Ended(_));
        let Some(call_id) = (if ended { who.ended_call_id() } else { who.call_id() }) else { return };
        if !matters(event) {
            return;
        }
        let index = self.open(at, call_id);
        let book = &mut self.books[index];
        let is_callee = book.phones[1] == Some(phone)
            || matches!(event, PhoneEvent::Incoming { .. })
            || (book.phones[0].is_some_and(|caller| caller != phone) && book.phones[1].is_none());
        let role = usize::from(is_callee);
        book.phones[role].get_or_insert(phone);
        let call = &mut book.call;
        match event {
            PhoneEvent::Ringing { .. } => drop(call.ringing.get_or_insert(at)),
            PhoneEvent::Incoming { .. } => drop(call.callee_rings.get_or_insert(at)),
            PhoneEvent::Established if !is_callee => drop(call.answered.get_or_insert(at)),
            PhoneEvent::Dtmf(key) => call.keys[1 - role].push(*key),
            PhoneEvent::Ended(how) => {
                book.closing.get_or_insert(at);
                call.ended[role].get_or_insert(at);
                let (text, status) = told(how);
                if !is_callee || call.end.is_empty() {
                    call.end = text;
                    call.status = status;
                }
            }
            _ => {}
        }
    }

    /// The book of a call. Books stay where they are.
    fn find(&mut self, hash: u64) -> Option<usize> {
        self.found.get_or(hash, hash, || self.by_hash.get(&hash).copied())
    }

    /// A phone sent a packet.
    pub fn spoke(&mut self, at: Instant, stamp: &Stamp, _to: SocketAddr) {
        if stamp.kind != MediaKind::Audio {
            return;
        }
        let Some(index) = self.find(stamp.call) else { return };
        let book = &mut self.books[index];
        let role = usize::from(book.phones[0] != Some(stamp.speaker as usize));
        // A 2xx over TCP is not seen; the callee's first packet follows it.
        if role == 1 && book.call.answered.is_some() {
            book.call.callee_answers.get_or_insert(at);
        }
        if book.closing.is_none() && book.call.callee_answers.is_some() {
            book.listeners[role].get_or_insert_with(|| Listener::new(PACKET_TIME)).sent(stamp.number, at);
        }
    }

    /// A phone got a packet.
    pub fn heard(&mut self, at: Instant, phone: usize, stamp: &Stamp, from: SocketAddr, map: &Map) {
        if stamp.kind != MediaKind::Audio {
            return;
        }
        let Some(index) = self.find(stamp.call) else { return };
        let book = &mut self.books[index];
        let talker = stamp.speaker as usize;
        let role = usize::from(book.phones[0] != Some(talker));
        if book.phones[1 - role].is_some_and(|listener| listener != phone) {
            return;
        }
        let sent_at = stamp.sent_at;
        if book.closing.is_some_and(|closing| sent_at > closing) {
            return;
        }
        if map.phones.get(talker).is_some_and(|talker| talker.addr == from.ip()) {
            book.call.direct_media = true;
        }
        if let Some(listener) = &mut book.listeners[role] {
            listener.packet(stamp.number, sent_at, at);
        }
    }

    /// Calls that begin from now on are none of the scenario's.
    pub fn close_register(&mut self) {
        self.registered = Some(self.books.len());
    }

    /// The scenario's calls as they are now.
    pub fn snapshot(&self, at: Instant, map: &Map) -> Vec<Call> {
        let books = self.books.iter().take(self.registered.unwrap_or(usize::MAX));
        books.map(|book| book.told(at, map)).collect()
    }

    /// Closes the books.
    pub fn finish(&mut self, at: Instant, map: &Map) -> Vec<Call> {
        let calls = self.snapshot(at, map);
        *self = Calls::default();
        calls
    }
}

impl CallBook {
    fn told(&self, at: Instant, map: &Map) -> Call {
        let name = |phone: Option<usize>| phone.map(|phone| map.phones[phone].name.clone());
        let mut call = self.call.clone();
        call.caller = name(self.phones[0]).unwrap_or_default();
        call.callee = name(self.phones[1]).unwrap_or(call.callee);
        for (role, listener) in self.listeners.iter().enumerate() {
            let Some(listener) = listener.clone() else { continue };
            let (hears, talks) =
                if role == 0 { (&call.callee, &call.caller) } else { (&call.caller, &call.callee) };
            call.hearings[role] = listener.finish(hears, talks, self.closing.unwrap_or(at));
        }
        call
    }
}

fn matters(event: &PhoneEvent) -> bool {
    matches!(
        event,
        PhoneEvent::Ringing { .. }
            | PhoneEvent::Incoming { .. }
            | PhoneEvent::Established
            | PhoneEvent::Dtmf(_)
            | PhoneEvent::Ended(_)
    )
}

fn told(how: &Ended) -> (String, u16) {
    match how {
        Ended::HungUp(200) => ("hung up".into(), 0),
        Ended::HungUp(status) => (format!("hung up, answered with {status}"), 0),
        Ended::PeerHungUp => ("hung up by the callee".into(), 0),
        Ended::Cancelled | Ended::PeerCancelled => ("cancelled".into(), 487),
        Ended::Refused(status) | Ended::Declined(status) => (format!("refused with {status}"), *status),
        Ended::NoAck => ("the ACK never came".into(), 0),
    }
}

/// A packet of voice.
const PACKET_TIME: Duration = Duration::from_millis(20);
/// Calls at a time that are found at once.
const FOUND_MAX: usize = 256;
