//! Loops: a container that dies, is started again, and dies the same way; a program inside a container that
//! is killed and started again without end.
//!
//! Pure, like the rest of this room: the lives and kills of a case go in, loops come out. The cause of each
//! death is what the rules say of it, so a loop is called memory only where a kernel's kill is the cause of
//! its deaths. Three deaths make a loop, one or two do not. How large a limit should be is not decided
//! here: [`Loop::trial`] names a limit to try once, and says that the kill hid the true need.
//!
//! Leans on moby `restartmanager/restartmanager.go` (100 ms, doubled up to 1 min, from 100 ms again after a
//! life of 10 s) and `container/monitor.go` (RestartCount counts restarts by the policy).

mod past;
mod recognise;
mod storm;
mod trial;

use casefile::{Bytes, CaseFile, ContainerId, Moment};

use crate::facts::{self, FactSheet};
use crate::survey;
use crate::verdict::{Because, Confidence, Remedy};

pub use trial::Trial;

/// What goes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The container ends and is started again.
    RestartLoop,
    /// A program inside is killed and started again; the container stays up.
    RespawnStorm,
}

impl Kind {
    /// As in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RestartLoop => "restart-loop",
            Self::RespawnStorm => "respawn-storm",
        }
    }
}

/// What ends each life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The container's own memory limit.
    OwnLimit,
    /// A limit above the container.
    ParentLimit,
    /// The whole machine's memory, or that of its NUMA nodes.
    Machine,
    /// The kernel killed for memory, and whose limit it was is not shown.
    MemoryOfUnknownLevel,
    /// Something that is not memory, in one clause.
    NotMemory(String),
    /// Several causes, each with its count, the most frequent first.
    Mixed(Vec<(String, usize)>),
    /// The evidence does not tell.
    Unknown,
}

impl Cause {
    /// As in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::OwnLimit => "container-memory-limit",
            Self::ParentLimit => "ancestor-memory-limit",
            Self::Machine => "host-out-of-memory",
            Self::MemoryOfUnknownLevel => "out-of-memory",
            Self::NotMemory(_) => "not-memory",
            Self::Mixed(_) => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

/// What its health checks said of the lives that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has no health check, as far as is shown.
    NoCheck,
    /// It was never healthy.
    Never,
    /// So many of its lives were healthy before they ended.
    Healthy(usize),
}

/// How it is now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// It runs, and will end as it did before if nothing changes.
    Up,
    /// It waits for its next start.
    Waiting,
    /// It was not started again.
    Down,
    /// It has run for so many seconds, far longer than before, or is healthy: the loop is over.
    Over(f64),
}

impl State {
    /// As in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Waiting => "waiting",
            Self::Down => "down",
            Self::Over(_) => "over",
        }
    }

    /// Whether it still goes round.
    #[must_use]
    pub fn goes_round(self) -> bool {
        matches!(self, Self::Up | Self::Waiting)
    }
}

/// Ages at death, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ages {
    /// How many are known.
    pub count: usize,
    /// The middle one.
    pub median: f64,
    /// The shortest life.
    pub shortest: f64,
    /// The longest life.
    pub longest: f64,
    /// The middle distance from the median.
    pub spread: f64,
    /// How many lie near the median: within 40 % of it, or 0.5 s.
    pub near: usize,
}

impl Ages {
    /// Of these ages; `None` where there is none.
    #[must_use]
    pub fn of(ages: &[f64]) -> Option<Self> {
        let median = median(ages)?;
        let distances: Vec<f64> = ages.iter().map(|age| (age - median).abs()).collect();
        let reach = Self::reach(median);
        Some(Self {
            near: distances.iter().filter(|distance| **distance <= reach).count(),
            count: ages.len(),
            median,
            shortest: ages.iter().copied().fold(f64::INFINITY, f64::min),
            longest: ages.iter().copied().fold(0.0, f64::max),
            spread: self::median(&distances)?,
        })
    }

    /// At about the same age: three of four near the median. A busy machine may start one of them, the first above all,
    /// much later; it may spend seconds at the limit before the kernel gives up.
    #[must_use]
    pub fn are_alike(&self) -> bool {
        self.count >= 2 && self.near.saturating_mul(4) >= self.count.saturating_mul(3)
    }

    /// How far from the median is near, in seconds.
    fn reach(median: f64) -> f64 {
        (median * 0.4).max(0.5)
    }
}

fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = sorted.get(half).copied()?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some((upper + sorted.get(half.checked_sub(1)?).copied()?) / 2.0)
}

/// Something that dies again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    /// What goes round.
    pub kind: Kind,
    /// What ends each life.
    pub cause: Cause,
    /// How sure the cause is, for all its deaths together.
    pub confidence: Confidence,
    /// The container's name.
    pub name: Option<String>,
    /// The container.
    pub container_id: Option<ContainerId>,
    /// Deaths, or kills inside, that are known of; those that only a counter tells among them.
    pub deaths: u64,
    /// Deaths that are seen one by one.
    pub seen: usize,
    /// Of those, the ones at the container's own limit.
    pub at_limit: usize,
    /// The first that is seen.
    pub since: Option<Moment>,
    /// The last.
    pub last: Option<Moment>,
    /// How old each life was at its end; in a respawn storm nobody tells.
    pub ages: Option<Ages>,
    /// The middle time from one death to the next.
    pub interval_seconds: Option<f64>,
    /// How long Docker waits before the next start.
    pub next_wait_seconds: Option<f64>,
    /// Each life ends at the limit at about the same age, soon after its start, and before anything says that it was ready.
    pub in_warm_up: bool,
    /// What the health checks said.
    pub health: Health,
    /// The container's own limit.
    pub limit: Option<Bytes>,
    /// The limit with swap, where it is set.
    pub limit_with_swap: Option<Bytes>,
    /// The restart policy, as Docker spells it.
    pub policy: Option<String>,
    /// How it is now.
    pub state: State,
    /// Who dies, by the kernel's name for it.
    pub victim: Option<String>,
    /// In a respawn storm: processes of that name at the kill that showed most of them, and what they
    /// held together with all others there.
    pub crowd: Option<(usize, Bytes)>,
    /// The lines that show it.
    pub because: Vec<Because>,
    /// What to change.
    pub remedies: Vec<Remedy>,
}

impl Loop {
    /// A kernel's kill for want of memory ends its lives.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        match self.cause {
            Cause::OwnLimit | Cause::ParentLimit | Cause::Machine | Cause::MemoryOfUnknownLevel => {
                true
            }
            Cause::NotMemory(_) | Cause::Mixed(_) | Cause::Unknown => false,
        }
    }
}

/// Every loop that a case tells of: of the container it is about, of a machine's or a text's every container.
#[must_use]
pub fn loops(case: &CaseFile) -> Vec<Loop> {
    let mut found: Vec<Loop> = Vec::new();
    let mut take = |sheet: &FactSheet, id: Option<ContainerId>| {
        if let Some(past) = past::of(sheet, id) {
            found.extend(recognise::loops(&past));
        }
    };
    if case.asked.whole_host {
        for (id, sheet) in survey::of_each_container(case) {
            take(&sheet, Some(id));
        }
    } else {
        let sheet = facts::establish(case);
        let ids = past::subjects(&sheet);
        if ids.is_empty() {
            take(&sheet, None);
        }
        for id in ids {
            take(&sheet, Some(id));
        }
    }
    found.sort_by_key(|one| {
        (!one.state.goes_round(), !one.is_memory(), std::cmp::Reverse(one.last), one.name.clone())
    });
    found
}
