//! One line of at most 120 characters, for prompts, scripts and chat:
//! `api: killed by its own memory limit (64 MiB), python3 pid 295, 2026-05-27 18:42:10 UTC — proven`.
//!
//! The grade is never cut; where the line is too long, the victim goes first, then the time, then
//! the end of the name.

use judge::verdict::{Killer, Role, Victim};

use crate::{Report, escape, words};

const LONGEST: usize = 120;

/// The report as one line, without a line break.
pub fn line(report: &Report) -> String {
    shortened(report, LONGEST)
}

/// The report as one line, ended by a line break.
pub fn render(report: &Report) -> String {
    line(report) + "\n"
}

/// The same line for one of several: its time first, and no name that the page already says.
pub(crate) fn finding(report: &Report, name: Option<&str>, longest: usize) -> String {
    let (who, said, victim) = parts(report, name);
    let said = match who {
        Some(who) => format!("{who} {said}"),
        None => said,
    };
    let lead = match words::when_short(&report.verdict) {
        Some(when) => format!("{when}  {said}"),
        None => said,
    };
    fitting(&lead, victim.into_iter().collect(), words::grade(report.verdict.confidence), longest)
}

fn shortened(report: &Report, longest: usize) -> String {
    let verdict = &report.verdict;
    let (who, said, victim) = parts(report, None);
    let lead = match who {
        Some(who) => format!("{who}: {said}"),
        None => said,
    };
    let optional = victim.into_iter().chain(words::when_short(verdict)).collect();
    fitting(&lead, optional, words::grade(verdict.confidence), longest)
}

/// Who, what became of it, and the victim where `who` is its container. A container of the name
/// that the page already says is not named again.
pub(crate) fn parts(
    report: &Report,
    known: Option<&str>,
) -> (Option<String>, String, Option<String>) {
    let verdict = &report.verdict;
    let cast = words::Cast::of(report);
    let said = words::short(report);
    let victim = victim_words(&verdict.victims);
    let is_known = Some(cast.container.as_str()) == known;
    if cast.is_whole && cast.has_container {
        let shown = !is_known && (cast.named || verdict.killer != Killer::Unknown);
        return (shown.then_some(cast.container), said, victim);
    }
    let place =
        if cast.named && !is_known { format!(" in {}", cast.container) } else { String::new() };
    // A victim without a name or pid is still somebody in the container.
    let victim = victim.or_else(|| (!place.is_empty()).then(|| "a process".to_owned()));
    (victim.map(|victim| format!("{victim}{place}")), said, None)
}

/// The lead, as many of the optional parts as fit (the first goes first), and the grade.
fn fitting(lead: &str, mut optional: Vec<String>, grade: &str, longest: usize) -> String {
    let tail = format!(" — {grade}");
    let room = longest.saturating_sub(tail.chars().count());
    loop {
        let mut line = lead.to_owned();
        for part in &optional {
            line.push_str(", ");
            line.push_str(part);
        }
        let line = escape::terminal(&line);
        if line.chars().count() <= room {
            return line + &tail;
        }
        if optional.is_empty() {
            let head: String = line.chars().take(room.saturating_sub(1)).collect();
            return escape::terminal_line(&format!("{head}…{tail}"));
        }
        optional.remove(0);
    }
}

/// `python3 pid 295`, `3 processes`.
fn victim_words(victims: &[Victim]) -> Option<String> {
    match victims {
        [] => None,
        [one] => {
            let name = one.comm.as_deref().map(words::named);
            let pid = one.pid.map(|pid| format!("pid {pid}"));
            let words: Vec<String> = name.into_iter().chain(pid).collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        several => {
            let main = several.iter().any(|victim| victim.role == Role::Main);
            let also = if main { " with the main process" } else { "" };
            Some(format!("{} processes{also}", several.len()))
        }
    }
}
