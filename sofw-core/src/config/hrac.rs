//! Configuration of the inside half.

use super::{MediaConfig, SipListener, SiteKey};
use crate::base::Duration;
use crate::io::Endpoint;

/// What an [`crate::Hrac`] needs to know.
#[derive(Clone, Debug)]
pub struct HracConfig {
    /// The site's name, as HRAS knows it.
    pub site: String,
    /// The site's key.
    pub key: SiteKey,
    /// The HTTP server at HRAS.
    pub server: Endpoint,
    /// Value of the Host header and authority of absolute-form requests, e.g. `203.0.113.5` or `relay.example.net:8080`.
    pub authority: String,
    /// Ways out, tried in order, e.g. one proxy, or a proxy and then direct.
    pub via: Vec<TunnelVia>,
    /// SIP listeners on the LAN. The first UDP and first TCP one are announced to HRAS.
    pub sip: Vec<SipListener>,
    /// Relay ports on the LAN.
    pub media: MediaConfig,
    /// Age at which voice is dropped instead of sent. Default [`super::limits::VOICE_AGE_MAX`].
    pub voice_age_max: Duration,
}

/// One way to reach HRAS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TunnelVia {
    /// No proxy.
    Direct,
    /// An HTTP proxy, requests in absolute form (RFC 9112 §3.2.2).
    Forward(Proxy),
    /// An HTTP proxy, by CONNECT (RFC 9110 §9.3.6).
    Connect(Proxy),
}

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where.
    pub endpoint: Endpoint,
    /// Name and password for Basic or Digest.
    pub credentials: Option<(String, String)>,
}

impl core::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let user = self.credentials.as_ref().map(|(name, _)| name.as_str());
        f.debug_struct("Proxy").field("endpoint", &self.endpoint).field("user", &user).finish()
    }
}
