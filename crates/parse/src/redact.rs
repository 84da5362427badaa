//! stub

use casefile::Source;

/// Takes secrets out of a text before it is stored, judged or shown.
pub fn redact(_source: Source, text: &str) -> String {
    text.to_owned()
}
