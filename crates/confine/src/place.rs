//! Where a cgroup may be made: as deep as this program itself is, or so far above that no limit is
//! left behind.
//!
//! cgroup v1 lets a cgroup hold processes and children; v2 hands a controller only to the children
//! of a cgroup without processes, so there the parent is usually one above our own. A level may be
//! climbed over only while nothing is limited at it: memory, swap and CPU time; a limit of the number
//! of processes is taken along.
//! Leans on cgroups(7).

use std::fs;
use std::path::{Path, PathBuf};

use casefile::{CgroupPath, Limit};
use hierarchy::LevelUp;

use crate::ConfineError;

/// A directory that may hold the new cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The parent's directory.
    pub(crate) directory: PathBuf,
    /// The parent's path, as the kernel would print it from where this program is.
    pub(crate) path: CgroupPath,
    /// 1 or 2.
    pub(crate) version: u8,
    /// cgroup v2: the parent does not hand memory down yet, but holds no process but us.
    pub(crate) is_ours_alone: bool,
    /// The least number of processes that the levels climbed over allow: the new cgroup takes it
    /// along. systemd gives every service such a limit (TasksMax=).
    pub(crate) processes: Option<u64>,
}

/// 1 or 2: which hierarchy holds the memory controller here.
#[must_use]
pub fn version() -> Option<u8> {
    hierarchy::of_memory(&read("/proc/self/mountinfo")).map(|found| found.version)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Something is limited at this level that a process would escape by leaving it.
fn is_limited(directory: &Path) -> bool {
    let number = |file: &str| {
        let text = read(directory.join(file));
        let first = text.split_whitespace().next().unwrap_or("max").to_owned();
        match first.parse::<u128>() {
            Ok(number) => Limit::from_kernel(number) != Limit::Unlimited,
            Err(_max) => false,
        }
    };
    [
        "memory.max",
        "memory.high",
        "memory.swap.max",
        "cpu.max",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
    ]
    .into_iter()
    .any(number)
}

/// The places in the order in which they are to be tried, or why there is none.
pub(crate) fn places(mounts: &str, own: &str, pid: u32) -> Result<Vec<Place>, ConfineError> {
    let tree = hierarchy::of_memory(mounts).ok_or(ConfineError::NoHierarchy)?;
    let version = tree.version;
    let own = hierarchy::place_in(own, version).ok_or(ConfineError::NoHierarchy)?;
    let levels = tree.upwards(&own);
    if levels.is_empty() {
        return Err(ConfineError::OwnNotShown { path: own.as_str().to_owned() });
    }
    let mut found = Vec::new();
    let mut alone = None;
    let mut refused = None;
    let mut processes: Option<u64> = None;
    for (index, LevelUp { path, directory, .. }) in levels.into_iter().enumerate() {
        let most = read(directory.join("pids.max")).trim().parse().ok();
        let place = Place { directory, path, version, is_ours_alone: false, processes };
        processes = [processes, most].into_iter().flatten().min();
        let limited = is_limited(&place.directory);
        if version == 1 || hands_memory_down(&place.directory) {
            found.push(place);
        } else {
            let file = place.directory.join("cgroup.subtree_control");
            refused = refused.or(Some(ConfineError::NotHandedDown { path: file }));
            if index == 0 && holds_only(&place.directory, pid) {
                alone = Some(Place { is_ours_alone: true, ..place });
            }
        }
        if limited {
            break;
        }
    }
    found.extend(alone);
    match (found.is_empty(), refused) {
        (false, _) => Ok(found),
        (true, refused) => Err(refused.unwrap_or(ConfineError::NoHierarchy)),
    }
}

fn hands_memory_down(directory: &Path) -> bool {
    read(directory.join("cgroup.subtree_control")).split_whitespace().any(|name| name == "memory")
}

/// The cgroup has the controller and no process but this one, nor any child.
fn holds_only(directory: &Path, pid: u32) -> bool {
    let offered = read(directory.join("cgroup.controllers"));
    let processes = read(directory.join("cgroup.procs"));
    let children = fs::read_dir(directory).into_iter().flatten().flatten();
    offered.split_whitespace().any(|name| name == "memory")
        && processes.split_whitespace().eq([pid.to_string().as_str()])
        && !children.into_iter().any(|entry| entry.path().is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    fn v2(root: &Path) -> String {
        format!("30 23 0:26 / {} rw,nosuid - cgroup2 cgroup2 rw\n", root.display())
    }

    fn tried(root: &Path, own: &str) -> Vec<(String, bool)> {
        let found = places(&v2(root), &format!("0::{own}\n"), 7).unwrap_or_default();
        found.into_iter().map(|it| (it.path.as_str().to_owned(), it.is_ours_alone)).collect()
    }

    #[test]
    fn on_v1_the_first_place_is_the_own_cgroup() {
        let found = places(V1, "4:memory:/ci/job\n0::/\n", 7).unwrap();
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup/memory/ci/job"));
        assert_eq!((found[0].version, found[0].path.as_str()), (1, "/ci/job"));
        assert!(matches!(places("", "", 7), Err(ConfineError::NoHierarchy)));
    }

    #[test]
    fn a_mount_that_shows_another_part_is_no_place() {
        let part = V1.replace("0:32 / ", "0:32 /docker/a ");
        let outside = places(&part, "4:memory:/../b\n", 7);
        assert!(matches!(outside, Err(ConfineError::OwnNotShown { .. })), "{outside:?}");
        let found = places(&part, "4:memory:/docker/a/w\n", 7).unwrap();
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup/memory/w"));
    }

    #[test]
    fn on_v2_the_place_is_where_memory_is_handed_down_and_no_limit_is_left_behind() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let control = ("cgroup.subtree_control", "cpu memory\n");
        write(root, &[("cgroup.controllers", "cpu memory\n"), control]);
        write(&root.join("user"), &[control, ("memory.max", "max\n"), ("pids.max", "max\n")]);
        let scope = root.join("user/a.scope");
        write(&scope, &[("memory.max", "max\n"), ("cgroup.procs", "7\n8\n")]);
        let up = |names: &[&str]| -> Vec<(String, bool)> {
            names.iter().map(|name| ((*name).to_owned(), false)).collect()
        };
        assert_eq!(tried(root, "/user/a.scope"), up(&["/user", "/"]));
        // A limit of the scope's own is no longer passed by.
        write(&scope, &[("memory.max", "1073741824\n")]);
        assert_eq!(tried(root, "/user/a.scope"), []);
        write(&scope, &[("memory.max", "max\n"), ("cpu.max", "50000 100000\n")]);
        assert_eq!(tried(root, "/user/a.scope"), []);
    }

    #[test]
    fn the_least_number_of_processes_on_the_way_up_is_taken_along() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let control = ("cgroup.subtree_control", "memory pids\n");
        write(root, &[("cgroup.controllers", "memory pids\n"), control]);
        write(&root.join("system.slice"), &[control, ("pids.max", "5000\n")]);
        write(&root.join("system.slice/ci.service"), &[("pids.max", "100\n")]);
        let found = places(&v2(root), "0::/system.slice/ci.service\n", 7).unwrap();
        let said: Vec<_> = found.iter().map(|it| (it.path.as_str(), it.processes)).collect();
        assert_eq!(said, [("/system.slice", Some(100)), ("/", Some(100))]);
    }

    #[test]
    fn on_v2_a_cgroup_that_is_ours_alone_can_be_divided() {
        let root = tempfile::tempdir().unwrap();
        let files = [("cgroup.controllers", "memory\n"), ("cgroup.procs", "7\n")];
        write(root.path(), &files);
        assert_eq!(tried(root.path(), "/"), [("/".to_owned(), true)]);
        write(root.path(), &[("cgroup.procs", "7\n9\n")]);
        assert_eq!(tried(root.path(), "/"), []);
    }
}
