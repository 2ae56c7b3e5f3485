//! A bare epoll set, level-triggered: one system call per wait and nothing else, so that the plain relays are as lean as
//! they can be.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, EventData, EventFlags};

/// A set of readable descriptors with a key each.
pub struct Epoll {
    set: OwnedFd,
    events: [MaybeUninit<epoll::Event>; 1024],
}

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Epoll { set, events: [const { MaybeUninit::uninit() }; 1024] })
    }

    /// Watches `fd` for reading.
    pub fn add(&self, fd: impl AsFd, key: usize) -> io::Result<()> {
        Ok(epoll::add(&self.set, fd, EventData::new_u64(key as u64), EventFlags::IN)?)
    }

    /// Changes what `fd` is watched for.
    pub fn change(&self, fd: impl AsFd, key: usize, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.set, fd, EventData::new_u64(key as u64), interest)?)
    }

    /// Waits, and gives the keys of what is ready.
    pub fn wait(&mut self) -> io::Result<impl Iterator<Item = usize>> {
        let ready: &[epoll::Event] = match epoll::wait(&self.set, &mut self.events[..], None) {
            Ok((ready, _)) => ready,
            Err(rustix::io::Errno::INTR) => &[],
            Err(error) => return Err(error.into()),
        };
        Ok(ready.iter().map(|event| event.data.u64() as usize))
    }
}
