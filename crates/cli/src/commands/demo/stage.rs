//! The stage: the process that makes the deaths, and the one that watches it.
//!
//! They speak in lines of JSON: one object a death, `{"act": NAME, "case": …}` or `{"act": NAME,
//! "refused": WHY}`. The stage lives no longer than its standard input stays open.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use casefile::CaseFile;
use serde_json::{Value, json};

use super::deaths;

/// One of the three deaths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A process fills the memory limit of its own cgroup.
    OwnLimit,
    /// A process that ignores SIGTERM is stopped by force.
    ForcedStop,
    /// Another process sends SIGKILL.
    Neighbour,
}

impl Act {
    /// In the order they are played.
    pub(super) const ALL: [Self; 3] = [Self::OwnLimit, Self::ForcedStop, Self::Neighbour];

    /// Its name in files and between the processes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OwnLimit => "own-limit",
            Self::ForcedStop => "forced-stop",
            Self::Neighbour => "neighbour",
        }
    }

    /// From 1.
    pub(super) fn number(self) -> usize {
        Self::ALL.iter().position(|act| *act == self).map_or(0, |at| at + 1)
    }

    /// What it is called in a note.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::OwnLimit => "a memory limit that fills",
            Self::ForcedStop => "a stop that has to be forced",
            Self::Neighbour => "a kill -9 by a neighbour",
        }
    }

    /// How the death was made, in one sentence.
    pub(super) fn made(self, recorded: bool) -> String {
        let (now, then) = match self {
            Self::OwnLimit => (
                "A process of ours just took memory in a cgroup limited to 64 MiB.",
                "Recorded on another machine: a process took memory in a cgroup limited to 64 MiB.",
            ),
            Self::ForcedStop => (
                "A process of ours just ignored SIGTERM; after 1 s we sent SIGKILL, as docker stop does.",
                "Recorded on another machine: a process ignored SIGTERM and was sent SIGKILL after 1 s.",
            ),
            Self::Neighbour => (
                "A process of ours was just sent SIGKILL by another one.",
                "Recorded on another machine: a process was sent SIGKILL by another one.",
            ),
        };
        if recorded { then.to_owned() } else { now.to_owned() }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.name() == name)
    }
}

/// What became of an act.
#[derive(Debug)]
pub(super) enum Shown {
    /// It happened here.
    Happened(Box<CaseFile>),
    /// It could not be made here, and why.
    Refused(String),
}

/// Starts the stage and hands over what it shows; every act comes once, in order.
pub(super) fn watch(take: &mut dyn FnMut(Act, Shown)) -> anyhow::Result<()> {
    let mut stage = Command::new("/proc/self/exe")
        .arg0("why137")
        .args(["demo", "--part", "stage"])
        // Ctrl-C at the terminal is for us; the stage sees its input end and cleans up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start `why137` a second time")?;
    let mut shown = 0;
    if let Some(output) = stage.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((act, result)) = understood(&line) {
                shown += 1;
                take(act, result);
            }
        }
    }
    drop(stage.stdin.take());
    let ended = stage.wait().context("could not wait for the demonstration")?;
    for act in Act::ALL.into_iter().skip(shown) {
        take(act, Shown::Refused(format!("the process that makes it ended early ({ended})")));
    }
    Ok(())
}

fn understood(line: &str) -> Option<(Act, Shown)> {
    let mut message: Value = serde_json::from_str(line).ok()?;
    let act = Act::named(message.get("act")?.as_str()?)?;
    if let Some(because) = message.get("refused") {
        return Some((act, Shown::Refused(because.as_str()?.to_owned())));
    }
    let case = serde_json::from_value(message.get_mut("case")?.take()).ok()?;
    Some((act, Shown::Happened(Box::new(case))))
}

/// True once nobody watches any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    /// Watches standard input, which ends with the process that holds its other end.
    fn by_end_of_input() -> Self {
        let flag = Self::default();
        let set = flag.clone();
        std::thread::spawn(move || {
            let mut byte = [0_u8; 1];
            while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
            set.0.store(true, Ordering::SeqCst);
        });
        flag
    }

    /// Whether it is over.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Looks every 2 ms until something is there, the time is up or nobody watches.
    pub(super) fn wait_for<T>(
        &self,
        longest: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + longest;
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if self.is_set() || Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The stage itself: plays every act and tells of each on standard output.
pub(super) fn play() -> ExitCode {
    let abandoned = Abandoned::by_end_of_input();
    let mut theatre = deaths::Theatre::open(abandoned.clone());
    for act in Act::ALL {
        let result = match act {
            Act::OwnLimit => deaths::own_limit(&mut theatre),
            Act::ForcedStop => deaths::forced_stop(&theatre),
            Act::Neighbour => deaths::neighbour(&mut theatre),
        };
        if abandoned.is_set() {
            return ExitCode::FAILURE;
        }
        let message = match result {
            Ok(case) => json!({ "act": act.name(), "case": case }),
            Err(because) => json!({ "act": act.name(), "refused": in_words(&because) }),
        };
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{message}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// An error with its causes, the system's in words without its number.
fn in_words(error: &anyhow::Error) -> String {
    let causes = error.chain().map(|cause| match cause.downcast_ref::<std::io::Error>() {
        Some(cause) => cause.kind().to_string(),
        None => cause.to_string(),
    });
    causes.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_understood_by_its_name() {
        for act in Act::ALL {
            let line = json!({ "act": act.name(), "refused": "why" }).to_string();
            let (named, shown) = understood(&line).unwrap();
            assert_eq!(named, act);
            assert!(matches!(shown, Shown::Refused(because) if because == "why"));
            let line = json!({ "act": act.name(), "case": super::super::recorded::case(act) });
            assert!(matches!(understood(&line.to_string()), Some((_, Shown::Happened(_)))));
        }
        assert!(understood("{}").is_none());
        assert!(understood("not json").is_none());
    }

    #[test]
    fn an_error_is_told_without_its_number() {
        let cause = std::io::Error::from_raw_os_error(13);
        let error = anyhow::Error::new(cause).context("could not create `x`");
        assert_eq!(in_words(&error), "could not create `x`: permission denied");
    }
}
