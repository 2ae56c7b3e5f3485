use super::super::*;

#[test]
fn parts_are_cut_where_the_grammar_cuts() {
    let uri = Uri::parse("sips:al:pw@[2001:db8::1]:5061;transport=tcp;lr;x=?subject=a").unwrap();
    assert_eq!((uri.scheme(), uri.is_sips(), uri.user(), uri.port()), ("sips", true, Some("al"), Some(5061)));
    assert_eq!(uri.host().to_string(), "[2001:db8::1]");
    assert_eq!((uri.param("lr"), uri.param("X"), uri.param("none")), (Some(""), Some(""), None));
    assert_eq!(uri.headers(), Some("subject=a"));
    assert_eq!(Uri::parse("sip:host_name").unwrap().host(), Host::Name("host_name"));
    assert_eq!(Uri::parse("sip:1.2.3.4.").unwrap().host(), Host::Name("1.2.3.4."));
    assert_eq!(Uri::parse("sip:10.0.0.1").unwrap().host().ip(), Some("10.0.0.1".parse().unwrap()));
    assert_eq!(Uri::parse("tel:+1-201-555-0123").unwrap().scheme(), "tel");
    for bad in [
        "",
        "sip",
        "sip:",
        ":x",
        "1sip:a",
        "sip:a@",
        "sip:a@b:",
        "sip:a@b:x",
        "sip:a@b/c",
        "sip:a@b@c",
        "sip:[::1]x",
        "sip:[1.2.3.4]",
    ] {
        assert_eq!(Uri::parse(bad), None, "{bad}");
    }
}

#[test]
fn equivalence_follows_the_examples_of_rfc3261_19_1_4() {
    let same = |a: &str, b: &str| {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert_eq!(a.is_equivalent(&b), b.is_equivalent(&a), "symmetric");
        a.is_equivalent(&b)
    };
    assert!(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
    assert!(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
    assert!(same("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
    assert!(!same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
    assert!(!same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
    assert!(!same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
    assert!(!same("sip:a@b.example", "sip:a@b.example;maddr=192.0.2.1"));
    assert!(!same("sip:a@b.example", "sips:a@b.example"));
    assert!(same("sip:a@b.example;x=1;x=2", "sip:a@b.example;x=1;x=2"), "a URI is always itself");
}

#[test]
fn escapes_resolve_in_users() {
    let user = |uri: &str| Uri::parse(uri).unwrap().user_unescaped().unwrap().into_owned();
    assert_eq!(user("sip:%61l%69ce@x"), "alice");
    assert_eq!(user("sip:a%zz%4@x"), "a%zz%4", "what is no escape stays");
    assert_eq!(user("sip:a%ff@x"), "a%ff", "so does what is no UTF-8");
}

#[test]
fn addresses_stand_alone_too() {
    let addr =
        NameAddr::parse_str("\"A \\\" B\" <sip:a@b;x=1>;q=0.1;+sip.instance=\"<urn:uuid:1>\"").unwrap();
    assert_eq!(
        (addr.display(), addr.param("q"), addr.uri().param("x")),
        (&b"\"A \\\" B\""[..], Some("0.1"), Some("1"))
    );
    assert_eq!(addr.param("+SIP.instance"), Some("\"<urn:uuid:1>\""));
}
