//! From a name or a pid to what runs: by docker's word, Podman's or containerd's, checked against the
//! process's own cgroup.

use casefile::CgroupPath;
use hierarchy::Hierarchy;
use serde_json::Value;
use tokio::runtime::Builder;

use super::{Running, Scope, scope_of};
use crate::cgroup::place::{self, Place};
use crate::docker::answers::{self, DaemonFacts};
use crate::docker::host::{self, Host};
use crate::docker::http::{ApiError, Daemon};
use crate::found::plain;
use crate::gather::{Search, docker_first, elsewhere, may_be_podmans};
use crate::host::containers;
use crate::roots::{Roots, read_text};
use crate::subject::Subject;
use crate::{GatherError, Wanted, ctr, podman};

/// The container of this name, id or beginning of an id, if it runs on this machine.
///
/// # Errors
/// There is no daemon to ask, nobody knows it, it does not run, or its processes are out of sight.
pub fn running_container(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<Running, GatherError> {
    let roots = Roots::default();
    progress("asking docker");
    let asked = host::choose(wanted, &roots).and_then(|host| ask(host, wanted, &roots));
    docker_first(wanted, asked, || by_others(wanted, &roots, progress))
}

/// Podman by its sockets, by its client, containerd by its client: whoever knows the name.
fn by_others(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Option<Result<Running, GatherError>> {
    let known = |answer: &Result<Running, GatherError>| !answer.as_ref().is_err_and(may_be_podmans);
    let by_socket =
        podman::sockets(wanted, roots).into_iter().map(|host| ask(host, wanted, roots)).find(known);
    if by_socket.is_some() {
        return by_socket;
    }
    progress("asking podman");
    if let Some((id, text)) = podman::inspect(&wanted.name, roots) {
        return Some(of_subject(&Subject::inspected(&id, &text), &text, wanted, roots));
    }
    let pid = ctr::main_process(&wanted.name, roots, progress)?;
    Some(match pid {
        Some(pid) => of_pid(pid, roots)
            .map(|running| Running { name: Some(wanted.name.clone()), ..running })
            .map_err(|because| out_of_sight(&wanted.name, because)),
        None => Err(GatherError::NotRunning {
            name: wanted.name.clone(),
            state: "containerd has no task of it that runs".to_owned(),
        }),
    })
}

fn ask(host: Host, wanted: &Wanted, roots: &Roots) -> Result<Running, GatherError> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let search = Search::at(host, wanted, roots);
    let found = runtime.block_on(async {
        let (subject, state) = search.meant().await?;
        // There is a trace of it, and nothing that runs.
        let text = state
            .map_err(|gap| GatherError::Gone { name: wanted.name.clone(), because: gap.because })?;
        let far = far(&search.daemon, roots).await;
        Ok((subject, text, far))
    });
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    let (subject, text, far) = found?;
    // What does not run is told as that, wherever it is.
    if let Some(because) = far.filter(|_| subject.pid.is_some()) {
        return Err(out_of_sight(&wanted.name, because));
    }
    of_subject(&subject, &text, wanted, roots)
}

/// Why the daemon's containers are not on this machine.
async fn far(daemon: &Daemon, roots: &Roots) -> Option<String> {
    let (info, version) = (daemon.start("/info"), daemon.start("/version"));
    let listener = daemon.listener_pid().await;
    let (info, version) = (info.text().await, version.text().await);
    let facts = DaemonFacts::read(&info.unwrap_or_default(), &version.unwrap_or_default());
    elsewhere(&daemon.host, &facts, listener, roots)
}

/// All containers that run on this machine: docker's, and Podman's where no daemon is named.
///
/// # Errors
/// No daemon can be asked, or it is on another machine.
pub fn running_containers(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Running>, GatherError> {
    let roots = Roots::default();
    progress("asking docker");
    let host = host::choose(wanted, &roots)?;
    let default = host == Host::Unix(roots.docker_socket.clone());
    let real = |path: &std::path::Path| std::fs::canonicalize(path).ok();
    // docker's socket may be a link to Podman's.
    let is_other = |other: &Host| other.socket().and_then(real) != host.socket().and_then(real);
    let others =
        podman::sockets(wanted, &roots).into_iter().filter(|other| default && is_other(other));
    let others: Vec<Host> = others.collect();
    let first = list(host, wanted, &roots);
    let mut answered = first.is_ok();
    let (mut all, refused) = match first {
        Ok(all) => (all, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    for other in others {
        if let Ok(more) = list(other, wanted, &roots) {
            answered = true;
            all.extend(more);
        }
    }
    match refused {
        Some(error) if !answered => Err(error),
        _ => Ok(all),
    }
}

/// One daemon's.
fn list(host: Host, wanted: &Wanted, roots: &Roots) -> Result<Vec<Running>, GatherError> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let search = Search::at(host, wanted, roots);
    let found = runtime.block_on(async {
        let path = "/containers/json";
        let listed = search.daemon.fetch(path).await.and_then(|text| {
            let shape = |source| ApiError::Shape { path: path.to_owned(), source };
            answers::list(&text).map_err(shape)
        });
        let listed = listed.map_err(|error| search.no_daemon(&error))?;
        let far = far(&search.daemon, roots).await;
        Ok((containers::states(&search.daemon, &listed).await, far, search.daemon.host.to_string()))
    });
    runtime.shutdown_background();
    let (states, far, daemon) = found?;
    if let Some(because) = far {
        return Err(out_of_sight(&daemon, because));
    }
    // One that has ended since it was listed is none that runs.
    let running = states.into_iter().filter_map(|(id, text)| {
        let text = text.ok()?;
        of_subject(&Subject::inspected(&id, &text), &text, wanted, roots).ok()
    });
    Ok(running.collect())
}

fn of_subject(
    subject: &Subject,
    inspect: &str,
    wanted: &Wanted,
    roots: &Roots,
) -> Result<Running, GatherError> {
    let state: Value = serde_json::from_str(inspect).unwrap_or_default();
    let name = state.get("Name").and_then(Value::as_str).unwrap_or_default();
    let name = name.trim_start_matches('/').to_owned();
    let shown = if name.is_empty() { wanted.name.clone() } else { name.clone() };
    let Some(pid) = subject.pid else {
        return Err(GatherError::NotRunning { name: shown, state: how_it_is(&state) });
    };
    let Place { path, hierarchy } =
        place::find(subject, None, roots).map_err(|because| out_of_sight(&shown, because))?;
    Ok(Running {
        name: Some(name).filter(|name| !name.is_empty()),
        id: Some(subject.id.clone()),
        pid,
        scope: Scope::Container,
        restarts: state.get("RestartCount").and_then(Value::as_u64),
        cgroup: path,
        tree: hierarchy,
    })
}

/// `exited with 137`, `created, and not started yet`.
fn how_it_is(state: &Value) -> String {
    let status = state.pointer("/State/Status").and_then(Value::as_str).unwrap_or_default();
    let code = state.pointer("/State/ExitCode").and_then(Value::as_i64);
    match (status, code) {
        ("created" | "configured" | "initialized", _) => "it was not started yet".to_owned(),
        ("restarting", Some(code)) => {
            format!("it ended with {code} and waits for its next start")
        }
        (_, Some(code)) => format!("it ended with {code}"),
        (_, None) => "docker names no process of it".to_owned(),
    }
}

/// What a process of this machine stands for: its container, its unit, or itself and its descendants.
///
/// # Errors
/// There is no such process, or its cgroup is not shown here.
pub fn running_process(pid: u32) -> Result<Running, GatherError> {
    of_pid(pid, &Roots::default()).map_err(|because| out_of_sight(&format!("pid {pid}"), because))
}

fn of_pid(pid: u32, roots: &Roots) -> Result<Running, String> {
    let text = read_text(&roots.of_process(pid, "cgroup")).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no process has this pid".to_owned(),
        _ => plain(&error),
    })?;
    let Place { path, hierarchy } = of_memory(&text, roots)
        .ok_or_else(|| "it is in no memory cgroup that is mounted here".to_owned())?;
    let (scope, cgroup) = scope_of(&path, &hierarchy);
    let id = cgroup.container_id().filter(|_| scope == Scope::Container);
    Ok(Running { name: None, id, pid, cgroup, scope, restarts: None, tree: hierarchy })
}

/// The cgroup of the hierarchy that counts memory: a hybrid machine has an empty unified one beside it.
fn of_memory(text: &str, roots: &Roots) -> Option<Place> {
    let counts = |one: &Hierarchy| one.counts_memory();
    let hierarchy = place::hierarchies(roots).into_iter().find(counts)?;
    let path: CgroupPath = hierarchy::place_in(text, hierarchy.version)?;
    Some(Place { path, hierarchy })
}

fn out_of_sight(name: &str, because: impl Into<String>) -> GatherError {
    GatherError::OutOfSight { name: name.to_owned(), because: because.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_a_container_is_that_does_not_run_is_told_in_words() {
        let said = |state: Value| how_it_is(&json!({ "State": state }));
        assert_eq!(said(json!({"Status": "exited", "ExitCode": 137})), "it ended with 137");
        assert_eq!(said(json!({"Status": "created", "ExitCode": 0})), "it was not started yet");
        let waits = said(json!({"Status": "restarting", "ExitCode": 1}));
        assert!(waits.contains("next start"), "{waits}");
        assert_eq!(said(Value::Null), "docker names no process of it");
    }

    #[test]
    fn a_pid_that_is_nobodys_is_told_as_that() {
        let error = running_process(u32::MAX).unwrap_err();
        assert!(error.to_string().contains("no process has this pid"), "{error}");
    }
}
