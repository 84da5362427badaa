//! `--apply` and `--undo`: the change is shown, somebody says yes, the journal is written, then the file.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use change::{Consent, Journal, NoConsent, Undo};
use report::escape;

use super::files::Aligned;
use crate::commands::explain;
use crate::failure::{Failure, NOTHING, USAGE};
use crate::printer::Printer;

/// Writes what was shown.
pub(super) fn apply(printer: &Printer, aligned: &Aligned, yes: bool) -> anyhow::Result<ExitCode> {
    let path = Path::new(&aligned.name);
    change::can_be_replaced(path)?;
    journal()?;
    let consent = consent(printer, yes, "Apply?", "--apply --yes")?;
    write(aligned, &consent)?;
    printer.note(&format!(
        "written; to take it back: why137 align --undo {}",
        escape::shell_word(&aligned.name)
    ));
    Ok(ExitCode::SUCCESS)
}

/// Writes the journal, then the file.
pub(super) fn write(aligned: &Aligned, consent: &Consent) -> anyhow::Result<()> {
    let at = explain::now()?.to_string();
    let texts = (aligned.old.as_str(), aligned.new.as_str());
    let path = Path::new(&aligned.name);
    Ok(journal()?.apply(path, texts, (&aligned.summary(), &at), consent)?)
}

/// Takes the last change back.
pub(in crate::commands) fn undo(
    printer: &Printer,
    file: Option<&str>,
    yes: bool,
) -> anyhow::Result<ExitCode> {
    let journal = journal()?;
    let path = file.map(Path::new);
    let change = loop {
        match journal.last(path)? {
            None => {
                let what = file.map_or("nothing was changed".to_owned(), |file| {
                    format!("nothing was changed in `{file}`")
                });
                let place = journal.path().display();
                return Err(Failure::new(
                    NOTHING,
                    format!("{what}, as the journal `{place}` says"),
                )
                .into());
            }
            Some(Undo::Done(change)) => journal.forget(&change)?,
            Some(Undo::Possible(change)) => break change,
            Some(Undo::Changed(change, now)) => {
                let name = change.path.display().to_string();
                show(printer, &change::unified(&name, &change.new, &now))?;
                return Err(Failure::new(
                    NOTHING,
                    format!("`{name}` was changed since it was written {}, as shown; nothing was taken back", change.at),
                )
                .hint(format!("its content before is in `{}`", journal.path().display()))
                .into());
            }
        }
    };
    let name = change.path.display().to_string();
    show(printer, &change::unified(&name, &change.new, &change.old))?;
    change::can_be_replaced(&change.path)?;
    let consent = consent(printer, yes, "Take back?", "--undo --yes")?;
    journal.undo(&change, &consent)?;
    printer.note(&format!("`{name}` is as it was before {}", change.at));
    Ok(ExitCode::SUCCESS)
}

/// A diff: for a program as it is, for a person without what would steer the terminal.
pub(super) fn show(printer: &Printer, diff: &str) -> anyhow::Result<()> {
    if !io::stdout().is_terminal() {
        return printer.answer(diff);
    }
    let lines = diff.lines().map(|line| escape::terminal(line.strip_suffix('\r').unwrap_or(line)));
    printer.answer(&lines.map(|line| line + "\n").collect::<String>())
}

/// This user's journal of changes.
pub(in crate::commands) fn journal() -> Result<Journal, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let is_root = rustix::process::geteuid().is_root();
    Journal::of(variable("XDG_STATE_HOME").as_deref(), variable("HOME").as_deref(), is_root)
        .ok_or_else(|| {
            Failure::new(
                NOTHING,
                "there is no place for the journal: neither HOME nor XDG_STATE_HOME is set",
            )
            .hint("XDG_STATE_HOME=/tmp/state why137 align …")
        })
}

/// A person's yes: from the command line, or to the question at a terminal.
pub(in crate::commands) fn consent(
    printer: &Printer,
    yes: bool,
    question: &str,
    option: &str,
) -> Result<Consent, Failure> {
    let ask = || {
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return None;
        }
        printer.aside(&format!("{question} [y/N] "), false);
        io::stderr().flush().ok()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).ok()?;
        Some(line)
    };
    Consent::ask(yes, ask).map_err(|why| match why {
        NoConsent::Declined => Failure::new(NOTHING, why.to_string()),
        NoConsent::NobodyThere => Failure::new(USAGE, why.to_string())
            .hint(format!("`{option}` says yes to what is shown")),
    })
}
