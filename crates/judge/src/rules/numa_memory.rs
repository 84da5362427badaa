//! # numa-memory — the allowed NUMA nodes were out of memory
//!
//! ## What it looks for
//! A kernel OOM report with `CONSTRAINT_CPUSET` or `CONSTRAINT_MEMORY_POLICY`.
//!
//! ## Why it means that
//! The allocation was only allowed on some nodes (`cpuset.mems`, `--cpuset-mems`, `numactl`), and those
//! had no page left; the machine as a whole may have plenty free.
//!
//! ## What would speak against it
//! - `CONSTRAINT_NONE` with `global_oom` (host-memory), or `oom_memcg=` (a cgroup's limit).
//! - The victim may be of another cpuset: the kernel looks for tasks that hold memory on those nodes.
//!
//! ## Example
//! ```text
//! oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=docker-9976….scope,mems_allowed=4,global_oom,task_memcg=/x,task=java,pid=4100,uid=0
//! ```
//!
//! ## References
//! - Linux `mm/oom_kill.c` `constrained_alloc`, `oom_cpuset_eligible`

use super::{Rule, Seek, kernel_kill};
use crate::facts::Stage;
use crate::verdict::{Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "numa-memory",
    title: "the NUMA nodes that the process may use were out of memory",
    file: include_str!("numa_memory.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    kernel_kill::reach(stage, seek, RULE.id, Killer::NumaOutOfMemory, &[Level::Numa])
}
