//! What runs now: its runtime as recognised, what it was told, what its workers and the others hold.
//!
//! A look at one moment: workers at rest say little of workers at work, so the page says what was measured.

use casefile::Bytes;
use evidence::live::{Look, OfProcess, Running};
use settings::runtimes::advice::Room;
use settings::runtimes::{Runtime, Version};

use super::AlignArgs;
use super::answer::{Answer, Question};
use crate::commands::{daemon, explain};
use crate::failure::{Failure, NOTHING, USAGE};
use crate::printer::Printer;

/// An answer about what runs.
pub(super) struct Found {
    /// The container's name, where it is one.
    pub(super) name: Option<String>,
    pub(super) answer: Answer,
    /// What was measured and what was not.
    pub(super) notes: Vec<String>,
}

/// A process whose runtime is known.
struct Known {
    process: OfProcess,
    seen: recognise::Seen,
    runtime: Runtime,
    version: Version,
}

/// Looks at a container, or at a process and what belongs to it.
pub(super) fn align(printer: &Printer, arguments: &AlignArgs, name: &str) -> anyhow::Result<Found> {
    let wanted = daemon::wanted(&arguments.daemon, name.to_owned(), explain::now()?);
    let mut progress = |doing: &str| printer.progress(doing);
    let running = match arguments.pid {
        Some(pid) => evidence::live::running_process(pid),
        None => evidence::live::running_container(&wanted, &mut progress),
    };
    let running = running.map_err(|error| explain::not_gathered(&error))?;
    printer.progress("looking at its processes");
    let look = running.look();
    let called = running.name.clone().unwrap_or_else(|| format!("pid {}", running.pid));
    let all: Vec<Known> = look.processes.iter().filter_map(known).collect();
    let main = main(&running, &all).ok_or_else(|| {
        Failure::new(NOTHING, format!("no process of `{called}` has a runtime that is known"))
            .hint("why137 align --predict node@22 --limit 512m")
    })?;
    let limit =
        arguments.limit.or(look.limit.as_ref().map(|limit| limit.bytes)).ok_or_else(|| {
            Failure::new(
                USAGE,
                format!("nothing limits `{called}`: `--limit SIZE` says what it shall live in"),
            )
        })?;
    let view = match main.seen.view.clone() {
        Some(view) if arguments.limit.is_none() => view,
        // Under another limit it sees another world; the machine and its processors stay.
        Some(view) => moved(view, limit),
        None => arguments.imagined.view(Some(limit))?,
    };
    let mut notes = Vec::new();
    let measured = measured(&look, &all, main, limit, &mut notes);
    let given = arguments.measured.room(limit, measured.processes);
    let room = Room {
        others: arguments.measured.others.unwrap_or(measured.others),
        worker: given.worker.or(measured.worker),
        master: given.master.or(measured.master),
        ..given
    };
    let mut told = main.seen.told.clone();
    let more = arguments.imagined.told()?;
    told.arguments.splice(0..0, more.arguments);
    told.environment.extend(more.environment);
    told.settings.extend(more.settings);
    let current = look.limit.as_ref().map(|limit| limit.bytes);
    let question = Question {
        runtime: main.runtime,
        version: Some(main.version.clone()),
        view,
        told,
        spelled: None,
        room,
        is_new_limit: arguments.limit.is_some_and(|limit| Some(limit) != current),
    };
    for other in strangers(&all, main.runtime) {
        notes.push(format!("{other} runs there too, and is counted with what it holds now"));
    }
    Ok(Found { name: running.name.clone(), answer: question.answer(), notes })
}

fn known(process: &OfProcess) -> Option<Known> {
    let seen = recognise::process(process.pid).ok()?;
    let (runtime, version) = seen.runtime.clone()?;
    Some(Known { process: *process, seen, runtime, version })
}

/// The main process, if its runtime is known; else the largest of those that are nobody's workers.
fn main<'a>(running: &Running, all: &'a [Known]) -> Option<&'a Known> {
    let held = |one: &&Known| one.process.measured.map_or(0, |measured| measured.pss.0);
    let masters = all.iter().filter(|one| {
        one.seen.worker_of.is_none_or(|of| !all.iter().any(|other| other.process.pid == of))
    });
    all.iter().find(|one| one.process.pid == running.pid).or_else(|| masters.max_by_key(held))
}

/// The same view with another limit, wherever the process saw one before.
pub(super) fn moved(view: settings::runtimes::View, limit: Bytes) -> settings::runtimes::View {
    let other = |old: Option<Bytes>| old.map(|_| limit);
    let nothing_seen =
        [view.at_mount_root, view.leaf, view.above, view.hierarchical].iter().all(Option::is_none);
    settings::runtimes::View {
        in_effect: Some(limit),
        at_mount_root: other(view.at_mount_root),
        // A limit where there was none will be the container's own.
        leaf: if nothing_seen && view.in_effect.is_none() { Some(limit) } else { other(view.leaf) },
        above: other(view.above),
        hierarchical: other(view.hierarchical),
        ..view
    }
}

/// What was measured: the largest worker, its master, and everybody else.
fn measured(
    look: &Look,
    all: &[Known],
    main: &Known,
    limit: Bytes,
    notes: &mut Vec<String>,
) -> Room {
    let is_kin = |one: &&Known| one.runtime == main.runtime;
    let kin: Vec<&Known> = all.iter().filter(is_kin).collect();
    let is_own = |process: &OfProcess| kin.iter().any(|one| one.process.pid == process.pid);
    let held = |processes: &mut dyn Iterator<Item = &OfProcess>| {
        processes.filter_map(|one| one.measured).fold(0u64, |sum, it| sum.saturating_add(it.kept.0))
    };
    let strangers = held(&mut look.processes.iter().filter(|one| !is_own(one)));
    // Files on tmpfs that nobody maps; a data store's own shared memory is mapped.
    let mapped = look.processes.iter().filter_map(|one| one.measured);
    let mapped = mapped.fold(0u64, |sum, it| sum.saturating_add(it.shmem.0));
    let files = look.holds.shmem.map_or(0, |shmem| shmem.0.saturating_sub(mapped));
    let is_pool = matches!(
        main.runtime,
        Runtime::Python | Runtime::Ruby | Runtime::Php | Runtime::Nginx | Runtime::Postgres
    );
    let mut room = Room { others: Bytes(strangers.saturating_add(files)), ..Room::of(limit) };
    if !is_pool {
        room.processes = kin.len().max(1) as u64;
        return room;
    }
    let workers: Vec<&&Known> =
        kin.iter().filter(|one| one.seen.worker_of == Some(main.process.pid)).collect();
    let parts: Option<Vec<_>> = workers.iter().map(|one| one.process.measured).collect();
    let Some(parts) = parts.filter(|parts| !parts.is_empty()) else {
        notes.push("no worker of it could be measured".to_owned());
        return room;
    };
    let largest = parts.iter().map(|part| part.private_peak).max().unwrap_or(Bytes(0));
    let apart = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.private.0));
    let whole = kin.iter().filter_map(|one| one.process.measured);
    let whole = whole.fold(0u64, |sum, part| sum.saturating_add(part.pss.0));
    let master = Bytes(whole.saturating_sub(apart));
    notes.push(format!(
        "measured now: {} workers, the largest came to {largest} alone; the master with what all share {master}",
        parts.len()
    ));
    Room { worker: Some(largest), master: Some(master), ..room }
}

/// Other runtimes beside the one that is answered for.
fn strangers(all: &[Known], runtime: Runtime) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for one in all.iter().filter(|one| one.runtime != runtime) {
        let name = format!("{} {}", one.runtime.word(), one.version);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
