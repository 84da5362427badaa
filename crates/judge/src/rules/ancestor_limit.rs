//! # ancestor-limit — a limit above the container was full
//!
//! ## What it looks for
//! A kernel OOM report whose `oom_memcg` lies above the victim's container: a pod, a slice, an ECS
//! task, a `--cgroup-parent`.
//!
//! ## Why it means that
//! The kernel charges a page to a cgroup and to every one above it; the first that cannot be kept
//! names the report. The victim is chosen from everything below that cgroup, by size and
//! `oom_score_adj`: it need not be the one that grew. Whoever `invoked oom-killer` asked for the page that
//! did not fit, and is named where it is not the victim.
//!
//! ## What would speak against it
//! - `oom_memcg` equal to the container's cgroup (own-limit).
//! - A pod whose limit equals its only container's: the kernel names the pod, for its owner it is
//!   the container's limit. The answer says so and sets `limit_at_fault`.
//! - On cgroup v1 every container below the parent gets the OOM notification: `OOMKilled=true` on a
//!   container from which nothing was killed.
//!
//! ## Example
//! ```text
//! oom-kill:constraint=CONSTRAINT_MEMCG,…,oom_memcg=/batch,task_memcg=/batch/5f1c…,task=python3,pid=811,uid=0
//! memory: usage 98304kB, limit 98304kB, failcnt 41
//! ```
//!
//! ## References
//! - Linux `mm/memcontrol.c` `try_charge_memcg`, `mem_cgroup_scan_tasks`
//! - containerd issue 12133: the runtime's OOM event does not say whose limit

use super::draft::decisive;
use super::{Rule, Seek, kernel_kill};
use crate::facts::{OomKill, Stage};
use crate::verdict::{Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "ancestor-limit",
    title: "a limit above the container (pod, slice, task, parent) was full",
    file: include_str!("ancestor_limit.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    let killer = Killer::AncestorMemoryLimit;
    let mut verdict = kernel_kill::reach(stage, seek, RULE.id, killer, &[Level::Ancestor])?;
    if verdict.limit_at_fault == Some(true) {
        let words =
            "the parent's limit equals the container's own, so this is the container's limit too";
        verdict.detail = Some(words.to_owned());
        verdict.ruled_out.retain(|rival| rival.killer != Killer::ContainerMemoryLimit);
    }
    // The neighbour that asked for the page that did not fit: the one that grew, more often than not.
    let asked = deciding_kill(stage, &verdict).and_then(|kill| {
        let invoker = kill.report.invoked_by.as_ref()?;
        let other =
            invoker.pid.is_some_and(|pid| verdict.victims.iter().all(|v| v.pid != Some(pid)));
        other.then_some((kill, invoker))
    });
    if let Some((kill, invoker)) = asked {
        let pid = invoker.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let words =
            format!("{}{pid}, below the same limit, asked for more when it was full", invoker.comm);
        verdict.detail.get_or_insert(words.clone());
        if let Some(seen) = &kill.report.invoker {
            verdict.because.push(decisive(
                &kill.cite(seen.span),
                kill.at,
                words,
                "invoked oom-killer",
            ));
        }
    }
    Some(verdict)
}

/// The kill that the verdict is about.
fn deciding_kill<'a>(stage: &Stage<'a>, verdict: &Verdict) -> Option<&'a OomKill> {
    stage.kills.iter().copied().rfind(|kill| kill.limit_cgroup() == verdict.limit_cgroup.as_ref())
}
