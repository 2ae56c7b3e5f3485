//! Names and passwords of a scenario: everybody's password is the name backwards.

use md5::{Digest, Md5};
use sofw_core::config::User;

use crate::scenario::model::ProxySpec;

/// A user's password.
pub(super) fn password(user: &str) -> String {
    user.chars().rev().collect()
}

/// A user as HRAS knows it (RFC 7616 §3.4.2).
pub(super) fn user(name: &str, domain: &str) -> User {
    let hash = Md5::digest(format!("{name}:{domain}:{}", password(name)));
    let ha1 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    User { name: name.into(), ha1_md5: Some(ha1), ha1_sha256: None }
}

/// What HRAC says to a proxy that asks.
pub(super) fn proxy_credentials(spec: &ProxySpec) -> Option<(String, String)> {
    spec.auth?;
    let word = if spec.wrong_password { "wrong".into() } else { password(PROXY_USER) };
    Some((PROXY_USER.into(), word))
}

/// Who may use the proxies.
pub(super) const PROXY_USER: &str = "relay";
