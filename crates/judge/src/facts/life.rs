//! The lives of the subject: each start, its end, and what was asked of it in between.
//!
//! A container's name can outlive it and its id can start many times; flag and exit code belong to
//! one life only. Events give the lives, the runtime's record the last one.

use casefile::{CgroupPath, Citation, ContainerId, Moment};
use parse::record::{
    ContainerAction, ContainerEvent, ContainerRecord, ContainerStatus, EcsTask, Form, MainEnd,
    PodRecord, SwarmTask, UnitRecord, WaitStatus,
};

use super::{Fact, FactSheet, program, unit};

/// Whose word a life rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Teller {
    /// Docker or Podman: inspect, events, `ps`, formats.
    Docker,
    /// The kubelet, through the pod's status.
    Kubernetes,
    /// The ECS agent.
    Ecs,
    /// A bare exit code or flag in pasted text.
    Bare,
    /// wait(2): a plain process, no container.
    Parent,
    /// systemd, about one of its units: its parent, too.
    Systemd,
    /// The kernel, about a process that was asked for by its pid.
    Process,
    /// Nobody: there is only a log.
    #[default]
    Nobody,
}

/// A signal sent through the runtime's API: an intent, not a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiSignal {
    pub(crate) signal: i32,
    /// False where the event names no signal (Podman's `kill`): SIGKILL is what it sends unasked.
    pub(crate) named: bool,
    pub(crate) at: Option<Moment>,
    pub(crate) cite: Citation,
}

/// How a life ended, by the runtime's word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    pub(crate) at: Option<Moment>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) cite: Citation,
    /// The runtime's reason word (`OOMKilled`, `Error`, `ContainerStatusUnknown`).
    pub(crate) reason: Option<String>,
    /// What wait(2) said, where its own word is at hand: a status and a signal are told apart.
    pub(crate) main: Option<MainEnd>,
}

/// One life of the subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Life {
    pub(crate) teller: Teller,
    pub(crate) id: Option<ContainerId>,
    pub(crate) name: Option<String>,
    /// Counted from 1 where the history holds the container's creation.
    pub(crate) number: Option<u32>,
    /// Docker made up the exit code and the time of the end (255 at its own start).
    pub(crate) code_is_the_daemons: bool,
    pub(crate) started_at: Option<Moment>,
    /// The systemd unit.
    pub(crate) unit: Option<String>,
    /// Its cgroup, where the container's id does not tell it.
    pub(crate) place: Option<CgroupPath>,
    /// When the next life began.
    pub(crate) until: Option<Moment>,
    /// The unit's state, for the last life.
    pub(crate) unit_record: Option<Fact<Box<UnitRecord>>>,
    /// The Swarm manager's word.
    pub(crate) swarm: Option<Fact<Box<SwarmTask>>>,
    /// The main process's pid in the initial namespace, where its end is known by it.
    pub(crate) pid: Option<u32>,
    pub(crate) alive: bool,
    pub(crate) alive_cite: Option<Citation>,
    pub(crate) end: Option<End>,
    /// Signals sent through the API, oldest first.
    pub(crate) signals: Vec<ApiSignal>,
    /// `oom` events: notifications, not kills.
    pub(crate) oom_events: Vec<(Option<Moment>, Citation)>,
    /// `stop` or `restart` was asked for.
    pub(crate) stop_event: Option<Citation>,
    pub(crate) destroyed: Option<Citation>,
    /// When a process that `exec` or a health check started ended with 137, each.
    pub(crate) exec_killed: Vec<Option<Moment>>,
    /// Its latest health check result was `unhealthy`.
    pub(crate) unhealthy: Option<(Option<Moment>, Citation)>,
    /// The OOM flag, where it belongs to this life.
    pub(crate) flag: Option<(bool, Citation)>,
    /// Two texts tell its end differently: what is said of it, in one sentence. The exit code and the
    /// flag that they disagree about count as unknown.
    pub(crate) disputed: Option<String>,
    /// Docker's own note that a signal came through the API.
    pub(crate) manually_stopped: Option<(bool, Citation)>,
    /// The runtime's record, for the last life.
    pub(crate) record: Option<Fact<Box<ContainerRecord>>>,
    /// The orchestrator's status.
    pub(crate) status: Option<Fact<Box<ContainerStatus>>>,
    pub(crate) pod: Option<Fact<Box<PodRecord>>>,
    pub(crate) task: Option<Fact<Box<EcsTask>>>,
}

impl Life {
    /// The exit code, where this life has ended.
    pub(crate) fn exit_code(&self) -> Option<i64> {
        self.end.as_ref().and_then(|end| end.exit_code).filter(|_| !self.code_is_the_daemons)
    }

    /// When it ended.
    pub(crate) fn ended_at(&self) -> Option<Moment> {
        self.end.as_ref().and_then(|end| end.at)
    }

    /// A moment lies in this life, with room for clocks that differ (± 250 ms), for a pod's times
    /// that are whole seconds, and for a daemon's line that is written after the end (3 s).
    pub(crate) fn holds(&self, moment: Moment) -> bool {
        let coarse = match self.teller {
            Teller::Docker => 0.25,
            // Its journal has one clock, and the next life may begin 100 ms after this one's end.
            Teller::Systemd => 0.02,
            Teller::Kubernetes
            | Teller::Ecs
            | Teller::Bare
            | Teller::Parent
            | Teller::Process
            | Teller::Nobody => 1.0,
        };
        if self.until.is_some_and(|until| moment >= until) {
            return false;
        }
        let after_start = self.started_at.is_none_or(|start| moment.seconds_since(start) > -coarse);
        let before_end = self.ended_at().is_none_or(|end| moment.seconds_since(end) < 3.0);
        after_start && before_end
    }

    /// It ended right after this moment, as a signal of that moment would make it; 250 ms are for
    /// clocks that differ. `None` where it has no dated end.
    pub(crate) fn ended_right_after(&self, moment: Moment) -> Option<bool> {
        self.ended_at().map(|end| (-0.25..1.0).contains(&end.seconds_since(moment)))
    }

    /// What PID 1 runs, by the runtime's or the orchestrator's record.
    pub(crate) fn command(&self) -> &[String] {
        let record = self.record.as_ref().map(|record| record.what.command.as_slice());
        let status = self.status.as_ref().map(|status| status.what.command.as_slice());
        let unit = self.unit_record.as_ref().map(|unit| unit.what.command.as_slice());
        record.filter(|command| !command.is_empty()).or(status).or(unit).unwrap_or_default()
    }

    /// The name of the program that PID 1 runs.
    pub(crate) fn program(&self) -> Option<&str> {
        self.command().first().map(|path| program::name_of(path))
    }

    /// The runtime's OOM flag, or what the orchestrator's reason says in its place.
    pub(crate) fn flagged(&self) -> Option<bool> {
        self.flag.as_ref().map(|(flag, _)| *flag)
    }
}

/// The subject's lives, oldest first; empty where the evidence knows of no subject.
pub(crate) fn lives(sheet: &FactSheet) -> Vec<Life> {
    if sheet.asked_unit.is_some() {
        return unit::unit_lives(sheet);
    }
    if sheet.asked_pid.is_some() && sheet.asked_id.is_none() {
        return unit::process_life(sheet);
    }
    let docker = docker_lives(sheet);
    if !docker.is_empty() {
        return docker;
    }
    let others = [
        pod_lives(sheet),
        task_lives(sheet),
        waited_lives(sheet),
        unit::unit_lives(sheet),
        bare_life(sheet),
    ];
    for told in others {
        if !told.is_empty() {
            return told;
        }
    }
    // Asked about by id, and nothing tells of a life: still the subject, so that another
    // container's kill is not taken for its.
    let id = sheet.asked_id.clone();
    let place = sheet.asked_cgroup.clone();
    let known = id.is_some() || place.is_some();
    let name = sheet.asked_name.clone().filter(|_| place.is_some());
    let life = Life { teller: Teller::Docker, id, place, name, ..Life::default() };
    if known { vec![life] } else { Vec::new() }
}

/// The lives of one container, whatever else the text tells of; without an id as [`lives`] finds them.
pub(crate) fn lives_of_container(sheet: &FactSheet, id: Option<ContainerId>) -> Vec<Life> {
    match id {
        Some(id) => lives_of(sheet, Some(id)),
        None => docker_lives(sheet),
    }
}

/// The id asked about, or the one id that all records share.
fn subject_id(sheet: &FactSheet) -> Option<ContainerId> {
    if sheet.asked_id.is_some() {
        return sheet.asked_id.clone();
    }
    let record = sheet.containers.iter().filter(|fact| fact.what.id.is_some());
    let heaviest = record.max_by_key(|fact| weight(&fact.what));
    heaviest.and_then(|fact| fact.what.id.clone()).or_else(|| {
        let died = |event: &&Fact<ContainerEvent>| {
            matches!(event.what.action, ContainerAction::Die { .. } | ContainerAction::Kill { .. })
        };
        sheet.events.iter().rfind(died).and_then(|event| event.what.id.clone())
    })
}

/// Of several containers in a pasted table, a death is the question, and of two the last.
fn weight(record: &ContainerRecord) -> u8 {
    match (record.oom_killed, record.exit_code) {
        (Some(true), _) | (_, Some(137)) => 2,
        (_, Some(code)) if code != 0 => 1,
        (_, _) => 0,
    }
}

/// The subject's name by the records: of the container with this id, or, where nothing in the text
/// has an id, of the weightiest record: `db-1 exited with code 0` is not about `web-1`.
fn subject_name(sheet: &FactSheet, id: Option<&ContainerId>) -> Option<String> {
    let mut named = sheet.containers.iter().filter(|fact| fact.what.name.is_some());
    let found = match id {
        Some(id) => {
            named.rfind(|fact| fact.what.id.as_ref().is_some_and(|other| other.is_same(id)))
        }
        None => named.max_by_key(|fact| weight(&fact.what)),
    };
    let by_events = || {
        let id = id?;
        let ours = |event: &&Fact<ContainerEvent>| {
            event.what.id.as_ref().is_some_and(|other| other.is_same(id))
        };
        sheet.events.iter().filter(ours).find_map(|event| event.what.name.clone())
    };
    found.and_then(|fact| fact.what.name.clone()).or_else(by_events)
}

/// One container under one name, or as Compose shortens it in its own lines: `shop-web-1` is there
/// `web-1`.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    let shortened = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|project| project.ends_with(['-', '_']))
    };
    one == other || shortened(one, other) || shortened(other, one)
}

fn docker_lives(sheet: &FactSheet) -> Vec<Life> {
    lives_of(sheet, subject_id(sheet))
}

/// The lives of the other containers that pasted text tells of and that ended abnormally.
pub(crate) fn other_subjects(sheet: &FactSheet) -> Vec<Vec<Life>> {
    let subject = subject_id(sheet);
    if sheet.asked_id.is_some() {
        return Vec::new();
    }
    let mut ids: Vec<ContainerId> = Vec::new();
    for id in sheet.containers.iter().filter_map(|fact| fact.what.id.clone()) {
        let known = subject.iter().chain(&ids).any(|other| other.is_same(&id));
        if !known {
            ids.push(id);
        }
    }
    let lives = ids.into_iter().map(|id| lives_of(sheet, Some(id)));
    let died = |lives: &Vec<Life>| lives.last().and_then(Life::exit_code).is_some_and(|c| c != 0);
    lives.filter(died).collect()
}

fn lives_of(sheet: &FactSheet, id: Option<ContainerId>) -> Vec<Life> {
    let is_ours = |other: &Option<ContainerId>| match (&id, other) {
        (Some(id), Some(other)) => id.is_same(other),
        (None, _) | (Some(_), None) => true,
    };
    let mut events: Vec<&Fact<ContainerEvent>> =
        sheet.events.iter().filter(|event| is_ours(&event.what.id)).collect();
    if !is_clock_set_back(&events) {
        events = by_time(events);
    }
    let mut lives = Chronicle::default();
    for event in events {
        lives.take(event);
    }
    let mut lives = lives.lives;
    let subject = subject_name(sheet, id.as_ref());
    let named_so = |record: &ContainerRecord| match (&subject, &record.name) {
        (Some(own), Some(other)) => is_same_name(own, other),
        (None, _) | (_, None) => true,
    };
    let ours = |record: &&Fact<Box<ContainerRecord>>| {
        is_ours(&record.what.id) && (record.what.id.is_some() || named_so(&record.what))
    };
    for record in sheet.containers.iter().filter(ours) {
        overlay(&mut lives, record);
    }
    give_flag_to_its_life(sheet, &mut lives);
    doubt_the_daemons_own_end(sheet, &mut lives);
    let name = lives.iter().rev().find_map(|life| life.name.clone());
    for life in &mut lives {
        life.teller = Teller::Docker;
        life.place = sheet.asked_cgroup.clone();
        life.id = life.id.clone().or_else(|| id.clone());
        life.name = life.name.clone().or_else(|| name.clone());
    }
    for life in &mut lives {
        with_orchestrators_word(sheet, life);
    }
    let task = sheet.swarm.iter().rfind(|task| is_ours(&task.what.container));
    if let (Some(life), Some(task)) = (lives.last_mut(), task) {
        life.swarm = Some(task.clone());
    }
    let flag = sheet.manually_stopped.iter().rfind(|flag| is_ours(&flag.what.id));
    if let (Some(life), Some(flag)) = (lives.last_mut(), flag) {
        life.manually_stopped = Some((flag.what.value, flag.cite.clone()));
    }
    lives
}

/// In order of time; an event whose time is cut off stays behind the one before it.
fn by_time(events: Vec<&Fact<ContainerEvent>>) -> Vec<&Fact<ContainerEvent>> {
    let mut before: Option<(&str, Option<Moment>)> = None;
    let mut timed: Vec<(Option<Moment>, &Fact<ContainerEvent>)> = Vec::new();
    for event in events {
        let exhibit = event.cite.exhibit.as_str();
        let last = before.filter(|(of, _)| *of == exhibit).and_then(|(_, at)| at);
        let at = event.at.or(last);
        before = Some((exhibit, at));
        timed.push((at, event));
    }
    timed.sort_by_key(|(at, _)| *at);
    timed.into_iter().map(|(_, event)| event).collect()
}

/// Docker writes its events in the order in which they came. Where one history goes back in time
/// once, its clock was set back, and the order tells more than the times; a history with the newest
/// event first goes back at every line.
fn is_clock_set_back(events: &[&Fact<ContainerEvent>]) -> bool {
    let back = events.windows(2).filter(|pair| match pair {
        [one, other] => one.at.zip(other.at).is_some_and(|(one, other)| other < one),
        _ => false,
    });
    let one_history = events.windows(2).all(|pair| match pair {
        [one, other] => one.cite.exhibit == other.cite.exhibit,
        _ => true,
    });
    one_history && events.len() > 3 && back.count() == 1
}

/// A daemon that finds a container gone when it starts writes 255 and its own time: neither is the
/// program's. The end lies anywhere before.
fn doubt_the_daemons_own_end(sheet: &FactSheet, lives: &mut [Life]) {
    let Some(life) = lives.last_mut() else { return };
    let Some((started, end)) = sheet.machine.daemon_started_at.zip(life.ended_at()) else { return };
    let at_its_start = (-1.0..5.0).contains(&end.seconds_since(started));
    let before = life.started_at.is_some_and(|start| start < started);
    if life.exit_code() == Some(255) && at_its_start && before {
        life.code_is_the_daemons = true;
        if let Some(end) = &mut life.end {
            end.at = None;
        }
    }
}

/// Up to Docker 23 the flag changes only when a container ends: on a running one it is the previous
/// life's (libcontainerd keeps it; moby 57d2d6ef62 changed that in 24.0).
fn give_flag_to_its_life(sheet: &FactSheet, lives: &mut [Life]) {
    let major =
        sheet.machine.docker_version.as_ref().and_then(|version| {
            version.split('.').next().and_then(|major| major.parse::<u32>().ok())
        });
    let old = major.is_some_and(|major| major < 24);
    let [.., previous, last] = lives else { return };
    if old && last.alive && last.flagged() == Some(true) && previous.flag.is_none() {
        previous.flag = last.flag.clone();
    }
}

/// A pod's status of the same container adds what docker does not know: requests and limits, the
/// pod's own fate.
fn with_orchestrators_word(sheet: &FactSheet, life: &mut Life) {
    let Some(id) = &life.id else { return };
    for pod in &sheet.pods {
        let same =
            |status: &&ContainerStatus| status.id.as_ref().is_some_and(|other| other.is_same(id));
        if let Some(status) = pod.what.containers.iter().find(same) {
            let told = status_life(status, &pod.cite, pod.source, Teller::Kubernetes);
            (life.status, life.pod) = (told.status, Some(pod.clone()));
        }
    }
}

/// Builds lives from events in order.
#[derive(Default)]
struct Chronicle {
    lives: Vec<Life>,
    created: bool,
}

impl Chronicle {
    fn take(&mut self, event: &Fact<ContainerEvent>) {
        let cite = event.cite.clone();
        match &event.what.action {
            ContainerAction::Create => self.created = true,
            ContainerAction::Start => self.start(event),
            ContainerAction::Oom => self.now(event, |life| life.oom_events.push((event.at, cite))),
            ContainerAction::Kill { signal } => {
                let (named, number) = (signal.is_some(), signal.unwrap_or(9));
                let signal = ApiSignal { signal: number, named, at: event.at, cite };
                self.now(event, |life| life.signals.push(signal));
            }
            ContainerAction::Stop | ContainerAction::Restart => self.stopped(event),
            ContainerAction::Die { exit_code } => self.now(event, |life| {
                life.alive = false;
                let exit_code = *exit_code;
                life.end = Some(End { at: event.at, exit_code, cite, reason: None, main: None });
            }),
            ContainerAction::Destroy => {
                if let Some(life) = self.lives.last_mut() {
                    life.destroyed = Some(cite);
                    life.alive = false;
                }
            }
            ContainerAction::ExecDie { exit_code: Some(137) } => {
                self.now(event, |life| life.exec_killed.push(event.at));
            }
            // Only a running container is checked: where its start is lost, this shows the life.
            ContainerAction::Health(state) if state.contains("unhealthy") => {
                self.now(event, |life| life.unhealthy = Some((event.at, cite)));
            }
            ContainerAction::ExecDie { .. }
            | ContainerAction::Health(_)
            | ContainerAction::Pause(_)
            | ContainerAction::Other(_) => {}
        }
    }

    fn start(&mut self, event: &Fact<ContainerEvent>) {
        let number = u32::try_from(self.lives.len() + 1).ok();
        self.lives.push(Life {
            number: number.filter(|_| self.created),
            started_at: event.at,
            ..Self::life_of(event)
        });
    }

    fn life_of(event: &Fact<ContainerEvent>) -> Life {
        Life {
            id: event.what.id.clone(),
            name: event.what.name.clone(),
            alive: true,
            alive_cite: Some(event.cite.clone()),
            ..Life::default()
        }
    }

    /// Changes the life an event falls into: the open one, else the one that ended at most 2 s
    /// before (a `kill` entry is written after the fact), else one whose start the history lost.
    fn now(&mut self, event: &Fact<ContainerEvent>, change: impl FnOnce(&mut Life)) {
        let fits = self.lives.last().is_some_and(|life| match (life.ended_at(), event.at) {
            (Some(end), Some(at)) => at.seconds_since(end) < 2.0,
            (Some(_), None) => false,
            (None, _) => life.end.is_none(),
        });
        if !fits {
            self.lives.push(Self::life_of(event));
        }
        if let Some(life) = self.lives.last_mut() {
            change(life);
        }
    }

    /// `stop` is written after the end that it asked for (26 and 28: before it), `restart` even
    /// after the next start: both belong to the last life that got a signal.
    fn stopped(&mut self, event: &Fact<ContainerEvent>) {
        let signalled = self.lives.iter_mut().rfind(|life| !life.signals.is_empty());
        if let Some(life) = signalled {
            life.stop_event.get_or_insert_with(|| event.cite.clone());
        }
    }
}

/// Lays the runtime's record over the lives: it tells of the last one only.
fn overlay(lives: &mut Vec<Life>, record: &Fact<Box<ContainerRecord>>) {
    let told = &record.what;
    let running = told.running.or_else(|| {
        told.status.as_deref().map(|status| matches!(status, "running" | "paused" | "up"))
    });
    // `docker stats` has numbers only for a container that runs.
    let measured = told.form == Some(Form::Stats) && told.usage.is_some_and(|usage| usage.0 > 0);
    let running = running.or(measured.then_some(true));
    // Between two lives: the code that is shown is the ended one's.
    let restarting = told.status.as_deref() == Some("restarting");
    let running = if restarting { Some(false) } else { running };
    let is_new = match lives.last() {
        None => true,
        Some(last) => match (last.started_at, told.started_at) {
            (Some(known), Some(start)) => start.seconds_since(known) > 2.0,
            (None, Some(start)) => last.ended_at().is_some_and(|end| start > end),
            // Two bare lines with two ends are two deaths.
            (None, None) => last.ended_at().zip(told.finished_at).is_some_and(|(a, b)| a != b),
            (Some(_), None) => false,
        },
    };
    if is_new {
        lives.push(Life::default());
    }
    if let Some(earlier) = earlier_life(lives, record, running) {
        lives.insert(lives.len().saturating_sub(1), earlier);
    }
    let Some(life) = lives.last_mut() else { return };
    let cite = |field: &str| {
        told.span_of(field).map_or_else(|| record.cite.clone(), |span| record.cite_at(span))
    };
    life.started_at = life.started_at.or(told.started_at);
    life.id = life.id.clone().or_else(|| told.id.clone());
    life.name = told.name.clone().or_else(|| life.name.take());
    // Of two states of one life the one with an end is the later; a row without a start takes no end away.
    let ended_since = !is_new && life.end.is_some();
    if running == Some(true) && ended_since {
        life.alive = false;
    } else if running == Some(true) {
        (life.alive, life.alive_cite) = (true, Some(cite("status")));
        life.end = None;
    } else if told.status.as_deref() == Some("created") && told.exit_code.is_none() {
        life.alive = false;
    } else if running == Some(false) || told.exit_code.is_some() {
        life.alive = false;
        let known = life.end.take();
        dispute(life, known.as_ref(), told);
        life.end = Some(End {
            at: earlier(known.as_ref().and_then(|end| end.at), told.finished_at, life.started_at),
            exit_code: told
                .exit_code
                .or(known.as_ref().and_then(|end| end.exit_code))
                .filter(|_| life.disputed.is_none()),
            cite: cite("exit_code"),
            reason: None,
            main: None,
        });
    }
    // containerd's list still shows the pid of a task that has ended; no other row has one.
    if running == Some(false) && told.form == Some(Form::PsRow) {
        life.pid = life.pid.or(told.pid);
    }
    if let Some(flag) = told.oom_killed {
        life.flag = Some((flag, cite("oom_killed"))).filter(|_| life.disputed.is_none());
    }
    let richer = life.record.as_ref().is_none_or(|known| known.what.command.is_empty());
    if richer {
        life.record = Some(record.clone());
    }
}

/// One life ends once, with one exit code. (255 is what a daemon writes that was not there.)
fn dispute(life: &mut Life, known: Option<&End>, told: &ContainerRecord) {
    let codes = known.and_then(|end| end.exit_code).zip(told.exit_code);
    if let Some((one, other)) = codes.filter(|(a, b)| a != b && *a != 255 && *b != 255) {
        life.flag = None;
        life.disputed = Some(format!(
            "The texts tell one end with the exit codes {one} and {other}: one of them is not about this life, and neither counts."
        ));
    }
}

/// Podman may write its `died` seconds after the end, when it next looks; the time in its record is
/// conmon's. A time before the start is an earlier life's.
fn earlier(event: Option<Moment>, record: Option<Moment>, start: Option<Moment>) -> Option<Moment> {
    let record = record.filter(|end| start.is_none_or(|start| *end >= start));
    match (event, record) {
        (Some(event), Some(record)) => Some(event.min(record)),
        (event, record) => event.or(record),
    }
}

/// A running container that shows the end of an earlier life which no event tells of: its exit code
/// is overwritten; up to Docker 23 a flag that is set now is that life's.
fn earlier_life(
    lives: &[Life],
    record: &Fact<Box<ContainerRecord>>,
    running: Option<bool>,
) -> Option<Life> {
    let told = &record.what;
    let (start, end) = told.started_at.zip(told.finished_at)?;
    // The event of that end is written later, by seconds where the machine is slow.
    let known = |life: &Life| {
        let held = life.started_at.is_none_or(|start| start < end);
        held && life.ended_at().is_some_and(|it| (-2.0..15.0).contains(&it.seconds_since(end)))
    };
    if running != Some(true) || end >= start || lives.iter().any(known) {
        return None;
    }
    let span = told.span_of("finished_at").unwrap_or(record.cite.span);
    let cite = record.cite_at(span);
    Some(Life {
        end: Some(End { at: Some(end), exit_code: None, cite, reason: None, main: None }),
        ..Life::default()
    })
}

fn pod_lives(sheet: &FactSheet) -> Vec<Life> {
    let mut lives = Vec::new();
    for pod in &sheet.pods {
        for status in &pod.what.containers {
            lives.push(status_life(status, &pod.cite, pod.source, Teller::Kubernetes));
            if let Some(life) = lives.last_mut() {
                life.pod = Some(pod.clone());
                life.name = status.name.clone().or_else(|| pod.what.name.clone());
            }
        }
        if pod.what.containers.is_empty() && (pod.what.reason.is_some() || pod.what.phase.is_some())
        {
            lives.push(Life {
                teller: Teller::Kubernetes,
                name: pod.what.name.clone(),
                alive: pod.what.phase.as_deref() == Some("Running") && pod.what.reason.is_none(),
                alive_cite: Some(pod.cite.clone()),
                pod: Some(pod.clone()),
                ..Life::default()
            });
        }
    }
    sort_by_weight(lives)
}

fn task_lives(sheet: &FactSheet) -> Vec<Life> {
    let mut lives = Vec::new();
    for task in &sheet.tasks {
        for status in &task.what.containers {
            let mut life = status_life(status, &task.cite, task.source, Teller::Ecs);
            life.task = Some(task.clone());
            lives.push(life);
        }
        if task.what.containers.is_empty() {
            let exit = sheet.exits.last().map(|exit| End {
                at: exit.at,
                exit_code: Some(exit.what),
                cite: exit.cite.clone(),
                reason: None,
                main: None,
            });
            lives.push(Life {
                end: exit,
                teller: Teller::Ecs,
                task: Some(task.clone()),
                ..Life::default()
            });
        }
    }
    sort_by_weight(lives)
}

fn status_life(
    status: &ContainerStatus,
    cite: &Citation,
    source: casefile::Source,
    teller: Teller,
) -> Life {
    let ended = status.exit_code.is_some() || status.reason.is_some();
    let cite = &Citation { span: status.shown_at.unwrap_or(cite.span), ..cite.clone() };
    let fact = Fact {
        what: Box::new(status.clone()),
        at: status.finished_at,
        stamp: None,
        cite: cite.clone(),
        source,
    };
    Life {
        teller,
        id: status.id.clone(),
        name: status.name.clone(),
        started_at: status.started_at,
        alive: !ended && status.running == Some(true),
        alive_cite: Some(cite.clone()),
        end: ended.then(|| End {
            at: status.finished_at,
            exit_code: status.exit_code,
            cite: cite.clone(),
            reason: status.reason.clone(),
            main: None,
        }),
        flag: status.reason.as_ref().map(|reason| (is_oom_reason(reason), cite.clone())),
        status: Some(fact),
        ..Life::default()
    }
}

/// The orchestrators' words for the runtime's OOM flag.
pub(crate) fn is_oom_reason(reason: &str) -> bool {
    reason.contains("OOMKilled") || reason.to_ascii_lowercase().contains("outofmemoryerror")
}

/// The life that the question is about comes last: an abnormal end after a normal one, and of two
/// abnormal ones the one that came first (later ones are often its consequence).
fn sort_by_weight(mut lives: Vec<Life>) -> Vec<Life> {
    lives.sort_by_key(|life| {
        let evicted =
            life.pod.as_ref().is_some_and(|pod| pod.what.reason.as_deref() == Some("Evicted"));
        let weight = match (life.flagged(), life.exit_code()) {
            (_, _) if evicted => 4,
            (Some(true), _) => 3,
            (_, Some(0)) => 1,
            (_, Some(_)) => 2,
            (_, None) => 0,
        };
        (weight, std::cmp::Reverse(life.ended_at()))
    });
    lives
}

/// Processes whose parent tells how they ended; a signal's number is shown as every runtime would.
fn waited_lives(sheet: &FactSheet) -> Vec<Life> {
    let lives = sheet.waits.iter().map(|wait| {
        let code = wait.what.signal.map(|signal| 128 + signal).or(wait.what.exit_code);
        Life {
            teller: Teller::Parent,
            name: sheet.asked_name.clone().or_else(|| wait.what.comm.clone()),
            place: sheet.asked_cgroup.clone(),
            pid: Some(wait.what.pid).filter(|_| !wait.what.inner_pid),
            started_at: wait.what.started_at,
            end: Some(End {
                at: wait.what.ended_at.or(wait.at),
                exit_code: code.map(i64::from),
                cite: wait.cite.clone(),
                reason: None,
                main: main_end(&wait.what),
            }),
            ..Life::default()
        }
    });
    lives.collect()
}

/// A signal and a status are told apart by wait(2) itself.
fn main_end(wait: &WaitStatus) -> Option<MainEnd> {
    wait.signal.map(MainEnd::Killed).or(wait.exit_code.map(MainEnd::Exited))
}

fn bare_life(sheet: &FactSheet) -> Vec<Life> {
    let exit = sheet.exits.last();
    let flag = sheet.flags.last();
    if exit.is_none() && flag.is_none() {
        return Vec::new();
    }
    let cite = exit.map(|exit| exit.cite.clone()).or_else(|| flag.map(|flag| flag.cite.clone()));
    let end = cite.map(|cite| End {
        at: exit.and_then(|exit| exit.at),
        exit_code: exit.map(|exit| exit.what),
        cite,
        reason: None,
        main: None,
    });
    vec![Life {
        teller: Teller::Bare,
        end,
        flag: flag.map(|flag| (flag.what, flag.cite.clone())),
        ..Life::default()
    }]
}

#[cfg(test)]
mod tests;
