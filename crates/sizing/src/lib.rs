//! What size a container needs, from its memory over time.
//!
//! Samples come from a live watch or from a CSV ([`table`]) and are one [`Series`]; what they mean is decided
//! apart from how they were taken. Nothing here reads a cgroup, a clock or a setting of a runtime.

pub mod series;
pub mod table;

pub use series::{End, Point, Series, Unit};
