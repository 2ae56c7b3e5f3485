//! What may happen.

use sofw_core::base::Duration;

use super::draw::Draw;
use super::topology::{Topology, line};
use crate::scenario::model::{Action, AnswerSpec, Change, HomeOrSite, Target};

/// One kind of thing that may happen: what users do, what breaks, what strangers try.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transition {
    /// Nothing, for a while.
    Wait,
    /// A phone calls another, for a time or until something else ends it.
    Call,
    /// A phone ends its call, whatever state that is in.
    HangUp,
    /// A phone answers the call that rings.
    Answer,
    /// A phone refuses the call that rings.
    Decline,
    /// A phone treats incoming calls in another way from now on.
    Manner,
    /// A phone puts its call on hold, or takes it back.
    Hold,
    /// A phone sends a re-INVITE that changes nothing.
    Reinvite,
    /// A phone sends UPDATE.
    Update,
    /// A phone transfers its peer to another one.
    Transfer,
    /// A phone sends keys.
    Dial,
    /// A phone falls silent, or speaks again.
    Mute,
    /// A phone registers.
    Register,
    /// A phone takes its registration back.
    Unregister,
    /// A phone loses power for a while.
    Crash,
    /// All tunnel connections of a site are reset.
    Cut,
    /// A place's line is dead for a while.
    Outage,
    /// A site's proxy loses its memory.
    ForgetProxy,
    /// A place's firewall loses its memory.
    ForgetFirewall,
    /// A place's NAT loses its memory.
    ForgetNat,
    /// HRAS is restarted, or loses power.
    RestartHras,
    /// A site's HRAC is, …
    RestartHrac,
    /// … or a site's proxy, or the one before HRAS.
    RestartProxy,
    /// The line of a place, a phone or the server becomes another for a while.
    Line,
    /// Strangers send datagrams to the ports of both halves.
    Strangers,
}

impl Transition {
    /// All of them, with how often each is drawn.
    pub const ALL: [(u64, Transition); 25] = [
        (8, Transition::Wait),
        (16, Transition::Call),
        (6, Transition::HangUp),
        (2, Transition::Answer),
        (2, Transition::Decline),
        (4, Transition::Manner),
        (4, Transition::Hold),
        (2, Transition::Reinvite),
        (2, Transition::Update),
        (2, Transition::Transfer),
        (2, Transition::Dial),
        (2, Transition::Mute),
        (2, Transition::Register),
        (1, Transition::Unregister),
        (1, Transition::Crash),
        (3, Transition::Cut),
        (3, Transition::Outage),
        (1, Transition::ForgetProxy),
        (1, Transition::ForgetFirewall),
        (1, Transition::ForgetNat),
        (1, Transition::RestartHras),
        (1, Transition::RestartHrac),
        (1, Transition::RestartProxy),
        (3, Transition::Line),
        (1, Transition::Strangers),
    ];

    /// The action; `None` if the topology has nothing to do it with, and for [`Transition::Wait`].
    pub(super) fn action(self, topology: &Topology, draw: &mut dyn Draw) -> Option<Action> {
        let who = draw.below(topology.phones.len() as u64) as usize;
        let place = |draw: &mut dyn Draw, wanted: &dyn Fn(&crate::scenario::model::Place) -> bool| {
            let fit = topology.places.iter().enumerate().filter(|(_, place)| wanted(place));
            let fit: Vec<usize> = fit.map(|(number, _)| number).collect();
            fit.get(draw.below(fit.len() as u64) as usize).copied()
        };
        let is_site = |place: &crate::scenario::model::Place| place.kind == HomeOrSite::Site;
        let away = |draw: &mut dyn Draw| Duration::from_millis(draw.pick(&[500, 2_000, 6_000]));
        let restart =
            |draw: &mut dyn Draw, what| Action::Restart { what, away: away(draw), power: draw.chance(40) };
        Some(match self {
            Transition::Wait => return None,
            Transition::Call => Action::Call {
                from: who,
                to: other(topology, who, draw),
                talk: draw.chance(70).then(|| draw.time(500, 15_000)),
            },
            Transition::HangUp => Action::HangUp(who),
            Transition::Answer => Action::Answer(who),
            Transition::Decline => Action::Decline(who, draw.pick(&[603, 486, 480])),
            Transition::Manner => Action::Manner(who, manner(topology, who, draw)),
            Transition::Hold => Action::Hold(who, !draw.chance(40)),
            Transition::Reinvite => Action::Reinvite(who),
            Transition::Update => Action::Update(who),
            Transition::Transfer => Action::Transfer(who, other(topology, who, draw)),
            Transition::Dial => Action::Dial(who, draw.pick(&["42#", "1", "0123456789*#"]).into()),
            Transition::Mute => Action::Mute(who, !draw.chance(40)),
            Transition::Register => Action::Register(who, true),
            Transition::Unregister => Action::Register(who, false),
            Transition::Crash => Action::Crash(who, Some(draw.time(500, 10_000))),
            Transition::Cut => Action::Cut(place(draw, &is_site)?),
            Transition::Outage => Action::Outage(
                place(draw, &|_| true)?,
                Duration::from_secs(draw.weighted(&[(4, 1), (3, 4), (3, 12), (2, 40), (1, 120)])),
            ),
            Transition::ForgetProxy => {
                Action::Forget(Target::Proxy(place(draw, &|place| place.proxy.is_some())?))
            }
            Transition::ForgetFirewall => {
                Action::Forget(Target::Firewall(place(draw, &|place| place.firewall.is_some())?))
            }
            Transition::ForgetNat => Action::Forget(Target::Nat(place(draw, &|place| place.nat.is_some())?)),
            Transition::RestartHras => restart(draw, Target::Hras),
            Transition::RestartHrac => {
                let place = place(draw, &is_site)?;
                restart(draw, Target::Hrac(place))
            }
            Transition::RestartProxy => {
                let what = place(draw, &|place| place.proxy.is_some()).map(Target::Proxy);
                restart(draw, what.or(topology.server.proxy.as_ref().map(|_| Target::ReverseProxy))?)
            }
            Transition::Line => Action::Line {
                which: draw.chance(80).then(|| place(draw, &|_| true).ok_or(who)),
                change: change(draw),
                lasting: Some(draw.time(1_000, 20_000)),
            },
            Transition::Strangers => Action::Strangers,
        })
    }
}

/// Somebody else; there are always two.
fn other(topology: &Topology, who: usize, draw: &mut dyn Draw) -> String {
    let count = topology.phones.len();
    let other = (who + 1 + draw.below(count as u64 - 1) as usize) % count;
    topology.phones[other].name.clone()
}

fn manner(topology: &Topology, who: usize, draw: &mut dyn Draw) -> AnswerSpec {
    match draw.weighted(&[(4, 0), (2, 1), (2, 2), (1, 3)]) {
        0 => AnswerSpec::After(Duration::from_millis(draw.pick(&[50, 500, 3_000]))),
        1 => AnswerSpec::Never,
        2 => AnswerSpec::Refuse(draw.pick(&[486, 603, 404, 500])),
        _ => AnswerSpec::Forward(other(topology, who, draw)),
    }
}

fn change(draw: &mut dyn Draw) -> Change {
    if draw.chance(30) {
        return Change::To(line(draw.pick(&["hotel", "mobile", "bad day", "satellite"])));
    }
    Change::Values {
        loss: draw.chance(60).then(|| draw.pick(&[0.01, 0.03, 0.1])),
        delay: Some(draw.time(5, 200)),
        jitter: draw.chance(40).then(|| draw.time(1, 60)),
        rate: draw.chance(30).then(|| draw.pick(&[2_000_000, 512_000, 256_000])),
    }
}
