//! What reaches a running driver from outside its loop: questions to the machine, resolved names, the order to stop.

use core::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sofw_core::base::Instant;
use sofw_core::io::{ConnId, IoError};

use super::Stats;

/// Something done with the machine between two batches.
pub type Call<M> = Box<dyn FnOnce(&mut M, Instant, &Stats) + Send>;

/// A letter to the driver.
pub enum Letter<M> {
    /// Do something with the machine.
    Call(Call<M>),
    /// A name was resolved, or not.
    Resolved(ConnId, Result<Vec<SocketAddr>, IoError>),
    /// End the loop.
    Stop,
}

/// Where letters wait. One atomic load tells the driver that there are none.
pub struct Mailbox<M> {
    /// `None` once the driver has ended: what is posted then is dropped, and whoever waits for an answer learns it.
    letters: Mutex<Option<Vec<Letter<M>>>>,
    full: AtomicBool,
    signal: Arc<OwnedFd>,
}

impl<M> Mailbox<M> {
    pub fn new(signal: Arc<OwnedFd>) -> Self {
        Mailbox { letters: Mutex::new(Some(Vec::new())), full: AtomicBool::new(false), signal }
    }

    /// Puts a letter in and wakes the driver.
    pub fn post(&self, letter: Letter<M>) {
        match &mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(letters) => letters.push(letter),
            None => return,
        }
        self.full.store(true, Ordering::Release);
        // Fails only if the counter is full, and then the driver is awake already.
        let _ = rustix::io::write(&self.signal, &1u64.to_ne_bytes());
    }

    /// All letters; usually none.
    pub fn take(&self) -> Vec<Letter<M>> {
        if !self.full.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Nobody will read any more.
    pub fn close(&self) {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropped outside the lock: a letter's contents may have a handle of their own.
        drop(letters);
    }
}

/// Speaks to a running driver, from any thread. Clones speak to the same one.
pub struct Handle<M> {
    mailbox: Arc<Mailbox<M>>,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Handle { mailbox: Arc::clone(&self.mailbox) }
    }
}

impl<M: 'static> Handle<M> {
    pub(super) fn new(mailbox: Arc<Mailbox<M>>) -> Self {
        Handle { mailbox }
    }

    /// Runs `what` with the machine between two batches and gives its result; `None` if the driver has ended.
    ///
    /// Outputs that `what` causes are carried out right after.
    pub async fn with<R: Send + 'static>(
        &self,
        what: impl FnOnce(&mut M, Instant) -> R + Send + 'static,
    ) -> Option<R> {
        self.with_stats(|machine, now, _| what(machine, now)).await
    }

    /// As [`Handle::with`], with the driver's counters.
    pub async fn with_stats<R: Send + 'static>(
        &self,
        what: impl FnOnce(&mut M, Instant, &Stats) -> R + Send + 'static,
    ) -> Option<R> {
        let (answer, question) = smol::channel::bounded(1);
        self.mailbox.post(Letter::Call(Box::new(move |machine, now, stats| {
            let _ = answer.try_send(what(machine, now, stats));
        })));
        question.recv().await.ok()
    }

    /// Ends the driver's loop.
    pub fn stop(&self) {
        self.mailbox.post(Letter::Stop);
    }
}
