//! The leak rules of others, as their sources and papers state them, on the same samples.
//!
//! They are written anew, each in a few lines: what they look at, what they ask of it, when they alarm. What a
//! source does not publish (Precog's suppression of trends seen in training) is left out.
//! References: coroot/coroot (auditor, memory leak check); Jindal et al., *Memory leak detection algorithms in the
//! cloud-based infrastructure* (2021) with its repository ansjin/memory_leak_detection; Mann 1945, Kendall 1975,
//! Sen 1968.

/// A rule of someone else: samples as (seconds, value) and what counts as full.
pub(super) struct Peer {
    /// For people.
    pub(super) name: &'static str,
    /// True is an alarm.
    pub(super) alarms: fn(&[(f64, f64)], f64) -> bool,
}

/// All of them.
pub(super) const PEERS: [Peer; 6] = [
    Peer { name: "Coroot, 1 h", alarms: |points, limit| coroot(points, limit, 3600.0) },
    Peer { name: "Coroot, 24 h", alarms: |points, limit| coroot(points, limit, 86_400.0) },
    Peer { name: "Precog, R² 0.88", alarms: precog },
    Peer { name: "LBR, R² 0.8", alarms: lbr },
    Peer { name: "Mann-Kendall, p < 0.05", alarms: |points, _| kendall(&medians(points)).0 },
    Peer {
        name: "the same and Sen > 5 % of the limit",
        alarms: |points, limit| {
            let line = medians(points);
            let span =
                line.last().map_or(0.0, |last| last.0) - line.first().map_or(0.0, |one| one.0);
            let (rises, sen) = kendall(&line);
            rises && sen * span > 0.05 * limit
        },
    },
];

/// Five minutes.
const STEP: f64 = 300.0;
/// No more points than this are compared with each other.
const MOST: usize = 400;

/// The least squares: slope and R².
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let (mut x, mut y) = (0.0, 0.0);
    for (at, used) in points {
        x += at / count;
        y += used / count;
    }
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (at, used) in points {
        xx += (at - x) * (at - x);
        xy += (at - x) * (used - y);
        yy += (used - y) * (used - y);
    }
    if xx <= 0.0 || yy <= 0.0 {
        return (0.0, 0.0);
    }
    (xy / xx, xy * xy / (xx * yy))
}

/// The longest run without a fall by half; a slope above zero that the last quarter still has three tenths of;
/// more than a tenth of the limit per hour.
fn coroot(points: &[(f64, f64)], limit: f64, window: f64) -> bool {
    let now = points.last().map_or(0.0, |last| last.0);
    let from = points.partition_point(|point| point.0 < now - window);
    let points = points.get(from..).unwrap_or_default();
    let (mut longest, mut begun) = (0..0, 0);
    for at in 1..=points.len() {
        let fell = match (points.get(at - 1), points.get(at)) {
            (Some(before), Some(now)) => now.1 < 0.5 * before.1,
            _ => true,
        };
        if fell {
            if at - begun > longest.len() {
                longest = begun..at;
            }
            begun = at;
        }
    }
    let run = points.get(longest).unwrap_or_default();
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return false };
    let span = last.0 - first.0;
    if run.len() < 10 || span < window / 3.0 {
        return false;
    }
    let (slope, _) = line(run);
    let quarter = (span / 4.0).max(900.0);
    let late = run.partition_point(|point| point.0 < last.0 - quarter);
    let (still, _) = line(run.get(late..).unwrap_or_default());
    slope > 0.0 && still >= 0.3 * slope && slope * 3600.0 > 0.1 * limit
}

/// The median of every five minutes.
fn medians(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let span = points.last().map_or(0.0, |last| last.0) - points.first().map_or(0.0, |one| one.0);
    let step = STEP.max(span / MOST as f64);
    let mut found = Vec::new();
    let mut cell: Vec<f64> = Vec::new();
    let start = points.first().map_or(0.0, |first| first.0);
    let mut of = 0_u64;
    for (at, used) in points {
        let now = ((at - start) / step) as u64;
        if now != of && !cell.is_empty() {
            found.push((start + of as f64 * step, median(&mut cell)));
            cell.clear();
        }
        of = now;
        cell.push(*used);
    }
    if !cell.is_empty() {
        found.push((start + of as f64 * step, median(&mut cell)));
    }
    found
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    values.sort_unstable_by(f64::total_cmp);
    values.get(middle).copied().unwrap_or_default()
}

/// Five-minute medians, smoothed by the median of an hour.
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let cells = medians(points);
    let step = match (cells.first(), cells.get(1)) {
        (Some(one), Some(next)) => next.0 - one.0,
        _ => STEP,
    };
    let hour = ((3600.0 / step) as usize).max(1);
    let each = |at: usize| {
        let recent = cells.get((at + 1).saturating_sub(hour)..=at).unwrap_or_default();
        let mut values: Vec<f64> = recent.iter().map(|cell| cell.1).collect();
        (cells.get(at).map_or(0.0, |cell| cell.0), median(&mut values))
    };
    (0..cells.len()).map(each).collect()
}

/// Whether that slope fills it within a week.
fn fills(line: &[(f64, f64)], slope: f64, limit: f64) -> bool {
    let level = line.last().map_or(0.0, |last| last.1);
    slope > 0.0 && level + slope * 7.0 * 86_400.0 >= limit
}

/// The longest window back from now, of a hundred and at least six hours, that is a line; two fifths are in use.
fn precog(points: &[(f64, f64)], limit: f64) -> bool {
    let cells = smooth(points);
    let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return false };
    let span = last.0 - first.0;
    let least = span.min(21_600.0);
    let is_full = last.1 >= 0.4 * limit;
    let tried = (0..=100).rev().map(|step| least + (span - least) * f64::from(step) / 100.0);
    let fits = tried.filter_map(|window| {
        let from = cells.partition_point(|cell| cell.0 < last.0 - window);
        let run = cells.get(from..).filter(|run| run.len() >= 6)?;
        let (slope, fit) = line(run);
        (slope > 0.0 && fit > 0.88).then(|| fills(&cells, slope, limit))
    });
    is_full && fits.take(1).any(|fills| fills)
}

/// One line through all of it.
fn lbr(points: &[(f64, f64)], limit: f64) -> bool {
    let cells = smooth(points);
    let (slope, fit) = line(&cells);
    cells.len() >= 6 && fit > 0.8 && fills(&cells, slope, limit)
}

/// Whether it rises (two-sided, 5 %), and Sen's slope.
fn kendall(cells: &[(f64, f64)]) -> (bool, f64) {
    let count = cells.len() as f64;
    if cells.len() < 4 {
        return (false, 0.0);
    }
    let mut sum = 0.0;
    let mut slopes = Vec::new();
    for (at, one) in cells.iter().enumerate() {
        for other in cells.iter().skip(at + 1) {
            let rise = other.1 - one.1;
            if rise != 0.0 {
                sum += rise.signum();
            }
            slopes.push(rise / (other.0 - one.0));
        }
    }
    let deviation = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    (sum > 0.0 && (sum - 1.0) / deviation > 1.96, median(&mut slopes))
}
