//! What the request rate explains of the memory: sessions, pools and buffers follow it and are no leak.
//!
//! Where requests are counted, the memory is freed from what goes with the *rate* of the last minutes, and can be
//! laid along the *count* of requests instead of time: garbage, caches and many leaks go with each request. Without
//! a counter nothing here says anything.

use super::climb::Life;
use crate::series::Point;

/// Requests come in at least this many steps of the window, or nothing is said.
const PIECES: f64 = 12.0;
/// How long what a request brings is held, in seconds; each is tried.
const HELD: [f64; 4] = [120.0, 600.0, 1800.0, 5400.0];
/// Pieces of a life, and how many apart two of them are compared.
const CELLS: usize = 40;
const APART: usize = 2;
/// The rate explains at least this part of what changes.
const EXPLAINED: f64 = 0.4;

/// One life with its requests.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// Freed from what goes with the rate; as it was where nothing does.
    pub(super) freed: Vec<Point>,
    /// The same along the count of requests, stretched to the same seconds; `None` where the rate hardly varies.
    pub(super) by_count: Option<Vec<Point>>,
    /// The rate explains a part of the level.
    pub(super) swings: bool,
    /// Requests since the first sample.
    done: Vec<f64>,
}

impl Counted {
    /// `None` where requests were not counted throughout.
    pub(super) fn of(life: &Life<'_>, requests: &[f64]) -> Option<Self> {
        if requests.len() != life.points.len() || requests.len() < 24 {
            return None;
        }
        let counted = requests.iter().all(|count| count.is_finite()) && requests.is_sorted();
        let (first, last) = (*requests.first()?, *requests.last()?);
        if !counted || last <= first {
            return None;
        }
        let done: Vec<f64> = requests.iter().map(|count| count - first).collect();
        let held = HELD.iter().filter(|held| **held < life.span() / 6.0);
        let tried =
            held.filter_map(|held| explained(life.points, &recent(life.points, &done, *held)));
        let best = tried.max_by(|one, other| one.explained.total_cmp(&other.explained));
        let best = best.filter(|best| best.by > 0.0 && best.explained >= EXPLAINED);
        let swings = best.is_some();
        let freed = best.map_or_else(|| life.points.to_vec(), |best| best.freed);
        let by_count = varies(life.points, &done).then(|| along(&freed, &done, life.span()));
        Some(Self { freed, by_count, swings, done })
    }

    /// Requests between two samples of the life.
    pub(super) fn between(&self, from: usize, to: usize) -> Option<f64> {
        let count = self.done.get(to)? - self.done.get(from)?;
        (count > 0.0).then_some(count)
    }
}

/// The memory along the count of requests. Where none come, time stands still: a sample at least a little after
/// the one before.
fn along(points: &[Point], done: &[f64], span: f64) -> Vec<Point> {
    let start = points.first().map_or(0.0, |first| first.at);
    let all = done.last().copied().unwrap_or(1.0).max(1.0);
    let each = |(point, count): (&Point, &f64)| {
        let waited = (point.at - start) / span.max(1e-9);
        Point { at: start + span * (0.999 * count / all + 0.001 * waited), used: point.used }
    };
    points.iter().zip(done).map(each).collect()
}

/// Requests per second of late at each sample: what came long ago counts less.
fn recent(points: &[Point], done: &[f64], held: f64) -> Vec<f64> {
    let (first, last) = (points.first(), points.last());
    let span = first.zip(last).map_or(1.0, |(first, last)| last.at - first.at).max(1e-9);
    let mut rate = done.last().copied().unwrap_or(0.0) / span;
    let mut rates = Vec::with_capacity(done.len());
    let mut before: Option<(f64, f64)> = None;
    for (point, count) in points.iter().zip(done) {
        if let Some((at, counted)) = before {
            let run = point.at - at;
            let new = (count - counted) / run.max(1e-9);
            rate += (new - rate) * (1.0 - (-run / held).exp());
        }
        rates.push(rate);
        before = Some((point.at, *count));
    }
    rates
}

struct Explained {
    by: f64,
    explained: f64,
    freed: Vec<Point>,
}

/// The means of the rate and of the memory over pieces of the life; what warms up is left out.
fn means(points: &[Point], rates: &[f64]) -> Option<Vec<(f64, f64)>> {
    let start = points.first()?.at;
    let length = (points.last()?.at - start) / CELLS as f64;
    let mut cells = vec![(0.0, 0.0, 0.0); CELLS];
    for (point, rate) in points.iter().zip(rates) {
        let at = (((point.at - start) / length.max(1e-9)) as usize).min(CELLS - 1);
        if let Some(cell) = cells.get_mut(at) {
            *cell = (cell.0 + rate, cell.1 + point.used, cell.2 + 1.0);
        }
    }
    let warm = cells.into_iter().skip(CELLS / 10).filter(|cell| cell.2 > 0.0);
    Some(warm.map(|(rate, used, count)| (rate / count, used / count)).collect())
}

/// How much of what changes between two pieces goes with how much the rate changes. A trend does not disturb that.
fn explained(points: &[Point], rates: &[f64]) -> Option<Explained> {
    let cells = means(points, rates)?;
    let rows: Vec<(f64, f64)> = cells
        .iter()
        .zip(cells.iter().skip(APART))
        .map(|(old, new)| (new.0 - old.0, new.1 - old.1))
        .collect();
    let count = rows.len().max(1) as f64;
    let (x, y) = rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let (x, y) = (x / count, y / count);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for row in &rows {
        xx += (row.0 - x) * (row.0 - x);
        xy += (row.0 - x) * (row.1 - y);
        yy += (row.1 - y) * (row.1 - y);
    }
    if xx <= 0.0 || yy <= 0.0 {
        return None;
    }
    let by = xy / xx;
    let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
    let free =
        |(point, rate): (&Point, &f64)| Point { used: point.used - by * (rate - mean), ..*point };
    let freed = points.iter().zip(rates).map(free).collect();
    Some(Explained { by, explained: xy * xy / (xx * yy), freed })
}

/// Whether the rate differs enough between pieces of the window to tell time from count.
fn varies(points: &[Point], done: &[f64]) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return false };
    let all = done.last().copied().unwrap_or(0.0);
    let count_at = |part: f64| {
        let at = points.partition_point(|point| point.at < first.at + part * (last.at - first.at));
        done.get(at).copied().unwrap_or(all)
    };
    let pieces = (0..12).map(|piece| f64::from(piece) / PIECES);
    let rates = pieces
        .map(|from| (count_at(from + 1.0 / PIECES) - count_at(from)) * PIECES / all.max(1e-9));
    let beside: f64 = rates.map(|rate| (rate - 1.0) * (rate - 1.0)).sum();
    (beside / PIECES).sqrt() > 0.12
}
