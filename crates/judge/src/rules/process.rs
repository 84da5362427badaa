//! # process — another process sent the signal
//!
//! ## What it looks for
//! The first delivered fatal signal to the main process in a signal trace, sent by kill(2) from a process
//! that is not the runtime; an OOM kill that somebody asked the kernel for (SysRq-f, `order=-1`); an audit
//! record; systemd's `Killed unit cgroup with SIGKILL on client request`.
//!
//! ## Why it means that
//! `signal_generate` is written in the sender's context: its name and pid are the sender's. `code=0` is
//! kill(2) from user space, 128 is the kernel; `res=0` means delivered, 1 ignored, 2 already pending. The first
//! delivered one ends the process; later ones are clean-up.
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

use parse::record::{DaemonLine, TraceEvent};

use super::draft::{because, decisive, draft, end_line, signal_name};
use super::{Rule, Seek, kernel_kill, rivals, stop_timeout};
use crate::facts::{Fact, Stage, Teller};
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
        let name = Some("SysRq-f".to_owned());
        verdict.killed_by = Some(KilledBy { name, ..KilledBy::default() });
        verdict.detail =
            Some("somebody asked the kernel for an OOM kill by hand (SysRq-f)".to_owned());
        return Some(verdict);
    }
    if seek != Seek::MainEndedFromOutside || stage.life.alive {
        return None;
    }
    by_trace(stage).or_else(|| by_audit(stage)).or_else(|| by_systemd(stage))
}

/// The runtime's own tools: their signal is somebody's API call.
const RUNTIMES: [&str; 6] = ["runc", "crun", "containerd-shim", "dockerd", "conmon", "containerd"];

fn by_trace(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = stage.trace().find(|fact| is_delivered_kill(&fact.what))?;
    let TraceEvent::Signal { sender_comm, sender_pid, signal, code, comm, pid, .. } = &fact.what
    else {
        return None;
    };
    let by_runtime = RUNTIMES.iter().any(|name| sender_comm.starts_with(name));
    if *code == 128 || by_runtime {
        return None;
    }
    let mut verdict = base(stage, Confidence::Proven);
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
    verdict.victims = vec![Victim {
        pid: Some(*pid),
        comm: Some(comm.clone()),
        ..stop_timeout::nameless(Role::Main)
    }];
    verdict.because.extend(end_line(stage, "the end that followed"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.ruled_out.extend(rivals::api_ruled_out(stage));
    Some(verdict)
}

fn is_delivered_kill(event: &TraceEvent) -> bool {
    matches!(event, TraceEvent::Signal { signal: 9, result: 0, .. })
}

fn sender(stage: &Stage<'_>, pid: u32, comm: &str) -> KilledBy {
    let told = stage.trace().find_map(|fact| match &fact.what {
        TraceEvent::Sender { pid: known, uid, login_uid, command } if *known == pid => {
            Some((*uid, *login_uid, command.clone()))
        }
        _ => None,
    });
    let (uid, login_uid, command) = told.unwrap_or_default();
    KilledBy { name: Some(comm.to_owned()), pid: Some(pid), uid, login_uid, command, client: None }
}

fn by_audit(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, by, target) = stage.sheet.daemon.iter().find_map(|fact| match &fact.what {
        DaemonLine::SignalSentBy {
            comm,
            pid,
            uid,
            login_uid,
            signal: Some(9),
            target_pid,
            target_comm,
        } => {
            let by = KilledBy {
                name: comm.clone(),
                pid: *pid,
                uid: *uid,
                login_uid: *login_uid,
                ..KilledBy::default()
            };
            Some((fact, by, (*target_pid, target_comm.clone())))
        }
        _ => None,
    })?;
    let ours =
        stage.life.teller == Teller::Nobody || fact.at.is_some_and(|at| stage.life.holds(at));
    let by_runtime =
        by.name.as_deref().is_some_and(|name| RUNTIMES.iter().any(|it| name.starts_with(it)));
    if !ours || by_runtime {
        return None;
    }
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.because.push(because(&fact.cite, fact.at, "the audit log names the sender"));
    verdict.killed_by = Some(by);
    if target.0.is_some() {
        let nameless = stop_timeout::nameless(Role::Other);
        verdict.victims = vec![Victim { pid: target.0, comm: target.1, ..nameless }];
    }
    Some(verdict)
}

fn by_systemd(stage: &Stage<'_>) -> Option<Verdict> {
    let fact: &Fact<DaemonLine> =
        stage.daemon().find(|fact| matches!(fact.what, DaemonLine::UnitKilledByClient { .. }))?;
    // The journal's word names systemd, not the client behind it.
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.killed_by =
        Some(KilledBy { name: Some("systemd".to_owned()), pid: Some(1), ..KilledBy::default() });
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
