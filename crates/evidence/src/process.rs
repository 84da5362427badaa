//! One question about a process by its pid: its cgroup, limits and counters while it lives; what the
//! kernel log, the journal and the audit log say of that pid once it is gone.
//!
//! A pid is used again after at most `kernel.pid_max` others: of a dead one only its time tells which
//! process it was. A process in a container of docker's is told by the container's id; the asker
//! explains that container where docker can be reached.
//!
//! Leans on proc(5), cgroups(7).

use casefile::{Asked, CaseFile, ContainerId, Moment, Source};

use crate::cgroup::place::{self, Place};
use crate::found::{Found, gap, plain};
use crate::journal;
use crate::machine::Clocks;
use crate::roots::{Roots, read_text};
use crate::subject::Life;
use crate::unit::of_machine;
use crate::{GatherError, Wanted, gather, gather_container};

/// What is known of a process.
#[derive(Debug)]
pub struct OfProcess {
    /// The case.
    pub case: CaseFile,
    /// The container that it lives in, where docker explained that one.
    pub container: Option<ContainerId>,
}

/// Gathers everything that is known about a process.
///
/// # Errors
/// None yet: what is not known of a pid is a gap.
pub fn gather_process(
    wanted: &Wanted,
    pid: u32,
    progress: &mut dyn FnMut(&str),
) -> Result<OfProcess, GatherError> {
    let roots = Roots::default();
    let place = place_of(pid, &roots);
    let container = place.as_ref().ok().and_then(|place| place.path.container_id());
    if let Some(id) = &container {
        let of_container = Wanted { name: id.to_string(), ..wanted.clone() };
        if let Ok(mut case) = gather_container(&of_container, progress) {
            case.asked.pid = Some(pid);
            return Ok(OfProcess { case, container });
        }
    }
    Ok(OfProcess { case: gather_at(wanted, pid, place, &roots, progress), container: None })
}

fn gather_at(
    wanted: &Wanted,
    pid: u32,
    place: Result<Place, String>,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> CaseFile {
    let clocks = Clocks::read();
    let started = read_text(&roots.of_process(pid, "stat")).ok();
    let started = started.and_then(|stat| clocks.process_start(&stat));
    let life = Life {
        noun: "process",
        about: None,
        pid: Some(pid).filter(|_| place.is_ok()),
        first_known: started.filter(|_| place.is_ok()),
        started: started.filter(|_| place.is_ok()),
        ended: None,
        processes_check: format!("ps -o pid,ppid,rss,stat,wchan,args -p {pid}"),
    };
    progress("kernel log");
    let mut found = of_machine(&life, place.as_ref().ok(), roots, &clocks);
    if let Err(because) = &place {
        found.gaps.push(gap(Source::Proc, &format!("/proc/{pid}"), because, None));
        progress("journal");
        found.add(of_the_past(roots, &clocks));
    }
    let asked = Asked {
        name: Some(format!("pid {pid}")),
        pid: Some(pid),
        cgroup: place.ok().map(|place| place.path),
        ..Asked::default()
    };
    gather::close(asked, found, wanted.now)
}

/// What is written of a process that is gone: this boot's kernel lines, the daemons that kill.
fn of_the_past(roots: &Roots, clocks: &Clocks) -> Found {
    let since: Option<Moment> = clocks.booted();
    let mut found = journal::read_kernel_since(roots, since, clocks.now());
    found.add(journal::read_killers(roots, since, clocks.now()));
    found
}

/// The memory cgroup of a process; why there is none, in plain words.
fn place_of(pid: u32, roots: &Roots) -> Result<Place, String> {
    let text = read_text(&roots.of_process(pid, "cgroup")).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no process has this pid now".to_owned(),
        _ => plain(&error),
    })?;
    place::of_text(&text, roots)
        .ok_or_else(|| "it is in no memory cgroup that is mounted here".to_owned())
}
