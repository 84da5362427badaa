//! The door of the `why137` program: words from the command line in, an exit code out.
//!
//! Everything is done elsewhere: `flags` says what can be asked, `commands` does it, `printer` is
//! the only way out, `failure` says what went wrong and what to do about it.

mod commands;
mod failure;
mod flags;
mod printer;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    let parsed = match flags::read(arguments) {
        Ok(parsed) => parsed,
        Err(refusal) => return printer::show_refusal(&refusal),
    };
    let printer = printer::Printer::new(parsed.color, parsed.width);
    match commands::run(&printer, parsed) {
        Ok(exit) => exit,
        Err(error) => failure::show(&printer, &error),
    }
}
