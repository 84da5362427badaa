//! `why137 measure`: a container or a process over time, while a load runs or for as long as asked.
//!
//! What was seen is told as it was seen: what it held at its start, at its level and at its peak, what of it
//! cannot be given back, kills, lives, pressure, what a request costs. What size follows from it is
//! `why137 size`'s, whether a change worked `why137 verify`'s. Looks come from `evidence::watch`, their table
//! and their sums from `sizing`; this command keeps the time, runs the load, and shows.

mod json;
mod live;
mod load;
mod page;
mod tally;
mod watching;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use report::escape;
use sizing::shape::Shape;
use sizing::verify::Look;
use sizing::{End, Point, Series, Unit};

use crate::commands::format::Format;
use crate::flags::DaemonArgs;
use crate::printer::Printer;
pub(super) use json::watched as watched_json;
pub(super) use page::{bytes, load as load_text, time as shown_time};
pub(super) use watching::{Seen, watch};

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 measured, also when Ctrl-C ended it or the load failed; 1 nothing could be measured; 2 usage.";

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(50);

/// What `measure` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

/// What is watched, for how long, under which load.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchArgs {
    /// A container that runs, by its name or id.
    #[arg(value_name = "NAME", required_unless_present = "pid", conflicts_with = "pid")]
    pub(super) what: Option<String>,
    /// A process of this machine: with all that its container or unit holds, else with its descendants.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) pid: Option<u32>,
    /// For so long at most; without it 10 minutes, or until the load command ends.
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(super) at_most: Option<Duration>,
    /// One look so often; without it every second, in the first half minute five a second.
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub(super) every: Option<Duration>,
    /// A log to which each answered request adds a line; `latency_ms=` in it is read.
    #[arg(long, value_name = "FILE")]
    pub(super) requests: Option<PathBuf>,
    /// Save the looks as CSV, for `why137 size` and `why137 verify --baseline`.
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) daemon: DaemonArgs,
    /// The load: a command to run meanwhile. Its lines count as requests: `latency_ms=N` each one, `N done` and
    /// the totals of ab, wrk, hey all.
    #[arg(value_name = "LOAD", last = true)]
    pub(super) load: Vec<std::ffi::OsString>,
}

/// Measures.
pub(super) fn run(printer: &Printer, arguments: &MeasureArgs) -> anyhow::Result<ExitCode> {
    let seen = watch(printer, &arguments.watch, "measuring")?;
    let shape = shape_of(&seen);
    let watched = seen.watched(&shape);
    let text = match arguments.watch.format {
        Format::Text => {
            page::page(&seen, &watched, &shape, &arguments.watch, printer.page(false).width)
        }
        Format::Json => json::render(&seen, &watched, &shape, &arguments.watch)?,
    };
    // The answer first: a folder that cannot be written must not cost it.
    printer.answer(&text)?;
    keep(&seen, &arguments.watch)?;
    Ok(ExitCode::SUCCESS)
}

/// What the looks say about the shape: the one place where samples meet their interpretation.
pub(super) fn shape_of(seen: &Seen) -> Shape {
    sizing::shape::of(&series_of(&seen.name(), &seen.looks), None)
}

/// The looks as the series that `sizing` reads from their table.
pub(super) fn series_of(name: &str, looks: &[Look]) -> Series {
    let mut series = Series::named(name, Unit::Bytes);
    let known = || looks.iter().filter(|look| look.mem_bytes.is_some());
    series.points =
        known().filter_map(|look| Some(Point { at: look.t_s, used: look.mem_bytes? })).collect();
    series.limits = known().map(|look| look.limit_bytes.unwrap_or(f64::NAN)).collect();
    if looks.iter().any(|look| look.requests.is_some()) {
        series.requests = known().map(|look| look.requests.unwrap_or(f64::NAN)).collect();
    }
    let pairs = known().zip(known().skip(1)).enumerate();
    let ends = pairs.filter_map(|(at, (before, now))| {
        let killed = now.kills > before.kills;
        (killed || now.life > before.life).then_some(End { after: at + 1, killed })
    });
    series.ends = ends.collect();
    series
}

/// Writes the looks down where that is asked for.
pub(super) fn keep(seen: &Seen, arguments: &WatchArgs) -> anyhow::Result<()> {
    let Some(path) = &arguments.save else { return Ok(()) };
    let table = sizing::verify::table_of(&seen.name(), &seen.looks)
        .context("could not write the looks as a table")?;
    let mut file = open(path, true)?;
    file.write_all(table.as_bytes()).with_context(|| doing(path))
}

fn open(path: &Path, anew: bool) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(anew).mode(0o644);
    options.open(path).with_context(|| doing(path))
}

fn doing(path: &Path) -> String {
    format!("could not save the looks in `{}`", path.display())
}

impl WatchArgs {
    /// The words that lead back to what is watched.
    pub(super) fn asked(&self) -> String {
        match (&self.what, self.pid) {
            (Some(name), _) => escape::shell_word(name),
            (None, Some(pid)) => format!("--pid {pid}"),
            (None, None) => String::new(),
        }
    }
}

/// A time above 0: `500ms`, `90s`, `10m`, `2h`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time above 0 with its unit: 500ms, 90s, 10m, 2h".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    // Only digits and a point: not `1e9`, `inf`, `-1`.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = digits.parse().ok().filter(|_| is_plain).ok_or_else(wrong)?;
    let time = Duration::try_from_secs_f64(number * seconds).ok().filter(|it| !it.is_zero());
    time.filter(|it| it.as_secs() <= 366 * 86_400).ok_or_else(wrong)
}

fn pause(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time < SHORTEST {
        return Err("a look costs some time itself: 50ms at least".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_above_0() {
        let millis = |text: &str| time(text).map(|it| it.as_millis()).ok();
        let told: Vec<_> = ["500ms", "90s", "10m", "1.5h", "2min"].map(millis).into();
        let wanted = [500, 90_000, 600_000, 5_400_000, 120_000].map(Some);
        assert_eq!(told, wanted);
        for wrong in
            ["", "0s", "0.0m", "10", "s", "-1s", "1e3s", "infs", "1.2.3s", "9999999h", "5w"]
        {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
        assert!(pause("49ms").is_err() && pause("50ms").is_ok());
    }

    #[test]
    fn a_kill_and_a_new_life_are_ends_in_the_series() {
        let look = |t_s, life, kills| Look {
            t_s,
            mem_bytes: Some(1.0),
            life: Some(life),
            kills: Some(kills),
            ..Look::default()
        };
        let gap = Look { t_s: 2.5, ..Look::default() };
        let looks = [look(1.0, 0.0, 0.0), look(2.0, 0.0, 1.0), gap, look(3.0, 1.0, 1.0)];
        let series = series_of("a", &looks);
        assert_eq!(series.points.len(), 3);
        let ends = [End { after: 1, killed: true }, End { after: 2, killed: false }];
        assert_eq!(series.ends, ends);
        assert!(series.requests.is_empty() && series.limits[0].is_nan());
    }
}
