//! The GET whose response carries frames down.

use super::TunnelClient;
use super::alarm::Alarm;
use super::connection::Purpose;
use crate::base::Instant;
use crate::config::limits::{CARRIER_SILENCE_MAX, EXCHANGE_LIFE_MAX};
use crate::io::ConnId;

impl TunnelClient {
    /// Opens a downlink, or the successor of the present one: the server ends the older when the newer is there.
    pub(super) fn open_down(&mut self, now: Instant) {
        if self.joined.as_ref().is_none_or(|joined| joined.down_opening.is_some()) {
            return;
        }
        if let Some(pause) = self.ways.skip_blocked(now) {
            self.alarms.set(Alarm::Down, now + pause);
            return;
        }
        self.alarms.clear(Alarm::Down);
        let conn = self.open(now, Purpose::Down);
        if let Some(joined) = &mut self.joined {
            joined.down_opening = conn;
        }
    }

    /// A downlink brought its first record: it works, and it comes from the server that has our keys.
    pub(super) fn down_opened(&mut self, now: Instant, conn: ConnId) {
        let Some(joined) = &mut self.joined else { return };
        joined.down_opening = None;
        joined.unknown = 0;
        joined.echo_at = now;
        let former = joined.down.replace(conn);
        if joined.up_since.is_none() {
            joined.ask_proof(now);
        }
        self.alarms.set(Alarm::Connection(conn), now + CARRIER_SILENCE_MAX);
        self.alarms.set(Alarm::RenewDown, now + EXCHANGE_LIFE_MAX);
        if let Some(former) = former {
            // It has time to bring what is under way.
            self.alarms.set(Alarm::Connection(former), now + CARRIER_SILENCE_MAX);
        }
        self.open_up(now);
        self.arm_probe(now);
    }

    /// The server ended a downlink in order: it does so when the successor has asked for the frames. The successor's
    /// first record may come a little later than this end.
    pub(super) fn down_ended(&mut self, now: Instant, conn: ConnId) {
        let Some(joined) = &mut self.joined else { return };
        if joined.down == Some(conn) {
            if joined.down_opening.is_none() {
                self.fail(now, conn, "the server ended the downlink");
                return;
            }
            joined.down = None;
        }
        self.discard(conn);
    }
}
