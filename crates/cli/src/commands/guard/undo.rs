//! `--undo`: what `guard` changed of containers is taken back, the newest change first.

use std::process::ExitCode;

use change::{ContainerChange, Daemon, NotChanged};
use report::escape;

use super::GuardArgs;
use crate::commands::{align, daemon, explain};
use crate::failure::{Failure, NOTHING};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Takes back.
pub(super) fn run(printer: &Printer, arguments: &GuardArgs) -> anyhow::Result<ExitCode> {
    let journal = align::apply::journal()?;
    let mut standing = Vec::new();
    let words: Vec<Option<&str>> = match arguments.what.as_slice() {
        [] => vec![None],
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    for word in words {
        standing.extend(journal.standing(word)?);
    }
    if standing.is_empty() {
        let message = "no container was changed, as the journal says";
        let place = format!("the journal is `{}`", journal.path().display());
        return Err(Failure::new(NOTHING, message).hint(place).into());
    }
    let lines = standing
        .iter()
        .map(|change| format!("{}: back from {} ({})\n", change.name, change.what, change.at));
    printer.answer(&lines.map(|line| escape::terminal_line(&line)).collect::<String>())?;
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let named = standing.iter().all(|change| arguments.consent.contains(&change.name));
    let consent = align::apply::consent(printer, named, "Take back?", "--consent NAME")?;
    let mut left = false;
    for change in &standing {
        let undone = of_daemon(change).and_then(|daemon| {
            journal.restore(&daemon, change, holds(&arguments.daemon, change, printer), &consent)
        });
        match undone {
            Ok(()) => printer.note(&format!("`{}`: {} is taken back", change.name, change.what)),
            Err(NotChanged::Refused { step: "describe", .. }) => {
                journal.forget_settings(change)?;
                printer.note(&format!("`{}` is gone, and its settings with it", change.name));
            }
            Err(error) => {
                left = true;
                printer.note(&format!("`{}`: {error}", change.name));
            }
        }
    }
    Ok(ExitCode::from(u8::from(left)))
}

fn of_daemon(change: &ContainerChange) -> Result<Daemon, NotChanged> {
    Daemon::parse(&change.daemon).ok_or_else(|| NotChanged::NotUnderstood {
        daemon: change.daemon.clone(),
        name: change.name.clone(),
    })
}

/// What it holds now, if it runs; files can be taken back and do not count.
pub(in crate::commands) fn holds(
    asked: &DaemonArgs,
    change: &ContainerChange,
    printer: &Printer,
) -> Option<u64> {
    let wanted = daemon::wanted(asked, change.id.clone(), explain::now().ok()?);
    let running =
        evidence::live::running_container(&wanted, &mut |doing| printer.progress(doing)).ok()?;
    let holds = running.look().holds;
    holds.kept().map(|kept| kept.0.saturating_add(holds.kernel.map_or(0, |kernel| kernel.0)))
}
