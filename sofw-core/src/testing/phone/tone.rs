//! Tones: making one, and hearing which one is there.

use core::f64::consts::TAU;

use super::g711::SAMPLE_RATE;

/// A sine generator whose phase goes on from block to block.
#[derive(Clone, Debug)]
pub struct ToneGenerator {
    step: f64,
    phase: f64,
    amplitude: f64,
}

impl ToneGenerator {
    /// A sine of `hz` at `dbfs` decibels relative to a full-scale sine (0 dBFS).
    pub fn new(hz: f64, dbfs: f64) -> Self {
        ToneGenerator {
            step: TAU * hz / f64::from(SAMPLE_RATE),
            phase: 0.0,
            amplitude: f64::from(i16::MAX) * 10f64.powf(dbfs / 20.0),
        }
    }

    /// The next sample.
    pub fn next_sample(&mut self) -> i16 {
        let sample = self.phase.sin() * self.amplitude;
        self.phase = (self.phase + self.step) % TAU;
        sample as i16
    }
}

/// A tone that was found in audio.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tone {
    /// Its frequency in hertz, to about 1 Hz.
    pub hz: f64,
    /// Its level in decibels relative to a full-scale sine.
    pub dbfs: f64,
    /// How much of the audio's whole power is in it, 0 to 1. A clean tone through G.711 has more than 0.98.
    pub purity: f64,
}

impl Tone {
    /// The strongest tone between 200 and 3600 Hz, if there is anything to hear: [`Tone::LEVEL_MIN`] and a
    /// [`Tone::PURITY_MIN`] share of the power. `samples` are 16-bit at 8000 per second; at least 800 (0.1 s) are
    /// needed.
    pub fn strongest(samples: &[i16]) -> Option<Tone> {
        if samples.len() < 800 {
            return None;
        }
        // The bins of a second of audio would be 1 Hz apart: search coarsely on a part, then finely around the best.
        let part = &samples[..samples.len().min(800)];
        let mut best = (0.0, 0.0);
        let mut hz = 200.0;
        while hz <= 3_600.0 {
            best = louder(best, (hz, goertzel(part, hz)));
            hz += 5.0;
        }
        for (width, step) in [(5.0, 1.0), (1.0, 0.25)] {
            let centre = best.0;
            best = (centre, goertzel(samples, centre));
            let mut hz = centre - width;
            while hz <= centre + width {
                best = louder(best, (hz, goertzel(samples, hz)));
                hz += step;
            }
        }
        let tone = Tone::measure(samples, best.0);
        (tone.dbfs >= Tone::LEVEL_MIN && tone.purity >= Tone::PURITY_MIN).then_some(tone)
    }

    /// How strong the tone of `hz` is in `samples`.
    pub fn measure(samples: &[i16], hz: f64) -> Tone {
        let count = samples.len().max(1) as f64;
        let full = f64::from(i16::MAX);
        let power = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / count;
        // A sine of amplitude A has |X|² = (A N / 2)² and the power A² / 2.
        let amplitude = 2.0 * goertzel(samples, hz).sqrt() / count;
        let tone_power = amplitude * amplitude / 2.0;
        Tone {
            hz,
            dbfs: 20.0 * (amplitude / full).max(1e-9).log10(),
            purity: if power > 0.0 { (tone_power / power).min(1.0) } else { 0.0 },
        }
    }

    /// Quieter tones are not heard.
    pub const LEVEL_MIN: f64 = -50.0;
    /// Below this share of the power it is noise or several tones.
    pub const PURITY_MIN: f64 = 0.5;
}

fn louder(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    if b.1 > a.1 { b } else { a }
}

/// Squared magnitude of the Fourier transform at `hz` (Goertzel's algorithm).
fn goertzel(samples: &[i16], hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(SAMPLE_RATE)).cos();
    let (mut s1, mut s2) = (0.0f64, 0.0f64);
    for &sample in samples {
        let s0 = f64::from(sample) + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    s1 * s1 + s2 * s2 - coefficient * s1 * s2
}

#[cfg(test)]
mod tests {
    use super::super::g711;
    use super::*;

    fn through_g711(hz: f64, dbfs: f64, count: usize) -> Vec<i16> {
        let mut generator = ToneGenerator::new(hz, dbfs);
        (0..count).map(|_| g711::decode(g711::encode(generator.next_sample()))).collect()
    }

    #[test]
    fn a_tone_is_found_with_its_frequency_and_level() {
        for hz in [262.0, 440.0, 660.0, 1_004.0, 2_130.0, 3_400.0] {
            let tone = Tone::strongest(&through_g711(hz, -10.0, 8_000)).expect("a tone");
            assert!((tone.hz - hz).abs() <= 1.0, "{hz}: {tone:?}");
            assert!((tone.dbfs + 10.0).abs() <= 0.3, "{hz}: {tone:?}");
            assert!(tone.purity > 0.98, "{hz}: {tone:?}");
        }
    }

    #[test]
    fn silence_noise_and_short_audio_are_no_tone() {
        assert_eq!(Tone::strongest(&[0; 8_000]), None);
        assert_eq!(Tone::strongest(&through_g711(440.0, -10.0, 400)), None);
        let mut rng = crate::base::Rng::new([3; 32]);
        let noise: Vec<i16> = (0..8_000).map(|_| rng.u32() as i16 / 4).collect();
        assert_eq!(Tone::strongest(&noise), None);
    }

    #[test]
    fn other_tones_measure_weak() {
        let samples = through_g711(440.0, -10.0, 8_000);
        assert!(Tone::measure(&samples, 660.0).dbfs < -50.0);
    }
}
