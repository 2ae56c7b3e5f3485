//! One TCP connection of HRAC's: what it is for, and how far it is.

use crate::base::Instant;
use crate::config::limits::TUNNEL_ANSWER_TIMEOUT;
use crate::tunnel::http::exchange::Reader;
use crate::tunnel::seal::PendingHello;
use crate::tunnel::session::RecordReader;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The POST that begins a session.
    Hello,
    /// The GET whose response carries frames down.
    Down,
    /// A POST whose chunked body carries frames up.
    Stream,
    /// Short POSTs, one after the other; between them, and after a hello, it is idle.
    Post,
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// TCP is not yet up.
    Connecting,
    /// CONNECT was sent to the proxy.
    Tunnelling,
    /// No exchange is under way.
    Ready,
    /// A request was begun and its response is not over.
    Exchange,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Index of the way out.
    pub way: usize,
    pub purpose: Purpose,
    pub stage: Stage,
    pub reader: Reader,
    /// The partial record at the end of the downlink.
    pub lane: RecordReader,
    pub hello: Option<PendingHello>,
    /// The hello's answer so far.
    pub answer: Vec<u8>,
    /// A write is with the driver.
    pub writing: bool,
    /// The last chunk of a streaming POST was, or is to be, written.
    pub ending: bool,
    /// The last chunk waits for the write under way.
    pub end_due: bool,
    /// The other end closed it: there is nothing to close any more.
    pub gone: bool,
    /// Status of the response that is being read.
    pub status: Option<u16>,
    /// The proxy wants credentials and we have them: the same request goes out once more.
    pub again: bool,
    pub keep_alive: bool,
    /// The request carried credentials for the proxy.
    pub authorized: bool,
    /// Exchanges finished on this connection. If it dies before an answer to a later one, it was closed in silence.
    pub finished: u32,
    /// When the present stage's wait began.
    pub since: Instant,
    pub last_received: Instant,
    /// Body bytes of the present exchange, either way.
    pub bytes: u64,
}

impl Connection {
    pub fn new(way: usize, purpose: Purpose, now: Instant) -> Connection {
        Connection {
            way,
            purpose,
            stage: Stage::Connecting,
            reader: Reader::responses(),
            lane: RecordReader::new(),
            hello: None,
            answer: Vec::new(),
            writing: false,
            ending: false,
            end_due: false,
            gone: false,
            status: None,
            again: false,
            keep_alive: true,
            authorized: false,
            finished: 0,
            since: now,
            last_received: now,
            bytes: 0,
        }
    }

    /// A request was written: its response is expected.
    pub fn begin(&mut self, now: Instant, authorized: bool) {
        self.stage = Stage::Exchange;
        self.authorized = authorized;
        self.writing = true;
        self.status = None;
        self.again = false;
        self.since = now;
        self.last_received = now;
        self.bytes = 0;
        self.answer.clear();
    }

    /// Whether a request may be written now.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Ready && !self.writing
    }

    /// It was used before and died before a word of answer: proxies close idle connections without notice.
    pub fn closed_in_silence(&self, now: Instant) -> bool {
        let unanswered = self.status.is_none() && !self.reader.is_inside();
        let at_once = now.since(self.since) < TUNNEL_ANSWER_TIMEOUT;
        self.stage == Stage::Exchange && self.finished > 0 && unanswered && at_once
    }
}
