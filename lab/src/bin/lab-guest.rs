//! The lab inside its virtual machine; see `lab::guest`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    lab::guest::main(&words)
}
