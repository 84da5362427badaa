//! Running other programs: one way to start, wait and read them, with errors that name the
//! command. No shell is involved unless the command itself is `sh`.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The command line as a person would type it, for messages.
pub(crate) fn words(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Runs to the end and returns everything, whatever the status.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let line = words(command);
    command.stdin(Stdio::null()).output().with_context(|| format!("could not run `{line}`"))
}

/// Runs to the end; an error unless it succeeds. Returns what it printed, trimmed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let done = output(command)?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        bail!("`{}` ended with {}: {complaint}", words(command), done.status);
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Sends a signal by name to a process that the lab started. `kill` is a builtin of every shell,
/// while a program of that name is not on every machine.
pub(crate) fn signal(name: &str, pid: u32) -> Result<()> {
    read(Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &pid.to_string()]))
        .map(drop)
}

/// Asks again every 50 ms until the answer is yes; false when the time is over.
pub(crate) fn wait_until(
    limit: Duration,
    mut question: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    let begun = Instant::now();
    loop {
        if question()? {
            return Ok(true);
        }
        if begun.elapsed() > limit {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
