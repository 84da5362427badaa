//! `why137 audit`: what processes may grow to, beside the limit in effect.
//!
//! Of a container, of all, of a process by its pid: what lives there now, what each runtime believes, what
//! workers need, and whether it has room. `--predict RUNTIME@VERSION` asks it of a process that does not
//! run yet. Sums and verdicts are `audit`'s, beliefs `settings::runtimes`'; this command finds and shows.

mod line;
mod live;
pub(crate) mod page;
mod predict;
pub(crate) mod watch;

use std::process::ExitCode;

use anyhow::Context;
use casefile::Bytes;
use clap::Args;
use evidence::live::Running;
use serde_json::Value;

use self::live::Seen;
use super::{daemon, explain};
use crate::commands::format::Format;
use crate::commands::imagined::{self, Imagined};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 fits, or it cannot be known, or there is no limit; 1 tight, cannot fit, or it would not start, one of
several too; 1 nothing could be read; 2 usage. A watch ends with 0 when Ctrl-C ends it.";

/// What is audited, and how.
#[derive(Debug, Clone, Args)]
#[command(mut_group("Imagined", |group| group.requires("predict")))]
pub(crate) struct AuditArgs {
    /// A container that runs, by its name or id; without a word every one.
    #[arg(value_name = "NAME", conflicts_with_all = ["pid", "all", "predict", "limit", "Imagined"])]
    what: Option<String>,
    /// A process of this machine: with all that its container or unit holds, else with its descendants.
    #[arg(long, value_name = "PID", conflicts_with_all = ["all", "predict", "limit", "Imagined"], value_parser = clap::value_parser!(u32).range(1..))]
    pid: Option<u32>,
    /// Every container that runs, one line each, the worst first.
    #[arg(long, conflicts_with_all = ["predict", "limit", "Imagined"])]
    all: bool,
    /// Look again every two seconds, until Ctrl-C; no terminal gets one line for each look.
    #[arg(long, conflicts_with = "predict")]
    watch: bool,
    /// A process that does not run yet: `node@22.12.0`, `go@1.25`, `java@17`; a lone first number is
    /// the newest release of its line.
    #[arg(long, value_name = "RUNTIME@VERSION")]
    predict: Option<String>,
    /// The limit of its container; without it there is none.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size, requires = "predict")]
    limit: Option<Bytes>,
    /// The form of the answer; of several an array, of a watch one line for each look.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    daemon: DaemonArgs,
    #[command(flatten)]
    imagined: Imagined,
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &AuditArgs) -> anyhow::Result<ExitCode> {
    if let Some(asked) = &arguments.predict {
        return predict::run(printer, arguments, asked);
    }
    if arguments.watch {
        return watch::run(printer, arguments);
    }
    let seen = look(printer, arguments, &find(printer, arguments)?)?;
    let text = match (arguments.format, arguments.is_of_one()) {
        (Format::Json, true) => {
            let all: Vec<Value> = seen.iter().map(Seen::json).collect();
            written(all.first().unwrap_or(&Value::Null))?
        }
        (Format::Json, false) => written(&Value::Array(seen.iter().map(Seen::json).collect()))?,
        (Format::Text, true) => {
            seen.iter().map(|one| page::page(one, printer.page(false).width, None)).collect()
        }
        (Format::Text, false) => line::lines(&seen),
    };
    printer.answer(&text)?;
    Ok(ExitCode::from(u8::from(seen.iter().any(|one| is_bad(one.live.fits)))))
}

impl AuditArgs {
    /// One thing, named by the person, rather than whatever runs.
    fn is_of_one(&self) -> bool {
        self.what.is_some() || self.pid.is_some()
    }
}

/// What the exit code says of a verdict.
fn is_bad(fits: &str) -> bool {
    matches!(fits, "tight" | "cannot-fit")
}

/// What was asked about.
fn find(printer: &Printer, arguments: &AuditArgs) -> anyhow::Result<Vec<Running>> {
    let name = arguments.what.clone().unwrap_or_default();
    let wanted = daemon::wanted(&arguments.daemon, name, explain::now()?);
    let mut progress = |doing: &str| {
        if !arguments.watch {
            printer.progress(doing);
        }
    };
    let found = match (arguments.pid, arguments.what.is_some()) {
        (Some(pid), _) => evidence::live::running_process(pid).map(|one| vec![one]),
        (None, true) => {
            evidence::live::running_container(&wanted, &mut progress).map(|one| vec![one])
        }
        (None, false) => evidence::live::running_containers(&wanted, &mut progress),
    };
    Ok(found.map_err(|error| explain::not_gathered(&error))?)
}

/// Looks at each; the worst first. One of several may have ended since it was found.
fn look(printer: &Printer, arguments: &AuditArgs, all: &[Running]) -> anyhow::Result<Vec<Seen>> {
    let mut seen = Vec::with_capacity(all.len());
    for running in all {
        // A watch shows its pages, and nothing between them.
        if !arguments.watch {
            printer.progress("looking at its processes");
        }
        match live::look(running) {
            Ok(one) => seen.push(one),
            Err(ended) if arguments.is_of_one() => return Err(ended.into()),
            Err(_ended) => {}
        }
    }
    seen.sort_by_key(Seen::rank);
    Ok(seen)
}

fn written(json: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(json).context("could not write JSON")? + "\n")
}
