//! What is no leak: a level, bursts above one, a start that was higher, a cache that fills, a step.
//!
//! Only the current life is looked at, but where it is too short to tell and the one before did not. A shape that
//! still climbs and has passed no test is *too early*, not a plateau.

use super::climb::{Climb, Life, SETTLED};
use super::load::Counted;
use super::says::{self, Told};
use super::trend;
use super::{Confidence, FEWEST_SAMPLES, Kind, Shape};

/// What grew by less than this part of the scale has a level.
const LITTLE: f64 = 0.02;
/// The start is this part of a life.
const START: f64 = 0.15;
/// A peak is this much above what it stands out from.
const ABOVE: f64 = 1.15;

/// Tells it.
pub(super) fn tell(told: &Told<'_>, all: &[Life<'_>], shape: &mut Shape) {
    let Some(life) = speaker(all) else {
        shape.says.push(says::too_few(told));
        return;
    };
    let seen = Seen::of(&life);
    shape.plateau = Some(seen.high);
    let counted = Counted::of(&life, told.requests(&life));
    let freed = counted.as_ref().map_or(life, |counted| Life { points: &counted.freed, ..life });
    if let Some(climb) = Climb::of(&freed.last(0.92 * life.span())) {
        if let Some(kind) = climbing(&climb, &life, &seen) {
            shape.kind = kind;
            shape.confidence = sure(&life, kind);
            if kind == Kind::TooEarly {
                shape.plateau = None;
                shape.confidence = Confidence::Unknown;
            }
            shape.says.push(says::rises(told, &climb, kind));
            return;
        }
        let fits = &climb.fits;
        if fits.step < 0.3 * fits.line.min(fits.level) && fits.step_by > LITTLE {
            shape.says.push(says::stepped(told, &climb));
        }
    }
    if counted.is_some_and(|counted| counted.swings) {
        shape.says.push(says::swings(told, &life));
    }
    shape.start_peak = seen.start_peak;
    shape.kind = match (seen.start_peak, seen.is_spiky) {
        (Some(_), _) => Kind::StartUpPeak,
        (None, true) => Kind::Spiky,
        (None, false) => Kind::Plateau,
    };
    if shape.kind == Kind::Spiky {
        // The level between the bursts: a percentile may lie on a burst's flank.
        shape.plateau = Some(seen.median);
    }
    shape.confidence = sure(&life, shape.kind);
    shape.says.insert(0, says::stays(told, &life, shape.kind, &seen));
    shape.says.extend(day(&life).map(|(low, high)| says::of_the_day(told, &life, low, high)));
}

/// Seconds of a day, and the hours of one.
const DAY: f64 = 86_400.0;
const HOURS: usize = 24;

/// The means of the lowest and the highest hour of the day, where the hour explains most of what changes: of at least
/// two days.
fn day(life: &Life<'_>) -> Option<(f64, f64)> {
    if life.span() < 2.0 * DAY {
        return None;
    }
    let mut hours = vec![(0.0, 0.0, 0.0); HOURS];
    for point in life.points {
        let hour = (point.at.rem_euclid(DAY) / DAY * HOURS as f64) as usize;
        if let Some(sum) = hours.get_mut(hour.min(HOURS - 1)) {
            *sum = (sum.0 + 1.0, sum.1 + point.used, sum.2 + point.used * point.used);
        }
    }
    let seen = hours.iter().filter(|hour| hour.0 > 0.0);
    let (mut count, mut sum, mut squares, mut beside) = (0.0, 0.0, 0.0, 0.0);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (samples, used, square) in seen {
        (count, sum, squares) = (count + samples, sum + used, squares + square);
        beside += square - used * used / samples;
        (low, high) = (low.min(used / samples), high.max(used / samples));
    }
    let all = squares - sum * sum / count;
    (all > 0.0 && beside < 0.5 * all && high - low > LITTLE * life.scale).then_some((low, high))
}

/// The life that is judged: the current one, or the one before while that is too short.
fn speaker<'a>(all: &[Life<'a>]) -> Option<Life<'a>> {
    let told = all.iter().rev().take(3).filter(|life| life.points.len() >= FEWEST_SAMPLES);
    told.copied()
        .reduce(|newer, older| if newer.span() < 0.1 * older.span() { older } else { newer })
}

/// What still climbs, or climbed and came to rest within the window.
fn climbing(climb: &Climb, life: &Life<'_>, seen: &Seen) -> Option<Kind> {
    let is_young = life.span() < SETTLED;
    let risen = climb.growth.middle;
    if risen < LITTLE || climb.growth.low <= 0.0 && !climb.rested() {
        return None;
    }
    let fits = &climb.fits;
    let is_settled = climb.tail < 0.15 || (fits.full < 0.3 * fits.line && fits.full_at <= 0.35);
    let by_steps = fits.stepped() < fits.resting();
    if climb.steps_once_or_twice() && by_steps || is_settled && fits.rest_in < 0.1 {
        return None;
    }
    if climb.rested() || is_settled {
        // Still far from rest: no level can be told yet.
        if climb.tail > 0.5 {
            return Some(Kind::TooEarly);
        }
        return Some(if seen.bursts_rise_less {
            Kind::Fragmentation
        } else {
            Kind::SaturatingCache
        });
    }
    let still = climb.tail > 0.35 && climb.fits.line < 0.6 * climb.fits.level;
    (still && (is_young || climb.tail > 0.6)).then_some(Kind::TooEarly)
}

fn sure(life: &Life<'_>, kind: Kind) -> Confidence {
    let long = life.span() >= 3600.0 && life.points.len() >= 24;
    match kind {
        Kind::TooEarly => Confidence::Unknown,
        _ if life.span() >= SETTLED && life.points.len() >= 48 => Confidence::Likely,
        Kind::Fragmentation => Confidence::Possible,
        _ if long => Confidence::Likely,
        _ => Confidence::Possible,
    }
}

/// The levels of a life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) median: f64,
    /// What it is above for one sample in twenty.
    pub(super) high: f64,
    pub(super) peak: f64,
    pub(super) start_peak: Option<f64>,
    pub(super) is_spiky: bool,
    /// Samples in bursts.
    pub(super) bursting: usize,
    /// The floor rose more than the tops.
    bursts_rise_less: bool,
}

impl Seen {
    fn of(life: &Life<'_>) -> Self {
        let mut values: Vec<f64> = life.points.iter().map(|point| point.used).collect();
        let (median, high) =
            (trend::quantile(&mut values, 0.5), trend::quantile(&mut values, 0.95));
        let peak = values.iter().copied().fold(0.0, f64::max);
        let start = life.points.first().map_or(0.0, |point| point.at) + START * life.span();
        let early = life.points.partition_point(|point| point.at <= start);
        let most = |points: &[crate::series::Point]| {
            points.iter().map(|point| point.used).fold(0.0, f64::max)
        };
        let (first, rest) = life.points.split_at_checked(early).unwrap_or_default();
        let (first, rest) = (most(first), most(rest));
        let start_peak = (first > ABOVE * rest && rest > 0.0).then_some(first);
        let line = median + 0.5 * (peak - median);
        let bursting = life.points.iter().filter(|point| point.used > line).count();
        let is_spiky = peak > 1.3 * median && bursting * 10 <= life.points.len();
        let lows = trend::blocks(life.points, 12);
        let half = lows.len() / 2;
        let mean = |of: fn(&trend::Low) -> f64, from: usize, count: usize| {
            lows.iter().skip(from).take(count).map(of).sum::<f64>() / count.max(1) as f64
        };
        let floor = mean(|low| low.used, half, half) - mean(|low| low.used, 0, half);
        let tops = mean(|low| low.high, half, half) - mean(|low| low.high, 0, half);
        let spread = mean(|low| low.high - low.used, 0, lows.len());
        let bursts_rise_less = spread > 0.5 * floor && tops < 0.4 * floor && floor > 0.0;
        Self { median, high, peak, start_peak, is_spiky, bursting, bursts_rise_less }
    }
}
