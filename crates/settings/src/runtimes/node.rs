//! Node.js: which limit V8 takes its heap from.
//!
//! # Recognised by
//! An executable `node`, or a mapped `libnode.so.N`; the version stands in the executable's read-only data
//! (`node.js/vX.Y.Z`, or the address of its headers).
//!
//! # Settings, the later the stronger
//! `NODE_OPTIONS` < the command line; of the same flag the last one. `--max-old-space-size=MIB` (`0`: the
//! default), `--max-semi-space-size=MIB`, `--max-heap-size=MIB` for both together (12.11 on), and from 22.21 and 24.6 on `--max-old-space-size-percentage=P`,
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
//! isolates, and Buffers first. Where less than 48 MiB were seen outside the heap: the limit less that, 30 MiB for
//! the program's own pages, and a twentieth.

use casefile::Bytes;

use super::{Belief, MIB, Part, Told, Version, View, mib};

/// The floor of V8's default old space.
const FLOOR: u64 = 256 * MIB;
/// From this much memory on the old space may have 4 GiB.
const LARGE: u64 = 15 << 30;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let flags = Flags::read(version, told);
    let seen = seen(version, view).filter(|limit| *limit < view.host);
    let memory = seen.unwrap_or(view.host).0;
    let (heap, from) = heap(version, memory, seen, &flags);
    let mut remarks = Vec::new();
    if flags.percentage.is_some() && flags.old.is_some() {
        remarks.push("--max-old-space-size is not used: the percentage beats it".to_owned());
    }
    if seen.is_none() && view.in_effect.is_some() {
        remarks
            .push(format!("Node {version} does not see the limit: {}", why_unseen(version, view)));
    }
    Belief {
        ceiling: Some(Bytes(heap)),
        from,
        outside: vec![Part::new(
            "code, stacks and small buffers",
            8,
            48,
            "measured: 8 to 26 MiB beside a full heap; 20 MiB of the executable stay hot",
        )],
        cpus: Some(cpus(version, view)),
        processes: None,
        remarks,
        refuses: refuses(version, &flags),
        collector: None,
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
    let most = if is_large(version, memory) { 4096 } else { 2048 } * MIB;
    let half = match version.is_at_least(&[13]) {
        // Whole pages of V8's.
        true => (memory / 2).next_multiple_of(256 << 10),
        false if version.is_at_least(&[12, 11]) => memory / 2 / MIB * MIB,
        false => memory / 4 / MIB * 2 * MIB,
    };
    let old = half.clamp(FLOOR, most);
    let rule = if old == FLOOR && memory / 2 < FLOOR {
        format!("V8's floor of 256 MiB, whatever {of}")
    } else {
        format!("V8's default: half of {of}, at most {}", Bytes(most))
    };
    (old, rule)
}

/// Whether V8 lets the old space have 4 GiB: from 15.5 GiB on, from Node 21 on from 15 GiB on.
fn is_large(version: &Version, memory: u64) -> bool {
    let least = if version.is_at_least(&[21]) { LARGE } else { LARGE + 512 * MIB };
    version.is_at_least(&[13]) && memory >= least
}

/// The old space and three semi-spaces, or what `--max-heap-size` gives both.
fn heap(version: &Version, memory: u64, seen: Option<Bytes>, flags: &Flags) -> (u64, String) {
    let by_default = || semi(version, memory);
    let with = |old: u64, semi: u64, from: String| {
        let from = format!("{from}, and 3 semi-spaces of {}", Bytes(semi));
        (old.saturating_add(semi.saturating_mul(3)), from)
    };
    let young = |bytes: u64| if caps_semi(version) { bytes.min(16 * MIB) } else { bytes };
    let Some(total) = flags.heap else {
        let (old, from) = old(version, memory, seen, flags);
        return with(old, flags.semi.map_or_else(by_default, young), from);
    };
    if flags.old.is_none() && flags.percentage.is_none() {
        return (total, format!("--max-heap-size={}", total / MIB));
    }
    // What the old space leaves is the young generation's, at least the smallest one.
    let (old, from) = old(version, memory, seen, flags);
    let least = if version.is_at_least(&[26]) { MIB / 2 } else { MIB };
    let semi = round_up(total.saturating_sub(old) / 3).max(least);
    with(old, young(semi), format!("{from} beside --max-heap-size={}", total / MIB))
}

/// V8 7.8 and 7.9 had no larger semi-spaces than 16 MiB, whatever was asked.
fn caps_semi(version: &Version) -> bool {
    version.is_from(&[12, 16]) || version.major() == 13
}

/// One semi-space by default.
fn semi(version: &Version, memory: u64) -> u64 {
    let half = memory / 2;
    if !version.is_at_least(&[12, 11]) {
        // In a straight line from 1 MiB at 512 MiB to 16 MiB at 3 GiB.
        let above = memory.clamp(512 * MIB, 3072 * MIB) - 512 * MIB;
        return round_up(MIB + above / (2560 * MIB / MIB) * 15);
    }
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

/// `os.availableParallelism()`, by which pools are sized. libuv reads quotas of version 2 from 1.49 on (22.12,
/// 23.1, 24); 1.51 (22.17, 24.2 to 24.15, 25) takes one of less than a processor for none (libuv #4853).
fn cpus(version: &Version, view: &View) -> u32 {
    let reads_quota =
        version.is_from(&[22, 12]) || version.is_from(&[23, 1]) || version.is_at_least(&[24]);
    let needs_a_whole = version.is_from(&[22, 17])
        || (version.is_from(&[24, 2]) && !version.is_from(&[24, 16]))
        || version.is_from(&[25]);
    let is_read = |thousandths: u32| {
        reads_quota && view.cgroup_version == 2 && (thousandths >= 1000 || !needs_a_whole)
    };
    let quota = view.cpus.quota_down().filter(|_| view.cpus.quota.is_some_and(is_read));
    quota.map_or(view.cpus.affinity, |quota| quota.min(view.cpus.affinity))
}

/// The flags that steer the heap, the strongest of each.
#[derive(Debug, Default)]
struct Flags {
    old: Option<u64>,
    semi: Option<u64>,
    heap: Option<u64>,
    percentage: Option<f64>,
    /// `--max-heap-size` is there, whatever it says.
    names_heap: bool,
    /// A flag as it stands that Node refuses, and why.
    bad: Option<(String, &'static str)>,
}

const NO_NUMBER: &str = "a number of MiB must follow behind `=`, without a unit";
const NOT_THERE: &str = "NODE_OPTIONS must not hold it";

impl Flags {
    fn read(version: &Version, told: &Told) -> Self {
        let mut flags = Self::default();
        for word in words(told.variable("NODE_OPTIONS").unwrap_or_default()) {
            flags.take(&word);
            let name = name_of(&word);
            let is_allowed = match name.as_str() {
                "max-semi-space-size" => version.is_at_least(&[18]),
                "max-heap-size" => {
                    version.is_from(&[24, 15])
                        || version.is_from(&[25, 9])
                        || version.is_at_least(&[26])
                }
                _ => true,
            };
            if !is_allowed {
                flags.bad = Some((word, NOT_THERE));
            }
        }
        for word in own_options(&told.arguments) {
            flags.take(word);
        }
        flags
    }

    fn take(&mut self, word: &str) {
        let value = word.split_once('=').map(|(_, value)| value);
        let slot = match name_of(word).as_str() {
            "max-old-space-size" => &mut self.old,
            "max-semi-space-size" => &mut self.semi,
            "max-heap-size" => {
                self.names_heap = true;
                &mut self.heap
            }
            "max-old-space-size-percentage" => {
                let percentage = value.and_then(|text| text.parse::<f64>().ok());
                match percentage.filter(|it| *it > 0.0 && *it <= 100.0) {
                    Some(percentage) => self.percentage = Some(percentage),
                    None => self.bad = Some((word.to_owned(), "a number up to 100 must follow")),
                }
                return;
            }
            _ => return,
        };
        match value.map(number) {
            Some(Ok(amount)) => *slot = amount.map(|amount| mib(amount).0),
            Some(Err(())) | None => self.bad = Some((word.to_owned(), NO_NUMBER)),
        }
        if self.semi.is_some_and(|semi| !semi.is_power_of_two()) {
            self.semi = self.semi.map(round_up);
        }
    }
}

/// Options whose value may be the next word.
const WITH_VALUE: [&str; 16] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "-e",
    "--eval",
    "-p",
    "-pe",
    "--print",
    "--input-type",
    "--env-file",
    "--title",
    "--icu-data-dir",
];

/// Node's options on a command line: what stands behind the script is the script's.
pub(super) fn own_options(arguments: &[String]) -> impl Iterator<Item = &String> {
    let mut is_value = false;
    arguments
        .iter()
        .take_while(move |word| {
            let is_own = is_value || word.starts_with('-') && *word != "--" && *word != "-";
            is_value = !is_value && WITH_VALUE.contains(&word.as_str());
            is_own
        })
        .filter(|word| word.starts_with('-'))
}

/// A flag's name without its dashes, one of which is enough for V8.
fn name_of(word: &str) -> String {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    match word.starts_with('-') {
        true => name.trim_start_matches('-').replace('_', "-"),
        false => String::new(),
    }
}

/// A size as V8 reads it: 0, nothing, what is negative and what is too large leave the default.
fn number(text: &str) -> Result<Option<u64>, ()> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.chars().all(|c| c.is_ascii_digit()) || (digits.is_empty() && !text.is_empty()) {
        return Err(());
    }
    Ok(digits.parse().ok().filter(|amount| *amount > 0 && !text.starts_with('-')))
}

/// `NODE_OPTIONS` as Node splits it: at blanks alone, but for what stands in `"`, where `\` makes the
/// next letter a letter.
fn words(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let (mut is_quoted, mut letters) = (false, text.chars());
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '"' => {
                is_quoted = !is_quoted;
                continue;
            }
            ' ' if !is_quoted => {
                found.push(String::new());
                continue;
            }
            '\\' if is_quoted => letters.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(word) = found.last_mut() {
            word.push(letter);
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

fn refuses(version: &Version, flags: &Flags) -> Option<String> {
    if let Some((bad, why)) = &flags.bad {
        return Some(format!("`{bad}`: Node does not start; {why}"));
    }
    if flags.percentage.is_some() && !knows_percentage(version) {
        return Some(format!(
            "--max-old-space-size-percentage: Node {version} does not know it (22.21, 24.6 and later do) and does not start"
        ));
    }
    if flags.names_heap && !version.is_at_least(&[12, 11]) {
        return Some(format!(
            "--max-heap-size: Node {version} does not know it (12.11 is the first) and does not start"
        ));
    }
    if flags.heap.is_some() && flags.old.is_some() && flags.semi.is_some() {
        return Some("V8 does not take --max-heap-size beside both parts of it".to_owned());
    }
    let young = flags.semi.unwrap_or(0).saturating_mul(3);
    let of_heap = flags.heap.filter(|_| flags.old.is_none());
    let old = flags.old.or(of_heap.map(|heap| heap.saturating_sub(young)));
    // From 22 on even 6 MiB were too little, 8 MiB were enough for every version.
    old.filter(|old| *old < 2 * MIB).map(|old| {
        format!("an old space of {} is too small for Node itself: it does not start", Bytes(old))
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

    /// node 20.20.2 takes every one of them.
    #[test]
    fn an_option_may_have_its_value_in_the_next_word() {
        let with = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            own_options(&words).cloned().collect::<Vec<_>>().join(" ")
        };
        let flag = "--max-old-space-size=64";
        assert_eq!(with(&["-r", "./a.js", flag, "b.js", "-x"]), format!("-r {flag}"));
        assert_eq!(
            with(&["--import", "a", "-C", "b", flag, "-p", "1"]),
            format!("--import -C {flag} -p")
        );
        assert_eq!(with(&["-e", "1", flag]), format!("-e {flag}"));
        assert_eq!(with(&["--", flag]), "");
        assert_eq!(with(&["b.js", flag]), "");
        let heap = |words: &[&str]| heap("20.20.2", Layout::ContainerV2, 512, words);
        assert_eq!(heap(&["-r", "./a.js", flag, "-e", "1"]), 64 + 3);
    }

    /// `heap_size_limit` of the same kind, at limits between the powers of two.
    #[test]
    fn limits_between_the_powers_of_two_round_as_v8_does() {
        let cells = [
            ("12.7.0", 600, 306),
            ("12.7.0", 1791, 942),
            ("12.7.0", 2048, 1072),
            ("12.22.12", 600, 312),
            ("12.22.12", 1791, 919),
            ("20.20.2", 15 << 10, 2096),
            ("20.20.2", 15_872, 4144),
            ("22.23.3", 15 << 10, 4144),
            ("22.23.3", (15 << 10) - 1, 2096),
        ];
        for (version, limit, expected) in cells {
            let found = heap(version, Layout::ContainerV1, limit, &[]);
            assert_eq!(found, expected, "node {version} at {limit} MiB");
        }
    }

    #[test]
    fn the_heap_as_a_whole_is_split_as_measured() {
        let heap = |version, words: &[&str]| heap(version, Layout::ContainerV1, 512, words);
        let (whole, old) = ("--max-heap-size=300", "--max-old-space-size");
        for version in ["12.22.12", "14.21.3", "22.23.3", "26.10.0"] {
            assert_eq!(heap(version, &[whole]), 300, "{version}");
            assert_eq!(heap(version, &[whole, "--max-semi-space-size=4"]), 300, "{version}");
        }
        assert_eq!(heap("24.21.0", &[whole, &format!("{old}=100")]), 484);
        assert_eq!(heap("12.22.12", &[whole, &format!("{old}=100")]), 148);
        assert_eq!(heap("24.21.0", &[whole, &format!("{old}=290")]), 302);
        assert_eq!(heap("24.21.0", &[whole, &format!("{old}=400")]), 403);
        assert_eq!(heap("26.10.0", &[whole, &format!("{old}=400")]), 401);
        assert_eq!(heap("12.22.12", &["--max-semi-space-size=32"]), 304);
    }

    #[test]
    fn what_leaves_the_default_and_what_is_quoted() {
        for word in ["=-1", "=0", "=", "=99999999999999999999"] {
            let word = format!("--max-old-space-size{word}");
            assert_eq!(heap("22.23.3", Layout::ContainerV1, 512, &[&word]), 259, "{word}");
        }
        assert_eq!(heap("22.23.3", Layout::ContainerV1, 512, &["-max_old_space_size=0100"]), 103);
        assert_eq!(words(r#"--a="1 2" "--b=1\50"  '--c'"#), ["--a=1 2", "--b=150", "'--c'"]);
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

    /// `os.availableParallelism()` of four processors on cgroup v2, at quotas of 0.5, 1.5 and 2.5.
    #[test]
    fn quotas_are_read_as_measured() {
        let cells = [
            ("20.3.0", [4, 4, 4]),
            ("22.12.0", [1, 1, 2]),
            ("22.23.3", [4, 1, 2]),
            ("23.11.1", [1, 1, 2]),
            ("24.0.0", [1, 1, 2]),
            ("24.21.0", [1, 1, 2]),
            ("25.9.0", [4, 1, 2]),
            ("26.10.0", [1, 1, 2]),
        ];
        for (version, expected) in cells {
            let version = Version::parse(version).unwrap();
            let found = [500, 1500, 2500].map(|quota| {
                let cpus = Cpus { online: 4, affinity: 4, quota: Some(quota) };
                let view = View::imagined(Layout::ContainerV2, Some(mib(2048)), mib(3914), cpus);
                believes(&version, &view, &Told::default()).cpus.unwrap()
            });
            assert_eq!(found, expected, "{version}");
        }
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
        assert!(refuses("22.23.3", "--max-old-space-size=1.5").is_some());
        assert!(refuses("22.23.3", "--max-old-space-size=1").is_some());
        assert!(refuses("12.7.0", "--max-heap-size=0").is_some());
        assert_eq!(refuses("12.22.12", "--max-heap-size=0"), None);
    }

    #[test]
    fn not_every_flag_may_stand_in_the_environment() {
        let refuses = |version: &str, options: &str| {
            let environment = vec![("NODE_OPTIONS".to_owned(), options.to_owned())];
            let told = Told { environment, ..Told::default() };
            let view = at(Layout::ContainerV1, 512);
            believes(&Version::parse(version).unwrap(), &view, &told).refuses.is_some()
        };
        let semi = "--max-semi-space-size=64";
        assert!(refuses("16.20.2", semi) && !refuses("18.20.8", semi));
        let heap = "--max-heap-size=200";
        assert!(refuses("22.23.3", heap) && refuses("24.14.0", heap) && refuses("25.8.0", heap));
        assert!(!refuses("24.15.0", heap) && !refuses("25.9.0", heap) && !refuses("26.10.0", heap));
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
