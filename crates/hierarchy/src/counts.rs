//! What a cgroup has counted since it was made: kills, hits of its limit, stalls, pages read again; and what
//! of its memory the kernel could take back.
//!
//! The subtree's where the kernel counts it so; v1 counts kills of one level only, so those below are added.
//! What a kernel does not show is `None`, never zero. Leans on cgroup-v1/memory.rst, cgroup-v2.rst and
//! Documentation/accounting/psi.rst.

use std::fs;
use std::path::{Path, PathBuf};

use casefile::Bytes;

use crate::holds::field;

/// Of cgroups inside one of version 1 at most so many are asked for kills.
const MOST_BELOW: usize = 256;

/// What was counted, and what memory is of which kind beside [`crate::Holds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Pages of files that were used more than once lately.
    pub active_file: Option<Bytes>,
    /// Of the kernel's own, what it can give back: dentries, inodes. Version 2 only.
    pub slab_reclaimable: Option<Bytes>,
    /// What lies in swap.
    pub swap: Option<Bytes>,
    /// The most that it ever held, files included. It never falls.
    pub peak: Option<Bytes>,
    /// Processes that an OOM killer took, whoever's limit it was.
    pub kills: Option<u64>,
    /// How often its own limit was hit: `max` of `memory.events`, `memory.failcnt`.
    pub limit_hits: Option<u64>,
    /// Microseconds in which some, and in which all of its tasks waited for memory. Version 2 only.
    pub stalled: Option<(u64, u64)>,
    /// Pages of programs' own memory that had to be read again.
    pub refaults_anon: Option<u64>,
    /// Pages of files that had to be read again.
    pub refaults_file: Option<u64>,
    /// Faults that had to wait for a disk.
    pub major_faults: Option<u64>,
    /// Pages that the kernel looked at to take them back. Version 2 only.
    pub scanned: Option<u64>,
    /// Pages that it took back. Version 2 only.
    pub reclaimed: Option<u64>,
}

impl Counts {
    /// Reads one cgroup of this version.
    #[must_use]
    pub fn read(directory: &Path, version: u8) -> Self {
        let text = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
        let number = |file: &str| text(file).trim().parse::<u64>().ok();
        let stat = text("memory.stat");
        let bytes = |name: &str| field(&stat, name);
        let count = |name: &str| field(&stat, name).map(|it| it.0);
        if version == 1 {
            return Self {
                active_file: bytes("total_active_file"),
                slab_reclaimable: None,
                swap: bytes("total_swap"),
                peak: number("memory.max_usage_in_bytes").map(Bytes),
                kills: kills_below(directory),
                limit_hits: number("memory.failcnt"),
                stalled: None,
                refaults_anon: count("total_workingset_refault_anon"),
                refaults_file: count("total_workingset_refault_file"),
                major_faults: count("total_pgmajfault"),
                scanned: None,
                reclaimed: None,
            };
        }
        let events = text("memory.events");
        // Before 5.9 anonymous pages and files were counted together.
        let together = || count("workingset_refault");
        Self {
            active_file: bytes("active_file"),
            slab_reclaimable: bytes("slab_reclaimable"),
            swap: number("memory.swap.current").map(Bytes),
            peak: number("memory.peak").map(Bytes),
            kills: field(&events, "oom_kill").map(|it| it.0),
            limit_hits: field(&events, "max").map(|it| it.0),
            stalled: stalled(&text("memory.pressure")),
            refaults_anon: count("workingset_refault_anon"),
            refaults_file: count("workingset_refault_file").or_else(together),
            major_faults: count("pgmajfault"),
            scanned: count("pgscan"),
            reclaimed: count("pgsteal"),
        }
    }
}

/// Version 1 counts a kill where the victim was, and nowhere above.
fn kills_below(top: &Path) -> Option<u64> {
    let of = |directory: &Path| {
        let text = fs::read_to_string(directory.join("memory.oom_control")).ok()?;
        field(&text, "oom_kill").map(|it| it.0)
    };
    let own = of(top)?;
    let mut all = own;
    let mut waiting: Vec<PathBuf> = inside(top);
    for _ in 0..MOST_BELOW {
        let Some(directory) = waiting.pop() else { break };
        all = all.saturating_add(of(&directory).unwrap_or_default());
        waiting.extend(inside(&directory));
    }
    Some(all)
}

fn inside(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

/// `some avg10=… total=MICROSECONDS`, `full …`.
fn stalled(text: &str) -> Option<(u64, u64)> {
    let total = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        line.split_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
    };
    Some((total("some ")?, total("full ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn version_2_is_read_by_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| write(folder.path(), name, text);
        let stat = "anon 1\nactive_file 20\nslab_reclaimable 4\nworkingset_refault_anon 5\n\
            workingset_refault_file 6\npgscan 7\npgsteal 8\npgmajfault 9\n";
        file("memory.stat", stat);
        file("memory.peak", "900\n");
        file("memory.swap.current", "0\n");
        file("memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n");
        file(
            "memory.pressure",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=700\n",
        );
        let found = Counts::read(folder.path(), 2);
        let wanted = Counts {
            active_file: Some(Bytes(20)),
            slab_reclaimable: Some(Bytes(4)),
            swap: Some(Bytes(0)),
            peak: Some(Bytes(900)),
            kills: Some(2),
            limit_hits: Some(12),
            stalled: Some((1500, 700)),
            refaults_anon: Some(5),
            refaults_file: Some(6),
            major_faults: Some(9),
            scanned: Some(7),
            reclaimed: Some(8),
        };
        assert_eq!(found, wanted);
    }

    #[test]
    fn version_1_adds_the_kills_below() {
        let folder = tempfile::tempdir().unwrap();
        let killed = |below: &str, count: u64| {
            let text = format!("oom_kill_disable 0\nunder_oom 0\noom_kill {count}\n");
            write(&folder.path().join(below), "memory.oom_control", &text);
        };
        killed("", 1);
        killed("w/1", 2);
        killed("w/2", 4);
        write(folder.path(), "memory.failcnt", "7\n");
        write(folder.path(), "memory.max_usage_in_bytes", "99\n");
        write(folder.path(), "memory.stat", "active_file 1\ntotal_active_file 3\ntotal_swap 0\n");
        let found = Counts::read(folder.path(), 1);
        assert_eq!(
            (found.kills, found.limit_hits, found.peak),
            (Some(7), Some(7), Some(Bytes(99)))
        );
        assert_eq!((found.active_file, found.swap), (Some(Bytes(3)), Some(Bytes(0))));
        assert_eq!((found.stalled, found.scanned), (None, None));
    }

    #[test]
    fn what_is_not_shown_is_not_zero() {
        let folder = tempfile::tempdir().unwrap();
        for version in [1, 2] {
            assert_eq!(Counts::read(folder.path(), version), Counts::default());
        }
        assert_eq!(stalled("some avg10=0.00 total=x\nfull total=1\n"), None);
    }
}
