//! The history of the Relay Agent Table (P7, P10), looked at from time to time.

use sofw_core::Hras;
use sofw_core::base::Instant;
use sofw_core::rat::{End, Record, Space};

use crate::record::RatLife;

#[derive(Debug, Default)]
pub(super) struct RatHistory {
    counts: Vec<(Instant, usize)>,
    lives: Vec<RatLife>,
    /// Those that are there now, in the table's order.
    present: Vec<Present>,
}

/// A record by its key, and its life.
#[derive(Debug)]
struct Present {
    call_id: String,
    tag: String,
    media_line: usize,
    life: usize,
}

impl Present {
    fn is(&self, record: &Record<'_>) -> bool {
        self.call_id == record.call_id && self.tag == record.from_tag && self.media_line == record.media_line
    }
}

impl RatHistory {
    pub fn look(&mut self, at: Instant, hras: &Hras) {
        let mut former = std::mem::take(&mut self.present).into_iter().peekable();
        let mut missed = Vec::new();
        for record in hras.records() {
            // Mostly the next one; a record that is gone leaves a hole, a new one comes anywhere.
            let same = former.next_if(|present| present.is(&record)).or_else(|| {
                missed.extend(former.by_ref());
                missed.iter().position(|present: &Present| present.is(&record)).map(|at| missed.remove(at))
            });
            let present = same.unwrap_or_else(|| self.begin(at, &record));
            let ends = &mut self.lives[present.life].ends;
            if ends.iter().any(|end| end.ends_with('?')) {
                *ends = record.ends.each_ref().map(end);
            }
            self.present.push(present);
        }
        for gone in former.chain(missed) {
            self.lives[gone.life].until = Some(at);
        }
        if self.counts.last().map_or(0, |(_, count)| *count) != self.present.len() {
            self.counts.push((at, self.present.len()));
        }
        if self.lives.len() > LIVES_MAX {
            // Who runs for hours wants the newest.
            let extra = self.lives.len() - LIVES_MAX;
            if self.present.iter().all(|present| present.life >= extra) {
                self.lives.drain(..extra);
                self.present.iter_mut().for_each(|present| present.life -= extra);
            }
        }
    }

    fn begin(&mut self, at: Instant, record: &Record<'_>) -> Present {
        let Record { call_id, from_tag, media_line, ref ends, .. } = *record;
        self.lives.push(RatLife {
            call_id: call_id.into(),
            media_line,
            ends: ends.each_ref().map(end),
            from: at,
            until: None,
        });
        Present { call_id: call_id.into(), tag: from_tag.into(), media_line, life: self.lives.len() - 1 }
    }

    pub fn finish(&mut self) -> (Vec<(Instant, usize)>, Vec<RatLife>) {
        (std::mem::take(&mut self.counts), std::mem::take(&mut self.lives))
    }
}

fn end(end: &End) -> String {
    let space = match end.space {
        Space::Site(site) => format!("site{}/", site.0),
        Space::Outside => String::new(),
    };
    match end.terminal {
        Some(terminal) => format!("{space}{terminal}"),
        None => format!("{space}?"),
    }
}

/// Most lives kept.
const LIVES_MAX: usize = 1_000;
