//! `sofw hrac`.

use core::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use sofw_core::Hrac;
use sofw_core::config::TunnelVia;
use sofw_core::io::Endpoint;

use super::preflight::{Origin, Preflight};
use super::run::{Half, run as run_half};
use super::{FAILED, WRONG_CONFIGURATION, fail};
use crate::clock::{Clock, seed};
use crate::driver::addresses;
use crate::observe::log;
use crate::settings::{HracSettings, LogSettings, PairingLink, detect_local_ip, way_out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pairing link that `sofw hras` prints (in quotes).
    #[arg(required_unless_present = "config", conflicts_with = "config")]
    link: Option<String>,
    /// hrac.toml.
    #[arg(long)]
    config: Option<PathBuf>,
    /// With a link: the HTTP proxy, http://name:password@host:port, or `direct`; several are tried in order.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    proxy: Vec<String>,
    /// With a link: ask the proxy by CONNECT.
    #[arg(long, conflicts_with = "config")]
    connect: bool,
    /// With a link: where phones find their SIP server; default this host's LAN address, port 5060.
    #[arg(long, value_name = "IP:PORT", conflicts_with = "config")]
    listen: Option<SocketAddr>,
    /// With a link: where phones send media; default the address of --listen.
    #[arg(long, value_name = "IP", conflicts_with = "config")]
    media_address: Option<IpAddr>,
}

pub fn run(args: &Args, command_line_log: &LogSettings) -> ExitCode {
    let loaded = match &args.config {
        Some(file) => HracSettings::load(file).map_err(|problems| problems.to_string()),
        None => from_link(args),
    };
    let settings = match loaded {
        Ok(settings) => settings,
        Err(complaint) => return fail(WRONG_CONFIGURATION, complaint),
    };
    if let Err(reason) = log::start(command_line_log, &settings.log) {
        return fail(WRONG_CONFIGURATION, reason);
    }
    let origin = args.config.clone().map_or(Origin::CommandLine, Origin::File);
    let mut preflight = Preflight::new(origin.clone());
    preflight.sip(&settings.core.sip);
    preflight.media(&settings.core.media);
    if !preflight.complaints.is_empty() {
        return fail(FAILED, preflight.complaints.join("\n"));
    }
    for listener in &settings.core.sip {
        println!("SIP server for phones: {}:{}", listener.transport, listener.addr);
    }
    let clock = Clock::start();
    let seed = match seed() {
        Ok(seed) => seed,
        Err(error) => return fail(FAILED, format_args!("no randomness: {error}")),
    };
    let sites = vec![settings.core.site.clone()];
    let machine = match Hrac::new(settings.core, seed, clock.now()) {
        Ok(machine) => machine,
        Err(misuse) => return fail(WRONG_CONFIGURATION, misuse),
    };
    run_half(Half { name: "hrac", origin, machine, clock, gather: settings.gather, sites, admin: None })
}

fn from_link(args: &Args) -> Result<HracSettings, String> {
    let link: PairingLink = args.link.as_deref().unwrap_or_default().parse()?;
    let mut via = Vec::new();
    for proxy in &args.proxy {
        via.push(way_out(proxy, args.connect).map_err(|reason| format!("--proxy {reason}"))?);
    }
    if via.is_empty() {
        via.push(TunnelVia::Direct);
    }
    let listen = match args.listen {
        Some(listen) if listen.ip().is_unspecified() || listen.port() == 0 => {
            return Err(
                "--listen must name an address and port of this host that phones can reach".to_owned()
            );
        }
        Some(listen) => listen,
        None => SocketAddr::new(lan_ip(&link.server()?, &via)?, SIP_PORT),
    };
    link.settings(via, listen, args.media_address.unwrap_or(listen.ip()))
}

/// This host's address on the way to the proxy, or to the server if there is none: the one on the LAN.
fn lan_ip(server: &Endpoint, via: &[TunnelVia]) -> Result<IpAddr, String> {
    let towards = match via.first() {
        Some(TunnelVia::Forward(proxy) | TunnelVia::Connect(proxy)) => &proxy.endpoint,
        Some(TunnelVia::Direct) | None => server,
    };
    // A name that does not resolve now may do so later; the default route's address is a good guess.
    let towards = addresses(towards).ok().and_then(|found| found.first().copied());
    let found = towards.and_then(|addr| detect_local_ip(Some(addr))).or_else(|| detect_local_ip(None));
    found.ok_or_else(|| "this host's LAN address cannot be found out; name it by --listen IP:PORT".to_owned())
}

/// RFC 3261 §19.1.2.
const SIP_PORT: u16 = 5060;
