//! Where tracefs is: mounted already, or mounted for us alone.
//!
//! Deliberately does not mount anything at `/sys/kernel/tracing`: that is the administrator's.
//! Leans on: fsopen(2), fsmount(2) (5.2), mount(2), proc_pid_mountinfo(5).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount;

use crate::ProbeError;

const NODEV: &CStr = c"nodev";

/// A tracefs that can be reached by a path, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Tracefs {
    root: PathBuf,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// Somebody else's mount.
    Theirs,
    /// A mount without a name: it goes with this descriptor.
    Detached { _mount: OwnedFd },
    /// A mount at a directory of our own.
    Directory,
}

/// The mounted tracefs, else one of our own.
pub(crate) fn find() -> Result<Tracefs, ProbeError> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if let Some(root) = mounted(&table).into_iter().find(|root| root.join("instances").is_dir()) {
        return Ok(Tracefs { root, hold: Hold::Theirs });
    }
    detached().or_else(|_| at_directory()).map_err(ProbeError::NoTracefs)
}

/// The mount points of whole tracefs file systems, by mountinfo's text.
fn mounted(table: &str) -> Vec<PathBuf> {
    let roots = table.lines().filter_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        let mut fields = fields.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let is_ours = kind.split(' ').next() == Some("tracefs") && root == "/";
        // The kernel writes a space in a path as `\040`.
        is_ours.then(|| PathBuf::from(point.replace("\\040", " ")))
    });
    roots.collect()
}

/// A mount without a name (5.2 and later): even SIGKILL leaves nothing of it.
fn detached() -> io::Result<Tracefs> {
    let context = mount::fsopen("tracefs", mount::FsOpenFlags::FSOPEN_CLOEXEC)?;
    mount::fsconfig_create(&context)?;
    let mount = mount::fsmount(
        &context,
        mount::FsMountFlags::FSMOUNT_CLOEXEC,
        mount::MountAttrFlags::empty(),
    )?;
    let root = PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
    Ok(Tracefs { root, hold: Hold::Detached { _mount: mount } })
}

/// A mount at a new directory of the temporary directory, for kernels before 5.2.
fn at_directory() -> io::Result<Tracefs> {
    let root = std::env::temp_dir().join(format!("why137-tracefs-{}", std::process::id()));
    // Fails if the name is taken: nobody's directory is mounted over.
    std::fs::create_dir(&root)?;
    match mount::mount(NODEV, &root, c"tracefs", mount::MountFlags::NOEXEC, None) {
        Ok(()) => Ok(Tracefs { root, hold: Hold::Directory }),
        Err(error) => {
            std::fs::remove_dir(&root)?;
            Err(error.into())
        }
    }
}

impl Tracefs {
    /// Its top directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Tracefs {
    fn drop(&mut self) {
        match self.hold {
            Hold::Theirs | Hold::Detached { .. } => {}
            Hold::Directory => {
                // Nobody is left to tell if one of these fails.
                mount::unmount(&self.root, mount::UnmountFlags::DETACH).unwrap_or_default();
                std::fs::remove_dir(&self.root).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_tracefs_is_found() {
        let table = "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            50 23 0:12 / /sys/kernel/tracing rw,nosuid shared:5 - tracefs tracefs rw\n\
            51 23 0:12 /instances/x /mnt/x rw - tracefs tracefs rw\n\
            52 23 0:12 / /mnt/my\\040place rw - tracefs none rw\n";
        let points: Vec<PathBuf> =
            ["/sys/kernel/tracing", "/mnt/my place"].map(PathBuf::from).to_vec();
        assert_eq!(mounted(table), points);
        assert!(mounted("").is_empty());
    }

    #[test]
    fn a_mount_at_a_directory_is_taken_away_again() {
        let Ok(tracefs) = at_directory() else {
            println!("NOT RUN: a tracefs of our own, because mounting needs root");
            return;
        };
        let root = tracefs.root().to_owned();
        assert!(root.join("instances").is_dir());
        drop(tracefs);
        assert!(!root.exists());
    }
}
