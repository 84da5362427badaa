//! What runs under one limit now, what of it may grow to which size, and whether it has room.
//!
//! A process is given as it was found: what its runtime believes and what it holds. A ceiling that is
//! known is a term, whatever is used of it now. Where nothing bounds a process its present size is the
//! term, and then the sum says what is certain, not what comes: `cannot-fit` where that alone does not
//! fit, `tight` where it nearly fills the limit, or workers would at the size of the largest; else
//! `unknown`. Files that the kernel can give back count nowhere. Nothing is read here.

mod family;
mod pool;
mod remarks;
mod terms;

use casefile::Bytes;
use serde::Serialize;
use settings::runtimes::{Belief, Fits, Runtime, Version};

use crate::Term;
use family::Family;
pub use pool::Pool;
use terms::Portion;

/// A process, as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Alive {
    /// Its pid.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its parent, if that runs the same executable.
    pub worker_of: Option<u32>,
    /// What tells workers of one kind from others of the same master; `None`: it serves nobody.
    pub kind: Option<String>,
    /// Its name.
    pub comm: String,
    /// Its runtime, where that is certain.
    pub runtime: Option<(Runtime, Version)>,
    /// What that runtime believes, where its limits can be seen.
    pub belief: Option<Belief>,
    /// What it holds, where that can be read.
    pub held: Option<Held>,
    /// The malloc arenas that it has, and the most that it may come to have.
    pub arenas: Option<(u32, u32)>,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its share of all that it maps (PSS).
    pub pss: Bytes,
    /// What it maps alone (USS).
    pub private: Bytes,
    /// Of its share, what the kernel cannot give back.
    pub kept: Bytes,
    /// Of its share, shared memory.
    pub shmem: Bytes,
    /// What its malloc has given up, and the kernel has not taken yet.
    pub given_up: Bytes,
    /// The most that it ever held alone.
    pub private_peak: Bytes,
}

/// What a cgroup holds, in JSON as `now`; `null` where it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Now {
    /// All that is counted.
    #[serde(rename = "usage_bytes")]
    pub usage: Option<Bytes>,
    /// The programs' own.
    #[serde(rename = "anon_bytes")]
    pub anon: Option<Bytes>,
    /// Files, which the kernel can give back.
    #[serde(rename = "file_bytes")]
    pub file: Option<Bytes>,
    /// Shared memory and tmpfs, which it cannot.
    #[serde(rename = "shmem_bytes")]
    pub shmem: Option<Bytes>,
    /// The kernel's own.
    #[serde(rename = "kernel_bytes")]
    pub kernel: Option<Bytes>,
}

impl Now {
    /// What cannot be given back.
    fn kept(&self) -> Option<u64> {
        Some(self.anon?.0.saturating_add(self.shmem.map_or(0, |shmem| shmem.0)))
    }
}

/// Where the processes live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ground {
    /// The limit in effect.
    pub limit: Option<Bytes>,
    /// The cgroup that has it.
    pub limit_cgroup: Option<String>,
    /// The machine's memory.
    pub host: Option<Bytes>,
    /// v2: above this the kernel slows the processes down.
    pub high: Option<Bytes>,
    /// What their cgroup holds.
    pub now: Now,
    /// What the cgroup of the limit holds, if that is another one.
    pub limit_now: Option<Now>,
    /// The processes are all that live in their cgroup.
    pub is_whole: bool,
    /// The processors that they may use, a quota, in thousandths.
    pub quota: Option<u32>,
}

/// The answer; in JSON as `audit NAME --format json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// The limit in effect, in bytes; `null`: there is none.
    pub limit_bytes: Option<Bytes>,
    /// The cgroup that has it; `null`: none, or one above what is shown here.
    pub limit_cgroup: Option<String>,
    /// `fits`, `tight`, `cannot-fit`, `unlimited` or `unknown`.
    pub fits: &'static str,
    /// What all together may come to use; `null` where nothing bounds a part of it.
    pub may_use_bytes: Option<Bytes>,
    /// What is certain: ceilings that are known, and what is held now where there is none.
    pub certain_bytes: Bytes,
    /// The machine's memory: the bound of last resort.
    pub host_bytes: Option<Bytes>,
    /// What is held now.
    pub now: Now,
    /// The terms.
    pub sum: Vec<Term>,
    /// The processes; workers of one kind are one.
    pub processes: Vec<Row>,
    /// Workers: how many there is room for.
    pub pools: Vec<Pool>,
    /// What is set and not read, not as written, or missing.
    pub remarks: Vec<String>,
    /// What nothing bounds, in a few words each.
    pub unbounded: Vec<String>,
}

/// A process, or workers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its pid; of several the first.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// Its runtime; `null`: not recognised.
    pub runtime: Option<&'static str>,
    /// The version of it.
    pub version: Option<String>,
    /// What its managed memory may grow to.
    pub ceiling_bytes: Option<Bytes>,
    /// Which setting or rule made the ceiling, or that there is none.
    pub ceiling_from: Option<String>,
    /// What it usually needs outside that.
    pub non_heap_bytes: Option<Bytes>,
    /// How many of them there are.
    pub count: u64,
    /// The pids, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<u32>,
    /// The master that they are the workers of.
    pub worker_of: Option<u32>,
    /// What they hold now, together: their share of what they map (PSS).
    pub pss_bytes: Option<Bytes>,
    /// What it holds alone (USS); of several the largest.
    pub private_bytes: Option<Bytes>,
    /// The processors it sizes its pools for.
    pub cpus: Option<u32>,
    /// The garbage collector it chooses by what it sees of the machine.
    pub collector: Option<&'static str>,
    /// The malloc arenas that it has; of several the most.
    pub arenas: Option<u32>,
    /// What its malloc has given up, and the kernel has not taken yet; of several together.
    pub given_up_bytes: Option<Bytes>,
}

/// Adds up what lives here and what it may come to.
#[must_use]
pub fn of_living(ground: &Ground, all: &[Alive]) -> Live {
    let families = Family::all(all);
    let mut portions: Vec<Portion> = families.iter().flat_map(|it| it.portions(all)).collect();
    portions.extend(terms::beside(ground, all));
    let limit = reachable(ground);
    let pools = pool::pools(&families, &portions, limit);
    let certain = total(portions.iter().map(|portion| portion.least));
    let usual: Option<Vec<u64>> = portions.iter().map(|portion| portion.usual).collect();
    let usual = usual.filter(|_| !all.is_empty()).map(|parts| Bytes(total(parts.into_iter())));
    let fits = match Fits::of(limit, Bytes(certain), usual) {
        Fits::Unknown if is_tight(ground, all, limit, certain, &pools) => Fits::Tight,
        fits => fits,
    };
    let mut unbounded: Vec<String> = Vec::new();
    for portion in portions.iter().filter(|portion| portion.usual.is_none()) {
        if !unbounded.contains(&portion.whose) {
            unbounded.push(portion.whose.clone());
        }
    }
    Live {
        limit_bytes: limit,
        limit_cgroup: ground.limit_cgroup.clone().filter(|_| limit.is_some()),
        fits: fits.word(),
        may_use_bytes: usual,
        certain_bytes: Bytes(certain),
        host_bytes: ground.host,
        now: ground.now,
        sum: portions.iter().flat_map(|portion| portion.terms.clone()).collect(),
        processes: families.iter().flat_map(Family::rows).collect(),
        remarks: remarks::of(ground, limit, all),
        pools,
        unbounded,
    }
}

/// A limit above the machine's own memory bounds nothing.
fn reachable(ground: &Ground) -> Option<Bytes> {
    ground.limit.filter(|limit| ground.host.is_none_or(|host| *limit < host))
}

/// Nearly full already, or workers that would fill it at the size of the largest.
fn is_tight(
    ground: &Ground,
    all: &[Alive],
    limit: Option<Bytes>,
    certain: u64,
    pools: &[Pool],
) -> bool {
    let Some(limit) = limit else { return false };
    let held = ground.limit_now.as_ref().unwrap_or(&ground.now).kept().unwrap_or(0);
    // A cgroup counts what malloc has given up until the kernel takes it.
    let given_up = total(all.iter().filter_map(|one| Some(one.held?.given_up.0)));
    let most = limit.0 / 20 * 19;
    held.saturating_sub(given_up) > most || certain > most || pools.iter().any(Pool::is_too_large)
}

fn total(parts: impl Iterator<Item = u64>) -> u64 {
    parts.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests;
