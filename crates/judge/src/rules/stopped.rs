//! # stopped — asked to stop, and did
//!
//! ## What it looks for
//! - A signal through the API that asks for an end (the container's stop signal, TERM, INT, QUIT, HUP), and
//!   an end with another code than 137.
//! - systemd's `Stopping …` or `reached runtime time limit`, and an end of the unit's main process by
//!   another signal than SIGKILL.
//! - Docker's `HasBeenManuallyStopped` where its events are gone, and an end by the container's stop signal.
//! - A line of `why137 run`: it was sent the signal and passed it on to the command.
//! - An orchestrator's stop (`Killing`, `Stopping container …`, a definition that changed, a postStart hook that
//!   failed, a pod that is being deleted; ECS scaling, deployment, StopTask) and an end with another code than 137.
//! - A daemon's line that a stop was asked for (containerd, CRI-O, the kubelet, Nomad), and such an end.
//! - `docker stop NAME` in a pasted transcript, or Compose's `Container NAME  Stopped`; or the program's own word that it was told to stop (`received
//!   SIGTERM`), with an end by 0, HUP, INT, QUIT or TERM.
//!
//! ## Why it means that
//! The signal came first and the end followed: 143 is 128 + SIGTERM, 0 or another code is the
//! program's own tidy ending. `docker kill -s TERM` that was obeyed is the same. Docker's events name the
//! signal (`proven`); its note and an orchestrator's words do not show that the end was its work (`likely`).
//!
//! ## What would speak against it
//! - A SIGKILL after it and exit 137 (stop-timeout, api-kill).
//! - A kernel OOM kill of the main process while it was stopping (own-limit and its kin).
//! - A signal that the program took and lived on with, such as `docker kill -s HUP` to reload: without a
//!   `stop` event the end has to follow within 15 s (5 s more than a longer stop timeout).
//!
//! ## Example
//! ```text
//! container kill web (signal=15)
//! container die  web (exitCode=143)
//! container stop web
//! ```
//!
//! ## References
//! - moby `daemon/stop.go`; Kubernetes pod termination; ECS StopTask

use casefile::{Citation, Moment, signal_name};
use parse::record::{Application, DaemonLine, PodEvent, RequestKind};

use super::draft::{
    asks_to_stop, because, by_name, decisive, draft, end_line, possible, signal_line, stop_signal,
};
use super::{Rule, Seek, requested, rivals, stop_timeout, unit};
use crate::facts::{Fact, Stage, Teller};
use crate::verdict::{Confidence, Fate, KilledBy, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "stopped",
    title: "asked to stop, and did",
    file: include_str!("stopped.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.alive {
        return None;
    }
    by_api(stage)
        .or_else(|| by_note(stage))
        .or_else(|| by_systemd(stage))
        .or_else(|| by_passed_on(stage))
        .or_else(|| by_request(stage))
        .or_else(|| by_orchestrator(stage))
        .or_else(|| by_command(stage))
        .or_else(|| by_words(stage))
}

/// `why137 run` was sent the signal, passed it on, and saw the end that followed: it is the parent.
fn by_passed_on(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.teller != Teller::Parent || stage.life.exit_code() == Some(137) {
        return None;
    }
    let main = stage.main_pid();
    let (fact, comm, pid, uid, signal) = stage.sheet.daemon.iter().rev().find_map(|fact| {
        let DaemonLine::SignalSentBy { comm, pid, uid, signal: Some(signal), target_pid, .. } =
            &fact.what
        else {
            return None;
        };
        let ours = main.is_none() || *target_pid == main;
        let asks = ours && asks_to_stop(stage, *signal) && !ended_much_later(stage, fact.at);
        asks.then_some((fact, comm, *pid, *uid, *signal))
    })?;
    let mut verdict = base(stage, Confidence::Proven);
    let (name, sender) = (signal_name(signal), comm.as_deref().unwrap_or("a process"));
    let number = pid.map(|pid| format!(", pid {pid},")).unwrap_or_default();
    verdict.killed_by = Some(KilledBy { name: comm.clone(), pid, uid, ..KilledBy::default() });
    verdict.detail = Some(format!("{sender}{number} sent {name}, and it was passed on"));
    let says = format!("{sender}{number} sent {name}");
    verdict.because.push(decisive(&fact.cite, fact.at, says, name));
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    Some(verdict)
}

/// systemd's own journal: the unit was stopped, and its main process ended before SIGKILL was due.
fn by_systemd(stage: &Stage<'_>) -> Option<Verdict> {
    let stop = unit::stop(stage)?;
    if stage.life.exit_code() == Some(137) || stage.life.end.is_none() {
        return None;
    }
    let mut verdict = base(stage, Confidence::Proven);
    verdict.killed_by = Some(by_name("systemd"));
    verdict.detail = (!stop.asked).then(|| stop.says.to_owned());
    verdict.because.push(because(&stop.cite, stop.at, stop.says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A daemon's line that a stop was asked for, and an end that is no SIGKILL's.
fn by_request(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, grace, by) = stop_timeout::asked(stage)?;
    let code = stage.life.exit_code();
    let flagged = stage.life.flagged() == Some(true) || !stage.kills.is_empty();
    // The kubelet's own line is written for a container that runs; the runtimes' for any.
    let open = code.is_none() && by == "kubelet" && !stage.sheet.is_asked();
    if code == Some(137) || flagged || !(code.is_some() || open) {
        return None;
    }
    let mut verdict = base(stage, if open { Confidence::Possible } else { Confidence::Likely });
    verdict.at = verdict.at.or(fact.at);
    verdict.killed_by = Some(by_name(by));
    verdict.detail = Some(format!("{by} stopped it, and gave it {grace} s"));
    let says = format!("{by} was asked to stop it, and gives it {grace} s");
    verdict.because.push(because(&fact.cite, fact.at, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    if open {
        let because = "whether it ended before the grace period was over is not shown";
        verdict.candidates = vec![possible(Killer::StopTimeout, because)];
    }
    Some(verdict)
}

/// `docker stop` in a transcript, and an end behind it that is no SIGKILL's.
fn by_command(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = requested::find(stage, &[RequestKind::Stop])?;
    let flagged = stage.life.flagged() == Some(true) || !stage.kills.is_empty();
    if stage.life.exit_code() == Some(137) || flagged {
        return None;
    }
    // Without an end it may have been forced.
    let shown = stage.life.exit_code().is_some();
    let mut verdict = base(stage, if shown { Confidence::Likely } else { Confidence::Possible });
    verdict.killed_by = Some(by_name(&fact.what.by));
    let (detail, says) = requested::told(&fact.what);
    verdict.detail = Some(detail);
    verdict.because.push(because(&fact.cite, None, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    if !shown {
        let because = "whether it ended before the grace period was over is not shown";
        verdict.candidates = vec![possible(Killer::StopTimeout, because)];
    }
    Some(verdict)
}

/// The program itself says that it was told to stop, and its end is one that it chose then.
fn by_words(stage: &Stage<'_>) -> Option<Verdict> {
    let told = told_to_stop(stage)?;
    let fits = matches!(stage.life.exit_code(), Some(0 | 129 | 130 | 131 | 143));
    let quiet = stage.kills.is_empty() && stage.life.flagged() != Some(true);
    if !fits || !quiet {
        return None;
    }
    let mut verdict = base(stage, Confidence::Likely);
    verdict.detail = Some("the program's own log says that it was told to stop".to_owned());
    let says = "the program's own word; who asked is not in it";
    verdict.because.push(because(&told.cite, told.at, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

/// The program's last word that it was told to stop.
pub(super) fn told_to_stop<'a>(stage: &Stage<'a>) -> Option<&'a Fact<Application>> {
    stage.application().filter(|fact| matches!(fact.what, Application::ToldToStop(_))).last()
}

/// The history is gone, but docker notes that its API was used, and the end is a stop signal's.
fn by_note(stage: &Stage<'_>) -> Option<Verdict> {
    let (true, cite) = stage.life.manually_stopped.as_ref()? else { return None };
    let stop = i64::from(stop_signal(stage));
    let fits = stage.life.exit_code().is_some_and(|code| code == 128 + stop);
    if !fits || !stage.life.signals.is_empty() {
        return None;
    }
    let mut verdict = base(stage, Confidence::Likely);
    let says = "docker notes that a signal came through its API in this life";
    verdict.because.push(because(cite, None, says));
    verdict.because.extend(end_line(stage, "the end of a program that obeyed"));
    Some(verdict)
}

fn by_api(stage: &Stage<'_>) -> Option<Verdict> {
    let asked = stage.life.signals.iter().rfind(|signal| asks_to_stop(stage, signal.signal))?;
    let exit = stage.life.exit_code();
    if exit == Some(137) || stage.life.end.is_none() || ended_much_later(stage, asked.at) {
        return None;
    }
    let mut verdict = base(stage, Confidence::Proven);
    let name = signal_name(asked.signal);
    let code = exit.map_or_else(|| "ended".to_owned(), |code| format!("ended with {code}"));
    verdict.detail = Some(format!("{name} was sent, and it {code}"));
    verdict.because.push(signal_line(asked, format!("docker sent {name}")));
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A signal that the program took and lived on with (`docker kill -s HUP` to reload) did not end it.
fn ended_much_later(stage: &Stage<'_>, asked: Option<Moment>) -> bool {
    let timeout = stage.life.record.as_ref().and_then(|record| record.what.stop_timeout);
    let most = timeout.unwrap_or(10).max(10) as f64 + 5.0;
    let later = asked.and_then(|asked| Some(stage.life.ended_at()?.seconds_since(asked)));
    stage.life.stop_event.is_none() && later.is_some_and(|later| later > most)
}

fn by_orchestrator(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.exit_code() == Some(137) || stage.life.flagged() == Some(true) {
        return None;
    }
    let (cite, at, says) = orchestrators_stop(stage)?;
    let mut verdict = base(stage, Confidence::Likely);
    verdict.detail = Some(says.clone());
    verdict.because.push(because(&cite, at, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn base(stage: &Stage<'_>, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Stopped, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = match verdict.main.exit_code {
        Some(code) if code > 128 => Fate::Killed,
        Some(_) => Fate::Exited,
        None => Fate::Unknown,
    };
    verdict.main.signal = verdict
        .main
        .exit_code
        .filter(|code| (129..160).contains(code))
        .and_then(|code| i32::try_from(code - 128).ok());
    verdict
}

/// The kubelet's or the ECS scheduler's own word for a stop that is neither probe nor eviction.
pub(super) fn orchestrators_stop(stage: &Stage<'_>) -> Option<(Citation, Option<Moment>, String)> {
    if stage.life.teller == Teller::Ecs {
        let task = stage.life.task.as_ref()?;
        let reason = task.what.stopped_reason.clone().unwrap_or_default();
        let code = task.what.stop_code.clone().unwrap_or_default();
        let asked = ["Scaling activity", "Task stopped by", "deployment", "Task stopped because"];
        let by_scheduler = matches!(code.as_str(), "ServiceSchedulerInitiated" | "UserInitiated");
        let told = by_scheduler || asked.iter().any(|words| reason.contains(words));
        let says = if reason.is_empty() { code } else { reason };
        return told.then(|| {
            (task.cite.clone(), task.what.stopping_at, format!("ECS stopped the task: {says}"))
        });
    }
    let by_event = stage.pod_events().find_map(|event| {
        let why = kubelets_reason(&event.what)?;
        if why == POD_WENT && outlived(stage, event) {
            return None;
        }
        let says = format!("the kubelet stopped the container: {why}");
        Some((event.cite.clone(), event.at, says))
    });
    by_event.or_else(|| {
        let pod = stage.life.pod.as_ref()?;
        let current = stage.life.status.as_ref().is_none_or(|status| status.what.ended_now);
        let deleting = pod.what.deleting == Some(true) && stage.life.end.is_some() && current;
        deleting.then(|| (pod.cite.clone(), None, "the pod is being deleted".to_owned()))
    })
}

const POD_WENT: &str = "its pod was deleted or replaced";

/// The container was started again in the same pod (`lastState`): the kubelet stops the containers of a pod that
/// goes, and such a pod starts none, unless only its sandbox was made anew. Where both times are known they tell.
fn outlived(stage: &Stage<'_>, event: &Fact<PodEvent>) -> bool {
    let again = stage.life.status.as_ref().is_some_and(|status| !status.what.ended_now);
    let timed = event.at.is_some() && stage.life.ended_at().is_some();
    let anew = |fact: &Fact<PodEvent>| fact.what.reason == "SandboxChanged";
    again && stage.life.end.is_some() && !timed && !stage.pod_events().any(anew)
}

/// Why the kubelet stopped a container, by its `Killing` event; of a failed probe another rule tells.
fn kubelets_reason(event: &PodEvent) -> Option<&'static str> {
    let message = event.message.as_str();
    let told = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if event.reason != "Killing" {
        return None;
    }
    if message.starts_with("Stopping container") || told(&["Need to kill Pod"]) {
        Some(POD_WENT)
    } else if told(&["definition changed, will be restarted", "spec hash changed"]) {
        Some("its definition in the pod was changed")
    } else if told(&["FailedPostStartHook"]) {
        Some("its postStart hook failed")
    } else {
        None
    }
}
