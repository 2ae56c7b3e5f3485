//! Every file that comes with the program.

use super::super::{Scenario, TEMPLATE, builtin, explain};

#[test]
fn every_builtin_scenario_has_no_mistake() {
    let mut mistakes = Vec::new();
    for (name, text) in builtin() {
        match Scenario::parse(&format!("scenarios/{name}.toml"), text) {
            Ok(scenario) => assert_eq!(scenario.name, *name),
            Err(problems) => mistakes.extend(problems.iter().map(ToString::to_string)),
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_builtin_scenario_is_explained() {
    for (name, text) in builtin() {
        let scenario = Scenario::parse(name, text).unwrap();
        let said = explain(&scenario);
        for phone in scenario.phones.iter().filter(|_| scenario.phones.len() < 8) {
            assert!(said.contains(&phone.name) && said.contains(&phone.addr.to_string()), "{said}");
        }
        for place in &scenario.places {
            assert!(said.contains(&place.name) && said.contains(&place.public.to_string()), "{said}");
        }
        scenario.expect.iter().for_each(|expect| assert!(said.contains(&expect.text), "{said}"));
    }
}

/// `SOFW_UPDATE=1 cargo test -p sofw-sim explained` writes it anew.
#[test]
fn an_office_is_explained_word_for_word() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/tests/explained.txt");
    let said = explain(&Scenario::parse("my-office.toml", TEMPLATE).unwrap());
    if std::env::var_os("SOFW_UPDATE").is_some() {
        std::fs::write(file, &said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(file).unwrap_or_default());
}

#[test]
fn every_file_of_the_folder_is_built_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".toml", ""))
        .collect();
    files.sort();
    let known: Vec<&str> = builtin().iter().map(|(name, _)| *name).collect();
    assert_eq!(known, files);
}

#[test]
fn the_template_is_a_working_office() {
    let scenario = Scenario::parse("my-office.toml", TEMPLATE).unwrap();
    assert_eq!(scenario.places.len(), 2);
    assert_eq!(scenario.phones.len(), 4);
    assert_eq!(scenario.timeline.len(), 3);
}

/// What the template suggests must be right, too: all suggestions that stand beside something replace it.
#[test]
fn the_templates_suggestions_are_right() {
    for (at, line) in TEMPLATE.lines().enumerate() {
        let Some(suggestion) = line.trim_start().strip_prefix("# ") else { continue };
        let is_key = suggestion
            .split_once(" = ")
            .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        if !is_key && !suggestion.starts_with("{ at =") {
            continue;
        }
        let key = suggestion.split(' ').next().unwrap();
        let mut lines: Vec<String> = TEMPLATE.lines().map(str::to_owned).collect();
        lines[at] = suggestion.to_owned();
        if is_key
            && let Some(before) = lines[..at].iter().rposition(|line| line.starts_with(&format!("{key} = ")))
        {
            let in_same_table = !lines[before..at].iter().any(|line| line.starts_with('['));
            if in_same_table {
                lines[before].clear();
            }
        }
        let text = lines.join("\n").replace("# [server]", "[server]");
        if let Err(problems) = Scenario::parse("my-office.toml", &text) {
            panic!(
                "{suggestion}\n{}",
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            );
        }
    }
}
