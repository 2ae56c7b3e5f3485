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
        let [a, b, c, d] = self.0;
        let mut lanes = [mix(a, now.as_nanos(), node as u64), b, c, d ^ bytes.len() as u64];
        let (rounds, rest) = bytes.as_chunks::<ROUND>();
        rounds.iter().for_each(|round| take(&mut lanes, round));
        if !rest.is_empty() {
            // The last bytes of a packet once more, rather than a copy of its rest that is filled up; the length tells how many.
            match bytes.last_chunk::<ROUND>() {
                Some(last) => take(&mut lanes, last),
                None => {
                    let mut last = [0; ROUND];
                    last[..rest.len()].copy_from_slice(rest);
                    take(&mut lanes, &last);
                }
            }
        }
        self.0 = lanes;
    }

    /// Equal runs have equal ones.
    pub fn value(&self) -> u64 {
        self.0.iter().fold(START, |value, &lane| mix(value, lane, 0))
    }
}

fn take(lanes: &mut [u64; LANES], round: &[u8; ROUND]) {
    let (pairs, _) = round.as_chunks::<16>();
    for (lane, pair) in lanes.iter_mut().zip(pairs) {
        let pair = u128::from_le_bytes(*pair);
        *lane = mix(*lane, pair as u64, (pair >> 64) as u64);
    }
}

/// The halves of a product, folded (Wang Yi's wyhash): two words for one multiplication. The state is mixed in once more, so that a
/// product of zero does not forget it.
fn mix(state: u64, one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ state ^ ODD) * u128::from(other ^ state.rotate_left(32) ^ START);
    product as u64 ^ (product >> 64) as u64 ^ state.rotate_left(5)
}

const LANES: usize = 4;
const ROUND: usize = 16 * LANES;
const START: u64 = 0xcbf2_9ce4_8422_2325;
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

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
