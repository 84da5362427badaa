//! Go: the build info in the executable, which survives stripping.
//!
//! Section `.go.buildinfo`: 14 bytes of magic, the size of a pointer, flags; from Go 1.18 on two strings
//! with their lengths as varints stand right behind the 32 bytes of head, before that two pointers to
//! string headers (debug/buildinfo/buildinfo.go).

use std::path::Path;

use settings::runtimes::Version;

use crate::Look;
use crate::executable::{self, Elf};

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEAD: usize = 32;
/// No build information is longer.
const MOST: u64 = 16 << 20;
/// The strings stand in the section itself.
const INLINE: u8 = 2;
const BIG_ENDIAN: u8 = 1;
/// Around the module's text.
const SENTINEL: usize = 16;

/// What the build says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) version: Version,
    /// `DefaultGODEBUG` and the other settings; modules by their path, with their version.
    pub(crate) settings: Vec<(String, String)>,
}

pub(crate) fn recognise(look: &Look) -> Option<Build> {
    of_file(&look.executable())
}

/// The build information of an executable, by little more than itself where that can be.
pub(crate) fn of_file(path: &Path) -> Option<Build> {
    let section = executable::beginning(path, ".go.buildinfo", MOST)?;
    let info = section.get(memchr::memmem::find(&section, MAGIC)?..)?;
    if info.get(15)? & INLINE != 0 {
        return inline(info);
    }
    executable::with(path, |elf| {
        let info = elf.section(".go.buildinfo")?;
        let at = memchr::memmem::find(info, MAGIC)?;
        read(info.get(at..)?, elf)
    })
}

/// From Go 1.18 on.
fn inline(info: &[u8]) -> Option<Build> {
    let (version, rest) = counted(info.get(HEAD..)?)?;
    build(version, counted(rest).map(|(module, _)| module).unwrap_or_default())
}

/// Before.
fn read(info: &[u8], elf: &Elf<'_>) -> Option<Build> {
    let (size, flags) = (*info.get(14)?, *info.get(15)?);
    let word = |at: usize| number(info.get(at..at + usize::from(size))?, flags);
    let version = string(elf, word(16)?, size, flags)?;
    let module = word(16 + usize::from(size)).and_then(|at| string(elf, at, size, flags));
    build(&version, &module.unwrap_or_default())
}

fn build(version: &[u8], module: &[u8]) -> Option<Build> {
    let version = Version::parse(String::from_utf8_lossy(version).as_ref())?;
    let inner = module.get(SENTINEL..module.len().saturating_sub(SENTINEL)).unwrap_or_default();
    Some(Build { version, settings: settings(&String::from_utf8_lossy(inner)) })
}

/// A string behind its length.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut length, mut used) = (0u64, 0u32);
    for byte in bytes.iter().take(9) {
        length |= u64::from(byte & 0x7f) << (7 * used);
        used += 1;
        if byte & 0x80 == 0 {
            let rest = bytes.get(used as usize..)?;
            return rest.split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

/// A Go string by the address of its header: pointer and length.
fn string(elf: &Elf<'_>, header: u64, size: u8, flags: u8) -> Option<Vec<u8>> {
    let head = elf.at(header, u64::from(size) * 2)?;
    let (pointer, length) = head.split_at_checked(usize::from(size))?;
    Some(elf.at(number(pointer, flags)?, number(length, flags)?)?.to_vec())
}

fn number(bytes: &[u8], flags: u8) -> Option<u64> {
    match (bytes.len(), flags & BIG_ENDIAN != 0) {
        (8, false) => Some(u64::from_le_bytes(bytes.try_into().ok()?)),
        (8, true) => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
        (4, false) => Some(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        (4, true) => Some(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        (_, _) => None,
    }
}

/// `build\tDefaultGODEBUG=…`, `dep\tPATH\tVERSION\tSUM`.
fn settings(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        match (fields.next()?, fields.next()?, fields.next()) {
            ("build", setting, _) => {
                let (key, value) = setting.split_once('=')?;
                Some((key.to_owned(), value.to_owned()))
            }
            ("dep", path, version) => Some((path.to_owned(), version.unwrap_or("").to_owned())),
            (_, _, _) => None,
        }
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stand_behind_their_length() {
        assert_eq!(counted(b"\x03abcd"), Some((&b"abc"[..], &b"d"[..])));
        let long = [&[0x80, 0x01][..], &[b'x'; 128]].concat();
        assert_eq!(counted(&long).map(|(text, _)| text.len()), Some(128));
        assert_eq!(counted(b"\x05abc"), None);
        assert_eq!(counted(&[0xff; 20]), None);
    }

    #[test]
    fn build_settings_and_modules_are_told() {
        let text = "path\tcommand-line-arguments\nmod\texample\t(devel)\t\n\
            dep\tgithub.com/KimMachineGun/automemlimit\tv0.7.0\th1:x\n\
            build\tDefaultGODEBUG=containermaxprocs=0,x=1\nbuild\t-compiler=gc\n";
        let found = settings(text);
        assert_eq!(found[0].0, "github.com/KimMachineGun/automemlimit");
        assert_eq!(found[1].1, "containermaxprocs=0,x=1");
        assert_eq!(found.len(), 3);
    }
}
