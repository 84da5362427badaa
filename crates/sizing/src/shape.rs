//! The shape of a container's memory over time: leak, plateau, spikes, a peak at the start, a cache that fills.
//!
//! A leak is a *floor* that climbs: by enough against the limit, to the end of what was seen, faster than what comes
//! to rest, not as one step, not because more requests come, and higher than ever before. Each verdict says from
//! which samples it comes. Nothing is ever proven by a shape: another hour may show another one. Nothing here
//! sizes, and nothing reads a clock.

mod climb;
mod fits;
mod level;
mod lives;
mod load;
mod says;
mod trend;

use serde::Serialize;

use crate::series::{Series, Unit};
use climb::Life;

/// Fewer samples of a life than this tell no shape.
pub const FEWEST_SAMPLES: usize = 8;

/// What a container's memory does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Its floor climbs and goes on climbing.
    Leak,
    /// It stays at a level, or swings about one.
    Plateau,
    /// It is low but for short bursts.
    Spiky,
    /// It was highest when it started.
    StartUpPeak,
    /// It fills and comes to rest.
    SaturatingCache,
    /// Each burst leaves a little less behind than the one before.
    Fragmentation,
    /// One life after the other dies at the limit at the same young age.
    RestartLoop,
    /// What was seen fits several shapes.
    TooEarly,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Leak,
        Self::Plateau,
        Self::Spiky,
        Self::StartUpPeak,
        Self::SaturatingCache,
        Self::Fragmentation,
        Self::RestartLoop,
        Self::TooEarly,
    ];

    /// As it is spelled in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Plateau => "plateau",
            Self::Spiky => "spiky",
            Self::StartUpPeak => "start-up-peak",
            Self::SaturatingCache => "saturating-cache",
            Self::Fragmentation => "fragmentation",
            Self::RestartLoop => "restart-loop",
            Self::TooEarly => "too-early",
        }
    }
}

/// How sure the shape is. A shape is never proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The samples do not tell.
    Unknown,
    /// One of several that fit.
    Possible,
    /// What the samples point at; a rival is not excluded.
    Likely,
}

impl Confidence {
    /// As it is spelled in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Possible => "possible",
            Self::Likely => "likely",
        }
    }
}

/// What the growth has to do with the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// It grows with time, whatever the request rate.
    Independent,
    /// Each request leaves something behind: more requests, faster growth.
    Follows,
    /// No requests were counted.
    Unknown,
}

/// One sentence, with the samples it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// With its numbers.
    pub says: String,
    /// In the series' own seconds.
    pub from_seconds: f64,
    /// The last of them.
    pub to_seconds: f64,
    /// How many samples lie between the two.
    pub samples: usize,
}

/// A value with the interval it lies in, with a chance of 19 in 20.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Between {
    /// The least.
    pub low: f64,
    /// What is most likely.
    pub middle: f64,
    /// The most.
    pub high: f64,
}

/// Until the limit is full.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Until {
    /// In seconds, at the fastest growth that fits.
    pub soonest: f64,
    /// At the growth seen.
    pub middle: f64,
    /// At the slowest that fits; `None`: perhaps never.
    pub latest: Option<f64>,
}

/// A floor that climbs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Leak {
    /// In the series' unit.
    pub per_second: Between,
    /// The floor where the climb begins.
    pub floor_from: f64,
    /// The floor now.
    pub floor_to: f64,
    /// Until what comes on top of the floor reaches the limit; `None` without one.
    pub full_after_seconds: Option<Until>,
    /// What one request leaves behind, where they are counted.
    pub per_request: Option<f64>,
    /// What it has to do with the requests.
    pub load: Load,
}

/// The shape, and from what it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shape {
    /// What it is.
    pub kind: Kind,
    /// How sure.
    pub confidence: Confidence,
    /// Why, a sentence each.
    pub says: Vec<Finding>,
    /// All of the series.
    pub samples: usize,
    /// From the first to the last.
    pub span_seconds: f64,
    /// The level around which it stays, of a shape that has one.
    pub plateau: Option<f64>,
    /// The largest sample.
    pub peak: Option<f64>,
    /// The largest of the start, where that is above what came later.
    pub start_peak: Option<f64>,
    /// Of a leak.
    pub leak: Option<Leak>,
}

/// The shape of a series, against the limit (the series' own where `limit` is not told).
#[must_use]
pub fn of(series: &Series, limit: Option<f64>) -> Shape {
    let limit = limit.or_else(|| series.limit()).or(match series.unit {
        Unit::Bytes => None,
        Unit::Percent => Some(100.0),
        Unit::Fraction => Some(1.0),
    });
    let limit = limit.filter(|limit| *limit > 0.0 && limit.is_finite());
    let mut shape = Shape {
        kind: Kind::TooEarly,
        confidence: Confidence::Unknown,
        says: Vec::new(),
        samples: series.points.len(),
        span_seconds: series.span(),
        plateau: None,
        peak: series.peak().map(|peak| peak.used),
        start_peak: None,
        leak: None,
    };
    let told = says::Told { series, limit };
    let ranges = lives::ranges(series, limit);
    let all: Vec<Life<'_>> = ranges.iter().map(|range| life(&told, range)).collect();
    if lives::looped(&told, &all, &mut shape) {
        return shape;
    }
    if !lives::leaks(&told, &all, &mut shape) {
        level::tell(&told, &all, &mut shape);
    }
    shape
}

fn life<'a>(told: &says::Told<'a>, range: &std::ops::Range<usize>) -> Life<'a> {
    let (series, limit) = (told.series, told.limit);
    let points = series.points.get(range.clone()).unwrap_or_default();
    let peak = points.iter().map(|point| point.used).fold(0.0, f64::max);
    Life {
        points,
        first: range.start,
        scale: limit.unwrap_or(peak),
        limited: limit.is_some(),
        killed: told.was_killed(range.end) && lives::is_near(points, limit),
    }
}

#[cfg(test)]
mod tests;
