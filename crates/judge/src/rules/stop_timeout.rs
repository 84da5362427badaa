//! # stop-timeout — asked to stop, still there after the grace period, SIGKILL
//!
//! ## What it looks for
//! - The stop signal and then SIGKILL through the API, with a `stop` or `restart` event or the daemon's
//!   own words beside them.
//! - The daemon's own words alone: `failed to exit within 10s of signal 15 - using the force` and what
//!   CRI-O and podman write, systemd `State 'stop-sigterm' timed out. Killing.`, containerd's `Kill
//!   container` when the time that `StopContainer … with timeout` gave was up.
//! - A daemon's line that a stop with a grace period was asked for (containerd, CRI-O, the kubelet, Nomad), and an
//!   exit by SIGKILL that came no earlier: `likely`.
//! - An orchestrator's stop (kubelet, ECS) with an exit by SIGKILL, or `docker stop NAME`, `kubectl delete pod` or
//!   Compose's own `Container NAME  Stopped` in a transcript before it: at most `likely`.
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

use casefile::{Citation, Moment, signal_name};
use parse::record::{DaemonLine, RequestKind};

use super::draft::{
    because, by_name, decisive, draft, end_line, main_victim, nameless, signal_line, stop_signal,
};
use super::{Rule, Seek, api_kill, requested, rivals, unit};
use crate::facts::{Fact, Stage, Teller};
use crate::verdict::{Confidence, Fate, Killer, Level, Role, Verdict, Victim};

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
    by_api(stage)
        .or_else(|| by_daemon(stage))
        .or_else(|| by_request(stage))
        .or_else(|| by_orchestrator(stage))
        .or_else(|| by_command(stage))
}

/// `docker stop` in a transcript, and an end by SIGKILL behind it.
fn by_command(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = requested::find(stage, &[RequestKind::Stop])?;
    let unexplained = stage.life.flagged() != Some(true) && stage.kills.is_empty();
    if stage.life.exit_code() != Some(137) || !unexplained {
        return None;
    }
    let request = &fact.what;
    let grace = request.grace_seconds.map(|grace| grace as f64);
    let signal = request.signal.map_or_else(|| "the stop signal".to_owned(), signal_name);
    let mut verdict = base(stage, grace, &signal, Confidence::Likely);
    verdict.killed_by = Some(by_name(&request.by));
    let (_, says) = requested::told(request);
    verdict.because.push(because(&fact.cite, None, says));
    verdict
        .because
        .extend(end_line(stage, "137: it was still there when the grace period ran out"));
    Some(verdict)
}

fn by_api(stage: &Stage<'_>) -> Option<Verdict> {
    let signals = &stage.life.signals;
    let forced = signals.iter().rfind(|signal| signal.signal == 9)?;
    // A `stop` may bring its own signal; without the event only the container's stop signal asks.
    let stop = stage.life.stop_event.is_some();
    let asked = signals.iter().rfind(|signal| {
        let asks = stop || signal.signal == stop_signal(stage);
        signal.signal != 9 && asks && signal.at <= forced.at
    })?;
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
    if let Some(Escalation { cite, at, .. }) = escalated {
        verdict.because.push(decisive(&cite, at, "the daemon gave up waiting", "using the force"));
    } else if let Some(stop) = &stage.life.stop_event {
        verdict.because.push(because(stop, None, "a stop was asked for, not a kill"));
    }
    verdict.because.extend(end_line(stage, "the main process ended with 137, 128 + SIGKILL"));
    verdict.because.extend(api_kill::unhealthy_before(stage, asked));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A daemon's line that the wait was over.
struct Escalation<'a> {
    cite: Citation,
    at: Option<Moment>,
    grace_seconds: Option<u64>,
    by: &'a str,
}

fn escalation<'a>(stage: &Stage<'a>) -> Option<Escalation<'a>> {
    let told = stage.daemon().filter_map(|fact| {
        let (grace_seconds, by) = match &fact.what {
            // containerd and the kubelet write the stop and, when its time is up, the kill.
            DaemonLine::KillRequested { by, .. } if was_asked_before(stage, fact.at) => {
                (asked_grace(stage), by.as_str())
            }
            DaemonLine::StopEscalated { grace_seconds, by, .. } => (*grace_seconds, by.as_str()),
            DaemonLine::UnitStopTimeout { .. } => (None, "systemd"),
            DaemonLine::KillRequested { .. }
            | DaemonLine::StopRequested { .. }
            | DaemonLine::UnitKilling { .. }
            | DaemonLine::UnitKilledByClient { .. }
            | DaemonLine::UnitMainExited { .. }
            | DaemonLine::UnitResult { .. }
            | DaemonLine::UnitOomKill { .. }
            | DaemonLine::UnitStopping { .. }
            | DaemonLine::UnitStarted { .. }
            | DaemonLine::UnitDeactivated { .. }
            | DaemonLine::UnitTimeLimit { .. }
            | DaemonLine::OomDaemonKill { .. }
            | DaemonLine::ShimGone { .. }
            | DaemonLine::RuntimeOom { .. }
            | DaemonLine::DaemonShutdown { .. }
            | DaemonLine::UnhealthyKill { .. }
            | DaemonLine::OomCounted { .. }
            | DaemonLine::SignalSentBy { .. } => return None,
        };
        Some(Escalation { cite: fact.cite.clone(), at: fact.at, grace_seconds, by })
    });
    told.last()
}

/// A daemon was asked to stop this container, and its grace period was over at this moment.
pub(super) fn was_asked_before(stage: &Stage<'_>, moment: Option<Moment>) -> bool {
    stage.daemon().any(|fact| {
        let DaemonLine::StopRequested { grace_seconds, .. } = &fact.what else { return false };
        let grace = grace_seconds.unwrap_or(1);
        let waited = fact.at.zip(moment).map(|(asked, now)| now.seconds_since(asked));
        grace > 0 && waited.is_none_or(|waited| waited > grace as f64 - 1.0)
    })
}

fn asked_grace(stage: &Stage<'_>) -> Option<u64> {
    stage.daemon().find_map(|fact| {
        let DaemonLine::StopRequested { grace_seconds, .. } = &fact.what else { return None };
        *grace_seconds
    })
}

/// A daemon's own words, without the API's events: dockerd, CRI-O, podman, systemd.
fn by_daemon(stage: &Stage<'_>) -> Option<Verdict> {
    let told = escalation(stage);
    let certainty = if told.is_some() { Confidence::Proven } else { Confidence::Likely };
    let Escalation { cite, at, grace_seconds, by } = told.or_else(|| timed_out(stage))?;
    if stage.life.exit_code().is_some_and(|code| code != 137) {
        return None;
    }
    let mut verdict =
        base(stage, grace_seconds.map(|grace| grace as f64), "the stop signal", certainty);
    if stage.life.teller == Teller::Systemd {
        verdict = base(stage, unit::grace(stage), &unit::stop_signal(stage), certainty);
    }
    verdict.at = at.or(verdict.at);
    verdict.killed_by = Some(by_name(by));
    verdict.because.push(because(&cite, at, format!("{by} gave up waiting and used SIGKILL")));
    if let Some(stop) = unit::stop(stage) {
        verdict.because.insert(0, because(&stop.cite, stop.at, stop.says));
        if let Some(detail) = verdict.detail.as_mut().filter(|_| !stop.asked) {
            *detail = format!("{}; {detail}", stop.says);
        }
    }
    name_victims(stage, &mut verdict);
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A daemon's line that it will wait so long, and an end by SIGKILL that did not come before: that it
/// sent it is not said.
fn by_request(stage: &Stage<'_>) -> Option<Verdict> {
    let unexplained = stage.life.flagged() != Some(true) && stage.kills.is_empty();
    if stage.life.exit_code() != Some(137) || !unexplained {
        return None;
    }
    let (fact, grace, by) = asked(stage)?;
    let gap = fact.at.zip(stage.life.ended_at()).map(|(at, end)| end.seconds_since(at));
    if gap.is_some_and(|gap| gap <= grace as f64 - 1.0) {
        return None;
    }
    // Without both times nothing shows how long it was.
    let waited = gap.map(|_| grace as f64);
    let mut verdict = base(stage, waited, "the stop signal", Confidence::Likely);
    verdict.killed_by = Some(by_name(by));
    let says = format!("{by} was asked to stop it, and gives it {grace} s");
    verdict.because.push(because(&fact.cite, fact.at, says));
    let says = "137: it was still there when the grace period ran out";
    verdict.because.extend(end_line(stage, says));
    verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
    Some(verdict)
}

/// A daemon's line that a stop with a grace period was asked for: the last, its seconds, the daemon. Where a
/// line tells of the kill as well, that one tells more.
pub(super) fn asked<'a>(stage: &Stage<'a>) -> Option<(&'a Fact<DaemonLine>, u64, &'a str)> {
    let killed = |fact: &Fact<DaemonLine>| {
        matches!(fact.what, DaemonLine::KillRequested { .. } | DaemonLine::StopEscalated { .. })
    };
    if stage.daemon().any(killed) {
        return None;
    }
    let told = stage.daemon().filter_map(|fact| {
        let DaemonLine::StopRequested { grace_seconds: Some(grace), by, .. } = &fact.what else {
            return None;
        };
        (*grace > 0).then_some((fact, *grace, by.as_str()))
    });
    told.last()
}

/// Only systemd's result says that a time ran out.
fn timed_out<'a>(stage: &Stage<'a>) -> Option<Escalation<'a>> {
    let fact = unit::timed_out(stage)?;
    let cite = fact.cite.clone();
    Some(Escalation { cite, at: fact.at, grace_seconds: None, by: "systemd" })
}

/// systemd names every process that it had to kill; the main one need not be among them.
fn name_victims(stage: &Stage<'_>, verdict: &mut Verdict) {
    let mut victims = Vec::new();
    for fact in stage.daemon() {
        let DaemonLine::UnitKilling { pid, comm, .. } = &fact.what else { continue };
        let words = format!("Killing process {pid}");
        verdict.because.push(decisive(&fact.cite, fact.at, "whom it killed", words));
        let role = match stage.main_pid() {
            Some(main) if main == *pid => Role::Main,
            Some(_) => Role::Child,
            None => Role::Other,
        };
        victims.push(Victim { pid: Some(*pid), comm: comm.clone(), ..nameless(role) });
    }
    if !victims.is_empty() {
        verdict.victims = victims;
    }
}

/// A stop by the kubelet or the ECS agent that ended in SIGKILL.
fn by_orchestrator(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.exit_code() != Some(137) || stage.life.flagged() == Some(true) {
        return None;
    }
    // A drain or a preemption asks for a stop, too, but says more (api-kill).
    if api_kill::disruption(stage).is_some() {
        return None;
    }
    let (cite, at, says) = super::stopped::orchestrators_stop(stage)?;
    let grace = stage.life.pod.as_ref().and_then(|pod| pod.what.grace_seconds);
    let by = if stage.life.teller == Teller::Ecs { "the ECS agent" } else { "the kubelet" };
    let mut verdict = base(stage, grace.map(|grace| grace as f64), "SIGTERM", Confidence::Likely);
    verdict.killed_by = Some(by_name(by));
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

fn waited(asked: Option<Moment>, forced: Option<Moment>) -> Option<f64> {
    Some(forced?.seconds_since(asked?))
}

fn seconds(waited: Option<f64>) -> String {
    waited.map_or_else(|| "some time".to_owned(), |waited| format!("{waited:.1} s"))
}
