//! One question about a container, from its name to its case: ask the daemon, then everything else
//! at once, each source with its own deadline.
//!
//! Order matters in one place: the events are asked for after the container's state, so that a death
//! in between is in both or only in the events, never only in the state.

use std::thread::JoinHandle;
use std::time::Duration;

use casefile::{Asked, CaseFile, ContainerId, Exhibit, Moment, Source};
use tokio::runtime::Builder;

use crate::cgroup::place::{self, Place};
use crate::deadline::{self, Pending};
use crate::docker::answers::{self, DaemonFacts, Listed};
use crate::docker::host::{self, Host};
use crate::docker::http::{ApiError, Call, Daemon};
use crate::events::{self, History};
use crate::found::{Found, about, exhibit, gap, plain};
use crate::machine::{self, Clocks};
use crate::names::{self, Resolved};
use crate::roots::Roots;
use crate::subject::{Life, Subject};
use crate::{GatherError, Wanted, cgroup, config, ctr, journal, kmsg, log, podman, proc, remote};

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
    let asked = host::choose(wanted, roots).and_then(|host| ask(host, wanted, roots, progress));
    docker_first(wanted, asked, || by_podman(wanted, roots, progress).map(Ok))
}

/// Docker's answer; where it may be another's container, the others' if one of them knows it.
pub(crate) fn docker_first<T>(
    wanted: &Wanted,
    asked: Result<T, GatherError>,
    others: impl FnOnce() -> Option<Result<T, GatherError>>,
) -> Result<T, GatherError> {
    // Whoever names docker's daemon means docker.
    let named = wanted.docker_host.is_some() || wanted.docker_context.is_some();
    match asked {
        Err(error) if !named && may_be_podmans(&error) => others().unwrap_or(Err(error)),
        answered => answered,
    }
}

/// Docker does not answer here, or does not know the name.
pub(crate) fn may_be_podmans(error: &GatherError) -> bool {
    matches!(error, GatherError::NoDaemon { .. } | GatherError::NoSuchContainer { .. })
}

fn by_podman(wanted: &Wanted, roots: &Roots, progress: &mut dyn FnMut(&str)) -> Option<CaseFile> {
    let answered = podman::sockets(wanted, roots)
        .into_iter()
        .find_map(|host| ask(host, wanted, roots, progress).ok());
    answered
        .or_else(|| podman::by_command(wanted, roots, progress))
        .or_else(|| ctr::by_command(wanted, roots, progress))
}

/// Asks one daemon.
fn ask(
    host: Host,
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let search = Search::at(host, wanted, roots);
    let case = runtime.block_on(search.run(progress));
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    case
}

/// Calls that need the container's id and times.
struct More {
    events: Call,
    log: Option<Call>,
}

/// What docker says of the container, or why it says nothing.
pub(crate) type State = Result<String, casefile::Gap>;

/// One question on its way.
pub(crate) struct Search<'a> {
    wanted: &'a Wanted,
    roots: &'a Roots,
    /// How a person calls the same daemon.
    client: String,
    clocks: Clocks,
    pub(crate) daemon: Daemon,
}

impl<'a> Search<'a> {
    /// A question to this daemon.
    pub(crate) fn at(host: Host, wanted: &'a Wanted, roots: &'a Roots) -> Self {
        let client = host.client(roots);
        Self { wanted, roots, client, clocks: Clocks::read(), daemon: Daemon::at(host) }
    }

    /// The container that is meant, and what docker says of it.
    pub(crate) async fn meant(&self) -> Result<(Subject, State), GatherError> {
        match self.by_name().await {
            Some((subject, state, _)) => Ok((subject, state)),
            None => Ok(self.inspect(&self.resolve().await?).await),
        }
    }

    async fn run(&self, progress: &mut dyn FnMut(&str)) -> Result<CaseFile, GatherError> {
        progress("asking docker");
        let about = |daemon: &Daemon| (daemon.start("/info"), daemon.start("/version"));
        let socket = self.daemon.host.socket();
        let listener = self.daemon.listener_pid().await;
        let own = machine::dockerd(listener, socket, self.roots).is_some();
        // Another machine's clock is asked for after the container's state, see `events::until`.
        let near = (socket.is_some() && !own).then(|| about(&self.daemon));
        let (subject, state, server) = match self.by_name().await {
            Some(known) => known,
            None => {
                let (subject, state) = self.inspect(&self.resolve().await?).await;
                (subject, state, None)
            }
        };
        // What needs only the container's times is read while docker describes itself. journalctl
        // takes longest: nothing is done before it is under way.
        let here = socket.is_some();
        let early = here.then(|| Early::start(self.roots, &self.clocks, &subject));
        let more = here.then(|| self.ask_more(&subject, Clocks::read().now()));
        let nearby = server.filter(|_| own).and_then(|server| self.nearby(&server, &subject));
        let mut found = self.state(&subject.id, state);
        let facts = match nearby {
            Some(facts) => facts,
            None => {
                let (info, version) = near.unwrap_or_else(|| about(&self.daemon));
                let (info, version) = (info.text().await, version.text().await);
                DaemonFacts::read(&info.unwrap_or_default(), &version.unwrap_or_default())
            }
        };
        let elsewhere = elsewhere(&self.daemon.host, &facts, listener, self.roots);

        let local = match elsewhere {
            None => {
                let early =
                    early.unwrap_or_else(|| Early::start(self.roots, &self.clocks, &subject));
                Ok(early.with(self.roots, &self.clocks, &subject, &facts))
            }
            Some(because) => Err((because, self.start_remote(&subject))),
        };
        progress("docker events and log");
        let more = more
            .unwrap_or_else(|| self.ask_more(&subject, events::until(&self.daemon.host, &facts)));
        found.add(self.answers(more, &subject, listener, local.is_ok()).await);
        found.add(self.swarm(&subject).await);
        found.facts.extend(machine::daemon_facts(&facts));
        match local {
            Ok(local) => found.add(local.finish(progress)),
            Err((because, remote)) => found.add(remote_sources(&because, remote)),
        }
        Ok(self.case(&subject, found))
    }

    /// The state of the container that docker finds by the name itself: one call, where a list of
    /// all containers would cost another.
    async fn by_name(&self) -> Option<(Subject, State, Option<String>)> {
        let name = self.wanted.name.trim().trim_start_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
            return None;
        }
        let answer = self.daemon.fetch_part(&format!("/containers/{name}/json")).await.ok()?;
        let server = answer.server.clone();
        let text = answer.whole().ok()?;
        // Whoever answers with another one is no docker: the list decides.
        let id = answers::meant(&text, name)?;
        Some((Subject::inspected(&id, &text), Ok(text), server))
    }

    /// What a daemon on this machine would say of itself.
    fn nearby(&self, server: &str, subject: &Subject) -> Option<DaemonFacts> {
        let cgroup = place::hierarchies(self.roots).into_iter().find(|one| one.counts_memory());
        let version = cgroup.map(|hierarchy| hierarchy.version);
        DaemonFacts::nearby(server, subject.root_dir.clone(), version)
    }

    /// The container that is meant by the beginning of an id, by a name that only the events still
    /// know, or by none.
    async fn resolve(&self) -> Result<Resolved, GatherError> {
        let list = fetch_list(&self.daemon).await.map_err(|error| self.no_daemon(&error))?;
        let host = self.daemon.host.to_string();
        if let Ok(known) = names::resolve(&self.wanted.name, &host, &list, &[]) {
            return Ok(known);
        }
        let remembered = self.history().await;
        names::resolve(&self.wanted.name, &host, &list, &remembered.events)
    }

    pub(crate) fn no_daemon(&self, error: &ApiError) -> GatherError {
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

    /// All that the daemon remembers. Another machine's clock may be behind ours, and it would wait
    /// for the moment that is asked for: a minute ago is early enough for what has been removed.
    async fn history(&self) -> History {
        let near = self.daemon.host.socket().is_some();
        let now = self.clocks.now();
        let until = if near { now } else { now.plus_micros(-60_000_000).unwrap_or(now) };
        History::read(&self.daemon.start(&events::path(until)).answer().await)
    }

    /// The container's state, or what its events tell if it is gone.
    async fn inspect(&self, resolved: &Resolved) -> (Subject, State) {
        let id = match resolved {
            Resolved::Existing(id) | Resolved::Removed(id) => id,
        };
        let check = self.inspect_by_hand(id);
        let because = match resolved {
            Resolved::Removed(_) => "the container has been removed".to_owned(),
            Resolved::Existing(_) => {
                match self.daemon.fetch(&format!("/containers/{id}/json")).await {
                    Ok(text) => return (Subject::inspected(id, &text), Ok(text)),
                    Err(error) if error.is_not_found() => {
                        "the container was removed a moment ago".to_owned()
                    }
                    Err(error) => {
                        let gap =
                            gap(Source::ContainerInspect, &check, &error.plain(), Some(&check));
                        let subject = Subject::remembered(id, &self.history().await.events);
                        return (Subject { exists: true, ..subject }, Err(gap));
                    }
                }
            }
        };
        let gap = gap(Source::ContainerInspect, &check, &because, None);
        (Subject::remembered(id, &self.history().await.events), Err(gap))
    }

    fn inspect_by_hand(&self, id: &ContainerId) -> String {
        format!("{} inspect {id}", self.client)
    }

    fn state(&self, id: &ContainerId, state: State) -> Found {
        let text = match state {
            Ok(text) => text,
            Err(gap) => return Found::gap(gap),
        };
        let short: String = id.as_str().chars().take(12).collect();
        let label = format!("docker inspect {short}");
        let mut exhibit = about(exhibit("inspect", Source::ContainerInspect, &label, &text), id);
        exhibit.clock = casefile::Clock::Wall;
        exhibit.check = Some(self.inspect_by_hand(id));
        Found { exhibits: vec![exhibit], ..Found::default() }
    }

    /// The Swarm manager's word, where the container is a task's and this daemon is a manager.
    async fn swarm(&self, subject: &Subject) -> Found {
        let Some(task) = &subject.task else { return Found::default() };
        let check = format!("{} inspect {task}", self.client);
        match self.daemon.fetch(&format!("/tasks/{task}")).await {
            Ok(text) => {
                let label = "the Swarm task that the container is";
                let exhibit = exhibit("swarm", Source::Swarm, label, &text);
                let exhibit = Exhibit { check: Some(check), ..about(exhibit, &subject.id) };
                Found { exhibits: vec![exhibit], ..Found::default() }
            }
            Err(error) => {
                let open_by = "ask on a manager node: docker service ps --no-trunc SERVICE";
                Found::gap(gap(Source::Swarm, &check, &error.plain(), Some(open_by)))
            }
        }
    }

    /// What the daemon is asked once the container is known; `until` is fresh, so that what
    /// happened since the first question is in the answer.
    fn ask_more(&self, subject: &Subject, until: Moment) -> More {
        More {
            events: self.daemon.start(&events::path(until)),
            log: subject.exists.then(|| self.daemon.start(&log::path(subject))),
        }
    }

    /// What it answered.
    async fn answers(
        &self,
        more: More,
        subject: &Subject,
        listener: Option<u32>,
        local: bool,
    ) -> Found {
        let More { events: all, log } = more;
        let all = all.answer().await;
        let history = History::read(&all);
        // The container's own are cut out here: a filter would be one more call.
        let own = all.map(|answer| events::own(answer, &subject.id));
        let started = local.then(|| {
            machine::daemon_started(listener, self.daemon.host.socket(), self.roots, &self.clocks)
        });
        let started = started.flatten();
        let mut found = events::found(subject, own, &history, started, &self.client);
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

    /// Starts reading the kernel log of the machine that is reached by ssh.
    fn start_remote(&self, subject: &Subject) -> Option<JoinHandle<Found>> {
        let (ssh, subject) = (self.daemon.host.ssh()?.clone(), subject.clone());
        Some(std::thread::spawn(move || remote::read_kernel(&ssh, Some(&subject))))
    }

    /// Puts the exhibits into the order a reader wants and closes the case.
    fn case(&self, subject: &Subject, found: Found) -> CaseFile {
        let asked = Asked {
            name: Some(self.wanted.name.clone()),
            container_id: Some(subject.id.clone()),
            ..Asked::default()
        };
        close(asked, found, self.wanted.now)
    }
}

/// Puts the exhibits into the order a reader wants and closes the case.
pub(crate) fn close(asked: Asked, found: Found, now: Moment) -> CaseFile {
    let mut case = CaseFile::new(asked, now);
    case.exhibits = found.exhibits;
    case.exhibits.extend(machine::as_exhibit(&found.facts));
    case.exhibits.sort_by_key(|exhibit| rank(exhibit.source));
    case.gaps = found.gaps;
    case.gaps.sort_by_key(|gap| rank(gap.source));
    case
}

pub(crate) async fn fetch_list(daemon: &Daemon) -> Result<Vec<Listed>, ApiError> {
    let path = "/containers/json?all=1";
    let text = daemon.fetch(path).await?;
    answers::list(&text).map_err(|source| ApiError::Shape { path: path.to_owned(), source })
}

/// The order of sources in a case.
fn rank(source: Source) -> u8 {
    match source {
        Source::ContainerInspect | Source::UnitState => 0,
        Source::ContainerEvents => 1,
        Source::DockerConfig => 2,
        Source::KernelLog => 3,
        Source::Journal => 4,
        Source::Cgroup => 5,
        Source::Proc => 6,
        Source::ApplicationLog => 7,
        Source::Trace => 8,
        Source::Machine => 9,
        Source::Swarm | Source::Kubernetes | Source::Ecs | Source::Pasted => 10,
    }
}

/// Why this machine's own files say nothing about the container, if it runs on another one. A
/// socket may be forwarded from another machine: then the silence of this one's kernel log would
/// exclude what happened there.
pub(crate) fn elsewhere(
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

/// What the other machine's kernel log gave, and the gaps of everything else there.
pub(crate) fn remote_sources(because: &str, remote: Option<JoinHandle<Found>>) -> Found {
    let kernel = remote.and_then(|remote| remote.join().ok());
    let asked = kernel.is_some();
    let mut found = kernel.unwrap_or_default();
    let gaps = local_gaps(because).into_iter();
    found.gaps.extend(gaps.filter(|gap| !(asked && gap.source == Source::KernelLog)));
    found
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
    read_place(&subject.life(), &place, roots, clocks)
}

/// A cgroup's files and, where anything lives in it, its processes.
pub(crate) fn read_place(life: &Life, place: &Place, roots: &Roots, clocks: &Clocks) -> Found {
    let mut found = cgroup::read(life, place);
    if life.pid.is_some() {
        found.add(proc::read(life, place, roots, clocks));
    }
    found
}

/// This machine's sources, being read.
pub(crate) struct Local {
    kernel: Pending<Found>,
    journal: Pending<Found>,
    state: Pending<Found>,
    cgroup: Pending<Found>,
    machine: Pending<Found>,
}

/// What is read of this machine before the daemon has described itself.
struct Early {
    kernel: Pending<Found>,
    journal: Pending<Found>,
    machine: Pending<Found>,
}

impl Early {
    fn start(roots: &Roots, clocks: &Clocks, subject: &Subject) -> Self {
        let (clocks, now) = (*clocks, clocks.now());
        let both = || (roots.clone(), subject.clone());
        let (own, one) = both();
        let journal = deadline::start(move || journal::read_daemons(&own, &one, now));
        let (own, one) = both();
        let kernel = deadline::start(move || read_kernel(&own, &one, &clocks));
        let own = roots.clone();
        let machine = deadline::start(move || Found {
            facts: machine::local_facts(&own, &clocks),
            ..Found::default()
        });
        Self { kernel, journal, machine }
    }

    /// And what the daemon's own words lead to.
    fn with(self, roots: &Roots, clocks: &Clocks, subject: &Subject, facts: &DaemonFacts) -> Local {
        let Self { kernel, journal, machine } = self;
        let (roots, clocks) = (roots.clone(), *clocks);
        let podman = facts.podman;
        let state = {
            let (subject, root_dir) = (subject.clone(), facts.root_dir.clone());
            deadline::start(move || {
                // Podman keeps no such file.
                if podman { Found::default() } else { read_config(&subject, root_dir.as_deref()) }
            })
        };
        let cgroup = {
            let subject = subject.clone();
            let podman = facts.podman.then(|| place::PODMAN.to_owned());
            let driver = podman.or_else(|| facts.cgroup_driver.clone());
            deadline::start(move || {
                let place = place::find(&subject, driver.as_deref(), &roots);
                read_cgroup(&subject, place, &roots, &clocks)
            })
        };
        Local { kernel, journal, state, cgroup, machine }
    }
}

/// The kernel's ring, and of its lines in the journal only what the ring lacks.
fn read_kernel(roots: &Roots, subject: &Subject, clocks: &Clocks) -> Found {
    let ring = kmsg::read(&roots.dev_kmsg, subject, clocks);
    let mut found = ring.found;
    // What never started was never killed; no log needs to reach back to it.
    if !ring.covers && subject.started.is_some() {
        let until = ring.whole_since.unwrap_or_else(|| clocks.now());
        found.add(journal::read_kernel(roots, subject, until));
    }
    found
}

impl Local {
    /// Starts reading everything of this machine at once.
    pub(crate) fn start(
        roots: &Roots,
        clocks: &Clocks,
        subject: &Subject,
        facts: &DaemonFacts,
    ) -> Self {
        Early::start(roots, clocks, subject).with(roots, clocks, subject, facts)
    }

    pub(crate) fn finish(self, progress: &mut dyn FnMut(&str)) -> Found {
        let late = |source: Source, tried: &str| {
            let because = plain(&std::io::ErrorKind::TimedOut.into());
            Found::gap(gap(source, tried, &because, None))
        };
        let mut found = Found::default();
        // First, because its own facts about the kernel and memory are the ones that count.
        found.add(self.machine.wait().unwrap_or_else(|| late(Source::Machine, "/proc/meminfo")));
        progress("kernel log");
        found.add(self.kernel.wait().unwrap_or_else(|| late(Source::KernelLog, "/dev/kmsg")));
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
