//! Rows of `kubectl get pods`, the bare words that `-o jsonpath` prints, and Go's `map[…]`.
//!
//! A row of a pod that runs and never restarted tells of no death and is left out.

use casefile::{ContainerId, Moment};

use super::Row;
use crate::Sighting;
use crate::application::words::{after, is_prose, number};
use crate::record::{ContainerStatus, PodRecord, Record};

/// Reads every row.
pub(super) fn read(rows: &[Row<'_>]) -> Vec<Sighting> {
    rows.iter()
        .filter_map(|row| {
            let record = pod(row.words)
                .or_else(|| bare(row.words))
                .or_else(|| go_map(row.words))
                .or_else(|| argo(row.words))
                .or_else(|| by_builder(row.words))
                .or_else(|| one_line(row.words))
                .or_else(|| lens(row.words))
                .or_else(|| flag(row.words))?;
            Some(Sighting { record, span: row.span, at: None })
        })
        .collect()
}

/// `[NAMESPACE] NAME READY STATUS RESTARTS [(AGO)] AGE …`
fn pod(words: &str) -> Option<Record> {
    if !words.contains('/') {
        return None;
    }
    let mut ready = words.split_whitespace().take(4).position(is_ready)?;
    let mut columns: Vec<&str> = words.split_whitespace().collect();
    // k9s has a column for port forwards before READY, and showed RESTARTS before STATUS.
    if columns.get(ready.checked_sub(1)?).is_some_and(|mark| matches!(*mark, "●" | "Ⓕ")) {
        columns.remove(ready.checked_sub(1)?);
        ready = ready.checked_sub(1)?;
    }
    let counted = columns.get(ready + 1).is_some_and(|word| number_alone(word));
    let (first, second) = (ready + 1, ready + 2);
    if counted && columns.len() > second {
        columns.swap(first, second);
    }
    let name = columns.get(ready.checked_sub(1)?)?;
    let named =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
    let status = columns.get(ready + 1)?;
    let restarts: u64 = columns.get(ready + 2)?.parse().ok()?;
    let word = status.chars().all(|c| c.is_ascii_alphanumeric() || ":/-".contains(c));
    if !(named && word && status.starts_with(|c: char| c.is_ascii_uppercase())) {
        return None;
    }
    let namespace =
        ready.checked_sub(2).and_then(|at| columns.get(at)).map(|word| (*word).to_owned());
    let mut pod = PodRecord { name: Some((*name).to_owned()), namespace, ..PodRecord::default() };
    let mut container =
        ContainerStatus { restart_count: Some(restarts), ..ContainerStatus::default() };
    let state = status.strip_prefix("Init:").unwrap_or(status);
    container.init = state.len() != status.len();
    match state {
        "Running" if restarts == 0 => return None,
        "Running" => {
            pod.phase = Some("Running".to_owned());
            container.running = Some(true);
        }
        "Completed" | "Pending" | "ContainerCreating" | "PodInitializing" => return None,
        "OOMKilled" | "Error" | "ContainerStatusUnknown" | "StartError" | "ContainerCannotRun" => {
            container.reason = Some(state.to_owned());
            container.ended_now = true;
        }
        "Terminating" => pod.deleting = Some(true),
        _ if state.ends_with("BackOff") => container.waiting = Some(state.to_owned()),
        _ if state.starts_with("ExitCode:") => {
            container.exit_code = after(state, ":").and_then(number);
            container.ended_now = true;
        }
        _ if state.starts_with("Signal:") => {
            container.signal = after(state, ":").and_then(number);
            container.ended_now = true;
        }
        _ if state.contains('/') => return None,
        _ => {
            pod.reason = Some(state.to_owned());
            pod.phase = Some("Failed".to_owned());
        }
    }
    let evicted = pod.reason.is_some();
    if !evicted {
        pod.containers.push(container);
    }
    Some(Record::Pod(Box::new(pod)))
}

fn is_ready(word: &str) -> bool {
    word.split_once('/').is_some_and(|(ready, all)| number_alone(ready) && number_alone(all))
}

fn number_alone(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A container's end, of whose pod nothing is known.
fn of_container(container: ContainerStatus) -> Record {
    Record::Pod(Box::new(PodRecord { containers: vec![container], ..PodRecord::default() }))
}

/// The reasons that are known where they stand alone.
const REASONS: [&str; 4] = ["OOMKilled", "Error", "ContainerStatusUnknown", "Completed"];

/// `OOMKilled 137`, `web 137 OOMKilled 2026-05-27T18:42:10Z`, `137,OOMKilled`: what a jsonpath of
/// reason and exit code prints.
fn bare(words: &str) -> Option<Record> {
    if !REASONS.iter().any(|reason| words.contains(reason)) {
        return None;
    }
    let parts = || words.split([' ', '\t', ',', '|']).filter(|part| !part.is_empty());
    // A time is none of the columns: its minutes are no exit code. First in a line it is a log's.
    let times: Vec<Moment> = parts().filter_map(Moment::parse).collect();
    if parts().next().and_then(Moment::parse).is_some() {
        return None;
    }
    let columns: Vec<&str> = parts()
        .filter(|part| Moment::parse(part).is_none())
        .flat_map(|part| part.split([':', '=']))
        .map(|word| word.trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty())
        .collect();
    let reason = columns.iter().find(|word| REASONS.contains(word))?;
    let code: i64 = columns.iter().find_map(|word| {
        let code: i64 = word.parse().ok()?;
        (0..=255).contains(&code).then_some(code)
    })?;
    // A name and times may stand beside the two; sentences may not.
    let plain = columns.iter().all(|word| {
        word == reason
            || !word.starts_with(|c: char| c.is_ascii_uppercase())
            || word.contains(|c: char| c.is_ascii_digit())
    });
    if columns.len() > 3 || !plain {
        return None;
    }
    let (first, second) = (times.first().copied(), times.get(1).copied());
    let name = columns
        .first()
        .filter(|word| *word != reason && word.starts_with(|c: char| c.is_ascii_lowercase()));
    let container = ContainerStatus {
        name: name.map(|name| (*name).to_owned()),
        reason: Some((*reason).to_owned()),
        exit_code: Some(code),
        started_at: second.and(first),
        finished_at: second.or(first),
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// `map[terminated:map[containerID:containerd://… exitCode:137 finishedAt:… reason:OOMKilled …]]`
fn go_map(words: &str) -> Option<Record> {
    let rest = after(words, "map[")?;
    let field = |key: &str| {
        let value = after(rest, &format!("{key}:"))?.split([' ', ']']).next()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let exit_code = field("exitCode").and_then(|code| code.parse().ok());
    exit_code?;
    let container = ContainerStatus {
        reason: field("reason"),
        exit_code,
        id: field("containerID").and_then(|id| ContainerId::parse(&id)),
        started_at: field("startedAt").and_then(|time| Moment::parse(&time)),
        finished_at: field("finishedAt").and_then(|time| Moment::parse(&time)),
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// Argo's node message: `OOMKilled (exit code 137)`, `Error (exit code 1)`, at the end of its line.
fn argo(words: &str) -> Option<Record> {
    let (head, code) = words.strip_suffix(')')?.rsplit_once(" (exit code ")?;
    let reason = head.rsplit([' ', '\t', ':', '"']).next()?;
    matches!(reason, "OOMKilled" | "Error").then_some(())?;
    let container = ContainerStatus {
        reason: Some(reason.to_owned()),
        exit_code: Some(code.parse().ok()?),
        ended_now: true,
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// What CI systems write of a pod that they made: Jenkins `Container [maven] terminated [OOMKilled]` and
/// `Container maven was terminated (Exit Code: 137, Reason: OOMKilled)`, GitLab's runner `Error in container
/// build: exit code: 137, reason: 'OOMKilled'`, Tekton `"step-build" exited with code
/// 137: OOMKilled`.
fn by_builder(words: &str) -> Option<Record> {
    let name_in = |text: &str| {
        let word = text.split_whitespace().next_back()?.trim_matches(['[', ']', '"', '\'', '`']);
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        (plain && !word.is_empty()).then(|| word.to_owned())
    };
    let (name, reason, code) = if let Some((head, tail)) = words.split_once("] terminated [") {
        let (before, _) = head.rsplit_once("Container [")?;
        (!is_prose(before) && !is_prose(tail) && before.split_whitespace().count() < 4)
            .then_some(())?;
        (name_in(head), tail.split(']').next()?, after(tail, "(exit code ").and_then(number))
    } else if let Some((_, tail)) = words.split_once("Error in container ") {
        let (name, tail) = tail.split_once(": exit code: ")?;
        let reason = after(tail, ", reason: '")?.split('\'').next()?;
        (name_in(name), reason, number(tail))
    } else if let Some((head, tail)) = words.split_once(" was terminated (Exit Code: ") {
        let reason = after(tail, "Reason: ")?.split([',', ')']).next()?;
        (name_in(head), reason, number(tail))
    } else {
        let (head, tail) = words.split_once("\" exited with code ")?;
        (!is_prose(head)).then_some(())?;
        let (code, reason) = tail.split_once(": ")?;
        let reason = reason.split([' ', '\'', '"', ',']).next()?;
        (name_in(head), reason, number(code))
    };
    REASONS.contains(&reason).then_some(())?;
    let container = ContainerStatus {
        name,
        reason: Some(reason.to_owned()),
        exit_code: code,
        ended_now: true,
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// A description's state whose lines were joined by the way it was copied: `Last State: Terminated Reason:
/// OOMKilled Exit Code: 137`.
fn one_line(words: &str) -> Option<Record> {
    let rest = after(words, "State:")?.trim_start().strip_prefix("Terminated")?;
    let reason = after(rest, "Reason:")?.split_whitespace().next()?;
    let exit_code = after(rest, "Exit Code:").and_then(number)?;
    let container = ContainerStatus {
        reason: Some(reason.to_owned()),
        exit_code: Some(exit_code),
        ended_now: !words.contains("Last State"),
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// Lens' details of a container: `Reason: OOMKilled - exit code: 137`, below `Last Status`.
fn lens(words: &str) -> Option<Record> {
    let (reason, code) = words.strip_prefix("Reason: ")?.split_once(" - exit code: ")?;
    REASONS.contains(&reason).then_some(())?;
    let container = ContainerStatus {
        reason: Some(reason.to_owned()),
        exit_code: Some(code.trim().parse().ok()?),
        ..ContainerStatus::default()
    };
    Some(of_container(container))
}

/// `OOMKilled`, `reason: OOMKilled`, `"reason": "OOMKilled"` with nothing around it.
fn flag(words: &str) -> Option<Record> {
    if !words.contains("OOMKilled") {
        return None;
    }
    let value = words.trim_end_matches(',').rsplit([':', '=']).next().unwrap_or(words);
    // In a post also bold (`**Reason:** OOMKilled`), as code or as an item of a list.
    let marks = ['"', '\'', ' ', '-', '*', '`'];
    let key = words.split([':', '=']).next().unwrap_or_default().trim_matches(marks);
    let alone = value.trim_matches(marks) == "OOMKilled";
    // Spark's driver: `termination reason: OOMKilled`.
    let known = key == "OOMKilled"
        || key.eq_ignore_ascii_case("reason")
        || key == "detailStatus"
        || key.eq_ignore_ascii_case("termination reason");
    (alone && known && words.len() < 60).then_some(Record::BareOomFlag(true))
}
