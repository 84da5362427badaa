//! When not to cap: four cases in which a number would be worse than none.

use crate::series::Series;
use crate::shape::{FEWEST_SAMPLES, Kind, Shape};
use crate::words::{amount, span};

use super::Asked;

/// Fewer samples than this are no measurement.
pub const FEWEST: usize = 3;
/// Nor are fewer than tell a shape, or a climb that goes on, within this time, in seconds.
const WATCHED: f64 = 600.0;
/// It climbs if it began below this part of its peak,
const BEGAN: f64 = 0.9;
/// and still does if its newest sample lies above this part.
const STILL: f64 = 0.99;
/// A peak this many times the level, and rare, is a batch's.
const BATCH: f64 = 4.0;
/// And is held in no more than this part of the samples.
const RARE: f64 = 0.1;
/// Of fewer bursts nobody can tell how large the next one is.
const BURSTS: usize = 5;
/// Nor in less than this time, in seconds; a day has shown what a day brings.
const SHORT: f64 = 86_400.0;

/// Why no limit is advised.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// Too few samples.
    NotMeasured(usize),
    /// It was watched for too short a time, and grew to the end of it.
    StillGrows {
        /// So long.
        watched: String,
        /// The first sample.
        from: String,
        /// The newest.
        to: String,
    },
    /// It is low but for rare bursts.
    Batch {
        /// The level.
        level: String,
        /// The burst.
        peak: String,
    },
    /// Nothing else runs there.
    Alone,
    /// The cap lies below what it holds all the time.
    BiggerThanCap {
        /// What it holds.
        held: String,
        /// What was asked for.
        cap: String,
        /// Since when it is held.
        after: String,
    },
}

impl Refusal {
    /// As a reader is told.
    #[must_use]
    pub fn because(&self) -> String {
        match self {
            Self::NotMeasured(0) => "not measured: there are no samples; `why137 measure` takes them over one load cycle".to_owned(),
            Self::NotMeasured(samples) => format!(
                "not measured: {samples} sample{} nothing; `why137 measure` takes them over one load cycle",
                if *samples == 1 { " tells" } else { "s tell" }
            ),
            Self::StillGrows { watched, from, to } => format!(
                "too early to say: within {watched} it grew from {from} to {to}, and still does; `why137 measure` watches one load cycle"
            ),
            Self::Batch { level, peak } => format!(
                "a spiky batch: {level} most of the time, {peak} in a few bursts, too few to know the next one. A limit near the level kills the burst, one at the peak holds nothing back: reserve {level} (request) and leave the limit to the machine, or run the burst alone and size that run"
            ),
            Self::Alone => "single tenant: nothing else runs on this machine, so a limit protects nobody; leave room for the system and watch the machine's own memory".to_owned(),
            Self::BiggerThanCap { held, cap, after } => format!(
                "what it must hold is bigger than the cap: it never held less than {held} from {after} after its start on, and {cap} is asked for. Any limit below kills it at the start: a smaller model, or a larger machine"
            ),
        }
    }
}

/// Whether a number would be worse than none.
pub(super) fn before(series: &Series, shape: &Shape, asked: &Asked) -> Option<Refusal> {
    let shown = |value: f64| amount(value, series.unit);
    let samples = series.points.len();
    let killed = asked.killed || series.ends.iter().any(|end| end.killed);
    let is_short = !killed && asked.runtime_fits() && series.span() < WATCHED;
    if samples < FEWEST || (is_short && samples < FEWEST_SAMPLES) {
        return Some(Refusal::NotMeasured(samples));
    }
    if asked.alone {
        return Some(Refusal::Alone);
    }
    if let Some(cap) = asked.cap
        && let Some((held, after)) = always_held(series)
        && held > cap
    {
        return Some(Refusal::BiggerThanCap {
            held: shown(held),
            cap: shown(cap),
            after: span(after),
        });
    }
    if is_short
        && shape.kind == Kind::TooEarly
        && let (Some(first), Some(last), Some(peak)) =
            (series.points.first(), series.points.last(), shape.peak)
        && first.used < BEGAN * peak
        && last.used > STILL * peak
    {
        let watched = span(series.span());
        return Some(Refusal::StillGrows {
            watched,
            from: shown(first.used),
            to: shown(last.used),
        });
    }
    let (level, peak) = (shape.plateau?, shape.peak?);
    let high = series.points.iter().filter(|point| point.used > peak / 2.0).count();
    let is_rare = (high as f64) < RARE * series.points.len() as f64;
    let is_batch = shape.kind == Kind::Spiky && peak > BATCH * level && is_rare;
    if is_batch && !killed && series.span() < SHORT && bursts(series, peak / 2.0) < BURSTS {
        return Some(Refusal::Batch { level: shown(level), peak: shown(peak) });
    }
    None
}

/// How often it rose above that.
fn bursts(series: &Series, above: f64) -> usize {
    let pairs = series.points.windows(2);
    let rises =
        pairs.filter(|pair| matches!(pair, [low, high] if low.used <= above && high.used > above));
    rises.count()
}

/// What is never given back once it is there: the least of the second half of the time, and how long after the
/// start it was reached.
fn always_held(series: &Series) -> Option<(f64, f64)> {
    let half = series.points.get(series.points.len() / 2..)?;
    let least = half.iter().map(|point| point.used).reduce(f64::min)?;
    let first = series.points.first()?.at;
    let reached = series.points.iter().find(|point| point.used >= least)?;
    Some((least, reached.at - first))
}
