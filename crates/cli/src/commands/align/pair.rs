//! The ceiling beside a limit, for commands that come with the limit: `size`, `fix`.

use casefile::Bytes;
use clap::Parser;
use settings::runtimes::advice::{Place, Room};
use settings::runtimes::{Fits, Runtime, Version};

use super::answer::{Answer, Question};
use super::{AlignArgs, live};
use crate::commands::imagined::Imagined;
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// What to tell a runtime in a limit, and what comes of it.
pub(in crate::commands) struct Pair(Answer);

impl Pair {
    /// Whether it has room as it is told now.
    pub(in crate::commands) fn now(&self) -> Fits {
        self.0.now
    }

    /// In a sentence.
    pub(in crate::commands) fn headline(&self) -> String {
        self.0.headline()
    }

    /// What one process believes it may take, with the settings.
    pub(in crate::commands) fn ceiling(&self) -> Option<Bytes> {
        self.0.belief.ceiling
    }

    /// The settings, as they are told: `NODE_OPTIONS=…`, `-Xmx96m`.
    pub(in crate::commands) fn settings(&self) -> Vec<String> {
        let told = self.0.advice.settings.iter().map(|setting| match setting.place {
            Place::Environment => format!("{}={}", setting.name, setting.value),
            Place::Argument => setting.word(),
            Place::File(file) => format!("{}: {}", file, setting.word()),
        });
        told.collect()
    }
}

/// Of a process that does not run yet.
pub(in crate::commands) fn imagined(
    runtime: Runtime,
    version: Version,
    limit: Bytes,
    imagined: &Imagined,
) -> anyhow::Result<Pair> {
    let question = Question {
        runtime,
        version: Some(version),
        view: imagined.view(Some(limit))?,
        told: imagined.told()?,
        spelled: None,
        room: Room { processes: imagined.count, ..Room::of(limit) },
        is_new_limit: false,
    };
    Ok(Pair(question.answer()))
}

#[derive(Debug, Parser)]
struct Words {
    #[command(flatten)]
    arguments: AlignArgs,
}

/// Of what runs, in its own limit or in another one.
pub(in crate::commands) fn running(
    printer: &Printer,
    daemon: &DaemonArgs,
    (name, pid): (Option<&str>, Option<u32>),
    limit: Option<Bytes>,
) -> anyhow::Result<Pair> {
    let mut words = vec!["align".to_owned()];
    words.extend(limit.iter().flat_map(|limit| ["--limit".to_owned(), format!("{}b", limit.0)]));
    words.extend(pid.iter().flat_map(|pid| ["--pid".to_owned(), pid.to_string()]));
    if let Some(name) = name {
        words.extend(["--".to_owned(), name.to_owned()]);
    }
    let mut arguments = Words::try_parse_from(words)?.arguments;
    arguments.daemon = daemon.clone();
    Ok(Pair(live::align(printer, &arguments, name.unwrap_or_default())?.answer))
}
