//! docs/PAPER.md may name only tests that exist.

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
