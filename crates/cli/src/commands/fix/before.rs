//! The stretch before the change: watched now, read from a file, or only its last death.
//!
//! A container that is down leaves one number: the limit at which it was killed. Lives that all end within their first
//! half minute leave no more: a start that needs more climbs as a leak does. What it wanted is not known then, so
//! the limit that is tried is a trial, and the run under load decides.

use std::time::{Duration, Instant};

use casefile::{Bytes, Limit};
use sizing::Series;
use sizing::verify::{Look, Watched};
use sizing::words::span;

use super::FixArgs;
use super::target::Target;
use crate::commands::align::pair::{self, Pair};
use crate::commands::measure::{self, Seen, WatchArgs};
use crate::commands::size::WATCHED;
use crate::commands::verify::baseline;
use crate::commands::{daemon, explain};
use crate::printer::Printer;

/// So long a container that is between two lives is waited for: docker waits no longer than a minute.
const BETWEEN: Duration = Duration::from_secs(65);
/// So often a program that has just been started is looked at, until its runtime is known.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// So many lives are tried to be seen, and what ends before that does so within this time.
const LIVES: u32 = 6;
const BRIEF: Duration = Duration::from_secs(5);
/// Seconds of a life below which a climb may be a start: warm-up and loading lie in the first half minute.
const START: f64 = 30.0;

/// What was before.
pub(super) struct Before {
    pub(super) watched: Watched,
    /// Its memory over time; `None`: only that it was killed is known.
    pub(super) series: Option<Series>,
    /// What its runtime is told, where one was recognised.
    pub(super) pair: Option<Pair>,
    /// The limit at which it died, where that is all that is known, and how that was seen.
    pub(super) died_at: Option<(Bytes, String)>,
    /// It ran, or was about to be started again.
    pub(super) was_up: bool,
}

/// Looks; the inner error says why nothing can be fixed here.
///
/// # Errors
/// Nothing could be gathered.
pub(super) fn of(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
) -> anyhow::Result<Result<Before, String>> {
    printer.progress("waiting for its next start");
    let is_up = wait_until_up(target, BETWEEN)?;
    // Early: what grows to its death is not there any more afterwards.
    let pair = is_up.then(|| told_now(printer, arguments, target)).flatten();
    if let Some(path) = &arguments.baseline {
        let looks = baseline::looks(path)?;
        let series = measure::series_of(&target.name, &looks);
        let shape = sizing::shape::of(&series, None);
        let watched = Watched::of(&looks, None, Some(&shape));
        let was_up = is_up;
        return Ok(Ok(Before { watched, series: Some(series), pair, died_at: None, was_up }));
    }
    if !is_up {
        return death(printer, arguments, target);
    }
    let mut watch = arguments.watch.clone();
    watch.what = Some(target.id.clone());
    if watch.at_most.is_none() && watch.load.is_empty() {
        watch.at_most = Some(WATCHED);
    }
    let Some(seen) = seen_alive(printer, &watch, target)? else {
        return death(printer, arguments, target);
    };
    measure::keep(&seen, &watch)?;
    let series = measure::series_of(&target.name, &seen.looks);
    let watched = seen.watched(&measure::shape_of(&seen));
    let was_up = target.daemon.life(&target.id, &target.name)?.status != "exited";
    let died_at = died_young(&seen.looks, &watched);
    if died_at.is_none() && series.points.len() < sizing::size::FEWEST && wait_until_down(target)? {
        // Lives so brief that hardly a look met one.
        return death(printer, arguments, target);
    }
    let series = Some(series).filter(|_| died_at.is_none());
    Ok(Ok(Before { watched, series, pair, died_at, was_up }))
}

/// Watches it; where each life ends before the watch has begun, `None`.
fn seen_alive(
    printer: &Printer,
    watch: &WatchArgs,
    target: &Target,
) -> anyhow::Result<Option<Seen>> {
    for _ in 0..LIVES {
        if !wait_until_up(target, BETWEEN)? {
            return Ok(None);
        }
        let begun = target.daemon.life(&target.id, &target.name)?;
        let error = match measure::watch(printer, watch, "measuring") {
            Ok(seen) => return Ok(Some(seen)),
            Err(error) => error,
        };
        let now = target.daemon.life(&target.id, &target.name)?;
        if begun.is_running() && now == begun {
            return Err(error);
        }
    }
    wait_until_down(target)?;
    Ok(None)
}

/// A life that goes on tells nothing of a death: waits for its end, as long as a brief one takes.
fn wait_until_down(target: &Target) -> anyhow::Result<bool> {
    let until = Instant::now() + BRIEF;
    while target.daemon.life(&target.id, &target.name)?.is_running() {
        if Instant::now() >= until {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}

/// What the runtime that runs there now is told, in its limit.
pub(super) fn told_now(printer: &Printer, arguments: &FixArgs, target: &Target) -> Option<Pair> {
    let asked = (Some(target.id.as_str()), None);
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(PAUSE);
        }
        if let Ok(pair) = pair::running(printer, &arguments.watch.daemon, asked, None) {
            return Some(pair);
        }
    }
    None
}

/// Killed, and no life seen was older than a start may be.
pub(super) fn died_young(looks: &[Look], watched: &Watched) -> Option<(Bytes, String)> {
    let kills = watched.kills.filter(|kills| *kills > 0.0)?;
    let oldest = looks.iter().filter_map(|look| look.age_s).reduce(f64::max)?;
    // No limit comes near 2^53.
    let limit = watched.limit_bytes.filter(|limit| *limit > 0.0)? as u64;
    (oldest < START).then(|| {
        let seen = format!(
            "{kills:.0} kills in {}, and no life was older than {}: too short to tell a start that needs more from a leak",
            span(watched.span_s),
            span(oldest)
        );
        (Bytes(limit), seen)
    })
}

/// Whether it runs, or does so within this time.
pub(super) fn wait_until_up(target: &Target, time: Duration) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        let life = target.daemon.life(&target.id, &target.name)?;
        match life.status.as_str() {
            "running" => return Ok(true),
            "restarting" | "created" if began.elapsed() < time => std::thread::sleep(PAUSE),
            _ => return Ok(false),
        }
    }
}

/// What its last death tells.
fn death(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
) -> anyhow::Result<Result<Before, String>> {
    let wanted = daemon::wanted(&arguments.watch.daemon, target.id.clone(), explain::now()?);
    let case = evidence::gather_container(&wanted, &mut |doing| printer.progress(doing))
        .map_err(|error| explain::not_gathered(&error))?;
    let verdict = judge::explain(&case, wanted.now);
    let name = report::escape::shell_word(&target.name);
    let own = verdict.killer.is_kernel_oom() && verdict.limit_at_fault == Some(true);
    let Some(limit) = verdict.limit.and_then(Limit::bytes).filter(|_| own) else {
        return Ok(Err(format!(
            "it does not run, and its last death is not shown to be at its own memory limit (why137 explain {name}); start it, and it can be measured"
        )));
    };
    if target.limit() != Some(limit.0) {
        return Ok(Err(format!(
            "it died at {limit}, and its limit was changed since; start it, and it can be measured"
        )));
    }
    let was_up = target.daemon.life(&target.id, &target.name)?.status == "restarting";
    let seen = format!("it was killed at its limit of {limit}");
    // No memory comes near 2^53.
    let watched = Watched {
        lives: 1,
        limit_bytes: Some(limit.0 as f64),
        peak_mem_bytes: verdict.usage.map(|usage| usage.0 as f64),
        kills: Some(1.0),
        first_kill_after_s: verdict.lived_seconds,
        ..Watched::default()
    };
    Ok(Ok(Before { watched, series: None, pair: None, died_at: Some((limit, seen)), was_up }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_that_end_in_their_start_say_no_more_than_that_they_were_killed() {
        let look = |age_s| Look { age_s: Some(age_s), ..Look::default() };
        let killed = Watched {
            kills: Some(3.0),
            limit_bytes: Some(64.0 * 1_048_576.0),
            span_s: 60.0,
            ..Watched::default()
        };
        let (limit, seen) = died_young(&[look(1.0), look(3.4)], &killed).unwrap();
        assert_eq!(limit, Bytes(64 << 20));
        assert!(seen.starts_with("3 kills in 60 s, and no life was older than 3.4 s"), "{seen}");
        assert_eq!(died_young(&[look(1.0), look(31.0)], &killed), None, "a life long enough");
        let unharmed = Watched { kills: Some(0.0), ..killed };
        assert_eq!(died_young(&[look(1.0)], &unharmed), None);
    }
}
