//! One file per command. Each takes the printer and its flags, and gives an exit code.

pub(crate) mod align;
pub(crate) mod amounts;
pub(crate) mod audit;
mod completions;
mod daemon;
pub(crate) mod demo;
pub(crate) mod env;
mod explain;
pub(crate) mod fix;
mod format;
mod generate;
pub(crate) mod guard;
pub(crate) mod imagined;
pub(crate) mod lint;
mod list;
pub(crate) mod loops;
mod man;
pub(crate) mod measure;
pub(crate) mod plugin;
pub(crate) mod replay;
mod rules;
pub(crate) mod run;
mod schema;
pub(crate) mod size;
pub(crate) mod verify;
mod witness;

use std::process::ExitCode;

use crate::flags::{Command, Parsed};
use crate::printer::Printer;

/// Does what was asked.
pub(crate) fn run(printer: &Printer, parsed: Parsed) -> anyhow::Result<ExitCode> {
    match parsed.command {
        Command::Explain(arguments) => explain::run(printer, &arguments),
        Command::List(arguments) => list::run(printer, &arguments),
        Command::Demo(arguments) => demo::run(printer, &arguments),
        Command::Run(arguments) => Ok(run::run(printer, &arguments)),
        Command::Env(arguments) => Ok(env::run(printer, &arguments)),
        Command::Align(arguments) => align::run(printer, &arguments),
        Command::Audit(arguments) => audit::run(printer, &arguments),
        Command::Lint(arguments) => lint::run(printer, &arguments),
        Command::Loops(arguments) => loops::run(printer, &arguments),
        Command::Guard(arguments) => guard::run(printer, &arguments),
        Command::Measure(arguments) => measure::run(printer, &arguments),
        Command::Size(arguments) => size::run(printer, &arguments),
        Command::Verify(arguments) => verify::run(printer, &arguments),
        Command::Fix(arguments) => fix::run(printer, &arguments),
        Command::Replay(arguments) => replay::run(printer, &arguments),
        Command::Rules => rules::list(printer),
        Command::Rule { id } => rules::show(printer, &id),
        Command::Completions { shell } => completions::run(printer, shell),
        Command::Man => man::run(printer),
        Command::Schema => schema::run(printer),
        Command::Generate { directory } => generate::run(printer, &directory),
    }
}
