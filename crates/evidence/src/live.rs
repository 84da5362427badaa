//! What runs now: a container by its name, all containers, or a process by its pid; where its memory is
//! counted, under which limit, and what each of its processes holds.
//!
//! No case: a case is about an end, this is about a moment, and the next look is another one. Nothing is
//! judged and nothing recognised here. Only the main process's cgroup is believed, and only if it names the
//! container: in another pid namespace the pid is somebody else's.
//!
//! Leans on cgroups(7), cgroup-v1/memory.rst, cgroup-v2.rst, proc_pid_stat(5).

mod find;
mod measure;

use std::path::PathBuf;

use casefile::{Bytes, CgroupPath, ContainerId, Limit, OwnerKind};
pub use find::{running_container, running_containers, running_process};
use hierarchy::{Hierarchy, Holds};
pub(crate) use measure::descendants;
pub use measure::{Measured, OfProcess};

use crate::cgroup;
use crate::deadline;
use crate::roots::{Roots, read_text};

/// More processes than these are not looked at.
const MOST: usize = 4096;

/// Something that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its name, where it is a container.
    pub name: Option<String>,
    /// Its id, where it is a container.
    pub id: Option<ContainerId>,
    /// Its main process, or the one that was asked about.
    pub pid: u32,
    /// The cgroup it is counted in.
    pub cgroup: CgroupPath,
    /// Which processes are meant.
    pub scope: Scope,
    /// How often its daemon has started it again by its restart policy, where it tells.
    pub restarts: Option<u64>,
    pub(crate) tree: Hierarchy,
}

/// Which processes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the container's cgroup and of those below it.
    Container,
    /// All of a service's, a scope's or another unit's.
    Unit,
    /// All of the cgroup, because it has a limit of its own.
    Cgroup,
    /// The process and its descendants: its cgroup is shared with strangers.
    Tree,
}

impl Scope {
    /// As in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Unit => "unit",
            Self::Cgroup => "cgroup",
            Self::Tree => "process-tree",
        }
    }
}

/// One look at it.
#[derive(Debug, Clone)]
pub struct Look {
    /// The tightest limit, on whatever level.
    pub limit: Option<InEffect>,
    /// v2: above this the kernel slows the processes down, on the tightest level.
    pub high: Option<Bytes>,
    /// The machine's memory.
    pub host: Option<Bytes>,
    /// What its cgroup holds.
    pub holds: Holds,
    /// Its processes; all of them, unless the scope is [`Scope::Tree`].
    pub processes: Vec<OfProcess>,
}

/// The limit in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InEffect {
    /// How much.
    pub bytes: Bytes,
    /// The cgroup that has it; `None` where it is above what is shown here.
    pub cgroup: Option<CgroupPath>,
    /// What that cgroup holds, if it is another one.
    pub holds: Option<Holds>,
}

impl Running {
    /// Looks at it now.
    #[must_use]
    pub fn look(&self) -> Look {
        let roots = Roots::default();
        let directory = self.directory();
        let memory = read_text(&roots.proc.join("meminfo")).unwrap_or_default();
        let pids = match self.scope {
            Scope::Container | Scope::Unit | Scope::Cgroup => cgroup::processes(&directory, MOST),
            Scope::Tree => descendants(self.pid, &roots.proc),
        };
        // Whoever asks is not what is asked about.
        let is_other = |pid: &u32| *pid == self.pid || *pid != std::process::id();
        let pids: Vec<u32> = pids.into_iter().filter(is_other).collect();
        Look {
            limit: in_effect(&self.tree, &self.cgroup),
            high: self.high(),
            host: hierarchy::meminfo(&memory, "MemTotal"),
            holds: Holds::read(&directory, self.tree.version),
            processes: measure::all(&pids, &roots.proc, deadline::INNER),
        }
    }

    /// Where its cgroup is; nowhere if it is not shown here.
    pub(crate) fn directory(&self) -> PathBuf {
        self.tree.directory(&self.cgroup).unwrap_or_default()
    }

    /// 1 or 2.
    pub(crate) fn version(&self) -> u8 {
        self.tree.version
    }

    /// `memory.high`; v1's soft limit slows nobody down.
    fn high(&self) -> Option<Bytes> {
        let levels = self.tree.upwards(&self.cgroup).into_iter().filter(|_| self.tree.version != 1);
        let high = |directory: PathBuf| {
            let text = read_text(&directory.join("memory.high")).ok()?;
            Limit::from_kernel(text.trim().parse().ok()?).bytes()
        };
        levels.filter_map(|level| high(level.directory)).min()
    }
}

/// The tightest of the limits from a cgroup upwards; of equal ones the nearest.
pub(crate) fn in_effect(tree: &Hierarchy, own: &CgroupPath) -> Option<InEffect> {
    let levels = tree.upwards(own);
    let at = |limit: Option<Limit>| limit.and_then(Limit::bytes);
    let found = levels
        .iter()
        .filter_map(|level| Some((at(level.limit)?, level)))
        .min_by_key(|(bytes, _)| *bytes);
    // v1: the leaf's own counters know what is above the mount too.
    let stat = levels.first().map(|leaf| leaf.directory.join("memory.stat"));
    let stat = stat.and_then(|path| read_text(&path).ok()).unwrap_or_default();
    let hidden = stat.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit "));
    let hidden = hidden.and_then(|text| Limit::from_kernel(text.trim().parse().ok()?).bytes());
    match (found, hidden) {
        (found, Some(hidden)) if found.is_none_or(|(bytes, _)| hidden < bytes) => {
            Some(InEffect { bytes: hidden, cgroup: None, holds: None })
        }
        (Some((bytes, level)), _) => Some(InEffect {
            bytes,
            cgroup: Some(level.path.clone()),
            holds: (level.path != *own).then(|| Holds::read(&level.directory, tree.version)),
        }),
        (None, _) => None,
    }
}

/// Which processes a pid stands for, and the cgroup that they are counted in.
fn scope_of(own: &CgroupPath, tree: &Hierarchy) -> (Scope, CgroupPath) {
    let has_limit = |path: &CgroupPath| {
        let limit = tree.directory(path).and_then(|folder| hierarchy::memory_limit(&folder));
        limit.and_then(Limit::bytes).is_some()
    };
    let boundary = own.boundary().filter(|_| !own.is_root());
    let kind = boundary.as_ref().and_then(CgroupPath::owner).map(|owner| owner.kind);
    match (kind, boundary) {
        // A limit below the container's or the unit's own is the nearer one, and counts these alone.
        (_, Some(around)) if around != *own && has_limit(own) => (Scope::Cgroup, own.clone()),
        (Some(OwnerKind::Session | OwnerKind::User | OwnerKind::Slice), _) | (None, _) => {
            if has_limit(own) {
                (Scope::Cgroup, own.clone())
            } else {
                (Scope::Tree, own.clone())
            }
        }
        (Some(OwnerKind::Service | OwnerKind::Scope), Some(around)) => (Scope::Unit, around),
        (Some(_), Some(around)) => (Scope::Container, around),
        (Some(_), None) => (Scope::Tree, own.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    fn tree(point: &Path, version: u8) -> Hierarchy {
        Hierarchy { version, point: point.to_owned(), root: "/".to_owned() }
    }

    fn limited(root: &Path, folder: &str, file: &str, text: &str) {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join(file), text).unwrap();
    }

    #[test]
    fn the_tightest_limit_counts_and_what_its_cgroup_holds_is_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |folder: &str, text: &str| limited(root.path(), folder, "memory.max", text);
        at("pods", "1073741824\n");
        at("pods/a", "268435456\n");
        at("pods/a/c", "536870912\n");
        limited(root.path(), "pods/a", "memory.stat", "anon 7\n");
        let tree = tree(root.path(), 2);
        let found = in_effect(&tree, &path("/pods/a/c")).unwrap();
        assert_eq!((found.bytes, found.cgroup), (Bytes(256 << 20), Some(path("/pods/a"))));
        assert_eq!(found.holds.unwrap().anon, Some(Bytes(7)));
        // Equal limits: the nearer one.
        at("pods/a/c", "268435456\n");
        let found = in_effect(&tree, &path("/pods/a/c")).unwrap();
        assert_eq!((found.cgroup, found.holds), (Some(path("/pods/a/c")), None));
        assert_eq!(in_effect(&tree, &path("/other")), None);
    }

    #[test]
    fn a_limit_above_the_mount_is_known_on_version_1() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| limited(root.path(), "c", name, text);
        file("memory.limit_in_bytes", "9223372036854771712\n");
        file("memory.stat", "rss 1\nhierarchical_memory_limit 268435456\n");
        let tree = tree(root.path(), 1);
        let found = in_effect(&tree, &path("/c")).unwrap();
        assert_eq!((found.bytes, found.cgroup), (Bytes(256 << 20), None));
        file("memory.limit_in_bytes", "134217728\n");
        assert_eq!(in_effect(&tree, &path("/c")).unwrap().cgroup, Some(path("/c")));
    }

    #[test]
    fn a_pid_stands_for_its_container_its_unit_or_only_for_itself() {
        let root = tempfile::tempdir().unwrap();
        let tree = tree(root.path(), 2);
        let of = |text: &str| {
            let (scope, cgroup) = scope_of(&path(text), &tree);
            (scope, cgroup.as_str().to_owned())
        };
        let container = format!("/docker/{ID}");
        assert_eq!(of(&format!("{container}/w/1")), (Scope::Container, container));
        let unit = "/system.slice/api.service";
        assert_eq!(of(&format!("{unit}/workers")), (Scope::Unit, unit.to_owned()));
        let session = "/user.slice/user-7.slice/session-3.scope";
        assert_eq!(of(session), (Scope::Tree, session.to_owned()));
        assert_eq!(of("/mine"), (Scope::Tree, "/mine".to_owned()));
        assert_eq!(of("/"), (Scope::Tree, "/".to_owned()));
        limited(root.path(), "mine", "memory.max", "1048576\n");
        assert_eq!(of("/mine"), (Scope::Cgroup, "/mine".to_owned()));
        limited(root.path(), "system.slice/api.service/workers", "memory.max", "1048576\n");
        assert_eq!(of(&format!("{unit}/workers")), (Scope::Cgroup, format!("{unit}/workers")));
    }

    #[test]
    fn this_process_is_looked_at() {
        let own = running_process(std::process::id()).unwrap();
        let look = own.look();
        assert!(look.host.is_some_and(|host| host.0 > 0));
        let this = look.processes.iter().find(|one| one.pid == std::process::id()).unwrap();
        assert!(this.measured.is_some_and(|it| it.pss.0 > 0 && it.private.0 > 0), "{this:?}");
    }
}
