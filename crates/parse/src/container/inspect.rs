//! `docker inspect`, `podman inspect`, `nerdctl inspect`: documents, parts of them, and the State
//! object alone. Decides nothing: a flag is reported as it is written.

use casefile::{Bytes, ContainerId, Limit, Moment, Span};
use settings::memory_settings::may_be_kept;

use crate::Sighting;
use crate::json::{Node, Value};
use crate::record::{ContainerRecord, Form, Record, Ulimit};

/// Keys of the State object; two of them make one. `Pid` is not among them: a supervisor's
/// `{"Pid":12,"ExitCode":1}` is no container.
const STATE_KEYS: [&str; 8] =
    ["OOMKilled", "ExitCode", "Running", "Paused", "Restarting", "Dead", "StartedAt", "FinishedAt"];

/// A container, if the object describes one.
pub(super) fn from_json(node: &Node) -> Option<Sighting> {
    let state_keys = STATE_KEYS.iter().filter(|key| state(node, key).is_some()).count();
    let flag = state(node, "OOMKilled").and_then(Node::as_bool);
    let code = state(node, "ExitCode").and_then(Node::as_i64);
    let host = ["MemorySwap", "OomKillDisable", "CgroupParent", "MemoryReservation"];
    let limits = host_config(node, "Memory").is_some_and(|memory| memory.as_i64().is_some())
        && (node.get("HostConfig").is_some()
            || host.iter().any(|key| host_config(node, key).is_some()));
    if state_keys < 2 && flag.is_none() && !limits {
        // One line of a document (`docker inspect web | grep ExitCode`).
        let alone = state(node, "ExitCode").filter(|_| !node.complete)?;
        return Some(Sighting { record: Record::BareExit(code?), span: alone.span, at: None });
    }
    let mut record = ContainerRecord { form: Some(Form::Inspect), ..ContainerRecord::default() };
    read_identity(node, &mut record);
    read_state(node, &mut record);
    read_host_config(node, &mut record);
    read_config(node, &mut record);
    let span = node.get("State").map_or(node.span, |state| state.span);
    Some(Sighting { record: Record::Container(Box::new(record)), span, at: None })
}

/// A member of `State`; also of a State object that stands alone or whose opening line is lost.
fn state<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.path(&["State", key]).or_else(|| node.get(key))
}

fn host_config<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.path(&["HostConfig", key]).or_else(|| node.get(key))
}

fn config<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.path(&["Config", key]).or_else(|| node.get(key))
}

fn text(node: Option<&Node>) -> Option<String> {
    node.and_then(Node::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn read_identity(node: &Node, record: &mut ContainerRecord) {
    let id = node.get("Id").or_else(|| node.get("ID"));
    record.id = id.and_then(Node::as_str).and_then(ContainerId::parse);
    let name = text(node.get("Name"));
    record.name = name.map(|name| name.strip_prefix('/').unwrap_or(&name).to_owned());
    record.image = text(node.path(&["Config", "Image"]))
        .or_else(|| text(node.get("ImageName")))
        .or_else(|| text(node.get("Image")).filter(|image| !image.starts_with("sha256:")));
    record.command = text(node.get("Path")).into_iter().collect();
    let arguments = node.get("Args").map(Node::items).unwrap_or_default();
    record.command.extend(arguments.iter().filter_map(Node::as_str).map(str::to_owned));
    record.restart_count = node.get("RestartCount").and_then(Node::as_u64);
    note(record, "restart_count", node.get("RestartCount"));
}

fn read_state(node: &Node, record: &mut ContainerRecord) {
    let at = |key| state(node, key);
    // `Status` in a list is a sentence (`Exited (137) 2 hours ago`); here it is one word.
    record.status = text(at("Status")).filter(|word| !word.contains(' '));
    record.running = at("Running").and_then(Node::as_bool);
    record.paused = at("Paused").and_then(Node::as_bool);
    record.oom_killed = at("OOMKilled").and_then(Node::as_bool);
    record.pid = at("Pid").and_then(Node::as_u64).filter(|pid| *pid > 0).and_then(narrow);
    record.error = text(at("Error"));
    record.started_at = moment(at("StartedAt"));
    record.finished_at = moment(at("FinishedAt"));
    let code = at("ExitCode").and_then(Node::as_i64);
    record.exit_code = code.filter(|_| has_ended(record));
    // Podman 3 and older spell it `Healthcheck`.
    record.health = text(node.path(&["State", "Health", "Status"]))
        .or_else(|| text(node.path(&["State", "Healthcheck", "Status"])))
        .or_else(|| text(node.path(&["Health", "Status"])));
    for (field, key) in [
        ("status", "Status"),
        ("running", "Running"),
        ("oom_killed", "OOMKilled"),
        ("exit_code", "ExitCode"),
        ("pid", "Pid"),
        ("error", "Error"),
        ("started_at", "StartedAt"),
        ("finished_at", "FinishedAt"),
    ] {
        note(record, field, state(node, key));
    }
    note(record, "health", node.path(&["State", "Health", "Status"]));
}

/// Whether the exit code in the document is one of a life that ended. A restarting container shows
/// the code of the life before; one that was created and could not start shows why in `Error`.
fn has_ended(record: &ContainerRecord) -> bool {
    match record.status.as_deref() {
        Some("created" | "initialized" | "configured") => record.error.is_some(),
        Some("running" | "paused") => false,
        Some(_) => true,
        None => record.running != Some(true),
    }
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn moment(node: Option<&Node>) -> Option<Moment> {
    node.and_then(Node::as_str).and_then(Moment::parse)
}

fn note(record: &mut ContainerRecord, field: &'static str, node: Option<&Node>) {
    if let Some(node) = node {
        record.shown_at.push((field, node.span));
    }
}

fn read_host_config(node: &Node, record: &mut ContainerRecord) {
    let at = |key| host_config(node, key);
    record.memory = at("Memory").and_then(Node::as_i64).map(limit);
    record.memory_swap =
        at("MemorySwap").and_then(Node::as_i64).filter(|swap| *swap != 0).map(limit);
    record.oom_kill_disable = at("OomKillDisable").and_then(Node::as_bool);
    record.cgroup_parent = text(at("CgroupParent"));
    record.pid_mode = text(at("PidMode"));
    record.runtime = text(at("Runtime"));
    record.init = at("Init").and_then(Node::as_bool);
    record.auto_remove = at("AutoRemove").and_then(Node::as_bool);
    record.shm_size = at("ShmSize").and_then(Node::as_u64).filter(|size| *size > 0).map(Bytes);
    record.restart_policy = at("RestartPolicy").and_then(restart_policy);
    let tmpfs = at("Tmpfs").map(Node::members).unwrap_or_default();
    record.tmpfs = tmpfs
        .iter()
        .map(|(path, options)| (path.clone(), options.as_str().unwrap_or_default().to_owned()))
        .collect();
    let ulimits = at("Ulimits").map(Node::items).unwrap_or_default();
    record.ulimits = ulimits.iter().filter_map(ulimit).collect();
    for (field, key) in [
        ("memory", "Memory"),
        ("memory_swap", "MemorySwap"),
        ("oom_kill_disable", "OomKillDisable"),
        ("cgroup_parent", "CgroupParent"),
        ("pid_mode", "PidMode"),
        ("init", "Init"),
        ("shm_size", "ShmSize"),
        ("tmpfs", "Tmpfs"),
        ("ulimits", "Ulimits"),
        ("restart_policy", "RestartPolicy"),
    ] {
        note(record, field, host_config(node, key));
    }
}

/// 0 and below mean that no limit is set.
fn limit(bytes: i64) -> Limit {
    match u64::try_from(bytes) {
        Ok(0) | Err(_) => Limit::Unlimited,
        Ok(bytes) => Limit::from_kernel(u128::from(bytes)),
    }
}

fn restart_policy(node: &Node) -> Option<String> {
    let name = text(node.get("Name"))?;
    let most = node.get("MaximumRetryCount").and_then(Node::as_u64).filter(|most| *most > 0);
    Some(most.map_or(name.clone(), |most| format!("{name}:{most}")))
}

fn ulimit(node: &Node) -> Option<Ulimit> {
    let name = text(node.get("Name"))?.to_ascii_lowercase();
    Some(Ulimit {
        // Podman writes `RLIMIT_NOFILE`.
        name: name.strip_prefix("rlimit_").unwrap_or(&name).to_owned(),
        soft: node.get("Soft").and_then(Node::as_u64),
        hard: node.get("Hard").and_then(Node::as_u64),
    })
}

fn read_config(node: &Node, record: &mut ContainerRecord) {
    record.stop_signal = config(node, "StopSignal").and_then(|signal| match &signal.value {
        Value::String(name) | Value::Number(name) if !name.is_empty() => Some(name.clone()),
        Value::String(_)
        | Value::Number(_)
        | Value::Object(_)
        | Value::Array(_)
        | Value::Bool(_)
        | Value::Null
        | Value::Opaque(_) => None,
    });
    record.stop_timeout = config(node, "StopTimeout").and_then(Node::as_u64);
    record.health_on_failure = text(config(node, "HealthcheckOnFailureAction"));
    let environment = config(node, "Env").map(Node::items).unwrap_or_default();
    record.memory_settings = environment
        .iter()
        .filter_map(|entry| entry.as_str()?.split_once('='))
        .filter(|(name, _)| may_be_kept(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    note(record, "stop_signal", config(node, "StopSignal"));
    note(record, "stop_timeout", config(node, "StopTimeout"));
    note(record, "memory_settings", config(node, "Env"));
    let command = node.get("Path").map(|path| {
        node.get("Args")
            .map_or(path.span, |arguments: &Node| -> Span { path.span.joined(arguments.span) })
    });
    record.shown_at.extend(command.map(|span| ("command", span)));
}
