//! Facts from exhibits, a verdict from facts, remedies from a verdict.
//!
//! Pure: reads no file, clock or environment. `explain` is the whole road; `facts`, `rules` and
//! `remedy` are its three rooms.

pub mod verdict;

use casefile::{CaseFile, Moment};
pub use verdict::Verdict;

/// The verdict on a case. The same case gives the same verdict, whenever it is asked.
pub fn explain(_case: &CaseFile, _asked_at: Moment) -> Verdict {
    todo!()
}

/// A rule's manual: the five headings as the rule's own file carries them.
#[derive(Debug, Clone, Copy)]
pub struct RuleManual {
    /// Kebab-case, the name of its file.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Markdown with the five headings.
    pub text: &'static str,
}

/// Every rule's manual, in the order the rules are tried.
pub fn manuals() -> &'static [RuleManual] {
    &[]
}
