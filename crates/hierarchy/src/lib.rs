//! Where memory cgroups are: which hierarchy holds the memory controller, where it is mounted, which
//! directory a cgroup has, which limits stand above a process, and what a cgroup holds.
//!
//! Texts of `/proc` come in as arguments, so that a caller reads them wherever its roots are. Never
//! decides which cgroup is the right one. Leans on cgroups(7), proc_pid_mountinfo(5) and the kernel's
//! Documentation/admin-guide/cgroup-v2.rst.

mod counts;
mod holds;
mod machine;

use std::fs;
use std::path::{Path, PathBuf};

use casefile::{CgroupPath, Limit};
pub use counts::Counts;
pub use holds::Holds;
pub use machine::meminfo;

/// A mounted hierarchy that can hold the memory controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// 1 or 2.
    pub version: u8,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Which cgroup is mounted there; `/` unless seen from inside a container.
    pub root: String,
}

/// A cgroup on the way up from a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelUp {
    /// Its path.
    pub path: CgroupPath,
    /// Its directory.
    pub directory: PathBuf,
    /// Its own memory limit; `None` where there is no such file.
    pub limit: Option<Limit>,
}

/// The hierarchies in a `/proc/PID/mountinfo`: v1's before v2's. A hierarchy may be mounted again
/// elsewhere; the whole one and the first one come first.
#[must_use]
pub fn mounted(mountinfo: &str) -> Vec<Hierarchy> {
    let mut all: Vec<Hierarchy> = mountinfo.lines().filter_map(mount).collect();
    all.sort_by_key(|one| (one.version, one.root != "/"));
    all
}

/// The hierarchy that holds the memory controller.
#[must_use]
pub fn of_memory(mountinfo: &str) -> Option<Hierarchy> {
    mounted(mountinfo).into_iter().find(Hierarchy::counts_memory)
}

/// Where version 1's hierarchy of another controller is mounted (`cpu`), whole or as its own container sees it.
#[must_use]
pub fn of_controller(mountinfo: &str, controller: &str) -> Option<Hierarchy> {
    mountinfo.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (unescape(mount.next()?), unescape(mount.next()?));
        let mut system = system.split(' ');
        let is_v1 = system.next()? == "cgroup";
        let has = system.nth(1)?.split(',').any(|name| name == controller);
        (is_v1 && has).then(|| Hierarchy { version: 1, point: PathBuf::from(point), root })
    })
}

/// `36 35 0:31 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory`
fn mount(line: &str) -> Option<Hierarchy> {
    let (mount, system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (unescape(mount.next()?), unescape(mount.next()?));
    let mut system = system.split(' ');
    let kind = system.next()?;
    let controllers = system.nth(1).unwrap_or_default();
    let version = match kind {
        "cgroup" if controllers.split(',').any(|name| name == "memory") => 1,
        "cgroup2" => 2,
        _ => return None,
    };
    Some(Hierarchy { version, point: PathBuf::from(point), root })
}

/// mountinfo writes space, tab, line end and backslash as `\040` and the like.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

/// The memory cgroup in a `/proc/PID/cgroup`, of this version's hierarchy: `4:memory:/docker/ID` or
/// `0::/system.slice/docker-ID.scope`.
#[must_use]
pub fn place_in(text: &str, version: u8) -> Option<CgroupPath> {
    place_of(text, version, "memory")
}

/// The same of another controller of version 1.
#[must_use]
pub fn place_of(text: &str, version: u8, controller: &str) -> Option<CgroupPath> {
    text.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_it = match version {
            1 => controllers.split(',').any(|name| name == controller),
            _ => number == "0" && controllers.is_empty(),
        };
        is_it.then(|| CgroupPath::parse(path))?
    })
}

impl Hierarchy {
    /// Whether it holds the memory controller: a hybrid machine mounts an empty unified hierarchy
    /// beside version 1's.
    #[must_use]
    pub fn counts_memory(&self) -> bool {
        let offered = || read(self.point.join("cgroup.controllers"));
        self.version == 1 || offered().split_whitespace().any(|name| name == "memory")
    }

    /// The directory of a cgroup, if this mount shows it.
    #[must_use]
    pub fn directory(&self, path: &CgroupPath) -> Option<PathBuf> {
        let root = self.root.trim_end_matches('/');
        let below = path.as_str().strip_prefix(root)?;
        let below = if below.is_empty() { "/" } else { below };
        // `/docker/abc` does not lie below a root `/docker/a`; `/..` lies outside of every mount.
        if !below.starts_with('/') || below.split('/').any(|name| name == "..") {
            return None;
        }
        let below = below.trim_matches('/');
        Some(if below.is_empty() { self.point.clone() } else { self.point.join(below) })
    }

    /// The usual spelling of a cgroup's directory, by which its path can be read back.
    #[must_use]
    pub fn usual_directory(&self, path: &CgroupPath) -> String {
        let point = if self.version == 1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" };
        format!("{point}{path}")
    }

    /// The cgroup and those above it that are shown, the nearest first, each with its limit.
    #[must_use]
    pub fn upwards(&self, path: &CgroupPath) -> Vec<LevelUp> {
        let mut found = Vec::new();
        let mut level = Some(path.clone());
        while let Some(path) = level {
            let Some(directory) = self.directory(&path) else { break };
            level = path.parent();
            let limit = memory_limit(&directory);
            found.push(LevelUp { path, directory, limit });
        }
        found
    }

    /// The cgroups above one, the nearest first, without the root, which has no limit.
    #[must_use]
    pub fn ancestors(&self, path: &CgroupPath) -> Vec<LevelUp> {
        self.upwards(path).into_iter().skip(1).filter(|level| !level.path.is_root()).collect()
    }
}

/// The memory limit of one cgroup, of either version.
#[must_use]
pub fn memory_limit(directory: &Path) -> Option<Limit> {
    let v2 = read(directory.join("memory.max"));
    if v2.trim() == "max" {
        return Some(Limit::Unlimited);
    }
    let text = if v2.is_empty() { read(directory.join("memory.limit_in_bytes")) } else { v2 };
    text.trim().parse().ok().map(Limit::from_kernel)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    #[test]
    fn memory_is_found_on_v1_on_v2_and_on_a_hybrid_machine() {
        let v1 = "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory";
        let v2 = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
        let cpu = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";
        assert_eq!(mount(v1).unwrap().version, 1);
        assert_eq!(mount(v2).unwrap().point, Path::new("/sys/fs/cgroup/unified"));
        assert_eq!(mount(cpu), None);
        assert_eq!(mount(r"1 2 0:1 / /a\040b rw - cgroup2 x rw").unwrap().point, Path::new("/a b"));
        let hybrid = mounted(&format!("{v2}\n{cpu}\n{v1}"));
        assert_eq!(hybrid.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(of_memory(&format!("{v2}\n{v1}")).map(|one| one.version), Some(1));
        assert_eq!(place_in("9:pids:/a\n4:cpu,memory:/docker/x", 1), Some(path("/docker/x")));
        assert_eq!(place_in("4:memory:/a\n0::/docker/x", 2), Some(path("/docker/x")));
        assert_eq!(place_in("4:name=systemd:/docker/x", 2), None);
    }

    #[test]
    fn a_unified_hierarchy_without_the_controller_counts_no_memory() {
        let root = tempfile::tempdir().unwrap();
        let line = format!("30 23 0:26 / {} rw - cgroup2 cgroup2 rw\n", root.path().display());
        fs::write(root.path().join("cgroup.controllers"), "cpu pids\n").unwrap();
        assert_eq!(of_memory(&line), None);
        fs::write(root.path().join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        assert_eq!(of_memory(&line).map(|one| one.version), Some(2));
    }

    #[test]
    fn the_whole_hierarchy_comes_before_a_part_of_it() {
        let part = "30 23 0:26 /docker/a /cg rw - cgroup2 cgroup2 rw";
        let whole = "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        let roots =
            |text: &str| -> Vec<_> { mounted(text).into_iter().map(|one| one.root).collect() };
        assert_eq!(roots(&format!("{part}\n{whole}")), ["/", "/docker/a"]);
    }

    #[test]
    fn a_mount_that_shows_only_a_part_shows_only_that() {
        let part = Hierarchy { version: 2, point: "/cg".into(), root: "/docker/a".to_owned() };
        assert_eq!(part.directory(&path("/docker/a/w")), Some(PathBuf::from("/cg/w")));
        assert_eq!(part.directory(&path("/docker/a")), Some(PathBuf::from("/cg")));
        assert_eq!(part.directory(&path("/docker/ab")), None);
        let whole = Hierarchy { root: "/".to_owned(), ..part };
        assert_eq!(whole.directory(&path("/docker/a")), Some(PathBuf::from("/cg/docker/a")));
        assert_eq!(whole.directory(&path("/../docker/a")), None);
    }

    #[test]
    fn ancestors_are_told_with_their_limits_and_without_the_root() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, limit: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("memory.max"), limit).unwrap();
        };
        write("ci", "536870912\n");
        write("ci/job", "max\n");
        let tree = Hierarchy { version: 2, point: root.path().into(), root: "/".to_owned() };
        let above = tree.ancestors(&path("/ci/job/run"));
        let said: Vec<_> = above.iter().map(|it| (it.path.as_str(), it.limit)).collect();
        let half = Limit::At(casefile::Bytes(512 << 20));
        assert_eq!(said, [("/ci/job", Some(Limit::Unlimited)), ("/ci", Some(half))]);
    }

    #[test]
    fn a_limit_of_version_1_that_is_no_limit_is_none() {
        let root = tempfile::tempdir().unwrap();
        let limit = |text: &str| {
            fs::write(root.path().join("memory.limit_in_bytes"), text).unwrap();
            memory_limit(root.path())
        };
        assert_eq!(limit("9223372036854771712\n"), Some(Limit::Unlimited));
        assert_eq!(limit("67108864\n"), Some(Limit::At(casefile::Bytes(64 << 20))));
        assert_eq!(limit("oops\n"), None);
    }
}
