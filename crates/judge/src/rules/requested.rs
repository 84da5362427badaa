//! A command in a pasted transcript that asked for this life's end.
//!
//! Not a rule: `docker kill`, `docker stop` and `kill -9` each have their own. A transcript shows what
//! was typed and in which order, not when: a command behind the words that show the end did not make it.

use parse::record::{Request, RequestKind};

use crate::facts::{Fact, Stage, Teller, is_same_name};

/// What Compose tells that it does itself.
const COMPOSE: &str = "docker compose";

/// The last request of one of these kinds that is about this life and stands before its end.
pub(super) fn find<'a>(stage: &Stage<'a>, kinds: &[RequestKind]) -> Option<&'a Fact<Request>> {
    stage.sheet.requests.iter().rfind(|fact| {
        kinds.contains(&fact.what.kind) && concerns(stage, fact) && stands_before(stage, fact)
    })
}

/// A target is this container or pod by name or id; where nothing has a name, the one target of all.
fn concerns(stage: &Stage<'_>, fact: &Fact<Request>) -> bool {
    let (life, request) = (stage.life, &fact.what);
    if request.kind == RequestKind::Process {
        let pids = request.targets.iter().filter_map(|pid| pid.parse().ok());
        return pids.into_iter().any(|pid| knows(stage, pid)) || jobs_end_follows(stage, fact);
    }
    let pod = life.pod.as_ref().and_then(|pod| pod.what.name.as_deref());
    let names: Vec<&str> = life.name.as_deref().into_iter().chain(pod).collect();
    if names.is_empty() && life.id.is_none() {
        // Compose stops what it likes while a build or a job beside it ends: nobody typed its name.
        if request.by == COMPOSE && life.end.is_some() {
            return false;
        }
        let all = stage.sheet.requests.iter().flat_map(|fact| &fact.what.targets);
        return all.collect::<std::collections::BTreeSet<_>>().len() == 1;
    }
    let by_id = |target: &str| {
        let id = casefile::ContainerId::parse(target);
        life.id.as_ref().zip(id).is_some_and(|(own, other)| own.is_same(&other))
    };
    let by_name = |target: &str| names.iter().any(|name| is_same_name(name, target));
    request.targets.iter().any(|target| by_name(target) || by_id(target))
}

/// How the command got into the text: somebody typed it, or Compose tells what it does itself.
pub(super) fn told(request: &Request) -> (String, String) {
    let by = &request.by;
    if by == COMPOSE {
        let verb = if request.kind == RequestKind::Kill { "killed" } else { "stopped" };
        return (
            format!("Compose {verb} it"),
            format!("Compose's own word: it {verb} the container"),
        );
    }
    (
        format!("`{by}` was typed before, and went through"),
        format!("somebody typed `{by}`, and it was answered"),
    )
}

/// A pid that something in the text ties to the container's main process, or to a child that its
/// shell says was killed.
fn knows(stage: &Stage<'_>, pid: u32) -> bool {
    let recorded = stage.sheet.containers.iter().any(|fact| fact.what.pid == Some(pid));
    let shells = stage.child_pids().any(|child| child == pid);
    stage.main_pid() == Some(pid)
        || recorded
        || (shells && matches!(stage.life.teller, Teller::Nobody | Teller::Bare))
}

/// bash's `[1]+  Killed   ./x` behind the command, which names no pid.
fn jobs_end_follows(stage: &Stage<'_>, fact: &Fact<Request>) -> bool {
    let of_shell = stage.child_killed().filter(|(_, by)| *by == "shell");
    let behind = of_shell.is_some_and(|(told, _)| {
        let same = told.cite.exhibit == fact.cite.exhibit;
        same && (fact.cite.span.end..fact.cite.span.end + 400).contains(&told.cite.span.start)
    });
    behind && fact.what.signal == Some(9) && stage.life.teller == Teller::Nobody
}

fn stands_before(stage: &Stage<'_>, fact: &Fact<Request>) -> bool {
    stage.life.end.as_ref().is_none_or(|end| {
        let same = end.cite.exhibit == fact.cite.exhibit;
        same && (fact.cite.span.end..).contains(&end.cite.span.start)
    })
}
