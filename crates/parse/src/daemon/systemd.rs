//! systemd's words about its units, and systemd-oomd's about the cgroups it kills.
//!
//! Messages of src/core/{unit,service,scope}.c and src/oom/oomd-manager.c. A `Stopped X` line is no
//! evidence: an automatic restart writes it too.

use super::said::{Said, UNITS, between, number_after};
use crate::record::{DaemonLine, OomDaemon};

pub(super) fn read(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&["systemd", "init"]) {
        return None;
    }
    let message = said.message.as_str();
    if let Some(record) = oomd(message) {
        return Some(record);
    }
    if let Some((unit, words)) = unit_prefix(message).or_else(|| unit_first(message)) {
        return of_unit(unit, words);
    }
    stopping(said, message).or_else(|| starting(said, message))
}

/// `robot.service: words`
fn unit_prefix(message: &str) -> Option<(String, &str)> {
    let (unit, words) = message.split_once(": ")?;
    let unit = unit.strip_prefix("Unit ").unwrap_or(unit);
    is_unit(unit).then(|| (unit.to_owned(), words.trim()))
}

/// Up to 219 (RHEL 7) a timeout has no colon behind the unit: `oracle.service stop-sigterm timed
/// out. Killing.`
fn unit_first(message: &str) -> Option<(String, &str)> {
    let (unit, words) = message.split_once(' ')?;
    let timeout = words.starts_with("stop") || words.starts_with("start");
    (is_unit(unit) && timeout && words.contains("timed out.")).then(|| (unit.to_owned(), words))
}

fn is_unit(name: &str) -> bool {
    UNITS.iter().any(|ending| name.ends_with(ending)) && !name.contains(char::is_whitespace)
}

fn of_unit(unit: String, words: &str) -> Option<DaemonLine> {
    let lower = words.to_ascii_lowercase();
    if lower.contains("timed out. killing") {
        // `State 'stop-sigterm' timed out. Killing.`; 219 to 233 without `State`; scopes: `Stopping`.
        return Some(DaemonLine::UnitStopTimeout { unit });
    }
    if let Some(rest) = words.strip_prefix("Killing process ") {
        return killing(unit, rest);
    }
    if lower.contains("sigkill on client request")
        || (lower.starts_with("sent signal sigkill") && lower.contains("on client request"))
    {
        return Some(DaemonLine::UnitKilledByClient { unit });
    }
    if lower.starts_with("main process exited, code=") {
        return main_exited(unit, words);
    }
    if let Some(result) = between(words, "ailed with result '", "'") {
        return Some(DaemonLine::UnitResult { unit, result: result.to_owned() });
    }
    if lower.starts_with("watchdog timeout") {
        return Some(DaemonLine::UnitResult { unit, result: "watchdog".to_owned() });
    }
    if lower.contains("process of this unit has been killed by the oom killer") {
        return Some(DaemonLine::UnitOomKill { unit });
    }
    if lower.starts_with("systemd-oomd killed ") {
        return Some(oomd_kill(unit, words));
    }
    phase(unit, words, &lower)
}

/// Where a unit's run begins and ends, and which of its times ran out.
fn phase(unit: String, words: &str, lower: &str) -> Option<DaemonLine> {
    if lower.contains("reached runtime time limit") {
        return Some(DaemonLine::UnitTimeLimit { unit, at_start: false });
    }
    // `start operation timed out. Terminating.`, also `start-pre`, `start-post`.
    if lower.starts_with("start") && lower.contains("operation timed out.") {
        return Some(DaemonLine::UnitTimeLimit { unit, at_start: true });
    }
    if matches!(words, "Deactivated successfully." | "Succeeded.") {
        return Some(DaemonLine::UnitDeactivated { unit });
    }
    // With the unit from the journal's own field before it: the words may name a description only.
    let is_job = |verb: &str| words.strip_prefix(verb).is_some_and(|rest| !rest.is_empty());
    if is_job("Stopping ") {
        return Some(DaemonLine::UnitStopping { unit });
    }
    if is_job("Starting ") || is_job("Started ") {
        return Some(DaemonLine::UnitStarted { unit, ready: is_job("Started ") });
    }
    None
}

/// `Started robot.service - Robot control.`, `Starting robot.service - Robot control...`; a
/// description alone is nobody's name.
fn starting(said: &Said, message: &str) -> Option<DaemonLine> {
    let (ready, what) = match message.strip_prefix("Started ") {
        Some(what) => (true, what.strip_suffix('.')?),
        None => (false, message.strip_prefix("Starting ")?.trim_end_matches(['.', '…'])),
    };
    let unit = what.split_once(" - ").map_or(what, |(unit, _)| unit).trim();
    (is_unit(unit) && said.is(&["systemd"]))
        .then(|| DaemonLine::UnitStarted { unit: unit.to_owned(), ready })
}

/// `410 (pigpiod) with signal SIGKILL.`
fn killing(unit: String, rest: &str) -> Option<DaemonLine> {
    let (pid, rest) = rest.split_once(' ')?;
    // A name may hold a bracket: the last one closes it.
    let (comm, signal) = rest.rsplit_once(") with signal ")?;
    let comm = comm.strip_prefix('(').filter(|comm| *comm != "n/a");
    signal.starts_with("SIGKILL").then_some(())?;
    Some(DaemonLine::UnitKilling { unit, pid: pid.parse().ok()?, comm: comm.map(str::to_owned) })
}

/// `Main process exited, code=killed, status=9/KILL`
fn main_exited(unit: String, words: &str) -> Option<DaemonLine> {
    let code = words.split_once("code=")?.1;
    let end = code.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(code.len());
    let status = number_after(words, "status=").and_then(|status| i32::try_from(status).ok());
    Some(DaemonLine::UnitMainExited { unit, code: code.get(..end)?.to_owned(), status })
}

/// `Stopping Robot control...`, `Stopping robot.service - Robot control...`
fn stopping(said: &Said, message: &str) -> Option<DaemonLine> {
    let what = message.strip_prefix("Stopping ")?;
    let what = what.strip_suffix("...").or_else(|| what.strip_suffix('…'))?.trim();
    let (unit, description) = what.split_once(" - ").unwrap_or((what, what));
    if description.starts_with("Docker Application Container Engine") {
        return Some(DaemonLine::DaemonShutdown { by: "dockerd".to_owned() });
    }
    // `Stopping something...` is anybody's sentence unless systemd is known to say it.
    (is_unit(unit) || said.is(&["systemd"]))
        .then(|| DaemonLine::UnitStopping { unit: unit.to_owned() })
}

fn oomd(message: &str) -> Option<DaemonLine> {
    if let Some(rest) = message.strip_prefix("Killed ") {
        let (unit, reason) = rest.split_once(" due to ")?;
        return is_cgroup(unit).then(|| oomd_kill(unit.to_owned(), reason));
    }
    let rest = message.strip_prefix("Marked ")?;
    let (unit, reason) = rest.split_once(" for killing due to ")?;
    is_cgroup(unit).then(|| oomd_kill(unit.to_owned(), reason))
}

fn is_cgroup(name: &str) -> bool {
    !name.contains(char::is_whitespace) && (name.starts_with('/') || is_unit(name))
}

fn oomd_kill(unit: String, reason: &str) -> DaemonLine {
    DaemonLine::OomDaemonKill {
        daemon: OomDaemon::SystemdOomd,
        pid: None,
        comm: None,
        uid: None,
        // It writes to cgroup.kill or sends SIGKILL to each process.
        signal: Some(9),
        unit: Some(unit),
        reason: Some(reason.to_owned()),
        rss: None,
    }
}
