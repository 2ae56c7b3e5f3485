//! Plans of the swarm that failed once, shrunk: `tests/seeds/*.toml`, each with the seed that its name ends with.

use std::path::{Path, PathBuf};

use sofw_sim::run::run;
use sofw_sim::scenario::Scenario;

#[test]
fn what_failed_once_does_not_fail_again() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds");
    let files = std::fs::read_dir(&directory).expect("the directory is part of the crate");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("it can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).expect("a text file");
        let scenario =
            Scenario::parse(&name, &text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let seed = file.file_stem().and_then(|stem| stem.to_str()?.rsplit('-').next()?.parse().ok());
        let record = run(&scenario, seed.expect("the name ends with the seed"));
        let bad: Vec<_> = record.findings.iter().filter(|finding| !finding.good).collect();
        assert!(bad.is_empty(), "{name}: {bad:#?}");
    }
}
