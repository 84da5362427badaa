//! Lines and curves through the floor: what is left in use after each collection, flush or burst.
//!
//! The floor is the smallest sample of each block of time; a block is longer than a tooth of a saw. Everything
//! here is arithmetic on such blocks and knows neither limits nor verdicts.
//! References: P. K. Sen, *Estimates of the regression coefficient based on Kendall's tau*, 1968.

use crate::series::Point;

/// No window is cut into more blocks than this.
const MOST_BLOCKS: usize = 48;
/// Nor into fewer, where it has the samples.
const FEWEST_BLOCKS: usize = 6;
/// A block is so many times as long as the longest tooth.
const TEETH: f64 = 1.15;

/// The least of one block of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Low {
    /// When it was, in seconds.
    pub(super) at: f64,
    /// What was in use.
    pub(super) used: f64,
    /// The largest of the block.
    pub(super) high: f64,
}

/// The floor of a window, cut into as many blocks as its samples and its teeth allow.
pub(super) fn floor(points: &[Point]) -> Vec<Low> {
    let (Some(start), Some(end)) = (points.first(), points.last()) else { return Vec::new() };
    let span = end.at - start.at;
    let by_samples = (points.len() / 2).clamp(1, MOST_BLOCKS);
    let count = match tooth(points) {
        Some(longest) => {
            let by_teeth = (span / (TEETH * longest)).floor();
            by_samples.min((by_teeth as usize).max(FEWEST_BLOCKS))
        }
        None => by_samples,
    };
    opened(blocks(points, count))
}

/// Bursts that fill a few blocks taken off: the most of the least of every few blocks in a row.
///
/// A line that climbs stays as it is, but for its last blocks.
fn opened(mut lows: Vec<Low>) -> Vec<Low> {
    let wide = match lows.len() {
        0..16 => return lows,
        16..32 => 3,
        _ => 4,
    };
    let least: Vec<f64> = lows
        .windows(wide)
        .map(|run| run.iter().map(|low| low.used).fold(f64::INFINITY, f64::min))
        .collect();
    for (at, low) in lows.iter_mut().enumerate() {
        let from = (at + 1).saturating_sub(wide);
        let to = (at + 1).min(least.len());
        let run = least.get(from..to).unwrap_or_default();
        low.used = run.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    }
    lows
}

/// The floor in blocks of equal time; blocks without samples are left out.
pub(super) fn blocks(points: &[Point], count: usize) -> Vec<Low> {
    let (Some(start), Some(end)) = (points.first(), points.last()) else { return Vec::new() };
    let length = (end.at - start.at) / count.max(1) as f64;
    let mut lows: Vec<Low> = Vec::with_capacity(count);
    let mut block = usize::MAX;
    for point in points {
        let of = (((point.at - start.at) / length.max(1e-9)) as usize).min(count.max(1) - 1);
        let low = Low { at: point.at, used: point.used, high: point.used };
        match lows.last_mut().filter(|_| of == block) {
            Some(last) => {
                let high = last.high.max(point.used);
                if point.used < last.used {
                    *last = low;
                }
                last.high = high;
            }
            None => lows.push(low),
        }
        block = of;
    }
    lows
}

/// Seconds between two troughs of a saw, the longest of them; `None` where nothing falls back at least three
/// times by half of the deepest fall.
fn tooth(points: &[Point]) -> Option<f64> {
    let deep = deepest_fall(points) / 2.0;
    if deep <= 0.0 {
        return None;
    }
    let mut troughs: Vec<f64> = Vec::new();
    let mut top = points.first()?.used;
    let mut low = *points.first()?;
    let mut falling = false;
    for point in points {
        if falling {
            if point.used < low.used {
                low = *point;
            } else if point.used > low.used + deep {
                troughs.push(low.at);
                falling = false;
                top = point.used;
            }
        } else {
            top = top.max(point.used);
            if point.used < top - deep {
                falling = true;
                low = *point;
            }
        }
    }
    if troughs.len() < 3 {
        return None;
    }
    let gaps = troughs.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?));
    gaps.reduce(f64::max)
}

/// How far it fell from what it had reached before.
pub(super) fn deepest_fall(points: &[Point]) -> f64 {
    let (mut top, mut deepest) = (f64::NEG_INFINITY, 0.0_f64);
    for point in points {
        top = top.max(point.used);
        deepest = deepest.max(top - point.used);
    }
    deepest
}

/// A slope with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    pub(super) low: f64,
    pub(super) middle: f64,
    pub(super) high: f64,
}

/// The median of all slopes between two of the points, with its 95 % interval, widened where what is beside the
/// line goes on from point to point.
pub(super) fn slope(line: &[(f64, f64)]) -> Option<Slope> {
    let mut slopes = Vec::with_capacity(line.len() * line.len() / 2);
    for (at, one) in line.iter().enumerate() {
        for other in line.iter().skip(at + 1) {
            let run = other.0 - one.0;
            if run > 0.0 {
                slopes.push((other.1 - one.1) / run);
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let of = |rank: f64| {
        let most = slopes.len() - 1;
        slopes.get((rank.max(0.0) as usize).min(most)).copied().unwrap_or_default()
    };
    let pairs = slopes.len() as f64;
    let middle = of(pairs / 2.0);
    let count = line.len() as f64;
    let variance = count * (count - 1.0) * (2.0 * count + 5.0) / 18.0 * runs_on(line, middle);
    let reach = 1.96 * variance.sqrt();
    Some(Slope { low: of((pairs - reach) / 2.0), middle, high: of((pairs + reach) / 2.0) })
}

/// By how much neighbours that resemble each other widen the interval.
fn runs_on(line: &[(f64, f64)], slope: f64) -> f64 {
    let beside: Vec<f64> = line.iter().map(|(at, used)| used - slope * at).collect();
    let mean = beside.iter().sum::<f64>() / beside.len().max(1) as f64;
    let (mut with_next, mut all) = (0.0, 0.0);
    for pair in beside.windows(2) {
        if let [one, next] = pair {
            with_next += (one - mean) * (next - mean);
        }
    }
    for one in &beside {
        all += (one - mean) * (one - mean);
    }
    if all <= 0.0 {
        return 1.0;
    }
    let likeness = (with_next / all).clamp(0.0, 0.75);
    (1.0 + likeness) / (1.0 - likeness)
}

/// How well the explanations fit: sums of squares beside them, 0 is perfect.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Fits {
    /// Beside one level.
    pub(super) level: f64,
    /// Beside a straight line.
    pub(super) line: f64,
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
    /// Beside three levels.
    pub(super) steps: f64,
    /// The larger of the two steps between them.
    pub(super) steps_by: f64,
    /// Beside a straight climb that ends at a level.
    pub(super) full: f64,
    /// Where it ends, in parts of the window.
    pub(super) full_at: f64,
}

/// Time constants that are tried, in parts of the window.
const RESTS: [f64; 7] = [0.08, 0.13, 0.2, 0.3, 0.45, 0.65, 0.9];
/// Ends of a climb that are tried.
const ENDS: [f64; 7] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/// Fits them all. Times are from 0 to 1.
pub(super) fn fits(line: &[(f64, f64)]) -> Fits {
    let mut fits = Fits { level: beside(line, |_| 0.0).1, ..Fits::default() };
    fits.line = beside(line, |at| at).1;
    let best = |tries: &[f64], curve: fn(f64, f64) -> f64| {
        let tried = tries.iter().map(|one| (*one, beside(line, |at| curve(at, *one))));
        // A climb only: what falls is no cache that fills.
        let rising = tried.filter(|(_, (by, _))| *by > 0.0);
        let best = rising.min_by(|one, other| one.1.1.total_cmp(&other.1.1));
        best.map_or((1.0, fits.level), |(at, (_, left))| (at, left))
    };
    (fits.rest_in, fits.rest) = best(&RESTS, |at, rest| 1.0 - (-at / rest).exp());
    (fits.full_at, fits.full) = best(&ENDS, |at, end| at.min(end));
    (fits.step_at, fits.step_by, fits.step) = step(line);
    (fits.steps_by, fits.steps) = steps(line);
    fits
}

/// The least squares of `level + by × curve`: `by`, and what is left.
fn beside(line: &[(f64, f64)], curve: impl Fn(f64) -> f64) -> (f64, f64) {
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

/// The best three levels: the larger of the two steps, and what is left.
fn steps(line: &[(f64, f64)]) -> (f64, f64) {
    // Of the first so many: how many, their sum, the sum of their squares.
    let mut first = vec![(0.0, 0.0, 0.0)];
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (_, used) in line {
        count += 1.0;
        sum += used;
        squares += used * used;
        first.push((count, sum, squares));
    }
    let all = (count, sum, squares);
    let level = |from: (f64, f64, f64), to: (f64, f64, f64)| {
        let (count, sum) = (to.0 - from.0, to.1 - from.1);
        (sum / count, (to.2 - from.2 - sum * sum / count).max(0.0))
    };
    let mut best = (0.0, f64::INFINITY);
    let inner = first.get(1..first.len().saturating_sub(1)).unwrap_or_default();
    for (at, one) in inner.iter().enumerate() {
        let (low, left_low) = level((0.0, 0.0, 0.0), *one);
        for two in inner.iter().skip(at + 1) {
            let ((middle, left_middle), (high, left_high)) = (level(*one, *two), level(*two, all));
            let left = left_low + left_middle + left_high;
            if left < best.1 {
                best = ((middle - low).abs().max((high - middle).abs()), left);
            }
        }
    }
    best
}

/// The value below which that part of them lies.
pub(super) fn quantile(values: &mut [f64], part: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let rank = (part * (values.len() - 1) as f64).round() as usize;
    let (_, value, _) = values.select_nth_unstable_by(rank.min(values.len() - 1), f64::total_cmp);
    *value
}

/// Time constants of a warm-up that are tried, in parts of the window.
const WARM_UPS: [f64; 7] = [0.02, 0.03, 0.05, 0.08, 0.13, 0.2, 0.3];

/// The warm-up of a line that begins with one: what it has added at each time, and what is left beside both.
pub(super) fn warm_up(line: &[(f64, f64)]) -> Option<(impl Fn(f64) -> f64, f64)> {
    let warm = |at: f64, within: f64| 1.0 - (-at / within).exp();
    let tried = WARM_UPS.iter().filter_map(|within| {
        let rows: Vec<_> = line.iter().map(|(at, used)| (*at, warm(*at, *within), *used)).collect();
        let (_, more, left) = two(&rows)?;
        (more > 0.0).then_some((*within, more, left))
    });
    let (within, more, left) = tried.min_by(|one, other| one.2.total_cmp(&other.2))?;
    Some((move |at| more * warm(at, within), left))
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
mod tests {
    use super::*;

    fn line(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..24).map(|at| f64::from(at) / 23.0).map(|at| (at, value(at))).collect()
    }

    #[test]
    fn the_slope_of_a_line_is_not_moved_by_a_wild_point() {
        let mut points = line(|at| 3.0 + 2.0 * at);
        points[4].1 = 900.0;
        let found = slope(&points).unwrap();
        assert!((found.middle - 2.0).abs() < 0.05, "{found:?}");
        assert!(found.low <= found.middle && found.middle <= found.high);
        assert_eq!(slope(&points[..1]), None);
    }

    #[test]
    fn each_explanation_fits_its_own_best() {
        let straight = fits(&line(|at| 1.0 + at));
        assert!(
            straight.line < 1e-9 && straight.rest > 0.01 && straight.step > 0.1,
            "{straight:?}"
        );
        let cache = fits(&line(|at| 1.0 - (-at / 0.2).exp()));
        assert!(cache.rest < 1e-9 && cache.line > 0.1 && cache.rest_in == 0.2, "{cache:?}");
        let stair = fits(&line(|at| if at < 0.4 { 1.0 } else { 2.0 }));
        assert!(stair.step < 1e-9 && (stair.step_by - 1.0).abs() < 1e-9, "{stair:?}");
        let full = fits(&line(|at| at.min(0.5)));
        assert!(full.full < 1e-9 && full.full_at == 0.5, "{full:?}");
    }

    #[test]
    fn blocks_are_longer_than_the_teeth_of_the_saw() {
        let saw = |at: usize| Point { at: at as f64, used: 10.0 + (at % 40) as f64 };
        let points: Vec<Point> = (0..400).map(saw).collect();
        let lows = floor(&points);
        assert!((6..=9).contains(&lows.len()), "{}", lows.len());
        assert!(lows.iter().take(lows.len() - 1).all(|low| low.used <= 11.0), "{lows:?}");
    }

    #[test]
    fn two_explanations_are_told_apart_or_not_at_all() {
        let rows = (0..20).map(f64::from).map(|at| (at, (at * 1.7).sin(), 0.0));
        let rows: Vec<_> = rows.map(|(x, y, _)| (x, y, 2.0 * x + 5.0 * y)).collect();
        let (by, more, left) = two(&rows).unwrap();
        assert!((by - 2.0).abs() < 1e-9 && (more - 5.0).abs() < 1e-9 && left < 1e-9);
        let same: Vec<_> = rows.iter().map(|row| (row.0, row.0 * 3.0, row.2)).collect();
        assert_eq!(two(&same), None);
    }
}
