//! # failed-probe — a health check failed and its owner killed the container
//!
//! ## What it looks for
//! `failed liveness probe, will be restarted` and `failed startup probe …` events; Swarm's `unhealthy container`;
//! ECS `failed container health checks` and `failed ELB health checks`; Podman and autoheal acting on unhealthy;
//! a systemd watchdog; a service that did not become ready within its start timeout.
//!
//! ## Why it means that
//! These words are written by the program that then stops the container. They are its word alone:
//! at most `likely`.
//!
//! ## What would speak against it
//! - Plain Docker never kills an unhealthy container: `health_status: unhealthy` alone is no killer.
//! - Readiness probes never kill.
//! - A kernel OOM kill of the main process before it; or the runtime's own `OOMKilled`, unless the end came within
//!   the grace period of the kill for health: the flag also tells of a child's OOM kill.
//!
//! ## Example
//! ```text
//! Normal  Killing  kubelet  Container app failed liveness probe, will be restarted
//! ```
//!
//! ## References
//! - Kubernetes `pkg/kubelet/kuberuntime/kuberuntime_manager.go`; moby `daemon/cluster/executor/container`

use casefile::{Citation, Moment};
use parse::record::{DaemonLine, MainEnd};

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

/// Seconds within which Podman's own SIGKILL follows its check.
const PODMAN_ACTS: f64 = 5.0;

/// Somebody's word that it acted on a failed check.
struct Told {
    cite: Citation,
    at: Option<Moment>,
    by: String,
    says: String,
}

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside {
        return None;
    }
    let told = by_kubelet(stage)
        .or_else(|| by_ecs(stage))
        .or_else(|| by_swarm(stage))
        .or_else(|| by_podman(stage))
        .or_else(|| by_daemon(stage))?;
    // The flag tells of an OOM kill of any process: only a kill for health that the end follows at once
    // leaves it no part in it.
    if stage.life.flagged() == Some(true) && !ended_by(stage, &told) {
        return None;
    }
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
    } else if let Some(MainEnd::Killed(signal)) = stage.main_end() {
        verdict.main.fate = Fate::Killed;
        verdict.main.signal = Some(signal);
    }
    verdict.because.extend(end_line(stage, "how it ended"));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// The end came within the grace period of this very kill.
fn ended_by(stage: &Stage<'_>, told: &Told) -> bool {
    let grace = stage.life.pod.as_ref().and_then(|pod| pod.what.grace_seconds).unwrap_or(30);
    let gap = told.at.zip(stage.life.ended_at()).map(|(at, end)| end.seconds_since(at));
    gap.is_some_and(|gap| (-1.0..grace as f64 + 5.0).contains(&gap))
}

/// The kubelet's own words that it killed this container for a failed probe, whether the end was that one or not.
pub(super) fn kubelet_killed(stage: &Stage<'_>) -> Option<String> {
    by_kubelet(stage).map(|told| told.says)
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
    let told = ["health checks", "health check failure", "is unhealthy in"]
        .iter()
        .any(|words| reason.contains(words));
    let balancer = reason.contains("ELB") || reason.contains("target-group");
    let by = if balancer { "ECS, by the load balancer's check" } else { "ECS" };
    let by = by.to_owned();
    told.then(|| Told { cite: task.cite.clone(), at: task.what.stopping_at, by, says: reason })
}

fn was_forced(stage: &Stage<'_>, unit: &str) -> bool {
    stage
        .daemon()
        .any(|fact| matches!(&fact.what, DaemonLine::UnitStopTimeout { unit: own } if own == unit))
}

/// The Swarm manager's error for the task.
fn by_swarm(stage: &Stage<'_>) -> Option<Told> {
    let task = stage.life.swarm.as_ref()?;
    let error = task.what.error.clone()?;
    let told = error.contains("unhealthy container") && !stage.life.alive;
    let by = "swarm".to_owned();
    told.then(|| Told { cite: task.cite.clone(), at: task.what.at, by, says: error })
}

/// Podman itself kills for a failed check where the container was made so
/// (`--health-on-failure=kill`): its signal follows the check's event at once.
fn by_podman(stage: &Stage<'_>) -> Option<Told> {
    let record = stage.life.record.as_ref()?;
    if record.what.health_on_failure.as_deref() != Some("kill") {
        return None;
    }
    let (at, cite) = stage.life.unhealthy.as_ref()?;
    let gap = stage.api_kill()?.at.zip(*at).map(|(kill, check)| kill.seconds_since(check));
    let says = "podman acted on the failed health check (`--health-on-failure=kill`)".to_owned();
    gap.is_some_and(|gap| (0.0..PODMAN_ACTS).contains(&gap)).then(|| Told {
        cite: cite.clone(),
        at: *at,
        by: "podman".to_owned(),
        says,
    })
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
            // Where the stop that followed had to be forced, that is what ended it.
            DaemonLine::UnitTimeLimit { at_start: true, unit } if !was_forced(stage, unit) => {
                let says = format!("{unit} did not become ready within its start timeout");
                ("systemd".to_owned(), says)
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
            | DaemonLine::UnitStarted { .. }
            | DaemonLine::UnitDeactivated { .. }
            | DaemonLine::UnitTimeLimit { .. }
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
