//! docs/PAPER.md may name only tests and scenarios that exist, and names every scenario that is called after a requirement.

use std::path::{Path, PathBuf};

#[test]
fn every_test_that_the_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = std::fs::read_to_string(root.join("docs/PAPER.md")).expect("docs/PAPER.md is there");
    let mut sources = String::new();
    for folder in ["sofw-core", "sofw-smol", "sofw-sim", "tests"] {
        collect(root.join(folder), &mut sources);
    }
    let named: Vec<&str> = document.split('`').filter(|word| is_test_name(word)).collect();
    assert!(named.len() > 20, "the document names its tests: {named:?}");
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "{name} is named in docs/PAPER.md and does not exist"
        );
    }
}

#[test]
fn every_scenario_that_the_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = std::fs::read_to_string(root.join("docs/PAPER.md")).expect("docs/PAPER.md is there");
    let named: Vec<&str> = document.split('`').filter(|word| is_scenario_name(word)).collect();
    let scenarios = root.join("sofw-sim/scenarios");
    for name in &named {
        let file = scenarios.join(format!("{name}.toml"));
        assert!(file.is_file(), "{name} is named in docs/PAPER.md and is no scenario");
    }
    for entry in std::fs::read_dir(scenarios).expect("the scenarios are there").flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let shows_a_requirement = name.starts_with("rfc3665-") || is_test_name(&name.replacen('-', "_", 1));
        assert!(
            !shows_a_requirement || named.contains(&name),
            "{name} shows a requirement and is not named in docs/PAPER.md"
        );
    }
}

/// Lower-case words with dashes: `p05-outside-calls-inside`, `busy-hour`; the few scenarios of one word are not looked for.
fn is_scenario_name(word: &str) -> bool {
    let is_plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    word.contains('-') && word.split('-').all(is_plain)
}

fn is_test_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next() == Some('p')
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.next() == Some('_')
        && !word.contains('…')
}

fn collect(folder: PathBuf, sources: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}
