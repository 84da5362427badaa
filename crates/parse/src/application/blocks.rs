//! What several lines say together: V8's last garbage collections without the fatal line,
//! gunicorn's aborted worker, a Java error after which the log goes on, a child that node killed itself.
//!
//! A log may stand newest line first (Cloud Logging prints it so): stamps tell, where there are any.

use casefile::Span;

use super::Said;
use super::words::{after, begins, has_any, pid};
use crate::Sighting;
use crate::record::{Application, LanguageDeath, Record};

/// So far apart two lines of one event may stand.
const NEAR: usize = 60;

/// So far is looked for a program's going on.
const FAR: usize = 100;

/// Adds and corrects sightings by what other lines show.
pub(super) fn complete(said: &[Said], found: &mut Vec<Sighting>) {
    v8_block(said, found);
    aborted_worker(said, found);
    killed_by_node(said, found);
    survivors(said, found);
    found.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
}

/// `<--- Last few GCs --->`, collections that free nothing, and a JS stack trace: V8 prints these
/// three only when it gives up, so the fatal line itself may be missing.
fn v8_block(said: &[Said], found: &mut Vec<Sighting>) {
    let is_v8 = |sighting: &Sighting| {
        matches!(
            sighting.record,
            Record::Application(Application::Language {
                death: LanguageDeath::V8HeapLimit | LanguageDeath::V8OutOfMemory,
                ..
            })
        )
    };
    let mut fatal: Vec<usize> =
        found.iter().filter(|known| is_v8(known)).map(|known| known.span.start).collect();
    fatal.sort_unstable();
    let mut gcs = None;
    let mut desperate = false;
    for line in said {
        let words = line.text.as_str();
        if begins(words, "<--- Last few GCs --->").is_some() {
            gcs = Some(line);
            desperate = false;
        } else if has_any(
            words,
            &["Mark-sweep", "Mark-Compact", "Mark-sweep (reduce)", "last resort"],
        ) {
            desperate = true;
        } else if begins(words, "<--- JS stacktrace --->").is_some()
            && let Some(start) = gcs.take()
            && desperate
        {
            let span = start.span.joined(line.span);
            // The fatal line stands between the two, or shortly after, from Node 12 on.
            let from = fatal.partition_point(|start| start + 400 < span.start);
            if fatal.get(from).is_none_or(|start| *start > span.end + 400) {
                let death = LanguageDeath::V8HeapLimit;
                let record = Application::Language { death, ceiling: None, survived: false };
                found.push(Sighting { record: Record::Application(record), span, at: start.at });
            }
        }
    }
}

/// gunicorn's arbiter sends SIGABRT to a worker that timed out; the worker's `handle_abort` raises
/// SystemExit, and the worker names itself in `Worker exiting (pid: 16)`. What is left is SIGKILLed.
fn aborted_worker(said: &[Said], found: &mut Vec<Sighting>) {
    let newest_first = newest_first(said);
    for (at, line) in said.iter().enumerate() {
        let abort = line.text.contains("handle_abort") && line.text.contains("gunicorn");
        if !abort {
            continue;
        }
        let exiting = |line: &&Said| after(&line.text, "Worker exiting (pid").is_some();
        let before = said.get(at.saturating_sub(NEAR)..at).unwrap_or_default();
        let behind = said.get(at + 1..said.len().min(at + 1 + NEAR)).unwrap_or_default();
        let up = before.iter().rev().find(exiting);
        let down = behind.iter().find(exiting);
        let worker = if newest_first { up.or(down) } else { down.or(up) };
        let timeout = |line: &&Said| begins(&line.text, "WORKER TIMEOUT").is_some();
        let named = worker
            .or_else(|| before.iter().rev().find(timeout))
            .or_else(|| behind.iter().find(timeout));
        let record = Application::SupervisorKills {
            by: "gunicorn".to_owned(),
            pid: named.and_then(|line| pid(&line.text)),
            reason: "handle_abort: the worker timed out".to_owned(),
        };
        found.push(Sighting { record: Record::Application(record), span: line.span, at: line.at });
    }
}

/// `killed: true` beside `signal: 'SIGKILL'`: Node's own `exec` killed the child (`timeout`,
/// `maxBuffer`, `kill()`).
fn killed_by_node(said: &[Said], found: &mut [Sighting]) {
    for sighting in found {
        let Record::Application(Application::ChildKilled { by, pid, .. }) = &sighting.record else {
            continue;
        };
        let Some(at) = line_of(said, sighting.span) else { continue };
        let near = said.get(at.saturating_sub(3)..said.len().min(at + 4)).unwrap_or_default();
        if by == "node" && near.iter().any(|line| line.text.contains("killed: true")) {
            sighting.record = Record::Application(Application::SupervisorKills {
                by: "node".to_owned(),
                pid: *pid,
                reason: "killed: true".to_owned(),
            });
        }
    }
}

/// Words after which a Java program does not go on, whatever it still prints.
const ENDINGS: [&str; 14] = [
    "Terminating due to",
    "Aborting due to",
    "OnOutOfMemoryError",
    "fatal error in thread",
    "exiting",
    "xited",
    "hutting down",
    "hutdown",
    "SIGKILL",
    "Killed",
    "exit code",
    "topping",
    "Starting ",
    "uncaught exception handler",
];

/// A Java error in a thread other than `main`, or one that was logged, is survived where the log
/// goes on for at least three lines of its own that speak of no end.
fn survivors(said: &[Said], found: &mut [Sighting]) {
    if newest_first(said) {
        return;
    }
    for sighting in found {
        let Record::Application(Application::Language {
            death: LanguageDeath::JavaOutOfMemoryError,
            survived,
            ..
        }) = &mut sighting.record
        else {
            continue;
        };
        let Some(at) = line_of(said, sighting.span) else { continue };
        let own = said.get(at).map(|line| line.text.as_str()).unwrap_or_default();
        if has_any(
            own,
            &["thread \"main\"", "Terminating due", "Aborting due", "in thread [", "# java"],
        ) {
            continue;
        }
        let later = said.get(at + 1..said.len().min(at + 1 + FAR)).unwrap_or_default();
        let logged = later.iter().filter(|line| {
            let trace = ["at ", "Caused by", "...", "Suppressed", "Exception", "#", "java.lang."];
            let words = line.text.trim_start();
            !trace.iter().any(|start| words.starts_with(start)) && line.at.is_some()
        });
        let ended = later.iter().any(|line| has_any(&line.text, &ENDINGS));
        *survived |= !ended && logged.count() >= 3;
    }
}

/// The place of a sighting among the lines, which stand in the order of their bytes.
fn line_of(said: &[Said], span: Span) -> Option<usize> {
    said.binary_search_by_key(&span.start, |line| line.span.start).ok()
}

/// True if the stamps run backwards.
fn newest_first(said: &[Said]) -> bool {
    let moment = |line: &Said| match line.at? {
        casefile::Stamp::Wall(moment) | casefile::Stamp::Local(moment) => {
            Some(moment.0.as_microsecond())
        }
        casefile::Stamp::SinceBoot(micros) => i64::try_from(micros).ok(),
    };
    let stamps: Vec<i64> = said.iter().filter_map(moment).collect();
    let falls = stamps.windows(2).filter(|pair| pair.first() > pair.get(1)).count();
    let rises = stamps.windows(2).filter(|pair| pair.first() < pair.get(1)).count();
    falls > rises
}
