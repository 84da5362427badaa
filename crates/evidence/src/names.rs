//! Which container a name means. Docker's own order holds (moby `daemon/container.go`,
//! `GetContainer`): the full id, the name, the beginning of an id; then what the event history
//! still remembers of removed ones.

use casefile::{ContainerId, Moment};

use crate::GatherError;
use crate::docker::answers::{EventLine, Listed};

/// What a name resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A container that exists.
    Existing(ContainerId),
    /// One that only the event history remembers.
    Removed(ContainerId),
}

/// Finds the container that a name or id prefix means.
pub(crate) fn resolve(
    name: &str,
    host: &str,
    listed: &[Listed],
    history: &[EventLine],
) -> Result<Resolved, GatherError> {
    let wanted = name.trim().trim_start_matches('/');
    if let Some(id) = existing(wanted, listed)? {
        return Ok(Resolved::Existing(id));
    }
    if let Some(id) = remembered(wanted, history) {
        // It may have been renamed since.
        let exists = listed.iter().any(|one| one.id == id);
        return Ok(if exists { Resolved::Existing(id) } else { Resolved::Removed(id) });
    }
    let names = listed.iter().flat_map(|one| one.names.iter().map(String::as_str));
    let exists = |event: &&EventLine| {
        listed.iter().any(|one| {
            event.container.as_ref() == Some(&one.id)
                || one.names.iter().any(|name| event.name.as_ref() == Some(name))
        })
    };
    let gone = history.iter().filter(|event| event.container.is_some() && !exists(event));
    Err(GatherError::NoSuchContainer {
        name: name.to_owned(),
        host: host.to_owned(),
        nearest: nearest(wanted, names),
        known_from_events: nearest(wanted, gone.filter_map(|event| event.name.as_deref())),
        events_since: oldest(history),
    })
}

/// The earliest event of a history.
pub(crate) fn oldest(history: &[EventLine]) -> Option<Moment> {
    history.iter().filter_map(|event| event.at).min()
}

fn existing(wanted: &str, listed: &[Listed]) -> Result<Option<ContainerId>, GatherError> {
    let lower = wanted.to_ascii_lowercase();
    let by_id = listed.iter().find(|one| one.id.as_str() == lower);
    let by_name = || listed.iter().find(|one| one.names.iter().any(|name| name == wanted));
    if let Some(one) = by_id.or_else(by_name) {
        return Ok(Some(one.id.clone()));
    }
    let begins: Vec<&Listed> =
        listed.iter().filter(|one| is_prefix(&lower, one.id.as_str())).collect();
    match begins.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.id.clone())),
        several => Err(GatherError::SeveralContainers {
            prefix: wanted.to_owned(),
            ids: several.iter().take(5).map(|one| short(one)).collect(),
        }),
    }
}

/// `627ea9b0367d (web)`: the digits that `docker ps` shows, and the name.
fn short(one: &Listed) -> String {
    let digits: String = one.id.as_str().chars().take(12).collect();
    match one.names.first() {
        Some(name) => format!("{digits} ({name})"),
        None => digits,
    }
}

fn is_prefix(wanted: &str, id: &str) -> bool {
    !wanted.is_empty() && id.starts_with(wanted)
}

/// The container that bore the name last.
fn remembered(wanted: &str, history: &[EventLine]) -> Option<ContainerId> {
    let lower = wanted.to_ascii_lowercase();
    let is_it = |event: &&EventLine| {
        let named = event.name.as_deref() == Some(wanted);
        let id = event.container.as_ref().map(ContainerId::as_str).unwrap_or_default();
        // A short word like `db` is the beginning of many ids; of what is gone, nobody can say
        // which one was meant.
        event.container.is_some() && (named || (lower.len() >= 4 && is_prefix(&lower, id)))
    };
    history.iter().filter(is_it).max_by_key(|event| event.at)?.container.clone()
}

/// At most five names that are spelled alike, the nearest first.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lower = wanted.to_lowercase();
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = edit_distance(&lower, &other);
            let held = !lower.is_empty() && (other.contains(&lower) || lower.contains(&other));
            // Three letters of four wrong is another word, not a misspelling.
            let alike = distance <= 3 && distance * 2 <= lower.chars().count();
            (held || alike).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

/// Letters to insert, delete or replace (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for ((column, theirs), above) in other.iter().enumerate().zip(row.windows(2)) {
            let (diagonal, up) = match above {
                [diagonal, up] => (*diagonal, *up),
                _ => continue,
            };
            let left = next.get(column).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(letter != *theirs)).min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(first: &str) -> ContainerId {
        ContainerId::parse(&format!("{first:0<64}")).unwrap()
    }

    fn listed(first: &str, name: &str) -> Listed {
        Listed { id: id(first), names: vec![name.to_owned()] }
    }

    fn event(first: &str, name: &str, seconds: i64) -> EventLine {
        EventLine {
            kind: "container".to_owned(),
            action: "die".to_owned(),
            container: Some(id(first)),
            name: Some(name.to_owned()),
            at: Moment::from_micros(seconds * 1_000_000),
        }
    }

    fn existing_or_removed(
        name: &str,
        listed: &[Listed],
        history: &[EventLine],
    ) -> Result<Resolved, GatherError> {
        resolve(name, "unix:///x", listed, history)
    }

    #[test]
    fn a_name_beats_the_beginning_of_an_id() {
        let all = [listed("abc1", "web"), listed("dead", "abc1")];
        let resolved = |name: &str| existing_or_removed(name, &all, &[]).unwrap();
        assert_eq!(resolved("abc1"), Resolved::Existing(id("dead")));
        assert_eq!(resolved("/web"), Resolved::Existing(id("abc1")));
        assert_eq!(resolved("DEA"), Resolved::Existing(id("dead")));
        assert_eq!(resolved(id("abc1").as_str()), Resolved::Existing(id("abc1")));
    }

    #[test]
    fn a_prefix_of_several_ids_is_asked_about() {
        let all = [listed("abc1", "web"), listed("abc2", "db")];
        let error = existing_or_removed("abc", &all, &[]).unwrap_err();
        assert!(matches!(error, GatherError::SeveralContainers { ids, .. } if ids.len() == 2));
    }

    #[test]
    fn the_existing_one_of_two_with_one_name_is_the_subject() {
        let history = [event("aaaa", "job", 1), event("bbbb", "job", 2), event("cccc", "old", 3)];
        let all = [listed("aaaa", "job")];
        let resolved =
            |name: &str, all: &[Listed]| existing_or_removed(name, all, &history).unwrap();
        assert_eq!(resolved("job", &all), Resolved::Existing(id("aaaa")));
        assert_eq!(resolved("job", &[]), Resolved::Removed(id("bbbb")));
        assert_eq!(resolved("cccc", &all), Resolved::Removed(id("cccc")));
        assert!(existing_or_removed("cc", &all, &history).is_err());
    }

    #[test]
    fn the_old_name_of_a_renamed_container_still_leads_to_it() {
        let history = [event("aaaa", "old", 1), event("aaaa", "new", 2)];
        let all = [listed("aaaa", "new")];
        let resolved = |name: &str| existing_or_removed(name, &all, &history).unwrap();
        assert_eq!(resolved("old"), Resolved::Existing(id("aaaa")));
    }

    #[test]
    fn a_misspelled_name_finds_its_neighbours() {
        let all = [listed("a1", "worker"), listed("b1", "web-worker-1"), listed("c1", "zzz")];
        let Err(GatherError::NoSuchContainer { nearest, .. }) =
            existing_or_removed("wroker", &all, &[])
        else {
            panic!("it exists?")
        };
        assert_eq!(nearest, ["worker"]);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(super::nearest("work", ["web-worker-1", "zzz"].into_iter()), ["web-worker-1"]);
        assert!(super::nearest("db", ["web"].into_iter()).is_empty());
    }
}
