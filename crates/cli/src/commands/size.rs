//! `why137 size`: the limit that a container needs, by its memory over time, and its runtime's ceiling with it.
//!
//! Samples come from a CSV, as `measure --save` writes it or as a monitoring system exports it, or from a short
//! watch of what runs. The sums, the chances and the gates are `sizing`'s, the ceiling `settings`' by way of `align`;
//! this command reads and shows. Many series in one file give a line each.

pub(super) mod input;
mod json;
pub(super) mod live;
mod page;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use casefile::Bytes;
use clap::Args;
use settings::runtimes::{Fits, Version};
use sizing::size::{Asked, Runtime, Size};
use sizing::table::{self, Wanted};
use sizing::{Series, Unit};

use crate::commands::align::pair::{self, Pair};
use crate::commands::format::Format;
use crate::commands::imagined::{self, Imagined};
use crate::commands::measure::WatchArgs;
use crate::failure::{Failure, USAGE};
use crate::printer::Printer;
use input::Input;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 a limit, or the one in effect is enough; 3 no limit is \
    advised, and why; 1 nothing could be read or measured; 2 usage. Of several series the answer is in each line.";

const WHAT: &str = "A container that runs, by its name or id; or a table of samples, CSV or gzip of it: \
    `web.csv`, `-` for standard input";
const FOR: &str =
    "So long it is watched, where it runs; without it a minute, or until the load command ends";

/// What `size` takes.
#[derive(Debug, Clone, Args)]
#[command(mut_args(of_size))]
pub(crate) struct SizeArgs {
    #[command(flatten)]
    watch: WatchArgs,
    /// CSV: the column that tells the memory; else the one whose name does (`mem_bytes`, `ws_mib`, `used_mib` …).
    #[arg(long, value_name = "NAME", help_heading = "Samples in a CSV")]
    column: Option<String>,
    /// CSV: its unit, where the name does not tell: `bytes`, `mib`, `pct`, `frac`.
    #[arg(long, value_name = "UNIT", value_parser = unit, help_heading = "Samples in a CSV")]
    unit: Option<(Unit, f64)>,
    /// CSV: only this series, by its name or a part of it (`pod` of `pod/container`).
    #[arg(long, value_name = "NAME", help_heading = "Samples in a CSV")]
    series: Option<String>,
    /// CSV: use nothing that came later than this, in the file's own time (seconds, or RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment, allow_negative_numbers = true,
        help_heading = "Samples in a CSV")]
    as_of: Option<f64>,
    /// The limit it has now, where the samples do not tell: `512m`, or a number where they are in percent.
    #[arg(long, value_name = "SIZE")]
    limit: Option<String>,
    /// The samples end with a kill at the limit: what it wanted is not known.
    #[arg(long)]
    killed: bool,
    /// A cap that you have in mind: is it possible at all?
    #[arg(long, value_name = "SIZE")]
    cap: Option<String>,
    /// A limit below the highest sample may be advised.
    #[arg(long)]
    below_peak: bool,
    /// What runs there, for its ceiling: `node@22.12`, `java@17`; of what runs it is recognised.
    #[arg(long, value_name = "RUNTIME@VERSION")]
    runtime: Option<String>,
    #[command(flatten)]
    imagined: Imagined,
}

/// `size` also takes a table, and watches for less.
fn of_size(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        "what" => arg.value_name("NAME|FILE").help(WHAT),
        "at_most" => arg.help(FOR),
        _ => arg,
    }
}

/// One answer.
pub(super) struct Sized {
    pub(super) series: Series,
    pub(super) limit_now: Option<f64>,
    pub(super) size: Size,
    pub(super) pair: Option<Pair>,
}

impl Sized {
    /// For a person.
    pub(super) fn page(&self, width: usize) -> String {
        page::page(self, width)
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Value {
        json::value(self)
    }
}

/// Sizes.
pub(super) fn run(printer: &Printer, arguments: &SizeArgs) -> anyhow::Result<ExitCode> {
    match &arguments.watch.what {
        Some(name) if is_table(name) => of_table(printer, arguments, name),
        _ => live::run(printer, arguments),
    }
}

/// What exists is read, even if a container has the same name; what looks like a table is meant as one.
fn is_table(name: &str) -> bool {
    let looks = [".csv", ".csv.gz", ".gz"].iter().any(|end| name.ends_with(end));
    name == "-" || looks || name.contains('/') || Path::new(name).is_file()
}

fn of_table(printer: &Printer, arguments: &SizeArgs, name: &str) -> anyhow::Result<ExitCode> {
    if !arguments.watch.load.is_empty() || arguments.watch.save.is_some() {
        let what = "a load and `--save` belong to what runs; these samples were taken already";
        return Err(Failure::new(USAGE, what).into());
    }
    let wanted = Wanted {
        column: arguments.column.clone(),
        unit: arguments.unit,
        series: arguments.series.clone(),
        requests: None,
        as_of: arguments.as_of,
        name: stem(Path::new(name)),
    };
    let mut count = 0usize;
    let mut shown = Shown { printer, format: arguments.watch.format, several: false, only: None };
    each(name, &wanted, &mut |series| {
        count += 1;
        if count.is_multiple_of(200) {
            printer.progress(&format!("sizing: {count} series"));
        }
        let sized = sized(arguments, series)?;
        shown.take(sized)
    })?;
    shown.end()
}

/// The only answer is a page; of several each is a line.
struct Shown<'a> {
    printer: &'a Printer,
    format: Format,
    several: bool,
    /// Kept until it is known to be the only one.
    only: Option<Box<Sized>>,
}

impl Shown<'_> {
    fn take(&mut self, sized: Sized) -> anyhow::Result<()> {
        if self.format == Format::Json {
            self.several = self.only.is_some() || self.several;
            self.printer.answer(&json::line(&sized))?;
            self.only = (!self.several).then(|| Box::new(sized));
            return Ok(());
        }
        if let Some(first) = self.only.take() {
            self.several = true;
            self.printer.answer(&page::line(&first))?;
        }
        if self.several {
            return self.printer.answer(&page::line(&sized));
        }
        self.only = Some(Box::new(sized));
        Ok(())
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        let Some(only) = &self.only else { return Ok(ExitCode::SUCCESS) };
        if self.format == Format::Text {
            self.printer.answer(&page::page(only, self.printer.page(false).width))?;
        }
        Ok(exit(&only.size))
    }
}

/// 3 where no limit is advised.
pub(super) fn exit(size: &Size) -> ExitCode {
    ExitCode::from(if size.limit.is_some() { 0 } else { 3 })
}

/// Hands over each series of a table.
pub(super) fn each(
    name: &str,
    wanted: &Wanted,
    take: &mut dyn FnMut(Series) -> anyhow::Result<()>,
) -> anyhow::Result<table::Told> {
    let path = Path::new(name);
    let input = Input::of(path)?;
    let open = || input.open();
    let mut failed = None;
    let told = table::read(&open, wanted, &mut |series| {
        take(series).map_err(|error| {
            let text = error.to_string();
            failed = Some(error);
            text
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    told.map_err(|error| input::refused(path, "size", &error).into())
}

/// What a file with one nameless series is called.
pub(super) fn stem(path: &Path) -> String {
    if path == Path::new("-") || path.starts_with("/dev") || path.starts_with("/proc") {
        return "samples".to_owned();
    }
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned());
    let file = file.unwrap_or_default();
    file.split('.').find(|part| !part.is_empty()).unwrap_or(&file).to_owned()
}

/// One series, with the ceiling of the runtime that was named.
fn sized(arguments: &SizeArgs, series: Series) -> anyhow::Result<Sized> {
    let mut asked = asked(arguments, &series)?;
    let limit_now = asked.limit.or_else(|| series.limit());
    let predicted = |limit: f64| -> anyhow::Result<Option<Pair>> {
        let Some(text) = &arguments.runtime else { return Ok(None) };
        let (runtime, version) = imagined::asked(text, "why137 size FILE.csv --runtime node@22")?;
        predict(arguments, (runtime, version), limit).map(Some)
    };
    if let Some(limit) = limit_now.filter(|_| series.unit == Unit::Bytes)
        && let Some(pair) = predicted(limit)?.filter(can_be_kept)
    {
        asked.runtime = gate(&pair);
    }
    let mut size = sizing::size::size(&series, &asked);
    if let Some(limit) = size.limit.filter(|_| series.unit == Unit::Bytes)
        && let Some(pair) = predicted(limit)?
        && let Some(least) = least(&pair, limit)
    {
        asked.least = Some(least);
        size = sizing::size::size(&series, &asked);
    }
    let pair = match size.limit.filter(|_| series.unit == Unit::Bytes) {
        Some(limit) => predicted(limit)?,
        None => None,
    };
    Ok(Sized { series, limit_now, size, pair })
}

fn predict(
    arguments: &SizeArgs,
    (runtime, version): (settings::runtimes::Runtime, Version),
    limit: f64,
) -> anyhow::Result<Pair> {
    let limit = Bytes(limit as u64);
    pair::imagined(runtime, version, limit, &arguments.imagined)
}

/// The least limit from this one on in which some setting keeps the runtime, and why no smaller one does; `None`
/// where this one will do, or none that is worth a thought.
pub(super) fn least(pair: &Pair, limit: f64) -> Option<(f64, String)> {
    let because = pair.cannot()?;
    let fits = |mib: u64| pair.at(Bytes(mib << 20)).cannot().is_none();
    let mut low = Bytes(limit as u64).0.div_ceil(1 << 20).max(1);
    let mut high = low * 2;
    while !fits(high) {
        (low, high) = (high, high * 2);
        if high > LARGEST_LEAST {
            return None;
        }
    }
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if fits(middle) { high = middle } else { low = middle }
    }
    Some(((high << 20) as f64, because))
}

/// What no setting keeps within its limit is no reason against a larger one.
pub(super) fn can_be_kept(pair: &Pair) -> bool {
    pair.cannot().is_none()
}

/// The first gate, by what the runtime may use of the limit it has.
pub(super) fn gate(pair: &Pair) -> Runtime {
    match pair.now() {
        Fits::CannotFit => Runtime::CannotFit(pair.headline()),
        Fits::Fits | Fits::Tight => Runtime::Fits,
        Fits::Unlimited | Fits::Unknown => Runtime::NotKnown,
    }
}

/// What is known beside the samples.
pub(super) fn asked(arguments: &SizeArgs, series: &Series) -> anyhow::Result<Asked> {
    let of = |text: &Option<String>, option: &str| match text {
        Some(text) => in_unit(text, series.unit, option).map(Some),
        None => Ok(None),
    };
    Ok(Asked {
        limit: of(&arguments.limit, "--limit")?,
        killed: arguments.killed,
        runtime: Runtime::NotKnown,
        least: None,
        below_peak: arguments.below_peak,
        cap: of(&arguments.cap, "--cap")?,
        alone: false,
    })
}

/// An amount in the unit of the samples.
fn in_unit(text: &str, unit: Unit, option: &str) -> Result<f64, Failure> {
    if unit == Unit::Bytes {
        let size = imagined::size(text);
        return size
            .map(|size| size.0 as f64)
            .map_err(|why| Failure::new(USAGE, format!("`{option} {text}`: {why}")));
    }
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| {
        let why = format!("a number above 0, as the samples are in {}", unit.word());
        Failure::new(USAGE, format!("`{option} {text}`: {why}"))
    })
}

pub(super) fn unit(word: &str) -> Result<(Unit, f64), String> {
    Wanted::unit_named(word).ok_or_else(|| "bytes, kib, mib, gib, mb, gb, pct or frac".to_owned())
}

pub(super) fn moment(text: &str) -> Result<f64, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(seconds);
    }
    let moment: Result<jiff::Timestamp, _> = text.parse();
    moment.map(|moment| moment.as_duration().as_secs_f64()).map_err(|_ignored| {
        "seconds in the file's own time, or RFC 3339: 2026-01-31T08:00:00Z".to_owned()
    })
}

/// A runtime that needs more than this at least, in MiB, is told wrongly.
const LARGEST_LEAST: u64 = 64 << 10;
/// So long what runs is watched, where nobody says.
pub(super) const WATCHED: Duration = Duration::from_secs(60);
