//! Calls everything that reads and writes, for fuzzing and property tests.

use core::net::SocketAddr;

use super::{MediaRewrite, Sdp, rewrite};

/// Reads `body`, rewrites every media line, and reads the result.
///
/// # Panics
/// If an invariant does not hold: the result must be readable and say what was asked, and nothing else may change.
pub(crate) fn exercise(body: &[u8]) {
    let Ok(sdp) = Sdp::parse(body) else { return };
    assert_eq!(rewrite(&sdp, &[]), body);
    for even in [false, true] {
        let address = |index: usize| {
            let port = 20_000 + (index as u16 % 1_000) * 2;
            let ip = if even && index % 2 == 1 { [203, 0, 113, 6] } else { [203, 0, 113, 5] };
            (SocketAddr::from((ip, port)), SocketAddr::from((ip, port + 1)))
        };
        let lines: Vec<_> = sdp
            .media()
            .iter()
            .map(|media| (media.port != 0).then(|| address(media.index)))
            .map(|to| to.map(|(rtp, rtcp)| MediaRewrite { rtp, rtcp }))
            .collect();
        let new = rewrite(&sdp, &lines);
        let after = Sdp::parse(&new).expect("what was written can be read");
        assert_eq!(after.media().len(), sdp.media().len());
        for ((old, new), line) in sdp.media().iter().zip(after.media()).zip(&lines) {
            assert_eq!((old.kind, old.proto, old.formats), (new.kind, new.proto, new.formats));
            assert_eq!((old.direction, old.telephone_event), (new.direction, new.telephone_event));
            assert_eq!(
                (old.hold, old.port == 0),
                (new.hold, new.port == 0),
                "held and rejected lines stay so"
            );
            if let (Some(line), false) = (line, old.hold) {
                assert_eq!(new.rtp, Some(line.rtp));
                assert!(new.rtcp == Some(line.rtcp) || old.rtcp_mux);
            }
        }
        assert_eq!(untouched(&new), untouched(body), "all other lines stay");
    }
}

/// The lines that a rewrite has no business with.
fn untouched(body: &[u8]) -> Vec<&[u8]> {
    let edited: [&[u8]; 5] = [b"c=", b"m=", b"a=rtcp:", b"a=ice-", b"a=candidate"];
    let edited_whole: [&[u8]; 2] = [b"a=end-of-candidates", b"a=remote-candidates"];
    body.split(|b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !edited.iter().chain(&edited_whole).any(|start| line.starts_with(start)))
        .filter(|line| !line.is_empty())
        .collect()
}
