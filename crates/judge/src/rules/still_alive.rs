//! # still-alive — nothing died
//!
//! ## What it looks for
//! A running main process, and no kill inside its container in this life. Live counters tell whether it
//! is healthy, full of cache that can be dropped, or stalled at its limit. A container that was created and
//! never started is told here, too.
//!
//! ## Why it means that
//! The runtime says that it runs; the kernel's counters or a log of the whole life hold no kill (without
//! either it is `likely`). Usage at the limit is no danger by itself: page cache is dropped before anything is
//! killed. With the OOM killer disabled (v1 `oom_kill_disable`) or throttled (`memory.high`) a full limit
//! shows as a stall: `under_oom 1`, tasks that wait in the memory controller, or 20% of the last 10 s in
//! which every task waited (`memory.pressure`, `full avg10`).
//!
//! ## What would speak against it
//! - A kernel kill of a child in this life: an invisible kill (own-limit and its kin, main process `alive`).
//! - `OOMKilled=true` of a running container: a child, an exec, a previous life, a neighbour.
//! - The program's own word that a child ended by SIGKILL: the main process lives, the child is a question;
//!   the answer is no more than `likely`.
//!
//! ## Example
//! ```text
//! memory.oom_control: oom_kill_disable 1, under_oom 1
//! ```
//!
//! ## References
//! - Linux `Documentation/admin-guide/cgroup-v1/memory.rst` section 10; cgroup-v2.rst `memory.high`, `memory.pressure`

use casefile::{Bytes, CgroupPath, Limit, Source};

use super::draft::{because, decisive, draft, possible};
use super::{Rule, Seek, memory, rivals};
use crate::facts::{Stage, Teller};
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "still-alive",
    title: "nothing died: healthy, stalled at the limit, or only the cache is full",
    file: include_str!("still_alive.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::OwnEnd {
        return None;
    }
    if never_started(stage) {
        return Some(not_started(stage));
    }
    if stage.life.teller == Teller::Nobody {
        return pasted_stall(stage);
    }
    if !stage.life.alive {
        return None;
    }
    let mut verdict = draft(stage, RULE.id, Killer::StillAlive, Level::None, Confidence::Likely);
    verdict.main.fate = Fate::Alive;
    verdict.limit_at_fault = Some(false);
    verdict.at = None;
    let cite = stage.life.alive_cite.as_ref()?;
    let says = match stage.life.teller {
        Teller::Process => "the process runs",
        _ => "the main process runs",
    };
    verdict.because.push(because(cite, None, says));
    // A stall at the limit is seen in the counters alone.
    let unread = stage.sheet.gaps.iter().any(|gap| gap.source == Source::Cgroup);
    let quiet_log = stage.sheet.kernel_covered && !unread;
    if quiet_log || memory::oom_kills(stage).is_some_and(|(_, kills)| kills == 0) {
        verdict.confidence = Confidence::Proven;
    }
    // Live counters belong to the last life.
    if stage.last {
        verdict.memory = memory::now(stage);
        verdict.usage = memory::usage(stage)
            .or_else(|| stage.life.record.as_ref().and_then(|record| record.what.usage));
        if !stalled(stage, &mut verdict) {
            quiet(stage, &mut verdict);
        }
    }
    child_killed_hint(stage, &mut verdict);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// Pasted counters of a cgroup that waits at its limit: something lives in it, and nothing was killed.
/// The counters have to be of one cgroup, and not of the whole machine.
fn pasted_stall(stage: &Stage<'_>) -> Option<Verdict> {
    let (counter, _) = memory::oom_kills(stage).filter(|(_, kills)| *kills == 0)?;
    let pressure = memory::counter(stage, "memory.pressure", "full.avg10")
        .or_else(|| memory::counter(stage, "memory.oom_control", "under_oom"))?;
    let one = pressure.what.cgroup == counter.what.cgroup;
    let root = counter.what.cgroup.as_ref().is_some_and(CgroupPath::is_root);
    let mut verdict = draft(stage, RULE.id, Killer::StillAlive, Level::None, Confidence::Likely);
    verdict.usage = memory::usage(stage);
    verdict.memory = memory::now(stage);
    if !one || root || !stalled(stage, &mut verdict) {
        return None;
    }
    verdict.confidence = Confidence::Likely;
    let says = "the kernel counted no OOM kill in this cgroup since it was made";
    verdict.because.push(because(&counter.cite, None, says));
    Some(verdict)
}

/// `memory.high` is reached and the kernel slows every task that asks for more; it never kills for it.
fn held_at_high(stage: &Stage<'_>, verdict: &mut Verdict) {
    let high = memory::number(stage, "memory.high", "");
    let usage = memory::number(stage, "memory.current", "");
    let Some((high, usage)) = high.zip(usage).filter(|(high, usage)| usage / 99 >= high / 100)
    else {
        return;
    };
    let Some(fact) = memory::counter(stage, "memory.events", "high") else { return };
    let times = memory::number(stage, "memory.events", "high").unwrap_or_default();
    if times == 0 {
        return;
    }
    let (high, usage) = (Bytes(high), Bytes(usage));
    let says = format!("memory.high was overrun {times} times: {usage} of {high} are in use");
    verdict.because.push(decisive(&fact.cite, None, says, "high"));
    verdict.limit = Some(Limit::At(high));
    let detail = verdict.detail.take().map(|detail| format!("{detail}; ")).unwrap_or_default();
    verdict.detail = Some(format!(
        "{detail}memory.high ({high}) is reached: the kernel slows what asks for more, and never kills for it"
    ));
}

/// The log speaks of a killed child: the main process lives all the same.
fn child_killed_hint(stage: &Stage<'_>, verdict: &mut Verdict) {
    let Some((fact, _)) = stage.child_killed() else { return };
    verdict.confidence = verdict.confidence.min(Confidence::Likely);
    let says = "the program's own log says that a child ended by SIGKILL; nothing else shows it";
    verdict.because.push(because(&fact.cite, fact.at, says));
    let because = "a child may have been killed by another process while the main process lived on";
    verdict.candidates = vec![possible(Killer::Process, because)];
}

/// Created, and no life yet: nothing can have died.
fn never_started(stage: &Stage<'_>) -> bool {
    let life = stage.life;
    life.started_at.is_none()
        && life.end.is_none()
        && life.record.as_ref().is_some_and(|it| it.what.status.as_deref() == Some("created"))
}

fn not_started(stage: &Stage<'_>) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::StillAlive, Level::None, Confidence::Likely);
    verdict.detail = Some("the container was created and never started: nothing died".to_owned());
    verdict.main.exit_code_trusted = true;
    if let Some(record) = &stage.life.record {
        let span = record.what.span_of("status").unwrap_or(record.cite.span);
        verdict.because.push(because(&record.cite_at(span), None, "created, not started"));
    }
    verdict
}

/// Every task waits at the full limit: alive, and stuck.
fn stalled(stage: &Stage<'_>, verdict: &mut Verdict) -> bool {
    let under = memory::counter(stage, "memory.oom_control", "under_oom")
        .filter(|_| memory::number(stage, "memory.oom_control", "under_oom") == Some(1));
    let waiting = stage.sheet.processes.iter().find(|process| {
        let waits = process.what.waits_in.as_deref().unwrap_or_default();
        waits.contains("mem_cgroup_oom") || waits.contains("mem_cgroup_handle_over_high")
    });
    let pressure = memory::number(stage, "memory.pressure", "full.avg10").filter(|p| *p >= 2000);
    if let Some(fact) = under {
        verdict.because.push(decisive(
            &fact.cite,
            None,
            "the limit is full and its OOM killer is switched off",
            "under_oom 1",
        ));
        verdict.detail = Some("the OOM killer is disabled for it, so no kill will come".to_owned());
    } else if let Some(process) = waiting {
        verdict.because.push(because(&process.cite, None, "a task waits for memory of the cgroup"));
        verdict.detail = Some("tasks wait for memory of the cgroup".to_owned());
    } else if let Some(hundredths) = pressure {
        if let Some(fact) = memory::counter(stage, "memory.pressure", "full.avg10") {
            let says = "every task waited for memory during that share of the last 10 s";
            verdict.because.push(because(&fact.cite, None, says));
        }
        verdict.detail =
            Some(format!("{}% of the last 10 s went into waiting for memory", hundredths / 100));
    } else {
        return false;
    }
    held_at_high(stage, verdict);
    verdict.level = Level::Own;
    verdict.confidence = Confidence::Proven;
    verdict.limit_at_fault = Some(true);
    true
}

/// Not stalled: say what the memory is, and whether any of it is in danger.
fn quiet(stage: &Stage<'_>, verdict: &mut Verdict) {
    if let Some((fact, count)) = memory::oom_kills(stage) {
        verdict.because.push(because(
            &fact.cite,
            None,
            format!("the kernel counts {count} OOM kills in this cgroup"),
        ));
    }
    if let Some(cite) = verdict.memory.cite.clone() {
        verdict.because.push(because(&cite, None, "what the memory consists of"));
    }
    let limit = verdict.limit.and_then(Limit::bytes);
    let (Some(usage), Some(limit)) = (verdict.usage, limit) else { return };
    let share = |what: &str| {
        verdict
            .memory
            .shares
            .iter()
            .find(|share| share.what.contains(what))
            .map(|share| share.bytes)
    };
    let (Some(anon), Some(file)) = (share("anonymous"), share("files")) else { return };
    let full = usage.0.saturating_mul(10) >= limit.0.saturating_mul(9);
    let cache = file.0 > limit.0 / 2;
    if full && cache {
        verdict.detail = Some(format!(
            "{usage} of {limit} are used, but {file} of it are page cache that is dropped before anything is killed; the program's own are {anon}"
        ));
    }
}
