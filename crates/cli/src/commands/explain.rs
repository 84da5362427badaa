//! `why137 [explain] NAME | FILE… | -`: gather a case, judge it, show the report.
//!
//! A container's name leads to the docker daemon, files and standard input to their text. This
//! command decides nothing about the death itself.

mod input;

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use casefile::{CaseError, CaseFile, Moment};
use evidence::{GatherError, Pasted, Wanted};
use input::Question;
use judge::Verdict;
use judge::verdict::{Confidence, Killer};
use report::escape;
use report::renderers::{json, markdown, quiet, text};

use super::{daemon, list};
use crate::failure::{Failure, NOTHING, USAGE};
use crate::flags::{DaemonArgs, ExplainArgs, Format, ListArgs};
use crate::printer::Printer;

/// Answered, but not decided.
pub(super) const UNDECIDED: u8 = 3;
/// Nothing died.
pub(super) const STILL_ALIVE: u8 = 4;

/// Explains what was asked about.
pub(super) fn run(printer: &Printer, arguments: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let now = now()?;
    let case = match input::question(printer, arguments)? {
        Question::WholeHost => return list::run(printer, &ListArgs::of(arguments)),
        Question::Container(name) => gather(printer, arguments, name, now)?,
        Question::Unit(unit) => gather_unit(printer, arguments, unit, now)?,
        Question::Process(pid) => gather_process(printer, arguments, pid, now)?,
        Question::Texts(sources) => {
            let texts = input::read_all(printer, &sources)?;
            case_of(texts, now)?
        }
    };
    if case.asked.whole_host {
        return list::show(printer, &ListArgs::of(arguments), &case, None, now);
    }
    if case.exhibits.is_empty() {
        return Err(nothing_gathered(&case).into());
    }
    let verdict = judge::explain(&case, now);
    let report = report::compose(&verdict, &case);
    let shown = match (arguments.quiet, arguments.format) {
        (true, _) => quiet::render(&report),
        (false, Format::Text) => text::render(&report, printer.page(arguments.verbose)),
        (false, Format::Json) => json::render(&report),
        (false, Format::Markdown) => markdown::render(&report),
    };
    // The answer first: a folder that cannot be written must not cost it.
    printer.answer(&shown)?;
    if let Some(path) = &arguments.save {
        save(printer, &case, path)?;
    }
    Ok(exit_code(&verdict))
}

/// What the exit code tells a script.
fn exit_code(verdict: &Verdict) -> ExitCode {
    match (verdict.killer, verdict.confidence) {
        (Killer::StillAlive, _) => ExitCode::from(STILL_ALIVE),
        (Killer::Unknown, _) | (_, Confidence::Possible | Confidence::Unknown) => {
            ExitCode::from(UNDECIDED)
        }
        (_, Confidence::Proven | Confidence::Likely) => ExitCode::SUCCESS,
    }
}

/// The moment of asking. Tests set it, so that the same case gives the same page.
pub(super) fn now() -> anyhow::Result<Moment> {
    match std::env::var("WHY137_NOW") {
        Err(_unset) => Ok(Moment(jiff::Timestamp::now())),
        Ok(text) => Moment::parse(&text).ok_or_else(|| {
            Failure::new(USAGE, format!("`WHY137_NOW` is not a time: `{text}`"))
                .hint("WHY137_NOW=2026-05-27T18:42:10Z")
                .into()
        }),
    }
}

fn gather(
    printer: &Printer,
    arguments: &ExplainArgs,
    name: String,
    now: Moment,
) -> anyhow::Result<CaseFile> {
    let wanted = wanted(arguments, name, now);
    evidence::gather_container(&wanted, &mut |doing| printer.progress(doing))
        .map_err(|error| not_gathered(&error).into())
}

fn gather_unit(
    printer: &Printer,
    arguments: &ExplainArgs,
    unit: String,
    now: Moment,
) -> anyhow::Result<CaseFile> {
    let wanted = wanted(arguments, unit, now);
    evidence::gather_unit(&wanted, &mut |doing| printer.progress(doing))
        .map_err(|error| not_gathered(&error).into())
}

/// A process; one of docker's containers is answered by its container, and that is said.
fn gather_process(
    printer: &Printer,
    arguments: &ExplainArgs,
    pid: u32,
    now: Moment,
) -> anyhow::Result<CaseFile> {
    let wanted = wanted(arguments, format!("pid {pid}"), now);
    let found = evidence::gather_process(&wanted, pid, &mut |doing| printer.progress(doing))
        .map_err(|error| not_gathered(&error))?;
    if let Some(id) = found.container.filter(|_| !arguments.quiet) {
        let id: String = id.as_str().chars().take(12).collect();
        printer
            .note(&format!("pid {pid} lives in the container {id}; this is about that container"));
    }
    Ok(found.case)
}

/// The case about one word of a command line: a container's by its name, or that of a file or of standard
/// input.
pub(super) fn case_about(
    printer: &Printer,
    word: &OsString,
    daemon: &DaemonArgs,
    now: Moment,
) -> anyhow::Result<CaseFile> {
    match input::of_word(printer, word)? {
        Ok(source) => case_of(input::read_all(printer, &[source])?, now),
        Err(name) => {
            let wanted = daemon::wanted(daemon, name, now);
            evidence::gather_container(&wanted, &mut |doing| printer.progress(doing))
                .map_err(|error| not_gathered(&error).into())
        }
    }
}

fn wanted(arguments: &ExplainArgs, name: String, now: Moment) -> Wanted {
    Wanted { with_logs: arguments.with_logs, ..daemon::wanted(&arguments.daemon, name, now) }
}

pub(super) fn not_gathered(error: &GatherError) -> Failure {
    Failure::new(NOTHING, with_causes(error)).maybe_hint(error.hint())
}

/// The case of texts. A saved case is read here first, because only here its file has a name.
fn case_of(texts: Vec<Pasted>, now: Moment) -> anyhow::Result<CaseFile> {
    for text in texts.iter().filter(|text| CaseFile::looks_like(&text.text)) {
        CaseFile::from_json(&text.text).map_err(|error| unreadable_case(&text.label, &error))?;
    }
    evidence::case_from_texts(texts, now).context("could not put the texts together")
}

fn unreadable_case(label: &str, error: &CaseError) -> Failure {
    let hint = match error {
        CaseError::Version { .. } => "read it with the why137 that wrote it, or a later one",
        CaseError::Shape { .. } | CaseError::Write(_) => {
            "it may be cut, or changed by hand; on the machine it came from, save it again:\n\
             why137 explain NAME --save FILE"
        }
    };
    Failure::new(NOTHING, format!("could not read `{label}`: {}", with_causes(error))).hint(hint)
}

/// An error with what caused it, which its own text does not repeat.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

pub(super) fn nothing_gathered(case: &CaseFile) -> Failure {
    let name = case.asked.name.clone();
    let what = name.map(|name| format!(" about `{name}`")).unwrap_or_default();
    let reasons: Vec<String> = case
        .gaps
        .iter()
        .map(|gap| match &gap.open_by {
            Some(command) => format!("{}: {}; {command}", gap.tried, gap.because),
            None => format!("{}: {}", gap.tried, gap.because),
        })
        .collect();
    Failure::new(NOTHING, format!("nothing could be read{what}"))
        .maybe_hint((!reasons.is_empty()).then(|| reasons.join("\n")))
}

/// Writes the case for its owner's eyes only: it holds log lines, names and command lines.
pub(super) fn save(printer: &Printer, case: &CaseFile, path: &Path) -> anyhow::Result<()> {
    let doing = || format!("could not save the case in `{}`", path.display());
    let json = case.to_json().with_context(doing)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(doing)?;
    // The mode above is for a new file only; one that is there keeps its own. A pipe or a device
    // is not ours to change.
    if file.metadata().with_context(doing)?.is_file() {
        fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(doing)?;
    }
    file.write_all(json.as_bytes()).with_context(doing)?;
    let shown = escape::shell_word(&path.to_string_lossy());
    printer.note(&format!(
        "saved in `{}`; it holds log lines and names, so look before you share it. To explain it \
         again: why137 explain {shown}",
        path.display()
    ));
    Ok(())
}
