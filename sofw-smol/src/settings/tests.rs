//! Every mistake that a configuration can have, by its key.

use sofw_core::config::{HracConfig, TunnelVia};
use sofw_core::io::Endpoint;
use toml::Table;

use super::{FirstStart, HracSettings, HrasSettings, PairingLink, Problem, ha1_md5, ha1_sha256};

const HRAS: &str = r#"
[sip]
domain = "example.net"
listen = ["udp:203.0.113.5:5060", "tcp:203.0.113.5:5060"]
[media]
address = "203.0.113.5"
ports = "20000-29999"
[tunnel]
listen = ["http:203.0.113.5:80"]
[[site]]
name = "hq"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[[user]]
name = "alice"
password = "secret"
"#;

const HRAC: &str = r#"
site = "hq"
key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[tunnel]
server = "http://203.0.113.5"
proxy = "http://name:p%40ss@10.10.10.3:3128"
[sip]
listen = ["udp:10.10.10.2:5060", "tcp:10.10.10.2:5060"]
[media]
address = "10.10.10.2"
ports = "30000-39999"
"#;

fn hras(text: &str) -> Result<HrasSettings, Vec<Problem>> {
    HrasSettings::from_table(&text.parse::<Table>().expect("TOML"))
}

fn hrac(text: &str) -> Result<HracSettings, Vec<Problem>> {
    HracSettings::from_table(&text.parse::<Table>().expect("TOML"))
}

/// `from` replaced by `to` in a good file gives exactly one problem: at `key`, with `reason` in its text.
fn one_problem<T>(read: fn(&str) -> Result<T, Vec<Problem>>, good: &str, (from, to, key, reason): Case) {
    assert!(good.contains(from), "{from} is not in the file");
    let Err(problems) = read(&good.replacen(from, to, 1)) else { panic!("{from} → {to} was accepted") };
    assert_eq!(problems.len(), 1, "{from} → {to}: {problems:?}");
    assert_eq!(problems[0].key, key, "{from} → {to}: {problems:?}");
    assert!(problems[0].reason.contains(reason), "{from} → {to}: {problems:?}");
}

type Case = (&'static str, &'static str, &'static str, &'static str);

#[test]
fn the_contracts_examples_are_good() {
    let settings = hras(HRAS).unwrap();
    assert_eq!(settings.core.domain, "example.net");
    assert_eq!(settings.core.sip.len(), 2);
    assert_eq!(settings.core.media.ports, (20_000, 29_999));
    assert_eq!(settings.core.media.bind, settings.core.media.address);
    assert_eq!(settings.core.tunnel, ["203.0.113.5:80".parse().unwrap()]);
    assert_eq!(settings.core.sites[0].key.0[31], 31);
    assert_eq!(settings.core.users[0].ha1_md5.as_deref(), Some(&*ha1_md5("alice", "example.net", "secret")));
    assert_eq!(settings.admin, Some("127.0.0.1:9060".parse().unwrap()));

    let HracConfig { server, authority, via, .. } = hrac(HRAC).unwrap().core;
    assert_eq!((server, &*authority), (Endpoint::Addr("203.0.113.5:80".parse().unwrap()), "203.0.113.5"));
    let [TunnelVia::Forward(proxy)] = &via[..] else { panic!("{via:?}") };
    assert_eq!(proxy.endpoint, Endpoint::Addr("10.10.10.3:3128".parse().unwrap()));
    assert_eq!(proxy.credentials, Some(("name".to_owned(), "p@ss".to_owned())));
}

#[test]
fn users_outside_call_each_other_only_where_they_may() {
    assert!(!hras(HRAS).unwrap().core.outside_calls);
    for (word, may) in [("true", true), ("false", false)] {
        let set = HRAS.replace("[sip]", &format!("[sip]\noutside_calls = {word}"));
        assert_eq!(hras(&set).unwrap().core.outside_calls, may);
    }
}

#[test]
fn hras_mistakes_are_named_by_key() {
    let cases: &[Case] = &[
        ("domain = \"example.net\"\n", "", "sip.domain", "is missing"),
        ("\"example.net\"", "\"exa mple\"", "sip.domain", "host name"),
        ("\"example.net\"", "7", "sip.domain", "must be a string in quotes, not a number"),
        ("domain", "domian = \"x\"\ndomain", "sip.domian", "did you mean \"domain\"?"),
        ("[sip]", "[spi]\n[sip]", "spi", "did you mean \"sip\"?"),
        ("[sip]", "[weather]\n[sip]", "weather", "valid here: sip, media, tunnel, site, user, admin, log"),
        ("\"udp:203.0.113.5:5060\"", "\"203.0.113.5:5060\"", "sip.listen[0]", "must look like"),
        ("\"udp:203.0.113.5:5060\"", "\"udp:relay:5060\"", "sip.listen[0]", "must look like"),
        ("\"udp:203.0.113.5:5060\"", "\"udp:203.0.113.5:0\"", "sip.listen[0]", "must look like"),
        ("\"udp:203.0.113.5:5060\"", "\"tls:203.0.113.5:5061\"", "sip.listen[0]", "TLS"),
        ("\"udp:203.0.113.5:5060\"", "\"udp:0.0.0.0:5060\"", "sip.listen[0]", "write this host's"),
        ("\"udp:203.0.113.5:5060\"", "5060", "sip.listen[0]", "not a number"),
        ("\"udp:203.0.113.5:5060\"", "\"tcp:203.0.113.5:5060\"", "sip.listen[1]", "taken by sip.listen[0]"),
        (
            "\"udp:203.0.113.5:5060\"",
            "\"udp:203.0.113.5:20500\"",
            "sip.listen[0]",
            "inside media.ports 20000-29999",
        ),
        ("[\"udp:203.0.113.5:5060\", \"tcp:203.0.113.5:5060\"]", "[]", "sip.listen", "is empty"),
        ("[sip]", "[sip]\noutside_calls = 1", "sip.outside_calls", "must be true or false"),
        ("address = \"203.0.113.5\"\n", "", "media.address", "is missing"),
        ("address = \"203.0.113.5\"", "address = \"0.0.0.0\"", "media.address", "cannot stand in SDP"),
        ("address = \"203.0.113.5\"", "address = \"relay\"", "media.address", "must be an IP address"),
        ("20000-29999", "20000", "media.ports", "must look like"),
        ("20000-29999", "20001-29999", "media.ports", "begin with an even port"),
        ("20000-29999", "20000-29998", "media.ports", "end with an odd port"),
        ("20000-29999", "29998-20001", "media.ports", "not a range"),
        ("20000-29999", "20000-99999", "media.ports", "must look like"),
        ("ports =", "silence_s = 5\nports =", "media.silence_s", "between 10 and 86400"),
        ("ports =", "silence_s = \"long\"\nports =", "media.silence_s", "a whole number"),
        ("http:203.0.113.5:80", "https:203.0.113.5:443", "tunnel.listen[0]", "HTTPS"),
        ("http:203.0.113.5:80", "203.0.113.5:80", "tunnel.listen[0]", "must look like"),
        ("http:203.0.113.5:80", "http:0.0.0.0:5060", "tunnel.listen[0]", "taken by sip.listen[1]"),
        ("listen = [\"http:203.0.113.5:80\"]\n", "", "tunnel.listen", "is missing"),
        ("listen = [\"http", "public = \"a/b\"\nlisten = [\"http", "tunnel.public", "must be a host"),
        ("\"hq\"", "\"h q\"", "site[0].name", "must be 1 to 63"),
        ("name = \"hq\"\n", "", "site[0].name", "is missing"),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAEC", "site[0].key", "32 bytes, these are 3"),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "?", "site[0].key", "not base64"),
        (
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "site[0].key",
            "all zeroes",
        ),
        (
            "[[user]]",
            "[[site]]\nname = \"HQ\"\nkey = \"__________________________________________8=\"\n[[user]]",
            "site[1].name",
            "another site",
        ),
        (
            "[[user]]",
            "[[site]]\nname = \"b\"\nkey = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n[[user]]",
            "site[1].key",
            "another site's key",
        ),
        (
            "[[user]]",
            "[[user]]\nname = \"alice\"\npassword = \"x\"\n[[user]]",
            "user[1].name",
            "another user",
        ),
        ("\"alice\"", "\"alice@example.net\"", "user[0].name", "before the @"),
        ("password = \"secret\"", "", "user[0].password", "is missing"),
        ("\"secret\"", "\"\"", "user[0].password", "must not be empty"),
        ("password = \"secret\"", "ha1-md5 = \"12\"", "user[0].ha1-md5", "32 hexadecimal digits"),
        ("password = \"secret\"", "ha1-sha256 = \"12\"", "user[0].ha1-sha256", "64 hexadecimal digits"),
        (
            "\"secret\"",
            "\"x\"\nha1-md5 = \"00112233445566778899aabbccddeeff\"",
            "user[0].password",
            "beside a hash",
        ),
        ("[[user]]", "[user]", "user", "must be written [[user]]"),
        ("[sip]", "[admin]\nlisten = \"localhost\"\n[sip]", "admin.listen", "an IP address and a port"),
        ("[sip]", "[admin]\nlisten = \"203.0.113.5:80\"\n[sip]", "admin.listen", "taken by tunnel.listen[0]"),
        ("[sip]", "[log]\nlevel = \"loud\"\n[sip]", "log.level", "must be error"),
        ("[sip]", "[log]\nformat = \"xml\"\n[sip]", "log.format", "\"text\" or \"json\""),
    ];
    for case in cases {
        one_problem(hras, HRAS, *case);
    }
}

#[test]
fn hrac_mistakes_are_named_by_key() {
    let cases: &[Case] = &[
        ("site = \"hq\"\n", "", "site", "is missing"),
        ("\"hq\"", "[\"hq\"]", "site", "must be a string"),
        ("key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n", "", "key", "is missing"),
        ("server = \"http://203.0.113.5\"\n", "", "tunnel.server", "is missing"),
        ("\"http://203.0.113.5\"", "\"203.0.113.5\"", "tunnel.server", "must look like"),
        ("\"http://203.0.113.5\"", "\"https://203.0.113.5\"", "tunnel.server", "https does not exist"),
        ("\"http://203.0.113.5\"", "\"http://203.0.113.5/tunnel\"", "tunnel.server", "must end after host"),
        ("\"http://203.0.113.5\"", "\"http://a:b@203.0.113.5\"", "tunnel.server", "no name and password"),
        ("\"http://203.0.113.5\"", "\"http://203.0.113.5:99999\"", "tunnel.server", "must look like"),
        ("10.10.10.3:3128", "10.10.10.3:x", "tunnel.proxy", "must look like"),
        ("proxy = \"http", "proxy = \"socks", "tunnel.proxy", "must look like"),
        ("proxy =", "proxy_mode = \"pull\"\nproxy =", "tunnel.proxy_mode", "\"forward\" or \"connect\""),
        (
            "proxy =",
            "proxy_mode = \"connect\"\nconnect = true\nproxy =",
            "tunnel.connect",
            "keep one of them",
        ),
        ("proxy =", "connect = \"yes\"\nproxy =", "tunnel.connect", "must be true or false"),
        ("proxy =", "poxy =", "tunnel.poxy", "did you mean \"proxy\"?"),
        ("\"udp:10.10.10.2:5060\"", "\"udp:10.10.10.2:30000\"", "sip.listen[0]", "inside media.ports"),
        ("listen = [\"udp:10.10.10.2:5060\", \"tcp:10.10.10.2:5060\"]\n", "", "sip.listen", "is missing"),
        ("ports = \"30000-39999\"\n", "", "media.ports", "is missing"),
    ];
    for case in cases {
        one_problem(hrac, HRAC, *case);
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = HRAS.replace("example.net", "").replace("20000-29999", "1-2").replace("secret", "");
    let keys: Vec<String> = hras(&text).unwrap_err().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["sip.domain", "media.ports", "user[0].password"]);
}

#[test]
fn ways_out_may_be_several() {
    let several = HRAC.replace("\"http://name:p%40ss@10.10.10.3:3128\"", "[\"http://proxy\", \"direct\"]");
    let via = hrac(&several.replace("[tunnel]", "[tunnel]\nconnect = true")).unwrap().core.via;
    let [TunnelVia::Connect(proxy), TunnelVia::Direct] = &via[..] else { panic!("{via:?}") };
    assert_eq!(proxy.endpoint, Endpoint::Name("proxy".to_owned(), 3128));
    let none = HRAC.replace("proxy = \"http://name:p%40ss@10.10.10.3:3128\"", "");
    assert_eq!(hrac(&none).unwrap().core.via, [TunnelVia::Direct]);
}

#[test]
fn pairing_links_come_back_as_they_went() {
    let text = "sofw+http://relay.example.net:8080/hq#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let link: PairingLink = text.parse().unwrap();
    assert_eq!((&*link.authority, &*link.site, link.key.0[31]), ("relay.example.net:8080", "hq", 31));
    assert_eq!(link.to_string(), text);
    assert_eq!(link.server(), Ok(Endpoint::Name("relay.example.net".to_owned(), 8080)));
    let v6: PairingLink = text.replace("relay.example.net", "[2001:db8::1]").parse().unwrap();
    assert_eq!(v6.server(), Ok(Endpoint::Addr("[2001:db8::1]:8080".parse().unwrap())));
    for (wrong, why) in [
        ("http://relay/hq#AAEC", "looks like"),
        ("sofw+http://relay/hq", "quote the link"),
        ("sofw+http://relay/hq#AAEC", "32 bytes"),
        ("sofw+http://relay/h q#AAEC", "site must be"),
        ("sofw+http:///hq#AAEC", "looks like"),
        ("sofw+http://relay#AAEC", "looks like"),
    ] {
        let error = wrong.parse::<PairingLink>().unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn hashes_are_those_of_rfc_7616_and_2617() {
    // RFC 2617 §3.5 and RFC 7616 §3.9.1, which name user, realm and password; the hashes are H of these joined by colons.
    assert_eq!(ha1_md5("Mufasa", "testrealm@host.com", "Circle Of Life"), "939e7578ed9e3c518a452acee763bce9");
    assert_eq!(
        ha1_sha256("Mufasa", "http-auth@example.org", "Circle of Life"),
        "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
    );
}

#[test]
fn a_first_start_makes_a_good_file_once() {
    let dir = std::env::temp_dir().join(format!("sofw-first-start-{}", std::process::id()));
    let first = FirstStart::find_or_make(&dir).unwrap();
    let (user, password) = first.made.expect("the first start");
    let settings = HrasSettings::load(&first.file).unwrap();
    let expected = ha1_md5(&user, &settings.core.domain, &password);
    assert_eq!(settings.core.users[0].ha1_md5.as_deref(), Some(&*expected));
    let again = FirstStart::find_or_make(&dir).unwrap();
    assert_eq!((again.file, again.made), (first.file, None));
    std::fs::remove_dir_all(&dir).unwrap();
}
