//! `why137 fix`: measure, limit and ceiling as a pair, the change with consent, and the run under load that decides
//! whether it is one.
//!
//! Nothing is called fixed without that run: what does not hold is taken back. What size and which settings are
//! `size`'s and `align`'s to say, with their gates; whether it holds `verify`'s; this command leads from one to the
//! next. A restart loop is `guard`'s matter, and a program that grows without end is not fixed by any limit.

mod act;
mod before;
mod compose;
mod json;
mod plan;
mod say;
mod target;
mod undo;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use casefile::Bytes;
use change::Consent;
use clap::Args;
use settings::runtimes::Fits;
use sizing::verify::{Verdict, Watched, limits};

use self::act::Hand;
use self::before::Before;
use self::json::Told;
use self::plan::{Decision, Plan, Way};
use self::say::Say;
use self::target::Target;
use super::format::Format;
use super::measure::WatchArgs;
use super::{align, imagined, verify};
use crate::failure::{Failure, USAGE};
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 it holds under load, or nothing has to be changed; 1 it does not hold, or moved the cost, and was taken
back; 3 nothing was changed (blocked, no consent, a dry run), or too early to say, or a part is left to do by hand;
1 nothing could be measured, 2 usage.";

/// Blocked, not agreed to, or not to be told yet.
const NOT_DONE: u8 = 3;
/// Beyond what the verdict needs at least: the first look and the last are not at its very ends.
const SPARE: Duration = Duration::from_secs(3);

/// What is to be fixed, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct FixArgs {
    /// What was before, instead of a watch now: the CSV of `measure --save`.
    #[arg(long, visible_alias = "before", value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// The Compose file that the container was made by; without it the one that its labels name.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Its service there, where the labels do not tell.
    #[arg(long, value_name = "NAME", requires = "file")]
    service: Option<String>,
    /// This limit, instead of the one that its size comes to.
    #[arg(long, value_name = "SIZE", value_parser = imagined::size)]
    limit: Option<Bytes>,
    /// The answer to the question whether to do what is shown.
    #[arg(long)]
    yes: bool,
    /// Measure, show what would change, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Leave the change as it is, also where it does not hold.
    #[arg(long)]
    keep: bool,
    /// Take back what was changed of NAME, its Compose file too.
    #[arg(long, conflicts_with_all = ["baseline", "limit", "dry_run", "keep"])]
    undo: bool,
    #[command(flatten)]
    watch: WatchArgs,
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &FixArgs) -> anyhow::Result<ExitCode> {
    if arguments.watch.pid.is_some() {
        let message =
            "a process has no settings that somebody else could change for it: name a container";
        return Err(Failure::new(USAGE, message).hint("why137 align --pid PID").into());
    }
    let target = Target::of(printer, arguments)?;
    if arguments.undo {
        return undo::run(printer, arguments, &target);
    }
    let mut told = Told::of(&target);
    let ended = fix(printer, arguments, target, &mut told)?;
    if arguments.watch.format == Format::Json {
        printer.answer(&told.render(ended)?)?;
    }
    Ok(ended.exit())
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    NothingToDo,
    Blocked,
    DryRun,
    NoConsent,
    /// The file is written, or nothing could be: what is left is somebody's own to do.
    ByHand,
    Judged(Verdict),
    /// It could not be watched after the change.
    DoesNotRun,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Blocked => "blocked",
            Self::DryRun => "dry_run",
            Self::NoConsent => "no_consent",
            Self::ByHand => "by_hand",
            Self::Judged(Verdict::Holds) => "fixed",
            Self::Judged(verdict) => verdict.word(),
            Self::DoesNotRun => Verdict::DoesNotHold.word(),
        }
    }

    fn exit(self) -> ExitCode {
        ExitCode::from(match self {
            Self::NothingToDo | Self::Judged(Verdict::Holds) => 0,
            Self::Judged(Verdict::DoesNotHold | Verdict::MovedTheCost) | Self::DoesNotRun => 1,
            Self::Blocked | Self::DryRun | Self::NoConsent | Self::ByHand => NOT_DONE,
            Self::Judged(Verdict::TooEarly) => NOT_DONE,
        })
    }
}

fn fix(
    printer: &Printer,
    arguments: &FixArgs,
    target: Target,
    told: &mut Told,
) -> anyhow::Result<Ended> {
    let say = Say { printer, is_text: arguments.watch.format == Format::Text };
    let before = match before::of(printer, arguments, &target)? {
        Ok(before) => before,
        Err(because) => return say.blocked(&target, because, told),
    };
    let sized = plan::sized(printer, arguments, &target, &before);
    let decision = plan::decide(printer, arguments, &target, &before, sized.as_ref())?;
    if let Some(sized) = &sized {
        told.size(sized);
        // Where something else than its advice is done, its words would lead elsewhere.
        let is_passed = matches!(decision, Decision::Change(_)) && sized.size.limit.is_none();
        if !is_passed {
            say.text(&sized.page(printer.page(false).width))?;
        }
    }
    let plan = match decision {
        Decision::Nothing(because) => {
            told.because(&because);
            say.line(&format!("{}: nothing has to be changed: {because}.", target.name))?;
            return Ok(Ended::NothingToDo);
        }
        Decision::Blocked(because) => return say.blocked(&target, because, told),
        Decision::Change(plan) => plan,
    };
    told.plan(&plan, &target);
    say.plan(&plan, &target, &before, arguments)?;
    if let Way::ByHand(_) = plan.way {
        return Ok(Ended::ByHand);
    }
    if arguments.dry_run {
        say.line("Nothing was changed: this was a dry run.")?;
        return Ok(Ended::DryRun);
    }
    let question = format!("Do this with {}?", report::escape::terminal(&target.name));
    let consent = match align::apply::consent(printer, arguments.yes, &question, "--yes") {
        Ok(consent) => consent,
        Err(why) => {
            told.because(&why.to_string());
            say.line(&format!("Nothing was changed ({why}); `--yes` says yes to what is shown."))?;
            return Ok(Ended::NoConsent);
        }
    };
    change_and_verify(arguments, (target, plan, before), &consent, &say, told)
}

fn change_and_verify(
    arguments: &FixArgs,
    (target, plan, before): (Target, Box<Plan>, Before),
    consent: &Consent,
    say: &Say<'_>,
    told: &mut Told,
) -> anyhow::Result<Ended> {
    let hand = Hand::change(say.printer, (&target, &plan, &before), consent)?;
    told.changes(&plan.changes());
    for change in plan.changes() {
        say.line(&format!("done: {change}"))?;
    }
    if let Some(left) = hand.left_to_do(&target) {
        told.left(&left);
        say.line("The file is written. It is not fixed before it runs by it; what is left:")?;
        left.iter().try_for_each(|line| say.line(&format!("  {line}")))?;
        return Ok(Ended::ByHand);
    }
    let is_trial = before.died_at.is_some();
    if let Some(because) = late_gate(say.printer, arguments, (&target, &plan, &before), &hand) {
        hand.take_back(say.printer, arguments, (&target, &before), consent)?;
        told.undone();
        return say.blocked(&target, because, told);
    }
    let watch = after_watch(&arguments.watch, &before.watched, hand.watched());
    let verified = if hand.runs(&target) {
        verify::verified(say.printer, &watch, Some(before.watched.clone()))
    } else {
        Err(Failure::new(NOT_DONE, "it does not run with the change").into())
    };
    let ended = match &verified {
        Ok(verified) => {
            say.text(&format!("\n{}", verified.page(&watch, say.printer.page(false).width)))?;
            told.verdict(verified.json()?);
            Ended::Judged(verified.judged.verdict)
        }
        Err(error) => {
            told.because(&format!("{error:#}"));
            say.line(&format!("{}: {error:#}", target.name))?;
            Ended::DoesNotRun
        }
    };
    let next =
        verified.as_ref().ok().and_then(|verified| plan::next_limit(verified, &target, is_trial));
    told.next(next.as_deref());
    conclude(arguments, (target, plan, before), (hand, ended), consent, say, told)?;
    next.iter().try_for_each(|next| say.line(&format!("  {next}")))?;
    Ok(ended)
}

/// What was down could not be asked what its runtime believes: it is, as soon as it runs.
fn late_gate(
    printer: &Printer,
    arguments: &FixArgs,
    (target, plan, before): (&Target, &Plan, &Before),
    hand: &Hand,
) -> Option<String> {
    if before.pair.is_some() || !matches!(plan.way, Way::InPlace) || !hand.runs(target) {
        return None;
    }
    let pair = before::told_now(printer, arguments, target)?;
    let old = plan.limit.and_then(|(old, _)| old)?;
    (pair.now() == Fits::CannotFit).then(|| {
        let lines = plan::by_hand(target, Some(&pair.at(old))).join("; ");
        format!(
            "{}: a larger limit only takes longer to fill, so the trial was ended and taken back; {lines}",
            pair.as_told()
        )
    })
}

/// Calls it fixed, or takes it back.
fn conclude(
    arguments: &FixArgs,
    (target, plan, before): (Target, Box<Plan>, Before),
    (hand, ended): (Hand, Ended),
    consent: &Consent,
    say: &Say<'_>,
    told: &mut Told,
) -> anyhow::Result<()> {
    let changes = plan.changes().join("; ");
    if ended == Ended::Judged(Verdict::Holds) {
        told.undo(&target);
        say.line(&format!("\nFixed: {}: {changes}. It held under load, as shown.", target.name))?;
        return say.line(&format!("  to take it back: {}", undo::command(&target)));
    }
    let how = match ended {
        Ended::Judged(Verdict::MovedTheCost) => "it is not killed, and it costs more",
        Ended::Judged(Verdict::TooEarly) => "too early to say",
        _ => "it does not hold",
    };
    if arguments.keep {
        told.undo(&target);
        return say.line(&format!("\nNot fixed: {how}. Kept as asked: {changes}."));
    }
    match hand.take_back(say.printer, arguments, (&target, &before), consent) {
        Ok(()) => {
            told.undone();
            say.line(&format!("\nNot fixed: {how}. Taken back: {changes}."))
        }
        Err(error) => {
            told.undo(&target);
            say.line(&format!("\nNot fixed: {how}; and it could not be taken back: {error:#}."))?;
            say.line(&format!("  by hand: {}", undo::command(&target)))
        }
    }
}

/// The same load and time again, and no less than a verdict needs.
fn after_watch(asked: &WatchArgs, before: &Watched, what: String) -> WatchArgs {
    let outlive = before.first_kill_after_s.unwrap_or(0.0) * limits::OUTLIVE;
    let least = Duration::try_from_secs_f64(outlive.max(limits::LEAST_SPAN)).unwrap_or_default();
    let least = least.saturating_add(SPARE);
    let at_most = match (asked.at_most, asked.load.is_empty()) {
        (Some(time), _) => Some(time.max(least)),
        (None, true) => Some(least),
        (None, false) => None,
    };
    WatchArgs { what: Some(what), at_most, save: None, ..asked.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: FixArgs,
    }

    fn watch(words: &str) -> WatchArgs {
        let words = ["fix", "api"].into_iter().chain(words.split_whitespace());
        Line::try_parse_from(words).unwrap().arguments.watch
    }

    #[test]
    fn the_run_after_lasts_as_long_as_the_one_before_and_as_long_as_a_verdict_needs() {
        let seconds = |words: &str, kill: Option<f64>| {
            let before = Watched { first_kill_after_s: kill, ..Watched::default() };
            let after = after_watch(&watch(words), &before, "id".to_owned());
            assert_eq!(after.what.as_deref(), Some("id"));
            after.at_most.map(|time| time.as_secs())
        };
        assert_eq!(seconds("--for 5m", None), Some(300));
        assert_eq!(seconds("--for 5s", None), Some(63));
        assert_eq!(seconds("", Some(100.0)), Some(203));
        assert_eq!(seconds("-- load", Some(100.0)), None);
        assert_eq!(seconds("--for 2m -- load", Some(100.0)), Some(203));
    }

    #[test]
    fn only_what_held_is_called_fixed_and_only_that_ends_with_0_after_a_change() {
        let words =
            [Verdict::Holds, Verdict::DoesNotHold, Verdict::MovedTheCost, Verdict::TooEarly]
                .map(|verdict| Ended::Judged(verdict).word());
        assert_eq!(words, ["fixed", "does_not_hold", "moved_the_cost", "too_early"]);
        assert_eq!(Ended::DoesNotRun.word(), "does_not_hold");
    }

    #[test]
    fn a_dry_run_and_a_yes_exclude_each_other() {
        assert!(Line::try_parse_from(["fix", "api", "--dry-run", "--yes"]).is_err());
        assert!(Line::try_parse_from(["fix", "api", "--undo", "--limit", "1g"]).is_err());
        assert!(Line::try_parse_from(["fix", "api", "--service", "x"]).is_err());
    }
}
