//! Differential tests of the scanner follow here.
