//! Facts from exhibits, a verdict from facts, remedies from a verdict.
//!
//! Pure: reads no file, clock or environment. [`explain`] is the whole road; `facts`, `rules` and
//! `remedy` are its three rooms.

mod facts;
pub mod loops;
mod remedy;
mod rules;
mod survey;
pub mod verdict;

use casefile::{CaseFile, Moment};
pub use rules::manuals;
pub use survey::{is_death, survey};
pub use verdict::Verdict;

/// The verdict on a case. The same case gives the same verdict, whenever it is asked.
pub fn explain(case: &CaseFile, asked_at: Moment) -> Verdict {
    let sheet = facts::establish(case);
    let mut verdict = rules::reach(&sheet, asked_at);
    verdict.because.extend(remedy::belief(&verdict));
    verdict.remedies = remedy::propose(&verdict);
    verdict
}
