//! Whether a change worked: two stretches of time beside each other, before it and after it.
//!
//! [`Look`] is one row of what was watched and of the CSV it is kept in, [`Watched`] what a whole stretch
//! comes to, [`judge`] says holds, does not hold, moved the cost, or too early to say. Every threshold stands
//! in [`limits`] with its reason. Nothing is called good that did not run under load for as long as stated
//! there, and what was not seen counts neither for nor against.

mod judge;
pub mod limits;
mod look;
mod watched;

pub use judge::{Judged, Verdict, judge};
pub use look::{COLUMNS, Look, LookError, looks_of, table_of};
pub use watched::{Growth, Load, Watched};
