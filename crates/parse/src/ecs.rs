//! stub

use crate::Sighting;

/// Reads the text.
pub(crate) fn read(_text: &str) -> Vec<Sighting> {
    Vec::new()
}
