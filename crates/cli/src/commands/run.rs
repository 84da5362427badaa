//! `why137 run -- CMD…`: CMD in a memory cgroup of its own, its exit code kept; when it is killed,
//! who did it and why.
//!
//! Silent when all goes well: what CMD reads and writes is untouched, and no daemon is asked.
//! Everything said goes to standard error. Deliberately kills nothing: not CMD when it ignores a
//! signal, nor what it leaves behind. Judges nothing itself: it writes a record, and the case of
//! that record is explained by the road every case takes.
//!
//! Exit codes as env(1), timeout(1) and docker-run(1) have them. Decisions: docs/decisions/0005-run.md.

mod cage;
mod ci;
mod gather;
mod inside;
mod recorder;
mod signals;
mod tell;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use casefile::{Bytes, Limit};
use clap::Args;

use crate::commands::amounts::amount;
use crate::failure::{self, Failure};
use crate::flags::Format;
use crate::printer::Printer;
use cage::Cage;
pub(crate) use inside::{joining, refusal};
use recorder::Recorder;
use signals::Signals;
use watch::Watched;

/// What the codes mean.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: the command's own; 128 + N if signal N ended it; 125 if why137 itself failed,
126 if the command cannot be run, 127 if it is not found.";

/// Too little for any program to start in; docker asks for six times as much.
const LEAST: u64 = 1 << 20;

/// What `run` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// The most memory that the command and all it starts may use together: `256m`, `1.5g`.
    #[arg(long, short, value_name = "SIZE", value_parser = memory)]
    memory: Option<Bytes>,
    /// Swap beside the memory limit: `0` (as if nothing is said), a size, or `max`.
    #[arg(long, value_name = "SIZE", value_parser = swap, requires = "memory")]
    swap: Option<Limit>,
    /// Write the record of the run to this file and keep it, however the command ends.
    #[arg(long, value_name = "PATH")]
    record: Option<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// One line only.
    #[arg(long, short, conflicts_with_all = ["format", "verbose"])]
    quiet: bool,
    /// Also how to check each line of evidence by hand, and every source that could not be read.
    #[arg(long, short)]
    verbose: bool,
    /// The command and its arguments.
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true)]
    command: Vec<OsString>,
}

fn memory(text: &str) -> Result<Bytes, String> {
    let bytes = amount(text)?;
    if bytes.0 < LEAST {
        return Err("no program starts in less than 1 MiB".to_owned());
    }
    Ok(bytes)
}

fn swap(text: &str) -> Result<Limit, String> {
    if text == "max" { Ok(Limit::Unlimited) } else { amount(text).map(Limit::At) }
}

/// Runs the command.
pub(crate) fn run(printer: &Printer, arguments: &RunArgs) -> ExitCode {
    match supervise(printer, arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let error = match error.downcast::<Failure>() {
                Ok(failure) => failure,
                Err(other) => Failure::new(failure::RUN, format!("{other:#}")),
            };
            failure::show(printer, &error.into())
        }
    }
}

fn supervise(printer: &Printer, arguments: &RunArgs) -> anyhow::Result<u8> {
    // Before anything is started: from here on no signal is missed.
    let mut signals = Signals::take()?;
    let mut refused: Option<String> = None;
    loop {
        let cage = Cage::make(arguments, refused.take());
        if let Some(because) = cage.missing().filter(|_| arguments.memory.is_some()) {
            printer.note(&format!("no memory limit is in force: {because}"));
        }
        let recorder = Recorder::new(arguments.record.as_deref())?;
        let watched = Watched::start(arguments, cage, recorder, &mut signals)?.until_end()?;
        match watched.never_began() {
            Some(inside::Refused::Cage) => {
                refused = Some(watched.give_up());
            }
            // It has said why on standard error.
            Some(inside::Refused::Command) => {
                watched.forget();
                return Ok(watched.code());
            }
            None => {
                return Ok(tell::tell(printer, arguments, watched));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        assert_eq!(memory("256m"), Ok(Bytes(256 << 20)));
        assert_eq!(memory("1.5g"), Ok(Bytes(1536 << 20)));
        assert!(memory("12k").is_err() && memory("much").is_err() && memory("-1").is_err());
        assert_eq!(swap("max"), Ok(Limit::Unlimited));
        assert_eq!(swap("0"), Ok(Limit::At(Bytes(0))));
    }
}
