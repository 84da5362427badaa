//! Facts → killer. One cause, one file; each file's head is its manual.
//!
//! What the answer is about decides the order: first whatever ended the main process from outside,
//! then a kill inside the container, then the main process's own end, then life. Within one step
//! the rules stand from the strongest evidence to the weakest, and the first that speaks is heard.

mod ancestor_limit;
mod api_kill;
mod crash;
mod draft;
mod eviction;
mod failed_probe;
mod host_memory;
mod kernel_kill;
mod memory;
mod not_killed;
mod numa_memory;
mod oom_daemon;
mod oom_level_unknown;
mod own_limit;
mod process;
mod requested;
mod resource_limit;
mod rivals;
mod runtime;
mod still_alive;
mod stop_timeout;
mod stopped;
mod supervisor;
mod unit;
mod unknown;

use std::collections::HashSet;
use std::sync::LazyLock;

use casefile::{Moment, RuleManual};

use crate::facts::named::{self, Named};
use crate::facts::{FactSheet, Life, OomKill, Stage, journals_unit, lives, other_subjects};
use crate::verdict::{Confidence, Killer, Level, Verdict};

/// Which of the answer's three questions is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seek {
    /// Did something outside end the main process?
    MainEndedFromOutside,
    /// Was a process inside the container killed?
    KilledInside,
    /// How did the main process end by itself, or does it live?
    OwnEnd,
}

/// One cause.
struct Rule {
    /// Kebab-case; the name of its file.
    id: &'static str,
    /// One line.
    title: &'static str,
    /// Its file: the head is the manual.
    file: &'static str,
    /// Speaks, or is silent.
    reach: fn(&Stage<'_>, Seek) -> Option<Verdict>,
}

/// Every rule, from the strongest evidence to the weakest.
static RULES: [&Rule; 19] = [
    &process::RULE,
    &runtime::RULE,
    &own_limit::RULE,
    &ancestor_limit::RULE,
    &host_memory::RULE,
    &numa_memory::RULE,
    &oom_daemon::RULE,
    &eviction::RULE,
    &failed_probe::RULE,
    &stop_timeout::RULE,
    &api_kill::RULE,
    &stopped::RULE,
    &oom_level_unknown::RULE,
    &supervisor::RULE,
    &resource_limit::RULE,
    &crash::RULE,
    &not_killed::RULE,
    &still_alive::RULE,
    &unknown::RULE,
];

/// Every rule's manual, in the order in which the rules are tried.
pub fn manuals() -> &'static [RuleManual] {
    static MANUALS: LazyLock<Vec<RuleManual>> = LazyLock::new(|| {
        RULES.iter().map(|rule| RuleManual::of(rule.id, rule.title, rule.file)).collect()
    });
    &MANUALS
}

/// The verdict on everything the sheet holds: the subject's last life, or the last kill where
/// there is no subject; every other death is a finding.
pub(crate) fn reach(sheet: &FactSheet, _asked_at: Moment) -> Verdict {
    let lives = lives(sheet);
    let Some(chosen) = chosen_life(&lives, sheet.gathered_at) else {
        return reach_without_subject(sheet);
    };
    let died = died_before(sheet, &lives, chosen);
    let chosen = died.unwrap_or(chosen);
    let mut findings = Vec::new();
    let mut verdict = None;
    for at in 0..lives.len() {
        let Some(stage) = Stage::of_life(sheet, &lives, at) else { continue };
        let mut answer = reach_life(&stage);
        if Some(at) == died {
            draft::note_next_life(&mut answer, lives.get(at + 1));
        }
        let others = other_kills(&stage, &answer);
        if at == chosen {
            findings.extend(others);
            verdict = Some(answer);
        } else if answer.killer != Killer::StillAlive && !is_nothing(&stage, &answer) {
            findings.extend(others);
            findings.push(answer);
        }
    }
    let mut verdict = verdict.unwrap_or_else(|| reach_without_subject(sheet));
    findings.extend(neighbour_kills(sheet, &verdict));
    for others in other_subjects(sheet) {
        let last = others.len().saturating_sub(1);
        findings.extend(Stage::of_life(sheet, &others, last).map(|stage| reach_stage(&stage)));
    }
    tell_once(&verdict, &mut findings);
    findings.sort_by_key(|finding| finding.at);
    draft::note_storm(&mut verdict, &findings);
    verdict.findings = findings;
    verdict
}

/// One death that is told with a name and without one, on the same words, is told once: a row of a table names
/// what a part of `kubectl describe` leaves out.
fn tell_once(main: &Verdict, findings: &mut Vec<Verdict>) {
    let told = |one: &Verdict| Some((one.killer, one.because.first()?.cite.clone()));
    let is_named =
        |one: &Verdict| one.subject.as_ref().is_some_and(|subject| subject.name.is_some());
    let all = std::iter::once(main).chain(findings.iter());
    let named: HashSet<_> = all.filter(|one| is_named(one)).filter_map(told).collect();
    let nameless = told(main).filter(|_| !is_named(main));
    findings.retain(|one| {
        let words = told(one);
        let again = !is_named(one) && words.as_ref().is_some_and(|words| named.contains(words));
        !again && (words.is_none() || words != nameless)
    });
}

/// The last life; but one that a restart storm began will end as the others did, and the question
/// is about those: three lives under 10 s, each ended with 137, and a restart right after.
fn chosen_life(lives: &[Life], gathered_at: Option<Moment>) -> Option<usize> {
    let last = lives.len().checked_sub(1)?;
    let ended: Vec<f64> = lives
        .iter()
        .filter_map(|life| Some(life.ended_at()?.seconds_since(life.started_at?)))
        .collect();
    let short = ended.iter().rev().take(3).filter(|lived| **lived < 10.0).count();
    let same_end = lives.iter().rev().skip(1).take(3).all(|life| life.exit_code() == Some(137));
    // Started by the storm: within the two minutes that a restart policy waits at most.
    let restarted = lives.get(last).is_some_and(|life| {
        let before = last.checked_sub(1).and_then(|at| lives.get(at));
        let gap = before.and_then(|it| Some((life.started_at?, it.ended_at()?)));
        let age = gathered_at.zip(life.started_at).map(|(now, start)| now.seconds_since(start));
        let young = age.is_none_or(|age| age < 20.0);
        life.alive && young && gap.is_some_and(|(start, end)| start.seconds_since(end) < 120.0)
    });
    let storm = short == 3 && same_end && restarted;
    Some(if storm { last - 1 } else { last })
}

/// In pasted text the question is about a death: where the last life is seen to run and the end of the one
/// before has a code or an explanation, that end is the answer. Of a container that was asked for by name its
/// present life is. (That a record of a running container dates an earlier end is neither.)
fn died_before(sheet: &FactSheet, lives: &[Life], chosen: usize) -> Option<usize> {
    if sheet.is_asked() || !lives.get(chosen)?.alive {
        return None;
    }
    let before = chosen.checked_sub(1)?;
    let stage = Stage::of_life(sheet, lives, before)?;
    let ended = stage.life.exit_code().is_some()
        || stage.life.end.is_some() && reach_life(&stage).confidence != Confidence::Unknown;
    ended.then_some(before)
}

/// A life that nothing is known of: a container of a pod that has not begun yet.
fn is_nothing(stage: &Stage<'_>, answer: &Verdict) -> bool {
    stage.life.end.is_none() && answer.confidence == Confidence::Unknown
}

/// The verdict on one life alone.
pub(crate) fn reach_life(stage: &Stage<'_>) -> Verdict {
    let mut verdict = reach_stage(stage);
    draft::note_dispute(&mut verdict, stage.life);
    verdict
}

/// Asks the three questions of one life.
fn reach_stage(stage: &Stage<'_>) -> Verdict {
    let order = [Seek::MainEndedFromOutside, Seek::KilledInside, Seek::OwnEnd];
    for seek in order {
        if let Some(verdict) = RULES.iter().find_map(|rule| (rule.reach)(stage, seek)) {
            return verdict;
        }
    }
    unknown::nothing_known(stage)
}

/// Kernel kills of a life that its verdict is not about: an earlier child's kill, say.
fn other_kills(stage: &Stage<'_>, verdict: &Verdict) -> Vec<Verdict> {
    let told: Vec<u32> = verdict.victims.iter().filter_map(|victim| victim.pid).collect();
    let is_told = |kill: &OomKill| {
        let same = kill.victims.iter().all(|victim| told.contains(&victim.pid));
        // Two boots may give one pid to two victims: then the one that the verdict cites is told.
        let told_of_another = !is_cited(verdict, kill)
            && stage
                .kills
                .iter()
                .any(|other| is_cited(verdict, other) && shares_a_pid(kill, other));
        if kill.victims.is_empty() {
            verdict.killer.is_kernel_oom()
        } else {
            same && !told_of_another
        }
    };
    let rest: Vec<&OomKill> = stage.kills.iter().copied().filter(|kill| !is_told(kill)).collect();
    kernel_kill::findings(&stage.with_kills(rest))
}

/// Whether a verdict points at the line of this kill's victim.
fn is_cited(verdict: &Verdict, kill: &OomKill) -> bool {
    let cites = |victim: &parse::record::Killed| {
        let own = kill.cite(victim.span);
        verdict.because.iter().any(|because| because.cite == own)
    };
    kill.victims.iter().any(cites)
}

fn shares_a_pid(one: &OomKill, other: &OomKill) -> bool {
    one.victims.iter().any(|a| other.victims.iter().any(|b| a.pid == b.pid))
}

/// Kills of others under a limit that this container shares.
fn neighbour_kills(sheet: &FactSheet, verdict: &Verdict) -> Vec<Verdict> {
    let Some(id) = &verdict.container_id else { return Vec::new() };
    let shared = sheet.oom_kills.iter().filter(|kill| {
        kill.is_elsewhere(id)
            && kill.level == Level::Ancestor
            && kernel_kill::lists_tasks_of(kill, sheet, id)
    });
    let life = Life::default();
    let stage = Stage::of_text(sheet, &life).with_kills(shared.collect());
    kernel_kill::findings(&stage)
}

/// Kills that belong to none of a machine's subjects; those of one storm are one verdict.
pub(crate) fn of_kills(sheet: &FactSheet, kills: Vec<&OomKill>) -> Vec<Verdict> {
    let life = Life::default();
    kernel_kill::findings(&Stage::of_text(sheet, &life).with_kills(kills))
}

/// Of a node's journal of a month the last ends are told; each is looked for in all of it.
const MOST_OTHERS: usize = 32;

/// Pasted text without a container of its own. A log that tells of the ends of several tells of several deaths:
/// whom the last kill hit, else who ended last, is the answer, the others are findings.
fn reach_without_subject(sheet: &FactSheet) -> Verdict {
    let mut others = named::ended(sheet);
    if others.is_empty() || sheet.is_asked() {
        return reach_as_one(sheet);
    }
    let kill = sheet.oom_kills.iter().rfind(|kill| !kill.is_placeless());
    let last = if kill.is_none() { others.pop() } else { None };
    others.retain(|named| !kill.is_some_and(|kill| named.holds(kill)));
    let is_meant = |one: &Named| {
        last.as_ref().is_some_and(|last| last.is(one)) || kill.is_some_and(|kill| one.holds(kill))
    };
    let mut verdict = reach_as_one(&named::without_others(sheet, is_meant, &others));
    for other in others.iter().rev().take(MOST_OTHERS) {
        let mut other = reach_as_one(&named::only(sheet, other));
        verdict.findings.append(&mut other.findings);
        verdict.findings.push(other);
    }
    verdict.findings.sort_by_key(|finding| finding.at);
    verdict
}

/// The last kill of a text, and the others as findings.
fn reach_as_one(sheet: &FactSheet) -> Verdict {
    let life = Life::default();
    let stage = Stage::of_text(sheet, &life);
    let mut verdict = reach_stage(&stage);
    let mut findings = other_kills(&stage, &verdict);
    if verdict.confidence == Confidence::Unknown {
        verdict = findings.pop().unwrap_or(verdict);
    }
    if verdict.confidence == Confidence::Unknown && verdict.because.is_empty() {
        verdict = of_journals_unit(sheet).unwrap_or(verdict);
    }
    verdict.findings = findings;
    verdict
}

/// A pasted journal in which nothing but the end of a unit's main process is told.
fn of_journals_unit(sheet: &FactSheet) -> Option<Verdict> {
    let lives = journals_unit(sheet);
    // It may have been started again since.
    let ended = lives.iter().rposition(|life| life.end.is_some())?;
    let stage = Stage::of_life(sheet, &lives, ended)?;
    Some(reach_stage(&stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_documented_under_five_headings() {
        let headings = [
            "## What it looks for",
            "## Why it means that",
            "## What would speak against it",
            "## Example",
            "## References",
        ];
        for rule in RULES {
            let text = casefile::head_of(rule.file);
            for heading in headings {
                assert!(text.contains(heading), "rule {} lacks `{heading}`", rule.id);
            }
        }
    }

    #[test]
    fn rule_ids_are_unique_and_kebab_case() {
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        let kebab = |id: &str| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(ids.iter().all(|id| kebab(id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len());
    }
}
