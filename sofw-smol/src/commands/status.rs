//! `sofw status`.

use core::net::SocketAddr;
use std::process::ExitCode;

use super::{FAILED, fail};
use crate::observe::admin;
use crate::observe::status::{RatEnd, Status};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The admin listener of the HRAS.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9060")]
    admin: SocketAddr,
    /// The JSON as it comes.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> ExitCode {
    let body = match smol::block_on(admin::get(args.admin, "/status")) {
        Ok((200, body)) => body,
        Ok((status, body)) => {
            return fail(FAILED, format_args!("{}: {status}: {}", args.admin, body.trim_end()));
        }
        Err(error) => return fail(FAILED, format_args!("{}: {error} (does `sofw hras` run?)", args.admin)),
    };
    if args.json {
        println!("{body}");
        return ExitCode::SUCCESS;
    }
    match serde_json::from_str(&body) {
        Ok(status) => {
            print!("{}", page(&status));
            ExitCode::SUCCESS
        }
        Err(error) => fail(FAILED, format_args!("{}: not a status: {error}", args.admin)),
    }
}

fn page(status: &Status) -> String {
    let mut page = format!(
        "sofw {}, up {}, {} dialogs, {} transactions\n",
        status.version,
        time(status.uptime_s),
        status.dialogs,
        status.transactions
    );
    let sites = status.sites.iter().map(|site| match &site.tunnel {
        Some(tunnel) => vec![
            site.name.clone(),
            tunnel.rung.clone(),
            format!("{:.1} ms", tunnel.round_trip_ms),
            time(tunnel.since_s),
            bytes(tunnel.bytes_received),
            bytes(tunnel.bytes_sent),
        ],
        None => vec![site.name.clone(), "down".to_owned()],
    });
    page += &table(&["SITE", "TUNNEL", "ROUND TRIP", "SINCE", "UP", "DOWN"], sites);
    let bindings = status.bindings.iter().map(|binding| {
        let expires = format!("{} s", binding.expires_s);
        vec![
            binding.user.clone(),
            binding.space.clone(),
            binding.hop.clone(),
            binding.contact.clone(),
            expires,
        ]
    });
    page += &table(&["USER", "WHERE", "ADDRESS", "CONTACT", "EXPIRES"], bindings);
    let records = status.records.iter().map(|record| {
        vec![
            record.call_id.clone(),
            record.media_line.to_string(),
            end(&record.caller),
            end(&record.callee),
            record.caller.packets.to_string(),
            record.callee.packets.to_string(),
            time(record.age_s),
            if record.held { "held".to_owned() } else { record.idle_s.map(time).unwrap_or_default() },
        ]
    });
    page +=
        &table(&["CALL-ID", "LINE", "CALLER", "CALLEE", "PACKETS →", "PACKETS ←", "AGE", "IDLE"], records);
    let drops = status.drops.iter().filter(|(_, count)| **count > 0);
    page +=
        &table(&["DROPPED", "COUNT"], drops.map(|(reason, count)| vec![reason.clone(), count.to_string()]));
    page
}

fn end(end: &RatEnd) -> String {
    let terminal = end.terminal.map_or_else(|| "?".to_owned(), |terminal| terminal.to_string());
    format!("{} {terminal}", end.space)
}

fn time(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// Columns as wide as their widest cell, below a blank line; nothing if there are no rows.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let mut page = format!("\n{}", line(&mut head.iter().copied()));
    for row in &rows {
        page += &line(&mut row.iter().map(String::as_str));
    }
    page
}
