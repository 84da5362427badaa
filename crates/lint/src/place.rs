//! Where something stands in a file, counted as editors count: from 1, columns in characters.

use std::sync::Arc;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(file: &Arc<str>, line: usize, column: usize) -> Self {
        Self { file: file.clone(), line, column }
    }
}

/// Why a file cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where the reader stopped.
    pub place: Place,
    /// Why.
    pub why: String,
}

impl Unreadable {
    pub(crate) fn new(place: Place, why: impl Into<String>) -> Self {
        Self { place, why: why.into() }
    }
}
