//! What ECS and AWS Batch say of a task's end: `describe-tasks`, `describe-jobs`, EventBridge events,
//! the task metadata endpoint, service events, and `--query` outputs whose fields were renamed.
//!
//! `OutOfMemoryError` as a container's reason is Docker's flag handed on by the agent: it names no
//! process and no level. Renamed fields are recognised by their values only. API: ECS 2014-11-13, Batch
//! 2016-08-10, task metadata v4.

mod columns;
mod object;
#[cfg(test)]
mod tests;

use casefile::{Span, Stamp};

use crate::kubernetes::{rows_of, yaml};
use crate::record::{EcsTask, Record};
use crate::{Sighting, text::Text};

/// `stopCode` of the API.
const STOP_CODES: [&str; 7] = [
    "EssentialContainerExited",
    "InfrastructureHealth",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TaskFailedToStart",
    "TerminationNotice",
    "UserInitiated",
];

/// How a `stoppedReason` begins, or a service event's sentence about a task.
const STOPPED_REASONS: [&str; 24] = [
    "Essential container in task exited",
    "Essential container exited",
    "Task failed container health checks",
    "Task failed ELB health checks",
    "Task failed to start",
    "Task failed to register",
    "Task stopped by user",
    "Task stopped by a user",
    "Scaling activity initiated by",
    "Your Spot Task was interrupted",
    "Host EC2 (instance",
    "Amazon ECS deployment",
    "ECS is performing maintenance",
    "Stopping since essential container",
    "Capacity provider",
    "Task was stopped",
    "Timeout waiting for network interface",
    "ResourceInitializationError",
    "TaskFailedToStart",
    "Instance terminated",
    "Service deployment",
    "Unhealthy container",
    "Host EC2 instance",
    "Task stopped by ",
];

/// How a container's `reason` begins.
const CONTAINER_REASONS: [&str; 9] = [
    "OutOfMemoryError",
    "CannotStartContainerError",
    "CannotPullContainerError",
    "CannotPullImageManifestError",
    "CannotCreateContainerError",
    "CannotStopContainerError",
    "CannotInspectContainerError",
    "ContainerRuntimeError",
    "DockerTimeoutError",
];

/// Pieces of which one stands in every word above and in everything else by which a text is
/// recognised: a few looks at the whole text, where most texts have nothing of ECS.
const STEMS: [&str; 18] = [
    "Error",
    "ssential",
    "Initiated",
    "InfrastructureHealth",
    "SpotInterruption",
    "Task",
    "TerminationNotice",
    "Scaling activity",
    "EC2",
    "ECS",
    "Capacity provider",
    "Timeout waiting",
    "Instance terminated",
    "Service deployment",
    "Unhealthy container",
    "(service ",
    "stoppedReason:",
    "stopCode:",
];

/// Reads the text.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for document in text.documents() {
        object::read(document, &mut found);
    }
    let text = text.whole();
    if !STEMS.iter().any(|stem| text.contains(stem)) {
        return found;
    }
    let rows = rows_of(text);
    let looks_so = rows.iter().any(|row| {
        let words = row.words;
        is_word_of_ecs(words)
            || is_service_event(words)
            || words.contains("stoppedReason:")
            || words.contains("stopCode:")
    });
    if !looks_so {
        return found;
    }
    let mut in_yaml = Vec::new();
    for document in yaml::blocks(text, &rows) {
        object::read(&document, &mut in_yaml);
    }
    found.extend(outside(in_yaml, &found));
    let in_columns = columns::read(&rows);
    found.extend(outside(in_columns, &found));
    found.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
    found
}

/// Those that stand apart from what is known.
fn outside(new: Vec<Sighting>, known: &[Sighting]) -> Vec<Sighting> {
    let apart = |span: Span| {
        !known.iter().any(|old| span.start < old.span.end && old.span.start < span.end)
    };
    new.into_iter().filter(|sighting| apart(sighting.span)).collect()
}

fn is_word_of_ecs(words: &str) -> bool {
    let values = STOPPED_REASONS.iter().chain(&CONTAINER_REASONS).chain(&STOP_CODES);
    values.into_iter().any(|value| words.contains(value))
}

fn is_stopped_reason(value: &str) -> bool {
    STOPPED_REASONS.iter().any(|start| value.starts_with(start)) || is_service_event(value)
}

fn is_container_reason(value: &str) -> bool {
    CONTAINER_REASONS.iter().any(|start| value.starts_with(start)) && !explains_memory(value)
}

/// `OutOfMemoryError: Container killed due to memory usage is shown when …`: the agent writes
/// nothing behind that sentence.
fn explains_memory(value: &str) -> bool {
    value
        .split_once("Container killed due to memory usage")
        .is_some_and(|(_, rest)| !rest.contains(['{', '|', '\t', '"']) && has_words(rest, 4))
}

/// At least so many plain lower-case words.
fn has_words(text: &str, least: usize) -> bool {
    let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.split_whitespace().filter(plain).count() >= least
}

/// `(service web) (task 0a1b) failed container health checks.`
fn is_service_event(value: &str) -> bool {
    value.starts_with("(service ")
        && ["health checks", "is unhealthy in", "has stopped", "has begun draining"]
            .iter()
            .any(|words| value.contains(words))
}

fn sighting(task: EcsTask, span: Span) -> Sighting {
    let at = task.stopped_at.or(task.stopping_at).map(Stamp::Wall);
    Sighting { record: Record::EcsTask(Box::new(task)), span, at }
}
