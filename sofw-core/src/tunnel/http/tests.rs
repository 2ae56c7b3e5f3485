use super::chunked::{self, Decoder};
use super::exchange::{Piece, Reader};
use super::head::{Asked, RequestHead};
use super::proxy_auth::{ProxyAuth, Verdict};
use super::*;
use crate::base::Rng;
use crate::tunnel::http::head::ResponseHead;
use bytes::BytesMut;

/// Reads all messages of `bytes`, cut into pieces of `cut` bytes: (head target or status, body) of each.
fn requests(bytes: &[u8], cut: usize) -> Result<Vec<(String, Vec<u8>)>, HttpError> {
    let mut reader = Reader::requests();
    let mut done = Vec::new();
    let mut current = (String::new(), Vec::new());
    for mut input in bytes.chunks(cut) {
        while let Some(piece) = reader.next(&mut input)? {
            match piece {
                Piece::Head => current.0 = reader.request()?.target.to_owned(),
                Piece::Body(data) => current.1.extend_from_slice(data),
                Piece::End => done.push(core::mem::take(&mut current)),
            }
        }
    }
    Ok(done)
}

#[test]
fn messages_follow_each_other_whatever_the_cut() {
    let bytes = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: x\r\n\r\n\r\n\
        POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\"a\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\
        Trailer: ignored\r\n\r\nGET /d HTTP/1.0\r\n\r\n";
    let expected: Vec<(String, Vec<u8>)> = vec![
        ("/a".into(), b"hello".to_vec()),
        ("/b".into(), vec![]),
        ("/c".into(), b"abc0123456789".to_vec()),
        ("/d".into(), vec![]),
    ];
    for cut in 1..bytes.len() {
        assert_eq!(requests(bytes, cut).unwrap(), expected, "cut at {cut}");
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    let many = "X: y\r\n".repeat(crate::config::limits::HTTP_HEADERS_MAX);
    let long = format!("X: {}\r\n", "y".repeat(crate::config::limits::HTTP_HEAD_MAX));
    let cases: &[(&str, HttpError)] = &[
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            HttpError::ContentLength,
        ),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\n", HttpError::ContentLength),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", HttpError::ContentLength),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", HttpError::ContentLength),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n", HttpError::ContentLength),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", HttpError::ContentLength),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999999999\r\n\r\n",
            HttpError::ContentLength,
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            HttpError::LengthAndCoding,
        ),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HttpError::TransferCoding),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", HttpError::TransferCoding),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", HttpError::TransferCoding),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            HttpError::TransferCoding,
        ),
        ("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", HttpError::TransferCoding),
        ("GET / HTTP/1.1\nHost: x\n\n", HttpError::BareLineEnd),
        ("GET / HTTP/1.1\r\nHost: x\n\r\n", HttpError::BareLineEnd),
        ("GET / HTTP/1.1\r\nHost: x\ry: z\r\n\r\n", HttpError::BareLineEnd),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", HttpError::FoldedHeader),
        ("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", HttpError::Malformed),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", HttpError::Host),
        ("GET / HTTP/1.1\r\n\r\n", HttpError::Host),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", HttpError::Version),
        ("\u{16}\u{3}\u{1}", HttpError::Malformed),
        (&format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), HttpError::TooManyHeaders),
        (&format!("GET / HTTP/1.1\r\nHost: x\r\n{long}\r\n"), HttpError::HeadTooLong),
    ];
    for (bytes, error) in cases {
        assert_eq!(requests(bytes.as_bytes(), 7).map(|_| ()), Err(*error), "{bytes}");
    }
    // The head's parser does not rely on who cut the head out of the stream.
    let parsed = RequestHead::parse(b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n");
    assert_eq!(parsed.err(), Some(HttpError::BareLineEnd));
    let chunked = |body: &str| {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        requests(format!("{head}{body}").as_bytes(), 3).map(|_| ())
    };
    for body in [
        "g\r\n",
        "\r\n",
        "-1\r\n",
        "0x3\r\nabc\r\n",
        "3\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n",
        "10000000\r\n",
        "3 \n",
        "0\r\na\n",
    ] {
        assert_eq!(chunked(body), Err(HttpError::Chunk), "{body}");
    }
    assert_eq!(chunked(&format!("3;{}\r\nabc\r\n0\r\n\r\n", "e".repeat(2000))), Err(HttpError::Chunk));
    assert_eq!(chunked(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(5000))), Err(HttpError::Chunk));
}

#[test]
fn the_same_length_twice_counts_once() {
    let bytes = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab";
    assert_eq!(requests(bytes, 5).unwrap(), [("/".to_owned(), b"ab".to_vec())]);
}

#[test]
fn responses_end_as_rfc_9112_says() {
    let read = |asked: Asked, bytes: &[u8]| {
        let mut reader = Reader::responses();
        reader.asked(asked);
        let mut body = Vec::new();
        let mut ends = 0;
        let mut input = bytes;
        while let Some(piece) = reader.next(&mut input).unwrap() {
            match piece {
                Piece::Head => {}
                Piece::Body(data) => body.extend_from_slice(data),
                Piece::End => ends += 1,
            }
            if asked == Asked::Connect && ends == 1 {
                break;
            }
        }
        (body, ends, input.to_vec(), reader.close())
    };
    assert_eq!(
        read(Asked::Plain, b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
        (vec![], 1, vec![], Ok(false))
    );
    assert_eq!(
        read(Asked::Head, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (vec![], 1, vec![], Ok(false))
    );
    assert_eq!(read(Asked::Plain, b"HTTP/1.1 200\r\n\r\nabc"), (b"abc".to_vec(), 0, vec![], Ok(true)));
    assert_eq!(
        read(Asked::Plain, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"),
        (b"abc".to_vec(), 0, vec![], Err(HttpError::Truncated))
    );
    assert_eq!(
        read(Asked::Connect, b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\nabc"),
        (vec![], 1, b"abc".to_vec(), Ok(false))
    );
}

#[test]
fn a_chunk_is_written_in_place() {
    for len in [1_usize, 9, 15, 16, 255, 4096, 70_000] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let mut buffer = BytesMut::new();
        chunked::open(&mut buffer);
        buffer.extend_from_slice(&data);
        chunked::close(&mut buffer);
        assert!(buffer.starts_with(format!("{len:x}\r\n").as_bytes()));
        buffer.extend_from_slice(chunked::LAST_CHUNK);
        let mut decoder = Decoder::default();
        let mut got = Vec::new();
        for mut input in buffer.chunks(1000) {
            while let Some(data) = decoder.next(&mut input).unwrap() {
                got.extend_from_slice(data);
            }
        }
        assert!(decoder.is_done());
        assert_eq!(got, data);
    }
    let mut buffer = BytesMut::new();
    chunked::open(&mut buffer);
    chunked::close(&mut buffer);
    assert!(buffer.is_empty());
}

#[test]
fn the_path_of_both_forms() {
    for (target, path) in [
        ("/a/b", Some("/a/b")),
        ("http://h:80/a", Some("/a")),
        ("HTTP://h", Some("/")),
        ("*", None),
        ("ftp://h/a", None),
        ("h:443", None),
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(RequestHead::parse(bytes.as_bytes()).unwrap().path(), path, "{target}");
    }
}

fn challenged(auth: &mut ProxyAuth, fields: &str, sent: bool) -> Verdict {
    let bytes = format!("HTTP/1.1 407 Proxy Authentication Required\r\n{fields}\r\n");
    auth.challenged(&ResponseHead::parse(bytes.as_bytes()).unwrap().headers, sent)
}

fn mufasa() -> ProxyAuth {
    ProxyAuth::new(Some(("Mufasa".into(), "Circle of Life".into())))
}

#[test]
fn basic_is_answered_once() {
    let mut rng = Rng::new([1; 32]);
    let mut auth = ProxyAuth::new(Some(("Aladdin".into(), "open sesame".into())));
    assert_eq!(auth.header("GET", "/", &mut rng), None);
    let field = "Proxy-Authenticate: Basic realm=\"a, b\", charset=\"UTF-8\"\r\n";
    assert_eq!(challenged(&mut auth, field, false), Verdict::Retry);
    // RFC 7617 §2.
    assert_eq!(auth.header("GET", "/", &mut rng).unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(
        challenged(&mut auth, field, true),
        Verdict::Refused { schemes: vec!["Basic".into()], tried: true }
    );
}

#[test]
fn digest_takes_the_strongest_and_counts_nc() {
    let mut rng = Rng::new([1; 32]);
    let mut auth = mufasa();
    // The realm and nonce of RFC 7616 §3.9.1; both algorithms and Basic offered, in one field and in two.
    let fields = "Proxy-Authenticate: Basic realm=\"x\", Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
        algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n\
        Proxy-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n";
    assert_eq!(challenged(&mut auth, fields, false), Verdict::Retry);
    let first = auth.header("GET", "/dir/index.html", &mut rng).unwrap();
    assert!(first.contains("algorithm=SHA-256") && first.contains("nc=00000001"), "{first}");
    let second = auth.header("GET", "/dir/index.html", &mut rng).unwrap();
    assert!(second.contains("nc=00000002"), "{second}");
}

#[test]
fn digest_gives_the_values_of_rfc_7616() {
    use super::proxy_auth::answer_for_test;
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let mut auth = mufasa();
        let fields = format!(
            "Proxy-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"\r\n"
        );
        assert_eq!(challenged(&mut auth, &fields, false), Verdict::Retry);
        let header = answer_for_test(
            &mut auth,
            "GET",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        );
        assert!(header.contains(&format!("response=\"{response}\"")), "{header}");
    }
}

#[test]
fn stale_is_tried_again_and_a_wrong_password_is_not_for_long() {
    let mut rng = Rng::new([1; 32]);
    let challenge = |nonce: &str, stale: bool| {
        let stale = if stale { ", stale=true" } else { "" };
        format!("Proxy-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{stale}\r\n")
    };
    let mut auth = mufasa();
    assert_eq!(challenged(&mut auth, &challenge("a", false), false), Verdict::Retry);
    auth.header("GET", "/", &mut rng).unwrap();
    assert_eq!(challenged(&mut auth, &challenge("b", true), true), Verdict::Retry);
    let again = auth.header("GET", "/", &mut rng).unwrap();
    assert!(again.contains("nonce=\"b\"") && again.contains("nc=00000001"));
    auth.accepted();
    assert_eq!(challenged(&mut auth, &challenge("c", false), true), Verdict::Retry);
    let refused = Verdict::Refused { schemes: vec!["Digest".into()], tried: true };
    assert_eq!(challenged(&mut auth, &challenge("d", false), true), refused);
    // With the right password, each of several connections may find its nonce used up; but not for ever.
    let mut auth = mufasa();
    for nonce in ["a", "b", "c", "d"] {
        assert_eq!(challenged(&mut auth, &challenge(nonce, true), true), Verdict::Retry);
    }
    assert_eq!(challenged(&mut auth, &challenge("e", true), true), refused);
}

#[test]
fn schemes_that_do_not_fit_are_named() {
    let fields = "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM TlRMTVNTUAAC==, Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256\r\n";
    let refused =
        Verdict::Refused { schemes: vec!["Negotiate".into(), "NTLM".into(), "Digest".into()], tried: false };
    assert_eq!(challenged(&mut mufasa(), fields, false), refused);
    let refused = Verdict::Refused { schemes: vec!["Basic".into()], tried: false };
    assert_eq!(
        challenged(&mut ProxyAuth::new(None), "Proxy-Authenticate: Basic realm=\"r\"\r\n", false),
        refused
    );
}

#[cfg(feature = "testing")]
mod arbitrary {
    use proptest::prelude::*;

    /// Pieces from which plausible and implausible messages are made.
    const PIECES: [&str; 26] = [
        "GET ",
        "POST ",
        "HEAD ",
        "CONNECT ",
        "/sofw/1/hello ",
        "/sofw/1/AAAAAAAAAAAAAAAAAAAAAA",
        "/",
        " ",
        "HTTP/1.1",
        "HTTP/1.0",
        " 200 OK",
        " 407 x",
        " 404 x",
        " 100 Continue",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "Host: h\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "5\r\nabcde\r\n",
        "0\r\n\r\n",
        "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
        "Content-Type: application/octet-stream\r\n",
        "hello",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn messages_of_any_shape_do_no_harm(
            cut in 1_u8..,
            pieces in proptest::collection::vec((0..PIECES.len(), any::<u8>(), 0_u8..20), 0..40),
        ) {
            let mut data = vec![cut];
            for (piece, noise, chance) in pieces {
                data.extend_from_slice(PIECES[piece].as_bytes());
                if chance == 0 {
                    data.push(noise);
                }
            }
            crate::testing::fuzz::http(&data);
        }

        #[test]
        fn bytes_of_any_kind_do_no_harm(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            crate::testing::fuzz::http(&data);
        }
    }
}
