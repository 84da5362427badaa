//! What filled the memory: from the kernel's report, or from live counters.
//!
//! Names differ by kernel: v1 says `rss`, `cache` (which includes shmem), and `total_…` for the whole
//! subtree (the plain names are one level only and 0 for a parent), v2 says `anon`, `file`, `shmem`,
//! `kernel`; old reports print kB, new ones bytes (the parser converts).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use casefile::{Bytes, CgroupPath, Relation};
use parse::record::{Counter, CounterValue};

use crate::facts::{Fact, OomKill, Stage, Teller};
use crate::verdict::{Holder, Memory, Pool, Share};

/// The composition at the moment of a kernel kill.
pub(super) fn at_kill(stage: &Stage<'_>, kill: &OomKill) -> Memory {
    let stats = &kill.report.stats;
    let read = |names: &[&str]| names.iter().find_map(|name| stats.get(*name).copied());
    let kmem = kill.report.kmem.and_then(|line| line.usage);
    let shares = shares(
        read(&["total_rss", "anon", "rss"]),
        read(&["total_cache", "file", "cache"]),
        read(&["total_shmem", "shmem"]),
        read(&["kernel"]).or(kmem).or_else(|| read(&["slab"])),
    );
    let holders = holders(stage, kill);
    let cite = kill.report.stats_span.map(|span| kill.cite(span));
    Memory { shares, pools: pools(&holders), holders: biggest(holders), cite, peak: None }
}

/// The pools of that kill at which the largest pool held most. In a storm the table of a later report misses
/// the one that the kill before ended: its memory is still charged, its row is gone.
pub(super) fn fullest_pools(stage: &Stage<'_>, kills: &[&OomKill]) -> Vec<Pool> {
    let told = kills.iter().map(|kill| pools(&holders(stage, kill)));
    told.max_by_key(|pools| pools.first().map(Pool::held)).unwrap_or_default()
}

fn holders(stage: &Stage<'_>, kill: &OomKill) -> Vec<Holder> {
    let rows = kill.report.tasks.iter().filter_map(|row| {
        let killed = kill.victims.iter().any(|victim| victim.pid == row.process());
        let neighbour = !killed && is_neighbour(stage, row.process());
        let comm = row.comm.clone();
        Some(Holder { pid: row.process(), comm, rss: row.rss?, killed, neighbour })
    });
    rows.collect()
}

/// The task table does not tell whose a process is. Of another container it is for certain if another
/// report killed it in a cgroup that is not the subject's; one that nobody killed may have been the
/// subject's and ended since.
fn is_neighbour(stage: &Stage<'_>, pid: u32) -> bool {
    let Some(id) = &stage.life.id else { return false };
    stage
        .sheet
        .oom_kills
        .iter()
        .any(|other| other.is_elsewhere(id) && other.victims.iter().any(|victim| victim.pid == pid))
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
    let holders: Vec<Holder> = stage
        .sheet
        .processes
        .iter()
        .filter_map(|process| {
            let process = &process.what;
            let parts = [process.anon, process.file, process.shmem];
            let rss = parts.into_iter().flatten().sum();
            Some(Holder {
                pid: process.pid,
                comm: process.comm.clone()?,
                rss,
                killed: false,
                neighbour: false,
            })
        })
        .collect();
    let cite = own_counters(stage).find(|fact| fact.what.file == stat);
    let cite = cite.map(|fact| fact.cite.clone());
    Memory { shares, pools: pools(&holders), holders: biggest(holders), cite, peak: peak(stage) }
}

/// The container's usage now, by its own cgroup.
pub(super) fn usage(stage: &Stage<'_>) -> Option<Bytes> {
    either(stage, "memory.current", "memory.usage_in_bytes")
}

/// The highest usage that the kernel still tells.
pub(super) fn peak(stage: &Stage<'_>) -> Option<Bytes> {
    either(stage, "memory.peak", "memory.max_usage_in_bytes")
}

/// The highest usage is the limit itself.
pub(super) fn limit_was_reached(stage: &Stage<'_>) -> bool {
    let limit = either(stage, "memory.max", "memory.limit_in_bytes");
    peak(stage).zip(limit).is_some_and(|(peak, limit)| peak >= limit)
}

/// A file of one value, as v2 or as v1 names it.
fn either(stage: &Stage<'_>, v2: &str, v1: &str) -> Option<Bytes> {
    number(stage, v2, "").or_else(|| number(stage, v1, "")).map(Bytes)
}

/// OOM kills in the container's cgroup since it was made, and the line that counts them.
pub(super) fn oom_kills<'a>(stage: &Stage<'a>) -> Option<(&'a Fact<Counter>, u64)> {
    let fact = counter(stage, "memory.oom_control", "oom_kill")
        .or_else(|| counter(stage, "memory.events", "oom_kill"))?;
    let own = value(fact)?;
    let below = nested_kills(stage).filter(|_| own == 0);
    Some(below.unwrap_or((fact, own)))
}

/// Kills in a cgroup inside the container's own, on v1: it counts each level for itself, while v2's own
/// count holds what is below.
fn nested_kills<'a>(stage: &Stage<'a>) -> Option<(&'a Fact<Counter>, u64)> {
    let inside = |fact: &&'a Fact<Counter>| {
        let Some(path) = &fact.what.cgroup else { return false };
        match (&stage.life.place, &stage.life.id) {
            // Below the cgroup of a process that was asked for there may be anybody's.
            (Some(place), _) => {
                let is_ones_own = stage.life.teller != Teller::Process || place.owner().is_some();
                is_ones_own && path.relation(place) == Relation::Below
            }
            (None, Some(id)) => path.container().is_some_and(|own| {
                own != *path && own.container_id().is_some_and(|own| own.is_same(id))
            }),
            (None, None) => false,
        }
    };
    let counters = stage.sheet.counters.iter().filter(inside);
    let kills = counters
        .filter(|fact| fact.what.file == "memory.oom_control" && fact.what.key == "oom_kill");
    kills.filter_map(|fact| Some((fact, value(fact)?))).find(|(_, kills)| *kills > 0)
}

/// A counter of the container's own cgroup.
pub(super) fn number(stage: &Stage<'_>, file: &str, key: &str) -> Option<u64> {
    counter(stage, file, key).and_then(value)
}

fn value(fact: &Fact<Counter>) -> Option<u64> {
    match fact.what.value {
        CounterValue::Number(number) => Some(number),
        CounterValue::Limit(limit) => limit.bytes().map(|bytes| bytes.0),
        CounterValue::Pressure(hundredths) => Some(u64::from(hundredths)),
    }
}

/// The same with the line it stands on.
pub(super) fn counter<'a>(stage: &Stage<'a>, file: &str, key: &str) -> Option<&'a Fact<Counter>> {
    own_counters(stage).find(|fact| fact.what.file == file && fact.what.key == key)
}

/// Counters of the container's cgroup, not of one above or inside it. A file that was printed without
/// its path is taken for its.
fn own_counters<'a>(stage: &Stage<'a>) -> impl Iterator<Item = &'a Fact<Counter>> {
    let (life, focus) = (stage.life, focus(stage));
    stage.sheet.counters.iter().filter(move |fact| match (&fact.what.cgroup, &life.id) {
        (Some(path), Some(id)) => {
            let whose = path.container().filter(|own| own == path);
            whose.and_then(|own| own.container_id()).is_some_and(|own| own.is_same(id))
        }
        (Some(path), None) => focus.is_none_or(|focus| focus == path),
        (None, _) => true,
    })
}

/// The cgroup that the question is about, where no container's id tells: the subject's; of several in a
/// paste without a subject the deepest in which something was killed (`oom_kill` of v2 counts for every
/// cgroup above, too).
fn focus<'a>(stage: &Stage<'a>) -> Option<&'a CgroupPath> {
    let life = stage.life;
    if life.id.is_some() {
        return None;
    }
    if life.place.is_some() {
        return life.place.as_ref();
    }
    let killed = stage.sheet.counters.iter().filter(|fact| {
        let events = matches!(fact.what.file.as_str(), "memory.events" | "memory.oom_control");
        events && fact.what.key == "oom_kill" && value(fact).is_some_and(|kills| kills > 0)
    });
    killed.filter_map(|fact| fact.what.cgroup.as_ref()).max_by_key(|path| path.names().count())
}

/// A cgroup above the one in question whose own limit was hit, by the counters of a paste: the nearest.
pub(super) fn parent_that_filled<'a>(
    stage: &Stage<'a>,
) -> Option<(&'a Fact<Counter>, &'a CgroupPath)> {
    let own = focus(stage)?;
    let hit = stage.sheet.counters.iter().filter(|fact| {
        let events = matches!(fact.what.file.as_str(), "memory.events.local" | "memory.events");
        events && fact.what.key == "oom" && value(fact).is_some_and(|hits| hits > 0)
    });
    let above = hit.filter_map(|fact| {
        let path = fact.what.cgroup.as_ref()?;
        (path.relation(own) == Relation::Above).then_some((fact, path))
    });
    above.max_by_key(|(_, path)| path.names().count())
}

/// Processes of one name, the largest pool first.
fn pools(holders: &[Holder]) -> Vec<Pool> {
    let mut by_name: BTreeMap<&str, Vec<Bytes>> = BTreeMap::new();
    for holder in holders.iter().filter(|holder| !holder.neighbour) {
        by_name.entry(&holder.comm).or_default().push(holder.rss);
    }
    let sum = |rss: &[Bytes]| rss.iter().copied().sum::<Bytes>().0;
    let Bytes(all) = by_name.values().flatten().copied().sum();
    let several = by_name.into_iter().filter(|(_, rss)| rss.len() > 1);
    let mut pools: Vec<Pool> = several
        .map(|(comm, mut rss)| {
            rss.sort_unstable_by_key(|bytes| Reverse(*bytes));
            let others = Bytes(all - sum(&rss));
            Pool { comm: comm.to_owned(), rss, others }
        })
        .collect();
    pools.sort_by_key(|pool| Reverse(pool.held()));
    pools
}

/// As many holders as a reader takes in.
fn biggest(mut holders: Vec<Holder>) -> Vec<Holder> {
    holders.sort_by_key(|holder| Reverse(holder.rss));
    holders.truncate(5);
    holders
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
    shares.sort_by_key(|share| Reverse(share.bytes));
    shares
}
