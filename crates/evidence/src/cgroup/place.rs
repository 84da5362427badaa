//! Where a container's memory cgroup is: which hierarchy holds the memory controller, where it is
//! mounted, and which directory is the container's (cgroups(7), proc_pid_mountinfo(5)).
//!
//! While the container lives its own process says so. Afterwards only the runtime's naming rules
//! are left (runc `libcontainer/cgroups/systemd/common.go`, `ExpandSlice`; moby
//! `daemon/oci_linux.go`, `withCgroups`).

use std::path::{Path, PathBuf};

use casefile::CgroupPath;

use crate::roots::{Roots, read_text};
use crate::subject::Subject;

/// In place of a cgroup driver's name: the runtime is Podman, which has places of its own.
pub(crate) const PODMAN: &str = "podman";

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    /// 1 or 2.
    pub(crate) version: u8,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Which cgroup is mounted there; `/` unless seen from inside a container.
    pub(crate) root: String,
}

impl Hierarchy {
    /// The directory of a cgroup, if this mount shows it.
    pub(crate) fn folder(&self, path: &CgroupPath) -> Option<PathBuf> {
        let root = self.root.trim_end_matches('/');
        let below = path.as_str().strip_prefix(root)?;
        let below = if below.is_empty() { "/" } else { below };
        // `/docker/abc` does not lie below a root `/docker/a`; `/..` lies outside of every mount.
        if !below.starts_with('/') || below.split('/').any(|name| name == "..") {
            return None;
        }
        Some(self.point.join(below.trim_start_matches('/')))
    }

    /// The usual spelling of a cgroup's directory, by which its path can be read back.
    pub(crate) fn usual_folder(&self, path: &CgroupPath) -> String {
        let point = if self.version == 1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" };
        format!("{point}{path}")
    }
}

/// A container's cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its path.
    pub(crate) path: CgroupPath,
    /// The hierarchy that it is in.
    pub(crate) hierarchy: Hierarchy,
}

/// The hierarchies that can hold the memory controller: v1's, v2's.
pub(crate) fn hierarchies(roots: &Roots) -> Vec<Hierarchy> {
    let text = read_text(&roots.proc.join("self/mountinfo")).unwrap_or_default();
    let mut all: Vec<Hierarchy> = text.lines().filter_map(mount).collect();
    // A hierarchy may be mounted again elsewhere; the whole one and the first one count.
    all.sort_by_key(|one| (one.version, one.root != "/"));
    all.dedup_by_key(|one| one.version);
    all
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

/// Finds the container's cgroup. The reason of a failure is in plain words.
pub(crate) fn find(
    subject: &Subject,
    driver: Option<&str>,
    roots: &Roots,
) -> Result<Place, String> {
    let all = hierarchies(roots);
    if all.is_empty() {
        return Err("no cgroup hierarchy with the memory controller is mounted here".to_owned());
    }
    if let Some(pid) = subject.pid {
        return of_process(pid, subject, &all, roots);
    }
    let hierarchy = all.into_iter().next().ok_or("no cgroup hierarchy is mounted here")?;
    let candidates = candidates(subject, driver);
    let shown = |path: &CgroupPath| hierarchy.folder(path).is_some_and(|folder| folder.is_dir());
    let parent_shown = |path: &CgroupPath| parent(path).as_ref().is_some_and(shown);
    let path = candidates
        .iter()
        .find(|path| shown(path))
        .or_else(|| candidates.iter().find(|path| parent_shown(path)));
    match path {
        Some(path) => Ok(Place { path: path.clone(), hierarchy }),
        None => Err("the container has ended, and none of its parent cgroups is left".to_owned()),
    }
}

/// By the process's own word; believed only if it names the container, because this program may
/// run in another pid namespace than the daemon, where the pid is someone else's.
fn of_process(
    pid: u32,
    subject: &Subject,
    all: &[Hierarchy],
    roots: &Roots,
) -> Result<Place, String> {
    let text = read_text(&roots.of_process(pid, "cgroup"))
        .map_err(|error| format!("pid {pid}: {}", crate::found::plain(&error)))?;
    if !text.contains(subject.id.as_str()) {
        return Err(format!("pid {pid} as seen from here is not of this container"));
    }
    let of_version = |version: u8| {
        let path = text.lines().find_map(|line| memory_path(line, version))?;
        let hierarchy = all.iter().find(|one| one.version == version)?.clone();
        let path = path.container().unwrap_or(path);
        Some(Place { path, hierarchy })
    };
    of_version(1)
        .or_else(|| of_version(2))
        .ok_or_else(|| format!("pid {pid} is in no memory cgroup that is mounted here"))
}

/// The memory cgroup that a `/proc/PID/cgroup` names, v1's before v2's.
pub(crate) fn of_text(text: &str, roots: &Roots) -> Option<Place> {
    let all = hierarchies(roots);
    let of_version = |version: u8| {
        let path = text.lines().find_map(|line| memory_path(line, version))?;
        let hierarchy = all.iter().find(|one| one.version == version)?.clone();
        Some(Place { path, hierarchy })
    };
    of_version(1).or_else(|| of_version(2))
}

/// `4:memory:/docker/ID` (v1) or `0::/system.slice/docker-ID.scope` (v2).
fn memory_path(line: &str, version: u8) -> Option<CgroupPath> {
    let (number, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let is_it = match version {
        1 => controllers.split(',').any(|name| name == "memory"),
        _ => number == "0" && controllers.is_empty(),
    };
    is_it.then(|| CgroupPath::parse(path))?
}

/// Where runtimes put a container, the likeliest first.
fn candidates(subject: &Subject, driver: Option<&str>) -> Vec<CgroupPath> {
    let id = &subject.id;
    // Podman says it itself.
    if let Some(path) = subject.cgroup_path.as_deref().and_then(CgroupPath::parse) {
        return vec![path];
    }
    if driver == Some(PODMAN) {
        let places =
            [format!("/machine.slice/libpod-{id}.scope"), format!("/libpod_parent/libpod-{id}")];
        return places.iter().filter_map(|path| CgroupPath::parse(path)).collect();
    }
    let given = subject.cgroup_parent.as_deref().map(|parent| {
        if parent.ends_with(".slice") {
            format!("{}/docker-{id}.scope", expand_slice(parent))
        } else {
            format!("/{}/{id}", parent.trim_matches('/'))
        }
    });
    let systemd = format!("/system.slice/docker-{id}.scope");
    let cgroupfs = format!("/docker/{id}");
    let usual = match driver {
        _ if given.is_some() => vec![],
        Some("systemd") => vec![systemd, cgroupfs],
        _ => vec![cgroupfs, systemd],
    };
    given.into_iter().chain(usual).filter_map(|path| CgroupPath::parse(&path)).collect()
}

/// systemd nests slices by their dashes: `a-b.slice` is `/a.slice/a-b.slice`; `-.slice` is the root.
fn expand_slice(slice: &str) -> String {
    let name = slice.rsplit('/').next().unwrap_or(slice);
    let stem = name.strip_suffix(".slice").unwrap_or(name);
    let mut path = String::new();
    let mut prefix = String::new();
    for part in stem.split('-').filter(|part| !part.is_empty()) {
        prefix = if prefix.is_empty() { part.to_owned() } else { format!("{prefix}-{part}") };
        path.push_str(&format!("/{prefix}.slice"));
    }
    path
}

/// The cgroup above; `None` above a cgroup that lies directly below the root.
pub(crate) fn parent(path: &CgroupPath) -> Option<CgroupPath> {
    let (above, _) = path.as_str().rsplit_once('/')?;
    CgroupPath::parse(above)
}

/// Whether a directory can be looked into.
pub(crate) fn exists(folder: Option<&Path>) -> bool {
    folder.is_some_and(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    fn subject(parent: Option<&str>) -> Subject {
        let id = ContainerId::parse(ID).unwrap();
        let cgroup_parent = parent.map(str::to_owned);
        Subject { cgroup_parent, ..Subject::remembered(&id, &[]) }
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
        assert_eq!(memory_path("4:cpu,memory:/docker/x", 1), Some(path("/docker/x")));
        assert_eq!(memory_path("0::/docker/x", 2), Some(path("/docker/x")));
        assert_eq!(memory_path("4:name=systemd:/docker/x", 2), None);
    }

    #[test]
    fn a_mount_that_shows_only_a_part_shows_only_that() {
        let part = Hierarchy { version: 2, point: "/cg".into(), root: "/docker/a".to_owned() };
        assert_eq!(part.folder(&path("/docker/a/w")), Some(PathBuf::from("/cg/w")));
        assert_eq!(part.folder(&path("/docker/a")), Some(PathBuf::from("/cg/")));
        assert_eq!(part.folder(&path("/docker/ab")), None);
        let whole = Hierarchy { root: "/".to_owned(), ..part };
        assert_eq!(whole.folder(&path("/docker/a")), Some(PathBuf::from("/cg/docker/a")));
        assert_eq!(whole.folder(&path("/../docker/a")), None);
    }

    #[test]
    fn slices_are_nested_by_their_dashes() {
        assert_eq!(expand_slice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
        assert_eq!(expand_slice("-.slice"), "");
        let first = |parent, driver| candidates(&subject(parent), driver)[0].as_str().to_owned();
        assert_eq!(
            first(Some("web-prod.slice"), Some("systemd")),
            format!("/web.slice/web-prod.slice/docker-{ID}.scope")
        );
        assert_eq!(first(Some("/batch/"), None), format!("/batch/{ID}"));
        assert_eq!(first(None, Some("systemd")), format!("/system.slice/docker-{ID}.scope"));
        assert_eq!(first(None, Some("cgroupfs")), format!("/docker/{ID}"));
        assert_eq!(parent(&path("/docker/a")), Some(path("/docker")));
        assert_eq!(parent(&path("/docker")), None);
    }

    #[test]
    fn a_pid_of_another_namespace_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots { proc: root.path().to_owned(), ..Roots::default() };
        std::fs::create_dir_all(root.path().join("self")).unwrap();
        std::fs::create_dir_all(root.path().join("42")).unwrap();
        let mounts = "1 2 0:1 / /cg rw - cgroup2 cgroup2 rw\n";
        std::fs::write(root.path().join("self/mountinfo"), mounts).unwrap();
        let alive = Subject { pid: Some(42), ..subject(None) };
        let found = |text: &str| {
            std::fs::write(roots.of_process(42, "cgroup"), text).unwrap();
            find(&alive, None, &roots)
        };
        assert!(found("0::/user.slice\n").unwrap_err().contains("not of this container"));
        let place = found(&format!("0::/system.slice/docker-{ID}.scope/init\n")).unwrap();
        assert_eq!(place.path.as_str(), format!("/system.slice/docker-{ID}.scope"));
    }
}
