//! Our own rule: the largest peak of two weeks and room above it, learnt from how much this container's hours
//! differ.
//!
//! The chance that a limit is passed is taken as `share(limit) = 0.86 · tail(limit / top) + 0.14 · days`: `tail`
//! falls off exponentially above the largest peak, the faster the calmer the container; `days` is the same above the
//! peak of each past day, newer days counting more. The limit is where that share is what was asked for. How the
//! constants were found, and what they do on sets that had no part in it: `docs/reference/sizing.md`.

use super::Policy;
use crate::hours::{HOUR, Hours, Traits, windows};

/// What the search found; see `examples/tune.rs`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// A day that lies this many hours back counts half.
    pub half_life: f64,
    /// The scale of the room above the peak, as a logarithm: in any case …
    pub base: f64,
    /// … and for each part that an hour differs from the one before, …
    pub per_change: f64,
    /// … that hours spread, …
    pub per_spread: f64,
    /// … and for a past of no hours; half of it after a day.
    pub young: f64,
    /// No container is taken for calmer.
    pub least: f64,
    /// And none is given more.
    pub most: f64,
    /// How much the largest peak counts beside the peaks of days.
    pub top: f64,
    /// A limit that was hit is passed by this factor …
    pub after_kill: f64,
    /// … for so many hours: then what came is known.
    pub kept: f64,
}

impl Constants {
    /// Found on jobs, pods and virtual machines.
    pub const ALL: Self = Self {
        half_life: 150.0,
        base: 0.028,
        per_change: 0.036,
        per_spread: 0.022,
        young: 0.011,
        least: 0.005,
        most: 0.098,
        top: 0.86,
        after_kill: 1.26,
        kept: 9.4,
    };

    /// Found without the jobs, for judging on them.
    pub const WITHOUT_JOBS: Self = Self {
        half_life: 188.7,
        base: 0.028,
        per_change: 0.07059,
        per_spread: 0.01736,
        young: 0.006902,
        least: 0.004482,
        most: 0.05143,
        top: 0.7761,
        after_kill: 1.215,
        kept: 9.4,
    };

    /// Found without the pods, for judging on them.
    pub const WITHOUT_PODS: Self = Self {
        half_life: 218.5,
        base: 0.028,
        per_change: 0.07059,
        per_spread: 0.01736,
        young: 0.005969,
        least: 0.002699,
        most: 0.098,
        top: 0.7761,
        after_kill: 1.231,
        kept: 9.4,
    };

    /// Found without the machines, for judging on them.
    pub const WITHOUT_MACHINES: Self = Self {
        half_life: 218.5,
        base: 0.04143,
        per_change: 0.04514,
        per_spread: 0.02203,
        young: 0.005969,
        least: 0.002699,
        most: 0.09744,
        top: 0.7761,
        after_kill: 1.216,
        kept: 12.56,
    };
}

/// How often a limit may be hit: the part of days, as the rule takes it; what it comes to is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    share: f64,
    constants: Constants,
}

/// Above this, days are no longer looked at, but hours.
const DAYS: f64 = 0.6;

impl Choice {
    /// Between 0 and 1. Above 0.6 the hours that are hit are counted, no longer the days: only the curves of a
    /// replay go there.
    #[must_use]
    pub fn of(share: f64) -> Self {
        Self { share: share.clamp(1e-6, 0.999), constants: Constants::ALL }
    }

    /// The same with other constants, for judging them.
    #[must_use]
    pub fn with(self, constants: Constants) -> Self {
        Self { constants, ..self }
    }

    fn looks_at_hours(self) -> bool {
        self.share > DAYS
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self::of(0.04)
    }
}

/// The room above the largest peak, as a logarithm; below it where hits are wanted.
#[must_use]
pub fn margin(traits: &Traits, choice: Choice) -> f64 {
    let c = &choice.constants;
    let young = c.young * 24.0 / (24.0 + traits.hours);
    let scale = c.base + c.per_change * traits.change + c.per_spread * traits.spread + young;
    let scale = scale.clamp(c.least, c.most.max(c.least));
    let (peaks, top, share) = if choice.looks_at_hours() {
        (windows(&traits.logs, 1), 0.0, choice.share - DAYS)
    } else {
        (traits.windows.clone(), c.top, choice.share)
    };
    let weighed: Vec<(f64, f64)> =
        peaks.iter().map(|(peak, age)| (*peak, 0.5f64.powf(age / c.half_life))).collect();
    let all: f64 = weighed.iter().map(|(_, weight)| weight).sum();
    let tail = |above: f64| if above > 0.0 { (-above / scale).exp() } else { 1.0 };
    let passed = |margin: f64| {
        let days: f64 = weighed.iter().map(|(peak, weight)| weight * tail(margin - peak)).sum();
        top * tail(margin) + (1.0 - top) * days / all
    };
    let (mut low, mut high) = (-4.0, 4.0);
    for _ in 0..26 {
        let middle = f64::midpoint(low, high);
        if passed(middle) > share { low = middle } else { high = middle }
    }
    high
}

pub(super) struct Ours {
    choice: Choice,
    hours: Hours,
    killed: Option<(f64, f64)>,
}

impl Ours {
    pub(super) fn of(choice: Choice) -> Self {
        Self { choice, hours: Hours::default(), killed: None }
    }
}

impl Policy for Ours {
    fn see(&mut self, at: f64, used: f64, killed: Option<f64>) {
        if let Some(limit) = killed {
            self.killed = Some((at, limit * self.choice.constants.after_kill));
        }
        self.hours.see(at, used);
    }

    fn limit(&mut self, now: f64) -> f64 {
        let plain = match self.hours.traits() {
            Some(traits) => traits.top * margin(&traits, self.choice).exp(),
            None => self.hours.top(),
        };
        // Where most hours are to be hit a hit changes nothing.
        let kept = self.killed.filter(|(at, _)| now - at <= self.choice.constants.kept * HOUR);
        let kept = kept.filter(|_| !self.choice.looks_at_hours());
        plain.max(kept.map_or(0.0, |(_, limit)| limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(peaks: impl IntoIterator<Item = f64>) -> Traits {
        let mut hours = Hours::default();
        for (at, peak) in peaks.into_iter().enumerate() {
            hours.see(at as f64 * HOUR, peak);
        }
        hours.traits().unwrap()
    }

    #[test]
    fn fewer_hits_need_more_room() {
        let some = traits((0..300).map(|at| 80.0 + f64::from(at % 13)));
        // Where hours are looked at another question is asked: each is in order by itself.
        for shares in [&[0.95, 0.8, 0.7, 0.62][..], &[0.6, 0.3, 0.1, 0.01, 1e-4]] {
            let rooms: Vec<f64> =
                shares.iter().map(|share| margin(&some, Choice::of(*share))).collect();
            assert!(rooms.is_sorted(), "{rooms:?}");
        }
    }

    #[test]
    fn the_usual_room_lies_above_the_peak_and_is_bounded() {
        for peaks in
            [vec![100.0; 5], vec![100.0; 336], (0..300).map(|at| f64::from(1 + at % 50)).collect()]
        {
            let room = margin(&traits(peaks), Choice::default()).exp();
            assert!(room > 1.0 && room < 1.5, "{room}");
        }
    }

    #[test]
    fn the_calm_need_less_than_the_restless() {
        let calm = margin(&traits(vec![100.0; 100]), Choice::default());
        let restless = (0..100).map(|at| if at % 2 == 0 { 100.0 } else { 40.0 });
        assert!(margin(&traits(restless), Choice::default()) > calm);
    }
}
