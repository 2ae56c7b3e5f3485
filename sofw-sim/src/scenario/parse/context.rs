//! Where mistakes are noted.

use core::cell::RefCell;
use core::ops::Range;

use super::super::Problem;

/// The file, and what was found wrong in it so far.
pub struct Context<'t> {
    file: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Context<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Context { file, text, problems: RefCell::default() }
    }

    /// The text of the file.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count()
    }

    /// Column of a byte in characters, counted from 1.
    pub fn column(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        1 + before.chars().rev().take_while(|c| *c != '\n').count()
    }

    /// Notes a mistake in the line where this span begins.
    pub fn problem(&self, span: &Range<usize>, key: impl Into<String>, message: impl Into<String>) {
        self.note(self.line(span.start), None, key.into(), message.into());
    }

    /// Notes a mistake at the very place where this span begins.
    pub fn problem_at(&self, span: &Range<usize>, message: impl Into<String>) {
        self.note(self.line(span.start), Some(self.column(span.start)), String::new(), message.into());
    }

    fn note(&self, line: usize, column: Option<usize>, key: String, message: String) {
        let problem = Problem { file: self.file.to_owned(), line, column, key, message };
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Whether nothing was wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// All mistakes in the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }
}
