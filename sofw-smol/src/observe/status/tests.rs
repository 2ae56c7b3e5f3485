use core::time::Duration;

use sofw_core::testing::pair::Pair;

use super::*;

#[test]
fn a_call_shows_with_both_ends_and_their_counters() {
    let mut pair = Pair::new(1, 7);
    let (alice, bob) = (pair.inside_phone(0, 10, "alice"), pair.outside_phone(20, "bob"));
    pair.register(alice);
    pair.register(bob);
    pair.talk(alice, "bob", Duration::from_secs(2));
    let page = serde_json::to_value(of(pair.hras(), pair.now(), &Stats::default())).unwrap();

    let tunnel = &page["sites"][0]["tunnel"];
    assert_eq!((&page["sites"][0]["name"], &tunnel["rung"]), (&"site0".into(), &"stream".into()));
    for number in ["round_trip_ms", "since_s", "bytes_sent", "bytes_received"] {
        assert!(tunnel[number].as_f64().is_some_and(|value| value >= 0.0), "{number}: {tunnel}");
    }
    let spaces: Vec<&str> =
        page["bindings"].as_array().unwrap().iter().filter_map(|binding| binding["space"].as_str()).collect();
    assert_eq!(spaces, ["site0", "outside"]);

    let [record] = page["records"].as_array().unwrap().as_slice() else { panic!("{page}") };
    let tag = |name: &str| record[name].as_str().is_some_and(|tag| !tag.is_empty());
    assert!(tag("call_id") && tag("from_tag") && tag("to_tag"), "{record}");
    assert_eq!((&record["media_line"], &record["held"]), (&0.into(), &false.into()));
    for (end, space, phone) in [("caller", "site0", alice), ("callee", "outside", bob)] {
        let end = &record[end];
        assert_eq!(end["space"], space);
        assert_eq!(end["terminal"], pair.phone(phone).config().rtp_addr().to_string());
        assert!(end["relay_port"].as_u64().is_some());
        let packets = end["packets"].as_u64().unwrap();
        assert!((90..=110).contains(&packets), "two seconds of voice, not {packets} packets");
        assert!(end["bytes"].as_u64().unwrap() >= packets * 172);
        assert_eq!(end["drops"], 0);
    }
}
