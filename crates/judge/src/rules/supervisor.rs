//! # supervisor — the program's own supervisor, or the program itself, sent the signal
//!
//! ## What it looks for
//! Words in the container's log by which a supervisor says that it kills: gunicorn `WORKER TIMEOUT`,
//! `timeout: sending signal KILL`, uWSGI HARAKIRI, supervisord; or a JVM that runs `OnOutOfMemoryError="kill -9 %p"`.
//!
//! ## Why it means that
//! The one who kills says so before or while it does. It is the program's own word, so the answer is
//! `likely` at most.
//!
//! ## What would speak against it
//! - A kernel OOM report for that process: then memory was the reason.
//! - `Worker (pid:N) was sent SIGKILL! Perhaps out of memory?` alone: gunicorn prints it for every SIGKILL,
//!   also for its own; it proves nothing.
//!
//! ## Example
//! ```text
//! [CRITICAL] WORKER TIMEOUT (pid:16)
//! [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?
//! ```
//!
//! ## References
//! - gunicorn `arbiter.py` `murder_workers`, `reap_workers`; HotSpot `-XX:OnOutOfMemoryError`

use parse::record::Application;

use super::draft::{because, draft, end_line};
use super::{Rule, Seek, rivals, stop_timeout};
use crate::facts::{Fact, Stage};
use crate::verdict::{Confidence, Fate, KilledBy, Killer, Level, Role, Verdict, Victim};

pub(super) const RULE: Rule = Rule {
    id: "supervisor",
    title: "the program's own supervisor, or the program itself, sent the signal",
    file: include_str!("supervisor.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::KilledInside || !stage.kills.is_empty() {
        return None;
    }
    by_supervisor(stage).or_else(|| by_jvm(stage)).or_else(|| by_platform(stage))
}

/// Platforms that measure a program's memory and kill it themselves; no kernel OOM kill is involved.
pub(super) fn kills_by_itself(platform: &str) -> bool {
    ["yarn", "heroku", "mesos", "spark", "pm2"].contains(&platform)
}

/// A platform's own watcher killed it for its memory.
fn by_platform(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, name, limit, usage) = stage.application().find_map(|fact| match &fact.what {
        Application::Platform { name, killed_for_memory: true, limit, usage }
            if kills_by_itself(name) =>
        {
            Some((fact, name.clone(), *limit, *usage))
        }
        _ => None,
    })?;
    let says = "the platform measured the memory and killed it itself";
    let mut verdict = base(stage, fact, &name, says);
    (verdict.limit, verdict.usage) = (limit.or(verdict.limit), usage);
    verdict.detail = Some(format!("{name} watches the memory and kills what uses too much"));
    Some(verdict)
}

fn by_supervisor(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, by, pid, reason) = stage.application().find_map(|fact| match &fact.what {
        Application::SupervisorKills { by, pid, reason } => {
            Some((fact, by.clone(), *pid, reason.clone()))
        }
        _ => None,
    })?;
    let mut verdict = base(stage, fact, &by, "the supervisor says that it kills its child");
    verdict.detail = Some(reason);
    let child = |other: &&Fact<Application>| matches!(&other.what, Application::ChildKilled { pid: known, .. } if known.is_some());
    let killed = stage.application().find(child);
    let pid = pid.or_else(|| match &killed?.what {
        Application::ChildKilled { pid, .. } => *pid,
        _ => None,
    });
    if let Some(killed) = killed {
        let says =
            "its message about the end of that child; \"out of memory?\" is a guess of the text";
        verdict.because.push(because(&killed.cite, killed.at, says));
    }
    verdict.victims =
        vec![Victim { pid: host_pid(fact, pid), ..stop_timeout::nameless(Role::Child) }];
    if pid.is_none() {
        verdict.victims.clear();
    }
    Some(verdict)
}

fn by_jvm(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = stage.application().find(|fact| {
        matches!(fact.what, Application::JavaOnOutOfMemory { kills_itself: true, .. })
    })?;
    // As PID 1 the kill is ignored; behind a shell the JVM dies whatever the shell returns then.
    let shell = rivals::passes_on(stage);
    if stage.life.exit_code().is_some_and(|code| code != 137 && !(shell && code < 126)) {
        return None;
    }
    let says = "the JVM ran its OnOutOfMemoryError command, which kills it";
    let mut verdict = base(stage, fact, "java (OnOutOfMemoryError)", says);
    verdict.detail = Some(
        "the Java heap was exhausted, and the JVM's own OnOutOfMemoryError command killed it"
            .to_owned(),
    );
    let comm = Some("java".to_owned());
    verdict.victims = vec![Victim { comm, ..stop_timeout::nameless(Role::Child) }];
    Some(verdict)
}

/// A program counts pids in its own namespace: a container's log that was read from the container
/// does not tell the pid outside.
fn host_pid(fact: &Fact<Application>, pid: Option<u32>) -> Option<u32> {
    pid.filter(|_| fact.source != casefile::Source::ApplicationLog)
}

fn base(stage: &Stage<'_>, fact: &Fact<Application>, by: &str, says: &str) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Process, Level::None, Confidence::Likely);
    verdict.at = verdict.at.or(fact.at);
    verdict.limit_at_fault = Some(false);
    verdict.killed_by = Some(KilledBy { name: Some(by.to_owned()), ..KilledBy::default() });
    if !stage.life.alive && verdict.main.exit_code.is_some() {
        verdict.main.fate = Fate::Exited;
    }
    verdict.because.push(because(&fact.cite, fact.at, says));
    verdict.because.extend(end_line(stage, "how the main process ended afterwards"));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.ruled_out.extend(rivals::api_ruled_out(stage));
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    verdict
}
