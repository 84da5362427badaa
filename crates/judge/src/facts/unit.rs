//! The lives of a systemd unit or of a bare process: where it ran, each start and each end.
//!
//! systemd is the parent of a service's main process: its journal lines and `systemctl show` tell
//! a status from a signal (wait(2)), which no container runtime does. The state holds the last run
//! only; the journal gives the others. Says nothing about who sent a signal.
//!
//! Leans on systemd `src/core/service.c` (219 to 258): one `Started`, at most one `Main process
//! exited` and one result per run.

use casefile::{CgroupPath, Citation, Moment, Owner, OwnerKind, Relation};
use parse::record::{DaemonLine, MainEnd, UnitRecord};

use super::{End, Fact, FactSheet, Life, OomKill, Teller};

/// The unit that a daemon's line is about.
pub(crate) fn unit_of(line: &DaemonLine) -> Option<&str> {
    match line {
        DaemonLine::UnitStopTimeout { unit }
        | DaemonLine::UnitKilling { unit, .. }
        | DaemonLine::UnitKilledByClient { unit }
        | DaemonLine::UnitMainExited { unit, .. }
        | DaemonLine::UnitResult { unit, .. }
        | DaemonLine::UnitOomKill { unit }
        | DaemonLine::UnitStopping { unit }
        | DaemonLine::UnitStarted { unit, .. }
        | DaemonLine::UnitDeactivated { unit }
        | DaemonLine::UnitTimeLimit { unit, .. } => Some(unit),
        DaemonLine::OomDaemonKill { unit, .. } => unit.as_deref(),
        DaemonLine::StopEscalated { .. }
        | DaemonLine::StopRequested { .. }
        | DaemonLine::KillRequested { .. }
        | DaemonLine::ShimGone { .. }
        | DaemonLine::RuntimeOom { .. }
        | DaemonLine::DaemonShutdown { .. }
        | DaemonLine::UnhealthyKill { .. }
        | DaemonLine::OomCounted { .. }
        | DaemonLine::SignalSentBy { .. } => None,
    }
}

/// The process that a daemon's line is about where it names no unit.
fn pid_of(line: &DaemonLine) -> Option<u32> {
    match line {
        DaemonLine::OomDaemonKill { pid, .. } => *pid,
        DaemonLine::SignalSentBy { target_pid, .. } => *target_pid,
        _ => None,
    }
}

/// A daemon's line is about a subject that is no container: it names its unit, its process, or a
/// cgroup that holds it (where its own is not known, one that bears its name). What names nothing is
/// about the machine.
pub(crate) fn is_about(line: &DaemonLine, life: &Life) -> bool {
    if let Some(named) = unit_of(line) {
        let same = life.unit.as_deref() == Some(named);
        let around = || {
            let Some(path) = CgroupPath::parse(named) else { return false };
            match &life.place {
                Some(place) => matches!(path.relation(place), Relation::Same | Relation::Above),
                None => life.unit.as_deref() == Some(path.name()),
            }
        };
        return same || around();
    }
    match (pid_of(line), life.pid) {
        (Some(named), Some(own)) => named == own,
        // A daemon that kills one process names it; whether it is of the unit is not shown.
        (Some(_), None) => false,
        (None, _) => false,
    }
}

/// The unit bears the name of a container that has no id here: the service that runs it, as `web.service`,
/// `docker.web.service` and `container-web.service` run `web`.
pub(crate) fn runs_it(line: &DaemonLine, life: &Life) -> bool {
    let unit = unit_of(line).and_then(|unit| unit.strip_suffix(".service"));
    let name = life.name.as_deref().filter(|name| !name.is_empty());
    let before = unit.zip(name).and_then(|(unit, name)| unit.strip_suffix(name));
    before.is_some_and(|before| before.is_empty() || before.ends_with(['.', '-', '@', '_']))
}

/// A kill happened in the subject's cgroup or below it; without one, in a cgroup that bears the
/// unit's name.
pub(crate) fn is_in_place(kill: &OomKill, life: &Life) -> bool {
    let Some(task) = &kill.report.task_memcg else { return false };
    match (&life.place, &life.unit) {
        (Some(place), _) => matches!(task.relation(place), Relation::Same | Relation::Below),
        (None, Some(unit)) => task.names().any(|name| name == unit),
        (None, None) => false,
    }
}

/// A kill happened in the very cgroup of a process that was asked for by its pid, or below it where that cgroup
/// is a unit's or a container's. A process in the root, or in another cgroup that only holds others, has
/// nothing to do with what dies in those.
pub(crate) fn is_beside(kill: &OomKill, life: &Life) -> bool {
    let (Some(task), Some(place)) = (&kill.report.task_memcg, &life.place) else { return false };
    match task.relation(place) {
        Relation::Same => !place.is_root(),
        Relation::Below => place.owner().is_some(),
        Relation::Above | Relation::Apart => false,
    }
}

/// The subject's cgroup: as it was asked for, as the unit's state says, or as systemd would make it.
pub(super) fn place(sheet: &FactSheet) -> Option<CgroupPath> {
    if sheet.asked_cgroup.is_some() || sheet.asked_id.is_some() {
        return sheet.asked_cgroup.clone();
    }
    let record = record(sheet, &unit_name(sheet)?)?;
    record
        .what
        .cgroup
        .clone()
        .or_else(|| CgroupPath::of_unit(&record.what.name, record.what.slice.as_deref()?))
}

/// The unit in question: the one asked for, else the only one whose state the text holds.
fn unit_name(sheet: &FactSheet) -> Option<String> {
    if sheet.asked_unit.is_some() {
        return sheet.asked_unit.clone();
    }
    let mut names = sheet.units.iter().map(|unit| &unit.what.name);
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.clone())
}

fn record<'a>(sheet: &'a FactSheet, name: &str) -> Option<&'a Fact<Box<UnitRecord>>> {
    sheet.units.iter().rfind(|unit| unit.what.name == name)
}

/// The lives of the unit in question, oldest first.
pub(super) fn unit_lives(sheet: &FactSheet) -> Vec<Life> {
    let Some(name) = unit_name(sheet) else { return Vec::new() };
    lives_of_unit(sheet, name)
}

/// The lives of the unit whose main process ended last by a pasted journal, where nothing else is the
/// subject.
pub(crate) fn journals_unit(sheet: &FactSheet) -> Vec<Life> {
    let ended = |fact: &&Fact<DaemonLine>| matches!(fact.what, DaemonLine::UnitMainExited { .. });
    let last = sheet.daemon.iter().rfind(ended).and_then(|fact| unit_of(&fact.what));
    last.map(|name| lives_of_unit(sheet, name.to_owned())).unwrap_or_default()
}

fn lives_of_unit(sheet: &FactSheet, name: String) -> Vec<Life> {
    let mut lines: Vec<&Fact<DaemonLine>> =
        sheet.daemon.iter().filter(|fact| unit_of(&fact.what) == Some(name.as_str())).collect();
    lines.sort_by_key(|fact| fact.at);
    let mut chronicle = Chronicle::default();
    for line in lines {
        chronicle.take(line);
    }
    let mut lives = chronicle.lives;
    let state = record(sheet, &name).filter(|unit| is_loaded(&unit.what));
    if let Some(state) = state {
        overlay(sheet, &mut lives, state);
    }
    if lives.is_empty() && sheet.asked_unit.is_some() {
        lives.push(Life::default());
    }
    let place = place(sheet);
    let mut next: Option<Moment> = None;
    for life in lives.iter_mut().rev() {
        life.teller = Teller::Systemd;
        life.name = Some(name.clone());
        life.unit = Some(name.clone());
        life.place = place.clone();
        life.until = next;
        next = life.started_at.or(next);
    }
    lives
}

fn is_loaded(unit: &UnitRecord) -> bool {
    unit.load_state.as_deref() != Some("not-found") || unit.is_up() || unit.end.is_some()
}

/// Builds lives from systemd's lines in order.
#[derive(Default)]
struct Chronicle {
    lives: Vec<Life>,
    /// The last life has only been announced by `Starting`.
    starting: bool,
}

impl Chronicle {
    fn take(&mut self, fact: &Fact<DaemonLine>) {
        match &fact.what {
            DaemonLine::UnitStarted { ready, .. } => {
                let same =
                    self.starting && self.lives.last().is_some_and(|life| life.end.is_none());
                if !same {
                    self.lives.push(Life { started_at: fact.at, ..Life::default() });
                }
                self.starting = !ready;
            }
            DaemonLine::UnitMainExited { code, status, .. } => {
                let end = match (code.as_str(), status) {
                    ("exited", Some(status)) => Some(MainEnd::Exited(*status)),
                    ("killed" | "dumped", Some(signal)) => Some(MainEnd::Killed(*signal)),
                    (_, _) => None,
                };
                self.end(fact.at, end, fact.cite.clone());
            }
            DaemonLine::UnitDeactivated { .. }
                if self.lives.last().is_some_and(|life| life.end.is_none()) =>
            {
                self.end(fact.at, None, fact.cite.clone());
            }
            _ => {}
        }
    }

    fn end(&mut self, at: Option<Moment>, main: Option<MainEnd>, cite: Citation) {
        if self.lives.last().is_none_or(|life| life.end.is_some()) {
            self.lives.push(Life::default());
        }
        if let Some(life) = self.lives.last_mut() {
            life.end = Some(end_of(at, main, cite));
        }
    }
}

/// An end as a runtime would number it, with what wait(2) said kept beside it.
fn end_of(at: Option<Moment>, main: Option<MainEnd>, cite: Citation) -> End {
    let exit_code = main.map(|main| match main {
        MainEnd::Exited(status) => i64::from(status),
        MainEnd::Killed(signal) => i64::from(signal) + 128,
    });
    End { at, exit_code, cite, reason: None, main }
}

/// Lays the unit's state over the lives: it tells of the last one only.
fn overlay(sheet: &FactSheet, lives: &mut Vec<Life>, state: &Fact<Box<UnitRecord>>) {
    let unit = &state.what;
    let cite = |field: &str| {
        unit.span_of(field).map_or_else(|| state.cite.clone(), |span| state.cite_at(span))
    };
    // Times in whole seconds are common: two of them are one where they are that near.
    let same = lives.last().is_some_and(|last| match (last.started_at, unit.started_at) {
        (Some(known), Some(start)) => start.seconds_since(known) < 1.5,
        (None, Some(start)) => last.ended_at().is_none_or(|end| end.seconds_since(start) > -1.0),
        (_, None) => true,
    });
    if !same && (unit.is_up() || unit.end.is_some() || unit.started_at.is_some()) {
        lives.push(Life::default());
    }
    let Some(life) = lives.last_mut() else { return };
    life.started_at = life.started_at.or(unit.started_at);
    life.pid = unit.exec_main_pid.or(unit.main_pid).filter(|_| !sheet.inner_pids);
    life.unit_record = Some(state.clone());
    if unit.is_up() {
        (life.alive, life.alive_cite) = (true, Some(cite("active_state")));
        life.end = None;
    } else if unit.end.is_some() || life.end.is_none() {
        let known = life.end.take();
        let at = known.as_ref().and_then(|end| end.at).or(unit.exited_at);
        let whole = unit.end.is_some() || unit.exited_at.is_some();
        let told = whole.then(|| end_of(at, unit.end, cite("status")));
        // The journal's own line of the same end says it in words.
        life.end = match (known, told) {
            (Some(known), Some(told)) if known.exit_code == told.exit_code => Some(known),
            (_, Some(told)) => Some(told),
            (known, None) => known,
        };
    }
}

/// The process that was asked about, as one life.
pub(super) fn process_life(sheet: &FactSheet) -> Vec<Life> {
    let Some(pid) = sheet.asked_pid else { return Vec::new() };
    let alive = sheet.processes.iter().find(|process| process.what.pid == pid);
    let unit = sheet.asked_cgroup.as_ref().and_then(CgroupPath::owner).filter(is_unit);
    vec![Life {
        teller: Teller::Process,
        name: Some(match alive.and_then(|process| process.what.comm.clone()) {
            Some(comm) => format!("{comm} (pid {pid})"),
            None => format!("pid {pid}"),
        }),
        pid: Some(pid),
        alive: alive.is_some(),
        alive_cite: alive.map(|process| process.cite.clone()),
        started_at: alive.and_then(|process| process.what.started_at),
        unit: unit.map(|unit| unit.name),
        place: sheet.asked_cgroup.clone(),
        ..Life::default()
    }]
}

fn is_unit(owner: &Owner) -> bool {
    owner.within.is_none() && matches!(owner.kind, OwnerKind::Service | OwnerKind::Scope)
}

#[cfg(test)]
mod tests;
