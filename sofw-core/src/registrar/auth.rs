//! Who may claim to be a user of ours (RFC 3261 §22, RFC 7616, RFC 8760).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::digest::{Algorithm, Credentials, hmac};
use super::nonce::Nonces;
use crate::base::{Instant, Rng};
use crate::config::{HrasConfig, User};

/// Checks credentials and writes challenges. The realm is the domain.
#[derive(Debug)]
pub struct Authenticator {
    realm: String,
    users: BTreeMap<String, User>,
    nonces: Nonces,
    /// Chooses the kind of challenge of names that are no users; the same after a restart.
    disguise: [u8; 32],
}

/// What credentials prove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// That it is this user.
    User(String),
    /// Nothing, because there are none for our realm.
    Missing,
    /// The password is right, but the nonce is too old or was used before: ask again with `stale=true` (RFC 7616 §3.3).
    Stale,
    /// Nothing, because they are wrong for the user named, known or not.
    Wrong(String),
}

impl Authenticator {
    /// An authenticator for the users of `config`.
    pub fn new(config: &HrasConfig, rng: &mut Rng) -> Self {
        let users: BTreeMap<String, User> =
            config.users.iter().map(|user| (user.name.clone(), user.clone())).collect();
        let mut disguise = Sha256::new();
        for user in users.values() {
            for hash in [&user.ha1_sha256, &user.ha1_md5].into_iter().flatten() {
                disguise.update(hash.as_bytes());
            }
        }
        Authenticator {
            realm: config.domain.clone(),
            users,
            nonces: Nonces::new(rng),
            disguise: disguise.finalize().into(),
        }
    }

    /// Whether `name` is a user.
    pub fn is_user(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// Whether these credentials are for our realm.
    pub fn is_for_us(&self, header: &str) -> bool {
        Credentials::parse(header).is_some_and(|c| c.realm.eq_ignore_ascii_case(&self.realm))
    }

    /// Judges the credential headers of a request with `method`.
    pub fn check<'a>(
        &mut self,
        now: Instant,
        method: &str,
        headers: impl Iterator<Item = &'a str>,
    ) -> Verdict {
        let ours = |c: &Credentials<'_>| c.realm.eq_ignore_ascii_case(&self.realm);
        let Some(credentials) = headers.filter_map(Credentials::parse).find(ours) else {
            return Verdict::Missing;
        };
        let user = self.users.get(credentials.username.as_ref());
        let ha1 = |algorithm| match algorithm {
            Algorithm::Sha256 => user.and_then(|user| user.ha1_sha256.as_deref()),
            Algorithm::Md5 => user.and_then(|user| user.ha1_md5.as_deref()),
        };
        let right = credentials.algorithm.is_some_and(|algorithm| {
            // An unknown user takes as long as a known one.
            let known = ha1(algorithm);
            credentials.is_right(algorithm, method, known.unwrap_or("-")) && known.is_some()
        });
        let name = credentials.username.clone().into_owned();
        if !right {
            return Verdict::Wrong(name);
        }
        let count = credentials.nonce_count().unwrap_or(0);
        match self.nonces.use_once(now, &credentials.nonce, count) {
            true => Verdict::User(name),
            false => Verdict::Stale,
        }
    }

    /// The value of WWW-Authenticate or Proxy-Authenticate for somebody who claims to be `name`. Other names than our
    /// users' are challenged as one of the users would be, always the same, so that the challenge does not tell whether a
    /// user exists.
    ///
    /// One challenge only: phones in use take a second one of an algorithm that they do not know for an error, though RFC
    /// 8760 §2.4 tells them to skip it. So SHA-256 is asked of users who have no MD5 hash; an answer may use either.
    pub fn challenge(&mut self, now: Instant, name: &str, stale: bool) -> String {
        let nonce = self.nonces.issue(now);
        let model = self.users.get(name).or_else(|| self.model_for(name));
        let has_md5 = model.is_none_or(|user| user.ha1_md5.is_some());
        let algorithm = if has_md5 { Algorithm::Md5 } else { Algorithm::Sha256 };
        let stale = if stale { ", stale=true" } else { "" };
        format!(
            "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
            self.realm,
            algorithm.name()
        )
    }

    fn model_for(&self, name: &str) -> Option<&User> {
        let digest = hmac(&self.disguise, &[name.as_bytes()]);
        let number = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let index = number.checked_rem(self.users.len() as u64)?;
        self.users.values().nth(usize::try_from(index).ok()?)
    }
}
