//! `systemctl status`: the head of its page, up to the empty line before the log.

use casefile::{CgroupPath, Span, signal_number};

use super::{is_holder, time};
use crate::Sighting;
use crate::record::{MainEnd, Record, UnitRecord};

/// A line with its place, without the blanks around it.
type Words<'a> = (&'a str, Span);

pub(super) fn read(text: &str) -> Vec<Sighting> {
    let mut start = 0;
    let mut lines: Vec<Words<'_>> = Vec::new();
    for raw in text.split_inclusive('\n') {
        let words = raw.trim();
        let head = start + (raw.len() - raw.trim_start().len());
        lines.push((words, Span { start: head, end: head + words.len() }));
        start += raw.len();
    }
    let heads = lines.iter().enumerate().filter_map(|(at, line)| {
        let name = name_of(line.0)?;
        let rest = lines.get(at + 1..)?;
        rest.first()?.0.starts_with("Loaded: ").then(|| page(name, line.1, rest))
    });
    heads.collect()
}

/// `● api.service - The API`; the dot is a cross, a circle or an arrow, or missing.
fn name_of(words: &str) -> Option<&str> {
    // `x` is a cross where the terminal knows no other; it also begins names.
    let marked = words.strip_prefix(['●', '×', '○', '↻', '*', 'x', '?']);
    let words = marked.filter(|rest| rest.starts_with(' ')).unwrap_or(words);
    let name = words.split_whitespace().next()?;
    is_holder(name).then_some(name)
}

fn page(name: &str, head: Span, lines: &[Words<'_>]) -> Sighting {
    let mut unit = UnitRecord { name: name.to_owned(), ..UnitRecord::default() };
    let mut span = head;
    for (words, place) in lines.iter().take_while(|(words, _)| !words.is_empty()) {
        span = span.joined(*place);
        let Some((key, value)) = words.split_once(": ") else { continue };
        let field = match key {
            "Active" => (active(&mut unit, value), "active_state").1,
            "Process" if value.contains("ExecStart=") => {
                (unit.command = command(value).unwrap_or_default(), "command").1
            }
            "Main PID" => (main(&mut unit, value), "status").1,
            "CGroup" => (unit.cgroup = CgroupPath::parse(value), "cgroup").1,
            "Loaded" => {
                (unit.load_state = value.split_whitespace().next().map(str::to_owned), "load_state")
                    .1
            }
            _ => continue,
        };
        unit.shown_at.push((field, *place));
        if field == "active_state" {
            unit.shown_at.push(("result", *place));
        }
    }
    Sighting { record: Record::Unit(Box::new(unit)), span, at: None }
}

/// `failed (Result: timeout) since Sun 2026-11-22 17:46:39 UTC; 29s ago`
fn active(unit: &mut UnitRecord, value: &str) {
    let (state, since) = value.split_once(" since ").unwrap_or((value, ""));
    let (state, inner) = state.split_once(" (").unwrap_or((state, ""));
    unit.active_state = Some(state.trim().to_owned());
    let inner = inner.trim_end_matches(')');
    match inner.split_once("Result: ") {
        Some((_, result)) => unit.result = Some(result.to_owned()),
        None => unit.sub_state = Some(inner.to_owned()).filter(|inner| !inner.is_empty()),
    }
    let at = since.split(';').next().and_then(time::read);
    let up = unit.is_up();
    unit.started_at = at.filter(|_| up);
    unit.exited_at = at.filter(|_| !up);
}

/// `4411 ExecStart=/usr/bin/docker run --name web x (code=exited, status=137)`: what was run. Its quoting is
/// lost on this page.
fn command(value: &str) -> Option<Vec<String>> {
    let (_, rest) = value.split_once("ExecStart=")?;
    let (words, _) = rest.rsplit_once(" (code=")?;
    Some(words.split_whitespace().map(str::to_owned).collect())
}

/// `103 (code=killed, signal=KILL)`, `812 (nginx)`
fn main(unit: &mut UnitRecord, value: &str) {
    let (pid, rest) = value.split_once(' ').unwrap_or((value, ""));
    unit.exec_main_pid = pid.parse().ok();
    let after = |key: &str| {
        let (_, rest) = rest.split_once(key)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end)
    };
    unit.end = match after("code=") {
        Some("exited") => after("status=").and_then(|it| it.parse().ok()).map(MainEnd::Exited),
        Some("killed" | "dumped") => {
            let signal = after("signal=").and_then(signal_number);
            // `code=killed, status=9/KILL` in the journal's spelling.
            signal.or_else(|| after("status=")?.parse().ok()).map(MainEnd::Killed)
        }
        Some(_) => None,
        None => {
            unit.main_pid = unit.exec_main_pid;
            None
        }
    };
}
