//! hrac.toml.

use sofw_core::base::Duration;
use sofw_core::config::{HracConfig, TunnelVia};
use toml::Table;

use super::hras::{MediaSettings, check_collisions, log, media, without_paths};
use super::section::Section;
use super::{LogSettings, Problem, values};

/// All that `sofw hrac` needs to know.
#[derive(Clone, Debug)]
pub struct HracSettings {
    /// For the core.
    pub core: HracConfig,
    /// See [`crate::driver::Options::gather`].
    pub gather: Option<Duration>,
    /// How to log.
    pub log: LogSettings,
}

impl HracSettings {
    /// Reads and checks everything; all mistakes if there are any.
    pub fn from_table(table: &Table) -> Result<Self, Vec<Problem>> {
        let root = Section::root(table);
        let site = root.required("site", "\"hq\"", values::site_name);
        let key = root.required("key", "\"…\" (the site's key in hras.toml)", values::site_key);

        let section = root.section("tunnel");
        let server = section.required("server", "\"http://203.0.113.5\"", values::server);
        let via = ways_out(&section);
        section.finish();

        let section = root.section("sip");
        let sip = section.required_list("listen", "[\"udp:10.10.10.2:5060\"]", values::sip_listener);
        section.finish();

        let MediaSettings { media, voice_age_max, gather, .. } = media(&root);
        let log = log(&root);
        check_collisions(&root, &sip, &[], None, media);
        root.finish();
        match (root.problems(), site, key, server, media) {
            (problems, Some(site), Some(key), Some((server, authority)), Some(media))
                if problems.is_empty() =>
            {
                let sip = without_paths(sip);
                let core = HracConfig { site, key, server, authority, via, sip, media, voice_age_max };
                Ok(HracSettings { core, gather, log })
            }
            (problems, ..) => Err(problems),
        }
    }
}

/// `proxy`: one or several in the order of trying; `proxy_mode` or `connect`: how to ask them.
fn ways_out(section: &Section<'_>) -> Vec<TunnelVia> {
    let mode = section.text("proxy_mode", |text| match text {
        "connect" => Ok(true),
        "forward" => Ok(false),
        other => Err(format!("must be \"forward\" or \"connect\", not {other:?}")),
    });
    let flag = section.flag("connect");
    if mode.is_some() && flag.is_some() {
        section.problem("connect", "says the same as proxy_mode; keep one of them");
    }
    let connect = mode.or(flag).unwrap_or(false);
    let via = section.list("proxy", |text| values::via(text, connect));
    if via.is_empty() { vec![TunnelVia::Direct] } else { without_paths(via) }
}
