//! The frame codec, and a session that receives arbitrary bytes.

use bytes::BytesMut;

use crate::base::Instant;
use crate::config::limits::VOICE_AGE_MAX;
use crate::tunnel::frame::{Frame, View};
use crate::tunnel::seal::testing::keys;
use crate::tunnel::{RecordReader, Session, SessionConfig};

/// Frames: what parses is emitted as the same bytes. Then the same bytes as an unsealed body, and as the plaintext of a
/// record from a peer who has the keys but talks nonsense.
pub fn frame(data: &[u8]) {
    let mut rest = data;
    let mut emitted = Vec::new();
    while let Ok((view, after)) = View::parse(rest) {
        emitted.clear();
        view.emit(&mut emitted);
        assert_eq!(rest.strip_suffix(after), Some(emitted.as_slice()));
        if let View::Reliable { kind, content, .. } = view {
            if let Ok(frame) = Frame::parse_content(kind, content) {
                assert_eq!(frame.check(), Ok(()));
                emitted.clear();
                frame.emit_content(&mut emitted);
                assert_eq!(emitted, content);
            }
        }
        rest = after;
    }

    let (mut hrac, hras) = keys();
    let config = SessionConfig { voice_age_max: VOICE_AGE_MAX };
    let mut session = Session::new(hras, config, Instant::ZERO);
    let stranger = session.receive(Instant::ZERO, data, &mut RecordReader::new());
    assert!(session.poll().is_none(), "{stranger:?}");
    let mut record = BytesMut::new();
    if hrac.seal(data, &mut record).is_ok() {
        let _ = session.receive(Instant::ZERO, &record, &mut RecordReader::new());
        let events = core::iter::from_fn(|| session.poll()).count();
        assert!(events <= data.len() / 2, "a frame has two bytes at least");
        record.clear();
        while session.fill_record(Instant::ZERO, usize::MAX, &mut record) {}
    }
}
