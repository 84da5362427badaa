//! stub

use crate::Sighting;

pub(crate) fn read(_text: &str) -> Vec<Sighting> {
    Vec::new()
}
pub(crate) fn read_inspect(_text: &str) -> Vec<Sighting> {
    Vec::new()
}
pub(crate) fn read_events(_text: &str) -> Vec<Sighting> {
    Vec::new()
}
pub(crate) fn read_config(_text: &str) -> Vec<Sighting> {
    Vec::new()
}
