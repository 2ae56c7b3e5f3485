//! Configuration of the outside half.

use core::net::SocketAddr;

use super::{MediaConfig, SipListener, SiteKey};
use crate::base::Duration;

/// What an [`crate::Hras`] needs to know.
#[derive(Clone, Debug)]
pub struct HrasConfig {
    /// The SIP domain served; also the digest realm.
    pub domain: String,
    /// SIP listeners on the public network.
    pub sip: Vec<SipListener>,
    /// Relay ports on the public network.
    pub media: MediaConfig,
    /// HTTP listeners for tunnels.
    pub tunnel: Vec<SocketAddr>,
    /// Sites that may open a tunnel. A site's index is its [`crate::base::SiteId`].
    pub sites: Vec<Site>,
    /// Users that may register.
    pub users: Vec<User>,
    /// Age at which voice is dropped instead of sent. Default [`super::limits::VOICE_AGE_MAX`].
    pub voice_age_max: Duration,
    /// A RAT record without a packet in either direction for so long is removed. Default
    /// [`super::limits::MEDIA_SILENCE_MAX`].
    pub media_silence_max: Duration,
    /// Whether a user outside who proved his password may call a user that is registered outside as well: SIP passes
    /// here, media go directly between the two, without a RAT record. Otherwise such a call gets 403. Default false.
    pub outside_calls: bool,
}

/// A company site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: SiteKey,
}

/// A user of the domain. Only hashes are kept (RFC 7616 §3.4.2: `H(user:realm:password)`), lower-case hex.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The user part of the address-of-record.
    pub name: String,
    /// MD5 hash, if MD5 may be used.
    pub ha1_md5: Option<String>,
    /// SHA-256 hash, if SHA-256 may be used.
    pub ha1_sha256: Option<String>,
}

impl core::fmt::Debug for User {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}
