//! `sofw demo` as a user runs it: the real executable, its exit status, what it prints and what it leaves behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pcap_file::pcapng::{Block, PcapNgReader};
use sofw_core::testing::phone::{Tone, wav};

fn demo(out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sofw"));
    command.args(["demo", "--seconds", "2", "--out"]).arg(out).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn two_calls_a_ladder_a_wav_and_a_pcapng() {
    let out = directory("stream");
    let output = demo(&out, &[]).output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for part in [
        "INVITE",
        "180 Ringing",
        "BYE",
        "RAT (P7)",
        "IIP 127.10.",
        "OIP 127.203.",
        "rung stream",
        "calls were good",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(!text.contains('\x1b'), "no colours into a pipe");
    assert_eq!(
        text.matches("REGISTER").count(),
        6,
        "two with and two without credentials, two to leave:\n{text}"
    );

    // Both channels have the other phone's tone in both calls, and silence between.
    let channels = wav::read(&std::fs::read(out.join("heard.wav")).unwrap()).expect("a WAV file");
    for (channel, hz) in channels.iter().zip([587.0, 440.0]) {
        for second in [&channel[4_000..12_000], &channel[channel.len() - 12_000..channel.len() - 4_000]] {
            let tone = Tone::strongest(second).expect("a tone");
            assert!((tone.hz - hz).abs() < 2.0, "{tone:?}");
        }
    }

    // SIP and RTP are seen on both sides, and between HRAC and the proxy nothing but TCP.
    let bytes = std::fs::read(out.join("demo.pcapng")).unwrap();
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let (mut invites, mut rtp, mut tcp) = ([0; 3], [0; 3], [0; 3]);
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(packet) = block.unwrap() {
            let link = packet.interface_id as usize;
            match packet.data[9] {
                6 => tcp[link] += 1,
                _ if packet.data[28..].starts_with(b"INVITE ") => invites[link] += 1,
                _ if packet.data[28..].len() == 172 => rtp[link] += 1,
                _ => {}
            }
        }
    }
    assert!(invites[0] >= 2 && invites[1] == 0 && invites[2] >= 2, "{invites:?}");
    assert!(rtp[0] > 350 && rtp[1] == 0 && rtp[2] > 350, "{rtp:?}");
    assert!(tcp[0] == 0 && tcp[1] > 100 && tcp[2] == 0, "{tcp:?}");
    std::fs::remove_dir_all(out).unwrap();
}

#[test]
fn two_demos_at_once_and_one_behind_a_proxy_that_holds_bodies() {
    let outs = [directory("one"), directory("two")];
    let first = demo(&outs[0], &[]).spawn().unwrap();
    let second = demo(&outs[1], &["--rung", "post", "--plain"]).spawn().unwrap();
    for (child, rung) in [(first, "rung stream"), (second, "rung post")] {
        let output = child.wait_with_output().unwrap();
        let text = text(&output);
        assert!(output.status.success() && text.contains(rung), "{text}");
        assert!(rung == "rung stream" || text.is_ascii(), "--plain is ASCII only:\n{text}");
    }
    outs.iter().for_each(|out| std::fs::remove_dir_all(out).unwrap());
}

#[test]
fn bad_options_and_directories_are_refused_plainly() {
    let run =
        |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_sofw")).arg("demo").args(args).output().unwrap();
    let output = run(&["--seconds", "0"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let output = run(&["--out", "/dev/null/x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("cannot make the output directory"), "{}", text(&output));
}
