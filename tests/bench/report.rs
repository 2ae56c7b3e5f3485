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
        println!("| peer | calls | p50 µs | p99 µs | loss | CPU µs per packet | CPU ratio to mux |");
        println!("|---|---|---|---|---|---|---|");
        for key in &self.order {
            let Some(rows) = self.rows.get(key) else { continue };
            let cpu = median(rows, Measured::cpu_us_per_packet);
            let mux = self.rows.get(&("mux".to_owned(), key.1));
            let ratio = match mux.map(|rows| median(rows, Measured::cpu_us_per_packet)) {
                Some(mux) if mux > 0.0 && cpu > 0.0 => format!("{:.2}", cpu / mux),
                _ => "–".to_owned(),
            };
            println!(
                "| {} | {} | {:.0} | {:.0} | {:.3} % | {:.1} | {} |",
                key.0,
                key.1,
                median(rows, |row| f64::from(row.delay_us(0.50))),
                median(rows, |row| f64::from(row.delay_us(0.99))),
                median(rows, Measured::loss) * 100.0,
                cpu,
                ratio
            );
        }
    }
}

fn median(rows: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
