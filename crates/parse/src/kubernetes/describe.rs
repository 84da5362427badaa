//! `kubectl describe pod`, whole, cut, or as the excerpt of a `grep -A 10 "Last State"`.
//!
//! Keys steer the reading, indentation only bounds lists (Command, Args, Environment) and tells a
//! container's name from a key: people paste excerpts whose first line lost its indentation.

use casefile::{ContainerId, Limit, Moment, Span, Stamp};
use settings::memory_settings::may_be_kept;
use settings::quantity::{self, Dialect};

use super::Row;
use crate::Sighting;
use crate::record::{ContainerStatus, PodRecord, Record};

/// Reads every pod of the text.
pub(super) fn read(rows: &[Row<'_>]) -> Vec<Sighting> {
    let mut reader = Reader::default();
    for (at, row) in rows.iter().enumerate() {
        reader.row(row, rows.get(at + 1));
    }
    reader.finish_pod();
    reader.found
}

/// What the lines that follow belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Pod,
    State,
    LastState,
    Limits,
    Requests,
    Command,
    Environment,
    /// Conditions, volumes, events: nothing of the container.
    Elsewhere,
}

/// A `State:` or `Last State:` with its own lines.
#[derive(Debug, Default)]
struct State {
    word: String,
    reason: Option<String>,
    exit_code: Option<i64>,
    signal: Option<i32>,
    message: Option<String>,
    started: Option<Moment>,
    finished: Option<Moment>,
    span: Option<Span>,
}

#[derive(Debug, Default)]
struct Container {
    status: ContainerStatus,
    state: Option<State>,
    last: Option<State>,
}

#[derive(Default)]
struct Reader {
    pod: PodRecord,
    container: Option<Container>,
    part: Part,
    part_indent: usize,
    in_containers: bool,
    init: bool,
    strong: bool,
    is_node: bool,
    span: Option<Span>,
    found: Vec<Sighting>,
}

impl Reader {
    fn row(&mut self, row: &Row<'_>, next: Option<&Row<'_>>) {
        if row.words.is_empty() {
            return;
        }
        if row.words == "--" || row.words.starts_with("---") {
            // grep's separator between two containers, or two commands' outputs.
            self.finish_container();
            self.part = Part::Pod;
            return;
        }
        let in_list = matches!(self.part, Part::Command | Part::Environment);
        if in_list && row.indent > self.part_indent {
            self.list_item(row);
            return;
        }
        let Some((key, value)) = key_value(row.words) else { return };
        if self.section(row, key, value) || self.begins_container(row, key, value, next) {
            return;
        }
        if self.container_line(row, key, value) || self.state_line(row, key, value) {
            self.touch(row);
        } else {
            self.pod_line(row, key, value);
        }
    }

    fn touch(&mut self, row: &Row<'_>) {
        self.span = Some(self.span.map_or(row.span, |span| span.joined(row.span)));
    }

    /// `Containers:` and the other headers.
    fn section(&mut self, row: &Row<'_>, key: &str, value: &str) -> bool {
        if !value.is_empty() {
            return false;
        }
        let (containers, init) = match key {
            "Containers" | "Ephemeral Containers" => (true, false),
            "Init Containers" => (true, true),
            "Conditions"
            | "Volumes"
            | "Events"
            | "Allocated resources"
            | "Tolerations"
            | "Capacity"
            | "Allocatable"
            | "System Info"
            | "Mounts" => {
                if key != "Mounts" {
                    self.finish_container();
                    self.in_containers = false;
                }
                self.is_node |= matches!(key, "Capacity" | "Allocatable" | "System Info");
                self.part = Part::Elsewhere;
                return true;
            }
            _ => return false,
        };
        self.finish_container();
        self.in_containers = containers;
        self.init = init;
        self.part = Part::Pod;
        self.touch(row);
        true
    }

    /// `  main:` under `Containers:`, or anywhere right above a `Container ID:`.
    fn begins_container(
        &mut self,
        row: &Row<'_>,
        key: &str,
        value: &str,
        next: Option<&Row<'_>>,
    ) -> bool {
        let named = value.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
            && next.is_some_and(|next| {
                next.words.starts_with("Container ID:")
                    || self.in_containers
                        && ["Image:", "Port:", "State:"]
                            .iter()
                            .any(|key| next.words.starts_with(key))
            });
        if named {
            self.finish_container();
            self.new_container().status.name = Some(key.to_owned());
            self.part = Part::Pod;
            self.touch(row);
        }
        named
    }

    fn new_container(&mut self) -> &mut Container {
        self.container = None;
        self.current()
    }

    fn current(&mut self) -> &mut Container {
        let init = self.init;
        self.container.get_or_insert_with(|| Container {
            status: ContainerStatus { init, ..ContainerStatus::default() },
            ..Container::default()
        })
    }

    /// Keys that only a container has.
    fn container_line(&mut self, row: &Row<'_>, key: &str, value: &str) -> bool {
        match key {
            "State" | "Last State" if is_state(value) => self.begin_state(row, key, value),
            "Container ID" => {
                self.strong |= value.contains("://");
                self.current().status.id = ContainerId::parse(value);
            }
            "Restart Count" => {
                self.strong = true;
                self.current().status.restart_count = value.parse().ok();
                self.part = Part::Pod;
            }
            "Ready" if self.container.is_some() => self.part = Part::Pod,
            "Limits" | "Requests" if value.is_empty() && self.container.is_some() => {
                self.part = if key == "Limits" { Part::Limits } else { Part::Requests };
                self.part_indent = row.indent;
            }
            "memory" if matches!(self.part, Part::Limits | Part::Requests) => self.memory(value),
            "Image" if self.container.is_some() => {
                self.current().status.image = Some(value.to_owned());
            }
            "Command" | "Args" if value.is_empty() && self.container.is_some() => {
                self.part = Part::Command;
                self.part_indent = row.indent;
            }
            "Environment" if value.is_empty() && self.container.is_some() => {
                self.part = Part::Environment;
                self.part_indent = row.indent;
            }
            _ => return false,
        }
        true
    }

    fn begin_state(&mut self, row: &Row<'_>, key: &str, value: &str) {
        self.strong = true;
        let last = key == "Last State";
        // A second state of the same kind: the excerpt goes on with another container.
        let again = self.container.as_ref().is_some_and(|container| {
            if last {
                container.last.is_some()
            } else {
                container.state.is_some() || container.last.is_some()
            }
        });
        if again {
            self.finish_container();
        }
        let state = State { word: value.to_owned(), span: Some(row.span), ..State::default() };
        let container = self.current();
        if last {
            container.last = Some(state);
        } else {
            container.state = Some(state);
        }
        self.part = if last { Part::LastState } else { Part::State };
        self.part_indent = row.indent;
    }

    fn memory(&mut self, value: &str) {
        let amount = quantity::parse(value, Dialect::Kubernetes);
        let part = self.part;
        let memory = &mut self.current().status.memory;
        match part {
            Part::Limits => memory.limit = amount.map(Limit::At),
            Part::Requests => memory.request = amount,
            _ => {}
        }
    }

    fn list_item(&mut self, row: &Row<'_>) {
        let part = self.part;
        let container = self.current();
        if part == Part::Command {
            container.status.command.push(row.words.to_owned());
        } else if let Some((name, value)) = key_value(row.words)
            && may_be_kept(name)
        {
            container.status.memory_settings.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Lines of a state: under its header, or without it where the excerpt begins too late.
    fn state_line(&mut self, row: &Row<'_>, key: &str, value: &str) -> bool {
        let is_key =
            matches!(key, "Reason" | "Exit Code" | "Signal" | "Message" | "Started" | "Finished");
        let in_state = matches!(self.part, Part::State | Part::LastState);
        // `Reason:`, `Message:` alone may be the pod's; these two only ended containers have.
        let headless =
            matches!(key, "Exit Code" | "Finished") || (key == "Reason" && value == "OOMKilled");
        if !is_key || !(in_state || headless) || self.part == Part::Elsewhere {
            return false;
        }
        if !in_state {
            self.begin_headless();
        }
        let last = self.part == Part::LastState;
        self.strong |= headless;
        let container = self.current();
        let Some(state) = (if last { &mut container.last } else { &mut container.state }) else {
            return false;
        };
        match key {
            "Reason" => state.reason = some(value),
            "Exit Code" => state.exit_code = value.parse().ok(),
            "Signal" => state.signal = value.parse().ok().filter(|signal| *signal != 0),
            "Message" => state.message = some(value),
            "Started" => state.started = moment(value),
            "Finished" => state.finished = moment(value),
            _ => {}
        }
        state.span = Some(state.span.map_or(row.span, |span| span.joined(row.span)));
        true
    }

    fn begin_headless(&mut self) {
        let reason = self.pod.reason.take_if(|_| self.pod.phase.is_none());
        let container = self.current();
        let state = State { word: "Terminated".to_owned(), reason, ..State::default() };
        container.last = Some(state);
        self.part = Part::LastState;
    }

    /// Keys of the pod itself.
    fn pod_line(&mut self, row: &Row<'_>, key: &str, value: &str) {
        if key == "Name" && row.indent <= 2 && !self.in_containers && self.part != Part::Elsewhere
            || key == "Name" && row.indent == 0
        {
            self.finish_pod();
            self.pod.name = some(value);
            self.touch(row);
            return;
        }
        if key == "Roles" {
            self.is_node = true;
        }
        let top = !self.in_containers || row.indent == 0;
        if !top {
            return;
        }
        let pod = &mut self.pod;
        match key {
            "Namespace" => pod.namespace = some(value),
            "Node" => pod.node = value.split('/').next().and_then(some),
            "Status" => {
                pod.phase = value.split_whitespace().next().and_then(some);
                pod.deleting = Some(value.starts_with("Terminating"));
            }
            "Termination Grace Period" => {
                pod.grace_seconds = value.trim_end_matches('s').parse().ok();
            }
            "Reason" if self.part == Part::Pod => {
                pod.reason = some(value);
                self.strong |= value == "Evicted";
            }
            "Message" if self.part == Part::Pod => pod.message = some(value),
            "QoS Class" => {
                pod.qos = some(value);
                self.strong = true;
            }
            "UID" => pod.uid = some(value),
            _ => return,
        }
        self.touch(row);
    }

    fn finish_container(&mut self) {
        let Some(container) = self.container.take() else { return };
        let Container { mut status, state, last } = container;
        let now = state.as_ref().is_some_and(|state| state.word == "Terminated");
        status.running = state.as_ref().map(|state| state.word == "Running");
        status.waiting = state
            .as_ref()
            .filter(|state| state.word == "Waiting")
            .and_then(|state| state.reason.clone());
        status.ended_now = now;
        let ended = if now { state } else { last.filter(|last| last.word == "Terminated") };
        if let Some(ended) = ended {
            status.reason = ended.reason;
            status.exit_code = ended.exit_code;
            status.signal = ended.signal;
            status.message = ended.message;
            status.started_at = ended.started;
            status.finished_at = ended.finished;
            status.shown_at = ended.span;
        }
        self.pod.containers.push(status);
    }

    fn finish_pod(&mut self) {
        self.finish_container();
        let pod = std::mem::take(&mut self.pod);
        let tells = self.strong && !self.is_node;
        if let Some(span) = self.span.take().filter(|_| tells) {
            let at = pod.containers.iter().filter_map(|container| container.finished_at).max();
            let record = Record::Pod(Box::new(pod));
            self.found.push(Sighting { record, span, at: at.map(Stamp::Wall) });
        }
        let found = std::mem::take(&mut self.found);
        *self = Self { found, ..Self::default() };
    }
}

fn is_state(value: &str) -> bool {
    matches!(value, "Running" | "Waiting" | "Terminated")
}

fn some(value: &str) -> Option<String> {
    (!value.is_empty() && value != "<none>").then(|| value.to_owned())
}

fn key_value(words: &str) -> Option<(&str, &str)> {
    let (key, value) = words.split_once(':')?;
    let separated = value.is_empty() || value.starts_with(char::is_whitespace);
    (separated && key.len() <= 60).then(|| (key.trim(), value.trim()))
}

/// `Tue, 12 Aug 2025 06:42:07 +0200`, or RFC 3339. Year 1 and 1970 stand for "never".
fn moment(value: &str) -> Option<Moment> {
    if let Some(moment) = Moment::parse(value) {
        return Some(moment);
    }
    let zoned = jiff::fmt::rfc2822::parse(value).ok()?;
    let moment = zoned.timestamp();
    (moment.as_second() > 0).then_some(Moment(moment))
}
