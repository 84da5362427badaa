//! Where a container's memory cgroup is.
//!
//! While the container lives its own process says so. Afterwards only the runtime's naming rules
//! are left (runc `libcontainer/cgroups/systemd/common.go`, `ExpandSlice`; moby
//! `daemon/oci_linux.go`, `withCgroups`).

use std::path::Path;

use casefile::CgroupPath;
use hierarchy::Hierarchy;

use crate::roots::{Roots, read_text};
use crate::subject::Subject;

/// In place of a cgroup driver's name: the runtime is Podman, which has places of its own.
pub(crate) const PODMAN: &str = "podman";

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
    hierarchy::mounted(&read_text(&roots.proc.join("self/mountinfo")).unwrap_or_default())
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
    let shown = |path: &CgroupPath| hierarchy.directory(path).is_some_and(|folder| folder.is_dir());
    let parent_shown = |path: &CgroupPath| {
        path.parent().filter(|above| !above.is_root()).as_ref().is_some_and(shown)
    };
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
    let Place { path, hierarchy } = of_version(&text, all)
        .ok_or_else(|| format!("pid {pid} is in no memory cgroup that is mounted here"))?;
    Ok(Place { path: path.container().unwrap_or(path), hierarchy })
}

/// The memory cgroup that a `/proc/PID/cgroup` names, v1's before v2's.
pub(crate) fn of_text(text: &str, roots: &Roots) -> Option<Place> {
    of_version(text, &hierarchies(roots))
}

fn of_version(text: &str, all: &[Hierarchy]) -> Option<Place> {
    [1, 2].into_iter().find_map(|version| {
        let path = hierarchy::place_in(text, version)?;
        let hierarchy = all.iter().find(|one| one.version == version)?.clone();
        Some(Place { path, hierarchy })
    })
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

/// Whether a directory can be looked into.
pub(crate) fn exists(folder: Option<&Path>) -> bool {
    folder.is_some_and(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn subject(parent: Option<&str>) -> Subject {
        let id = ContainerId::parse(ID).unwrap();
        let cgroup_parent = parent.map(str::to_owned);
        Subject { cgroup_parent, ..Subject::remembered(&id, &[]) }
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
