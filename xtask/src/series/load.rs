//! The load of a told day, and what is held of it: one number per tick, from a seed, the same in every recording.
//!
//! One tick stands for fifteen seconds, 5,760 for a day. Nothing here knows a runtime or a clock.

/// Ticks in one told hour.
pub(super) const HOUR: usize = 240;

/// A source of numbers that a seed repeats (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn part(&mut self) -> f64 {
        let most = (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 / most
    }

    /// Around 0, of deviation 1: near enough for noise.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.part()
    }
}

/// How requests come over the day. All of it has noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// Much the same all day.
    Even,
    /// A swing over the day.
    Daily,
    /// Eight hours of next to nothing.
    Night,
    /// Now and then several times as much for some minutes.
    Bursts,
    /// Another level every few hours.
    Steps,
}

impl Load {
    /// For people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Daily => "daily",
            Self::Night => "night",
            Self::Bursts => "bursts",
            Self::Steps => "steps",
        }
    }

    /// Requests in each tick, about `mean` of them over the day.
    pub(super) fn requests(self, mean: f64, seed: u64, ticks: usize) -> Vec<f64> {
        let mut chance = Chance::new(seed);
        let phase = chance.part();
        let (mut noise, mut level, mut burst, mut left) = (0.0, 1.0, 1.0, 0_usize);
        let mut list: Vec<f64> = (0..ticks)
            .map(|tick| {
                noise = 0.97 * noise + 0.05 * chance.normal();
                let day = (tick as f64 / (24 * HOUR) as f64 + phase).fract();
                let wave = (std::f64::consts::TAU * day).sin();
                if left == 0 {
                    burst = 1.0;
                } else {
                    left -= 1;
                }
                if self == Self::Bursts && left == 0 && chance.part() < 0.5 / HOUR as f64 {
                    (burst, left) =
                        (chance.between(3.0, 7.0), 20 + (chance.part() * 60.0) as usize);
                }
                if self == Self::Steps && chance.part() < 0.25 / HOUR as f64 {
                    level = chance.between(0.4, 1.8);
                }
                let shape = match self {
                    Self::Even | Self::Steps => level,
                    Self::Daily => 1.0 + 0.6 * wave,
                    Self::Night if day < 0.33 => 0.06,
                    Self::Night | Self::Bursts => (1.0 + 0.25 * wave) * burst,
                };
                shape * noise.exp()
            })
            .collect();
        let sum: f64 = list.iter().sum();
        let scale = mean * ticks as f64 / sum.max(1e-9);
        list.iter_mut().for_each(|one| *one *= scale);
        list
    }
}

/// What sessions, pools and buffers hold, as parts of the limit. Nothing of it is lost for ever.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    /// From the first minute on.
    pub(super) base: f64,
    /// As much again as the load of the last half hour is to its mean.
    pub(super) swing: f64,
    /// A pool: this much more after so many hours, ever slower.
    pub(super) pool: (f64, f64),
    /// Once this much more, from the hour on; below zero: less.
    pub(super) steps: &'static [(f64, f64)],
    /// A buffer: this much after so many hours, when it is flushed.
    pub(super) flushed: (f64, f64),
    /// This much more for the first so many hours.
    pub(super) start: (f64, f64),
    /// Now and then this much more for some minutes.
    pub(super) bursts: f64,
}

impl Held {
    /// Nothing but what is there from the first minute on.
    pub(super) const fn of(base: f64) -> Self {
        Self {
            base,
            swing: 0.0,
            pool: (0.0, 0.0),
            steps: &[],
            flushed: (0.0, 0.0),
            start: (0.0, 0.0),
            bursts: 0.0,
        }
    }

    /// The part of the limit that is held in each tick.
    pub(super) fn parts(&self, requests: &[f64], seed: u64) -> Vec<f64> {
        let mut chance = Chance::new(seed ^ 0x5e55);
        let mean = requests.iter().sum::<f64>() / requests.len().max(1) as f64;
        let mut recent = requests.first().copied().unwrap_or(mean);
        let (mut burst, mut left) = (0.0, 0_usize);
        let each = |(tick, now): (usize, &f64)| {
            let hour = tick as f64 / HOUR as f64;
            recent += (now - recent) / 120.0;
            if left == 0 {
                burst = 0.0;
                if chance.part() < 0.3 / HOUR as f64 {
                    (burst, left) =
                        (chance.between(0.4, 1.0), 20 + (chance.part() * 100.0) as usize);
                }
            } else {
                left -= 1;
            }
            let (buffer, period) = self.flushed;
            let stepped: f64 =
                self.steps.iter().filter(|(from, _)| hour >= *from).map(|(_, more)| more).sum();
            let full = if period > 0.0 { buffer * (hour / period).fract() } else { 0.0 };
            let early = if hour < self.start.1 { self.start.0 } else { 0.0 };
            let swung = self.swing * recent / mean.max(1e-9);
            let held = self.base * (hour * 30.0).min(1.0)
                + swung
                + self.pool.0 * towards(hour, self.pool.1);
            held + stepped + full + early + self.bursts * burst
        };
        requests.iter().enumerate().map(each).collect()
    }
}

/// From 0 to 1 within so many hours, ever slower, and then 1.
pub(super) fn towards(hour: f64, hours: f64) -> f64 {
    let left = (1.0 - hour / hours.max(1e-9)).max(0.0);
    1.0 - left * left
}

/// Whole numbers with the same sum: what is left over waits for the next tick.
pub(super) fn whole(list: impl Iterator<Item = f64>, unit: f64) -> Vec<u64> {
    let mut rest = 0.0;
    list.map(|one| {
        rest += one;
        let units = (rest / unit).floor();
        rest -= units * unit;
        (units * unit) as u64
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_day_and_the_mean_is_as_told() {
        for load in [Load::Even, Load::Daily, Load::Night, Load::Bursts, Load::Steps] {
            let day = load.requests(12.0, 7, 24 * HOUR);
            assert_eq!(day, load.requests(12.0, 7, 24 * HOUR));
            assert_ne!(day, load.requests(12.0, 8, 24 * HOUR));
            let mean = day.iter().sum::<f64>() / day.len() as f64;
            assert!((mean - 12.0).abs() < 1e-6, "{load:?}: {mean}");
        }
    }

    #[test]
    fn nothing_is_lost_when_numbers_are_made_whole() {
        let whole = whole((0..1000).map(|_| 0.3), 1.0);
        assert_eq!(whole.iter().sum::<u64>(), 299.max(whole.iter().sum::<u64>().min(300)));
        assert_eq!(super::whole([1500.0, 600.0].into_iter(), 1024.0), [1024, 1024]);
    }

    #[test]
    fn a_pool_that_is_full_stays_as_it_is() {
        let held = Held { pool: (0.2, 3.0), ..Held::of(0.1) };
        let parts = held.parts(&vec![5.0; 24 * HOUR], 1);
        let at = |hour: usize| parts[hour * HOUR];
        assert!(at(1) < at(2) && at(2) < at(3), "{} {} {}", at(1), at(2), at(3));
        assert!((at(3) - 0.3).abs() < 1e-9 && (at(20) - 0.3).abs() < 1e-9);
    }
}
