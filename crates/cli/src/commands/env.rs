//! `why137 env [--] CMD…`: tells CMD's runtime the limit in effect now, and becomes CMD.
//!
//! An entrypoint: the same image works at any limit. The sums are `settings::runtimes::advice`'s, as those of
//! `align`; what the user has set is left as it is. CMD is the same process: no child, no handler, no mask of
//! ours stays, and whatever goes wrong in reckoning is a line on standard error at most: CMD is started.
//! (Rust's start-up ignores SIGPIPE and its exec sets the default again: a start with SIGPIPE ignored is
//! not told from another one.) Exit codes as env(1) has them. Leans on execve(2), exec(3), environ(7).

mod decide;
mod enter;
mod page;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use anstream::ColorChoice;
use casefile::Bytes;
use clap::Args;
use settings::memory_settings;
use settings::runtimes::{Runtime, Version};

use crate::commands::imagined;
use crate::failure::{self, Failure};
use crate::printer::Printer;
use decide::{Circumstances, Decision};

/// What the codes mean.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: the command's own; 125 if the words cannot be followed, 126 if the command cannot be run, 127 if
it is not found.";

/// In MiB: what one worker and the master take, for images that measured it once.
const WORKER: &str = "WHY137_WORKER_MIB";
const MASTER: &str = "WHY137_MASTER_MIB";

/// What `env` takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EnvArgs {
    /// Show what would be exported, and the sum; run nothing.
    #[arg(long)]
    print: bool,
    /// No warnings.
    #[arg(long, short)]
    quiet: bool,
    /// Reckon with this limit, not with the one in effect.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    limit: Option<Bytes>,
    /// The runtime that CMD comes to, where it cannot be found out: `java@17`, `node`.
    #[arg(long, value_name = "RUNTIME[@VERSION]", value_parser = runtime)]
    runtime: Option<(Runtime, Option<Version>)>,
    /// The largest worker under load, without what it shares with others: as many workers are asked for as fit.
    /// WHY137_WORKER_MIB says the same in MiB.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    worker: Option<Bytes>,
    /// The master of the workers, with what they share. WHY137_MASTER_MIB says the same in MiB.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    master: Option<Bytes>,
    /// Such processes share the limit, each with the same settings (cluster, PM2).
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    processes: u64,
    /// The command and its arguments.
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true)]
    command: Vec<OsString>,
}

/// `java@17`, or without a version.
pub(crate) fn runtime(text: &str) -> Result<(Runtime, Option<Version>), String> {
    let (word, version) = text.split_once('@').map_or((text, None), |(a, b)| (a, Some(b)));
    let runtime = Runtime::of_word(word).ok_or_else(|| {
        let words = Runtime::ALL.map(Runtime::word);
        format!("known runtimes: {}", words.join(", "))
    })?;
    let version = version
        .map(|text| Version::parse(text).ok_or_else(|| format!("`{text}` is no version")))
        .transpose()?;
    Ok((runtime, version))
}

/// `why137 env CMD…` and `why137 env -- CMD…`, read by hand: this stands between a container and its start.
pub(crate) fn plain(arguments: &[OsString]) -> Option<EnvArgs> {
    let [_, env, rest @ ..] = arguments else { return None };
    let command = match rest {
        [end, command @ ..] if end == "--" => command,
        [first, ..] if first.as_encoded_bytes().starts_with(b"-") => return None,
        command => command,
    };
    let is_it = env == "env" && !command.is_empty();
    is_it.then(|| EnvArgs { processes: 1, command: command.to_vec(), ..EnvArgs::default() })
}

/// The same without the rest of the program.
pub(crate) fn run_plain(arguments: &EnvArgs) -> ExitCode {
    run(&Printer::new(ColorChoice::Auto, None), arguments)
}

/// Tells, and becomes the command.
pub(crate) fn run(printer: &Printer, arguments: &EnvArgs) -> ExitCode {
    if arguments.print {
        let decision = decision(arguments);
        return match printer.answer(&page::page(&decision)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure::show(printer, &error),
        };
    }
    // A mistake of ours must not keep a service down.
    panic::set_hook(Box::new(|_told_below| {}));
    let decided = panic::catch_unwind(|| decision(arguments));
    let warning = match &decided {
        Ok(decision) => decision.warning.as_deref(),
        Err(_panic) => Some("a mistake in why137 itself: nothing is exported"),
    };
    if let Some(warning) = warning.filter(|_| !arguments.quiet) {
        printer.note(&format!("why137 env: {warning}"));
    }
    let exports = decided.map(|decision| decision.exports).unwrap_or_default();
    let (command, error) = enter::become_the(&arguments.command, &exports);
    let refusal = match &error {
        Some(error) => crate::commands::run::refusal(&command, error),
        None => Failure::new(failure::RUN, "no command is given").into(),
    };
    failure::show(printer, &refusal)
}

/// What this machine and these words come to.
fn decision(arguments: &EnvArgs) -> Decision {
    let words: Vec<String> =
        arguments.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let variable = |name: &str| std::env::var(name).ok();
    let mib =
        |name: &str| Some(Bytes(variable(name)?.trim().parse::<u64>().ok()?.checked_mul(1 << 20)?));
    let environment = memory_settings::NAMES
        .into_iter()
        .chain(decide::ALSO_READ)
        .filter_map(|name| Some((name.to_owned(), variable(name)?)));
    let view = recognise::own_view();
    // Without a limit there is nothing to tell, and nobody to look for.
    let is_limited = arguments.limit.is_some()
        || view.as_ref().is_none_or(|view| view.in_effect.is_some() || view.leaf_high.is_some());
    let found = || recognise::before::before(&words, &variable);
    Circumstances {
        view,
        limit: arguments.limit,
        found: (is_limited || arguments.print).then(found).flatten(),
        given: arguments.runtime.clone(),
        environment: environment.collect(),
        worker: arguments.worker.or_else(|| mib(WORKER)).filter(|worker| worker.0 > 0),
        master: arguments.master.or_else(|| mib(MASTER)),
        processes: arguments.processes,
    }
    .decide()
}
