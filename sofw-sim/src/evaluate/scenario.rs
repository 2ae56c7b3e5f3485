//! The scenario of a point.

use core::net::{IpAddr, Ipv4Addr};

use sofw_core::base::{Duration, Transport};
use sofw_core::config::limits::VOICE_AGE_MAX;

use crate::link::Conditions;
use crate::link::profile::Line;
use crate::scenario::model::{
    Action, AnswerSpec, FirewallSpec, HomeOrSite, HracSpec, InspectSpec, NatSpec, PhoneSpec, Place,
    ProxySpec, Scenario, ServerSpec, Step, System, WayOut,
};

use super::{Barrier, Point, name, title};

impl Point {
    /// A name that says everything, usable as a file's.
    pub fn name(&self) -> String {
        let barrier = match self.barrier {
            Barrier::Open => "open",
            Barrier::Nat => "nat",
            Barrier::Firewall => "firewall",
            Barrier::Inspection => "inspection",
            Barrier::Proxy => "proxy",
        };
        format!(
            "evaluate-{}-{barrier}-{}-phones-{}-calls-{}-permille-{}-ms",
            name(self.system),
            self.phones,
            self.calls,
            self.loss_permille,
            self.round_trip_ms
        )
    }

    /// What is run for it.
    pub fn scenario(&self, seed: u64) -> Scenario {
        Scenario {
            name: self.name(),
            about: format!("{}: {} phones, {} calls", title(self.system), self.phones, self.calls),
            shows: vec!["P15".into()],
            seed,
            duration: self.duration(),
            system: self.system,
            places: vec![self.place()],
            server: server(),
            phones: self.inside().chain(self.outside()).collect(),
            timeline: self.timeline(),
            expect: Vec::new(),
            without: Vec::new(),
            capture: Vec::new(),
        }
    }

    /// Whole seconds in which the traffic is that of `calls` calls, or of phones that only stay reachable.
    pub fn steady(&self) -> core::ops::Range<usize> {
        let from = self.all_talk().as_secs() + 1 + SETTLING.as_secs();
        let to = match self.calls {
            0 => self.duration(),
            _ => FIRST_CALL + TALK,
        };
        from as usize..(to.as_secs() as usize).saturating_sub(1)
    }

    fn all_talk(&self) -> Duration {
        FIRST_CALL + BETWEEN_CALLS * self.calls
    }

    fn duration(&self) -> Duration {
        match self.calls {
            0 => IDLE,
            _ => self.all_talk() + TALK + AFTER,
        }
    }

    fn place(&self) -> Place {
        let barrier = self.barrier;
        let preset = match barrier {
            Barrier::Open | Barrier::Nat => "open",
            Barrier::Firewall | Barrier::Inspection => "web-only",
            Barrier::Proxy => "proxy-only",
        };
        Place {
            name: "office".into(),
            kind: HomeOrSite::Site,
            network: (NETWORK.into(), 24),
            line: self.line(),
            public: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
            firewall: Some(FirewallSpec {
                preset: preset.into(),
                rules: Vec::new(),
                reject: None,
                idle_udp: None,
                idle_tcp: None,
            }),
            inspect: (barrier >= Barrier::Inspection)
                .then_some(InspectSpec { tls: true, deny_connect: false }),
            nat: (barrier >= Barrier::Nat).then(|| NatSpec {
                preset: "port-restricted".into(),
                idle_udp: None,
                idle_tcp: None,
                hairpin: None,
            }),
            alg: None,
            proxy: (barrier == Barrier::Proxy).then(squid),
            hrac: (self.system == System::Sofw).then(|| HracSpec {
                addr: host(HRAC),
                ways: match barrier {
                    Barrier::Proxy => vec![WayOut::Forward, WayOut::Connect],
                    _ => vec![WayOut::Direct],
                },
                port: 80,
                voice_age_max: VOICE_AGE_MAX,
                bbr: false,
                wrong_key: false,
            }),
        }
    }

    fn line(&self) -> Line {
        Line::both(Conditions {
            delay: Duration::from_micros(u64::from(self.round_trip_ms) * 500),
            rate: Some(LINE_RATE),
            queue: Duration::from_millis(50),
            loss: f64::from(self.loss_permille) / 1000.0,
            ..Conditions::WIRE
        })
    }

    fn inside(&self) -> impl Iterator<Item = PhoneSpec> + use<> {
        (0..self.phones)
            .map(|index| phone(inside(index), Some(0), host(FIRST_PHONE + index), Line::both(LAN)))
    }

    fn outside(&self) -> impl Iterator<Item = PhoneSpec> + use<> {
        let line = Line::both(Conditions::delay(OUTSIDE_DELAY));
        (0..self.calls.max(1)).map(move |index| {
            let addr = Ipv4Addr::from_bits(OUTSIDE.to_bits() + index);
            phone(outside(index), None, addr.into(), line)
        })
    }

    /// Calls begin one after the other, in turn from inside and from outside, and end in the same order.
    fn timeline(&self) -> Vec<Step> {
        let call = |index: u32| {
            let out = index.is_multiple_of(2);
            let outside_phone = (self.phones + index) as usize;
            let (from, to) =
                if out { (index as usize, outside(index)) } else { (outside_phone, inside(index)) };
            let action = Action::Call { from, to, talk: Some(TALK) };
            Step { at: FIRST_CALL + BETWEEN_CALLS * index, action, line: 0 }
        };
        (0..self.calls).map(call).collect()
    }
}

fn phone(name: String, place: Option<usize>, addr: IpAddr, line: Line) -> PhoneSpec {
    PhoneSpec {
        name,
        place,
        addr,
        line,
        transport: Transport::Udp,
        answer: AnswerSpec::After(Duration::from_millis(500)),
        registers: true,
        expires_s: EXPIRES_S,
        quirks: Vec::new(),
        ptime_ms: 20,
        video: false,
        wrong_password: false,
    }
}

fn server() -> ServerSpec {
    ServerSpec {
        addr: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)),
        line: Line::both(Conditions::delay(Duration::from_millis(1))),
        proxy: None,
        domain: "example.com".into(),
        voice_age_max: VOICE_AGE_MAX,
        hostile: false,
    }
}

fn squid() -> ProxySpec {
    ProxySpec {
        preset: "squid".into(),
        auth: None,
        wrong_password: false,
        latency: None,
        idle: None,
        lifetime: None,
        connections: None,
        rate: None,
        connect_ports: None,
    }
}

fn inside(index: u32) -> String {
    format!("in{}", index + 1)
}

fn outside(index: u32) -> String {
    format!("out{}", index + 1)
}

fn host(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(NETWORK.to_bits() + number).into()
}

const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 0);
const HRAC: u32 = 2;
const FIRST_PHONE: u32 = 10;
/// The first phone of the public network.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);
const OUTSIDE_DELAY: Duration = Duration::from_millis(5);
const LAN: Conditions = Conditions::WIRE;
/// An office's leased line, wide enough for every system's 50 calls.
const LINE_RATE: u64 = 100_000_000;
/// Registrations come again often enough to be seen in an idle run.
const EXPIRES_S: u32 = 300;
/// The phones have registered and the tunnels are up by then.
const FIRST_CALL: Duration = Duration::from_secs(10);
const BETWEEN_CALLS: Duration = Duration::from_millis(100);
const TALK: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(5);
/// An answered call and its queues have come to rest.
const SETTLING: Duration = Duration::from_secs(2);
/// Ten of the longest keep-alive intervals.
const IDLE: Duration = Duration::from_secs(612);
