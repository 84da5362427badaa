//! What can be asked on the command line.
//!
//! `why137 NAME` is short for `why137 explain NAME`. A subcommand's name wins over a container's;
//! `explain` in front reaches any container. Options may stand before the subcommand too: the
//! subcommand is moved to the front before clap reads the line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use report::escape;

use crate::commands::align::AlignArgs;
use crate::commands::audit::AuditArgs;
use crate::commands::demo::DemoArgs;
use crate::commands::env::EnvArgs;
use crate::commands::fix::FixArgs;
use crate::commands::guard::GuardArgs;
use crate::commands::lint::LintArgs;
use crate::commands::loops::LoopsArgs;
use crate::commands::measure::MeasureArgs;
use crate::commands::replay::ReplayArgs;
use crate::commands::run::RunArgs;
use crate::commands::size::SizeArgs;
use crate::commands::verify::VerifyArgs;
use crate::printer::shortened;

/// Tells who killed a container or process, why, and by which proof.
///
/// Ask about a container of this machine's docker by its name or id, or give the text you have: a
/// kernel log, `docker inspect`, `docker events`, `kubectl describe`, a saved case. A file that
/// exists is read, even if a container has the same name.
#[derive(Debug, Parser)]
#[command(
    name = "why137",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXIT_CODES,
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    explain: ExplainArgs,
    /// When to write colours.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", global = true)]
    color: Color,
    /// Columns of the page.
    #[arg(long, value_name = "COLUMNS", hide = true, global = true)]
    width: Option<usize>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 answered (proven or likely), 3 possible or unknown, 4 still alive,
1 nothing could be gathered, 2 usage.";

const LIST_EXIT_CODES: &str = "\
Exit codes: 0 deaths found, all explained (proven or likely), 3 one of them is not decided,
4 nothing died, 1 nothing could be gathered, 2 usage.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Explains a death: of a container, or from text.
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainArgs),
    /// Lists every death that this machine still has evidence of; `why137` alone does the same.
    #[command(after_help = LIST_EXIT_CODES)]
    List(ListArgs),
    /// Shows three real deaths on this machine, and explains each.
    Demo(DemoArgs),
    /// Runs a command in a memory cgroup of its own; if it is killed, tells who did it and why.
    #[command(after_help = crate::commands::run::EXIT_CODES)]
    Run(RunArgs),
    /// Tells what a process may grow to beside its limit, by what its runtime believes.
    #[command(after_help = crate::commands::audit::EXIT_CODES)]
    Audit(AuditArgs),
    /// Tells limit and ceiling as a pair: what to set so that a runtime stays within its limit.
    #[command(after_help = crate::commands::align::EXIT_CODES)]
    Align(AlignArgs),
    /// Tells a command's runtime the limit in effect now, and becomes the command: an entrypoint.
    #[command(after_help = crate::commands::env::EXIT_CODES)]
    Env(EnvArgs),
    /// Looks at Compose files, Dockerfiles, manifests and task definitions for what ends with 137.
    #[command(after_help = crate::commands::lint::EXIT_CODES)]
    Lint(LintArgs),
    /// Finds what dies again and again: restart loops, kills during start-up, respawn storms.
    #[command(after_help = crate::commands::loops::EXIT_CODES)]
    Loops(LoopsArgs),
    /// Watches for loops; with consent by name it stops the spinning and lets one run show what a start takes.
    #[command(after_help = crate::commands::guard::EXIT_CODES)]
    Guard(GuardArgs),
    /// Watches a container under load: what it holds over time, what it cannot give back, its peak.
    #[command(after_help = crate::commands::measure::EXIT_CODES)]
    Measure(MeasureArgs),
    /// Tells the limit it needs by its memory over time, the chance of another kill, and the ceiling beside it.
    #[command(after_help = crate::commands::size::EXIT_CODES)]
    Size(SizeArgs),
    /// Watches it after a change, and tells whether the change holds, or moved the cost.
    #[command(after_help = crate::commands::verify::EXIT_CODES)]
    Verify(VerifyArgs),
    /// Measures, sets limit and ceiling as a pair with your consent, and calls it fixed only after the run under load.
    #[command(after_help = crate::commands::fix::EXIT_CODES)]
    Fix(FixArgs),
    /// Plays samples of days through the rules of others and ours: memory left unused against days with a kill.
    #[command(after_help = crate::commands::replay::EXIT_CODES, after_long_help = crate::commands::replay::help())]
    Replay(ReplayArgs),
    /// Lists the rules by which a killer is found, and those about files.
    Rules,
    /// Shows a rule's manual.
    Rule {
        /// The rule's id, as `why137 rules` lists it.
        id: String,
    },
    /// Writes the completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Writes the manual page.
    Man,
    /// Writes the JSON schema of the answer.
    Schema,
    /// Writes the generated pages, manuals and completions of the source tree.
    #[command(hide = true)]
    Generate {
        /// The root of the source tree.
        directory: PathBuf,
    },
}

/// The question, and how the answer is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    /// A container's name or id, one or several files, or `-` for standard input.
    #[arg(value_name = "NAME|FILE|-")]
    pub(crate) what: Vec<OsString>,
    /// A systemd service, scope or slice of this machine; `api` means `api.service`.
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["what", "pid"])]
    pub(crate) unit: Option<String>,
    /// A process of this machine, alive or not, by its pid.
    #[arg(long, value_name = "PID", conflicts_with = "what", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pid: Option<u32>,
    /// Also save what was gathered in this file, to be explained again or elsewhere.
    #[arg(long, value_name = "PATH")]
    pub(crate) save: Option<PathBuf>,
    /// Gather the last 300 lines that the container wrote, not only the telling ones.
    #[arg(long)]
    pub(crate) with_logs: bool,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// One line only.
    #[arg(long, short, conflicts_with_all = ["format", "verbose"])]
    pub(crate) quiet: bool,
    /// Also how to check each line of evidence by hand, and every source that could not be read.
    #[arg(long, short, action = ArgAction::SetTrue)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

/// What is listed, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// Also what lives and what ended well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only what died since this time, or within this time: `2h`, `3d`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Also save what was gathered in this file, to be listed again or elsewhere.
    #[arg(long, value_name = "PATH")]
    pub(crate) save: Option<PathBuf>,
    /// The form of the list; in JSON an array of answers.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Only the lines.
    #[arg(long, short, conflicts_with_all = ["format", "verbose"])]
    pub(crate) quiet: bool,
    /// Also how to open every source that could not be read.
    #[arg(long, short, action = ArgAction::SetTrue)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
}

impl ListArgs {
    /// What `why137` alone asks for.
    pub(crate) fn of(asked: &ExplainArgs) -> Self {
        Self {
            all: false,
            since: None,
            save: asked.save.clone(),
            format: asked.format,
            quiet: asked.quiet,
            verbose: asked.verbose,
            daemon: asked.daemon.clone(),
        }
    }
}

/// Which daemon is asked, and how: options of docker's own client, as its plugins get them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct DaemonArgs {
    /// The docker daemon to ask.
    #[arg(long, short = 'H', value_name = "URL")]
    pub(crate) host: Option<String>,
    /// The docker context to ask.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The folder of the client's configuration.
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub(crate) config: Option<PathBuf>,
    /// TLS, whoever the daemon is.
    #[arg(long, value_name = "YES", hide = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(crate) tls: Option<bool>,
    /// TLS, and the daemon's certificate must be good.
    #[arg(long, value_name = "YES", hide = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(crate) tlsverify: Option<bool>,
    /// Who signed the daemon's certificate.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) tlscacert: Option<PathBuf>,
    /// Our own certificate.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) tlscert: Option<PathBuf>,
    /// The key to it.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) tlskey: Option<PathBuf>,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A page for a person.
    Text,
    /// For programs; `why137 schema` describes it.
    Json,
    /// For a ticket.
    Markdown,
}

/// When to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A command line that was understood.
pub(crate) struct Parsed {
    /// What to do.
    pub(crate) command: Command,
    /// When to write colours.
    pub(crate) color: ColorChoice,
    /// Columns, where they were given.
    pub(crate) width: Option<usize>,
}

/// Understands a command line, the program's name first.
pub(crate) fn read(arguments: Vec<OsString>) -> Result<Parsed, clap::Error> {
    // Made once: it is large, and a question takes milliseconds.
    let mut grammar = grammar();
    let arguments = subcommand_first(&grammar, arguments);
    let line = grammar
        .try_get_matches_from_mut(&arguments)
        .and_then(|matches| CommandLine::from_arg_matches(&matches))
        .map_err(|refusal| with_harmless_words(refusal, &arguments))?;
    Ok(Parsed {
        command: line.command.unwrap_or(Command::Explain(line.explain)),
        color: match line.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        },
        width: line.width,
    })
}

/// The same refusal of the same words without controls, overrides and orders to a CI system: clap
/// quotes a refused word as it is, and a script may have taken it from a stranger.
fn with_harmless_words(refusal: clap::Error, arguments: &[OsString]) -> clap::Error {
    let shown = |word: &OsString| shortened(&escape::terminal(&word.to_string_lossy()));
    let harmless = arguments.iter().map(|word| OsString::from(shown(word)));
    CommandLine::try_parse_from(harmless).err().unwrap_or(refusal)
}

/// Whether these words ask for `run` or `env`, whose own failures end with 125.
pub(crate) fn starts_a_command(arguments: &[OsString]) -> bool {
    let words = subcommand_first(&grammar(), arguments.to_vec());
    words.get(1).is_some_and(|word| word == "run" || word == "env")
}

/// The grammar, for completions.
pub(crate) fn grammar() -> clap::Command {
    CommandLine::command()
}

/// The grammar, for manuals: `help` only shows the others' and has no page of its own.
pub(crate) fn documented() -> clap::Command {
    grammar().disable_help_subcommand(true)
}

/// Whether a word is a subcommand's name, and so no container's.
pub(crate) fn is_subcommand(word: &str) -> bool {
    // `help` is clap's own, and joins the others only when a line is read.
    word == "help" || grammar().find_subcommand(word).is_some()
}

/// Moves the subcommand before the options: `-q explain api` means `explain -q api`.
/// Only the first word that is not an option can be one.
fn subcommand_first(grammar: &clap::Command, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let mut takes_value = false;
    let mut found = None;
    for (position, argument) in arguments.iter().enumerate().skip(1) {
        if std::mem::take(&mut takes_value) {
            continue;
        }
        let text = argument.to_str().unwrap_or_default();
        if text == "--" {
            break;
        }
        if text.starts_with('-') && text.len() > 1 {
            takes_value = wants_next_word(grammar, text);
            continue;
        }
        if grammar.find_subcommand(argument).is_some() {
            found = Some(position);
        }
        break;
    }
    if let Some(position) = found {
        let subcommand = arguments.remove(position);
        arguments.insert(1, subcommand);
    }
    arguments
}

/// Whether an option's value is the next word: `--format json`, `-H unix:///…`, not
/// `--format=json` and not `-Hunix:///…`.
fn wants_next_word(grammar: &clap::Command, option: &str) -> bool {
    let takes =
        |argument: &clap::Arg| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    match option.strip_prefix("--") {
        Some(long) => grammar
            .get_arguments()
            .any(|argument| argument.get_long() == Some(long) && takes(argument)),
        None => option.chars().last().is_some_and(|short| {
            let first_valued = option.chars().skip(1).position(|letter| {
                grammar
                    .get_arguments()
                    .any(|argument| argument.get_short() == Some(letter) && takes(argument))
            });
            // In `-qH` the value follows as the next word, in `-Hq` it is `q`.
            first_valued == Some(option.chars().count() - 2) && short != '-'
        }),
    }
}

/// Whether a word is `-`, standard input.
pub(crate) fn is_standard_input(word: &OsStr) -> bool {
    word == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        let words = line.split(' ').map(OsString::from).collect();
        read(words).map(|parsed| parsed.command).unwrap_or_else(|error| panic!("{error}"))
    }

    fn explained(line: &str) -> ExplainArgs {
        match command(line) {
            Command::Explain(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_grammar_is_sound() {
        grammar().debug_assert();
    }

    #[test]
    fn a_name_alone_is_explained() {
        assert_eq!(explained("why137 api").what, ["api"]);
        assert_eq!(explained("why137 explain api").what, ["api"]);
        assert_eq!(explained("why137 explain rules").what, ["rules"]);
        assert_eq!(explained("why137 -- rules").what, ["rules"]);
        assert_eq!(explained("why137 api rules").what, ["api", "rules"]);
        assert_eq!(explained("why137 -").what, ["-"]);
        assert!(matches!(command("why137 rules"), Command::Rules));
    }

    #[test]
    fn options_may_stand_before_the_subcommand() {
        let asked = explained("why137 -q -H unix:///x explain api");
        assert!(asked.quiet && asked.what == ["api"] && asked.daemon.host.is_some());
        assert!(matches!(command("why137 --color never rules"), Command::Rules));
        assert!(matches!(command("why137 --color=never rules"), Command::Rules));
        // The value of an option is no subcommand.
        assert_eq!(explained("why137 -c rules api").daemon.context.as_deref(), Some("rules"));
    }

    #[test]
    fn a_unit_and_a_process_are_asked_for_by_their_options() {
        assert_eq!(explained("why137 --unit api").unit.as_deref(), Some("api"));
        assert_eq!(explained("why137 explain --pid 42").pid, Some(42));
        for refused in ["--unit api web", "--pid 42 web", "--unit api --pid 42", "--pid 0"] {
            let words = format!("why137 {refused}");
            let words = words.split(' ').map(OsString::from).collect();
            assert!(read(words).is_err(), "{refused}");
        }
    }

    #[test]
    fn help_is_asked_for_as_an_option_or_as_a_word() {
        for line in ["why137 help", "why137 help run", "why137 run --help"] {
            let words = line.split(' ').map(OsString::from).collect();
            let answer = read(words).map(|parsed| parsed.command);
            let kind = answer.err().map(|answer| answer.kind());
            assert_eq!(kind, Some(clap::error::ErrorKind::DisplayHelp), "{line}");
        }
        // A container of that name is reached by `explain`.
        assert_eq!(explained("why137 explain help").what, ["help"]);
        assert!(is_subcommand("help"));
    }

    #[test]
    fn one_line_and_another_form_exclude_each_other() {
        let words = ["why137", "-q", "--format", "json", "x"].map(OsString::from).to_vec();
        assert!(read(words).is_err());
    }
}
