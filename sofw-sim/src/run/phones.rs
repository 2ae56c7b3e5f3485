//! From a scenario's words to phones, and the timeline in words.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::Duration;
use sofw_core::testing::phone::{Answer, PhoneConfig, Quirks, Voice};

use super::accounts;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, AnswerSpec, Change, Target};
use crate::scenario::{answer_text, time_text};

/// A phone's configuration.
pub(super) fn config(scenario: &Scenario, index: usize, addr: IpAddr, server: SocketAddr) -> PhoneConfig {
    let spec = &scenario.phones[index];
    let has = |quirk: &str| spec.quirks.iter().any(|name| name == quirk);
    let mut password = accounts::password(&spec.name);
    if spec.wrong_password {
        password.push_str(" is wrong");
    }
    // Whoever speaks to HRAS through a translator keeps his mapping there open.
    let by_itself = spec.place.is_some_and(|place| scenario.places[place].hrac.is_none());
    PhoneConfig {
        transport: spec.transport,
        expires_s: spec.expires_s,
        answer: answer(scenario, &spec.answer),
        voice: Voice::Stamped { speaker: index as u32 },
        video: spec.video,
        ptime_ms: spec.ptime_ms,
        early_media: has("early_media"),
        delayed_offer: has("delayed_offer"),
        rtcp: !has("no_rtcp"),
        session_expires_s: has("session_timer").then_some(SESSION_EXPIRES_S),
        keepalive_s: (by_itself && !has("no_keepalive")).then_some(KEEPALIVE_S),
        quirks: Quirks {
            no_rport: has("no_rport"),
            asymmetric_rtp: has("asymmetric_rtp"),
            ignores_bye: has("ignores_bye"),
            never_acks: has("never_acks"),
            compact_headers: has("compact_headers"),
        },
        detect_tone: false,
        register_retry: REGISTER_RETRY,
        ..PhoneConfig::new(&spec.name, &password, &scenario.server.domain, addr, server)
    }
}

/// What a phone does with calls.
pub(super) fn answer(_scenario: &Scenario, spec: &AnswerSpec) -> Answer {
    match spec {
        AnswerSpec::After(ring) => Answer::After(*ring),
        AnswerSpec::Never => Answer::OnCommand,
        AnswerSpec::Refuse(status) => Answer::Refuse(*status),
        AnswerSpec::Forward(user) => Answer::Forward(user.clone()),
    }
}

/// A step in words; `None` for what shows itself.
pub(super) fn told(scenario: &Scenario, action: &Action) -> Option<String> {
    let phone = |index: &usize| scenario.phones[*index].name.as_str();
    let place = |index: &usize| scenario.places[*index].name.as_str();
    let target = |target: &Target| match target {
        Target::Hras => "HRAS".to_owned(),
        Target::Hrac(at) => format!("HRAC of {}", place(at)),
        Target::Proxy(at) => format!("the proxy of {}", place(at)),
        Target::ReverseProxy => "the proxy before HRAS".to_owned(),
        Target::Firewall(at) => format!("the firewall of {}", place(at)),
        Target::Nat(at) => format!("the NAT of {}", place(at)),
    };
    Some(match action {
        Action::Call { from, to, .. } => format!("{} calls {to}", phone(from)),
        Action::HangUp(who) => format!("{} hangs up", phone(who)),
        Action::Answer(who) => format!("{} answers", phone(who)),
        Action::Decline(who, status) => format!("{} declines with {status}", phone(who)),
        Action::Manner(who, answer) => {
            format!("{} with calls from now on: {}", phone(who), answer_text(answer))
        }
        Action::Hold(who, true) => format!("{} puts the call on hold", phone(who)),
        Action::Hold(who, false) => format!("{} takes the call back", phone(who)),
        Action::Reinvite(who) => format!("{} sends a re-INVITE", phone(who)),
        Action::Update(who) => format!("{} sends UPDATE", phone(who)),
        Action::Transfer(who, to) => format!("{} transfers the call to {to}", phone(who)),
        Action::Dial(who, keys) => format!("{} presses {keys}", phone(who)),
        Action::Mute(who, true) => format!("{} mutes", phone(who)),
        Action::Mute(who, false) => format!("{} speaks again", phone(who)),
        Action::Register(..) | Action::Expect(_) => return None,
        Action::Crash(who, None) => format!("{} loses power", phone(who)),
        Action::Crash(who, Some(back)) => format!("{} loses power for {}", phone(who), time_text(*back)),
        Action::Restart { what, away, power: false } => {
            format!("{} restarts, away for {}", target(what), time_text(*away))
        }
        Action::Restart { what, away, power: true } => {
            format!("{} loses power for {}", target(what), time_text(*away))
        }
        Action::Cut(at) => format!("all tunnel connections of {} are reset", place(at)),
        Action::Forget(what) => format!("{} forgets everything", target(what)),
        Action::Outage(at, time) => format!("the line of {} is dead for {}", place(at), time_text(*time)),
        Action::Line { which, change, lasting } => {
            let whose = match which {
                Some(Ok(at)) => place(at),
                Some(Err(who)) => phone(who),
                None => "the server",
            };
            let how = match change {
                Change::To(_) => "becomes another one".to_owned(),
                Change::Values { loss: Some(loss), .. } => format!("loses {:.1} %", loss * 100.0),
                Change::Values { delay: Some(delay), .. } => format!("takes {}", time_text(*delay)),
                Change::Values { .. } => "changes".to_owned(),
            };
            match lasting {
                Some(time) => format!("the line of {whose} {how}, for {}", time_text(*time)),
                None => format!("the line of {whose} {how}"),
            }
        }
        Action::Strangers => "strangers throw packets at everything".to_owned(),
    })
}

const SESSION_EXPIRES_S: u32 = 90;
/// RFC 5626 §4.4.2: 24 to 29 s over UDP.
const KEEPALIVE_S: u32 = 25;
/// Phones in use try again after some seconds to a minute.
const REGISTER_RETRY: Duration = Duration::from_secs(5);
