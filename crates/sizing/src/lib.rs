//! What size a container needs, from its memory over time.
//!
//! Samples come from a live watch or from a CSV ([`table`]) and are one [`Series`]; what they mean is decided
//! apart from how they were taken. Nothing here reads a cgroup, a clock or a setting of a runtime.

pub mod forecast;
pub mod hours;
pub mod policy;
pub mod replay;
pub mod series;
pub mod shape;
pub mod size;
pub mod table;
pub mod verify;
pub mod words;

pub use series::{End, Point, Series, Unit};
