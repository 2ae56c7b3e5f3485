//! The pairing link: all that an HRAC needs to reach its HRAS, in one line to paste.
//!
//! `sofw+http://HOST[:PORT]/SITE#KEY`, the key in URL-safe base64 without padding. It is a secret: whoever has it can
//! open the site's tunnel.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sofw_core::base::Transport;
use sofw_core::config::{HracConfig, MediaConfig, SipListener, SiteKey, TunnelVia, limits};
use sofw_core::io::Endpoint;

use super::{HracSettings, LogSettings, values};

/// A parsed link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PairingLink {
    /// Host, and port if not 80.
    pub authority: String,
    /// The site's name.
    pub site: String,
    /// The site's key.
    pub key: SiteKey,
}

impl PairingLink {
    /// The HTTP server.
    pub fn server(&self) -> Result<Endpoint, String> {
        values::server(&format!("http://{}", self.authority)).map(|(endpoint, _)| endpoint)
    }

    /// The configuration that the link stands for, with SIP on `listen`, media on `media_address` and these ways out.
    pub fn settings(
        &self,
        via: Vec<TunnelVia>,
        listen: SocketAddr,
        media_address: IpAddr,
    ) -> Result<HracSettings, String> {
        let listener = |transport| SipListener { transport, addr: listen };
        Ok(HracSettings {
            core: HracConfig {
                site: self.site.clone(),
                key: self.key.clone(),
                server: self.server()?,
                authority: self.authority.clone(),
                via,
                sip: vec![listener(Transport::Udp), listener(Transport::Tcp)],
                media: MediaConfig { bind: media_address, address: media_address, ports: LINK_MEDIA_PORTS },
                voice_age_max: limits::VOICE_AGE_MAX,
            },
            gather: None,
            log: LogSettings::default(),
        })
    }
}

impl FromStr for PairingLink {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || "a pairing link looks like sofw+http://HOST/SITE#KEY, as `sofw hras` prints it".to_owned();
        let rest = text.trim().strip_prefix("sofw+http://").ok_or_else(form)?;
        let (place, key) = rest.split_once('#').ok_or_else(|| {
            format!(
                "{}; the part from # on is missing \
            (quote the link, or the shell drops it)",
                form()
            )
        })?;
        let (authority, site) = place.split_once('/').ok_or_else(form)?;
        let (_, authority) = values::server(&format!("http://{authority}")).map_err(|_| form())?;
        let site = values::site_name(site).map_err(|reason| format!("the link's site {reason}"))?;
        let key = values::site_key(key).map_err(|reason| format!("the link's key {reason}"))?;
        Ok(PairingLink { authority, site, key })
    }
}

impl fmt::Display for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sofw+http://{}/{}#{}", self.authority, self.site, URL_SAFE_NO_PAD.encode(self.key.0))
    }
}

/// As in the configuration's example.
const LINK_MEDIA_PORTS: (u16, u16) = (30_000, 39_999);
