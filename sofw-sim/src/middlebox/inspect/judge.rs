//! What the first bytes of a stream must be, judged byte by byte.

/// What is thought of a stream so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opinion {
    Undecided,
    Good,
    Bad,
}

/// A judge of the beginning of one stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Judge {
    /// `method SP request-target SP HTTP/1.` (RFC 9112 §3). `connect`: how much of "CONNECT" was read, if that is denied.
    Method {
        length: usize,
        connect: Option<usize>,
    },
    Target {
        length: usize,
    },
    RequestVersion {
        read: usize,
    },
    /// `HTTP/1.` (RFC 9112 §4).
    ResponseVersion {
        read: usize,
    },
    /// A handshake record with a ClientHello (RFC 8446 §5.1, §4).
    ClientHello {
        read: usize,
    },
    /// A handshake record or an alert.
    ServerRecord {
        read: usize,
    },
    Satisfied,
}

impl Judge {
    pub(super) fn request(deny_connect: bool) -> Judge {
        Judge::Method { length: 0, connect: deny_connect.then_some(0) }
    }

    pub(super) fn response() -> Judge {
        Judge::ResponseVersion { read: 0 }
    }

    pub(super) fn client_hello() -> Judge {
        Judge::ClientHello { read: 0 }
    }

    pub(super) fn server_record() -> Judge {
        Judge::ServerRecord { read: 0 }
    }

    pub(super) fn is_good(self) -> bool {
        self == Judge::Satisfied
    }

    pub(super) fn is_client(self) -> bool {
        !matches!(self, Judge::ResponseVersion { .. } | Judge::ServerRecord { .. })
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Opinion {
        for &byte in bytes {
            match self.step(byte) {
                Some(Judge::Satisfied) => {
                    *self = Judge::Satisfied;
                    return Opinion::Good;
                }
                Some(next) => *self = next,
                None => return Opinion::Bad,
            }
        }
        Opinion::Undecided
    }

    fn step(self, byte: u8) -> Option<Judge> {
        match self {
            Judge::Method { length, connect } => match byte {
                b' ' if length == 0 || connect == Some(CONNECT.len()) => None,
                b' ' => Some(Judge::Target { length: 0 }),
                _ if !is_token(byte) || length == METHOD_MAX => None,
                _ => {
                    let connect =
                        connect.filter(|&read| CONNECT.get(read) == Some(&byte)).map(|read| read + 1);
                    Some(Judge::Method { length: length + 1, connect })
                }
            },
            Judge::Target { length } => match byte {
                b' ' => (length > 0).then_some(Judge::RequestVersion { read: 0 }),
                _ => (byte.is_ascii_graphic() && length < TARGET_MAX)
                    .then_some(Judge::Target { length: length + 1 }),
            },
            Judge::RequestVersion { read } => version(read, byte)
                .map(|done| if done { Judge::Satisfied } else { Judge::RequestVersion { read: read + 1 } }),
            Judge::ResponseVersion { read } => version(read, byte)
                .map(|done| if done { Judge::Satisfied } else { Judge::ResponseVersion { read: read + 1 } }),
            Judge::ClientHello { read } => {
                let right = match read {
                    0 => byte == HANDSHAKE,
                    1 => byte == TLS_MAJOR,
                    2 => byte <= TLS_MINOR_MAX,
                    // The two bytes of the record's length: not above 2^14.
                    3 => byte <= 0x40,
                    4 => true,
                    _ => byte == CLIENT_HELLO,
                };
                right.then_some(if read == 5 {
                    Judge::Satisfied
                } else {
                    Judge::ClientHello { read: read + 1 }
                })
            }
            Judge::ServerRecord { read } => {
                let right = if read == 0 { byte == HANDSHAKE || byte == ALERT } else { byte == TLS_MAJOR };
                right.then_some(if read == 1 {
                    Judge::Satisfied
                } else {
                    Judge::ServerRecord { read: read + 1 }
                })
            }
            Judge::Satisfied => Some(Judge::Satisfied),
        }
    }
}

/// `None` if this byte does not belong there; whether it is the last one.
fn version(read: usize, byte: u8) -> Option<bool> {
    (HTTP.get(read) == Some(&byte)).then_some(read + 1 == HTTP.len())
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const HTTP: &[u8] = b"HTTP/1.";
const CONNECT: &[u8] = b"CONNECT";
/// The longest registered method, BASELINE-CONTROL, has 16 characters.
const METHOD_MAX: usize = 24;
/// What servers usually accept.
const TARGET_MAX: usize = 8_192;
const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const TLS_MAJOR: u8 = 3;
/// TLS 1.3 in the oldest drafts; later records say 1 or 3.
const TLS_MINOR_MAX: u8 = 4;
const CLIENT_HELLO: u8 = 1;
