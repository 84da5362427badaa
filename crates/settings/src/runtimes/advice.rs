//! What to tell a runtime so that it has room in a limit: settings, and the sum behind them.
//!
//! Three ways of bounding, three files: a ceiling on one process's heap, a number of workers, the buffers
//! of a data store. What a setting does not bound is said beside it. Whether the limit itself is the right one
//! is not decided here: that needs the memory over time.

mod any_version;
mod heaps;
mod pools;
mod stores;
#[cfg(test)]
mod table;

use casefile::Bytes;

use super::{Belief, Fits, Runtime, Told, Version, View};

/// What there is room for, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The limit to live in.
    pub limit: Bytes,
    /// What else lives in it: other programs, files on tmpfs.
    pub others: Bytes,
    /// How many such processes share it, each with the same settings (cluster, PM2); at least 1.
    pub processes: u64,
    /// Memory that was seen outside the heap: Buffers, direct buffers, native memory.
    pub outside: Option<Bytes>,
    /// The largest worker that was seen, what it shares with others left out.
    pub worker: Option<Bytes>,
    /// The master of the workers, with what they share.
    pub master: Option<Bytes>,
}

impl Room {
    /// One process alone in a limit, nothing of it seen yet.
    #[must_use]
    pub fn of(limit: Bytes) -> Self {
        Self { limit, others: Bytes(0), processes: 1, outside: None, worker: None, master: None }
    }

    /// What may be used of the limit, everything in it together: with the measured workers where nothing
    /// bounds one; `None`: nobody can tell.
    #[must_use]
    pub fn may_use(&self, belief: &Belief) -> Option<Bytes> {
        let workers = || {
            let all = self.worker?.0.saturating_mul(belief.number());
            let one = all.saturating_add(self.master.map_or(0, |master| master.0));
            Some(one.saturating_mul(self.processes.max(1)))
        };
        let bounded = belief.may_use(self.processes).map(|(_, usual)| usual.0);
        bounded.or_else(workers).map(|sum| Bytes(sum.saturating_add(self.others.0)))
    }

    /// What is left of the limit for each of the processes.
    fn share(&self) -> u64 {
        self.limit.0.saturating_sub(self.others.0) / self.processes.max(1)
    }
}

/// What to tell a runtime.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advice {
    /// The settings; none where nothing has to be told.
    pub settings: Vec<Setting>,
    /// The sum that led to them, line by line.
    pub steps: Vec<Step>,
    /// What the settings do not bound.
    pub unbounded: Option<String>,
    /// Why no setting keeps it within the limit.
    pub cannot: Option<String>,
    /// What has to be known first, and how to learn it.
    pub missing: Option<String>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Where it is told.
    pub place: Place,
    /// Its name: `NODE_OPTIONS`, `-Xmx`, `pm.max_children`.
    pub name: String,
    /// Its whole value.
    pub value: String,
    /// What stands there now and goes: a word of the command line, or the variable's old value.
    pub replaces: Option<String>,
    /// Why, in a few words.
    pub because: String,
}

/// Where a setting is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An environment variable.
    Environment,
    /// A word of the command line.
    Argument,
    /// A line of the program's own configuration file, called as its manual calls it.
    File(&'static str),
}

/// A line of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub what: String,
    /// How much; negative: taken away.
    pub bytes: i64,
    /// Where the number comes from.
    pub from: String,
}

impl Step {
    fn new(what: &str, bytes: u64, from: &str) -> Self {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        Self { what: what.to_owned(), bytes, from: from.to_owned() }
    }

    fn less(what: &str, bytes: u64, from: &str) -> Self {
        let step = Self::new(what, bytes, from);
        Self { bytes: -step.bytes, ..step }
    }
}

impl Setting {
    /// As a word of a command line: `--maxmemory 96mb`, `-Xmx300m`, `NAME=VALUE`.
    #[must_use]
    pub fn word(&self) -> String {
        match self.place {
            Place::Environment => format!("{}={}", self.name, self.value),
            Place::Argument => format!("{}{}", self.name, self.value),
            Place::File("nginx.conf") => format!("{} {};", self.name, self.value),
            Place::File(_) => format!("{} = {}", self.name, self.value),
        }
    }
}

impl Advice {
    /// What the process would have been told with these settings.
    #[must_use]
    pub fn applied(&self, told: &Told) -> Told {
        let mut told = told.clone();
        for setting in &self.settings {
            let pair = (setting.name.clone(), setting.value.clone());
            match setting.place {
                Place::Environment => {
                    told.environment.retain(|(name, _)| *name != setting.name);
                    told.environment.push(pair);
                }
                Place::File(_) => {
                    told.settings.retain(|(name, _)| *name != setting.name);
                    told.settings.push(pair);
                }
                Place::Argument => replace_words(&mut told.arguments, setting),
            }
        }
        told
    }

    /// What the runtime would believe then, and whether it has room.
    #[must_use]
    pub fn outcome(
        &self,
        runtime: Runtime,
        version: &Version,
        view: &View,
        told: &Told,
        room: &Room,
    ) -> (Belief, Fits) {
        let belief = runtime.believes(version, view, &self.applied(told));
        let left = Bytes(room.limit.0.saturating_sub(room.others.0));
        let fits = match room.may_use(&belief) {
            Some(measured) if belief.ceiling.is_none() => {
                Fits::of(Some(room.limit), measured, Some(measured))
            }
            _ => belief.fits(Some(left), room.processes),
        };
        (belief, fits)
    }
}

/// The words that go, and in their place the new ones; without any at the front, where options stand.
fn replace_words(arguments: &mut Vec<String>, setting: &Setting) {
    let new: Vec<String> = setting.word().split(' ').map(str::to_owned).collect();
    let old: Vec<&str> = setting.replaces.as_deref().unwrap_or_default().split(' ').collect();
    let at = arguments.windows(old.len()).position(|words| words == old.as_slice());
    match at.filter(|_| setting.replaces.is_some()) {
        Some(at) => {
            arguments.splice(at..at + old.len(), new);
        }
        None => {
            arguments.splice(0..0, new);
        }
    }
}

impl Runtime {
    /// What to tell this version of it, told what it was told, so that it has room.
    #[must_use]
    pub fn advises(self, version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
        match self {
            Self::Node => heaps::node(version, view, told, room),
            Self::Deno => heaps::deno(version, view, told, room),
            Self::Java => heaps::java(version, view, told, room),
            Self::Go => heaps::go(version, told, room),
            Self::DotNet => heaps::dotnet(version, told, room),
            Self::Python => pools::python(version, view, told, room),
            Self::Ruby => pools::ruby(version, view, told, room),
            Self::Php => pools::php(version, view, told, room),
            Self::Nginx => pools::nginx(version, view, told),
            Self::Postgres => stores::postgres(version, told, room),
            Self::Redis => stores::redis(told, room),
            Self::MariaDb => stores::mariadb(version, view, told, room),
            Self::Bun | Self::Beam => Advice {
                cannot: Some(format!(
                    "{self} has no setting that bounds its memory: only a limit above what it needs, or less to hold, keeps it alive"
                )),
                ..Advice::default()
            },
        }
    }
}

/// The limit, what shares it, and what is left for one process.
fn first_steps(room: &Room) -> Vec<Step> {
    let mut steps = vec![Step::new("the limit", room.limit.0, "the tightest in effect")];
    if room.others.0 > 0 {
        steps.push(Step::less("what else lives in it", room.others.0, "measured"));
    }
    if room.processes > 1 {
        let rest = room.limit.0.saturating_sub(room.others.0) - room.share();
        let from = format!("{} such processes", room.processes);
        steps.push(Step::less("the other processes' shares", rest, &from));
    }
    steps
}

/// What the steps leave.
fn sum(steps: &[Step]) -> u64 {
    let sum = steps.iter().fold(0i64, |sum, step| sum.saturating_add(step.bytes));
    u64::try_from(sum).unwrap_or(0)
}
