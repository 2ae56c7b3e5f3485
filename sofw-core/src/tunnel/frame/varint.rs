//! Variable-length integers: seven bits a byte, least significant first, the top bit says that more follow (LEB128).
//! Only the shortest form is valid, so that what parses is emitted as the same bytes.

use super::FrameError;

/// Longest form: a 64-bit value.
const LEN_MAX: usize = 10;

/// Bytes of `value`.
pub(super) const fn len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Appends `value`.
pub(super) fn emit(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a value from the front of `bytes`; gives the rest, too.
pub(super) fn parse(bytes: &[u8]) -> Result<(u64, &[u8]), FrameError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(LEN_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        if bits << shift >> shift != bits {
            return Err(FrameError::BadVarint);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return Err(FrameError::BadVarint);
            }
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < LEN_MAX { FrameError::Truncated } else { FrameError::BadVarint })
}
