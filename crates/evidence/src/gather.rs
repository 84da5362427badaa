//! One question about a container, from its name to its case: ask the daemon, then everything else
//! at once, each source with its own deadline.
//!
//! Order matters in one place: the events are asked for after the container's state, so that a death
//! in between is in both or only in the events, never only in the state.

use std::time::Duration;

use casefile::{Asked, CaseFile, ContainerId, Moment, Source};
use tokio::runtime::Builder;

use crate::cgroup::place::{self, Place};
use crate::deadline::{self, Pending};
use crate::docker::answers::{self, DaemonFacts, Listed};
use crate::docker::host::{self, Host};
use crate::docker::http::{ApiError, Daemon};
use crate::events::{self, History};
use crate::found::{Found, about, exhibit, gap, plain};
use crate::machine::{self, Clocks};
use crate::names::{self, Resolved};
use crate::roots::Roots;
use crate::subject::Subject;
use crate::{GatherError, Wanted, cgroup, config, journal, kmsg, log, proc};

/// Gathers everything that is known about a container. `progress` is told, in a few words, what is
/// being read.
///
/// # Errors
/// There is no daemon to ask, or nobody knows the container.
pub fn gather_container(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    gather(wanted, &Roots::default(), progress)
}

/// The names of all containers, for completion; none if the daemon does not answer quickly.
pub fn known_names(wanted: &Wanted) -> Vec<String> {
    let Ok(host) = host::choose(wanted, &Roots::default()) else { return Vec::new() };
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let daemon = Daemon::with_patience(host, Duration::from_millis(500));
    let listed = runtime.block_on(fetch_list(&daemon)).unwrap_or_default();
    runtime.shutdown_background();
    let mut names: Vec<String> = listed.into_iter().flat_map(|one| one.names).collect();
    names.sort_unstable();
    names
}

fn gather(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    let host = host::choose(wanted, roots)?;
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let search = Search {
        wanted,
        roots,
        client: host.client(roots),
        clocks: Clocks::read(),
        daemon: Daemon::at(host),
    };
    let case = runtime.block_on(search.run(progress));
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    case
}

/// One question on its way.
struct Search<'a> {
    wanted: &'a Wanted,
    roots: &'a Roots,
    /// How a person calls the same daemon.
    client: String,
    clocks: Clocks,
    daemon: Daemon,
}

impl Search<'_> {
    async fn run(&self, progress: &mut dyn FnMut(&str)) -> Result<CaseFile, GatherError> {
        progress("asking docker");
        let history = self.daemon.start(&events::path(self.clocks.now(), None));
        let (info, version) = (self.daemon.start("/info"), self.daemon.start("/version"));
        let list = fetch_list(&self.daemon).await.map_err(|error| self.no_daemon(&error))?;
        let (info, version) = (info.text().await, version.text().await);
        let facts = DaemonFacts::read(&info.unwrap_or_default(), &version.unwrap_or_default());
        let remembered = History::read(&history.answer().await);
        let listener = self.daemon.listener_pid().await;
        let elsewhere = elsewhere(&self.daemon.host, &facts, listener, self.roots);
        let host = self.daemon.host.to_string();
        let resolved = names::resolve(&self.wanted.name, &host, &list, &remembered.events)?;
        let (subject, mut found) = self.inspect(&resolved, &remembered).await;

        let local = match elsewhere {
            None => Ok(self.start_local(&subject, &facts)),
            Some(because) => Err(because),
        };
        progress("docker events and log");
        found.add(self.ask_again(&subject, listener, local.is_ok()).await);
        found.facts.extend(machine::daemon_facts(&facts));
        match local {
            Ok(local) => found.add(local.finish(&subject, progress)),
            Err(because) => found.gaps.extend(local_gaps(&because)),
        }
        Ok(self.case(&subject, found))
    }

    fn no_daemon(&self, error: &ApiError) -> GatherError {
        let socket =
            self.daemon.host.socket().map(|path| host::shell_word(&path.display().to_string()));
        let denied = matches!(error, ApiError::Connect { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied);
        let hint = match (socket, denied) {
            (Some(socket), true) => format!(
                "run it as root, or as a user who may write to the socket: `ls -l {socket}`"
            ),
            (Some(_), false) => "`docker context ls` shows where docker's own client would look; \
                 `systemctl status docker` shows whether it runs; \
                 text that is already there can be explained without docker: `why137 explain FILE`"
                .to_owned(),
            (None, _) => {
                format!("`{} info` shows whether docker's own client gets through", self.client)
            }
        };
        GatherError::NoDaemon { host: self.daemon.host.to_string(), because: error.plain(), hint }
    }

    /// The container's state, or what its events tell if it is gone.
    async fn inspect(&self, resolved: &Resolved, history: &History) -> (Subject, Found) {
        let id = match resolved {
            Resolved::Existing(id) | Resolved::Removed(id) => id,
        };
        let check = format!("{} inspect {id}", self.client);
        let because = match resolved {
            Resolved::Removed(_) => "the container has been removed".to_owned(),
            Resolved::Existing(_) => {
                match self.daemon.fetch(&format!("/containers/{id}/json")).await {
                    Ok(text) => {
                        return (Subject::inspected(id, &text), self.state(id, &text, check));
                    }
                    Err(error) if error.is_not_found() => {
                        "the container was removed a moment ago".to_owned()
                    }
                    Err(error) => {
                        let gap =
                            gap(Source::ContainerInspect, &check, &error.plain(), Some(&check));
                        let subject = Subject::remembered(id, &history.events);
                        return (Subject { exists: true, ..subject }, Found::gap(gap));
                    }
                }
            }
        };
        let gap = gap(Source::ContainerInspect, &check, &because, None);
        (Subject::remembered(id, &history.events), Found::gap(gap))
    }

    fn state(&self, id: &ContainerId, text: &str, check: String) -> Found {
        let short: String = id.as_str().chars().take(12).collect();
        let label = format!("docker inspect {short}");
        let mut exhibit = about(exhibit("inspect", Source::ContainerInspect, &label, text), id);
        exhibit.clock = casefile::Clock::Wall;
        exhibit.check = Some(check);
        Found { exhibits: vec![exhibit], ..Found::default() }
    }

    /// What the daemon is asked once the container is known.
    async fn ask_again(&self, subject: &Subject, listener: Option<u32>, local: bool) -> Found {
        // Fresh, so that what happened since the first question is in it.
        let until = Clocks::read().now();
        let own = self.daemon.start(&events::path(until, Some(subject.id.as_str())));
        let all = self.daemon.start(&events::path(until, None));
        let log = subject.exists.then(|| self.daemon.start(&log::path(subject)));
        let (own, all) = (own.answer().await, all.answer().await);
        let started = local.then(|| {
            machine::daemon_started(listener, self.daemon.host.socket(), self.roots, &self.clocks)
        });
        let started = started.flatten();
        let mut found = events::found(subject, own, &History::read(&all), started, &self.client);
        found.facts.extend(started.map(|at| ("daemon-started-at", at.0.to_string())));
        found.add(match log {
            Some(log) => {
                log::found(subject, log.answer().await, self.wanted.with_logs, &self.client)
            }
            None => {
                let tried = format!("{} logs {}", self.client, subject.id);
                let because = "the container has been removed, and its log with it";
                Found::gap(gap(Source::ApplicationLog, &tried, because, None))
            }
        });
        found
    }

    /// Starts reading everything of this machine at once.
    fn start_local(&self, subject: &Subject, facts: &DaemonFacts) -> Local {
        let (roots, clocks, now) = (self.roots.clone(), self.clocks, self.clocks.now());
        let kernel = {
            let (roots, subject) = (roots.clone(), subject.clone());
            deadline::start(move || kmsg::read(&roots.dev_kmsg, &subject, &clocks))
        };
        let journal = {
            let (roots, subject) = (roots.clone(), subject.clone());
            deadline::start(move || journal::read_daemons(&roots, &subject, now))
        };
        let state = {
            let (subject, root_dir) = (subject.clone(), facts.root_dir.clone());
            deadline::start(move || read_config(&subject, root_dir.as_deref()))
        };
        let cgroup = {
            let (roots, subject) = (roots.clone(), subject.clone());
            let driver = facts.cgroup_driver.clone();
            deadline::start(move || {
                let place = place::find(&subject, driver.as_deref(), &roots);
                read_cgroup(&subject, place, &roots, &clocks)
            })
        };
        let machine = deadline::start({
            let roots = roots.clone();
            move || Found { facts: machine::local_facts(&roots, &clocks), ..Found::default() }
        });
        Local { kernel, journal, state, cgroup, machine, roots, now }
    }

    /// Puts the exhibits into the order a reader wants and closes the case.
    fn case(&self, subject: &Subject, found: Found) -> CaseFile {
        let asked = Asked {
            name: Some(self.wanted.name.clone()),
            container_id: Some(subject.id.clone()),
            ..Asked::default()
        };
        let mut case = CaseFile::new(asked, self.wanted.now);
        case.exhibits = found.exhibits;
        case.exhibits.extend(machine::as_exhibit(&found.facts));
        case.exhibits.sort_by_key(|exhibit| rank(exhibit.source));
        case.gaps = found.gaps;
        case.gaps.sort_by_key(|gap| rank(gap.source));
        case
    }
}

async fn fetch_list(daemon: &Daemon) -> Result<Vec<Listed>, ApiError> {
    let path = "/containers/json?all=1";
    let text = daemon.fetch(path).await?;
    answers::list(&text).map_err(|source| ApiError::Shape { path: path.to_owned(), source })
}

/// The order of sources in a case.
fn rank(source: Source) -> u8 {
    match source {
        Source::ContainerInspect => 0,
        Source::ContainerEvents => 1,
        Source::DockerConfig => 2,
        Source::KernelLog => 3,
        Source::Journal => 4,
        Source::Cgroup => 5,
        Source::Proc => 6,
        Source::ApplicationLog => 7,
        Source::Trace => 8,
        Source::Machine => 9,
        Source::Kubernetes | Source::Ecs | Source::Pasted => 10,
    }
}

/// Why this machine's own files say nothing about the container, if it runs on another one. A
/// socket may be forwarded from another machine: then the silence of this one's kernel log would
/// exclude what happened there.
fn elsewhere(
    host: &Host,
    daemon: &DaemonFacts,
    listener: Option<u32>,
    roots: &Roots,
) -> Option<String> {
    if host.socket().is_none() {
        return Some(format!("the container runs on another machine, behind {host}"));
    }
    if let Some(system) = daemon.system.as_ref().filter(|system| system.contains("Docker Desktop"))
    {
        return Some(format!("the container runs in the virtual machine of {system}"));
    }
    let differ = |theirs: &Option<String>, ours: Option<String>| match (theirs, ours) {
        (Some(theirs), Some(ours)) if *theirs != ours => Some((theirs.clone(), ours)),
        _ => None,
    };
    if let Some((theirs, ours)) = differ(&daemon.kernel, machine::kernel_release(roots)) {
        return Some(format!(
            "the container runs on another machine: its kernel is {theirs}, this one is {ours}"
        ));
    }
    // In a container that was given the socket the host name differs as well, but there the
    // listener cannot be seen.
    let forwarded = listener.is_some_and(|pid| !machine::may_be_docker(pid, roots));
    let (theirs, ours) =
        differ(&daemon.host_name, machine::host_name(roots)).filter(|_| forwarded)?;
    Some(format!("the container runs on another machine: it is called {theirs}, this one {ours}"))
}

/// The gaps of a container that runs elsewhere.
fn local_gaps(because: &str) -> Vec<casefile::Gap> {
    [
        (Source::DockerConfig, "config.v2.json"),
        (Source::KernelLog, "/dev/kmsg"),
        (Source::Journal, "journalctl"),
        (Source::Cgroup, "/sys/fs/cgroup"),
        (Source::Proc, "/proc"),
    ]
    .into_iter()
    .map(|(source, tried)| gap(source, tried, because, None))
    .collect()
}

fn read_config(subject: &Subject, root_dir: Option<&str>) -> Found {
    if subject.exists {
        return config::read(subject, root_dir);
    }
    let because = "the container has been removed, and docker's state of it too";
    Found::gap(gap(Source::DockerConfig, "config.v2.json", because, None))
}

fn read_cgroup(
    subject: &Subject,
    place: Result<Place, String>,
    roots: &Roots,
    clocks: &Clocks,
) -> Found {
    let place = match place {
        Ok(place) => place,
        Err(because) => {
            let mut found = Found::gap(gap(Source::Cgroup, "/sys/fs/cgroup", &because, None));
            found.gaps.extend(
                subject.pid.map(|pid| gap(Source::Proc, &format!("/proc/{pid}"), &because, None)),
            );
            return found;
        }
    };
    let mut found = cgroup::read(subject, &place);
    if subject.pid.is_some() {
        found.add(proc::read(subject, &place, roots, clocks));
    }
    found
}

/// This machine's sources, being read.
struct Local {
    kernel: Pending<kmsg::KernelLog>,
    journal: Pending<Found>,
    state: Pending<Found>,
    cgroup: Pending<Found>,
    machine: Pending<Found>,
    roots: Roots,
    now: Moment,
}

impl Local {
    fn finish(self, subject: &Subject, progress: &mut dyn FnMut(&str)) -> Found {
        let late = |source: Source, tried: &str| {
            let because = plain(&std::io::ErrorKind::TimedOut.into());
            Found::gap(gap(source, tried, &because, None))
        };
        let mut found = Found::default();
        // First, because its own facts about the kernel and memory are the ones that count.
        found.add(self.machine.wait().unwrap_or_else(|| late(Source::Machine, "/proc/meminfo")));
        progress("kernel log");
        let kernel = self.kernel.wait();
        let covered = kernel.as_ref().is_some_and(|kernel| kernel.covers);
        found.add(match kernel {
            Some(kernel) => kernel.found,
            None => late(Source::KernelLog, "/dev/kmsg"),
        });
        // What never started was never killed; no log needs to reach back to it.
        if !covered && subject.started.is_some() {
            progress("kernel lines of the journal");
            found.add(journal::read_kernel(&self.roots, subject, self.now));
        }
        progress("cgroup and processes");
        found.add(self.cgroup.wait().unwrap_or_else(|| late(Source::Cgroup, "/sys/fs/cgroup")));
        found
            .add(self.state.wait().unwrap_or_else(|| late(Source::DockerConfig, "config.v2.json")));
        progress("journal");
        found.add(self.journal.wait().unwrap_or_else(|| late(Source::Journal, "journalctl")));
        found
    }
}

#[cfg(test)]
mod tests;
