//! `why137 replay`: series from CSV files played through rules that set limits, ours and those that others publish.
//!
//! What each rule would have cost, and how often it would have been hit, on the reader's own history: a point for a
//! rule as its authors set it, a curve for one with a knob, and ours at each rule's own number of days with a kill.
//! The replay and the rules are `sizing`'s; this command reads files and shows. Nothing is advised here, that
//! is `why137 size`.

mod drawing;
mod json;
mod page;
mod read;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use sizing::Unit;
use sizing::policy::Rule;
use sizing::policy::named::{self, Named};
use sizing::replay::curve::{self, Curve, Tally};
use sizing::replay::{Score, Terms};

use crate::commands::size::input::is_there;
use crate::failure::{Failure, NOTHING};
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 replayed; 1 a file could not be read or no day was left to score; 2 usage.";

/// The rules, with what they do and where that was read.
const RULES: &str = "\
Rules, as their authors set them:
  ours      the highest hour of two weeks and room above it, by how much the container still
            climbs; this program's own
  vpa       P90 of daily peaks that halve each day, upper edge of a 5 % bucket, x 1.15, at least
            250 MiB; after a kill 20 % or 100 MiB more
            (kubernetes/autoscaler 55c37cd, vertical-pod-autoscaler/pkg/recommender)
  krr       highest of 14 days x 1.15, at least 100 MiB, whole MiB
            (robusta-dev/krr d6baa74, strategy `simple`)
  crane     P99 of 7 days that halve in 48 h, buckets of 100 MiB, x 1.15; after a kill 20 % or
            100 MiB more for 7 days (gocrane/crane 2b0ddae, pkg/recommendation)
  kubecost  highest of 14 days / 0.7, at least 20 MiB
            (kubecost/docs v1.x, request right-sizing API v2, algorithm `max`)
  plateau   largest hourly median of 7 days x 1.25; a rule of thumb
  max       highest of 14 days x 1.10; after a kill 20 % more for a day; a rule of thumb
Limits are decided each hour from the samples before it. A sample above the limit is a kill; what
was wanted stays unknown to the rule. A rule that hears of kills decides anew at once; one that
does not is counted as killed once an hour at most.";

/// Both, for the long help.
pub(crate) fn help() -> String {
    format!("{RULES}\n\n{EXIT_CODES}")
}

/// What `replay` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayArgs {
    /// CSV files, plain or gzip, as `why137 size` reads them; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The rules, with commas between them.
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = policy,
        default_value = "ours,vpa,krr,crane,kubecost,plateau,max")]
    policy: Vec<Named>,
    /// So long each series is only watched before the first limit is set.
    #[arg(long, value_name = "TIME", value_parser = super::measure::time, default_value = "2d")]
    history: Duration,
    /// The column that tells the memory; else the one whose name does (`mem_bytes`, `ws_mib` …).
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Its unit, where the name does not tell: `bytes`, `mib`, `pct`, `frac`.
    #[arg(long, value_name = "UNIT", value_parser = super::size::unit)]
    unit: Option<(Unit, f64)>,
    /// Only this series.
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
    /// Use nothing that came later than this, in the file's own time (seconds, or RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = super::size::moment, allow_negative_numbers = true)]
    as_of: Option<f64>,
    /// Also draw slack against days with a kill, as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for a person.
    Text,
    /// For programs.
    Json,
}

fn policy(word: &str) -> Result<Named, String> {
    named::named(word).ok_or_else(|| {
        let known: Vec<&str> = named::all().iter().map(|named| named.word).collect();
        format!("the rules are {}", known.join(", "))
    })
}

/// One rule and what it came to.
pub(super) struct Replayed {
    pub(super) named: Named,
    pub(super) score: Score,
    /// Our slack where as many days have a kill; `None` where no setting of ours is hit as seldom.
    pub(super) ours: Option<f64>,
}

/// All rules, and the curves of those with a knob.
pub(super) struct Answer {
    pub(super) files: usize,
    pub(super) series: usize,
    /// Series of which no day was left after the history.
    pub(super) too_short: usize,
    pub(super) history: f64,
    pub(super) rules: Vec<Replayed>,
    pub(super) ours: Curve,
    pub(super) largest: Option<Curve>,
}

/// Replays.
pub(super) fn run(printer: &Printer, arguments: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let rules = Rules::of(&arguments.policy);
    let terms = Terms { history: arguments.history.as_secs_f64(), ..Terms::default() };
    let mut sums = vec![Tally::default(); rules.all.len()];
    let (mut series, mut too_short) = (0, 0);
    arguments.files.iter().try_for_each(|file| is_there(file, "replay"))?;
    for file in &arguments.files {
        read::batches(printer, arguments, file, &mut |batch| {
            for tallies in curve::tallies(batch, &rules.all, &terms) {
                series += 1;
                too_short += usize::from(tallies.iter().all(|tally| tally.score().days == 0));
                sums.iter_mut().zip(&tallies).for_each(|(sum, tally)| sum.add(tally));
            }
            let days = sums.first().map_or(0, |sum| sum.score().days);
            printer.progress(&format!("replaying: {series} series, {days} days"));
        })?;
    }
    let answer = rules.answer(&sums, (arguments.files.len(), series, too_short), terms.history);
    if answer.rules.iter().all(|rule| rule.score.days == 0) {
        let span = sizing::words::span(terms.history);
        return Err(Failure::new(
            NOTHING,
            format!("no series is longer than the {span} of history and half a day"),
        )
        .hint("--history 6h watches for less before the first limit is set")
        .into());
    }
    let text = match arguments.format {
        Format::Text => page::page(&answer, arguments.svg.as_deref()),
        Format::Json => json::render(&answer)?,
    };
    printer.answer(&text)?;
    if let Some(path) = &arguments.svg {
        let drawing = drawing::drawing(&answer).context("could not draw")?;
        std::fs::write(path, drawing)
            .with_context(|| format!("could not write `{}`", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is replayed: the rules that were asked for, then the settings of ours, then those of `max`.
struct Rules {
    asked: Vec<Named>,
    all: Vec<Rule>,
    ours: std::ops::Range<usize>,
    largest: std::ops::Range<usize>,
}

impl Rules {
    fn of(asked: &[Named]) -> Self {
        let mut once: Vec<Named> = Vec::new();
        for named in asked {
            if !once.contains(named) {
                once.push(*named);
            }
        }
        let mut all: Vec<Rule> = once.iter().map(|named| named.rule).collect();
        let is_asked = |word: &str| once.iter().any(|named| named.word == word);
        let from = all.len();
        if is_asked("ours") {
            all.extend(curve::ours());
        }
        let ours = from..all.len();
        if is_asked("max") {
            all.extend(curve::largest());
        }
        let largest = ours.end..all.len();
        Self { asked: once, all, ours, largest }
    }

    fn answer(
        &self,
        sums: &[Tally],
        (files, series, too_short): (usize, usize, usize),
        history: f64,
    ) -> Answer {
        let of = |range: &std::ops::Range<usize>| {
            Curve::of(sums.get(range.clone()).unwrap_or_default().iter().map(Tally::score))
        };
        let ours = of(&self.ours);
        let rules = self.asked.iter().zip(sums).map(|(named, sum)| {
            let score = sum.score();
            let is_ours = matches!(named.rule, Rule::Ours(_));
            let at = ours.slack_at(score.oom_days).filter(|_| !is_ours);
            Replayed { named: *named, score, ours: at }
        });
        let rules = rules.collect();
        let largest = (!self.largest.is_empty()).then(|| of(&self.largest));
        Answer { files, series, too_short, history, rules, ours, largest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_rule_and_where_it_was_read() {
        for named in named::all() {
            assert!(RULES.contains(&format!("\n  {:<9} ", named.word)), "{}", named.word);
            let source = named.source.split(',').next().unwrap();
            let said = if named.word == "ours" { "this program" } else { source };
            assert!(RULES.contains(said.trim_start_matches("a ")), "{source}");
        }
        assert!(RULES.lines().all(|line| line.chars().count() <= 98));
    }

    #[test]
    fn a_rule_that_is_asked_for_twice_is_replayed_once_and_only_what_is_asked_for() {
        let asked = ["krr", "KRR", "vpa"].map(|word| policy(word).unwrap());
        let rules = Rules::of(&asked);
        assert_eq!(rules.all, [Rule::Krr, Rule::Vpa]);
        assert!(rules.ours.is_empty() && rules.largest.is_empty());
        let all = Rules::of(&named::all());
        assert_eq!(all.all.len(), 7 + curve::ours().len() + curve::largest().len());
        assert!(policy("autopilot").unwrap_err().contains("kubecost"));
    }
}
