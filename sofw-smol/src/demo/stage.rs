//! What the audience sees, and what the machines' observers tell it.

use core::net::SocketAddr;
use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use sofw_core::base::{Duration, Instant};
use sofw_core::event::{Event, Rung};
use sofw_core::io::{ConnId, SocketId};

use super::capture::{Capture, Link};
use super::ladder::{Column, Kind, Ladder, sip_label};
use super::proxy::Heard;
use crate::driver::{Ends, Observer, Way};

/// Shared by the observers; everything runs on one thread.
pub type Shared = Rc<RefCell<Stage>>;

/// The ladder on its way to the terminal, the capture, and what became of the tunnel.
pub struct Stage {
    /// Draws.
    pub ladder: Ladder,
    /// Everything that passed.
    pub capture: Capture,
    /// How the tunnel came up, seen by HRAC.
    pub tunnel: Option<(Rung, Duration)>,
    /// Troubles that the machines reported.
    pub troubles: Vec<String>,
    out: Box<dyn Write>,
    http_lines: usize,
    voice_shown: bool,
}

/// So many lines of the tunnel's own HTTP are shown; on the post rung there would be hundreds.
const HTTP_LINES_MAX: usize = 8;

impl Stage {
    /// An empty stage that prints to `out`.
    pub fn new(ladder: Ladder, out: Box<dyn Write>) -> Shared {
        Rc::new(RefCell::new(Stage {
            ladder,
            capture: Capture::default(),
            tunnel: None,
            troubles: Vec::new(),
            out,
            http_lines: 0,
            voice_shown: false,
        }))
    }

    /// Prints. A reader that went away (`sofw demo | head`) does not end the demo.
    pub fn print(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }

    /// A headline.
    pub fn chapter(&mut self, now: Instant, text: &str) {
        let line = self.ladder.chapter(now, text);
        self.print(&line);
        self.voice_shown = false;
    }

    /// The proxy saw a message of the tunnel.
    pub fn http(&mut self, now: Instant, heard: &Heard) {
        self.http_lines += 1;
        if self.http_lines > HTTP_LINES_MAX {
            return;
        }
        let line = match heard {
            Heard::Request(line) => {
                self.ladder.arrow(now, Column::Hrac, Column::Hras, Kind::Http, &brief(line))
            }
            Heard::Response(line) => self.ladder.arrow(now, Column::Hras, Column::Hrac, Kind::Http, line),
        };
        self.print(&line);
    }

    fn sip(&mut self, now: Instant, from: Column, to: Column, bytes: &[u8]) {
        let start_line = String::from_utf8_lossy(bytes.split(|&b| b == b'\r').next().unwrap_or(b""));
        let line = self.ladder.arrow(now, from, to, Kind::of_sip(&start_line), &sip_label(&start_line));
        self.print(&line);
    }

    fn note(&mut self, now: Instant, text: &str) {
        let line = self.ladder.note(now, text);
        self.print(&line);
    }
}

/// `POST /sofw/1/hello` and `GET /sofw/1/…`: the session's names are long and say nothing.
fn brief(line: &str) -> String {
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let last = path.split('/').nth(3).unwrap_or("");
    if last == "hello" { format!("{method} hello") } else { method.into() }
}

/// Watches HRAC.
pub struct HracWatch(pub Shared);

impl Observer for HracWatch {
    fn event(&mut self, _now: Instant, event: &Event) {
        match event {
            Event::TunnelUp { rung, round_trip, .. } => {
                self.0.borrow_mut().tunnel = Some((*rung, *round_trip));
            }
            Event::TunnelDown { reason, .. } => {
                self.0.borrow_mut().troubles.push(format!("the tunnel went down: {reason}"));
            }
            Event::TunnelRefused { status, advice } => {
                self.0.borrow_mut().troubles.push(format!("the tunnel was refused ({status}): {advice}"));
            }
            event => trouble(&self.0, "HRAC", event),
        }
    }

    fn datagram(&mut self, now: Instant, way: Way, socket: SocketId, ends: Ends, bytes: &[u8]) {
        let mut stage = self.0.borrow_mut();
        let (from, to) = direction(way, ends);
        stage.capture.datagram(Link::Inside, now, from, to, bytes);
        if let SocketId::Sip(_) = socket {
            // What a phone sends goes on through the tunnel, and what it gets came out of it.
            match way {
                Way::In => stage.sip(now, Column::InsidePhone, Column::Hras, bytes),
                Way::Out => stage.sip(now, Column::Hras, Column::InsidePhone, bytes),
            }
        }
    }

    fn connected(&mut self, now: Instant, _way: Way, _conn: ConnId, ends: Ends) {
        self.0.borrow_mut().capture.connected(Link::Tunnel, now, ends.local, ends.remote);
    }

    fn stream(&mut self, now: Instant, way: Way, _conn: ConnId, ends: Ends, bytes: &[u8]) {
        let (from, to) = direction(way, ends);
        self.0.borrow_mut().capture.stream(Link::Tunnel, now, from, to, bytes);
    }

    fn closed(&mut self, now: Instant, _conn: ConnId, ends: Ends) {
        self.0.borrow_mut().capture.closed(Link::Tunnel, now, ends.local, ends.remote);
    }
}

/// Watches HRAS.
pub struct HrasWatch(pub Shared);

impl Observer for HrasWatch {
    fn event(&mut self, now: Instant, event: &Event) {
        match event {
            Event::MediaOpen { .. } => {
                let mut stage = self.0.borrow_mut();
                stage.note(now, "RAT complete");
            }
            Event::MediaClosed { reason, .. } => {
                self.0.borrow_mut().note(now, &format!("RAT: {reason}"));
            }
            event => trouble(&self.0, "HRAS", event),
        }
    }

    fn datagram(&mut self, now: Instant, way: Way, socket: SocketId, ends: Ends, bytes: &[u8]) {
        let mut stage = self.0.borrow_mut();
        let (from, to) = direction(way, ends);
        stage.capture.datagram(Link::Outside, now, from, to, bytes);
        if let SocketId::Sip(_) = socket {
            match way {
                Way::In => stage.sip(now, Column::OutsidePhone, Column::Hras, bytes),
                Way::Out => stage.sip(now, Column::Hras, Column::OutsidePhone, bytes),
            }
        }
        let is_rtp = matches!(socket, SocketId::Media(port) if port % 2 == 0);
        if is_rtp && !stage.voice_shown {
            stage.voice_shown = true;
            let line = stage.ladder.voice(now, "voice: RTP, 50 packets/s each way, inside the tunnel");
            stage.print(&line);
        }
    }
}

fn trouble(stage: &Shared, who: &str, event: &Event) {
    let text = match event {
        Event::SocketFailed(_, addr, error) | Event::ListenerFailed(_, addr, error) => {
            format!("{who} cannot open {addr}: {error}")
        }
        Event::InvariantBroken(what) => format!("{who} broke an invariant: {what}"),
        _ => return,
    };
    stage.borrow_mut().troubles.push(text);
}

fn direction(way: Way, ends: Ends) -> (SocketAddr, SocketAddr) {
    match way {
        Way::In => (ends.remote, ends.local),
        Way::Out => (ends.local, ends.remote),
    }
}
