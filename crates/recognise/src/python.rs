//! CPython: an executable whose work is to start the interpreter, by what it exports or asks of libpython.
//!
//! A mapped `libpython` alone proves nothing: gdb, vim and PostgreSQL embed it. An interpreter's own
//! executable has `Py_BytesMain` (3.8 on), `_Py_UnixMain` (3.7) or `Py_Main` among its names; uWSGI is one of its
//! own, with the interpreter in a plugin. `Py_Version` is exported from 3.11 on (Doc/c-api/apiabiversion.rst); before
//! that PY_VERSION is one of the constants.

use memchr::memmem;
use settings::runtimes::Version;

use crate::Look;
use crate::constants;
use crate::executable::{self, Elf};

const MAINS: [&[u8]; 3] = [b"Py_BytesMain\0", b"_Py_UnixMain\0", b"Py_Main\0"];
const LIBRARY: &str = "libpython3.";

pub(crate) fn recognise(look: &Look) -> Option<Version> {
    let library = look.library(LIBRARY);
    let minor = library.and_then(|path| minor(path.rsplit_once(LIBRARY)?.1));
    executable::with(&look.executable(), |elf| {
        let names = elf.section(".dynstr")?;
        let is_main = MAINS.iter().any(|main| memmem::find(names, main).is_some());
        let is_uwsgi = || {
            let constants = elf.section(".rodata");
            library.is_some()
                && constants.is_some_and(|it| constants::hold_all(it, &["*** Starting uWSGI"]))
        };
        if !is_main && !is_uwsgi() {
            return None;
        }
        match library {
            Some(library) => {
                executable::with(&look.inside(library), |library| version(library, minor))
            }
            None => version(elf, None),
        }
    })
}

/// `11.so.1.0` is 11.
fn minor(rest: &str) -> Option<u32> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

fn version(elf: &Elf<'_>, minor: Option<u32>) -> Option<Version> {
    if let Some(number) = elf.exported("Py_Version").filter(|number| number >> 24 == 3) {
        // 0x030b07f0 is 3.11.7 final.
        let part = |shift: u32| number >> shift & 0xff;
        return Version::parse(&format!("{}.{}.{}", part(24), part(16), part(8)));
    }
    let constants = elf.section(".rodata")?;
    // OpenSSL and SQLite may be built in, and have a 3 too: the folder of the library says which is ours.
    constants::only_version(constants, |text| {
        let Some(said) = text.strip_prefix("3.").and_then(self::minor) else { return false };
        said <= 10
            && minor.is_none_or(|minor| minor == said)
            && constants::hold_all(constants, &[&format!("python3.{said}")])
    })
}
