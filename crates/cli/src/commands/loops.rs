//! `why137 loops`: what dies again and again on this machine, in a case or in text, and whether it is memory.
//!
//! What makes a loop is `judge::loops`' to say; this command gathers and shows. Nothing is changed here: that
//! is `why137 guard`, with consent.

mod json;
pub(super) mod page;

use std::ffi::OsString;
use std::process::ExitCode;

use casefile::{CaseFile, Gap, Moment, Source};
use clap::Args;
use judge::loops::Loop;
use report::escape;

use super::{daemon, explain};
use crate::commands::format::Format;
use crate::failure::Failure;
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 loops found, 4 none found, 1 nothing could be gathered, 2 usage.";

/// What is looked at, and how it is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoopsArgs {
    /// Containers by name or id, saved cases or files of `docker events` and `docker inspect`, `-` for
    /// standard input; without a word every container of this machine.
    #[arg(value_name = "NAME|FILE|-")]
    what: Vec<OsString>,
    /// Only what still goes round.
    #[arg(long)]
    now: bool,
    /// The form of the answer; in JSON an array.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// A loop and the case that shows it.
pub(super) struct Seen {
    /// Where its citations point.
    pub(super) case: CaseFile,
    /// What was found there.
    pub(super) loops: Vec<Loop>,
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &LoopsArgs) -> anyhow::Result<ExitCode> {
    let now = explain::now()?;
    let mut all = look(printer, &arguments.what, &arguments.daemon, now)?;
    for seen in all.iter_mut().filter(|_| arguments.now) {
        seen.loops.retain(|one| one.state.goes_round());
    }
    let text = match arguments.format {
        Format::Json => json::render(&all)?,
        Format::Text => page::page(&all, printer.page(false).width),
    };
    printer.answer(&text)?;
    let none = all.iter().all(|seen| seen.loops.is_empty());
    Ok(if none { ExitCode::from(explain::STILL_ALIVE) } else { ExitCode::SUCCESS })
}

/// Gathers what is asked about, and looks for loops in it.
pub(super) fn look(
    printer: &Printer,
    words: &[OsString],
    daemon: &DaemonArgs,
    now: Moment,
) -> anyhow::Result<Vec<Seen>> {
    let mut all = Vec::new();
    if words.is_empty() {
        let wanted = daemon::wanted(daemon, String::new(), now);
        let case = evidence::gather_host(&wanted, None, &mut |doing| printer.progress(doing))
            .map_err(|error| explain::not_gathered(&error))?;
        // The kernel's log without a daemon's word shows deaths, and no lives to tell a loop from.
        let asked = case.exhibits.iter().any(|exhibit| exhibit.about.is_some());
        let unread = case.gaps.iter().find(|gap| gap.source == Source::ContainerInspect);
        if let Some(gap) = unread.filter(|_| !asked) {
            let message = format!("no container could be asked about: {}", gap.because);
            let hint = format!("{}, or name the daemon: why137 loops -H URL", gap.tried);
            return Err(Failure::new(crate::failure::NOTHING, message).hint(hint).into());
        }
        all.push(case);
    }
    for word in words {
        all.push(explain::case_about(printer, word, daemon, now)?);
    }
    Ok(all.into_iter().map(|case| Seen { loops: judge::loops::loops(&case), case }).collect())
}

/// What tells of single deaths, and could not be read; it is not a loop's own.
fn unread(seen: &Seen) -> impl Iterator<Item = &Gap> {
    let tells = |gap: &&Gap| matches!(gap.source, Source::ContainerEvents | Source::KernelLog);
    seen.case.gaps.iter().filter(tells)
}

/// A loop's name: the container's, or the beginning of its id.
pub(super) fn name_of(one: &Loop) -> String {
    let id = || {
        let id = one.container_id.as_ref()?;
        Some(id.as_str().chars().take(12).collect::<String>())
    };
    one.name.clone().or_else(id).map_or("a container".to_owned(), |name| escape::terminal(&name))
}
