//! What `GET /status` answers and `sofw status` shows. The field names are part of the product.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sofw_core::Hras;
use sofw_core::base::{Hop, Instant};
use sofw_core::hras::HrasStatus;
use sofw_core::rat::{End, Record, Space};

use crate::driver::Stats;

/// The state of an HRAS.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Of the executable.
    pub version: String,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// All sites of the configuration.
    pub sites: Vec<Site>,
    /// The location service.
    pub bindings: Vec<Binding>,
    /// The RAT.
    pub records: Vec<RatRecord>,
    /// SIP dialogs remembered.
    pub dialogs: usize,
    /// SIP transactions under way.
    pub transactions: usize,
    /// What was dropped, by reason.
    pub drops: BTreeMap<String, u64>,
    /// The sockets.
    pub sockets: Sockets,
}

/// What passed through the sockets since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sockets {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Datagrams sent, refused ones included.
    pub datagrams_out: u64,
    /// Datagrams that the kernel refused to send.
    pub send_drops: u64,
    /// Datagrams received that were longer than the bound of their kind.
    pub oversize: u64,
    /// Wake-ups: so many batches were read.
    pub rounds: u64,
}

/// A site and its tunnel.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// Its name in the configuration.
    pub name: String,
    /// Its tunnel, while it has one.
    pub tunnel: Option<Tunnel>,
}

/// A tunnel.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tunnel {
    /// How frames are carried.
    pub rung: String,
    /// The newest round trip, milliseconds.
    pub round_trip_ms: f64,
    /// Seconds since the session began.
    pub since_s: u64,
    /// HTTP body bytes towards the site.
    pub bytes_sent: u64,
    /// HTTP body bytes from the site.
    pub bytes_received: u64,
}

/// A registered contact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// The user.
    pub user: String,
    /// `outside` or the site's name.
    pub space: String,
    /// Transport and address that requests are sent to.
    pub hop: String,
    /// The contact URI.
    pub contact: String,
    /// Seconds until it expires.
    pub expires_s: u32,
}

/// A dialog's media line (paper P7).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RatRecord {
    /// The dialog's Call-ID.
    pub call_id: String,
    /// The caller's tag.
    pub from_tag: String,
    /// The callee's tag, once it answered.
    pub to_tag: Option<String>,
    /// Index of the m-line.
    pub media_line: usize,
    /// The caller's end.
    pub caller: RatEnd,
    /// The callee's end.
    pub callee: RatEnd,
    /// Held: silence does not end it.
    pub held: bool,
    /// Seconds since the dialog began.
    pub age_s: u64,
    /// Seconds since the last packet, if media can flow.
    pub idle_s: Option<u64>,
}

/// One end of a record: IIP:IPort if `space` is a site, OIP:OPort if it is `outside`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RatEnd {
    /// `outside` or the site's name.
    pub space: String,
    /// Where the terminal receives RTP.
    pub terminal: Option<SocketAddr>,
    /// The relay port that faces it.
    pub relay_port: Option<u16>,
    /// The source learned instead of the SDP's address.
    pub learned: Option<SocketAddr>,
    /// Packets from the terminal.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets refused.
    pub drops: u64,
}

/// Reads the status off a machine.
pub fn of(hras: &Hras, now: Instant, stats: &Stats) -> Status {
    let HrasStatus { sites, bindings, records, dialogs, transactions, drops } = hras.status();
    let names: Vec<String> = sites.iter().map(|site| site.name.to_owned()).collect();
    let sites = sites.into_iter().map(|site| Site {
        name: site.name.to_owned(),
        tunnel: site.tunnel.map(|tunnel| Tunnel {
            rung: tunnel.rung.to_string(),
            round_trip_ms: tunnel.round_trip.as_secs_f64() * 1e3,
            since_s: now.since(tunnel.since).as_secs(),
            bytes_sent: tunnel.bytes_sent,
            bytes_received: tunnel.bytes_received,
        }),
    });
    let bindings = bindings.into_iter().map(|binding| Binding {
        user: binding.user,
        space: space_of(&names, &binding.hop),
        hop: format!("{}:{}", binding.hop.transport(), binding.hop.addr()),
        contact: binding.contact,
        expires_s: binding.remaining_s,
    });
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_s: now.as_secs(),
        sites: sites.collect(),
        bindings: bindings.collect(),
        records: records.iter().map(|record| record_of(&names, record, now)).collect(),
        dialogs,
        transactions,
        drops: drops.into_iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
        sockets: Sockets {
            datagrams_in: stats.datagrams_in,
            datagrams_out: stats.datagrams_out,
            send_drops: stats.send_drops,
            oversize: stats.oversize,
            rounds: stats.rounds,
        },
    }
}

fn record_of(names: &[String], record: &Record<'_>, now: Instant) -> RatRecord {
    let [caller, callee] = &record.ends;
    RatRecord {
        call_id: record.call_id.to_owned(),
        from_tag: record.from_tag.to_owned(),
        to_tag: record.to_tag.map(str::to_owned),
        media_line: record.media_line,
        caller: end_of(names, caller),
        callee: end_of(names, callee),
        held: record.held,
        age_s: now.since(record.created).as_secs(),
        idle_s: record.last_activity.map(|last| now.since(last).as_secs()),
    }
}

fn end_of(names: &[String], end: &End) -> RatEnd {
    RatEnd {
        space: match end.space {
            Space::Site(site) => name_of(names, site.0),
            Space::Outside => OUTSIDE.to_owned(),
        },
        terminal: end.terminal,
        relay_port: end.relay_port,
        learned: end.received.learned,
        packets: end.received.packets,
        bytes: end.received.bytes,
        drops: end.received.drops,
    }
}

fn space_of(names: &[String], hop: &Hop) -> String {
    hop.site().map_or_else(|| OUTSIDE.to_owned(), |site| name_of(names, site.0))
}

fn name_of(names: &[String], site: u16) -> String {
    names.get(usize::from(site)).cloned().unwrap_or_else(|| format!("site {site}"))
}

const OUTSIDE: &str = "outside";

#[cfg(test)]
mod tests;
