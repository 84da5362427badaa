//! The past of a container as one peak per hour: what the chance of another kill is read from.

use std::collections::VecDeque;

/// Seconds of an hour.
pub const HOUR: f64 = 3600.0;
/// As many hours as are remembered: two weeks of hours that have samples.
const KEPT: usize = 336;
/// Nothing is smaller than this part of the largest: a logarithm needs something to hold.
const LEAST: f64 = 1e-4;

/// Peaks of hours, oldest first. An hour without samples is left out.
#[derive(Debug, Clone, Default)]
pub struct Hours {
    peaks: VecDeque<(i64, f64)>,
    seen: usize,
}

impl Hours {
    /// A sample: seconds, and what was used.
    pub fn see(&mut self, at: f64, used: f64) {
        let hour = (at / HOUR).floor() as i64;
        match self.peaks.back_mut() {
            Some((of, peak)) if *of >= hour => *peak = peak.max(used),
            _ => {
                self.peaks.push_back((hour, used));
                self.seen += 1;
            }
        }
        if self.peaks.len() > KEPT {
            self.peaks.pop_front();
        }
    }

    /// How many hours have samples, and are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peaks.len()
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peaks.is_empty()
    }

    /// The largest of all.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.peaks.iter().fold(0.0, |top, (_, peak)| top.max(*peak))
    }

    /// The largest of the last hours.
    #[must_use]
    pub fn top_of_last(&self, hours: usize) -> f64 {
        self.peaks.iter().rev().take(hours).fold(0.0, |top, (_, peak)| top.max(*peak))
    }

    /// What was seen, in figures; `None` of nothing or of nothing but zeros.
    #[must_use]
    pub fn traits(&self) -> Option<Traits> {
        let top = self.top();
        if top <= 0.0 {
            return None;
        }
        let logs: Vec<f64> =
            self.peaks.iter().map(|(_, peak)| (peak / top).max(LEAST).ln()).collect();
        let number = logs.len() as f64;
        let last = |hours: usize| -(self.top_of_last(hours) / top).max(LEAST).ln();
        let mean = logs.iter().sum::<f64>() / number;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / number;
        let steps: f64 = logs.windows(2).map(|pair| step(pair).abs()).sum();
        let half = logs.get(..=logs.len() / 2).unwrap_or_default();
        Some(Traits {
            top,
            hours: number,
            now: last(1),
            day: last(24),
            change: if logs.len() > 1 { steps / (number - 1.0) } else { 0.0 },
            spread: variance.sqrt(),
            climb: part(&records(&logs), 0.8),
            late: -half.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            logs,
        })
    }
}

fn step(pair: &[f64]) -> f64 {
    match pair {
        [one, other] => other - one,
        _ => 0.0,
    }
}

/// By how much each hour but the first went above all before it, sorted; 0 where it did not.
fn records(logs: &[f64]) -> Vec<f64> {
    let mut highest = logs.first().copied().unwrap_or(0.0);
    let above = logs.iter().skip(1).map(|log| {
        let above = (log - highest).max(0.0);
        highest = highest.max(*log);
        above
    });
    let mut records: Vec<f64> = above.collect();
    records.sort_by(f64::total_cmp);
    records
}

/// The value that this part of the sorted lies below.
fn part(sorted: &[f64], below: f64) -> f64 {
    let at = (sorted.len() as f64 * below) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Figures of a past, as logarithms of parts of its largest peak: 0 is the largest, 0.1 is 10 % below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Traits {
    /// The largest peak of an hour, in the series' unit.
    pub top: f64,
    /// Hours with samples.
    pub hours: f64,
    /// How far the newest hour lies below the largest.
    pub now: f64,
    /// How far the last day lies below the largest.
    pub day: f64,
    /// The mean change from hour to hour.
    pub change: f64,
    /// The standard deviation of the hours.
    pub spread: f64,
    /// By how much one hour in five went above all before it; 0 where fewer did.
    pub climb: f64,
    /// How much the largest grew in the second half of the past.
    pub late: f64,
    /// The hours themselves.
    pub logs: Vec<f64>,
}

impl Traits {
    /// What that part of the hours stayed below.
    #[must_use]
    pub fn quantile(&self, below: f64) -> f64 {
        let mut sorted = self.logs.clone();
        sorted.sort_by(f64::total_cmp);
        part(&sorted, below)
    }

    /// The peaks of windows as long as a day (of half the past, where that is shorter), a quarter apart, the
    /// newest first, with the hours since each ended.
    #[must_use]
    pub fn days(&self) -> Vec<(f64, f64)> {
        let all = self.logs.len();
        let long = 24.min((all / 2).max(1));
        let apart = (long / 4).max(1);
        let mut found = Vec::new();
        let mut end = all;
        while end >= long {
            let window = self.logs.get(end - long..end).unwrap_or_default();
            let peak = window.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            found.push((peak, (all - end) as f64));
            match end.checked_sub(apart) {
                Some(earlier) => end = earlier,
                None => break,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peaks: &[f64]) -> Hours {
        let mut hours = Hours::default();
        for (at, peak) in peaks.iter().enumerate() {
            hours.see(at as f64 * HOUR, peak / 2.0);
            hours.see(at as f64 * HOUR + 1800.0, *peak);
        }
        hours
    }

    #[test]
    fn an_hour_is_its_peak_and_figures_are_parts_of_the_largest() {
        let hours = of(&[50.0, 100.0, 80.0, 80.0]);
        assert_eq!((hours.len(), hours.top(), hours.top_of_last(2)), (4, 100.0, 80.0));
        let traits = hours.traits().unwrap();
        assert_eq!((traits.top, traits.hours, traits.day, traits.late), (100.0, 4.0, 0.0, 0.0));
        assert!((traits.now - 0.223).abs() < 0.001, "{traits:?}");
        assert!((traits.quantile(0.5) + 0.223).abs() < 0.001);
        assert!((traits.change - (0.693 + 0.223) / 3.0).abs() < 0.001);
    }

    #[test]
    fn two_weeks_are_remembered_and_nothing_has_no_figures() {
        let mut peaks = vec![1000.0];
        peaks.extend(vec![10.0; 336]);
        assert_eq!(of(&peaks).top(), 10.0);
        assert_eq!(of(&[]).traits(), None);
        assert_eq!(of(&[0.0, 0.0]).traits(), None);
    }

    #[test]
    fn windows_are_days_or_half_of_a_shorter_past() {
        let long: Vec<f64> = (0..48).map(|at| f64::from(at + 1)).collect();
        let traits = of(&long).traits().unwrap();
        assert_eq!(traits.days().len(), 5);
        assert_eq!(traits.days().first(), Some(&(0.0, 0.0)));
        assert_eq!(traits.days().last().map(|(_, age)| *age), Some(24.0));
        assert_eq!(of(&[1.0, 2.0, 3.0]).traits().unwrap().days().len(), 3);
    }
}
