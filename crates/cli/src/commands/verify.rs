//! `why137 verify`: watches after a change, and says whether it holds, beside what was measured before it.
//!
//! The baseline is what `measure` or an earlier `verify` saved. Without one there is only now: whether it lives
//! under load can be told, whether a cost moved cannot. The judgement is `sizing::verify`'s, with every threshold in
//! `sizing::verify::limits`; this command watches as `measure` does, and shows.

pub(super) mod baseline;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use sizing::verify::{Judged, Verdict, Watched, judge};

use super::format::Format;
use super::measure::{self, Seen, WatchArgs, watched_json};
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 holds, 1 does not hold or moved the cost, 3 too early to say; 1 nothing could be watched, 2 usage.";

const TOO_EARLY: u8 = 3;

/// What `verify` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// What was before the change: the CSV of `measure --save`, or the JSON of `measure` or `verify`.
    #[arg(long, visible_alias = "before", value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    watch: WatchArgs,
}

/// A run under load after a change, judged.
pub(super) struct Verified {
    pub(super) seen: Seen,
    before: Option<Watched>,
    pub(super) after: Watched,
    pub(super) judged: Judged,
}

/// Watches and judges.
pub(super) fn verified(
    printer: &Printer,
    watch: &WatchArgs,
    before: Option<Watched>,
) -> anyhow::Result<Verified> {
    let seen = measure::watch(printer, watch, "verifying")?;
    let after = seen.watched(&measure::shape_of(&seen));
    let judged = judge(before.as_ref(), &after);
    Ok(Verified { seen, before, after, judged })
}

impl Verified {
    /// For a person.
    pub(super) fn page(&self, watch: &WatchArgs, width: usize) -> String {
        page::page(&self.seen, self.before.as_ref(), &self.after, &self.judged, watch, width)
    }

    /// For programs.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        written(&self.seen, self.before.as_ref(), &self.after, &self.judged)
    }
}

/// Verifies.
pub(super) fn run(printer: &Printer, arguments: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let before = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let verified = verified(printer, &arguments.watch, before)?;
    let text = match arguments.watch.format {
        Format::Text => verified.page(&arguments.watch, printer.page(false).width),
        Format::Json => {
            let all = serde_json::to_string_pretty(&verified.json()?);
            all.context("could not write JSON")? + "\n"
        }
    };
    printer.answer(&text)?;
    measure::keep(&verified.seen, &arguments.watch)?;
    Ok(match verified.judged.verdict {
        Verdict::Holds => ExitCode::SUCCESS,
        Verdict::DoesNotHold | Verdict::MovedTheCost => ExitCode::FAILURE,
        Verdict::TooEarly => ExitCode::from(TOO_EARLY),
    })
}

fn written(
    seen: &Seen,
    before: Option<&Watched>,
    after: &Watched,
    judged: &Judged,
) -> anyhow::Result<Value> {
    let doing = "could not write JSON";
    let mut all = json!({
        "verdict": judged.verdict.word(),
        "because": judged.because,
        "not_known": judged.not_known,
        "before": serde_json::to_value(before).context(doing)?,
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), watched_json(seen, after)?) {
        // `watched` is `after` here.
        all.extend(more.into_iter().map(|(key, value)| match key.as_str() {
            "watched" => ("after".to_owned(), value),
            _ => (key, value),
        }));
    }
    Ok(all)
}
