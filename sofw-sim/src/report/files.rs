//! A report's directory. The only part of the reports that touches files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::summary::file_stem;
use super::{Summary, html, junit, pcap};
use crate::record::Record;

/// Writes a run's page and captures into `dir`, which is made if it is not there. Gives what the index needs.
pub fn write_run(dir: &Path, record: &Record) -> io::Result<Summary> {
    fs::create_dir_all(dir)?;
    let summary = Summary::of(record);
    fs::write(dir.join(&summary.page), html::page(record))?;
    for capture in &record.captures {
        fs::write(dir.join(capture_file(record, &capture.name)), pcap::write(capture))?;
    }
    Ok(summary)
}

/// Writes `index.html` and `junit.xml` of all runs. Gives the path of the index.
pub fn write_index(dir: &Path, runs: &[Summary]) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("junit.xml"), junit::xml(runs))?;
    let index = dir.join("index.html");
    fs::write(&index, html::index(runs))?;
    Ok(index)
}

/// Writes everything of all runs. Gives the path of the index.
pub fn write_all(dir: &Path, records: &[Record]) -> io::Result<PathBuf> {
    let runs: Vec<_> = records.iter().map(|record| write_run(dir, record)).collect::<io::Result<_>>()?;
    write_index(dir, &runs)
}

/// Name of a capture's file beside the run's page.
pub(super) fn capture_file(record: &Record, capture: &str) -> String {
    format!("{}.{}.pcapng", file_stem(record), super::markup::slug(capture))
}
