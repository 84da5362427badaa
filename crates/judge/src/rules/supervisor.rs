//! # supervisor — the program's own supervisor, or the program itself, sent the signal
//!
//! ## What it looks for
//! Words in the log by which the one who kills says so, while the kernel killed nothing in this life:
//! - a supervisor of children: gunicorn `WORKER TIMEOUT`, `timeout: sending signal KILL`, uWSGI HARAKIRI,
//!   supervisord, a celery hard time limit, php-fpm's `execution timed out`;
//! - a scheduler or platform whose time or memory budget was used up: Slurm, LSF, Dask, Ray, Lambda's
//!   `Task timed out`;
//! - a JVM that runs `OnOutOfMemoryError="kill -9 %p"`;
//! - a platform that measures memory with figures of its own: YARN, Spark, Heroku, pm2. (Mesos tells of the kernel's notification.)
//!
//! ## Why it means that
//! The one who kills says so before or while it does. It is the program's own word, so the answer is
//! `likely` at most. Such a kill takes a child as a rule: what ended the main process from outside is asked
//! before.
//!
//! ## What would speak against it
//! - A kernel OOM report for that process: then memory was the reason.
//! - `Worker (pid:N) was sent SIGKILL! Perhaps out of memory?` alone: gunicorn prints it for every SIGKILL,
//!   also for its own; it proves nothing (unknown).
//! - A JVM that ended with another code than 137 and not behind a shell: as PID 1 a kill from inside is
//!   ignored.
//!
//! ## Example
//! ```text
//! [CRITICAL] WORKER TIMEOUT (pid:16)
//! [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?
//! ```
//!
//! ## References
//! - gunicorn `arbiter.py` `murder_workers`, `reap_workers`; HotSpot `-XX:OnOutOfMemoryError`

use casefile::Source;
use parse::record::Application;

use super::draft::{because, by_name, draft, end_line, nameless};
use super::{Rule, Seek, rivals};
use crate::facts::{Fact, Stage};
use crate::verdict::{Confidence, Fate, Killer, Level, Role, Verdict, Victim};

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
    ["yarn", "heroku", "spark", "pm2"].contains(&platform)
}

/// A platform's own watcher killed it for its memory.
fn by_platform(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, name, limit, usage) = stage.application().find_map(|fact| {
        let Application::Platform { name, killed_for_memory, limit, usage } = &fact.what else {
            return None;
        };
        (*killed_for_memory && kills_by_itself(name)).then_some((fact, name, *limit, *usage))
    })?;
    let says = "the platform measured the memory and killed it itself";
    let mut verdict = base(stage, fact, name, says);
    (verdict.limit, verdict.usage) = (limit.or(verdict.limit), usage);
    verdict.detail = Some(format!("{name} watches the memory and kills what uses too much"));
    Some(verdict)
}

fn by_supervisor(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, by, pid, reason) = stage.application().find_map(|fact| {
        let Application::SupervisorKills { by, pid, reason } = &fact.what else { return None };
        Some((fact, by, *pid, reason))
    })?;
    let mut verdict = base(stage, fact, by, "the supervisor says that it kills its child");
    // Its whole line stands in the evidence.
    verdict.detail = (reason.chars().count() <= 80).then(|| format!("\"{reason}\""));
    let reaped = stage.application().find_map(|fact| {
        let Application::ChildKilled { pid, .. } = &fact.what else { return None };
        Some((fact, (*pid)?))
    });
    if let Some((fact, _)) = reaped {
        let says =
            "its message about the end of that child; \"out of memory?\" is a guess of the text";
        verdict.because.push(because(&fact.cite, fact.at, says));
    }
    if let Some(pid) = pid.or(reaped.map(|(_, pid)| pid)) {
        verdict.victims = vec![Victim { pid: host_pid(fact, pid), ..nameless(Role::Child) }];
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
    verdict.victims = vec![Victim { comm, ..nameless(Role::Child) }];
    Some(verdict)
}

/// A program counts pids in its own namespace: a container's log that was read from the container
/// does not tell the pid outside.
fn host_pid(fact: &Fact<Application>, pid: u32) -> Option<u32> {
    (fact.source != Source::ApplicationLog).then_some(pid)
}

fn base(stage: &Stage<'_>, fact: &Fact<Application>, by: &str, says: &str) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Process, Level::None, Confidence::Likely);
    verdict.at = verdict.at.or(fact.at);
    verdict.limit_at_fault = Some(false);
    verdict.killed_by = Some(by_name(by));
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
