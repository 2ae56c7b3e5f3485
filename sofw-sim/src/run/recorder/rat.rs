//! The history of the Relay Agent Table (P7, P10), looked at from time to time.

use std::collections::BTreeMap;

use sofw_core::Hras;
use sofw_core::base::Instant;
use sofw_core::rat::{End, Space};

use crate::record::RatLife;

#[derive(Debug, Default)]
pub(super) struct RatHistory {
    counts: Vec<(Instant, usize)>,
    lives: Vec<RatLife>,
    /// Those that are there now: Call-ID, tag, m-line.
    present: BTreeMap<(String, String, usize), usize>,
}

impl RatHistory {
    pub fn look(&mut self, at: Instant, hras: &Hras) {
        let status = hras.status();
        if status.records.is_empty() && self.present.is_empty() {
            return;
        }
        let mut seen = BTreeMap::new();
        for record in &status.records {
            let key = (record.call_id.to_owned(), record.from_tag.to_owned(), record.media_line);
            let life = match self.present.remove(&key) {
                Some(life) => life,
                None => {
                    self.lives.push(RatLife {
                        call_id: record.call_id.into(),
                        media_line: record.media_line,
                        ends: record.ends.each_ref().map(end),
                        from: at,
                        until: None,
                    });
                    self.lives.len() - 1
                }
            };
            let ends = &mut self.lives[life].ends;
            if ends.iter().any(|end| end.ends_with('?')) {
                *ends = record.ends.each_ref().map(end);
            }
            seen.insert(key, life);
        }
        for gone in self.present.values() {
            self.lives[*gone].until = Some(at);
        }
        self.present = seen;
        if self.counts.last().map_or(0, |(_, count)| *count) != self.present.len() {
            self.counts.push((at, self.present.len()));
        }
        if self.lives.len() > LIVES_MAX {
            // Who runs for hours wants the newest.
            let extra = self.lives.len() - LIVES_MAX;
            if self.present.values().all(|&life| life >= extra) {
                self.lives.drain(..extra);
                self.present.values_mut().for_each(|life| *life -= extra);
            }
        }
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
