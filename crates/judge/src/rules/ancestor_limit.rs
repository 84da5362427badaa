//! # ancestor-limit — a limit above the container was full
//!
//! ## What it looks for
//! A kernel OOM report whose `oom_memcg` lies above the victim's container: a pod, a slice, an ECS
//! task, a `--cgroup-parent`. On Fargate, where no kernel log is shown: ECS's `OutOfMemoryError` in a
//! task whose containers have no smaller limit of their own, or whose containers' limits together are more
//! than the task's (then its own limit stays a candidate): never more than `likely`.
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

use casefile::{Bytes, Limit};
use parse::record::{ContainerStatus, EcsTask};

use super::draft::{because, decisive, draft, end_line, possible};
use super::{Rule, Seek, kernel_kill, oom_level_unknown};
use crate::facts::{OomKill, Stage};
use crate::verdict::{Confidence, Killer, Level, Verdict, WouldSettle};

pub(super) const RULE: Rule = Rule {
    id: "ancestor-limit",
    title: "a limit above the container (pod, slice, task, parent) was full",
    file: include_str!("ancestor_limit.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    by_kernel(stage, seek).or_else(|| by_fargate(stage, seek))
}

/// Fargate shows no kernel log: its own `OutOfMemoryError`, and the limits of the task and its containers.
fn by_fargate(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    let task = stage.life.task.as_ref()?;
    let of_fargate = task.what.launch_type.as_deref() == Some("FARGATE");
    let told = oom_level_unknown::ecs_told_of_oom(stage)?;
    let limit = task.what.memory.filter(|limit| limit.0 > 0)?;
    if seek != Seek::KilledInside || !of_fargate || !stage.kills.is_empty() {
        return None;
    }
    let own = own_hard_limit(stage).filter(|own| *own < limit);
    let promised = promised(&task.what);
    let over = promised.iter().map(|(_, bytes)| *bytes).sum::<Bytes>() > limit;
    // Its own limit is the smaller one, and all of them fit into the task's: nothing points above.
    if own.is_some() && !over {
        return None;
    }
    let killer = Killer::AncestorMemoryLimit;
    let mut verdict = draft(stage, RULE.id, killer, Level::Ancestor, Confidence::Likely);
    verdict.limit = Some(Limit::At(limit));
    let alone = task.what.containers.len() == 1;
    verdict.limit_at_fault = own.is_none().then_some(alone);
    verdict.detail = shares(&promised, limit);
    verdict.because.push(decisive(
        &told,
        None,
        "ECS tells of an OOM kill in this container",
        "emory",
    ));
    let says = match own {
        Some(own) => format!("the task's limit is {limit}, the container's own {own}"),
        None => {
            format!("the task's limit is {limit}, and the container has no smaller one of its own")
        }
    };
    verdict.because.push(because(&task.cite, None, says));
    verdict.because.extend(end_line(stage, "how the main process ended"));
    if let Some(own) = own {
        let because = format!("or it filled its own {own} alone: no number here shows its usage");
        verdict.candidates = vec![
            possible(killer, "the task's limit"),
            possible(Killer::ContainerMemoryLimit, because),
        ];
    }
    verdict.would_settle_it = vec![WouldSettle {
        missing: "each container's memory over time: Container Insights, or the task's metadata"
            .to_owned(),
        how: "curl \"$ECS_CONTAINER_METADATA_URI_V4/task/stats\"".to_owned(),
    }];
    Some(verdict)
}

/// The container has no hard limit of its own, and its task has one: Fargate's usual case, and ECS on
/// EC2 with `memory` at the task only.
pub(super) fn only_the_task_has_a_limit(stage: &Stage<'_>) -> bool {
    let task = stage.life.task.as_ref().and_then(|task| task.what.memory);
    task.is_some_and(|task| task.0 > 0) && own_hard_limit(stage).is_none()
}

fn own_hard_limit(stage: &Stage<'_>) -> Option<Bytes> {
    stage.life.status.as_ref()?.what.memory.limit?.bytes()
}

/// What each container of a task may use (its hard limit), or at least was promised (`memoryReservation`).
fn promised(task: &EcsTask) -> Vec<(String, Bytes)> {
    let share = |status: &ContainerStatus| {
        let memory = status.memory;
        let bytes = memory.limit.and_then(Limit::bytes).or(memory.request)?;
        Some((status.name.clone().unwrap_or_else(|| "a container".to_owned()), bytes))
    };
    task.containers.iter().filter_map(share).collect()
}

/// `its containers may use 1056 MiB together (app 768, envoy 160, datadog 128), the task has 1024 MiB`: all
/// in one unit, so that the sum can be checked.
fn shares(promised: &[(String, Bytes)], limit: Bytes) -> Option<String> {
    let mebibytes = |bytes: Bytes| bytes.0 >> 20;
    let sum: u64 = promised.iter().map(|(_, bytes)| mebibytes(*bytes)).sum();
    let words: Vec<String> =
        promised.iter().map(|(name, bytes)| format!("{name} {}", mebibytes(*bytes))).collect();
    (promised.len() > 1).then(|| {
        format!(
            "its containers may use {sum} MiB together ({}), the task has {} MiB",
            words.join(", "),
            mebibytes(limit)
        )
    })
}

fn by_kernel(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
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
