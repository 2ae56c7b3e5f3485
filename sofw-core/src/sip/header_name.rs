//! Names of header fields.

use core::fmt;

macro_rules! header_names {
    ($($ident:ident = $name:literal $(, $compact:literal)?;)*) => {
        /// The name of a header field: case-insensitive, long or compact form (RFC 3261 §7.3.3).
        #[derive(Clone, Copy, Debug)]
        #[expect(missing_docs, reason = "the names are those of the RFCs")]
        pub enum HeaderName<'a> {
            $($ident,)*
            /// Any other token, as written.
            Other(&'a str),
        }

        const NAMES: &[&str] = &[$($name),*];
        const ALL: &[HeaderName<'static>] = &[$(HeaderName::$ident),*];

        impl<'a> HeaderName<'a> {
            /// How many names are known.
            pub(super) const KNOWN: usize = NAMES.len();

            /// The place of a known name in tables; beyond them for any other.
            pub(super) const fn index(&self) -> usize {
                match self {
                    HeaderName::Other(_) => usize::MAX,
                    $(HeaderName::$ident => Place::$ident as usize,)*
                }
            }

            const fn from_compact(letter: u8) -> Option<HeaderName<'static>> {
                match letter {
                    $($($compact => Some(HeaderName::$ident),)?)*
                    _ => None,
                }
            }
        }

        enum Place { $($ident,)* }
    };
}

header_names! {
    Accept = "Accept";
    AcceptContact = "Accept-Contact", b'a';
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AlertInfo = "Alert-Info";
    Allow = "Allow";
    AllowEvents = "Allow-Events", b'u';
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallId = "Call-ID", b'i';
    CallInfo = "Call-Info";
    Contact = "Contact", b'm';
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding", b'e';
    ContentLanguage = "Content-Language";
    ContentLength = "Content-Length", b'l';
    ContentType = "Content-Type", b'c';
    CSeq = "CSeq";
    Date = "Date";
    Diversion = "Diversion";
    ErrorInfo = "Error-Info";
    Event = "Event", b'o';
    Expires = "Expires";
    FlowTimer = "Flow-Timer";
    From = "From", b'f';
    HistoryInfo = "History-Info";
    Identity = "Identity", b'y';
    InReplyTo = "In-Reply-To";
    MaxForwards = "Max-Forwards";
    MimeVersion = "MIME-Version";
    MinExpires = "Min-Expires";
    MinSe = "Min-SE";
    Organization = "Organization";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Priority = "Priority";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    RAck = "RAck";
    Reason = "Reason";
    RecordRoute = "Record-Route";
    ReferTo = "Refer-To", b'r';
    ReferredBy = "Referred-By", b'b';
    RejectContact = "Reject-Contact", b'j';
    Replaces = "Replaces";
    ReplyTo = "Reply-To";
    RequestDisposition = "Request-Disposition", b'd';
    Require = "Require";
    RetryAfter = "Retry-After";
    Route = "Route";
    RSeq = "RSeq";
    Server = "Server";
    ServiceRoute = "Service-Route";
    SessionExpires = "Session-Expires", b'x';
    SipEtag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    Subject = "Subject", b's';
    SubscriptionState = "Subscription-State";
    Supported = "Supported", b'k';
    TargetDialog = "Target-Dialog";
    Timestamp = "Timestamp";
    To = "To", b't';
    Unsupported = "Unsupported";
    UserAgent = "User-Agent";
    Via = "Via", b'v';
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl<'a> HeaderName<'a> {
    /// The name written `text`.
    pub fn parse(text: &'a str) -> HeaderName<'a> {
        HeaderName::known(text.as_bytes()).unwrap_or(HeaderName::Other(text))
    }

    /// The known name written `bytes`.
    pub(super) fn known(bytes: &[u8]) -> Option<HeaderName<'static>> {
        match bytes {
            [letter] => HeaderName::from_compact(letter.to_ascii_lowercase()),
            [first, ..] => {
                for place in BUCKETS.get(bucket(*first, bytes.len()))? {
                    // Past the last one `NONE` finds no name.
                    let name = NAMES.get(usize::from(*place))?;
                    // Nearly all are written as in the RFCs, and comparing without case is slow.
                    if name.as_bytes() == bytes || name.as_bytes().eq_ignore_ascii_case(bytes) {
                        return ALL.get(usize::from(*place)).copied();
                    }
                }
                None
            }
            [] => None,
        }
    }

    /// The long form.
    pub fn as_str(&self) -> &'a str {
        match self {
            HeaderName::Other(text) => text,
            known => NAMES.get(known.index()).copied().unwrap_or_default(),
        }
    }
}

impl PartialEq for HeaderName<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (HeaderName::Other(a), HeaderName::Other(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.index() == b.index(),
        }
    }
}

impl Eq for HeaderName<'_> {}

impl<'a> From<&'a str> for HeaderName<'a> {
    fn from(text: &'a str) -> Self {
        HeaderName::parse(text)
    }
}

impl fmt::Display for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Known names by first letter and length, so that a look-up compares one or two names.
const BUCKETS: [[u8; BUCKET_LEN]; 512] = {
    let mut buckets = [[NONE; BUCKET_LEN]; 512];
    let mut place = 0;
    while place < NAMES.len() {
        let name = NAMES[place].as_bytes();
        let bucket = &mut buckets[bucket(name[0], name.len())];
        let mut slot = 0;
        while bucket[slot] != NONE {
            slot += 1; // Past the end is a compile error: raise BUCKET_LEN.
        }
        bucket[slot] = place as u8;
        place += 1;
    }
    buckets
};
const BUCKET_LEN: usize = 3;
const NONE: u8 = u8::MAX;

const fn bucket(first: u8, len: usize) -> usize {
    ((first & 0x1f) as usize) * 16 + len % 16
}
