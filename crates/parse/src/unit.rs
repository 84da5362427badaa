//! A systemd unit's state: `systemctl show` (`KEY=VALUE` lines) and `systemctl status`.
//!
//! A gathered exhibit is `systemctl show` and nothing else. In pasted text a block is taken for a
//! unit's only where its `Id=` ends as a unit's name does and its state stands beside it, or where
//! a status' head is followed by `Loaded:`. The journal lines under a status are read elsewhere.
//!
//! Leans on systemctl(1), org.freedesktop.systemd1(5), systemd `src/shared/bus-print-properties.c`
//! and `src/systemctl/systemctl-show.c`, 219 to 258.

use casefile::{Bytes, CgroupPath, Limit, Span, signal_number};

use crate::Sighting;
use crate::record::{MainEnd, Record, UnitRecord};

mod status;
mod time;

/// A moment as systemd prints it, in UTC.
pub fn systemd_moment(text: &str) -> Option<casefile::Moment> {
    time::read(text)
}

/// Endings of a unit's name that can hold processes.
const HOLDERS: [&str; 3] = [".service", ".scope", ".slice"];

/// A unit that can hold processes, by its name.
pub(crate) fn is_holder(name: &str) -> bool {
    HOLDERS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
        && !name.contains(|c: char| c.is_whitespace() || c == '/' || c == '=')
}

/// Reads `systemctl show`.
pub(crate) fn read_show(text: &str) -> Vec<Sighting> {
    blocks(text).iter().filter_map(|block| of_block(block)).collect()
}

/// Reads pasted text.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    // A cheap look first: most texts hold neither.
    let mut found = Vec::new();
    if text.contains("Id=") && text.contains("State=") {
        found = read_show(text);
    }
    if text.contains("Loaded: ") {
        found.extend(status::read(text));
    }
    found
}

/// A `KEY=VALUE` line.
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
    span: Span,
}

/// The blocks of `KEY=VALUE` lines; an empty line or another one ends a block.
fn blocks(text: &str) -> Vec<Vec<Pair<'_>>> {
    let mut blocks = Vec::new();
    let mut open: Vec<Pair<'_>> = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let words = raw.trim();
        let head = start + (raw.len() - raw.trim_start().len());
        start += raw.len();
        let pair = words.split_once('=').filter(|(key, _)| is_key(key));
        match pair {
            Some((key, value)) => {
                // The first key again is the next unit of a text without empty lines.
                if open.first().is_some_and(|first| first.key == key) {
                    blocks.push(std::mem::take(&mut open));
                }
                let span = Span { start: head, end: head + words.len() };
                open.push(Pair { key, value, span });
            }
            None => blocks.push(std::mem::take(&mut open)),
        }
    }
    blocks.push(open);
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn of_block(block: &[Pair<'_>]) -> Option<Sighting> {
    let name = block.iter().find(|pair| pair.key == "Id")?.value;
    let stateful = ["ActiveState", "LoadState", "Result", "ExecMainCode"];
    if !is_holder(name) || !block.iter().any(|pair| stateful.contains(&pair.key)) {
        return None;
    }
    let mut reading = Reading {
        unit: UnitRecord { name: name.to_owned(), ..UnitRecord::default() },
        ..Reading::default()
    };
    for pair in block {
        reading.take(pair);
    }
    let span = block.iter().map(|pair| pair.span).reduce(Span::joined)?;
    Some(Sighting { record: Record::Unit(Box::new(reading.finish())), span, at: None })
}

#[derive(Default)]
struct Reading {
    unit: UnitRecord,
    code: Option<i32>,
    status: Option<i32>,
}

impl Reading {
    fn take(&mut self, pair: &Pair<'_>) {
        let value = pair.value.trim();
        let unit = &mut self.unit;
        let text = || Some(value.to_owned()).filter(|text| !text.is_empty());
        let pid = || value.parse::<u32>().ok().filter(|pid| *pid > 0);
        let field = match pair.key {
            "LoadState" => (unit.load_state = text(), "load_state").1,
            "ActiveState" => (unit.active_state = text(), "active_state").1,
            "SubState" => (unit.sub_state = text(), "sub_state").1,
            "Result" => (unit.result = text(), "result").1,
            "MainPID" => (unit.main_pid = pid(), "main_pid").1,
            "ExecMainPID" => (unit.exec_main_pid = pid(), "exec_main_pid").1,
            "ExecMainCode" => (self.code = code(value), "code").1,
            "ExecMainStatus" => (self.status = value.parse().ok(), "status").1,
            "ExecMainStartTimestamp" => (unit.started_at = time::read(value), "started_at").1,
            "ExecMainExitTimestamp" => (unit.exited_at = time::read(value), "exited_at").1,
            "StateChangeTimestamp" => (unit.changed_at = time::read(value), "changed_at").1,
            "ControlGroup" => (unit.cgroup = CgroupPath::parse(value), "cgroup").1,
            "Slice" => (unit.slice = text(), "slice").1,
            "MemoryMax" => (unit.memory_max = limit(value).or(unit.memory_max), "memory_max").1,
            "MemoryHigh" => (unit.memory_high = limit(value), "memory_high").1,
            "MemoryCurrent" => (unit.memory_current = bytes(value), "memory_current").1,
            "MemoryPeak" => (unit.memory_peak = bytes(value), "memory_peak").1,
            "OOMPolicy" => (unit.oom_policy = text(), "oom_policy").1,
            "NRestarts" => (unit.restarts = value.parse().ok(), "restarts").1,
            "TimeoutStopUSec" => (unit.stop_timeout = time::span(value), "stop_timeout").1,
            "RuntimeMaxUSec" => (unit.runtime_max = time::span(value), "runtime_max").1,
            "WatchdogUSec" => (unit.watchdog = time::span(value), "watchdog").1,
            "KillSignal" => {
                (
                    unit.kill_signal = value.parse().ok().or_else(|| signal_number(value)),
                    "kill_signal",
                )
                    .1
            }
            "ExecStart" => (unit.command = command(value), "command").1,
            // What v1 calls its limit; counts only where the newer one is not set.
            "MemoryLimit" => {
                let is_set = matches!(unit.memory_max, Some(Limit::At(_)));
                unit.memory_max =
                    if is_set { unit.memory_max } else { limit(value).or(unit.memory_max) };
                return;
            }
            _ => return,
        };
        unit.shown_at.push((field, pair.span));
    }

    fn finish(mut self) -> UnitRecord {
        self.unit.end = match (self.code, self.status) {
            (Some(1), Some(status)) => Some(MainEnd::Exited(status)),
            (Some(2 | 3), Some(signal)) => Some(MainEnd::Killed(signal)),
            (_, _) => None,
        };
        self.unit
    }
}

/// `CLD_EXITED`, `CLD_KILLED`, `CLD_DUMPED` of siginfo, or their words; 0: not ended.
fn code(value: &str) -> Option<i32> {
    match value {
        "exited" => Some(1),
        "killed" => Some(2),
        "dumped" => Some(3),
        number => number.parse().ok(),
    }
}

/// `67108864`, `infinity`; up to 230 a number near 2^64 means none.
fn limit(value: &str) -> Option<Limit> {
    if value == "infinity" {
        return Some(Limit::Unlimited);
    }
    value.parse().ok().map(Limit::from_kernel)
}

/// A number of bytes; `[not set]` and 2^64 - 1 mean that nobody measured.
fn bytes(value: &str) -> Option<Bytes> {
    value.parse::<u64>().ok().filter(|bytes| *bytes < 1 << 60).map(Bytes)
}

/// `{ path=/opt/hog ; argv[]=/opt/hog 200 ; ignore_errors=no ; … }`
fn command(value: &str) -> Vec<String> {
    let argv = value.split_once("argv[]=").and_then(|(_, rest)| rest.split_once(" ; "));
    argv.map(|(argv, _)| argv.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
