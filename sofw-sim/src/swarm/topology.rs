//! Who is there, and what stands between them.

use core::net::IpAddr;

use sofw_core::base::{Duration, Transport};
use sofw_core::config::limits::VOICE_AGE_MAX;

use super::draw::Draw;
use crate::link::profile::{Line, find};
use crate::scenario::model::{
    AlgSpec, AnswerSpec, FirewallSpec, HomeOrSite, HracSpec, InspectSpec, NatSpec, PhoneSpec, Place,
    ProxyAuth, ProxySpec, ServerSpec, WayOut,
};

/// Places and phones of a plan.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Topology {
    pub places: Vec<Place>,
    pub server: ServerSpec,
    pub phones: Vec<PhoneSpec>,
}

impl Topology {
    pub fn draw(draw: &mut dyn Draw) -> Topology {
        let sites = draw.weighted(&[(5, 1), (4, 2), (1, 3)]);
        let mut places: Vec<Place> = (0..sites).map(|number| site(draw, number)).collect();
        let homes = draw.weighted(&[(6, 0), (4, 1), (1, 2)]);
        places.extend((0..homes).map(|number| home(draw, number)));
        let mut phones = Vec::new();
        for (number, place) in places.iter().enumerate() {
            let most = if place.kind == HomeOrSite::Site { 3 } else { 1 };
            for host in 0..1 + draw.below(most) as u8 {
                phones.push(phone(draw, &phones, Some((number, place)), host));
            }
        }
        // Somebody must be elsewhere.
        let outside = draw.below(3).max(u64::from(places.len() == 1)) as u8;
        for host in 0..outside {
            phones.push(phone(draw, &phones, None, host));
        }
        if phones.iter().any(|phone| phone.quirks.iter().any(|quirk| quirk == DELAYED_OFFER)) {
            // Voice before the answer needs an offer before it.
            phones.iter_mut().for_each(|phone| phone.quirks.retain(|quirk| quirk != EARLY_MEDIA));
        }
        // It listens at port 80 only.
        let is_possible = places.iter().flat_map(|place| &place.hrac).all(|hrac| hrac.port == 80);
        let proxy = (draw.chance(15) && is_possible)
            .then(|| proxy(draw.pick(&["haproxy-no-delay", "nginx-tuned", "nginx"])));
        let server = ServerSpec {
            addr: IpAddr::from([203, 0, 113, 5]),
            line: line("datacenter"),
            proxy,
            domain: "example.net".into(),
            voice_age_max: VOICE_AGE_MAX,
            hostile: false,
        };
        Topology { places, server, phones }
    }
}

fn site(draw: &mut dyn Draw, number: u8) -> Place {
    // The same private network in most sites, on purpose.
    let third = if draw.chance(25) { 20 + number } else { 10 };
    let (proxy, ways) = way_out(draw);
    let firewall = draw.weighted(&[(3, Some("web-only")), (1, Some("no-udp")), (1, None)]);
    let firewall =
        if ways == [WayOut::Direct] { firewall } else { Some(draw.pick(&["proxy-only", "web-only"])) };
    let inspect = draw.chance(10) && ways != [WayOut::Connect];
    let nat = draw.weighted(&[
        (4, Some("symmetric")),
        (4, Some("port-restricted")),
        (1, Some("full-cone")),
        (1, None),
    ]);
    let shared = third == 10;
    Place {
        name: format!("{}{}", if shared { "office" } else { "branch" }, number + 1),
        kind: HomeOrSite::Site,
        network: (IpAddr::from([10, 10, third, 0]), 24),
        line: line(draw.weighted(&[(6, "office"), (2, "home"), (2, "hotel"), (1, "mobile"), (1, "wire")])),
        public: IpAddr::from([198, 51, 100, 1 + number]),
        firewall: firewall.map(|preset| FirewallSpec {
            preset: preset.into(),
            rules: Vec::new(),
            reject: draw.chance(20).then_some(true),
            idle_udp: None,
            idle_tcp: None,
        }),
        inspect: inspect.then_some(InspectSpec { tls: false, deny_connect: false }),
        // Networks that overlap cannot both be routed.
        nat: nat.or(shared.then_some("symmetric")).map(translation),
        alg: None,
        hrac: Some(HracSpec {
            addr: IpAddr::from([10, 10, third, 2]),
            port: if ways == [WayOut::Connect] { 443 } else { 80 },
            ways,
            voice_age_max: VOICE_AGE_MAX,
            bbr: !draw.chance(30),
            wrong_key: false,
        }),
        proxy,
    }
}

/// A proxy, if there is one, and a way out that works with it.
fn way_out(draw: &mut dyn Draw) -> (Option<ProxySpec>, Vec<WayOut>) {
    if !draw.chance(55) {
        return (None, vec![WayOut::Direct]);
    }
    let ways = [
        (4, ("squid", vec![WayOut::Forward])),
        (2, ("squid", vec![WayOut::Connect])),
        (1, ("squid", vec![WayOut::Connect, WayOut::Forward])),
        (2, ("tinyproxy", vec![WayOut::Forward])),
        (2, ("privoxy", vec![WayOut::Forward])),
        (1, ("strict", vec![WayOut::Forward])),
        (1, ("antivirus", vec![WayOut::Connect])),
        (1, ("tls-inspecting", vec![WayOut::Forward])),
    ];
    let (preset, ways) = draw.weighted(&ways);
    let auth = draw.weighted(&[(6, None), (1, Some(ProxyAuth::Basic)), (1, Some(ProxyAuth::Digest))]);
    (Some(ProxySpec { auth, ..proxy(preset) }), ways)
}

fn home(draw: &mut dyn Draw, number: u8) -> Place {
    let nat = draw.pick(&["port-restricted", "restricted-cone", "full-cone", "symmetric"]);
    Place {
        name: format!("home{}", number + 1),
        kind: HomeOrSite::Home,
        network: (IpAddr::from([192, 168, 1, 0]), 24),
        line: line(draw.weighted(&[(4, "home"), (1, "mobile"), (1, "hotel")])),
        public: IpAddr::from([198, 51, 100, 101 + number]),
        firewall: None,
        inspect: None,
        nat: Some(translation(nat)),
        alg: (nat != "symmetric" && draw.chance(20)).then_some(AlgSpec {
            via: true,
            contact: true,
            sdp: true,
            breaks_content_length: false,
        }),
        proxy: None,
        hrac: None,
    }
}

fn phone(draw: &mut dyn Draw, others: &[PhoneSpec], place: Option<(usize, &Place)>, host: u8) -> PhoneSpec {
    let is_home = place.is_some_and(|(_, place)| place.kind == HomeOrSite::Home);
    let addr = match place.map(|(_, place)| place.network.0) {
        Some(IpAddr::V4(network)) => {
            let [a, b, c, _] = network.octets();
            IpAddr::from([a, b, c, 10 + host])
        }
        Some(IpAddr::V6(_)) | None => IpAddr::from([203, 0, 113, 20 + host]),
    };
    let mut quirks = Vec::new();
    for (quirk, percent) in
        [(EARLY_MEDIA, 15), (DELAYED_OFFER, 10), ("compact_headers", 10), ("no_rport", 10)]
    {
        // Behind a translator nobody can live without rport.
        if draw.chance(percent) && !(is_home && quirk == "no_rport") {
            quirks.push(quirk.to_owned());
        }
    }
    PhoneSpec {
        name: NAMES.get(others.len()).map_or_else(|| format!("phone{}", others.len()), |name| (*name).into()),
        place: place.map(|(number, _)| number),
        addr,
        line: line(if place.is_some() { "wire" } else { draw.pick(&["datacenter", "home"]) }),
        transport: if draw.chance(25) { Transport::Tcp } else { Transport::Udp },
        answer: AnswerSpec::After(Duration::from_millis(draw.pick(&[500, 50, 1_500]))),
        registers: true,
        expires_s: draw.pick(&[3_600, 300, 60]),
        quirks,
        ptime_ms: draw.weighted(&[(8, 20), (1, 10), (1, 30)]),
        video: draw.chance(10),
        wrong_password: false,
    }
}

pub(super) fn line(name: &str) -> Line {
    find(name).expect("a profile of link::profile").line
}

pub(super) fn proxy(preset: &str) -> ProxySpec {
    ProxySpec {
        preset: preset.into(),
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

fn translation(preset: &str) -> NatSpec {
    NatSpec { preset: preset.into(), idle_udp: None, idle_tcp: None, hairpin: None }
}

const NAMES: [&str; 13] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "lena",
    "mike",
];
const EARLY_MEDIA: &str = "early_media";
const DELAYED_OFFER: &str = "delayed_offer";
