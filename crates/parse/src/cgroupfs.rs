//! Files of the memory and pids controllers: counters, values, limits.
//!
//! Read in the form of `tail -n +1 FILES` (`==> PATH <==` before each file), of `grep . FILES`
//! (`PATH:line`), after a pasted `cat PATH`, and alone where the content can be nothing else.
//! Judges nothing: `oom_kill 1` may be a child's. Files: Documentation/admin-guide/cgroup-v2.rst and
//! cgroup-v1/memory.rst of Linux 6.18.

use casefile::{CgroupPath, Limit, Span};

use crate::Sighting;
use crate::record::{Counter, CounterValue, Record};

/// Controllers as cgroup v1 mounts them below `/sys/fs/cgroup`.
const CONTROLLERS: [&str; 12] = [
    "memory",
    "unified",
    "pids",
    "cpu",
    "cpuacct",
    "cpu,cpuacct",
    "cpuset",
    "blkio",
    "devices",
    "freezer",
    "hugetlb",
    "systemd",
];

/// Files whose value is a limit.
const LIMITS: [&str; 10] = [
    "memory.high",
    "memory.kmem.limit_in_bytes",
    "memory.limit_in_bytes",
    "memory.max",
    "memory.memsw.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.swap.high",
    "memory.swap.max",
    "memory.zswap.max",
    "pids.max",
];

/// The memory files that the root cgroup has on v2. Any other file "at the root" was read inside a
/// cgroup namespace, where the path tells nothing.
const ROOT_FILES: [&str; 3] = ["memory.stat", "memory.pressure", "memory.numa_stat"];

const EVENT_KEYS: [&str; 7] =
    ["low", "high", "max", "oom", "oom_kill", "oom_group_kill", "sock_throttled"];
const OOM_CONTROL_KEYS: [&str; 3] = ["oom_kill_disable", "under_oom", "oom_kill"];

/// Which file the following lines are of.
#[derive(Debug, Clone)]
struct File {
    cgroup: Option<CgroupPath>,
    name: String,
    /// After a `cat` in a terminal the next line that does not fit ends the file.
    typed: bool,
}

/// Reads the text.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    let mut file: Option<File> = None;
    let mut found = Vec::new();
    let mut bare = Bare::default();
    for (words, span) in lines(text) {
        if let Some(path) = header(words) {
            file = File::of(path, false);
            found.extend(bare.take());
        } else if let Some(path) = typed_cat(words) {
            file = File::of(path, true);
            found.extend(bare.take());
        } else if let Some((path, value)) = grepped(words) {
            found.extend(File::of(path, false).iter().flat_map(|file| file.read(value, span)));
        } else if let Some(open) = &file {
            let seen = open.read(words, span);
            if seen.is_empty() && open.typed {
                file = None;
            }
            found.extend(seen);
        } else if !bare.add(words, span) {
            found.extend(bare.take());
        }
    }
    found.extend(bare.take());
    found
}

fn lines(text: &str) -> Vec<(&str, Span)> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let head = start + (line.len() - line.trim_start().len());
        if !words.is_empty() {
            found.push((words, Span { start: head, end: head + words.len() }));
        }
        start += line.len();
    }
    found
}

fn header(words: &str) -> Option<&str> {
    words.strip_prefix("==> ")?.strip_suffix(" <==")
}

/// `$ cat /sys/fs/cgroup/memory.events`
fn typed_cat(words: &str) -> Option<&str> {
    let (before, path) = words.rsplit_once("cat ")?;
    let typed = before.is_empty() || before.ends_with(['$', '#', ' ', '%']);
    let one = !path.trim().contains(char::is_whitespace);
    (typed && one).then_some(path.trim())
}

/// `/sys/fs/cgroup/x/memory.max:67108864`
fn grepped(words: &str) -> Option<(&str, &str)> {
    if !words.starts_with('/') {
        return None;
    }
    // A cgroup's name may hold a colon (`…slice:cri-containerd:ID`), a file's may not.
    let name_at = words.rfind("/memory.").or_else(|| words.rfind("/pids."))?;
    let end = name_at + words.get(name_at..)?.find(':')?;
    Some((words.get(..end)?, words.get(end + 1..)?.trim()))
}

impl File {
    fn of(path: &str, typed: bool) -> Option<Self> {
        let (directory, name) = path.trim().rsplit_once('/').unwrap_or(("", path.trim()));
        let known = name.starts_with("memory.") || name.starts_with("pids.");
        known.then(|| Self { cgroup: cgroup_of(directory, name), name: name.to_owned(), typed })
    }

    /// The values of one line.
    fn read(&self, words: &str, span: Span) -> Vec<Sighting> {
        let values = if self.name.ends_with(".pressure") {
            pressure(words)
        } else {
            self.keyed(words).into_iter().collect()
        };
        values
            .into_iter()
            .map(|(key, value)| {
                let counter =
                    Counter { cgroup: self.cgroup.clone(), file: self.name.clone(), key, value };
                Sighting { record: Record::Counter(counter), span, at: None }
            })
            .collect()
    }

    fn keyed(&self, words: &str) -> Option<(String, CounterValue)> {
        let Some((key, value)) = words.split_once(char::is_whitespace) else {
            return Some((String::new(), self.value(words)?));
        };
        let is_key = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        is_key.then(|| Some((key.to_owned(), CounterValue::Number(value.trim().parse().ok()?))))?
    }

    fn value(&self, words: &str) -> Option<CounterValue> {
        if !LIMITS.contains(&self.name.as_str()) {
            return words.parse().ok().map(CounterValue::Number);
        }
        if words == "max" {
            return Some(CounterValue::Limit(Limit::Unlimited));
        }
        words.parse().ok().map(|bytes| CounterValue::Limit(Limit::from_kernel(bytes)))
    }
}

/// The cgroup a directory stands for, where it tells.
fn cgroup_of(directory: &str, file: &str) -> Option<CgroupPath> {
    // The host's tree may be mounted elsewhere: `/host/sys/fs/cgroup`.
    let (_, inside) = directory.split_once("/sys/fs/cgroup")?;
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let (first, rest) = inside.split_once('/').unwrap_or((inside, ""));
    if CONTROLLERS.contains(&first) {
        return CgroupPath::parse(&format!("/{rest}"));
    }
    if inside.is_empty() && !ROOT_FILES.contains(&file) {
        return None;
    }
    CgroupPath::parse(&format!("/{inside}"))
}

/// `some avg10=0.12 avg60=0.00 avg300=0.00 total=4711`
fn pressure(words: &str) -> Vec<(String, CounterValue)> {
    let mut parts = words.split_whitespace();
    let Some(kind) = parts.next().filter(|kind| matches!(*kind, "some" | "full")) else {
        return Vec::new();
    };
    parts
        .filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = if name == "total" {
                CounterValue::Number(value.parse().ok()?)
            } else {
                CounterValue::Pressure(hundredths(value)?)
            };
            Some((format!("{kind}.{name}"), value))
        })
        .collect()
}

/// `12.34` is 1234: the kernel prints two digits.
fn hundredths(value: &str) -> Option<u32> {
    let (whole, part) = value.split_once('.')?;
    let part: u32 = part.parse().ok().filter(|_| part.len() == 2)?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

/// Lines of a file without its name: only `memory.events` and `memory.oom_control` can be told by
/// their keys.
#[derive(Default)]
struct Bare {
    pairs: Vec<(String, u64, Span)>,
}

impl Bare {
    /// Takes a line of `key number` pairs (a chat may have joined them); false if it is none.
    fn add(&mut self, words: &str, span: Span) -> bool {
        let words: Vec<&str> = words.split_whitespace().collect();
        let pairs: Option<Vec<(String, u64, Span)>> = words
            .chunks(2)
            .map(|pair| {
                let [key, value] = pair else { return None };
                let known = EVENT_KEYS.contains(key) || OOM_CONTROL_KEYS.contains(key);
                known.then(|| Some(((*key).to_owned(), value.parse().ok()?, span)))?
            })
            .collect();
        let Some(pairs) = pairs else { return false };
        self.pairs.extend(pairs);
        true
    }

    /// The counters, if the keys together can only be one file's.
    fn take(&mut self) -> Vec<Sighting> {
        let pairs = std::mem::take(&mut self.pairs);
        let has = |key: &str| pairs.iter().any(|(name, ..)| name == key);
        let all = |keys: &[&str]| pairs.iter().all(|(name, ..)| keys.contains(&name.as_str()));
        let name = if has("under_oom") && has("oom_kill_disable") && all(&OOM_CONTROL_KEYS) {
            "memory.oom_control"
        } else if has("oom") && pairs.len() >= 3 && all(&EVENT_KEYS) {
            "memory.events"
        } else {
            return Vec::new();
        };
        pairs
            .into_iter()
            .map(|(key, value, span)| {
                let value = CounterValue::Number(value);
                let counter = Counter { cgroup: None, file: name.to_owned(), key, value };
                Sighting { record: Record::Counter(counter), span, at: None }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use casefile::Bytes;
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "9f1c2b7de0a4438fa1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718";

    fn counters(text: &str) -> Vec<Counter> {
        read(text)
            .into_iter()
            .map(|sighting| match sighting.record {
                Record::Counter(counter) => counter,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn files_of_both_versions_are_read_under_their_headers() {
        let text = format!(
            "==> /sys/fs/cgroup/memory/docker/{ID}/memory.oom_control <==\noom_kill_disable 0\nunder_oom 0\noom_kill 2\n\n\
             ==> /sys/fs/cgroup/memory/docker/{ID}/memory.limit_in_bytes <==\n9223372036854771712\n\n\
             ==> /sys/fs/cgroup/system.slice/docker-{ID}.scope/memory.max <==\nmax\n\
             ==> /sys/fs/cgroup/system.slice/docker-{ID}.scope/memory.current <==\n4096\n\
             ==> /sys/fs/cgroup/system.slice/docker-{ID}.scope/memory.pressure <==\nsome avg10=12.34 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.05 avg60=0.00 avg300=0.00 total=5\n\
             ==> /sys/fs/cgroup/system.slice/docker-{ID}.scope/cpu.max <==\nmax 100000\n"
        );
        let found = counters(&text);
        let value = |file: &str, key: &str| {
            found.iter().find(|seen| seen.file == file && seen.key == key).map(|seen| seen.value)
        };
        assert_eq!(value("memory.oom_control", "oom_kill"), Some(CounterValue::Number(2)));
        assert_eq!(value("memory.limit_in_bytes", ""), Some(CounterValue::Limit(Limit::Unlimited)));
        assert_eq!(value("memory.max", ""), Some(CounterValue::Limit(Limit::Unlimited)));
        assert_eq!(value("memory.current", ""), Some(CounterValue::Number(4096)));
        assert_eq!(value("memory.pressure", "some.avg10"), Some(CounterValue::Pressure(1234)));
        assert_eq!(value("memory.pressure", "full.total"), Some(CounterValue::Number(5)));
        assert_eq!(found[0].cgroup.as_ref().unwrap().as_str(), format!("/docker/{ID}"));
        assert_eq!(
            found.last().unwrap().cgroup.as_ref().unwrap().as_str(),
            format!("/system.slice/docker-{ID}.scope")
        );
        assert_eq!(found.len(), 14);
    }

    #[test]
    fn a_path_seen_from_inside_a_namespace_tells_no_cgroup() {
        let found = counters(
            "$ cat /sys/fs/cgroup/memory.max\n67108864\n$ cat /sys/fs/cgroup/memory.events\nlow 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n$ ls\nfoo 1\n",
        );
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|counter| counter.cgroup.is_none()));
        assert_eq!(found[0].value, CounterValue::Limit(Limit::At(Bytes(64 << 20))));
        assert_eq!(found[0].file, "memory.max");
        let grepped = counters(
            "/sys/fs/cgroup/a/b:c/memory.events:oom_kill 1\n/sys/fs/cgroup/a/memory.peak:5",
        );
        assert_eq!(
            (grepped[0].key.as_str(), grepped[1].value),
            ("oom_kill", CounterValue::Number(5))
        );
        assert_eq!(grepped[0].cgroup.as_ref().unwrap().as_str(), "/a/b:c");
    }

    #[test]
    fn content_alone_is_enough_only_where_it_is_unmistakable() {
        for text in
            ["low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n", "low 0 high 0 max 12 oom 1 oom_kill 1"]
        {
            let found = counters(text);
            assert_eq!(found.len(), 5, "{text}");
            assert!(found.iter().all(|seen| seen.file == "memory.events" && seen.cgroup.is_none()));
        }
        assert_eq!(counters("oom_kill_disable 0\nunder_oom 1\noom_kill 0\n").len(), 3);
        for text in
            ["anon 5\nfile 6\n", "oom_kill 1", "max 5\nlow 1", "high 5 of 7", "some avg10=1.00"]
        {
            assert_eq!(counters(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(==> |[ a-z/._0-9:<=>\n]|\\PC){0,120}") {
            for sighting in read(&text) {
                prop_assert!(sighting.span.of(&text).is_some());
            }
        }

        #[test]
        fn a_counter_survives_being_printed(key in "[a-z_]{1,12}", value in any::<u64>()) {
            let text = format!("==> /sys/fs/cgroup/a/memory.stat <==\n{key} {value}\n");
            let found = counters(&text);
            prop_assert_eq!(&found[0].key, &key);
            prop_assert_eq!(found[0].value, CounterValue::Number(value));
        }
    }
}
