//! What a recording holds: tones, told apart by their spectrum.

use std::f64::consts::TAU;
use std::path::Path;

/// A mono recording of 16-bit samples.
pub struct Recording {
    rate: u32,
    samples: Vec<i16>,
}

impl Recording {
    /// Reads a WAV file, also one that is still being written (whose header does not yet tell its length).
    pub fn read(path: &Path) -> Option<Recording> {
        let bytes = std::fs::read(path).ok()?;
        if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
            return None;
        }
        let (mut at, mut rate) = (12, None);
        loop {
            let kind = bytes.get(at..at + 4)?;
            let length = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?) as usize;
            match kind {
                b"fmt " => rate = Some(u32::from_le_bytes(bytes.get(at + 12..at + 16)?.try_into().ok()?)),
                b"data" => {
                    let pairs = bytes[at + 8..].chunks_exact(2);
                    let samples = pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                    return Some(Recording { rate: rate?, samples });
                }
                _ => {}
            }
            at += 8 + length + length % 2;
        }
    }

    /// A recording of given samples.
    pub fn new(rate: u32, samples: Vec<i16>) -> Recording {
        Recording { rate, samples }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// The part from a sample on.
    pub fn since(&self, sample: usize) -> Recording {
        Recording { rate: self.rate, samples: self.samples.get(sample..).unwrap_or_default().to_vec() }
    }

    /// How many seconds of it are this tone and hardly anything else.
    pub fn seconds_of(&self, hertz: f64) -> f64 {
        let window = self.rate as usize / WINDOWS_PER_SECOND;
        let heard =
            self.samples.chunks_exact(window).filter(|samples| share(samples, self.rate, hertz) > SHARE_MIN);
        heard.count() as f64 / WINDOWS_PER_SECOND as f64
    }
}

/// The share of a tone in the power of some samples (Goertzel), 0 if they are silent.
fn share(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / f64::from(rate)).cos();
    let (mut before, mut last, mut energy) = (0.0, 0.0, 0.0);
    for sample in samples.iter().map(|sample| f64::from(*sample)) {
        (before, last) = (last, sample + coefficient * last - before);
        energy += sample * sample;
    }
    let count = samples.len() as f64;
    if (energy / count).sqrt() < LOUDNESS_MIN {
        return 0.0;
    }
    let power = before * before + last * last - coefficient * before * last;
    2.0 * power / count / energy
}

const WINDOWS_PER_SECOND: usize = 10;
/// A pure tone has 1; a G.711 one a little less.
const SHARE_MIN: f64 = 0.8;
const LOUDNESS_MIN: f64 = 300.0;

#[test]
fn a_tone_is_told_from_another_and_from_silence() {
    let tone = |hertz: f64| {
        (0..8000).map(|n| ((TAU * hertz * f64::from(n) / 8000.0).sin() * 9000.0) as i16).collect()
    };
    let a = Recording::new(8000, tone(440.0));
    assert!(a.seconds_of(440.0) > 0.95);
    assert_eq!(a.seconds_of(1000.0), 0.0);
    assert_eq!(Recording::new(8000, vec![0; 8000]).seconds_of(440.0), 0.0);
    let both: Vec<i16> = a.samples.iter().zip(tone(1000.0) as Vec<i16>).map(|(a, b)| a / 2 + b / 2).collect();
    assert_eq!(Recording::new(8000, both).seconds_of(440.0), 0.0);
}
