//! # oom-level-unknown — out of memory, but whose limit is not shown
//!
//! ## What it looks for
//! A kernel kill whose report does not show `oom_memcg` and `task_memcg` (cut, suppressed, grepped
//! away); or only somebody's word that there was one:
//! - the kernel's counter `oom_kill` above 0 in the cgroup files of a container that lives, or in pasted ones;
//! - a signal trace with SIGKILL by the kernel (`code=128`) and the OOM killer's `mark_victim` on the same pid;
//! - the runtime's flag, reason or event: `OOMKilled=true`, `reason: OOMKilled`, ECS `OutOfMemoryError`, `oom`;
//! - systemd (`killed by the OOM killer`, result `oom-kill`), `TaskOOM`, Slurm's and Nomad's counters;
//! - the node's events `OOMKilling` and `SystemOOM`;
//! - runc's `container init was OOM-killed (memory limit too low?)`: killed while it was being started;
//! - a platform's message, or its figures where all of the memory was used and an end stands beside them.
//!
//! ## Why it means that
//! A `Killed process` line is the kernel's own record of a kill; without the summary line it does
//! not say whose limit filled. The words say less: an OOM notification reached the container's
//! cgroup, or somebody counted one. With an exit by SIGKILL and no API signal, a kill for memory is what fits,
//! so a word alone is at most `likely`.
//!
//! ## What would speak against it
//! - An API signal: then the flag is from an earlier event (api-kill, stop-timeout). With
//!   `HasBeenManuallyStopped` alone the answer is no more than `possible`.
//! - `--oom-kill-disable`: docker is notified of a full limit that kills nothing.
//! - A kernel log that covers the life, or is whole around its end, and holds no OOM kill there.
//! - An end right before the start of the docker daemon that answers now: a daemon that is stopped ends its
//!   containers by SIGKILL too, so the flag alone is no more than `possible`.
//! - The flag on a container with another exit code: a child was killed, the main process went on. The same
//!   holds where the last `oom` event is more than a second before the end.
//! - `oom 0` in `memory.events`: the container's own limit was never hit; a parent's or the host's memory is left.
//! - Docker up to 23.0 carries a flag into the next life; on cgroup v1 a neighbour sets it.
//! - A node event `OOMKilling` is no node-level OOM: node-problem-detector repeats every `Killed process` line,
//!   a container's own limit's too.
//!
//! ## Example
//! ```text
//! ExitCode=137 OOMKilled=true
//! ```
//!
//! ## References
//! - moby commit 57d2d6ef62 (24.0): the flag follows the notification at once
//! - containerd pull request 6323: which counter the notification is made from

use casefile::{Bytes, Citation, Limit, Moment, Source};
use parse::record::{
    Application, ContainerStatus, DaemonLine, KernelEvent, KillMessage, MainEnd, PodEvent, Record,
    TraceEvent,
};

use super::draft::{decisive, draft, end_line, nameless, possible};
use super::{Rule, Seek, ancestor_limit, failed_probe, kernel_kill, memory, rivals, supervisor};
use crate::facts::{Fact, Stage, Teller, is_oom_reason};
use crate::verdict::{Candidate, Confidence, Fate, Killer, Level, Role, RuledOut, Verdict, Victim};

pub(super) const RULE: Rule = Rule {
    id: "oom-level-unknown",
    title: "out of memory, but the evidence does not show whose limit",
    file: include_str!("oom_level_unknown.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    let levels = [Level::Unknown, Level::None];
    if let Some(verdict) = kernel_kill::reach(stage, seek, RULE.id, Killer::OutOfMemory, &levels) {
        return Some(with_level_candidates(stage, verdict));
    }
    if seek != Seek::KilledInside || stage.kills.iter().any(|kill| kill.is_policy()) {
        return None;
    }
    if let Some(verdict) = at_start(stage) {
        return Some(with_level_candidates(stage, verdict));
    }
    let word = counted(stage)
        .or_else(|| traced(stage))
        .or_else(|| runtime_word(stage))
        .or_else(|| log_word(stage))?;
    Some(by_word(stage, word))
}

/// runc's init, which becomes the program, was killed before it did: runc looks at the cgroup's own
/// counter for that (libcontainer `init_linux.go`, `process_linux.go`).
fn at_start(stage: &Stage<'_>) -> Option<Verdict> {
    let words = |text: &&str| text.contains("container init was OOM-killed");
    let record = stage.life.record.as_ref().and_then(|record| {
        let span = record.what.span_of("error").unwrap_or(record.cite.span);
        record.what.error.as_deref().filter(words).map(|_| (record.cite_at(span), None))
    });
    let status = || {
        let status = stage.life.status.as_ref()?;
        let texts = [&status.what.reason, &status.what.message];
        let told = texts.iter().filter_map(|text| text.as_deref()).any(|text| words(&text));
        told.then(|| (status.cite.clone(), status.at))
    };
    // ECS repeats it as the task's reason, too.
    let task = || {
        let task = stage.life.task.as_ref()?;
        let told = task.what.stopped_reason.as_deref().is_some_and(|text| words(&text));
        told.then(|| (task.cite.clone(), task.at))
    };
    let event = || {
        let told = stage.pod_events().find(|event| words(&event.what.message.as_str()))?;
        Some((told.cite.clone(), told.at))
    };
    let daemon = || {
        let at_start =
            |line: &DaemonLine| matches!(line, DaemonLine::RuntimeOom { at_start: true, .. });
        let told = stage.daemon().find(|fact| at_start(&fact.what))?;
        Some((told.cite.clone(), told.at))
    };
    let (cite, at) = record.or_else(status).or_else(task).or_else(event).or_else(daemon)?;
    let mut verdict =
        draft(stage, RULE.id, Killer::OutOfMemory, Level::Unknown, Confidence::Likely);
    verdict.at = verdict.at.or(at);
    // 128 is what the runtime notes for a start that failed.
    verdict.main.fate = Fate::Unknown;
    verdict.main.exit_code_trusted = false;
    verdict.detail =
        Some("it was killed while it was being started: the program itself never ran".to_owned());
    let says =
        "runc's own word: the container's init was killed for memory before it became the program";
    verdict.because.push(decisive(&cite, at, says, "OOM-killed"));
    verdict.would_settle_it = vec![rivals::the_kernel_log(stage, verdict.at)];
    Some(verdict)
}

/// Somebody's word for an OOM kill.
struct Word {
    cite: Citation,
    at: Option<Moment>,
    says: &'static str,
    decisive: String,
    confidence: Confidence,
}

fn runtime_word(stage: &Stage<'_>) -> Option<Word> {
    let life = stage.life;
    // A flag without a matching end may be a previous life's: alive containers are judged by
    // counters and events.
    let event = life.oom_events.last();
    let told = life.flag.clone().or_else(|| task_flag(stage));
    let Some((true, cite)) = told.filter(|_| !life.alive) else {
        let (at, cite) = event?;
        let alone = stage.sheet.oom_kills.is_empty() && !stage.sheet.kernel_covered;
        // Its own counter says that nobody was killed in it: the notification was a neighbour's.
        let uncounted = life.alive && memory::oom_kills(stage).is_some_and(|(_, kills)| kills == 0);
        if uncounted || ended_long_after_its_events(stage) {
            return None;
        }
        // Below a shared limit cgroup v1 notifies every container.
        let shared = life.record.as_ref().is_some_and(|it| it.what.cgroup_parent.is_some());
        let doubtful = shared && stage.sheet.machine.cgroup_version == Some(1);
        return (alone && life.signals.is_empty()).then(|| Word {
            cite: cite.clone(),
            at: *at,
            says: "docker passed on an OOM notification of this container's cgroup",
            decisive: "oom".to_owned(),
            confidence: if doubtful { Confidence::Possible } else { Confidence::Likely },
        });
    };
    let kills_nothing = rivals::oom_killer_is_off(stage);
    if kills_nothing || rivals::kernel_did_not_end_it(stage).is_some() || !life.signals.is_empty() {
        return None;
    }
    if ended_long_after_its_events(stage) {
        return None;
    }
    // Another signal's code is another end; and a kill that stands in the kernel's log explains the
    // flag: then it says nothing of the main process.
    let code = life.exit_code().unwrap_or(137);
    let explained = stage.kills.iter().any(|kill| kill.container.is_some());
    if code > 128 && (code != 137 || explained) {
        return None;
    }
    let manually = matches!(life.manually_stopped, Some((true, _)));
    let reason = life.end.as_ref().and_then(|end| end.reason.clone());
    let confidence = if manually { Confidence::Possible } else { Confidence::Likely };
    Some(Word {
        cite,
        at: life.ended_at(),
        says: "the runtime got an OOM notification for this container's cgroup",
        decisive: reason.unwrap_or_else(|| "OOMKilled".to_owned()),
        confidence,
    })
}

/// The kernel's own counter of a living container's cgroup, where the log no longer shows the kill.
fn counted(stage: &Stage<'_>) -> Option<Word> {
    let pasted = stage.life.teller == Teller::Nobody;
    // A plain process's parent kept its cgroup, which began with it, until after its end.
    let kept = stage.life.teller == Teller::Parent && stage.life.place.is_some();
    if !(pasted || kept || stage.life.alive && stage.last) {
        return None;
    }
    let (counter, kills) = memory::oom_kills(stage)?;
    (kills > 0).then(|| Word {
        cite: counter.cite.clone(),
        at: None,
        says: "the kernel counts OOM kills in this container's cgroup; the log that would name them is not at hand",
        decisive: "oom_kill".to_owned(),
        confidence: Confidence::Likely,
    })
}

/// A signal trace shows the kernel's own SIGKILL (code 128) and the OOM killer's mark on the same
/// process.
fn traced(stage: &Stage<'_>) -> Option<Word> {
    if rivals::kernel_silent(stage).is_some() {
        return None;
    }
    let marked = stage.marked_victims();
    let fact = stage.trace().find(|fact| {
        matches!(
            &fact.what,
            TraceEvent::Signal { signal: 9, code: 128, result: 0, pid, .. } if marked.contains(pid)
        )
    })?;
    Some(Word {
        cite: fact.cite.clone(),
        at: fact.at,
        says: "the kernel sent SIGKILL, and its OOM killer marked the same process",
        decisive: "code=128".to_owned(),
        confidence: Confidence::Likely,
    })
}

/// The last `oom` event is long before the end: it was another process's, and it explains the flag. The
/// end of a killed main process follows its event within fractions of a second.
fn ended_long_after_its_events(stage: &Stage<'_>) -> bool {
    let last = stage.life.oom_events.iter().filter_map(|(at, _)| *at).max();
    let gap = last.zip(stage.life.ended_at()).map(|(event, end)| end.seconds_since(event));
    stage.life.exit_code() == Some(137) && gap.is_some_and(|gap| gap > 1.0)
}

/// ECS's own word for an OOM kill in this container.
pub(super) fn ecs_told_of_oom(stage: &Stage<'_>) -> Option<Citation> {
    let (told, cite) =
        stage.life.flag.clone().filter(|(told, _)| *told).or_else(|| task_flag(stage))?;
    told.then_some(cite)
}

/// ECS tells it on the task when the container has no reason of its own.
fn task_flag(stage: &Stage<'_>) -> Option<(bool, Citation)> {
    let task = stage.life.task.as_ref()?;
    let reason = task.what.stopped_reason.as_deref()?;
    // A container that has the reason itself is the one that the task means.
    let named = |status: &ContainerStatus| status.reason.as_deref().is_some_and(is_oom_reason);
    if task.what.containers.iter().any(named) {
        return None;
    }
    is_oom_reason(reason).then(|| (true, task.cite.clone()))
}

/// A daemon's, the node's or a platform's line.
fn log_word(stage: &Stage<'_>) -> Option<Word> {
    if !stage.life.signals.is_empty() || rivals::kernel_silent(stage).is_some() {
        return None;
    }
    daemon_word(stage).or_else(|| node_word(stage)).or_else(|| platform_word(stage))
}

fn daemon_word(stage: &Stage<'_>) -> Option<Word> {
    stage.daemon().find_map(|fact| {
        let (says, words) = match &fact.what {
            DaemonLine::UnitOomKill { .. } => {
                ("systemd counted an OOM kill in this unit", "OOM killer")
            }
            DaemonLine::UnitResult { result, .. } if result == "oom-kill" => {
                ("systemd says that the unit ended by an OOM kill", "oom-kill")
            }
            DaemonLine::OomCounted { .. } => ("a counter of OOM kills moved", "oom"),
            DaemonLine::RuntimeOom { at_start: false, .. } => {
                ("the runtime tells of an OOM kill", "OOM")
            }
            DaemonLine::UnitResult { .. }
            | DaemonLine::RuntimeOom { at_start: true, .. }
            | DaemonLine::StopEscalated { .. }
            | DaemonLine::StopRequested { .. }
            | DaemonLine::KillRequested { .. }
            | DaemonLine::UnitStopTimeout { .. }
            | DaemonLine::UnitKilling { .. }
            | DaemonLine::UnitKilledByClient { .. }
            | DaemonLine::UnitMainExited { .. }
            | DaemonLine::UnitStopping { .. }
            | DaemonLine::UnitStarted { .. }
            | DaemonLine::UnitDeactivated { .. }
            | DaemonLine::UnitTimeLimit { .. }
            | DaemonLine::OomDaemonKill { .. }
            | DaemonLine::ShimGone { .. }
            | DaemonLine::DaemonShutdown { .. }
            | DaemonLine::UnhealthyKill { .. }
            | DaemonLine::SignalSentBy { .. } => return None,
        };
        let (cite, at, decisive) = (fact.cite.clone(), fact.at, words.to_owned());
        Some(Word { cite, at, says, decisive, confidence: Confidence::Likely })
    })
}

fn node_word(stage: &Stage<'_>) -> Option<Word> {
    // Of a container whose end is known, a node's event tells only where the two fall together.
    let together = |fact: &&Fact<PodEvent>| {
        let gap = fact.at.zip(stage.life.ended_at()).map(|(at, end)| end.seconds_since(at));
        let known = stage.life.teller == Teller::Kubernetes && stage.life.end.is_some();
        !known || gap.is_some_and(|gap| (-10.0..10.0).contains(&gap))
    };
    let fact = stage.pod_events().filter(|fact| is_oom_event(&fact.what.reason)).find(together)?;
    Some(Word {
        cite: fact.cite.clone(),
        at: fact.at,
        says: "the node reports a kernel OOM kill; the event does not say whose limit",
        decisive: fact.what.reason.clone(),
        confidence: Confidence::Likely,
    })
}

/// A platform's own word for a kill, or its figures: those alone are printed after healthy runs,
/// too, so an end has to stand beside them.
fn platform_word(stage: &Stage<'_>) -> Option<Word> {
    let ended = stage.life.exit_code() == Some(137)
        || stage.application().any(|fact| {
            // Lambda's `signal: killed` stands without figures.
            matches!(
                fact.what,
                Application::ChildKilled { .. } | Application::Platform { limit: None, .. }
            )
        });
    let fact = stage.application().find(|fact| match &fact.what {
        Application::Platform { name, killed_for_memory, limit, usage } => {
            (*killed_for_memory || (ended && is_full(*limit, *usage)))
                && !supervisor::kills_by_itself(name)
        }
        Application::Language { .. }
        | Application::JavaOnOutOfMemory { .. }
        | Application::ChildKilled { .. }
        | Application::SupervisorKills { .. }
        | Application::ToldToStop(_)
        | Application::OwnEnd(_)
        | Application::FatalSignal(_) => false,
    })?;
    Some(Word {
        cite: fact.cite.clone(),
        at: fact.at,
        says: "the platform's own words: the memory was full",
        decisive: "emory".to_owned(),
        confidence: Confidence::Likely,
    })
}

/// The platform's own figures say that all of the memory was used.
fn is_full(limit: Option<Limit>, usage: Option<Bytes>) -> bool {
    limit.and_then(Limit::bytes).zip(usage).is_some_and(|(limit, usage)| usage >= limit)
}

fn by_word(stage: &Stage<'_>, word: Word) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::OutOfMemory, Level::Unknown, word.confidence);
    verdict.at = word.at.or(verdict.at);
    verdict.because.push(decisive(&word.cite, word.at, word.says, word.decisive));
    if let Some(cite) = stage.life.alive_cite.as_ref().filter(|_| stage.life.alive) {
        verdict.because.push(decisive(cite, None, "the main process runs on", "running"));
    }
    if stage.life.exit_code() == Some(137) {
        let says = match stage.main_end() {
            Some(MainEnd::Killed(_)) => "its parent's wait saw SIGKILL end the main process",
            Some(MainEnd::Exited(_)) | None => "137 is 128 + SIGKILL, or a child's 137 passed on",
        };
        verdict.because.extend(end_line(stage, says));
    } else if let Some(code) = verdict.main.exit_code {
        verdict.main.fate = Fate::Exited;
        let says = format!("the main process was not killed; it ended with {code}");
        verdict.because.extend(end_line(stage, says));
    }
    // containerd 2.3 and later call any end by 137 OOMKilled where a child was killed for memory before.
    if let Some(says) = failed_probe::kubelet_killed(stage) {
        let because = format!(
            "the kubelet says \"{says}\": it may have ended the main process, and the flag be a child's"
        );
        verdict.candidates.push(possible(Killer::FailedProbe, because));
    }
    // A daemon that is stopped ends its containers by SIGKILL too, and the flag is of any moment of the life.
    let flagged = stage.life.exit_code() == Some(137) && stage.life.flagged() == Some(true);
    if let Some(words) = rivals::daemon_restart_words(stage).filter(|_| flagged) {
        verdict.confidence = verdict.confidence.min(Confidence::Possible);
        verdict.candidates.push(possible(Killer::Runtime, words));
    }
    verdict.victims = victims_of_events(stage);
    if let Some(Application::Platform { limit, usage, .. }) = platform(stage) {
        verdict.limit = verdict.limit.or(*limit);
        verdict.usage = verdict.usage.or(*usage);
    }
    verdict.ruled_out = rivals::api_ruled_out(stage);
    verdict.would_settle_it = vec![rivals::the_kernel_log(stage, verdict.at)];
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    with_level_candidates(stage, verdict)
}

/// The node's events repeat the kernel's words, or name the victim in their own.
fn victims_of_events(stage: &Stage<'_>) -> Vec<Victim> {
    let mut victims: Vec<Victim> = Vec::new();
    for event in stage.pod_events().filter(|event| is_oom_event(&event.what.reason)) {
        let message = &event.what.message;
        // Before 5.1 the choice stands before the kill, and node-problem-detector joins the two lines.
        let killed_at = message.find("Killed process").unwrap_or(0);
        let line = message.get(killed_at..).unwrap_or(message);
        let read = |text: &str| -> Vec<parse::record::Killed> {
            let kernel = parse::read(Source::KernelLog, text).into_iter();
            let of = |seen: parse::Sighting| match seen.record {
                Record::Kernel(KernelEvent::Oom(report)) => report.killed,
                _ => Vec::new(),
            };
            kernel.flat_map(of).collect()
        };
        let whole = read(message);
        let killed = if whole.is_empty() { read(line) } else { whole };
        let killed = killed.into_iter();
        victims.extend(killed.map(|killed| Victim {
            pid: Some(killed.pid),
            comm: killed.comm,
            total_vm_kb: killed.total_vm_kb,
            anon_rss_kb: killed.anon_rss_kb,
            file_rss_kb: killed.file_rss_kb,
            shmem_rss_kb: killed.shmem_rss_kb,
            ..nameless(Role::Other)
        }));
        // kubelet: `System OOM encountered, victim process: java, pid: 30112`
        let named = message.split_once("victim process: ").and_then(|(_, rest)| {
            let (comm, pid) = rest.split_once(", pid: ")?;
            let digits: String = pid.chars().take_while(char::is_ascii_digit).collect();
            Some((comm.to_owned(), digits.parse().ok()?))
        });
        victims.extend(named.map(|(comm, pid)| Victim {
            pid: Some(pid),
            comm: Some(comm),
            ..nameless(Role::Other)
        }));
    }
    victims.dedup_by_key(|victim| victim.pid);
    victims
}

fn is_oom_event(reason: &str) -> bool {
    matches!(reason, "OOMKilling" | "SystemOOM" | "OOMKilled")
}

fn platform<'a>(stage: &Stage<'a>) -> Option<&'a Application> {
    let is_platform =
        |words: &&Application| matches!(words, Application::Platform { limit: Some(_), .. });
    stage.application().map(|fact| &fact.what).find(is_platform)
}

/// The levels that are left.
fn with_level_candidates(stage: &Stage<'_>, mut verdict: Verdict) -> Verdict {
    let memcg = stage.kills.last().and_then(|kill| kernel_kill::message(kill))
        == Some(KillMessage::MemoryCgroup);
    // On cgroup v1 a host-wide kill sends no notification: a flag or event excludes it. The kernel's
    // own counter `oom_kill` counts every kind of OOM kill.
    let notified = stage.life.flagged() == Some(true) || !stage.life.oom_events.is_empty();
    let v1_flag =
        stage.sheet.machine.cgroup_version == Some(1) && stage.kills.is_empty() && notified;
    // cgroup v2 counts `oom` where the limit was hit, `oom_kill` where the victim was.
    let own_hit = memory::number(stage, "memory.events", "oom");
    if own_hit == Some(0) {
        verdict.ruled_out.push(RuledOut {
            killer: Killer::ContainerMemoryLimit,
            because: "`oom 0` in memory.events: this cgroup's own limit was never hit".to_owned(),
        });
        let mut above =
            possible(Killer::AncestorMemoryLimit, "`oom_kill` without `oom`: a limit above it");
        if let Some((fact, path)) = memory::parent_that_filled(stage) {
            above.confidence = Confidence::Likely;
            above.because = format!("the limit of {path}, above it, was hit");
            verdict.because.push(decisive(&fact.cite, fact.at, &above.because, "oom"));
        }
        let host = possible(Killer::HostOutOfMemory, "or the whole host's memory");
        verdict.candidates = vec![above, host];
        return verdict;
    }
    let mut add = |killer, confidence, because: &str| {
        let because = because.to_owned();
        verdict.candidates.push(Candidate { killer, confidence, because });
    };
    if ancestor_limit::only_the_task_has_a_limit(stage) {
        let because = "the container has no hard limit of its own, its task has one";
        add(Killer::AncestorMemoryLimit, Confidence::Likely, because);
    } else {
        let (own, because) = if memory::limit_was_reached(stage) {
            (Confidence::Likely, "its highest usage equals its own limit")
        } else if own_hit.is_some() {
            (
                Confidence::Likely,
                "`oom` in memory.events counts how often its own limit, or one below it, was hit",
            )
        } else {
            (Confidence::Possible, "the container's own limit may have filled")
        };
        add(Killer::ContainerMemoryLimit, own, because);
        add(Killer::AncestorMemoryLimit, Confidence::Possible, "or a limit above it");
    }
    let by_flag = stage.kills.is_empty() && stage.life.exit_code() == Some(137);
    if by_flag && !stage.sheet.events_covered {
        // wait(2) tells a signal from a status; no runtime does.
        let killed = matches!(stage.main_end(), Some(MainEnd::Killed(_)));
        let because = if killed {
            "the word may be about another process of the unit: then a kill -9 ended the main one"
        } else {
            "the flag may be an earlier child's: then a kill -9 ended the main process"
        };
        add(Killer::Process, Confidence::Possible, because);
        if !killed {
            let because = "or the program chose 137, or passed on a child's";
            add(Killer::NotKilled, Confidence::Possible, because);
        }
    }
    if !memcg && !v1_flag {
        let because = if stage.life.flagged() == Some(true) {
            "on cgroup v2 the flag also counts kills of the host's OOM killer"
        } else {
            "or the host's memory: nothing here names a limit"
        };
        add(Killer::HostOutOfMemory, Confidence::Possible, because);
    }
    verdict
}
