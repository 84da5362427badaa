//! The ceiling beside a limit, for commands that come with the limit: `size`, `fix`.

use casefile::Bytes;
use change::Consent;
use clap::Parser;
use settings::runtimes::advice::{Place, Room};
use settings::runtimes::{Fits, Runtime, Version};

use super::answer::{Answer, Question};
use super::files::Aligned;
use super::fragments::{self, Form};
use super::{AlignArgs, apply, files, live};
use crate::commands::imagined::Imagined;
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// What to tell a runtime in a limit, and what comes of it.
pub(in crate::commands) struct Pair(Answer);

impl Pair {
    /// The same in another limit, which its ceiling follows.
    pub(in crate::commands) fn at(&self, limit: Bytes) -> Self {
        let mut question = self.0.question.clone();
        question.is_new_limit = question.room.limit != limit;
        question.view = live::moved(question.view, limit);
        question.room.limit = limit;
        Self(question.answer())
    }

    /// No setting keeps it within the limit; why.
    pub(in crate::commands) fn cannot(&self) -> Option<String> {
        let cannot = self.0.advice.cannot.is_some()
            || self.0.belief.refuses.is_some()
            || self.0.fits == Fits::CannotFit;
        cannot.then(|| self.0.headline())
    }

    /// Why it does not fit as it is told now.
    pub(in crate::commands) fn as_told(&self) -> String {
        let (belief, _) = self.0.outcome_of(&self.0.question.told);
        let (name, limit) = (self.0.name(), self.0.question.room.limit);
        match belief.ceiling {
            Some(ceiling) => {
                format!("{name} believes it may take {ceiling}, and its limit is {limit}")
            }
            None => format!("{name} knows of no ceiling, and its limit is {limit}"),
        }
    }

    /// As `--runtime` spells it.
    pub(in crate::commands) fn runtime(&self) -> String {
        self.0.name().replace(' ', "@")
    }

    /// What goes into `docker run`, and what has no place there.
    pub(in crate::commands) fn docker_run(&self, name: &str) -> Vec<String> {
        let fragment = fragments::fragment(&self.0, Form::DockerRun, Some(name));
        fragment.text.lines().map(str::to_owned).chain(fragment.notes).collect()
    }

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
        settings(&self.0)
    }
}

fn settings(answer: &Answer) -> Vec<String> {
    let told = answer.advice.settings.iter().map(|setting| match setting.place {
        Place::Environment => format!("{}={}", setting.name, setting.value),
        Place::Argument => setting.word(),
        Place::File(file) => format!("{}: {}", file, setting.word()),
    });
    told.collect()
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

/// A user's own file with the pair in it.
pub(in crate::commands) struct InFile(Aligned);

/// Of one service of a file; nothing is written.
pub(in crate::commands) fn in_file(
    (file, service): (&str, &str),
    limit: Option<Bytes>,
    runtime: Option<&str>,
) -> anyhow::Result<InFile> {
    let mut words = vec!["align".to_owned(), format!("--service={service}")];
    words.extend(limit.map(|limit| format!("--limit={}b", limit.0)));
    words.extend(runtime.map(|runtime| format!("--runtime={runtime}")));
    words.extend(["--".to_owned(), file.to_owned()]);
    Ok(InFile(files::align(&Words::try_parse_from(words)?.arguments, file)?))
}

impl InFile {
    /// What changes, as `patch` reads it; nothing where nothing does.
    pub(in crate::commands) fn diff(&self) -> String {
        self.0.diff()
    }

    /// The settings, as they are told.
    pub(in crate::commands) fn settings(&self) -> Vec<String> {
        self.0.parts.iter().filter_map(|part| part.answer.as_ref()).flat_map(settings).collect()
    }

    /// What is told beside the diff.
    pub(in crate::commands) fn lines(&self) -> Vec<String> {
        self.0.lines()
    }

    /// It cannot be brought to fit by this file, or nobody knows how.
    pub(in crate::commands) fn is_refusal(&self) -> bool {
        self.0.is_refusal()
    }

    /// What runs by it may grow beyond its limit, as it is told now.
    pub(in crate::commands) fn is_unfit(&self) -> bool {
        let mut answers = self.0.parts.iter().filter_map(|part| part.answer.as_ref());
        answers.any(|answer| answer.now == Fits::CannotFit)
    }

    /// The file would be another one.
    pub(in crate::commands) fn changes(&self) -> bool {
        self.0.old != self.0.new
    }

    /// Shows the diff.
    pub(in crate::commands) fn show(&self, printer: &Printer) -> anyhow::Result<()> {
        apply::show(printer, &self.0.diff())
    }

    /// Writes it, the journal first.
    pub(in crate::commands) fn write(&self, consent: &Consent) -> anyhow::Result<()> {
        apply::write(&self.0, consent)
    }
}
