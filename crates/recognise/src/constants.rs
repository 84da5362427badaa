//! Versions and names among an executable's constants.

use memchr::memmem;
use settings::runtimes::Version;

/// A C string that is longer than this is no version and no path.
const LONGEST: usize = 4096;

/// Whether all of these stand in it.
pub(crate) fn hold_all(constants: &[u8], texts: &[&str]) -> bool {
    texts.iter().all(|text| memmem::find(constants, text.as_bytes()).is_some())
}

/// The version that stands behind a text; of several the first with this many numbers.
pub(crate) fn version_behind(constants: &[u8], text: &str, numbers: usize) -> Option<Version> {
    memmem::find_iter(constants, text.as_bytes()).find_map(|at| {
        let rest = constants.get(at + text.len()..)?;
        version_at(rest, numbers)
    })
}

/// The version at the beginning.
fn version_at(rest: &[u8], numbers: usize) -> Option<Version> {
    let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?.trim_end_matches('.');
    Version::parse(text).filter(|_| text.matches('.').count() + 1 == numbers)
}

/// The C strings: what stands between two NULs.
pub(crate) fn strings(constants: &[u8]) -> impl Iterator<Item = &str> {
    constants
        .split(|byte| *byte == 0)
        .filter(|text| !text.is_empty() && text.len() < LONGEST)
        .filter_map(|text| std::str::from_utf8(text).ok())
}

/// The one `A.B.C` that is a string, or the end of one, if it is the only one that `fits`: a linker lets a
/// string share the end of another, such as that of a folder.
pub(crate) fn only_version(constants: &[u8], fits: impl Fn(&str) -> bool) -> Option<Version> {
    let mut found = strings(constants).filter_map(ending).filter(|text| fits(text));
    let first = found.next()?;
    found.all(|other| other == first).then(|| Version::parse(first))?
}

/// The version at the end of a string.
pub(crate) fn ending(text: &str) -> Option<&str> {
    let start = text.rfind(|c: char| !c.is_ascii_digit() && c != '.').map_or(0, |at| {
        at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let version = text.get(start..)?;
    let parts = version.split('.');
    let is_version = version.len() < 12
        && parts.clone().count() == 3
        && parts.into_iter().all(|part| !part.is_empty());
    is_version.then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_where_it_stands_and_only_if_it_is_one() {
        let said = |constants: &[u8]| {
            version_behind(constants, "nginx/", 3).map(|version| version.to_string())
        };
        assert_eq!(said(b"x\0nginx/1.22.1\0").as_deref(), Some("1.22.1"));
        assert_eq!(said(b"nginx/%s\0nginx/1.26.0 (Ubuntu)\0").as_deref(), Some("1.26.0"));
        assert_eq!((said(b"nginx/1.22\0"), said(b"nginx/1.22.1")), (None, None));
    }

    #[test]
    fn two_versions_are_none() {
        let only =
            |constants: &[u8]| only_version(constants, |_| true).map(|version| version.to_string());
        assert_eq!(only(b"a\x007.0.15\0b\x007.0.15\0").as_deref(), Some("7.0.15"));
        assert_eq!(only(b"a\0/opt/7.0.15\x007.0.15 x\0").as_deref(), Some("7.0.15"));
        assert_eq!((only(b"\x007.0.15\x005.2.1\0"), only(b"7.0\0.7.0.15\0")), (None, None));
    }
}
