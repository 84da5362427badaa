//! One look, and what was counted since the watch began.

use std::time::Duration;

use casefile::Bytes;
use hierarchy::{Counts, Holds};

/// What was there at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Since the watch began.
    pub at: Duration,
    /// How long its main process had lived.
    pub age: Option<Duration>,
    /// Which start of it: 0 is the one that was found.
    pub life: u32,
    /// What its cgroup held.
    pub holds: Holds,
    /// Of the files, those that were used more than once lately.
    pub active_file: Option<Bytes>,
    /// Of the kernel's own, what it can give back.
    pub slab_reclaimable: Option<Bytes>,
    /// What lies in swap.
    pub swap: Option<Bytes>,
    /// The most its cgroup ever held, files included; it never falls within a life.
    pub peak: Option<Bytes>,
    /// The tightest limit, on whatever level.
    pub limit: Option<Bytes>,
    /// What was counted since the watch began, over all lives.
    pub whole: Whole,
}

/// Counted since the watch began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whole {
    /// Processes that an OOM killer took.
    pub kills: Option<u64>,
    /// Hits of its own limit.
    pub limit_hits: Option<u64>,
    /// Time in which some of its tasks waited for memory.
    pub stalled_some: Option<Duration>,
    /// Time in which all of them did.
    pub stalled_full: Option<Duration>,
    /// Pages of programs' own memory that were read again.
    pub refaults_anon: Option<u64>,
    /// Pages of files that were read again.
    pub refaults_file: Option<u64>,
    /// Faults that waited for a disk.
    pub major_faults: Option<u64>,
    /// Pages looked at to take them back.
    pub scanned: Option<u64>,
    /// Pages taken back.
    pub reclaimed: Option<u64>,
    /// Processor time.
    pub cpu: Option<Duration>,
    /// Time that Java's collectors stopped the program or worked, as each JVM counts it.
    pub gc: Option<Duration>,
}

impl Sample {
    /// What the kernel cannot take back without harm: anonymous, shared, its own, and files in use.
    #[must_use]
    pub fn mem(&self) -> Option<Bytes> {
        let hot = self.active_file.map_or(0, |it| it.0);
        Some(Bytes(self.firm()?.0.saturating_add(hot)))
    }

    /// What it cannot take back at all: the same without files.
    #[must_use]
    pub fn firm(&self) -> Option<Bytes> {
        let kernel = self.holds.kernel.map_or(0, |it| it.0);
        let kernel = kernel.saturating_sub(self.slab_reclaimable.map_or(0, |it| it.0));
        let shmem = self.holds.shmem.map_or(0, |it| it.0);
        Some(Bytes(self.holds.anon?.0.saturating_add(shmem).saturating_add(kernel)))
    }

    /// What `docker stats` shows: all but files that were not used lately.
    #[must_use]
    pub fn as_docker_stats(&self) -> Option<Bytes> {
        let cold = self.holds.file?.0.saturating_sub(self.active_file?.0);
        Some(Bytes(self.holds.usage?.0.saturating_sub(cold)))
    }
}

/// What is counted and of no other kind: the kernel's own, where no file tells it.
pub(super) fn rest(holds: &Holds) -> Option<Bytes> {
    let parts = [holds.anon?, holds.file?, holds.shmem?];
    let known = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.0));
    Some(Bytes(holds.usage?.0.saturating_sub(known)))
}

/// A counter that begins at 0 with every new cgroup.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    last: Option<u64>,
    sum: Option<u64>,
    /// The sum when this cgroup was first seen.
    before: u64,
}

impl Counter {
    fn add(&mut self, raw: Option<u64>, is_new: bool) -> Option<u64> {
        if is_new {
            self.last = Some(0);
        }
        let raw = raw?;
        let more = match self.last {
            None => 0,
            // Another cgroup in its place, unnoticed.
            Some(last) if raw < last => raw,
            Some(last) => raw - last,
        };
        self.last = Some(raw);
        let sum = self.sum.unwrap_or(0).saturating_add(more);
        self.sum = Some(sum);
        self.sum
    }

    fn begin_anew(&mut self) {
        self.before = self.sum.unwrap_or(0);
        // What it counts from now on is all new, and what it counted before is kept.
        self.last = self.last.map(|_| 0);
    }
}

/// All counters over all lives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    kills: Counter,
    limit_hits: Counter,
    some: Counter,
    full: Counter,
    refaults_anon: Counter,
    refaults_file: Counter,
    major_faults: Counter,
    scanned: Counter,
    reclaimed: Counter,
    cpu: Counter,
    gc: Counter,
}

impl Totals {
    /// Adds a look. `is_new`: the first of a life, whose processor time and collections begin at 0.
    pub(super) fn add(
        &mut self,
        counts: &Counts,
        cpu: Option<Duration>,
        gc: Option<Duration>,
        is_new: bool,
    ) -> Whole {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let time = |micros: Option<u64>| micros.map(Duration::from_micros);
        // Those of a cgroup know by themselves whether it is a new one.
        let stalled = |of: fn((u64, u64)) -> u64| counts.stalled.map(of);
        Whole {
            kills: self.kills.add(counts.kills, false),
            limit_hits: self.limit_hits.add(counts.limit_hits, false),
            stalled_some: time(self.some.add(stalled(|it| it.0), false)),
            stalled_full: time(self.full.add(stalled(|it| it.1), false)),
            refaults_anon: self.refaults_anon.add(counts.refaults_anon, false),
            refaults_file: self.refaults_file.add(counts.refaults_file, false),
            major_faults: self.major_faults.add(counts.major_faults, false),
            scanned: self.scanned.add(counts.scanned, false),
            reclaimed: self.reclaimed.add(counts.reclaimed, false),
            cpu: time(self.cpu.add(cpu.map(micros), is_new)),
            gc: time(self.gc.add(gc.map(micros), is_new)),
        }
    }

    /// The next look is at another cgroup.
    pub(super) fn begin_anew(&mut self) {
        for counter in [
            &mut self.kills,
            &mut self.limit_hits,
            &mut self.some,
            &mut self.full,
            &mut self.refaults_anon,
            &mut self.refaults_file,
            &mut self.major_faults,
            &mut self.scanned,
            &mut self.reclaimed,
        ] {
            counter.begin_anew();
        }
    }

    /// All kills.
    pub(super) fn kills(&self) -> Option<u64> {
        self.kills.sum
    }

    /// All hits of the limit.
    pub(super) fn limit_hits(&self) -> Option<u64> {
        self.limit_hits.sum
    }

    /// Kills that were counted since this cgroup was first seen.
    pub(super) fn kills_of_this_life(&self) -> u64 {
        self.kills.sum.unwrap_or(0).saturating_sub(self.kills.before)
    }

    /// Kills that went with their cgroup before anybody looked.
    pub(super) fn add_kills(&mut self, more: u64) {
        if more > 0 {
            self.kills.sum = Some(self.kills.sum.unwrap_or(0).saturating_add(more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        let holds = Holds {
            usage: Some(Bytes(100)),
            anon: Some(Bytes(30)),
            file: Some(Bytes(50)),
            shmem: Some(Bytes(5)),
            kernel: Some(Bytes(15)),
        };
        let (active_file, slab) = (Some(Bytes(8)), Some(Bytes(4)));
        Sample { holds, active_file, slab_reclaimable: slab, ..Sample::default() }
    }

    #[test]
    fn what_cannot_be_given_back_is_less_than_docker_stats_shows() {
        let sample = sample();
        assert_eq!(sample.firm(), Some(Bytes(30 + 5 + 11)));
        assert_eq!(sample.mem(), Some(Bytes(46 + 8)));
        assert_eq!(sample.as_docker_stats(), Some(Bytes(100 - 42)));
        assert_eq!(Sample::default().mem(), None);
        assert_eq!(rest(&sample.holds), Some(Bytes(15)));
    }

    #[test]
    fn counters_go_on_through_a_restart() {
        let mut totals = Totals::default();
        let kills = |count: u64| Counts { kills: Some(count), ..Counts::default() };
        // What was counted before the watch is not of the watch.
        assert_eq!(totals.add(&kills(7), None, None, false).kills, Some(0));
        assert_eq!(totals.add(&kills(9), None, None, false).kills, Some(2));
        assert_eq!(totals.kills_of_this_life(), 2);
        totals.begin_anew();
        assert_eq!(totals.kills_of_this_life(), 0);
        assert_eq!(totals.add(&kills(10), None, None, false).kills, Some(12));
        // A kill that took the last process with its cgroup.
        totals.add_kills(1);
        assert_eq!(totals.add(&kills(10), None, None, false).kills, Some(13));
        assert_eq!(totals.add(&Counts::default(), None, None, false).kills, None);
    }

    #[test]
    fn processor_time_of_a_new_life_counts_from_its_start() {
        let mut totals = Totals::default();
        let at = |totals: &mut Totals, seconds: u64, is_new| {
            let used = Some(Duration::from_secs(seconds));
            totals.add(&Counts::default(), used, None, is_new).cpu.unwrap().as_secs()
        };
        assert_eq!(at(&mut totals, 50, false), 0);
        assert_eq!(at(&mut totals, 53, false), 3);
        assert_eq!(at(&mut totals, 60, true), 63);
        assert_eq!(at(&mut totals, 61, false), 64);
    }
}
