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
use crate::quantity::{Dialect, parse};

/// 96 MiB, scaled by 1.3 for 64 bits: below a heap of this size half of the memory is taken.
const SMALL_HEAP: f64 = 96.0 * 1.3 * MIB as f64;
/// Heaps are whole multiples of this.
const ALIGNMENT: u64 = 2 * MIB;
/// From this much memory and 2 processors on a machine is a server, and G1 collects.
const SERVER: u64 = 1792 * MIB;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let flags = Flags::read(version, told);
    let seen = seen(version, view).filter(|limit| *limit < view.host);
    let memory = flags.memory.or(seen).unwrap_or(view.host);
    let (heap, from) = heap(memory, seen, &flags);
    let cpus = cpus(version, view, &flags);
    let server = cpus >= 2 && memory.0 >= SERVER;
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
        remarks,
        refuses: flags.bad,
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
        let above = view.hierarchical.filter(|_| reads_parents);
        return [view.leaf, above].into_iter().flatten().min();
    }
    let reads = of_8(372) || version.is_from(&[11, 0, 16]) || version.is_at_least(&[15]) && !java8;
    if !reads {
        return None;
    }
    let reads_parents = version.is_from(&[21, 0, 12]) || version.is_at_least(&[24]);
    let above = view.above.filter(|_| reads_parents && !java8);
    [view.leaf, above].into_iter().flatten().min()
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
    if is_small(memory, flags) {
        let percentage = flags.small_percentage.unwrap_or(50.0);
        return (aligned(share(percentage)), format!("{percentage} % (MinRAMPercentage) of {of}"));
    }
    let percentage = flags.percentage.unwrap_or(25.0);
    if share(percentage) < SMALL_HEAP {
        return (aligned(SMALL_HEAP), format!("the JVM's least heap of 124.8 MiB, whatever {of}"));
    }
    (aligned(share(percentage)), format!("{percentage} % (MaxRAMPercentage) of {of}"))
}

fn aligned(bytes: f64) -> Bytes {
    Bytes((bytes as u64).next_multiple_of(ALIGNMENT))
}

fn cpus(version: &Version, view: &View, flags: &Flags) -> u32 {
    if let Some(given) = flags.cpus.filter(|given| *given > 0) {
        return given;
    }
    let reads = seen(version, &View { leaf: Some(Bytes(1)), ..view.clone() }).is_some();
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
        let given = direct.0 / MIB;
        parts.push(Part::new("direct buffers", 0, given, "-XX:MaxDirectMemorySize"));
    }
    parts
}

/// What the options say, the strongest of each.
#[derive(Debug, Default)]
struct Flags {
    heap: Option<(Bytes, String)>,
    percentage: Option<f64>,
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
        if version.is_at_least(&[9]) {
            all.extend(words("JDK_JAVA_OPTIONS"));
        }
        all.extend(own_options(&told.arguments));
        all.extend(words("_JAVA_OPTIONS"));
        let mut flags = Self::default();
        for word in &all {
            flags.take(version, word);
        }
        flags
    }

    fn take(&mut self, version: &Version, word: &str) {
        let amount = |text: &str| parse(text, Dialect::Binary);
        if let Some(text) =
            word.strip_prefix("-Xmx").or_else(|| word.strip_prefix("-XX:MaxHeapSize="))
        {
            match amount(text) {
                Some(heap) => self.heap = Some((heap, word.to_owned())),
                None => self.bad = Some(format!("`{word}`: the JVM does not start")),
            }
            return;
        }
        let Some((name, value)) = word.strip_prefix("-XX:").and_then(|rest| rest.split_once('='))
        else {
            self.collector = match word {
                "-XX:+UseSerialGC" => Some(Collector::Serial),
                "-XX:+UseParallelGC" => Some(Collector::Parallel),
                "-XX:+UseG1GC" => Some(Collector::G1),
                "-XX:+UseZGC" | "-XX:+UseShenandoahGC" => Some(Collector::Other),
                _ => self.collector,
            };
            return;
        };
        let percentage = || value.parse::<f64>().ok().filter(|it| *it > 0.0 && *it <= 100.0);
        match name {
            "MaxRAMPercentage" | "MinRAMPercentage" => {
                let java8 = !version.is_at_least(&[9]);
                match percentage().filter(|_| !java8 || value.contains('.')) {
                    Some(found) if name == "MaxRAMPercentage" => self.percentage = Some(found),
                    Some(found) => self.small_percentage = Some(found),
                    None => {
                        let hint = if java8 { "; JDK 8 wants a decimal point: 75.0" } else { "" };
                        self.bad = Some(format!("`{word}`: the JVM does not start{hint}"));
                    }
                }
            }
            "MaxRAM" => self.memory = amount(value),
            "MaxDirectMemorySize" => self.direct = amount(value),
            "ActiveProcessorCount" => self.cpus = value.parse().ok(),
            _ => {}
        }
    }
}

/// The JVM's options on a command line: those before the class, the jar or the module.
fn own_options(arguments: &[String]) -> Vec<String> {
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
    }
}
