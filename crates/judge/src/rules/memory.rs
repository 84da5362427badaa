//! What filled the memory: from the kernel's report, or from live counters.
//!
//! Names differ by kernel: v1 says `rss`, `cache` (which includes shmem), and `total_…` for the whole
//! subtree (the plain names are one level only and 0 for a parent), v2 says `anon`, `file`, `shmem`, `kernel`; old reports print kB, new ones bytes (the parser converts).

use casefile::Bytes;
use parse::record::CounterValue;

use crate::facts::{OomKill, Stage};
use crate::verdict::{Holder, Memory, Share};

/// The composition at the moment of a kernel kill.
pub(super) fn at_kill(kill: &OomKill) -> Memory {
    let stats = &kill.report.stats;
    let read = |names: &[&str]| names.iter().find_map(|name| stats.get(*name).copied());
    let kmem = kill.report.kmem.and_then(|line| line.usage);
    let shares = shares(
        read(&["total_rss", "anon", "rss"]),
        read(&["total_cache", "file", "cache"]),
        read(&["total_shmem", "shmem"]),
        read(&["kernel"]).or(kmem).or_else(|| read(&["slab"])),
    );
    let mut holders: Vec<Holder> = kill
        .report
        .tasks
        .iter()
        .filter_map(|row| {
            let killed = kill.victims.iter().any(|victim| victim.pid == row.pid);
            Some(Holder {
                pid: row.pid,
                comm: row.comm.clone(),
                rss: row.rss?,
                killed,
                neighbour: false,
            })
        })
        .collect();
    holders.sort_by_key(|holder| std::cmp::Reverse(holder.rss));
    holders.truncate(5);
    let cite = kill.report.stats_span.map(|span| kill.cite(span));
    Memory { shares, holders, cite, peak: None }
}

/// The composition now, by the live counters of the container's own cgroup.
pub(super) fn now(stage: &Stage<'_>) -> Memory {
    let read = |file: &str, key: &str| number(stage, file, key).map(Bytes);
    let first = |choices: &[(&str, &str)]| choices.iter().find_map(|(file, key)| read(file, key));
    let stat = "memory.stat";
    let shares = shares(
        first(&[(stat, "anon"), (stat, "total_rss")]),
        first(&[(stat, "file"), (stat, "total_cache")]),
        first(&[(stat, "total_shmem"), (stat, "shmem")]),
        first(&[(stat, "kernel"), ("memory.kmem.usage_in_bytes", "")]),
    );
    let mut holders: Vec<Holder> = stage
        .sheet
        .processes
        .iter()
        .filter_map(|process| {
            let process = &process.what;
            let parts = [process.anon, process.file, process.shmem];
            let rss = parts.iter().flatten().map(|bytes| bytes.0).sum();
            Some(Holder {
                pid: process.pid,
                comm: process.comm.clone()?,
                rss: Bytes(rss),
                killed: false,
                neighbour: false,
            })
        })
        .collect();
    holders.sort_by_key(|holder| std::cmp::Reverse(holder.rss));
    holders.truncate(5);
    let peak = first(&[("memory.peak", ""), ("memory.max_usage_in_bytes", "")]);
    let of_stat = |fact: &&crate::facts::Fact<parse::record::Counter>| {
        fact.what.file == stat && is_own(stage, fact)
    };
    let cite = stage.sheet.counters.iter().find(of_stat).map(|fact| fact.cite.clone());
    Memory { shares, holders, cite, peak }
}

/// A counter of the container's own cgroup.
pub(super) fn number(stage: &Stage<'_>, file: &str, key: &str) -> Option<u64> {
    counter(stage, file, key).and_then(|fact| match fact.what.value {
        CounterValue::Number(number) => Some(number),
        CounterValue::Limit(limit) => limit.bytes().map(|bytes| bytes.0),
        CounterValue::Pressure(hundredths) => Some(u64::from(hundredths)),
    })
}

/// The same with the line it stands on.
pub(super) fn counter<'a>(
    stage: &Stage<'a>,
    file: &str,
    key: &str,
) -> Option<&'a crate::facts::Fact<parse::record::Counter>> {
    stage
        .sheet
        .counters
        .iter()
        .find(|fact| fact.what.file == file && fact.what.key == key && is_own(stage, fact))
}

/// The counter's cgroup is the container's, not one above or inside it.
fn is_own(stage: &Stage<'_>, fact: &crate::facts::Fact<parse::record::Counter>) -> bool {
    match (&fact.what.cgroup, &stage.life.id) {
        (Some(path), Some(id)) => {
            let whose = path.container().filter(|own| own == path);
            whose.and_then(|own| own.container_id()).is_some_and(|own| own.is_same(id))
        }
        (None, _) | (Some(_), None) => true,
    }
}

/// `cache` and `file` include shmem: it is told apart.
fn shares(
    anon: Option<Bytes>,
    file: Option<Bytes>,
    shmem: Option<Bytes>,
    kernel: Option<Bytes>,
) -> Vec<Share> {
    let plain_file = file.map(|file| Bytes(file.0.saturating_sub(shmem.map_or(0, |s| s.0))));
    let parts = [
        ("the program's own (anonymous)", anon),
        ("tmpfs and shared memory", shmem),
        ("files (page cache)", plain_file),
        ("kernel", kernel),
    ];
    let mut shares: Vec<Share> =
        parts.into_iter().filter_map(|(what, bytes)| Some(Share { what, bytes: bytes? })).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.bytes));
    shares
}
