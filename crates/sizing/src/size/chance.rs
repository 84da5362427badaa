//! The chances of a kill at some limits, and what a leak adds to them.

use crate::shape::Leak;

use super::{DAY, Risk};

/// The chance that a leak fills a limit within a day.
pub(super) fn outgrown(leak: &Leak, peak: f64, limit: f64) -> f64 {
    let after_day = |per_second: f64| peak + per_second.max(0.0) * DAY;
    let (least, most) = (after_day(leak.per_second.low), after_day(leak.per_second.high));
    match limit {
        limit if limit <= least => 0.99,
        limit if limit >= most => 0.0,
        limit => 0.99 * (most - limit) / (most - least),
    }
}

/// The chances at these limits, each once, the smallest first.
pub(super) fn risks(limits: impl Iterator<Item = f64>, chance: impl Fn(f64) -> f64) -> Vec<Risk> {
    let mut limits: Vec<f64> = limits.collect();
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    let of = |limit_bytes| Risk { limit_bytes, oom_per_day: chance(limit_bytes) };
    limits.into_iter().map(of).collect()
}
