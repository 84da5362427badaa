//! Ruby: an executable that runs the interpreter, by what it exports or asks of libruby.
//!
//! `ruby X.Y.ZpN (DATE …)` is `RUBY_DESCRIPTION` (version.c); the interpreter's own executable calls `ruby_run_node`
//! (main.c), what embeds it does not.

use memchr::memmem;
use settings::runtimes::Version;

use crate::Look;
use crate::constants;
use crate::executable::{self, Elf};

pub(crate) fn recognise(look: &Look) -> Option<Version> {
    executable::with(&look.executable(), |elf| {
        memmem::find(elf.section(".dynstr")?, b"ruby_run_node\0")?;
        match look.library("libruby") {
            Some(library) => executable::with(&look.inside(library), version),
            None => version(elf),
        }
    })
}

fn version(elf: &Elf<'_>) -> Option<Version> {
    constants::version_behind(elf.section(".rodata")?, "ruby ", 3)
}
