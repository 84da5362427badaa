//! Lives joined: a leak that kills again and again, and a start that never gets through.
//!
//! One life says what it says of itself ([`super::climb`]); several that end at the limit say more together: at the
//! same young age, a loop of restarts; each climbing in the same way, a leak cut into pieces by its kills.

use std::ops::Range;

use super::climb::{self, Climb, Life, SETTLED};
use super::load::Counted;
use super::says::{self, Told};
use super::trend;
use super::{Confidence, FEWEST_SAMPLES, Kind, Leak, Load, Shape, Until};
use crate::series::{Point, Series};

/// Few caches take longer to fill.
const SURE: f64 = 2.0 * SETTLED;
/// What still climbs at this part of its slope hardly slows down.
const HARDLY_SLOWER: f64 = 0.6;
/// As many kills make a loop.
const LOOP: usize = 3;
/// Lives that are longer than this are no loop of restarts.
const YOUNG_DEATH: f64 = 900.0;
/// Part of its slope that what was not freed from the load still has at the end, of windows long enough for the
/// load to have fallen.
const STILL: f64 = 0.35;
const LONG: f64 = 8.0 * 3600.0;
/// What is above this part of the limit is near it.
const NEAR: f64 = 0.7;
/// What stays above this part of the limit is full.
const FULL: f64 = 0.98;
/// What falls to less than this part from the limit within one step was restarted, told or not.
const FALLEN: f64 = 0.5;

/// The lives as told, and cut where memory fell from the limit to less than half at once.
pub(super) fn ranges(series: &Series, limit: Option<f64>) -> Vec<Range<usize>> {
    let told = series.lives();
    let (Some(limit), true) = (limit, series.ends.is_empty()) else { return told };
    let mut cuts = Vec::new();
    for (at, pair) in series.points.windows(2).enumerate() {
        let [before, now] = pair else { continue };
        if before.used > 0.93 * limit && now.used < FALLEN * before.used {
            cuts.push(at + 1);
        }
    }
    let mut ranges = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([series.points.len()]) {
        if cut > from {
            ranges.push(from..cut);
        }
        from = cut;
    }
    ranges
}

/// Whether it was near its limit for a while before it ended: what climbed there, not what jumped.
pub(super) fn is_near(points: &[Point], limit: Option<f64>) -> bool {
    let Some(limit) = limit else { return true };
    let late = points.len() - points.len() / 10;
    let mut recent: Vec<f64> =
        points.iter().skip(late.saturating_sub(3)).map(|point| point.used).collect();
    trend::quantile(&mut recent, 0.5) > NEAR * limit
}

/// Kills at the same young age: says so and is true.
pub(super) fn looped(told: &Told<'_>, all: &[Life<'_>], shape: &mut Shape) -> bool {
    let killed: Vec<&Life<'_>> =
        all.iter().filter(|life| told.was_killed(life.first + life.points.len())).collect();
    if killed.len() < LOOP {
        return false;
    }
    let mut ages: Vec<f64> = killed.iter().map(|life| age(told, life)).collect();
    let (young, old) = (trend::quantile(&mut ages, 0.1), trend::quantile(&mut ages, 0.9));
    let middle = trend::quantile(&mut ages, 0.5);
    let now = all.last().map_or(0.0, Life::span);
    if middle > YOUNG_DEATH || old > 2.0 * young.max(1.0) || now > 3.0 * middle.max(1.0) {
        return false;
    }
    shape.kind = Kind::RestartLoop;
    shape.confidence = if killed.len() > LOOP || old <= 1.4 * young.max(1.0) {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    shape.says.push(says::looped(told, &killed, (young, middle, old)));
    let climbs: Vec<Found> = killed.iter().filter_map(|life| Found::of(told, life)).collect();
    if climbs.len() * 2 > killed.len()
        && let (Some(first), Some(last), Some(life)) = (climbs.first(), climbs.last(), all.last())
    {
        shape.leak = Some(leak(told, last, life));
        let of = (climbs.len(), killed.len());
        shape.says.push(says::climbs_in_each(told, &first.climb, &last.climb, of));
    }
    true
}

/// How old a life was when it ended: until the first sample of the next where samples are rare.
fn age(told: &Told<'_>, life: &Life<'_>) -> f64 {
    let end = life.first + life.points.len();
    let start = life.points.first().map_or(0.0, |point| point.at);
    told.series.points.get(end).map_or_else(|| life.span(), |next| next.at - start)
}

/// The newest life that tells whether it leaks; says so and is true.
pub(super) fn leaks(told: &Told<'_>, all: &[Life<'_>], shape: &mut Shape) -> bool {
    let Some(current) = all.last() else { return false };
    // A life that has lasted long enough to be judged speaks for itself.
    let longest = all.iter().map(Life::span).fold(0.0, f64::max);
    for (back, life) in all.iter().rev().take(4).enumerate() {
        if life.points.len() < FEWEST_SAMPLES || (back > 0 && !life.killed) {
            continue;
        }
        if let Some(found) = Found::of(told, &until_full(told, life)) {
            tell(told, &found, (life, current), shape);
            return true;
        }
        if life.span() >= 0.8 * longest.min(2.0 * SETTLED) {
            return false;
        }
    }
    false
}

/// The life until it stays at its limit: what is full cannot climb on, and did not come to rest by itself.
fn until_full<'a>(told: &Told<'_>, life: &Life<'a>) -> Life<'a> {
    let Some(limit) = told.limit else { return *life };
    let full = life.points.iter().rev().take_while(|point| point.used >= FULL * limit).count();
    let kept = life.points.len() - full;
    match life.points.get(..kept) {
        Some(points) if full > 1 && kept >= FEWEST_SAMPLES => {
            Life { points, killed: true, ..*life }
        }
        _ => *life,
    }
}

/// A leak of one life.
struct Found {
    climb: Climb,
    load: Load,
    per_request: Option<f64>,
}

impl Found {
    /// Along time, and along the count of requests where that is told.
    fn of(told: &Told<'_>, life: &Life<'_>) -> Option<Self> {
        let Some(counted) = Counted::of(life, told.requests(life)) else {
            let climb = climb::leak(life)?;
            return Some(Self { climb, load: Load::Unknown, per_request: None });
        };
        let freed = Life { points: &counted.freed, ..*life };
        // Memory that rises with the load and is not given back when that falls only looks as if it grew.
        let rises = |climb: &Climb| !counted.swings || still_rises(life, climb);
        let by_time = climb::leak(&freed).filter(rises);
        let counts = counted.by_count.as_ref().map(|points| Life { points, ..freed });
        let by_count = counts.as_ref().and_then(|counts| per_count(&freed, counts)).filter(rises);
        if let (Some(time), None, Some(counts)) = (&by_time, &by_count, &counts)
            && rests_by_count(time, counts)
        {
            return None;
        }
        let unexplained = |climb: &Climb| climb.fits.line / climb.fits.level.max(1e-12);
        let (climb, load) = match (by_time, by_count) {
            (Some(time), Some(count)) if unexplained(&count) < 0.7 * unexplained(&time) => {
                (count, Load::Follows)
            }
            (Some(time), _) => (time, Load::Independent),
            (None, Some(count)) => (count, Load::Follows),
            (None, None) => return None,
        };
        let requests = counted.between(climb.from - life.first, climb.to - life.first);
        let per_request = requests.map(|count| climb.growth.middle * life.scale / count);
        Some(Self { climb, load, per_request })
    }
}

/// Whether it rises without being freed from the load, too, to the end of a window that is long enough for the load
/// to have fallen.
fn still_rises(life: &Life<'_>, climb: &Climb) -> bool {
    let points = life.points.get(climb.from - life.first..=climb.to - life.first);
    let window = Life { points: points.unwrap_or_default(), ..*life };
    Climb::of(&window).is_some_and(|raw| {
        raw.growth.middle >= 0.5 * climb.growth.middle && (raw.tail >= STILL || raw.seconds < LONG)
    })
}

/// A leak along the count of requests. What is young is not stretched: its few requests come at any time. And nothing
/// grows while nobody asks: whether it goes on is seen when they ask again, but where it is a straight line.
fn per_count(life: &Life<'_>, counts: &Life<'_>) -> Option<Climb> {
    let climb = climb::leak(counts).filter(|_| !life.is_young())?;
    let awake = || Climb::of(&life.last(0.92 * life.span())).is_some_and(|now| now.tail >= STILL);
    (climb.is_straight() || awake()).then_some(climb)
}

/// Whether so many requests bring it to rest, and it only looks straight because they came ever faster.
fn rests_by_count(time: &Climb, counts: &Life<'_>) -> bool {
    Climb::of(&counts.last(0.92 * counts.span())).is_some_and(|all| {
        let rest = all.fits.rest.min(all.fits.full) / all.fits.level;
        time.tail < 0.9 && all.rests(false) && rest < 0.5 * time.fits.line / time.fits.level
    })
}

fn tell(
    told: &Told<'_>,
    found: &Found,
    (life, current): (&Life<'_>, &Life<'_>),
    shape: &mut Shape,
) {
    let climb = &found.climb;
    let found = leak(told, found, current);
    shape.kind = Kind::Leak;
    let is_sure = (life.span() >= SURE || life.killed)
        && climb.growth.low > 0.5 * climb.growth.middle
        && climb.fits.line < 0.25 * climb.fits.level
        && (climb.tail >= HARDLY_SLOWER || life.killed);
    shape.confidence = if is_sure { Confidence::Likely } else { Confidence::Possible };
    shape.says.extend(says::climbs(told, climb, &found));
    if life.first != current.first {
        shape.says.push(says::of_an_earlier_life(told, life));
    }
    if life.span() < SURE && !life.killed {
        shape.says.push(says::is_young(told, life));
    }
    shape.leak = Some(found);
}

fn leak(told: &Told<'_>, found: &Found, current: &Life<'_>) -> Leak {
    let climb = &found.climb;
    let seconds = told.seconds(climb.from, climb.to).max(1e-9);
    let per_second = |growth: f64| growth * current.scale / seconds;
    let (low, middle, high) = (
        per_second(climb.growth.low),
        per_second(climb.growth.middle),
        per_second(climb.growth.high),
    );
    // The kill comes when what lies on top of the floor reaches the limit.
    let late = current.last(0.2 * current.span());
    let mut recent: Vec<f64> = late.points.iter().map(|point| point.used).collect();
    let top = trend::quantile(&mut recent, 0.98);
    let full = told.limit.map(|limit| {
        let left = (limit - top).max(0.0);
        Until {
            soonest: left / high,
            middle: left / middle,
            latest: (low > 0.0).then(|| left / low),
        }
    });
    Leak {
        per_second: super::Between { low, middle, high },
        floor_from: climb.floor_from,
        floor_to: climb.floor_to,
        full_after_seconds: full.filter(|until| until.middle.is_finite()),
        per_request: found.per_request,
        load: found.load,
    }
}
