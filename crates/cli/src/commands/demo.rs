//! `why137 demo`: three real deaths on this machine, each explained by the road every case takes.
//!
//! No Docker, nothing installed, nothing left: the deaths happen to processes of our own, the one
//! by memory in a cgroup of 64 MiB that is removed again. Where a right is missing, that death is
//! explained from a recording instead, and a note says why. Deliberately judges nothing itself.
//!
//! # Who runs what
//!
//! This process only judges and prints. A second one (`--part stage`) makes the deaths and hands
//! over one case after the other; it holds the cgroup, the trace and the children, and stands
//! in a process group of its own. When this process goes away, by Ctrl-C or even by SIGKILL, the
//! stage's standard input ends, and it takes everything down. Only if the *stage* is killed
//! with SIGKILL does something stay: the empty cgroup `why137-demo-PID` and the trace instance
//! `why137-PID`, both removable with `rmdir`.

mod deaths;
mod exhibits;
mod parts;
mod recorded;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use casefile::CaseFile;
use clap::Args;
use report::Report;
use report::renderers::{json, markdown, text};

use crate::flags::Format;
use crate::printer::Printer;
use stage::{Act, Shown};

/// What the demonstration takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// The form of the answers; `json` gives one array.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Also how to check each line of evidence by hand.
    #[arg(long, short)]
    verbose: bool,
    /// Save the cases of the deaths that happened here in this directory.
    #[arg(long, value_name = "DIR", hide = true)]
    record: Option<PathBuf>,
    /// Plays a part of the demonstration.
    #[arg(long, hide = true, num_args = 1..=2, value_names = ["PART", "WITH"])]
    part: Vec<String>,
}

/// Runs the demonstration.
pub(crate) fn run(printer: &Printer, arguments: &DemoArgs) -> anyhow::Result<ExitCode> {
    let mut words = arguments.part.iter().map(String::as_str);
    if let Some(name) = words.next() {
        return Ok(parts::play(name, words.next()));
    }
    let mut reports = Vec::new();
    let mut failed = None;
    stage::watch(&mut |act, shown| {
        if failed.is_none() {
            let (case, refused) = chosen(act, shown);
            let step = show(printer, arguments, act, (&case, refused), &mut reports);
            failed = step.err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if arguments.format == Format::Json {
        printer.answer(&json_array(&reports))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The case that happened, else the recorded one with the reason.
fn chosen(act: Act, shown: Shown) -> (CaseFile, Option<String>) {
    match shown {
        Shown::Happened(case) => (*case, None),
        Shown::Refused(because) => (recorded::case(act), Some(because)),
    }
}

fn show(
    printer: &Printer,
    arguments: &DemoArgs,
    act: Act,
    (case, refused): (&CaseFile, Option<String>),
    reports: &mut Vec<Report>,
) -> anyhow::Result<()> {
    match (&refused, &arguments.record) {
        (Some(because), _) => {
            let title = act.title();
            let live = if rustix::process::geteuid().is_root() {
                ""
            } else {
                "; `sudo why137 demo` lets it happen here"
            };
            printer.note(&format!("`{title}` is explained from a recording: {because}{live}"));
        }
        (None, Some(directory)) => record(case, act, directory)?,
        (None, None) => {}
    }
    let verdict = judge::explain(case, case.gathered_at);
    let report = report::compose(&verdict, case);
    let number = act.number();
    let made = act.made(refused.is_some());
    match arguments.format {
        Format::Text => {
            let gap = if number > 1 { "\n\n" } else { "" };
            let page = text::render(&report, printer.page(arguments.verbose));
            printer.answer(&format!("{gap}[{number}/3] {made}\n\n{page}"))?;
        }
        Format::Markdown => {
            let page = markdown::render(&report);
            printer.answer(&format!("## {number}/3 {made}\n\n{page}\n"))?;
        }
        Format::Json => {}
    }
    reports.push(report);
    Ok(())
}

fn record(case: &CaseFile, act: Act, directory: &Path) -> anyhow::Result<()> {
    let path = directory.join(format!("{}.json", act.name()));
    let doing = || format!("could not save the case in `{}`", path.display());
    fs::write(&path, case.to_json().with_context(doing)?).with_context(doing)
}

/// The answers as one array, each in the published shape.
fn json_array(reports: &[Report]) -> String {
    let answers: Vec<String> =
        reports.iter().map(|report| json::render(report).trim_end().to_owned()).collect();
    format!("[\n{}\n]\n", answers.join(",\n"))
}
