//! The phone's side of its media lines: whose packet it is, and which socket a line speaks from.

use super::super::call::Call;
use super::super::config::Ports;
use super::super::{Phone, PhoneEvent};
use super::{Heard, Outlet};
use crate::base::Instant;
use crate::io::{Output, SocketId};

impl Phone {
    pub(in super::super) fn handle_media(&mut self, now: Instant, port: u16, bytes: &[u8]) {
        for call in self.calls.iter_mut() {
            let ports = call.ports(&self.config);
            let found = call.streams_mut().find_map(|(kind, stream)| {
                let is_rtcp = port == ports.rtcp(kind);
                (is_rtcp || port == ports.rtp(kind)).then_some((is_rtcp, stream))
            });
            let heard = match found {
                None => continue,
                Some((true, stream)) => return stream.handle_rtcp(),
                Some((false, stream)) => stream.handle_rtp(now, bytes),
            };
            let event = match heard {
                Some(Heard::Tone(tone)) => PhoneEvent::ToneHeard(tone),
                Some(Heard::Key(key)) => PhoneEvent::Dtmf(key),
                None => return,
            };
            self.events.push_back((Some(call.call_id.clone()), event));
            return;
        }
    }

    pub(in super::super) fn drive_media(&mut self, now: Instant) {
        let source = if self.config.quirks.asymmetric_rtp { Ports::SOURCE_OFFSET } else { 0 };
        for call in self.calls.iter_mut() {
            let ports = call.ports(&self.config);
            for (kind, stream) in call.streams_mut() {
                stream.handle_timeout(
                    now,
                    Outlet {
                        rtp: SocketId::Media(ports.rtp(kind) + source),
                        rtcp: SocketId::Media(ports.rtcp(kind)),
                        pool: &mut self.packets,
                        out: &mut self.out,
                    },
                );
            }
        }
    }

    /// Asks for the ports of a second call; those of the first are always open.
    pub(in super::super) fn open_ports(&mut self, call: &Call) {
        if call.slot > 0 {
            for port in call.ports(&self.config).all(&self.config) {
                let addr = (self.config.addr, port).into();
                self.out.push_back(Output::Bind { socket: SocketId::Media(port), addr });
            }
        }
    }
}
