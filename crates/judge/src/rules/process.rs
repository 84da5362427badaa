//! # process — another process sent the signal
//!
//! ## What it looks for
//! - An OOM kill that somebody asked the kernel for by hand (SysRq-f, `order=-1` in the report).
//! - The first SIGKILL in a signal trace that was delivered, sent by a process that is not the runtime; where
//!   wait(2) says that the main process returned 137, one to a process that it started, right before that.
//! - An audit record, or sudo's line, that names who sent a SIGKILL to the main process (by its pid, else its
//!   name) right before the end; without a container, the last such record.
//! - `kill -9 PID` in a pasted transcript, where the text ties that pid to the main process or its shell says
//!   that it was killed.
//! - systemd's `Killed unit cgroup with SIGKILL on client request` for the container's unit.
//!
//! ## Why it means that
//! `signal_generate` is written in the sender's context: its name and pid are the sender's. `code=0` is
//! kill(2), -6 tgkill(2), 128 the kernel; `res=0` means delivered, 1 ignored, 2 already pending. The first
//! delivered one ends the process; later ones are clean-up. The trace and the request by hand are the
//! kernel's own record (`proven`); the audit log and the journal name the sender without showing the end
//! that followed (`likely`).
//!
//! ## What would speak against it
//! - `code=128` with `mark_victim` for the same pid next to it: the kernel's OOM killer.
//! - A sender that is runc, crun, a shim or dockerd: somebody used the API (api-kill, stop-timeout).
//! - Without a trace a host's `kill -9` and a chosen `exit(137)` leave the same marks: no verdict.
//!
//! ## Example
//! ```text
//! bash-6152 [001] 1389.67: signal_generate: sig=9 errno=0 code=0 comm=hog pid=6203 grp=1 res=0
//! ```
//!
//! ## References
//! - Linux `include/trace/events/signal.h`, `kernel/signal.c` `__send_signal_locked`

use casefile::signal_name;
use parse::record::{DaemonLine, MainEnd, RequestKind, TraceEvent};

use super::draft::{because, by_name, decisive, draft, end_line, nameless};
use super::{Rule, Seek, kernel_kill, requested, rivals};
use crate::facts::{Fact, Stage, Teller, program};
use crate::verdict::{Confidence, Fate, KilledBy, Killer, Level, Role, Verdict, Victim};

pub(super) const RULE: Rule = Rule {
    id: "process",
    title: "another process sent the signal",
    file: include_str!("process.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if let Some(mut verdict) = kernel_kill::reach_by_hand(stage, seek, RULE.id) {
        // SysRq-f: the kernel chose the victim, a person asked for a kill.
        verdict.killed_by = Some(by_name("SysRq-f"));
        verdict.detail =
            Some("somebody asked the kernel for an OOM kill by hand (SysRq-f)".to_owned());
        return Some(verdict);
    }
    if stage.life.alive {
        return None;
    }
    match seek {
        Seek::MainEndedFromOutside => {}
        Seek::KilledInside => return by_trace_inside(stage),
        Seek::OwnEnd => return None,
    }
    by_trace(stage)
        .or_else(|| by_audit(stage))
        .or_else(|| by_systemd(stage))
        .or_else(|| by_command(stage))
}

/// The runtime's own tools: their signal is somebody's API call.
fn is_runtime(comm: &str) -> bool {
    ["runc", "crun", "containerd", "dockerd", "conmon"].iter().any(|name| comm.starts_with(name))
}

/// The traced signal went to the main process: by its pid, else by its name; a trace alone is about
/// whom it shows.
fn hits(stage: &Stage<'_>, event: &TraceEvent) -> bool {
    let TraceEvent::Signal { pid, comm, .. } = event else { return false };
    match stage.main_pid() {
        Some(main) => main == *pid,
        None => {
            let named =
                stage.life.program().is_some_and(|program| program.starts_with(comm.as_str()));
            stage.life.teller == Teller::Nobody || named
        }
    }
}

fn by_trace(stage: &Stage<'_>) -> Option<Verdict> {
    let fact =
        stage.trace().find(|fact| is_delivered_kill(&fact.what) && hits(stage, &fact.what))?;
    let TraceEvent::Signal { sender_comm, sender_pid, signal, code, comm, pid, .. } = &fact.what
    else {
        return None;
    };
    // 128: the kernel itself, in the context of whoever runs.
    if *code == 128 || is_runtime(sender_comm) {
        return None;
    }
    // By its name alone the target is likely the main process, no more.
    let by_name = stage.main_pid().is_none() && stage.life.teller != Teller::Nobody;
    let confidence = if by_name { Confidence::Likely } else { Confidence::Proven };
    let mut verdict = base(stage, confidence);
    verdict.at = fact.at.or(verdict.at);
    verdict.main.signal = Some(*signal);
    verdict.main.pid = verdict.main.pid.or(Some(*pid));
    verdict.main.comm = Some(comm.clone());
    verdict.killed_by = Some(sender(stage, *sender_pid, sender_comm));
    let says = format!(
        "{sender_comm}, pid {sender_pid}, sent {} to {comm}, pid {pid}; it was delivered",
        signal_name(*signal)
    );
    verdict.because.push(decisive(
        &fact.cite,
        fact.at,
        says,
        format!("{sender_comm}-{sender_pid}"),
    ));
    verdict.victims =
        vec![Victim { pid: Some(*pid), comm: Some(comm.clone()), ..nameless(Role::Main) }];
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.ruled_out.extend(rivals::api_ruled_out(stage));
    Some(verdict)
}

/// What the main process returned where it is a child's status.
pub(super) const PASSED_ON: &str = "its own status, as a shell passes on a child's end by SIGKILL";

/// The traced signal went to the main process, where its pid is known and its parent does not deny it.
pub(super) fn hits_main(stage: &Stage<'_>, event: &TraceEvent) -> bool {
    let TraceEvent::Signal { pid, .. } = event else { return false };
    let returned = matches!(stage.main_end(), Some(MainEnd::Exited(_)));
    !returned && stage.main_pid().is_none_or(|main| main == *pid)
}

/// A delivered SIGKILL to a process that the main one started, right before the main one returned 137:
/// the trace is of the main process and what it started, and wait(2) tells a status from a signal.
pub(super) fn is_passed_on(stage: &Stage<'_>, fact: &Fact<TraceEvent>) -> bool {
    let TraceEvent::Signal { pid, .. } = &fact.what else { return false };
    let returned = stage.main_end() == Some(MainEnd::Exited(137));
    let other = stage.main_pid().is_some_and(|main| main != *pid);
    let gap = fact.at.zip(stage.life.ended_at()).map(|(at, end)| end.seconds_since(at));
    let right_before = gap.is_none_or(|gap| (-0.25..1.0).contains(&gap));
    stage.life.teller == Teller::Parent
        && returned
        && other
        && right_before
        && is_delivered_kill(&fact.what)
}

/// The victim is a process that the main one started; the main one ended by itself.
pub(super) fn tell_child(verdict: &mut Verdict, event: &TraceEvent) {
    let TraceEvent::Signal { pid, comm, .. } = event else { return };
    verdict.main.fate = Fate::Exited;
    verdict.main.signal = None;
    verdict.victims =
        vec![Victim { pid: Some(*pid), comm: Some(comm.clone()), ..nameless(Role::Child) }];
}

/// A process that the main one started was killed, and the main one returned its status.
fn by_trace_inside(stage: &Stage<'_>) -> Option<Verdict> {
    let passed_on = stage.trace().filter(|fact| is_passed_on(stage, fact));
    let fact = passed_on.last()?;
    let TraceEvent::Signal { sender_comm, sender_pid, code, comm, pid, .. } = &fact.what else {
        return None;
    };
    // 128: the kernel itself, for a limit or out of memory.
    if *code == 128 {
        return None;
    }
    let mut verdict = base(stage, Confidence::Likely);
    tell_child(&mut verdict, &fact.what);
    verdict.at = fact.at.or(verdict.at);
    verdict.killed_by = Some(sender(stage, *sender_pid, sender_comm));
    let says = format!("{sender_comm}, pid {sender_pid}, sent SIGKILL to {comm}, pid {pid}");
    let words = format!("{sender_comm}-{sender_pid}");
    verdict.because.push(decisive(&fact.cite, fact.at, says, words));
    verdict.because.extend(end_line(stage, PASSED_ON));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    Some(verdict)
}

/// `res=0`: delivered; a signal that is ignored or already pending ends nothing.
pub(super) fn is_delivered_kill(event: &TraceEvent) -> bool {
    matches!(event, TraceEvent::Signal { signal: 9, result: 0, .. })
}

fn sender(stage: &Stage<'_>, pid: u32, comm: &str) -> KilledBy {
    let told = stage.trace().find_map(|fact| {
        let TraceEvent::Sender { pid: known, uid, login_uid, command } = &fact.what else {
            return None;
        };
        (*known == pid).then(|| (*uid, *login_uid, command.clone()))
    });
    let (uid, login_uid, command) = told.unwrap_or_default();
    KilledBy { name: Some(comm.to_owned()), pid: Some(pid), uid, login_uid, command, client: None }
}

/// The last record of a SIGKILL that can be the one: its target is the main process, by pid, else by
/// name; without a subject, the last one that the text tells of.
fn by_audit(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = stage.sheet.daemon.iter().rfind(|fact| is_audited_kill(stage, fact))?;
    let DaemonLine::SignalSentBy { comm, pid, uid, login_uid, target_pid, target_comm, .. } =
        &fact.what
    else {
        return None;
    };
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.because.push(because(&fact.cite, fact.at, "the audit log names the sender"));
    verdict.killed_by = Some(KilledBy {
        name: comm.clone(),
        pid: *pid,
        uid: *uid,
        login_uid: *login_uid,
        ..KilledBy::default()
    });
    if target_pid.is_some() {
        let comm = target_comm.clone();
        let role = if stage.main_pid() == *target_pid { Role::Main } else { Role::Other };
        verdict.victims = vec![Victim { pid: *target_pid, comm, ..nameless(role) }];
    }
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn is_audited_kill(stage: &Stage<'_>, fact: &Fact<DaemonLine>) -> bool {
    let DaemonLine::SignalSentBy { comm, signal: Some(9), target_pid, target_comm, .. } =
        &fact.what
    else {
        return false;
    };
    if comm.as_deref().is_some_and(is_runtime) {
        return false;
    }
    if stage.life.teller == Teller::Nobody {
        return true;
    }
    // The end has to follow as a signal's does; 3 s are for stamps of whole seconds.
    let Some(at) = fact.at.filter(|at| stage.life.holds(*at)) else { return false };
    let soon = stage.life.ended_at().is_none_or(|end| (-1.0..3.0).contains(&end.seconds_since(at)));
    let by_signal = stage.life.exit_code().is_none_or(|code| code == 137);
    let hit = match (stage.main_pid(), *target_pid) {
        (Some(main), Some(target)) => main == target,
        // Which pid it had is no longer known; whose name the target bears may be.
        (None, _) | (_, None) => {
            let names = target_comm.as_deref().zip(stage.life.program());
            names.is_none_or(|(comm, program)| program::is_comm_of(comm, program))
        }
    };
    soon && by_signal && hit
}

/// `kill -9 PID` in a transcript, on a pid that the text ties to the main process.
fn by_command(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = requested::find(stage, &[RequestKind::Process])?;
    let signal = fact.what.signal?;
    let fits = stage.life.exit_code().is_none_or(|code| code == 128 + i64::from(signal));
    let pid = fact.what.targets.first().and_then(|pid| pid.parse::<u32>().ok())?;
    let by_kernel = stage.kills.iter().any(|kill| kill.victims.iter().any(|v| v.pid == pid));
    if !fits || by_kernel || stage.life.flagged() == Some(true) {
        return None;
    }
    let mut verdict = base(stage, Confidence::Likely);
    verdict.main.signal = Some(signal);
    verdict.killed_by = Some(by_name("kill"));
    verdict.detail =
        Some(format!("somebody typed `kill` with {} and this pid", signal_name(signal)));
    verdict.victims = vec![Victim { pid: Some(pid), ..nameless(Role::Other) }];
    let says = format!("kill(1) was asked to send {} to pid {pid}", signal_name(signal));
    verdict.because.push(because(&fact.cite, None, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn by_systemd(stage: &Stage<'_>) -> Option<Verdict> {
    let fact =
        stage.daemon().find(|fact| matches!(fact.what, DaemonLine::UnitKilledByClient { .. }))?;
    // The journal's word names systemd, not the client behind it.
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.killed_by = Some(KilledBy { pid: Some(1), ..by_name("systemd") });
    verdict.detail = Some("a client asked systemd to kill the unit (systemctl kill)".to_owned());
    let says = "systemd killed every process of the unit because a client asked for it";
    verdict.because.push(decisive(&fact.cite, fact.at, says, "on client request"));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn base(stage: &Stage<'_>, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Process, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Killed;
    verdict.main.signal = Some(9);
    verdict
}
