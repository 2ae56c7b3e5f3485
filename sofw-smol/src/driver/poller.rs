//! One wait for everything: an epoll set of our own. A driver with a thread to itself blocks in it; one that shares an
//! executor awaits it through [`Async`].
//!
//! async-io arms its poller one-shot for each source, which costs an `epoll_ctl` and often an empty read per packet.
//! Here only the set's own descriptor goes through it, so that a wake-up costs one re-arm however many sockets are ready.
//! Even so the reactor makes about a dozen system calls per wake-up, and often wakes its own helper thread; a voice
//! packet of a quiet machine is a wake-up, hence the way around it.
//!
//! Level-triggered throughout: what one round leaves unread shows again in the next, so rounds may be bounded without
//! book-keeping and no read is needed to learn that a socket is empty. The exceptions are the timer and the
//! mailbox's eventfd, edge-triggered, so that they need not be read at all. If media gathers, its sockets sit in a second
//! set inside the first, so that all of them can be silenced for a moment by one call (see [`super::Options::gather`]).

use core::mem::MaybeUninit;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use async_io::Async;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use sofw_core::base::{Duration, Instant};

/// What a ready descriptor is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Token {
    /// The set of all media sockets.
    MediaSet,
    /// The timer: nothing to read, look at the deadlines.
    Timer,
    /// The mailbox: nothing to read, look into it.
    Mailbox,
    /// A media socket, by its port.
    Media(u16),
    /// A SIP datagram socket, by its index.
    SipUdp(u16),
    /// A listener, by its slot.
    Listener(u32),
    /// A connection, by its slot and a count that tells successive users of a slot apart.
    Conn(u32, u32),
}

/// A descriptor that is ready.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Which.
    pub token: Token,
    /// May be written.
    pub writable: bool,
    /// May be read, or has an end or an error that a read will show.
    pub readable: bool,
}

/// What a connection waits for.
pub const READ: epoll::EventFlags = epoll::EventFlags::IN;
/// What a connection with bytes left to write waits for.
pub const READ_WRITE: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::OUT);
/// What an unfinished connect waits for.
pub const WRITE: epoll::EventFlags = epoll::EventFlags::OUT;

/// The set, its timer and its mailbox signal.
pub struct Poller {
    main: Async<OwnedFd>,
    /// Media sockets, if they gather: a set in the set.
    media: Option<OwnedFd>,
    media_silenced: bool,
    timer: OwnedFd,
    armed: Option<Instant>,
    signal: Arc<OwnedFd>,
}

impl Poller {
    /// An empty set. With `gathers`, media sockets can be silenced.
    pub fn new(gathers: bool) -> io::Result<Self> {
        let main = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let media = if gathers { Some(epoll::create(epoll::CreateFlags::CLOEXEC)?) } else { None };
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let signal = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        if let Some(media) = &media {
            epoll::add(&main, media, Token::MediaSet.pack(), epoll::EventFlags::IN)?;
        }
        epoll::add(&main, &timer, Token::Timer.pack(), edge)?;
        epoll::add(&main, &signal, Token::Mailbox.pack(), edge)?;
        let main = Async::new_nonblocking(main)?;
        Ok(Poller { main, media, media_silenced: false, timer, armed: None, signal: Arc::new(signal) })
    }

    /// What wakes this set from other threads: write 8 bytes to it.
    pub fn signal(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.signal)
    }

    /// Waits until something is ready.
    pub async fn wait(&self) -> io::Result<()> {
        self.main.readable().await
    }

    /// What is ready now, appended to `ready`: everything but gathering media sockets.
    pub fn collect(&self, ready: &mut Vec<Ready>) -> io::Result<()> {
        collect(self.main.as_fd(), ready, Some(&AT_ONCE))
    }

    /// As [`Poller::collect`], and blocks the thread until something is.
    pub fn block(&self, ready: &mut Vec<Ready>) -> io::Result<()> {
        collect(self.main.as_fd(), ready, None)
    }

    /// The gathering media sockets that are ready now, appended to `ready`.
    pub fn collect_media(&self, ready: &mut Vec<Ready>) -> io::Result<()> {
        match &self.media {
            Some(media) => collect(media.as_fd(), ready, Some(&AT_ONCE)),
            None => Ok(()),
        }
    }

    /// Adds a descriptor.
    pub fn add(&self, fd: impl AsFd, token: Token, interest: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::add(self.set_of(token), fd, token.pack(), interest)?)
    }

    /// Changes what a descriptor waits for.
    pub fn change(&self, fd: impl AsFd, token: Token, interest: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::modify(self.set_of(token), fd, token.pack(), interest)?)
    }

    /// Lets media sockets wake us, or not.
    pub fn silence_media(&mut self, silent: bool) -> io::Result<()> {
        if let Some(media) = self.media.as_ref().filter(|_| self.media_silenced != silent) {
            let interest = if silent { epoll::EventFlags::empty() } else { epoll::EventFlags::IN };
            epoll::modify(&self.main, media, Token::MediaSet.pack(), interest)?;
            self.media_silenced = silent;
        }
        Ok(())
    }

    /// Makes the timer fire at `at` or before. A timer that is too early costs one idle wake-up; setting it for each change
    /// would cost a system call per batch.
    pub fn wake_at(&mut self, now: Instant, at: Instant) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        let wait = at.since(now).max(Duration::from_nanos(1));
        let value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.armed = Some(at);
        Ok(())
    }

    /// The timer fired.
    pub fn timer_fired(&mut self) {
        self.armed = None;
    }

    fn set_of(&self, token: Token) -> BorrowedFd<'_> {
        match (&self.media, token) {
            (Some(media), Token::Media(_)) => media.as_fd(),
            _ => self.main.as_fd(),
        }
    }
}

fn collect(set: BorrowedFd<'_>, ready: &mut Vec<Ready>, patience: Option<&Timespec>) -> io::Result<()> {
    // On the stack: a kept buffer of these would make the driver stay on one thread, as they may hold pointers.
    let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; EVENTS_PER_ROUND];
    let events = match epoll::wait(set, &mut events[..], patience) {
        Ok((events, _)) => events,
        Err(rustix::io::Errno::INTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    ready.extend(events.iter().filter_map(|event| {
        let flags = event.flags;
        Some(Ready {
            token: Token::unpack(event.data.u64())?,
            writable: flags
                .intersects(epoll::EventFlags::OUT | epoll::EventFlags::ERR | epoll::EventFlags::HUP),
            readable: flags
                .intersects(epoll::EventFlags::IN | epoll::EventFlags::ERR | epoll::EventFlags::HUP),
        })
    }));
    Ok(())
}

impl Token {
    /// Kind in bits 60…63, generation in 32…59, number in 0…31.
    fn pack(self) -> epoll::EventData {
        let (kind, number, generation) = match self {
            Token::MediaSet => (0, 0, 0),
            Token::Timer => (1, 0, 0),
            Token::Mailbox => (2, 0, 0),
            Token::Media(port) => (3, u32::from(port), 0),
            Token::SipUdp(index) => (4, u32::from(index), 0),
            Token::Listener(slot) => (5, slot, 0),
            Token::Conn(slot, generation) => (6, slot, generation & GENERATION_MASK),
        };
        epoll::EventData::new_u64((kind << 60) | (u64::from(generation) << 32) | u64::from(number))
    }

    fn unpack(data: u64) -> Option<Token> {
        let number = data as u32;
        let generation = (data >> 32) as u32 & GENERATION_MASK;
        Some(match data >> 60 {
            0 => Token::MediaSet,
            1 => Token::Timer,
            2 => Token::Mailbox,
            3 => Token::Media(number as u16),
            4 => Token::SipUdp(number as u16),
            5 => Token::Listener(number),
            6 => Token::Conn(number, generation),
            _ => return None,
        })
    }
}

/// The bits of a connection's generation that fit a token.
pub const GENERATION_MASK: u32 = (1 << 28) - 1;

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Most descriptors looked at per round; the kernel rotates its list, so none starves.
const EVENTS_PER_ROUND: usize = 256;
