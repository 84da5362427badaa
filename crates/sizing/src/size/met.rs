//! Which limits were met: by a kill, by samples that lie at one. What was wanted there is not known, until a day under
//! a larger limit has shown it.

use crate::forecast::kill::Kill;
use crate::series::{AT_LIMIT, Series};
use crate::words::amount;

use super::DAY;

/// Where a limit is met and changed again and again, so many of its newest values count.
const HITS: usize = 16;
/// A sample this far above a limit shows that it was not in effect.
const ABOVE_LIMIT: f64 = 1.02;

/// The largest limit at which it was killed, and how it came there.
pub(super) fn killed_at(series: &Series, limit: Option<f64>, killed: bool) -> Option<Kill> {
    let kills = series.ends.iter().filter(|end| end.killed);
    let at = kills.filter_map(|end| {
        let hit = series.limit_at(end.after.checked_sub(1)?).or(limit)?;
        (!is_outlived(series, end.after, hit)).then_some((hit, end.after))
    });
    let ended = killed.then(|| limit.or_else(|| Some(series.peak()?.used))).flatten();
    let ended = ended.map(|hit| (hit, series.points.len()));
    Some(come_to(series, at.chain(ended).reduce(larger)?))
}

/// The largest limit that samples lie at, without a kill, and how it came there.
pub(super) fn touched(series: &Series, limit: Option<f64>) -> Option<Kill> {
    let mut hits: Vec<(f64, usize)> = Vec::new();
    for (at, point) in series.points.iter().enumerate() {
        let Some(limit) = series.limit_at(at).or(limit) else { continue };
        if !(limit * AT_LIMIT..limit * ABOVE_LIMIT).contains(&point.used) {
            continue;
        }
        match hits.last_mut() {
            Some((same, last)) if *same == limit => *last = at,
            _ => hits.push((limit, at)),
        }
    }
    let newest = hits.into_iter().rev().take(HITS);
    let known = newest.filter(|(hit, at)| !is_outlived(series, at + 1, *hit));
    Some(come_to(series, known.reduce(larger)?))
}

/// The larger limit, the later of two that are alike.
fn larger(one: (f64, usize), other: (f64, usize)) -> (f64, usize) {
    if one.0 > other.0 || (one.0 == other.0 && one.1 > other.1) { one } else { other }
}

fn come_to(series: &Series, (hit, after): (f64, usize)) -> Kill {
    Kill::of(series.points.iter().take(after), hit)
}

/// Whether it lived for a day under a larger limit after that sample, without a kill: what was wanted was seen then.
fn is_outlived(series: &Series, after: usize, hit: f64) -> bool {
    if series.limits.is_empty() {
        return false;
    }
    let is_larger = |at: &usize| series.limit_at(*at).is_none_or(|now| now > hit * ABOVE_LIMIT);
    let Some(from) = (after..series.points.len()).find(is_larger) else { return false };
    let next = series.ends.iter().find(|end| end.killed && end.after > from);
    let last = next.map_or(series.points.len(), |next| next.after).saturating_sub(1);
    let both = series.points.get(from).zip(series.points.get(last));
    both.is_some_and(|(from, last)| last.at - from.at >= DAY)
}

/// Samples above a limit: it was not in effect, or something else is counted.
pub(super) fn above(series: &Series, limit: Option<f64>) -> Option<String> {
    let shown = |value: f64| amount(value, series.unit);
    let points = series.points.iter().enumerate();
    let over = points.filter_map(|(at, point)| {
        let limit = series.limit_at(at).or(limit)?;
        (point.used >= limit * ABOVE_LIMIT).then_some((point.used, limit))
    });
    let (count, most) = over.fold((0usize, None), |(count, most), one| match most {
        Some((used, _)) if used >= one.0 => (count + 1, most),
        _ => (count + 1, Some(one)),
    });
    let (used, limit) = most?;
    Some(format!(
        "{count} sample{} above the limit of {}, up to {}: it was not in effect then, or these samples count more than it does",
        if count == 1 { " lies" } else { "s lie" },
        shown(limit),
        shown(used)
    ))
}
