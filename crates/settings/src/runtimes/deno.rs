//! Deno: V8's default, from the machine unless a variable says otherwise.
//!
//! # Recognised by
//! `Deno/X.Y.Z` in the executable's constants, beside the names of its variables; a program that Deno compiled
//! carries them too.
//!
//! # Settings, the later the stronger
//! `DENO_V8_FLAGS` < `--v8-flags`: `--max-old-space-size=MIB`. `DENO_USE_CGROUPS`, with any value, lets it look at the
//! limit (2.3.2 on; the official image sets it). `NODE_OPTIONS` is not read.
//!
//! # Its default
//! Half of the machine's memory, at least 256 MiB and at most 4 GiB, and three semi-spaces; 2.0 always 1448 MiB. With
//! `DENO_USE_CGROUPS` half of the limit of its own cgroup, found by `/proc/self/cgroup`: not in a container
//! on cgroup v1, whose mount shows another path; not a parent's; not memory.high. The processors follow the
//! quota, rounded down.
//!
//! # Outside its ceiling
//! Buffers, Rust's own heap, code; each worker has a heap of its own. A full heap ends with 133.
//!
//! # What to set
//! `--v8-flags=--max-old-space-size` at the limit less 64 MiB below 256 MiB, 70 % below 1 GiB, else 75 %.

use casefile::Bytes;

use super::words::split;
use super::{Belief, MIB, Part, Told, Version, View};

const FLOOR: u64 = 256 * MIB;
/// 2.0, whatever machine and limit.
const FIXED: u64 = 1448 * MIB;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let asks = told.variable("DENO_USE_CGROUPS").is_some();
    let seen = seen(version, view).filter(|limit| asks && *limit < view.host);
    let memory = seen.unwrap_or(view.host).0;
    let given = v8_size(told, "--max-old-space-size=");
    let mut belief = Belief { cpus: Some(cpus(view)), ..Belief::default() };
    if seen.is_none() && view.in_effect.is_some() {
        belief.remarks.push(why_unseen(version, view, asks).to_owned());
    }
    if told.variable("NODE_OPTIONS").is_some() {
        belief.remarks.push("NODE_OPTIONS is not read by Deno".to_owned());
    }
    if !version.is_at_least(&[2, 1]) && given.is_none() {
        belief.ceiling = Some(Bytes(FIXED));
        belief.from = "Deno 2.0's own 1448 MiB, whatever limit and machine".to_owned();
    } else {
        let of = match seen {
            Some(limit) => format!("the limit of {limit}"),
            None => format!("the machine's {}", view.host),
        };
        let (old, from) = match given {
            Some(old) => (old, format!("--max-old-space-size={}", old / MIB)),
            None => {
                (default(version, memory), format!("V8's default: half of {of}, at least 256 MiB"))
            }
        };
        let young = v8_size(told, "--max-semi-space-size=").map(|semi| semi.next_power_of_two());
        match young.or_else(|| semi(version, memory)) {
            Some(semi) => {
                belief.ceiling = Some(Bytes(old.saturating_add(semi.saturating_mul(3))));
                belief.from = format!("{from}, and 3 semi-spaces of {}", Bytes(semi));
            }
            None => belief.from = format!("{from}; its semi-spaces were not measured at this size"),
        }
    }
    belief.outside.push(Part::new(
        "code, stacks and small buffers",
        8,
        48,
        "measured: 74 MiB with a heap of 64 MiB full",
    ));
    belief
}

/// The limit that it finds once it looks.
fn seen(version: &Version, view: &View) -> Option<Bytes> {
    let in_container_v1 = view.cgroup_version == 1 && view.at_mount_root.is_some();
    view.leaf.filter(|_| version.is_at_least(&[2, 3, 2]) && !in_container_v1)
}

fn why_unseen(version: &Version, view: &View, asks: bool) -> &'static str {
    if !version.is_at_least(&[2, 3, 2]) {
        "this version of Deno does not look at the limit"
    } else if !asks {
        "Deno does not look at the limit: DENO_USE_CGROUPS is not set"
    } else if view.cgroup_version == 1 {
        "Deno does not find the limit in a container on cgroup v1, DENO_USE_CGROUPS or not"
    } else {
        "Deno does not see the limit: it stands on a level above its own cgroup"
    }
}

fn default(version: &Version, memory: u64) -> u64 {
    // Later V8s take 4 GiB as their most on every machine.
    let large = version.is_at_least(&[2, 6]) || memory >= 15 << 30;
    (memory / 2).clamp(FLOOR, if large { 4096 } else { 2048 } * MIB)
}

/// One semi-space; `None` at sizes that were not measured.
fn semi(version: &Version, memory: u64) -> Option<u64> {
    let half = memory / 2;
    let old = default(version, memory);
    let power = |bytes: u64| bytes.checked_next_power_of_two().unwrap_or(bytes);
    if version.is_at_least(&[2, 7]) {
        return Some(power(half / 64).clamp(2 * MIB, 32 * MIB));
    }
    if version.is_at_least(&[2, 6]) {
        let known = [(0..=FLOOR, MIB / 2), (4096 * MIB..=u64::MAX, 32 * MIB)];
        return known.into_iter().find(|(halves, _)| halves.contains(&half)).map(|(_, semi)| semi);
    }
    if old <= FLOOR {
        return Some(MIB);
    }
    let (share, most) = if version.is_at_least(&[2, 2]) { (32, 64) } else { (128, 16) };
    Some(power(old / share).min(most * MIB))
}

/// The strongest size of this V8 flag (`--max-old-space-size=`).
fn v8_size(told: &Told, flag: &str) -> Option<u64> {
    let flags = told.arguments.iter().filter_map(|word| word.strip_prefix("--v8-flags="));
    let words: Vec<String> = told
        .variable("DENO_V8_FLAGS")
        .into_iter()
        .chain(flags)
        .flat_map(|text| split(&text.replace(',', " ")))
        .collect();
    let sizes = words.iter().rev().filter_map(|word| {
        let word = word.replace('_', "-");
        word.strip_prefix(flag)?.parse::<u64>().ok()
    });
    sizes.map(|size| size.min(1 << 30).saturating_mul(MIB)).find(|size| *size > 0)
}

fn cpus(view: &View) -> u32 {
    let cpus = view.cpus;
    cpus.quota_down().map_or(cpus.affinity, |quota| quota.min(cpus.affinity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Layout, mib};

    /// In KiB: semi-spaces of half a MiB are among them.
    fn heap(version: &str, layout: Layout, limit: u64, told: &Told) -> Option<u64> {
        let cpus = Cpus { online: 2, affinity: 2, quota: Some(1500) };
        let view = View::imagined(layout, Some(mib(limit)), mib(24_105), cpus);
        let found = believes(&Version::parse(version).unwrap(), &view, told);
        assert_eq!(found.cpus, Some(1));
        found.ceiling.map(|bytes| bytes.0 >> 10)
    }

    /// `DENO_V8_FLAGS` on 24,105 MiB.
    #[test]
    fn young_objects_are_those_that_were_measured() {
        for (version, alone) in [("2.3.7", 256), ("2.9.6", 160)] {
            for (flags, heap) in [
                ("--max-old-space-size=64", alone),
                ("--max-old-space-size=64,--max-semi-space-size=1", 67),
                ("--max-old-space-size=64,--max-semi-space-size=4", 76),
            ] {
                let environment = vec![("DENO_V8_FLAGS".to_owned(), flags.to_owned())];
                let told = Told { environment, ..Told::default() };
                let found = self::heap(version, Layout::ServiceV1, 128, &told);
                assert_eq!(found, Some(heap << 10), "{version} {flags}");
            }
        }
    }

    fn looking() -> Told {
        let environment = vec![("DENO_USE_CGROUPS".to_owned(), "0".to_owned())];
        Told { environment, ..Told::default() }
    }

    /// `heap_size_limit` on v1, the whole hierarchy visible, 24,105 MiB: without the variable, and with it at
    /// 128 and 512 MiB.
    #[test]
    fn heaps_are_those_that_were_measured() {
        for (version, blind, small, half) in [
            ("2.0.6", 1448.0, 1448.0, 1448.0),
            ("2.1.10", 4144.0, 4144.0, 4144.0),
            ("2.2.15", 4288.0, 4288.0, 4288.0),
            ("2.3.0", 4288.0, 4288.0, 4288.0),
            ("2.3.2", 4288.0, 259.0, 259.0),
            ("2.3.7", 4288.0, 259.0, 259.0),
            ("2.4.4", 4288.0, 259.0, 259.0),
            ("2.5.0", 4288.0, 259.0, 259.0),
            ("2.6.4", 4192.0, 257.5, 257.5),
            ("2.7.1", 4192.0, 262.0, 268.0),
            ("2.7.9", 4192.0, 262.0, 268.0),
            ("2.8.0", 4192.0, 262.0, 268.0),
            ("2.9.6", 4192.0, 262.0, 268.0),
        ] {
            let heap = |limit, told: &Told| {
                heap(version, Layout::ServiceV1, limit, told).map(|kib| kib as f64 / 1024.0)
            };
            let found = (heap(128, &Told::default()), heap(128, &looking()), heap(512, &looking()));
            assert_eq!(found, (Some(blind), Some(small), Some(half)), "deno {version}");
        }
        // 2.9.6 on a machine of 4808 MiB.
        let view = View::imagined(
            Layout::ContainerV2,
            None,
            mib(4808),
            Cpus { online: 4, affinity: 4, quota: None },
        );
        let found = believes(&Version::parse("2.9.6").unwrap(), &view, &Told::default());
        assert_eq!(found.ceiling, Some(mib(2500)));
    }

    #[test]
    fn a_container_on_v1_hides_the_limit_and_one_on_v2_does_not() {
        assert_eq!(heap("2.9.6", Layout::ContainerV1, 128, &looking()), Some(4192 << 10));
        assert_eq!(heap("2.9.6", Layout::ContainerV2, 128, &looking()), Some(262 << 10));
    }

    /// 2.5.0, the machine's semi-spaces of 64 MiB beside the number.
    #[test]
    fn the_command_line_beats_the_variable() {
        let told = |words: &[&str]| Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: vec![("DENO_V8_FLAGS".to_owned(), "--max-old-space-size=100".to_owned())],
            ..Told::default()
        };
        let heap = |words: &[&str]| heap("2.5.0", Layout::ServiceV1, 512, &told(words));
        assert_eq!(heap(&["run"]), Some(292 << 10));
        assert_eq!(heap(&["run", "--v8-flags=--max-old-space-size=200"]), Some(392 << 10));
    }
}
