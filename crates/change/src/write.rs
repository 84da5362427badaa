//! Replaces a file as a whole or not at all: a new file beside it, synced, renamed over it.
//!
//! Links are followed to the file itself; owner and mode stay. What a rename would silently undo is refused: a file with
//! a second name, one that is another's, one that is marked as read-only. Extended attributes are not carried
//! over. Leans on rename(2), fsync(2).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::consent::Consent;

/// Why a file was not replaced. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// A step failed.
    #[error("could not {step} `{path}`")]
    Step {
        /// What was being done.
        step: &'static str,
        /// To which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no file that can be replaced.
    #[error("`{path}` {why}")]
    Unfit {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// It is not what was read before.
    #[error("`{path}` was changed by somebody else in the meantime; nothing was written")]
    Changed {
        /// Which.
        path: String,
    },
}

impl NotWritten {
    pub(crate) fn step(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Step { step, path, source }
    }

    fn unfit(path: &Path, why: impl Into<String>) -> Self {
        Self::Unfit { path: path.display().to_string(), why: why.into() }
    }
}

/// The file itself, behind its links.
///
/// # Errors
/// There is none.
pub fn real_path(path: &Path) -> Result<PathBuf, NotWritten> {
    fs::canonicalize(path).map_err(NotWritten::step("find", path))
}

/// Whether the file could be replaced, asked before the person is.
///
/// # Errors
/// It could not, and why.
pub fn can_be_replaced(path: &Path) -> Result<(), NotWritten> {
    let real = real_path(path)?;
    let metadata = fs::metadata(&real).map_err(NotWritten::step("look at", &real))?;
    if !metadata.is_file() {
        return Err(NotWritten::unfit(&real, "is no regular file"));
    }
    if metadata.permissions().mode() & 0o222 == 0 {
        return Err(NotWritten::unfit(&real, "is read-only: nobody may write it"));
    }
    rustix::fs::access(&real, rustix::fs::Access::WRITE_OK)
        .map_err(|error| NotWritten::step("write", &real)(error.into()))?;
    if metadata.nlink() > 1 {
        return Err(NotWritten::unfit(
            &real,
            format!(
                "has {} names (hard links); replaced, the others would keep the old text",
                metadata.nlink()
            ),
        ));
    }
    let me = rustix::process::geteuid().as_raw();
    if me != 0 && metadata.uid() != me {
        return Err(NotWritten::unfit(
            &real,
            "belongs to another user, and would then belong to you",
        ));
    }
    Ok(())
}

/// Replaces the content, which must still be `old`.
///
/// # Errors
/// Nothing was written.
pub(crate) fn replace(
    path: &Path,
    old: &[u8],
    new: &[u8],
    _consent: &Consent,
) -> Result<(), NotWritten> {
    can_be_replaced(path)?;
    let real = real_path(path)?;
    let metadata = fs::metadata(&real).map_err(NotWritten::step("look at", &real))?;
    let folder = real.parent().unwrap_or(Path::new("/"));
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.why137-{}", std::process::id()));
    let written = write_beside(&fresh, &metadata, new).and_then(|()| {
        let now = fs::read(&real).map_err(NotWritten::step("read", &real))?;
        if now != old {
            return Err(NotWritten::Changed { path: real.display().to_string() });
        }
        fs::rename(&fresh, &real).map_err(NotWritten::step("replace", &real))
    });
    if let Err(error) = written {
        // It is ours, whatever came of it; what cannot be removed lies beside the file, harmless.
        fs::remove_file(&fresh).unwrap_or_default();
        return Err(error);
    }
    sync_folder(folder);
    Ok(())
}

fn write_beside(fresh: &Path, like: &fs::Metadata, new: &[u8]) -> Result<(), NotWritten> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(fresh)
        .map_err(NotWritten::step("write", fresh))?;
    file.write_all(new).map_err(NotWritten::step("write", fresh))?;
    let is_owner = file.metadata().is_ok_and(|it| (it.uid(), it.gid()) == (like.uid(), like.gid()));
    if !is_owner {
        std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid()))
            .map_err(NotWritten::step("give its owner to", fresh))?;
    }
    let mode = fs::Permissions::from_mode(like.permissions().mode() & 0o7777);
    file.set_permissions(mode).map_err(NotWritten::step("give its mode to", fresh))?;
    file.sync_all().map_err(NotWritten::step("write", fresh))
}

/// The rename itself has happened; that a crash does not undo it is tried, not promised.
fn sync_folder(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn yes() -> Consent {
        Consent::ask(true, || None).unwrap()
    }

    #[test]
    fn a_link_leads_to_the_file_and_stays_and_the_mode_too() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("f"), folder.path().join("l"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("f", &link).unwrap();
        replace(&link, b"old", b"new", &yes()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_somebody_else_changed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "theirs").unwrap();
        let error = replace(&file, b"old", b"new", &yes()).unwrap_err();
        assert!(matches!(error, NotWritten::Changed { .. }));
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        let said = replace(&file, b"old", b"new", &yes()).unwrap_err().to_string();
        assert!(said.ends_with("is read-only: nobody may write it"), "{said}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::hard_link(&file, folder.path().join("g")).unwrap();
        let said = can_be_replaced(&file).unwrap_err().to_string();
        assert!(said.contains("2 names"), "{said}");
        assert!(
            can_be_replaced(folder.path()).unwrap_err().to_string().contains("no regular file")
        );
        assert!(can_be_replaced(&folder.path().join("x")).is_err());
    }
}
