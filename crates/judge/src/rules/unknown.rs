//! # unknown — the evidence does not tell
//!
//! ## What it looks for
//! What is left when no other rule has a word:
//! - an end by 137, or another signal's code, that no record explains;
//! - a kernel kill on behalf of a loaded policy (a BPF program): no limit need have been full;
//! - `ContainerStatusUnknown`: the kubelet's 137 for a container that it could not find is a constant;
//! - an OOM report that is cut before its victim, or that found nothing it may kill;
//! - a supervisor's or a shell's word that a child ended by SIGKILL (`Perhaps out of memory?`, `Killed`);
//! - the program's word that it was told to stop, without an end;
//! - text that names no death: a limit alone, counters without a kill, a node's condition, a row of
//!   `kubectl get pods`, an earlier life whose code docker overwrote.
//!
//! ## Why it means that
//! A `kill -9` on the host, a chosen `exit(137)`, a host-wide OOM on cgroup v1 and a lost flag leave the
//! same traces. Choosing among them would be a guess, so the answer lists every killer that the evidence does not
//! exclude, what would decide, and how to catch the next one. An end right before the start of the docker
//! daemon that answers now puts the daemon's own stop first among them.
//!
//! ## What would speak against it
//! - Any of the other rules' evidence.
//! - A kernel log or an event history that covers the whole life takes its killers off the list; a log that
//!   may have been cut takes off none. For gVisor, Kata and other sandboxes (docker's `Runtime`) the host's log
//!   takes off none either: a kernel of their own kills inside them.
//!
//! ## Example
//! ```text
//! 137 false 2026-05-27T18:42:11Z
//! ```
//!
//! ## References
//! - Linux wait(2): the runtime flattens a signal's end and a status to one number

use casefile::signal_name;
use parse::record::MainEnd;

use super::draft::{because, draft, end_line, possible, signal_line, stop_signal, victim_of};
use super::{Rule, Seek, memory, not_killed, rivals, stopped, unit};
use crate::facts::{Stage, Teller};
use crate::verdict::{
    Because, Candidate, Confidence, Fate, Killer, Level, Role, RuledOut, Verdict, WouldSettle,
};

pub(super) const RULE: Rule = Rule {
    id: "unknown",
    title: "the evidence does not tell",
    file: include_str!("unknown.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::OwnEnd {
        return None;
    }
    policy_kill(stage)
        .or_else(|| invented_by_kubelet(stage))
        .or_else(|| passed_on(stage))
        .or_else(|| signal_end(stage))
        .or_else(|| unfinished_report(stage))
        .or_else(|| child_killed(stage))
        .or_else(|| told_to_stop(stage))
}

/// A bare log whose last word of it is that the program was told to stop.
fn told_to_stop(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = stopped::told_to_stop(stage).filter(|_| stage.life.end.is_none())?;
    let mut verdict = base(stage);
    verdict.at = fact.at.or(verdict.at);
    verdict.detail = Some("it was told to stop; how it ended then is not shown".to_owned());
    let says = "the program's own word; who asked is not in it";
    verdict.because.push(because(&fact.cite, fact.at, says));
    verdict.candidates = vec![
        possible(
            Killer::Stopped,
            "it obeyed: a stop, a deletion, a deployment, an OOM daemon's SIGTERM",
        ),
        possible(Killer::StopTimeout, "or SIGKILL came when the grace period was over"),
        possible(Killer::FailedProbe, "or a failed check was the reason for the stop"),
    ];
    verdict.would_settle_it = vec![WouldSettle {
        missing: "how the container ended: its exit code".to_owned(),
        how: "docker inspect NAME | why137 explain -".to_owned(),
    }];
    Some(verdict)
}

/// When no rule has a word: an empty answer that says what to bring.
pub(super) fn nothing_known(stage: &Stage<'_>) -> Verdict {
    let mut verdict = base(stage);
    verdict.detail = Some(match stage.life.end {
        Some(_) if stage.life.code_is_the_daemons => {
            "docker was down when it ended; 255 and the time are docker's own".to_owned()
        }
        Some(_) if stage.life.exit_code().is_none() && stage.life.place.is_some() => {
            "containerd keeps neither its exit code nor the time of its end".to_owned()
        }
        Some(_) if stage.life.exit_code().is_none() && stage.life.teller == Teller::Docker => {
            "an earlier life ended then; docker overwrites its exit code with the next start"
                .to_owned()
        }
        Some(_) => "the evidence shows an end without its cause".to_owned(),
        None if stage.life.teller == Teller::Process => {
            "no process has this pid now, and no record at hand names it".to_owned()
        }
        None if stage.life.teller == Teller::Systemd => {
            "neither systemd nor its journal holds an end of this unit".to_owned()
        }
        None if stage.sheet.is_asked() => {
            "nothing that this machine still keeps tells of its death".to_owned()
        }
        None => "nothing in this text tells of a death".to_owned(),
    });
    verdict.because.extend(end_line(stage, "all that is said about the end"));
    if !stage.sheet.is_asked() {
        verdict.would_settle_it.push(WouldSettle {
            missing: "the container itself, on the machine that ran it".to_owned(),
            how: "why137 explain NAME".to_owned(),
        });
    }
    verdict.would_settle_it.push(WouldSettle {
        missing: "the kernel log".to_owned(),
        how: "sudo dmesg | why137 explain -".to_owned(),
    });
    a_limit_alone(stage, &mut verdict);
    node_pressure(stage, &mut verdict);
    quiet_counters(stage, &mut verdict);
    a_pods_row(stage, &mut verdict);
    verdict
}

/// `docker inspect --format '{{.HostConfig.Memory}}'` and the like: a setting, not a death.
fn a_limit_alone(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some((limit, cite)) = stage.configured_limit().filter(|_| stage.life.end.is_none()) else {
        return;
    };
    let says = match limit.bytes() {
        Some(bytes) => {
            format!("a memory limit of {bytes} is set; whether it was ever reached is not shown")
        }
        None => {
            "no memory limit is set: an OOM kill, if there was one, was a parent's or the host's"
                .to_owned()
        }
    };
    verdict.detail = Some(says.clone());
    verdict.because.push(because(&cite, None, says));
}

/// The node's condition alone: the moment it was printed, not the moment of a death.
fn node_pressure(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some(event) = stage
        .sheet
        .pod_events
        .iter()
        .rfind(|event| event.what.reason.starts_with("MemoryPressure"))
    else {
        return;
    };
    let under = event.what.reason.ends_with("True");
    let says = if under {
        "the node is under memory pressure: the kubelet evicts pods now; whom it took is not shown"
    } else {
        "the node had no memory pressure when this was printed; that says nothing about an earlier moment, nor about any container's own limit"
    };
    verdict.detail = Some(says.to_owned());
    verdict.because.push(because(&event.cite, event.at, says));
    if under {
        let because = "a node under memory pressure evicts";
        verdict.candidates = vec![possible(Killer::Eviction, because)];
    }
}

/// `memory.events` alone, with no kill in it.
fn quiet_counters(stage: &Stage<'_>, verdict: &mut Verdict) {
    let counted = memory::oom_kills(stage).filter(|(_, kills)| *kills == 0);
    let Some((counter, _)) = counted.filter(|_| stage.life.end.is_none()) else { return };
    let says = "the kernel counted no OOM kill in this cgroup since it was made";
    verdict.detail = Some(says.to_owned());
    verdict.because.push(because(&counter.cite, None, says));
}

/// `kubectl get pods`: a row that tells of restarts without how they came about.
fn a_pods_row(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some(status) = stage.life.status.as_ref().filter(|_| stage.life.end.is_none()) else {
        return;
    };
    let Some(waiting) = &status.what.waiting else { return };
    let restarts = status.what.restart_count.map(|n| format!(", {n} restarts")).unwrap_or_default();
    let says =
        format!("the pod waits in {waiting}{restarts}; how its lives ended is not in this row");
    verdict.detail = Some(says.clone());
    verdict.because.push(because(&status.cite, None, says));
    verdict.would_settle_it = vec![WouldSettle {
        missing: "how the last life ended".to_owned(),
        how: "kubectl get pod POD -o json | why137 explain -".to_owned(),
    }];
}

/// A kill that a loaded policy (a BPF program) asked for: no limit need have been full.
fn policy_kill(stage: &Stage<'_>) -> Option<Verdict> {
    let kill = stage.kills.iter().rfind(|kill| kill.is_policy())?;
    let mut verdict = base(stage);
    verdict.detail = Some(
        "the kernel killed on behalf of a loaded policy, not because a limit was full".to_owned(),
    );
    verdict.usage = kill.usage;
    verdict.limit = kill.limit;
    verdict.limit_cgroup = kill.limit_cgroup().cloned();
    verdict.victims = kill.victims.iter().map(|killed| victim_of(killed, Role::Other)).collect();
    for killed in &kill.victims {
        verdict.because.push(because(&kill.cite(killed.span), kill.at, "who died"));
    }
    if let Some(span) = kill.report.summary {
        verdict.because.push(because(
            &kill.cite(span),
            kill.at,
            "the constraint is not one of the kernel's own",
        ));
    }
    Some(verdict)
}

/// The kubelet's own invention: its 137 is a constant for a container that it could not find.
fn invented_by_kubelet(stage: &Stage<'_>) -> Option<Verdict> {
    let end = stage.life.end.as_ref()?;
    (end.reason.as_deref() == Some("ContainerStatusUnknown")).then(|| {
        let says = "the kubelet could not find the container any more; its 137 is a constant, not a record";
        let mut verdict = base(stage);
        verdict.main.exit_code_trusted = false;
        verdict.detail = Some(says.to_owned());
        verdict.because.push(because(&end.cite, end.at, says));
        (verdict.ruled_out, verdict.candidates) = rivals::of_137(stage);
        verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
        verdict
    })
}

/// A unit whose main process ended with 128 and a signal's number, and can be a container's client: systemd's
/// wait saw a status, and what ended the container is not systemd's to tell.
fn passed_on(stage: &Stage<'_>) -> Option<Verdict> {
    let Some(MainEnd::Exited(code @ 129..=192)) = stage.main_end() else { return None };
    if !not_killed::may_be_a_containers(stage) {
        return None;
    }
    let name = signal_name(code - 128);
    let client = stage.life.program().map(|program| format!(" ({program})")).unwrap_or_default();
    let mut verdict = base(stage);
    verdict.main.exit_code_trusted = true;
    verdict.detail = Some(format!(
        "the unit's main process{client} ended with {code} by itself; that is what a container's client and a shell pass on when {name} ended what they wait for"
    ));
    let says = format!("a status by systemd's own wait, not a signal; {code} is 128 + {name}");
    verdict.because.extend(end_line(stage, says));
    let mut left = Vec::new();
    if code == 137 {
        left.push(possible(
            Killer::HostOutOfMemory,
            "the host's OOM killer can have taken what it waits for",
        ));
        left.push(possible(
            Killer::ContainerMemoryLimit,
            "or the memory limit of the container did",
        ));
        left.push(possible(Killer::StopTimeout, "or a stop whose grace period ran out"));
    } else {
        left.push(possible(
            Killer::Stopped,
            format!("{name} was sent to it through the runtime's API"),
        ));
    }
    left.push(possible(Killer::ApiKill, "or docker kill, rm -f and every client of the API"));
    left.push(possible(Killer::Process, "or another process sent the signal"));
    left.push(possible(Killer::NotKilled, format!("or the program returned {code} itself")));
    verdict.candidates = left;
    verdict.would_settle_it = vec![WouldSettle {
        missing: "the container that it ran, where it was one, on that machine".to_owned(),
        how: "why137 explain NAME".to_owned(),
    }];
    verdict.would_settle_it.push(rivals::the_kernel_log(stage, verdict.at));
    Some(verdict)
}

fn signal_end(stage: &Stage<'_>) -> Option<Verdict> {
    let code = stage.life.exit_code()?;
    // Real-time signals begin at 34 for whoever uses the C library's.
    let is_signal = |signal: &i32| (1..32).contains(signal) || (34..=64).contains(signal);
    let signal = i32::try_from(code.checked_sub(128)?).ok().filter(is_signal)?;
    let mut verdict = base(stage);
    verdict.main.exit_code_trusted = true;
    let name = signal_name(signal);
    let flagged = stage.life.flagged() == Some(true);
    let flag_matters = (signal == 9 || flagged) && rivals::kernel_silent(stage).is_none();
    verdict.because.extend(end_line(
        stage,
        match stage.main_end() {
            Some(_) => format!("{name}, by the word of the parent's own wait"),
            None => format!("{code} is 128 + {name}, or a status that the program chose"),
        },
    ));
    if let Some((flag, cite)) = stage.life.flag.as_ref().filter(|_| flag_matters) {
        let says = match (stage.life.teller, flag) {
            (Teller::Docker | Teller::Bare, false) => {
                "OOMKilled=false excludes little: the flag misses host-wide kills on cgroup v1 and loses races"
            }
            (_, false) => "the runtime was not told of an OOM kill",
            (_, true) => "the flag tells of an OOM notification, not of what ended it",
        };
        verdict.because.push(because(cite, None, says));
    }
    if signal == 9 {
        (verdict.ruled_out, verdict.candidates) = rivals::of_137(stage);
        verdict.limit_at_fault = rivals::kernel_did_not_end_it(stage).map(|_| false);
        verdict.because.extend(asked_before(stage));
    } else {
        verdict.ruled_out = unit::ruled_out(stage);
        verdict.candidates = candidates_for_signal(stage, signal);
        if let Some(because) = rivals::api_silent(stage) {
            verdict.ruled_out.push(RuledOut { killer: Killer::Stopped, because });
        }
    }
    verdict.detail = Some(match stage.main_end() {
        Some(MainEnd::Killed(_)) => format!("{name} ended it, and nothing shows who sent it"),
        Some(MainEnd::Exited(_)) | None => format!("{code} fits several ends"),
    });
    verdict.would_settle_it = match signal {
        9 => rivals::would_settle(stage, verdict.at),
        other => vec![rivals::who_sends(other)],
    };
    hints_of_the_log(stage, &mut verdict);
    hint_of_a_stop(stage, &mut verdict);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// A signal that asked for an end right before it, and was no SIGKILL.
fn asked_before(stage: &Stage<'_>) -> Option<Because> {
    let signal = stage.life.signals.last().filter(|signal| signal.signal != 9)?;
    let gap = stage.life.ended_at()?.seconds_since(signal.at?);
    let says = format!("docker sent {} {gap:.1} s before the end", signal_name(signal.signal));
    (-0.25..30.0).contains(&gap).then(|| signal_line(signal, says))
}

/// What a supervisor or a shell wrote about a killed child: a hint, quoted beside the candidates.
fn hints_of_the_log(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some((fact, by)) = stage.child_killed() else { return };
    let memory = rivals::kernel_silent(stage).map(|_| "; the kernel's log excludes memory");
    let says = format!("{by} saw a child end by SIGKILL{}", memory.unwrap_or_default());
    verdict.because.push(because(&fact.cite, fact.at, says));
}

/// The program's word that it was told to stop makes a stop that was forced the first candidate.
fn hint_of_a_stop(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some(fact) = stopped::told_to_stop(stage) else { return };
    let says = "the program's own log says that it was told to stop before";
    verdict.because.push(because(&fact.cite, fact.at, says));
    let at = verdict.candidates.iter().position(|it| it.killer == Killer::StopTimeout);
    if let Some(at) = at {
        let mut stop = verdict.candidates.remove(at);
        stop.confidence = Confidence::Likely;
        stop.because = "it was told to stop before, by its own log, and SIGKILL follows a stop that is not obeyed in time".to_owned();
        verdict.candidates.insert(0, stop);
    }
}

fn candidates_for_signal(stage: &Stage<'_>, signal: i32) -> Vec<Candidate> {
    let name = signal_name(signal);
    let stopped = format!("somebody sent {name} through the API and the program ended on it");
    let api = rivals::api_silent(stage).is_none() && !unit::is_bare(stage);
    let stopped = api.then(|| possible(Killer::Stopped, stopped));
    // A daemon that shuts down sends the stop signal first.
    let asks = signal == stop_signal(stage);
    let daemon = rivals::daemon_restart_words(stage).filter(|_| asks);
    let daemon = daemon.map(|words| possible(Killer::Runtime, words));
    let timer = "the program's own timer (alarm) ran out and nothing handled it";
    let timer = (signal == 14).then(|| possible(Killer::Crash, timer));
    let process = possible(Killer::Process, format!("another process sent {name}"));
    let chosen = "the program chose this status, or a shell passed on a child's";
    let chosen = stage.main_end().is_none().then(|| possible(Killer::NotKilled, chosen));
    stopped.into_iter().chain(daemon).chain(timer).chain([process]).chain(chosen).collect()
}

/// The OOM killer ran, and the text ends before it says who died.
fn unfinished_report(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.teller != Teller::Nobody {
        return None;
    }
    let fact = stage.sheet.oom_unfinished.last()?;
    let mut verdict = base(stage);
    verdict.at = fact.at;
    verdict.at_words = rivals::words_of(fact.stamp, fact.at);
    let span = fact.what.invoker.map_or(fact.cite.span, |invoker| invoker.span);
    let (detail, says) = if fact.what.none_killable {
        ("the kernel found nothing that it may kill", "out of memory, and nobody was killed")
    } else if fact.what.already_exiting.is_some() {
        (
            "the process that the OOM killer chose was already ending by itself, so it killed nobody",
            "chosen, and left to end by itself",
        )
    } else {
        (
            "the OOM killer ran, but the text ends before it says who died",
            "who ran out, not who died",
        )
    };
    verdict.detail = Some(detail.to_owned());
    verdict.because.push(because(&fact.cite_at(span), fact.at, says));
    if !fact.what.none_killable {
        let killer = if fact.what.memcg_in_trace == Some(true) {
            Killer::OutOfMemory
        } else {
            Killer::HostOutOfMemory
        };
        let because = "the report's head fits it; the victim is missing";
        verdict.candidates = vec![possible(killer, because)];
        verdict.would_settle_it = vec![WouldSettle {
            missing: "the rest of the report: the lines `oom-kill:` and `Killed process`"
                .to_owned(),
            how: "dmesg -T | grep -A 200 'invoked oom-killer' | why137 explain -".to_owned(),
        }];
    }
    Some(verdict)
}

/// A supervisor saw a child end by SIGKILL and does not know why.
fn child_killed(stage: &Stage<'_>) -> Option<Verdict> {
    let (fact, by) = stage.child_killed()?;
    let mut verdict = base(stage);
    verdict.detail = Some(format!("{by} saw a child end by SIGKILL; it does not know who sent it"));
    verdict.because.push(because(
        &fact.cite,
        fact.at,
        "that a child was killed; any guess about memory in it is the text's own",
    ));
    verdict.candidates = vec![
        possible(Killer::OutOfMemory, "the kernel's OOM killer, at any level"),
        possible(Killer::Process, "the supervisor itself (a worker timeout), or another process"),
        possible(Killer::StopTimeout, "a stop that was forced"),
    ];
    verdict.would_settle_it = rivals::would_settle(stage, fact.at);
    Some(verdict)
}

fn base(stage: &Stage<'_>) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Unknown, Level::None, Confidence::Unknown);
    if verdict.main.fate == Fate::Exited {
        verdict.main.fate = Fate::Unknown;
    }
    verdict
}
