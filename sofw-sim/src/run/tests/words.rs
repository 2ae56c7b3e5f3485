//! Words of a scenario mean what they say: `of`, `capture`, and a verdict of which nothing was expected.

use crate::record::{FindingKind, Record};
use crate::run::{Options, run, run_with};
use crate::scenario::Scenario;

/// Two sites of which only the first can reach HRAS by a proxy that holds bodies back, a home, and one call from each.
fn record(top: &str, expect: &[&str], step: &str) -> Record {
    let expect = expect.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        r#"
        about = "Two sites and a home."
        duration = "15s"
        {top}
        [[site]]
        name = "office"
        firewall = "proxy-only"
        proxy = "strict"
        phones = ["alice"]
        [[site]]
        name = "branch"
        network = "10.20.0.0/24"
        proxy = {{ preset = "squid", auth = "ntlm" }}
        phones = ["carol"]
        [[site]]
        name = "depot"
        network = "10.30.0.0/24"
        hrac = {{ wrong_key = true }}
        phones = ["dora"]
        [[home]]
        name = "farm"
        phones = ["bob", "emil"]
        [timeline]
        steps = [
          {{ at = "5s", call = "alice", to = "bob", for = "20s" }},
          {{ at = "6s", call = "emil", to = "alice" }},
          {step}
        ]
        expect = [{expect}]
        "#
    );
    let scenario = Scenario::parse("words.toml", &text);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems:#?}"));
    run_with(&scenario, 1, Options { settle: false, ..Options::default() }, Vec::new())
}

/// Each expectation with what must come of it.
const OF: [(&str, bool); 26] = [
    ("no_direct_udp of office", true),
    ("no_direct_udp of farm", false),
    ("no_direct_udp", true),
    ("rung_post of office", true),
    ("rung_post of branch", false),
    ("not rung_post of branch", true),
    ("rung_post", false),
    ("proxy_auth_required of branch", true),
    ("proxy_auth_required of office", false),
    ("not proxy_auth_required of office", true),
    ("hello_refused of depot", true),
    ("hello_refused of office", false),
    ("not hello_refused of branch", true),
    ("calls_up of alice == 1", true),
    ("calls_up of carol == 0", true),
    ("calls_up of alice->bob == 1", true),
    ("calls_up of emil->alice == 0", true),
    ("calls_up == 1", true),
    ("register_ms of farm < 1000", true),
    ("register_ms of branch < 1000", false),
    ("all_registered of farm", true),
    ("all_registered of branch", false),
    ("tunnel_up of office", true),
    ("tunnel_up of branch", false),
    ("connections of office >= 1", true),
    ("firewall_bytes of depot < 20000", true),
];

#[test]
fn of_says_whose_it_is_at_the_end_and_in_the_timeline() {
    let texts: Vec<&str> = OF.iter().map(|(text, _)| *text).collect();
    let steps =
        texts.iter().map(|text| format!("{{ at = \"14s\", expect = {text:?} }},")).collect::<String>();
    for record in [record("", &texts, ""), record("", &[], &steps)] {
        assert_eq!(record.findings.len(), OF.len());
        for ((text, good), finding) in OF.iter().zip(&record.findings) {
            assert_eq!((&*finding.name, finding.good), (*text, *good), "measured {}", finding.measured);
            assert_eq!(finding.kind, FindingKind::Expectation);
        }
    }
}

#[test]
fn behind_a_proxy_before_hras_hrac_knows_that_it_was_refused() {
    let server = "server = { proxy = \"nginx-tuned\" }";
    let record = record(server, &["hello_refused of depot", "not hello_refused of office"], "");
    assert!(record.is_good(), "{:#?}", record.findings);
}

#[test]
fn what_was_not_there_to_be_measured_is_said() {
    let expect = ["mos of emil->alice > 1", "register_ms of branch < 5", "bytes_per_packet of branch < 5"];
    let record = record("", &expect, "");
    let said: Vec<&str> = record.findings.iter().map(|finding| &*finding.measured).collect();
    let no_call = "nothing: no such call was answered";
    assert_eq!(said, [no_call, "nothing: no such phone registers", "nothing: no voice crossed such a line"]);
}

#[test]
fn phones_are_captured_by_name_wherever_they_stand() {
    let record = record("capture = [\"alice\", \"bob\", \"farm\", \"outer\", \"server\", \"bob\"]", &[], "");
    let names: Vec<&str> = record.captures.iter().map(|capture| &*capture.name).collect();
    let expected = ["alice", "bob", "farm", "outer-office", "outer-branch", "outer-depot", "server"];
    assert_eq!(names, expected);
    let is_silent = |name: &str| name == "outer-branch";
    for capture in &record.captures {
        assert_eq!(
            capture.packets.is_empty(),
            is_silent(&capture.name),
            "{}: its proxy lets nobody out",
            capture.name
        );
    }
    assert_eq!(record.captures[0].link, "alice in office");
}

#[test]
fn the_end_of_a_transferred_call_is_not_that_of_the_new_one() {
    let step = "{ at = \"8s\", transfer = \"alice\", to = \"emil\" }, { at = \"12s\", expect = \"calls_up of bob->emil == 1\" },";
    let expect = ["call_alive of bob->emil"];
    let text = ["[[phone]]\nname = \"bob\"", "[[site]]\nname = \"office\"\nphones = [\"alice\", \"emil\"]"]
        .join("\n");
    let text = format!(
        "about = \"x\"\nduration = \"15s\"\n{text}\n[timeline]\nexpect = {expect:?}\n\
         steps = [{{ at = \"5s\", call = \"bob\", to = \"alice\" }}, {step}]"
    );
    let scenario = Scenario::parse("x.toml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let record = run(&scenario, 1);
    assert!(record.is_good(), "{:#?}", record.findings);
    let call = record.calls.iter().find(|call| call.callee == "emil").expect("the new call");
    assert!(call.ended[0].is_some_and(|end| end.as_secs() >= 15), "{call:?}");
}

#[test]
fn what_goes_to_the_firewall_is_inner_where_there_is_no_hrac() {
    let record = record("capture = \"inner\"\nsystem = \"plain-sip\"", &["tunnel_losses < 1"], "");
    let names: Vec<&str> = record.captures.iter().map(|capture| &*capture.name).collect();
    assert_eq!(names, ["inner-office", "inner-branch", "inner-depot"]);
    assert!(record.captures.iter().all(|capture| !capture.packets.is_empty()));
}

#[test]
fn a_run_of_which_nothing_was_expected_says_so() {
    let nothing = Scenario::parse("nothing.toml", "about = \"x\"\nphones = [\"bob\"]").expect("no mistake");
    let warned = "nothing happened and nothing was expected: add steps and expectations, e.g. expect = [\"all_registered\"]";
    assert_eq!(nothing.warnings(), [warned]);
    let steps = record("", &[], "");
    assert_eq!(
        steps.warnings,
        ["nothing was expected: add expectations, e.g. expect = [\"calls_answered == 2\"]"]
    );
    assert!(record("", &["all_registered"], "").warnings.is_empty());
    assert!(record("", &[], "{ at = \"9s\", expect = \"all_registered of farm\" }").warnings.is_empty());
}
