//! Runs the program as a shell would, with nothing of this machine's environment and a fixed clock.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The moment of asking in every test.
pub(crate) const NOW: &str = "2026-05-28T00:00:00Z";

/// What the program left: exit code, answer, everything else.
pub(crate) type Ran = (i32, String, String);

/// Runs the program in a folder, with this docker address and this text on standard input.
pub(crate) fn run(folder: &Path, docker: &str, words: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_why137"))
        .args(words)
        .env_clear()
        .env("WHY137_NOW", NOW)
        .env("DOCKER_HOST", docker)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that asks a daemon reads no input: the pipe may be closed already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
