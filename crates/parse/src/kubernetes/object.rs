//! API objects, from JSON, YAML or what Python prints of them: pods, container states alone, events,
//! nodes' conditions, exporters' and platforms' wrappings of events.
//!
//! A manifest without a status tells of no life and is left out.

use casefile::{Bytes, ContainerId, Limit, Moment, Span, Stamp};
use settings::memory_settings::may_be_kept;
use settings::quantity::{self, Dialect};

use super::events::{self, reason_of};
use super::{event_sighting, kind};
use crate::Sighting;
use crate::application::words;
use crate::json::{Node, Value};
use crate::record::{ContainerStatus, PodEvent, PodRecord, Record, Requirement};

/// Reasons that the runtime or the kubelet gives to an ended life.
const END_REASONS: [&str; 10] = [
    "Completed",
    "ContainerCannotRun",
    "ContainerStatusUnknown",
    "DeadlineExceeded",
    "Error",
    "Evicted",
    "OOMKilled",
    "StartError",
    "RunContainerError",
    "Unknown",
];

/// Reads a document and everything in it.
pub(super) fn read(node: &Node, found: &mut Vec<Sighting>) {
    // Nodes wait on a list instead of the stack: a document may nest deeper than the stack is.
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if let Some(sighting) = pod(node).or_else(|| state_alone(node)).or_else(|| event(node)) {
            found.push(sighting);
        } else if let Some(conditions) = pressure(node) {
            found.extend(conditions);
        } else if let Some(event) = row(node) {
            found.push(event);
        } else if let Some(text) = node.as_str() {
            found.extend(words_of(text, node.span));
        } else {
            waiting.extend(node.children());
        }
    }
}

fn text_of(node: &Node, keys: &[&str]) -> Option<String> {
    let text = node.path(keys)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn moment_of(node: &Node, key: &str) -> Option<Moment> {
    moment(node.get(key)?.as_str()?)
}

/// `2026-05-27T18:42:10Z`, `2023-10-06 21:41:33 +0000 UTC`; a zero time is none.
fn moment(text: &str) -> Option<Moment> {
    Moment::parse(text).or_else(|| match words::stamp(text)? {
        Stamp::Wall(moment) | Stamp::Local(moment) => Some(moment),
        Stamp::SinceBoot(_) => None,
    })
}

fn pod(node: &Node) -> Option<Sighting> {
    let status = node.get("status");
    let statuses = status.map(statuses).unwrap_or_default();
    let of_kind = node.get("kind").and_then(Node::as_str) == Some("Pod");
    let has_end = status.is_some_and(|status| {
        status.get("phase").is_some() || status.get("reason").is_some() || !statuses.is_empty()
    });
    if !(has_end && (of_kind || node.get("spec").is_some() || !statuses.is_empty())) {
        return status_alone(node);
    }
    let status = status?;
    let mut record = of_status(status);
    let metadata = |key: &str| text_of(node, &["metadata", key]);
    record.name = metadata("name");
    record.namespace = metadata("namespace");
    record.uid = metadata("uid");
    record.deleting =
        node.get("metadata").map(|metadata| metadata.get("deletionTimestamp").is_some());
    record.node = text_of(node, &["spec", "nodeName"]);
    record.grace_seconds =
        node.path(&["spec", "terminationGracePeriodSeconds"]).and_then(Node::as_u64);
    if let Some(spec) = node.get("spec") {
        add_spec(spec, &mut record);
    }
    Some(sighting(record, node.span))
}

/// A `status` object, or `containerStatuses`, cut out of its pod.
fn status_alone(node: &Node) -> Option<Sighting> {
    let has_statuses = !statuses(node).is_empty();
    has_statuses.then(|| sighting(of_status(node), node.span))
}

fn sighting(record: PodRecord, span: Span) -> Sighting {
    let at = record.containers.iter().filter_map(|container| container.finished_at).max();
    Sighting { record: Record::Pod(Box::new(record)), span, at: at.map(Stamp::Wall) }
}

fn statuses(status: &Node) -> Vec<(bool, &Node)> {
    [
        ("containerStatuses", false),
        ("initContainerStatuses", true),
        ("ephemeralContainerStatuses", false),
    ]
    .iter()
    .filter_map(|(key, init)| Some((*init, status.get(key)?)))
    .flat_map(|(init, list)| list.items().iter().map(move |item| (init, item)))
    .collect()
}

fn of_status(status: &Node) -> PodRecord {
    PodRecord {
        phase: text_of(status, &["phase"]),
        reason: text_of(status, &["reason"]),
        message: text_of(status, &["message"]),
        qos: text_of(status, &["qosClass"]),
        disruption: disruption(status),
        containers: statuses(status)
            .into_iter()
            .map(|(init, item)| container(item, init))
            .collect(),
        ..PodRecord::default()
    }
}

fn disruption(status: &Node) -> Option<(String, String)> {
    let conditions = status.get("conditions")?.items();
    let target = conditions.iter().find(|condition| {
        condition.get("type").and_then(Node::as_str) == Some("DisruptionTarget")
            && condition.get("status").and_then(Node::as_str) != Some("False")
    })?;
    Some((
        text_of(target, &["reason"]).unwrap_or_default(),
        text_of(target, &["message"]).unwrap_or_default(),
    ))
}

fn container(status: &Node, init: bool) -> ContainerStatus {
    let state = status.get("state");
    let now = state.and_then(|state| state.get("terminated"));
    let last = status.path(&["lastState", "terminated"]);
    let id = status.get("containerID").and_then(Node::as_str).and_then(ContainerId::parse);
    let mut container = ContainerStatus {
        name: text_of(status, &["name"]),
        image: text_of(status, &["image"]),
        init,
        running: state.map(|state| state.get("running").is_some()),
        waiting: text_of(status, &["state", "waiting", "reason"]),
        restart_count: status.get("restartCount").and_then(Node::as_u64),
        ended_now: now.is_some(),
        ..ContainerStatus::default()
    };
    if let Some(ended) = now.or(last) {
        add_end(ended, &mut container);
    }
    container.id = container.id.or(id);
    if let Some(resources) = status.get("resources") {
        container.memory = requirement(resources);
    }
    container
}

/// A `terminated` state.
fn add_end(ended: &Node, container: &mut ContainerStatus) {
    container.reason = text_of(ended, &["reason"]);
    container.exit_code = ended.get("exitCode").and_then(Node::as_i64);
    let signal = ended.get("signal").and_then(Node::as_i64);
    container.signal = signal.and_then(|signal| i32::try_from(signal).ok()).filter(|n| *n != 0);
    container.message = text_of(ended, &["message"]);
    container.started_at = moment_of(ended, "startedAt");
    container.finished_at = moment_of(ended, "finishedAt");
    container.id = ended.get("containerID").and_then(Node::as_str).and_then(ContainerId::parse);
    container.shown_at = Some(ended.span);
}

fn requirement(resources: &Node) -> Requirement {
    let amount = |keys: &[&str]| {
        let node = resources.path(keys)?;
        let text = match &node.value {
            Value::String(text) | Value::Number(text) | Value::Opaque(text) => text,
            _ => return None,
        };
        quantity::parse(text, Dialect::Kubernetes)
    };
    let limit: Option<Bytes> = amount(&["limits", "memory"]);
    Requirement { limit: limit.map(Limit::At), request: amount(&["requests", "memory"]) }
}

/// Adds what only the specification tells: commands, limits, memory settings.
fn add_spec(spec: &Node, record: &mut PodRecord) {
    for (key, init) in [("containers", false), ("initContainers", true)] {
        for item in spec.get(key).map(Node::items).unwrap_or_default() {
            let name = text_of(item, &["name"]);
            let known = record.containers.iter().position(|known| known.name == name);
            let at = known.unwrap_or_else(|| {
                let container = ContainerStatus { name, init, ..ContainerStatus::default() };
                record.containers.push(container);
                record.containers.len() - 1
            });
            let Some(container) = record.containers.get_mut(at) else { continue };
            container.image = text_of(item, &["image"]).or(container.image.take());
            for key in ["command", "args"] {
                let words = item.get(key).map(Node::items).unwrap_or_default();
                container.command.extend(words.iter().filter_map(Node::as_str).map(str::to_owned));
            }
            let memory = item.get("resources").map(requirement).unwrap_or_default();
            // The status shows what is in force after a resize in place; the spec what was asked.
            container.memory.limit = container.memory.limit.or(memory.limit);
            container.memory.request = container.memory.request.or(memory.request);
            for variable in item.get("env").map(Node::items).unwrap_or_default() {
                let pair = text_of(variable, &["name"]).zip(text_of(variable, &["value"]));
                container.memory_settings.extend(pair.filter(|(name, _)| may_be_kept(name)));
            }
        }
    }
}

/// A container status, a state or a `terminated` object without its pod (jsonpath prints these).
fn state_alone(node: &Node) -> Option<Sighting> {
    let is_status = (node.get("lastState").is_some() || node.get("state").is_some_and(is_state))
        && (node.get("restartCount").is_some()
            || node.get("lastState").is_some_and(is_state)
            || node.get("containerID").is_some()
            || node.get("state").is_some_and(is_state));
    let container = if is_status {
        container(node, false)
    } else if let Some(ended) = node.get("terminated").filter(|ended| !ended.members().is_empty()) {
        let mut container = ContainerStatus::default();
        add_end(ended, &mut container);
        container.shown_at = Some(node.span);
        container
    } else if is_terminated(node) {
        let mut container = ContainerStatus::default();
        add_end(node, &mut container);
        add_cri(node, &mut container);
        container
    } else {
        return None;
    };
    Some(sighting(PodRecord { containers: vec![container], ..PodRecord::default() }, node.span))
}

fn is_state(node: &Node) -> bool {
    ["terminated", "running", "waiting"].iter().any(|key| node.get(key).is_some())
}

/// What the CRI's own status adds (`crictl inspect`): the container's name, id and limit.
fn add_cri(node: &Node, container: &mut ContainerStatus) {
    container.name = text_of(node, &["metadata", "name"]);
    let id = node.get("id").and_then(Node::as_str).and_then(ContainerId::parse);
    container.id = container.id.take().or(id);
    let limit = node.path(&["resources", "linux", "memoryLimitInBytes"]).and_then(Node::as_u64);
    container.memory.limit = limit.filter(|limit| *limit > 0).map(|limit| Limit::At(Bytes(limit)));
}

/// ECS and Batch show `exitCode` and `reason` too: only Kubernetes' own words count here.
fn is_terminated(node: &Node) -> bool {
    let reason = node.get("reason").and_then(Node::as_str);
    let id = node.get("containerID").and_then(Node::as_str).is_some_and(|id| id.contains("://"));
    node.get("exitCode").is_some()
        && node.get("containerArn").is_none()
        && (id || reason.is_some_and(|reason| END_REASONS.contains(&reason)))
}

/// An Event, or any object with an event's reason and message under whatever names.
fn event(node: &Node) -> Option<Sighting> {
    let any = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let text = node.get_any_case(key)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        })
    };
    let object = node.get("involvedObject").or_else(|| node.get("regarding"));
    let reason = any(&["reason", "event_reason", "eventReason", "Reason_s"]);
    let message = any(&["message", "msg", "note", "Message", "Log_s", "description", "text"]);
    let is_event = object.is_some() || node.get("kind").and_then(Node::as_str) == Some("Event");
    let inferred = message.as_deref().and_then(reason_of);
    let known = reason.as_deref().is_some_and(events::is_reason);
    // Without an event's own frame, a known reason or a message that only Kubernetes writes.
    if !(is_event || known && message.is_some() || inferred.is_some()) {
        return None;
    }
    // A document that carries the rows of its events tells more than its title does.
    if !is_event && !known && node.children().iter().any(|child| !child.items().is_empty()) {
        return None;
    }
    let message = message.unwrap_or_default();
    let in_object = |key: &str| object.and_then(|object| text_of(object, &[key]));
    let at = [
        "lastTimestamp",
        "eventTime",
        "deprecatedLastTimestamp",
        "lastSeen",
        "TimeStamp",
        "timestamp",
        "time",
        "TimeGenerated",
        "firstTimestamp",
    ]
    .iter()
    .find_map(|key| moment(node.get_any_case(key)?.as_str()?))
    .or_else(|| moment(node.path(&["series", "lastObservedTime"])?.as_str()?))
    .or_else(|| moment(node.path(&["metadata", "creationTimestamp"])?.as_str()?));
    let field = in_object("fieldPath");
    let named = field.as_deref().and_then(|path| words::between(path, "{", "}")).map(str::to_owned);
    let event = PodEvent {
        reason: reason.or_else(|| inferred.map(str::to_owned)).unwrap_or_default(),
        container: named.or_else(|| events::container_of(&message)),
        object: in_object("name")
            .or_else(|| any(&["ReplicaName", "subject_name", "pod_name", "pod"])),
        kind: in_object("kind").or_else(|| any(&["subject_type"]).map(|word| kind(&word))),
        uid: in_object("uid"),
        namespace: in_object("namespace"),
        count: node.get_any_case("count").and_then(Node::as_u64),
        message,
        at,
    };
    Some(event_sighting(event, node.span))
}

/// A table row that an exporter wrote: `["Evicted", "Warning", 1700000000000.0, "The node …"]`.
fn row(node: &Node) -> Option<Sighting> {
    let cells: Vec<&str> = node.items().iter().filter_map(Node::as_str).collect();
    let reason = cells.iter().find(|cell| events::is_reason(cell))?;
    let message = cells.iter().filter(|cell| *cell != reason).max_by_key(|cell| cell.len())?;
    let message = message.trim().to_owned();
    let event = PodEvent {
        reason: (*reason).to_owned(),
        container: events::container_of(&message),
        message,
        ..PodEvent::default()
    };
    Some(event_sighting(event, node.span))
}

/// A string that is an event's message.
fn words_of(text: &str, span: Span) -> Option<Sighting> {
    let reason = reason_of(text)?;
    let event = PodEvent {
        reason: reason.to_owned(),
        message: text.trim().to_owned(),
        container: events::container_of(text),
        ..PodEvent::default()
    };
    Some(event_sighting(event, span))
}

/// A Node's `MemoryPressure` condition, of a whole Node or of the condition alone.
fn pressure(node: &Node) -> Option<Vec<Sighting>> {
    let is_condition = |node: &Node| {
        node.get("type").and_then(Node::as_str) == Some("MemoryPressure")
            && node.get("status").is_some()
    };
    let of_node = node.get("kind").and_then(Node::as_str) == Some("Node");
    let conditions = match node.path(&["status", "conditions"]) {
        Some(conditions) if of_node => conditions.items().iter().collect(),
        _ if is_condition(node) => vec![node],
        _ => return None,
    };
    let found =
        conditions.into_iter().filter(|condition| is_condition(condition)).map(|condition| {
            let status = text_of(condition, &["status"]).unwrap_or_default();
            let words: Vec<String> =
                ["reason", "message"].iter().filter_map(|key| text_of(condition, &[key])).collect();
            let event = PodEvent {
                reason: format!("MemoryPressure={status}"),
                message: words.join(": "),
                object: text_of(node, &["metadata", "name"]),
                kind: Some("Node".to_owned()),
                at: moment_of(condition, "lastTransitionTime"),
                ..PodEvent::default()
            };
            event_sighting(event, condition.span)
        });
    Some(found.collect())
}
