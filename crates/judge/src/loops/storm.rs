//! Kills inside a container that stays up: of one name, one soon after the other, without a back-off, because
//! whoever starts the program again is inside too. Docker counts no restart.

use super::past::{Inside, Past};
use super::recognise::{FEWEST, few, interval};
use super::{Cause, Health, Kind, Loop, State};
use crate::verdict::{Confidence, Level};

/// Kills that come slower, by their middle distance, are no storm.
const SLOWEST: f64 = 600.0;

/// Kills inside a container, one after the other, of one name.
pub(super) fn respawn_storm(past: &Past) -> Option<Loop> {
    let (name, kills) = most_frequent(&past.inside);
    let counted = past.counted.as_ref().map_or(0, |(count, _)| *count);
    let seen = kills.len();
    let deaths = if past.inside_lives || past.inside.is_empty() { counted } else { 0 };
    let deaths = deaths.max(u64::try_from(seen).unwrap_or(u64::MAX));
    if deaths < FEWEST as u64 {
        return None;
    }
    let lived = past.now.zip(past.alive_since).map(|(now, start)| now.seconds_since(start));
    let all_seen = u64::try_from(seen).is_ok_and(|seen| seen >= deaths);
    // Those that only the counter tells came anywhere in this life.
    let interval = match lived.filter(|_| !all_seen) {
        Some(lived) => Some(lived / deaths as f64),
        None => interval(kills.iter().filter_map(|kill| kill.at)),
    };
    if interval.is_none_or(|interval| interval > SLOWEST) {
        return None;
    }
    let last = kills.iter().rev().find_map(|kill| kill.at);
    // When the kills came that only the counter tells, nobody knows.
    let idle = past.now.zip(last.filter(|_| all_seen)).map(|(now, last)| now.seconds_since(last));
    let quiet = idle.filter(|idle| *idle > interval.map_or(60.0, |it| (it * 10.0).max(60.0)));
    let levels: Vec<Level> = kills.iter().map(|kill| kill.level).collect();
    let lines = kills.iter().map(|kill| kill.because.clone()).collect();
    let by_counter = past.counted.iter().map(|(_, because)| because.clone());
    Some(Loop {
        kind: Kind::RespawnStorm,
        cause: storms_cause(&levels),
        confidence: if seen >= FEWEST { Confidence::Proven } else { Confidence::Likely },
        name: past.name.clone(),
        container_id: past.id.clone(),
        deaths,
        seen,
        at_limit: levels.iter().filter(|level| **level == Level::Own).count(),
        since: kills.iter().find_map(|kill| kill.at).filter(|_| all_seen).or(past.alive_since),
        last: last.or(past.now.filter(|_| past.is_alive)),
        ages: None,
        interval_seconds: interval,
        next_wait_seconds: None,
        in_warm_up: false,
        health: if past.has_health_check { Health::Never } else { Health::NoCheck },
        limit: kills.iter().rev().find_map(|kill| kill.limit).or(past.limit),
        limit_with_swap: past.limit_with_swap,
        policy: past.policy.clone(),
        state: match (past.is_alive, quiet) {
            (true, Some(quiet)) => State::Over(quiet),
            (true, None) => State::Up,
            (false, _) => State::Down,
        },
        victim: name,
        crowd: kills
            .iter()
            .filter_map(|kill| kill.crowd)
            .max_by_key(|(count, held)| (*count, *held)),
        because: few(lines).into_iter().chain(by_counter).collect(),
        remedies: kills.last().map(|kill| kill.remedies.clone()).unwrap_or_default(),
    })
}

fn storms_cause(levels: &[Level]) -> Cause {
    let all =
        |wanted: &[Level]| !levels.is_empty() && levels.iter().all(|level| wanted.contains(level));
    if all(&[Level::Own, Level::Nested]) {
        Cause::OwnLimit
    } else if all(&[Level::Ancestor]) {
        Cause::ParentLimit
    } else if all(&[Level::Host, Level::Numa]) {
        Cause::Machine
    } else {
        Cause::MemoryOfUnknownLevel
    }
}

/// The kills of the name that was killed most often; kills of a nameless victim count for it.
fn most_frequent(inside: &[Inside]) -> (Option<String>, Vec<&Inside>) {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in inside.iter().filter_map(|kill| kill.victims.first()) {
        match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| *count).map(|(name, _)| (*name).to_owned());
    let of_name = |kill: &&Inside| {
        kill.victims.is_empty() || kill.victims.first().map(String::as_str) == most.as_deref()
    };
    let kills = inside.iter().filter(of_name).collect();
    (most, kills)
}
