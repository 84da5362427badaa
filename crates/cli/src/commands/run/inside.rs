//! The other side of the start: a second process of this program joins the cgroup, and becomes the
//! command. No `unsafe` is needed for that, and nothing of the command's first moment escapes.
//!
//! What it could not do is told by its name: it is called [`JOINING`] until exec(2) gives it the
//! command's, and a process that has ended keeps its name until its parent has looked.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anstream::ColorChoice;
use nix::sys::signal::{SigSet, Signal};

use crate::failure::{self, Failure};
use crate::printer::Printer;

/// The name until the command takes over; 15 bytes at most.
pub(super) const JOINING: &str = "why137-joining";

/// In place of a directory: stay where you are.
pub(super) const NOWHERE: &str = "-";

/// The cgroup could not be joined: to be tried without. Nothing of the command has run.
const NOT_JOINED: u8 = 124;
/// As env(1) has it.
const CANNOT_RUN: u8 = 126;
/// As env(1) has it.
const NOT_FOUND: u8 = 127;

/// What went wrong before the command began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The cgroup, or the way to it.
    Cage,
    /// The command itself.
    Command,
}

/// Whether a process that ended with this name and code never became the command.
pub(super) fn refused(comm: &str, code: Option<i32>) -> Option<Refused> {
    match (comm, code) {
        ("systemd-run", Some(_)) => Some(Refused::Cage),
        (JOINING, Some(code)) if code == i32::from(NOT_JOINED) => Some(Refused::Cage),
        (JOINING, Some(_)) => Some(Refused::Command),
        (_, _) => None,
    }
}

/// The words of a process on its way: `run --join DIRECTORY --blocked LIST -- CMD…`. Read by hand and
/// before everything else: this stands between a person and every command that is run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joining {
    directory: PathBuf,
    /// Numbers of signals that stay blocked, as whoever started us had it.
    blocked: Vec<i32>,
    command: Vec<OsString>,
}

/// The words by which a second process of this program is started.
pub(super) fn words(directory: Option<PathBuf>, blocked: &[i32]) -> [OsString; 6] {
    let numbers: Vec<String> = blocked.iter().map(i32::to_string).collect();
    let directory = directory.unwrap_or_else(|| NOWHERE.into()).into_os_string();
    [
        "run".into(),
        "--join".into(),
        directory,
        "--blocked".into(),
        numbers.join(",").into(),
        "--".into(),
    ]
}

/// Whether these words, the program's name first, are such a process's.
pub(crate) fn joining(arguments: &[OsString]) -> Option<Joining> {
    let [_, run, join, directory, keep, numbers, end, command @ ..] = arguments else {
        return None;
    };
    let is_it = run == "run" && join == "--join" && keep == "--blocked" && end == "--";
    if !is_it || command.is_empty() {
        return None;
    }
    let numbers = numbers.to_str()?.split(',').filter(|number| !number.is_empty());
    Some(Joining {
        directory: PathBuf::from(directory),
        blocked: numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?,
        command: command.to_vec(),
    })
}

impl Joining {
    /// Joins the cgroup, if one is named, and becomes the command.
    pub(crate) fn become_the_command(self) -> ExitCode {
        // Without a name of its own the parent cannot tell a failed start from the command's 127.
        std::fs::write("/proc/self/comm", JOINING).unwrap_or_default();
        let is_named = self.directory != Path::new(NOWHERE);
        if is_named && confine::join(&self.directory).is_err() {
            return ExitCode::from(NOT_JOINED);
        }
        let kept = self.blocked.iter().filter_map(|number| Signal::try_from(*number).ok());
        let kept: SigSet = kept.collect();
        kept.thread_set_mask().unwrap_or_default();
        let Some((program, words)) = self.command.split_first() else {
            return ExitCode::from(failure::RUN);
        };
        let error = Command::new(program).args(words).exec();
        failure::show(&Printer::new(ColorChoice::Auto, None), &refusal(program, &error))
    }
}

/// Why a command does not start, with env(1)'s code.
pub(crate) fn refusal(program: &OsStr, error: &std::io::Error) -> anyhow::Error {
    let (code, why) = match error.kind() {
        ErrorKind::NotFound if Path::new(program).exists() => {
            (NOT_FOUND, "the interpreter that it names is not there".to_owned())
        }
        ErrorKind::NotFound => (NOT_FOUND, "there is no such program".to_owned()),
        ErrorKind::PermissionDenied => (CANNOT_RUN, "it may not be executed".to_owned()),
        other => (CANNOT_RUN, other.to_string()),
    };
    Failure::new(code, format!("could not run `{}`: {why}", program.to_string_lossy())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_failed_is_told_from_the_commands_own_code() {
        assert_eq!(refused("sh", Some(127)), None);
        assert_eq!(refused(JOINING, Some(127)), Some(Refused::Command));
        assert_eq!(refused(JOINING, Some(124)), Some(Refused::Cage));
        // Killed while it joined: a limit too small to start in, a real death.
        assert_eq!(refused(JOINING, None), None);
        assert_eq!(refused("systemd-run", Some(1)), Some(Refused::Cage));
        assert!(JOINING.len() <= 15);
    }

    #[test]
    fn the_words_of_the_start_are_read_back() {
        let start = |directory: Option<PathBuf>, blocked: &[i32], command: &[&str]| {
            let command = command.iter().map(OsString::from);
            let words = [OsString::from("why137")].into_iter().chain(words(directory, blocked));
            joining(&words.chain(command).collect::<Vec<_>>())
        };
        let directory = PathBuf::from("/sys/fs/cgroup/a b");
        let read = start(Some(directory.clone()), &[1, 15], &["sh", "--", "x"]).unwrap();
        let command = ["sh", "--", "x"].map(OsString::from).to_vec();
        assert_eq!(read, Joining { directory, blocked: vec![1, 15], command });
        assert_eq!(start(None, &[], &["true"]).unwrap().directory, Path::new(NOWHERE));
        assert_eq!(start(None, &[], &[]), None);
        let other = ["why137", "run", "--", "true"].map(OsString::from);
        assert_eq!(joining(&other), None);
    }
}
