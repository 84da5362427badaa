//! Parts of an ELF file: sections by name, bytes at an address. A file of 100 MB is not read whole.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, FileKind, Object, ObjectSection, ObjectSegment, ObjectSymbol, ReadCache};

/// No section that is searched is larger.
const MOST: u64 = 256 << 20;

/// Does something with an ELF file; `None` where it is none or cannot be read.
pub(crate) fn with<T>(path: &Path, use_it: impl FnOnce(&Elf<'_>) -> Option<T>) -> Option<T> {
    let file = File::open(path).ok()?;
    let cache = ReadCache::new(file);
    let elf = object::File::parse(&cache).ok()?;
    use_it(&Elf { elf })
}

/// The beginning of a section. Only the headers are read beside it, no symbols: for files that stand between
/// somebody and a start.
pub(crate) fn beginning(path: &Path, section: &str, most: u64) -> Option<Vec<u8>> {
    let (file, start, size) = section_of(path, section)?;
    let mut bytes = vec![0; usize::try_from(size.min(most)).ok()?];
    file.read_exact_at(&mut bytes, start).ok()?;
    Some(bytes)
}

/// What is found first in the pieces of a section's beginning, which overlap by what a short text needs.
pub(crate) fn search<T>(
    path: &Path,
    section: &str,
    most: u64,
    look: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    const PIECE: usize = 64 << 10;
    const OVERLAP: usize = 128;
    let (file, start, size) = section_of(path, section)?;
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    let size = size.min(most);
    while at < size {
        let length = usize::try_from(size - at).map_or(PIECE, |left| left.min(PIECE));
        let piece = piece.get_mut(..length)?;
        file.read_exact_at(piece, start + at).ok()?;
        if let Some(found) = look(piece) {
            return Some(found);
        }
        at += if length < PIECE { length } else { PIECE - OVERLAP } as u64;
    }
    None
}

fn section_of(path: &Path, section: &str) -> Option<(File, u64, u64)> {
    let file = File::open(path).ok()?;
    let cache = ReadCache::new(file.try_clone().ok()?);
    let (start, size) = match FileKind::parse(&cache).ok()? {
        FileKind::Elf64 => range::<FileHeader64<Endianness>>(&cache, section)?,
        FileKind::Elf32 => range::<FileHeader32<Endianness>>(&cache, section)?,
        _ => return None,
    };
    Some((file, start, size))
}

/// Where a section stands in the file, and how long it is.
fn range<Header: FileHeader<Endian = Endianness>>(
    cache: &ReadCache<File>,
    section: &str,
) -> Option<(u64, u64)> {
    let header = Header::parse(cache).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, cache).ok()?;
    let (_, found) = sections.section_by_name(endian, section.as_bytes())?;
    found.file_range(endian)
}

/// An ELF file.
pub(crate) struct Elf<'a> {
    elf: object::File<'a, &'a ReadCache<File>>,
}

impl Elf<'_> {
    /// A section's bytes.
    pub(crate) fn section(&self, name: &str) -> Option<&[u8]> {
        let section = self.elf.section_by_name(name)?;
        if section.size() > MOST {
            return None;
        }
        section.data().ok()
    }

    /// The eight bytes that an exported constant holds.
    pub(crate) fn exported(&self, name: &str) -> Option<u64> {
        let symbol = self.elf.dynamic_symbols().find(|symbol| symbol.name() == Ok(name))?;
        let bytes = self.at(symbol.address(), 8)?;
        let little = self.elf.is_little_endian();
        let bytes = bytes.try_into().ok()?;
        Some(if little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }

    /// Bytes where the program will see them.
    pub(crate) fn at(&self, address: u64, length: u64) -> Option<&[u8]> {
        if length > MOST {
            return None;
        }
        self.elf.segments().find_map(|segment| segment.data_range(address, length).ok()?)
    }
}
