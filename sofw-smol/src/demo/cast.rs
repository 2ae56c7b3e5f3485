//! Who takes part in the demo, and at which addresses. Linux lets every address in 127.0.0.0/8 be bound without any set-up.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::io;
use std::net::{TcpListener, UdpSocket};

use md5::Md5;
use sha2::{Digest as _, Sha256};
use sofw_core::Seed;
use sofw_core::base::{Duration, Rng, Transport};
use sofw_core::config::{
    HracConfig, HrasConfig, MediaConfig, Proxy, SipListener, Site, SiteKey, TunnelVia, User, limits,
};
use sofw_core::io::Endpoint;
use sofw_core::testing::phone::{Answer, PhoneConfig};

/// Addresses and configurations of all.
#[derive(Debug)]
pub struct Cast {
    /// The phone behind the firewall.
    pub inside: PhoneConfig,
    /// The inside half.
    pub hrac: HracConfig,
    /// The HTTP proxy.
    pub proxy: SocketAddr,
    /// The outside half.
    pub hras: HrasConfig,
    /// The phone in the public network.
    pub outside: PhoneConfig,
    /// Held while the demo runs: another demo sees it and takes other addresses.
    _claim: TcpListener,
}

/// The SIP domain.
pub const DOMAIN: &str = "sofw.demo";
/// Frequencies of the two phones' tones: a fourth apart, so that both can be told by ear.
pub const TONES: [f64; 2] = [440.0, 587.0];

const CLAIM_PORT: u16 = 53_071;
const DEMOS_MAX: u8 = 32;

impl Cast {
    /// Finds free addresses and ports. `seed` makes key and passwords.
    ///
    /// # Errors
    /// No loopback address can be bound, or 32 demos run already.
    pub fn assemble(seed: Seed) -> io::Result<Cast> {
        let (number, claim) = claim()?;
        let mut rng = Rng::new(seed).fork("demo");
        let mut key = [0; 32];
        rng.fill(&mut key);
        let passwords = [rng.token(12), rng.token(12)];
        let inside = |last| IpAddr::V4(Ipv4Addr::new(127, 10, 10 + number, last));
        let outside = |last| IpAddr::V4(Ipv4Addr::new(127, 203, number, last));

        let hrac_sip = SocketAddr::new(inside(2), free_udp(inside(2), 5060)?);
        let hras_sip = SocketAddr::new(outside(5), free_udp(outside(5), 5060)?);
        let tunnel = SocketAddr::new(outside(5), free_tcp(outside(5), 8080)?);
        let proxy = SocketAddr::new(inside(3), free_tcp(inside(3), 3128)?);
        let phone = |user: &str, password: &str, addr: IpAddr, server: SocketAddr, tone_hz| {
            io::Result::Ok(PhoneConfig {
                sip_port: free_udp(addr, 5060)?,
                rtp_port: free_pair(addr)?,
                answer: Answer::After(Duration::from_millis(600)),
                tone_hz,
                // Listening for a tone would hold up the voice that it measures: the review does it afterwards.
                detect_tone: false,
                ..PhoneConfig::new(user, password, DOMAIN, addr, server)
            })
        };
        let listener = |addr| vec![SipListener { transport: Transport::Udp, addr }];
        let media = |addr, ports| MediaConfig { bind: addr, address: addr, ports };
        let user = |name: &str, password: &str| User {
            name: name.into(),
            ha1_md5: Some(hex(&Md5::digest(format!("{name}:{DOMAIN}:{password}")))),
            ha1_sha256: Some(hex(&Sha256::digest(format!("{name}:{DOMAIN}:{password}")))),
        };
        Ok(Cast {
            inside: phone("alice", &passwords[0], inside(10), hrac_sip, TONES[0])?,
            outside: phone("bob", &passwords[1], outside(77), hras_sip, TONES[1])?,
            hrac: HracConfig {
                site: "demo".into(),
                key: SiteKey(key),
                server: Endpoint::Addr(tunnel),
                authority: tunnel.to_string(),
                via: vec![TunnelVia::Forward(Proxy { endpoint: Endpoint::Addr(proxy), credentials: None })],
                sip: listener(hrac_sip),
                media: media(hrac_sip.ip(), (30_000, 30_999)),
                voice_age_max: limits::VOICE_AGE_MAX,
            },
            hras: HrasConfig {
                domain: DOMAIN.into(),
                sip: listener(hras_sip),
                media: media(hras_sip.ip(), (20_000, 20_999)),
                tunnel: vec![tunnel],
                sites: vec![Site { name: "demo".into(), key: SiteKey(key) }],
                users: vec![user("alice", &passwords[0]), user("bob", &passwords[1])],
                voice_age_max: limits::VOICE_AGE_MAX,
                media_silence_max: limits::MEDIA_SILENCE_MAX,
                outside_calls: false,
            },
            proxy,
            _claim: claim,
        })
    }

    /// The HTTP server at HRAS.
    pub fn tunnel(&self) -> SocketAddr {
        self.hras.tunnel[0]
    }

    /// HRAC's SIP address.
    pub fn hrac_sip(&self) -> SocketAddr {
        self.hrac.sip[0].addr
    }

    /// HRAS's SIP address.
    pub fn hras_sip(&self) -> SocketAddr {
        self.hras.sip[0].addr
    }
}

/// The first number that no other demo on this machine has.
fn claim() -> io::Result<(u8, TcpListener)> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for number in 0..DEMOS_MAX {
        match TcpListener::bind((Ipv4Addr::new(127, 10, 10 + number, 1), CLAIM_PORT)) {
            Ok(listener) => return Ok((number, listener)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// `wanted`, or any free port if somebody listens on it for all addresses.
fn free_udp(addr: IpAddr, wanted: u16) -> io::Result<u16> {
    let socket = UdpSocket::bind((addr, wanted)).or_else(|_| UdpSocket::bind((addr, 0)))?;
    Ok(socket.local_addr()?.port())
}

fn free_tcp(addr: IpAddr, wanted: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((addr, wanted)).or_else(|_| TcpListener::bind((addr, 0)))?;
    Ok(listener.local_addr()?.port())
}

/// An even port whose successor is free, too (RFC 3550 §11).
fn free_pair(addr: IpAddr) -> io::Result<u16> {
    (4_000..6_000)
        .step_by(2)
        .find(|&port| UdpSocket::bind((addr, port)).is_ok() && UdpSocket::bind((addr, port + 1)).is_ok())
        .ok_or_else(|| io::ErrorKind::AddrInUse.into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_casts_share_no_address() {
        let (one, two) = (Cast::assemble([1; 32]).unwrap(), Cast::assemble([2; 32]).unwrap());
        assert_ne!(one.hrac_sip().ip(), two.hrac_sip().ip());
        assert_ne!(one.tunnel().ip(), two.tunnel().ip());
        assert_ne!(one.inside.password, two.inside.password);
        assert_eq!(one.inside.rtp_port % 2, 0);
    }
}
