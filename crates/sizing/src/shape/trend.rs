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
/// A block is so many times as long as a tooth.
const TEETH: f64 = 1.15;
/// Which tooth: three of four are shorter. The longest may be where a steep climb hid several.
const TOOTH: f64 = 0.75;

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
        Some(tooth) => {
            let by_teeth = (span / (TEETH * tooth)).floor();
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

/// Seconds between two troughs of a saw, of most of them; `None` where nothing falls back at least three
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
    Some(quantile(&mut gaps.collect::<Vec<_>>(), TOOTH))
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
    let beside: Vec<f64> = line.iter().map(|(at, used)| used - middle * at).collect();
    let variance = count * (count - 1.0) * (2.0 * count + 5.0) / 18.0 * repeats(&beside);
    let reach = 1.96 * variance.sqrt();
    Some(Slope { low: of((pairs - reach) / 2.0), middle, high: of((pairs + reach) / 2.0) })
}

/// How often, on average, a value says what its neighbour said: 1 where each says something of its own.
pub(super) fn repeats(values: &[f64]) -> f64 {
    /// What resembles its neighbour more than this may as well wander about.
    const MOST: f64 = 0.9;
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mut with_next, mut all) = (0.0, 0.0);
    for pair in values.windows(2) {
        if let [one, next] = pair {
            with_next += (one - mean) * (next - mean);
        }
    }
    for one in values {
        all += (one - mean) * (one - mean);
    }
    if all <= 0.0 {
        return 1.0;
    }
    let likeness = (with_next / all).clamp(0.0, MOST);
    (1.0 + likeness) / (1.0 - likeness)
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
    fn blocks_are_longer_than_the_teeth_of_the_saw() {
        let saw = |at: usize| Point { at: at as f64, used: 10.0 + (at % 40) as f64 };
        let points: Vec<Point> = (0..400).map(saw).collect();
        let lows = floor(&points);
        assert!((6..=9).contains(&lows.len()), "{}", lows.len());
        assert!(lows.iter().take(lows.len() - 1).all(|low| low.used <= 11.0), "{lows:?}");
    }

    #[test]
    fn a_steep_climb_that_hides_teeth_does_not_make_the_blocks_longer() {
        // For a third of the time it climbs faster than the teeth fall.
        let saw = |at: usize| Point {
            at: at as f64,
            used: 3.0 * (at as f64).min(130.0) - 2.0 * (at % 12) as f64,
        };
        let points: Vec<Point> = (0..400).map(saw).collect();
        let lows = floor(&points);
        assert!((20..=30).contains(&lows.len()), "{}", lows.len());
    }

    #[test]
    fn values_that_wander_repeat_themselves_and_others_do_not() {
        let wander: Vec<f64> = (0..48).map(|at| (f64::from(at) / 8.0).sin()).collect();
        let rough: Vec<f64> = (0..48).map(|at| f64::from((at * at * 7 + at * 13) % 41)).collect();
        assert!(repeats(&wander) > 8.0 && repeats(&rough) < 2.0);
        assert_eq!((repeats(&[]), repeats(&[3.0; 9])), (1.0, 1.0));
    }
}
