//! `why137 align`: limit and ceiling as a pair, in the words of the runtime and of the user's own file.
//!
//! Of a file the answer is a diff, which `--apply` writes and `--undo` takes back; of a container that runs, and of a
//! process that does not run yet (`--predict RUNTIME@VERSION`), the settings in the dialect that is asked for. The
//! sums are `settings::runtimes::advice`'s, edits and writing `change`'s; this command reads words and shows the
//! result, or says before anything dies that no setting helps.

mod answer;
pub(super) mod apply;
mod files;
mod fragments;
mod live;
pub(super) mod pair;

use std::path::Path;
use std::process::ExitCode;

use casefile::Bytes;
use clap::Args;
use report::escape;
use settings::runtimes::advice::Room;
use settings::runtimes::{Runtime, Version};

use self::answer::{Answer, Question};
use self::fragments::Form;
use crate::commands::env::runtime;
use crate::commands::format::Format;
use crate::commands::imagined::{self, Imagined};
use crate::failure::{Failure, USAGE};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 what to set, or nothing has to be set; 1 no setting keeps it within the limit, or something has to be
measured first; 2 usage.";

/// What is aligned, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct AlignArgs {
    /// A Compose file, a Dockerfile, Kubernetes manifests or an ECS task definition; `-` for standard input:
    /// shows the diff that makes what runs by it fit. Or a container that runs, by its name or id.
    #[arg(value_name = "FILE|NAME", required_unless_present_any = ["predict", "pid", "undo"])]
    what: Option<String>,
    /// A process of this machine, with what its container or unit holds.
    #[arg(long, value_name = "PID", conflicts_with_all = ["what", "predict"], value_parser = clap::value_parser!(u32).range(1..))]
    pid: Option<u32>,
    /// A process that does not run yet: `node@22.12.0`, `go@1.25`, `java@17`; a lone first number is
    /// the newest release of its line.
    #[arg(long, value_name = "RUNTIME@VERSION", conflicts_with = "what")]
    predict: Option<String>,
    /// Only this service or container of the file: `api`, `my-deployment/api`.
    #[arg(long, value_name = "NAME", requires = "what")]
    service: Option<String>,
    /// What runs by the file, where its image and command do not tell: `node@22.12`, `java`.
    #[arg(long, value_name = "RUNTIME[@VERSION]", value_parser = runtime, requires = "what")]
    runtime: Option<(Runtime, Option<Version>)>,
    /// The limit to live in: `512m`, `2g`; else the file's. Another one than the file's is written into it.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    limit: Option<Bytes>,
    /// Write the diff into the file: it is shown, asked about, and journalled first.
    #[arg(long, requires = "what", conflicts_with_all = ["form", "format"])]
    apply: bool,
    /// Put back what `--apply` wrote last, into FILE or any, if nobody changed it since.
    #[arg(long, conflicts_with_all = ["predict", "apply", "form", "format", "limit", "service", "runtime"])]
    undo: bool,
    /// The answer to the question of `--apply` and `--undo`.
    #[arg(long)]
    yes: bool,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Only the settings, ready to paste.
    #[arg(long = "as", value_enum, value_name = "DIALECT", conflicts_with = "format")]
    form: Option<Form>,
    #[command(flatten)]
    daemon: DaemonArgs,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    imagined: Imagined,
}

/// What was measured of it, as `why137 audit` tells it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What was measured")]
pub(crate) struct Measured {
    /// The largest worker under load, without what it shares with others.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    worker: Option<Bytes>,
    /// The master of the workers, with what they share.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    master: Option<Bytes>,
    /// Memory outside the heap: buffers, direct buffers, native memory.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    outside: Option<Bytes>,
    /// What else lives in the same limit: other programs, files on tmpfs.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    others: Option<Bytes>,
}

impl Measured {
    fn room(&self, limit: Bytes, processes: u64) -> Room {
        Room {
            others: self.others.unwrap_or(Bytes(0)),
            processes,
            outside: self.outside,
            worker: self.worker,
            master: self.master,
            ..Room::of(limit)
        }
    }
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &AlignArgs) -> anyhow::Result<ExitCode> {
    if arguments.undo {
        return apply::undo(printer, arguments.what.as_deref(), arguments.yes);
    }
    match (&arguments.predict, &arguments.what) {
        (Some(asked), _) => predict(printer, arguments, asked),
        (None, Some(name)) if is_file(name) => of_file(printer, arguments, name),
        (None, Some(name)) => of_running(printer, arguments, name),
        (None, None) if arguments.pid.is_some() => of_running(printer, arguments, ""),
        (None, None) => Err(Failure::new(USAGE, "nothing is named").hint(EXAMPLE).into()),
    }
}

const EXAMPLE: &str = "why137 align --predict node@22 --limit 512m";

/// A process that does not run yet.
fn predict(printer: &Printer, arguments: &AlignArgs, asked: &str) -> anyhow::Result<ExitCode> {
    let (runtime, version) = imagined::asked(asked, EXAMPLE)?;
    let limit = arguments.limit.ok_or_else(|| {
        Failure::new(USAGE, "a ceiling needs a limit to stay below: `--limit SIZE`").hint(EXAMPLE)
    })?;
    let told = arguments.imagined.told()?;
    let view = arguments.imagined.view(Some(limit))?;
    let room = arguments.measured.room(limit, arguments.imagined.count);
    let version = Some(version);
    let question =
        Question { runtime, version, view, told, spelled: None, room, is_new_limit: false };
    let answer = question.answer();
    show(printer, arguments, &answer, None)?;
    Ok(ExitCode::from(u8::from(answer.is_refusal())))
}

/// What exists is read, even if a container has the same name; what looks like a path is meant as one.
fn is_file(name: &str) -> bool {
    let looks = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    name == "-" || looks || name.contains('/') || Path::new(name).exists()
}

/// What runs now.
fn of_running(printer: &Printer, arguments: &AlignArgs, name: &str) -> anyhow::Result<ExitCode> {
    if arguments.apply {
        return Err(Failure::new(
            USAGE,
            "`--apply` writes into a file; what runs is started anew with the settings",
        )
        .hint("why137 align compose.yaml --apply")
        .into());
    }
    let found = live::align(printer, arguments, name)?;
    show(printer, arguments, &found.answer, found.name.as_deref())?;
    for note in &found.notes {
        printer.note(note);
    }
    let answer = &found.answer;
    let is_page = arguments.form.is_none() && arguments.format == Format::Text;
    if is_page && !answer.advice.settings.is_empty() && !answer.is_refusal() {
        for (form, title) in
            [(Form::DockerRun, "For docker run"), (Form::Compose, "In compose.yaml")]
        {
            let fragment = fragments::fragment(answer, form, found.name.as_deref());
            let notes =
                fragment.notes.iter().map(|note| format!("  # {}\n", escape::terminal(note)));
            let notes: String = notes.collect();
            let lines = fragment.text.lines().map(|line| format!("  {}\n", escape::terminal(line)));
            printer.answer(&format!("\n{title}\n{}{notes}", lines.collect::<String>()))?;
        }
    }
    Ok(ExitCode::from(u8::from(answer.is_refusal())))
}

/// A file of the user's.
fn of_file(printer: &Printer, arguments: &AlignArgs, name: &str) -> anyhow::Result<ExitCode> {
    if arguments.apply && name == "-" {
        return Err(Failure::new(USAGE, "standard input cannot be written to").into());
    }
    let aligned = files::align(arguments, name)?;
    let refused = ExitCode::from(u8::from(aligned.is_refusal()));
    if arguments.form.is_some() {
        let answers = aligned.parts.iter().filter_map(|part| Some((part, part.answer.as_ref()?)));
        let answers: Vec<_> = answers.collect();
        let [(part, answer)] = answers.as_slice() else {
            let hint = "why137 align compose.yaml --service api --as compose";
            return Err(Failure::new(USAGE, "`--as` shows one service").hint(hint).into());
        };
        show(printer, arguments, answer, Some(&part.name))?;
        return Ok(refused);
    }
    if arguments.format == Format::Json {
        printer.answer(&escape::json(&format!("{:#}\n", aligned.json())))?;
        return Ok(refused);
    }
    apply::show(printer, &aligned.diff())?;
    for line in aligned.lines() {
        printer.note(&line);
    }
    if arguments.apply && aligned.old != aligned.new {
        let applied = apply::apply(printer, &aligned, arguments.yes)?;
        return Ok(if aligned.is_refusal() { refused } else { applied });
    }
    Ok(refused)
}

fn show(
    printer: &Printer,
    arguments: &AlignArgs,
    answer: &Answer,
    name: Option<&str>,
) -> anyhow::Result<()> {
    if let Some(form) = arguments.form {
        if answer.is_refusal() || answer.is_right {
            printer.note(&answer.headline());
        }
        let fragment = fragments::fragment(answer, form, name);
        for note in &fragment.notes {
            printer.note(note);
        }
        return printer.answer(&fragment.text);
    }
    match arguments.format {
        Format::Json => printer.answer(&escape::json(&format!("{:#}\n", answer.json()))),
        Format::Text => printer.answer(&answer.page()),
    }
}
