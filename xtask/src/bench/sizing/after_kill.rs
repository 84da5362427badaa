//! Bar 2, first half: after a kill the first recommendation is to survive the next day.
//!
//! Each series is cut where it first goes above a limit that we set. Only what lies before is handed over, and the
//! kill: its sample is known as the limit, not as what was wanted. Then the real next 24 hours are looked at.

use sizing::replay::curve;
use sizing::shape::Kind;
use sizing::size::{self, Asked};
use sizing::{Point, Series};

use super::page::Page;
use super::sets::{Set, next_day};
use crate::summary::Summary;

/// The limits that are set: parts of the peak, and as many of a hundred samples below.
pub(super) const PARTS: [f64; 5] = [0.70, 0.80, 0.90, 0.95, 0.99];
/// The bar: so many survive.
pub(super) const SURVIVE: f64 = 0.9;

/// How a limit was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// A part of the peak.
    Peak,
    /// A quantile of the samples.
    Samples,
}

/// One kill and what came after it.
#[derive(Debug, Clone, Copy)]
struct Case {
    cut: Cut,
    part: f64,
    /// What was recommended: whether it survives, and its slack. `None`: no limit was advised.
    ours: Option<(bool, f64)>,
    /// The same of twice the limit.
    doubled: (bool, f64),
    /// Why nothing was advised.
    blocked: Option<Blocked>,
}

/// Why nothing was advised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocked {
    Leak,
    TooEarly,
    Other,
}

/// What the cases of one row came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Row {
    pub(super) cases: usize,
    pub(super) sized: usize,
    pub(super) survive: usize,
    pub(super) slack: f64,
    /// Doubling, of the same cases.
    pub(super) doubled: usize,
    pub(super) doubled_slack: f64,
    pub(super) leaks: usize,
    pub(super) early: usize,
    pub(super) other: usize,
    /// Doubling where we advise nothing.
    pub(super) blocked_doubled: usize,
}

impl Row {
    fn of<'a>(cases: impl Iterator<Item = &'a Case>) -> Self {
        let mut row = Self::default();
        for case in cases {
            row.cases += 1;
            match case.ours {
                Some((survives, slack)) => {
                    row.sized += 1;
                    row.survive += usize::from(survives);
                    row.slack += slack;
                    row.doubled += usize::from(case.doubled.0);
                    row.doubled_slack += case.doubled.1;
                }
                None => row.blocked_doubled += usize::from(case.doubled.0),
            }
            match case.blocked {
                Some(Blocked::Leak) => row.leaks += 1,
                Some(Blocked::TooEarly) => row.early += 1,
                Some(Blocked::Other) => row.other += 1,
                None => {}
            }
        }
        let sized = row.sized.max(1) as f64;
        row.slack /= sized;
        row.doubled_slack /= sized;
        row
    }

    /// The part that survives.
    pub(super) fn survives(&self) -> f64 {
        self.survive as f64 / self.sized as f64
    }
}

/// Cuts, asks, looks, prints.
pub(super) fn run(sets: &[Set], page: &mut Page, summary: &mut Summary) {
    let mut all = Vec::new();
    for set in sets {
        let cases: Vec<Case> = curve::of_each(&set.series, &cases).into_iter().flatten().collect();
        for cut in [Cut::Peak, Cut::Samples] {
            let of = |part: f64| {
                Row::of(cases.iter().filter(|case| case.cut == cut && case.part == part))
            };
            let rows: Vec<(f64, Row)> = PARTS.into_iter().map(|part| (part, of(part))).collect();
            let together = Row::of(cases.iter().filter(|case| case.cut == cut));
            page.after_kill(set, cut, &rows, &together);
            all.push((set.name, cut, together));
        }
    }
    for (name, cut, row) in all {
        let cut = match cut {
            Cut::Peak => "parts of the peak",
            Cut::Samples => "parts of the samples",
        };
        let what = format!(
            "{name}, cut at {cut}: {:.1} % survive a day at {:.1} % slack (doubled {:.1} %)",
            100.0 * row.survives(),
            100.0 * row.slack,
            100.0 * row.doubled_slack
        );
        if row.survives() >= SURVIVE && row.slack < row.doubled_slack {
            summary.passed(&what);
        } else {
            summary.failed(&what, "misses the bar of 90 % at less slack than doubling");
        }
    }
}

fn cases(series: &Series) -> Vec<Case> {
    let mut sorted: Vec<f64> = series.points.iter().map(|point| point.used).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(peak) = sorted.last().copied().filter(|peak| *peak > 0.0) else { return Vec::new() };
    let mut found = Vec::new();
    for part in PARTS {
        let index = (part * sorted.len() as f64) as usize;
        let quantile = sorted.get(index).copied().unwrap_or(peak);
        found.extend(case(series, Cut::Peak, part, part * peak));
        found.extend(case(series, Cut::Samples, part, quantile));
    }
    found
}

/// `None` where the limit is never passed, or nothing lies before it, or less than half a day after it.
fn case(series: &Series, cut: Cut, part: f64, limit: f64) -> Option<Case> {
    let at = series.points.iter().position(|point| point.used > limit)?;
    if at < 3 || limit <= 0.0 {
        return None;
    }
    let day = next_day(series, at)?;
    let mut past = series.clone();
    past.keep(at + 1);
    if let Some(last) = past.points.last_mut() {
        last.used = limit;
    }
    let asked = Asked { killed: true, limit: Some(limit), ..Asked::default() };
    let size = size::size(&past, &asked);
    let blocked = size.limit.is_none().then_some(match size.shape.kind {
        Kind::Leak => Blocked::Leak,
        Kind::TooEarly => Blocked::TooEarly,
        _ => Blocked::Other,
    });
    Some(Case {
        cut,
        part,
        ours: size.limit.map(|limit| lived(day, limit)),
        doubled: lived(day, 2.0 * limit),
        blocked,
    })
}

/// Whether a limit survives the day, and what part of it lies unused.
fn lived(day: &[Point], limit: f64) -> (bool, f64) {
    let survives = day.iter().all(|point| point.used <= limit);
    let slack = day.iter().map(|point| 1.0 - point.used.min(limit) / limit).sum::<f64>();
    (survives, slack / day.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use sizing::Unit;

    use super::*;

    fn series(used: impl Fn(usize) -> f64) -> Series {
        let point = |at: usize| Point { at: at as f64 * 300.0, used: used(at) };
        Series { points: (0..2000).map(point).collect(), ..Series::named("a", Unit::Percent) }
    }

    #[test]
    fn the_past_holds_the_limit_and_nothing_above_it() {
        // A step from 40 to 60 after three days: a limit of 45 kills at its first sample.
        let step = series(|at| if at < 900 { 40.0 + (at % 3) as f64 } else { 60.0 });
        let case = case(&step, Cut::Peak, 0.75, 45.0).unwrap();
        let (survives, slack) = case.ours.unwrap();
        assert!(survives, "{case:?}");
        assert!(case.doubled.0);
        assert!(slack > 0.0 && slack < case.doubled.1, "{case:?}");
    }

    #[test]
    fn a_limit_that_is_never_passed_is_no_case() {
        let flat = series(|_| 40.0);
        assert!(case(&flat, Cut::Peak, 1.0, 40.0).is_none());
        // Nor one that is passed by the first samples.
        assert!(case(&flat, Cut::Peak, 0.5, 20.0).is_none());
        let (survives, slack) = lived(&flat.points, 50.0);
        assert!(survives && (slack - 0.2).abs() < 1e-9);
        assert_eq!(lived(&flat.points, 30.0), (false, 0.0));
    }
}
