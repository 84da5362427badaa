//! Curves through a floor, and which of them explains it: a level, a line, a climb that comes to rest, stairs.
//!
//! A curve with more unknowns fits anything better. It counts as the better explanation only where chance alone
//! rarely does as well on so few points, of which neighbours often repeat each other: the F-test for nested models,
//! on as many points as are independent. Knows neither limits nor verdicts.

use super::trend;

/// How well the explanations fit: sums of squares beside them, 0 is perfect.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Fits {
    /// Beside one level.
    pub(super) level: f64,
    /// Beside a straight line.
    pub(super) line: f64,
    /// Beside a line that bends once, at [`BEND`].
    pub(super) bent: f64,
    /// Beside a climb that comes to rest: the best exponential.
    pub(super) rest: f64,
    /// Its time constant, in parts of the window.
    pub(super) rest_in: f64,
    /// Beside two levels.
    pub(super) step: f64,
    /// Where the second begins, in parts of the window.
    pub(super) step_at: f64,
    /// How much higher the second is.
    pub(super) step_by: f64,
    /// Beside three, four and five levels.
    pub(super) stairs: [Stairs; 3],
    /// Beside a straight climb that ends at a level.
    pub(super) full: f64,
    /// Where it ends, in parts of the window.
    pub(super) full_at: f64,
    /// Points of the floor.
    pub(super) count: f64,
    /// As many points that do not repeat their neighbours are worth as much.
    pub(super) worth: f64,
}

/// Some levels, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Stairs {
    /// What is left beside them.
    pub(super) left: f64,
    /// The least of the steps between them, up or down.
    pub(super) by: f64,
    /// Its unknowns: the levels, and where all but the first begin.
    pub(super) unknowns: f64,
}

/// Where the line bends, in parts of the window: its last two fifths are its tail.
pub(super) const BEND: f64 = 0.6;
/// Unknowns of a line; a climb that comes to rest has one more.
pub(super) const LINE: f64 = 2.0;
pub(super) const REST: f64 = 3.0;
/// Time constants that are tried, in parts of the window.
const RESTS: [f64; 9] = [0.08, 0.13, 0.2, 0.3, 0.45, 0.65, 0.9, 1.3, 2.0];
/// Ends of a climb that are tried.
const ENDS: [f64; 7] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/// How unlikely chance is to explain as much.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chance {
    /// Once in twenty times.
    OneIn20,
    /// Once in a hundred times.
    OneIn100,
}

impl Chance {
    /// The upper part of the F distribution with one and so many degrees of freedom; from five on within a sixth.
    fn most(self, free: f64) -> f64 {
        let (most, by, more) = match self {
            Self::OneIn20 => (3.84, 2.5, 7.0),
            Self::OneIn100 => (6.63, 4.4, 24.0),
        };
        most * (1.0 + by / free + more / (free * free))
    }
}

impl Fits {
    /// Fits them all. Times are from 0 to 1.
    pub(super) fn of(line: &[(f64, f64)]) -> Self {
        let mut fits = Self { level: beside(line, |_| 0.0).1, ..Self::default() };
        fits.line = beside(line, |at| at).1;
        let bend = |(at, used): &(f64, f64)| (*at, (at - BEND).max(0.0), *used);
        let bent = two(&line.iter().map(bend).collect::<Vec<_>>());
        fits.bent = bent.map_or(fits.line, |(_, _, left)| left);
        let none = (1.0, fits.level);
        (fits.rest_in, fits.rest) = best(line, &RESTS, resting).unwrap_or(none);
        (fits.full_at, fits.full) = best(line, &ENDS, f64::min).unwrap_or(none);
        (fits.step_at, fits.step_by, fits.step) = step(line);
        fits.stairs = stairs(line);
        fits.count = line.len() as f64;
        let within = fits.rest_in;
        fits.worth = if fits.rest < fits.line {
            fits.count / repeated(line, |at| resting(at, within))
        } else {
            fits.count / repeated(line, |at| at)
        };
        fits
    }

    /// Whether a curve with so many unknowns, and so much `left` beside it, explains more than one with one unknown
    /// fewer does by chance.
    pub(super) fn shows(&self, (left, unknowns): (f64, f64), than: f64, chance: Chance) -> bool {
        let free = self.worth - unknowns;
        free >= 1.0 && left < than && (than - left) * free > chance.most(free) * left
    }

    /// What is left, charged for what the curve has more unknowns than a line.
    pub(super) fn charged(&self, left: f64, unknowns: f64) -> f64 {
        left * (self.count - LINE) / (self.count - unknowns).max(0.5)
    }

    /// What is left beside one step, or two.
    pub(super) fn stepped(&self) -> f64 {
        self.stairs.first().map_or(self.step, |three| three.left.min(self.step))
    }

    /// What is left beside the better of the climbs that come to rest.
    pub(super) fn resting(&self) -> f64 {
        self.rest.min(self.full)
    }

    /// Along the better of the climbs that come to rest: how far it has come at a time.
    pub(super) fn rested(&self, at: f64) -> f64 {
        if self.rest < self.full { resting(at, self.rest_in) } else { at.min(self.full_at) }
    }
}

/// From 0 towards 1, where it comes to rest.
fn resting(at: f64, within: f64) -> f64 {
    1.0 - (-at / within).exp()
}

/// The curve that leaves the least, by what it is tried with, and what it leaves: the best of the tries, then closer
/// by. What a coarse try leaves beside it is no chance.
fn best(line: &[(f64, f64)], tries: &[f64], curve: fn(f64, f64) -> f64) -> Option<(f64, f64)> {
    // A climb only: what falls is no cache that fills.
    let left = |with: f64| Some(beside(line, |at| curve(at, with))).filter(|(by, _)| *by > 0.0);
    let tried = tries.iter().filter_map(|with| Some((*with, left(*with)?.1)));
    let mut best = tried.min_by(|one, other| one.1.total_cmp(&other.1))?;
    let mut apart = 1.2;
    for _ in 0..4 {
        for with in [best.0 / apart, best.0 * apart] {
            let closer = left(with).map(|(_, left)| (with, left));
            best = closer.filter(|closer| closer.1 < best.1).unwrap_or(best);
        }
        apart = f64::sqrt(apart);
    }
    Some(best)
}

/// The least squares of `level + by × curve`: `by`, and what is left.
pub(super) fn beside(line: &[(f64, f64)], curve: impl Fn(f64) -> f64) -> (f64, f64) {
    let count = line.len().max(1) as f64;
    let (mut x, mut y) = (0.0, 0.0);
    for (at, used) in line {
        x += curve(*at);
        y += used;
    }
    (x, y) = (x / count, y / count);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (at, used) in line {
        let (across, up) = (curve(*at) - x, used - y);
        xx += across * across;
        xy += across * up;
        yy += up * up;
    }
    let by = if xx > 1e-12 { xy / xx } else { 0.0 };
    (by, (yy - by * xy).max(0.0))
}

/// How often a point beside the curve says what its neighbour said.
fn repeated(line: &[(f64, f64)], curve: impl Fn(f64) -> f64) -> f64 {
    let (by, _) = beside(line, &curve);
    let left: Vec<f64> = line.iter().map(|(at, used)| used - by * curve(*at)).collect();
    trend::repeats(&left)
}

/// The best two levels: from where, by how much, and what is left.
fn step(line: &[(f64, f64)]) -> (f64, f64, f64) {
    let count = line.len() as f64;
    let total: f64 = line.iter().map(|(_, used)| used).sum();
    let squares: f64 = line.iter().map(|(_, used)| used * used).sum();
    let mut best = (0.0, 0.0, squares - total * total / count.max(1.0));
    let (mut sum, mut taken) = (0.0, 0.0);
    for pair in line.windows(2) {
        let [(_, used), (next, _)] = pair else { continue };
        sum += used;
        taken += 1.0;
        let rest = count - taken;
        let left = squares - sum * sum / taken - (total - sum) * (total - sum) / rest;
        if left < best.2 {
            best = (*next, (total - sum) / rest - sum / taken, left.max(0.0));
        }
    }
    best
}

/// Levels over the first so many points.
#[derive(Debug, Clone, Copy)]
struct Levels {
    left: f64,
    /// The last of them.
    last: f64,
    /// The least step.
    by: f64,
}

/// The best three, four and five levels. Each number of them: the best of one level fewer that ends earlier, and one
/// more level.
fn stairs(line: &[(f64, f64)]) -> [Stairs; 3] {
    const NONE: Levels = Levels { left: f64::INFINITY, last: 0.0, by: f64::INFINITY };
    // Of the first so many points: how many, their sum, the sum of their squares.
    let mut sums = vec![(0.0, 0.0, 0.0)];
    let mut sum = (0.0, 0.0, 0.0);
    for (_, used) in line {
        sum = (sum.0 + 1.0, sum.1 + used, sum.2 + used * used);
        sums.push(sum);
    }
    let level = |from: &(f64, f64, f64), to: &(f64, f64, f64)| {
        let (count, sum) = (to.0 - from.0, to.1 - from.1);
        (sum / count, (to.2 - from.2 - sum * sum / count).max(0.0))
    };
    // No level over no point.
    let mut rows = vec![Levels { left: 0.0, ..NONE }];
    rows.resize(sums.len(), NONE);
    let mut found = [Stairs { left: f64::INFINITY, ..Stairs::default() }; 3];
    for levels in 1..=5_u8 {
        let best = |(count, to): (usize, &(f64, f64, f64))| {
            let fewer = rows.iter().zip(&sums).take(count).filter(|(row, _)| row.left.is_finite());
            let tried = fewer.map(|(row, from)| {
                let (last, left) = level(from, to);
                let by = if levels == 1 { row.by } else { row.by.min((last - row.last).abs()) };
                Levels { left: row.left + left, last, by }
            });
            tried.min_by(|one, other| one.left.total_cmp(&other.left)).unwrap_or(NONE)
        };
        let next = sums.iter().enumerate().map(best).collect();
        rows = next;
        let kept = usize::from(levels).checked_sub(3).and_then(|at| found.get_mut(at));
        if let (Some(kept), Some(Levels { left, by, .. })) = (kept, rows.last().copied()) {
            *kept = Stairs { left, by, unknowns: 2.0 * f64::from(levels) - 1.0 };
        }
    }
    found
}

/// Time constants of a warm-up that are tried, in parts of the window.
const WARM_UPS: [f64; 7] = [0.02, 0.03, 0.05, 0.08, 0.13, 0.2, 0.3];

/// The warm-up of a line that begins with one: what it has added at each time, and what is left beside both.
pub(super) fn warm_up(line: &[(f64, f64)]) -> Option<(impl Fn(f64) -> f64, f64)> {
    let beside = |within: f64| {
        let rows: Vec<_> =
            line.iter().map(|(at, used)| (*at, resting(*at, within), *used)).collect();
        let (_, more, left) = two(&rows)?;
        (more > 0.0).then_some((within, more, left))
    };
    let tried = WARM_UPS.iter().filter_map(|within| beside(*within));
    let mut best = tried.min_by(|one, other| one.2.total_cmp(&other.2))?;
    let mut apart = 1.2;
    for _ in 0..4 {
        for within in [best.0 / apart, best.0 * apart] {
            best = beside(within).filter(|closer| closer.2 < best.2).unwrap_or(best);
        }
        apart = f64::sqrt(apart);
    }
    let (within, more, left) = best;
    Some((move |at| more * resting(at, within), left))
}

/// What is left of the values beside `level + by × x + more × y`, as `(by, more, left)`; `None` where the two go
/// together too closely to tell them apart.
pub(super) fn two(rows: &[(f64, f64, f64)]) -> Option<(f64, f64, f64)> {
    let count = rows.len() as f64;
    let mean = |of: fn(&(f64, f64, f64)) -> f64| rows.iter().map(of).sum::<f64>() / count.max(1.0);
    let (x, y, z) = (mean(|row| row.0), mean(|row| row.1), mean(|row| row.2));
    let (mut xx, mut xy, mut yy, mut xz, mut yz, mut zz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for row in rows {
        let (a, b, c) = (row.0 - x, row.1 - y, row.2 - z);
        xx += a * a;
        xy += a * b;
        yy += b * b;
        xz += a * c;
        yz += b * c;
        zz += c * c;
    }
    let apart = xx * yy - xy * xy;
    if xx <= 0.0 || yy <= 0.0 || apart < 0.1 * xx * yy {
        return None;
    }
    let by = (xz * yy - yz * xy) / apart;
    let more = (yz * xx - xz * xy) / apart;
    Some((by, more, (zz - by * xz - more * yz).max(0.0)))
}

#[cfg(test)]
mod tests;
