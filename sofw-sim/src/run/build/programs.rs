//! The programs that run in a world, and again after a restart.

use core::net::{IpAddr, SocketAddr};

use sofw_core::base::{Rng, Seed, Transport};
use sofw_core::config::{
    HracConfig, HrasConfig, MediaConfig, Proxy as ProxyAt, SipListener, Site, SiteKey, TunnelVia, limits,
};
use sofw_core::io::Endpoint;
use sofw_core::testing::phone::Phone;
use sofw_core::{Hrac, Hras, Instant};

use super::super::{accounts, boxes, phones};
use super::Builder;
use super::addresses::{
    PROXY_PORT, RELAY_PORTS, SIP_PORT, UNSENT_MAX, proxy_addr, reverse_proxy_addr, server_addr_for,
    server_addrs,
};
use crate::adversary::HostileHras;
use crate::baseline;
use crate::host::App;
use crate::proxy::Proxy;
use crate::scenario::model::{HracSpec, Place, ProxySpec, System, WayOut};
use crate::tcp::{Congestion, TcpConfig};

impl Builder<'_> {
    /// The program of the public host.
    pub(in crate::run) fn hras(&mut self, now: Instant) -> App {
        let config = self.hras_config();
        let seed = self.life("hras");
        if self.scenario.server.hostile {
            return App::Other(Box::new(HostileHras::new(&config, seed)));
        }
        App::Hras(Box::new(Hras::new(config, seed, now).expect("the configuration is right")))
    }

    pub(in crate::run) fn hras_config(&self) -> HrasConfig {
        let spec = &self.scenario.server;
        let addrs = server_addrs(self.scenario);
        let sites = self.scenario.places.iter().filter(|place| place.hrac.is_some());
        HrasConfig {
            domain: spec.domain.clone(),
            sip: addrs.iter().flat_map(|&addr| sip_listeners(addr)).collect(),
            media: media(spec.addr),
            tunnel: addrs
                .iter()
                .flat_map(|&addr| [80, 443].map(|port| SocketAddr::new(addr, port)))
                .collect(),
            sites: sites.map(|place| Site { name: place.name.clone(), key: site_key(&place.name) }).collect(),
            users: self
                .scenario
                .phones
                .iter()
                .map(|phone| accounts::user(&phone.name, &spec.domain))
                .collect(),
            voice_age_max: spec.voice_age_max,
            media_silence_max: limits::MEDIA_SILENCE_MAX,
            // Without SoFW it is a plain SIP server: everybody is outside.
            outside_calls: self.scenario.system != System::Sofw,
        }
    }

    /// The HRAC of a place, for its start at `now`.
    pub(in crate::run) fn hrac(&mut self, place: usize, now: Instant) -> App {
        let spec = &self.scenario.places[place];
        let hrac = spec.hrac.as_ref().expect("only sites with a HRAC start one");
        let config = self.hrac_config(spec, hrac);
        let seed = self.life(&format!("hrac {}", spec.name));
        App::Hrac(Box::new(Hrac::new(config, seed, now).expect("the configuration is right")))
    }

    pub(in crate::run) fn hrac_config(&self, place: &Place, hrac: &HracSpec) -> HracConfig {
        let server = match &self.scenario.server.proxy {
            Some(_) => reverse_proxy_addr(),
            None => server_addr_for(self.scenario, hrac.addr),
        };
        let host = match server {
            IpAddr::V4(addr) => addr.to_string(),
            IpAddr::V6(addr) => format!("[{addr}]"),
        };
        let authority = if hrac.port == 80 { host } else { format!("{host}:{}", hrac.port) };
        let proxy = || {
            let spec = place.told_proxy().expect("a way by proxy needs one");
            ProxyAt {
                endpoint: Endpoint::Addr(SocketAddr::new(proxy_addr(place), PROXY_PORT)),
                credentials: accounts::proxy_credentials(spec),
            }
        };
        let via = hrac.ways.iter().map(|way| match way {
            WayOut::Direct => TunnelVia::Direct,
            WayOut::Forward => TunnelVia::Forward(proxy()),
            WayOut::Connect => TunnelVia::Connect(proxy()),
        });
        let mut key = site_key(&place.name);
        if hrac.wrong_key {
            key.0[0] ^= 1;
        }
        HracConfig {
            site: place.name.clone(),
            key,
            server: Endpoint::Addr(SocketAddr::new(server, hrac.port)),
            authority,
            via: via.collect(),
            sip: sip_listeners(hrac.addr).into(),
            media: media(hrac.addr),
            voice_age_max: hrac.voice_age_max,
        }
    }

    /// A proxy's program.
    pub(in crate::run) fn proxy(&mut self, spec: &ProxySpec, addr: IpAddr, reverse: bool) -> App {
        let origin = reverse.then(|| SocketAddr::new(self.scenario.server.addr, 80));
        let port = if reverse || spec.is_transparent() { boxes::WEB_PORT } else { PROXY_PORT };
        let config = boxes::proxy_config(spec, SocketAddr::new(addr, port), origin);
        let seed = self.life("proxy");
        App::Other(Box::new(Proxy::new(config, Rng::new(seed))))
    }

    /// The program of a site's proxy.
    pub(in crate::run) fn proxy_of(&mut self, place: usize) -> App {
        let place = &self.scenario.places[place];
        let spec = place.proxy.as_ref().expect("only sites with a proxy start one");
        self.proxy(spec, proxy_addr(place), false)
    }

    /// The program of the proxy before HRAS.
    pub(in crate::run) fn reverse_proxy(&mut self) -> App {
        let spec = self.scenario.server.proxy.as_ref().expect("only a proxy that is there starts");
        self.proxy(spec, reverse_proxy_addr(), true)
    }

    /// A phone's program, for its start at `now`.
    pub(in crate::run) fn phone(&mut self, index: usize, addr: IpAddr, now: Instant) -> App {
        let spec = &self.scenario.phones[index];
        let hrac = spec.place.and_then(|place| self.scenario.places[place].hrac.as_ref());
        let server = match hrac.filter(|_| self.scenario.system == System::Sofw) {
            Some(hrac) => hrac.addr,
            None => server_addr_for(self.scenario, addr),
        };
        let config = phones::config(self.scenario, index, addr, SocketAddr::new(server, SIP_PORT));
        let seed = self.life(&format!("phone {}", spec.name));
        App::Phone(Box::new(Phone::new(config, seed, now)))
    }

    /// TCP of the two halves, as the production driver tunes it.
    pub(in crate::run) fn relay_tcp(&self) -> TcpConfig {
        let cubic = self.scenario.places.iter().filter_map(|place| place.hrac.as_ref()).any(|hrac| !hrac.bbr);
        TcpConfig {
            congestion: if cubic { Congestion::Cubic } else { Congestion::Bbr },
            not_sent_low_water: UNSENT_MAX,
            ..TcpConfig::default()
        }
    }

    pub(in crate::run) fn baseline(&self) -> Option<&'static baseline::Kind> {
        match self.scenario.system {
            System::Sofw | System::PlainSip => None,
            System::Hcap => baseline::find("hcap"),
            System::Softether => baseline::find("softether"),
            System::Skype => baseline::find("skype"),
        }
    }

    /// Randomness for one life of a program.
    pub(in crate::run) fn life(&mut self, name: &str) -> Seed {
        self.lives += 1;
        let mut seed = [0; 32];
        self.rng.fork(&format!("life {} of {name}", self.lives)).fill(&mut seed);
        seed
    }
}

fn sip_listeners(addr: IpAddr) -> [SipListener; 2] {
    let addr = SocketAddr::new(addr, SIP_PORT);
    [Transport::Udp, Transport::Tcp].map(|transport| SipListener { transport, addr })
}

fn media(addr: IpAddr) -> MediaConfig {
    MediaConfig { bind: addr, address: addr, ports: RELAY_PORTS }
}

fn site_key(name: &str) -> SiteKey {
    let mut key = [0x50; 32];
    key.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte ^= letter);
    SiteKey(key)
}
