//! Days of memory made from a seed: what services hold, and some that lose it. 2,880 samples of 30 s each.
//!
//! All sizes are parts of a limit of 1,000 MiB. What is made here is only as real as its maker; the days recorded
//! from real programs lie in lab/series.

use sizing::{End, Point, Series, Unit};

const LIMIT: f64 = 1000.0 * 1_048_576.0;
const STEP: f64 = 30.0;
const HOUR: usize = 120;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.part()
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.part() * all.len() as f64) as usize]
    }
}

/// What is in a day besides its base, its garbage and its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    Sessions,
    Cache,
    FullCache,
    SlowCache,
    Pool,
    Steps,
    Flushed,
    StartPeak,
    WarmUp,
    Bursts,
    Fragments,
}

pub(crate) const EXTRAS: [Extra; 12] = [
    Extra::Nothing,
    Extra::Sessions,
    Extra::Cache,
    Extra::FullCache,
    Extra::SlowCache,
    Extra::Pool,
    Extra::Steps,
    Extra::Flushed,
    Extra::StartPeak,
    Extra::WarmUp,
    Extra::Bursts,
    Extra::Fragments,
];

/// A leak: parts of the limit per hour, from that hour on, with time or with each request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loses {
    pub(crate) per_hour: f64,
    pub(crate) from: f64,
    pub(crate) by_request: bool,
}

/// Requests in each step; 1 is the mean.
fn load(chance: &mut Chance, ticks: usize) -> Vec<f64> {
    let kind = chance.one_of(&[0, 1, 2, 3, 4]);
    let phase = chance.part();
    let (mut noise, mut level, mut left, mut burst) = (0.0, 1.0, 0_usize, 1.0);
    let mut all = Vec::with_capacity(ticks);
    for tick in 0..ticks {
        noise = 0.97 * noise + 0.05 * chance.normal();
        let day = (tick as f64 / (24 * HOUR) as f64 + phase).fract();
        let wave = (std::f64::consts::TAU * day).sin();
        if left > 0 {
            left -= 1;
        } else {
            burst = 1.0;
            if kind == 3 && chance.part() < 0.5 / HOUR as f64 {
                (burst, left) = (chance.between(3.0, 7.0), chance.between(10.0, 40.0) as usize);
            }
        }
        if kind == 4 && chance.part() < 0.25 / HOUR as f64 {
            level = chance.between(0.4, 1.8);
        }
        let shape: f64 = match kind {
            0 | 4 => level,
            1 => 1.0 + 0.6 * wave,
            2 if day < 0.33 => 0.06,
            _ => (1.0 + 0.25 * wave) * burst,
        };
        let noise: f64 = noise;
        all.push(shape * noise.exp());
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    all.iter().map(|one| one / mean).collect()
}

/// How large and how long what is in a day.
struct Sizes {
    size: f64,
    hours: f64,
    steps: (f64, f64),
}

impl Sizes {
    fn of(chance: &mut Chance) -> Self {
        let (size, hours) = (chance.between(0.08, 0.35), chance.between(3.0, 10.0));
        Self { size, hours, steps: (chance.between(1.0, 22.0), chance.between(1.0, 22.0)) }
    }

    fn more(&self, extra: Extra, hour: f64, done: f64, burst: f64, fragments: f64) -> f64 {
        let Self { size, hours, steps } = self;
        let after = |at: f64, by: f64| if hour >= at { by } else { 0.0 };
        match extra {
            Extra::Nothing | Extra::Sessions => 0.0,
            Extra::Cache => size * (1.0 - (-3.0 * done / hours).exp()),
            Extra::FullCache => size * (done / hours).min(1.0),
            Extra::SlowCache => 0.4 * size * (done / 24.0).powf(0.4),
            Extra::Pool => size * (1.0 - (1.0 - hour / hours).max(0.0).powi(2)),
            Extra::Steps => after(steps.0, 0.4 * size) + after(steps.1, 0.3 * size),
            Extra::Flushed => 0.5 * size * (hour / (0.4 * hours)).fract(),
            Extra::StartPeak => size - after(0.3, *size),
            Extra::WarmUp => size * (1.0 - (-hour / (0.05 * hours)).exp()),
            Extra::Bursts => size * burst,
            Extra::Fragments => 0.5 * size * (burst + fragments),
        }
    }
}

/// A day.
pub(crate) fn day(seed: u64, extra: Extra, loses: Option<Loses>, counted: bool) -> Series {
    let ticks = 24 * HOUR;
    let chance = &mut Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 77);
    let load = load(chance, ticks);
    let base = chance.between(0.1, 0.4);
    let tooth = chance.one_of(&[0.0, 0.02, 0.05, 0.1, 0.2]);
    // Hours of mean load from one collection to the next.
    let period = chance.one_of(&[0.03, 0.1, 0.3, 0.6]);
    // Pages come in lumps, and do not go back at once.
    let lump = chance.one_of(&[0.0, 0.0, 0.004, 0.01]);
    let noise = chance.one_of(&[0.0005, 0.002, 0.004]);
    let swing = if extra == Extra::Sessions {
        chance.between(0.05, 0.2)
    } else {
        chance.between(0.0, 0.02)
    };
    let sizes = Sizes::of(chance);
    let mut series = Series::named(&format!("{extra:?}-{seed}"), Unit::Bytes);
    let (mut recent, mut done, mut garbage, mut lost, mut burst, mut left, mut fragments) =
        (load[0], 0.0, 0.0, 0.0, 0.0, 0_usize, 0.0);
    let mut held_most = 0.0_f64;
    for (tick, now) in load.iter().enumerate() {
        let hour = tick as f64 / HOUR as f64;
        recent += (now - recent) / 60.0;
        done += now / HOUR as f64;
        garbage += now / HOUR as f64 / period;
        if left > 0 {
            left -= 1;
        } else {
            burst = 0.0;
            if chance.part() < 0.4 / HOUR as f64 {
                (burst, left) = (chance.between(0.4, 1.0), chance.between(4.0, 40.0) as usize);
                fragments += (1.0 - fragments) * 0.35;
            }
        }
        if let Some(loses) = loses.filter(|loses| hour >= loses.from) {
            lost += loses.per_hour * if loses.by_request { *now } else { 1.0 } / HOUR as f64;
        }
        let more = sizes.more(extra, hour, done, burst, fragments);
        let held = base * (hour * 30.0).min(1.0) + swing * recent + more + lost;
        let held = if lump > 0.0 {
            held_most = if held > held_most {
                (held / lump).ceil() * lump
            } else {
                held_most.min(held + 3.0 * lump)
            };
            held_most
        } else {
            held
        };
        let used = held + tooth * garbage.fract() + noise * chance.normal();
        let is_full = used >= 1.0;
        series.points.push(Point { at: tick as f64 * STEP, used: used.clamp(0.001, 1.0) * LIMIT });
        series.limits.push(LIMIT);
        if counted {
            series.requests.push((done * 36_000.0).floor());
        }
        if is_full {
            series.ends.push(End { after: series.points.len(), killed: true });
            break;
        }
    }
    series
}
