//! What a runtime believes of its memory, per version: one file per runtime.
//!
//! The kernel enforces one number; a runtime sizes itself by another, which it reads from some of the
//! files that show limits, from its own settings, or not at all. Each file here says which settings the
//! runtime reads and in which order, which limit it takes its default from, and what lives outside its
//! ceiling. Nothing is read from a machine here: [`View`] is what a process can see, as others found it.

pub mod advice;
mod beam;
mod bun;
mod deno;
mod dotnet;
mod go;
mod java;
pub mod malloc;
mod mariadb;
pub mod names;
mod nginx;
mod node;
mod php;
mod postgres;
mod python;
mod redis;
mod ruby;
#[cfg(test)]
mod table;
mod version;
mod words;

use std::fmt;

use casefile::{Bytes, head_of};
pub use version::Version;

/// Which runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Runtime {
    /// Node.js.
    Node,
    /// Bun.
    Bun,
    /// Deno.
    Deno,
    /// CPython, and the servers that are written in it; uWSGI too.
    Python,
    /// Go.
    Go,
    /// HotSpot, by the version of its JDK.
    Java,
    /// PHP-FPM, by the version of PHP.
    Php,
    /// PostgreSQL.
    Postgres,
    /// Ruby, and Puma.
    Ruby,
    /// Erlang and Elixir, by the OTP release.
    Beam,
    /// nginx.
    Nginx,
    /// Redis.
    Redis,
    /// MariaDB.
    MariaDb,
    /// .NET.
    DotNet,
}

impl Runtime {
    /// All that are known, in the order of the manual.
    pub const ALL: [Self; 14] = [
        Self::Node,
        Self::Bun,
        Self::Deno,
        Self::Python,
        Self::Go,
        Self::Java,
        Self::Php,
        Self::Postgres,
        Self::Ruby,
        Self::Beam,
        Self::Nginx,
        Self::Redis,
        Self::MariaDb,
        Self::DotNet,
    ];

    /// The word that names it on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Bun => "bun",
            Self::Deno => "deno",
            Self::Python => "python",
            Self::Go => "go",
            Self::Java => "java",
            Self::Php => "php-fpm",
            Self::Postgres => "postgres",
            Self::Ruby => "ruby",
            Self::Beam => "beam",
            Self::Nginx => "nginx",
            Self::Redis => "redis",
            Self::MariaDb => "mariadb",
            Self::DotNet => "dotnet",
        }
    }

    /// The runtime of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let word = match word {
            "php" => "php-fpm",
            "postgresql" => "postgres",
            "erlang" | "otp" => "beam",
            word => word,
        };
        Self::ALL.into_iter().find(|runtime| runtime.word() == word)
    }

    /// What this version of it will believe under these circumstances.
    #[must_use]
    pub fn believes(self, version: &Version, view: &View, told: &Told) -> Belief {
        match self {
            Self::Node => node::believes(version, view, told),
            Self::Bun => bun::believes(version, view, told),
            Self::Deno => deno::believes(version, view, told),
            Self::Python => python::believes(version, view, told),
            Self::Go => go::believes(version, view, told),
            Self::Java => java::believes(version, view, told),
            Self::Php => php::believes(version, view, told),
            Self::Postgres => postgres::believes(version, view, told),
            Self::Ruby => ruby::believes(version, view, told),
            Self::Beam => beam::believes(version, view, told),
            Self::Nginx => nginx::believes(version, view, told),
            Self::Redis => redis::believes(version, view, told),
            Self::MariaDb => mariadb::believes(version, view, told),
            Self::DotNet => dotnet::believes(version, view, told),
        }
    }

    /// What is known of it, as its manual page says: the head of its file.
    #[must_use]
    pub fn manual(self) -> Manual {
        Manual::of(self.source())
    }

    fn source(self) -> &'static str {
        match self {
            Self::Node => include_str!("runtimes/node.rs"),
            Self::Bun => include_str!("runtimes/bun.rs"),
            Self::Deno => include_str!("runtimes/deno.rs"),
            Self::Python => include_str!("runtimes/python.rs"),
            Self::Go => include_str!("runtimes/go.rs"),
            Self::Java => include_str!("runtimes/java.rs"),
            Self::Php => include_str!("runtimes/php.rs"),
            Self::Postgres => include_str!("runtimes/postgres.rs"),
            Self::Ruby => include_str!("runtimes/ruby.rs"),
            Self::Beam => include_str!("runtimes/beam.rs"),
            Self::Nginx => include_str!("runtimes/nginx.rs"),
            Self::Redis => include_str!("runtimes/redis.rs"),
            Self::MariaDb => include_str!("runtimes/mariadb.rs"),
            Self::DotNet => include_str!("runtimes/dotnet.rs"),
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Node => "Node.js",
            Self::Bun => "Bun",
            Self::Deno => "Deno",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::Java => "the JVM",
            Self::Php => "PHP-FPM",
            Self::Postgres => "PostgreSQL",
            Self::Ruby => "Ruby",
            Self::Beam => "the BEAM",
            Self::Nginx => "nginx",
            Self::Redis => "Redis",
            Self::MariaDb => "MariaDB",
            Self::DotNet => ".NET",
        })
    }
}

/// The manual page of a runtime, or of malloc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    /// In one line.
    pub title: String,
    /// The five sections, in Markdown.
    pub text: String,
}

impl Manual {
    /// The sections that every page has, in this order.
    pub const SECTIONS: [&'static str; 5] = [
        "Recognised by",
        "Settings, the later the stronger",
        "Its default",
        "Outside its ceiling",
        "What to set",
    ];

    /// The head of a file of Rust.
    fn of(source: &str) -> Self {
        let text = head_of(source);
        let (title, text) = text.split_once("\n\n").unwrap_or((&text, ""));
        Self { title: title.trim().replace('\n', " "), text: text.trim().to_owned() }
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
    /// The limit is that of a level above, which the process can see, as of a slice, on v1.
    ParentV1,
    /// The same on v2.
    ParentV2,
    /// The limit is that of a level above, which the process cannot see, as of a Kubernetes pod, on v1.
    HiddenParentV1,
    /// The same on v2.
    HiddenParentV2,
}

impl Layout {
    /// Whether the host's memory controller is in a hierarchy of version 1.
    #[must_use]
    pub fn is_v1(self) -> bool {
        match self {
            Self::ContainerV1 | Self::ServiceV1 | Self::ParentV1 | Self::HiddenParentV1 => true,
            Self::ContainerV2 | Self::ServiceV2 | Self::ParentV2 | Self::HiddenParentV2 => false,
        }
    }
}

impl View {
    /// A process at this limit on a machine.
    #[must_use]
    pub fn imagined(layout: Layout, limit: Option<Bytes>, host: Bytes, cpus: Cpus) -> Self {
        let v1 = layout.is_v1();
        let own = match layout {
            Layout::ContainerV1 | Layout::ContainerV2 | Layout::ServiceV1 | Layout::ServiceV2 => {
                limit
            }
            Layout::ParentV1
            | Layout::ParentV2
            | Layout::HiddenParentV1
            | Layout::HiddenParentV2 => None,
        };
        let is_seen_above = matches!(layout, Layout::ParentV1 | Layout::ParentV2);
        Self {
            cgroup_version: if v1 { 1 } else { 2 },
            host,
            in_effect: limit,
            at_mount_root: limit.filter(|_| layout == Layout::ContainerV1),
            leaf: own,
            leaf_high: None,
            above: limit.filter(|_| is_seen_above),
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
    /// Values from configuration files, by their names there: `memory_limit`, `shared_buffers`.
    pub settings: Vec<(String, String)>,
}

impl Told {
    /// A variable's value; the last counts, as in exec.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().rfind(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a configuration file's setting; the last counts.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().rfind(|(key, _)| key == name);
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
    /// How many processes of this kind it makes, each with the ceiling; `None`: it is one, or nobody can
    /// tell. In a look at processes that run each stands for itself.
    pub processes: Option<Count>,
    /// What else it needs, outside the ceiling, for a small program.
    pub outside: Vec<Part>,
    /// The processors it sizes its pools for.
    pub cpus: Option<u32>,
    /// Settings that are given and not read, or not as written.
    pub remarks: Vec<String>,
    /// It will not start with these settings: its complaint.
    pub refuses: Option<String>,
    /// The garbage collector, where the runtime chooses one by what it sees: `Serial`, `G1`.
    pub collector: Option<&'static str>,
}

/// A number of processes, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// Which setting or rule says so.
    pub from: String,
}

impl Count {
    fn new(number: impl Into<u64>, from: impl Into<String>) -> Self {
        Self { number: number.into(), from: from.into() }
    }
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
    /// All processes of this kind have it together, once; else each has its own.
    pub shared: bool,
}

impl Part {
    fn new(what: &str, least: u64, usual: u64, from: &str) -> Self {
        let (what, from) = (what.to_owned(), from.to_owned());
        Self { what, least: mib(least), usual: mib(usual), from, shared: false }
    }

    fn shared(what: &str, least: u64, usual: u64, from: &str) -> Self {
        Self { shared: true, ..Self::new(what, least, usual, from) }
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
    /// How many processes the ceiling stands for.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.processes.as_ref().map_or(1, |count| count.number)
    }

    /// The most that it may use as a trivial program and as a usual service, `count` times.
    #[must_use]
    pub fn may_use(&self, count: u64) -> Option<(Bytes, Bytes)> {
        self.ceiling?;
        Some((self.sum(|part| part.least, count), self.sum(|part| part.usual, count)))
    }

    /// What `count` of them are certain to use when they fill the ceilings that are known.
    #[must_use]
    pub fn least(&self, count: u64) -> Bytes {
        self.sum(|part| part.least, count)
    }

    fn sum(&self, bytes: fn(&Part) -> Bytes, count: u64) -> Bytes {
        let of = |shared: bool| -> u64 {
            let parts = self.outside.iter().filter(|part| part.shared == shared);
            parts.fold(0, |sum, part| sum.saturating_add(bytes(part).0))
        };
        let each = self.ceiling.map_or(0, |ceiling| ceiling.0).saturating_add(of(false));
        let all = each.saturating_mul(self.number()).saturating_add(of(true));
        Bytes(all.saturating_mul(count))
    }

    /// Whether `count` such processes have room in a limit.
    #[must_use]
    pub fn fits(&self, limit: Option<Bytes>, count: u64) -> Fits {
        Fits::of(limit, self.least(count), self.may_use(count).map(|(_, usual)| usual))
    }
}

const MIB: u64 = 1 << 20;

fn mib(amount: u64) -> Bytes {
    Bytes(amount.saturating_mul(MIB))
}
