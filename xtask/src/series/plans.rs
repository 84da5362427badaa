//! What is recorded: each series with its program, limit, load, what it holds and what it loses.
//!
//! The kinds are in `plans/kinds.rs`; each is given to every runtime, with a limit and a seed of its own. The
//! truth of a series is what is written here before it is recorded.

use super::load::{Chance, HOUR, Held, Load, towards, whole};

mod kinds;

/// Sessions and leaked objects outside the heap come in pieces of this many bytes.
const PIECE: f64 = 16384.0;

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    Node,
    Python,
    Java,
    Go,
}

impl Runtime {
    pub(super) const ALL: [Self; 4] = [Self::Node, Self::Python, Self::Java, Self::Go];

    /// As why137 names it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Java => "java",
            Self::Go => "go",
        }
    }

    /// The largest part of the limit that is held beside what the kind says: small runtimes leave room.
    fn room(self) -> f64 {
        match self {
            Self::Node | Self::Java => 0.10,
            Self::Python | Self::Go => 0.30,
        }
    }
}

/// What a leak is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    Time,
    Request,
}

/// What is kept for ever.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Leak {
    /// Percent of the limit in a told hour, on average over the day.
    pub(super) rate: f64,
    pub(super) per: Per,
    pub(super) is_off_heap: bool,
    /// The hour in which it begins.
    pub(super) from: f64,
}

impl Leak {
    const fn of(rate: f64, per: Per) -> Self {
        Self { rate, per, is_off_heap: false, from: 0.0 }
    }
}

/// How the heap is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collector {
    /// As it comes without a word.
    Usual,
    /// Late: a large young generation, a late goal.
    Lazy,
}

/// What the cache is bounded by, as parts of the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cache {
    None,
    /// By number: the part that it takes when it is full, and the hours until then.
    Number(f64, f64),
    /// By size, likewise.
    Size(f64, f64),
    /// Bounded by nothing but the number of possible keys, of which 95 % were seen after so many hours.
    Keys(f64, f64),
}

/// One kind of series.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    what: &'static str,
    load: Load,
    /// Requests in a told minute.
    rate: f64,
    /// Bytes of garbage of a request.
    garbage: u64,
    collector: Collector,
    cache: Cache,
    held: Held,
    /// Steps of the warm-up, and the hours that it takes.
    warm: (f64, f64),
    /// The part of the limit that buffers take which are replaced, and the threads that do it (Python).
    slots: (f64, u64),
    /// Bytes to the log of a request.
    log: u64,
    leak: Option<Leak>,
}

impl Kind {
    const fn of(name: &'static str, what: &'static str, load: Load) -> Self {
        Self {
            name,
            what,
            load,
            rate: 60.0,
            garbage: 8192,
            collector: Collector::Usual,
            cache: Cache::None,
            held: Held::of(0.06),
            warm: (0.0, 0.0),
            slots: (0.0, 0),
            log: 0,
            leak: None,
        }
    }

    const fn leaks(name: &'static str, what: &'static str, load: Load, leak: Leak) -> Self {
        Self { leak: Some(leak), ..Self::of(name, what, load) }
    }
}

/// One series.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) runtime: Runtime,
    /// In MiB.
    pub(super) limit: u64,
    seed: u64,
    kind: Kind,
}

/// What the program is told in one tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) requests: u64,
    pub(super) leak: u64,
    pub(super) off_heap: u64,
    pub(super) held: u64,
    pub(super) warm: u64,
}

impl Told {
    pub(super) fn line(&self) -> String {
        let Self { requests, leak, off_heap, held, warm } = self;
        format!("{requests} {leak} {off_heap} {held} {warm}\n")
    }
}

impl Plan {
    /// What it is in one sentence.
    pub(super) fn what(&self) -> &'static str {
        self.kind.what
    }

    pub(super) fn load(&self) -> Load {
        self.kind.load
    }

    pub(super) fn leak(&self) -> Option<Leak> {
        self.kind.leak
    }

    fn bytes(&self) -> f64 {
        (self.limit << 20) as f64
    }

    /// How much larger the process gets than what is kept on its heap: Go lets garbage pile up to as much as
    /// lives, or to four times as much.
    fn swell(&self) -> f64 {
        match (self.runtime, self.kind.collector) {
            (Runtime::Go, Collector::Usual) => 2.0,
            (Runtime::Go, Collector::Lazy) => 5.0,
            _ => 1.0,
        }
    }

    /// What it keeps for ever by this hour, in percent of the limit in an hour, as large as the process gets by it.
    pub(super) fn kept(&self, hour: f64) -> f64 {
        let Some(leak) = self.kind.leak else { return 0.0 };
        let ticks = (hour * HOUR as f64) as usize;
        let kept: u64 = self.day(ticks).iter().map(|told| told.leak + told.off_heap).sum();
        let swell = if leak.is_off_heap { 1.0 } else { self.swell() };
        kept as f64 * swell * 100.0 / self.bytes() / (hour - leak.from).max(1e-9)
    }

    /// All that it is told, tick by tick.
    pub(super) fn day(&self, ticks: usize) -> Vec<Told> {
        let kind = &self.kind;
        let load = kind.load.requests(kind.rate / 4.0, self.seed, 24 * HOUR);
        let room = match kind.warm {
            // Modules and classes take their part.
            (steps, _) if steps > 0.0 => 0.0,
            _ => self.runtime.room() * Chance::new(self.seed ^ 0xba5e).part(),
        };
        let more = Held { base: kind.held.base + room, ..kind.held };
        let held = more.parts(&load, self.seed);
        let held = held.iter().map(|part| (part * self.bytes() / self.swell()) as u64);
        let mean = kind.rate / 4.0;
        let lost = |tick: usize, requests: f64| {
            let Some(leak) = kind.leak else { return 0.0 };
            if (tick as f64) < leak.from * HOUR as f64 {
                return 0.0;
            }
            let swell = if leak.is_off_heap { 1.0 } else { self.swell() };
            let even = leak.rate / 100.0 * self.bytes() / HOUR as f64 / swell;
            if leak.per == Per::Time { even } else { even * requests / mean }
        };
        let is_off_heap = kind.leak.is_some_and(|leak| leak.is_off_heap);
        let unit = if is_off_heap { PIECE } else { 1024.0 };
        let leaks = whole(load.iter().enumerate().map(|(tick, now)| lost(tick, *now)), unit);
        let (steps, hours) = kind.warm;
        let warmed = |tick: usize| steps * towards(tick as f64 / HOUR as f64, hours);
        let warm = whole((0..load.len()).map(|tick| warmed(tick + 1) - warmed(tick)), 1.0);
        let requests = whole(load.iter().copied(), 1.0);
        let rows = requests.into_iter().zip(leaks).zip(held).zip(warm).take(ticks);
        rows.map(|(((requests, leak), held), warm)| {
            let (leak, off_heap) = if is_off_heap { (0, leak) } else { (leak, 0) };
            Told { requests, leak, off_heap, held, warm }
        })
        .collect()
    }

    /// The program's own arguments.
    pub(super) fn arguments(&self) -> Vec<String> {
        let kind = &self.kind;
        let mut list = vec![format!("seed={}", self.seed), format!("garbage={}", kind.garbage)];
        let mut add = |name: &str, value: f64| list.push(format!("{name}={}", value as u64));
        let per_hour = kind.rate * 60.0;
        let part = |part: f64| part * self.bytes() / self.swell();
        match kind.cache {
            Cache::None => {}
            // Keys enough that most requests bring a new one until it is full.
            Cache::Number(full, hours) => {
                let entries = per_hour * hours * 0.8;
                add("keys", entries * 2.5);
                add("entries", entries);
                add("entry", part(full) / entries);
            }
            Cache::Size(full, hours) => {
                let entries = per_hour * hours * 0.8;
                add("keys", entries * 2.5);
                add("bytes", part(full));
                add("entry", part(full) / entries);
            }
            Cache::Keys(full, hours) => {
                let keys = per_hour * hours / 3.0;
                add("keys", keys);
                add("entry", part(full) / keys);
            }
        }
        if kind.slots.0 > 0.0 {
            // A buffer has 43 KiB on average.
            add("slots", part(kind.slots.0) / 43_000.0);
            if self.runtime == Runtime::Python && kind.slots.1 > 0 {
                add("threads", kind.slots.1 as f64);
            }
        }
        if kind.log > 0 {
            add("log", kind.log as f64);
        }
        list
    }

    /// What its runtime is told before the program's name.
    pub(super) fn flags(&self) -> Vec<String> {
        let limit = self.limit;
        let owned = |list: &[&str]| list.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
        match self.runtime {
            Runtime::Python | Runtime::Go => Vec::new(),
            Runtime::Node => {
                let young = match self.kind.collector {
                    Collector::Usual => 2,
                    Collector::Lazy => (limit / 16).min(16),
                };
                // The heap may reach the limit, so that the kernel ends what leaks.
                vec![
                    format!("--max-old-space-size={limit}"),
                    format!("--max-semi-space-size={young}"),
                    "--single-threaded-gc".to_owned(),
                ]
            }
            Runtime::Java => {
                let mut flags = owned(&["-XX:TieredStopAtLevel=1", "-Xss256k", "-Xms8m"]);
                flags.push("-XX:ReservedCodeCacheSize=16m".to_owned());
                let largest = if self.leaks_on_heap() { limit + 16 } else { limit * 3 / 5 };
                flags.push(format!("-Xmx{largest}m"));
                flags.push(format!("-XX:MaxDirectMemorySize={}m", limit * 2));
                flags.extend(match self.kind.collector {
                    Collector::Usual => owned(&["-XX:+UseSerialGC", "-Xmn4m"]),
                    Collector::Lazy if self.leaks_on_heap() => {
                        owned(&["-XX:+UseSerialGC", "-Xmn16m"])
                    }
                    Collector::Lazy if self.seed.is_multiple_of(2) => {
                        owned(&["-XX:+UseG1GC", "-XX:ParallelGCThreads=1", "-XX:ConcGCThreads=1"])
                    }
                    Collector::Lazy => owned(&["-XX:+UseSerialGC", "-Xmn24m"]),
                });
                flags
            }
        }
    }

    fn leaks_on_heap(&self) -> bool {
        self.kind.leak.is_some_and(|leak| !leak.is_off_heap)
    }

    /// Its environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match (self.runtime, self.kind.collector) {
            (Runtime::Go, Collector::Usual) => vec![set("GOMAXPROCS", "1")],
            (Runtime::Go, Collector::Lazy) => vec![set("GOMAXPROCS", "1"), set("GOGC", "400")],
            (Runtime::Python, _) => vec![set("PYTHONHASHSEED", "0")],
            _ => Vec::new(),
        }
    }
}

/// All of them, or those whose names begin so. Of every other one there is a second day: another seed, another
/// limit.
pub(super) fn all(names: &[&str]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (row, kind) in kinds::LEAKS.iter().chain(kinds::OTHERS).enumerate() {
        for (column, runtime) in Runtime::ALL.into_iter().enumerate() {
            let name = format!("{}-{}", runtime.word(), kind.name);
            let seed = (row * 4 + column + 1) as u64;
            let first = Plan { name, runtime, limit: limit(runtime, kind, row), seed, kind: *kind };
            let second = Plan {
                name: format!("{}-second", first.name),
                limit: limit(runtime, kind, row + 1),
                seed: seed + 1000,
                ..first.clone()
            };
            plans.push(first);
            if (row + column) % 2 == 0 {
                plans.push(second);
            }
        }
    }
    plans.retain(|plan| {
        let is_named = |name: &str| plan.name.starts_with(name) || plan.name.ends_with(name);
        names.is_empty() || names.iter().any(|name| is_named(name))
    });
    plans
}

/// A limit in which the runtime itself leaves room for what the kind does.
fn limit(runtime: Runtime, kind: &Kind, row: usize) -> u64 {
    let choices: [u64; 3] = match runtime {
        Runtime::Node | Runtime::Java => [96, 128, 192],
        Runtime::Python => [48, 64, 96],
        Runtime::Go => [48, 32, 128],
    };
    let chosen = choices.get(row % choices.len()).copied().unwrap_or(128);
    match (runtime, kind.collector) {
        (Runtime::Node | Runtime::Java, Collector::Lazy) => {
            (chosen.max(160) + 32 * (row as u64 % 4)).min(256)
        }
        (Runtime::Python, _) if kind.warm.0 > 0.0 => 96,
        (_, Collector::Lazy) => chosen.max(64),
        _ => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_leaks_and_leak_free_series_enough_and_every_name_is_its_own() {
        let all = all(&[]);
        let leaks = all.iter().filter(|plan| plan.leak().is_some()).count();
        assert!(leaks >= 40 && all.len() - leaks >= 80, "{leaks} of {}", all.len());
        for (at, plan) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.name != plan.name), "{}", plan.name);
            assert!((32..=256).contains(&plan.limit), "{} {}", plan.name, plan.limit);
        }
    }

    #[test]
    fn a_leak_keeps_what_its_rate_says() {
        for plan in all(&[]) {
            let Some(leak) = plan.leak() else { continue };
            let kept: u64 = plan.day(24 * HOUR).iter().map(|told| told.leak + told.off_heap).sum();
            let swell = if leak.is_off_heap { 1.0 } else { plan.swell() };
            let rate = kept as f64 * swell * 100.0 / plan.bytes() / (24.0 - leak.from);
            let wide = if leak.from > 0.0 { 0.1 } else { 0.02 };
            assert!(
                (rate / leak.rate - 1.0).abs() < wide,
                "{}: {rate} for {}",
                plan.name,
                leak.rate
            );
        }
    }

    #[test]
    fn nothing_that_does_not_leak_holds_more_than_its_limit() {
        for plan in all(&[]).iter().filter(|plan| plan.leak().is_none()) {
            let most = plan.day(24 * HOUR).iter().map(|told| told.held).max().unwrap();
            let bare = match plan.runtime {
                Runtime::Node | Runtime::Java => 30.0,
                Runtime::Python => 8.0,
                Runtime::Go => 2.0,
            };
            let held = most as f64 * plan.swell() / 1_048_576.0 + bare;
            assert!(held < 0.8 * plan.limit as f64, "{}: {held:.0} of {}", plan.name, plan.limit);
        }
    }
}
