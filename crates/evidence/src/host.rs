//! Every death a whole machine still has evidence of, gathered in one pass: all containers of its
//! daemons, the kernel's log, units that failed, the journal, and the counters of every cgroup.
//!
//! Each source is read once for all, each with its own deadline, all at the same time. A daemon that does
//! not answer is a gap here: the kernel's log and systemd still tell of their own. What the programs
//! wrote is not read: that is for the question about one of them.

pub(crate) mod containers;
mod counters;
mod units;

use std::path::PathBuf;

use casefile::{Asked, CaseFile, Moment, Source};
use tokio::runtime::Builder;

use crate::deadline::{self, Pending};
use crate::docker::answers::DaemonFacts;
use crate::docker::host::{self, Host};
use crate::docker::http::Daemon;
use crate::events::{self, History};
use crate::found::{Found, gap, plain};
use crate::gather::{close, elsewhere, fetch_list, remote_sources};
use crate::machine::{self, Clocks};
use crate::roots::Roots;
use crate::{GatherError, Wanted, journal, kmsg, remote};
use containers::Containers;

/// Gathers everything about every death on this machine, or on the one whose daemon was named.
/// `since` leaves out older journals; `progress` is told, in a few words, what is being read.
///
/// # Errors
/// The daemon that was named is of no known kind.
pub fn gather_host(
    wanted: &Wanted,
    since: Option<Moment>,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    gather(wanted, since, &Roots::default(), progress)
}

fn gather(
    wanted: &Wanted,
    since: Option<Moment>,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    let host = host::choose(wanted, roots)?;
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let survey = Survey { wanted, since, roots, clocks: Clocks::read() };
    let case = runtime.block_on(survey.run(host, progress));
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    Ok(case)
}

/// One look at everything.
struct Survey<'a> {
    wanted: &'a Wanted,
    since: Option<Moment>,
    roots: &'a Roots,
    clocks: Clocks,
}

/// What one daemon said.
struct Told {
    found: Found,
    /// Why this machine's own files are not about its containers.
    elsewhere: Option<String>,
}

impl Survey<'_> {
    async fn run(&self, host: Host, progress: &mut dyn FnMut(&str)) -> CaseFile {
        progress("asking docker, the kernel and systemd");
        // Before docker has said where it runs: most daemons are near.
        let local = host.socket().is_some().then(|| self.start_local());
        let other = self.podman(&host);
        let ssh = host.ssh().cloned();
        let far = ssh.map(|ssh| std::thread::spawn(move || remote::read_kernel(&ssh, None)));
        let mut told = self.ask(host.clone(), progress).await;
        if let Some(other) = other {
            told.found.add(self.ask(other, progress).await.found);
        }
        let mut found = told.found;
        match (local, told.elsewhere) {
            (Some(local), None) => found.add(local.finish(progress)),
            (_, because) => {
                let because = because.unwrap_or_else(|| {
                    format!("the containers run on another machine, behind {host}")
                });
                found.add(remote_sources(&because, far));
            }
        }
        self.case(found)
    }

    /// Podman's socket, where nobody named a daemon and it is there beside docker's.
    fn podman(&self, chosen: &Host) -> Option<Host> {
        let default = *chosen == Host::Unix(self.roots.docker_socket.clone());
        let sockets = [
            PathBuf::from("/run/podman/podman.sock"),
            self.roots.user_runtime.join("podman/podman.sock"),
        ];
        let there = sockets.into_iter().find(|socket| socket.exists());
        let alias = |socket: &PathBuf| {
            let real = |path: &PathBuf| std::fs::canonicalize(path).ok();
            real(socket) == real(&self.roots.docker_socket)
        };
        there.filter(|socket| default && !alias(socket)).map(Host::Unix)
    }

    /// Asks one daemon for all of its containers.
    async fn ask(&self, host: Host, progress: &mut dyn FnMut(&str)) -> Told {
        let client = host.client(self.roots);
        let daemon = Daemon::at(host);
        let about = |daemon: &Daemon| (daemon.start("/info"), daemon.start("/version"));
        let near = daemon.host.socket().is_some().then(|| about(&daemon));
        let list = fetch_list(&daemon).await;
        let list = match list {
            Ok(list) => list,
            Err(error) => {
                let check = format!("{client} ps -a");
                let gap = gap(Source::ContainerInspect, &check, &error.plain(), None);
                return Told { found: Found::gap(gap), elsewhere: None };
            }
        };
        progress("containers");
        let states = containers::states(&daemon, &list).await;
        // Another machine's clock is asked for after the states, see `events::until`.
        let (info, version) = near.unwrap_or_else(|| about(&daemon));
        let (info, version) = (info.text().await, version.text().await);
        let facts = DaemonFacts::read(&info.unwrap_or_default(), &version.unwrap_or_default());
        let listener = daemon.listener_pid().await;
        let elsewhere = elsewhere(&daemon.host, &facts, listener, self.roots);
        // After the states, so that a death in between is in both or only in the events.
        let until = events::until(&daemon.host, &facts);
        let answer = daemon.start(&events::path(until)).answer().await;
        let started = elsewhere.is_none().then(|| {
            machine::daemon_started(listener, daemon.host.socket(), self.roots, &self.clocks)
        });
        let started = started.flatten();
        let history = History::read(&answer);
        let all = Containers { states, history: &history, started, client: &client };
        let mut found = all.found(answer);
        found.facts.extend(started.map(|at| ("daemon-started-at", at.0.to_string())));
        found.facts.extend(machine::daemon_facts(&facts));
        if elsewhere.is_none() {
            progress("the containers' cgroups");
            let (subjects, roots) = (all.subjects(), self.roots.clone());
            let files = deadline::start(move || containers::files(&subjects, &facts, &roots));
            found.add(files.wait().unwrap_or_else(|| late(Source::Cgroup, "/sys/fs/cgroup")));
        }
        Told { found, elsewhere }
    }

    fn start_local(&self) -> Local {
        let (since, clocks, now) = (self.since, self.clocks, self.clocks.now());
        let with_roots = || self.roots.clone();
        let roots = with_roots();
        let kernel = deadline::start(move || {
            let ring = kmsg::read_all(&roots.dev_kmsg, &clocks);
            let mut found = ring.found;
            let until = oldest_record(&found, &clocks).unwrap_or(now);
            if since.is_none_or(|since| since < until) {
                found.add(journal::read_older_kernel(&roots, since, until));
            }
            found
        });
        let roots = with_roots();
        let journal = deadline::start(move || {
            let since = since.or_else(|| now.plus_micros(-DAEMONS_DAYS * 86_400_000_000));
            journal::read_whole_host(&roots, since, now)
        });
        let units = deadline::start(units::failed);
        let roots = with_roots();
        let counters = deadline::start(move || counters::read(&roots));
        let roots = with_roots();
        let machine = deadline::start(move || Found {
            facts: machine::local_facts(&roots, &clocks),
            ..Found::default()
        });
        Local { kernel, journal, units, counters, machine }
    }

    fn case(&self, found: Found) -> CaseFile {
        let asked = Asked { whole_host: true, ..Asked::default() };
        close(asked, found, self.wanted.now)
    }
}

/// Older lines of daemons are read for one container, not for the list.
const DAEMONS_DAYS: i64 = 7;

/// When the oldest record of the ring was written.
fn oldest_record(found: &Found, clocks: &Clocks) -> Option<Moment> {
    let (_, micros) = found.facts.iter().find(|(key, _)| *key == "kernel-log-since-micros")?;
    clocks.kernel_log_zero().plus_micros(micros.parse().ok()?)
}

fn late(source: Source, tried: &str) -> Found {
    Found::gap(gap(source, tried, &plain(&std::io::ErrorKind::TimedOut.into()), None))
}

/// This machine's sources, being read.
struct Local {
    kernel: Pending<Found>,
    journal: Pending<Found>,
    units: Pending<Found>,
    counters: Pending<Found>,
    machine: Pending<Found>,
}

impl Local {
    fn finish(self, progress: &mut dyn FnMut(&str)) -> Found {
        let mut found = Found::default();
        // First, because its own facts about the kernel and memory are the ones that count.
        found.add(self.machine.wait().unwrap_or_else(|| late(Source::Machine, "/proc/meminfo")));
        progress("kernel log");
        found.add(self.kernel.wait().unwrap_or_else(|| late(Source::KernelLog, "/dev/kmsg")));
        progress("units and counters");
        found.add(self.units.wait().unwrap_or_else(|| late(Source::UnitState, "systemctl")));
        found.add(self.counters.wait().unwrap_or_else(|| late(Source::Cgroup, "/sys/fs/cgroup")));
        progress("journal");
        found.add(self.journal.wait().unwrap_or_else(|| late(Source::Journal, "journalctl")));
        found
    }
}

#[cfg(test)]
mod tests;
