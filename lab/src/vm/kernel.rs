//! The machine's kernels: Debian 13's for cgroup v2, Debian 12's for cgroup v1 memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::debian::{Archive, Group, KERNEL_WITH_V1, Release};
use crate::platform::Cgroup;

/// A kernel unpacked.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    /// `vmlinuz-…`
    pub(super) image: PathBuf,
    /// Its folder of modules.
    pub(super) modules: PathBuf,
    /// What `uname -r` says.
    pub(super) version: String,
}

impl Kernel {
    /// The kernel that brings this cgroup generation's memory controller.
    pub(super) fn with(cgroup: Cgroup, lab: &Path, packages: &Group) -> Result<Self> {
        let root = match cgroup {
            Cgroup::V2 => Archive::new(lab, Release::Trixie).unpacked(packages)?,
            Cgroup::V1 => Archive::new(lab, Release::Bookworm).unpacked(&KERNEL_WITH_V1)?,
        };
        let boot = root.join("boot");
        let mut images: Vec<PathBuf> = std::fs::read_dir(&boot)
            .with_context(|| format!("could not list `{}`", boot.display()))?
            .flatten()
            .map(|file| file.path())
            .filter(|path| path.to_string_lossy().contains("/vmlinuz-"))
            .collect();
        images.sort();
        let image = images.pop().with_context(|| format!("no kernel in `{}`", boot.display()))?;
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let version = name.trim_start_matches("vmlinuz-").to_owned();
        // Debian 13 ships its modules below /usr; /lib is a link in a finished root.
        let modules = ["usr/lib/modules", "lib/modules"]
            .map(|folder| root.join(folder).join(&version))
            .into_iter()
            .find(|folder| folder.join("kernel").exists())
            .with_context(|| format!("no modules of {version} in `{}`", root.display()))?;
        Ok(Self { image, modules, version })
    }

    /// The file of a module by its name, compressed or not; `None` where it is built in.
    pub(super) fn module(&self, name: &str) -> Option<PathBuf> {
        find(&self.modules.join("kernel"), name)
    }
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            folders.push(path);
        } else if entry.file_name().to_string_lossy().split(".ko").next() == Some(name) {
            return Some(path);
        }
    }
    folders.sort();
    folders.iter().find_map(|folder| find(folder, name))
}
