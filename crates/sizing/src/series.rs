//! The memory of one container over time, as it was sampled: values, limits, requests, ends of lives.
//!
//! What a sample says is what the kernel cannot take back (anon + shmem + kernel + hot file) where the source
//! told it, else what the source calls used. Nothing is smoothed or filled in: a gap stays a gap.

/// A sample above this part of its limit has met it: what was wanted is not known.
pub const AT_LIMIT: f64 = 0.985;

/// What the values are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Bytes.
    #[default]
    Bytes,
    /// Hundredths of something that the source does not name (a limit, a machine).
    Percent,
    /// A part of something that the source does not name, 1 is all of it.
    Fraction,
}

impl Unit {
    /// As it is spelled in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Percent => "percent",
            Self::Fraction => "fraction",
        }
    }
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds, from whatever the source counts from.
    pub at: f64,
    /// Memory in use, in the series' unit.
    pub used: f64,
}

/// How one life of the container ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// How many points lie before it.
    pub after: usize,
    /// Whether the kernel killed at the limit. What it would have taken is not known then.
    pub killed: bool,
}

/// One container over time.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// As the source names it.
    pub name: String,
    /// What its values are counted in.
    pub unit: Unit,
    /// The samples, oldest first, no two of one time.
    pub points: Vec<Point>,
    /// The limit in effect at each sample, NaN where it had none or nobody told; empty: never told.
    pub limits: Vec<f64>,
    /// Requests answered since the start at each sample, NaN where nobody told; empty: never told.
    pub requests: Vec<f64>,
    /// Where a life ended or a kill happened inside one, oldest first.
    pub ends: Vec<End>,
}

impl Series {
    /// A series with nothing in it yet.
    #[must_use]
    pub fn named(name: &str, unit: Unit) -> Self {
        Self { name: name.to_owned(), unit, ..Self::default() }
    }

    /// Seconds from the first to the last sample.
    #[must_use]
    pub fn span(&self) -> f64 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0.0,
        }
    }

    /// The largest value; `None` without samples.
    #[must_use]
    pub fn peak(&self) -> Option<Point> {
        self.points
            .iter()
            .copied()
            .reduce(|one, other| if other.used > one.used { other } else { one })
    }

    /// The limit at the last sample that told one.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        self.limits.iter().rev().copied().find(|limit| limit.is_finite())
    }

    /// The limit that was in effect at that sample.
    #[must_use]
    pub fn limit_at(&self, index: usize) -> Option<f64> {
        self.limits.get(index).copied().filter(|limit| limit.is_finite())
    }

    /// The lives, oldest first: from which sample to before which.
    #[must_use]
    pub fn lives(&self) -> Vec<std::ops::Range<usize>> {
        let mut lives = Vec::new();
        let mut from = 0;
        for end in &self.ends {
            if end.after > from {
                lives.push(from..end.after);
                from = end.after;
            }
        }
        if from < self.points.len() {
            lives.push(from..self.points.len());
        }
        lives
    }

    /// Only what was known at that time.
    pub fn cut(&mut self, as_of: f64) {
        let kept = self.points.partition_point(|point| point.at <= as_of);
        self.keep(kept);
    }

    /// Only the first samples.
    pub fn keep(&mut self, kept: usize) {
        self.points.truncate(kept);
        self.limits.truncate(kept);
        self.requests.truncate(kept);
        let all = self.points.len();
        self.ends.retain(|end| end.after <= all);
    }

    /// The time between two samples, as most of them have it; `None` of fewer than two.
    #[must_use]
    pub fn step(&self) -> Option<f64> {
        let mut steps: Vec<f64> = self
            .points
            .windows(2)
            .filter_map(|pair| Some(pair.get(1)?.at - pair.first()?.at))
            .collect();
        if steps.is_empty() {
            return None;
        }
        let middle = steps.len() / 2;
        let (_, step, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
        Some(*step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Series {
        let point = |(at, used): (usize, &f64)| Point { at: at as f64 * 60.0, used: *used };
        Series {
            points: values.iter().enumerate().map(point).collect(),
            ..Series::named("a", Unit::Bytes)
        }
    }

    #[test]
    fn lives_are_what_lies_between_the_ends() {
        let mut series = of(&[1.0, 2.0, 3.0, 1.0, 2.0]);
        assert_eq!(series.lives(), vec![0..5]);
        series.ends = vec![End { after: 3, killed: true }];
        assert_eq!(series.lives(), vec![0..3, 3..5]);
        series.ends.push(End { after: 5, killed: false });
        assert_eq!(series.lives(), vec![0..3, 3..5]);
    }

    #[test]
    fn the_past_knows_nothing_of_what_came_later() {
        let mut series = of(&[1.0, 9.0, 3.0, 20.0]);
        series.limits = vec![4.0; 4];
        series.ends = vec![End { after: 2, killed: true }, End { after: 4, killed: true }];
        series.cut(120.0);
        assert_eq!(series.points.len(), 3);
        assert_eq!(series.limits.len(), 3);
        assert_eq!(series.ends, vec![End { after: 2, killed: true }]);
        assert_eq!(series.peak().map(|peak| peak.used), Some(9.0));
    }

    #[test]
    fn the_usual_step_is_not_moved_by_a_gap() {
        let mut series = of(&[1.0, 1.0, 1.0, 1.0]);
        if let Some(last) = series.points.last_mut() {
            last.at += 4000.0;
        }
        assert_eq!((series.step(), series.span()), (Some(60.0), 4180.0));
        assert_eq!(of(&[1.0]).step(), None);
    }
}
