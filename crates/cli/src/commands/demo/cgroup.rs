//! A throw-away memory cgroup of 64 MiB, on either version.
//!
//! Changes nothing outside its own directory: on cgroup v2 it goes where the memory controller is
//! already handed down, and never switches one on. Leans on Documentation/admin-guide/cgroup-v1/
//! memory.rst and cgroup-v2.rst.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

/// 64 MiB: enough for the program itself, filled in a tenth of a second.
pub(super) const LIMIT: u64 = 64 << 20;

/// The counters that tell of the death, of both versions.
const FILES: [&str; 10] = [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.failcnt",
    "memory.oom_control",
    "memory.max",
    "memory.swap.max",
    "memory.peak",
    "memory.events",
    "memory.events.local",
];

/// The cgroup; dropped, it is gone with all that is in it.
#[derive(Debug)]
pub(super) struct Cgroup {
    directory: PathBuf,
}

/// 1 or 2: which hierarchy holds the memory controller here.
pub(super) fn version() -> Option<u8> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    places(&table, "").first().map(|place| place.version)
}

struct Place {
    directory: PathBuf,
    version: u8,
}

/// Where a memory cgroup may be made, by mountinfo's and `/proc/self/cgroup`'s text.
fn places(mounts: &str, own: &str) -> Vec<Place> {
    let mut unified = Vec::new();
    for line in mounts.lines() {
        let Some((fields, kind)) = line.split_once(" - ") else { continue };
        let Some(point) = fields.split(' ').nth(4) else { continue };
        let directory = PathBuf::from(point.replace("\\040", " "));
        let mut kind = kind.split(' ');
        match (kind.next(), kind.nth(1)) {
            (Some("cgroup"), Some(options)) if options.split(',').any(|it| it == "memory") => {
                return vec![Place { directory, version: 1 }];
            }
            (Some("cgroup2"), _) => unified.push(directory),
            _ => {}
        }
    }
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let below = Path::new(path.trim_start_matches('/'));
    let mut found: Vec<PathBuf> = Vec::new();
    for mount in unified {
        found.push(mount.clone());
        found.extend(below.ancestors().map(|part| mount.join(part)));
    }
    found.into_iter().map(|directory| Place { directory, version: 2 }).collect()
}

impl Cgroup {
    /// Makes it and sets its limits.
    pub(super) fn create() -> anyhow::Result<Self> {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let places = places(&table, &own);
        let mut refused = None;
        for place in &places {
            match Self::create_in(place) {
                Ok(cgroup) => return Ok(cgroup),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(error) => Err(error),
            None => bail!("no cgroup hierarchy with the memory controller is mounted here"),
        }
    }

    fn create_in(place: &Place) -> anyhow::Result<Self> {
        if place.version == 2 {
            let file = place.directory.join("cgroup.subtree_control");
            let handed_down = fs::read_to_string(&file).unwrap_or_default();
            if !handed_down.split_whitespace().any(|name| name == "memory") {
                bail!("`{}` does not hand the memory controller down", file.display());
            }
        }
        let directory = place.directory.join(format!("why137-demo-{}", std::process::id()));
        fs::create_dir(&directory)
            .with_context(|| format!("could not create the cgroup `{}`", directory.display()))?;
        let cgroup = Self { directory };
        let limit = LIMIT.to_string();
        match place.version {
            1 => {
                cgroup.write("memory.limit_in_bytes", &limit)?;
                // Only where swap is counted; the hog checks what is in force.
                if cgroup.directory.join("memory.memsw.limit_in_bytes").exists() {
                    cgroup.write("memory.memsw.limit_in_bytes", &limit)?;
                }
            }
            _ => {
                cgroup.write("memory.max", &limit)?;
                if cgroup.directory.join("memory.swap.max").exists() {
                    cgroup.write("memory.swap.max", "0")?;
                }
            }
        }
        Ok(cgroup)
    }

    /// Its directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn write(&self, file: &str, value: &str) -> anyhow::Result<()> {
        let path = self.directory.join(file);
        fs::write(&path, value).with_context(|| format!("could not write `{}`", path.display()))
    }

    /// Its counters as `tail` prints several files.
    pub(super) fn counters(&self) -> String {
        let files = FILES.iter().filter_map(|file| {
            let path = self.directory.join(file);
            let text = fs::read_to_string(&path).ok()?;
            Some(format!("==> {} <==\n{}\n", path.display(), text.trim_end()))
        });
        files.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that is just ending keeps its cgroup busy for a moment.
        for _ in 0..100 {
            if fs::remove_dir(&self.directory).is_ok() || !self.directory.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_controllers_hierarchy_is_found_on_both_versions() {
        let hybrid = "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = places(hybrid, "4:memory:/x\n0::/\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup/memory"));
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let found = places(unified, "0::/user.slice/a.scope\n");
        assert!(found.iter().all(|place| place.version == 2));
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup"));
        let own = Path::new("/sys/fs/cgroup/user.slice/a.scope");
        assert!(found.iter().any(|place| place.directory == own));
        assert!(places("", "").is_empty());
    }
}
