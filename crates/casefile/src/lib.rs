//! The nouns every room shares, and one question's evidence as data.
//!
//! A [`CaseFile`] is all that is known when a question is answered: exhibits (verbatim evidence,
//! each with its source and clock) and gaps (what could not be read, and what it would have told).
//! A live machine, a saved file and a pasted log differ only in who made the case.
//! This room opens no file, reads no clock and decides nothing.

mod case;
mod cgroup;
mod clock;
mod exhibit;
mod manual;
mod owner;
mod signal;
mod size;

pub use case::{Asked, CaseError, CaseFile, Gap};
pub use cgroup::{CgroupPath, ContainerId, Relation};
pub use clock::{Clock, Moment, Stamp};
pub use exhibit::{Body, Citation, CutFrom, Exhibit, Source, Span};
pub use manual::{RuleManual, head_of};
pub use owner::{Owner, OwnerKind};
pub use signal::{signal_name, signal_number};
pub use size::{Bytes, Limit};
