//! The whole file.

use super::super::names::{CHECKERS, SYSTEMS};
use super::network::{HOME, SERVER, SITE};
use super::phone::{PHONE_TABLE, PHONES};
use super::{Form, Key, Kind, REFERENCE, Shape, TIME, key, required};

/// The whole file.
pub static ROOT: Shape = Shape {
    about: "A scenario of sofw-sim: a network, its phones, what happens, and what is expected.",
    keys: &[
        required("about", Kind::Text, "One sentence for lists."),
        key("shows", Kind::List(&Kind::Text), "What it shows, e.g. \"P5\", \"RFC 3665 3.1\", \"proxy\"."),
        key("duration", Kind::Form(&TIME), "When the timeline is over. Default: 10 s after its last step."),
        key("system", Kind::OneOf(&SYSTEMS), "What carries the calls. Default: sofw."),
        key(
            "seed",
            Kind::Number(0, i64::MAX as u64),
            "The seed, unless the command line says another. Default: 1.",
        ),
        key("site", Kind::Tables(&SITE), "Sites."),
        key("home", Kind::Tables(&HOME), "Homes."),
        key("server", Kind::Table(&SERVER), "The public host."),
        key("phones", PHONES, "Phones on the public network: names, or tables."),
        key("phone", Kind::Tables(&PHONE_TABLE), "Phones."),
        key("calls", Kind::Tables(&CALLS), "Many calls without a step for each."),
        key("timeline", Kind::Table(&TIMELINE), "What happens and what must be true."),
        key("step", Kind::Steps, "What happens, as tables."),
        STEPS,
        EXPECT,
        key("without", Kind::Tables(&WITHOUT), "Checkers that are not to be run."),
        key(
            "capture",
            Kind::List(&Kind::Form(&REFERENCE)),
            "What to capture: outer, inner, server, reverse proxy, or a place or phone by name.",
        ),
    ],
};

static TIMELINE: Shape = Shape {
    about: "What happens and what must be true, where it reads best: at the end.",
    keys: &[STEPS, EXPECT],
};
const STEPS: Key = key("steps", Kind::Steps, "What happens, as a list.");
const EXPECT: Key = key("expect", EXPECTATIONS, "What must be true at the end.");
const EXPECTATIONS: Kind = Kind::List(&EXPECTATION_KIND);
static EXPECTATION_KIND: Kind = Kind::Form(&EXPECTATION);

static WITHOUT: Shape = Shape {
    about: "A checker that is not to be run.",
    keys: &[
        required("check", Kind::OneOf(&CHECKERS), "Its name."),
        required("because", Kind::Text, "Why it cannot hold here."),
    ],
};

static CALLS: Shape = Shape {
    about: "Calls at even intervals between phones that are free at the time.",
    keys: &[
        key(
            "among",
            Kind::List(&Kind::Form(&REFERENCE)),
            "Places or phones that call each other: instead of from and to.",
        ),
        key("from", Kind::List(&Kind::Form(&REFERENCE)), "Places or phones that call."),
        key("to", Kind::List(&Kind::Form(&REFERENCE)), "Places or phones that are called."),
        key("starting", Kind::Form(&TIME), "Time of the first call. Default: 5s."),
        required("every", Kind::Form(&TIME), "Time from one call to the next."),
        required("for", Kind::Form(&TIME), "How long each talks."),
        required("count", Kind::Number(1, 100_000), "How many."),
    ],
};

static EXPECTATION: Form = Form {
    what: "an expectation",
    example: "\"setup_ms < 500\", \"mos of alice->bob >= 4\", \"rat_empty\"",
    check: |_| Ok(()),
    pattern: "",
};
