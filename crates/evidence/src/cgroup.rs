//! `cgroup-0`, `cgroup-1` …: the memory files of the container's own cgroup and of every ancestor
//! below the root, written as `tail -n +1 FILES` would print them
//! (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst).
//!
//! The root is left out: it has no limit, and on v1 no counters of its own. Of cgroups that the program
//! makes inside its own only limits and kills are read (`cgroup-below`). `cgroup-0` is always the container's own and missing when it
//! went with the container; ancestors are numbered from 1 upwards.

pub(crate) mod place;

use std::path::Path;

use casefile::{CgroupPath, Exhibit, Source};

use crate::docker::host::shell_word;
use crate::found::{Found, exhibit, gap};
use crate::roots::read_text;
use crate::subject::Life;
use hierarchy::Hierarchy;
use place::Place;

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

/// Read of cgroups inside the own one, on v2 and v1.
const V2_NESTED: [&str; 2] = ["memory.events.local", "memory.max"];
const V1_NESTED: [&str; 2] = ["memory.limit_in_bytes", "memory.oom_control"];

/// Of cgroups inside the own one at most so many are looked at, and so deep.
const MOST_BELOW: usize = 256;
const DEEPEST_BELOW: usize = 6;

/// Reads the container's cgroup and those above it.
pub(crate) fn read(life: &Life, place: &Place) -> Found {
    let mut found = Found::default();
    let version = place.hierarchy.version.to_string();
    found.facts.push(("cgroup-version", version));
    found.exhibits.extend(below(place, life));
    let mut level = Some(place.path.clone());
    let mut number = 0;
    while let Some(path) = level {
        let own = number == 0;
        let text = read_level(&place.hierarchy, &path);
        if text.is_empty() {
            found.gaps.extend(own.then(|| gone(life, place)));
        } else {
            let cgroup = level_exhibit(number, &path, place, &text);
            found.exhibits.push(if own {
                // Its counters began with this life and hold every kill in it.
                Exhibit { covers: true, about: life.about.clone(), ..cgroup }
            } else {
                cgroup
            });
        }
        level = path.parent().filter(|above| !above.is_root());
        number += 1;
    }
    found
}

/// The cgroups that the program made inside its own and that have a limit or a kill: what the own
/// one's counters do not tell (on v1 they are one level's only).
fn below(place: &Place, life: &Life) -> Option<Exhibit> {
    let top = place.hierarchy.directory(&place.path)?;
    let files = if place.hierarchy.version == 1 { &V1_NESTED[..] } else { &V2_NESTED[..] };
    let mut waiting = vec![(top, place.path.clone(), 0)];
    let mut looked_at = 0;
    let mut text = String::new();
    while let Some((folder, path, depth)) = waiting.pop() {
        looked_at += 1;
        if looked_at > MOST_BELOW {
            break;
        }
        if depth > 0 {
            let shown = place.hierarchy.usual_directory(&path);
            let read = files.iter().filter_map(|file| {
                Some((format!("{shown}/{file}"), read_text(&folder.join(file)).ok()?))
            });
            let told: Vec<(String, String)> = read.collect();
            if told.iter().any(|(_, text)| tells(text)) {
                let separator = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{separator}{}", as_tail_prints(told.into_iter())));
            }
        }
        if depth == DEEPEST_BELOW {
            continue;
        }
        let inner = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in inner.filter(|entry| entry.path().is_dir()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = CgroupPath::parse(&format!("{}/{name}", path.as_str()));
            waiting.extend(path.map(|path| (entry.path(), path, depth + 1)));
        }
    }
    let label = format!("the cgroups inside {}", place.hierarchy.usual_directory(&place.path));
    let exhibit = exhibit("cgroup-below", Source::Cgroup, &label, &text);
    (!text.is_empty()).then(|| Exhibit { about: life.about.clone(), ..exhibit })
}

/// A kill was counted here, or a limit is set.
fn tells(text: &str) -> bool {
    let number = |word: &str| word.parse::<u64>().is_ok_and(|number| number < 1 << 60);
    text.lines().any(|line| match line.split_once(' ') {
        Some(("oom_kill", count)) => count.trim() != "0",
        Some(_) => false,
        None => number(line.trim()),
    })
}

fn level_exhibit(number: usize, path: &CgroupPath, place: &Place, text: &str) -> Exhibit {
    let label = place.hierarchy.usual_directory(path);
    let real = place.hierarchy.directory(path).map(|folder| folder.display().to_string());
    let check = real.map(|folder| format!("tail -n +1 {}/memory.*", shell_word(&folder)));
    Exhibit { check, ..exhibit(&format!("cgroup-{number}"), Source::Cgroup, &label, text) }
}

fn gone(life: &Life, place: &Place) -> casefile::Gap {
    let tried = place.hierarchy.usual_directory(&place.path);
    let folder = place.hierarchy.directory(&place.path);
    let noun = life.noun;
    let because = if place::exists(folder.as_deref()) {
        "its memory files cannot be read".to_owned()
    } else if life.started.is_none() && life.about.is_some() {
        format!("no life of this {noun} is known")
    } else if life.pid.is_none() {
        format!("the {noun} has ended, and its cgroup went with it")
    } else {
        "the cgroup is not shown by the mounts that are visible here".to_owned()
    };
    gap(Source::Cgroup, &tried, &because, None)
}

/// The files of one cgroup that exist and can be read.
fn read_level(hierarchy: &Hierarchy, path: &CgroupPath) -> String {
    let Some(folder) = hierarchy.directory(path) else { return String::new() };
    let names = if hierarchy.version == 1 { &V1_FILES[..] } else { &V2_FILES[..] };
    let shown = hierarchy.usual_directory(path);
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
    use crate::subject::Subject;
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
        let found = read(&subject().life(), &place(root.path(), 2));
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
    fn a_kill_in_a_cgroup_inside_the_own_one_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("docker").join(ID);
        write(&own, "memory.max", "67108864\n");
        write(&own.join("quiet"), "memory.max", "max\n");
        write(&own.join("quiet"), "memory.events.local", "oom 0\noom_kill 0\n");
        write(&own.join("w/1"), "memory.max", "max\n");
        write(&own.join("w/1"), "memory.events.local", "oom 1\noom_kill 2\n");
        let found = read(&subject().life(), &place(root.path(), 2));
        let below = found.exhibits.iter().find(|exhibit| exhibit.id == "cgroup-below").unwrap();
        assert_eq!(
            below.text(),
            format!(
                "==> /sys/fs/cgroup/docker/{ID}/w/1/memory.events.local <==\noom 1\noom_kill 2\n\n\
                 ==> /sys/fs/cgroup/docker/{ID}/w/1/memory.max <==\nmax\n"
            )
        );
        assert!(!below.covers);
    }

    #[test]
    fn an_ancestor_outlives_the_container() {
        let root = tempfile::tempdir().unwrap();
        write(&root.path().join("docker"), "memory.oom_control", "under_oom 0\noom_kill 0\n");
        let found = read(&subject().life(), &place(root.path(), 1));
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
