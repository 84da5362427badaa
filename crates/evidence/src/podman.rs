//! Podman, where docker does not answer or does not know the name: by its API socket, which speaks
//! docker's API, else by its own client's commands.
//!
//! Only reads: `podman inspect`, `podman events`, `podman logs`, each with a short deadline. Rootful
//! and rootless stores are apart: a user sees only its own containers.
//!
//! Leans on podman-inspect(1), podman-events(1), podman-system-service(1).

use std::process::Command;

use casefile::{Asked, CaseFile, Clock, ContainerId, Exhibit, Moment, Source};
use serde_json::Value;

use crate::Wanted;
use crate::deadline::{self, Ran};
use crate::docker::answers::DaemonFacts;
use crate::docker::host::Host;
use crate::found::{Found, about, exhibit, gap};
use crate::gather::{self, Local};
use crate::log;
use crate::machine::Clocks;
use crate::roots::Roots;
use crate::subject::Subject;

/// The sockets at which Podman may listen, the likeliest first.
pub(crate) fn sockets(wanted: &Wanted, roots: &Roots) -> Vec<Host> {
    let named = wanted.environment.container_host.as_deref();
    let named = named.and_then(|host| host.strip_prefix("unix://")).map(std::path::PathBuf::from);
    let usual = [roots.podman_socket.clone(), roots.user_runtime.join("podman/podman.sock")];
    named.into_iter().chain(usual).filter(|path| path.exists()).map(Host::Unix).collect()
}

/// The container by the client's own commands; `None` if there is no such client or container.
pub(crate) fn by_command(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Option<CaseFile> {
    progress("asking podman");
    let (id, text) = inspect(&wanted.name, roots)?;
    let subject = Subject::inspected(&id, &text);
    let facts = DaemonFacts { podman: true, ..DaemonFacts::default() };
    let clocks = Clocks::read();
    let local = Local::start(roots, &clocks, &subject, &facts);
    let check = format!("podman inspect {id}");
    let state = about(exhibit("inspect", Source::ContainerInspect, &check, &text), &id);
    let state = Exhibit { clock: Clock::Wall, check: Some(check), ..state };
    let mut found = Found { exhibits: vec![state], ..Found::default() };
    progress("podman events and log");
    found.add(events(roots, &subject, clocks.now()));
    found.add(words(roots, &subject, wanted.with_logs));
    found.add(local.finish(progress));
    let asked =
        Asked { name: Some(wanted.name.clone()), container_id: Some(id), ..Asked::default() };
    Some(gather::close(asked, found, wanted.now))
}

/// What the client says of a container.
pub(crate) fn inspect(name: &str, roots: &Roots) -> Option<(ContainerId, String)> {
    let ran = run(roots, &["inspect", "--type", "container", "--", name])?;
    let state = first(&ran.stdout)?;
    let id = ContainerId::parse(state.get("Id")?.as_str()?)?;
    Some((id, state.to_string() + "\n"))
}

/// The first object of what `inspect` prints.
fn first(stdout: &[u8]) -> Option<Value> {
    match serde_json::from_slice(stdout).ok()? {
        Value::Array(all) => all.into_iter().next(),
        one => Some(one),
    }
}

/// Runs the client; `None` if it is not there or fails.
fn run(roots: &Roots, arguments: &[&str]) -> Option<Ran> {
    let mut command = Command::new(&roots.podman);
    let ran = deadline::run(command.args(arguments), deadline::SOURCE, 16 << 20).ok()?;
    ran.status.is_some_and(|status| status.success()).then_some(ran)
}

fn events(roots: &Roots, subject: &Subject, now: Moment) -> Found {
    let filter = format!("container={}", subject.id);
    let since = subject.first_known.or(subject.started).unwrap_or(now);
    let (since, until) = (since.0.as_second().to_string(), (now.0.as_second() + 1).to_string());
    let arguments = [
        "events",
        "--stream=false",
        "--format",
        "json",
        "--since",
        &since,
        "--until",
        &until,
        "--filter",
        &filter,
    ];
    let check = format!("podman events --stream=false --filter {filter}");
    let ran = run(roots, &arguments).filter(|ran| !ran.stdout.is_empty());
    let Some(ran) = ran else {
        let because = "podman holds no events of it, or did not answer in time";
        return Found::gap(gap(Source::ContainerEvents, &check, because, Some(&check)));
    };
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let label = "podman events of this container";
    // Its log may have been cut at any time: it excludes nothing.
    let events = about(exhibit("events", Source::ContainerEvents, label, &text), &subject.id);
    let events = Exhibit { clock: Clock::Wall, check: Some(check), ..events };
    Found { exhibits: vec![events], ..Found::default() }
}

fn words(roots: &Roots, subject: &Subject, with_logs: bool) -> Found {
    let check = format!("podman logs --tail 300 {}", subject.id);
    match run(roots, &["logs", "--tail", "300", subject.id.as_str()]) {
        Some(ran) => {
            let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
            log::kept(&text, with_logs, &check)
        }
        None => {
            let because = "podman gives no log of it (its log driver may keep none)";
            Found::gap(gap(Source::ApplicationLog, &check, because, None))
        }
    }
}
