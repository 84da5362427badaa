//! What the runtime of the dead believed, and what to tell it: from its command, its image and its settings.
//!
//! The dead cannot be looked at, so a sum is said only where every version, machine and cgroup version that
//! the evidence leaves open leads to it. The larger limit is never advised here: whether the memory was stable
//! takes samples over time.

use casefile::{Bytes, Limit};
use settings::runtimes::advice::{Advice, Place, Room};
use settings::runtimes::{Belief, Cpus, Fits, Layout, Runtime, Told, Version, View, names};

use crate::verdict::{Because, Pool, Remedy, Role, Verdict, Victim};

/// A runtime as far as the evidence tells.
pub(super) struct Sized {
    runtime: Runtime,
    /// As its image says.
    version: Option<Version>,
    told: Told,
    limit: Bytes,
    /// Every version and view that is possible, with what would be believed there.
    possible: Vec<(Version, View, Belief)>,
    /// What filled the limit, where the kernel told.
    anonymous: Option<Bytes>,
}

/// Versions that differ, for those whose version nobody names.
fn versions(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Node => &["12.22", "18.20", "20.20", "22.23", "24.21", "26.10"],
        Runtime::Java => &["8.504", "11.0.31", "17.0.15", "21.0.8", "25.0.3"],
        Runtime::Go => &["1.19", "1.25"],
        Runtime::Deno => &["2.3.7", "2.9.6"],
        Runtime::DotNet => &["6", "10"],
        Runtime::Bun
        | Runtime::Python
        | Runtime::Php
        | Runtime::Postgres
        | Runtime::Ruby
        | Runtime::Beam
        | Runtime::Nginx
        | Runtime::Redis
        | Runtime::MariaDb => &["99"],
    }
}

impl Sized {
    /// By the image or the version that it put into the environment, and the command.
    pub(super) fn of(verdict: &Verdict) -> Option<Self> {
        if is_about_another(verdict) {
            return None;
        }
        let limit = verdict.limit.and_then(Limit::bytes)?;
        let main = &verdict.main;
        let pairs = main.settings.iter().filter_map(|pair| pair.split_once('='));
        let pairs: Vec<(&str, &str)> = pairs.collect();
        let (runtime, arguments) =
            names::program(&main.command).or_else(|| go_by_setting(&pairs))?;
        let mut named: Option<Version> = None;
        for (name, value) in &pairs {
            let of = names::of_variable(name, value).filter(|(of, _)| *of == runtime);
            named = of.map(|(_, version)| version).or(named);
        }
        let image = main.around.image.as_deref().and_then(names::of_image);
        let image = image.filter(|(of, _)| *of == runtime).and_then(|(_, version)| version);
        let environment = pairs.iter().filter(|(name, _)| !names::is_version_variable(name));
        let environment =
            environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let told = Told { arguments, environment: environment.collect(), ..Told::default() };
        let version = named.or(image);
        let versions = match version.clone() {
            Some(version) => vec![version],
            None => versions(runtime).iter().filter_map(|text| Version::parse(text)).collect(),
        };
        let mut possible = Vec::new();
        for version in versions {
            for view in views(verdict, limit) {
                let belief = runtime.believes(&version, &view, &told);
                possible.push((version.clone(), view, belief));
            }
        }
        let anonymous = verdict.memory.shares.iter().find(|share| share.what.contains("anonymous"));
        let anonymous = anonymous.map(|share| share.bytes);
        Some(Self { runtime, version, told, limit, possible, anonymous })
    }

    /// The ceiling, where every possibility has one: the least of them, and whether all are the same.
    fn ceiling(&self) -> Option<(Bytes, &Belief, bool)> {
        let all: Option<Vec<(Bytes, &Belief)>> =
            self.possible.iter().map(|(_, _, belief)| Some((belief.ceiling?, belief))).collect();
        let all = all?;
        let (least, belief) = all.iter().min_by_key(|(ceiling, _)| *ceiling)?;
        Some((*least, belief, all.iter().all(|(ceiling, _)| ceiling == least)))
    }

    /// What it may use at least, everything that is usual beside the ceiling included.
    fn may_use(&self) -> Option<Bytes> {
        let sums = self.possible.iter().map(|(_, _, belief)| belief.may_use(1));
        let sums: Option<Vec<Bytes>> = sums.map(|sum| sum.map(|(_, usual)| usual)).collect();
        sums?.into_iter().min()
    }

    /// What it was told or takes by default, beside the limit: as a line of the evidence where the words stand.
    pub(super) fn because(&self, verdict: &Verdict) -> Option<Because> {
        let (least, belief, is_exact) = self.ceiling()?;
        let around = &verdict.main.around;
        let own = |words: &&String| belief.from.contains(words.as_str()) && words.starts_with('-');
        let flag = self.told.arguments.iter().find(own);
        let cite = match flag {
            Some(_) => around.command_cite.clone(),
            None => around.settings_cite.clone().or(around.command_cite.clone()),
        }?;
        let amount = if is_exact { least.to_string() } else { format!("{least} or more") };
        let says = format!(
            "{} may use {amount} of the {} ({})",
            self.heap(),
            self.limit,
            if is_exact { belief.from.clone() } else { self.common(belief) }
        );
        Some(Because { cite, at: None, says, decisive: flag.cloned() })
    }

    /// What made the ceiling, where it is the same in every version.
    fn common(&self, belief: &Belief) -> String {
        let rule = self.rule(belief);
        let is_common = self.possible.iter().all(|(_, _, other)| self.rule(other) == rule);
        if is_common { rule } else { "in every version that is known".to_owned() }
    }

    /// The flag or the rule, without what it brings with it.
    fn rule(&self, belief: &Belief) -> String {
        belief.from.split(", and ").next().unwrap_or_default().to_owned()
    }

    fn heap(&self) -> &'static str {
        match self.runtime {
            Runtime::Node | Runtime::Deno => "V8's heap",
            Runtime::Java => "the Java heap",
            Runtime::Go => "the Go runtime",
            Runtime::DotNet => ".NET's heap",
            Runtime::Php => "a request of PHP",
            Runtime::Redis => "Redis' data",
            Runtime::Postgres => "PostgreSQL's shared memory",
            Runtime::MariaDb => "the buffer pool",
            Runtime::Bun | Runtime::Python | Runtime::Ruby | Runtime::Beam | Runtime::Nginx => {
                "the program"
            }
        }
    }

    /// Advice that leaves room wherever it may have run.
    fn advice(&self, room: &Room) -> Option<Advice> {
        let views = || self.possible.iter().map(|(_, view, _)| view);
        let leaves_room = |advice: &Advice| {
            self.possible.iter().all(|(version, view, _)| {
                let then = advice.outcome(self.runtime, version, view, &self.told, room);
                then.0.refuses.is_none() && then.1 != Fits::CannotFit
            })
        };
        let likely = self.version.as_ref();
        views()
            .filter_map(|view| self.runtime.advises_any(likely, view, &self.told, room))
            .map(|(_, advice)| advice)
            .find(leaves_room)
    }

    pub(super) fn remedies(&self) -> Vec<Remedy> {
        let sum = self.may_use();
        let outgrows = sum.is_some_and(|sum| sum > self.limit);
        match self.ceiling() {
            Some(_) if !outgrows => self.outside().into_iter().collect(),
            Some((ceiling, belief, _)) => {
                self.smaller(ceiling.max(sum.unwrap_or(ceiling)), belief).into_iter().collect()
            }
            None => self.unbounded().into_iter().collect(),
        }
    }

    /// The ceiling lies above what the limit has room for.
    fn smaller(&self, sum: Bytes, belief: &Belief) -> Option<Remedy> {
        let advice = self.advice(&Room::of(self.limit))?;
        let may = format!(
            "{} may come to use {sum} of {}: {}",
            self.runtime,
            self.limit,
            terms(belief, self.limit)
        );
        if let Some(because) = &advice.cannot {
            return Some(remedy(
                &format!("give it a larger limit or another runtime: {because}"),
                &may,
                "",
                "",
            ));
        }
        Some(remedy(
            &settings_and_sum(&advice),
            &format!(
                "{may}; raising the limit alone would only move the end{}",
                advice.unbounded.as_ref().map(|what| format!("; {what}")).unwrap_or_default()
            ),
            self.risk(),
            "put the old value back",
        ))
    }

    fn risk(&self) -> &'static str {
        match self.runtime {
            Runtime::Node | Runtime::Deno | Runtime::Java | Runtime::DotNet => {
                "too low a ceiling costs time in garbage collection, and live data above it ends in the runtime's own error"
            }
            Runtime::Go => {
                "a collector that has to work near the ceiling takes processor time; live data above it is killed all the same"
            }
            _ => "what is asked for beyond it waits, is refused or is slower",
        }
    }

    /// The ceiling has room: what filled the limit lies outside it.
    fn outside(&self) -> Option<Remedy> {
        let ceiling = self.possible.iter().filter_map(|(_, _, belief)| belief.ceiling).max()?;
        let beyond = self
            .anonymous?
            .0
            .checked_sub(ceiling.0)
            .filter(|beyond| *beyond > self.limit.0 / 10)?;
        let what = match self.runtime {
            Runtime::Node | Runtime::Deno => "Buffers, native addons, worker threads",
            Runtime::Java => "direct buffers, metaspace, threads, JNI",
            _ => "native memory",
        };
        Some(remedy(
            &format!(
                "look at what lies outside {} ({what}): it holds at most {ceiling} of the {} of anonymous memory, so at least {} is elsewhere and no heap flag can help alone",
                self.heap(),
                self.anonymous?,
                Bytes(beyond)
            ),
            "the part that filled the limit is found",
            "",
            "",
        ))
    }

    /// It ended at its own ceiling, with room left in the limit.
    pub(super) fn larger(&self) -> Option<Remedy> {
        let (ceiling, belief, _) = self.ceiling()?;
        let advice = self.advice(&Room::of(self.limit)).filter(|advice| advice.cannot.is_none())?;
        let told: Vec<Belief> = self
            .possible
            .iter()
            .map(|(version, view, _)| {
                self.runtime.believes(version, view, &advice.applied(&self.told))
            })
            .collect();
        let grows = told.iter().all(|then| then.ceiling.is_some_and(|then| then > ceiling));
        if !grows {
            return None;
        }
        Some(remedy(
            &settings_and_sum(&advice),
            &format!(
                "{} was {ceiling} at most ({}), and the limit of {} has room for more",
                self.heap(),
                self.rule(belief),
                self.limit
            ),
            "a leak only takes longer: look at what fills the heap first",
            "put the old value back",
        ))
    }

    /// Nothing bounds it.
    fn unbounded(&self) -> Option<Remedy> {
        let advice = self.advice(&Room::of(self.limit))?;
        // Half an answer (fewer malloc arenas) is none while the number that counts is missing.
        let is_open = advice.cannot.is_some() || advice.missing.is_some();
        if advice.settings.is_empty() || is_open {
            return None;
        }
        let effect = advice.unbounded.clone().unwrap_or_default();
        // Whether it has threads, a death does not tell; without them the arenas change nothing.
        if advice.settings.iter().all(|one| one.name == "MALLOC_ARENA_MAX") {
            return Some(remedy(
                &format!("where it runs eight threads or more: {}", settings_and_sum(&advice)),
                &effect,
                "threads wait for each other a little more often when they allocate",
                "take the setting away again",
            ));
        }
        Some(remedy(
            &settings_and_sum(&advice),
            &format!("nothing bounds {} now; {effect}", self.heap()),
            self.risk(),
            "take the setting away again",
        ))
    }
}

/// The main process is a runtime, and what was killed is a program that it started, of no runtime of its own kind
/// (a browser, a converter, a compiler), while it held less than half of the limit itself: no ceiling of the
/// runtime's bounds that.
pub(super) fn is_about_another(verdict: &Verdict) -> bool {
    let runtime_of = |comm: &str| names::program(&[comm.to_owned()]).map(|(runtime, _)| runtime);
    let main = &verdict.main;
    let Some(comm) = main.comm.as_deref() else { return false };
    let Some(runtime) = runtime_of(comm) else { return false };
    let another = |victim: &Victim| {
        let name = victim.comm.as_deref();
        victim.role == Role::Child && name.is_some_and(|name| runtime_of(name) != Some(runtime))
    };
    let held = verdict.memory.holders.iter().find(|holder| Some(holder.pid) == main.pid);
    let small = verdict.limit.and_then(Limit::bytes).zip(held);
    let small = small.is_some_and(|(limit, held)| held.rss.0 < limit.0 / 2);
    small && !verdict.victims.is_empty() && verdict.victims.iter().all(another)
}

/// A program of Go has any name: only a setting of its own runtime tells.
fn go_by_setting(pairs: &[(&str, &str)]) -> Option<(Runtime, Vec<String>)> {
    let is_go = pairs.iter().any(|(name, _)| matches!(*name, "GOMEMLIMIT" | "GOGC"));
    is_go.then(|| (Runtime::Go, Vec::new()))
}

/// What the machine may have been, where the evidence does not tell.
fn views(verdict: &Verdict, limit: Bytes) -> Vec<View> {
    let around = &verdict.main.around;
    let hosts = around.host.map_or(vec![Bytes(8 << 30), Bytes(64 << 30)], |host| vec![host]);
    let layouts: &[Layout] = match around.cgroup_version {
        Some(1) => &[Layout::ContainerV1],
        Some(_) => &[Layout::ContainerV2],
        None => &[Layout::ContainerV1, Layout::ContainerV2],
    };
    let cpus = Cpus { online: 4, affinity: 4, quota: None };
    let view = |layout: Layout, host: Bytes| View::imagined(layout, Some(limit), host, cpus);
    layouts.iter().flat_map(|layout| hosts.iter().map(|host| view(*layout, *host))).collect()
}

/// `set NODE_OPTIONS=…, and on the command line --a=1 in place of --a=2`.
fn spelled(advice: &Advice) -> String {
    let parts = advice.settings.iter().map(|setting| match (setting.place, &setting.replaces) {
        (Place::Environment, _) => {
            format!("set {}={}", setting.name, quoted(&setting.value))
        }
        (Place::Argument, Some(old)) => {
            format!("write `{}` in place of `{old}` on the command line", setting.word())
        }
        (Place::Argument, None) => format!("add `{}` to the command line", setting.word()),
        (Place::File(file), _) => format!("set {} in {file}", setting.word()),
    });
    parts.collect::<Vec<_>>().join(", and ")
}

/// `96 MiB (-Xmx96m) + 1 GiB (direct buffers, -XX:MaxDirectMemorySize)`: the terms that count.
fn terms(belief: &Belief, limit: Bytes) -> String {
    let rule = belief.from.split(", and ").next().unwrap_or_default();
    let own = belief.ceiling.map(|ceiling| format!("{ceiling} ({rule})"));
    let parts = belief.outside.iter().filter(|part| part.usual.0 > limit.0 / 10);
    let parts = parts.map(|part| format!("{} ({}, {})", part.usual, part.what, part.from));
    own.into_iter().chain(parts).collect::<Vec<_>>().join(" + ")
}

fn quoted(value: &str) -> String {
    if value.contains(' ') { format!("\"{value}\"") } else { value.to_owned() }
}

/// The settings, and how the number came about: `…; 128 MiB (the limit) - 64 MiB (…) = 64 MiB`. Of one step there
/// is nothing to sum.
fn settings_and_sum(advice: &Advice) -> String {
    let settings = spelled(advice);
    if advice.steps.len() < 2 {
        return settings;
    }
    let terms = advice.steps.iter().enumerate().map(|(at, step)| {
        let sign = match (at, step.bytes < 0) {
            (0, _) => "",
            (_, true) => " - ",
            (_, false) => " + ",
        };
        format!("{sign}{} ({})", Bytes(step.bytes.unsigned_abs()), step.what)
    });
    let left = advice.steps.iter().fold(0i64, |sum, step| sum.saturating_add(step.bytes));
    let left = Bytes(u64::try_from(left).unwrap_or(0));
    format!("{settings}; {} = {left}", terms.collect::<String>())
}

/// Several processes of one name: how many fit by what the largest held.
pub(super) fn workers(verdict: &Verdict, limit: Bytes) -> Option<Remedy> {
    let pool = verdict.memory.pools.first()?;
    if let Some(shared) = copied(verdict, pool, limit) {
        return Some(shared);
    }
    let worker = worker_of(verdict, pool)?;
    // The main process of a pool has its workers' name, as a rule, and is the smallest of them. Others that are
    // small have only begun.
    let main = pool.rss.last().filter(|rss| rss.0 < worker.0 / 2);
    let number = pool.rss.len() as u64 - u64::from(main.is_some());
    let others = pool.others.0.saturating_add(main.map_or(0, |rss| rss.0));
    let together = worker.0.saturating_mul(number).saturating_add(others);
    let fit = limit.0.saturating_sub(others) / worker.0.max(1);
    // They have to be more than fit, or they are not what filled it; and where not even one of that size fits,
    // fewer of them is no way out.
    if fit >= number || fit == 0 {
        return None;
    }
    let rest = match others {
        0 => String::new(),
        others => format!(" + {} of the others", Bytes(others)),
    };
    Some(remedy(
        &format!(
            "run fewer `{}`: {number} × {worker}{rest} is {} of a limit of {limit}: {fit} of that size fit",
            pool.comm,
            Bytes(together)
        ),
        "each has its own memory; how many there are is a setting (workers, children, processes), often made from the processors of the machine",
        "fewer workers serve less at once",
        "put the old number back",
    ))
}

/// Processes that hold more together than there was room for share pages since a fork, and each page that one
/// of them writes to is copied.
fn copied(verdict: &Verdict, pool: &Pool, limit: Bytes) -> Option<Remedy> {
    let named = verdict.victims.iter().filter(|victim| victim.comm.as_deref() == Some(&pool.comm));
    // Without what they share as files: program and libraries.
    let files = named.filter_map(|victim| victim.file_rss_kb).max().and_then(Bytes::from_kib)?;
    let own = |rss: &Bytes| Bytes(rss.0.saturating_sub(files.0));
    let Bytes(together) = pool.rss.iter().map(own).sum();
    let largest = own(pool.rss.first()?);
    let number = pool.rss.len();
    // What is counted more than once is at least what lies above the limit. Of a few MiB that each worker has
    // from its parent nothing grows: a quarter of the largest has to be shared.
    let shared = together.saturating_sub(limit.0) / (number as u64 - 1).max(1);
    if together <= limit.0 || shared < largest.0 / 4 {
        return None;
    }
    Some(remedy(
        &format!(
            "give it room for the copies that a fork brings, or write less while the child lives: {number} × `{}` of up to {largest} share pages (together they hold {} where {limit} is the limit), and each page that one of them writes to is copied: up to {} in all",
            pool.comm,
            Bytes(together),
            Bytes(largest.0.saturating_mul(number as u64))
        ),
        "a snapshot or a background save (fork) needs as much again as is written to meanwhile, at most the whole",
        "room that only a snapshot needs is free the rest of the time",
        "put the old limit back",
    ))
}

/// A worker's memory: the largest that was killed, without what it shares with its file, else the largest seen.
fn worker_of(verdict: &Verdict, pool: &Pool) -> Option<Bytes> {
    let named = verdict.victims.iter().filter(|victim| victim.comm.as_deref() == Some(&pool.comm));
    let killed = named.filter_map(|victim| victim.anon_rss_kb).max().and_then(Bytes::from_kib);
    killed.or(pool.rss.first().copied()).filter(|largest| largest.0 >= 4 << 20)
}

fn remedy(change: &str, effect: &str, risk: &str, undo: &str) -> Remedy {
    super::remedy(change, effect, risk, undo)
}

#[cfg(test)]
mod tests;
