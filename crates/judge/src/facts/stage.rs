//! One life and the facts that fall into it: what a rule looks at.

use casefile::{CgroupPath, Citation, ContainerId, Limit, Moment, Source};
use parse::record::{
    Application, DaemonLine, MainEnd, PodEvent, ProcessRecord, TaskRow, TraceEvent,
};

use super::{
    ApiSignal, Fact, FactSheet, Life, MainHit, OomKill, Teller, is_same_name, program,
    unit::{self, unit_of},
};
use crate::verdict::Level;

/// One life on stage, with the kills and words that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Stage<'a> {
    pub(crate) sheet: &'a FactSheet,
    pub(crate) life: &'a Life,
    /// It is the subject's last life (live counters and processes belong to it).
    pub(crate) last: bool,
    /// Kernel OOM kills inside it, oldest first.
    pub(crate) kills: Vec<&'a OomKill>,
}

impl<'a> Stage<'a> {
    /// Puts one of the subject's lives on stage.
    pub(crate) fn of_life(sheet: &'a FactSheet, lives: &'a [Life], index: usize) -> Option<Self> {
        let life = lives.get(index)?;
        let last = index + 1 == lives.len();
        let ours = |kill: &&OomKill| belongs(sheet, kill, lives, index);
        let kills = sheet.oom_kills.iter().filter(ours).collect();
        Some(Self { sheet, life, last, kills })
    }

    /// A stage without a container: every kill is on it.
    pub(crate) fn of_text(sheet: &'a FactSheet, nobody: &'a Life) -> Self {
        Self { sheet, life: nobody, last: true, kills: sheet.oom_kills.iter().collect() }
    }

    /// The same stage with other kills on it, for findings.
    pub(crate) fn with_kills(&self, kills: Vec<&'a OomKill>) -> Self {
        Self { kills, ..self.clone() }
    }

    /// Kernel kills of the main process.
    pub(crate) fn main_kills(&self) -> Vec<&'a OomKill> {
        self.kills.iter().copied().filter(|kill| self.main_hit(kill) == MainHit::Yes).collect()
    }

    /// Whether a kill hit the main process of this life.
    pub(crate) fn main_hit(&self, kill: &OomKill) -> MainHit {
        let pids: Vec<u32> = kill.victims.iter().map(|victim| victim.pid).collect();
        if self.life.teller == Teller::Nobody {
            return MainHit::Unclear;
        }
        if let Some(main) = self.main_pid() {
            return if pids.contains(&main) { MainHit::Yes } else { MainHit::No };
        }
        if self.life.alive || self.life.exit_code().is_some_and(|code| code != 137) {
            return MainHit::No;
        }
        // The runtime reaps a killed main process at once, or seconds later where the machine has no
        // memory or CPU to spare. The surer the victim is the main process, the later it may be.
        let late = kill.at.zip(self.life.ended_at()).map(|(at, end)| end.seconds_since(at));
        let within = |seconds: f64| late.is_none_or(|late| late < seconds);
        if !within(60.0) {
            return MainHit::No;
        }
        if kill.takes_whole(self.life) {
            return MainHit::Yes;
        }
        if let Some(first) = self.first_of_container(kill) {
            return if pids.contains(&first.process()) { MainHit::Yes } else { MainHit::No };
        }
        let soon = self.life.teller == Teller::Systemd || within(3.0);
        if soon && is_alone(kill, self.life) {
            return MainHit::Yes;
        }
        let (hit, only_one) = self.main_hit_by_name(kill);
        let hit = if hit == MainHit::Yes { self.among_namesakes(kill) } else { hit };
        match hit {
            MainHit::No => MainHit::No,
            known @ (MainHit::Yes | MainHit::Unclear) if within(3.0) => known,
            MainHit::Yes if only_one && within(15.0) => MainHit::Yes,
            MainHit::Yes | MainHit::Unclear if within(15.0) => MainHit::Unclear,
            MainHit::Yes | MainHit::Unclear => MainHit::No,
        }
    }

    /// Without a usable task table: the victim bears the name of the program that PID 1 runs.
    /// True beside it: the task table shows one process of that name.
    fn main_hit_by_name(&self, kill: &OomKill) -> (MainHit, bool) {
        let Some(program) = self.life.program() else { return (MainHit::Unclear, false) };
        let of_name = |row: &&TaskRow| program::is_comm_of(&row.comm, program);
        let rows = kill.report.tasks.iter().filter(of_name).count();
        let hit = kill.took(program);
        // A shell or an init passes on its child's 137; any other program that is seen to end with 137
        // right after a process of its name was killed is that process.
        let itself = !program::starts_another(program);
        let found = if hit && (rows <= 1 || itself) {
            MainHit::Yes
        } else if !hit && rows == 1 && itself {
            MainHit::No
        } else {
            MainHit::Unclear
        };
        (found, rows == 1)
    }

    /// The main process by this kill's task table, else by another one's of the same life.
    pub(crate) fn first_of_container(&self, kill: &'a OomKill) -> Option<&'a TaskRow> {
        kill.first_of_container().or_else(|| {
            let same = self.kills.iter().filter(|other| {
                self.life.id.as_ref().is_some_and(|id| other.is_in(id) && kill.is_in(id))
            });
            same.copied().find_map(OomKill::first_of_container)
        })
    }

    /// Of several victims with the program's name one at most is the main process: pids count upward, so it
    /// has the lowest, and its end ends all others, so it is the last. Where the two differ, nothing tells.
    fn among_namesakes(&self, kill: &OomKill) -> MainHit {
        let Some(program) = self.life.program() else { return MainHit::Yes };
        let namesakes = self.kills.iter().filter(|other| other.took(program));
        let pids: Vec<u32> =
            namesakes.filter_map(|other| other.victims.first()).map(|it| it.pid).collect();
        let own = kill.victims.first().map(|victim| victim.pid);
        match (pids.iter().min(), pids.last()) {
            (Some(lowest), Some(last)) if lowest != last => MainHit::Unclear,
            (Some(lowest), Some(_)) if own != Some(*lowest) => MainHit::No,
            (_, _) => MainHit::Yes,
        }
    }

    /// The main process's pid in the initial namespace, where it is still known.
    pub(crate) fn main_pid(&self) -> Option<u32> {
        let live = self.last && self.life.alive;
        let record = self.life.record.as_ref().and_then(|record| record.what.pid);
        let inside = || {
            let one = |fact: &&Fact<ProcessRecord>| fact.what.inner_pid == Some(1);
            self.sheet.processes.iter().find(one).map(|fact| fact.what.pid)
        };
        self.life.pid.or_else(|| live.then(|| record.or_else(inside)).flatten())
    }

    /// The first API SIGKILL.
    pub(crate) fn api_kill(&self) -> Option<&'a ApiSignal> {
        self.life.signals.iter().find(|signal| signal.signal == 9)
    }

    /// Daemon lines that name this container, or name none where nothing else is known.
    pub(crate) fn daemon(&self) -> impl Iterator<Item = &'a Fact<DaemonLine>> {
        let (id, life) = (self.life.id.clone(), self.life);
        let bare = matches!(life.teller, Teller::Systemd | Teller::Process);
        self.sheet.daemon.iter().filter(move |line| {
            let in_time = line.at.is_none_or(|at| life.holds(at));
            if bare {
                return in_time && (unit::is_about(&line.what, life) || ends_it(line, life));
            }
            // A unit that is no container's is another subject's.
            let other_unit = life.teller != Teller::Nobody
                && unit_of(&line.what).is_some()
                && named_container(&line.what).is_none()
                && !unit::is_about(&line.what, life)
                && (id.is_some() || !unit::runs_it(&line.what, life));
            in_time
                && !other_unit
                && named_container(&line.what).is_none_or(|named| match &id {
                    Some(id) => id.is_same(&named),
                    None => life.teller == Teller::Nobody || is_only_one(self.sheet),
                })
        })
    }

    /// Kubernetes events about this container or its pod, in this life.
    pub(crate) fn pod_events(&self) -> impl Iterator<Item = &'a Fact<PodEvent>> {
        let pod = self.life.pod.as_ref().map(|pod| pod.what.as_ref());
        let name = self.life.status.as_ref().and_then(|status| status.what.name.clone());
        let life = self.life;
        self.sheet.pod_events.iter().filter(move |event| {
            let same = |own: Option<&String>, other: &Option<String>| match (own, other) {
                (Some(own), Some(other)) => own == other,
                (None, _) | (_, None) => true,
            };
            // A name can be given again: with both uids known they alone decide.
            let of_pod = event.what.kind.as_deref() == Some("Pod");
            let uids = pod.and_then(|pod| pod.uid.as_ref()).zip(event.what.uid.as_ref());
            let same_pod = match uids {
                Some((own, other)) => own == other || !of_pod,
                None => {
                    let here = pod.and_then(|pod| pod.namespace.as_ref());
                    let named = same(pod.and_then(|pod| pod.name.as_ref()), &event.what.object);
                    !of_pod || named && same(here, &event.what.namespace)
                }
            };
            // What another node tells of itself is not about this pod.
            let node = pod.and_then(|pod| pod.node.as_deref()?.split('/').next());
            let of_node = event.what.kind.as_deref() == Some("Node");
            let other = node.zip(event.what.object.as_deref()).is_some_and(|(own, it)| own != it);
            if of_node && other {
                return false;
            }
            same_pod && same(name.as_ref(), &event.what.container) && is_of_life(life, event)
        })
    }

    /// The program's own words in this life; those of an unknown program count only where no
    /// container's own log is at hand.
    pub(crate) fn application(&self) -> impl Iterator<Item = &'a Fact<Application>> {
        let own = self.sheet.application.iter().any(is_gathered);
        let gathered = self.sheet.is_asked();
        let life = self.life;
        self.sheet.application.iter().filter(move |fact| {
            let in_time = fact.at.is_none_or(|at| life.holds(at));
            in_time && (is_gathered(fact) || !(own || gathered)) && !self.is_anothers(fact)
        })
    }

    /// Compose writes before the line that another service's container printed it (`api-1  | …`).
    fn is_anothers(&self, fact: &Fact<Application>) -> bool {
        let speaker = self.sheet.speakers.get(&fact.cite);
        let own = self.life.name.as_deref().filter(|name| !name.is_empty());
        // Compose leaves its project's name out: `api-1` of `shop-api-1`.
        speaker.zip(own).is_some_and(|(name, own)| !is_same_name(own, name))
    }

    /// The pids of children that a supervisor or a shell says ended by SIGKILL, in its own namespace.
    pub(crate) fn child_pids(&self) -> impl Iterator<Item = u32> {
        self.application().filter_map(|fact| {
            let Application::ChildKilled { pid, .. } = &fact.what else { return None };
            *pid
        })
    }

    /// The first word of a supervisor or a shell that a child ended by SIGKILL, and whose word it
    /// is. It does not know who sent it: a hint, never a proof.
    pub(crate) fn child_killed(&self) -> Option<(&'a Fact<Application>, &'a str)> {
        self.application().find_map(|fact| {
            let Application::ChildKilled { by, .. } = &fact.what else { return None };
            Some((fact, by.as_str()))
        })
    }

    /// Trace events.
    pub(crate) fn trace(&self) -> impl Iterator<Item = &'a Fact<TraceEvent>> {
        self.sheet.trace.iter()
    }

    /// The processes that the OOM killer marked, by the trace. The mark alone is no kill: a process
    /// that is ending anyway gets it, too.
    pub(crate) fn marked_victims(&self) -> Vec<u32> {
        let pid = |fact: &Fact<TraceEvent>| {
            let TraceEvent::MarkVictim { pid, .. } = &fact.what else { return None };
            Some(*pid)
        };
        self.trace().filter_map(pid).collect()
    }

    /// The container's own limit by its configuration.
    pub(crate) fn configured_limit(&self) -> Option<(Limit, Citation)> {
        let record = self.life.record.as_ref();
        let by_record = record.and_then(|record| Some((record.what.memory?, record.cite.clone())));
        let by_record = by_record.or_else(|| self.unit_limit());
        let status = self.life.status.as_ref();
        let by_status =
            status.and_then(|status| Some((status.what.memory.limit?, status.cite.clone())));
        let bare = || self.sheet.limits.last().map(|limit| (limit.what, limit.cite.clone()));
        let platform = || {
            self.sheet.application.iter().find_map(|fact| {
                let Application::Platform { limit, .. } = &fact.what else { return None };
                Some(((*limit)?, fact.cite.clone()))
            })
        };
        by_record.or(by_status).or_else(bare).or_else(platform)
    }

    /// The unit's own limit by its state; one that is not set says nothing of the slice's.
    fn unit_limit(&self) -> Option<(Limit, Citation)> {
        let state = self.life.unit_record.as_ref()?;
        let span = state.what.span_of("memory_max").unwrap_or(state.cite.span);
        Some((state.what.memory_max?, state.cite_at(span)))
    }

    /// The unit's result in this life, by systemd's word: the first that is told.
    pub(crate) fn unit_result(&self) -> Option<&'a str> {
        self.life.unit.as_ref()?;
        self.daemon().find_map(|fact| match &fact.what {
            DaemonLine::UnitResult { result, .. } => Some(result.as_str()),
            _ => None,
        })
    }

    /// wait(2)'s own word for the end of the main process.
    pub(crate) fn main_end(&self) -> Option<MainEnd> {
        self.life.end.as_ref().and_then(|end| end.main)
    }

    /// The first API SIGKILL came before this moment.
    pub(crate) fn was_killed_by_api_before(&self, moment: Option<Moment>) -> bool {
        match (self.api_kill().and_then(|signal| signal.at), moment) {
            (Some(kill), Some(moment)) => moment.seconds_since(kill) > 0.25,
            (None, _) | (_, None) => false,
        }
    }
}

/// No second container has a name in the text: an id that none of them shows can only be this one's.
fn is_only_one(sheet: &FactSheet) -> bool {
    let records = sheet.containers.iter().map(|fact| &fact.what.name);
    let statuses = sheet.pods.iter().flat_map(|pod| &pod.what.containers).map(|it| &it.name);
    let mut names = records.chain(statuses).flatten();
    let first = names.next();
    names.all(|name| Some(name) == first)
}

/// An event of this life: not from before its start, nor, if it happened once, from long after its
/// end. An event that is counted shows its latest time only; a node's and a controller's clocks differ.
fn is_of_life(life: &Life, event: &Fact<PodEvent>) -> bool {
    let Some(at) = event.at else { return true };
    let after_start = life.started_at.is_none_or(|start| at.seconds_since(start) > -2.0);
    let counted = event.what.count.is_some_and(|count| count > 1);
    let before_end = life.ended_at().is_none_or(|end| at.seconds_since(end) < 60.0);
    after_start && (counted || before_end)
}

/// An OOM daemon that names only a pid signalled it right before this life ended, and nothing tells
/// that its main process had another pid. systemd forgets the pid of a unit that ended well.
fn ends_it(line: &Fact<DaemonLine>, life: &Life) -> bool {
    let DaemonLine::OomDaemonKill { unit: None, pid: Some(pid), .. } = &line.what else {
        return false;
    };
    let gap = line.at.zip(life.ended_at()).map(|(at, end)| end.seconds_since(at));
    life.pid.is_none_or(|own| own == *pid) && gap.is_some_and(|gap| (-0.1..1.5).contains(&gap))
}

fn is_gathered(fact: &Fact<Application>) -> bool {
    fact.source == Source::ApplicationLog
}

/// A kill belongs to a life if it happened in its container and in its time; a kill without a time
/// belongs to the last life. A line whose cgroup the kernel did not print belongs to a container only
/// where something ties it to it.
fn belongs(sheet: &FactSheet, kill: &OomKill, lives: &[Life], index: usize) -> bool {
    let Some(life) = lives.get(index) else { return false };
    let named = life.id.is_some() || life.place.is_some() || life.unit.is_some();
    let place = match &life.id {
        Some(id) if kill.is_in(id) => true,
        _ if life.teller == Teller::Process => {
            takes(kill, life.pid) || unit::is_beside(kill, life) || kill.takes_whole(life)
        }
        _ if unit::is_in_place(kill, life) || kill.takes_whole(life) => true,
        _ if named && kill.is_placeless() => is_tied(sheet, kill, life),
        _ => !named,
    };
    let owner = match kill.at {
        Some(at) => life_at(lives, at),
        None => lives.len().checked_sub(1),
    };
    place && owner == Some(index)
}

/// The process that was asked for is among the victims.
fn takes(kill: &OomKill, pid: Option<u32>) -> bool {
    kill.victims.iter().any(|victim| Some(victim.pid) == pid)
}

/// What ties a bare `Killed process` line to a container: its pid, or an end by 137 with the
/// runtime's own word for an OOM at that moment. Any container of the machine can be the one whose
/// report the kernel left out (it prints 10 in 5 s).
fn is_tied(sheet: &FactSheet, kill: &OomKill, life: &Life) -> bool {
    let pids = kill.victims.iter().map(|victim| victim.pid);
    let main = life.pid.or(life.record.as_ref().and_then(|record| record.what.pid));
    let listed = sheet.processes.iter().map(|process| process.what.pid);
    let known: Vec<u32> = listed.chain(main).collect();
    if pids.into_iter().any(|pid| known.contains(&pid)) {
        return true;
    }
    let ended = life.exit_code() == Some(137);
    let Some((at, end)) = kill.at.zip(life.ended_at()) else {
        // Pasted without times: the files together are one case.
        let pasted = !sheet.is_asked();
        let flagged = life.flagged() == Some(true);
        // The flag misses a host-wide kill on cgroup v1; then the name has to fit.
        let unflagged = life.flagged().is_none() || kill.level == Level::Host;
        return pasted && (flagged || ended && unflagged && can_bear_its_name(kill, life));
    };
    // Its end has a report that names its cgroup: a bare line of another pid is somebody else's.
    let reported = life.id.as_ref().is_some_and(|id| {
        let near = |other: &OomKill| other.at.is_some_and(|at| end.seconds_since(at).abs() < 3.0);
        sheet.oom_kills.iter().any(|other| !other.inferred && other.is_in(id) && near(other))
    });
    if reported {
        return false;
    }
    let told = life
        .oom_events
        .iter()
        .any(|(event, _)| event.is_some_and(|event| event.seconds_since(at).abs() < 1.0));
    // Of several such lines at that moment, which one is its own is not shown.
    let fits = |other: &&OomKill| {
        let pids = |kill: &OomKill| kill.victims.iter().map(|it| it.pid).collect::<Vec<_>>();
        let after = other.at.and_then(|at| life.ended_right_after(at)) == Some(true);
        other.is_placeless() && after && pids(other) != pids(kill)
    };
    let alone = !sheet.oom_kills.iter().any(|other| fits(&other));
    let ended = life.ended_right_after(at) == Some(true) && ended;
    alone && ended && (told || life.flagged() == Some(true))
}

/// A victim has the name of the program that PID 1 runs; one that is not known, or that starts
/// another, excludes none.
fn can_bear_its_name(kill: &OomKill, life: &Life) -> bool {
    life.program().is_none_or(|program| program::starts_another(program) || kill.took(program))
}

/// The life that holds a moment. A kill comes before the end that it makes, so the first life whose
/// end is not before it is the one; clocks may differ by 250 ms, lives may be 100 ms apart.
fn life_at(lives: &[Life], moment: Moment) -> Option<usize> {
    let index = lives
        .iter()
        .position(|life| life.ended_at().is_none_or(|end| moment.seconds_since(end) < 0.1));
    // A moment after the last end: the runtime's clock was behind, or it is nobody's.
    let last = lives.len().checked_sub(1)?;
    let index = index.unwrap_or(last);
    lives.get(index).is_some_and(|life| life.holds(moment)).then_some(index)
}

/// The container a daemon line is about.
pub(crate) fn named_container(line: &DaemonLine) -> Option<ContainerId> {
    match line {
        DaemonLine::StopEscalated { container, .. }
        | DaemonLine::StopRequested { container, .. }
        | DaemonLine::KillRequested { container, .. }
        | DaemonLine::ShimGone { container }
        | DaemonLine::RuntimeOom { container, .. }
        | DaemonLine::UnhealthyKill { container, .. } => container.clone(),
        DaemonLine::UnitStopTimeout { .. }
        | DaemonLine::UnitKilling { .. }
        | DaemonLine::UnitKilledByClient { .. }
        | DaemonLine::UnitMainExited { .. }
        | DaemonLine::UnitResult { .. }
        | DaemonLine::UnitOomKill { .. }
        | DaemonLine::UnitStopping { .. }
        | DaemonLine::UnitStarted { .. }
        | DaemonLine::UnitDeactivated { .. }
        | DaemonLine::UnitTimeLimit { .. }
        | DaemonLine::OomDaemonKill { .. }
        | DaemonLine::DaemonShutdown { .. }
        | DaemonLine::OomCounted { .. }
        | DaemonLine::SignalSentBy { .. } => unit_of(line).and_then(unit_container),
    }
}

/// `docker-ID.scope` and the like.
fn unit_container(unit: &str) -> Option<ContainerId> {
    CgroupPath::parse(&format!("/{}", unit.trim_start_matches('/')))?.container_id()
}

/// The report of a limit lists every task below it, and that is the victim alone: of a unit that systemd has
/// forgotten, which does not tell its main pid any more, or of a container below a parent's limit, whatever its
/// command became by `exec`.
fn is_alone(kill: &OomKill, life: &Life) -> bool {
    let level = match life.teller {
        Teller::Systemd => kill.level == Level::Own,
        Teller::Docker => matches!(kill.level, Level::Own | Level::Ancestor),
        _ => false,
    };
    match (kill.report.tasks.as_slice(), kill.victims.as_slice()) {
        ([task], [victim]) => level && task.process() == victim.pid,
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests;
