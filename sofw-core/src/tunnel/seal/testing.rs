//! Two ends' keys from a fixed hello, for tests.

use super::{Keys, answer_hello, hello};
use crate::base::{Rng, SiteId};
use crate::config::SiteKey;

/// The keys of HRAC and of HRAS, always the same.
///
/// # Panics
/// Never, for the hello is fixed.
pub fn keys() -> (Keys, Keys) {
    let key = SiteKey([7; 32]);
    let (pending, bytes) = hello("hq", &key, b"", &mut Rng::new([1; 32])).expect("a hello");
    let lookup = |_| Some((SiteId(0), key));
    let answered =
        answer_hello(&bytes, lookup, |_, _| Vec::new(), &mut Rng::new([2; 32])).expect("an answer");
    let (keys, _) = pending.finish(&answered.answer).expect("keys");
    (keys, answered.keys)
}
