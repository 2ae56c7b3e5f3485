//! The tunnel's HTTP.

use core::net::SocketAddr;

use crate::base::{Duration, Instant, Rng};
use crate::config::limits::{ANSWERS_WAITING_MAX, STRANGER_TIMEOUT};
use crate::config::{HracConfig, HrasConfig, MediaConfig, Site, SiteKey};
use crate::io::{ConnId, ConnNames, Endpoint, Output};
use crate::tunnel::http::exchange::{Piece, Reader};
use crate::tunnel::{TunnelClient, TunnelOutput, TunnelServer};

/// The tunnel's HTTP: the data as requests and as responses, cut where its first byte says, into the readers, into a
/// server as a stranger's bytes, and into a client as its server's.
pub fn http(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let cut = usize::from(*cut).max(1);
    for mut reader in [Reader::requests(), Reader::responses()] {
        let mut body_bytes = 0;
        'all: for mut input in data.chunks(cut) {
            loop {
                match reader.next(&mut input) {
                    Ok(Some(Piece::Body(body))) => body_bytes += body.len(),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
        }
        assert!(body_bytes <= data.len());
    }
    http_server(data, cut);
    http_client(data, cut);
}

fn http_server(data: &[u8], cut: usize) {
    let now = Instant::from_millis(1);
    let config = HrasConfig {
        domain: String::new(),
        sip: vec![],
        media: tunnel_media(),
        tunnel: vec![],
        sites: vec![Site { name: "hq".into(), key: SiteKey([7; 32]) }],
        users: vec![],
        voice_age_max: Duration::from_millis(150),
        media_silence_max: Duration::from_secs(300),
        outside_calls: false,
    };
    let mut server = TunnelServer::new(&config, Rng::new([1; 32]), now);
    let conn = ConnId::Accepted(1);
    server.handle_accepted(now, conn, SocketAddr::from(([203, 0, 113, 66], 40_000)));
    for bytes in data.chunks(cut) {
        server.handle_received(now, conn, bytes);
        server.flush(now);
        let mut written = 0;
        while let Some(output) = server.poll() {
            if let TunnelOutput::Io(Output::Write { payload, .. }) = output {
                written += payload.len();
                server.handle_written(now, conn);
            }
        }
        assert!(written <= 2 * ANSWERS_WAITING_MAX + 1024 * bytes.len());
    }
    server.handle_timeout(now + STRANGER_TIMEOUT);
    assert!(!server.owns(conn), "a stranger's time is up");
}

/// The data answers everything that the client asks; the next connection gets what the former one left.
fn http_client(data: &[u8], cut: usize) {
    let mut now = Instant::from_millis(1);
    let config = HracConfig {
        site: "hq".into(),
        key: SiteKey([7; 32]),
        server: Endpoint::Name("h".into(), 80),
        authority: "h".into(),
        via: vec![],
        sip: vec![],
        media: tunnel_media(),
        voice_age_max: Duration::from_millis(150),
    };
    let mut client = TunnelClient::new(&config, Rng::new([1; 32]), ConnNames::new(0, 1), now);
    let mut answers = data.chunks(cut);
    let mut rounds = 0;
    loop {
        client.flush(now);
        match client.poll() {
            Some(TunnelOutput::Io(Output::Connect { conn, .. })) => {
                client.handle_connected(now, conn, SocketAddr::from(([127, 0, 0, 1], 40_000)));
            }
            Some(TunnelOutput::Io(Output::Write { conn, .. })) => {
                client.handle_written(now, conn);
                for bytes in answers.by_ref().take(4) {
                    client.handle_received(now, conn, bytes);
                }
            }
            Some(_) => {}
            None => {
                rounds += 1;
                let Some(due) = client.poll_timeout().filter(|_| rounds < 50) else { return };
                assert!(due.at > now);
                now = due.at;
                client.handle_timeout(now);
            }
        }
        assert!(!client.is_up(), "nobody guesses the key");
    }
}

fn tunnel_media() -> MediaConfig {
    let address = core::net::IpAddr::from([127, 0, 0, 1]);
    MediaConfig { bind: address, address, ports: (20_000, 20_999) }
}
