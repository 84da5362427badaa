//! # failed-probe — a health check failed and its owner killed the container
//!
//! ## What it looks for
//! `failed liveness probe, will be restarted` and `failed startup probe …` events; Swarm's `unhealthy container`;
//! ECS `failed container health checks` and `failed ELB health checks`; Podman and autoheal acting on unhealthy;
//! a systemd watchdog.
//!
//! ## Why it means that
//! These words are written by the program that then stops the container. They are its word alone:
//! at most `likely`.
//!
//! ## What would speak against it
//! - Plain Docker never kills an unhealthy container: `health_status: unhealthy` alone is no killer.
//! - Readiness probes never kill.
//! - A kernel OOM kill of the main process before it, or the runtime's own `OOMKilled`.
//!
//! ## Example
//! ```text
//! Normal  Killing  kubelet  Container app failed liveness probe, will be restarted
//! ```
//!
//! ## References
//! - Kubernetes `pkg/kubelet/kuberuntime/kuberuntime_manager.go`; moby `daemon/cluster/executor/container`

use casefile::{Citation, Moment};
use parse::record::DaemonLine;

use super::draft::{because, by_name, draft, end_line};
use super::{Rule, Seek, rivals};
use crate::facts::{Stage, Teller};
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "failed-probe",
    title: "a liveness, startup or health check failed and its owner killed the container",
    file: include_str!("failed_probe.rs"),
    reach,
};

/// Somebody's word that it acted on a failed check.
struct Told {
    cite: Citation,
    at: Option<Moment>,
    by: String,
    says: String,
}

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.flagged() == Some(true) {
        return None;
    }
    let told = by_kubelet(stage).or_else(|| by_ecs(stage)).or_else(|| by_daemon(stage))?;
    let mut verdict = draft(stage, RULE.id, Killer::FailedProbe, Level::None, Confidence::Likely);
    verdict.at = verdict.at.or(told.at);
    verdict.limit_at_fault = Some(false);
    verdict.killed_by = Some(by_name(told.by));
    verdict.detail = Some(told.says.clone());
    verdict.because.push(because(&told.cite, told.at, "who acted on the failed check says so"));
    let unhealthy = stage.pod_events().find(|event| event.what.reason == "Unhealthy");
    if let Some(event) = unhealthy {
        verdict.because.push(because(&event.cite, event.at, "the check that failed"));
    }
    if verdict.main.exit_code == Some(137) {
        verdict.main.fate = Fate::Killed;
        verdict.main.signal = Some(9);
    }
    verdict.because.extend(end_line(stage, "how the container ended"));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

fn by_kubelet(stage: &Stage<'_>) -> Option<Told> {
    let event = stage.pod_events().find(|event| {
        let message = &event.what.message;
        let acted = ["restart", "killed and recreated", "killed and re-created", "ProbeFailure"];
        let failed =
            ["failed liveness probe", "failed startup probe", "is unhealthy", "ProbeFailure"];
        let told = |words: &[&str]| words.iter().any(|word| message.contains(word));
        told(&failed) && told(&acted) && event.what.reason != "Unhealthy"
    })?;
    Some(Told {
        cite: event.cite.clone(),
        at: event.at,
        by: "kubelet".to_owned(),
        says: event.what.message.trim().replacen("Container", "container", 1),
    })
}

fn by_ecs(stage: &Stage<'_>) -> Option<Told> {
    if stage.life.teller != Teller::Ecs {
        return None;
    }
    let task = stage.life.task.as_ref()?;
    let reason = task.what.stopped_reason.clone()?;
    let told = reason.contains("health checks") || reason.contains("health check failure");
    let by = if reason.contains("ELB") { "ECS, by the load balancer's check" } else { "ECS" };
    let by = by.to_owned();
    told.then(|| Told { cite: task.cite.clone(), at: task.what.stopping_at, by, says: reason })
}

fn by_daemon(stage: &Stage<'_>) -> Option<Told> {
    stage.daemon().find_map(|fact| {
        let (by, says) = match &fact.what {
            DaemonLine::UnhealthyKill { by, .. } => {
                (by.clone(), format!("{by} acted on the failed health check"))
            }
            DaemonLine::UnitResult { result, unit } if result == "watchdog" => {
                ("systemd".to_owned(), format!("the watchdog of {unit} ran out"))
            }
            DaemonLine::UnitResult { .. }
            | DaemonLine::StopEscalated { .. }
            | DaemonLine::StopRequested { .. }
            | DaemonLine::KillRequested { .. }
            | DaemonLine::UnitStopTimeout { .. }
            | DaemonLine::UnitKilling { .. }
            | DaemonLine::UnitKilledByClient { .. }
            | DaemonLine::UnitMainExited { .. }
            | DaemonLine::UnitOomKill { .. }
            | DaemonLine::UnitStopping { .. }
            | DaemonLine::OomDaemonKill { .. }
            | DaemonLine::ShimGone { .. }
            | DaemonLine::RuntimeOom { .. }
            | DaemonLine::DaemonShutdown { .. }
            | DaemonLine::OomCounted { .. }
            | DaemonLine::SignalSentBy { .. } => return None,
        };
        Some(Told { cite: fact.cite.clone(), at: fact.at, by, says })
    })
}
