//! `events`: what the daemon remembers of the container, and how far back its memory goes.
//!
//! The history is a ring of 256 entries in the daemon's memory, shared by all objects (moby
//! `daemon/events/events.go`, `eventsLimit`): a restart of the daemon empties it, a busy health check
//! elsewhere flushes it. It has no holes: what is between its oldest entry and now is complete.

use casefile::{Clock, ContainerId, Exhibit, Moment, Source};

use crate::docker::answers::{self, DaemonFacts, EventLine};
use crate::docker::host::Host;
use crate::docker::http::{Answer, ApiError};
use crate::found::{Found, about, exhibit, gap};
use crate::machine::Clocks;
use crate::names::oldest;
use crate::subject::Subject;

/// The ring's size.
const RING: usize = 256;

/// The whole event history.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Its entries.
    pub(crate) events: Vec<EventLine>,
    /// True if entries may be missing at its beginning.
    pub(crate) wrapped: bool,
    /// True if it could be read to its end.
    pub(crate) complete: bool,
}

impl History {
    /// From the answer to the question without a filter.
    pub(crate) fn read(answer: &Result<Answer, ApiError>) -> Self {
        let Ok(answer) = answer else { return Self { wrapped: true, ..Self::default() } };
        let events = answers::events(&String::from_utf8_lossy(&answer.body));
        let complete = answer.cut.is_none();
        let wrapped = events.len() >= RING || !complete;
        Self { events, wrapped, complete }
    }

    /// Whether nothing can be missing since this moment.
    fn reaches(&self, start: Moment, daemon_started: Option<Moment>) -> bool {
        let remembers_earlier = oldest(&self.events).is_some_and(|oldest| oldest <= start);
        let was_there = daemon_started.is_some_and(|daemon| daemon < start);
        self.complete && (remembers_earlier || (was_there && !self.wrapped))
    }
}

/// The path that asks for the history up to `until`.
///
/// `until` must not lie ahead of the daemon's clock, or the daemon waits for it.
pub(crate) fn path(until: Moment) -> String {
    let nanos = until.0.as_nanosecond();
    format!("/events?since=0&until={}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// The moment up to which a daemon is asked: now, by its own clock. It waits for a moment that lies
/// ahead of it, and another machine's clock may be behind ours.
pub(crate) fn until(host: &Host, facts: &DaemonFacts) -> Moment {
    let now = Clocks::read().now();
    match facts.system_time {
        Some(theirs) if host.socket().is_none() => theirs.min(now),
        Some(_) | None => now,
    }
}

/// An answer with only this container's events.
pub(crate) fn own(answer: Answer, id: &ContainerId) -> Answer {
    let text = of_container(&String::from_utf8_lossy(&answer.body), id);
    Answer { body: text.into_bytes(), ..answer }
}

/// The container's own events as an exhibit.
pub(crate) fn found(
    subject: &Subject,
    answer: Result<Answer, ApiError>,
    history: &History,
    daemon_started: Option<Moment>,
    client: &str,
) -> Found {
    let check = format!("{client} events --since 0 --until 0s --filter container={}", subject.id);
    let mut found = Found::default();
    if history.complete {
        found.facts.push(("events-wrapped", history.wrapped.to_string()));
        let since = oldest(&history.events).map(|since| ("events-since", since.0.to_string()));
        found.facts.extend(since);
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            found.gaps.push(gap(Source::ContainerEvents, &check, &error.plain(), Some(&check)));
            return found;
        }
    };
    let covers = answer.cut.is_none()
        && subject.started.is_some_and(|start| history.reaches(start, daemon_started));
    let text = whole_lines(&String::from_utf8_lossy(&answer.body)).to_owned();
    if let Some(cut) = &answer.cut {
        found.gaps.push(gap(Source::ContainerEvents, &check, &cut.plain(), Some(&check)));
    } else if text.is_empty() && !covers {
        found.gaps.push(gap(Source::ContainerEvents, &check, &forgotten(history), None));
    }
    if !text.is_empty() || covers {
        let label = "docker events of this container, all that the daemon still holds";
        found.exhibits.push(Exhibit {
            check: Some(check),
            clock: Clock::Wall,
            covers,
            ..about(exhibit("events", Source::ContainerEvents, label, &text), &subject.id)
        });
    }
    found
}

/// The lines of a history that are of this container, as docker's own filter would give them (moby
/// `daemon/events/filter.go`: by the actor's id).
pub(crate) fn of_container(text: &str, id: &ContainerId) -> String {
    let own = |line: &&str| {
        let events = answers::events(line);
        events.iter().any(|event| event.container.as_ref().is_some_and(|other| other.is_same(id)))
    };
    // A cheap look first: most lines are of others.
    let lines = text.split_inclusive('\n').filter(|line| line.contains(id.as_str()));
    lines.filter(own).collect()
}

/// Why a history holds nothing of a container.
fn forgotten(history: &History) -> String {
    match oldest(&history.events) {
        Some(since) if history.wrapped => format!(
            "docker holds its {RING} latest events, the oldest of {since}, and none of this container"
        ),
        Some(since) => format!(
            "docker's event history begins at {since}, with the daemon's start, and holds nothing of this container"
        ),
        None => "docker's event history is empty: it begins with the daemon's start".to_owned(),
    }
}

/// The text without a last line that was cut.
fn whole_lines(text: &str) -> &str {
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let last = text.get(end..).unwrap_or_default();
    // The last line of a whole answer may lack its line end; a cut one is no JSON.
    if serde_json::from_str::<serde_json::Value>(last).is_ok() {
        return text;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn seconds(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000).unwrap()
    }

    fn line(action: &str, at: i64) -> String {
        format!(
            "{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{ID}\"}},\"time\":{at}}}\n"
        )
    }

    fn answer(text: &str) -> Answer {
        Answer { body: text.as_bytes().to_vec(), cut: None, server: None }
    }

    fn subject(started: i64) -> Subject {
        let started = Some(seconds(started));
        Subject { started, ..Subject::remembered(&ContainerId::parse(ID).unwrap(), &[]) }
    }

    fn covers(history: &str, own: &str, started: i64, daemon: Option<i64>) -> Option<bool> {
        let history = History::read(&Ok(answer(history)));
        let daemon = daemon.map(seconds);
        let found = found(&subject(started), Ok(answer(own)), &history, daemon, "docker");
        found.exhibits.first().map(|exhibit| exhibit.covers)
    }

    #[test]
    fn events_cover_a_life_that_began_after_the_oldest_one() {
        let own = line("start", 100) + &line("die", 200);
        let earlier = line("create", 50) + &own;
        assert_eq!(covers(&earlier, &own, 100, None), Some(true));
        // The daemon came up in the middle of the life: what was before is lost.
        assert_eq!(covers(&own, &own, 90, Some(95)), Some(false));
        // A fresh daemon that saw nothing else yet.
        assert_eq!(covers(&own, &own, 99, Some(10)), Some(true));
        // Its age is not known.
        assert_eq!(covers(&own, &own, 99, None), Some(false));
    }

    #[test]
    fn a_ring_that_went_round_covers_only_what_it_still_holds() {
        let busy: String = (1000..1256).map(|at| line("exec_die", at)).collect();
        let own = line("die", 1200);
        assert_eq!(covers(&busy, &own, 900, Some(10)), Some(false));
        assert_eq!(covers(&busy, &own, 1100, Some(10)), Some(true));
        let history = History::read(&Ok(answer(&busy)));
        assert!(history.wrapped);
        let nothing = found(&subject(900), Ok(answer("")), &history, None, "docker");
        assert!(nothing.exhibits.is_empty());
        assert!(nothing.gaps[0].because.contains("256 latest events"));
        assert_eq!(nothing.facts[0], ("events-wrapped", "true".to_owned()));
    }

    #[test]
    fn half_a_history_is_kept_and_excludes_nothing() {
        let text = line("start", 100) + "{\"Type\":\"cont";
        let late = || ApiError::Deadline { path: "/events".to_owned(), seconds: 2 };
        let cut = || Answer { body: text.clone().into_bytes(), cut: Some(late()), server: None };
        let history = History::read(&Ok(cut()));
        let found = found(&subject(100), Ok(cut()), &history, Some(seconds(1)), "docker");
        assert_eq!(found.exhibits[0].text(), line("start", 100));
        assert!(!found.exhibits[0].covers);
        assert_eq!(found.gaps.len(), 1);
        assert!(found.facts.is_empty());
    }

    #[test]
    fn a_containers_own_events_are_cut_out_of_everybodys() {
        let other = "f".repeat(64);
        let named = line("start", 7)
            .replace(ID, &other)
            .replace("\"time\"", &format!("\"x\":\"{ID}\",\"time\""));
        let all = line("start", 1) + &named + "noise\n" + &line("die", 9);
        let id = ContainerId::parse(ID).unwrap();
        assert_eq!(of_container(&all, &id), line("start", 1) + &line("die", 9));
        assert_eq!(path(seconds(7)), "/events?since=0&until=7.000000000");
    }

    #[test]
    fn another_machine_is_asked_up_to_its_own_now() {
        let facts = DaemonFacts { system_time: Some(seconds(5)), ..DaemonFacts::default() };
        let far = Host::Tcp { authority: "far:2375".to_owned(), prefix: String::new() };
        assert_eq!(until(&far, &facts), seconds(5));
        assert!(until(&Host::Unix("/x".into()), &facts) > seconds(5));
        // A clock ahead of ours is not believed: ours is the one the case is dated by.
        let ahead = Moment::parse("2999-01-01T00:00:00Z");
        let facts = DaemonFacts { system_time: ahead, ..DaemonFacts::default() };
        assert!(until(&far, &facts) < ahead.unwrap());
    }
}
