//! Exhibits → dated statements, each pointing at the bytes that make it.
//!
//! Establishes what was said, by whom and when; joins what belongs together (a kill and its
//! cgroup, a start and its end). Never says who did it: that is [`crate::rules`].

mod life;
#[cfg(test)]
mod made;
pub(crate) mod named;
mod oom;
pub(crate) mod program;
mod stage;
mod unit;

use std::collections::HashMap;

use casefile::{
    Bytes, CaseFile, CgroupPath, Citation, Clock, ContainerId, Exhibit, Gap, Moment, Source, Span,
    Stamp,
};
pub(crate) use life::{
    ApiSignal, End, Life, Teller, is_oom_reason, is_same_name, lives, lives_of_container,
    other_subjects,
};
pub(crate) use oom::{MainHit, OomKill};
use parse::Sighting;
use parse::record::{
    Application, ContainerEvent, ContainerRecord, Counter, DaemonLine, EcsTask, KernelEvent,
    MachineFact, PodEvent, PodRecord, ProcessRecord, Record, Request, SwarmTask, TraceEvent,
    UnitRecord,
};
pub(crate) use stage::{Stage, named_container};
pub(crate) use unit::{journals_unit, unit_of};

/// A statement, when it was made, and the bytes that make it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact<T> {
    pub(crate) what: T,
    /// On the wall clock, where that can be known.
    pub(crate) at: Option<Moment>,
    /// As the text shows it.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) cite: Citation,
    /// Where the exhibit came from.
    pub(crate) source: Source,
}

impl<T> Fact<T> {
    /// The same pointer, at another part of the same exhibit.
    pub(crate) fn cite_at(&self, span: Span) -> Citation {
        Citation { exhibit: self.cite.exhibit.clone(), span }
    }
}

/// What is known of the machine the evidence comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machine {
    pub(crate) cgroup_version: Option<u8>,
    pub(crate) docker_version: Option<String>,
    pub(crate) mem_total: Option<Bytes>,
    /// Processors online.
    pub(crate) cpus: Option<u32>,
    /// When the Docker daemon that answered was started.
    pub(crate) daemon_started_at: Option<Moment>,
    /// From when on the kernel's log is whole: what it does not hold since then did not happen.
    pub(crate) kernel_log_since: Option<Moment>,
}

/// Everything the exhibits say.
#[derive(Debug, Clone, Default)]
pub(crate) struct FactSheet {
    pub(crate) asked_id: Option<ContainerId>,
    pub(crate) asked_name: Option<String>,
    pub(crate) asked_unit: Option<String>,
    pub(crate) asked_pid: Option<u32>,
    pub(crate) asked_cgroup: Option<CgroupPath>,
    /// The evidence was gathered inside a pid namespace: its pids are not the kernel log's.
    pub(crate) inner_pids: bool,
    pub(crate) gathered_at: Option<Moment>,
    pub(crate) machine: Machine,
    /// Kernel OOM kills with a victim or a named cgroup, oldest first.
    pub(crate) oom_kills: Vec<OomKill>,
    /// Reports without a victim: the OOM killer ran, who died is not shown.
    pub(crate) oom_unfinished: Vec<Fact<Box<parse::record::OomReport>>>,
    /// Other events of the kernel log.
    pub(crate) kernel: Vec<Fact<KernelEvent>>,
    pub(crate) containers: Vec<Fact<Box<ContainerRecord>>>,
    pub(crate) events: Vec<Fact<ContainerEvent>>,
    pub(crate) manually_stopped: Vec<Fact<parse::record::ManuallyStopped>>,
    pub(crate) daemon: Vec<Fact<DaemonLine>>,
    /// Commands of a transcript that asked for an end.
    pub(crate) requests: Vec<Fact<Request>>,
    pub(crate) units: Vec<Fact<Box<UnitRecord>>>,
    pub(crate) swarm: Vec<Fact<Box<SwarmTask>>>,
    pub(crate) pods: Vec<Fact<Box<PodRecord>>>,
    pub(crate) pod_events: Vec<Fact<PodEvent>>,
    pub(crate) tasks: Vec<Fact<Box<EcsTask>>>,
    pub(crate) application: Vec<Fact<Application>>,
    /// Whose words of `application` these are, where Compose says so before the line.
    pub(crate) speakers: HashMap<Citation, String>,
    pub(crate) counters: Vec<Fact<Counter>>,
    pub(crate) processes: Vec<Fact<ProcessRecord>>,
    pub(crate) trace: Vec<Fact<TraceEvent>>,
    pub(crate) exits: Vec<Fact<i64>>,
    /// Ends of processes as wait(2) told them.
    pub(crate) waits: Vec<Fact<parse::record::WaitStatus>>,
    pub(crate) flags: Vec<Fact<bool>>,
    pub(crate) limits: Vec<Fact<casefile::Limit>>,
    pub(crate) gaps: Vec<Gap>,
    /// The kernel log reaches from before the subject's start to after its end, unbroken.
    pub(crate) kernel_covered: bool,
    /// Likewise the runtime's event history.
    pub(crate) events_covered: bool,
}

impl FactSheet {
    /// A subject was asked for: the evidence was gathered about it, not pasted.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked_id.is_some()
            || self.asked_unit.is_some()
            || self.asked_pid.is_some()
            || self.asked_cgroup.is_some()
    }
}

/// Reads every exhibit and sorts what it says.
pub(crate) fn establish(case: &CaseFile) -> FactSheet {
    establish_upon(FactSheet::default(), case)
}

/// The same upon facts that are known already: a machine's log is read once for all its subjects.
pub(crate) fn establish_upon(known: FactSheet, case: &CaseFile) -> FactSheet {
    let mut sheet = FactSheet {
        asked_id: case.asked.container_id.clone(),
        asked_name: case.asked.name.clone(),
        asked_unit: case.asked.unit.clone(),
        asked_pid: case.asked.pid,
        asked_cgroup: case.asked.cgroup.clone(),
        gathered_at: Some(case.gathered_at),
        gaps: case.gaps.clone(),
        ..known
    };
    let mut reports = Vec::new();
    for exhibit in &case.exhibits {
        if is_of_another_container(case, exhibit) {
            continue;
        }
        let kernel = matches!(exhibit.source, Source::KernelLog);
        sheet.kernel_covered |= kernel && exhibit.covers;
        sheet.events_covered |= exhibit.source == Source::ContainerEvents && exhibit.covers;
        for sighting in parse::read(exhibit.source, exhibit.text()) {
            sort_in(&mut sheet, &mut reports, exhibit, sighting);
        }
    }
    sheet.machine.kernel_log_since = log_since(&case.exhibits).or(sheet.machine.kernel_log_since);
    // `callbacks suppressed` hides reports, never a kill: `Killed process` is printed for every one.
    oom::establish(&mut sheet, reports);
    oom::place_by_count(&mut sheet);
    oom::relevel(&mut sheet);
    sheet
}

/// The moment of the oldest record of a log without holes; of another log it is not told.
fn log_since(exhibits: &[Exhibit]) -> Option<Moment> {
    let ring = |exhibit: &&Exhibit| {
        exhibit.source == Source::KernelLog && matches!(exhibit.clock, Clock::SinceBoot { .. })
    };
    let log = exhibits.iter().find(ring)?;
    let facts = exhibits.iter().filter(|exhibit| exhibit.source == Source::Machine);
    let micros =
        facts.flat_map(|exhibit| parse::read(exhibit.source, exhibit.text())).find_map(|seen| {
            match seen.record {
                Record::Machine(MachineFact::KernelLogSince(micros)) => Some(micros),
                _ => None,
            }
        })?;
    log.clock.moment(Stamp::SinceBoot(micros))
}

/// An exhibit gathered about one container says nothing about another.
fn is_of_another_container(case: &CaseFile, exhibit: &Exhibit) -> bool {
    match (&case.asked.container_id, &exhibit.about) {
        (Some(asked), Some(about)) => !asked.is_same(about),
        (None | Some(_), None) | (None, Some(_)) => false,
    }
}

type Reports = Vec<Fact<Box<parse::record::OomReport>>>;

fn sort_in(sheet: &mut FactSheet, reports: &mut Reports, exhibit: &Exhibit, seen: Sighting) {
    let cite = Citation { exhibit: exhibit.id.clone(), span: seen.span };
    let at = seen.at.and_then(|stamp| exhibit.clock.moment(stamp));
    let (stamp, source) = (seen.at, exhibit.source);
    macro_rules! fact {
        ($what:expr) => {
            Fact { what: $what, at, stamp, cite, source }
        };
    }
    match seen.record {
        Record::Kernel(KernelEvent::Oom(report)) => reports.push(fact!(report)),
        Record::Kernel(event) => sheet.kernel.push(fact!(event)),
        Record::Container(record) => sheet.containers.push(fact!(record)),
        Record::ContainerEvent(event) => {
            let at = event.at.or(at);
            sheet.events.push(Fact { what: event, at, stamp, cite, source });
        }
        Record::ManuallyStopped(flag) => sheet.manually_stopped.push(fact!(flag)),
        Record::Daemon(line) => sheet.daemon.push(fact!(line)),
        Record::Request(request) => sheet.requests.push(fact!(request)),
        Record::Unit(unit) => {
            sheet.daemon.extend(result_of(&unit, exhibit));
            sheet.units.push(fact!(unit));
        }
        Record::SwarmTask(task) => sheet.swarm.push(fact!(task)),
        Record::Pod(pod) => sheet.pods.push(fact!(pod)),
        Record::PodEvent(event) => {
            let at = event.at.or(at);
            sheet.pod_events.push(Fact { what: event, at, stamp, cite, source });
        }
        Record::EcsTask(task) => sheet.tasks.push(fact!(task)),
        Record::Application(words) => {
            let speaker = named::speaker(exhibit.text(), seen.span);
            sheet.speakers.extend(speaker.map(|name| (cite.clone(), name)));
            sheet.application.push(fact!(words));
        }
        Record::Counter(counter) => sheet.counters.push(fact!(counter)),
        Record::Process(process) => sheet.processes.push(fact!(process)),
        Record::Trace(event) => sheet.trace.push(fact!(event)),
        Record::Machine(MachineFact::CgroupVersion(version)) => {
            sheet.machine.cgroup_version = Some(version);
        }
        Record::Machine(MachineFact::MemTotal(bytes)) => sheet.machine.mem_total = Some(bytes),
        Record::Machine(MachineFact::Cpus(cpus)) => sheet.machine.cpus = Some(cpus),
        Record::Machine(MachineFact::DockerVersion(version)) => {
            sheet.machine.docker_version = Some(version);
        }
        Record::Machine(MachineFact::DaemonStartedAt(moment)) => {
            sheet.machine.daemon_started_at = Some(moment);
        }
        Record::Machine(MachineFact::PidNamespace { initial }) => sheet.inner_pids = !initial,
        // For the reader of the case; no rule asks.
        Record::Machine(
            MachineFact::KernelRelease(_)
            | MachineFact::ContainerdVersion(_)
            | MachineFact::MemAvailable(_)
            | MachineFact::BootedAt(_)
            | MachineFact::EventsWrapped(_)
            | MachineFact::EventsSince(_),
        ) => {}
        // A stamp of the kernel's log: `log_since` reads it beside that log's clock.
        Record::Machine(MachineFact::KernelLogSince(_)) => {}
        Record::BareExit(code) => sheet.exits.push(fact!(code)),
        Record::BareOomFlag(flag) => sheet.flags.push(fact!(flag)),
        Record::BareLimit(limit) => sheet.limits.push(fact!(limit)),
        Record::WaitStatus(status) => sheet.waits.push(fact!(status)),
    }
}

/// A unit's result stands in its state as it stands in the journal.
fn result_of(unit: &UnitRecord, exhibit: &Exhibit) -> Option<Fact<DaemonLine>> {
    let result = unit.result.clone().filter(|result| result != "success" && !unit.is_up())?;
    let cite = Citation { exhibit: exhibit.id.clone(), span: unit.span_of("result")? };
    Some(Fact {
        what: DaemonLine::UnitResult { unit: unit.name.clone(), result },
        at: unit.exited_at,
        stamp: unit.exited_at.map(Stamp::Wall),
        cite,
        source: exhibit.source,
    })
}
