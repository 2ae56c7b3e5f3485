//! Who may use the proxy.

use base64::Engine as _;
use sofw_core::base::{Duration, Rng};
use sofw_core::registrar::Algorithm;
use sofw_core::tunnel::http::exchange::{Piece, Reader};
use sofw_core::tunnel::http::proxy_auth::{ProxyAuth as ClientAuth, Verdict};

use super::super::{AuthScheme, ProxyAuth, ProxyConfig};
use super::bench::{Bench, request, status};

fn guarded(schemes: &[AuthScheme]) -> Bench {
    let users = vec![("alice".to_owned(), "secret".to_owned())];
    let auth = ProxyAuth { schemes: schemes.to_vec(), users, ..ProxyAuth::default() };
    Bench::new(ProxyConfig { auth: Some(auth), ..ProxyConfig::default() })
}

/// Asks with credentials as the tunnel's own client makes them; the statuses that came back.
fn dance(bench: &mut Bench, password: &str, requests: usize) -> Vec<u16> {
    let conn = bench.client();
    let mut auth = ClientAuth::new(Some(("alice".to_owned(), password.to_owned())));
    let mut rng = Rng::new([1; 32]);
    let mut statuses = Vec::new();
    for _ in 0..requests {
        let uri = "http://203.0.113.5/x";
        let header = auth.header("GET", uri, &mut rng);
        let sent = header.is_some();
        let field = header.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
        let get = request(bench.proxy.config(), "GET", &field);
        bench.send(conn, get);
        let asked = bench.read_origins();
        if !asked.is_empty() {
            assert!(!asked.contains("roxy-Authorization"), "credentials stay here: {asked}");
            let origin = bench.origin();
            bench.send(origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
        let answer = bench.read(conn);
        statuses.push(status(&answer));
        if status(&answer) == 407 {
            let mut reader = Reader::responses();
            let mut bytes = answer.as_bytes();
            assert!(matches!(reader.next(&mut bytes), Ok(Some(Piece::Head))));
            let head = reader.response().expect("a sound head");
            if auth.challenged(&head.headers, sent) != Verdict::Retry {
                break;
            }
        }
    }
    statuses
}

#[test]
fn the_right_password_opens_and_the_wrong_one_does_not() {
    use AuthScheme::{Basic, DigestMd5, DigestSha256, Negotiate, Ntlm};
    for schemes in
        [&[Basic][..], &[DigestMd5], &[DigestSha256], &[Negotiate, Ntlm, DigestSha256, DigestMd5, Basic]]
    {
        let mut bench = guarded(schemes);
        assert_eq!(dance(&mut bench, "secret", 3), [407, 200, 200], "{schemes:?}");
        let mut bench = guarded(schemes);
        let statuses = dance(&mut bench, "guessed", 5);
        assert!(statuses.len() >= 2 && statuses.iter().all(|status| *status == 407), "{schemes:?}");
        assert_eq!(bench.counter("challenged"), statuses.len() as u64);
        assert!(bench.connects.is_empty(), "no server is asked");
    }
}

#[test]
fn schemes_that_nobody_can_answer_stay_closed() {
    let mut bench = guarded(&[AuthScheme::Negotiate, AuthScheme::Ntlm]);
    assert_eq!(dance(&mut bench, "secret", 3), [407]);
    let conn = bench.client();
    let pair = base64::engine::general_purpose::STANDARD.encode("alice:secret");
    let get = request(bench.proxy.config(), "GET", &format!("Proxy-Authorization: Basic {pair}\r\n"));
    bench.send(conn, get);
    assert_eq!(status(&bench.read(conn)), 407, "a scheme that was not offered");
}

#[test]
fn connect_and_requests_with_bodies_are_challenged_too() {
    let mut bench = guarded(&[AuthScheme::Basic]);
    let conn = bench.client();
    bench.send(conn, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    assert_eq!(status(&bench.read(conn)), 407);
    let post = request(bench.proxy.config(), "POST", "Content-Length: 4\r\n");
    bench.send(conn, post + "body");
    assert_eq!(status(&bench.read(conn)), 407);
    assert!(bench.ended.is_empty(), "the body was swallowed and the connection goes on");
    let post = request(bench.proxy.config(), "POST", "Transfer-Encoding: chunked\r\n");
    bench.send(conn, post);
    assert!(bench.read(conn).contains("Connection: close"), "a body without an end cannot be waited for");
    assert!(bench.ended.contains_key(&conn));
}

#[test]
fn a_nonce_grows_stale_and_its_count_must_rise() {
    let mut bench = guarded(&[AuthScheme::DigestSha256]);
    let conn = bench.client();
    let get = request(bench.proxy.config(), "GET", "");
    bench.send(conn, get);
    let challenge = bench.read(conn);
    let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
    let field = |uri: &str, count: u32| {
        let hash = |parts: &[&str]| Algorithm::Sha256.hash(parts);
        let (ha1, ha2) = (hash(&["alice", "proxy", "secret"]), hash(&["GET", uri]));
        let count = format!("{count:08x}");
        let response = hash(&[&ha1, nonce, &count, "c", "auth", &ha2]);
        format!(
            "Proxy-Authorization: Digest username=\"alice\", realm=\"proxy\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=SHA-256, qop=auth, nc={count}, cnonce=\"c\"\r\n"
        )
    };
    let ask_with = |bench: &mut Bench, field: &str| {
        let conn = bench.client();
        let get = request(bench.proxy.config(), "GET", field);
        bench.send(conn, get);
        bench.read(conn)
    };
    let ask = |bench: &mut Bench, count| ask_with(bench, &field("http://203.0.113.5/x", count));
    assert_eq!(ask(&mut bench, 1), "", "it is passed on");
    assert!(ask(&mut bench, 1).contains("stale=true"), "a repeated count");
    assert_eq!(ask(&mut bench, 2), "");
    let other = ask_with(&mut bench, &field("http://203.0.113.5/y", 3));
    assert!(status(&other) == 407 && !other.contains("stale"), "signed for another target");
    bench.run(Duration::from_secs(301));
    assert!(ask(&mut bench, 3).contains("stale=true"), "an old nonce");
}
