//! Our own rule: the largest peak of two weeks, and room above it by how much this container still climbs.
//!
//! The chance that a limit is passed is taken as falling off exponentially above the largest peak:
//! `share(limit) = (top / limit)^(1 / scale)`, and the limit is where that is what was asked for. `scale` is the same
//! for all (jumps come without any sign), and more for who climbs: where one hour in five or more went above all
//! before it, by how much it did. That is what tells a container of six hours that is still warming up from one that
//! has settled; most other figures of the past (how much hours differ, how old the peak is, what the last day did)
//! were tried and add nothing that holds on a set that had no part in it. How the constants were found, and what
//! they do there: `docs/reference/sizing.md`.

use super::Policy;
use crate::hours::{HOUR, Hours, Traits};

/// What the search found; see `examples/tune.rs`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// The scale of the room above the peak, as a logarithm: of every container …
    pub base: f64,
    /// … for each part by which one hour in five goes above all before it, …
    pub per_climb: f64,
    /// … and that hours spread …
    pub per_spread: f64,
    /// … but no more than this beyond what every container gets.
    pub most: f64,
    /// A limit that was hit is passed by this factor …
    pub after_kill: f64,
    /// … for so many hours: then what came is known.
    pub kept: f64,
}

impl Constants {
    /// Found on jobs, pods and virtual machines, and rounded: half or twice of any changes little.
    pub const ALL: Self = Self {
        base: 0.025,
        per_climb: 3.0,
        per_spread: 0.01,
        most: 0.12,
        after_kill: 1.2,
        kept: 8.0,
    };

    /// Found without the jobs, for judging on them.
    pub const WITHOUT_JOBS: Self = Self {
        base: 0.01586,
        per_climb: 3.835,
        per_spread: 0.03832,
        most: 0.1606,
        after_kill: 1.274,
        kept: 6.505,
    };

    /// Found without the pods, for judging on them.
    pub const WITHOUT_PODS: Self = Self {
        base: 0.03462,
        per_climb: 0.5575,
        per_spread: 0.01121,
        most: 0.1325,
        after_kill: 1.201,
        kept: 4.534,
    };

    /// Found without the machines, for judging on them.
    pub const WITHOUT_MACHINES: Self = Self {
        base: 0.03462,
        per_climb: 1.372,
        per_spread: 0.01,
        most: 0.1934,
        after_kill: 1.163,
        kept: 6.304,
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
/// Then the limit is 1.4 times what so many hours stay below: lower and with room costs less than higher without.
const ROOM_OF_HOURS: f64 = 0.336;

impl Choice {
    /// Between 0 and 1. Above 0.6 the hours that are hit are counted, no longer the days: only the curves of a
    /// replay go there.
    #[must_use]
    pub fn of(share: f64) -> Self {
        Self { share: share.clamp(1e-12, 0.999), constants: Constants::ALL }
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
    if choice.looks_at_hours() {
        let hit = (choice.share - DAYS) / (1.0 - DAYS);
        return traits.quantile(1.0 - hit) + ROOM_OF_HOURS;
    }
    let c = &choice.constants;
    let own = c.per_climb * traits.climb + c.per_spread * traits.spread;
    (c.base + own.min(c.most)) * (1.0 / choice.share).ln()
}

/// What the room above the peak was chosen by, in words.
#[must_use]
pub fn because(traits: &Traits) -> String {
    let climb = if traits.climb < 0.0005 {
        "fewer than one hour in five went above all before it".to_owned()
    } else {
        format!(
            "one hour in five went {:.1} % or more above all before it",
            traits.climb.exp_m1() * 100.0
        )
    };
    format!("{climb}; hours spread by {:.1} %; {} hours seen", traits.spread * 100.0, traits.hours)
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
    fn who_has_settled_needs_less_than_who_climbs() {
        let room = |peaks: &mut dyn Iterator<Item = f64>| margin(&traits(peaks), Choice::default());
        let settled = room(&mut std::iter::repeat_n(100.0, 100));
        let climbs = room(&mut (0..100).map(|at| 100.0 * 1.01f64.powi(at)));
        // 1 % an hour asks for twice as much room as nothing.
        assert!(climbs > settled * 1.9, "{climbs} {settled}");
        // Steps that are over long ago count no more.
        let over = room(&mut (0..100).map(|at| 100.0 * 1.01f64.powi(at.min(15))));
        assert!(over < settled * 1.1, "{over} {settled}");
    }
}
