//! `cgroup-0`, `cgroup-1` …: the memory files of the container's own cgroup and of every ancestor
//! below the root, written as `tail -n +1 FILES` would print them
//! (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst).
//!
//! The root is left out: it has no limit, and on v1 no counters of its own. Cgroups that the program
//! makes inside its own are not read. `cgroup-0` is always the container's own and missing when it
//! went with the container; ancestors are numbered from 1 upwards.

pub(crate) mod place;

use std::path::Path;

use casefile::{CgroupPath, Exhibit, Source};

use crate::docker::host::shell_word;
use crate::found::{Found, about, exhibit, gap};
use crate::roots::read_text;
use crate::subject::Subject;
use place::{Hierarchy, Place};

/// Read on v2. `memory.peak` is there since 5.19, `memory.events.local` since 5.2,
/// `memory.oom.group` since 4.19.
const V2_FILES: [&str; 14] = [
    "cgroup.events",
    "memory.current",
    "memory.events",
    "memory.events.local",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.oom.group",
    "memory.peak",
    "memory.pressure",
    "memory.stat",
    "memory.swap.current",
    "memory.swap.max",
];

/// Read on v1. `memsw` files exist only with swap accounting, `kmem` ones up to 6.1 or so.
const V1_FILES: [&str; 11] = [
    "memory.failcnt",
    "memory.kmem.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.memsw.max_usage_in_bytes",
    "memory.oom_control",
    "memory.soft_limit_in_bytes",
    "memory.stat",
    "memory.usage_in_bytes",
    "memory.use_hierarchy",
];

/// Reads the container's cgroup and those above it.
pub(crate) fn read(subject: &Subject, place: &Place) -> Found {
    let mut found = Found::default();
    let version = place.hierarchy.version.to_string();
    found.facts.push(("cgroup-version", version));
    let mut level = Some(place.path.clone());
    let mut number = 0;
    while let Some(path) = level {
        let own = number == 0;
        let text = read_level(&place.hierarchy, &path);
        if text.is_empty() {
            found.gaps.extend(own.then(|| gone(subject, place)));
        } else {
            let cgroup = level_exhibit(number, &path, place, &text);
            found.exhibits.push(if own {
                // Its counters began with this life and hold every kill in it.
                Exhibit { covers: true, ..about(cgroup, &subject.id) }
            } else {
                cgroup
            });
        }
        level = place::parent(&path);
        number += 1;
    }
    found
}

fn level_exhibit(number: usize, path: &CgroupPath, place: &Place, text: &str) -> Exhibit {
    let label = place.hierarchy.usual_folder(path);
    let real = place.hierarchy.folder(path).map(|folder| folder.display().to_string());
    let check = real.map(|folder| format!("tail -n +1 {}/memory.*", shell_word(&folder)));
    Exhibit { check, ..exhibit(&format!("cgroup-{number}"), Source::Cgroup, &label, text) }
}

fn gone(subject: &Subject, place: &Place) -> casefile::Gap {
    let tried = place.hierarchy.usual_folder(&place.path);
    let folder = place.hierarchy.folder(&place.path);
    let because = if place::exists(folder.as_deref()) {
        "its memory files cannot be read"
    } else if subject.started.is_none() {
        "no life of this container is known"
    } else if subject.pid.is_none() {
        "the container has ended, and its cgroup went with it"
    } else {
        "the cgroup is not shown by the mounts that are visible here"
    };
    gap(Source::Cgroup, &tried, because, None)
}

/// The files of one cgroup that exist and can be read.
fn read_level(hierarchy: &Hierarchy, path: &CgroupPath) -> String {
    let Some(folder) = hierarchy.folder(path) else { return String::new() };
    let names = if hierarchy.version == 1 { &V1_FILES[..] } else { &V2_FILES[..] };
    let shown = hierarchy.usual_folder(path);
    let files = names.iter().filter_map(|name| {
        let text = read_text(&folder.join(name)).ok()?;
        Some((format!("{shown}/{name}"), text))
    });
    as_tail_prints(files)
}

/// `==> PATH <==`, the content, and an empty line before the next header.
pub(crate) fn as_tail_prints(files: impl Iterator<Item = (String, String)>) -> String {
    let mut all = String::new();
    for (path, text) in files {
        if !all.is_empty() {
            all.push('\n');
        }
        let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        all.push_str(&format!("==> {path} <==\n{text}{line_end}"));
    }
    all
}

/// The processes of a cgroup and of those nested in it, at most `most`.
pub(crate) fn processes(folder: &Path, most: usize) -> Vec<u32> {
    let mut pids = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let text = read_text(&folder.join("cgroup.procs")).unwrap_or_default();
        // 0 is a process that this pid namespace cannot see.
        pids.extend(
            text.lines().filter_map(|line| line.trim().parse::<u32>().ok()).filter(|pid| *pid > 0),
        );
        if pids.len() >= most {
            break;
        }
        let nested = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(nested.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    pids.sort_unstable();
    pids.dedup();
    pids.truncate(most);
    pids
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn place(point: &Path, version: u8) -> Place {
        let hierarchy = Hierarchy { version, point: point.to_owned(), root: "/".to_owned() };
        Place { path: CgroupPath::parse(&format!("/docker/{ID}")).unwrap(), hierarchy }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    fn subject() -> Subject {
        let started = casefile::Moment::from_micros(1_000_000);
        Subject { started, ..Subject::remembered(&ContainerId::parse(ID).unwrap(), &[]) }
    }

    #[test]
    fn the_own_cgroup_and_its_ancestors_read_as_tail_prints_them() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("docker").join(ID);
        write(&own, "memory.max", "67108864\n");
        write(&own, "memory.events", "low 0\noom_kill 1\n");
        write(&own, "memory.unknown", "9\n");
        write(&root.path().join("docker"), "memory.max", "max\n");
        write(root.path(), "memory.stat", "anon 1\n");
        let found = read(&subject(), &place(root.path(), 2));
        assert_eq!(found.exhibits.len(), 2);
        assert_eq!(
            found.exhibits[0].text(),
            format!(
                "==> /sys/fs/cgroup/docker/{ID}/memory.events <==\nlow 0\noom_kill 1\n\n\
                 ==> /sys/fs/cgroup/docker/{ID}/memory.max <==\n67108864\n"
            )
        );
        assert!(found.exhibits[0].covers);
        assert_eq!(found.exhibits[0].about.as_ref().unwrap().as_str(), ID);
        assert_eq!(found.exhibits[1].id, "cgroup-1");
        assert_eq!(found.exhibits[1].about, None);
        assert!(!found.exhibits[1].covers);
        assert_eq!(found.exhibits[1].text(), "==> /sys/fs/cgroup/docker/memory.max <==\nmax\n");
    }

    #[test]
    fn an_ancestor_outlives_the_container() {
        let root = tempfile::tempdir().unwrap();
        write(&root.path().join("docker"), "memory.oom_control", "under_oom 0\noom_kill 0\n");
        let found = read(&subject(), &place(root.path(), 1));
        assert_eq!(found.exhibits.len(), 1);
        assert_eq!(found.exhibits[0].label, "/sys/fs/cgroup/memory/docker");
        assert!(found.gaps[0].because.contains("went with it"));
        assert_eq!(found.facts, [("cgroup-version", "1".to_owned())]);
    }

    #[test]
    fn processes_of_nested_cgroups_belong_to_the_container() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cgroup.procs", "7\n0\n");
        write(&root.path().join("w/1"), "cgroup.procs", "9\n8\n7\n");
        assert_eq!(processes(root.path(), 64), [7, 8, 9]);
        assert_eq!(processes(root.path(), 2), [7, 8]);
    }
}
