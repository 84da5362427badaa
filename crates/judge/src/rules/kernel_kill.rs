//! What the rules about the kernel's OOM killer share: which kill decides, who died, the proof.
//!
//! Not a rule: each level has its own file.

use casefile::{ContainerId, Limit, Relation};
use parse::record::{DaemonLine, KillMessage, Killed, MainEnd};

use super::draft::{because, decisive, draft, end_line, victim_of};
use super::{Seek, memory, rivals};
use crate::facts::{FactSheet, MainHit, OomKill, Stage, Teller, program};
use crate::verdict::{
    Because, Confidence, Fate, Killer, Level, Role, RuledOut, Verdict, Victim, WouldSettle,
};

/// The verdict if the deciding kernel kill has this level.
pub(super) fn reach(
    stage: &Stage<'_>,
    seek: Seek,
    rule: &'static str,
    killer: Killer,
    levels: &[Level],
) -> Option<Verdict> {
    let kill = deciding(stage, seek)?;
    let fits = levels.contains(&kill.level) && !kill.is_policy() && !kill.report.manual;
    fits.then(|| verdict(stage, seek, kill, rule, killer))
}

/// The verdict if somebody asked the kernel for the deciding kill by hand.
pub(super) fn reach_by_hand(stage: &Stage<'_>, seek: Seek, rule: &'static str) -> Option<Verdict> {
    let kill = deciding(stage, seek).filter(|kill| kill.report.manual)?;
    let mut verdict = verdict(stage, seek, kill, rule, Killer::Process);
    verdict.level = Level::None;
    verdict.limit_at_fault = Some(false);
    verdict.limit_cgroup = None;
    verdict.ruled_out.clear();
    if let Some(invoker) = &kill.report.invoker {
        let says = "order=-1 is a request by hand: the machine need not have been short";
        let line = decisive(&kill.cite(invoker.span), kill.at, says, "order=-1");
        verdict.because.push(line);
    }
    Some(verdict)
}

/// The kill that decides: the one of the main process, else the last inside.
fn deciding<'a>(stage: &Stage<'a>, seek: Seek) -> Option<&'a OomKill> {
    match seek {
        Seek::MainEndedFromOutside => {
            let first = stage.main_kills().into_iter().next()?;
            (!stage.was_killed_by_api_before(first.at)).then_some(first)
        }
        Seek::KilledInside => stage.kills.last().copied().filter(|kill| explains_end(stage, kill)),
        Seek::OwnEnd => None,
    }
}

/// A child's kill is the answer if the main process lives on or chose its own small status. An end
/// that looks like a signal's is the child's status passed on only where it follows at once; later, it
/// is a question of its own, and the kill a finding.
fn explains_end(stage: &Stage<'_>, kill: &OomKill) -> bool {
    // systemd stops the whole unit for one killed process (OOMPolicy=stop), and says so.
    if stage.unit_result() == Some("oom-kill") {
        return true;
    }
    let looks_like_a_signal = stage.life.exit_code().is_some_and(|code| code > 128);
    if looks_like_a_signal && is_execs(stage, kill) {
        return false;
    }
    let coarse = matches!(stage.life.teller, Teller::Kubernetes | Teller::Ecs);
    let at_once = if coarse { 2.0 } else { 0.4 + notice(stage, kill) };
    let gap = kill.at.zip(stage.life.ended_at()).map(|(at, end)| end.seconds_since(at));
    !looks_like_a_signal || gap.is_none_or(|gap| gap < at_once)
}

/// How long the runtime took to hear of this kill, in seconds: a machine that is slow to tell is slow
/// in everything that follows, too. 0 where it did not tell.
fn notice(stage: &Stage<'_>, kill: &OomKill) -> f64 {
    let events = stage.life.oom_events.iter().filter_map(|(at, _)| *at);
    let mut delays = events.filter_map(|event| Some(event.seconds_since(kill.at?)));
    delays.find(|delay| (0.0..5.0).contains(delay)).unwrap_or(0.0)
}

/// One finding for each kill on this stage.
pub(super) fn findings(stage: &Stage<'_>) -> Vec<Verdict> {
    let mut found: Vec<Verdict> = Vec::new();
    for kill in &stage.kills {
        let Some((rule, killer)) = rule_of(kill) else { continue };
        let verdict = verdict_of_one(stage, kill, rule, killer);
        // Kills of one storm under one limit are one finding.
        let storm = found.last_mut().filter(|last| {
            let near = match (last.at, verdict.at) {
                (Some(a), Some(b)) => b.seconds_since(a) < 60.0,
                (None, _) | (_, None) => true,
            };
            // The main process's end ends the life: what follows is another life's.
            let lives_on = last.victims.iter().all(|victim| victim.role != Role::Main);
            let same_limit =
                last.limit_cgroup == verdict.limit_cgroup && last.limit == verdict.limit;
            last.killer == killer && same_limit && lives_on && near
        });
        match storm {
            Some(last) => {
                last.victims.extend(verdict.victims);
                last.at = verdict.at.or(last.at);
            }
            None => found.push(verdict),
        }
    }
    found
}

fn rule_of(kill: &OomKill) -> Option<(&'static str, Killer)> {
    if kill.is_policy() {
        return None;
    }
    if kill.report.manual {
        return Some(("process", Killer::Process));
    }
    Some(match kill.level {
        Level::Own | Level::Nested => ("own-limit", Killer::ContainerMemoryLimit),
        Level::Ancestor => ("ancestor-limit", Killer::AncestorMemoryLimit),
        Level::Host => ("host-memory", Killer::HostOutOfMemory),
        Level::Numa => ("numa-memory", Killer::NumaOutOfMemory),
        Level::Unknown | Level::None => ("oom-level-unknown", Killer::OutOfMemory),
    })
}

fn verdict(
    stage: &Stage<'_>,
    seek: Seek,
    kill: &OomKill,
    rule: &'static str,
    killer: Killer,
) -> Verdict {
    let mut verdict = verdict_of_one(stage, kill, rule, killer);
    let same_limit = |other: &&&OomKill| {
        other.level == kill.level
            && other.limit_cgroup() == kill.limit_cgroup()
            && !other.is_policy()
    };
    let near = |other: &&&OomKill| match (seek, other.at, kill.at) {
        (Seek::MainEndedFromOutside, Some(a), Some(b)) => b.seconds_since(a).abs() < 10.0,
        (Seek::MainEndedFromOutside | Seek::KilledInside | Seek::OwnEnd, _, _) => true,
    };
    let all: Vec<&OomKill> = stage.kills.iter().filter(same_limit).filter(near).copied().collect();
    verdict.victims = distinct(all.iter().flat_map(|other| victims(stage, other)).collect());
    if all.len() > 1 {
        verdict.detail = storm(&all).or(verdict.detail);
        verdict.memory.pools = memory::fullest_pools(stage, &all);
    }
    verdict
}

/// `5 kills within 8 s at this limit`.
fn storm(all: &[&OomKill]) -> Option<String> {
    let (first, last) = (all.first()?.at?, all.last()?.at?);
    let seconds = last.seconds_since(first).max(0.0);
    Some(format!("{} kills within {seconds:.1} s", all.len()))
}

/// The same pid twice is one victim.
fn distinct(victims: Vec<Victim>) -> Vec<Victim> {
    let mut kept: Vec<Victim> = Vec::new();
    for victim in victims {
        if kept.iter().all(|known| known.pid != victim.pid || known.pid.is_none()) {
            kept.push(victim);
        }
    }
    kept
}

fn verdict_of_one(
    stage: &Stage<'_>,
    kill: &OomKill,
    rule: &'static str,
    killer: Killer,
) -> Verdict {
    let mut verdict = draft(stage, rule, killer, kill.level, confidence(stage, kill));
    // A stamp since boot alone says nothing to a reader; the end of the life it belongs to does.
    let ended = stage.life.ended_at().filter(|_| stage.main_hit(kill) == MainHit::Yes);
    verdict.at = kill.at.or(ended);
    verdict.at_words = rivals::words_of(kill.stamp, verdict.at);
    verdict.lived_seconds = verdict
        .at
        .and_then(|at| Some(at.seconds_since(stage.life.started_at?)))
        .filter(|lived| *lived >= 0.0);
    // A group kill names the cgroup of one victim only.
    verdict.container_id = verdict.container_id.or_else(|| kill.container.clone());
    // Without a subject systemd's line beside it may be another unit's.
    let task = kill.report.task_memcg.clone();
    let shown = stage.life.place.clone().or(task);
    verdict.place = shown.or(verdict.place);
    verdict.victims = victims(stage, kill);
    fill_main(stage, kill, &mut verdict);
    fill_limit(stage, kill, &mut verdict);
    verdict.memory = memory::at_kill(stage, kill);
    stopped_by_policy(stage, &mut verdict);
    verdict.because = proof(stage, kill, &verdict);
    verdict.ruled_out = ruled_out(stage, kill);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    if verdict.confidence < Confidence::Proven {
        verdict.would_settle_it = vec![WouldSettle {
            missing: "the whole report: the lines `oom-kill:` and `Killed process` together"
                .to_owned(),
            how: rivals::kernel_log_command(verdict.at),
        }];
    }
    verdict
}

/// Proven: the kernel's own line names the victim, its cgroup is the subject's, and whose limit it
/// was stands in the report.
fn confidence(stage: &Stage<'_>, kill: &OomKill) -> Confidence {
    let placed =
        stage.life.id.as_ref().is_none_or(|id| kill.is_in(id)) || kill.takes_whole(stage.life);
    let ended = stage.life.exit_code() == Some(137) && stage.life.id.is_some();
    let bare_host_line = kill.level == Level::Host && !kill.level_shown;
    let named = kill.kill_line || ended || (kill.level_shown && kill.victims.is_empty());
    // `Killed process N (x)` without the words before it and without a report.
    let wordless = kill.level == Level::Unknown && message(kill).is_none();
    if placed && named && !bare_host_line && !wordless {
        Confidence::Proven
    } else {
        Confidence::Likely
    }
}

fn fill_main(stage: &Stage<'_>, kill: &OomKill, verdict: &mut Verdict) {
    let first = stage.first_of_container(kill);
    if let Some(first) = first {
        verdict.main.pid = verdict.main.pid.or(Some(first.process()));
        verdict.main.comm = Some(first.comm.clone());
    }
    let hit = match stage.main_hit(kill) {
        MainHit::Unclear => match first {
            Some(first) if kill.victims.iter().any(|v| v.pid == first.process()) => MainHit::Yes,
            Some(_) | None => MainHit::Unclear,
        },
        known @ (MainHit::Yes | MainHit::No) => known,
    };
    // wait(2) tells a signal from a status: an end by one is not the program's own, whoever sent it.
    let by_signal = matches!(stage.main_end(), Some(MainEnd::Killed(_)));
    match hit {
        MainHit::Yes => {
            verdict.main.fate = Fate::Killed;
            verdict.main.signal = Some(9);
            if let [only] = verdict.victims.as_slice() {
                verdict.main.pid = only.pid;
                verdict.main.comm = only.comm.clone();
            }
        }
        MainHit::No if verdict.main.exit_code.is_some() && !by_signal => {
            verdict.main.fate = Fate::Exited;
        }
        MainHit::No | MainHit::Unclear => {}
    }
}

/// The kernel killed one process of a unit, and systemd stopped the rest.
fn stopped_by_policy(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some(MainEnd::Killed(signal)) = stage.main_end() else { return };
    let main_hit = verdict.victims.iter().any(|victim| victim.role == Role::Main);
    if main_hit || stage.unit_result() != Some("oom-kill") {
        return;
    }
    // The signal of OOMPolicy=stop is SIGTERM; of a SIGKILL of its own systemd writes a line.
    let wrote = |line: &DaemonLine| matches!(line, DaemonLine::UnitKilling { .. });
    if signal == 9 && !stage.daemon().any(|fact| wrote(&fact.what)) {
        return;
    }
    (verdict.main.fate, verdict.main.signal) = (Fate::Killed, Some(signal));
    verdict.detail = Some("systemd then stopped the rest of the unit (OOMPolicy=)".to_owned());
}

fn fill_limit(stage: &Stage<'_>, kill: &OomKill, verdict: &mut Verdict) {
    let configured = stage.configured_limit().map(|(limit, _)| limit);
    verdict.limit_cgroup = kill.limit_cgroup().cloned();
    verdict.usage = kill.usage;
    (verdict.limit, verdict.limit_at_fault) = match kill.level {
        Level::Own => (kill.limit.or(configured), Some(true)),
        Level::Nested => (kill.limit, Some(false)),
        Level::Ancestor => {
            // A pod's cgroup with the container's own limit is, for its owner, that limit.
            let same = kill.limit.is_some() && kill.limit == configured;
            (kill.limit.or(configured), Some(same))
        }
        Level::Host | Level::Numa => (None, Some(false)),
        Level::Unknown | Level::None => (kill.limit.or(configured), None),
    };
}

fn victims(stage: &Stage<'_>, kill: &OomKill) -> Vec<Victim> {
    let victim = |killed: &Killed| victim_of(killed, role(stage, kill, killed));
    kill.victims.iter().map(victim).collect()
}

fn role(stage: &Stage<'_>, kill: &OomKill, killed: &Killed) -> Role {
    let single = kill.victims.len() == 1;
    if let Some(main) = stage.main_pid() {
        return if main == killed.pid { Role::Main } else { inner_role(stage, kill) };
    }
    if let Some(first) = stage.first_of_container(kill) {
        return if first.process() == killed.pid { Role::Main } else { inner_role(stage, kill) };
    }
    if kill.takes_whole(stage.life) {
        return role_in_group(stage, kill, killed);
    }
    match stage.main_hit(kill) {
        MainHit::Yes if single => Role::Main,
        MainHit::No => inner_role(stage, kill),
        MainHit::Yes | MainHit::Unclear => Role::Other,
    }
}

/// Of a group's victims, the main process is the one that bears its name, if there is only one: the
/// kernel names the cgroup of the process it chose, and of no other.
fn role_in_group(stage: &Stage<'_>, kill: &OomKill, killed: &Killed) -> Role {
    let chosen = kill.report.named.as_ref().and_then(|named| named.pid);
    let in_chosens_container = stage.life.id.as_ref().is_some_and(|id| kill.is_in(id));
    let may_be = |other: &Killed| {
        let names = other.comm.as_deref().zip(stage.life.program());
        let bears = names.is_some_and(|(comm, program)| program::is_comm_of(comm, program));
        bears && (chosen == Some(other.pid)) == in_chosens_container
    };
    let one = kill.victims.iter().filter(|other| may_be(other)).count() == 1;
    if one && may_be(killed) { Role::Main } else { Role::Other }
}

/// Not the main process: started by it, or by `exec` where the history shows one killed then.
fn inner_role(stage: &Stage<'_>, kill: &OomKill) -> Role {
    if is_execs(stage, kill) { Role::Exec } else { Role::Child }
}

/// The history shows that a process of `exec` or of a health check ended with 137 right after this kill: the
/// runtime is its parent, and the main process has no status of it to pass on.
fn is_execs(stage: &Stage<'_>, kill: &OomKill) -> bool {
    let soon = 1.0 + notice(stage, kill);
    stage.life.exec_killed.iter().any(|end| {
        end.zip(kill.at).is_none_or(|(end, at)| (-0.25..soon).contains(&end.seconds_since(at)))
    })
}

fn proof(stage: &Stage<'_>, kill: &OomKill, verdict: &Verdict) -> Vec<Because> {
    let mut lines = Vec::new();
    for killed in kill.victims.iter().take(3) {
        let comm = killed.comm.as_deref().unwrap_or("a process");
        // The line may name a thread of it, as the table does.
        let row = kill.report.tasks.iter().find(|row| row.process() == killed.pid);
        let words = format!("Killed process {}", row.map_or(killed.pid, |row| row.pid));
        let line = if kill.kill_line {
            decisive(
                &kill.cite(killed.span),
                kill.at,
                format!("the kernel's OOM killer killed {comm}, pid {}", killed.pid),
                words,
            )
        } else {
            let says = format!("the kernel's OOM killer chose {comm}, pid {}", killed.pid);
            decisive(&kill.cite(killed.span), kill.at, says, format!("pid={}", killed.pid))
        };
        lines.push(line);
    }
    if let Some(span) = kill.report.summary {
        let (says, words) = level_words(kill);
        let line = Because { decisive: words, ..because(&kill.cite(span), kill.at, says) };
        // Where only the summary stands it is already quoted; say the level beside it.
        match lines.iter_mut().find(|known| known.cite == line.cite) {
            Some(known) => known.says = format!("{}; {}", known.says, line.says),
            None => lines.push(line),
        }
    }
    if let (Some(memory), Some(limit)) = (&kill.report.memory, kill.limit.and_then(Limit::bytes)) {
        let usage = kill.usage.map_or_else(String::new, |usage| format!("{usage} of "));
        let says = format!("{usage}{limit} were in use");
        lines.push(because(&kill.cite(memory.span), kill.at, says));
    }
    if let Some(group) = &kill.report.group {
        let says = group_words(kill);
        lines.push(because(&kill.cite(group.span), kill.at, says));
    }
    lines.extend(end_says(stage, verdict));
    lines
}

/// The first victim is the one that the kernel chose; the others only share its cgroup.
fn group_words(kill: &OomKill) -> String {
    let rest = kill.victims.len().saturating_sub(1);
    let chosen = kill.victims.first().map(|first| {
        let comm = first.comm.as_deref().unwrap_or("a process");
        format!("; {comm}, pid {}, was chosen, {rest} more died for being in it", first.pid)
    });
    let rule = "memory.oom.group is set: the kernel takes every process of that cgroup";
    format!("{rule}{}", chosen.filter(|_| rest > 0).unwrap_or_default())
}

fn end_says(stage: &Stage<'_>, verdict: &Verdict) -> Option<Because> {
    if verdict.main.fate == Fate::Alive {
        let cite = stage.life.alive_cite.as_ref()?;
        return Some(because(cite, None, "the main process went on"));
    }
    let code = verdict.main.exit_code?;
    end_line(
        stage,
        match verdict.main.fate {
            Fate::Killed if code != 137 => {
                "systemd ended the main process after it (OOMPolicy=)".to_owned()
            }
            Fate::Killed => format!("the main process ended with {code}, 128 + SIGKILL"),
            Fate::Exited if code == 137 => {
                "the main process ended with 137 right after: its child's status, passed on"
                    .to_owned()
            }
            Fate::Exited => {
                format!("the main process was not killed; it ended by itself with {code}")
            }
            Fate::Alive | Fate::Unknown => format!("the container ended with {code}"),
        },
    )
}

/// What the summary line says about the level, and the words that say it.
fn level_words(kill: &OomKill) -> (String, Option<String>) {
    let says = match kill.level {
        Level::Own => "the limit that filled is the victim's own cgroup's",
        Level::Nested => "the limit that filled was set inside the container",
        Level::Ancestor => "the limit that filled is above the victim's cgroup",
        // SysRq-f asks at any time: nothing need have been short.
        Level::Host if kill.report.manual => "no cgroup's limit was named",
        Level::Host => "no cgroup's limit: the whole machine was out of memory",
        Level::Numa => "the memory of the allowed NUMA nodes was out, not the machine's as a whole",
        Level::Unknown | Level::None => "whose limit filled is not shown",
    };
    let words = match kill.level {
        Level::Own | Level::Nested | Level::Ancestor => Some("oom_memcg="),
        Level::Host => kill.report.global_oom.then_some("global_oom"),
        Level::Numa => Some("constraint="),
        Level::Unknown | Level::None => None,
    };
    // Before 5.0 the line reads `Task in /A killed as a result of limit of /B`.
    let old = kill.report.constraint.is_none() && words == Some("oom_memcg=");
    let words = if old { Some("as a result of limit of") } else { words };
    (says.to_owned(), words.map(str::to_owned))
}

fn ruled_out(stage: &Stage<'_>, kill: &OomKill) -> Vec<RuledOut> {
    let mut out = Vec::new();
    if kill.level_shown && matches!(kill.level, Level::Own | Level::Nested | Level::Ancestor) {
        let free = kill.report.free.map(|free| format!(", and {} were free", free.value));
        let because = format!("the report names a cgroup's limit{}", free.unwrap_or_default());
        out.push(RuledOut { killer: Killer::HostOutOfMemory, because });
    }
    if kill.level_shown && matches!(kill.level, Level::Ancestor | Level::Host | Level::Numa) {
        let because = match stage.configured_limit().and_then(|(limit, _)| limit.bytes()) {
            Some(own) => format!("its own limit of {own} is not the one that the report names"),
            None => {
                let contained = stage.life.id.is_some() || kill.container.is_some();
                let whose = if contained { "container" } else { "victim" };
                format!("the report does not name the {whose}'s own cgroup as the one that filled")
            }
        };
        out.push(RuledOut { killer: Killer::ContainerMemoryLimit, because });
    }
    if kill.report.manual {
        return out;
    }
    out.extend(rivals::api_ruled_out(stage));
    out
}

/// The message's words, for a report that has no summary line.
pub(super) fn message(kill: &OomKill) -> Option<KillMessage> {
    kill.victims.iter().find_map(|victim| victim.message)
}

/// Some task of this container stands in the report's table: by the pids of its live processes or
/// by its cgroup lying below the limit that filled.
pub(super) fn lists_tasks_of(kill: &OomKill, sheet: &FactSheet, id: &ContainerId) -> bool {
    let pids: Vec<u32> = sheet.processes.iter().map(|process| process.what.pid).collect();
    let listed = kill.report.tasks.iter().any(|row| pids.contains(&row.process()));
    let below =
        sheet.counters.iter().filter_map(|counter| counter.what.cgroup.as_ref()).any(|own| {
            let ours = own.container_id().is_some_and(|other| other.is_same(id));
            ours && kill.limit_cgroup().is_some_and(|limit| limit.relation(own) == Relation::Above)
        });
    listed || below
}
