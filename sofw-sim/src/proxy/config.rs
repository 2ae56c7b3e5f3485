//! What a proxy is told. Every field can be set alone; presets are values of this structure.

use core::net::SocketAddr;

use sofw_core::base::Duration;

/// The habits of one proxy. The default is a quick, patient forward proxy on port 3128 that passes everything at once.
#[derive(Clone, PartialEq, Debug)]
pub struct ProxyConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The one server behind it (reverse proxy); `None` for a forward proxy, whose clients name the server.
    pub origin: Option<SocketAddr>,
    /// A forward proxy that also takes requests meant for the server itself and reads its name from Host: what stands behind
    /// a redirected port 80.
    pub intercepts: bool,

    /// How request bodies are held back.
    pub request_buffering: Buffering,
    /// What is done with request bodies in chunks.
    pub chunked_requests: ChunkedRequests,
    /// How response bodies are held back.
    pub response_buffering: Buffering,
    /// Exceptions by the beginning of Content-Type, e.g. `("text/", UntilEnd)`; the first that fits wins.
    pub response_buffering_by_type: Vec<(String, Buffering)>,
    /// `X-Accel-Buffering: no` in a response lets it pass at once (nginx).
    pub honours_accel: bool,
    /// Most bytes of one body that are held. A request beyond is answered by 413, a response passes at once from there.
    pub buffer_max: usize,
    /// Bytes that may wait for a slow reader before its sender is slowed down.
    pub window: usize,
    /// Bodies in chunks leave in chunks of at most so many bytes; `None` keeps them as they arrive.
    pub chunk_max: Option<usize>,
    /// When a response may pass whose request is still being sent.
    pub duplex: Duplex,

    /// Time that each request takes before anything of it is sent on: its reciprocal is the rate of one client that asks
    /// again after each answer.
    pub request_latency: Duration,
    /// Time that each piece of a body takes, both ways; order is kept.
    pub piece_latency: Duration,
    /// Most requests begun per second, all clients together; others wait their turn.
    pub requests_per_second: Option<u32>,
    /// Most bytes per second and connection that are written, each way.
    pub bytes_per_second: Option<u64>,

    /// One request per connection; it is closed after the answer, which does not announce it (tinyproxy).
    pub one_request: bool,
    /// Failures close the connection without a word, instead of by a page with 502 or 504.
    pub silent_failures: bool,
    /// A client or server that falls silent is reported by 408 or 504, if no answer has begun.
    pub idle_pages: bool,
    /// Silence after which an exchange ends whose request is complete.
    pub idle_get: Option<Duration>,
    /// Silence of the client after which a request ends whose body is incomplete.
    pub idle_post: Option<Duration>,
    /// Silence in both directions after which a CONNECT or WebSocket ends.
    pub idle_connect: Option<Duration>,
    /// Silence between two requests after which the connection is closed.
    pub idle_keep_alive: Option<Duration>,
    /// Longest life of one exchange or tunnel.
    pub lifetime_max: Option<Duration>,
    /// How long it tries to reach a server.
    pub connect_timeout: Duration,
    /// Most client connections; further ones are closed as they come.
    pub connections_max: Option<usize>,
    /// The same for one client address.
    pub connections_per_client_max: Option<usize>,

    /// Who may use it.
    pub auth: Option<ProxyAuth>,
    /// Where CONNECT may lead.
    pub connect: ConnectPolicy,
    /// A tunnel must begin with a TLS ClientHello, else both connections are reset. What follows is not inspected.
    pub connect_needs_tls: bool,
    /// What is done with `Upgrade: websocket` (RFC 9110 §7.8).
    pub upgrade: Upgrade,
    /// The name in the Via field (RFC 9110 §7.6.3); `None` adds none.
    pub via: Option<String>,
    /// What is done with `Expect: 100-continue` (RFC 9110 §10.1.1).
    pub expect: Expect,
    /// Longest request body, else 413.
    pub request_body_max: Option<u64>,
    /// Longest response body: a longer one is refused by 502 if it says so, else cut off.
    pub response_body_max: Option<u64>,
    /// Parts of `host:port/path`; a request that contains one is answered by 403 and a page.
    pub deny: Vec<String>,

    /// Speaks HTTP/1.0 to servers.
    pub origin_http_1_0: bool,
    /// How long an idle connection to a server is kept for the next request; `None` uses each once.
    pub origin_keep_alive: Option<Duration>,
}

/// When the bytes of a body are sent on. What is held is sent at the body's end in any case, and a head leaves together with
/// the first bytes of its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Buffering {
    /// As they come.
    #[default]
    AtOnce,
    /// In blocks of so many bytes.
    Bytes(usize),
    /// When the body is complete.
    UntilEnd,
    /// So long after the first of them came.
    Time(Duration),
    /// So long after the first of them came, or in blocks of so many bytes.
    BytesOrTime(usize, Duration),
}

/// What is done with request bodies whose length is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChunkedRequests {
    /// Sent on in chunks.
    #[default]
    Pass,
    /// Held until complete and sent on with Content-Length.
    WithLength,
    /// 411.
    Refuse,
}

/// When a response may pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Duplex {
    /// As it comes.
    #[default]
    AtOnce,
    /// When the request is complete; until then the server is not read.
    AfterRequest,
}

/// Where CONNECT may lead.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ConnectPolicy {
    /// Anywhere.
    #[default]
    All,
    /// To these ports; else 403.
    Ports(Vec<u16>),
    /// Nowhere: 403 from a forward proxy, 405 from a reverse one.
    Refuse,
}

/// What is done with a request to change the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Upgrade {
    /// The field is taken out: the server answers an ordinary request.
    #[default]
    Strip,
    /// Passed on; after a 101 bytes pass both ways.
    Pass,
    /// Never answered.
    NoAnswer,
}

/// What is done with a client that waits for a 100.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Expect {
    /// The server is asked, and its 100 comes back.
    #[default]
    Pass,
    /// The server is asked, its 100 is lost.
    Lose,
    /// Answered by the proxy itself; the server is not asked.
    Answer,
    /// Answered by the proxy itself, which then asks the server and holds the body until that says 100.
    AnswerAndAsk,
}

/// Who may use a proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyAuth {
    /// The realm in the challenge.
    pub realm: String,
    /// What is offered, in this order.
    pub schemes: Vec<AuthScheme>,
    /// Names and passwords.
    pub users: Vec<(String, String)>,
    /// A nonce older than this is answered by `stale=true`.
    pub nonce_life: Duration,
}

/// A scheme of `Proxy-Authenticate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthScheme {
    /// RFC 7617.
    Basic,
    /// RFC 7616 with MD5.
    DigestMd5,
    /// RFC 7616 with SHA-256.
    DigestSha256,
    /// Offered as Windows domains do; nobody here can answer it.
    Negotiate,
    /// The same, older.
    Ntlm,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        ProxyConfig {
            listen: SocketAddr::from(([0, 0, 0, 0], 3128)),
            origin: None,
            intercepts: false,
            request_buffering: Buffering::AtOnce,
            chunked_requests: ChunkedRequests::Pass,
            response_buffering: Buffering::AtOnce,
            response_buffering_by_type: Vec::new(),
            honours_accel: false,
            buffer_max: 4 * 1024 * 1024,
            window: 64 * 1024,
            chunk_max: None,
            duplex: Duplex::AtOnce,
            request_latency: Duration::ZERO,
            piece_latency: Duration::ZERO,
            requests_per_second: None,
            bytes_per_second: None,
            one_request: false,
            silent_failures: false,
            idle_pages: true,
            idle_get: None,
            idle_post: None,
            idle_connect: None,
            idle_keep_alive: Some(Duration::from_secs(60)),
            lifetime_max: None,
            connect_timeout: Duration::from_secs(60),
            connections_max: None,
            connections_per_client_max: None,
            auth: None,
            connect: ConnectPolicy::All,
            connect_needs_tls: false,
            upgrade: Upgrade::Strip,
            via: Some("sofw-sim".to_owned()),
            expect: Expect::Pass,
            request_body_max: None,
            response_body_max: None,
            deny: Vec::new(),
            origin_http_1_0: false,
            origin_keep_alive: Some(Duration::from_secs(60)),
        }
    }
}

impl Default for ProxyAuth {
    fn default() -> Self {
        ProxyAuth {
            realm: "proxy".to_owned(),
            schemes: vec![AuthScheme::Basic],
            users: Vec::new(),
            nonce_life: Duration::from_secs(300),
        }
    }
}
