//! Sites without HRAC beside one that has it: their phones speak for themselves, and no checker takes that for a defect.

use crate::record::Record;
use crate::run::run;
use crate::scenario::Scenario;

fn record(rest: &str) -> Record {
    let text = format!(
        r#"
        about = "A site without HRAC beside one that has it."
        [[site]]
        name = "office"
        firewall = "web-only"
        phones = ["alice", "carol"]
        [[phone]]
        name = "bob"
        {rest}
        "#
    );
    let scenario = Scenario::parse("plain.toml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    run(&scenario, 1)
}

fn assert_good(record: &Record) {
    let bad: Vec<_> = record.findings.iter().filter(|finding| !finding.good).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn behind_a_firewall_that_lets_no_sip_out_its_phones_are_on_their_own() {
    assert_good(&record(
        r#"
        [[site]]
        name = "plain"
        firewall = "web-only"
        hrac = "none"
        phones = ["erin", "frank"]
        [timeline]
        steps = [
          { at = "5s", call = "alice", to = "bob", for = "5s" },
          { at = "15s", call = "alice", to = "erin", for = "5s" },
          { at = "25s", call = "erin", to = "alice", for = "5s" },
        ]
        expect = [
          "all_registered of office", "not all_registered of plain", "registered of plain == 0",
          "calls_answered of alice->bob == 1", "calls_answered of erin == 0", "no_direct_udp of office",
          "no_direct_udp of plain",
        ]
        "#,
    ));
}

#[test]
fn behind_an_open_firewall_they_call_as_from_home() {
    for (network, nat) in
        [("10.10.10.0/24", "symmetric"), ("198.51.100.128/28", "none"), ("10.9.0.0/24", "port-restricted")]
    {
        let record = record(&format!(
            r#"
            [[site]]
            name = "plain"
            network = "{network}"
            firewall = "open"
            nat = "{nat}"
            hrac = "none"
            phones = ["erin"]
            [timeline]
            steps = [
              {{ at = "5s", call = "erin", to = "alice", for = "5s" }},
              {{ at = "15s", call = "carol", to = "erin", for = "5s" }},
            ]
            expect = ["all_registered", "calls_answered == 2", "mos >= 4", "not no_direct_udp of plain"]
            "#
        ));
        assert_good(&record);
        let seen = |from: &str, to: &str| {
            record.ladder.iter().any(|rung| record.actors[rung.from] == from && record.actors[rung.to] == to)
        };
        assert!(seen("erin", "HRAS") && seen("HRAS", "erin"), "{nat}: {:?}", record.ladder);
    }
}

#[test]
fn with_the_addresses_of_the_other_site_they_are_told_apart() {
    assert_good(&record(
        r#"
        [[site]]
        name = "plain"
        hrac = "none"
        phones = ["erin"]
        [timeline]
        steps = [{ at = "5s", call = "erin", to = "alice", for = "5s" }]
        expect = ["all_registered", "calls_answered == 1", "mos >= 4"]
        "#,
    ));
}
