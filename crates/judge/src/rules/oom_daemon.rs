//! # oom-daemon — a user-space OOM daemon killed it
//!
//! ## What it looks for
//! The daemon's own line: systemd-oomd `Killed … due to memory pressure`, earlyoom `sending SIGTERM to
//! process`, oomd, nohang; about the container's unit, its main process's pid, or (with an exit by SIGKILL or
//! SIGTERM) a process of the program's name. Where there is no subject, any such line, oomd's in the kernel log too.
//!
//! ## Why it means that
//! These daemons act before the kernel would, on pressure or free memory, and write down whom they
//! chose. The kernel's log holds nothing of it. A line that names the unit is `proven`; a pid or a name alone
//! is `likely`.
//!
//! ## What would speak against it
//! - A kernel OOM report for the same process: the kernel was first.
//! - A line about another unit than the subject's.
//! - `low memory!` alone is a reason, not a kill.
//!
//! ## Example
//! ```text
//! systemd-oomd[604]: Killed /user.slice/…/app.service due to memory pressure for /user.slice/… being 71.20% > 50.00% for > 20s with reclaim activity
//! earlyoom[812]: sending SIGTERM to process 1639 uid 991 "rustc": oom_score 1331, …
//! ```
//!
//! ## References
//! - systemd `src/oom/oomd-manager.c`; earlyoom `kill.c`

use casefile::CgroupPath;
use parse::record::{DaemonLine, KernelEvent, OomDaemon};

use super::draft::{because, by_name, decisive, draft, end_line, nameless};
use super::{Rule, Seek, rivals};
use crate::facts::{Stage, Teller, named_container, program, unit_of};
use crate::verdict::{Confidence, Fate, Killer, Level, Role, Verdict, Victim};

pub(super) const RULE: Rule = Rule {
    id: "oom-daemon",
    title: "a user-space OOM daemon (systemd-oomd, earlyoom, oomd, nohang) killed it",
    file: include_str!("oom_daemon.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || stage.life.alive {
        return None;
    }
    let kills: Vec<_> = stage.daemon().filter(|fact| concerns(stage, &fact.what)).collect();
    let Some(last) = kills.last() else { return by_oomd(stage) };
    // The daemon asked with SIGTERM, and the kernel was faster: the kernel's kill ended it.
    let pids: Vec<u32> = kills.iter().filter_map(|fact| victim(&fact.what)?.pid).collect();
    if stage.kills.iter().any(|kill| kill.victims.iter().any(|v| pids.contains(&v.pid))) {
        return None;
    }
    let DaemonLine::OomDaemonKill { daemon, reason, unit, .. } = &last.what else { return None };
    let confidence =
        if is_certain(stage, &last.what) { Confidence::Proven } else { Confidence::Likely };
    let mut verdict = draft(stage, RULE.id, Killer::OomDaemon, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.at = last.at.or(verdict.at);
    verdict.at_words = rivals::words_of(last.stamp, last.at);
    verdict.killed_by = Some(by_name(name(*daemon)));
    verdict.detail =
        unit.as_ref().map(|unit| format!("{unit} was chosen")).or_else(|| reason.clone());
    for fact in kills.iter().rev().take(3).rev() {
        let says = format!("{} says whom it killed and why", name(*daemon));
        verdict.because.push(because(&fact.cite, fact.at, says));
    }
    verdict.victims = kills.iter().filter_map(|fact| victim(&fact.what)).collect();
    verdict.victims.dedup_by_key(|victim| victim.pid);
    if let Some(signal @ (9 | 15)) = stage.life.exit_code().map(|code| code - 128) {
        verdict.main.fate = Fate::Killed;
        verdict.main.signal = i32::try_from(signal).ok();
    }
    verdict.because.extend(end_line(stage, "the container's end"));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// The kill is about the subject: its unit is the container's, or nothing tells that it is another's.
fn concerns(stage: &Stage<'_>, line: &DaemonLine) -> bool {
    let DaemonLine::OomDaemonKill { pid, comm, unit, .. } = line else { return false };
    let pids = stage.main_pid().zip(*pid);
    let Some(id) = &stage.life.id else {
        let place = unit.as_deref().zip(stage.life.place.as_ref());
        return pids.is_none_or(|(own, named)| own == named)
            && place.is_none_or(|(named, own)| holds(named, own));
    };
    let names_it = named_container(line).is_some_and(|named| named.is_same(id));
    let main = pids.is_some_and(|(own, named)| own == named);
    let named = comm.as_deref().zip(stage.life.program());
    let named = named.is_some_and(|(comm, program)| program::is_comm_of(comm, program));
    let by_signal = stage.life.exit_code().is_some_and(|code| matches!(code, 137 | 143));
    names_it || main || (named && by_signal)
}

/// A unit's name or its cgroup, with or without the root's slash, is this cgroup or one above it.
fn holds(named: &str, own: &CgroupPath) -> bool {
    format!("{own}/").contains(&format!("/{}/", named.trim_matches('/')))
}

/// By name only, a process is likely the container's, no more.
fn is_certain(stage: &Stage<'_>, line: &DaemonLine) -> bool {
    let of_unit = stage.life.place.is_some() || stage.life.unit.is_some();
    let named = named_container(line).is_some() || (of_unit && unit_of(line).is_some());
    matches!(stage.life.teller, Teller::Nobody) || named
}

fn victim(line: &DaemonLine) -> Option<Victim> {
    let DaemonLine::OomDaemonKill { pid: Some(pid), comm, uid, .. } = line else { return None };
    let nameless = nameless(Role::Other);
    Some(Victim { pid: Some(*pid), comm: comm.clone(), uid: *uid, ..nameless })
}

/// Facebook's oomd writes to the kernel log, and names no container there: pasted text only.
fn by_oomd(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.teller != Teller::Nobody {
        return None;
    }
    let fact =
        stage.sheet.kernel.iter().rfind(|fact| matches!(fact.what, KernelEvent::OomdKill(_)))?;
    let mut verdict = draft(stage, RULE.id, Killer::OomDaemon, Level::None, Confidence::Proven);
    verdict.at = fact.at;
    verdict.killed_by = Some(by_name("oomd"));
    verdict.because.push(decisive(&fact.cite, fact.at, "oomd says whom it killed", "oomd kill"));
    Some(verdict)
}

fn name(daemon: OomDaemon) -> &'static str {
    match daemon {
        OomDaemon::SystemdOomd => "systemd-oomd",
        OomDaemon::Earlyoom => "earlyoom",
        OomDaemon::Oomd => "oomd",
        OomDaemon::Nohang => "nohang",
    }
}
