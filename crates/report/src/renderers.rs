//! One file per medium. Each takes a finished [`crate::Report`] and gives a string; each escapes
//! what strangers wrote, for its own medium, once.

pub mod json;
pub mod list;
pub mod markdown;
pub mod quiet;
pub mod text;
