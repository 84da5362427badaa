//! Node.js: which limit V8 takes its heap from.
//!
//! # Recognised by
//! An executable `node`, or a mapped `libnode.so.N`; the version stands in the executable's read-only data
//! (`node.js/vX.Y.Z`, or the address of its headers).
//!
//! # Settings, the later the stronger
//! `NODE_OPTIONS` < the command line; of the same flag the last one. `--max-old-space-size=MIB` (`0`: the
//! default), `--max-semi-space-size=MIB`, and from 22.21 and 24.6 on `--max-old-space-size-percentage=P`,
//! which beats the number wherever either stands. The `=` is needed.
//!
//! # Its default
//! Half of the limit that it sees, at least 256 MiB and at most 2 GiB (4 GiB from 15 GiB on), and three
//! semi-spaces. Up to 12.6 it sees no limit; up to 20.2 only version 1's, and only at the mount root;
//! from 20.3 on its own cgroup's on both versions, never a parent's (libuv `uv_get_constrained_memory`,
//! V8 heap.cc `Heap::ConfigureHeap`).
//!
//! # Outside its ceiling
//! Buffers, native addons, thread stacks, code; each worker thread has a heap of its own.
//!
//! # What to set
//! The limit less 64 MiB below 256 MiB, 70 % below 1 GiB, 75 % below 4 GiB, else 80 %; divided by the
//! isolates, and Buffers first.

use casefile::Bytes;

use super::{Belief, MIB, Part, Told, Version, View, mib};

/// The floor of V8's default old space.
const FLOOR: u64 = 256 * MIB;
/// From this much memory on the old space may have 4 GiB.
const LARGE: u64 = 15 << 30;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let flags = Flags::read(told);
    let seen = seen(version, view).filter(|limit| *limit < view.host);
    let memory = seen.unwrap_or(view.host).0;
    let semi = flags.semi.unwrap_or_else(|| semi(version, memory));
    let (old, from) = old(version, memory, seen, &flags);
    let mut remarks = Vec::new();
    if flags.percentage.is_some() && flags.old.is_some() {
        remarks.push("--max-old-space-size is not used: the percentage beats it".to_owned());
    }
    if seen.is_none() && view.in_effect.is_some() {
        remarks
            .push(format!("Node {version} does not see the limit: {}", why_unseen(version, view)));
    }
    Belief {
        ceiling: Some(Bytes(old.saturating_add(semi.saturating_mul(3)))),
        from: format!("{from}, and 3 semi-spaces of {}", Bytes(semi)),
        outside: vec![Part::new(
            "code, stacks and small buffers",
            8,
            48,
            "measured: 8 to 26 MiB beside a full heap; 20 MiB of the executable stay hot",
        )],
        cpus: Some(cpus(version, view)),
        remarks,
        refuses: refuses(version, &flags),
    }
}

/// The limit that this version sees.
fn seen(version: &Version, view: &View) -> Option<Bytes> {
    if !version.is_at_least(&[12, 7]) {
        return None;
    }
    if !version.is_at_least(&[20, 3]) {
        return view.at_mount_root.filter(|_| view.cgroup_version == 1);
    }
    if view.cgroup_version == 2 && !view.unified_first {
        return None;
    }
    [view.leaf, view.leaf_high].into_iter().flatten().min()
}

fn why_unseen(version: &Version, view: &View) -> &'static str {
    if !version.is_at_least(&[12, 7]) {
        "12.7 is the first that looks"
    } else if !version.is_at_least(&[20, 3]) && view.cgroup_version == 2 {
        "20.3 is the first that reads cgroup v2"
    } else if !version.is_at_least(&[20, 3]) {
        "before 20.3 it looks at the mount root of cgroup v1 only"
    } else if view.cgroup_version == 2 && !view.unified_first {
        "another hierarchy stands before the unified one in /proc/self/cgroup"
    } else {
        "it stands on a level above its own cgroup"
    }
}

fn old(version: &Version, memory: u64, seen: Option<Bytes>, flags: &Flags) -> (u64, String) {
    let of = match seen {
        Some(limit) => format!("the limit of {limit}"),
        None => format!("the machine's {}", Bytes(memory)),
    };
    if let Some(percentage) = flags.percentage.filter(|_| knows_percentage(version)) {
        let old = (memory as f64 * percentage / 100.0) as u64 / MIB * MIB;
        return (old, format!("--max-old-space-size-percentage={percentage} of {of}"));
    }
    if let Some(old) = flags.old.filter(|old| *old > 0) {
        return (old, format!("--max-old-space-size={}", old / MIB));
    }
    let most = if memory >= LARGE && version.is_at_least(&[13]) { 4096 } else { 2048 } * MIB;
    let old = (memory / 2).clamp(FLOOR, most);
    let rule = if old == FLOOR && memory / 2 < FLOOR {
        format!("V8's floor of 256 MiB, whatever {of}")
    } else {
        format!("V8's default: half of {of}, at most {}", Bytes(most))
    };
    (old, rule)
}

/// One semi-space by default.
fn semi(version: &Version, memory: u64) -> u64 {
    let half = memory / 2;
    let old = half.clamp(FLOOR, 4096 * MIB);
    if version.is_at_least(&[26]) {
        return round_up(half / 64).clamp(2 * MIB, 32 * MIB);
    }
    if old <= FLOOR {
        return MIB;
    }
    let (share, most) = if version.is_at_least(&[24]) { (32, 64) } else { (128, 16) };
    round_up(old / share).min(most * MIB)
}

/// V8 rounds semi-spaces up to a power of two.
fn round_up(bytes: u64) -> u64 {
    bytes.checked_next_power_of_two().unwrap_or(bytes)
}

fn knows_percentage(version: &Version) -> bool {
    version.is_from(&[22, 21]) || version.is_at_least(&[24, 6])
}

/// `os.availableParallelism()`, by which pools are sized.
fn cpus(version: &Version, view: &View) -> u32 {
    let reads_quota = version.is_from(&[22, 12]) || version.is_at_least(&[24]);
    let quota = view.cpus.quota_down().filter(|_| reads_quota && view.cgroup_version == 2);
    quota.map_or(view.cpus.affinity, |quota| quota.min(view.cpus.affinity))
}

/// The flags that steer the heap, the strongest of each.
#[derive(Debug, Default)]
struct Flags {
    old: Option<u64>,
    semi: Option<u64>,
    percentage: Option<f64>,
    /// A flag as it stands that Node refuses.
    bad: Option<String>,
}

impl Flags {
    fn read(told: &Told) -> Self {
        let mut flags = Self::default();
        for word in told.variable("NODE_OPTIONS").unwrap_or_default().split_whitespace() {
            flags.take(word);
        }
        // What stands behind the script is the script's.
        let own = told.arguments.iter().take_while(|word| word.starts_with('-') && *word != "--");
        for word in own {
            flags.take(word);
        }
        flags
    }

    fn take(&mut self, word: &str) {
        let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
        let number = |value: Option<&str>| value.and_then(|text| text.parse::<u64>().ok());
        let bytes = number(value).map(|amount| mib(amount).0);
        match name.replace('_', "-").as_str() {
            "--max-old-space-size" if bytes.is_some() => self.old = bytes,
            "--max-semi-space-size" if bytes.is_some() => self.semi = bytes.map(round_up),
            "--max-old-space-size-percentage" => {
                let percentage = value.and_then(|text| text.parse::<f64>().ok());
                match percentage.filter(|it| *it > 0.0 && *it <= 100.0) {
                    Some(percentage) => self.percentage = Some(percentage),
                    None => self.bad = Some(word.to_owned()),
                }
            }
            "--max-old-space-size" | "--max-semi-space-size" => self.bad = Some(word.to_owned()),
            _ => {}
        }
    }
}

fn refuses(version: &Version, flags: &Flags) -> Option<String> {
    if let Some(bad) = &flags.bad {
        return Some(format!(
            "`{bad}`: Node does not start. A number of MiB must follow behind `=`, without a unit"
        ));
    }
    let unknown = flags.percentage.is_some() && !knows_percentage(version);
    unknown.then(|| {
        format!("--max-old-space-size-percentage: Node {version} does not know it (22.21, 24.6 and later do) and does not start")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout};

    const CPUS: Cpus = Cpus { online: 2, affinity: 2, quota: None };

    fn at(layout: Layout, limit: u64) -> View {
        View::imagined(layout, Some(mib(limit)), mib(24_000), CPUS)
    }

    fn heap(version: &str, layout: Layout, limit: u64, words: &[&str]) -> u64 {
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Told::default()
        };
        let version = Version::parse(version).unwrap();
        believes(&version, &at(layout, limit), &told).ceiling.unwrap().0 / MIB
    }

    /// `v8.getHeapStatistics().heap_size_limit` in MiB, as measured.
    #[test]
    fn default_heaps_are_those_that_were_measured() {
        let limits = [64, 128, 256, 512, 1024, 2048, 4096, 6144];
        let measured: [(&str, [u64; 8]); 4] = [
            ("20.20.2", [259, 259, 259, 259, 524, 1048, 2096, 2096]),
            ("22.23.3", [259, 259, 259, 259, 524, 1048, 2096, 2096]),
            ("24.21.0", [259, 259, 259, 259, 560, 1120, 2240, 2240]),
            ("26.10.0", [262, 262, 262, 268, 536, 1072, 2144, 2144]),
        ];
        for (version, heaps) in measured {
            for (limit, expected) in limits.into_iter().zip(heaps) {
                let found = heap(version, Layout::ContainerV2, limit, &[]);
                assert_eq!(found, expected, "node {version} at {limit} MiB");
            }
        }
        for (version, expected) in [("22.0.0", 4144), ("24.0.0", 4288), ("26.10.0", 4192)] {
            assert_eq!(heap(version, Layout::ContainerV2, 15 << 10, &[]), expected);
        }
    }

    #[test]
    fn who_sees_the_limit_depends_on_version_and_place() {
        let sees = |version, layout| heap(version, layout, 512, &[]) == 259;
        assert!(!sees("12.6.0", Layout::ContainerV1));
        for version in ["12.7.0", "14.21.3", "18.20.8", "20.2.0"] {
            assert!(sees(version, Layout::ContainerV1), "{version}");
            assert!(!sees(version, Layout::ServiceV1), "{version}");
            assert!(!sees(version, Layout::ContainerV2), "{version}");
        }
        for layout in
            [Layout::ContainerV1, Layout::ServiceV1, Layout::ContainerV2, Layout::ServiceV2]
        {
            assert!(sees("20.3.0", layout));
        }
        let view = View { unified_first: false, ..at(Layout::ContainerV2, 512) };
        let blind = believes(&Version::parse("22.23.3").unwrap(), &view, &Told::default());
        assert_eq!(blind.ceiling, Some(mib(4144)));
        assert!(blind.remarks[0].contains("another hierarchy"));
    }

    #[test]
    fn a_soft_limit_below_the_limit_counts() {
        let view = View { leaf_high: Some(mib(512)), ..at(Layout::ContainerV2, 4096) };
        let found = believes(&Version::parse("24").unwrap(), &view, &Told::default());
        assert_eq!(found.ceiling, Some(mib(259)));
    }

    #[test]
    fn the_command_line_beats_the_environment_and_a_percentage_beats_both() {
        let told = |environment: &str, arguments: &[&str]| Told {
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            environment: vec![("NODE_OPTIONS".to_owned(), environment.to_owned())],
            ..Told::default()
        };
        let version = Version::parse("24.21.0").unwrap();
        let heap = |environment: &str, arguments: &[&str]| {
            let told = told(environment, arguments);
            believes(&version, &at(Layout::ContainerV2, 512), &told).ceiling.unwrap().0 / MIB
        };
        assert_eq!(heap("--max-old-space-size=100", &[]), 103);
        assert_eq!(heap("--max-old-space-size=100", &["--max_old_space_size=200", "a.js"]), 203);
        assert_eq!(heap("", &["a.js", "--max-old-space-size=200"]), 259);
        assert_eq!(heap("--max-old-space-size-percentage=50", &["--max-old-space-size=100"]), 259);
        assert_eq!(heap("--max-old-space-size=0", &[]), 259);
    }

    #[test]
    fn what_node_refuses_is_told() {
        let refuses = |version: &str, word: &str| {
            let told = Told { arguments: vec![word.to_owned()], ..Told::default() };
            believes(&Version::parse(version).unwrap(), &at(Layout::ContainerV2, 512), &told)
                .refuses
        };
        assert!(refuses("22.23.3", "--max-old-space-size").is_some());
        assert!(refuses("22.23.3", "--max-old-space-size=512m").is_some());
        assert!(refuses("22.20.0", "--max-old-space-size-percentage=75").is_some());
        assert_eq!(refuses("22.21.0", "--max-old-space-size-percentage=75"), None);
        assert!(refuses("23.11.0", "--max-old-space-size-percentage=75").is_some());
    }

    #[test]
    fn a_default_heap_above_the_limit_cannot_fit() {
        let fits = |limit: u64, words: &[&str]| {
            let arguments = words.iter().map(|word| (*word).to_owned()).collect();
            let told = Told { arguments, ..Told::default() };
            let belief = believes(
                &Version::parse("22.23.3").unwrap(),
                &at(Layout::ContainerV1, limit),
                &told,
            );
            belief.fits(Some(mib(limit)), 1)
        };
        assert_eq!(fits(128, &[]), Fits::CannotFit);
        assert_eq!(fits(256, &[]), Fits::CannotFit);
        assert_eq!(fits(512, &[]), Fits::Fits);
        assert_eq!(fits(256, &["--max-old-space-size=192"]), Fits::Fits);
        assert_eq!(fits(512, &["--max-old-space-size=460"]), Fits::Tight);
        assert_eq!(fits(512, &["--max-old-space-size=1024"]), Fits::CannotFit);
    }
}
