//! Records out of a body that may be cut anywhere.

use super::SessionError;
use crate::config::limits::RECORD_PLAINTEXT_MAX;
use crate::tunnel::seal::{LENGTH_LEN, RECORD_OVERHEAD};

/// The partial record at the end of what one HTTP body brought so far. One per body.
#[derive(Debug, Default)]
pub struct RecordReader {
    /// Length and content of a record whose end has not come; at most one record.
    partial: Vec<u8>,
    opened: u64,
    failed: Option<SessionError>,
}

impl RecordReader {
    /// For a new body.
    pub fn new() -> Self {
        RecordReader::default()
    }

    /// How many records of this body were opened. Above 0, the body comes from the peer who has the keys.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// Whether the body may end here: not within a record.
    pub fn is_between_records(&self) -> bool {
        self.partial.is_empty()
    }

    /// Gives `open` every record that is whole, without its length. After an error every further call gives it again.
    pub(super) fn read(
        &mut self,
        mut body: &[u8],
        mut open: impl FnMut(&[u8]) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while !body.is_empty() {
            body = self.step(body, &mut open).inspect_err(|error| self.failed = Some(*error))?;
        }
        Ok(())
    }

    /// Takes at most one record's worth of `body`; gives the rest.
    fn step<'b>(
        &mut self,
        body: &'b [u8],
        open: &mut impl FnMut(&[u8]) -> Result<(), SessionError>,
    ) -> Result<&'b [u8], SessionError> {
        if self.partial.is_empty() {
            // The usual case: a record that came in one piece is opened where it lies.
            if let Some((record, rest)) = record_len(body)?.and_then(|len| body.split_at_checked(len)) {
                open(&record[LENGTH_LEN..])?;
                self.opened += 1;
                return Ok(rest);
            }
        }
        let wanted = record_len(&self.partial)?.unwrap_or(LENGTH_LEN);
        let (piece, rest) = body.split_at(body.len().min(wanted - self.partial.len()));
        self.partial.extend_from_slice(piece);
        if record_len(&self.partial)? == Some(self.partial.len()) {
            open(&self.partial[LENGTH_LEN..])?;
            self.opened += 1;
            self.partial.clear();
        }
        Ok(rest)
    }
}

/// Bytes of the record at the front of `bytes`, its length included, once that has come.
fn record_len(bytes: &[u8]) -> Result<Option<usize>, SessionError> {
    let Some((length, _)) = bytes.split_first_chunk::<LENGTH_LEN>() else { return Ok(None) };
    let len = LENGTH_LEN + usize::from(u16::from_be_bytes(*length));
    if (RECORD_OVERHEAD..=RECORD_OVERHEAD + RECORD_PLAINTEXT_MAX).contains(&len) {
        Ok(Some(len))
    } else {
        Err(SessionError::RecordLength)
    }
}
