//! Entries of a runtime's event stream: `docker events` and `podman events`, as text, as
//! `--format '{{json .}}'` and as the Engine API's JSON lines, from Docker 1.8 on.
//!
//! Order of entries is not order of causes; that is for others to know.

use casefile::{ContainerId, Moment, Span, Stamp};

use super::Raw;
use crate::Sighting;
use crate::json::Node;
use crate::record::{ContainerAction, ContainerEvent, Record};

/// 2013-01-01, in seconds since 1970.
const BEFORE_DOCKER: i64 = 1_356_998_400;

/// An event, if the object is one of a container.
pub(super) fn from_json(node: &Node) -> Option<Sighting> {
    let kind = node.get("Type").or_else(|| node.get("type")).and_then(Node::as_str);
    if kind.is_some_and(|kind| kind != "container") {
        return None;
    }
    let action = ["Action", "action", "status", "Status"]
        .iter()
        .find_map(|key| node.get(key))
        .and_then(Node::as_str)?;
    let actor = node.path(&["Actor", "ID"]);
    let id = actor.or_else(|| ["id", "ID", "Id"].iter().find_map(|key| node.get(key)));
    // A time that is cut off ends in the years before there was Docker.
    let at = json_moment(node).filter(|at| node.complete || at.0.as_second() > BEFORE_DOCKER);
    // A text that ends inside an event shows neither its time, which stands last, nor whether the
    // code or signal that it ends with is whole.
    if !node.complete && at.is_none() {
        return None;
    }
    // An old API event has neither type nor actor; a container row has no time.
    let container = id.and_then(Node::as_str).and_then(ContainerId::parse);
    if kind.is_none() && (at.is_none() || container.is_none()) {
        return None;
    }
    let attribute = |key: &str| {
        let holders = [
            node.path(&["Actor", "Attributes"]),
            node.get("Attributes"),
            node.get("attributes"),
            Some(node),
        ];
        holders.into_iter().flatten().find_map(|holder| holder.get_any_case(key))
    };
    let said = |key: &str| attribute(key).and_then(Node::as_str).map(str::to_owned);
    let number = |key: &str| attribute(key).and_then(Node::as_i64);
    let attributes = Attributes {
        exit_code: number("exitCode").or_else(|| number("containerExitCode")),
        signal: number("signal"),
        health: said("health_status").or_else(|| said("healthStatus")),
    };
    let event = ContainerEvent {
        action: action_of(action, &attributes),
        id: container,
        name: said("name"),
        image: said("image").or_else(|| node.get("from").and_then(Node::as_str).map(str::to_owned)),
        at,
    };
    Some(sighting(event, node.span, at.map(Stamp::Wall)))
}

fn sighting(event: ContainerEvent, span: Span, at: Option<Stamp>) -> Sighting {
    Sighting { record: Record::ContainerEvent(event), span, at }
}

/// `timeNano`, else `time`: seconds, nanoseconds, or (Podman) RFC 3339.
fn json_moment(node: &Node) -> Option<Moment> {
    let nanos = node.get_any_case("timeNano").and_then(Node::as_i64).filter(|nanos| *nanos > 0);
    if let Some(nanos) = nanos {
        return Moment::from_nanos(i128::from(nanos));
    }
    let time = node.get_any_case("time")?;
    match time.as_i64() {
        Some(seconds) if seconds > 0 => Moment::from_micros(seconds.checked_mul(1_000_000)?),
        Some(_) => None,
        None => Moment::parse(time.as_str()?),
    }
}

/// What an action's meaning needs of the attributes.
struct Attributes {
    exit_code: Option<i64>,
    signal: Option<i64>,
    health: Option<String>,
}

fn action_of(action: &str, attributes: &Attributes) -> ContainerAction {
    let (word, rest) = match action.split_once(':') {
        Some((word, rest)) => (word.trim(), rest.trim()),
        None => (action.trim(), ""),
    };
    match word {
        "create" => ContainerAction::Create,
        "start" => ContainerAction::Start,
        "restart" => ContainerAction::Restart,
        "oom" => ContainerAction::Oom,
        "kill" => ContainerAction::Kill {
            signal: attributes.signal.and_then(|signal| i32::try_from(signal).ok()),
        },
        "stop" => ContainerAction::Stop,
        "die" | "died" => ContainerAction::Die { exit_code: attributes.exit_code },
        "destroy" | "remove" => ContainerAction::Destroy,
        "pause" => ContainerAction::Pause(true),
        "unpause" => ContainerAction::Pause(false),
        "exec_die" | "exec_died" => ContainerAction::ExecDie { exit_code: attributes.exit_code },
        "health_status" => {
            let status = if rest.is_empty() { attributes.health.as_deref() } else { Some(rest) };
            ContainerAction::Health(status.unwrap_or_default().to_owned())
        }
        _ => ContainerAction::Other(action.to_owned()),
    }
}

/// The events among lines.
pub(super) fn read(_text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    lines.iter().filter_map(from_line).collect()
}

/// An event, if the line is one: `TIME container ACTION ID (key=value, …)`, or of Docker 1.9 and
/// older `TIME ID: (from IMAGE) ACTION`.
fn from_line(line: &Raw<'_>) -> Option<Sighting> {
    let (stamp, words) = leading_time(line.words)?;
    let event = match words.strip_prefix("container ") {
        Some(rest) => new_form(rest)?,
        None => old_form(words)?,
    };
    let at = match stamp {
        Stamp::Wall(moment) => Some(moment),
        Stamp::Local(_) | Stamp::SinceBoot(_) => None,
    };
    Some(sighting(ContainerEvent { at, ..event }, line.span, Some(stamp)))
}

fn new_form(rest: &str) -> Option<ContainerEvent> {
    // The action may hold anything (`exec_start: sh -c "(true)"`): the id is the first long run of
    // hexadecimal digits that a bracket follows.
    let (action, id, bracket) = split_at_id(rest)?;
    let pairs = pairs(bracket.strip_suffix(')').unwrap_or(bracket));
    let value = |key: &str| {
        pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.clone())
    };
    let number = |key: &str| value(key).and_then(|value| value.parse().ok());
    let attributes = Attributes {
        exit_code: number("exitCode").or_else(|| number("containerExitCode")),
        signal: number("signal"),
        health: value("health_status"),
    };
    Some(ContainerEvent {
        action: action_of(action, &attributes),
        id: Some(id),
        name: value("name"),
        image: value("image"),
        at: None,
    })
}

fn split_at_id(rest: &str) -> Option<(&str, ContainerId, &str)> {
    rest.match_indices(" (").find_map(|(at, _)| {
        let head = rest.get(..at)?;
        let (action, id) = head.rsplit_once(' ')?;
        let id = ContainerId::parse(id).filter(|_| !action.trim().is_empty())?;
        Some((action.trim(), id, rest.get(at + 2..)?.trim_end()))
    })
}

/// `key=value, key=value`; a value may hold a comma.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in text.split(", ") {
        match (part.split_once('='), pairs.last_mut()) {
            (Some((key, value)), _) => pairs.push((key.to_owned(), value.to_owned())),
            (None, Some((_, last))) => {
                last.push_str(", ");
                last.push_str(part);
            }
            (None, None) => {}
        }
    }
    pairs
}

/// `ID: (from IMAGE) die`; exit codes were not printed then.
fn old_form(words: &str) -> Option<ContainerEvent> {
    let (id, rest) = words.split_once(": (from ")?;
    let (image, action) = rest.rsplit_once(") ")?;
    let none = Attributes { exit_code: None, signal: None, health: None };
    Some(ContainerEvent {
        action: action_of(action, &none),
        id: Some(ContainerId::parse(id)?),
        name: None,
        image: Some(image.to_owned()),
        at: None,
    })
}

/// The time at the head of a line and what follows it: RFC 3339, Go's `2024-05-06 01:02:03.4 +0200
/// CEST` (Podman), or a time without a zone (Compose).
pub(super) fn leading_time(line: &str) -> Option<(Stamp, &str)> {
    let (first, rest) = line.split_once(' ')?;
    if first.contains('T') {
        let moment = first.parse::<jiff::Timestamp>().ok()?;
        return Some((Stamp::Wall(Moment(moment)), rest.trim_start()));
    }
    let (second, rest) = rest.trim_start().split_once(' ')?;
    if first.len() != 10 || !second.contains(':') {
        return None;
    }
    let after = rest.trim_start();
    let (third, after_third) = after.split_once(' ').unwrap_or((after, ""));
    if third.len() == 5 && third.starts_with(['+', '-']) {
        let moment = format!("{first}T{second}{third}").parse::<jiff::Timestamp>().ok()?;
        let mut rest = after_third.trim_start();
        // The zone's name, and Go's monotonic reading.
        while let Some((word, next)) = rest.split_once(' ') {
            let is_zone = word.starts_with("m=") || word.bytes().all(|b| b.is_ascii_uppercase());
            if !is_zone && !word.starts_with(['+', '-']) {
                break;
            }
            rest = next.trim_start();
        }
        return Some((Stamp::Wall(Moment(moment)), rest));
    }
    let moment = format!("{first}T{second}Z").parse::<jiff::Timestamp>().ok()?;
    Some((Stamp::Local(Moment(moment)), after))
}
