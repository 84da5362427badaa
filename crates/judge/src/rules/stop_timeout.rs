//! # stop-timeout — asked to stop, still there after the grace period, SIGKILL
//!
//! ## What it looks for
//! The stop signal and then SIGKILL through the API with a `stop` or `restart` event; or the daemon's
//! own words (`failed to exit within 10s of signal 15 - using the force`, systemd `State 'stop-sigterm'
//! timed out. Killing.`); or an orchestrator's stop with an exit by SIGKILL.
//!
//! ## Why it means that
//! Only a stop sends its signal first, waits, and then forces. The exit by SIGKILL shows that the main
//! process did not end on the first signal: PID 1 without a handler ignores SIGTERM.
//!
//! ## What would speak against it
//! - A kernel OOM kill of the main process before the SIGKILL (own-limit and its kin).
//! - SIGKILL without a stop signal before it (api-kill).
//! - An exit code other than 137: the program obeyed (stopped).
//!
//! ## Example
//! ```text
//! container kill web (signal=15)   10:02:01
//! container kill web (signal=9)    10:02:11
//! container die  web (exitCode=137)
//! container stop web
//! ```
//!
//! ## References
//! - moby `daemon/stop.go` `containerStop`; the entry is written even if the process was gone
//! - Kubernetes: `terminationGracePeriodSeconds`; ECS: `stopTimeout`; systemd: `TimeoutStopSec=`

use casefile::Moment;
use parse::record::DaemonLine;

use super::draft::{because, decisive, draft, end_line, signal_line, signal_name, signal_number};
use super::{Rule, Seek, rivals};
use crate::facts::{Stage, Teller};
use crate::verdict::{Confidence, Fate, KilledBy, Killer, Level, Role, Verdict, Victim};

pub(super) const RULE: Rule = Rule {
    id: "stop-timeout",
    title: "asked to stop, still there after the grace period, SIGKILL",
    file: include_str!("stop_timeout.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.alive {
        return None;
    }
    by_api(stage).or_else(|| by_daemon(stage)).or_else(|| by_orchestrator(stage))
}

/// The signal that asks this container to stop.
pub(super) fn stop_signal(stage: &Stage<'_>) -> i32 {
    let configured = stage.life.record.as_ref().and_then(|record| record.what.stop_signal.clone());
    configured.as_deref().and_then(signal_number).unwrap_or(15)
}

fn by_api(stage: &Stage<'_>) -> Option<Verdict> {
    let asked = stage.signals().iter().find(|signal| signal.signal == stop_signal(stage))?;
    let forced = stage.signals().iter().rfind(|signal| signal.signal == 9)?;
    let escalated = escalation(stage);
    if stage.life.stop_event.is_none() && escalated.is_none() {
        return None;
    }
    let exit = stage.life.exit_code();
    if exit.is_some_and(|code| code != 137) {
        return None;
    }
    let waited = waited(asked.at, forced.at);
    let mut verdict = base(stage, waited, &signal_name(asked.signal), Confidence::Proven);
    verdict.because.push(signal_line(asked, format!("docker sent {}", signal_name(asked.signal))));
    verdict.because.push(signal_line(forced, format!("{} later it sent SIGKILL", seconds(waited))));
    if let Some((cite, at, _)) = escalated {
        verdict.because.push(decisive(&cite, at, "the daemon gave up waiting", "using the force"));
    } else if let Some(stop) = &stage.life.stop_event {
        verdict.because.push(because(stop, None, "a stop was asked for, not a kill"));
    }
    verdict.because.extend(end_line(stage, "the main process ended with 137, 128 + SIGKILL"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

type Escalation = (casefile::Citation, Option<Moment>, (Option<u64>, String));

fn escalation(stage: &Stage<'_>) -> Option<Escalation> {
    let lines: Vec<_> = stage.daemon().collect();
    lines.into_iter().rev().find_map(|fact| match &fact.what {
        // containerd and the kubelet write the stop and, when its time is up, the kill.
        DaemonLine::KillRequested { by, .. } if was_asked_before(stage, fact.at) => {
            Some((fact.cite.clone(), fact.at, (asked_grace(stage), by.clone())))
        }
        DaemonLine::StopEscalated { grace_seconds, by, .. } => {
            Some((fact.cite.clone(), fact.at, (*grace_seconds, by.clone())))
        }
        DaemonLine::UnitStopTimeout { .. } => {
            Some((fact.cite.clone(), fact.at, (None, "systemd".to_owned())))
        }
        _ => None,
    })
}

/// A daemon was asked to stop this container, and its grace period was over at this moment.
pub(super) fn was_asked_before(stage: &Stage<'_>, moment: Option<Moment>) -> bool {
    stage.daemon().any(|fact| match &fact.what {
        DaemonLine::StopRequested { grace_seconds, .. } => {
            let grace = grace_seconds.unwrap_or(1);
            let waited = fact.at.zip(moment).map(|(asked, now)| now.seconds_since(asked));
            grace > 0 && waited.is_none_or(|waited| waited > grace as f64 - 1.0)
        }
        _ => false,
    })
}

fn asked_grace(stage: &Stage<'_>) -> Option<u64> {
    stage.daemon().find_map(|fact| match &fact.what {
        DaemonLine::StopRequested { grace_seconds, .. } => *grace_seconds,
        _ => None,
    })
}

/// A daemon's own words, without the API's events: dockerd, CRI-O, podman, systemd.
fn by_daemon(stage: &Stage<'_>) -> Option<Verdict> {
    let (cite, at, (grace, by)) = escalation(stage)?;
    if stage.life.exit_code().is_some_and(|code| code != 137) {
        return None;
    }
    let mut verdict =
        base(stage, grace.map(|grace| grace as f64), "the stop signal", Confidence::Proven);
    verdict.at = at.or(verdict.at);
    verdict.killed_by = Some(KilledBy { name: Some(by.clone()), ..KilledBy::default() });
    verdict.because.push(because(&cite, at, format!("{by} gave up waiting and used SIGKILL")));
    let named = stage.daemon().filter_map(|fact| match &fact.what {
        DaemonLine::UnitKilling { pid, comm, .. } => Some((fact, *pid, comm.clone())),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    if !named.is_empty() {
        verdict.victims.clear();
    }
    for (fact, pid, comm) in named {
        let words = format!("Killing process {pid}");
        verdict.because.push(decisive(&fact.cite, fact.at, "whom it killed", words));
        verdict.victims.push(Victim { pid: Some(pid), comm, ..nameless(Role::Other) });
    }
    if verdict.container_id.is_none() {
        let lines = stage.daemon().filter_map(|fact| crate::facts::named_container(&fact.what));
        verdict.container_id = lines.last();
    }
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A stop by the kubelet or the ECS agent that ended in SIGKILL.
fn by_orchestrator(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.exit_code() != Some(137) || stage.life.flagged() == Some(true) {
        return None;
    }
    let (cite, at, says) = super::stopped::orchestrators_stop(stage)?;
    let grace = stage.life.pod.as_ref().and_then(|pod| pod.what.grace_seconds);
    let by = if stage.life.teller == Teller::Ecs { "the ECS agent" } else { "the kubelet" };
    let mut verdict = base(stage, grace.map(|grace| grace as f64), "SIGTERM", Confidence::Likely);
    verdict.killed_by = Some(KilledBy { name: Some(by.to_owned()), ..KilledBy::default() });
    verdict.because.push(because(&cite, at, says));
    verdict
        .because
        .extend(end_line(stage, "137: it was still there when the grace period ran out"));
    verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
    Some(verdict)
}

fn base(stage: &Stage<'_>, waited: Option<f64>, signal: &str, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::StopTimeout, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Killed;
    verdict.main.signal = Some(9);
    verdict.victims = main_victim(stage);
    let waited =
        waited.map_or_else(|| "the grace period".to_owned(), |waited| format!("{waited:.1} s"));
    verdict.detail = Some(if waited == "0.0 s" {
        format!("{signal} was sent and SIGKILL right after it: no time to stop was given")
    } else {
        format!("{signal} was sent, {waited} passed, then SIGKILL")
    });
    verdict
}

/// The main process as a victim, where a container with a known main process is the subject.
pub(super) fn main_victim(stage: &Stage<'_>) -> Vec<Victim> {
    let known = stage.life.teller == Teller::Docker
        && (!stage.life.command().is_empty() || stage.life.number.is_some());
    let pid = stage.main_pid();
    let victim = Victim { pid, ..nameless(Role::Main) };
    if known || pid.is_some() { vec![victim] } else { Vec::new() }
}

/// A victim of whom only the role is known.
pub(super) fn nameless(role: Role) -> Victim {
    Victim {
        pid: None,
        comm: None,
        role,
        uid: None,
        total_vm_kb: None,
        anon_rss_kb: None,
        file_rss_kb: None,
        shmem_rss_kb: None,
        oom_score_adj: None,
    }
}

fn waited(asked: Option<Moment>, forced: Option<Moment>) -> Option<f64> {
    Some(forced?.seconds_since(asked?))
}

fn seconds(waited: Option<f64>) -> String {
    waited.map_or_else(|| "some time".to_owned(), |waited| format!("{waited:.1} s"))
}
