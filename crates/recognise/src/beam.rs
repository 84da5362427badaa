//! The BEAM: an emulator in a folder `erts-X.Y.Z` that exports what native functions need.
//!
//! The release is named in `releases/N/OTP_VERSION`; without that file it is N, which is 12 more than the
//! emulator's first number (11 = 23, 13 = 25, 15 = 27, 17 = 29).

use std::fs;

use memchr::memmem;
use settings::runtimes::Version;

use crate::Look;
use crate::executable;

const AHEAD: u32 = 12;

pub(crate) fn recognise(look: &Look) -> Option<Version> {
    let path = fs::read_link(look.executable()).ok()?;
    let path = path.to_str()?;
    let (root, emulator) = split(path.strip_suffix(" (deleted)").unwrap_or(path))?;
    executable::with(&look.executable(), |elf| {
        memmem::find(elf.section(".dynstr")?, b"enif_make_")
    })?;
    let release = emulator.major().checked_add(AHEAD)?;
    let text = look.text(&format!("{root}/releases/{release}/OTP_VERSION"));
    let exact = text.and_then(|text| Version::parse(&text));
    exact
        .filter(|version| version.major() == release)
        .or_else(|| Version::parse(&release.to_string()))
}

/// `/usr/lib/erlang/erts-13.1.5/bin/beam.smp`: what is above, and the emulator's version.
fn split(path: &str) -> Option<(&str, Version)> {
    let (root, rest) = path.rsplit_once("/erts-")?;
    let (version, name) = rest.split_once("/bin/")?;
    name.starts_with("beam")
        .then(|| Version::parse(version))
        .flatten()
        .map(|version| (root, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulators_folder_names_its_version() {
        let (root, version) = split("/opt/app/erts-15.2.7/bin/beam.smp").unwrap();
        assert_eq!((root, version.to_string().as_str()), ("/opt/app", "15.2.7"));
        for wrong in ["/usr/bin/beam.smp", "/a/erts-x/bin/beam.smp", "/a/erts-13.1/bin/erlexec"] {
            assert!(split(wrong).is_none(), "{wrong}");
        }
    }
}
