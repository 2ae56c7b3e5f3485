//! Errors by blame. A peer's fault is answered, dropped or counted, and reported as an [`crate::Event`]; the
//! machine's fault (connect failed, port busy) arrives as an [`crate::Input`]; only our caller's misuse is an `Err`.

/// The driver broke the contract of the five methods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// `now` was earlier than in a former call.
    TimeWentBack,
    /// An input named a socket, listener or connection that this machine does not have.
    UnknownHandle,
    /// The configuration cannot work; the text says which key and why.
    Config(&'static str),
}

impl core::fmt::Display for Misuse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Misuse::TimeWentBack => f.write_str("time went back between two calls"),
            Misuse::UnknownHandle => f.write_str("an input names a handle that this machine does not have"),
            Misuse::Config(why) => write!(f, "configuration: {why}"),
        }
    }
}

impl std::error::Error for Misuse {}
