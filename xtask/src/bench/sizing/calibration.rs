//! Bar 2, second half: of the limits that are said to be hit on one day in a hundred, how many are?
//!
//! On each day of each series `size` is asked with the past alone, and the smallest limit whose stated chance is at
//! most 1 %, 5 %, 10 % is compared with the real next day. Beside it the same with the chances as they were
//! fitted without this set: those days had no part in the fit.

use sizing::Series;
use sizing::forecast::{Forecast, Weights};
use sizing::hours::Hours;
use sizing::replay::curve;
use sizing::size::{self, Asked};

use super::page::Page;
use super::sets::{Set, next_day};
use crate::summary::Summary;

const DAY: f64 = 86_400.0;
/// What is stated, and how many may be hit of those.
pub(super) const STATED: [(f64, f64); 3] = [(0.01, 0.02), (0.05, 0.10), (0.10, 0.20)];

/// Limits stated and hit, by what was stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hits {
    pub(super) stated: [usize; 3],
    pub(super) hit: [usize; 3],
}

impl Hits {
    fn add(&mut self, other: &Self) {
        let add = |ours: &mut [usize; 3], theirs: &[usize; 3]| {
            ours.iter_mut().zip(theirs).for_each(|(one, more)| *one += more);
        };
        add(&mut self.stated, &other.stated);
        add(&mut self.hit, &other.hit);
    }

    fn take(&mut self, at: usize, is_hit: bool) {
        if let (Some(stated), Some(hit)) = (self.stated.get_mut(at), self.hit.get_mut(at)) {
            *stated += 1;
            *hit += usize::from(is_hit);
        }
    }

    /// The part that was hit.
    pub(super) fn part(&self, at: usize) -> f64 {
        let of = |counts: &[usize; 3]| counts.get(at).copied().unwrap_or(0) as f64;
        of(&self.hit) / of(&self.stated)
    }
}

/// Asks every day of every series.
pub(super) fn run(sets: &[Set], page: &mut Page, summary: &mut Summary) {
    let mut rows = Vec::new();
    for set in sets {
        let (mut said, mut left_out) = (Hits::default(), Hits::default());
        let ask = |series: &Series| asked(series, set.terms.history, &set.without);
        for (of_size, of_others) in curve::of_each(&set.series, &ask) {
            said.add(&of_size);
            left_out.add(&of_others);
        }
        rows.push((set.name, said, left_out));
    }
    page.calibration(&rows);
    for (name, said, left_out) in &rows {
        for (at, (stated, most)) in STATED.iter().enumerate() {
            let (said, left_out) = (said.part(at), left_out.part(at));
            let what = format!(
                "{name}: limits stated at {:.0} % a day, hit on {:.2} % (fitted without the set {:.2} %)",
                100.0 * stated,
                100.0 * said,
                100.0 * left_out
            );
            if said <= *most && left_out <= *most {
                summary.passed(&what);
            } else {
                summary.failed(&what, &format!("more than {:.0} %", 100.0 * most));
            }
        }
    }
}

/// What `size` states, and what the chances fitted on other sets state.
fn asked(series: &Series, history: f64, others: &Weights) -> (Hits, Hits) {
    let (mut said, mut left_out) = (Hits::default(), Hits::default());
    let Some(start) = series.points.first().map(|point| point.at) else {
        return (said, left_out);
    };
    let mut moment = start + history;
    while moment <= start + series.span() {
        let from = series.points.partition_point(|point| point.at <= moment);
        if let Some(day) = next_day(series, from) {
            let most = day.iter().map(|point| point.used).fold(0.0, f64::max);
            let mut past = series.clone();
            past.cut(moment);
            of_size(&past, most, &mut said);
            of_others(&past, most, others, &mut left_out);
        }
        moment += DAY;
    }
    (said, left_out)
}

fn of_size(past: &Series, most: f64, hits: &mut Hits) {
    let size = size::size(past, &Asked::default());
    for (at, (stated, _)) in STATED.iter().enumerate() {
        let fits = size.risk.iter().filter(|risk| risk.oom_per_day <= stated + 1e-9);
        if let Some(limit) = fits.map(|risk| risk.limit_bytes).reduce(f64::min) {
            hits.take(at, most > limit);
        }
    }
}

fn of_others(past: &Series, most: f64, weights: &Weights, hits: &mut Hits) {
    let mut hours = Hours::default();
    past.points.iter().for_each(|point| hours.see(point.at, point.used));
    let Some(forecast) = Forecast::of(&hours, weights) else { return };
    for (at, (stated, _)) in STATED.iter().enumerate() {
        hits.take(at, most > forecast.limit_for(*stated));
    }
}

#[cfg(test)]
mod tests {
    use sizing::{Point, Unit};

    use super::*;

    #[test]
    fn a_day_above_every_limit_is_a_hit_of_each_and_a_calm_one_of_none() {
        let point = |at: usize| {
            let used = if at < 1500 { 40.0 + (at % 5) as f64 * 0.1 } else { 4000.0 };
            Point { at: at as f64 * 300.0, used }
        };
        let series =
            Series { points: (0..1780).map(point).collect(), ..Series::named("a", Unit::Percent) };
        let (said, left_out) = asked(&series, 2.0 * DAY, &Weights::WITHOUT_JOBS);
        // Days 3, 4, 5 and what is left of day 6; it jumps within day 6.
        assert_eq!(said.stated, [4, 4, 4]);
        assert_eq!(said.hit, [1, 1, 1]);
        assert_eq!(left_out, said);
    }
}
