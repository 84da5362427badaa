//! Many series under many rules, and what one rule costs where it is hit as often as another.
//!
//! One point of slack and days with a kill says little: whoever gives more memory is killed less. So a rule with
//! a knob is a curve of its settings, and two rules are compared where both have equally many days with a kill.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Day, Score, Terms, days};
use crate::policy::ours::Constants;
use crate::policy::{Choice, Rule};
use crate::series::Series;

/// Days of one or more series, so that they can be put together in any way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    days: usize,
    oom_days: usize,
    kills: f64,
    slack: f64,
    held: f64,
    used: f64,
}

impl Tally {
    /// Of these days.
    #[must_use]
    pub fn of(days: &[Day]) -> Self {
        let mut tally = Self { days: days.len(), ..Self::default() };
        for day in days {
            tally.oom_days += usize::from(day.kills > 0);
            tally.kills += f64::from(day.kills);
            tally.slack += day.slack;
            tally.held += day.held;
            tally.used += day.used;
        }
        tally
    }

    /// With these added.
    pub fn add(&mut self, other: &Self) {
        self.days += other.days;
        self.oom_days += other.oom_days;
        self.kills += other.kills;
        self.slack += other.slack;
        self.held += other.held;
        self.used += other.used;
    }

    /// What they came to.
    #[must_use]
    pub fn score(&self) -> Score {
        let number = self.days.max(1) as f64;
        Score {
            days: self.days,
            oom_days: self.oom_days as f64 / number,
            kills: self.kills / number,
            slack: self.slack / number,
            unused: if self.held > 0.0 { 1.0 - self.used / self.held } else { 0.0 },
        }
    }
}

/// Each series under each rule, on all processors: for each series a tally per rule.
#[must_use]
pub fn tallies(series: &[Series], rules: &[Rule], terms: &Terms) -> Vec<Vec<Tally>> {
    of_each(series, &|one| rules.iter().map(|rule| Tally::of(&days(one, rule, terms))).collect())
}

/// The same asked of each series, on all processors; the answers in the order of the series.
pub fn of_each<Answer: Send>(
    series: &[Series],
    ask: &(dyn Fn(&Series) -> Answer + Sync),
) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = series.get(at) else { return done };
            done.push((at, ask(one)));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(series.len());
    let mut all: Vec<(usize, Answer)> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.flat_map(|done| done.unwrap_or_else(|bug| std::panic::resume_unwind(bug))).collect()
    });
    // The sums of fractions must not depend on who was first.
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}

/// The settings of our rule from the boldest to the most careful.
#[must_use]
pub fn ours() -> Vec<Rule> {
    ours_with(Constants::ALL)
}

/// The same with other constants, for judging them.
#[must_use]
pub fn ours_with(constants: Constants) -> Vec<Rule> {
    let hours = [0.98, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.62, 0.61, 0.605];
    let shares = hours.into_iter().chain(shares_of_days());
    shares.map(|share| Rule::Ours(Choice::of(share).with(constants))).collect()
}

/// The settings that look at days: evenly by logarithm from six days in ten to one in sixty million, room of 1 %
/// to 60 % for the calmest.
pub fn shares_of_days() -> impl Iterator<Item = f64> {
    (0..52).map(|step| 0.6 * 0.7f64.powi(step))
}

/// The settings of the plain rule.
#[must_use]
pub fn largest() -> Vec<Rule> {
    [1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0].map(Rule::Max).to_vec()
}

/// Slack by days with a kill: of the settings of a rule those that no other setting beats in both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Days with a kill and slack, the fewest kills (and the most slack) first.
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Of the scores of a rule's settings.
    #[must_use]
    pub fn of(scores: impl IntoIterator<Item = Score>) -> Self {
        let mut all: Vec<(f64, f64)> =
            scores.into_iter().map(|score| (score.oom_days, score.slack)).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut points: Vec<(f64, f64)> = Vec::new();
        for point in all {
            if points.last().is_none_or(|last| point.1 < last.1) {
                points.push(point);
            }
        }
        Self { points }
    }

    /// Its points, the fewest kills first.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The slack where so many days have a kill, between two settings by a straight line (as it would be if some
    /// containers had the one and some the other); `None` where no setting has as few kills as that.
    #[must_use]
    pub fn slack_at(&self, oom_days: f64) -> Option<f64> {
        // Of few days each is a step: the same number of them must be the same level.
        let level = oom_days + 1e-9;
        let after = self.points.partition_point(|point| point.0 <= level);
        let (left, slack) = *self.points.get(after.checked_sub(1)?)?;
        let Some((right, less)) = self.points.get(after) else { return Some(slack) };
        let part = ((level - left) / (right - left)).clamp(0.0, 1.0);
        Some(slack + part * (less - slack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Point, Unit};

    fn score(oom_days: f64, slack: f64) -> Score {
        Score { days: 1, oom_days, slack, ..Score::default() }
    }

    #[test]
    fn between_two_settings_the_slack_lies_on_a_line() {
        let curve =
            Curve::of([score(0.3, 0.1), score(0.1, 0.3), score(0.2, 0.35), score(0.4, 0.1)]);
        assert_eq!(curve.points(), [(0.1, 0.3), (0.3, 0.1)]);
        assert!((curve.slack_at(0.2).unwrap() - 0.2).abs() < 1e-6);
        assert!((curve.slack_at(0.1).unwrap() - 0.3).abs() < 1e-6);
        // As many kills as nobody wants cost no more than the boldest setting.
        assert!((curve.slack_at(0.9).unwrap() - 0.1).abs() < 1e-6);
    }

    #[test]
    fn what_no_setting_reaches_is_not_made_up() {
        assert_eq!(Curve::of([score(0.1, 0.3)]).slack_at(0.05), None);
        assert_eq!(Curve::default().slack_at(0.5), None);
    }

    #[test]
    fn tallies_of_parts_add_up_to_the_score_of_all() {
        let days = [
            Day { kills: 2, slack: 0.25, held: 400.0, used: 300.0 },
            Day { kills: 0, slack: 0.5, held: 200.0, used: 100.0 },
            Day { kills: 0, slack: 0.75, held: 400.0, used: 100.0 },
        ];
        let mut sum = Tally::of(&days[..1]);
        sum.add(&Tally::of(&days[1..]));
        assert_eq!(sum.score(), Score::of(&days));
        assert_eq!(sum.score().unused, 0.5);
        assert_eq!(Tally::default().score().days, 0);
    }

    #[test]
    fn every_series_keeps_its_place_however_many_work_at_it() {
        let of = |size: usize| {
            let point = |at: usize| Point { at: at as f64 * 3600.0, used: 100.0 };
            Series { points: (0..size).map(point).collect(), ..Series::named("a", Unit::Percent) }
        };
        let series: Vec<Series> = (2..30).map(|days| of(days * 24 + 1)).collect();
        let terms = Terms { history: 86_400.0, ..Terms::default() };
        let rules = [Rule::Krr, Rule::Kubecost];
        let all = tallies(&series, &rules, &terms);
        for (at, tallies) in all.iter().enumerate() {
            assert_eq!(tallies.len(), 2);
            assert_eq!(tallies[0].score().days, at + 1);
            assert!((tallies[0].score().slack - (1.0 - 1.0 / 1.15)).abs() < 1e-9);
            assert!((tallies[1].score().slack - 0.3).abs() < 1e-9);
        }
        assert_eq!(all.len(), 28);
    }

    #[test]
    fn a_more_careful_setting_never_costs_less_on_a_calm_series() {
        let point = |at: usize| Point { at: at as f64 * 300.0, used: 100.0 + (at % 12) as f64 };
        let calm =
            Series { points: (0..2000).map(point).collect(), ..Series::named("a", Unit::Percent) };
        let all = tallies(&[calm], &ours(), &Terms::default());
        let slack: Vec<f64> = all[0].iter().map(|tally| tally.score().slack).collect();
        // The boldest look at hours, the others at days: each kind for itself.
        let (hours, days) = slack.split_at(11);
        for slack in [hours, days] {
            assert!(slack.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9), "{slack:?}");
        }
    }
}
