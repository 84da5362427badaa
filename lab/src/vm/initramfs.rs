//! The first file system in memory: busybox, the modules that reach the disk, a script. Written as
//! a `newc` cpio archive, whose format is Linux `Documentation/driver-api/early-userspace/buffer-format.rst`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::kernel::Kernel;

/// In the order in which they depend on each other; what is built in is not there.
const MODULES: [&str; 6] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
];
const SCRIPT: &[u8] = include_bytes!("../../guest/initramfs");

/// Writes the archive. `busybox` is the statically linked one of the monitor's packages.
pub(super) fn write(to: &Path, busybox: &Path, kernel: &Kernel) -> Result<()> {
    let mut archive = Cpio::default();
    for folder in ["bin", "modules", "dev", "proc", "sys", "new"] {
        archive.add(folder, 0o040_755, &[]);
    }
    archive.add("init", 0o100_755, SCRIPT);
    archive.add("bin/busybox", 0o100_755, &read(busybox)?);
    for (place, name) in MODULES.iter().enumerate() {
        let Some(file) = kernel.module(name) else { continue };
        let bytes = if file.extension().is_some_and(|ending| ending == "xz") {
            unpacked(busybox, &file)?
        } else {
            read(&file)?
        };
        // The shell inserts them in the order of their names.
        archive.add(&format!("modules/{place}-{name}.ko"), 0o100_644, &bytes);
    }
    std::fs::write(to, archive.close())
        .with_context(|| format!("could not write `{}`", to.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("could not read `{}`", file.display()))
}

fn unpacked(busybox: &Path, file: &Path) -> Result<Vec<u8>> {
    let done = Command::new(busybox).args(["xz", "-dc"]).arg(file).output()?;
    if !done.status.success() {
        bail!("could not unpack `{}`", file.display());
    }
    Ok(done.stdout)
}

/// A `newc` archive in the making.
#[derive(Default)]
struct Cpio {
    bytes: Vec<u8>,
    files: u32,
}

impl Cpio {
    /// Adds a file or folder by its mode. 13 numbers of 8 hexadecimal digits: inode, mode, owner,
    /// group, links, time, size, four of devices, length of the name with its zero, checksum.
    fn add(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.files += 1;
        let (size, length) = (content.len(), name.len() + 1);
        let inode = self.files;
        let head = format!(
            "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{0:08x}{size:08x}{0:08x}{0:08x}{0:08x}{0:08x}{length:08x}{0:08x}",
            0, 1
        );
        self.bytes.extend(head.as_bytes());
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    /// Name and content each end at a multiple of four bytes.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn close(mut self) -> Vec<u8> {
        self.add("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_aligned_and_ends_with_its_trailer() {
        let mut archive = Cpio::default();
        archive.add("init", 0o100_755, b"abc");
        let bytes = archive.close();
        assert_eq!(bytes.len() % 4, 0);
        assert!(bytes.starts_with(b"07070100000001000081ed"));
        // 110 bytes of head, `init` and its zero, one byte to the next multiple of four.
        assert_eq!(bytes.get(116..119), Some(b"abc".as_slice()));
        assert!(String::from_utf8_lossy(&bytes).contains("TRAILER!!!"));
    }
}
