//! `counter-N`: cgroups whose own counter says that the OOM killer took a process in them, whoever
//! they belong to. A kill that the kernel's log has lost still stands there as long as the cgroup
//! lives (`oom_kill` of memory.events.local, of memory.events before 5.2, of v1's
//! memory.oom_control).
//!
//! Only the file with the counter is kept, and only where it is not 0.

use std::path::{Path, PathBuf};
use std::time::Instant;

use casefile::{CgroupPath, Exhibit, Source};

use crate::cgroup::as_tail_prints;
use hierarchy::Hierarchy;

use crate::cgroup::place;
use crate::deadline;
use crate::docker::host::shell_word;
use crate::found::{Found, exhibit, gap};
use crate::roots::{Roots, read_text};

/// More cgroups than any machine that was seen.
const MOST: usize = 50_000;

/// Looks through the hierarchy that counts memory.
pub(super) fn read(roots: &Roots) -> Found {
    let until = Instant::now() + deadline::INNER;
    let all = place::hierarchies(roots);
    let Some(hierarchy) = all.iter().find(|one| one.counts_memory()) else {
        let because = "no cgroup hierarchy with the memory controller is mounted here";
        return Found::gap(gap(Source::Cgroup, "/sys/fs/cgroup", because, None));
    };
    let mut found = Found::default();
    found.facts.push(("cgroup-version", hierarchy.version.to_string()));
    let mut folders = vec![hierarchy.point.clone()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        seen += 1;
        if seen > MOST || Instant::now() > until {
            let because = format!("only {seen} cgroups were looked at in time");
            found.gaps.push(gap(Source::Cgroup, "/sys/fs/cgroup", &because, None));
            break;
        }
        let number = found.exhibits.len() + 1;
        found.exhibits.extend(counter(hierarchy, &folder, number));
        folders.extend(nested(&folder));
    }
    found
}

fn nested(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // The kind stands in the entry itself: no further call for each of the many files.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

fn counter(hierarchy: &Hierarchy, folder: &Path, number: usize) -> Option<Exhibit> {
    let file = |name: &str| read_text(&folder.join(name)).ok();
    let kills = |text: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    };
    let name = if hierarchy.version == 1 { "memory.oom_control" } else { "memory.events" };
    let text = file(name)?;
    // Version 2 counts what is below, too; `.local` (5.2) does not.
    let own = match file("memory.events.local").as_deref().and_then(kills) {
        Some(own) => own,
        None if hierarchy.version == 2 && !nested(folder).is_empty() => 0,
        None => kills(&text)?,
    };
    let below = folder.strip_prefix(&hierarchy.point).ok()?.to_string_lossy().into_owned();
    let root = hierarchy.root.trim_end_matches('/');
    let path = CgroupPath::parse(&format!("{root}/{below}"))?;
    if own == 0 {
        return None;
    }
    let shown = format!("{}/{name}", hierarchy.usual_directory(&path));
    let real = folder.join(name).display().to_string();
    let text = as_tail_prints([(shown.clone(), text)].into_iter());
    Some(Exhibit {
        check: Some(format!("cat {}", shell_word(&real))),
        ..exhibit(&format!("counter-{number}"), Source::Cgroup, &shown, &text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn only_a_counter_that_moved_is_kept_and_the_local_one_wins() {
        let root = tempfile::tempdir().unwrap();
        let point = root.path().join("cg");
        write(
            &root.path().join("self"),
            "mountinfo",
            &format!("36 35 0:31 / {} rw - cgroup2 cgroup2 rw\n", point.display()),
        );
        write(&point, "cgroup.controllers", "cpu memory\n");
        write(&point.join("a.slice"), "memory.events", "oom 1\noom_kill 1\n");
        write(&point.join("a.slice"), "memory.events.local", "oom 0\noom_kill 0\n");
        write(&point.join("a.slice/b.service"), "memory.events.local", "oom 1\noom_kill 2\n");
        write(&point.join("a.slice/b.service"), "memory.events", "oom 1\noom_kill 2\n");
        write(&point.join("c.service"), "memory.events", "oom 0\noom_kill 0\n");
        let roots = Roots { proc: root.path().to_owned(), ..Roots::default() };
        let found = read(&roots);
        assert_eq!(found.exhibits.len(), 1, "{found:?}");
        let exhibit = &found.exhibits[0];
        assert_eq!(exhibit.label, "/sys/fs/cgroup/a.slice/b.service/memory.events");
        assert!(exhibit.text().contains(
            "==> /sys/fs/cgroup/a.slice/b.service/memory.events <==\noom 1\noom_kill 2\n"
        ));
        assert!(found.gaps.is_empty());
        write(&point, "cgroup.controllers", "cpu\n");
        assert!(read(&roots).gaps[0].because.contains("memory controller"));
    }
}
