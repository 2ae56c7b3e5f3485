//! Why bytes are not a frame.

/// A frame that is malformed. The connection that brought it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The bytes end within a frame, or a frame's content within a field.
    Truncated,
    /// Bytes are left over after the last field.
    TrailingBytes,
    /// No frame has this type. The versions of the two halves differ.
    UnknownType(u8),
    /// A variable-length integer is too long, too large or not in its shortest form.
    BadVarint,
    /// A flow id above [`super::FlowId::MAX`].
    FlowIdRange,
    /// A field has a value that no version uses; the text says which.
    BadValue(&'static str),
    /// Longer than the bound of its kind.
    Oversize,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FrameError::Truncated => f.write_str("frame cut short"),
            FrameError::TrailingBytes => f.write_str("bytes after a frame's last field"),
            FrameError::UnknownType(kind) => write!(f, "unknown frame type {kind:#04x}"),
            FrameError::BadVarint => f.write_str("bad variable-length integer"),
            FrameError::FlowIdRange => f.write_str("flow id above 21 bits"),
            FrameError::BadValue(field) => write!(f, "bad value of {field}"),
            FrameError::Oversize => f.write_str("frame longer than its bound"),
        }
    }
}

impl std::error::Error for FrameError {}
