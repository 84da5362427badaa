//! `why137 lint FILE…`: what stands in deployment files that ends with 137.
//!
//! Reads the files, and those that they name; `lint` judges; this command shows the findings in the form
//! that was asked for, and in GitHub Actions as annotations besides.

mod forms;
mod sarif;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use ::lint::{Beside, NotComparable, Outcome, Running, Source, Unreadable};
use clap::{Args, ValueEnum};
use report::escape;

use super::{daemon, explain};
use crate::failure::{Failure, USAGE};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 no findings, 1 findings, 2 usage, or a file that cannot be read, or with --against a
container that cannot be compared.";

/// A deployment file is not larger, and one that is will not be read to its end.
const LARGEST: u64 = 16 << 20;

/// What is looked at, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct LintArgs {
    /// Compose files (several are one project, merged in order), Dockerfiles, Kubernetes manifests, ECS task
    /// definitions; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Also in what the files and this container differ: its limit, its memory settings, its options.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// Leave out what this rule finds. Several times.
    #[arg(long, value_name = "RULE")]
    ignore: Vec<String>,
    /// The form of the findings.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// The form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, for GitHub's annotations.
    Github,
    /// A Code Quality report, for GitLab.
    Gitlab,
}

/// Looks and shows.
pub(super) fn run(printer: &Printer, arguments: &LintArgs) -> anyhow::Result<ExitCode> {
    check_rules(&arguments.ignore)?;
    let mut sources = Vec::new();
    for name in &arguments.files {
        let bytes = read_file(name).map_err(|why| {
            Failure::new(USAGE, format!("could not read `{name}`: {why}")).hint(
                "files of Compose, Docker, Kubernetes or ECS:\nwhy137 lint compose.yaml Dockerfile",
            )
        })?;
        let name = if name == "-" { "stdin".to_owned() } else { name.clone() };
        sources.push(Source { name, bytes });
    }
    let beside = |from: &str, path: &str| {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let whole = folder.join(path).to_string_lossy().into_owned();
        read_file(&whole).map(|bytes| (whole, bytes))
    };
    let mut outcome = match &arguments.against {
        Some(name) => against(printer, arguments, name, &sources, &beside)?,
        None => ::lint::check(&sources, &beside),
    };
    outcome.findings.retain(|finding| !arguments.ignore.iter().any(|rule| rule == finding.rule));
    let answer = match arguments.format {
        Format::Text => forms::text(&outcome, sources.len()),
        Format::Json => forms::json(&outcome)?,
        Format::Sarif => sarif::sarif(&outcome)?,
        Format::Github => forms::github(&outcome),
        Format::Gitlab => forms::gitlab(&outcome)?,
    };
    printer.answer(&answer)?;
    // GitHub reads workflow commands from both streams.
    let in_actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if in_actions && arguments.format == Format::Text {
        printer.mark(&forms::github(&outcome));
    }
    for note in &outcome.notes {
        printer.note(&format!("`{}`: {}", note.file, note.text));
    }
    for Unreadable { place, why } in &outcome.problems {
        printer.error(
            &format!("`{}` line {}, column {}: {why}", place.file, place.line, place.column),
            None,
        );
    }
    Ok(exit_code(&outcome))
}

/// The files beside a container of docker's or Podman's.
fn against(
    printer: &Printer,
    arguments: &LintArgs,
    name: &str,
    sources: &[Source],
    beside: &Beside<'_>,
) -> anyhow::Result<Outcome> {
    let wanted = daemon::wanted(&arguments.daemon, name.to_owned(), explain::now()?);
    // 1 would say that something was found.
    let described = evidence::describe_container(&wanted, &mut |doing| printer.progress(doing))
        .map_err(|error| {
            Failure::new(USAGE, explain::with_causes(&error)).maybe_hint(error.hint())
        })?;
    let refused = |NotComparable { said, hint }| Failure::new(USAGE, said).hint(hint);
    let running =
        Running::read(name, &described.container, described.image.as_deref()).map_err(refused)?;
    Ok(::lint::check_against(sources, beside, &running).map_err(refused)?)
}

fn exit_code(outcome: &Outcome) -> ExitCode {
    match (outcome.problems.is_empty(), outcome.findings.is_empty()) {
        (false, _) => ExitCode::from(USAGE),
        (true, false) => ExitCode::from(1),
        (true, true) => ExitCode::SUCCESS,
    }
}

fn check_rules(ignored: &[String]) -> Result<(), Failure> {
    let known: Vec<&str> = ::lint::manuals().iter().map(|manual| manual.id).collect();
    match ignored.iter().find(|rule| !known.contains(&rule.as_str())) {
        Some(rule) => Err(Failure::new(USAGE, format!("there is no rule `{rule}` about files"))
            .hint(format!("these are known: {}", known.join(", ")))),
        None => Ok(()),
    }
}

/// A file or standard input, up to [`LARGEST`].
fn read_file(name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if name == "-" {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(name).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| escape::terminal(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 16 MiB, which no deployment file is".to_owned());
    }
    Ok(bytes)
}
