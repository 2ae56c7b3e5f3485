//! The executable, as engineers and their CI use it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory of a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory to write in");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn read(&self, name: &str) -> String {
        let path = self.0.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sofw-sim"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn sim(arguments: &[&str]) -> Said {
    let Output { status, stdout, stderr } = command(arguments).output().expect("the executable runs");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is text");
    Said { status: status.code(), out: text(stdout), err: text(stderr) }
}

#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

/// A scenario of four seconds; its last line is an expectation.
fn short(expect: &str) -> String {
    format!(
        r#"about = "One call."
duration = "14s"

[[site]]
name = "office"
network = "10.10.10.0/24"
firewall = "proxy-only"
nat = "symmetric"
proxy = "squid"
hrac = "forward"
phones = ["alice"]

[[phone]]
name = "bob"

[timeline]
steps = [{{ at = "5s", call = "alice", to = "bob", for = "4s" }}]
expect = ["calls_answered == 1", "{expect}"]
"#
    )
}

#[test]
fn what_init_writes_runs_well() {
    let folder = Folder::new("init");
    let init = sim(&["init"]);
    assert_eq!(init.status, Some(0));
    let file = folder.write("my-office.toml", &init.out);
    let run = sim(&["run", &file]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.out.contains("my-office") && run.out.contains("s simulated in"), "{}", run.out);
    let explain = sim(&["explain", &file]);
    assert_eq!(explain.status, Some(0), "{explain:?}");
    assert!(explain.out.contains("office") && explain.out.contains("alice"), "{}", explain.out);
}

#[test]
fn a_wrong_file_is_told_by_line_and_key_with_the_nearest_name() {
    let folder = Folder::new("wrong");
    let text = short("rat_empty").replace("proxy = \"squid\"", "proxy = \"squit\"").replace("nat =", "nta =");
    let file = folder.write("wrong.toml", &text);
    let line = |key: &str| text.lines().position(|line| line.starts_with(key)).expect("the key") + 1;
    let run = sim(&["run", &file]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.out, "", "nothing ran");
    let told = |key: &str, line: usize, nearest: &str| {
        let start = format!("{file}:{line}:");
        let mut lines = run.err.lines();
        let found = lines.any(|it| it.starts_with(&start) && it.contains(key) && it.contains(nearest));
        assert!(found, "{start} {key} {nearest} in\n{}", run.err);
    };
    told("proxy", line("proxy"), "squid");
    told("nta", line("nta"), "nat");
    let dir = folder.path("report");
    assert_eq!(sim(&["run", &file, "--report", &dir]).status, Some(2));
    assert!(!Path::new(&dir).exists(), "no report of what did not run");
}

#[test]
fn unknown_names_and_ranges_are_told() {
    let run = sim(&["run", "proxy-tinypoxy"]);
    assert_eq!(run.status, Some(2));
    assert!(run.err.contains("proxy-tinyproxy"), "{}", run.err);
    let run = sim(&["run", "one-office", "--seeds", "3..1"]);
    assert_eq!(run.status, Some(2));
    assert!(run.err.contains("the first seed, 3, is beyond the last, 1"), "{}", run.err);
    let explain = sim(&["explain", "no-such-file.toml"]);
    assert_eq!((explain.status, explain.out.as_str()), (Some(2), ""));
    assert!(explain.err.contains("no-such-file.toml"), "{}", explain.err);
    assert_eq!(sim(&["run"]).status, Some(2), "nothing to run");
}

#[test]
fn a_failed_expectation_is_told_with_what_was_measured_and_how_to_repeat_it() {
    let folder = Folder::new("failed");
    let file = folder.write("strict.toml", &short("setup_ms < 1"));
    let dir = folder.path("report");
    let run = sim(&["run", &file, "--report", &dir, "--seeds", "7"]);
    assert_eq!(run.status, Some(1), "{run:?}");
    let measured = run.out.lines().find(|line| line.contains("measured")).expect("the measured value");
    let value = measured.split("measured").nth(1).and_then(|rest| rest.split_whitespace().next());
    assert!(value.and_then(|value| value.parse::<f64>().ok()).is_some_and(|ms| ms > 1.0), "{measured}");
    let text = short("");
    let line = text.lines().position(|line| line.starts_with("expect =")).expect("the expectations") + 1;
    for word in [
        "expected setup_ms < 1".to_owned(),
        format!("line {line}"),
        format!("replay: sofw-sim run {file} --seeds 7"),
        format!("report: {dir}/index.html"),
    ] {
        assert!(run.out.contains(&word), "{word:?} in\n{}", run.out);
    }
    let junit = folder.read("report/junit.xml");
    assert!(junit.contains("failures=\"1\"") && junit.contains("setup_ms"), "{junit}");
    assert!(folder.read("report/index.html").contains("strict"));
}

#[test]
fn a_report_has_an_index_a_page_junit_and_captures() {
    let folder = Folder::new("report");
    let text = format!("capture = [\"outer\", \"inner\"]\n{}", short("rat_empty"));
    let file = folder.write("small.toml", &text);
    let run = sim(&["run", &file, "--report", &folder.path("report"), "--seeds", "1..2", "--jobs", "2"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let names: Vec<String> = std::fs::read_dir(folder.0.join("report"))
        .expect("the report")
        .map(|entry| entry.expect("the directory can be read").file_name().to_string_lossy().into_owned())
        .collect();
    let index = folder.read("report/index.html");
    for seed in [1, 2] {
        let page = format!("small-{seed}.html");
        assert!(names.contains(&page) && index.contains(&page), "{page} in {names:?}");
        let captures = names
            .iter()
            .filter(|name| name.starts_with(&format!("small-{seed}")) && name.ends_with(".pcapng"));
        assert!(captures.count() >= 2, "outer and inner in {names:?}");
    }
    let page = folder.read("report/small-1.html");
    assert!(page.contains("<svg") && !page.contains("http://") || page.contains("www.w3.org"), "one file");
    let junit = folder.read("report/junit.xml");
    assert_well_formed(&junit);
    assert!(junit.contains("failures=\"0\"") && junit.matches("<testcase").count() >= 2, "{junit}");
}

#[test]
fn the_schema_is_the_one_in_the_documents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenario.schema.json");
    let written = std::fs::read_to_string(&path).expect("docs/scenario.schema.json");
    let schema = sim(&["schema"]);
    assert_eq!(schema.status, Some(0));
    assert!(
        schema.out == written,
        "docs/scenario.schema.json is old: sofw-sim schema > docs/scenario.schema.json"
    );
}

#[test]
fn everything_that_comes_along_is_listed_and_explained() {
    let list = sim(&["list"]);
    assert_eq!(list.status, Some(0));
    let count = list.out.lines().count() - 1;
    assert!(count >= 40 && list.out.contains(&format!("{count} of {count} scenarios")), "{}", list.out);
    let few = sim(&["list", "squid"]);
    assert!(few.out.lines().count() < count && few.status == Some(0));
    let source = sim(&["explain", "one-office", "--source"]);
    assert_eq!(source.status, Some(0));
    assert!(source.out.contains("[[site]]"), "{}", source.out);
}

#[test]
fn a_seed_of_the_swarm_can_be_replayed() {
    let folder = Folder::new("swarm");
    let swarm = sim(&["swarm", "--seeds", "1..2", "--failures", &folder.path("failures")]);
    assert_eq!(swarm.status, Some(0), "{swarm:?}");
    assert!(swarm.out.contains("2 seeds, 0 failed"), "{}", swarm.out);
    let replay = sim(&["replay", "2"]);
    assert_eq!(replay.status, Some(0), "{replay:?}");
    let toml: String = replay
        .out
        .lines()
        .take_while(|line| !line.contains("──"))
        .fold(String::new(), |text, line| text + line + "\n");
    assert!(toml.contains("[timeline]"), "the scenario is printed: {toml}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_report_of_what_was_done() {
    let folder = Folder::new("interrupt");
    let dir = folder.path("report");
    // More than can be done in the time that this test takes.
    let mut child = command(&["run", "--all", "--seeds", "1..200", "--report", &dir, "--jobs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the executable runs");
    let has_page = || {
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.path().extension().is_some_and(|extension| extension == "html"))
    };
    while !has_page() {
        assert!(child.try_wait().expect("our child").is_none(), "it ended before the first page");
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("our child");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{out}");
    assert!(out.contains("then interrupted") && out.contains("report: "), "{out}");
    assert_well_formed(&folder.read("report/junit.xml"));
    let index = folder.read("report/index.html");
    assert!(index.contains("</html>") && index.contains("-1.html"), "{index}");
}

/// Every element that is opened is closed, in order: enough to see that a writer was not cut off or forgot to escape.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in {:?}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "a bare < in {tag:?}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "closed out of order"),
            None if tag.ends_with('/') || tag.starts_with('?') => {}
            None => open.push(tag.split_whitespace().next().expect("a name")),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    assert!(xml.starts_with("<?xml"), "a declaration first");
}
