//! Which other killers the evidence excludes, which it leaves, and what would decide.
//!
//! Absence excludes only with coverage: a kernel log or an event history that certainly holds the
//! whole life. A missing line in a log that may have been cut excludes nothing.

use casefile::{Limit, Moment, Source, Stamp, signal_name};

use super::{draft::possible, unit};
use crate::facts::{MainHit, OomKill, Stage, Teller, program};
use crate::verdict::{Candidate, Fate, Killer, Level, RuledOut, Verdict, WouldSettle};

/// A stamp as the text shows it, where no moment can be known.
pub(super) fn words_of(stamp: Option<Stamp>, at: Option<Moment>) -> Option<String> {
    match (stamp?, at) {
        (_, Some(_)) => None,
        (Stamp::SinceBoot(micros), None) => {
            Some(format!("{}.{:06} s after boot", micros / 1_000_000, micros % 1_000_000))
        }
        (Stamp::Local(moment), None) => {
            let text = moment.to_string();
            let text = text.strip_suffix(" UTC").unwrap_or(&text);
            let text = text.strip_prefix("1970-").unwrap_or(text);
            Some(format!("{text} (zone not shown)"))
        }
        (Stamp::Wall(moment), None) => Some(moment.to_string()),
    }
}

/// Nobody used the API, where that is certain.
pub(super) fn api_silent(stage: &Stage<'_>) -> Option<String> {
    if !stage.life.signals.is_empty() {
        return None;
    }
    if stage.sheet.events_covered {
        return Some(
            "docker's event history covers this life and holds no stop or kill".to_owned(),
        );
    }
    match stage.life.manually_stopped {
        Some((false, _)) => {
            Some("docker's own state says that no signal came through its API".to_owned())
        }
        Some((true, _)) | None => None,
    }
}

/// What was sent through the API was no SIGKILL, where that is certain: a signal that asked for a stop, and an
/// end before it was enforced.
fn api_sent_no_kill(stage: &Stage<'_>) -> Option<String> {
    let signals = &stage.life.signals;
    let last = signals.last().filter(|_| stage.sheet.events_covered)?;
    let harmless = signals.iter().all(|signal| signal.signal != 9 && signal.named);
    harmless.then(|| {
        let name = signal_name(last.signal);
        format!("docker's event history covers this life: {name} was sent, SIGKILL was not")
    })
}

/// The kernel killed nothing in this life, where that is certain.
pub(super) fn kernel_silent(stage: &Stage<'_>) -> Option<String> {
    let silent = stage.sheet.kernel_covered
        && !has_its_own_kernel(stage)
        && stage.kills.is_empty()
        && placeless_kills(stage).next().is_none();
    silent.then(|| {
        "the kernel log covers this life without a gap and holds no OOM kill in it".to_owned()
    })
}

/// In a sandbox (gVisor, Kata, Firecracker, Hyper-V) a kernel of its own kills inside it, and the host's log
/// says nothing of that.
fn has_its_own_kernel(stage: &Stage<'_>) -> bool {
    let runtime = stage.life.record.as_ref().and_then(|record| record.what.runtime.as_deref());
    runtime.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        ["runsc", "gvisor", "kata", "firecracker", "runhcs"]
            .iter()
            .any(|sandbox| name.contains(sandbox))
    })
}

/// Kills at this life's end whose cgroup the kernel did not print: anybody's, this one's too.
fn placeless_kills<'a>(stage: &Stage<'a>) -> impl Iterator<Item = &'a OomKill> {
    let kills = stage.sheet.oom_kills.iter().filter(|kill| kill.is_placeless());
    kills.filter(|kill| can_be_its_end(stage, kill))
}

/// A kill of unknown place can have ended this life: it came right before its end, and its victim has
/// the main process's name or can be the child whose status was passed on.
fn can_be_its_end(stage: &Stage<'_>, kill: &OomKill) -> bool {
    let in_time = kill
        .at
        .is_none_or(|at| stage.life.ended_right_after(at).unwrap_or_else(|| stage.life.holds(at)));
    let named = stage.life.program().is_none_or(|program| kill.took(program));
    in_time && (named || passes_on(stage))
}

/// `stop-timeout` and `api-kill`, where the API was silent. A process outside of containers is not reached by it.
pub(super) fn api_ruled_out(stage: &Stage<'_>) -> Vec<RuledOut> {
    let because = api_silent(stage).or_else(|| api_sent_no_kill(stage));
    let Some(because) = because.filter(|_| !unit::is_bare(stage)) else { return Vec::new() };
    [Killer::StopTimeout, Killer::ApiKill]
        .map(|killer| RuledOut { killer, because: because.clone() })
        .to_vec()
}

/// The kernel did not end this life, where that is certain: it killed nothing, or other processes of the container
/// and long before the end; or its log, though it begins later than this life, is whole around the end.
pub(super) fn kernel_did_not_end_it(stage: &Stage<'_>) -> Option<String> {
    if let Some(silent) = kernel_silent(stage) {
        return Some(silent);
    }
    let reach = if stage.sheet.kernel_covered {
        "covers this life without a gap".to_owned()
    } else {
        format!("is whole from {} on, through the end", log_reaches_the_end(stage)?)
    };
    let earlier = |kill: &&OomKill| {
        stage.main_hit(kill) == MainHit::No
            && kill.at.and_then(|at| stage.life.ended_right_after(at)) == Some(false)
    };
    let certain = !has_its_own_kernel(stage)
        && placeless_kills(stage).next().is_none()
        && stage.kills.iter().all(earlier);
    if !certain {
        return None;
    }
    let Some(last) = stage.kills.last() else {
        return Some(format!("the kernel log {reach}, and holds no OOM kill there"));
    };
    let gap = stage.life.ended_at()?.seconds_since(last.at?);
    Some(format!(
        "the kernel log {reach}; its last OOM kill in it was of another process, {gap:.1} s before the end"
    ))
}

/// From when on the log is whole, where that is well before the end: a killed process is gone within a second,
/// and ten leave room for one that is slow to die.
fn log_reaches_the_end(stage: &Stage<'_>) -> Option<Moment> {
    let since = stage.sheet.machine.kernel_log_since?;
    let end = stage.life.ended_at().filter(|_| !stage.life.code_is_the_daemons)?;
    (end.seconds_since(since) >= 10.0).then_some(since)
}

/// The kernel's OOM killer at every level, where the kernel did not end it.
pub(super) fn kernel_ruled_out(stage: &Stage<'_>) -> Vec<RuledOut> {
    let Some(because) = kernel_did_not_end_it(stage) else { return Vec::new() };
    [Killer::ContainerMemoryLimit, Killer::AncestorMemoryLimit, Killer::HostOutOfMemory]
        .map(|killer| RuledOut { killer, because: because.clone() })
        .to_vec()
}

/// The killers that fit a 137 without a witness, each either excluded or left as a candidate.
pub(super) fn of_137(stage: &Stage<'_>) -> (Vec<RuledOut>, Vec<Candidate>) {
    let mut excluded = kernel_ruled_out(stage);
    excluded.extend(api_ruled_out(stage));
    excluded.extend(unit::ruled_out(stage));
    let mut left: Vec<Candidate> = Vec::new();
    let fitting = if unit::is_bare(stage) { unit::fitting(stage) } else { fitting(stage) };
    for (killer, because) in fitting {
        let known = excluded.iter().any(|one| one.killer == killer)
            || left.iter().any(|one| one.killer == killer);
        if !known {
            left.push(possible(killer, because));
        }
    }
    (excluded, left)
}

/// Every killer that can leave a container's 137 without a witness; of one that stands twice the first reason is the better.
fn fitting(stage: &Stage<'_>) -> Vec<(Killer, String)> {
    let mut left = kernel_candidates(stage, stage.life.flagged());
    if let Some(signal) = stage.life.signals.last().filter(|_| api_sent_no_kill(stage).is_some()) {
        let name = signal_name(signal.signal);
        let words = format!(
            "{name} was sent before, and the program can have answered it with this status"
        );
        left.push((Killer::NotKilled, words));
    } else if stage.life.teller != Teller::Kubernetes {
        let stop = "a stop whose grace period ran out ends with SIGKILL";
        left.push((Killer::StopTimeout, stop.to_owned()));
        let kill = "docker kill, rm -f and every API client can send SIGKILL at once";
        left.push((Killer::ApiKill, kill.to_owned()));
    }
    if stage.life.teller == Teller::Kubernetes || stage.life.teller == Teller::Ecs {
        left.extend(orchestrator_candidates());
    }
    if let Some(words) = daemon_restart_words(stage) {
        left.insert(0, (Killer::Runtime, words));
    }
    if let Some(words) = shared_namespace_words(stage) {
        left.insert(0, (Killer::Runtime, words));
    }
    left.push((Killer::Process, process_words(stage)));
    left.push((Killer::NotKilled, not_killed_words(stage)));
    left.push((
        Killer::ResourceLimit,
        "a hard limit on CPU time (RLIMIT_CPU) ends in a SIGKILL that leaves no trace".to_owned(),
    ));
    left.push((
        Killer::Runtime,
        "a shim that died, or a daemon that shut down, leaves 137 as well".to_owned(),
    ));
    left
}

/// The end stands right before the start of the daemon that answers now: a daemon that is stopped ends
/// its containers itself, unless live-restore is on, and notes no signal through its API.
pub(super) fn daemon_restart_words(stage: &Stage<'_>) -> Option<String> {
    let started = stage.sheet.machine.daemon_started_at?;
    let before = started.seconds_since(stage.life.ended_at()?);
    let noted = matches!(stage.life.manually_stopped, Some((true, _)));
    (!noted && stage.life.signals.is_empty() && (0.0..20.0).contains(&before)).then(|| {
        format!("docker itself may have been stopped and ended it: the present daemon started {before:.0} s later")
    })
}

/// Its processes live in another container's pid namespace: when that one's main process ends, the kernel kills
/// everything in it (pid_namespaces(7)), and docker writes no event.
fn shared_namespace_words(stage: &Stage<'_>) -> Option<String> {
    let record = stage.life.record.as_ref()?;
    let other = record.what.pid_mode.as_deref()?.strip_prefix("container:")?;
    let short: String = other.chars().take(12).collect();
    Some(format!(
        "it lives in the pid namespace of container {short}: when that one's main process ends, the kernel kills everything in it"
    ))
}

fn kernel_candidates(stage: &Stage<'_>, flagged: Option<bool>) -> Vec<(Killer, String)> {
    let host = match (stage.sheet.machine.cgroup_version, flagged) {
        (Some(1), Some(false)) => "on cgroup v1 the flag stays false when the whole host runs out",
        (None, Some(false)) => {
            "on cgroup v1 the flag stays false when the whole host runs out; it excludes nothing"
        }
        (_, _) => "the host's OOM killer can choose a process of any container",
    };
    let own = match flagged {
        Some(false) => "the OOM notification can be lost in a race, so that the flag stays false",
        Some(true) | None => "the limit's OOM killer ends a process with SIGKILL",
    };
    let unlimited = stage.configured_limit().is_some_and(|(limit, _)| limit == Limit::Unlimited);
    // Why the log, though whole, does not exclude memory.
    let nameless = match placeless_kills(stage).count() {
        0 => String::new(),
        n => format!("; the kernel log holds {n} kills at this time whose cgroup it did not print"),
    };
    let mut left = vec![(Killer::HostOutOfMemory, format!("{host}{nameless}"))];
    if !unlimited && !oom_killer_is_off(stage) {
        left.push((Killer::ContainerMemoryLimit, own.to_owned()));
    }
    left.push((Killer::AncestorMemoryLimit, "a parent's limit can have filled".to_owned()));
    left
}

/// `--oom-kill-disable` (cgroup v1): its own full limit stops it and kills nothing, and docker is notified all
/// the same.
pub(super) fn oom_killer_is_off(stage: &Stage<'_>) -> bool {
    let record = stage.life.record.as_ref();
    record.is_some_and(|record| record.what.oom_kill_disable == Some(true))
}

fn orchestrator_candidates() -> Vec<(Killer, String)> {
    vec![
        (Killer::StopTimeout, "a stop whose grace period ran out ends with SIGKILL".to_owned()),
        (
            Killer::FailedProbe,
            "a failed probe ends in the same SIGKILL; its event lives one hour".to_owned(),
        ),
        (Killer::ApiKill, "a deletion, drain or preemption leaves the same status".to_owned()),
    ]
}

fn process_words(stage: &Stage<'_>) -> String {
    let outside = stage
        .life
        .record
        .as_ref()
        .is_some_and(|record| record.what.pid_mode.is_none() && record.what.init != Some(true));
    if outside && !starts_a_child(stage) {
        "a kill -9 from outside the container (from inside, PID 1 cannot be killed), an OOM daemon's too".to_owned()
    } else {
        "a kill -9 on the host, an OOM daemon's too, or inside the container on a child of PID 1"
            .to_owned()
    }
}

fn not_killed_words(stage: &Stage<'_>) -> String {
    if starts_a_child(stage) {
        "the shell passed on its child's status, or the script chose 137".to_owned()
    } else if passes_on(stage) {
        "the program behind the init returned 137".to_owned()
    } else {
        "the program itself returned 137".to_owned()
    }
}

/// The command itself is a shell or an init.
fn starts_a_child(stage: &Stage<'_>) -> bool {
    stage.life.program().is_some_and(program::passes_on_status)
}

/// The main process can have ended with a child's status: it is a shell or an init, or docker put
/// its init before it (`--init`).
pub(super) fn passes_on(stage: &Stage<'_>) -> bool {
    let init = stage.life.record.as_ref().is_some_and(|record| record.what.init == Some(true));
    init || starts_a_child(stage)
}

/// What would decide, and how to get it.
pub(super) fn would_settle(stage: &Stage<'_>, at: Option<Moment>) -> Vec<WouldSettle> {
    let mut wanted = Vec::new();
    // The log begins later than this life, and is whole around its end.
    let at_its_end = !stage.sheet.kernel_covered && kernel_did_not_end_it(stage).is_some();
    if !stage.sheet.kernel_covered && stage.sheet.oom_kills.is_empty() && !at_its_end {
        wanted.push(the_kernel_log(stage, at));
    }
    let docker = matches!(stage.life.teller, Teller::Docker | Teller::Bare);
    let asked = stage.sheet.is_asked();
    if docker && !asked && !stage.sheet.events_covered && stage.life.signals.is_empty() {
        wanted.push(WouldSettle {
            missing:
                "docker's memory of it, on that machine, before its 256 latest events roll over"
                    .to_owned(),
            how: "why137 explain NAME".to_owned(),
        });
    }
    if stage.life.teller == Teller::Kubernetes && stage.sheet.pod_events.is_empty() {
        wanted.push(WouldSettle {
            missing: "the pod's events, kept for one hour".to_owned(),
            how: "kubectl get events -o json | why137 explain - pod.json".to_owned(),
        });
    }
    // No OOM kill is in sight: then the sender of the signal is the question.
    if stage.kills.is_empty() && (at_its_end || stage.life.flagged() != Some(true)) {
        wanted.push(who_sends(9));
    }
    wanted
}

/// How to catch the sender of the next signal. The kernel's audit log names sender and login; it
/// must be on before the kill.
pub(super) fn who_sends(signal: i32) -> WouldSettle {
    let name = signal_name(signal);
    WouldSettle {
        missing: format!(
            "who sends the next {name}: set before it comes, read with `ausearch -k why137 -i`"
        ),
        how: format!("auditctl -a always,exit -F arch=b64 -S kill -F a1={signal} -k why137"),
    }
}

/// The kernel's own record of a moment.
pub(super) fn the_kernel_log(stage: &Stage<'_>, at: Option<Moment>) -> WouldSettle {
    // Asked on the machine itself, and the log is closed to this user: the gap knows how to open it.
    let closed = stage.sheet.gaps.iter().find(|gap| gap.source == Source::KernelLog);
    let how = closed.and_then(|gap| gap.open_by.clone());
    WouldSettle {
        missing: "the kernel log of that time, on the machine that ran it".to_owned(),
        how: how.unwrap_or_else(|| kernel_log_command(at)),
    }
}

/// The command that shows the kernel log around a moment.
pub(super) fn kernel_log_command(at: Option<Moment>) -> String {
    let window = at.and_then(|at| {
        let (from, to) = (at.plus_micros(-60_000_000)?, at.plus_micros(60_000_000)?);
        let text = |moment: Moment| moment.0.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Some(format!(" --since '{}' --until '{}'", text(from), text(to)))
    });
    format!("journalctl -k{} | why137 explain -", window.unwrap_or_default())
}

/// Why Docker's flag, the exit code or the state seem to say something else.
pub(super) fn contradictions(stage: &Stage<'_>, verdict: &Verdict) -> Vec<String> {
    let mut out: Vec<String> = unit::contradiction(stage, verdict.killer).into_iter().collect();
    out.extend(cleared_by_a_new_daemon(stage, verdict));
    match stage.life.flagged() {
        Some(false) if verdict.killer.is_kernel_oom() => out.push(flag_missing(stage, verdict)),
        Some(true) if !verdict.killer.is_kernel_oom() => out.push(flag_misleads(stage, verdict)),
        Some(true) if verdict.killer == Killer::HostOutOfMemory => out.push(
            "OOMKilled=true does not mean the container's own limit: on cgroup v2 the flag also counts kills of the host's OOM killer.".to_owned(),
        ),
        Some(true) if verdict.main.fate == Fate::Exited => out.push(
            "OOMKilled=true means that some process of the container was killed, not the main one.".to_owned(),
        ),
        Some(_) | None => {}
    }
    out
}

/// A daemon that starts without live-restore stops what its predecessor left running, by itself: its events are
/// those of a stop that somebody asked for.
fn cleared_by_a_new_daemon(stage: &Stage<'_>, verdict: &Verdict) -> Option<String> {
    let asked = matches!(verdict.killer, Killer::StopTimeout | Killer::Stopped | Killer::ApiKill);
    let daemon = stage.sheet.machine.daemon_started_at.filter(|_| asked)?;
    let later = stage.life.started_at? < daemon;
    let gap = stage.life.signals.first()?.at?.seconds_since(daemon);
    (later && (0.0..15.0).contains(&gap)).then(|| {
        format!("Docker's daemon started while it ran, {gap:.0} s before the signal: without live-restore a new daemon stops what the last one left, by itself; nobody else need have asked.")
    })
}

fn flag_missing(stage: &Stage<'_>, verdict: &Verdict) -> String {
    // Where the version is not known, v1 is not excluded.
    let maybe_v1 = stage.sheet.machine.cgroup_version != Some(2);
    if verdict.level == Level::Host && maybe_v1 {
        return "OOMKilled=false is no contradiction: on cgroup v1 docker is not told when the whole host runs out of memory.".to_owned();
    }
    if stage.life.alive {
        return "OOMKilled=false is no contradiction: docker up to 23.0 sets the flag only when the container itself ends, and it runs.".to_owned();
    }
    "OOMKilled=false is wrong here: docker missed the notification (it can be lost in a race with the container's end, or while docker itself is down).".to_owned()
}

fn flag_misleads(stage: &Stage<'_>, verdict: &Verdict) -> String {
    if let Some(kill) = stage.kills.first() {
        let comm = kill.victims.first().and_then(|victim| victim.comm.clone());
        let pid = kill.victims.first().map(|victim| format!(" (pid {})", victim.pid));
        let when = match (kill.at, verdict.at) {
            (Some(at), Some(end)) => format!(" {:.1} s before", end.seconds_since(at).max(0.0)),
            (None, _) | (_, None) => " before".to_owned(),
        };
        let victim =
            format!("{}{}", comm.as_deref().unwrap_or("a process"), pid.unwrap_or_default());
        if stage.main_hit(kill) == MainHit::Unclear {
            return format!(
                "OOMKilled=true fits {victim}, which was killed for memory{when}; whether the container ended by that is not shown."
            );
        }
        return format!(
            "OOMKilled=true comes from an earlier, separate event: {victim} was killed for memory{when}, and the container went on."
        );
    }
    if oom_killer_is_off(stage) {
        return "OOMKilled=true tells that it stood still at its limit: its OOM killer is disabled (--oom-kill-disable), so that limit kills nothing.".to_owned();
    }
    if verdict.killer == Killer::StillAlive {
        return "OOMKilled=true on a running container tells of a process that was killed in it, of its previous life, or (on cgroup v1) of a neighbour under the same parent limit.".to_owned();
    }
    "OOMKilled=true says that an OOM notification reached the container's cgroup, not what ended it; a neighbour under the same parent limit sets it too on cgroup v1.".to_owned()
}
