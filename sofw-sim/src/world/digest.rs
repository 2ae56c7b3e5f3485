//! A fingerprint of a run.

use sofw_core::base::Instant;

use super::NodeId;

/// A quick mix of all bytes that arrived at hosts, of when and where; no defence against anybody.
///
/// Four lanes, because one multiplication need not wait for another's result then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest([u64; LANES]);

impl Default for Digest {
    fn default() -> Self {
        Digest([START, !START, START.rotate_left(21), START.rotate_left(42)])
    }
}

impl Digest {
    /// A packet arrives.
    pub fn arrival(&mut self, now: Instant, node: NodeId, bytes: &[u8]) {
        let mut lanes = self.0;
        lanes[0] = mix(lanes[0], now.as_nanos());
        lanes[1] = mix(lanes[1], node as u64);
        lanes[2] = mix(lanes[2], bytes.len() as u64);
        let (rounds, rest) = bytes.as_chunks::<ROUND>();
        let mut round_of = |round: &[u8; ROUND]| {
            let (words, _) = round.as_chunks::<8>();
            for (lane, word) in lanes.iter_mut().zip(words) {
                *lane = mix(*lane, u64::from_le_bytes(*word));
            }
        };
        rounds.iter().for_each(&mut round_of);
        let mut last = [0; ROUND];
        last[..rest.len()].copy_from_slice(rest);
        round_of(&last);
        self.0 = lanes;
    }

    /// Equal runs have equal ones.
    pub fn value(&self) -> u64 {
        self.0.iter().fold(START, |value, &lane| mix(value, lane))
    }
}

fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

const LANES: usize = 4;
const ROUND: usize = 8 * LANES;
const START: u64 = 0xcbf2_9ce4_8422_2325;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_place_and_moment_counts() {
        let digest = |moment: u64, node: NodeId, bytes: &[u8]| {
            let mut digest = Digest::default();
            digest.arrival(Instant::from_nanos(moment), node, bytes);
            digest.value()
        };
        let bytes: Vec<u8> = (0..100).collect();
        let usual = digest(5, 3, &bytes);
        assert_eq!(digest(5, 3, &bytes), usual);
        assert!(
            digest(6, 3, &bytes) != usual
                && digest(5, 4, &bytes) != usual
                && digest(5, 3, &bytes[1..]) != usual
        );
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(digest(5, 3, &other), usual, "bit {bit}");
        }
    }
}
