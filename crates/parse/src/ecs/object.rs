//! Tasks, containers, jobs and events as objects, from JSON or YAML, also cut and also renamed.

use casefile::{Bytes, ContainerId, Limit, Moment};

use super::{STOP_CODES, is_container_reason, is_service_event, is_stopped_reason, sighting};
use crate::Sighting;
use crate::json::{Node, Value};
use crate::record::{ContainerStatus, EcsTask, Requirement};

/// Reads a document and everything in it.
pub(super) fn read(node: &Node, found: &mut Vec<Sighting>) {
    // Nodes wait on a list instead of the stack: a document may nest deeper than the stack is.
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if let Some(jobs) = batch(node) {
            found.extend(jobs);
        } else if let Some(task) = task(node).or_else(|| renamed(node)) {
            found.push(sighting(task, node.span));
        } else if let Some(text) = node.as_str().filter(|text| is_service_event(text)) {
            let stopped_reason = Some(text.to_owned());
            found.push(sighting(EcsTask { stopped_reason, ..EcsTask::default() }, node.span));
        } else {
            waiting.extend(node.children());
        }
    }
}

fn text_of(node: &Node, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| {
        let text = node.get_any_case(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    })
}

/// RFC 3339, or seconds since 1970 as older CLIs print, or Batch's milliseconds.
fn moment_of(node: &Node, key: &str) -> Option<Moment> {
    let value = node.get_any_case(key)?;
    match &value.value {
        Value::String(text) => Moment::parse(text),
        Value::Number(text) => {
            let number: f64 = text.parse().ok()?;
            let seconds = if number > 1e11 { number / 1e3 } else { number };
            ((1.0..1e11).contains(&seconds)).then(|| Moment::from_micros((seconds * 1e6) as i64))?
        }
        _ => None,
    }
}

/// ECS and Batch count memory in MiB, as a number or a string (`"1024"`).
fn mebibytes(node: &Node, key: &str) -> Option<Bytes> {
    node.get_any_case(key)?.as_u64()?.checked_mul(1 << 20).map(Bytes)
}

/// A task of the API, of an event's `detail`, or of the metadata endpoint.
fn task(node: &Node) -> Option<EcsTask> {
    let is_container = ["containerArn", "runtimeId", "DockerId", "ContainerARN"]
        .iter()
        .any(|key| node.get(key).is_some());
    let of_task =
        ["stoppedReason", "stopCode", "taskDefinitionArn", "TaskARN", "launchType", "connectivity"]
            .iter()
            .any(|key| node.get(key).is_some());
    if is_container || !of_task || node.members().is_empty() {
        return (is_container && node.get("taskArn").is_some()).then(|| alone(node));
    }
    // Also the container definitions of a registered task, whose limits stand nowhere else.
    let listed = node.get_any_case("containers").map(Node::items).unwrap_or_default();
    Some(EcsTask {
        task: text_of(node, &["taskArn"]),
        launch_type: text_of(node, &["launchType"]),
        stop_code: text_of(node, &["stopCode"]),
        stopped_reason: text_of(node, &["stoppedReason"]),
        last_status: text_of(node, &["lastStatus", "KnownStatus"]),
        memory: mebibytes(node, "memory").or_else(|| mebibytes(node.get("Limits")?, "Memory")),
        stopping_at: moment_of(node, "stoppingAt"),
        stopped_at: moment_of(node, "stoppedAt").or_else(|| moment_of(node, "executionStoppedAt")),
        containers: listed.iter().map(container).collect(),
        cut: !node.complete,
    })
}

/// A container without its task.
fn alone(node: &Node) -> EcsTask {
    EcsTask {
        task: text_of(node, &["taskArn"]),
        containers: vec![container(node)],
        cut: !node.complete,
        ..EcsTask::default()
    }
}

fn container(node: &Node) -> ContainerStatus {
    let id = text_of(node, &["runtimeId", "DockerId"]);
    let status = text_of(node, &["lastStatus", "KnownStatus"]);
    let limit = mebibytes(node, "memory").or_else(|| mebibytes(node.get("Limits")?, "Memory"));
    ContainerStatus {
        name: text_of(node, &["name", "containerName"]),
        image: text_of(node, &["image", "Image"]),
        // On Fargate the runtime id is the task's with a number: no container id.
        id: id.as_deref().and_then(ContainerId::parse),
        reason: text_of(node, &["reason"]),
        exit_code: node.get_any_case("exitCode").and_then(Node::as_i64),
        running: status.as_deref().map(|status| status == "RUNNING"),
        ended_now: status.as_deref() == Some("STOPPED"),
        started_at: moment_of(node, "startedAt"),
        finished_at: moment_of(node, "finishedAt"),
        memory: Requirement {
            limit: limit.filter(|limit| limit.0 > 0).map(Limit::At),
            request: mebibytes(node, "memoryReservation"),
        },
        shown_at: Some(node.span),
        ..ContainerStatus::default()
    }
}

/// A Batch job: one task per attempt, else its container.
fn batch(node: &Node) -> Option<Vec<Sighting>> {
    let attempts = node.get("attempts").map(Node::items).unwrap_or_default();
    let job = node.get("jobId").is_some() || node.get("jobName").is_some();
    let of_batch =
        !attempts.is_empty() && attempts.iter().any(|item| item.get("container").is_some());
    if !(of_batch || job && node.get("container").is_some()) {
        return None;
    }
    let job_reason = text_of(node, &["statusReason"]);
    let memory = node.get("container").and_then(job_memory);
    let of = |item: &Node| {
        let inner = item.get("container");
        let mut container = inner.map(container).unwrap_or_default();
        container.memory.limit = memory.map(Limit::At);
        container.shown_at = inner.map(|inner| inner.span);
        container.ended_now = container.exit_code.is_some() || container.reason.is_some();
        EcsTask {
            task: inner.and_then(|inner| text_of(inner, &["taskArn"])),
            stopped_reason: text_of(item, &["statusReason"]).or_else(|| job_reason.clone()),
            last_status: text_of(node, &["status"]),
            memory,
            stopped_at: moment_of(item, "stoppedAt"),
            containers: vec![container],
            cut: !node.complete,
            ..EcsTask::default()
        }
    };
    let alone = [node.clone()];
    let items: &[Node] = if attempts.is_empty() { &alone } else { attempts };
    let span = |item: &Node| if attempts.len() > 1 { item.span } else { node.span };
    Some(items.iter().map(|item| sighting(of(item), span(item))).collect())
}

/// `memory` of old jobs, `resourceRequirements` of new ones.
fn job_memory(container: &Node) -> Option<Bytes> {
    let required = container.get("resourceRequirements").map(Node::items).unwrap_or_default();
    let requirement =
        required.iter().find(|item| item.get("type").and_then(Node::as_str) == Some("MEMORY"));
    requirement
        .and_then(|item| mebibytes(item, "value"))
        .or_else(|| mebibytes(container, "memory").filter(|memory| memory.0 > 0))
}

/// An object of a `--query` with names of the asker's choosing.
fn renamed(node: &Node) -> Option<EcsTask> {
    let members = node.members();
    let text = |node: &Node| node.as_str().map(str::trim).map(str::to_owned);
    let stopped =
        members.iter().find_map(|(_, node)| text(node).filter(|text| is_stopped_reason(text)));
    let code = members
        .iter()
        .find_map(|(_, node)| text(node).filter(|text| STOP_CODES.contains(&text.as_str())));
    let lists = || members.iter().map(|(_, node)| node).filter(|node| !node.items().is_empty());
    // A list of tasks is no list of containers, though a task's reason may be a container's.
    if lists().flat_map(|list| list.items()).any(|item| task(item).is_some()) {
        return None;
    }
    let listed: Vec<ContainerStatus> =
        lists().flat_map(|list| list.items().iter()).filter_map(renamed_container).collect();
    let known_reason =
        listed.iter().any(|container| container.reason.as_deref().is_some_and(is_container_reason));
    if stopped.is_none() && code.is_none() && !known_reason {
        // A container alone: `containers[].{name:name,exit:exitCode,reason:reason}`.
        let container = renamed_container(node)?;
        let by_reason = container.reason.as_deref().is_some_and(is_container_reason);
        let named = members.iter().all(|(key, _)| {
            let key = key.to_ascii_lowercase();
            ["name", "exit", "reason", "status", "container"].iter().any(|word| key.contains(word))
        });
        let by_keys = named
            && container.exit_code.is_some()
            && members.iter().any(|(key, node)| key == "reason" && node.value == Value::Null);
        return (by_reason || by_keys).then(|| EcsTask {
            containers: vec![container],
            cut: !node.complete,
            ..EcsTask::default()
        });
    }
    let arn =
        members.iter().find_map(|(_, node)| text(node).filter(|text| text.contains(":task/")));
    let launch = members.iter().find_map(|(_, node)| {
        text(node).filter(|text| matches!(text.as_str(), "FARGATE" | "EC2" | "EXTERNAL"))
    });
    let status = members.iter().find_map(|(_, node)| {
        text(node).filter(|text| {
            matches!(text.as_str(), "STOPPED" | "RUNNING" | "DEPROVISIONING" | "STOPPING")
        })
    });
    Some(EcsTask {
        task: arn,
        launch_type: launch,
        stop_code: code,
        stopped_reason: stopped,
        last_status: status,
        stopping_at: moment_of(node, "stoppingAt"),
        stopped_at: moment_of(node, "stoppedAt"),
        containers: listed,
        cut: !node.complete,
        ..EcsTask::default()
    })
}

/// A container by its values: a known reason, or an exit code under a key that says so.
fn renamed_container(node: &Node) -> Option<ContainerStatus> {
    let members = node.members();
    let reason = members.iter().find_map(|(_, node)| {
        node.as_str().filter(|text| is_container_reason(text)).map(str::to_owned)
    });
    let exit = members.iter().find_map(|(key, member)| {
        let lower = key.to_ascii_lowercase();
        let says_so = lower.contains("exit") || lower.contains("code");
        let code = (says_so || members.len() <= 4).then(|| member.as_i64()).flatten();
        code.filter(|code| (0..256).contains(code)).map(|_| key)
    });
    // A key that stands twice with two codes tells none.
    let exit = exit.and_then(|key| node.get(key)).and_then(Node::as_i64);
    let nameless = |key: &str| key.to_ascii_lowercase().contains("exit");
    let name = text_of(node, &["name", "container", "containerName"]).or_else(|| {
        members.iter().find_map(|(key, node)| {
            let text = node.as_str()?;
            let other = is_container_reason(text)
                || nameless(key)
                || text.contains(' ')
                || text.is_empty()
                || text.chars().all(|c| c.is_ascii_uppercase());
            (!other).then(|| text.to_owned())
        })
    });
    let says = members.iter().any(|(key, _)| nameless(key));
    (reason.is_some() || (says && (exit.is_some() || name.is_some()))).then(|| ContainerStatus {
        reason: reason.or_else(|| text_of(node, &["reason"])),
        ended_now: exit.is_some(),
        exit_code: exit,
        name,
        id: text_of(node, &["runtimeId"]).as_deref().and_then(ContainerId::parse),
        shown_at: Some(node.span),
        ..ContainerStatus::default()
    })
}
