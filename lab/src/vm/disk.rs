//! The disks that carry files in and out: tar streams without a file system.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Programs;
use crate::debian::COMPOSE_NAME;
use crate::shell;

/// Room for what comes out; the file is sparse.
const ROOM: u64 = 512 << 20;

/// Packs the programs and the wish.
pub(super) fn input(
    work: &Path,
    programs: &Programs,
    compose: Option<&Path>,
    wish: &Value,
) -> Result<PathBuf> {
    let folder = work.join("input");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let copy = |from: &Path, name: &str| {
        std::fs::copy(from, folder.join(name))
            .with_context(|| format!("could not copy `{}`", from.display()))
    };
    copy(&programs.runner, "lab-guest")?;
    if let Some(program) = &programs.why137 {
        copy(program, "why137")?;
    }
    if let Some(program) = compose {
        copy(program, COMPOSE_NAME)?;
    }
    std::fs::write(folder.join("wish.json"), wish.to_string())?;
    let archive = work.join("input.tar");
    pack(&folder, &archive)?;
    Ok(archive)
}

/// Packs a folder as a disk.
pub(super) fn pack(folder: &Path, archive: &Path) -> Result<()> {
    shell::read(Command::new("tar").arg("-C").arg(folder).arg("-cf").arg(archive).arg("."))
        .map(drop)
}

/// A disk of zeros.
pub(super) fn empty(path: &Path) -> Result<PathBuf> {
    let file = std::fs::File::create(path)
        .with_context(|| format!("could not write `{}`", path.display()))?;
    file.set_len(ROOM)?;
    Ok(path.to_owned())
}

/// Unpacks what came out; a disk of which nothing was written is an empty archive.
pub(super) fn unpack(disk: &Path, to: &Path) -> Result<()> {
    shell::read(Command::new("tar").arg("-C").arg(to).arg("-xf").arg(disk)).map(drop)
}
