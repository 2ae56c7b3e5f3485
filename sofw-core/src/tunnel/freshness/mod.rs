//! Voice is fresh or dropped (design: SIP before voice; voice older than its limit is worth nothing).
//!
//! ```text
//! send_voice ─▶ VoiceQueue ──(drop stale, oldest first)──▶ record ═══ proxies ═══▶ the other end
//!                   ▲ held back while too much is under way                              │
//!                 Flight ◀──────────────── Receipt: newest record with voice, its age ◀──┤ ReceiptClock
//!                                                                                        ▼
//!                                             Voice ◀──(drop late)── Sent: when filled ── ArrivalClock
//! ```
//!
//! Two queues can make voice old: ours, and those on the way. [`VoiceQueue`] bounds the first by age, [`Flight`] the
//! second, by the receipts that the other end's [`ReceiptClock`] sends. What was under way already when a line died,
//! neither can call back; the other end's [`ArrivalClock`] sees how late it is. DTMF and T.38 are held back like all media
//! but dropped for age at neither end.

mod arrival;
mod flight;
mod queue;
mod receipt;
#[cfg(test)]
mod tests;

pub(super) use arrival::ArrivalClock;
pub(super) use flight::Flight;
pub(super) use queue::VoiceQueue;
pub(super) use receipt::ReceiptClock;
