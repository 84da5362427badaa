//! What a CI system wants to have besides: GitHub's annotation and step summary, GitLab's fold.
//!
//! GitHub reads workflow commands from both streams, so the annotation goes to standard error, too:
//! what the command writes to standard output stays its own. GitLab reads no annotation from a
//! log; its Code Quality report speaks of files and lines, which a kill has not: a coloured line
//! and a folded section is what its log can show. Others get the plain text. Leans on GitHub's
//! "Workflow commands for GitHub Actions" and GitLab's "Custom collapsible sections".

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use report::Report;
use report::escape;
use report::renderers::markdown;

use super::tell::Say;
use crate::printer::Printer;

/// The CI system this runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ci {
    /// GitHub Actions, with the file of the step's summary.
    GitHub(Option<PathBuf>),
    /// GitLab CI.
    GitLab,
    /// None, or one that shows plain text.
    Plain,
}

impl Ci {
    /// By the variables that they set.
    pub(super) fn of_environment() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| value == "true");
        if is_set("GITHUB_ACTIONS") {
            let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|it| !it.is_empty());
            return Self::GitHub(summary.map(PathBuf::from));
        }
        if is_set("GITLAB_CI") { Self::GitLab } else { Self::Plain }
    }

    /// Its log shows colours though it is no terminal.
    pub(super) fn shows_colour(&self) -> bool {
        *self == Self::GitLab
    }

    /// The page; in GitLab's log behind its headline, to be unfolded.
    pub(super) fn fold(&self, printer: &Printer, headline: &str, page: &str) {
        match self {
            Self::GitHub(_) | Self::Plain => printer.aside(page, false),
            Self::GitLab => {
                let now = jiff::Timestamp::now().as_second();
                let name = format!("why137_{}", std::process::id());
                let bold = "\u{1b}[31;1m";
                printer.aside(&format!("{bold}why137: {headline}\u{1b}[0m\n"), true);
                printer.mark(&format!(
                    "\u{1b}[0Ksection_start:{now}:{name}[collapsed=true]\r\u{1b}[0Kwhy137: the evidence\n"
                ));
                printer.aside(page, true);
                printer.mark(&format!("\u{1b}[0Ksection_end:{now}:{name}\r\u{1b}[0K\n"));
            }
        }
    }

    /// GitHub's annotation, on a line of its own.
    pub(super) fn annotate(&self, printer: &Printer, name: &str, code: u32, line: &str, say: Say) {
        if !matches!(self, Self::GitHub(_)) {
            return;
        }
        let level = if say == Say::Line { "warning" } else { "error" };
        let title = escape::github_value(&format!("{name} ended with {code}"));
        let line = line.trim();
        // The line has been made harmless for a log; only `%` means something here.
        let message = line.replace('%', "%25");
        printer.mark(&format!("::{level} title={title}::{message}\n"));
    }

    /// The whole answer on the summary page of the job.
    pub(super) fn summarise(&self, printer: &Printer, report: &Report) {
        let Self::GitHub(Some(path)) = self else { return };
        let text = format!("{}\n", markdown::render(report));
        let written = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = written {
            let path = path.display();
            printer.note(&format!("could not write the step's summary `{path}`: {}", error.kind()));
        }
    }
}
