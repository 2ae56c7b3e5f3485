//! How full queues and tables are, each beside its named bound: for operators, and for tests that watch them.

/// One queue or table at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// Its name and unit, e.g. `"voice waiting, bytes"`. Where there are several of a kind it is the fullest.
    pub what: &'static str,
    /// How much is in it.
    pub now: usize,
    /// The most that may be: a constant of [`crate::config::limits`], or a number of the configuration.
    pub bound: usize,
}

impl Fill {
    /// A fill.
    pub const fn new(what: &'static str, now: usize, bound: usize) -> Self {
        Fill { what, now, bound }
    }
}
