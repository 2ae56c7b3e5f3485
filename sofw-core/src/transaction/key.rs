//! What makes two messages belong to one transaction (RFC 3261 §17.1.3, §17.2.3).

use crate::base::SiteId;

/// The branch prefix of RFC 3261 §8.1.1.7.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// Finds a server transaction for a request. An ACK has the key of its INVITE; a CANCEL has its own, and finds its
/// INVITE by [`ServerKey::of_invite`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServerKey {
    /// Two sites may use the same addresses, and a stranger outside must not hit a transaction inside.
    site: Option<SiteId>,
    branch: String,
    sent_by: String,
    method: String,
}

/// The fields that identify a request of an RFC 2543 client, whose branch is no unique name.
#[derive(Clone, Copy, Debug)]
pub struct LegacyParts<'a> {
    /// Request-URI.
    pub request_uri: &'a str,
    /// From tag, or nothing.
    pub from_tag: &'a str,
    /// Call-ID.
    pub call_id: &'a str,
    /// CSeq number.
    pub cseq: u32,
    /// The top Via value, whole.
    pub via: &'a str,
}

impl ServerKey {
    /// The key of a request with `branch` in its top Via; `legacy` is used if that is none of RFC 3261's.
    pub fn new(
        site: Option<SiteId>,
        branch: Option<&str>,
        sent_by: &str,
        method: &str,
        legacy: LegacyParts<'_>,
    ) -> Self {
        let method = if method == "ACK" { "INVITE" } else { method };
        let branch = match branch.filter(|branch| starts_with_cookie(branch)) {
            Some(branch) => branch.to_ascii_lowercase(),
            // §17.2.3: the To tag is left out, because an ACK has the one that our response gave.
            None => format!(
                "\n{}\n{}\n{}\n{}\n{}",
                legacy.request_uri, legacy.from_tag, legacy.call_id, legacy.cseq, legacy.via
            ),
        };
        ServerKey { site, branch, sent_by: sent_by.to_ascii_lowercase(), method: method.to_owned() }
    }

    /// The key of the INVITE that a CANCEL with this key is meant for (§9.2).
    pub fn of_invite(&self) -> Self {
        ServerKey { method: "INVITE".to_owned(), ..self.clone() }
    }
}

/// Finds a client transaction for a response: our own branch, and whether the CSeq method is CANCEL, which shares its
/// INVITE's branch (RFC 3261 §17.1.3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ClientKey {
    branch: String,
    cancel: bool,
}

impl ClientKey {
    /// The key for `branch` and the CSeq method.
    pub fn new(branch: &str, method: &str) -> Self {
        ClientKey { branch: branch.to_owned(), cancel: method == "CANCEL" }
    }
}

fn starts_with_cookie(branch: &str) -> bool {
    branch.get(..MAGIC_COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
        && branch.len() > MAGIC_COOKIE.len()
}
