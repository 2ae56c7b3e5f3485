//! Phones.

use super::super::names::{QUIRKS, TRANSPORTS};
use super::super::values;
use super::{ADDRESS, Form, Key, Kind, NAME, REFERENCE, Shape, TIME, key, network::LINE};

/// The phones of a place: names, tables, or both.
pub const PHONES: Kind = Kind::List(&PHONE);
const PHONE: Kind = Kind::Either(&[Kind::Form(&NAME), Kind::Table(&PHONE_IN_PLACE)]);

const ONE: Key = key("name", Kind::Form(&NAME), "Its name: its SIP user. Either this, or prefix and count.");
const PREFIX: Key = key("prefix", Kind::Form(&NAME), "Many phones: the beginning of their names.");
const COUNT: Key = key("count", Kind::Number(1, 5_000), "Many phones: how many.");
const PHONE_ADDRESS: Key =
    key("address", Kind::Form(&ADDRESS), "Its address. Given out in order by default.");
const PHONE_LINE: Key =
    key("line", LINE, "Its own line. Default: wire in a place, datacenter on the public network.");
const TRANSPORT: Key = key("transport", Kind::OneOf(&TRANSPORTS), "SIP transport. Default: udp.");
const ANSWER_KEY: Key =
    key("answer", Kind::Form(&ANSWER), "What it does with incoming calls. Default: after 500ms.");
const REGISTERS: Key = key("registers", Kind::Flag, "Registers at the start. Default: true.");
const EXPIRES: Key = key("expires", Kind::Form(&TIME), "Length of the registration asked for. Default: 1h.");
static QUIRK: Kind = Kind::OneOf(&QUIRKS);
const HABITS: Key = key("quirks", Kind::List(&QUIRK), "Habits. Default: none.");
const PTIME: Key =
    key("ptime", Kind::Choice(&[10, 20, 30, 40, 60]), "Milliseconds of voice in a packet. Default: 20.");
const VIDEO: Key = key("video", Kind::Flag, "Offers and accepts video. Default: false.");
const PASSWORD: Key = key("wrong_password", Kind::Flag, "Its password is wrong. Default: false.");

/// One phone, or many alike, within a place.
pub static PHONE_IN_PLACE: Shape = Shape {
    about: "A phone, or many alike.",
    keys: &[
        ONE,
        PREFIX,
        COUNT,
        PHONE_ADDRESS,
        PHONE_LINE,
        TRANSPORT,
        ANSWER_KEY,
        REGISTERS,
        EXPIRES,
        HABITS,
        PTIME,
        VIDEO,
        PASSWORD,
    ],
};

/// The same at the top of the file.
pub static PHONE_TABLE: Shape = Shape {
    about: "A phone, or many alike: on the public network, or in a place.",
    keys: &[
        ONE,
        PREFIX,
        COUNT,
        key("place", Kind::Form(&REFERENCE), "The site or home it stands in. Default: the public network."),
        PHONE_ADDRESS,
        PHONE_LINE,
        TRANSPORT,
        ANSWER_KEY,
        REGISTERS,
        EXPIRES,
        HABITS,
        PTIME,
        VIDEO,
        PASSWORD,
    ],
};

/// What a phone does with incoming calls.
pub static ANSWER: Form = Form {
    what: "an answer",
    example: "\"after 500ms\", \"busy\", \"never\"",
    check: |text| values::answer(text).map(drop),
    pattern: r"^\s*(at once|after\s.+|never|busy|declines|refuses\s+[4-6][0-9][0-9]|forwards to\s+\S+)\s*$",
};
