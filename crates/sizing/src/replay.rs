//! A series played through a rule that sets limits, as it would have gone.
//!
//! The rule sees a sample only after it happened, and never more than its own limit: at a sample above the
//! limit the kernel kills, what would have been taken stays unknown to the rule, and the container starts
//! again. A rule that hears of kills decides anew at once, one that does not at its next hour; it is counted as
//! killed once until then.

pub mod curve;

use crate::policy::Rule;
use crate::series::Series;

/// Seconds between two decisions.
pub const DECISION: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// How a replay is run.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Seconds that are only watched before the first limit is set.
    pub history: f64,
    /// A last day that is shorter than this is not counted.
    pub shortest_day: f64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { history: 2.0 * DAY, shortest_day: DAY / 2.0 }
    }
}

/// One day of one container under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Day {
    /// How often the limit was hit.
    pub kills: u32,
    /// The part of the limit that was not used, averaged over the samples.
    pub slack: f64,
    /// Limit times seconds.
    pub held: f64,
    /// Use times seconds.
    pub used: f64,
}

/// What all the days came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Days of containers.
    pub days: usize,
    /// The part of them with a kill.
    pub oom_days: f64,
    /// Kills per day.
    pub kills: f64,
    /// The mean of the days' slack.
    pub slack: f64,
    /// The part of all memory held that nobody used.
    pub unused: f64,
}

impl Score {
    /// Of all these days.
    #[must_use]
    pub fn of(days: &[Day]) -> Self {
        let number = days.len().max(1) as f64;
        let sum = |part: fn(&Day) -> f64| days.iter().map(part).sum::<f64>();
        Self {
            days: days.len(),
            oom_days: sum(|day| f64::from(u8::from(day.kills > 0))) / number,
            kills: sum(|day| f64::from(day.kills)) / number,
            slack: sum(|day| day.slack) / number,
            unused: 1.0 - sum(|day| day.used) / sum(|day| day.held).max(f64::MIN_POSITIVE),
        }
    }
}

/// The days of one series under a rule.
#[must_use]
pub fn days(series: &Series, rule: &Rule, terms: &Terms) -> Vec<Day> {
    let Some(start) = series.points.first().map(|point| point.at) else { return Vec::new() };
    let mut policy = rule.begin(series.unit);
    let mut days = Vec::new();
    let mut day = Running::default();
    let mut limit = f64::INFINITY;
    let (mut decide_at, mut day_ends) = (start + terms.history, start + terms.history + DAY);
    let mut heard = true;
    for point in &series.points {
        if point.at >= day_ends {
            days.extend(day.close(terms));
            while point.at >= day_ends {
                day_ends += DAY;
            }
        }
        if point.at >= decide_at {
            limit = policy.limit(point.at);
            heard = true;
            while point.at >= decide_at {
                decide_at += DECISION;
            }
        }
        let killed = point.used > limit;
        if limit.is_finite() {
            day.take(point.at, point.used.min(limit), limit, killed && heard);
        }
        policy.see(point.at, point.used.min(limit), killed.then_some(limit));
        if killed {
            heard = false;
            if rule.hears_kills() {
                limit = policy.limit(point.at).max(limit);
                heard = true;
            }
        }
    }
    days.extend(day.close(terms));
    days
}

/// A day that is not over.
#[derive(Debug, Default)]
struct Running {
    from: Option<f64>,
    last: f64,
    samples: f64,
    kills: u32,
    slack: f64,
    held: f64,
    used: f64,
}

impl Running {
    fn take(&mut self, at: f64, used: f64, limit: f64, killed: bool) {
        let since = self.from.map_or(0.0, |_| (at - self.last).min(DECISION));
        self.from.get_or_insert(at);
        self.last = at;
        self.samples += 1.0;
        self.kills += u32::from(killed);
        self.slack += if limit > 0.0 { (limit - used) / limit } else { 0.0 };
        self.held += limit * since;
        self.used += used * since;
    }

    fn close(&mut self, terms: &Terms) -> Option<Day> {
        let day = std::mem::take(self);
        let long = day.last - day.from? >= terms.shortest_day;
        long.then_some(Day {
            kills: day.kills,
            slack: day.slack / day.samples,
            held: day.held,
            used: day.used,
        })
    }
}

#[cfg(test)]
mod tests;
