//! `--undo`: what was changed of a container is taken back: its limit at the daemon, else its Compose file, and the
//! service made anew by that.

use std::process::ExitCode;

use change::Consent;
use report::escape;

use super::FixArgs;
use super::compose::Compose;
use super::target::Target;
use crate::commands::{align, guard};
use crate::failure::{Failure, NOTHING};
use crate::printer::Printer;

/// What to type.
pub(super) fn command(target: &Target) -> String {
    format!("why137 fix {} --undo", escape::shell_word(&target.name))
}

/// Takes back.
pub(super) fn run(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
) -> anyhow::Result<ExitCode> {
    let journal = align::apply::journal()?;
    if !journal.standing(Some(&target.name))?.is_empty() {
        return guard::take_back(printer, &target.name, arguments.yes, &arguments.watch.daemon);
    }
    let made = target.made.as_ref();
    let file = arguments.file.clone().or_else(|| Some(made?.only_file()?.to_owned()));
    let Some(file) = file else {
        let message = format!("nothing was changed of `{}`, as the journal says", target.name);
        let place = format!("the journal is `{}`", journal.path().display());
        return Err(Failure::new(NOTHING, message).hint(place).into());
    };
    let shown = file.display().to_string();
    let ended = align::apply::undo(printer, Some(&shown), arguments.yes)?;
    let compose = made.map(|made| Compose::of(made, &file, &target.daemon));
    match compose {
        // The question was answered with yes: else it would have ended there.
        Some(compose) if compose.is_there() => {
            compose.up(&Consent::ask(true, || None)?)?;
            printer.note(&format!("done: {}", compose.command()));
        }
        Some(compose) => printer.note(&format!("left to do: {}", compose.command())),
        None => {}
    }
    Ok(ended)
}
