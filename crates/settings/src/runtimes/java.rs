//! The HotSpot JVM: which limit its heap is a share of.
//!
//! # Recognised by
//! A mapped `libjvm.so`; the version stands in hsperfdata and in the `release` file two folders up.
//!
//! # Settings, the later the stronger
//! `JAVA_TOOL_OPTIONS` < `JDK_JAVA_OPTIONS` (9 on, the `java` launcher only) < the command line <
//! `_JAVA_OPTIONS`. `-Xmx` (`-XX:MaxHeapSize`) beats the percentages wherever it stands. `JAVA_OPTS` and
//! the like are read by start scripts only. JDK 8 wants a decimal point in a percentage.
//!
//! # Its default
//! A quarter of the limit that it sees (`MaxRAMPercentage`), but 124.8 MiB between 250 and 500 MiB,
//! and half of a smaller one (`MinRAMPercentage`); up to the next 2 MiB (Arguments::set_heap_size).
//! Version 1's limit is read from 8u191 on, version 2's from 8u372, 11.0.16 and 15 on.
//!
//! # Outside its ceiling
//! Metaspace, compiled code, thread stacks, the collector's own tables, direct buffers (by default as
//! much again as the heap).
//!
//! # What to set
//! `-Xmx` below 250 MiB; else `-XX:MaxRAMPercentage`: 40 at 256 MiB, 60 at 512 MiB, 75 at 1 GiB, 80 from
//! 2 GiB on.

use casefile::Bytes;

use super::{Belief, MIB, Part, Told, Version, View};

/// 96 MiB, scaled by 1.3 for 64 bits: below a heap of this size half of the memory is taken.
const SMALL_HEAP: f64 = 96.0 * 1.3 * MIB as f64;
/// Heaps are whole multiples of this.
const ALIGNMENT: u64 = 2 * MIB;
/// From this much memory and 2 processors on a machine is a server, and G1 collects.
const SERVER: u64 = 1792 * MIB;
/// The largest default: what compressed pointers reach above the lowest 2 GiB.
const MOST_BY_DEFAULT: u64 = 30_688 * MIB;
/// The least heap that a JVM starts with; JDK 8 takes it instead of a smaller one.
const LEAST: u64 = 2 * MIB;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let flags = Flags::read(version, told);
    let believes_any = believes_more_than_the_machine_has(version)
        || (view.cgroup_version == 2 && walks_up(version));
    let seen = seen(version, view)
        .filter(|limit| (believes_any || *limit < view.host) && !flags.is_outside_containers);
    let memory = flags.memory.or(seen).unwrap_or(view.host);
    let (heap, from) = heap(memory, seen, &flags);
    let cpus = cpus(version, view, &flags);
    // `MaxRAM` is for the heap alone.
    let server = cpus >= 2 && seen.unwrap_or(view.host).0 >= SERVER;
    let collector = flags.collector.unwrap_or(match server {
        true if version.is_at_least(&[9]) => Collector::G1,
        true => Collector::Parallel,
        false => Collector::Serial,
    });
    let mut remarks = Vec::new();
    if seen.is_none() && view.in_effect.is_some() && flags.heap.is_none() {
        remarks.push(format!("JDK {version} does not see the limit"));
    }
    for name in ["JAVA_OPTS", "CATALINA_OPTS", "JVM_OPTS"] {
        if told.variable(name).is_some() {
            remarks.push(format!("{name} is read by start scripts, not by the JVM"));
        }
    }
    if flags.percentage.is_some() && flags.heap.is_none() && is_small(memory, &flags) {
        remarks.push(
            "MaxRAMPercentage is not used for so small a limit: MinRAMPercentage is".to_owned(),
        );
    }
    Belief {
        ceiling: Some(heap),
        from,
        outside: outside(collector, heap, &flags),
        cpus: Some(cpus),
        processes: None,
        remarks,
        refuses: flags.refuses(version),
        collector: collector.word(),
    }
}

/// The limit that this version sees.
fn seen(version: &Version, view: &View) -> Option<Bytes> {
    let java8 = version.major() == 8 || (version.major() == 1 && version.number(1) == 8);
    let of_8 = |update: u32| {
        let said = if version.major() == 1 { version.number(3) } else { version.number(1) };
        java8 && (said >= update || version.is_from(&[8, u32::MAX]))
    };
    if view.cgroup_version == 1 {
        if !(of_8(191) || version.is_at_least(&[10]) && !java8) || !view.has_all_controllers {
            return None;
        }
        // A parent's limit stands in the leaf's own memory.stat.
        let reads_parents = java8
            || version.is_from(&[11, 0, 13])
            || (version.is_at_least(&[12]) && !version.is_from(&[24]) && !version.is_from(&[25]))
            || version.is_from(&[25, 0, 3]);
        // 24 to 25.0.2 walk up what they can see instead (JDK-8322420, JDK-8370572).
        let above = if reads_parents { view.hierarchical } else { view.above };
        let above = above.filter(|_| reads_parents || version.is_at_least(&[24]));
        return [view.leaf, above].into_iter().flatten().min();
    }
    let reads = of_8(372) || version.is_from(&[11, 0, 16]) || version.is_at_least(&[15]) && !java8;
    if !reads {
        return None;
    }
    let above = view.above.filter(|_| walks_up(version));
    [view.leaf, above].into_iter().flatten().min()
}

/// From JDK-8322420 on version 2's limits are looked for on all levels that are visible. With it went the
/// comparison with the machine's memory there: a limit above that is taken for memory again (measured: 21.0.13,
/// 25.0.2, 25.0.4, 26.0.2; not 21.0.8, and not on version 1).
fn walks_up(version: &Version) -> bool {
    version.is_from(&[21, 0, 12]) || version.is_at_least(&[24])
}

/// Before JDK-8292083 a limit above the machine's memory was taken for memory that is there.
fn believes_more_than_the_machine_has(version: &Version) -> bool {
    let is_mended = match version.major() {
        1 | 8 => version.major() == 8 && version.is_at_least(&[8, 372]) || version.number(3) >= 372,
        11 => version.is_at_least(&[11, 0, 17]),
        17 => version.is_at_least(&[17, 0, 5]),
        major => major >= 20,
    };
    !is_mended
}

fn is_small(memory: Bytes, flags: &Flags) -> bool {
    memory.0 as f64 * flags.small_percentage.unwrap_or(50.0) / 100.0 < SMALL_HEAP
}

fn heap(memory: Bytes, seen: Option<Bytes>, flags: &Flags) -> (Bytes, String) {
    if let Some((heap, flag)) = &flags.heap {
        return (aligned(heap.0 as f64), flag.clone());
    }
    let of = match (flags.memory, seen) {
        (Some(given), _) => format!("-XX:MaxRAM={given}"),
        (None, Some(limit)) => format!("the limit of {limit}"),
        (None, None) => format!("the machine's {memory}"),
    };
    let share = |percentage: f64| memory.0 as f64 * percentage / 100.0;
    let (mut heap, mut from) = if is_small(memory, flags) {
        let percentage = flags.small_percentage.unwrap_or(50.0);
        (share(percentage), format!("{percentage} % (MinRAMPercentage) of {of}"))
    } else {
        let percentage = flags.percentage.or(flags.fraction).unwrap_or(25.0);
        let least = share(percentage) < SMALL_HEAP;
        match least {
            true => (SMALL_HEAP, format!("the JVM's least heap of 124.8 MiB, whatever {of}")),
            false => (share(percentage), format!("{percentage} % (MaxRAMPercentage) of {of}")),
        }
    };
    if heap > MOST_BY_DEFAULT as f64 && flags.percentage.is_none() {
        heap = MOST_BY_DEFAULT as f64;
        from = "the largest heap for compressed pointers".to_owned();
    }
    match &flags.initial {
        Some((initial, flag)) if initial.0 as f64 > heap => {
            (aligned(initial.0 as f64), flag.clone())
        }
        Some(_) | None => (aligned(heap), from),
    }
}

fn aligned(bytes: f64) -> Bytes {
    Bytes((bytes as u64).next_multiple_of(ALIGNMENT))
}

fn cpus(version: &Version, view: &View, flags: &Flags) -> u32 {
    if let Some(given) = flags.cpus.filter(|given| *given > 0) {
        return given;
    }
    let reads = !flags.is_outside_containers
        && seen(version, &View { leaf: Some(Bytes(1)), ..view.clone() }).is_some();
    let quota = view.cpus.quota_up().filter(|_| reads);
    quota.map_or(view.cpus.affinity, |quota| quota.min(view.cpus.affinity))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collector {
    Serial,
    Parallel,
    G1,
    Other,
}

impl Collector {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Serial => Some("Serial"),
            Self::Parallel => Some("Parallel"),
            Self::G1 => Some("G1"),
            Self::Other => None,
        }
    }
}

fn outside(collector: Collector, heap: Bytes, flags: &Flags) -> Vec<Part> {
    let measured = "measured: 20 to 24 MiB beside a full heap with Serial, 60 to 68 MiB with G1";
    let least = if collector == Collector::Serial { 20 } else { 60 };
    let mut parts = vec![
        Part::new("the JVM itself and its threads", least, least.max(40), measured),
        Part::new("metaspace", 0, 64, "unlimited by default; 64 MiB are usual for a service"),
        Part::new("compiled code", 0, 48, "at most 240 MiB; 48 MiB are usual for a service"),
    ];
    if matches!(collector, Collector::G1 | Collector::Other) {
        let share = heap.0 / 25 / MIB;
        parts.push(Part::new("the collector's tables", 0, share, "3 to 4 % of the heap"));
    }
    if let Some(direct) = flags.direct {
        // A ceiling that was told, as the heap's is.
        let given = direct.0 / MIB;
        parts.push(Part::new("direct buffers", given, given, "-XX:MaxDirectMemorySize"));
    }
    parts
}

/// What the options say, the strongest of each.
#[derive(Debug, Default)]
struct Flags {
    heap: Option<(Bytes, String)>,
    initial: Option<(Bytes, String)>,
    /// `-XX:-UseContainerSupport`.
    is_outside_containers: bool,
    percentage: Option<f64>,
    /// `MaxRAMFraction`, as a percentage.
    fraction: Option<f64>,
    small_percentage: Option<f64>,
    memory: Option<Bytes>,
    cpus: Option<u32>,
    direct: Option<Bytes>,
    collector: Option<Collector>,
    bad: Option<String>,
}

impl Flags {
    fn read(version: &Version, told: &Told) -> Self {
        let words = |name: &str| -> Vec<String> {
            let text = told.variable(name).unwrap_or_default();
            text.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect()
        };
        let mut all = words("JAVA_TOOL_OPTIONS");
        // The launcher knows two short forms.
        let launched = own_options(&told.arguments).into_iter();
        let launched = launched.map(|word| match word.get(..3) {
            Some("-mx" | "-ms") => word.replacen('-', "-X", 1),
            Some(_) | None => word,
        });
        if version.is_at_least(&[9]) {
            all.extend(words("JDK_JAVA_OPTIONS"));
        }
        all.extend(launched);
        all.extend(words("_JAVA_OPTIONS"));
        let mut flags = Self::default();
        for word in &all {
            flags.take(version, word);
        }
        flags
    }

    fn take(&mut self, version: &Version, word: &str) {
        let size = |short: &str, long: &str| {
            word.strip_prefix(short).or_else(|| word.strip_prefix("-XX:")?.strip_prefix(long))
        };
        let heap = size("-Xmx", "MaxHeapSize=").map(|text| (text, true));
        let sized = heap.or_else(|| size("-Xms", "InitialHeapSize=").map(|text| (text, false)));
        if let Some((text, is_most)) = sized {
            match amount(version, text) {
                Some(heap) if is_most => self.heap = Some((heap, word.to_owned())),
                Some(heap) => self.initial = Some((heap, word.to_owned())),
                None => self.bad = Some(format!("`{word}`: the JVM does not start")),
            }
            return;
        }
        let Some((name, value)) = word.strip_prefix("-XX:").and_then(|rest| rest.split_once('='))
        else {
            self.switch(word);
            return;
        };
        let java8 = !version.is_at_least(&[9]);
        // JDK 8 takes any number.
        let percentage = || {
            let found = value.parse::<f64>().ok();
            found.filter(|it| java8 || (0.0..=100.0).contains(it))
        };
        match name {
            "MaxRAMPercentage" | "MinRAMPercentage" => {
                match percentage().filter(|_| !java8 || value.contains('.')) {
                    Some(found) if name == "MaxRAMPercentage" => self.percentage = Some(found),
                    Some(found) => self.small_percentage = Some(found),
                    None => {
                        let hint = if java8 { "; JDK 8 wants a decimal point: 75.0" } else { "" };
                        self.bad = Some(format!("`{word}`: the JVM does not start{hint}"));
                    }
                }
            }
            // Measured: 21.0.8 takes it, 25.0.2 does not start.
            "MaxRAMFraction" if version.is_at_least(&[24]) => {
                self.bad = Some(format!("`{word}`: JDK {version} has no such option"));
            }
            // A percentage is heard first, wherever it stands.
            "MaxRAMFraction" => {
                let parts = value.parse::<f64>().ok().filter(|parts| *parts >= 1.0);
                self.fraction = parts.map(|parts| 100.0 / parts);
            }
            "MaxRAM" => self.memory = amount(version, value),
            "MaxDirectMemorySize" => self.direct = amount(version, value),
            "ActiveProcessorCount" => self.cpus = value.parse().ok(),
            _ => {}
        }
    }

    fn switch(&mut self, word: &str) {
        match word {
            "-XX:+UseSerialGC" => self.collector = Some(Collector::Serial),
            "-XX:+UseParallelGC" => self.collector = Some(Collector::Parallel),
            "-XX:+UseG1GC" => self.collector = Some(Collector::G1),
            "-XX:+UseZGC" | "-XX:+UseShenandoahGC" => self.collector = Some(Collector::Other),
            "-XX:-UseContainerSupport" => self.is_outside_containers = true,
            "-XX:+UseContainerSupport" => self.is_outside_containers = false,
            _ => {}
        }
    }

    /// Why the JVM does not start.
    fn refuses(&self, version: &Version) -> Option<String> {
        if self.bad.is_some() {
            return self.bad.clone();
        }
        let (heap, flag) = self.heap.as_ref()?;
        if heap.0 < LEAST && version.is_at_least(&[9]) {
            return Some(format!("`{flag}`: too small, the JVM does not start"));
        }
        let (initial, first) = self.initial.as_ref()?;
        (initial > heap).then(|| format!("`{first}` is more than `{flag}`: the JVM does not start"))
    }
}

/// A size as the JVM reads it: whole, with at most one letter behind it.
/// JDK 8 knows no hexadecimal ones.
fn amount(version: &Version, text: &str) -> Option<Bytes> {
    let (digits, shift) = match text.to_ascii_lowercase().chars().last()? {
        'k' => (text.len() - 1, 10),
        'm' => (text.len() - 1, 20),
        'g' => (text.len() - 1, 30),
        't' => (text.len() - 1, 40),
        _ => (text.len(), 0),
    };
    let digits = text.get(..digits)?;
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(_) if !version.is_at_least(&[9]) => return None,
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse::<u64>().ok().filter(|_| !digits.starts_with('+'))?,
    };
    number.checked_mul(1 << shift).map(Bytes)
}

/// The JVM's options on a command line: those before the class, the jar or the module.
pub(super) fn own_options(arguments: &[String]) -> Vec<String> {
    let mut own = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-jar" || word == "-m" || word == "--module" {
            break;
        }
        if matches!(word.as_str(), "-cp" | "-classpath" | "--class-path" | "-p" | "--module-path") {
            words.next();
        }
        own.push(word.clone());
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    const CPUS: Cpus = Cpus { online: 2, affinity: 2, quota: None };

    fn told(words: &[&str]) -> Told {
        Told { arguments: words.iter().map(|word| (*word).to_owned()).collect(), ..Told::default() }
    }

    fn belief(version: &str, view: &View, words: &[&str]) -> Belief {
        believes(&Version::parse(version).unwrap(), view, &told(words))
    }

    fn at(layout: Layout, limit: u64) -> View {
        View::imagined(layout, Some(mib(limit)), mib(24_112), CPUS)
    }

    fn heap(version: &str, layout: Layout, limit: u64, words: &[&str]) -> u64 {
        belief(version, &at(layout, limit), words).ceiling.unwrap().0 / MIB
    }

    /// `MaxHeapSize` of -XX:+PrintFlagsFinal in MiB, as measured on 8u504, 17, 25 and 26.
    #[test]
    fn default_heaps_are_those_that_were_measured() {
        let cells = [
            (64, 32),
            (128, 64),
            (200, 100),
            (256, 126),
            (384, 126),
            (512, 128),
            (768, 192),
            (1024, 256),
            (2048, 512),
            (4096, 1024),
        ];
        for version in ["8u504", "1.8.0_504", "17.0.15", "25.0.2", "26.0.2"] {
            for (limit, expected) in cells {
                let found = heap(version, Layout::ContainerV2, limit, &[]);
                assert_eq!(found, expected, "JDK {version} at {limit} MiB");
            }
        }
    }

    #[test]
    fn a_percentage_is_not_used_for_small_limits() {
        let heap = |limit, words: &[&str]| heap("17.0.15", Layout::ContainerV1, limit, words);
        let three_quarters = ["-XX:MaxRAMPercentage=75"];
        for (limit, expected) in
            [(64, 32), (128, 64), (200, 100), (256, 192), (512, 384), (1024, 768)]
        {
            assert_eq!(heap(limit, &three_quarters), expected, "at {limit} MiB");
        }
        let small = ["-XX:MinRAMPercentage=75"];
        assert_eq!((heap(128, &small), heap(200, &small)), (96, 126));
        let remarks = belief("17.0.15", &at(Layout::ContainerV1, 128), &three_quarters).remarks;
        assert!(remarks[0].contains("MinRAMPercentage"));
    }

    #[test]
    fn who_sees_the_limit_depends_on_version_and_place() {
        let sees = |version: &str, layout| heap(version, layout, 512, &[]) == 128;
        for (version, v1, v2) in [
            ("8u181", false, false),
            ("8u191", true, false),
            ("8u372", true, true),
            ("9.0.4", false, false),
            ("11.0.5", true, false),
            ("11.0.16", true, true),
            ("14.0.2", true, false),
            ("15.0.0", true, true),
            ("25.0.2", true, true),
        ] {
            assert_eq!(sees(version, Layout::ContainerV1), v1, "JDK {version} on v1");
            assert_eq!(sees(version, Layout::ContainerV2), v2, "JDK {version} on v2");
        }
        let view = View { has_all_controllers: false, ..at(Layout::ContainerV1, 512) };
        assert_eq!(belief("17.0.15", &view, &[]).ceiling, Some(mib(6028)));
    }

    #[test]
    fn parents_are_seen_as_measured() {
        let v2 = View { leaf: None, above: Some(mib(512)), ..at(Layout::ServiceV2, 512) };
        let v1 = View { leaf: None, hierarchical: Some(mib(512)), ..at(Layout::ServiceV1, 512) };
        let sees =
            |version: &str, view: &View| belief(version, view, &[]).ceiling == Some(mib(128));
        for (version, on_v1, on_v2) in [
            ("8u504", true, false),
            ("11.0.5", false, false),
            ("11.0.13", true, false),
            ("17.0.15", true, false),
            ("21.0.8", true, false),
            ("21.0.12.1", true, true),
            ("25.0.2", false, true),
            ("25.0.3", true, true),
            ("26.0.2", true, true),
        ] {
            assert_eq!(sees(version, &v1), on_v1, "JDK {version} on v1");
            assert_eq!(sees(version, &v2), on_v2, "JDK {version} on v2");
        }
        // 25.0.2 walks up by itself, as far as it can see.
        let visible = View { above: Some(mib(512)), ..v1 };
        assert!(sees("25.0.2", &visible) && !sees("11.0.5", &visible));
    }

    #[test]
    fn of_the_settings_the_strongest_counts() {
        let heap = |environment: &[(&str, &str)], words: &[&str], version: &str| {
            let environment =
                environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let told = Told { environment, ..told(words) };
            let view = at(Layout::ContainerV1, 512);
            let found = believes(&Version::parse(version).unwrap(), &view, &told);
            found.ceiling.unwrap().0 / MIB
        };
        let all = [
            ("JAVA_TOOL_OPTIONS", "-Xmx100m"),
            ("JDK_JAVA_OPTIONS", "-Xmx200m"),
            ("_JAVA_OPTIONS", "-Xmx400m"),
        ];
        assert_eq!(heap(&all[..1], &[], "17.0.15"), 100);
        assert_eq!(heap(&all[..2], &[], "17.0.15"), 200);
        assert_eq!(heap(&all[..2], &[], "8u504"), 100);
        assert_eq!(heap(&all[..2], &["-Xmx300m", "Main"], "17.0.15"), 300);
        assert_eq!(heap(&all, &["-Xmx300m", "Main"], "17.0.15"), 400);
        let both = ["-Xmx100m", "-XX:MaxRAMPercentage=75", "-jar", "a.jar", "-Xmx9m"];
        assert_eq!(heap(&[], &both, "17.0.15"), 100);
        assert_eq!(heap(&[], &["-cp", "x.jar", "-Xmx64m", "Main"], "17.0.15"), 64);
        assert_eq!(heap(&[("JAVA_OPTS", "-Xmx64m")], &[], "17.0.15"), 128);
    }

    #[test]
    fn jdk_8_wants_a_decimal_point() {
        let refuses =
            |version, word| belief(version, &at(Layout::ContainerV1, 512), &[word]).refuses;
        assert!(refuses("8u504", "-XX:MaxRAMPercentage=75").is_some());
        assert_eq!(refuses("8u504", "-XX:MaxRAMPercentage=75.0"), None);
        assert_eq!(refuses("11.0.24", "-XX:MaxRAMPercentage=75"), None);
        assert!(refuses("17.0.15", "-Xmxlots").is_some());
    }

    /// Measured on 8u504, 11.0.5, 17.0.9, 21.0.8 and 25.0.4.
    #[test]
    fn the_initial_heap_the_fraction_and_the_short_forms_count() {
        let heap = |words: &[&str]| heap("17.0.9", Layout::ContainerV1, 512, words);
        assert_eq!(heap(&["-Xms600m"]), 600);
        assert_eq!(heap(&["-mx150m", "Main"]), 150);
        assert_eq!(heap(&["-Xmx0x8000000"]), 128);
        assert_eq!(heap(&["-XX:MaxRAMFraction=2"]), 256);
        assert_eq!(heap(&["-XX:MaxRAMPercentage=40.0", "-XX:MaxRAMFraction=2"]), 206);
        assert_eq!(heap(&["-XX:-UseContainerSupport"]), 6028);
        let refuses = |version, words: &[&str]| {
            belief(version, &at(Layout::ContainerV1, 512), words).refuses.is_some()
        };
        assert!(refuses("17.0.9", &["-Xms100m", "-Xmx50m"]) && refuses("17.0.9", &["-Xmx1.5g"]));
        assert!(refuses("17.0.9", &["-Xmx1m"]) && refuses("25.0.2", &["-XX:MaxRAMFraction=2"]));
        assert!(refuses("17.0.9", &["-XX:MaxRAMPercentage=150.0"]));
        assert!(!refuses("8u504", &["-XX:MaxRAMPercentage=150.0"]));
        assert!(!refuses("8u504", &["-Xmx1m"]) && refuses("8u504", &["-Xmx0x8000000"]));
    }

    #[test]
    fn older_versions_believe_a_limit_that_the_machine_does_not_have() {
        let limit = 1 << 20;
        for (version, expected) in
            [("11.0.13", 30_688), ("17.0.3", 30_688), ("17.0.9", 6028), ("21.0.2", 6028)]
        {
            assert_eq!(heap(version, Layout::ContainerV1, limit, &[]), expected, "{version}");
        }
    }

    /// A limit of 15,872 MiB on a machine with 3914 MiB.
    #[test]
    fn those_that_walk_up_on_v2_believe_it_again() {
        let cells = [
            ("1.8.0_504", 980),
            ("17.0.9", 980),
            ("21.0.8", 980),
            ("21.0.13", 3968),
            ("25.0.2", 3968),
            ("26.0.2", 3968),
        ];
        for (version, expected) in cells {
            let view = View { host: mib(3914), ..at(Layout::ContainerV2, 15_872) };
            let found = belief(version, &view, &[]);
            assert_eq!(found.ceiling, Some(mib(expected)), "{version}");
        }
    }

    #[test]
    fn the_collector_is_chosen_by_the_limit_and_not_by_max_ram() {
        let view = at(Layout::ContainerV1, 2048);
        let found = belief("17.0.9", &view, &["-XX:MaxRAM=1g"]);
        assert_eq!((found.ceiling, found.collector), (Some(mib(256)), Some("G1")));
    }

    #[test]
    fn the_collector_follows_processors_and_memory() {
        let g1 = |limit, quota| {
            let cpus = Cpus { quota, ..CPUS };
            let view = View { cpus, ..at(Layout::ContainerV2, limit) };
            let outside = belief("17.0.15", &view, &[]).outside;
            outside.iter().any(|part| part.what.contains("tables"))
        };
        assert!(!g1(1791, None) && g1(1792, None));
        assert!(!g1(4096, Some(500)) && g1(4096, Some(1500)));
    }

    #[test]
    fn three_quarters_fit_from_a_gibibyte_on() {
        let fits = |limit, words: &[&str]| {
            belief("17.0.15", &at(Layout::ContainerV1, limit), words).fits(Some(mib(limit)), 1)
        };
        assert_eq!(fits(1024, &["-XX:MaxRAMPercentage=75"]), Fits::Fits);
        assert_eq!(fits(512, &["-XX:MaxRAMPercentage=75"]), Fits::Tight);
        assert_eq!(fits(512, &[]), Fits::Fits);
        assert_eq!(fits(512, &["-Xmx512m"]), Fits::CannotFit);
        let direct = |most| fits(192, &["-Xmx96m", most]);
        assert_eq!(direct("-XX:MaxDirectMemorySize=1g"), Fits::CannotFit);
        assert_eq!(direct("-XX:MaxDirectMemorySize=32m"), Fits::Tight);
    }
}
