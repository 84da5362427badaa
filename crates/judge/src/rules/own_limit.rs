//! # own-limit — the container's own memory limit was full
//!
//! ## What it looks for
//! A kernel OOM report whose `oom_memcg` is the cgroup of the victim's container, or one set below
//! it inside the container (then the level is `nested`).
//!
//! ## Why it means that
//! `oom_memcg` is the cgroup whose limit could not be kept, `task_memcg` the cgroup of the process
//! that was chosen. When both are the container's, nobody else's memory counted: the kernel charged
//! every page to this limit and found no more to reclaim.
//!
//! With `memory.oom.group` set (Kubernetes from 1.28 on cgroup v2) every process of the cgroup dies: the first
//! victim is the one that was chosen, and the kernel prints it twice.
//!
//! ## What would speak against it
//! - `oom_memcg` above the container's cgroup: a pod, slice or task limit (ancestor-limit).
//! - `global_oom` or `CONSTRAINT_NONE` without `oom_memcg`: the host (host-memory).
//! - A SIGKILL through the API that came before the kill of the main process (api-kill, stop-timeout).
//! - Docker's flag does not: `OOMKilled=false` is lost in races, and containerd 1.6 watches nothing on a v1 host
//!   where some process has mounted a v1 controller in its own mount namespace only (systemd-nspawn does).
//! - `CONSTRAINT_MEMCG` alone proves no level; 5.0 to 5.2 kernels print `CONSTRAINT_NONE` for cgroup kills, too.
//!
//! ## Example
//! ```text
//! oom-kill:constraint=CONSTRAINT_MEMCG,…,oom_memcg=/docker/ab3f…,task_memcg=/docker/ab3f…,task=python3,pid=295,uid=0
//! Memory cgroup out of memory: Killed process 295 (python3) total-vm:66788kB, anon-rss:64888kB, …
//! ```
//!
//! ## References
//! - Linux `mm/oom_kill.c` `dump_oom_victim`, `mm/memcontrol.c` `mem_cgroup_print_oom_context`
//! - Linux `Documentation/admin-guide/cgroup-v2.rst`, `memory.max`, `memory.events`

use super::{Rule, Seek, kernel_kill};
use crate::facts::Stage;
use crate::verdict::{Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "own-limit",
    title: "the container's own memory limit was full",
    file: include_str!("own_limit.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    let levels = [Level::Own, Level::Nested];
    kernel_kill::reach(stage, seek, RULE.id, Killer::ContainerMemoryLimit, &levels)
}
