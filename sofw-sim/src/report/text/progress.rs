//! The line that shows how far the runs are. It knows no clock: the caller says how long it took so far.

use sofw_core::base::Duration;

use crate::report::markup::shorten;

/// How far the runs are.
#[derive(Clone, Debug, Default)]
pub struct Progress<'a> {
    /// Runs that are over, of how many.
    pub done: usize,
    /// See above.
    pub total: usize,
    /// Of the runs that are over, how many failed.
    pub failed: usize,
    /// Names of the runs that go on.
    pub running: &'a [&'a str],
    /// Time since the first run began, as the caller's clock has it.
    pub elapsed: Duration,
}

impl Progress<'_> {
    /// One line of at most `width` characters, without an end of line:
    /// `██████░░░░░░  12/40  1 failed  0:41 left  tunnel-outage, busy-hour`.
    pub fn line(&self, width: usize) -> String {
        let filled = (BAR * self.done.min(self.total)).checked_div(self.total).unwrap_or(BAR);
        let mut line = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled));
        line += &format!("  {}/{}", self.done, self.total);
        if self.failed > 0 {
            line += &format!("  {} failed", self.failed);
        }
        if let Some(left) = self.left() {
            line += &format!("  {}:{:02} left", left.as_secs() / 60, left.as_secs() % 60);
        }
        if !self.running.is_empty() {
            line += &format!("  {}", self.running.join(", "));
        }
        shorten(&line, width)
    }

    /// Time that is left if the rest goes as fast as what is done; `None` before the first run is over.
    pub fn left(&self) -> Option<Duration> {
        let rest = self.total.checked_sub(self.done)?;
        (self.done > 0 && rest > 0).then(|| self.elapsed.mul_f64(rest as f64 / self.done as f64))
    }
}

const BAR: usize = 24;
