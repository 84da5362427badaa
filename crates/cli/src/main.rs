//! The door of the `why137` program: words from the command line in, an exit code out.
//!
//! Everything is done elsewhere: `flags` says what can be asked, `commands` does it, `printer` is
//! the only way out, `failure` says what went wrong and what to do about it.

mod commands;
mod failure;
mod flags;
mod printer;

use std::process::ExitCode;

use commands::plugin::{self, Wish};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let arguments = match plugin::wish(&arguments) {
        Some(Wish::Metadata) => return plugin::answer(&plugin::metadata()),
        Some(Wish::Complete(words)) => return plugin::answer(&plugin::complete(&words)),
        Some(Wish::Command(words)) => words,
        None => arguments,
    };
    // On its way to become another program: nothing of ours is needed any more.
    if let Some(joining) = commands::run::joining(&arguments) {
        return joining.become_the_command();
    }
    if let Some(entry) = commands::env::plain(&arguments) {
        return commands::env::run_plain(&entry);
    }
    let parsed = match flags::read(arguments.clone()) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            let code =
                if flags::starts_a_command(&arguments) { failure::RUN } else { failure::USAGE };
            return printer::show_refusal(&refusal, code);
        }
    };
    let printer = printer::Printer::new(parsed.color, parsed.width);
    match commands::run(&printer, parsed) {
        Ok(exit) => exit,
        Err(error) => failure::show(&printer, &error),
    }
}
