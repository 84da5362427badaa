//! The HotSpot JVM: a mapped `libjvm.so`, and the `release` file of the JDK that it belongs to.
//!
//! `lib/server/libjvm.so` (9 and later), `jre/lib/ARCH/server/libjvm.so` (8): the file lies two to four
//! folders above. OpenJ9 has a `libjvm.so` too, and `libj9vm` beside it: its rules are others.

use std::fs;
use std::path::Path;

use settings::runtimes::Version;

use crate::Look;

pub(crate) fn recognise(look: &Look) -> Option<Version> {
    let library = look.mapped.iter().find(|path| path.ends_with("/libjvm.so"))?;
    let name = |path: &String| path.rsplit('/').next().is_some_and(|it| it.starts_with("libj9"));
    if look.mapped.iter().any(name) {
        return None;
    }
    let folders = Path::new(library).ancestors().skip(1).take(6);
    folders.filter_map(Path::to_str).find_map(|folder| {
        let text = fs::read_to_string(look.inside(folder).join("release")).ok()?;
        release(&text)
    })
}

/// `JAVA_VERSION="17.0.15"`.
pub(crate) fn release(text: &str) -> Option<Version> {
    let line = text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    Version::parse(line.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_file_names_the_version() {
        let text = "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"1.8.0_504\"\n";
        assert_eq!(release(text).map(|version| version.to_string()).as_deref(), Some("1.8.0.504"));
        assert_eq!(release("JAVA_RUNTIME_VERSION=\"17\"\n"), None);
    }
}
