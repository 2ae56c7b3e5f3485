//! hras.toml.

use core::net::SocketAddr;
use std::collections::BTreeSet;

use md5::{Digest, Md5};
use sha2::Sha256;
use sofw_core::base::{Duration, Transport};
use sofw_core::config::{HrasConfig, MediaConfig, SipListener, Site, SiteKey, User, limits};
use toml::Table;

use super::section::Section;
use super::{LogSettings, Problem, values};

/// All that `sofw hras` needs to know.
#[derive(Clone, Debug)]
pub struct HrasSettings {
    /// For the core.
    pub core: HrasConfig,
    /// Host and port that pairing links name, if not the first tunnel listener's.
    pub public: Option<String>,
    /// Where status is asked for; `None` if switched off.
    pub admin: Option<SocketAddr>,
    /// See [`crate::driver::Options::gather`].
    pub gather: Option<Duration>,
    /// How to log.
    pub log: LogSettings,
}

impl HrasSettings {
    /// Reads and checks everything; all mistakes if there are any.
    pub fn from_table(table: &Table) -> Result<Self, Vec<Problem>> {
        let root = Section::root(table);

        let section = root.section("sip");
        let domain = section.required("domain", "\"example.net\"", values::domain);
        let sip = section.required_list("listen", "[\"udp:203.0.113.5:5060\"]", values::sip_listener);
        let outside_calls = section.flag("outside_calls").unwrap_or(false);
        section.finish();

        let MediaSettings { media, silence_max, voice_age_max, gather } = media(&root);

        let section = root.section("tunnel");
        let tunnel = section.required_list("listen", "[\"http:203.0.113.5:80\"]", values::tunnel_listener);
        let public = section.text("public", |text| {
            values::server(&format!("http://{text}")).map(|(_, authority)| authority).map_err(|_| {
                format!("must be a host and optionally a port, e.g. \"relay.example.net\", not {text:?}")
            })
        });
        section.finish();

        let sites = sites(&root);
        let users = users(&root, domain.as_deref().unwrap_or_default());

        let section = root.section("admin");
        let admin = section.text("listen", |text| match text {
            "off" => Ok(None),
            text => values::socket_addr(text).map(Some),
        });
        let admin = admin.unwrap_or_else(|| Some(ADMIN_DEFAULT.into()));
        section.finish();

        let log = log(&root);
        check_collisions(&root, &sip, &tunnel, admin, media);
        root.finish();
        match (root.problems(), domain, media) {
            (problems, Some(domain), Some(media)) if problems.is_empty() => Ok(HrasSettings {
                core: HrasConfig {
                    domain,
                    sip: without_paths(sip),
                    media,
                    tunnel: without_paths(tunnel),
                    sites,
                    users,
                    voice_age_max,
                    media_silence_max: silence_max,
                    outside_calls,
                },
                public,
                admin,
                gather,
                log,
            }),
            (problems, ..) => Err(problems),
        }
    }
}

/// `[media]` of either half.
pub struct MediaSettings {
    pub media: Option<MediaConfig>,
    pub silence_max: Duration,
    pub voice_age_max: Duration,
    pub gather: Option<Duration>,
}

/// Reads `[media]` of either half; the silence matters to HRAS only.
pub fn media(root: &Section<'_>) -> MediaSettings {
    let section = root.section("media");
    let address = section.required("address", "\"203.0.113.5\"", values::told_ip);
    let ports = section.required("ports", "\"20000-29999\"", values::port_range);
    let bind = section.text("bind", values::any_ip);
    let silence = section.number("silence_s", 10..=86_400).map(Duration::from_secs);
    let age = section.number("voice_age_ms", 20..=10_000).map(Duration::from_millis);
    let gather = section.number("gather_us", 0..=20_000).map(Duration::from_micros);
    section.finish();
    let media = address.zip(ports).map(|(address, ports)| MediaConfig {
        bind: bind.unwrap_or(address),
        address,
        ports,
    });
    MediaSettings {
        media,
        silence_max: silence.unwrap_or(limits::MEDIA_SILENCE_MAX),
        voice_age_max: age.unwrap_or(limits::VOICE_AGE_MAX),
        gather,
    }
}

/// `[log]` of either half.
pub fn log(root: &Section<'_>) -> LogSettings {
    let section = root.section("log");
    let level = section.text("level", |text| {
        // A bare word that is no level would be taken for a module's name, and a typing mistake for an empty log.
        let is_level = |word: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&word);
        let good = text.split(',').all(|part| is_level(part.rsplit('=').next().unwrap_or(part).trim()));
        let wrong =
            || format!("must be error, warn, info, debug or trace (or module=level, …), not {text:?}");
        good.then(|| text.to_owned()).ok_or_else(wrong)
    });
    let json = section.text("format", |text| match text {
        "json" => Ok(true),
        "text" => Ok(false),
        other => Err(format!("must be \"text\" or \"json\", not {other:?}")),
    });
    section.finish();
    LogSettings { level, json }
}

/// Two listeners on one address, or a SIP listener among the relay ports.
pub fn check_collisions(
    root: &Section<'_>,
    sip: &[(String, SipListener)],
    tunnel: &[(String, SocketAddr)],
    admin: Option<SocketAddr>,
    media: Option<MediaConfig>,
) {
    let mut taken: Vec<(Transport, SocketAddr, String)> = Vec::new();
    let sip = sip.iter().map(|(path, listener)| (listener.transport, listener.addr, path.clone()));
    let tunnel = tunnel.iter().map(|(path, addr)| (Transport::Tcp, *addr, path.clone()));
    let admin = admin.map(|addr| (Transport::Tcp, addr, "admin.listen".to_owned()));
    for (transport, addr, path) in sip.chain(tunnel).chain(admin) {
        let clash = taken.iter().find(|(other, at, _)| *other == transport && overlap(*at, addr));
        if let Some((.., first)) = clash {
            root.problem_at(path, format!("{transport} port {} is taken by {first} already", addr.port()));
            continue;
        }
        if let Some(media) = media.filter(|media| {
            let range = media.ports.0..=media.ports.1;
            transport == Transport::Udp && range.contains(&addr.port()) && same_ip(media.bind, addr.ip())
        }) {
            let (first, last) = media.ports;
            root.problem_at(
                path.clone(),
                format!("port {} lies inside media.ports {first}-{last}", addr.port()),
            );
        }
        taken.push((transport, addr, path));
    }
}

/// Values without the paths that led to them.
pub fn without_paths<T>(list: Vec<(String, T)>) -> Vec<T> {
    list.into_iter().map(|(_, value)| value).collect()
}

fn sites(root: &Section<'_>) -> Vec<Site> {
    if !root.has("site") {
        root.problem(
            "site",
            "is missing: at least one [[site]] with name and key, or nobody can open a tunnel",
        );
    }
    let mut names = BTreeSet::new();
    let mut keys: Vec<SiteKey> = Vec::new();
    let mut sites = Vec::new();
    for section in root.sections("site") {
        let name = section.required("name", "\"hq\"", values::site_name);
        let key = section.required("key", "\"…\" (head -c 32 /dev/urandom | base64)", values::site_key);
        section.finish();
        let (Some(name), Some(key)) = (name, key) else { continue };
        if !names.insert(name.to_ascii_lowercase()) {
            section.problem("name", format!("{name:?} is the name of another site already"));
        }
        if keys.contains(&key) {
            section.problem("key", "is another site's key already; each needs its own");
        }
        keys.push(key.clone());
        sites.push(Site { name, key });
    }
    if sites.len() > usize::from(u16::MAX) {
        root.problem("site", "more than 65,535 sites");
    }
    sites
}

fn users(root: &Section<'_>, domain: &str) -> Vec<User> {
    let mut names = BTreeSet::new();
    let mut users = Vec::new();
    for section in root.sections("user") {
        let name = section.required("name", "\"alice\"", values::user_name);
        let password = section.text("password", values::password);
        let md5 = section.text("ha1-md5", |text| values::hash(text, 32));
        let sha256 = section.text("ha1-sha256", |text| values::hash(text, 64));
        section.finish();
        let hashed = section.has("ha1-md5") || section.has("ha1-sha256");
        match (section.has("password"), hashed) {
            (true, true) => section.problem("password", "stands beside a hash; keep one of them"),
            (false, false) => {
                section.problem("password", "is missing (or ha1-md5 and ha1-sha256, see `sofw user`)")
            }
            _ => {}
        }
        let Some(name) = name else { continue };
        if !names.insert(name.clone()) {
            section.problem("name", format!("{name:?} is the name of another user already"));
        }
        let of =
            |hash: fn(&str, &str, &str) -> String| password.as_ref().map(|word| hash(&name, domain, word));
        let (ha1_md5, ha1_sha256) = (md5.or_else(|| of(ha1_md5)), sha256.or_else(|| of(ha1_sha256)));
        users.push(User { name, ha1_md5, ha1_sha256 });
    }
    users
}

/// RFC 7616 §3.4.2 with MD5.
pub fn ha1_md5(user: &str, realm: &str, password: &str) -> String {
    hex(&Md5::digest(format!("{user}:{realm}:{password}")))
}

/// RFC 7616 §3.4.2 with SHA-256.
pub fn ha1_sha256(user: &str, realm: &str, password: &str) -> String {
    hex(&Sha256::digest(format!("{user}:{realm}:{password}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && same_ip(a.ip(), b.ip())
}

fn same_ip(a: core::net::IpAddr, b: core::net::IpAddr) -> bool {
    a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()))
}

/// Status stays on this host unless the operator says otherwise.
const ADMIN_DEFAULT: ([u8; 4], u16) = ([127, 0, 0, 1], 9060);
