//! `sofw hras`.

use std::path::PathBuf;
use std::process::ExitCode;

use sofw_core::Hras;
use sofw_core::base::Instant;

use super::preflight::{Origin, Preflight};
use super::run::{Half, Page, run as run_half};
use super::{FAILED, WRONG_CONFIGURATION, fail};
use crate::clock::{Clock, seed};
use crate::driver::Stats;
use crate::observe::{log, status};
use crate::settings::{FirstStart, HrasSettings, LogSettings, PairingLink, detect_local_ip, state_dir};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// hras.toml. Without it: the one that the first start made, made now if there is none.
    #[arg(long)]
    config: Option<PathBuf>,
}

pub fn run(args: &Args, command_line_log: &LogSettings) -> ExitCode {
    let first = match &args.config {
        Some(file) => FirstStart { file: file.clone(), made: None, port_note: None },
        None => match FirstStart::find_or_make(&state_dir()) {
            Ok(first) => first,
            Err(error) => {
                return fail(
                    FAILED,
                    format_args!("cannot keep a configuration in {}: {error}", state_dir().display()),
                );
            }
        },
    };
    let settings = match HrasSettings::load(&first.file) {
        Ok(settings) => settings,
        Err(problems) => return fail(WRONG_CONFIGURATION, problems),
    };
    if let Err(reason) = log::start(command_line_log, &settings.log) {
        return fail(WRONG_CONFIGURATION, reason);
    }
    let mut preflight = Preflight::new(Origin::File(first.file.clone()));
    preflight.sip(&settings.core.sip);
    preflight.media(&settings.core.media);
    preflight.tunnel(&settings.core.tunnel);
    let admin = preflight.admin(settings.admin);
    if !preflight.complaints.is_empty() {
        // Nobody has seen the password of a first start that fails; the next one is a first start again.
        if first.made.is_some() {
            let _ = std::fs::remove_file(&first.file);
        }
        return fail(FAILED, preflight.complaints.join("\n"));
    }
    introduce(&settings, &first);
    let clock = Clock::start();
    let seed = match seed() {
        Ok(seed) => seed,
        Err(error) => return fail(FAILED, format_args!("no randomness: {error}")),
    };
    let sites = settings.core.sites.iter().map(|site| site.name.clone()).collect();
    let machine = match Hras::new(settings.core, seed, clock.now()) {
        Ok(machine) => machine,
        Err(misuse) => return fail(WRONG_CONFIGURATION, format_args!("{}: {misuse}", first.file.display())),
    };
    run_half(Half {
        name: "hras",
        origin: Origin::File(first.file),
        machine,
        clock,
        gather: settings.gather,
        sites,
        admin: admin.map(|listener| (listener, status_page as Page<Hras>)),
    })
}

fn status_page(hras: &mut Hras, now: Instant, stats: &Stats) -> String {
    serde_json::to_string(&status::of(hras, now, stats))
        .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// Says on standard output what the operator needs for the other side.
fn introduce(settings: &HrasSettings, first: &FirstStart) {
    if let Some((user, password)) = &first.made {
        println!("configuration: {}", first.file.display());
        println!("first user: {user}, password: {password} (shown this once; it is in the configuration)");
    }
    if let Some(note) = &first.port_note {
        println!("note: {note}");
    }
    let authority = settings.public.clone().unwrap_or_else(|| authority(settings));
    for site in &settings.core.sites {
        let link =
            PairingLink { authority: authority.clone(), site: site.name.clone(), key: site.key.clone() };
        println!("pairing link of site {}: sofw hrac '{link}'", site.name);
    }
}

/// The first tunnel listener, as others reach it.
fn authority(settings: &HrasSettings) -> String {
    let Some(mut addr) = settings.core.tunnel.first().copied() else { return settings.core.domain.clone() };
    if addr.ip().is_unspecified() {
        if let Some(here) = detect_local_ip(None) {
            addr.set_ip(here);
        }
    }
    match (addr.port(), addr.ip()) {
        (80, core::net::IpAddr::V6(ip)) => format!("[{ip}]"),
        (80, ip) => ip.to_string(),
        _ => addr.to_string(),
    }
}
