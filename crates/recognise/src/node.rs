//! Node.js: by the address of its headers in the executable's constants.
//!
//! `process.release.headersUrl` is compiled in: `…/download/release/vX.Y.Z/node-vX.Y.Z-headers.tar.gz`
//! (`node.js/vX.Y.Z` in Debian's). Bun and Deno carry an address of this kind too, for compatibility: they
//! are told apart by strings of their own.

use memchr::memmem;
use settings::runtimes::Version;

use crate::Look;
use crate::executable::{self, Elf};

/// Symbols that every build of Node exports: addons need them.
const EXPORTED: &[u8] = b"_ZN4node";
/// What only the others have in their constants.
const OTHERS: [&[u8]; 2] = [b"Bun v", b"DENO_DIR"];
/// Before the version.
const ADDRESSES: [&[u8]; 2] = [b"/node-v", b"node.js/v"];

pub(crate) fn recognise(look: &Look) -> Option<Version> {
    let library = look.mapped.iter().find(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.starts_with("libnode.so")
    });
    match library {
        Some(library) => executable::with(&look.inside(library), version),
        None => executable::with(&look.executable(), version),
    }
}

fn version(elf: &Elf<'_>) -> Option<Version> {
    memmem::find(elf.section(".dynstr")?, EXPORTED)?;
    let constants = elf.section(".rodata")?;
    if OTHERS.iter().any(|other| memmem::find(constants, other).is_some()) {
        return None;
    }
    said_in(constants)
}

/// What constants of Node say of its version.
pub(crate) fn said_in(constants: &[u8]) -> Option<Version> {
    ADDRESSES.iter().find_map(|address| {
        memmem::find_iter(constants, address).find_map(|at| {
            let text = constants.get(at + address.len()..)?;
            let end = text.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
            let text = std::str::from_utf8(text.get(..end)?).ok()?;
            let text = text.trim_end_matches('.');
            Version::parse(text).filter(|_| text.matches('.').count() == 2)
        })
    })
}
