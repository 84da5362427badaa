//! Every death in a case about a whole machine, each with its own verdict.
//!
//! Each container, each unit that failed, is asked about as if it were the only question; the kills
//! that belong to none of them stand for themselves; then what only an OOM daemon's line or a cgroup's
//! counter tells. Nothing is told twice. What the machine's log says is read once for all.
//!
//! Decides nothing about a death: that is for the rules. An unrelated container's log changes nothing
//! here either: what is about one container is read for that container only.

use casefile::{Asked, CaseFile, CgroupPath, ContainerId, Exhibit, Moment, Source};
use parse::record::{CounterValue, DaemonLine, Record};

use crate::facts::{self, Fact, FactSheet, OomKill, lives, named_container, unit_of};
use crate::rules;
use crate::verdict::{Confidence, Killer, Verdict};

/// Every death that the case tells of, the newest first; those without a time last. What lives, and
/// what ended well, is in it too: [`is_death`] tells them apart.
pub fn survey(case: &CaseFile, asked_at: Moment) -> Vec<Verdict> {
    let machine = Machine::of(case);
    let mut all = Told::default();
    for id in containers(case) {
        all.take(machine.of_container(case, &id, asked_at));
    }
    for unit in machine.units(case) {
        all.take(machine.of_unit(case, &unit, asked_at));
    }
    let untold: Vec<&OomKill> =
        machine.sheet.oom_kills.iter().filter(|kill| !all.has_kill(kill)).collect();
    all.take(rules::of_kills(&machine.sheet, untold));
    for line in machine.oom_daemon_lines() {
        if !all.has_victim_of(&line.what, line.at) {
            all.take(machine.of_daemon_line(line, asked_at));
        }
    }
    for exhibit in case.exhibits.iter().filter(|exhibit| is_counter(exhibit)) {
        all.take(machine.of_counter(case, exhibit, &all, asked_at));
    }
    let mut verdicts = all.verdicts;
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.at));
    verdicts
}

/// Every container of a case about a whole machine, each with the facts about it upon what all share.
pub(crate) fn of_each_container(case: &CaseFile) -> Vec<(ContainerId, FactSheet)> {
    let machine = Machine::of(case);
    let sheet = |id: ContainerId| {
        let (asked, own) = about(case, &id);
        let sheet = machine.sheet_of(case, asked, own);
        (id, sheet)
    };
    containers(case).into_iter().map(sheet).collect()
}

/// The question about one container, and the exhibits that are about it alone.
fn about(case: &CaseFile, id: &ContainerId) -> (Asked, Vec<Exhibit>) {
    let is_own = |exhibit: &&Exhibit| exhibit.about.as_ref().is_some_and(|about| about.is_same(id));
    let own = case.exhibits.iter().filter(is_own).cloned().collect();
    (Asked { container_id: Some(id.clone()), ..Asked::default() }, own)
}

/// A death, or a kill inside what lives on; not a stop that was obeyed, an end with 0, a life.
pub fn is_death(verdict: &Verdict) -> bool {
    let ended_well = verdict.main.exit_code.is_none_or(|code| code == 0);
    match verdict.killer {
        Killer::StillAlive | Killer::Stopped => false,
        // Never started, or ended with 0.
        Killer::NotKilled | Killer::Unknown => !ended_well,
        Killer::ContainerMemoryLimit
        | Killer::AncestorMemoryLimit
        | Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory
        | Killer::OomDaemon
        | Killer::Eviction
        | Killer::StopTimeout
        | Killer::ApiKill
        | Killer::FailedProbe
        | Killer::Process
        | Killer::ResourceLimit
        | Killer::Runtime
        | Killer::Crash => true,
    }
}

/// Every container that an exhibit is about.
fn containers(case: &CaseFile) -> Vec<ContainerId> {
    let mut ids: Vec<ContainerId> = Vec::new();
    for id in case.exhibits.iter().filter_map(|exhibit| exhibit.about.as_ref()) {
        if ids.iter().all(|known| !known.is_same(id)) {
            ids.push(id.clone());
        }
    }
    ids
}

/// A cgroup's counters that are about no container of a daemon: each is asked about on its own.
fn is_counter(exhibit: &Exhibit) -> bool {
    exhibit.source == Source::Cgroup && exhibit.about.is_none()
}

fn is_shared(exhibit: &Exhibit) -> bool {
    exhibit.about.is_none()
        && !matches!(exhibit.source, Source::Cgroup | Source::UnitState | Source::Swarm)
}

/// What everyone on the machine shares.
struct Machine {
    sheet: FactSheet,
}

impl Machine {
    fn of(case: &CaseFile) -> Self {
        let exhibits: Vec<Exhibit> =
            case.exhibits.iter().filter(|exhibit| is_shared(exhibit)).cloned().collect();
        let whole = |it: &Exhibit| it.source == Source::KernelLog && it.covers;
        let whole = exhibits.iter().any(whole);
        let mut sheet = facts::establish(&part(case, Asked::default(), exhibits));
        sheet.machine.kernel_log_since = sheet.machine.kernel_log_since.filter(|_| whole);
        Self { sheet }
    }

    /// The facts about one subject, upon what is shared.
    fn sheet_of(&self, case: &CaseFile, asked: Asked, own: Vec<Exhibit>) -> FactSheet {
        let mut sheet = facts::establish_upon(self.sheet.clone(), &part(case, asked, own));
        let started = lives(&sheet).last().and_then(|life| life.started_at);
        sheet.kernel_covered = self
            .sheet
            .machine
            .kernel_log_since
            .zip(started)
            .is_some_and(|(since, started)| since <= started);
        sheet
    }

    fn of_container(&self, case: &CaseFile, id: &ContainerId, asked_at: Moment) -> Vec<Verdict> {
        let (asked, own) = about(case, id);
        let sheet = self.sheet_of(case, asked, own);
        let mut all = flat(rules::reach(&sheet, asked_at));
        // A neighbour's death is told by its own question.
        all.retain(|one| one.container_id.as_ref().is_none_or(|other| other.is_same(id)));
        all
    }

    /// The units that failed, by their own state or by systemd's word in the journal.
    fn units(&self, case: &CaseFile) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for exhibit in case.exhibits.iter().filter(|it| it.source == Source::UnitState) {
            names.extend(parse::read(exhibit.source, exhibit.text()).into_iter().filter_map(
                |seen| {
                    let Record::Unit(unit) = seen.record else { return None };
                    Some(unit.name)
                },
            ));
        }
        for line in self.sheet.daemon.iter().filter(|line| is_failure(&line.what)) {
            if named_container(&line.what).is_none() {
                names.extend(unit_of(&line.what).map(str::to_owned));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn of_unit(&self, case: &CaseFile, unit: &str, asked_at: Moment) -> Vec<Verdict> {
        let is_own = |exhibit: &&Exhibit| {
            exhibit.source == Source::UnitState
                && parse::read(exhibit.source, exhibit.text())
                    .iter()
                    .any(|seen| matches!(&seen.record, Record::Unit(it) if it.name == unit))
        };
        let own: Vec<Exhibit> = case.exhibits.iter().filter(is_own).cloned().collect();
        let asked = Asked { unit: Some(unit.to_owned()), ..Asked::default() };
        flat(rules::reach(&self.sheet_of(case, asked, own), asked_at))
    }

    fn oom_daemon_lines(&self) -> impl Iterator<Item = &Fact<DaemonLine>> {
        self.sheet
            .daemon
            .iter()
            .filter(|line| matches!(line.what, DaemonLine::OomDaemonKill { .. }))
    }

    /// A daemon's line alone: nothing else on the machine is about it.
    fn of_daemon_line(&self, line: &Fact<DaemonLine>, asked_at: Moment) -> Vec<Verdict> {
        let sheet = FactSheet {
            machine: self.sheet.machine.clone(),
            daemon: vec![line.clone()],
            ..FactSheet::default()
        };
        flat(rules::reach(&sheet, asked_at))
    }

    /// A counter that counts more kills than were told.
    fn of_counter(
        &self,
        case: &CaseFile,
        exhibit: &Exhibit,
        told: &Told,
        asked_at: Moment,
    ) -> Vec<Verdict> {
        let Some((path, kills)) = counted(exhibit) else { return Vec::new() };
        let named = self.sheet.oom_kills.iter().filter(|kill| is_at(kill, &path)).count();
        if u64::try_from(named).is_ok_and(|named| named >= kills) {
            return Vec::new();
        }
        let own = path.container_id();
        if own.is_some_and(|id| told.has_container(&id)) {
            return Vec::new();
        }
        // The kills that the log names are told already; what is asked is the rest.
        let alone = FactSheet { machine: self.sheet.machine.clone(), ..FactSheet::default() };
        let sheet =
            facts::establish_upon(alone, &part(case, Asked::default(), vec![exhibit.clone()]));
        let mut all = flat(rules::reach(&sheet, asked_at));
        for verdict in &mut all {
            verdict.place = verdict.place.clone().or_else(|| Some(path.clone()));
            let rest = match named {
                0 => format!("{kills} OOM kills counted, none of them in the kernel's log"),
                _ => format!("{kills} OOM kills counted, {named} of them in the kernel's log"),
            };
            verdict.detail = Some(rest);
        }
        all
    }
}

/// A case of some of its exhibits.
fn part(case: &CaseFile, asked: Asked, exhibits: Vec<Exhibit>) -> CaseFile {
    CaseFile { exhibits, ..CaseFile::new(asked, case.gathered_at) }
}

/// A verdict and its findings, each for itself.
fn flat(mut verdict: Verdict) -> Vec<Verdict> {
    let mut all = std::mem::take(&mut verdict.findings);
    all.push(verdict);
    all
}

/// systemd's word that a unit did not end well, or lost a process.
fn is_failure(line: &DaemonLine) -> bool {
    match line {
        DaemonLine::UnitResult { result, .. } => result != "success",
        DaemonLine::UnitOomKill { .. } => true,
        _ => false,
    }
}

/// A cgroup and how many kills it counts.
fn counted(exhibit: &Exhibit) -> Option<(CgroupPath, u64)> {
    parse::read(exhibit.source, exhibit.text()).into_iter().find_map(|seen| {
        let Record::Counter(counter) = seen.record else { return None };
        let CounterValue::Number(kills) = counter.value else { return None };
        (counter.key == "oom_kill").then_some((counter.cgroup?, kills))
    })
}

fn is_at(kill: &OomKill, path: &CgroupPath) -> bool {
    kill.report.task_memcg.as_ref().is_some_and(|task| task == path)
}

/// What has been told so far.
#[derive(Default)]
struct Told {
    verdicts: Vec<Verdict>,
}

impl Told {
    /// Takes what is new. The same process killed at the same time is the same death.
    fn take(&mut self, verdicts: Vec<Verdict>) {
        for verdict in verdicts {
            let mut pids = verdict.victims.iter().filter_map(|victim| victim.pid).peekable();
            let known = pids.peek().is_some() && pids.all(|pid| self.has_pid(pid, verdict.at));
            if !known {
                self.verdicts.push(verdict);
            }
        }
    }

    fn has_pid(&self, pid: u32, at: Option<Moment>) -> bool {
        self.verdicts.iter().any(|verdict| {
            let near = match (verdict.at, at) {
                // A storm under one limit is one death that lasts.
                (Some(one), Some(other)) => one.seconds_since(other).abs() < 60.0,
                (None, _) | (_, None) => true,
            };
            near && verdict.victims.iter().any(|victim| victim.pid == Some(pid))
        })
    }

    fn has_kill(&self, kill: &OomKill) -> bool {
        let mut pids = kill.victims.iter().map(|victim| victim.pid).peekable();
        if pids.peek().is_none() {
            return kill.container.as_ref().is_some_and(|id| self.has_container(id));
        }
        pids.all(|pid| self.has_pid(pid, kill.at))
    }

    /// A death of this container was told.
    fn has_container(&self, id: &ContainerId) -> bool {
        self.verdicts.iter().any(|verdict| {
            let same = verdict.container_id.as_ref().is_some_and(|other| other.is_same(id));
            same && verdict.killer != Killer::StillAlive && verdict.confidence > Confidence::Unknown
        })
    }

    fn has_victim_of(&self, line: &DaemonLine, at: Option<Moment>) -> bool {
        let DaemonLine::OomDaemonKill { unit, pid, .. } = line else { return false };
        let by_pid = pid.is_some_and(|pid| self.has_pid(pid, at));
        let container = named_container(line);
        // A unit is named by itself or by the whole path of its cgroup.
        let unit = unit.as_ref().and_then(|unit| unit.rsplit('/').next());
        let by_name = self.verdicts.iter().any(|verdict| {
            let named = container.as_ref().zip(verdict.container_id.as_ref());
            let subject = verdict.subject.as_ref().and_then(|subject| subject.name.as_deref());
            let same = named.is_some_and(|(one, other)| one.is_same(other))
                || unit.zip(subject).is_some_and(|(unit, name)| unit == name);
            let near = match (verdict.at, at) {
                (Some(one), Some(other)) => one.seconds_since(other).abs() < 60.0,
                (None, _) | (_, None) => false,
            };
            verdict.killer == Killer::OomDaemon && same && near
        });
        by_pid || by_name
    }
}

#[cfg(test)]
mod tests;
