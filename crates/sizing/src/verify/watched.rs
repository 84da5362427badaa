//! What a stretch of looks comes to: peaks, rates, costs per request.

use serde::{Deserialize, Serialize};

use super::limits;
use super::look::Look;
use crate::shape::{Kind, Shape};

/// A stretch of time, summed up. What was not seen is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    /// How many looks.
    pub looks: usize,
    /// From the first to the last, in seconds.
    pub span_s: f64,
    /// How many lives of the container.
    pub lives: u32,
    /// How it ended, if nobody started it again.
    pub ended: Option<String>,
    /// It ended by itself with 0: a job that was done.
    pub ended_well: bool,
    /// The limit at the end.
    pub limit_bytes: Option<f64>,
    /// The most that could not be given back without harm.
    pub peak_mem_bytes: Option<f64>,
    /// The least of the same.
    pub least_mem_bytes: Option<f64>,
    /// The most that could not be given back at all.
    pub peak_firm_bytes: Option<f64>,
    /// Of the first, what no look saw: between two looks the kernel's own peak rose above both.
    pub burst_bytes: Option<f64>,
    /// OOM kills.
    pub kills: Option<f64>,
    /// Seconds from the start of the life, or of the watch, to the first of them.
    pub first_kill_after_s: Option<f64>,
    /// Hits of the own limit.
    pub limit_hits: Option<f64>,
    /// Of the time, some task waiting for memory.
    pub stalled_some: Option<f64>,
    /// Of the time, all of them.
    pub stalled_full: Option<f64>,
    /// Pages of programs' own memory read again, per second.
    pub refaults_anon_per_s: Option<f64>,
    /// Pages of files read again, per second.
    pub refaults_file_per_s: Option<f64>,
    /// Faults that waited for a disk, per second.
    pub major_faults_per_s: Option<f64>,
    /// Pages taken back, per second.
    pub reclaimed_per_s: Option<f64>,
    /// Processors in use, on average.
    pub cpus: Option<f64>,
    /// Of the time, collections; where Go tells, of one processor's.
    pub gc_share: Option<f64>,
    /// Requests answered.
    pub requests: Option<f64>,
    /// The same per second.
    pub requests_per_s: Option<f64>,
    /// Processor time per request.
    pub cpu_ms_per_request: Option<f64>,
    /// Median latency.
    pub latency_p50_ms: Option<f64>,
    /// The slowest hundredth.
    pub latency_p99_ms: Option<f64>,
    /// The load command, if one ran.
    pub load: Option<Load>,
    /// How it grows, if it does.
    pub growth: Option<Growth>,
}

/// A load command's run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Load {
    /// How long it ran.
    pub wall_s: f64,
    /// Its exit code; `None` if it was ended by us, or by a signal.
    pub code: Option<i32>,
    /// We ended it because its time was over.
    pub was_cut: bool,
}

/// A floor that rises on and on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Bytes per second.
    pub per_s: f64,
    /// Seconds until the limit is reached.
    pub left_s: f64,
    /// Its shape is a leak's; else it may still come to rest.
    pub is_leak: bool,
}

impl Watched {
    /// Sums up what was seen, in the order in which it was seen. `shape` is what [`crate::shape::of`] says of it.
    #[must_use]
    pub fn of(looks: &[Look], load: Option<Load>, shape: Option<&Shape>) -> Self {
        let (Some(first), Some(last)) = (looks.first(), looks.last()) else {
            return Self { load, ..Self::default() };
        };
        let span_s = last.t_s - first.t_s;
        let most =
            |field: fn(&Look) -> Option<f64>| looks.iter().filter_map(field).reduce(f64::max);
        let count = |field: fn(&Look) -> Option<f64>| counted(looks, field);
        let per_s = |field| count(field).filter(|_| span_s > 0.0).map(|it| it / span_s);
        // Counted from the first request on, which may come late.
        let requests = most(|look| look.requests);
        let newest = |field: fn(&Look) -> Option<f64>| looks.iter().rev().find_map(field);
        Self {
            looks: looks.len(),
            span_s,
            lives: lives(looks),
            limit_bytes: newest(|look| look.limit_bytes),
            peak_mem_bytes: most(|look| look.mem_bytes).max_of(burst(looks, |look| look.mem_bytes)),
            least_mem_bytes: looks.iter().filter_map(|look| look.mem_bytes).reduce(f64::min),
            peak_firm_bytes: most(|look| look.firm_bytes)
                .max_of(burst(looks, |look| look.firm_bytes)),
            burst_bytes: burst(looks, |look| look.mem_bytes),
            kills: most(|look| look.kills),
            first_kill_after_s: first_kill(looks),
            limit_hits: count(|look| look.limit_hits),
            stalled_some: per_s(|look| look.stalled_some_s),
            stalled_full: per_s(|look| look.stalled_full_s),
            refaults_anon_per_s: per_s(|look| look.refaults_anon),
            refaults_file_per_s: per_s(|look| look.refaults_file),
            major_faults_per_s: per_s(|look| look.major_faults),
            reclaimed_per_s: per_s(|look| look.reclaimed),
            cpus: per_s(|look| look.cpu_s),
            gc_share: per_s(|look| look.gc_s),
            requests,
            requests_per_s: requests.filter(|_| span_s > 0.0).map(|it| it / span_s),
            cpu_ms_per_request: cpu_ms_per_request(looks),
            latency_p50_ms: newest(|look| look.latency_p50_ms),
            latency_p99_ms: newest(|look| look.latency_p99_ms),
            load,
            growth: shape.and_then(leak).or_else(|| growth(looks)),
            ..Self::default()
        }
    }

    /// What was free at the worst moment, as a part of the limit.
    #[must_use]
    pub fn headroom(&self) -> Option<f64> {
        let limit = self.limit_bytes.filter(|it| *it > 0.0)?;
        Some(1.0 - self.peak_firm_bytes.or(self.peak_mem_bytes)? / limit)
    }

    /// Not killed, and busy with reading its own files again: files have nearly no room beside what cannot be
    /// given back.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        let reads = self.refaults_file_per_s.is_some_and(|it| it >= limits::STUCK_REFAULTS);
        reads && self.headroom().is_some_and(|free| free < limits::STUCK_ROOM)
    }

    /// Milliseconds of the load's own time for each request.
    #[must_use]
    pub fn wall_ms_per_request(&self) -> Option<f64> {
        let load = self.load.filter(|load| !load.was_cut)?;
        Some(load.wall_s * 1000.0 / self.requests.filter(|it| *it > 0.0)?)
    }
}

/// The larger of two that may not be known.
trait MaxOf {
    fn max_of(self, other: Self) -> Self;
}

impl MaxOf for Option<f64> {
    fn max_of(self, other: Self) -> Self {
        [self, other].into_iter().flatten().reduce(f64::max)
    }
}

/// The most that was needed between two looks, by how far the kernel's peak rose above what both of them saw. It
/// counts files too, so that this is the most it can have been.
fn burst(looks: &[Look], need: fn(&Look) -> Option<f64>) -> Option<f64> {
    let pairs = looks.iter().zip(looks.iter().skip(1)).filter(|(one, next)| one.life == next.life);
    let bursts = pairs.filter_map(|(one, next)| {
        let peak = next.peak_bytes.filter(|peak| one.peak_bytes.is_some_and(|old| *peak > old))?;
        let above = peak - one.usage_bytes?.max(next.usage_bytes?);
        (above > 0.0).then_some(need(one)?.max(need(next)?) + above)
    });
    bursts.reduce(f64::max)
}

/// From the first look that knows it to the last one.
fn counted(looks: &[Look], field: fn(&Look) -> Option<f64>) -> Option<f64> {
    let first = looks.iter().find_map(field)?;
    Some((looks.iter().rev().find_map(field)? - first).max(0.0))
}

/// Processor time per request, from the first look that counts some: what is made anew starts before it answers, and
/// its start is no request's cost. Where they are told at the end alone it is part of it.
fn cpu_ms_per_request(looks: &[Look]) -> Option<f64> {
    let all = looks.iter().filter_map(|look| look.requests).reduce(f64::max)?;
    let from = looks.iter().position(|look| look.requests.is_some_and(|count| count > 0.0))?;
    let then = looks.get(from).and_then(|look| look.requests).unwrap_or_default();
    let (looks, count) = match all - then {
        later if later >= limits::LEAST_REQUESTS => (looks.get(from..)?, later),
        _ => (looks, all),
    };
    Some(counted(looks, |look| look.cpu_s)? * 1000.0 / count)
}

fn lives(looks: &[Look]) -> u32 {
    let life = |look: &Look| look.life.unwrap_or(0.0);
    let (first, last) = (looks.first().map_or(0.0, life), looks.last().map_or(0.0, life));
    // Counted in whole starts; a negative or huge number is nobody's.
    (last - first).clamp(0.0, 1e6) as u32 + 1
}

fn first_kill(looks: &[Look]) -> Option<f64> {
    let before = looks.iter().find_map(|look| look.kills)?;
    let at = looks.iter().position(|look| look.kills.is_some_and(|kills| kills > before))?;
    // A kill of the main process is seen in the next life.
    let seen = looks.get(at.checked_sub(1)?)?;
    let same = |look: &&Look| look.life == seen.life;
    let began = looks.iter().find(same)?;
    Some((looks.get(at)?.t_s.min(seen.t_s) - began.t_s).max(0.0))
}

/// A leak by its shape.
fn leak(shape: &Shape) -> Option<Growth> {
    let leak = shape.leak.filter(|_| shape.kind == Kind::Leak)?;
    let left_s = leak.full_after_seconds?.middle;
    Some(Growth { per_s: leak.per_second.middle, left_s, is_leak: true })
}

/// The floor of the last life in three thirds after its first quarter: it rises in each, and does not slow
/// down to less than half.
fn growth(looks: &[Look]) -> Option<Growth> {
    let last = looks.last()?;
    let limit = last.limit_bytes.filter(|it| *it > 0.0)?;
    let own: Vec<(f64, f64)> = looks
        .iter()
        .filter(|look| look.life == last.life)
        .filter_map(|look| Some((look.t_s, look.firm_bytes.or(look.mem_bytes)?)))
        .collect();
    let (began, ended) = (own.first()?.0, own.last()?.0);
    let span = ended - began;
    if span < limits::LEAST_SPAN / 2.0 || own.len() < 12 {
        return None;
    }
    let from = began + span / 4.0;
    let floor = |third: f64| {
        let (lower, upper) = (from + span * third / 4.0, from + span * (third + 1.0) / 4.0);
        let within = own.iter().filter(|(at, _)| *at >= lower && *at <= upper);
        within.map(|(_, held)| *held).reduce(f64::min)
    };
    let (one, two, three) = (floor(0.0)?, floor(1.0)?, floor(2.0)?);
    let (early, late) = (two - one, three - two);
    let least = limit * limits::GROWTH;
    if early < least || late < least || late < early / 2.0 {
        return None;
    }
    let per_s = late / (span / 4.0);
    let left_s = ((limit - own.last()?.1) / per_s).max(0.0);
    Some(Growth { per_s, left_s, is_leak: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    /// A look each second, by what it held.
    fn series(count: u32, held: impl Fn(f64) -> f64) -> Vec<Look> {
        let look = |at: u32| {
            let at = f64::from(at);
            let held = Some(held(at) * MIB);
            Look {
                t_s: at,
                mem_bytes: held,
                firm_bytes: held,
                limit_bytes: Some(128.0 * MIB),
                kills: Some(0.0),
                life: Some(0.0),
                ..Look::default()
            }
        };
        (0..count).map(look).collect()
    }

    #[test]
    fn rates_are_by_the_time_that_was_watched() {
        let mut looks = series(101, |_| 40.0);
        for look in &mut looks {
            look.cpu_s = Some(5.0 + look.t_s / 2.0);
            look.gc_s = Some(look.t_s / 10.0);
            look.requests = Some(look.t_s * 10.0);
            look.refaults_file = Some(look.t_s * 3.0);
        }
        let found = Watched::of(&looks, None, None);
        assert_eq!((found.span_s, found.looks, found.lives), (100.0, 101, 1));
        assert_eq!((found.cpus, found.gc_share), (Some(0.5), Some(0.1)));
        assert_eq!((found.requests, found.requests_per_s), (Some(1000.0), Some(10.0)));
        assert_eq!(found.cpu_ms_per_request, Some(50.0));
        assert_eq!(found.refaults_file_per_s, Some(3.0));
        assert_eq!(found.headroom(), Some(1.0 - 40.0 / 128.0));
        assert_eq!((found.stalled_some, found.latency_p50_ms, found.growth), (None, None, None));
    }

    #[test]
    fn a_start_is_no_requests_cost() {
        let told = |from: f64| {
            let mut looks = series(101, |_| 40.0);
            for look in &mut looks {
                // 20 s of start, then 5 ms for each of ten requests a second.
                let served = (look.t_s - 20.0).max(0.0);
                look.cpu_s = Some(look.t_s.min(20.0) + served * 0.05);
                look.requests = Some(served * 10.0).filter(|_| look.t_s >= from);
            }
            Watched::of(&looks, None, None).cpu_ms_per_request.unwrap()
        };
        assert!((told(0.0) - 5.0).abs() < 0.01, "{}", told(0.0));
        // A load that tells how many there were at its end.
        assert!((told(100.0) - 30.0).abs() < 0.01, "{}", told(100.0));
    }

    #[test]
    fn what_no_look_saw_is_told_by_the_kernels_peak() {
        let mut looks = series(10, |_| 40.0);
        for look in &mut looks {
            look.usage_bytes = Some(50.0 * MIB);
            look.peak_bytes = Some(if look.t_s < 5.0 { 60.0 } else { 90.0 } * MIB);
        }
        // The first 60 were reached before anybody looked.
        let found = Watched::of(&looks, None, None);
        assert_eq!(found.burst_bytes, Some(80.0 * MIB));
        assert_eq!(
            (found.peak_mem_bytes, found.peak_firm_bytes),
            (Some(80.0 * MIB), found.burst_bytes)
        );
        looks[5].life = Some(1.0);
        assert_eq!(Watched::of(&looks, None, None).burst_bytes, None);
    }

    #[test]
    fn nothing_seen_is_nothing_said() {
        let found = Watched::of(&[], None, None);
        assert_eq!(
            (found, Watched::of(&series(1, |_| 1.0), None, None).cpus),
            (Watched::default(), None)
        );
    }

    #[test]
    fn growth_is_a_floor_that_rises_in_each_third() {
        let grows =
            |count, held: fn(f64) -> f64| Watched::of(&series(count, held), None, None).growth;
        let found = grows(81, |at| 20.0 + at).unwrap();
        assert!((found.per_s / MIB - 1.0).abs() < 0.01, "{found:?}");
        assert!((found.left_s - 28.0).abs() < 1.0, "{found:?}");
        // It rises and stays, it fills up, it is a saw, it stands still.
        assert_eq!(grows(81, |at| (20.0 + at).min(50.0)), None);
        assert_eq!(grows(81, |at| 60.0 * (1.0 - (-at / 15.0).exp())), None);
        assert_eq!(grows(81, |at| 20.0 + at % 9.0), None);
        assert_eq!(grows(81, |_| 20.0), None);
        // A saw upon a slope.
        assert!(grows(81, |at| 20.0 + at + at % 9.0 * 2.0).is_some());
        // Too short a time.
        assert_eq!(grows(29, |at| 20.0 + at), None);
    }

    #[test]
    fn a_kill_is_timed_from_the_start_of_its_life() {
        let mut looks = series(60, |_| 40.0);
        for look in &mut looks {
            look.life = Some(if look.t_s < 20.0 { 0.0 } else { 1.0 });
            look.kills = Some(if look.t_s < 20.0 { 0.0 } else { 1.0 });
        }
        let found = Watched::of(&looks, None, None);
        assert_eq!(
            (found.kills, found.lives, found.first_kill_after_s),
            (Some(1.0), 2, Some(19.0))
        );
        for look in &mut looks {
            look.kills = Some(if look.t_s < 50.0 { 0.0 } else { 1.0 });
        }
        assert_eq!(Watched::of(&looks, None, None).first_kill_after_s, Some(29.0));
    }
}
