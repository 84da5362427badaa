//! Work in the machine that is no death: a caller's own runner, with a disk of files of its own.
//!
//! The machine is that of the deaths; console, input and snapshot lie in a folder of the task's, so that
//! its disk may serve others meanwhile. What the runner says (`@begins`, `@over`, `@done`) is handed on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::boot::{Heard, Size};
use super::{Programs, Vm, disk, image};
use crate::debian::{Archive, MONITOR, Release};
use crate::run::Told;
use crate::shell;

/// What is to be done.
#[derive(Debug)]
pub struct Task<'a> {
    /// The runner's first word; also the name of the folder. The second is the cgroup generation.
    pub verb: &'a str,
    /// The program that does it, started as `/lab/in/lab-guest`.
    pub runner: PathBuf,
    /// What the runner finds in `/lab/in/wish.json`.
    pub wish: Value,
    /// A disk with files for it: `/dev/vdc`.
    pub data: &'a Path,
    /// How large the machine is.
    pub size: Size,
}

/// Boots the machine (makes it before, the first time; `sealer` is `lab-guest`) and lets the runner work.
pub fn carry_out(
    vm: &Vm,
    sealer: &Path,
    task: &Task<'_>,
    hear: &mut dyn FnMut(Heard<'_>),
) -> Result<()> {
    let mut machinery = image::provide(vm, sealer, &mut |told| {
        if let Told::Begins(what) = told {
            hear(Heard::Begins(what));
        }
    })?;
    machinery.size = task.size;
    machinery.work = vm.own_folder().join(task.verb);
    std::fs::create_dir_all(&machinery.work)
        .with_context(|| format!("could not make `{}`", machinery.work.display()))?;
    let programs = Programs { why137: None, runner: task.runner.clone() };
    let input = disk::input(&machinery.work, &programs, None, &task.wish)?;
    hear(Heard::Begins("starting the machine"));
    machinery.boot(task.verb, &[&input, task.data], hear)
}

/// Makes a disk with a folder's files.
pub fn data_disk(vm: &Vm, folder: &Path, image: &Path) -> Result<()> {
    let monitor = Archive::new(&vm.folder, Release::Bookworm).unpacked(&MONITOR)?;
    let used = shell::read(Command::new("du").args(["-sk", "--apparent-size"]).arg(folder))?;
    let kibibytes = used.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
    let kibibytes = kibibytes.context("`du` says no number")?;
    // A twentieth for blocks that are not full, and what the file system itself needs.
    let size = format!("{}k", kibibytes + kibibytes / 20 + (128 << 10));
    if image.exists() {
        std::fs::remove_file(image)?;
    }
    image::ext4(&monitor, folder, image, &size)
}
