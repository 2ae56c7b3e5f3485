//! The play: register both, call in each direction, look at everything, hang up.

use core::net::SocketAddr;

use sofw_core::base::Duration;
use sofw_core::hras::Hras;
use sofw_core::rat::Space;
use sofw_core::testing::phone::{Ended, MediaReport, PhoneEvent};

use super::actor::Actor;
use super::stage::Shared;
use crate::clock::Clock;
use crate::driver::Handle;

/// Everything that the script needs.
pub struct Play {
    /// Prints.
    pub stage: Shared,
    /// The clock of all machines.
    pub clock: Clock,
    /// Alice, behind the firewall.
    pub inside: Actor,
    /// Bob, in the public network.
    pub outside: Actor,
    /// To read the RAT.
    pub hras: Handle<Hras>,
    /// How long each call talks.
    pub talk: Duration,
}

/// A RAT record as it stood in mid-call (P7).
#[derive(Clone, Debug, Default)]
pub struct RatRow {
    /// The dialog.
    pub call_id: String,
    /// Its From and To tags.
    pub tags: [String; 2],
    /// The inside terminal (IIP:IPort) and the outside terminal (OIP:OPort).
    pub terminals: [Option<SocketAddr>; 2],
    /// HRAC's relay port, and HRAS's.
    pub ports: [Option<u16>; 2],
    /// Packets from the inside and from the outside terminal.
    pub packets: [u64; 2],
}

/// What became of one call.
#[derive(Clone, Debug)]
pub struct CallOutcome {
    /// Who calls whom.
    pub title: String,
    /// The RAT in mid-call.
    pub rat: Vec<RatRow>,
    /// Sent and heard by the inside phone, then by the outside phone.
    pub reports: [MediaReport; 2],
    /// Both phones saw the call end by BYE.
    pub ended_by_bye: bool,
}

/// How long anything that should take milliseconds may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Play {
    /// Waits until the tunnel carries frames.
    pub async fn tunnel_up(&self) -> Result<(), String> {
        for _ in 0..PATIENCE.as_millis() / 10 {
            if self.stage.borrow().tunnel.is_some() {
                return Ok(());
            }
            smol::Timer::after(Duration::from_millis(10)).await;
        }
        Err(format!("the tunnel did not come up within {} s", PATIENCE.as_secs()))
    }

    /// Registers both phones.
    pub async fn register(&mut self) -> Result<(), String> {
        self.chapter("both phones register");
        for actor in [&mut self.inside, &mut self.outside] {
            actor.act(|phone, now| phone.register(now)).await;
            let result = actor.wait(PATIENCE, "registration", |event| match event {
                PhoneEvent::Registered { .. } => Some(Ok(())),
                PhoneEvent::RegisterFailed { status } => Some(Err(format!("registration refused: {status}"))),
                _ => None,
            });
            result.await??;
        }
        Ok(())
    }

    /// One call; `out` from inside to outside, else the other way. The caller hangs up.
    pub async fn call(&mut self, out: bool) -> Result<CallOutcome, String> {
        let title =
            if out { "alice (inside) calls bob (outside)" } else { "bob (outside) calls alice (inside)" };
        self.chapter(title);
        self.inside.forget();
        self.outside.forget();
        let (caller, callee, target) = if out {
            (&mut self.inside, &mut self.outside, "bob")
        } else {
            (&mut self.outside, &mut self.inside, "alice")
        };
        caller.act(move |phone, now| phone.call(now, target)).await;
        let established = caller.wait(PATIENCE, "the call to be answered", |event| match event {
            PhoneEvent::Established => Some(Ok(())),
            PhoneEvent::Ended(how) => Some(Err(format!("the call was not set up: {how:?}"))),
            _ => None,
        });
        established.await??;
        callee.wait(PATIENCE, "the ACK", |e| matches!(e, PhoneEvent::Established).then_some(())).await?;
        let call_id = caller.call_id().await.unwrap_or_default();
        smol::Timer::after(self.talk).await;
        let rat = rat(&self.hras).await.into_iter().filter(|row| row.call_id == call_id).collect();
        caller.act(|phone, now| phone.hang_up(now)).await;
        let ended = |event: &PhoneEvent| match event {
            PhoneEvent::Ended(how) => Some(*how),
            _ => None,
        };
        let hung_up = caller.wait(PATIENCE, "BYE to be answered", ended).await?;
        let heard_bye = callee.wait(PATIENCE, "BYE", ended).await?;
        let ended_by_bye = hung_up == Ended::HungUp(200) && heard_bye == Ended::PeerHungUp;
        let reports = [self.inside.report().await, self.outside.report().await];
        Ok(CallOutcome { title: title.into(), rat, reports, ended_by_bye })
    }

    /// Waits until the RAT is empty, as BYE should leave it (P10).
    pub async fn rat_empty(&self) -> Result<(), String> {
        let mut left = 0;
        for _ in 0..PATIENCE.as_millis() / 50 {
            left = rat(&self.hras).await.len();
            if left == 0 {
                return Ok(());
            }
            smol::Timer::after(Duration::from_millis(50)).await;
        }
        Err(format!("the RAT still has {left} records after BYE"))
    }

    /// Removes both registrations.
    pub async fn unregister(&mut self) -> Result<(), String> {
        self.chapter("both phones leave");
        for actor in [&mut self.inside, &mut self.outside] {
            actor.act(|phone, now| phone.unregister(now)).await;
            let gone = |event: &PhoneEvent| matches!(event, PhoneEvent::Unregistered).then_some(());
            actor.wait(PATIENCE, "the registration to be removed", gone).await?;
        }
        Ok(())
    }

    fn chapter(&self, text: &str) {
        self.stage.borrow_mut().chapter(self.clock.now(), text);
    }
}

async fn rat(hras: &Handle<Hras>) -> Vec<RatRow> {
    let rows = hras.with(|hras, _| {
        let status = hras.status();
        let rows = status.records.iter().map(|record| {
            let tags = [record.from_tag.into(), record.to_tag.unwrap_or("").into()];
            let mut row = RatRow { call_id: record.call_id.into(), tags, ..RatRow::default() };
            for end in &record.ends {
                let side = usize::from(end.space == Space::Outside);
                row.terminals[side] = end.terminal;
                row.ports[side] = end.relay_port;
                row.packets[side] = end.received.packets;
            }
            row
        });
        rows.collect()
    });
    rows.await.unwrap_or_default()
}
