//! From a past to its loops: which deaths belong together, what they have in common, what it means.

use std::cmp::Reverse;

use casefile::Moment;

use super::past::{Ended, Past};
use super::{Ages, Cause, Health, Kind, Loop, State, median, storm};
use crate::verdict::{Because, Confidence, Killer, Level, Remedy};

/// So many deaths make a loop.
pub(super) const FEWEST: usize = 3;
/// Docker waits a minute at most; a slow machine takes as long again to start.
const LONGEST_GAP: f64 = 150.0;
/// Nobody calls a life that lasted longer a start; Kubernetes forgets its back-off after the same time.
const LONGEST_START: f64 = 600.0;
/// Docker's waits, in seconds: the first, the longest, and the age that sets it back to the first.
const FIRST_WAIT: f64 = 0.1;
const LONGEST_WAIT: f64 = 60.0;
const RESET_AGE: f64 = 10.0;
/// Lines of evidence of one loop: the first ones and the last.
const LINES: usize = 3;

/// The loops of one container.
pub(super) fn loops(past: &Past) -> Vec<Loop> {
    restart_loop(past).into_iter().chain(storm::respawn_storm(past)).collect()
}

fn restart_loop(past: &Past) -> Option<Loop> {
    let round = latest_round(&past.ended);
    let last = round.last()?;
    let counted = counted(past, round.len());
    let deaths = counted.max(u64::try_from(round.len()).unwrap_or(u64::MAX));
    if round.is_empty() || deaths < FEWEST as u64 {
        return None;
    }
    let ages: Vec<f64> = round.iter().filter_map(Ended::age).collect();
    let ages = Ages::of(&ages);
    let cause = cause(round);
    let healthy = round.iter().filter(|end| end.was_healthy).count();
    let health = match (past.has_health_check, healthy) {
        (_, 1..) => Health::Healthy(healthy),
        (true, 0) => Health::Never,
        (false, 0) => Health::NoCheck,
    };
    let at_limit = round.iter().filter(|end| class(end) == Class::Own).count();
    let state = state(past, ages.as_ref());
    let mut found = Loop {
        kind: Kind::RestartLoop,
        confidence: confidence(round, deaths, &cause),
        name: past.name.clone(),
        container_id: past.id.clone(),
        deaths,
        seen: round.len(),
        at_limit,
        since: round.iter().find_map(|end| end.at),
        last: last.at,
        interval_seconds: interval(round.iter().filter_map(|end| end.at)),
        next_wait_seconds: next_wait(past, round).filter(|_| state.goes_round()),
        in_warm_up: is_warm_up(&cause, ages.as_ref(), health),
        health,
        limit: last.limit.filter(|_| cause == Cause::OwnLimit).or(past.limit),
        limit_with_swap: past.limit_with_swap,
        policy: past.policy.clone(),
        state,
        victim: round.iter().rev().find_map(|end| end.victim.clone()),
        crowd: None,
        because: past.about.iter().cloned().chain(lines(round)).collect(),
        remedies: Vec::new(),
        ages,
        cause,
    };
    found.remedies = remedies(&found, &last.remedies);
    Some(found)
}

/// The latest lives that follow each other without a stop that somebody asked for, without a pause, and
/// without one among them that lasted so much longer that it was none of a loop.
fn latest_round(ended: &[Ended]) -> &[Ended] {
    let mut from = ended.len();
    let mut shortest = f64::INFINITY;
    let mut next: Option<&Ended> = None;
    for (index, end) in ended.iter().enumerate().rev() {
        let gap = next.and_then(|next| Some(next.started_at?.seconds_since(end.at?)));
        let age = end.age();
        // What lasted an hour, where others last seconds, had begun well.
        let outlasts = age.is_some_and(|age| age > 3600.0 && age > shortest * 20.0);
        let shorter = age
            .is_some_and(|age| shortest.is_finite() && shortest > 3600.0 && shortest > age * 20.0);
        if is_asked_for(end) || gap.is_some_and(|gap| gap > LONGEST_GAP) || outlasts || shorter {
            break;
        }
        shortest = shortest.min(age.unwrap_or(f64::INFINITY));
        (from, next) = (index, Some(end));
    }
    ended.get(from..).unwrap_or_default()
}

/// Somebody stopped it, or it was done.
fn is_asked_for(end: &Ended) -> bool {
    let by_hand = matches!(end.killer, Killer::Stopped | Killer::StopTimeout | Killer::ApiKill);
    // `on-failure` does not start it again after 0; `always` does, and that may go round as well.
    by_hand || end.killer == Killer::StillAlive
}

/// How many deaths Docker's count tells of: every restart by the policy follows one.
fn counted(past: &Past, seen: usize) -> u64 {
    // A past that begins in the middle has no count of its own; one that holds an earlier, other round
    // has too many in it.
    if seen < past.ended.len() {
        return 0;
    }
    let ended_now = !past.is_alive && past.status.as_deref() != Some("restarting");
    past.restart_count.unwrap_or(0).saturating_add(u64::from(ended_now))
}

/// What a single end was.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Own,
    Parent,
    Machine,
    AnyMemory,
    Other(String),
    Unknown,
}

fn class(end: &Ended) -> Class {
    match (end.killer, end.level) {
        (Killer::ContainerMemoryLimit, _) => Class::Own,
        (Killer::AncestorMemoryLimit, _) => Class::Parent,
        (Killer::HostOutOfMemory | Killer::NumaOutOfMemory, _) => Class::Machine,
        (Killer::OutOfMemory, Level::Own) => Class::Own,
        (Killer::OutOfMemory, _) => Class::AnyMemory,
        (Killer::Unknown | Killer::StillAlive, _) => Class::Unknown,
        (killer, _) => Class::Other(words(killer, end)),
    }
}

/// What it was, in a clause that follows the name.
fn words(killer: Killer, end: &Ended) -> String {
    let code = end.exit_code.map_or_else(String::new, |code| format!(" with {code}"));
    let detail = end.detail.as_ref().filter(|detail| !detail.starts_with("it ended with"));
    let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
    match killer {
        Killer::NotKilled => format!("ends by itself{code}{detail}"),
        Killer::Crash => format!("crashes{code}{detail}"),
        Killer::FailedProbe => "is killed after failed health checks".to_owned(),
        Killer::Process => format!("is killed by another process{code}"),
        Killer::ResourceLimit => "is killed at a resource limit that is not memory".to_owned(),
        Killer::Runtime => "is ended by the runtime itself".to_owned(),
        Killer::OomDaemon => "is killed by an OOM daemon, before any limit was full".to_owned(),
        Killer::Eviction => "is evicted".to_owned(),
        Killer::Stopped | Killer::StopTimeout | Killer::ApiKill => {
            format!("is stopped by request{code}")
        }
        Killer::ContainerMemoryLimit
        | Killer::AncestorMemoryLimit
        | Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory => "is killed for want of memory".to_owned(),
        Killer::StillAlive | Killer::Unknown => format!("ended{code}"),
    }
}

/// What the ends have in common. One that the evidence does not explain stands against none of the others.
fn cause(round: &[Ended]) -> Cause {
    let mut counts: Vec<(Class, usize)> = Vec::new();
    for class in round.iter().map(class) {
        match counts.iter_mut().find(|(known, _)| *known == class) {
            Some((_, count)) => *count += 1,
            None => counts.push((class, 1)),
        }
    }
    let known: Vec<(Class, usize)> =
        counts.iter().filter(|(class, _)| *class != Class::Unknown).cloned().collect();
    let explained: usize = known.iter().map(|(_, count)| count).sum();
    if known.is_empty() || (explained * 2 < round.len() && !are_of_one_kind(round)) {
        return Cause::Unknown;
    }
    let has = |class: &Class| known.iter().any(|(one, _)| one == class);
    let others = known.iter().any(|(class, _)| matches!(class, Class::Other(_)));
    match known.as_slice() {
        [(Class::Other(words), _)] => Cause::NotMemory(words.clone()),
        _ if others => mixed(&known),
        _ if has(&Class::Own) && !has(&Class::Parent) && !has(&Class::Machine) => Cause::OwnLimit,
        [(Class::Parent, _)] => Cause::ParentLimit,
        [(Class::Machine, _)] => Cause::Machine,
        [(Class::AnyMemory, _)] => Cause::MemoryOfUnknownLevel,
        _ => mixed(&known),
    }
}

/// Where most ends are not explained the few that are speak for them only if all ended with 137 at the same
/// age, and two were at the limit, the last among them.
fn are_of_one_kind(round: &[Ended]) -> bool {
    let at_limit = round.iter().filter(|end| class(end) == Class::Own).count();
    let last = round.last().is_some_and(|end| class(end) == Class::Own);
    let same = round.iter().all(|end| class(end) == Class::Own || end.exit_code == Some(137));
    let ages: Vec<f64> = round.iter().filter_map(Ended::age).collect();
    at_limit >= 2 && last && same && Ages::of(&ages).is_some_and(|ages| ages.are_alike())
}

fn mixed(known: &[(Class, usize)]) -> Cause {
    let words = |class: &Class| match class {
        Class::Own => "is killed at its own memory limit".to_owned(),
        Class::Parent => "is killed at a memory limit above it".to_owned(),
        Class::Machine => "is killed because the machine's memory was full".to_owned(),
        Class::AnyMemory => "is killed for memory, at which limit is not shown".to_owned(),
        Class::Other(words) => words.clone(),
        Class::Unknown => "is not explained".to_owned(),
    };
    let mut all: Vec<(String, usize)> =
        known.iter().map(|(class, count)| (words(class), *count)).collect();
    all.sort_by_key(|(_, count)| Reverse(*count));
    Cause::Mixed(all)
}

/// The least sure end counts, and those that only a counter tells make it likely at most.
fn confidence(round: &[Ended], deaths: u64, cause: &Cause) -> Confidence {
    if matches!(cause, Cause::Unknown) {
        return Confidence::Unknown;
    }
    let explained: Vec<Confidence> =
        round.iter().filter(|end| class(end) != Class::Unknown).map(|end| end.confidence).collect();
    let least = explained.iter().min().copied().unwrap_or(Confidence::Unknown);
    let all_told = u64::try_from(explained.len()).is_ok_and(|told| told >= deaths);
    least.min(if all_told { Confidence::Proven } else { Confidence::Likely })
}

fn is_warm_up(cause: &Cause, ages: Option<&Ages>, health: Health) -> bool {
    let never_ready = match health {
        Health::NoCheck | Health::Never => true,
        Health::Healthy(_) => false,
    };
    let early = ages.is_some_and(|ages| {
        // A check that never passed says by itself that these were starts, on however busy a machine.
        let by_check = health == Health::Never && ages.spread <= ages.median * 0.5;
        by_check || (ages.are_alike() && ages.median <= LONGEST_START)
    });
    *cause == Cause::OwnLimit && never_ready && early
}

fn state(past: &Past, ages: Option<&Ages>) -> State {
    if past.is_alive {
        let lived = past.now.zip(past.alive_since).map(|(now, start)| now.seconds_since(start));
        let longest = ages.map_or(0.0, |ages| ages.longest);
        let outlives = lived.filter(|lived| *lived > (longest * 3.0).max(60.0));
        return match (outlives, past.is_healthy) {
            (Some(lived), _) => State::Over(lived),
            (None, true) => State::Over(lived.unwrap_or(0.0)),
            (None, false) => State::Up,
        };
    }
    if past.status.as_deref() == Some("restarting") { State::Waiting } else { State::Down }
}

/// The middle distance between moments.
pub(super) fn interval(moments: impl Iterator<Item = Moment>) -> Option<f64> {
    let all: Vec<Moment> = moments.collect();
    let distances = all.windows(2).filter_map(|pair| match pair {
        [one, other] => Some(other.seconds_since(*one)),
        _ => None,
    });
    median(&distances.collect::<Vec<f64>>())
}

/// 100 ms, doubled with each restart, 1 min at most; from the beginning after a life of 10 s.
fn next_wait(past: &Past, round: &[Ended]) -> Option<f64> {
    if !is_restarted_by_policy(past.policy.as_deref()) {
        return None;
    }
    let is_short = |end: &&Ended| end.age().is_none_or(|age| age < RESET_AGE);
    let short = round.iter().rev().take_while(is_short).count();
    let counted = past.restart_count.filter(|_| short == round.len());
    let restarts = counted.unwrap_or(0).max(u64::try_from(short).unwrap_or(0));
    let doublings = i32::try_from(restarts.min(16)).unwrap_or(16);
    Some((FIRST_WAIT * 2f64.powi(doublings)).min(LONGEST_WAIT))
}

fn is_restarted_by_policy(policy: Option<&str>) -> bool {
    policy.is_some_and(|policy| {
        policy == "always" || policy == "unless-stopped" || policy.starts_with("on-failure")
    })
}

/// The first ends and the last.
fn lines(round: &[Ended]) -> Vec<Because> {
    let all = |explained: bool| -> Vec<Because> {
        let wanted = |end: &&Ended| !explained || class(end) != Class::Unknown;
        round.iter().filter(wanted).filter_map(|end| end.because.clone()).collect()
    };
    let explained = all(true);
    few(if explained.is_empty() { all(false) } else { explained })
}

pub(super) fn few(mut all: Vec<Because>) -> Vec<Because> {
    if all.len() > LINES {
        let last = all.pop();
        all.truncate(LINES - 1);
        all.extend(last);
    }
    all
}

fn remedies(found: &Loop, of_one: &[Remedy]) -> Vec<Remedy> {
    let name = &pasteable(found);
    let mut all = Vec::new();
    let unbounded = found.policy.as_deref().filter(|policy| {
        matches!(*policy, "always" | "unless-stopped" | "on-failure" | "on-failure:0")
    });
    if let Some(policy) = unbounded.filter(|_| found.state.goes_round()) {
        all.push(Remedy {
            change: format!("docker update --restart on-failure:3 {name}"),
            effect: "after three more tries it stays down: the machine is left in peace, and the last death's evidence stays".to_owned(),
            risk: "nobody starts it again until a person does".to_owned(),
            undo: format!("docker update --restart {policy} {name}"),
        });
    }
    if let Some(trial) = found.trial().filter(|_| found.policy.is_some()) {
        all.push(Remedy {
            change: format!("why137 guard {name} --consent {name}"),
            effect: format!("lets it run once with {} under watch, and tells whether the start survives and what it took: {}", trial.limit, trial.because),
            risk: "if it does not survive, it has held that much for a moment; the old limit is put back".to_owned(),
            undo: format!("why137 guard --undo {name}"),
        });
    }
    match &found.cause {
        Cause::NotMemory(_) => all.push(Remedy {
            change: format!("docker logs --tail 50 {name}"),
            effect: "what it said before it ended: the reason is in the program, memory has no part in it".to_owned(),
            risk: String::new(),
            undo: "nothing is changed".to_owned(),
        }),
        Cause::OwnLimit | Cause::ParentLimit | Cause::Machine | Cause::MemoryOfUnknownLevel => {
            all.extend(of_one.iter().cloned());
        }
        Cause::Mixed(_) | Cause::Unknown => {}
    }
    all
}

/// A name that may stand in a command: docker's own names are of these letters, a stranger's text need not be.
fn pasteable(found: &Loop) -> String {
    let plain = |word: &&str| {
        let letters = word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        letters && word.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    let id = found.container_id.as_ref().and_then(|id| id.as_str().get(..12));
    found.name.as_deref().filter(plain).or(id).unwrap_or("NAME").to_owned()
}

#[cfg(test)]
mod tests;
