//! What a listener hears: a jitter buffer as phones have it, and the E-model's opinion of the result.
//!
//! ```text
//! sent(number, at) ───┐
//! packet(number, …) ──┴─▶ Listener (counts, Playout, Seconds) ──finish──▶ record::Hearing with mos()
//! ```
//!
//! Voice itself is not kept: numbers and times are enough. A packet is missed if it never came or came after the moment at
//! which the jitter buffer had to play it. It knows the true one-way time, which a phone does not, but uses
//! only how it changes. Each packet costs a constant amount of work, and memory is bounded: a fixed window
//! for the buffer, one entry for each second of the call up to a limit.

mod e_model;
mod listener;
mod numbers;
mod playout;
mod seconds;
#[cfg(test)]
mod tests;

pub use e_model::mos;
pub use listener::Listener;
