//! containerd without docker: a container of `ctr run` by its name, where neither docker nor Podman
//! knows it.
//!
//! containerd keeps no exit code and no times of a task that is deleted, and no events at all: the
//! kernel log and the journal are what is left. Of the container's description only what it runs,
//! its limit and its cgroup are kept; its environment is not.
//!
//! Leans on ctr(8): `namespaces list`, `containers info`, `tasks list` (1.6 to 2.1).

use std::process::Command;

use casefile::{Asked, CaseFile, CgroupPath, Clock, ContainerId, Exhibit, Source};
use serde_json::{Value, json};

use crate::cgroup::place::{self, Place};
use crate::deadline;
use crate::docker::host::shell_word;
use crate::found::{Found, exhibit};
use crate::journal;
use crate::machine::Clocks;
use crate::roots::Roots;
use crate::subject::Life;
use crate::unit::of_machine;
use crate::{Wanted, gather};

/// The container, if containerd's client is here and one of its namespaces has it.
pub(crate) fn by_command(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Option<CaseFile> {
    let name = wanted.name.trim();
    let (namespace, info) = info(name, roots, progress)?;
    let tasks = run(roots, &["-n", &namespace, "tasks", "list"]).unwrap_or_default();
    let pid = pid_of(&tasks, name);
    let place = place_of(&info, &namespace, name, roots);
    let clocks = Clocks::read();
    let created = info.get("CreatedAt").and_then(Value::as_str);
    let created = created.and_then(casefile::Moment::parse);
    let life = Life {
        noun: "container",
        about: ContainerId::parse(name),
        pid,
        first_known: created,
        started: created,
        ended: None,
        processes_check: format!("ctr -n {namespace} tasks ps {name}"),
    };
    let check = format!("ctr -n {} containers info {}", shell_word(&namespace), shell_word(name));
    let text = kept(&info).to_string() + "\n" + &row(&tasks, name);
    let state = exhibit("inspect", Source::ContainerInspect, &check, &text);
    let state = Exhibit { check: Some(check), clock: Clock::Wall, ..state };
    let mut found = Found { exhibits: vec![state], ..Found::default() };
    progress("kernel log and journal");
    found.add(of_machine(&life, place.as_ref(), roots, &clocks));
    found.add(journal::read_killers(roots, life.look_from(), clocks.now()));
    let asked = Asked {
        name: Some(name.to_owned()),
        container_id: ContainerId::parse(name),
        cgroup: place.map(|place| place.path),
        ..Asked::default()
    };
    Some(gather::close(asked, found, wanted.now))
}

/// The namespace that has the container, and its description.
fn info(name: &str, roots: &Roots, progress: &mut dyn FnMut(&str)) -> Option<(String, Value)> {
    // A name that looks like an option or a path is no container's.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
        return None;
    }
    let namespaces = run(roots, &["namespaces", "list", "-q"])?;
    progress("asking containerd");
    namespaces.lines().find_map(|namespace| {
        let text = run(roots, &["-n", namespace, "containers", "info", name])?;
        Some((namespace.to_owned(), serde_json::from_str::<Value>(&text).ok()?))
    })
}

/// The main process of a container that runs; `Some(None)`: it does not.
pub(crate) fn main_process(
    name: &str,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Option<Option<u32>> {
    let (namespace, _) = info(name.trim(), roots, progress)?;
    let tasks = run(roots, &["-n", &namespace, "tasks", "list"]).unwrap_or_default();
    Some(pid_of(&tasks, name.trim()))
}

fn run(roots: &Roots, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(&roots.ctr);
    // Its own deadline first, so that a socket that hangs ends here.
    command.args(["--timeout", "1s"]).args(arguments);
    let ran = deadline::run(&mut command, deadline::INNER, 4 << 20).ok()?;
    let done = ran.status.is_some_and(|status| status.success());
    done.then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// What is kept of a container's description.
fn kept(info: &Value) -> Value {
    let part = |pointer: &str| info.pointer(pointer).cloned().unwrap_or_default();
    json!({
        "ID": part("/ID"),
        "Image": part("/Image"),
        "CreatedAt": part("/CreatedAt"),
        "SnapshotKey": part("/SnapshotKey"),
        "Runtime": { "Name": part("/Runtime/Name") },
        "Spec": {
            "process": { "args": part("/Spec/process/args") },
            "linux": {
                "cgroupsPath": part("/Spec/linux/cgroupsPath"),
                "resources": { "memory": part("/Spec/linux/resources/memory") },
            },
        },
    })
}

/// The head of the list of tasks and the container's row, if it has a task.
fn row(tasks: &str, name: &str) -> String {
    let own = tasks.lines().find(|line| line.split_whitespace().next() == Some(name));
    let head = tasks.lines().next();
    head.zip(own).map(|(head, own)| format!("{head}\n{own}\n")).unwrap_or_default()
}

fn pid_of(tasks: &str, name: &str) -> Option<u32> {
    let own = row(tasks, name);
    let mut words = own.lines().nth(1)?.split_whitespace().skip(1);
    let pid = words.next()?.parse().ok().filter(|pid| *pid > 0)?;
    (words.next() == Some("RUNNING")).then_some(pid)
}

/// `/default/redis` with the cgroupfs driver; `SLICE:PREFIX:NAME` with systemd's.
fn place_of(info: &Value, namespace: &str, name: &str, roots: &Roots) -> Option<Place> {
    let said = info.pointer("/Spec/linux/cgroupsPath").and_then(Value::as_str);
    let path = match said.unwrap_or_default().split(':').collect::<Vec<_>>().as_slice() {
        [slice, prefix, name] => CgroupPath::of_unit(&format!("{prefix}-{name}.scope"), slice),
        [path] if path.starts_with('/') => CgroupPath::parse(path),
        _ => CgroupPath::parse(&format!("/{namespace}/{name}")),
    };
    let hierarchy = place::hierarchies(roots).into_iter().next()?;
    Some(Place { path: path?, hierarchy })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: &str =
        "TASK     PID      STATUS    \nredis    4711     RUNNING\nold    0     STOPPED\n";

    #[test]
    fn the_environment_of_a_container_is_left_out() {
        let info = json!({
            "ID": "redis", "SnapshotKey": "redis", "Runtime": { "Name": "r", "Options": { "x": 1 } },
            "Labels": { "token": "s3cret" },
            "Spec": { "process": { "args": ["/x"], "env": ["PASSWORD=s3cret"] } },
        });
        let text = kept(&info).to_string();
        assert!(!text.contains("s3cret") && text.contains("/x"), "{text}");
    }

    #[test]
    fn only_its_own_row_is_kept_and_only_a_task_that_runs_has_a_pid() {
        assert_eq!(row(TASKS, "old"), "TASK     PID      STATUS    \nold    0     STOPPED\n");
        assert_eq!((pid_of(TASKS, "redis"), pid_of(TASKS, "old")), (Some(4711), None));
        assert_eq!((row(TASKS, "redi"), pid_of("", "x")), (String::new(), None));
    }
}
