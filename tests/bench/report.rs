//! The table: medians over the rounds, one row per peer and number of calls.

use std::collections::BTreeMap;

use crate::load::Measured;

/// Rows in the order in which they were first measured.
#[derive(Default)]
pub struct Table {
    order: Vec<(String, usize)>,
    rows: BTreeMap<(String, usize), Vec<Measured>>,
}

impl Table {
    /// Adds one measurement.
    pub fn add(&mut self, name: &str, calls: usize, measured: Measured) {
        let key = (name.to_owned(), calls);
        if !self.order.contains(&key) {
            self.order.push(key.clone());
        }
        self.rows.entry(key).or_default().push(measured);
    }

    /// Prints Markdown.
    pub fn print(&self) {
        println!(
            "| peer | calls | p50 µs | p99 µs | added p50 | added p99 | loss | CPU µs per packet (of which) | ratio to mux | \
             IP bytes per packet |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        for key in &self.order {
            let Some(rows) = self.rows.get(key) else { continue };
            let (name, calls) = key;
            let delay = |rows: &[Measured], part| median(rows, |row| f64::from(row.delay_us(part)));
            let added = |part| match self.peer("direct", *calls) {
                Some(direct) if name != "direct" => format!("{:.0}", delay(rows, part) - delay(direct, part)),
                _ => "–".to_owned(),
            };
            let cpu = median(rows, Measured::cpu_us_per_packet);
            let ratio = match self.peer("mux", *calls).map(|rows| median(rows, Measured::cpu_us_per_packet)) {
                Some(mux) if mux > 0.0 && cpu > 0.0 => format!("{:.2}", cpu / mux),
                _ => "–".to_owned(),
            };
            let bytes = rows.iter().filter_map(Measured::bytes_per_packet).next();
            let bytes = bytes.map(|_| median(rows, |row| row.bytes_per_packet().unwrap_or(0.0)));
            let cpu = if cpu > 0.0 { format!("{cpu:.1}{}", parts(rows)) } else { "–".to_owned() };
            println!(
                "| {name} | {calls} | {:.0} | {:.0} | {} | {} | {:.3} % | {cpu} | {ratio} | {} |",
                delay(rows, 0.50),
                delay(rows, 0.99),
                added(0.50),
                added(0.99),
                median(rows, Measured::loss) * 100.0,
                bytes.map_or_else(|| "–".to_owned(), |bytes| format!("{bytes:.0}")),
            );
        }
    }

    fn peer(&self, name: &str, calls: usize) -> Option<&[Measured]> {
        self.rows.get(&(name.to_owned(), calls)).map(Vec::as_slice)
    }
}

/// The processes' shares, if there are several.
fn parts(rows: &[Measured]) -> String {
    let Some(first) = rows.first().filter(|row| row.cpu.len() > 1) else { return String::new() };
    let share =
        |(part, _): &(&str, _)| format!("{part} {:.1}", median(rows, |row| row.part_us_per_packet(part)));
    format!(" ({})", first.cpu.iter().map(share).collect::<Vec<_>>().join(", "))
}

fn median(rows: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
