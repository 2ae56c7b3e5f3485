//! A proxy between hands that feed it.

mod auth;
mod bench;
mod forget;
mod limits;
mod messages;
mod property;
mod table;
mod tunnel;
