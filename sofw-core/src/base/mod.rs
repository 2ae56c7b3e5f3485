//! Words that every other module uses: time, randomness, addresses, owned bytes. Imports nothing else of ours.

mod addr;
mod expiring;
mod payload;
mod rng;
mod time;

pub use addr::{Hop, InsideAddr, OutsideAddr, SiteId, Transport, is_public};
pub use expiring::Expiring;
pub use payload::{Payload, PayloadPool};
pub use rng::{Rng, Seed};
pub use time::{Deadline, Duration, Instant};
