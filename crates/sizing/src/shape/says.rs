//! The sentences of a shape: each with its numbers, and with the samples it was read from.
//!
//! Nothing is decided here.

use casefile::Bytes;

use super::climb::{Climb, Life};
use super::level::Seen;
use super::{Finding, Kind, Leak, Load};
use crate::series::{Series, Unit};

/// What the sentences are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) series: &'a Series,
    pub(super) limit: Option<f64>,
}

impl Told<'_> {
    /// Whether the life that ends before that sample was ended by a kill.
    pub(super) fn was_killed(&self, after: usize) -> bool {
        let mut ends = self.series.ends.iter().filter(|end| end.after == after);
        if self.series.ends.is_empty() {
            // Cut where memory fell from the limit: see `lives`.
            return after < self.series.points.len();
        }
        ends.any(|end| end.killed)
    }

    /// The requests of a life, empty where not told.
    pub(super) fn requests(&self, life: &Life<'_>) -> &'_ [f64] {
        self.series.requests.get(life.first..life.first + life.points.len()).unwrap_or_default()
    }

    /// Seconds between two samples.
    pub(super) fn seconds(&self, from: usize, to: usize) -> f64 {
        let at = |sample: usize| self.series.points.get(sample).map_or(0.0, |point| point.at);
        at(to) - at(from)
    }

    fn finding(&self, says: String, from: usize, to: usize) -> Finding {
        let at = |sample: usize| self.series.points.get(sample).map_or(0.0, |point| point.at);
        Finding {
            says,
            from_seconds: at(from),
            to_seconds: at(to),
            samples: (to + 1).min(self.series.points.len()).saturating_sub(from),
        }
    }

    fn of_life(&self, says: String, life: &Life<'_>) -> Finding {
        self.finding(says, life.first, life.first + life.points.len().saturating_sub(1))
    }

    fn of_climb(&self, says: String, climb: &Climb) -> Finding {
        self.finding(says, climb.from, climb.to)
    }

    /// In the series' unit.
    fn amount(&self, value: f64) -> String {
        match self.series.unit {
            Unit::Bytes => Bytes(value.max(0.0).round() as u64).to_string(),
            Unit::Percent => format!("{value:.1} %"),
            Unit::Fraction => format!("{:.1} %", value * 100.0),
        }
    }

    /// Per hour, or per second of what fills within the hour.
    fn rate(&self, per_second: f64) -> String {
        let all = self.limit.unwrap_or(f64::INFINITY);
        if per_second * 600.0 > all {
            format!("{} per second", self.amount(per_second))
        } else {
            format!("{} per hour", self.amount(per_second * 3600.0))
        }
    }
}

/// Seconds as a person would say them.
fn time(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400);
    match whole {
        0..120 => format!("{whole} s"),
        120..7_200 if whole.is_multiple_of(60) || minutes >= 10 => format!("{minutes} min"),
        120..7_200 => format!("{minutes} min {} s", whole % 60),
        7_200..172_800 if minutes % 60 == 0 => format!("{hours} h"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ if hours % 24 == 0 => format!("{days} days"),
        _ => format!("{days} days {} h", hours % 24),
    }
}

pub(super) fn climbs(told: &Told<'_>, climb: &Climb, leak: &Leak) -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(told.of_climb(
        format!(
            "the floor climbed from {} to {} within {}: {} (between {} and {})",
            told.amount(leak.floor_from),
            told.amount(leak.floor_to),
            time(told.seconds(climb.from, climb.to)),
            told.rate(leak.per_second.middle),
            told.rate(leak.per_second.low),
            told.rate(leak.per_second.high),
        ),
        climb,
    ));
    found.push(told.of_climb(
        format!(
            "it does not come to rest: over the last {} it climbed at {:.0} % of that",
            time(0.4 * told.seconds(climb.from, climb.to)),
            climb.tail * 100.0
        ),
        climb,
    ));
    let by_load = match leak.load {
        Load::Independent => Some("it grew with time, whatever the request rate".to_owned()),
        Load::Follows => {
            leak.per_request.map(|one| format!("each request left {} behind", told.amount(one)))
        }
        Load::Unknown => None,
    };
    found.extend(by_load.map(|says| told.of_climb(says, climb)));
    if let (Some(until), Some(limit)) = (leak.full_after_seconds, told.limit) {
        let latest = until.latest.map_or("never".to_owned(), time);
        let limit = told.amount(limit);
        let says = if until.middle > 0.0 {
            format!(
                "at that rate the limit, {limit}, is full in {} (between {} and {latest})",
                time(until.middle),
                time(until.soonest),
            )
        } else {
            format!("the limit, {limit}, is full already")
        };
        found.push(told.of_climb(says, climb));
    }
    found
}

pub(super) fn of_an_earlier_life(told: &Told<'_>, life: &Life<'_>) -> Finding {
    told.of_life("seen in the life before; the current one is too short to tell".to_owned(), life)
}

pub(super) fn is_young(told: &Told<'_>, life: &Life<'_>) -> Finding {
    let says = format!(
        "only {} of it were seen, {} samples: a warm-up or a cache that fills that long is not excluded",
        time(life.span()),
        life.points.len()
    );
    told.of_life(says, life)
}

pub(super) fn looped(
    told: &Told<'_>,
    killed: &[&Life<'_>],
    (young, middle, old): (f64, f64, f64),
) -> Finding {
    let from = killed.first().map_or(0, |life| life.first);
    let to = killed.last().map_or(0, |life| life.first + life.points.len().saturating_sub(1));
    let limit = told.limit.map_or(String::new(), |limit| format!(", {}", told.amount(limit)));
    told.finding(
        format!(
            "{} lives were killed at the limit{limit}, each after about {} (from {} to {})",
            killed.len(),
            time(middle),
            time(young),
            time(old)
        ),
        from,
        to,
    )
}

pub(super) fn climbs_in_each(
    told: &Told<'_>,
    first: &Climb,
    last: &Climb,
    (climbed, lives): (usize, usize),
) -> Finding {
    let says = format!("{climbed} of the {lives} climbed to the end without coming to rest");
    told.finding(says, first.from, last.to)
}

pub(super) fn too_few(told: &Told<'_>) -> Finding {
    let count = told.series.points.len();
    let says = format!(
        "{count} {} over {} tell no shape",
        if count == 1 { "sample" } else { "samples" },
        time(told.series.span())
    );
    told.finding(says, 0, count.saturating_sub(1))
}

pub(super) fn rises(told: &Told<'_>, climb: &Climb, kind: Kind) -> Finding {
    let tail = time(0.4 * told.seconds(climb.from, climb.to));
    let share = climb.tail.max(0.0) * 100.0;
    let what = match kind {
        Kind::SaturatingCache => {
            format!("and comes to rest: over the last {tail} at {share:.0} % of that")
        }
        Kind::Fragmentation => {
            format!(
                "while its tops did not: each burst leaves less behind, over the last {tail} {share:.0} %"
            )
        }
        Kind::Leak
        | Kind::Plateau
        | Kind::Spiky
        | Kind::StartUpPeak
        | Kind::RestartLoop
        | Kind::TooEarly => format!(
            "and still does, over the last {tail} at {share:.0} % of that: a warm-up, a cache that fills or a leak"
        ),
    };
    told.of_climb(
        format!(
            "the floor climbed from {} to {} within {} {what}",
            told.amount(climb.floor_from),
            told.amount(climb.floor_to),
            time(told.seconds(climb.from, climb.to))
        ),
        climb,
    )
}

pub(super) fn stepped(told: &Told<'_>, climb: &Climb) -> Finding {
    let start = told.series.points.get(climb.from).map_or(0.0, |point| point.at);
    let at = start + climb.fits.step_at * told.seconds(climb.from, climb.to);
    let by = climb.fits.step_by * told.limit.unwrap_or_else(|| peak(told));
    told.of_climb(
        format!("one step of {} at {}, flat before and after", told.amount(by), time(at)),
        climb,
    )
}

fn peak(told: &Told<'_>) -> f64 {
    told.series.peak().map_or(0.0, |peak| peak.used)
}

pub(super) fn swings(told: &Told<'_>, life: &Life<'_>) -> Finding {
    told.of_life("the level follows the request rate".to_owned(), life)
}

pub(super) fn of_the_day(told: &Told<'_>, life: &Life<'_>, low: f64, high: f64) -> Finding {
    let (low, high) = (told.amount(low), told.amount(high));
    told.of_life(
        format!("it swings with the day: {low} in its lowest hour, {high} in its highest"),
        life,
    )
}

pub(super) fn stays(told: &Told<'_>, life: &Life<'_>, kind: Kind, seen: &Seen) -> Finding {
    let span = time(life.span());
    let (median, high, peak) =
        (told.amount(seen.median), told.amount(seen.high), told.amount(seen.peak));
    let says = match kind {
        Kind::StartUpPeak => format!(
            "it was highest at its start, {}; after that it stayed around {median} for {span}",
            told.amount(seen.start_peak.unwrap_or(seen.peak))
        ),
        Kind::Spiky => format!(
            "{} of {} samples lie in bursts of up to {peak}; the rest stay around {median}",
            seen.bursting,
            life.points.len()
        ),
        Kind::Leak
        | Kind::Plateau
        | Kind::SaturatingCache
        | Kind::Fragmentation
        | Kind::RestartLoop
        | Kind::TooEarly => format!(
            "it stayed around {median} for {span}: below {high} for 19 samples in 20, {peak} at most"
        ),
    };
    told.of_life(says, life)
}
