//! What the terminal shows: a line while runs go on, a table when they are over.

mod progress;
mod table;
mod verdict;

pub use progress::Progress;
pub use verdict::verdict;
