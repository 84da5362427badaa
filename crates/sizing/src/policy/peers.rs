//! The published rules, as far as they decide on memory.
//!
//! Read in: kubernetes/autoscaler 55c37cd (`vertical-pod-autoscaler/pkg/recommender`), robusta-dev/krr d6baa74
//! (`robusta_krr/strategies/simple.py`), gocrane/crane 2b0ddae (`pkg/recommendation`), kubecost/docs v1.x
//! (request sizing API). Floors and buckets in bytes apply to series in bytes only; elsewhere a bucket is a
//! thousandth of the whole.

use std::collections::VecDeque;

use super::{Policy, Rule};
use crate::series::Unit;

const MIB: f64 = 1_048_576.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

pub(super) fn begin(rule: &Rule, unit: Unit) -> Box<dyn Policy> {
    let bytes = unit == Unit::Bytes;
    let floor = |mib: f64| if bytes { mib * MIB } else { 0.0 };
    let peaks = |factor: f64, floor: f64, rounds: bool| Peaks {
        hours: Hours::of(14.0 * DAY, f64::max),
        factor,
        floor,
        step: if rounds && bytes { MIB } else { 0.0 },
        killed: Kills::default(),
    };
    match rule {
        Rule::Max(factor) => Box::new(Peaks {
            killed: Kills { bump: 1.2, keep: DAY, ..Kills::default() },
            ..peaks(*factor, 0.0, false)
        }),
        Rule::Krr => Box::new(peaks(1.15, floor(100.0), true)),
        Rule::Kubecost => Box::new(peaks(1.0 / 0.7, floor(20.0), false)),
        Rule::Vpa => {
            Box::new(Vpa { days: VecDeque::new(), floor: floor(250.0), scale: Scale::of(unit) })
        }
        Rule::Crane => {
            Box::new(Crane { samples: VecDeque::new(), scale: Scale::of(unit), kill: None })
        }
        Rule::Ours(choice) => Box::new(super::ours::Ours::of(*choice)),
        Rule::Plateau => {
            Box::new(Plateau { medians: VecDeque::new(), hour: Vec::new(), begun: None })
        }
    }
}

/// One value per hour of a window that moves.
struct Hours {
    window: f64,
    join: fn(f64, f64) -> f64,
    values: VecDeque<(f64, f64)>,
}

impl Hours {
    fn of(window: f64, join: fn(f64, f64) -> f64) -> Self {
        Self { window, join, values: VecDeque::new() }
    }

    fn see(&mut self, at: f64, value: f64) {
        let hour = (at / HOUR).floor() * HOUR;
        match self.values.back_mut() {
            Some((of, held)) if *of == hour => *held = (self.join)(*held, value),
            _ => self.values.push_back((hour, value)),
        }
        while self.values.front().is_some_and(|(of, _)| *of + HOUR <= at - self.window) {
            self.values.pop_front();
        }
    }

    fn max(&self) -> f64 {
        self.values.iter().fold(0.0, |max, (_, value)| value.max(max))
    }
}

/// What a rule keeps of kills: the limit that was hit, times a factor, for a while.
struct Kills {
    bump: f64,
    keep: f64,
    seen: Option<(f64, f64)>,
}

impl Default for Kills {
    fn default() -> Self {
        Self { bump: 0.0, keep: 0.0, seen: None }
    }
}

/// The largest of a window times a factor.
struct Peaks {
    hours: Hours,
    factor: f64,
    floor: f64,
    step: f64,
    killed: Kills,
}

impl Policy for Peaks {
    fn see(&mut self, at: f64, used: f64, killed: Option<f64>) {
        self.hours.see(at, used);
        if let Some(limit) = killed {
            self.killed.seen = Some((at, limit));
        }
    }

    fn limit(&mut self, now: f64) -> f64 {
        let plain = (self.hours.max() * self.factor).max(self.floor);
        let bumped = self.killed.seen.filter(|(at, _)| now - at <= self.killed.keep);
        let limit = plain.max(bumped.map_or(0.0, |(_, limit)| limit * self.killed.bump));
        if self.step > 0.0 { (limit / self.step).ceil() * self.step } else { limit }
    }
}

/// Where the buckets of a histogram end.
#[derive(Clone, Copy)]
struct Scale {
    first: f64,
    bump: f64,
    linear: f64,
}

impl Scale {
    fn of(unit: Unit) -> Self {
        match unit {
            Unit::Bytes => Self { first: 1e7, bump: 100.0 * MIB, linear: 100.0 * MIB },
            Unit::Percent => Self { first: 0.1, bump: 0.0, linear: 0.1 },
            Unit::Fraction => Self { first: 0.001, bump: 0.0, linear: 0.001 },
        }
    }

    /// The upper edge of the bucket in which the value lies: the first is `first` wide, each 5 % wider.
    fn edge(&self, value: f64) -> f64 {
        let bucket = ((value / self.first * 0.05 + 1.0).ln() / 1.05f64.ln()).floor();
        self.first * (1.05f64.powf(bucket + 1.0) - 1.0) / 0.05
    }

    fn linear_edge(&self, value: f64) -> f64 {
        ((value / self.linear).floor() + 1.0) * self.linear
    }

    /// What both take after a kill.
    fn bumped(&self, used: f64) -> f64 {
        (used + self.bump).max(used * 1.2)
    }
}

/// A peak of each day in a histogram that halves each day.
struct Vpa {
    /// When a day's window ends, and its peak.
    days: VecDeque<(f64, f64)>,
    floor: f64,
    scale: Scale,
}

impl Policy for Vpa {
    fn see(&mut self, at: f64, used: f64, killed: Option<f64>) {
        let used = match killed {
            // The limit was at its own request.
            Some(limit) => self.scale.bumped(limit),
            None => used,
        };
        match self.days.back_mut() {
            Some((end, peak)) if at < *end => *peak = peak.max(used),
            Some((end, _)) => {
                let next = *end + ((at - *end) / DAY).floor() * DAY + DAY;
                self.days.push_back((next, used));
            }
            None => self.days.push_back((at + DAY, used)),
        }
        if self.days.len() > 8 {
            self.days.pop_front();
        }
    }

    fn limit(&mut self, _now: f64) -> f64 {
        let Some((newest, _)) = self.days.back().copied() else { return self.floor };
        let weight = |end: f64| 0.5f64.powf((newest - end) / DAY);
        let mut peaks: Vec<(f64, f64)> =
            self.days.iter().map(|(end, peak)| (self.scale.edge(*peak), weight(*end))).collect();
        peaks.sort_by(|one, other| one.0.total_cmp(&other.0));
        (percentile(&peaks, 0.9) * 1.15).max(self.floor)
    }
}

/// The first value at which the weights reach that part of all.
fn percentile(sorted: &[(f64, f64)], part: f64) -> f64 {
    let all: f64 = sorted.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    for (value, weight) in sorted {
        sum += weight;
        if sum >= part * all - 1e-9 {
            return *value;
        }
    }
    sorted.last().map_or(0.0, |(value, _)| *value)
}

/// The 99th percentile of a week's minutes in a histogram that halves in two days.
struct Crane {
    samples: VecDeque<(f64, f64)>,
    scale: Scale,
    kill: Option<(f64, f64)>,
}

impl Policy for Crane {
    fn see(&mut self, at: f64, used: f64, killed: Option<f64>) {
        self.samples.push_back((at, self.scale.linear_edge(used)));
        while self.samples.front().is_some_and(|(of, _)| *of <= at - 7.0 * DAY) {
            self.samples.pop_front();
        }
        if let Some(limit) = killed {
            self.kill = Some((at, limit));
        }
    }

    fn limit(&mut self, now: f64) -> f64 {
        let weight = |at: f64| 0.5f64.powf((now - at) / (2.0 * DAY));
        let mut weighed: Vec<(f64, f64)> =
            self.samples.iter().map(|(at, used)| (*used, weight(*at))).collect();
        weighed.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let plain = percentile(&weighed, 0.99) * 1.15;
        let kill = self.kill.filter(|(at, _)| now - at <= 7.0 * DAY);
        plain.max(kill.map_or(0.0, |(_, limit)| self.scale.bumped(limit)))
    }
}

/// The largest hourly median of a week times 1.25.
struct Plateau {
    medians: VecDeque<(f64, f64)>,
    hour: Vec<f64>,
    begun: Option<f64>,
}

impl Plateau {
    fn median(&self) -> Option<f64> {
        let mut sorted = self.hour.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

impl Policy for Plateau {
    fn see(&mut self, at: f64, used: f64, _killed: Option<f64>) {
        let hour = (at / HOUR).floor() * HOUR;
        if self.begun != Some(hour) {
            if let (Some(of), Some(median)) = (self.begun, self.median()) {
                self.medians.push_back((of, median));
            }
            self.hour.clear();
            self.begun = Some(hour);
        }
        self.hour.push(used);
        while self.medians.front().is_some_and(|(of, _)| *of <= at - 7.0 * DAY) {
            self.medians.pop_front();
        }
    }

    fn limit(&mut self, _now: f64) -> f64 {
        let whole = self.medians.iter().map(|(_, median)| *median);
        whole.chain(self.median()).fold(0.0, f64::max) * 1.25
    }
}

#[cfg(test)]
mod tests;
