//! A phone on a driver, and how the script speaks with it.

use std::collections::VecDeque;

use sofw_core::base::{Duration, Instant};
use sofw_core::io::{Input, Output};
use sofw_core::testing::phone::{MediaReport, Phone, PhoneEvent};
use sofw_core::{Deadline, Misuse};

use crate::driver::{Handle, Machine};

/// The phone as a machine whose events go to the script.
pub struct Stand {
    phone: Phone,
    events: smol::channel::Sender<PhoneEvent>,
}

impl Machine for Stand {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Misuse> {
        self.phone.handle_input(now, input);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.phone.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        while let Some(event) = self.phone.poll_event() {
            let _ = self.events.try_send(event);
        }
        self.phone.poll_output()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        self.phone.poll_timeout()
    }
}

/// The script's end of a phone.
pub struct Actor {
    name: &'static str,
    handle: Handle<Stand>,
    events: smol::channel::Receiver<PhoneEvent>,
    seen: VecDeque<PhoneEvent>,
}

impl Actor {
    /// The machine for a driver, and what makes its [`Actor`].
    pub fn stand(phone: Phone) -> (Stand, smol::channel::Receiver<PhoneEvent>) {
        let (events, receiver) = smol::channel::unbounded();
        (Stand { phone, events }, receiver)
    }

    /// Speaks with the phone behind `handle`.
    pub fn new(
        name: &'static str,
        handle: Handle<Stand>,
        events: smol::channel::Receiver<PhoneEvent>,
    ) -> Self {
        Actor { name, handle, events, seen: VecDeque::new() }
    }

    /// Commands the phone.
    pub async fn act(&self, what: impl FnOnce(&mut Phone, Instant) + Send + 'static) {
        self.handle.with(move |stand, now| what(&mut stand.phone, now)).await;
    }

    /// Waits for an event that `wanted` takes; events before it are passed over.
    ///
    /// # Errors
    /// What was waited for in vain, in plain words.
    pub async fn wait<T>(
        &mut self,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&PhoneEvent) -> Option<T>,
    ) -> Result<T, String> {
        let search = async {
            loop {
                let event = self.events.recv().await.map_err(|_| format!("{} stopped", self.name))?;
                if let Some(found) = wanted(&event) {
                    return Ok(found);
                }
                self.seen.push_back(event);
            }
        };
        let patience = async {
            smol::Timer::after(limit).await;
            Err(format!("{} waited {} s in vain: {what}", self.name, limit.as_secs_f32()))
        };
        let result = smol::future::or(search, patience).await;
        match (result, self.seen.back()) {
            (Err(text), Some(last)) => Err(format!("{text} (last: {last:?})")),
            (result, _) => result,
        }
    }

    /// Forgets events that nobody waited for.
    pub fn forget(&mut self) {
        while self.events.try_recv().is_ok() {}
        self.seen.clear();
    }

    /// What was sent and heard in the last call.
    pub async fn report(&self) -> MediaReport {
        let report = self.handle.with(|stand, _| stand.phone.report().cloned()).await;
        report.flatten().unwrap_or_default()
    }

    /// The Call-ID of the present call.
    pub async fn call_id(&self) -> Option<String> {
        self.handle.with(|stand, _| stand.phone.call_id().map(Into::into)).await.flatten()
    }

    /// Ends the phone's driver.
    pub fn stop(&self) {
        self.handle.stop();
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use sofw_core::testing::phone::{Answer, PhoneConfig};

    use super::*;
    use crate::clock::Clock;
    use crate::driver::{Driver, Options};

    #[test]
    fn two_phones_talk_over_real_sockets() {
        let executor = smol::LocalExecutor::new();
        let clock = Clock::start();
        let port = |n: u16| 20_000 + (std::process::id() % 10_000) as u16 * 4 + n;
        let addr = |last: u8| core::net::Ipv4Addr::new(127, 77, 0, last).into();
        let phone = |user: &str, last: u8, other: u8, tone_hz| PhoneConfig {
            sip_port: port(0),
            rtp_port: port(2),
            answer: Answer::After(Duration::from_millis(20)),
            tone_hz,
            ..PhoneConfig::new(user, "", "example.net", addr(last), SocketAddr::new(addr(other), port(0)))
        };
        let mut tasks = Vec::new();
        let mut start = |name, config| {
            let (stand, events) = Actor::stand(Phone::new(config, [7; 32], clock.now()));
            let (driver, handle) = Driver::new(stand, (), Options::new(clock)).unwrap();
            tasks.push(executor.spawn(driver.run()));
            Actor::new(name, handle, events)
        };
        let mut alice = start("alice", phone("alice", 1, 2, 440.0));
        let mut bob = start("bob", phone("bob", 2, 1, 587.0));
        let heard = |e: &PhoneEvent| if let PhoneEvent::ToneHeard(tone) = e { Some(*tone) } else { None };
        let ended = |e: &PhoneEvent| matches!(e, PhoneEvent::Ended(_)).then_some(());
        let limit = Duration::from_secs(10);
        smol::block_on(executor.run(async {
            alice.act(|phone, now| phone.call(now, "bob")).await;
            let by_bob = bob.wait(limit, "a tone", heard).await.unwrap();
            let by_alice = alice.wait(limit, "a tone", heard).await.unwrap();
            assert!((by_bob.hz - 440.0).abs() < 2.0 && (by_alice.hz - 587.0).abs() < 2.0);
            bob.act(|phone, now| phone.hang_up(now)).await;
            bob.wait(limit, "the end", ended).await.unwrap();
            alice.wait(limit, "the end", ended).await.unwrap();
            let (sent, got) = (alice.report().await, bob.report().await);
            assert_eq!(got.lost, 0);
            assert_eq!(sent.delays_to(&got).len() as u64, got.received);
            let text = alice.wait(Duration::from_millis(10), "the moon", heard).await.unwrap_err();
            assert!(text.starts_with("alice waited 0.01 s in vain: the moon"), "{text}");
        }));
    }
}
