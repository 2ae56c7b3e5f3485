use super::digest::hex;
use super::*;
use crate::base::{Hop, Instant, OutsideAddr, Rng, Transport};
use crate::config::limits::{NONCE_LIFE, NONCES_MAX};
use crate::sip::Uri;

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

/// RFC 7616 §3.9.1: the same request under both algorithms.
#[test]
fn rfc_7616_example() {
    let header = |algorithm: &str, response: &str| {
        format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    for (algorithm, response) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let ha1 = algorithm.hash(&["Mufasa", "http-auth@example.org", "Circle of Life"]);
        let header = header(algorithm.name(), response);
        let credentials = Credentials::parse(&header).expect("credentials");
        assert_eq!(credentials.algorithm, Some(algorithm));
        assert_eq!(credentials.nonce_count(), Some(1));
        assert!(credentials.is_right(algorithm, "GET", &ha1));
        assert!(
            credentials.is_right(algorithm, "GET", &ha1.to_uppercase()),
            "a hash in capitals is the same"
        );
        assert!(!credentials.is_right(algorithm, "POST", &ha1));
        assert!(!credentials.is_right(algorithm, "GET", "0"));
    }
}

#[test]
fn credentials_are_read_as_phones_write_them() {
    let text = "digest  username = \"a \\\"b\\\" c\",realm=\"x, y\",\r\n nonce=\"n\" , uri=\"sip:x\",response=\"0\",algorithm=sha-256";
    let credentials = Credentials::parse(text).expect("credentials");
    assert_eq!(credentials.username, "a \"b\" c");
    assert_eq!(credentials.realm, "x, y");
    assert_eq!(credentials.algorithm, Some(Algorithm::Sha256));
    assert_eq!(credentials.protection, None);
    let unknown = Credentials::parse(
        "Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"0\",algorithm=MD5-sess",
    );
    assert_eq!(unknown.and_then(|c| c.algorithm), None);
    for bad in ["", "Digest", "Basic abc", "Digest username=\"a", "Digest realm=\"r\"", "Digest =,=,="] {
        assert_eq!(Credentials::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn hmac_depends_on_key_and_on_where_parts_end() {
    let key = [1; 32];
    assert_eq!(hmac(&key, &[b"ab", b"c"]), hmac(&key, &[b"ab", b"c"]));
    assert_ne!(hmac(&key, &[b"ab", b"c"]), hmac(&key, &[b"a", b"bc"]));
    assert_ne!(hmac(&key, &[b"ab"]), hmac(&[2; 32], &[b"ab"]));
    // printf '\0\0\0\0\0\0\0\3abc' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0101…
    assert_eq!(
        hex(&hmac(&key, &[b"abc"])),
        "d30efb312e823927761a5399a440244b042675306cf579dd83f36da29e417847"
    );
}

#[test]
fn nonces_expire_cannot_be_forged_and_counts_must_grow() {
    let mut nonces = Nonces::new(&mut Rng::new([1; 32]));
    let nonce = nonces.issue(at(10));
    assert!(nonces.use_once(at(11), &nonce, 1));
    assert!(!nonces.use_once(at(11), &nonce, 1));
    assert!(nonces.use_once(at(12), &nonce, 5));
    assert!(!nonces.use_once(at(12), &nonce, 4));
    assert!(!nonces.use_once(at(10) + NONCE_LIFE + NONCE_LIFE, &nonce, 6));
    let other = Nonces::new(&mut Rng::new([2; 32])).issue(at(10));
    assert!(!nonces.use_once(at(11), &other, 1), "another server's");
    for forged in ["", "0", "é", &nonce[..63], &format!("{nonce}0"), &nonce.replacen('0', "1", 1)] {
        assert!(!nonces.use_once(at(11), forged, 9), "{forged:?}");
    }
}

#[test]
fn nonce_counts_are_bounded_and_what_is_forgotten_cannot_be_replayed() {
    let mut nonces = Nonces::new(&mut Rng::new([1; 32]));
    let first = nonces.issue(at(10));
    assert!(nonces.use_once(at(10), &first, 1));
    for _ in 0..NONCES_MAX {
        let nonce = nonces.issue(at(10));
        assert!(nonces.use_once(at(10), &nonce, 1));
    }
    assert_eq!(nonces.remembered(), NONCES_MAX);
    assert!(!nonces.use_once(at(10), &first, 1));
    let late = nonces.issue(at(1_000));
    assert!(nonces.use_once(at(1_000), &late, 1));
    assert_eq!(nonces.remembered(), 1, "expired ones make room");
}

#[test]
fn contacts_are_believed_only_at_their_own_address() {
    let hop = |addr: &str, transport| {
        Hop::Outside(OutsideAddr { listener: 0, transport, addr: addr.parse().expect("address") })
    };
    let udp = |addr| hop(addr, Transport::Udp);
    for (contact, expected) in [
        ("sip:a@198.51.100.7:5070", udp("198.51.100.7:5070")),
        ("sip:a@198.51.100.7", udp("198.51.100.7:5060")),
        ("sip:a@192.168.1.5:5070", udp("198.51.100.7:40000")),
        ("sip:a@phone.example.org", udp("198.51.100.7:40000")),
        ("sip:a@198.51.100.7:5070;transport=tcp", udp("198.51.100.7:40000")),
    ] {
        let uri = Uri::parse(contact).expect("URI");
        assert_eq!(contact_hop(udp("198.51.100.7:40000"), &uri), expected, "{contact}");
        let tcp = hop("198.51.100.7:40000", Transport::Tcp);
        assert_eq!(contact_hop(tcp, &uri), tcp, "{contact}");
    }
}
