//! `why137 completions SHELL`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::flags;
use crate::printer::Printer;

/// Writes the completions.
pub(super) fn run(printer: &Printer, shell: Shell) -> anyhow::Result<ExitCode> {
    printer.answer(&script(shell))?;
    Ok(ExitCode::SUCCESS)
}

/// The completions of a shell as text.
pub(super) fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut flags::grammar(), "why137", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
