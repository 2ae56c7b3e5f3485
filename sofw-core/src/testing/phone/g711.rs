//! G.711 µ-law (ITU-T G.711): one byte per sample at 8000 samples per second.

/// Samples per second.
pub const SAMPLE_RATE: u32 = 8_000;

const BIAS: i32 = 0x84;
const CLIP: i32 = 32_635;

/// One 16-bit sample as µ-law.
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80u8 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The bias makes bit 7 the lowest segment bit that can lead, so the exponent is 0..=7.
    let exponent = (magnitude.ilog2() - 7) as u8;
    let mantissa = ((magnitude >> (exponent + 3)) & 0x0f) as u8;
    !(sign | (exponent << 4) | mantissa)
}

/// One µ-law byte as a 16-bit sample.
pub fn decode(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 0x07;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + BIAS) << exponent;
    let value = magnitude - BIAS;
    // At most 32,124, so it fits.
    (if byte & 0x80 != 0 { -value } else { value }) as i16
}

/// The µ-law byte of silence.
pub const SILENCE: u8 = 0xff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for byte in 0..=255u8 {
            let sample = decode(byte);
            // 0x7f is minus zero; it comes back as plus zero.
            let expected = if byte == 0x7f { 0xff } else { byte };
            assert_eq!(encode(sample), expected, "{byte:#x} -> {sample}");
        }
    }

    #[test]
    fn silence_and_extremes() {
        assert_eq!(encode(0), SILENCE);
        assert_eq!(decode(SILENCE), 0);
        assert_eq!(decode(encode(i16::MAX)), 32_124);
        assert_eq!(decode(encode(i16::MIN)), -32_124);
    }

    #[test]
    fn the_error_is_below_a_sixteenth_of_the_sample() {
        for sample in (-32_000..32_000).step_by(37) {
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            assert!(error <= i32::from(sample).abs() / 16 + 4, "{sample}: {error}");
        }
    }
}
