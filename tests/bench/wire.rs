//! Bytes that a tunnel puts on the wire, IP and TCP headers and acknowledgements included, by `ss` (iproute2).

use std::process::Command;

/// IPv4, TCP and the time stamp option, on every segment.
const HEADERS: u64 = 20 + 20 + 12;

/// What all connections with port `port` at one end have sent so far, both directions together; `None` without `ss`.
///
/// On loopback a segment holds up to 64 KiB, so a large write counts one header where Ethernet needs one per 1448 bytes.
pub fn bytes(port: u16) -> Option<u64> {
    let filter = format!("( sport = :{port} or dport = :{port} )");
    let output =
        Command::new("ss").args(["-tinH", &filter]).output().ok().filter(|out| out.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let field = |name: &str| -> u64 {
        let values = text.split_whitespace().filter_map(|word| word.strip_prefix(name)?.parse::<u64>().ok());
        values.sum()
    };
    Some(field("bytes_sent:") + HEADERS * field("segs_out:"))
}
