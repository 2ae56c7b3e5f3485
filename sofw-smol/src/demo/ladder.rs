//! The ladder: one line per message, five life lines.
//!
//! ```text
//!   1.234  │── INVITE ──────▶╞═════════════════╪═════════════════▶│                 │
//! ```
//! A single line is a hop on a network; a double line is the part inside the HTTP tunnel.

use sofw_core::base::Instant;

/// The five columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Column {
    /// The phone behind the firewall.
    InsidePhone,
    /// The inside half.
    Hrac,
    /// The HTTP proxy, the only way out.
    Proxy,
    /// The outside half.
    Hras,
    /// The phone in the public network.
    OutsidePhone,
}

use Column::{Hrac, Hras, InsidePhone, OutsidePhone, Proxy};

/// How lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Colours and bold type.
    pub colour: bool,
    /// Only ASCII characters.
    pub ascii: bool,
    /// Width of the terminal.
    pub width: usize,
}

/// What an arrow shows: its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A SIP request.
    Request,
    /// A provisional or successful SIP response.
    Response,
    /// A SIP response that asks for more: 3xx, 401, 407.
    Challenge,
    /// Another final SIP response.
    Failure,
    /// The tunnel's own HTTP.
    Http,
    /// Voice.
    Voice,
}

impl Kind {
    /// Of a SIP start line.
    pub fn of_sip(start_line: &str) -> Kind {
        match start_line.strip_prefix("SIP/2.0 ").and_then(|s| s.get(..3)).and_then(|s| s.parse::<u16>().ok())
        {
            None => Kind::Request,
            Some(..=299) => Kind::Response,
            Some(300..=399 | 401 | 407) => Kind::Challenge,
            Some(_) => Kind::Failure,
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Kind::Request => "\x1b[1;36m",
            Kind::Response => "\x1b[32m",
            Kind::Challenge => "\x1b[33m",
            Kind::Failure => "\x1b[31m",
            Kind::Http => "\x1b[2m",
            Kind::Voice => "\x1b[1;35m",
        }
    }
}

/// Draws lines. It prints nothing itself.
#[derive(Clone, Debug)]
pub struct Ladder {
    style: Style,
    step: usize,
    start: Option<Instant>,
}

/// Columns for the time stamp.
const MARGIN: usize = 9;
const COLUMNS: [Column; 5] = [InsidePhone, Hrac, Proxy, Hras, OutsidePhone];
const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";

impl Ladder {
    /// A ladder as wide as the style allows.
    pub fn new(style: Style) -> Self {
        // The last life line needs half a name's room behind it.
        let step = (style.width.saturating_sub(MARGIN + 7) / 4).clamp(15, 24);
        Ladder { style, step, start: None }
    }

    /// Time stamps count from here.
    pub fn set_start(&mut self, start: Instant) {
        self.start = Some(start);
    }

    /// Two lines: names, and what stands below them.
    pub fn head(&self, names: [&str; 5], details: [&str; 5]) -> String {
        let bold = if self.style.colour { BOLD } else { "" };
        let dim = if self.style.colour { DIM } else { "" };
        let reset = if self.style.colour { RESET } else { "" };
        format!("{bold}{}{reset}\n{dim}{}{reset}\n", self.centred(names), self.centred(details))
    }

    /// Only the life lines.
    pub fn gap(&self) -> String {
        let row: Vec<char> = self.rails();
        self.finish(None, &row, None)
    }

    /// A headline across all columns.
    pub fn chapter(&self, at: Instant, text: &str) -> String {
        let (bold, reset) = if self.style.colour { (BOLD, RESET) } else { ("", "") };
        let dash = if self.style.ascii { "--" } else { "──" };
        format!(
            "{}\n{}{bold}{dash} {text} {dash}{reset}\n{}",
            self.gap().trim_end(),
            self.stamp(Some(at)),
            self.gap()
        )
    }

    /// One message on its way. `path` is two columns, or the passage through the tunnel: `Hrac` to `Hras` passes the proxy.
    pub fn arrow(&self, at: Instant, from: Column, to: Column, kind: Kind, label: &str) -> String {
        let mut row = self.rails();
        let (left, right) = (from.min(to), from.max(to));
        let forward = from < to;
        for pair in COLUMNS.windows(2) {
            if pair[0] < left || pair[1] > right {
                continue;
            }
            let tunnel = pair[0] >= Hrac && pair[1] <= Hras;
            let fill = match (tunnel, self.style.ascii) {
                (true, false) => '═',
                (false, false) => '─',
                (true, true) => '=',
                (false, true) => '-',
            };
            let (start, end) = (self.x(pair[0]) + 1, self.x(pair[1]));
            row[start..end].fill(fill);
            if pair[0] > left {
                row[start - 1] = if self.style.ascii {
                    '+'
                } else if tunnel {
                    '╪'
                } else {
                    '┼'
                };
            }
        }
        // Where the network hop ends and the tunnel begins the arrow shows its head once more.
        let head = match (forward, self.style.ascii) {
            (true, false) => '▶',
            (false, false) => '◀',
            (true, true) => '>',
            (false, true) => '<',
        };
        row[if forward { self.x(to) - 1 } else { self.x(to) + 1 }] = head;
        // The label stands in the sender's part of the way, with a blank on both sides and room for the head.
        let part = if forward { self.x(left) } else { self.x(right) - self.step };
        let room = self.step - 4;
        let label = shorten(label, room, self.style.ascii);
        let slack = usize::from(label.chars().count() < room || !forward);
        for (at, c) in format!(" {label} ").chars().enumerate() {
            row[part + 1 + slack + at] = c;
        }
        self.finish(Some(at), &row, Some((self.x(left) + 1, self.x(right), kind.colour())))
    }

    /// A two-way stream over all columns.
    pub fn voice(&self, at: Instant, label: &str) -> String {
        let mut row = self.rails();
        let (left, right) = (self.x(InsidePhone), self.x(OutsidePhone));
        let (fill, start, end) = if self.style.ascii { ('~', '<', '>') } else { ('≈', '◀', '▶') };
        row[left + 1..right].fill(fill);
        row[left + 1] = start;
        row[right - 1] = end;
        let label = shorten(label, right - left - 6, self.style.ascii);
        let from = left + (right - left - label.chars().count()) / 2;
        for (at, c) in format!(" {label} ").chars().enumerate() {
            row[from - 1 + at] = c;
        }
        self.finish(Some(at), &row, Some((left + 1, right, Kind::Voice.colour())))
    }

    /// A remark of HRAS, in the column on its right.
    pub fn note(&self, at: Instant, text: &str) -> String {
        let mut row = self.rails();
        let start = self.x(Hras) + 2;
        let text = shorten(text, self.step - 3, self.style.ascii);
        for (at, c) in text.chars().enumerate() {
            row[start + at] = c;
        }
        self.finish(Some(at), &row, Some((start, self.x(OutsidePhone), Kind::Voice.colour())))
    }

    /// How it draws.
    pub fn style(&self) -> Style {
        self.style
    }

    fn x(&self, column: Column) -> usize {
        MARGIN + column as usize * self.step
    }

    fn rails(&self) -> Vec<char> {
        let mut row = vec![' '; self.x(OutsidePhone) + 1];
        for column in COLUMNS {
            row[self.x(column)] = if self.style.ascii { '|' } else { '│' };
        }
        row
    }

    fn stamp(&self, at: Option<Instant>) -> String {
        let text = match at {
            Some(at) => {
                let millis = at.since(self.start.unwrap_or(at)).as_millis();
                format!("{:>4}.{:03}", millis / 1_000, millis % 1_000)
            }
            None => String::new(),
        };
        let text = format!("{text:<MARGIN$}");
        if self.style.colour { format!("{DIM}{text}{RESET}") } else { text }
    }

    /// Joins a row; `coloured` is a range of it.
    fn finish(&self, at: Option<Instant>, row: &[char], coloured: Option<(usize, usize, &str)>) -> String {
        let mut out = self.stamp(at);
        for (x, c) in row.iter().enumerate().skip(MARGIN) {
            if let Some((start, _, colour)) = coloured.filter(|_| self.style.colour) {
                if x == start {
                    out.push_str(colour);
                }
            }
            if coloured.is_some_and(|(_, end, _)| x == end) && self.style.colour {
                out.push_str(RESET);
            }
            out.push(*c);
        }
        out.push('\n');
        out
    }

    fn centred(&self, texts: [&str; 5]) -> String {
        let mut row = vec![' '; self.x(OutsidePhone) + self.step];
        for (column, text) in COLUMNS.into_iter().zip(texts) {
            let len = text.chars().count();
            let start = self.x(column).saturating_sub(len / 2);
            for (at, c) in text.chars().enumerate() {
                row[start + at] = c;
            }
        }
        row.into_iter().collect::<String>().trim_end().into()
    }
}

/// `text` in at most `room` characters.
fn shorten(text: &str, room: usize, ascii: bool) -> String {
    if text.chars().count() <= room {
        return text.into();
    }
    let mut out: String = text.chars().take(room.saturating_sub(1)).collect();
    out.push(if ascii { '.' } else { '…' });
    out
}

/// What stands on the arrow of a SIP message.
pub fn sip_label(start_line: &str) -> String {
    match start_line.strip_prefix("SIP/2.0 ") {
        Some(status) => status.trim().into(),
        None => start_line.split(' ').next().unwrap_or("").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(ascii: bool) -> Ladder {
        let mut ladder = Ladder::new(Style { colour: false, ascii, width: 80 });
        ladder.set_start(Instant::ZERO);
        ladder
    }

    #[test]
    fn arrows_run_between_their_columns() {
        let at = Instant::from_millis(1_234);
        let line = ladder(true).arrow(at, InsidePhone, Hras, Kind::Request, "INVITE");
        assert_eq!(line, "   1.234 |- INVITE ------+===============+==============>|               |\n");
        let line = ladder(true).arrow(at, Hras, InsidePhone, Kind::Response, "180 Ringing");
        assert_eq!(line, "   1.234 |<--------------+===============+= 180 Ringing =|               |\n");
        let line = ladder(true).arrow(at, OutsidePhone, Hras, Kind::Response, "200 OK");
        assert_eq!(line, "   1.234 |               |               |               |< 200 OK ------|\n");
    }

    #[test]
    fn all_lines_are_equally_long() {
        for ascii in [true, false] {
            let ladder = ladder(ascii);
            let width = ladder.gap().chars().count();
            for from in COLUMNS {
                for to in COLUMNS.into_iter().filter(|to| *to != from) {
                    let line = ladder.arrow(
                        Instant::ZERO,
                        from,
                        to,
                        Kind::Http,
                        "407 Proxy Authentication Required",
                    );
                    assert_eq!(line.chars().count(), width, "{line}");
                }
            }
            assert_eq!(ladder.voice(Instant::ZERO, "voice").chars().count(), width);
        }
    }

    #[test]
    fn colours_only_when_asked() {
        let colourful = Ladder::new(Style { colour: true, ascii: false, width: 200 });
        assert!(colourful.arrow(Instant::ZERO, Hrac, Proxy, Kind::Http, "GET").contains('\x1b'));
        assert!(!ladder(false).arrow(Instant::ZERO, Hrac, Proxy, Kind::Http, "GET").contains('\x1b'));
        assert!(ladder(true).head(["a", "b", "c", "d", "e"], ["1", "2", "3", "4", "5"]).is_ascii());
    }

    #[test]
    fn labels() {
        assert_eq!(sip_label("INVITE sip:a SIP/2.0"), "INVITE");
        assert_eq!(sip_label("SIP/2.0 180 Ringing"), "180 Ringing");
        assert_eq!(Kind::of_sip("SIP/2.0 407 X"), Kind::Challenge);
        assert_eq!(Kind::of_sip("SIP/2.0 486 Busy Here"), Kind::Failure);
    }
}
