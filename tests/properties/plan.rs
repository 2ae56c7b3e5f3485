//! What may happen: a list of steps that proptest makes up, shrinks and prints.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

/// Everybody who has a phone. The same host in two sites is the same address, on purpose.
pub const PHONES: [(&str, Place); 6] = [
    ("alice", Place::Inside { site: 0, host: 10 }),
    ("bob", Place::Inside { site: 1, host: 10 }),
    ("carol", Place::Inside { site: 0, host: 11 }),
    ("dave", Place::Outside { host: 20 }),
    ("erin", Place::Outside { host: 21 }),
    ("frank", Place::Inside { site: 1, host: 11 }),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Inside { site: usize, host: u8 },
    Outside { host: u8 },
}

impl Place {
    /// The network that the place is in: 0 is the public one.
    pub fn network(self) -> usize {
        match self {
            Place::Inside { site, .. } => site + 1,
            Place::Outside { .. } => 0,
        }
    }
}

/// A phone, by its place in [`PHONES`].
pub type Who = usize;

pub fn everybody() -> std::ops::Range<Who> {
    0..PHONES.len()
}

#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Which phones speak TCP, and which call without an offer or send media before the answer.
    pub tcp: [bool; 6],
    pub delayed_offer: [bool; 6],
    pub early_media: [bool; 6],
    pub steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    Call(Who, Who),
    HangUp(Who),
    Hold(Who, bool),
    Reinvite(Who),
    Update(Who),
    Manner(Who, Manner),
    Answer(Who),
    Decline(Who),
    Dial(Who),
    /// The tunnel connections of a site break.
    Cut(usize),
    /// Those of all sites break.
    CutAll,
    /// For so many seconds nobody inside gets out.
    NoWayOut(u64),
    Restart(usize),
    /// Somebody without a call throws packets at the first relay ports of a network's half.
    Strangers(usize),
    /// A phone's host says something that is no SIP.
    Nonsense(Who, Vec<u8>),
    Wait(Duration),
}

/// What a phone does with the next calls.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Manner {
    AnswersSoon,
    AnswersLate,
    Rings,
    Refuses(u16),
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let some = || proptest::array::uniform6(proptest::bool::weighted(0.25));
    let steps = proptest::collection::vec(step(), 4..30);
    (some(), some(), some(), steps).prop_map(|(tcp, delayed_offer, early_media, steps)| Plan {
        tcp,
        delayed_offer,
        early_media,
        steps,
    })
}

impl Plan {
    /// No frame of a tunnel is lost for good.
    pub fn loses_nothing(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Restart(_)))
    }
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PHONES.len();
    let manner = prop_oneof![
        3 => Just(Manner::AnswersSoon),
        1 => Just(Manner::AnswersLate),
        1 => Just(Manner::Rings),
        1 => select(vec![486, 603, 404, 500]).prop_map(Manner::Refuses),
    ];
    prop_oneof![
        8 => (who(), who()).prop_filter("nobody calls himself", |(a, b)| a != b).prop_map(|(a, b)| Step::Call(a, b)),
        3 => who().prop_map(Step::HangUp),
        2 => (who(), any::<bool>()).prop_map(|(who, hold)| Step::Hold(who, hold)),
        1 => who().prop_map(Step::Reinvite),
        1 => who().prop_map(Step::Update),
        2 => (who(), manner).prop_map(|(who, manner)| Step::Manner(who, manner)),
        1 => who().prop_map(Step::Answer),
        1 => who().prop_map(Step::Decline),
        1 => who().prop_map(Step::Dial),
        1 => (0..2_usize).prop_map(Step::Cut),
        1 => Just(Step::CutAll),
        1 => (1..8_u64).prop_map(Step::NoWayOut),
        1 => (0..2_usize).prop_map(Step::Restart),
        1 => (0..3_usize).prop_map(Step::Strangers),
        1 => (who(), nonsense()).prop_map(|(who, bytes)| Step::Nonsense(who, bytes)),
        10 => select(vec![20, 100, 600, 1_000, 2_500]).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
    ]
}

fn nonsense() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        select(vec![
            "INVITE sip:bob@example.net SIP/2.0\r\n\r\n",
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.10.10.10;branch=z9hG4bKx\r\n\r\n",
            "BYE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKy\r\nFrom: <sip:x@y>;tag=1\r\n\
             To: <sip:bob@example.net>;tag=2\r\nCall-ID: nobody's\r\nCSeq: 1 BYE\r\n\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}
