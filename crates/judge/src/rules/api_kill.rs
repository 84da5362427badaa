//! # api-kill — killed through the runtime's or orchestrator's API
//!
//! ## What it looks for
//! - A `kill` event with a signal that asks for no stop, and an end that shows this signal within 30 s.
//! - Docker's `HasBeenManuallyStopped` with an exit by SIGKILL where its events are gone.
//! - containerd's or the kubelet's line that a kill was asked for, with no stop whose grace ran out before it.
//! - An orchestrator's words for a drain, an autoscaler's or the descheduler's eviction, preemption, taint, node shutdown, deadline, pod clean-up (PodGC); ECS spot
//!   interruption, a lost host, a Batch attempt's timeout.
//! - `docker kill NAME`, `docker rm -f NAME` or `kubectl drain` in a pasted transcript, with its answer, before
//!   the words that show the end; Compose's own `Container NAME  Killed`.
//!
//! ## Why it means that
//! Every client (docker kill, rm -f, an updater, a CI cleaner) goes through the daemon, which writes a
//! `kill` entry. The entry is an intent: that it ended the container follows from the end right after
//! it and from the absence of an earlier kill. Docker's note alone does not tell a kill from a stop that was
//! forced, so it is `likely` and both are named; so is what only a daemon or an orchestrator says.
//!
//! ## What would speak against it
//! - A stop signal before it with a `stop` event (stop-timeout).
//! - A kernel OOM kill of the main process before it; the entry is written even if the process was
//!   already gone. With `OOMKilled=true` and no kernel log of the whole life it is `likely` only.
//! - Nobody's name is in the events: the client stays unknown. A failed health check before the signal is
//!   quoted as a hint at a client like autoheal, never taken as its proof.
//! - `Cancelling deletion of Pod`: the taint was tolerated after all. `not admitting any new pods`: the
//!   pod was refused by a node that shuts down, and never ran.
//!
//! ## Example
//! ```text
//! container kill web (signal=9)
//! container die  web (exitCode=137)
//! ```
//!
//! ## References
//! - moby `daemon/kill.go` `killWithSignal`, `container.HasBeenManuallyStopped`

use casefile::{Citation, Moment, signal_name};
use parse::record::{DaemonLine, PodEvent, PodRecord, RequestKind};

use super::draft::{
    asks_to_stop, because, by_name, decisive, draft, end_line, main_victim, signal_line,
    stop_signal,
};
use super::{Rule, Seek, requested, rivals, stop_timeout};
use crate::facts::{ApiSignal, MainHit, Stage, Teller};
use crate::verdict::{Because, Candidate, Confidence, Fate, Killer, Level, RuledOut, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "api-kill",
    title: "killed through the runtime's or orchestrator's API",
    file: include_str!("api_kill.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.alive {
        return None;
    }
    by_event(stage)
        .or_else(|| by_flag(stage))
        .or_else(|| by_daemon(stage))
        .or_else(|| by_orchestrator(stage))
        .or_else(|| by_command(stage))
}

/// The command itself, in a transcript.
fn by_command(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = requested::find(stage, &[RequestKind::Kill, RequestKind::Drain])?;
    let request = &fact.what;
    let signal = request.signal.unwrap_or(9);
    let fits = match stage.life.exit_code() {
        Some(code) => code == 128 + i64::from(signal) || request.kind == RequestKind::Drain,
        None => signal == 9,
    };
    // An OOM notification needs another explanation than the command gives.
    if !fits || stage.life.flagged() == Some(true) || !stage.kills.is_empty() {
        return None;
    }
    let mut verdict = base(stage, signal, Confidence::Likely);
    verdict.killed_by = Some(by_name(&request.by));
    let (detail, says) = requested::told(request);
    verdict.detail = Some(detail);
    verdict.because.push(because(&fact.cite, None, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn by_event(stage: &Stage<'_>) -> Option<Verdict> {
    let signal = stage.life.signals.iter().rfind(|signal| ended_by(stage, signal))?;
    let certain = stage.life.flagged() != Some(true)
        || stage.sheet.kernel_covered
        || stage.kills.iter().any(|kill| stage.main_hit(kill) == MainHit::No);
    // A signal without a time may be another life's.
    let ended = stage.life.ended_at().is_some();
    let timed = signal.at.is_some() || !ended;
    // Nor can one after a stop be told from that stop's own where the times are cut off; and docker
    // tells of a stop last: a history that may end before it cannot exclude it.
    let after_a_stop = stage.life.signals.iter().any(|one| asks_to_stop(stage, one.signal));
    let stop_may_be_cut = after_a_stop && !(stage.sheet.events_covered && ended);
    // A clock that was set back between two signals hides whether a stop came before.
    let orderly = stage.life.signals.is_sorted_by_key(|signal| signal.at);
    // Docker tells a `stop` only of a container that it was asked to stop: its signal is cut off.
    // SIGKILL can be the container's stop signal itself.
    let by_stop_itself = stage.life.stop_event.is_some()
        && signal.signal == 9
        && stop_signal(stage) == 9
        && stage.life.signals.len() == 1;
    let stop_asked = (stage.life.stop_event.is_some() || stop_may_be_cut) && !by_stop_itself;
    let confidence = if certain && timed && orderly && !stop_asked && signal.named {
        Confidence::Proven
    } else {
        Confidence::Likely
    };
    let mut verdict = base(stage, signal.signal, confidence);
    let name = signal_name(signal.signal);
    verdict.detail = Some(match &stage.life.destroyed {
        _ if by_stop_itself => {
            "a stop whose signal is SIGKILL (--stop-signal, STOPSIGNAL): no time to end was given"
                .to_owned()
        }
        Some(_) if stage.life.signals.len() == 1 => {
            format!("{name} through the API, and removed (docker rm -f does this)")
        }
        Some(_) | None => format!("{name} through the API; docker's events do not name the client"),
    });
    let says = if signal.named {
        format!("a client of the API asked for {name}")
    } else {
        format!(
            "a client of the API asked for a signal that the event does not name; {name} is what is sent unasked"
        )
    };
    verdict.because.push(signal_line(signal, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    if !stop_asked && stage.life.signals.iter().all(|other| other.signal == signal.signal) {
        let because = "no stop signal came before it".to_owned();
        verdict.ruled_out.push(RuledOut { killer: Killer::StopTimeout, because });
    }
    if stop_asked {
        let because = "a stop was asked for, and it is not shown whole";
        verdict.candidates.push(candidate(Killer::StopTimeout, Confidence::Likely, because));
    }
    verdict.ruled_out.extend(rivals::kernel_ruled_out(stage));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    stalled_before(stage, &mut verdict);
    verdict.because.extend(unhealthy_before(stage, signal));
    Some(verdict)
}

/// With the OOM killer disabled and an OOM notification the container stood still at its limit:
/// that may be why somebody killed it.
fn stalled_before(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some(record) = stage.life.record.as_ref() else { return };
    if record.what.oom_kill_disable != Some(true) || stage.life.oom_events.is_empty() {
        return;
    }
    let span = record.what.span_of("oom_kill_disable").unwrap_or(record.cite.span);
    let says = "its OOM killer was disabled, and docker was told of an OOM: it stood still at its limit before";
    verdict.because.push(because(&record.cite_at(span), None, says));
}

/// A health check that had failed before is why a client such as autoheal acts: a hint at the
/// client, not a proof of it; docker itself never kills for health.
pub(super) fn unhealthy_before(stage: &Stage<'_>, signal: &ApiSignal) -> Option<Because> {
    let (at, cite) = stage.life.unhealthy.as_ref()?;
    (*at <= signal.at).then(|| {
        let says = "its health check had failed before: docker never kills for that, a client that \
                    watches health (autoheal and its like, Swarm, podman) does";
        decisive(cite, *at, says, "unhealthy")
    })
}

/// The end shows this signal, and follows it within seconds.
fn ended_by(stage: &Stage<'_>, signal: &ApiSignal) -> bool {
    // A signal that asks for a stop and was obeyed is a stop, not a kill.
    let fits = !asks_to_stop(stage, signal.signal)
        && match stage.life.exit_code() {
            Some(code) => code == 128 + i64::from(signal.signal),
            None => signal.signal == 9,
        };
    let soon = match (signal.at, stage.life.ended_at()) {
        (Some(at), Some(end)) => end.seconds_since(at) < 30.0,
        (None, _) | (_, None) => true,
    };
    fits && soon
}

/// Docker's own note survives where its events are gone.
fn by_flag(stage: &Stage<'_>) -> Option<Verdict> {
    let (true, cite) = stage.life.manually_stopped.as_ref()? else { return None };
    let unexplained = stage.life.exit_code() == Some(137)
        && stage.life.signals.is_empty()
        && stage.main_kills().is_empty();
    // The history is whole and holds no signal: the note was made after the end (a stop of a container
    // that waits for its restart). With the OOM flag set, only a silent kernel log leaves the API.
    let after_the_end = stage.sheet.events_covered;
    let flagged = stage.life.flagged() == Some(true) && rivals::kernel_silent(stage).is_none();
    if !unexplained || after_the_end || flagged {
        return None;
    }
    let mut verdict = base(stage, 9, Confidence::Likely);
    verdict.detail = Some(
        "docker kill, or a docker stop whose grace period ran out: docker no longer knows which"
            .to_owned(),
    );
    let says = "docker notes that a signal came through its API in this life";
    verdict.because.push(because(cite, None, says));
    verdict.because.extend(end_line(stage, "the end by SIGKILL"));
    verdict.candidates = vec![
        candidate(Killer::ApiKill, Confidence::Likely, "docker kill, rm -f or another client"),
        candidate(
            Killer::StopTimeout,
            Confidence::Likely,
            "docker stop whose grace period ran out leaves the same note",
        ),
    ];
    verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

fn by_daemon(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, by, reason) = stage.daemon().find_map(|fact| {
        let DaemonLine::KillRequested { by, reason, .. } = &fact.what else { return None };
        Some((fact, by, reason))
    })?;
    if stop_timeout::was_asked_before(stage, fact.at) {
        return None;
    }
    if stage.life.exit_code().is_some_and(|code| code != 137) {
        return None;
    }
    let mut verdict = base(stage, 9, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.killed_by = Some(by_name(by));
    verdict.detail = reason.clone();
    verdict.because.push(because(&fact.cite, fact.at, format!("{by} was asked to kill it")));
    Some(verdict)
}

fn by_orchestrator(stage: &Stage<'_>) -> Option<Verdict> {
    let (cite, at, says) = disruption(stage).or_else(|| ecs_interruption(stage))?;
    let mut verdict = base(stage, 9, Confidence::Likely);
    verdict.main.signal = None;
    verdict.detail = Some(says.clone());
    verdict.because.push(because(&cite, at, says));
    verdict.because.extend(end_line(stage, "the container's end"));
    Some(verdict)
}

/// Who but the owner ended the pod: preemption, a taint, a drain, the garbage collector, the node's own
/// shutdown.
pub(super) fn disruption(stage: &Stage<'_>) -> Option<(Citation, Option<Moment>, String)> {
    let event = stage.pod_events().find(|event| {
        by_controller(&event.what)
            || matches!(
                event.what.reason.as_str(),
                "DeletingPod"
                    | "Drain"
                    | "EvictionByEvictionAPI"
                    | "NodeShutdown"
                    | "Preempted"
                    | "Preempting"
                    | "TaintManagerEviction"
            ) && !event.what.message.starts_with("Cancelling")
                && !is_refused(&event.what.message)
    });
    if let Some(event) = event {
        let says = format!("{}: {}", event.what.reason, event.what.message);
        return Some((event.cite.clone(), event.at, says));
    }
    let pod = stage.life.pod.as_ref()?;
    if let Some(says) = by_pods_reason(&pod.what) {
        return Some((pod.cite.clone(), None, says));
    }
    let (reason, message) = pod.what.disruption.as_ref()?;
    let by_others = [
        "PreemptionByScheduler",
        "DeletionByTaintManager",
        "EvictionByEvictionAPI",
        "DeletionByPodGC",
    ];
    by_others
        .contains(&reason.as_str())
        .then(|| (pod.cite.clone(), None, format!("{reason}: {message}")))
}

/// An autoscaler or another controller that ends pods says so under a reason of its own.
pub(super) fn by_controller(event: &PodEvent) -> bool {
    match event.reason.as_str() {
        "EvictedByVPA" | "Descheduled" => true,
        "ScaleDown" => event.message.contains("deleting pod"),
        // Karpenter's word for a drain of its own: `Evicted pod: Underutilized`.
        "Evicted" => event.message.starts_with("Evicted pod"),
        _ => false,
    }
}

/// The pod's own reason, where the kubelet ended it as a whole.
fn by_pods_reason(pod: &PodRecord) -> Option<String> {
    let reason = pod.reason.as_deref().unwrap_or_default();
    let message = pod.message.as_deref().unwrap_or_default();
    let told = matches!(reason, "Preempting" | "NodeShutdown" | "Shutdown" | "DeadlineExceeded")
        || message.contains("imminent node shutdown");
    (told && !is_refused(message)).then(|| format!("{reason}: {message}"))
}

/// The kubelet of a node that shuts down takes no new pods: this one never ran there.
fn is_refused(message: &str) -> bool {
    message.contains("not admitting any new pods")
}

fn ecs_interruption(stage: &Stage<'_>) -> Option<(Citation, Option<Moment>, String)> {
    if stage.life.teller != Teller::Ecs {
        return None;
    }
    let task = stage.life.task.as_ref()?;
    let reason = task.what.stopped_reason.clone().unwrap_or_default();
    let code = task.what.stop_code.clone().unwrap_or_default();
    let taken = ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"]
        .contains(&code.as_str())
        || reason.contains("Spot Task was interrupted")
        || reason.starts_with("Host EC2")
        || reason.contains("attempt duration exceeded timeout");
    taken.then(|| {
        (
            task.cite.clone(),
            task.what.stopping_at,
            format!("ECS took the task away: {code} {reason}"),
        )
    })
}

fn base(stage: &Stage<'_>, signal: i32, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::ApiKill, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Killed;
    verdict.main.signal = Some(signal);
    verdict.victims = main_victim(stage);
    verdict
}

fn candidate(killer: Killer, confidence: Confidence, because: &str) -> Candidate {
    Candidate { killer, confidence, because: because.to_owned() }
}
