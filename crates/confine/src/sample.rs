//! One look at a cgroup's memory: cheap enough for every 10 ms.
//!
//! Three small files a look; what a kernel does not show is `None`, never zero. Leans on
//! cgroup-v1/memory.rst (`total_…` of `memory.stat` is the whole subtree) and cgroup-v2.rst.

use std::fs;
use std::path::Path;

/// What a cgroup held at one moment. Bytes, counts since the cgroup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// `memory.current`, `memory.usage_in_bytes`.
    pub usage: Option<u64>,
    /// Anonymous memory.
    pub anon: Option<u64>,
    /// Page cache, shared memory included.
    pub file: Option<u64>,
    /// tmpfs and shared memory.
    pub shmem: Option<u64>,
    /// Processes that an OOM killer took, whoever's limit it was.
    pub oom_kills: Option<u64>,
    /// How often this cgroup's own limit was hit: `failcnt`, or `max` of `memory.events`.
    pub limit_hits: Option<u64>,
    /// Hundredths of a percent of the last 10 s in which some task waited for memory: the cgroup's,
    /// on v1 the machine's.
    pub pressure: Option<u32>,
}

impl Sample {
    /// Reads one cgroup.
    pub(crate) fn read(directory: &Path, version: u8) -> Self {
        let text = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
        let number = |file: &str| text(file).trim().parse().ok();
        let stat = text("memory.stat");
        let of_stat = |name: &str| field(&stat, name);
        if version == 1 {
            return Self {
                usage: number("memory.usage_in_bytes"),
                anon: of_stat("total_rss"),
                file: of_stat("total_cache"),
                shmem: of_stat("total_shmem"),
                oom_kills: field(&text("memory.oom_control"), "oom_kill"),
                limit_hits: number("memory.failcnt"),
                pressure: pressure(
                    &fs::read_to_string("/proc/pressure/memory").unwrap_or_default(),
                ),
            };
        }
        let events = text("memory.events");
        Self {
            usage: number("memory.current"),
            anon: of_stat("anon"),
            file: of_stat("file"),
            shmem: of_stat("shmem"),
            oom_kills: field(&events, "oom_kill"),
            limit_hits: field(&events, "max"),
            pressure: pressure(&text("memory.pressure")),
        }
    }
}

/// `NAME NUMBER`
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok())?
    })
}

/// `some avg10=1.25 avg60=…`
fn pressure(text: &str) -> Option<u32> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = some.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, part) = average.split_once('.')?;
    let part: u32 = if part.len() == 2 { part.parse().ok()? } else { return None };
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_names_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("memory.current", "4096\n");
        write(
            "memory.stat",
            "anon 7\nfile 6\nshmem 1\ntotal_rss 5\ntotal_cache 4\ntotal_shmem 3\n",
        );
        write("memory.events", "low 0\nmax 9\noom 2\noom_kill 1\n");
        write(
            "memory.pressure",
            "some avg10=1.25 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00\n",
        );
        let seen = Sample::read(folder.path(), 2);
        assert_eq!((seen.usage, seen.anon, seen.limit_hits), (Some(4096), Some(7), Some(9)));
        assert_eq!((seen.oom_kills, seen.pressure), (Some(1), Some(125)));
        write("memory.usage_in_bytes", "8192\n");
        write("memory.failcnt", "3\n");
        write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        let seen = Sample::read(folder.path(), 1);
        assert_eq!((seen.usage, seen.anon, seen.file), (Some(8192), Some(5), Some(4)));
        assert_eq!((seen.shmem, seen.oom_kills, seen.limit_hits), (Some(3), Some(2), Some(3)));
    }

    #[test]
    fn what_is_not_shown_is_not_zero() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Sample::read(folder.path(), 2);
        assert_eq!(seen, Sample::default());
        assert_eq!(pressure("some avg10=x"), None);
    }
}
