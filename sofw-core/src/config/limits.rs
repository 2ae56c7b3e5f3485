//! Every bound of the system, with its reason. A queue, table, buffer or retry without a line here is a defect.

use crate::base::Duration;

/// Longest SIP message, in bytes: what fits one UDP datagram. Longer TCP messages are answered 513 and the connection ends.
pub const SIP_MESSAGE_MAX: usize = 65_535;
/// Most header fields in one SIP message; real ones have fewer than 40.
pub const SIP_HEADERS_MAX: usize = 256;
/// Longest media datagram relayed; an Ethernet frame's worth and some.
pub const MEDIA_DATAGRAM_MAX: usize = 2_048;
/// Voice older than this is dropped at the sender, oldest first, and at the receiver when it was so much longer under way
/// than usual: later, waiting costs more than the loss (ITU-T G.107).
pub const VOICE_AGE_MAX: Duration = Duration::from_millis(150);
/// Most voice bytes waiting for one tunnel connection: 150 ms of 1000 G.711 calls.
pub const VOICE_QUEUE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most unacknowledged reliable bytes of one session: a registration storm of 500 phones.
pub const RELIABLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest reliable frame: the longest SIP message and the fields around it.
pub const RELIABLE_FRAME_MAX: usize = SIP_MESSAGE_MAX + 64;
/// Most SIP listeners that HRAC announces; it has one for each transport and address family.
pub const ANNOUNCED_MAX: usize = 16;
/// Longest part of a reliable frame in one record; longer frames are sent in parts.
pub const RELIABLE_PART_MAX: usize = 2_048;
/// Most reliable frames and parts unacknowledged at once. The receiver refuses what lies further ahead.
pub const RELIABLE_WINDOW: u64 = 16_384;
/// A reliable frame without acknowledgement for so long is sent again although its connection lives: a proxy may have
/// swallowed it. Four round trips if that is longer; doubled each time up to the maximum.
pub const RESEND_AFTER_MIN: Duration = Duration::from_secs(3);
/// See [`RESEND_AFTER_MIN`].
pub const RESEND_AFTER_MAX: Duration = Duration::from_secs(30);
/// How long an acknowledgement may wait for a record that goes anyway: the answer to a SIP message often follows at once.
pub const ACK_DELAY: Duration = Duration::from_millis(50);
/// How often each end pings: well under the 10 s after which some proxies cut a silent request body.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Most pings whose answers are awaited; older ones are given up.
pub const PINGS_OUTSTANDING_MAX: usize = 8;
/// Block of memory for decrypted records: several of the longest, so that one block serves many small ones.
pub const RECORD_POOL_BLOCK: usize = 64 * 1024;
/// Most urgent media bytes (DTMF, T.38) waiting: they are not dropped for age, so they get a bound of their own.
pub const URGENT_QUEUE_BYTES_MAX: usize = 256 * 1024;
/// While voice flows, a receipt rides on a record if the last one is so old, …
pub const RECEIPT_INTERVAL_MIN: Duration = Duration::from_millis(50);
/// … and goes alone if no record came along until then.
pub const RECEIPT_INTERVAL_MAX: Duration = Duration::from_millis(100);
/// Receipts go on for so long after the last voice: they say that voice stands still, not the way back.
pub const RECEIPT_LINGER: Duration = Duration::from_millis(500);
/// Without receipts for so long, after one that showed progress, the way back is broken, not the voice's: no limit.
pub const RECEIPT_PATIENCE: Duration = Duration::from_millis(500);
/// The same after a receipt that showed none.
pub const RECEIPT_PATIENCE_STALLED: Duration = Duration::from_secs(3);
/// While voice is held back and nothing is heard of it, one record goes after so long, to find out whether the way is
/// open again; then after twice, four and eight times as long.
pub const VOICE_PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// Holds that follow each other so soon put the base round trip in doubt, …
pub const HOLD_RECURS_WITHIN: Duration = Duration::from_secs(5);
/// … unless it was measured so recently.
pub const BASE_TRUSTED_FOR: Duration = Duration::from_secs(10);
/// However much is under way, voice that goes at all may have waited so long: two packets of a usual codec.
pub const VOICE_AGE_MIN: Duration = Duration::from_millis(40);
/// Voice records sent within so short a time share one entry in the table of what is in flight, …
pub const FLIGHT_MARK_SPACING: Duration = Duration::from_millis(5);
/// … which has so many entries: over two seconds.
pub const FLIGHT_MARKS_MAX: usize = 512;
/// How late voice is, is judged against what was usual in two windows of so long: long enough for a few dozen records, so
/// short that a way that became longer is learnt in two or three seconds.
pub const ARRIVAL_WINDOW: Duration = Duration::from_secs(1);
/// A pause between records counts as at most so much of a window: what comes after an outage is still judged by what was
/// before it.
pub const ARRIVAL_PAUSE_MAX: Duration = Duration::from_millis(250);
/// When the least lag falls by more than this from one window to the next, what an outage held back is still draining:
/// the line would be 2 % faster than the voice on it.
pub const ARRIVAL_FALL_MAX: Duration = Duration::from_millis(20);
/// Most plaintext in one sealed record: 80 G.711 frames; longer records only delay the first frame in them.
pub const RECORD_PLAINTEXT_MAX: usize = 16 * 1024;
/// Smallest room for a record in which every frame fits; what a caller offers counts as at least this.
pub const RECORD_ROOM_MIN: usize = 2_048 + 128;
/// How many records back one may arrive late and still be told from a replay: some seconds of a busy session.
pub const REPLAY_WINDOW: usize = 8_192;
/// Longest payload inside a hello or its answer.
pub const HELLO_PAYLOAD_MAX: usize = 1_024;
/// How long a session outlives its last connection (Oracle TSCF uses the same).
pub const RESUME_WINDOW: Duration = Duration::from_secs(300);
/// Longest HTTP head, request or response.
pub const HTTP_HEAD_MAX: usize = 16 * 1024;
/// Most HTTP header fields in one head.
pub const HTTP_HEADERS_MAX: usize = 64;
/// Longest chunk extension, which is skipped; nobody uses them, and unread bytes are an attack.
pub const HTTP_CHUNK_EXTENSION_MAX: usize = 256;
/// Longest request body of a stranger that is read before the answer: a hello has some 200 bytes.
pub const STRANGER_BODY_MAX: usize = 4 * 1024;
/// Most bytes of answers that wait for a connection; who sends requests without reading answers is cut off.
pub const ANSWERS_WAITING_MAX: usize = 64 * 1024;
/// Longest response body that HRAC reads besides the downlink: a hello's answer, or an error page that is skipped.
pub const RESPONSE_BODY_MAX: usize = 256 * 1024;
/// Most bytes of one write to a tunnel connection: what 20 ms of 200 G.711 calls fill, and little enough that what is
/// written does not grow old in the operating system.
pub const TUNNEL_WRITE_MAX: usize = 64 * 1024;
/// Longest body of a short POST that HRAC falls back to, halving it with each 413 of a proxy: one long record still fits.
pub const POST_BYTES_MIN: usize = 4 * 1024;
/// Most POST connections of HRAC's rung `post`: with a round trip of 100 ms, one POST leaves every 25 ms.
pub const POST_CONNECTIONS_MAX: usize = 4;
/// Most sessions of one site that were answered a hello and have not yet proved that they understood it.
pub const SITE_PENDING_SESSIONS_MAX: usize = 16;
/// Most addresses whose refused hellos are remembered, so that each is reported once per [`REFUSAL_REPORT_EVERY`].
pub const REFUSED_ADDRESSES_MAX: usize = 1_024;
/// How often a refused hello is reported per address.
pub const REFUSAL_REPORT_EVERY: Duration = Duration::from_secs(60);
/// How long HRAC waits for a TCP connection, a CONNECT or the first answer on a connection.
pub const TUNNEL_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a probe of the uplink waits for its echo, besides four round trips of the hello: proxies that hold a
/// body back hold it far longer, and the tunnel is to be up within 5 s on the worst rung.
pub const PROBE_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A tunnel direction that brought nothing for so long is a black hole: two pings and some.
pub const CARRIER_SILENCE_MAX: Duration = Duration::from_secs(12);
/// HRAS ends an open uplink that brought nothing for so long; HRAC has long since opened another.
pub const SERVER_SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long an idle connection between two exchanges of a site is kept.
pub const KEEP_ALIVE_MAX: Duration = Duration::from_secs(60);
/// A streaming exchange is replaced after so long, before a proxy's limit on its life strikes in mid-sentence.
pub const EXCHANGE_LIFE_MAX: Duration = Duration::from_secs(600);
/// A streaming exchange is replaced after so many bytes, for the same reason.
pub const EXCHANGE_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// First and longest pause between attempts to reconnect; each attempt doubles it, and half of it is random.
pub const RECONNECT_PAUSE: (Duration, Duration) = (Duration::from_millis(150), Duration::from_secs(10));
/// Pause after a proxy refused our credentials: quick repetition locks accounts.
pub const CREDENTIALS_PAUSE: Duration = Duration::from_secs(60);
/// First and longest pause before rung `stream` is tried again from rung `post`.
pub const CLIMB_PAUSE: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(3_600));
/// Rung `stream` is given up when this many of its uplinks died young in a row.
pub const STREAM_DEATHS_MAX: u32 = 3;
/// An uplink that lived longer than this did not die young.
pub const STREAM_YOUNG: Duration = Duration::from_secs(30);
/// Most tunnel connections of one site at once: stream, its successor, and the POST pool.
pub const SITE_CONNECTIONS_MAX: usize = 16;
/// Most connections at the HTTP port that have not yet proved a key.
pub const STRANGER_CONNECTIONS_MAX: usize = 1_024;
/// How long such a connection may take.
pub const STRANGER_TIMEOUT: Duration = Duration::from_secs(10);
/// Most RAT media lines of one site: the flow id's index has 14 bits and each line takes two.
pub const SITE_MEDIA_LINES_MAX: usize = 8_192;
/// Most m-lines in one SDP body that get relay ports; further ones are refused with 488.
pub const SDP_MEDIA_LINES_MAX: usize = 16;
/// Most calls from outside that may be unanswered at once: strangers who call phones that are gone must not take all ports.
pub const OUTSIDE_UNANSWERED_MAX: usize = 2_048;
/// Relay port pairs held open ahead of need, so that an SDP never names a port that cannot be opened.
pub const RELAY_PORT_RESERVE: usize = 64;
/// Most bindings of one user.
pub const USER_BINDINGS_MAX: usize = 10;
/// Most Contact values in one REGISTER: as many go as come.
pub const REGISTER_CONTACTS_MAX: usize = 2 * USER_BINDINGS_MAX;
/// Longest Contact value registered: every answer repeats all of a user's, and must fit one datagram.
pub const CONTACT_MAX: usize = 1_024;
/// Most SIP transactions at once; beyond, 503 with Retry-After.
pub const TRANSACTIONS_MAX: usize = 65_536;
/// Above so many, requests from outside get that 503 already: a flood there leaves room for the phones inside.
pub const OUTSIDE_TRANSACTIONS_MAX: usize = 49_152;
/// Most bytes of requests that transactions keep, and how many of them when requests from outside get that 503 already:
/// a flood of the longest messages must not take the memory that the bound on their number was meant for.
pub const TRANSACTION_BYTES_MAX: (usize, usize) = (256 * 1024 * 1024, 192 * 1024 * 1024);
/// Longest head of a request from outside, of which dialogs keep parts for hours. Real ones have two kilobytes.
pub const OUTSIDE_HEAD_MAX: usize = 8 * 1024;
/// Most SIP dialogs remembered at once; beyond, 503 with Retry-After.
pub const DIALOGS_MAX: usize = 32_768;
/// Above so many, requests from outside get that 503 already, for the same reason as with transactions.
pub const OUTSIDE_DIALOGS_MAX: usize = 24_576;
/// Most SIP TCP connections at once.
pub const SIP_CONNECTIONS_MAX: usize = 4_096;
/// Most of them that one host may open: an office behind one address has fewer, and nobody can take them all.
pub const HOST_SIP_CONNECTIONS_MAX: usize = 512;
/// A peer that connects and says nothing is not kept long: a transaction's whole life (RFC 3261 §17.1.1.2, 64·T1).
pub const SIP_CONNECTION_MUTE: Duration = Duration::from_secs(32);
/// A silent SIP connection ends: keep-alives come every 95–120 s (RFC 5626 §4.4.1), registrations within an hour.
pub const SIP_CONNECTION_IDLE: Duration = Duration::from_secs(2 * 3_600);
/// Longest wait for a SIP connection that we open.
pub const SIP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes waiting for one SIP TCP connection.
pub const SIP_CONNECTION_QUEUE_MAX: usize = 1024 * 1024;
/// Shortest and longest registration granted, seconds (RFC 3261 §10.3: 423 below the minimum).
pub const REGISTER_EXPIRES_S: (u32, u32) = (60, 3_600);
/// Longest registration granted by UDP to a phone behind a NAT outside, seconds: NATs keep a mapping for two minutes
/// (RFC 4787 REQ-5), and what calls it in must still find it.
pub const REGISTER_EXPIRES_NAT_S: u32 = 90;
/// How long a digest nonce is accepted (RFC 7616 §3.3: afterwards `stale=true`).
pub const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Most inside addresses that HRAC remembers as having spoken SIP.
pub const PHONES_MAX: usize = 16_384;
/// An inside address that has not spoken SIP for so long is forgotten: longer than any registration.
pub const PHONE_LIFE: Duration = Duration::from_secs(2 * 3_600);
/// A RAT record without media for so long ends; longer than the pause between RTCP reports on hold.
pub const MEDIA_SILENCE_MAX: Duration = Duration::from_secs(300);
/// Window in which an outside relay port may learn its peer's real source address (RFC 7362, RTP bleed).
pub const LATCH_WINDOW: Duration = Duration::from_secs(10);
/// How long relay ports that could not be opened are left alone before they are tried again.
pub const RELAY_PORT_RETRY: Duration = Duration::from_secs(30);
/// Flow ids that rest before the first of them is used again, besides their generation: late voice finds no flow.
pub const FLOW_QUARANTINE: usize = 64;
/// How long HRAC keeps the relay ports of a lost session open, for HRAS to claim them again without a gap.
pub const ORPHAN_PORT_LIFE: Duration = Duration::from_secs(10);
/// Most media addresses that HRAC remembers from its phones' SDP: each phone in one call of two lines, RTP and RTCP.
pub const ANNOUNCED_MEDIA_MAX: usize = 4 * PHONES_MAX;
/// An outage of the tunnel that requests wait out instead of being refused: shorter than a caller's patience.
pub const TUNNEL_GRACE: Duration = Duration::from_secs(4);
/// Most requests that wait for the tunnel's return at once: one of every phone.
pub const WAITING_REQUESTS_MAX: usize = PHONES_MAX;
/// Most bytes of BYE and CANCEL requests that wait for a session to begin: those of 2,000 calls.
pub const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Retry-After of the 503 that phones get while the tunnel is down.
pub const TUNNEL_DOWN_RETRY_AFTER_S: u32 = 10;
/// Most digest nonces in use whose counts are remembered; beyond, the oldest ones are challenged again (`stale=true`).
pub const NONCES_MAX: usize = 16_384;
/// Registration granted when a phone asks for none, seconds.
pub const REGISTER_EXPIRES_DEFAULT_S: u32 = 3_600;
/// How long a proxy waits for a callee that rings (RFC 3261 §16.6 step 11: more than three minutes).
pub const TIMER_C: Duration = Duration::from_secs(185);
/// A call without a session timer (RFC 4028) and without any in-dialog request for so long is forgotten.
pub const DIALOG_IDLE_MAX: Duration = Duration::from_secs(12 * 3_600);
/// How long a SUBSCRIBE or REFER waits for the first NOTIFY, which makes its dialog (RFC 6665 §4.1.2.4: timer N).
pub const SUBSCRIPTION_WAIT: Duration = Duration::from_secs(64);
/// Seconds in Retry-After when a bound is reached.
pub const RETRY_AFTER_S: u32 = 10;
/// Most dialogs that one forwarded request may make by forking beyond us (RFC 3261 §12.1).
pub const BRANCH_DIALOGS_MAX: usize = 16;
