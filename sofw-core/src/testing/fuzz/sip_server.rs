//! The SIP server alone.

use core::net::SocketAddr;

use crate::base::{Duration, Hop, InsideAddr, Instant, OutsideAddr, Rng, SiteId, Transport};
use crate::config::{HrasConfig, MediaConfig, SipListener, Site, SiteKey, User, limits};
use crate::proxy::{BranchId, Forward, RelayModule, SipServer};
use crate::sip::Message;
use crate::tunnel::RaHeader;

/// The SIP server alone. Each step is one byte that chooses who speaks and how long it took, two bytes that give a
/// length, and a message of so many bytes; an empty one says that nothing can be delivered to that hop.
pub fn sip_server(data: &[u8]) {
    let mut now = Instant::from_millis(1_000);
    let mut server = SipServer::new(&config(), Rng::new([1; 32]), now);
    let lan = RaHeader { transport: Transport::Udp, addr: SocketAddr::from(([10, 10, 10, 2], 5060)) };
    server.site_up(now, SiteId(0), &[lan]);
    let outside = |transport, listener| {
        let addr = SocketAddr::from(([198, 51, 100, 7], 5060));
        Hop::Outside(OutsideAddr { listener, transport, addr })
    };
    let phone = SocketAddr::from(([10, 10, 10, 10], 5060));
    let hops = [
        Hop::Inside(InsideAddr { site: SiteId(0), transport: Transport::Udp, addr: phone }),
        outside(Transport::Udp, 0),
        outside(Transport::Tcp, 1),
        Hop::Inside(InsideAddr { site: SiteId(9), transport: Transport::Tcp, addr: phone }),
    ];
    let mut rest = data;
    while let [choice, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (bytes, tail) = tail.split_at(length.min(tail.len()));
        rest = tail;
        let hop = hops[usize::from(choice % 4)];
        now += Duration::from_millis(u64::from(choice / 4) * 500);
        server.handle_timeout(now, &mut Yes);
        match bytes {
            [] => server.handle_undelivered(now, hop, &mut Yes),
            _ => server.handle_message(now, hop, bytes, &mut Yes),
        }
        while server.poll().is_some() {}
        assert!(server.transactions() <= limits::TRANSACTIONS_MAX && server.dialogs() <= limits::DIALOGS_MAX);
    }
    server.site_ended(now, SiteId(0), &mut Yes);
    let end = now + limits::TIMER_C + limits::TIMER_C;
    while let Some(deadline) = server.poll_timeout().filter(|deadline| deadline.at <= end) {
        server.handle_timeout(deadline.at, &mut Yes);
        while server.poll().is_some() {}
    }
    assert_eq!(server.transactions(), 0, "transactions end by themselves");
}

/// A relay module that agrees to everything and changes nothing.
struct Yes;

impl RelayModule for Yes {
    fn request(&mut self, _: Instant, _: &Forward<'_>, _: &Message<'_>) -> Result<Option<Vec<u8>>, u16> {
        Ok(None)
    }
    fn response(&mut self, _: Instant, _: &Forward<'_>, _: &Message<'_>) -> Result<Option<Vec<u8>>, u16> {
        Ok(None)
    }
    fn branch_failed(&mut self, _: Instant, _: BranchId, _: &'static str) {}
    fn dialog_ended(&mut self, _: Instant, _: &str, _: (&str, &str), _: &'static str) {}
}

fn config() -> HrasConfig {
    let public = core::net::IpAddr::from([203, 0, 113, 5]);
    let listener = |transport| SipListener { transport, addr: SocketAddr::new(public, 5060) };
    let user = |name: &str| User { name: name.to_owned(), ha1_md5: Some("0".repeat(32)), ha1_sha256: None };
    HrasConfig {
        domain: "example.net".to_owned(),
        sip: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        media: MediaConfig { bind: public, address: public, ports: (20_000, 20_999) },
        tunnel: Vec::new(),
        sites: vec![Site { name: "hq".to_owned(), key: SiteKey([0; 32]) }],
        users: vec![user("alice"), user("bob")],
        voice_age_max: limits::VOICE_AGE_MAX,
        media_silence_max: limits::MEDIA_SILENCE_MAX,
        outside_calls: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call and its neighbourhood, as the fuzzer's data, whole and with every byte changed once.
    #[test]
    fn a_call_and_its_damaged_variants() {
        let mut data = Vec::new();
        let mut step = |choice: u8, text: &str| {
            data.push(choice);
            data.extend((text.len() as u16).to_be_bytes());
            data.extend(text.as_bytes());
        };
        let request = |method: &str, uri: &str, tag: &str| {
            format!(
                "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.10.10;rport;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=1\r\n\
                 To: <{uri}>{tag}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContact: <sip:x@10.10.10.10>\r\n\r\n"
            )
        };
        step(0, &request("INVITE", "sip:u@198.51.100.7", ""));
        step(1, &request("REGISTER", "sip:example.net", ""));
        step(2, &request("OPTIONS", "sip:203.0.113.5", ""));
        step(0, &request("CANCEL", "sip:u@198.51.100.7", ""));
        step(8, "");
        step(0, &request("BYE", "sip:u@198.51.100.7", ";tag=2"));
        sip_server(&data);
        for at in 0..data.len() {
            let mut damaged = data.clone();
            damaged[at] ^= 1 << (at % 8);
            sip_server(&damaged);
        }
    }
}
