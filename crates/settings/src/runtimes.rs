//! What a runtime believes of its memory, per version: one file per runtime.
//!
//! The kernel enforces one number; a runtime sizes itself by another, which it reads from some of the
//! files that show limits, from its own settings, or not at all. Each file here says which settings the
//! runtime reads and in which order, which limit it takes its default from, and what lives outside its
//! ceiling. Nothing is read from a machine here: [`View`] is what a process can see, as others found it.

mod go;
mod java;
mod node;
mod version;

use std::fmt;

use casefile::Bytes;
pub use version::Version;

/// Which runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Runtime {
    /// Node.js.
    Node,
    /// Go.
    Go,
    /// HotSpot, by the version of its JDK.
    Java,
}

impl Runtime {
    /// All that are known, in the order of the manual.
    pub const ALL: [Self; 3] = [Self::Node, Self::Go, Self::Java];

    /// The word that names it on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    /// The runtime of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.word() == word)
    }

    /// What this version of it will believe under these circumstances.
    #[must_use]
    pub fn believes(self, version: &Version, view: &View, told: &Told) -> Belief {
        match self {
            Self::Node => node::believes(version, view, told),
            Self::Go => go::believes(version, view, told),
            Self::Java => java::believes(version, view, told),
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Node => "Node.js",
            Self::Go => "Go",
            Self::Java => "the JVM",
        })
    }
}

/// What a process can see of its limits from where it is, and what it cannot.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// 1 or 2: the hierarchy that holds the memory controller.
    pub cgroup_version: u8,
    /// The machine's memory (MemTotal).
    pub host: Bytes,
    /// The tightest limit that the kernel enforces, on any level, seen by the process or not.
    pub in_effect: Option<Bytes>,
    /// v1: the limit in `/sys/fs/cgroup/memory/memory.limit_in_bytes`. A container's own limit, since
    /// its cgroup is mounted there; a service's is elsewhere.
    pub at_mount_root: Option<Bytes>,
    /// The limit of its own cgroup, found by `/proc/self/cgroup`.
    pub leaf: Option<Bytes>,
    /// `memory.high` (v2) or the soft limit (v1) of its own cgroup.
    pub leaf_high: Option<Bytes>,
    /// The tightest limit on a level above that it can see.
    pub above: Option<Bytes>,
    /// v1: `hierarchical_memory_limit` of its own `memory.stat`, which holds hidden parents' too.
    pub hierarchical: Option<Bytes>,
    /// The first line of `/proc/self/cgroup` is that of the unified hierarchy.
    pub unified_first: bool,
    /// v1: cpu, cpuacct, cpuset and memory are all mounted where it can see them.
    pub has_all_controllers: bool,
    /// Processors.
    pub cpus: Cpus,
}

/// Processors as a process can see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpus {
    /// Online on the machine.
    pub online: u32,
    /// That it may run on.
    pub affinity: u32,
    /// Its own cgroup's quota, in thousandths of a processor.
    pub quota: Option<u32>,
}

impl Cpus {
    /// The quota in whole processors, rounded up, at least 1.
    #[must_use]
    pub fn quota_up(self) -> Option<u32> {
        self.quota.map(|thousandths| thousandths.div_ceil(1000).max(1))
    }

    /// The quota in whole processors, rounded down, at least 1.
    #[must_use]
    pub fn quota_down(self) -> Option<u32> {
        self.quota.map(|thousandths| (thousandths / 1000).max(1))
    }
}

/// How a process is placed, for a view that is imagined rather than read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A container on v1: its cgroup is mounted at the root of the hierarchy that it sees.
    ContainerV1,
    /// A container on v2: a cgroup namespace of its own.
    ContainerV2,
    /// A systemd service on v1: the whole hierarchy is visible.
    ServiceV1,
    /// The same on v2.
    ServiceV2,
}

impl View {
    /// A process at this limit on a machine.
    #[must_use]
    pub fn imagined(layout: Layout, limit: Option<Bytes>, host: Bytes, cpus: Cpus) -> Self {
        let v1 = matches!(layout, Layout::ContainerV1 | Layout::ServiceV1);
        Self {
            cgroup_version: if v1 { 1 } else { 2 },
            host,
            in_effect: limit,
            at_mount_root: limit.filter(|_| layout == Layout::ContainerV1),
            leaf: limit,
            leaf_high: None,
            above: None,
            hierarchical: limit.filter(|_| v1),
            unified_first: !v1,
            has_all_controllers: true,
            cpus,
        }
    }
}

/// What a process was told: its arguments and the settings in its environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The arguments, without the program's own name.
    pub arguments: Vec<String>,
    /// Environment variables by their names.
    pub environment: Vec<(String, String)>,
    /// Go: the `GODEBUG` defaults in the build info.
    pub build_settings: Vec<(String, String)>,
}

impl Told {
    /// A variable's value; the last counts, as in exec.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().rfind(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a runtime believes it may use, and the sum behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belief {
    /// What the managed memory may grow to; `None`: nothing bounds it.
    pub ceiling: Option<Bytes>,
    /// Which setting or rule made the ceiling, in a few words.
    pub from: String,
    /// What else it needs, outside the ceiling, for a small program.
    pub outside: Vec<Part>,
    /// The processors it sizes its pools for.
    pub cpus: Option<u32>,
    /// Settings that are given and not read, or not as written.
    pub remarks: Vec<String>,
    /// It will not start with these settings: its complaint.
    pub refuses: Option<String>,
}

/// A part of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: String,
    /// What even a trivial program takes, as measured.
    pub least: Bytes,
    /// What a service usually takes.
    pub usual: Bytes,
    /// Where the numbers come from.
    pub from: String,
}

impl Part {
    fn new(what: &str, least: u64, usual: u64, from: &str) -> Self {
        Self { what: what.to_owned(), least: mib(least), usual: mib(usual), from: from.to_owned() }
    }
}

/// Whether what a process may use has room in its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// It has room.
    Fits,
    /// A trivial program has room; a service's usual needs outside the ceiling would leave less than
    /// a twentieth free, or none.
    Tight,
    /// Even a trivial program that fills its ceiling does not fit.
    CannotFit,
    /// There is no limit.
    Unlimited,
    /// Nothing bounds what it may use: it depends on what the program does.
    Unknown,
}

impl Fits {
    /// Whether there is room: `least` is what is certain to be used at the ceilings that are known,
    /// `usual` the usual sum, unless a part of it has no ceiling.
    #[must_use]
    pub fn of(limit: Option<Bytes>, least: Bytes, usual: Option<Bytes>) -> Self {
        let Some(limit) = limit else { return Self::Unlimited };
        match usual {
            _ if least > limit => Self::CannotFit,
            None => Self::Unknown,
            Some(usual) if usual.0 > limit.0 / 20 * 19 => Self::Tight,
            Some(_) => Self::Fits,
        }
    }

    /// As in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Tight => "tight",
            Self::CannotFit => "cannot-fit",
            Self::Unlimited => "unlimited",
            Self::Unknown => "unknown",
        }
    }
}

impl Belief {
    /// The most that it may use as a trivial program and as a usual service, `count` times.
    #[must_use]
    pub fn may_use(&self, count: u64) -> Option<(Bytes, Bytes)> {
        let sum = |part: fn(&Part) -> Bytes| {
            let outside: u64 = self.outside.iter().map(|one| part(one).0).sum();
            self.ceiling
                .map(|ceiling| Bytes(ceiling.0.saturating_add(outside).saturating_mul(count)))
        };
        sum(|part| part.least).zip(sum(|part| part.usual))
    }

    /// Whether `count` such processes have room in a limit.
    #[must_use]
    pub fn fits(&self, limit: Option<Bytes>, count: u64) -> Fits {
        let sum = self.may_use(count);
        Fits::of(limit, sum.map_or(Bytes(0), |(least, _)| least), sum.map(|(_, usual)| usual))
    }
}

const MIB: u64 = 1 << 20;

fn mib(amount: u64) -> Bytes {
    Bytes(amount.saturating_mul(MIB))
}
