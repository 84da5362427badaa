//! What is said at the end: nothing, a line, or the whole answer; and the exit code.
//!
//! Said are ends by a signal (or by a status that passes one on), and kills inside that would
//! stay invisible. Not said: an end that the person at the terminal asked for by a key, a
//! program that chose its own small status, a broken pipe.

use confine::Leftover;
use report::Report;
use report::escape;
use report::renderers::{json, markdown, quiet, text};

use super::ci::Ci;
use super::watch::Seen;
use super::{RunArgs, gather};
use crate::flags::Format;
use crate::printer::Printer;

/// How much there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// All is as it seems.
    Nothing,
    /// It ended well, but something inside was killed.
    Line,
    /// Why it ended as it did.
    Everything,
}

/// Says what there is to say and gives the exit code.
pub(super) fn tell(printer: &Printer, arguments: &RunArgs, mut seen: Seen) -> u8 {
    let code = seen.code();
    let kills = gather::oom_kills(&seen);
    let say = how_much(&seen, kills);
    if say == Say::Nothing {
        if arguments.record.is_some() {
            gather::gather(&mut seen);
        }
        seen.forget();
    } else {
        gather::gather(&mut seen);
        answer(printer, arguments, &mut seen, say);
    }
    if arguments.record.is_some()
        && let Some(because) = seen.recorder.failed()
    {
        printer.note(&format!("the record is not whole: {because}"));
    }
    let name = seen.name.clone();
    if let Leftover::Stays { directory, pids } = seen.cage.remove() {
        printer.note(&left(&name, &directory.display().to_string(), &pids));
    }
    code
}

fn how_much(seen: &Seen, kills: Option<u64>) -> Say {
    use std::os::unix::process::ExitStatusExt;
    let killed_inside = kills.is_some_and(|kills| kills > 0);
    match (seen.status.signal(), seen.status.code()) {
        (Some(2 | 3), _) if seen.by_key => Say::Nothing,
        (Some(13), _) => Say::Nothing,
        (Some(_), _) => Say::Everything,
        (None, Some(130 | 131)) if seen.by_key => Say::Nothing,
        (None, Some(141)) => Say::Nothing,
        (None, Some(129..=192)) => Say::Everything,
        (None, Some(0)) if killed_inside => Say::Line,
        (None, _) if killed_inside => Say::Everything,
        (None, _) => Say::Nothing,
    }
}

fn answer(printer: &Printer, arguments: &RunArgs, seen: &mut Seen, say: Say) {
    let Some(record) = seen.recorder.record().cloned() else { return };
    let now = record.end.map_or(seen.ended, |end| end.gathered_at);
    let case = evidence::case_of_run(record, now);
    let verdict = judge::explain(&case, now);
    let report = report::compose(&verdict, &case);
    let ci = Ci::of_environment();
    let one_line = quiet::render(&report);
    let one_line = one_line.trim_end();
    let is_short = arguments.quiet || say == Say::Line;
    if is_short && arguments.format != Format::Json {
        let lead = if say == Say::Line {
            format!("{} ended with 0, yet inside it: ", escape::terminal(&seen.name))
        } else {
            String::new()
        };
        printer.aside(&format!("why137: {lead}{one_line}\n"), ci.shows_colour());
    } else {
        let page = page(printer, arguments, &report);
        if arguments.format == Format::Text {
            ci.fold(printer, one_line, &page);
        } else {
            printer.aside(&page, false);
        }
    }
    ci.annotate(printer, &seen.name, u32::from(seen.code()), one_line, say);
    ci.summarise(printer, &report);
    keep_record(printer, arguments, seen, say);
}

fn page(printer: &Printer, arguments: &RunArgs, report: &Report) -> String {
    match arguments.format {
        Format::Text => text::render(report, printer.page_aside(arguments.verbose)),
        Format::Json => json::render(report),
        Format::Markdown => markdown::render(report),
    }
}

fn keep_record(printer: &Printer, arguments: &RunArgs, seen: &Seen, say: Say) {
    if say == Say::Line || arguments.quiet || arguments.format == Format::Json {
        seen.recorder.forget();
        return;
    }
    if let Some(path) = seen.recorder.kept() {
        let path = escape::shell_word(&path.to_string_lossy());
        printer.note(&format!("the record of this run: why137 explain {path}"));
    }
}

/// Processes that outlived the command: theirs is the cgroup now.
fn left(name: &str, directory: &str, pids: &[u32]) -> String {
    let many = pids.len();
    let named: Vec<String> = pids
        .iter()
        .take(3)
        .map(|pid| {
            let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("{pid} ({})", comm.trim_end())
        })
        .collect();
    let more = if many > 3 { " …" } else { "" };
    let directory = escape::shell_word(directory);
    match many {
        0 => format!("the cgroup of {name} could not be removed: rmdir {directory}"),
        1 => format!(
            "{name} left a process running, {}; its limits hold on: the cgroup stays, rmdir {directory}",
            named.join(", ")
        ),
        _ => format!(
            "{name} left processes running, {}{more}; their limits hold on: the cgroup stays, rmdir {directory}",
            named.join(", ")
        ),
    }
}
