//! What is said about mistakes, word for word: `mistakes.txt` has files with mistakes, and below each what is said.

use super::super::Scenario;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/tests/mistakes.txt");

/// `SOFW_UPDATE=1 cargo test -p sofw-sim mistakes` writes the messages anew: read them before you commit.
#[test]
fn every_mistake_is_named_with_line_key_and_what_would_be_right() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let cases: Vec<(&str, &str)> =
        text.split("\n====\n").filter_map(|case| case.split_once("\n----")).collect();
    assert!(cases.len() >= 30);
    let said = |toml: &str| match Scenario::parse("office.toml", toml) {
        Ok(_) => "no mistake".to_owned(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    if std::env::var_os("SOFW_UPDATE").is_some() {
        let cases: Vec<String> =
            cases.iter().map(|(toml, _)| format!("{toml}\n----\n{}", said(toml))).collect();
        std::fs::write(FILE, cases.join("\n====\n") + "\n").unwrap();
        return;
    }
    for (toml, expected) in cases {
        assert_eq!(said(toml), expected.trim(), "\n{toml}");
    }
}

#[test]
fn arbitrary_text_is_no_reason_to_panic() {
    use proptest::prelude::*;
    let words = prop::sample::select(vec![
        "[[site]]",
        "[site]",
        "name",
        "=",
        "\"a\"",
        "\n",
        "phones",
        "[",
        "]",
        "{",
        "}",
        ",",
        "at",
        "\"5s\"",
        "call",
        "steps",
        "[timeline]",
        "expect",
        "\"mos of a->b >= 4\"",
        "\"of\"",
        "about",
        "7",
        "-1",
        "0.5",
        "[[step]]",
        "line",
        "\"hrac of a\"",
        "restart",
        "network",
        "\"::/0\"",
        "\"10.0.0.0/32\"",
        "count",
        "prefix",
        "[[calls]]",
        "among",
        "every",
        "for",
        "\"0s\"",
        "\"99999999999999h\"",
        "hrac",
        "ways",
        "duration",
        "\u{0}",
        "é",
        "'''",
        "#",
    ]);
    proptest!(|(words in prop::collection::vec(words, 0..40))| {
        let _ = Scenario::parse("x.toml", &words.join(" "));
    });
}
