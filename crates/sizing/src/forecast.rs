//! The chance that the next day goes above a limit, from the peaks of the past hours.
//!
//! What is asked is `Y`: how far the next 24 hours' peak lies above (or below) the largest peak so far, as a
//! logarithm. Above it: it is passed at all with a chance that grows where the newest hours are close to it and
//! falls the longer the past is; if passed, then by a small step (scale learnt from how much this container's
//! hours differ), or, rarely, by a jump that nothing announced. Below it: by how many of the container's own
//! past days stayed below, newer days counting more.
//!
//! The weights were fitted by maximum likelihood on public traces (jobs of a cluster, pods, virtual machines,
//! hosts; each set counted alike); `docs/reference/sizing.md` shows how often limits were hit on the set that was
//! left out of the fit. The floors below are not fitted: they keep the forecast from being surer on a
//! new kind of workload than it can be.

pub mod kill;

use crate::hours::{Hours, Traits};

/// A day that lies this many hours back counts half.
const HALF_LIFE: f64 = 48.0;
/// The largest peak is passed on at least this part of days.
const LEAST_PASSED: f64 = 0.2;
/// Of those, at least this part by a jump.
const LEAST_JUMPS: f64 = 0.08;
/// And the small steps are at least of this scale.
const LEAST_STEP: f64 = 0.02;
/// Fewer hours tell nothing about a day.
pub const FEWEST_HOURS: usize = 3;

/// What the fit gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights(pub [f64; 17]);

impl Weights {
    /// Fitted on all four sets.
    pub const ALL: Self = Self([
        -3.4150, -6.7690, -5.0101, -1.7076, 1.0394, -5.9642, 0.0388, -1.2087, -3.9111, 0.8513,
        -0.5900, -0.5267, -5.9418, 1.8681, -3.9922, 1.4099, 0.8826,
    ]);
    /// Fitted without the jobs, for judging on them.
    pub const WITHOUT_JOBS: Self = Self([
        -3.9739, -6.6914, -5.0045, -1.9155, 1.1865, -6.3713, 0.2077, -1.2412, -4.2471, 1.0310,
        -0.6339, -0.5102, -6.1746, 1.9820, -3.6861, 1.3610, 0.7355,
    ]);
    /// Fitted without the pods.
    pub const WITHOUT_PODS: Self = Self([
        -2.9694, -7.0598, -5.0038, -2.0289, 0.3905, -4.9916, -1.1492, -0.3387, -4.3701, 1.2444,
        -0.7390, -0.7118, -4.9096, 1.8419, -4.1092, 0.5165, 1.2479,
    ]);
    /// Fitted without the virtual machines.
    pub const WITHOUT_MACHINES: Self = Self([
        -3.6005, -6.9528, -5.0046, -1.7926, 1.1478, -5.7181, 0.4609, -0.7151, -3.8617, 0.6830,
        -0.6203, -0.6578, -5.7711, 1.2944, -4.1185, 1.4480, 0.9381,
    ]);
}

/// The next day of one container.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// What it was made from.
    pub traits: Traits,
    days: Vec<(f64, f64)>,
    passed: f64,
    step: f64,
    jumps: f64,
    jump: f64,
    below: f64,
    own: f64,
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x.clamp(-30.0, 30.0)).exp())
}

impl Forecast {
    /// `None` where the past is too short or empty.
    #[must_use]
    pub fn of(hours: &Hours, weights: &Weights) -> Option<Self> {
        if hours.len() < FEWEST_HOURS {
            return None;
        }
        let traits = hours.traits()?;
        let [
            a0,
            a_now,
            a_day,
            a_n,
            a_change,
            b0,
            b_change,
            b_n,
            c0,
            c_change,
            c_n,
            jump,
            least,
            own,
            below,
            b_spread,
            a_late,
        ] = weights.0;
        let long = traits.hours.ln() - 4.0;
        let change = (traits.change + least.exp()).ln() + 4.0;
        let spread = (traits.spread + least.exp()).ln() + 3.0;
        let passed = a0
            + a_now * traits.now.min(0.7)
            + a_day * traits.day.min(0.7)
            + a_n * long
            + a_change * change
            + a_late * traits.late.min(1.0);
        let step = (b0 + b_change * change + b_n * long + b_spread * spread).exp();
        let jumps = logistic(c0 + c_change * change + c_n * long);
        Some(Self {
            passed: LEAST_PASSED + (1.0 - LEAST_PASSED) * logistic(passed),
            step: LEAST_STEP + step,
            jumps: LEAST_JUMPS + (1.0 - LEAST_JUMPS) * jumps,
            jump: jump.exp().max(0.35),
            below: below.exp() + LEAST_STEP + step,
            own: logistic(own),
            days: traits.days(),
            traits,
        })
    }

    /// The chance that the next day's peak is above that limit, in the series' unit.
    #[must_use]
    pub fn chance(&self, limit: f64) -> f64 {
        if limit <= 0.0 {
            return 1.0;
        }
        self.chance_beyond((limit / self.traits.top).ln())
    }

    fn chance_beyond(&self, margin: f64) -> f64 {
        if margin >= 0.0 {
            let small = (1.0 - self.jumps) * (-margin / self.step).exp();
            return self.passed * (small + self.jumps * (-margin / self.jump).exp());
        }
        let weight = |age: f64| 0.5f64.powf(age / HALF_LIFE);
        let all: f64 = self.days.iter().map(|(_, age)| weight(*age)).sum();
        let above = self.days.iter().filter(|(peak, _)| *peak >= margin);
        let own = above.map(|(_, age)| weight(*age)).sum::<f64>() / all.max(f64::MIN_POSITIVE);
        let beyond_day = (margin + self.traits.day).max(0.0);
        let usual = (-beyond_day / self.below).exp();
        self.passed + (1.0 - self.passed) * (self.own * own + (1.0 - self.own) * usual)
    }

    /// The smallest limit whose chance is at most that.
    #[must_use]
    pub fn limit_for(&self, chance: f64) -> f64 {
        let (mut low, mut high) = (-3.0, 8.0);
        for _ in 0..48 {
            let middle = f64::midpoint(low, high);
            if self.chance_beyond(middle) > chance { low = middle } else { high = middle }
        }
        self.traits.top * high.exp()
    }

    /// The limit at which a little more would cost more than it saves, where a kill costs as much as so many
    /// days of the whole limit.
    #[must_use]
    pub fn cheapest(&self, kill: f64) -> f64 {
        let used = self.traits.quantile(0.5).exp();
        let cost = |margin: f64| kill * self.chance_beyond(margin) - used * (-margin).exp();
        let mut best = (f64::INFINITY, 0.0);
        let mut look = |from: f64, to: f64, steps: u32| {
            for step in 0..=steps {
                let margin = from + (to - from) * f64::from(step) / f64::from(steps);
                let cost = cost(margin);
                if cost < best.0 {
                    best = (cost, margin);
                }
            }
            best.1
        };
        let rough = look(-1.0, 1.5, 100);
        self.traits.top * look(rough - 0.025, rough + 0.025, 20).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::HOUR;

    fn of(peaks: impl IntoIterator<Item = f64>) -> Forecast {
        let mut hours = Hours::default();
        for (at, peak) in peaks.into_iter().enumerate() {
            hours.see(at as f64 * HOUR, peak);
        }
        Forecast::of(&hours, &Weights::ALL).unwrap()
    }

    #[test]
    fn a_larger_limit_is_never_hit_more_often() {
        let wild = of((0..100).map(|at| 100.0 + f64::from(at % 7) * 9.0));
        let limits: Vec<f64> = (1..400).map(|step| f64::from(step) * 2.0).collect();
        assert!(limits.windows(2).all(|pair| wild.chance(pair[1]) <= wild.chance(pair[0]) + 1e-12));
        assert_eq!(wild.chance(0.0), 1.0);
        assert!(wild.chance(1e9) < 1e-3);
    }

    #[test]
    fn a_limit_for_a_chance_has_that_chance() {
        let flat = of([100.0; 200]);
        for chance in [0.1, 0.05, 0.01, 0.001] {
            assert!(flat.chance(flat.limit_for(chance)) <= chance + 1e-9);
            assert!(flat.chance(flat.limit_for(chance) * 0.99) >= chance);
        }
    }

    #[test]
    fn a_short_and_a_restless_past_need_more_room() {
        let calm = |hours: usize| of(std::iter::repeat_n(100.0, hours)).limit_for(0.05);
        assert!(calm(6) > calm(200), "{} {}", calm(6), calm(200));
        let restless = of((0..200).map(|at| if at % 3 == 0 { 100.0 } else { 60.0 }));
        assert!(restless.limit_for(0.02) > calm(200));
    }

    #[test]
    fn the_dearer_a_kill_the_larger_the_limit() {
        let some = of((0..200).map(|at| 90.0 + f64::from(at % 11)));
        let limits: Vec<f64> = [0.5, 1.0, 3.0, 10.0].map(|kill| some.cheapest(kill)).to_vec();
        assert!(limits.is_sorted(), "{limits:?}");
    }
}
