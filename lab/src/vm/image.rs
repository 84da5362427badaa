//! Makes the machine's disk: packages unpacked, what their installation scripts would have done, the
//! kernels' modules, an ext4 file system; then one boot that puts the containers' images in.
//!
//! It is made anew when its recipe (packages, scripts, kernels) is another one; a new runner or a
//! new why137 needs no new disk.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::boot::{Heard, Machinery, Size, Writes, command};
use super::kernel::Kernel;
use super::{Flavour, Vm, disk, initramfs, systemd};
use crate::debian::{Archive, MONITOR, Release};
use crate::images::Image;
use crate::platform::Cgroup;
use crate::run::Told;
use crate::shell;

/// Programs of the lab inside the machine, by their place there.
const SCRIPTS: [(&str, &str); 2] = [
    ("usr/lib/lab/init", include_str!("../../guest/init")),
    ("usr/lib/lab/start", include_str!("../../guest/start")),
];
/// The disk's size; the file is sparse.
const SIZE: &str = "3G";

/// What a start needs, made where it is missing.
pub(super) fn provide(vm: &Vm, runner: &Path, tell: &mut dyn FnMut(Told<'_>)) -> Result<Machinery> {
    let folder = vm.own_folder();
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    tell(Told::Begins("fetching the machine's packages"));
    let monitor = Archive::new(&vm.folder, Release::Bookworm).unpacked(&MONITOR)?;
    let packages = vm.flavour.packages();
    let system = Archive::new(&vm.folder, Release::Trixie).unpacked(&packages)?;
    let kernel = |cgroup| Kernel::with(cgroup, &vm.folder, &packages);
    let (new, old) = (kernel(Cgroup::V2)?, kernel(Cgroup::V1)?);
    let own = if vm.cgroup == Cgroup::V2 { new.clone() } else { old.clone() };
    let initramfs = folder.join(format!("initramfs-{}", vm.cgroup.word()));
    initramfs::write(&initramfs, &monitor.join("bin/busybox"), &own)?;
    let size = Size { cpus: 1, memory: vm.flavour.memory() };
    let work = folder.clone();
    let (vm, root) = (vm.clone(), folder.join("root.img"));
    let machinery = Machinery { monitor, kernel: own, initramfs, root, vm, work, size };
    let (vm, root) = (&machinery.vm, &machinery.root);
    let done = folder.join("root.done");
    let mut recipe = recipe(&packages.recipe(), &new, &old);
    if vm.flavour == Flavour::Systemd {
        recipe.push_str(&systemd::recipe());
    }
    if root.exists() && std::fs::read_to_string(&done).is_ok_and(|found| found == recipe) {
        return Ok(machinery);
    }
    drop(std::fs::remove_file(&done));
    tell(Told::Begins("making the machine's disk (once)"));
    finish(&system, &new, &old)?;
    if vm.flavour == Flavour::Systemd {
        systemd::finish(&system)?;
    }
    file_system(&machinery, &system)?;
    if vm.flavour == Flavour::Plain {
        tell(Told::Begins("packing the containers' images (once)"));
        seal(&machinery, runner, tell)?;
    }
    std::fs::write(&done, recipe)?;
    Ok(machinery)
}

fn recipe(packages: &str, new: &Kernel, old: &Kernel) -> String {
    let images = Image::ALL.map(Image::tag).join(" ");
    let scripts = SCRIPTS.map(|(_, text)| text).concat();
    format!("{packages}\n{} {}\n{images}\n{scripts}", new.version, old.version)
}

/// What packages leave to their installation scripts, and the lab's own files.
fn finish(root: &Path, new: &Kernel, old: &Kernel) -> Result<()> {
    for bulk in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n"] {
        if root.join(bulk).exists() {
            std::fs::remove_dir_all(root.join(bulk))?;
        }
    }
    for folder in ["bin", "sbin", "lib", "lib64"] {
        merged(root, folder)?;
    }
    for folder in ["proc", "sys", "dev", "run", "tmp", "root", "var/lib", "var/tmp", "lab", "etc"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    link("dash", &root.join("usr/bin/sh"))?;
    link("mawk", &root.join("usr/bin/awk"))?;
    for (file, text) in [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("etc/group", "root:x:0:\ndocker:x:999:\n"),
        ("etc/hosts", "127.0.0.1 localhost lab\n"),
        ("etc/hostname", "lab\n"),
        ("etc/resolv.conf", ""),
    ] {
        std::fs::write(root.join(file), text)?;
    }
    for (file, text) in SCRIPTS {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().context("a script without a folder")?)?;
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    }
    for kernel in [new, old] {
        let modules = root.join("usr/lib/modules").join(&kernel.version);
        if !modules.exists() {
            std::fs::create_dir_all(root.join("usr/lib/modules"))?;
            shell::read(Command::new("cp").arg("-a").arg(&kernel.modules).arg(&modules))?;
        }
        // Inside the unpacked system, so that its own libraries are used.
        let depmod = ["/usr/sbin/depmod", "-a", &kernel.version];
        shell::read(Command::new("chroot").arg(root).args(depmod))?;
    }
    Ok(())
}

/// `/bin` and the like are links into `/usr`; what a package put there is moved.
fn merged(root: &Path, folder: &str) -> Result<()> {
    let (top, below) = (root.join(folder), root.join("usr").join(folder));
    if std::fs::symlink_metadata(&top).is_ok_and(|found| found.is_symlink()) {
        return Ok(());
    }
    std::fs::create_dir_all(&below)?;
    if top.exists() {
        let all = format!("{}/.", top.display());
        shell::read(Command::new("cp").args(["-a", &all]).arg(&below))?;
        std::fs::remove_dir_all(&top)?;
    }
    link(&format!("usr/{folder}"), &top)
}

fn link(to: &str, at: &Path) -> Result<()> {
    match std::fs::symlink_metadata(at) {
        Ok(_there) => Ok(()),
        Err(_missing) => {
            symlink(to, at).with_context(|| format!("could not make the link `{}`", at.display()))
        }
    }
}

fn file_system(machinery: &Machinery, system: &Path) -> Result<()> {
    drop(std::fs::remove_file(&machinery.root));
    ext4(&machinery.monitor, system, &machinery.root, SIZE)
}

/// An ext4 file system with a folder's files. Without a journal: the disk of a run is thrown away,
/// and the one boot that writes ends in order.
pub(super) fn ext4(monitor: &Path, folder: &Path, image: &Path, size: &str) -> Result<()> {
    let mut make = command(monitor, "sbin/mke2fs");
    make.args(["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-L", "lab", "-d"]);
    shell::read(make.arg(folder).arg(image).arg(size)).map(drop)
}

/// The boot that puts the images in.
fn seal(machinery: &Machinery, runner: &Path, tell: &mut dyn FnMut(Told<'_>)) -> Result<()> {
    let vm = &machinery.vm;
    let folder = vm.own_folder().join("seal");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(runner, folder.join("lab-guest"))?;
    let mut disks = vec![vm.own_folder().join("seal.tar"), vm.own_folder().join("none.tar")];
    for disk in &disks {
        disk::pack(&folder, disk)?;
    }
    for image in Image::ALL {
        let file = vm.own_folder().join(format!("{}.tar", image.tag().replace('/', "-")));
        image.pack(&vm.folder, Release::Bookworm, &file)?;
        disks.push(file);
    }
    let paths: Vec<&Path> = disks.iter().map(PathBuf::as_path).collect();
    machinery.boot_with("seal", Writes::Kept, &paths, &mut |heard| {
        if let Heard::Begins(what) = heard {
            tell(Told::Begins(what));
        }
    })?;
    for disk in &disks {
        std::fs::remove_file(disk)?;
    }
    std::fs::remove_dir_all(&folder)?;
    if !machinery.root.exists() {
        bail!("the machine's disk is gone");
    }
    Ok(())
}
