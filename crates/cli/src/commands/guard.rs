//! `why137 guard`: watches for loops, and with consent by name stops the spinning, lets one run show what the
//! start takes, and tells what came of it.
//!
//! Without consent nothing is changed, and what is no want of memory is left alone in any case. Every change is
//! shown before it is made, journalled, and taken back by `--undo`. What makes a loop is `judge::loops`' to say,
//! the changes are `change`'s.

mod act;
pub(super) mod plan;
mod trial;
pub(super) mod undo;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use casefile::Bytes;
use clap::Args;
use judge::loops::{Cause, Kind, Loop, State};
use nix::sys::signal::Signal;
use report::escape;
use serde_json::{Value, json};

use super::audit::watch::Stop;
use super::loops::page::{headline, seconds};
use super::loops::{self, name_of};
use super::{align, explain};
use crate::commands::format::Format;
use crate::commands::imagined;
use crate::failure::{Failure, USAGE};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 no loop of memory is left as it was, 1 one is: without consent, or what was tried did not help, or nothing
could be gathered; 2 usage. Ctrl-C ends the watch with a summary.";

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// What is watched, and what may be done.
#[derive(Debug, Clone, Args)]
pub(crate) struct GuardArgs {
    /// Containers by name or id; without a word every container of this machine.
    #[arg(value_name = "NAME")]
    what: Vec<String>,
    /// This container may be changed, as it is shown: its restart policy, and its limit for one run under watch.
    #[arg(long, alias = "yes", value_name = "NAME")]
    consent: Vec<String>,
    /// The restart policy in place of one that restarts without end: `on-failure:N`, or `no`.
    #[arg(long, value_name = "POLICY", default_value = "on-failure:3", value_parser = plan::policy)]
    policy: String,
    /// The limit for the one run; without it twice the limit at which it died.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    limit: Option<Bytes>,
    /// Only the restart policy: no run with another limit.
    #[arg(long, conflicts_with = "limit")]
    no_trial: bool,
    /// Look once, do what may be done, and end.
    #[arg(long)]
    once: bool,
    /// Show what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take back what was changed of NAME, or of every container; the newest change first.
    #[arg(long, conflicts_with_all = ["policy", "limit", "no_trial", "once"])]
    undo: bool,
    /// The form of the summary; in JSON an array.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// What came of one loop.
struct Guarded {
    /// As it was seen last.
    one: Loop,
    outcome: Outcome,
}

enum Outcome {
    /// Nothing is to be changed here.
    LeftAlone(String),
    /// Something would be changed, and nobody consented.
    NoConsent,
    /// Only shown.
    Shown,
    /// It was changed.
    Acted(act::Done),
    /// A change failed.
    Failed(String),
}

/// Takes back what was changed of one container, with consent said before or asked for.
pub(super) fn take_back(
    printer: &Printer,
    name: &str,
    yes: bool,
    daemon: &DaemonArgs,
) -> anyhow::Result<ExitCode> {
    let arguments = GuardArgs {
        what: vec![name.to_owned()],
        consent: if yes { vec![name.to_owned()] } else { Vec::new() },
        policy: "no".to_owned(),
        limit: None,
        no_trial: false,
        once: true,
        dry_run: false,
        undo: true,
        format: Format::Text,
        daemon: daemon.clone(),
    };
    undo::run(printer, &arguments)
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &GuardArgs) -> anyhow::Result<ExitCode> {
    if arguments.undo {
        return undo::run(printer, arguments);
    }
    let strangers = arguments
        .consent
        .iter()
        .find(|name| !arguments.what.is_empty() && !arguments.what.contains(name));
    if let Some(name) = strangers {
        let message = format!("`--consent {name}` names a container that is not watched");
        let hint = format!("why137 guard {0} --consent {0}", escape::shell_word(name));
        return Err(Failure::new(USAGE, message).hint(hint).into());
    }
    let began = Instant::now();
    // A change that is under way is finished or taken back first.
    let stop = Stop::take(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let words: Vec<OsString> = arguments.what.iter().map(OsString::from).collect();
    let mut all: Vec<Guarded> = Vec::new();
    if !arguments.once && arguments.format == Format::Text {
        printer.note("watching; Ctrl-C ends it with a summary");
    }
    loop {
        let now = explain::now()?;
        let seen = loops::look(printer, &words, &arguments.daemon, now)?;
        for one in seen.into_iter().flat_map(|seen| seen.loops) {
            handle(printer, arguments, one, &mut all, &stop)?;
        }
        if arguments.once || stop.came_within(PAUSE) {
            break;
        }
    }
    summary(printer, arguments, &all, began.elapsed())?;
    Ok(ExitCode::from(u8::from(all.iter().any(Guarded::is_left))))
}

/// What one look found: told when it is new, and acted upon once.
fn handle(
    printer: &Printer,
    arguments: &GuardArgs,
    one: Loop,
    all: &mut Vec<Guarded>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let consented = is_consented(arguments, &one);
    let is_due = one.state.goes_round() || (consented && one.state == State::Down);
    if !is_due {
        return Ok(());
    }
    let same =
        |known: &Guarded| known.one.container_id == one.container_id && known.one.kind == one.kind;
    if let Some(at) = all.iter().position(same) {
        let known = all.get_mut(at).filter(|known| known.one.cause == one.cause || known.is_done());
        if let Some(known) = known {
            // What was handled is not handled again; how often it has died since is for the summary.
            if !known.is_done() {
                known.one = one;
            }
            return Ok(());
        }
        // By now its cause is known, or another.
        all.remove(at);
    }
    let text = arguments.format == Format::Text;
    if text {
        printer.answer(&format!("{}\n", escape::terminal(&headline(&one))))?;
    }
    let outcome = match reason_to_leave(&one, arguments.once) {
        Some(because) => Outcome::LeftAlone(because),
        None => with_consent(printer, arguments, &one, consented, stop),
    };
    if text {
        let told = told(&outcome);
        printer.answer(
            &told.iter().map(|line| format!("  {}\n", escape::terminal(line))).collect::<String>(),
        )?;
    }
    all.push(Guarded { one, outcome });
    Ok(())
}

fn is_consented(arguments: &GuardArgs, one: &Loop) -> bool {
    arguments.consent.iter().any(|word| {
        let id = one.container_id.as_ref().map(casefile::ContainerId::as_str);
        one.name.as_deref() == Some(word)
            || id.is_some_and(|id| word.len() >= 12 && id.starts_with(word))
    })
}

/// Why a loop is none of this command's business.
fn reason_to_leave(one: &Loop, is_only_look: bool) -> Option<String> {
    if one.kind == Kind::RespawnStorm {
        return Some("left alone: the container never ends, so its restart policy has no part in it; what to change inside: why137 loops".to_owned());
    }
    if one.cause == Cause::MemoryOfUnknownLevel && !is_only_look {
        return Some("at which limit is not shown yet: the next death will tell".to_owned());
    }
    if !one.is_memory() {
        return Some("left alone: what ends it is not memory, or is not known".to_owned());
    }
    None
}

/// Shows the plan, asks, and does it. An error is this container's alone.
fn with_consent(
    printer: &Printer,
    arguments: &GuardArgs,
    one: &Loop,
    consented: bool,
    stop: &Stop,
) -> Outcome {
    let failed = |error: anyhow::Error| Outcome::Failed(format!("{error:#}"));
    let plan = match plan::Plan::of(printer, arguments, one) {
        Ok(plan) => plan,
        Err(error) => return failed(error),
    };
    if plan.is_empty() {
        if let Some(refused) = plan.refused {
            return Outcome::Failed(refused);
        }
        return Outcome::LeftAlone("left alone: its restart policy already ends by itself or is not docker's, and no other limit is to be tried".to_owned());
    }
    let lines = plan.lines();
    let shown = lines.iter().map(|line| format!("  {}\n", escape::terminal(line)));
    if arguments.format == Format::Text
        && let Err(error) = printer.answer(&shown.collect::<String>())
    {
        return failed(error);
    }
    if arguments.dry_run {
        return Outcome::Shown;
    }
    let question = format!("Do this with {}?", name_of(one));
    let Ok(consent) = align::apply::consent(printer, consented, &question, "--consent NAME") else {
        return Outcome::NoConsent;
    };
    match act::act(printer, arguments, &plan, stop, &consent) {
        Ok(done) => Outcome::Acted(done),
        Err(error) => failed(error),
    }
}

impl Guarded {
    /// It was changed, and is not changed again.
    fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Acted(_))
    }

    /// A loop of memory that goes on as it did.
    fn is_left(&self) -> bool {
        match &self.outcome {
            Outcome::LeftAlone(_) => false,
            Outcome::NoConsent | Outcome::Shown | Outcome::Failed(_) => true,
            Outcome::Acted(done) => done.trial.as_ref().is_some_and(|trial| !trial.survived),
        }
    }

    fn json(&self) -> Value {
        let (word, because) = match &self.outcome {
            Outcome::LeftAlone(because) => ("left-alone", Some(because.clone())),
            Outcome::NoConsent => ("no-consent", None),
            Outcome::Shown => ("shown", None),
            Outcome::Acted(_) => ("changed", None),
            Outcome::Failed(because) => ("failed", Some(because.clone())),
        };
        let done = match &self.outcome {
            Outcome::Acted(done) => Some(done),
            _ => None,
        };
        json!({
            "name": self.one.name,
            "container_id": self.one.container_id,
            "kind": self.one.kind.word(),
            "cause": self.one.cause.word(),
            "is_memory": self.one.is_memory(),
            "deaths": self.one.deaths,
            "outcome": word,
            "because": because,
            "changes": done.map(|done| done.changes.clone()).unwrap_or_default(),
            "trial": done.and_then(|done| done.trial.as_ref()).map(trial::Tried::json),
        })
    }
}

/// What is told of an outcome at once.
fn told(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::LeftAlone(because) => vec![because.clone()],
        Outcome::NoConsent => {
            vec!["nothing is changed without consent: --consent NAME".to_owned()]
        }
        Outcome::Shown => vec!["nothing was changed: this was a dry run".to_owned()],
        Outcome::Acted(done) => done.lines(),
        Outcome::Failed(because) => vec![format!("it could not be done: {because}")],
    }
}

fn summary(
    printer: &Printer,
    arguments: &GuardArgs,
    all: &[Guarded],
    watched: Duration,
) -> anyhow::Result<()> {
    if arguments.format == Format::Json {
        let all: Vec<Value> = all.iter().map(Guarded::json).collect();
        let text = serde_json::to_string_pretty(&all).context("could not write JSON")?;
        return printer.answer(&escape::json(&(text + "\n")));
    }
    let count = |wanted: fn(&Outcome) -> bool| all.iter().filter(|it| wanted(&it.outcome)).count();
    let changed = count(|it| matches!(it, Outcome::Acted(_)));
    let without = count(|it| matches!(it, Outcome::NoConsent));
    let left = count(|it| matches!(it, Outcome::LeftAlone(_)));
    let seen = match all.len() {
        0 => "no loop".to_owned(),
        1 => "1 loop".to_owned(),
        many => format!("{many} loops"),
    };
    let mut text = format!(
        "\nWatched for {}: {seen}, {changed} changed with consent, {without} not for want of it, {left} left alone.\n",
        seconds(watched.as_secs_f64())
    );
    for done in all.iter().filter(|it| matches!(it.outcome, Outcome::Acted(_))) {
        let name = escape::shell_word(&name_of(&done.one));
        text.push_str(&format!("  to take it back: why137 guard --undo {name}\n"));
    }
    printer.answer(&text)
}
