//! # tmpfs-above-limit — a file system in memory is as large as the limit, or larger
//!
//! ## What it looks for
//! - Compose: `tmpfs` with a size (short and long form, and volumes with the driver's type `tmpfs`) and `shm_size`.
//! - Kubernetes: an `emptyDir` with `medium: Memory` and a `sizeLimit`, in the containers that mount it.
//! - ECS: `linuxParameters.tmpfs` and `sharedMemorySize`.
//!
//! Each alone, and all of a container together.
//!
//! ## Why it means that
//! What is written to them is charged to the container as shmem and cannot be reclaimed without swap. Before
//! the file system is full the limit is: the writer gets no `No space left on device`, the kernel kills. The
//! victim's own memory may be next to nothing, and killing it frees nothing.
//!
//! ## What would speak against it
//! - Swap that the container may use.
//! - Nobody writes that much: then the size can be smaller.
//!
//! ## Example
//! ```yaml
//! services:
//!   worker:
//!     mem_limit: 64m
//!     tmpfs: /scratch:size=512m
//! ```
//!
//! ## References
//! - Kernel documentation, tmpfs; cgroup-v2, `memory.stat` shmem; Kubernetes, Volumes, emptyDir

use casefile::Bytes;

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "tmpfs-above-limit",
    title: "a file system in memory is as large as the limit, or larger",
    file: include_str!("tmpfs_above_limit.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some((limit, _)) = workload.effective() else { return Vec::new() };
    let mut found = Vec::new();
    for scratch in workload.scratch.iter().filter(|scratch| scratch.size >= limit) {
        let word = if scratch.size == limit { "as large as" } else { "larger than" };
        found.push(Wrong {
            level: Level::Error,
            place: scratch.place.clone(),
            message: format!(
                "{}: {} may hold {}, {word} the limit of {limit}: filling it ends in a kill, not in \"no space left\"",
                workload.name, scratch.what, scratch.size
            ),
            instead: format!("`{}` well below {limit}, with room for the processes; or a volume on disk", scratch.setting),
        });
    }
    let sum = workload.scratch.iter().fold(0u64, |sum, it| sum.saturating_add(it.size.0));
    if let Some(last) = workload.scratch.last().filter(|_| found.is_empty() && sum >= limit.0) {
        let terms: Vec<String> =
            workload.scratch.iter().map(|it| format!("{} ({})", it.size, it.what)).collect();
        found.push(Wrong {
            level: Level::Warning,
            place: last.place.clone(),
            message: format!(
                "{}: its file systems in memory may hold {} = {}, of a limit of {limit}",
                workload.name,
                terms.join(" + "),
                Bytes(sum)
            ),
            instead: format!("sizes that together stay well below {limit}; or a volume on disk"),
        });
    }
    found
}
