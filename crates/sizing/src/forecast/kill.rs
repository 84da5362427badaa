//! How much more than its limit a killed container wanted: never seen, but told by how it came there.
//!
//! What creeps up to a limit goes on creeping: a little more is enough. What leapt to it, from far below or far above
//! all it ever used, or whose hours differ wildly, may have been on its way to anything. So the chance that the next
//! day passes `f` times the limit is taken as `f^(-1 / scale)`, and the scale grows with the leap, with the gap and
//! with the change from hour to hour. Found on public traces by kills at quantiles of the samples
//! (`examples/kill.rs`); `docs/reference/sizing.md` shows what the first recommendation survives.

use crate::hours::Hours;
use crate::series::{AT_LIMIT, Point};

/// What the scale is made of: of any container, for the mean change from hour to hour, for the step from the last
/// sample to the limit, and for the step from the highest.
pub const SCALE: [f64; 4] = [0.13, 0.7, 0.4, 2.0];
/// Beyond a step of e nothing gets worse.
const MOST: f64 = 1.0;
/// Less than this is never advised after a kill; more than twice would hold back much for a guess.
const ADVISED: (f64, f64) = (1.5, 2.0);

/// A limit that killed, and how it was come to; steps are logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kill {
    /// The limit.
    pub limit: f64,
    /// From the last sample below the limit to the limit.
    pub leap: f64,
    /// From the highest sample below the limit to the limit.
    pub gap: f64,
    /// The mean change from one hour's peak to the next.
    pub change: f64,
}

impl Kill {
    /// At that limit, after these samples; those that lie at it tell how it came there only where no other does.
    #[must_use]
    pub fn of<'a>(before: impl Iterator<Item = &'a Point>, limit: f64) -> Self {
        let (mut hours, mut last, mut highest) = (Hours::default(), None, 0.0f64);
        for point in before.filter(|point| point.used < limit) {
            hours.see(point.at, point.used);
            if point.used < limit * AT_LIMIT {
                last = Some(point.used);
                highest = highest.max(point.used);
            }
        }
        let traits = hours.traits();
        let always = if traits.is_some() { 0.0 } else { MOST };
        let step = |from: f64| if from > 0.0 { (limit / from).ln().min(MOST) } else { MOST };
        Self {
            limit,
            leap: last.map_or(always, step),
            gap: last.map_or(always, |_| step(highest)),
            change: traits.map_or(MOST, |traits| traits.change.min(MOST)),
        }
    }

    /// How slowly the chance falls off above the limit, with other constants than [`SCALE`] for judging them.
    #[must_use]
    pub fn scale(&self, [base, per_change, per_leap, per_gap]: [f64; 4]) -> f64 {
        base + per_change * self.change + per_leap * self.leap + per_gap * self.gap
    }

    /// The chance that a day passes that limit.
    #[must_use]
    pub fn chance(&self, limit: f64) -> f64 {
        (limit / self.limit).powf(-1.0 / self.scale(SCALE)).min(0.99)
    }

    /// The limit that a day passes with that chance.
    #[must_use]
    pub fn limit_for(&self, chance: f64) -> f64 {
        self.limit * chance.powf(-self.scale(SCALE))
    }

    /// The limit to try first: passed on one day in ten, or twice the old where that is more; [`Kill::chance`] tells
    /// how sure that is.
    #[must_use]
    pub fn advised(&self) -> f64 {
        let (least, most) = ADVISED;
        self.limit_for(0.1).clamp(self.limit * least, self.limit * most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::HOUR;

    fn after(used: &[f64]) -> Kill {
        let points: Vec<Point> = used
            .iter()
            .enumerate()
            .map(|(at, used)| Point { at: at as f64 * HOUR, used: *used })
            .collect();
        Kill::of(points.iter(), 100.0)
    }

    #[test]
    fn what_crept_there_needs_less_than_what_leapt() {
        let crept = after(&[94.0, 95.0, 96.0, 97.0]).advised();
        let leapt = after(&[30.0, 30.0, 30.0, 30.0]).advised();
        assert!(crept < 170.0, "{crept}");
        assert_eq!(leapt, 200.0);
        assert!(after(&[30.0, 30.0, 30.0, 30.0]).chance(leapt) > 0.5);
    }

    #[test]
    fn restless_hours_need_more_room() {
        let calm = after(&[96.0, 97.0, 96.0, 97.0]).advised();
        let restless = after(&[97.0, 70.0, 97.0, 70.0, 97.0]).advised();
        assert!(restless > 1.15 * calm, "{restless} {calm}");
    }

    #[test]
    fn chance_and_limit_are_one_law_and_the_old_limit_kills_again() {
        let kill = after(&[80.0, 82.0, 85.0]);
        for chance in [0.3, 0.1, 0.01] {
            assert!((kill.chance(kill.limit_for(chance)) - chance).abs() < 1e-9);
        }
        assert_eq!(kill.chance(100.0), 0.99);
    }

    #[test]
    fn the_last_samples_may_lie_at_the_limit_already() {
        let (at, before) = (after(&[30.0, 30.0, 99.0, 100.0]), after(&[30.0, 30.0]));
        assert_eq!((at.leap, at.gap), (before.leap, before.gap));
        let always = after(&[99.0, 99.5, 99.0]);
        assert_eq!((always.leap, always.gap), (0.0, 0.0));
        assert_eq!(always.advised(), 150.0);
        assert_eq!(after(&[]).advised(), 200.0);
    }
}
