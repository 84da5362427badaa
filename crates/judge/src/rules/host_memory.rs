//! # host-memory — the whole machine was out of memory
//!
//! ## What it looks for
//! A kernel OOM report with `CONSTRAINT_NONE` and `global_oom`, or (before 5.0) the words
//! `Out of memory: Kill process` of a whole report; a bare `Out of memory: Killed process` line is
//! at most likely, because a NUMA-bound kill prints the same words. A kernel that panics for want of memory
//! (`system-wide panic_on_oom is enabled`, `System is deadlocked on memory`) ends every process with the machine.
//!
//! ## Why it means that
//! Only the page allocator prints these words, when no node of the machine has a page left. The
//! victim is chosen from every process of the host by size and `oom_score_adj`; limits of containers have
//! no part in it.
//!
//! ## What would speak against it
//! - `oom_memcg=` in the summary line: a cgroup's limit. `Memory cgroup` elsewhere in the report does
//!   not count: 7.2 kernels print `Memory cgroup min protection` in host-wide reports.
//! - `order=-1`: a person asked for the kill (process).
//! - `CONSTRAINT_CPUSET` or `CONSTRAINT_MEMORY_POLICY` (numa-memory).
//! - `Out of memory (oom_kill_allocating_task)`: the same cause, but the victim is whoever asked, however small.
//! - Docker's flag does not speak: on cgroup v1 it stays false, on v2 it becomes true for the same death.
//! - `compulsory panic_on_oom` (the value 2) also answers a cgroup's limit: then the level is not shown.
//!
//! ## Example
//! ```text
//! oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/docker/dd3e…,task=hog,pid=261,uid=0
//! Out of memory: Killed process 261 (hog) total-vm:737052kB, anon-rss:735456kB, …
//! ```
//!
//! ## References
//! - Linux `mm/oom_kill.c` `out_of_memory`, `constrained_alloc`
//! - Docker Desktop and other virtual machines: "the machine" is the VM

use parse::record::{KernelEvent, KillMessage};

use super::draft::{because, draft, end_line};
use super::{Rule, Seek, kernel_kill, rivals};
use crate::facts::Stage;
use crate::verdict::{Confidence, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "host-memory",
    title: "the whole machine was out of memory",
    file: include_str!("host_memory.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    by_kill(stage, seek).or_else(|| by_panic(stage, seek))
}

fn by_kill(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    let killer = Killer::HostOutOfMemory;
    let mut verdict = kernel_kill::reach(stage, seek, RULE.id, killer, &[Level::Host])?;
    if kernel_kill::message(stage.kills.last()?) == Some(KillMessage::AllocatingTask) {
        let words =
            "vm.oom_kill_allocating_task is set: whoever asked for memory died, however small";
        verdict.detail = Some(words.to_owned());
    }
    Some(verdict)
}

/// The machine panicked in place of a kill: nobody was chosen, everything ended. Docker writes 255 for
/// what it finds gone after the reboot.
fn by_panic(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.alive || !stage.kills.is_empty() {
        return None;
    }
    let (fact, told) = stage.sheet.kernel.iter().rev().find_map(|fact| {
        let KernelEvent::Panic(told) = &fact.what else { return None };
        let system = told.contains("system-wide panic_on_oom");
        let by_memory = system || told.contains("deadlocked on memory");
        by_memory.then_some((fact, told))
    })?;
    let in_time = fact.at.is_none_or(|at| stage.life.holds(at));
    let fits = stage.life.end.is_none() || matches!(stage.life.exit_code(), None | Some(255));
    if !(in_time && fits) {
        return None;
    }
    let mut verdict =
        draft(stage, RULE.id, Killer::HostOutOfMemory, Level::Host, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.at_words = rivals::words_of(fact.stamp, verdict.at);
    verdict.limit = None;
    verdict.limit_at_fault = Some(false);
    verdict.detail = Some(if told.contains("panic_on_oom") {
        "vm.panic_on_oom is set: the kernel panicked in place of a kill, and every process ended with the machine".to_owned()
    } else {
        "the kernel found nothing that it may kill and panicked: every process ended with the machine".to_owned()
    });
    verdict.because.push(because(&fact.cite, fact.at, "the kernel's last words"));
    verdict.because.extend(end_line(stage, "what docker noted after the reboot"));
    Some(verdict)
}
