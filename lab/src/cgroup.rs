//! The containers' memory cgroups by file, on both generations: the kernel's own counts, the
//! parent that the lab makes, and the writes of some deaths.
//!
//! With Docker's `cgroupfs` driver (the lab's) a container is `PARENT/ID`, by default
//! `/docker/ID`; on v1 below `/sys/fs/cgroup/memory`, on v2 below `/sys/fs/cgroup`.
//! References: Linux `Documentation/admin-guide/cgroup-v1/memory.rst` and `cgroup-v2.rst`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::docker::State;
use crate::platform::Cgroup;
use crate::shell;

const MOUNTED: &str = "/sys/fs/cgroup";

impl Cgroup {
    /// The root of the memory controller's tree.
    fn root(self) -> PathBuf {
        match self {
            Self::V1 => Path::new(MOUNTED).join("memory"),
            Self::V2 => PathBuf::from(MOUNTED),
        }
    }

    /// A cgroup by its path from the root, as the kernel prints it.
    pub(crate) fn folder(self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// The container's cgroup.
    pub(crate) fn folder_of(self, state: &State) -> PathBuf {
        let parent = match state.cgroup_parent.trim_start_matches('/') {
            "" => "docker",
            parent => parent,
        };
        self.folder(parent).join(&state.id)
    }

    /// The kernel's count of processes of this container (and of cgroups below it) that an OOM
    /// killer ended; `None` once the cgroup is gone.
    pub(crate) fn oom_kills(self, state: &State) -> Option<u64> {
        let file = match self {
            Self::V1 => "memory.oom_control",
            Self::V2 => "memory.events",
        };
        number(&self.folder_of(state).join(file), "oom_kill")
    }

    /// Whether the container is under OOM with its killer disabled; v2 has no such state.
    pub(crate) fn is_under_oom(self, state: &State) -> bool {
        let file = self.folder_of(state).join("memory.oom_control");
        self == Self::V1 && number(&file, "under_oom") == Some(1)
    }

    /// How often the container was throttled at `memory.high`; v1 has no such limit.
    pub(crate) fn throttled(self, state: &State) -> u64 {
        number(&self.folder_of(state).join("memory.events"), "high").unwrap_or(0)
    }

    /// Makes a parent with this limit, swap included, unless it is there.
    pub(crate) fn make_parent(self, path: &str, mebibytes: u64) -> Result<()> {
        let folder = self.folder(path);
        if folder.exists() {
            return Ok(());
        }
        std::fs::create_dir(&folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
        let bytes = (mebibytes << 20).to_string();
        let (limit, swap) = match self {
            Self::V1 => ("memory.limit_in_bytes", ("memory.memsw.limit_in_bytes", bytes.as_str())),
            Self::V2 => ("memory.max", ("memory.swap.max", "0")),
        };
        write(&folder.join(limit), &bytes)?;
        if folder.join(swap.0).exists() {
            write(&folder.join(swap.0), swap.1)?;
        }
        let set = std::fs::read_to_string(folder.join(limit))?;
        if set.trim() != bytes {
            bail!("the parent's limit is not in force: {}", set.trim());
        }
        Ok(())
    }

    /// Removes a parent with its empty children from every tree.
    pub(crate) fn remove_parent(path: &str) -> Result<()> {
        let name = path.trim_start_matches('/');
        let roots = std::fs::read_dir(MOUNTED)?.flatten().map(|tree| tree.path().join(name));
        for folder in roots.chain([Path::new(MOUNTED).join(name)]).filter(|one| one.exists()) {
            // Its last process may still be on the way out.
            shell::wait_until(Duration::from_secs(5), || {
                Ok(std::fs::remove_dir(&folder).is_ok() || !folder.exists())
            })?;
        }
        Ok(())
    }
}

/// Writes a cgroup file, naming it where that fails.
pub(crate) fn write(file: &Path, value: &str) -> Result<()> {
    std::fs::write(file, value)
        .with_context(|| format!("could not write `{value}` to `{}`", file.display()))
}

/// The number behind a key of a `key value` file.
fn number(file: &Path, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    number_in(&text, key)
}

fn number_in(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_taken_for_a_longer_one() {
        let events = "low 0\nhigh 7\nmax 3\noom 2\noom_kill 1\noom_group_kill 9\n";
        assert_eq!(number_in(events, "oom_kill"), Some(1));
        assert_eq!(number_in(events, "oom"), Some(2));
        assert_eq!(number_in(events, "swap"), None);
    }
}
