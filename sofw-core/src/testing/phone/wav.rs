//! WAV files: 16-bit PCM at 8000 samples per second.

use super::g711::SAMPLE_RATE;

/// A WAV file of `channels` (one slice each; shorter ones end in silence).
pub fn write(channels: &[&[i16]]) -> Vec<u8> {
    let frames = channels.iter().map(|c| c.len()).max().unwrap_or(0);
    let count = channels.len() as u16;
    let data_len = (frames * channels.len() * 2) as u32;
    let mut out = Vec::with_capacity(HEAD_LEN + data_len as usize);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(data_len + HEAD_LEN as u32 - 8).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    out.extend_from_slice(&(SAMPLE_RATE * u32::from(count) * 2).to_le_bytes());
    out.extend_from_slice(&(count * 2).to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data_len.to_le_bytes());
    for frame in 0..frames {
        for channel in channels {
            out.extend_from_slice(&channel.get(frame).copied().unwrap_or(0).to_le_bytes());
        }
    }
    out
}

/// The channels of a 16-bit PCM WAV file of 8000 samples per second, as [`write()`] makes them and as baresip and SIPp's
/// companions record; `None` if it is anything else.
pub fn read(bytes: &[u8]) -> Option<Vec<Vec<i16>>> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut channel_count) = (12, None);
    loop {
        let name = bytes.get(at..at + 4)?;
        let len = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        let start = at + 8;
        // A recorder that was killed leaves a length that is too great.
        let chunk = &bytes[start..bytes.len().min(start.checked_add(len)?)];
        match name {
            b"fmt " => {
                let word = |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
                let rate = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
                if word(0)? != 1 || word(14)? != 16 || rate != SAMPLE_RATE || word(2)? == 0 {
                    return None;
                }
                channel_count = Some(usize::from(word(2)?));
            }
            b"data" => {
                let count = channel_count?;
                let samples: Vec<i16> =
                    chunk.chunks_exact(2).map(|s| i16::from_le_bytes([s[0], s[1]])).collect();
                return Some(
                    (0..count).map(|c| samples.iter().skip(c).step_by(count).copied().collect()).collect(),
                );
            }
            _ => {}
        }
        at = start + len + len % 2;
    }
}

const HEAD_LEN: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stereo_is_read_as_written() {
        let left: Vec<i16> = (0..800).collect();
        let right: Vec<i16> = (0..500).map(|n| -n).collect();
        let bytes = write(&[&left, &right]);
        assert_eq!(bytes.len(), 44 + 800 * 4);
        let channels = read(&bytes).expect("a WAV file");
        assert_eq!(channels[0], left);
        assert_eq!(channels[1][..500], right[..]);
        assert!(channels[1][500..].iter().all(|&s| s == 0));
    }

    #[test]
    fn cut_files_never_panic() {
        let bytes = write(&[&[1, 2, 3]]);
        for len in 0..bytes.len() {
            let _ = read(&bytes[..len]);
        }
        assert_eq!(read(b"RIFFxxxxWAVE"), None);
    }
}
