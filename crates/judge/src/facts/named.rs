//! Which container or unit a daemon's line is about, where a pasted log tells of several: what it says of one
//! explains the end of no other.
//!
//! Decides nothing about a death. A line that names nobody (an OOM daemon's that knows a pid only, a shutdown) may
//! be about anybody and stays with each.
//!
//! Leans on the forms in `parse::record::DaemonLine`: dockerd, containerd, CRI-O and the kubelet name a container,
//! systemd and systemd-oomd a unit or its cgroup.

use std::collections::HashSet;

use casefile::{ContainerId, Span};
use parse::record::DaemonLine;

use super::{Fact, FactSheet, OomKill, named_container, unit_of};

/// Whom a line names.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Container(ContainerId),
    /// Its name without the cgroups above it: systemd-oomd writes the path.
    Unit(String),
}

impl Named {
    fn of(line: &DaemonLine) -> Option<Self> {
        if let Some(id) = named_container(line) {
            return Some(Self::Container(id));
        }
        let unit = unit_of(line)?.trim_end_matches('/');
        Some(Self::Unit(unit.rsplit('/').next().unwrap_or(unit).to_owned()))
    }

    /// Both are one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Container(one), Self::Container(two)) => one.is_same(two),
            (Self::Unit(one), Self::Unit(two)) => one == two,
            (Self::Container(_), Self::Unit(_)) | (Self::Unit(_), Self::Container(_)) => false,
        }
    }

    /// Two that are one have one key: of an id its short form.
    fn key(&self) -> String {
        match self {
            Self::Container(id) => id.to_string().chars().take(12).collect(),
            Self::Unit(name) => name.clone(),
        }
    }

    /// The kill happened in it.
    pub(crate) fn holds(&self, kill: &OomKill) -> bool {
        match self {
            Self::Container(id) => kill.is_in(id),
            Self::Unit(name) => {
                let task = kill.report.task_memcg.as_ref();
                task.is_some_and(|task| task.names().any(|it| it == name))
            }
        }
    }
}

/// The container that Compose writes before a line of its log: `api-1  | words`.
pub(crate) fn speaker(text: &str, span: Span) -> Option<String> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let (before, after) = text.get(start..)?.lines().next()?.split_once('|')?;
    // Compose colours it.
    let name = before.rsplit('\u{1b}').next()?;
    let name = if before.contains('\u{1b}') { name.split_once('m')?.1 } else { name }.trim();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let numbered = name.ends_with(|c: char| c.is_ascii_digit()) && name.contains(['-', '_']);
    (plain && numbered && after.starts_with([' ', '\u{1b}'])).then(|| name.to_owned())
}

/// The line tells that whom it names, or a process of it, ended by a signal that was not its own.
fn ends(line: &DaemonLine) -> bool {
    match line {
        DaemonLine::UnitOomKill { .. }
        | DaemonLine::UnitStopTimeout { .. }
        | DaemonLine::UnitKilling { .. }
        | DaemonLine::UnitKilledByClient { .. }
        | DaemonLine::UnitTimeLimit { .. }
        | DaemonLine::OomDaemonKill { .. }
        | DaemonLine::StopEscalated { .. }
        | DaemonLine::KillRequested { .. }
        | DaemonLine::RuntimeOom { .. }
        | DaemonLine::UnhealthyKill { .. } => true,
        DaemonLine::UnitMainExited { code, status, .. } => code != "exited" || *status == Some(137),
        DaemonLine::UnitResult { result, .. } => {
            ["oom-kill", "signal", "timeout", "watchdog", "core-dump"].contains(&result.as_str())
        }
        DaemonLine::UnitStopping { .. }
        | DaemonLine::UnitStarted { .. }
        | DaemonLine::UnitDeactivated { .. }
        | DaemonLine::StopRequested { .. }
        | DaemonLine::ShimGone { .. }
        | DaemonLine::DaemonShutdown { .. }
        | DaemonLine::OomCounted { .. }
        | DaemonLine::SignalSentBy { .. } => false,
    }
}

/// Whom a pasted log tells such an end of, the one of the last such line at the end.
pub(crate) fn ended(sheet: &FactSheet) -> Vec<Named> {
    let mut lines: Vec<&Fact<DaemonLine>> =
        sheet.daemon.iter().filter(|fact| ends(&fact.what)).collect();
    // Stamps of two kinds do not compare: then the text's own order is all there is.
    if lines.iter().all(|fact| fact.at.is_some()) {
        lines.sort_by_key(|fact| fact.at);
    }
    let mut known = HashSet::new();
    let named = lines.iter().rev().filter_map(|fact| Named::of(&fact.what));
    let mut all: Vec<Named> = named.filter(|named| known.insert(named.key())).collect();
    all.reverse();
    all
}

/// The same text without what it says of others than these; kills are these' or nobody else's.
pub(crate) fn without_others(
    sheet: &FactSheet,
    keeps: impl Fn(&Named) -> bool,
    others: &[Named],
) -> FactSheet {
    let mut rest = sheet.clone();
    rest.daemon.retain(|fact| Named::of(&fact.what).is_none_or(|named| keeps(&named)));
    rest.oom_kills.retain(|kill| !others.iter().any(|other| other.holds(kill)));
    rest
}

/// What the text says of one of them, and nothing else.
pub(crate) fn only(sheet: &FactSheet, one: &Named) -> FactSheet {
    let of_it = |fact: &&Fact<DaemonLine>| Named::of(&fact.what).is_some_and(|it| it.is(one));
    FactSheet {
        daemon: sheet.daemon.iter().filter(of_it).cloned().collect(),
        oom_kills: sheet.oom_kills.iter().filter(|kill| one.holds(kill)).cloned().collect(),
        ..FactSheet::default()
    }
}
