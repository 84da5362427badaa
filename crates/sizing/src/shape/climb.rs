//! Whether a floor climbs and goes on climbing: the tests that a leak has to pass, over windows that end now.
//!
//! A trend alone is no leak: it must be large against the limit, must not come to rest, must not be one step, must
//! not follow the request rate, must be higher than anything before, and no equal rise before may have come back.
//! How large is asked of it depends on how long the container has been watched: what is young warms up.

use super::fits::{self, Chance, Fits, REST, Stairs};
use super::trend::{self, Low, Slope};
use crate::series::Point;

/// From this age on a container is no longer young: six hours, of which a rare sample may miss the last minutes.
pub(super) const SETTLED: f64 = 5.75 * 3600.0;
/// Parts of a life that are looked at, all of them ending now; the largest that passes is told.
const WINDOWS: [f64; 12] = [0.92, 0.8, 0.65, 0.5, 0.36, 0.25, 0.18, 0.125, 0.09, 0.06, 0.04, 0.025];
/// A step is larger than this part of the limit.
const STEP: f64 = 0.02;
/// Blocks that a line needs.
const FEWEST: usize = 5;
/// Many levels fit anything: for each unknown of theirs as many points.
const POINTS: f64 = 3.0;
/// What three steps or four must leave at most, in parts of what a line leaves.
const MANY: f64 = 0.3;
/// What comes to rest with a longer time constant, in parts of the window, is as good as a line.
const SLOWEST_REST: f64 = 0.9;
/// From so many seconds on a part of what went by steps is not looked at alone.
const LONG: f64 = 2.0 * SETTLED;

/// One life: its samples, and which the first of them is in the series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life<'a> {
    pub(super) points: &'a [Point],
    pub(super) first: usize,
    /// What counts as all of it: the limit, else the peak.
    pub(super) scale: f64,
    /// Whether `scale` is a limit.
    pub(super) limited: bool,
    /// Whether it ended at the limit: what climbs until then is not asked to be large.
    pub(super) killed: bool,
}

impl<'a> Life<'a> {
    /// Seconds from its first to its last sample.
    pub(super) fn span(&self) -> f64 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0.0,
        }
    }

    /// Whether it is too young for what takes hours. A kill at the limit ends a youth.
    pub(super) fn is_young(&self) -> bool {
        self.span() < SETTLED && !self.killed
    }

    /// Its last so many seconds.
    pub(super) fn last(&self, seconds: f64) -> Life<'a> {
        let end = self.points.last().map_or(0.0, |point| point.at);
        let skipped = self.points.partition_point(|point| point.at < end - seconds);
        Life {
            points: self.points.get(skipped..).unwrap_or_default(),
            first: self.first + skipped,
            ..*self
        }
    }

    /// What lies between its warm-up and its last so many seconds.
    fn before(&self, seconds: f64) -> Life<'a> {
        let (start, end) = match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => (first.at, last.at),
            _ => (0.0, 0.0),
        };
        let until = self.points.partition_point(|point| point.at < end - seconds);
        let warm = self.points.partition_point(|point| point.at < start + 0.1 * (end - start));
        Life {
            points: self.points.get(warm.min(until)..until).unwrap_or_default(),
            first: self.first + warm,
            ..*self
        }
    }
}

/// A floor over one window, with all that is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Climb {
    /// The first and the last sample of the window, counted in the series.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) seconds: f64,
    /// Growth over the window, in parts of the scale.
    pub(super) growth: Slope,
    /// The slope of the last two fifths, 1 is that of the whole.
    pub(super) tail: f64,
    pub(super) fits: Fits,
    /// The floor where the window begins and ends, on the line, in the series' unit.
    pub(super) floor_from: f64,
    pub(super) floor_to: f64,
    /// The floor: from 0 to 1 along the window, in parts of the scale.
    line: Vec<(f64, f64)>,
}

impl Climb {
    /// Looks at a window; `None` with too few samples.
    pub(super) fn of(life: &Life<'_>) -> Option<Self> {
        let lows = trend::floor(life.points);
        let (start, span) = (life.points.first()?.at, life.span());
        if lows.len() < FEWEST || span <= 0.0 || life.scale <= 0.0 {
            return None;
        }
        let row = |low: &Low| ((low.at - start) / span, low.used / life.scale);
        Self::along(life, lows.iter().map(row).collect())
    }

    /// Looks at a floor, from 0 to 1 along the window, in parts of the scale.
    fn along(life: &Life<'_>, line: Vec<(f64, f64)>) -> Option<Self> {
        let growth = trend::slope(&line)?;
        let late: Vec<_> = line.iter().copied().filter(|(at, _)| *at >= 0.6).collect();
        let tail = trend::slope(&late).map_or(0.0, |late| late.middle / growth.middle);
        let mut levels: Vec<f64> =
            line.iter().map(|(at, used)| used - growth.middle * at).collect();
        let level = trend::quantile(&mut levels, 0.5);
        Some(Self {
            from: life.first,
            to: life.first + life.points.len().saturating_sub(1),
            seconds: life.span(),
            growth,
            tail,
            fits: Fits::of(&line),
            floor_from: level * life.scale,
            floor_to: (level + growth.middle) * life.scale,
            line,
        })
    }

    /// The same without the warm-up at its beginning, where a warm-up *and* a line explain it clearly better than
    /// what comes to rest alone.
    fn without_warm_up(&self, life: &Life<'_>) -> Option<Self> {
        let (warm_up, left) = fits::warm_up(&self.line)?;
        if left > 0.6 * self.fits.resting() || !self.goes_on_beside(left) {
            return None;
        }
        let freed = self.line.iter().map(|(at, used)| (*at, used - warm_up(*at))).collect();
        Self::along(life, freed).filter(|freed| freed.tail >= 0.6)
    }

    /// Whether a line beside a warm-up shows more than what only comes to rest.
    fn goes_on_beside(&self, left: f64) -> bool {
        self.fits.shows((left, REST + 1.0), self.fits.resting(), Chance::OneIn100)
    }

    /// A climb that comes to rest explains it clearly better than one that goes on.
    pub(super) fn rests(&self, is_young: bool) -> bool {
        let fits = &self.fits;
        let rests = if is_young {
            fits.rest < 0.8 * fits.line && fits.rest_in < 1.0
        } else {
            fits.rest < 0.6 * fits.line
                && fits.rest_in < SLOWEST_REST
                && fits.shows((fits.rest, REST), fits.line, Chance::OneIn100)
        };
        let full = fits.full < 0.5 * fits.line && self.tail < 0.5;
        rests || full
    }

    /// Most of the climb is over, whether or not the few points prove it: a name for what is no leak.
    pub(super) fn rested(&self) -> bool {
        let fits = &self.fits;
        let rests = fits.rest < 0.6 * fits.line && fits.rest_in < 0.66;
        rests || fits.full < 0.5 * fits.line && self.tail < 0.5
    }

    /// What comes to rest explains it, and nothing shows that it goes on beside that.
    fn fills(&self) -> bool {
        let fits = &self.fits;
        let goes_on =
            || fits::warm_up(&self.line).is_some_and(|(_, left)| self.goes_on_beside(left));
        fits.rest_in < SLOWEST_REST
            // The choice between two such curves is one more unknown.
            && fits.shows((fits.resting(), REST + 1.0), fits.line, Chance::OneIn100)
            && !goes_on()
    }

    /// Its end climbs more slowly than all of it, and not by chance.
    fn slows(&self) -> bool {
        self.fits.shows((self.fits.bent, REST), self.fits.line, Chance::OneIn20)
    }

    /// Steps explain it as well.
    pub(super) fn steps(&self) -> bool {
        self.steps_once_or_twice()
            || self.fits.stairs.iter().skip(1).any(|more| self.is_stairs(more, MANY))
    }

    /// A step or two explain it as well.
    pub(super) fn steps_once_or_twice(&self) -> bool {
        let fits = &self.fits;
        let one = fits.charged(fits.step, 3.0) < 0.8 * fits.line && fits.step_by > STEP;
        one || fits.stairs.first().is_some_and(|two| self.is_stairs(two, 0.5))
    }

    /// Steps of some size leave less than that part of what a line leaves: what allocators take in lumps is a line.
    fn is_stairs(&self, stairs: &Stairs, least: f64) -> bool {
        let fits = &self.fits;
        let is_known = stairs.unknowns < 6.0 || fits.count >= POINTS * stairs.unknowns;
        is_known
            && fits.charged(stairs.left, stairs.unknowns) < least * fits.line
            && stairs.by > STEP
    }

    /// A clean line without the least of a bend: what went before it was a warm-up or a cache, and is over.
    pub(super) fn is_straight(&self) -> bool {
        let fits = &self.fits;
        fits.line < 0.12 * fits.level
            && self.tail >= 0.85
            && fits.rest > 0.8 * fits.line
            && fits.full > 0.8 * fits.line
    }

    /// Growth, certain enough, that goes on to the end of the window.
    fn goes_on(&self, is_young: bool) -> bool {
        let growth = &self.growth;
        let least_tail = if is_young { 0.7 } else { 0.45 };
        growth.middle > 0.0
            && growth.low > 0.3 * growth.middle
            && self.fits.line < 0.4 * self.fits.level
            && (self.tail >= least_tail || !is_young && !self.slows())
    }
}

/// How much a floor must have grown, in parts of the limit, to be called a leak.
///
/// Within the window at least 0.35 %/h (0.4 %/h from twelve hours on), from 1.8 % to 8 %. Of what is younger than six
/// hours more, the younger the more: 12 % at three hours, 35 % at two, 53 % of what is a minute old. A cache that
/// fills in three hours looks like a leak until then; only what soon fills the limit is worth an alarm.
fn asked(window: f64, life: &Life<'_>) -> f64 {
    let age = if life.killed { SETTLED } else { life.span() };
    let (hours, old) = (window / 3600.0, age / 3600.0);
    let rate = 0.0035 + 0.0005 * ((hours - 6.0) / 6.0).clamp(0.0, 1.0);
    let settled = (rate * hours).clamp(0.018, 0.08);
    let young = if age >= SETTLED {
        0.0
    } else if old >= 2.0 {
        0.35 * (2.0 / old).powf(2.6)
    } else {
        0.35 * (2.0 / old.max(1e-4)).powf(0.1)
    };
    let against_the_peak = if life.limited { 1.0 } else { 1.6 };
    settled.max(young) * against_the_peak
}

/// The longest window over which the floor leaks.
pub(super) fn leak(life: &Life<'_>) -> Option<Climb> {
    let age = life.span();
    let shortest = SETTLED.min(0.33 * age);
    let windows = WINDOWS.iter().map(|part| part * age).take_while(|seconds| *seconds >= shortest);
    let mut stepped = false;
    for seconds in windows {
        let window = life.last(seconds);
        let Some(climb) = Climb::of(&window) else { continue };
        // Part of what went by steps is easily taken for a line.
        if stepped && age >= LONG && climb.fits.stepped() < 0.7 * climb.fits.line {
            continue;
        }
        stepped |= climb.steps();
        if passes(life, &climb, seconds) {
            return Some(climb);
        }
        if life.is_young() {
            continue;
        }
        if let Some(freed) =
            climb.without_warm_up(&window).filter(|freed| passes(life, freed, seconds))
        {
            return Some(freed);
        }
    }
    None
}

fn passes(life: &Life<'_>, climb: &Climb, seconds: f64) -> bool {
    let is_young = life.is_young();
    climb.growth.middle >= asked(seconds, life)
        && climb.goes_on(is_young)
        && !climb.rests(is_young)
        && !climb.steps()
        && (seconds > 0.85 * life.span()
            || is_news(life, climb, seconds)
                && !came_back(life, climb, seconds)
                && !is_part_of_rest(life, climb, seconds))
}

/// Whether it is the late part of what comes to rest: a curve through three times as long does, and fits here no
/// worse than a line.
fn is_part_of_rest(life: &Life<'_>, climb: &Climb, seconds: f64) -> bool {
    let longer = life.last((3.0 * seconds).min(0.92 * life.span()));
    let Some(all) = Climb::of(&longer).filter(Climb::fills) else { return false };
    let part = climb.seconds / all.seconds;
    let curve = |at: f64| all.fits.rested(1.0 - part * (1.0 - at));
    fits::beside(&climb.line, curve).1 < climb.fits.line
}

/// Higher than before, and not slower: what slows down comes to rest.
fn is_news(life: &Life<'_>, climb: &Climb, seconds: f64) -> bool {
    let earlier = life.before(seconds);
    let Some(before) = Climb::of(&earlier) else { return true };
    let highest = before.line.iter().map(|(_, used)| *used).fold(f64::NEG_INFINITY, f64::max);
    let is_higher = climb.floor_to > (highest + 0.4 * climb.growth.middle) * life.scale;
    let per_second = |climb: &Climb| climb.growth.middle / climb.seconds.max(1e-9);
    is_higher && (per_second(&before) <= 1.25 * per_second(climb) || climb.is_straight())
}

/// Whether a rise of half that size within the same time has come back before.
fn came_back(life: &Life<'_>, climb: &Climb, seconds: f64) -> bool {
    const PIECES: usize = 6;
    let count = (life.span() / seconds * PIECES as f64).round() as usize;
    let lows = trend::blocks(life.points, count);
    let rise = 0.5 * climb.growth.middle * life.scale;
    let mut later = f64::INFINITY;
    let mut least_after = vec![f64::INFINITY; lows.len()];
    for (low, least) in lows.iter().zip(&mut least_after).rev() {
        *least = later;
        later = later.min(low.used);
    }
    let tops = lows.iter().zip(&least_after).skip(PIECES);
    lows.iter().zip(tops).any(|(bottom, (top, after))| {
        let risen = top.used - bottom.used;
        risen >= rise && *after <= bottom.used + 0.5 * risen
    })
}
