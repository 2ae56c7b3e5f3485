//! What can happen: each step has one of these verbs.

use super::network::LINE;
use super::phone::ANSWER;
use super::{AT, Form, Key, Kind, REFERENCE, TIME, key, required};

/// A verb and what goes with it.
#[derive(Debug)]
pub struct Verb {
    /// The verb and its object's kind.
    pub key: Key,
    /// What else may stand in the step.
    pub with: &'static [Key],
}

/// What a verb's object is.
#[derive(Clone, Copy)]
enum Subject {
    /// A phone.
    Phone,
    /// A place.
    Place,
    /// What is restarted.
    Program,
    /// What has a memory to lose.
    Memory,
    /// A place, a phone, or the server.
    Line,
    /// Nothing.
    Nothing,
    /// An expectation.
    Expectation,
}

const fn verb(name: &'static str, subject: Subject, about: &'static str, with: &'static [Key]) -> Verb {
    let kind = match subject {
        Subject::Nothing => Kind::True,
        Subject::Expectation => Kind::Text,
        Subject::Program => Kind::Form(&PROGRAM),
        Subject::Memory => Kind::Form(&MEMORY),
        Subject::Phone | Subject::Place | Subject::Line => Kind::Form(&REFERENCE),
    };
    Verb { key: key(name, kind, about), with }
}

/// When a step happens.
pub static WHEN: Key =
    required("at", Kind::Form(&AT), "When: after the start, or with + after the step before.");

/// All verbs.
pub static VERBS: [Verb; 23] = [
    verb(
        "call",
        Subject::Phone,
        "This phone calls another.",
        &[
            required("to", Kind::Form(&REFERENCE), "Whom: a phone, or a SIP URI."),
            key("for", Kind::Form(&TIME), "How long they talk. Default: until something else ends it."),
        ],
    ),
    verb(
        "hang_up",
        Subject::Phone,
        "This phone sends BYE, CANCEL or 603, as its call's state asks for.",
        &[],
    ),
    verb("answer", Subject::Phone, "This phone answers the call that rings.", &[]),
    verb(
        "decline",
        Subject::Phone,
        "This phone refuses the call that rings.",
        &[key("status", Kind::Number(400, 699), "With this status. Default: 603.")],
    ),
    verb(
        "manner",
        Subject::Phone,
        "What this phone does with incoming calls from now on.",
        &[required("answer", Kind::Form(&ANSWER), "What.")],
    ),
    verb("hold", Subject::Phone, "This phone puts its call on hold.", &[]),
    verb("resume", Subject::Phone, "This phone takes its call back from hold.", &[]),
    verb("mute", Subject::Phone, "This phone sends no voice.", &[]),
    verb("unmute", Subject::Phone, "This phone sends voice again.", &[]),
    verb("reinvite", Subject::Phone, "This phone sends a re-INVITE that changes nothing.", &[]),
    verb("update", Subject::Phone, "This phone sends UPDATE.", &[]),
    verb(
        "transfer",
        Subject::Phone,
        "This phone transfers its peer.",
        &[required("to", Kind::Form(&REFERENCE), "To whom: a phone, or a SIP URI.")],
    ),
    verb(
        "dial",
        Subject::Phone,
        "This phone sends keys (DTMF, RFC 4733).",
        &[required("keys", Kind::Form(&KEYS), "Which.")],
    ),
    verb("register", Subject::Phone, "This phone registers.", &[]),
    verb("unregister", Subject::Phone, "This phone takes its registration back.", &[]),
    verb(
        "crash",
        Subject::Phone,
        "This phone loses power.",
        &[key("for", Kind::Form(&TIME), "For how long; it then registers. Default: for good.")],
    ),
    verb(
        "restart",
        Subject::Program,
        "A program is restarted.",
        &[
            key("away", Kind::Form(&TIME), "How long it is away. Default: 2s."),
            key("power", Kind::Flag, "A power cut: nobody is told. Default: false."),
        ],
    ),
    verb("cut", Subject::Place, "All tunnel connections of this site are reset.", &[]),
    verb("forget", Subject::Memory, "A middlebox or proxy loses its memory.", &[]),
    verb(
        "outage",
        Subject::Place,
        "This place's line is dead.",
        &[required("for", Kind::Form(&TIME), "For how long.")],
    ),
    verb(
        "line",
        Subject::Line,
        "The line of a place, a phone or the server changes.",
        &[
            key("to", LINE, "To this line: a profile's name, or a table. Either this, or single values."),
            key("loss", Kind::Share, "Share of packets lost."),
            key("delay", Kind::Form(&TIME), "One-way time."),
            key("jitter", Kind::Form(&TIME), "Most extra time."),
            key("rate", Kind::Form(&super::RATE), "Rate of both directions."),
            key("for", Kind::Form(&TIME), "For how long; then it is as before. Default: for good."),
        ],
    ),
    verb("strangers", Subject::Nothing, "Strangers send datagrams to the ports of HRAS and HRAC.", &[]),
    verb("expect", Subject::Expectation, "This must be true now.", &[]),
];

static KEYS: Form = Form {
    what: "keys",
    example: "\"42#\"",
    check: |text| {
        let valid = |c: char| c.is_ascii_digit() || "*#ABCD".contains(c);
        if text.is_empty() || !text.chars().all(valid) {
            return Err(format!("{text:?} are no keys; there are 0 to 9, *, # and A to D"));
        }
        Ok(())
    },
    pattern: "^[0-9*#ABCD]+$",
};

/// What is restarted.
static PROGRAM: Form = Form {
    what: "a program",
    example: "\"hras\", \"hrac of office\", \"proxy of office\", \"reverse proxy\"",
    check: |_| Ok(()),
    pattern: r"^\s*(hras|reverse proxy|(hrac|proxy)( of .+)?)\s*$",
};

/// What forgets. Programs lose their memory by a restart.
static MEMORY: Form = Form {
    what: "a middlebox or proxy",
    example: "\"firewall of office\", \"nat of office\", \"proxy of office\", \"reverse proxy\"",
    check: |_| Ok(()),
    pattern: r"^\s*(reverse proxy|(proxy|firewall|nat)( of .+)?)\s*$",
};
