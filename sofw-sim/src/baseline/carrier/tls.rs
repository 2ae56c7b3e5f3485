//! What looks and weighs like TLS (RFC 8446 §5.1): records, and a hello from each side. Nothing is encrypted.

use sofw_core::base::Rng;

use crate::baseline::message::Broken;

/// Record types that we write (RFC 8446 §B.1).
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// Type, legacy version, length.
const HEADER: usize = 5;
/// Inner type and authentication tag (RFC 8446 §5.2).
const TAIL: usize = 17;
/// What one record adds to its data.
pub const OVERHEAD: usize = HEADER + TAIL;
/// Most data in a record (RFC 8446 §5.1).
const DATA_MAX: usize = 16 * 1024;
/// Random bytes of a hello.
const RANDOM: usize = 32;
/// Length of a ClientHello record as browsers pad it, so that it is nothing special (RFC 7685).
const CLIENT_HELLO: usize = 517;
/// Length of the rest of the server's flight: a chain of two certificates and their proof.
const SERVER_FLIGHT: usize = 2_500;

/// `data` in records.
pub fn data(data: &[u8]) -> Vec<u8> {
    let mut records = Vec::with_capacity(data.len() + OVERHEAD);
    for piece in data.chunks(DATA_MAX) {
        record(APPLICATION_DATA, piece.len() + TAIL, &mut records);
        records.extend_from_slice(piece);
        records.resize(records.len() + TAIL, 0);
    }
    records
}

/// The record of a ClientHello (RFC 8446 §4.1.2) for a server name, padded.
pub fn client_hello(name: &str, rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![3, 3];
    random(RANDOM, rng, &mut body);
    body.push(32);
    random(32, rng, &mut body);
    // Cipher suites AES_128_GCM, AES_256_GCM, CHACHA20; no compression.
    body.extend_from_slice(&[0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0]);
    let mut extensions = Vec::new();
    // supported_versions: 1.3.
    extensions.extend_from_slice(&[0, 43, 0, 3, 2, 3, 4]);
    // server_name (RFC 6066 §3), which a certificate check or a filter would look at.
    let name = &name.as_bytes()[..name.len().min(NAME_MAX)];
    let length = name.len() as u16;
    for (number, more) in [(0, None), (length + 5, None), (length + 3, Some(0)), (length, None)] {
        extensions.extend_from_slice(&u16::to_be_bytes(number));
        extensions.extend(more);
    }
    extensions.extend_from_slice(name);
    let used = HEADER + 4 + body.len() + 2 + extensions.len() + 4;
    let padding = CLIENT_HELLO.saturating_sub(used);
    extensions.extend_from_slice(&[0, 21]);
    extensions.extend_from_slice(&(padding as u16).to_be_bytes());
    extensions.resize(extensions.len() + padding, 0);
    body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(&extensions);
    handshake(1, &body)
}

/// The record of a ServerHello (RFC 8446 §4.1.3) and, as application data, the rest of its flight.
pub fn server_hello(rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![3, 3];
    random(RANDOM, rng, &mut body);
    // No session id, AES_128_GCM, no compression, supported_versions.
    body.extend_from_slice(&[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    let mut flight = handshake(2, &body);
    record(APPLICATION_DATA, SERVER_FLIGHT, &mut flight);
    random(SERVER_FLIGHT, rng, &mut flight);
    flight
}

fn handshake(message: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    record(HANDSHAKE, body.len() + 4, &mut bytes);
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    bytes.extend_from_slice(&[message, a, b, c]);
    bytes.extend_from_slice(body);
    bytes
}

fn record(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind, 3, 3]);
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

fn random(length: usize, rng: &mut Rng, out: &mut Vec<u8>) {
    let at = out.len();
    out.resize(at + length, 0);
    rng.fill(&mut out[at..]);
}

/// Takes a stream, cut anywhere, and gives what its records carry. It keeps less than one record.
#[derive(Clone, Debug, Default)]
pub struct Records {
    buffer: Vec<u8>,
    at: usize,
    /// Records that are skipped yet as part of the handshake.
    flight: u8,
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A hello.
    Hello,
    /// Data.
    Data(Vec<u8>),
}

impl Records {
    /// For the side that waits for a server's flight: its rest is no data.
    pub fn of_server() -> Self {
        Records { flight: 1, ..Records::default() }
    }

    /// Takes bytes; ask for records then until there are none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole record.
    ///
    /// # Errors
    /// [`Broken`] if this is no TLS; the connection is of no use then.
    pub fn next(&mut self) -> Result<Option<Record>, Broken> {
        loop {
            let rest = &self.buffer[self.at..];
            // What cannot be TLS need not be waited for.
            if rest.first().is_some_and(|kind| !matches!(*kind, HANDSHAKE | APPLICATION_DATA)) {
                return Err(Broken);
            }
            let Some(head) = rest.get(..HEADER) else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
            if head[1] != 3 || length > DATA_MAX + TAIL {
                return Err(Broken);
            }
            let Some(body) = rest.get(HEADER..HEADER + length) else { return Ok(None) };
            let record = match head[0] {
                HANDSHAKE => Some(Record::Hello),
                _ if self.flight > 0 => {
                    self.flight -= 1;
                    None
                }
                _ => {
                    let data = length.checked_sub(TAIL).ok_or(Broken)?;
                    Some(Record::Data(body[..data].to_vec()))
                }
            };
            self.at += HEADER + length;
            if record.is_some() {
                return Ok(record);
            }
        }
    }
}

/// Longest name that fits the padded hello.
const NAME_MAX: usize = 255;
