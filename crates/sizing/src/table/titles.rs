//! What the title of a column says: its words, its unit, whether it tells a time, a limit or the memory.
//!
//! Titles are other people's: `container_memory_working_set_bytes{pod="a"}`, `Memory usage [KB]`, `MemUsage`, `MEM %`.
//! They are taken apart into words; a title is known by the words that are left without unit and statistic.

use crate::series::Unit;

/// Units that stand at the end of a word without anything before them, as in `MemMiB`.
const GLUED: &[&str] = &["Bytes", "Percent", "MiB", "GiB", "KiB", "Pct", "MB", "GB", "KB"];
/// Words that say nothing about what a column is.
const PASSED: &[&str] = &[
    "max",
    "maximum",
    "avg",
    "average",
    "mean",
    "value",
    "val",
    "last",
    "container",
    "containers",
    "pod",
    "process",
    "docker",
    "cgroup",
    "current",
];
/// What the memory is called without `mem` or `memory`, the best first: what cannot be taken back, then what is
/// in use. The empty one is the word `memory` alone.
const MEMORY: &[&[&str]] = &[
    &[""],
    &["ws", "working_set", "working_set_size", "wss"],
    &["used"],
    &["usage", "utilization", "utilisation", "use"],
    &["rss", "resident", "resident_set", "resident_set_size", "total_rss"],
    &["anon"],
];
/// Where a limit is meant, it may stand beside these.
const BESIDE_LIMIT: &[&str] = &[
    "limit",
    "limits",
    "mem",
    "memory",
    "spec",
    "container",
    "cgroup",
    "pod",
    "hard",
    "resource",
    "kube",
    "usage",
];
/// Words of which one makes a title a time.
const TIMES: &[&str] =
    &["t", "time", "timestamp", "ts", "date", "datetime", "elapsed", "epoch", "uptime", "seconds"];
/// And those that may stand beside it.
const BESIDE_TIME: &[&str] = &["unix", "utc", "since", "start", "end", "stamp", "local"];

/// The words of a title, in lower case; labels in braces are left out.
pub(super) fn words(title: &str) -> Vec<String> {
    let title = title.split('{').next().unwrap_or(title).replace('%', " pct ");
    let parts = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut words = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let unit = GLUED.iter().find(|unit| part.len() > unit.len() && part.ends_with(**unit));
        let before = unit.and_then(|unit| part.strip_suffix(unit)).unwrap_or(part);
        camel(before, &mut words);
        words.extend(unit.map(|unit| unit.to_ascii_lowercase()));
    }
    words
}

/// `memUsage` is two words.
fn camel(part: &str, words: &mut Vec<String>) {
    let mut word = String::new();
    let mut was_lower = false;
    for letter in part.chars() {
        if was_lower && letter.is_ascii_uppercase() {
            words.push(std::mem::take(&mut word));
        }
        was_lower = letter.is_ascii_lowercase();
        word.push(letter.to_ascii_lowercase());
    }
    words.push(word);
}

/// A unit's word, and how many of the series' unit one of it is.
pub(super) fn factor(word: &str) -> Option<(Unit, f64)> {
    Some(match word {
        "b" | "byte" | "bytes" => (Unit::Bytes, 1.0),
        "kib" | "ki" | "k" => (Unit::Bytes, 1024.0),
        "mib" | "mi" => (Unit::Bytes, 1_048_576.0),
        "gib" | "gi" => (Unit::Bytes, 1_073_741_824.0),
        "tib" | "ti" => (Unit::Bytes, 1_099_511_627_776.0),
        "kb" => (Unit::Bytes, 1e3),
        "mb" => (Unit::Bytes, 1e6),
        "gb" => (Unit::Bytes, 1e9),
        "tb" => (Unit::Bytes, 1e12),
        "pct" | "percent" | "percentage" => (Unit::Percent, 1.0),
        "frac" | "fraction" | "ratio" | "util" => (Unit::Fraction, 1.0),
        _ => return None,
    })
}

/// The unit that a title tells; a title that is nothing but one tells none.
pub(super) fn unit(title: &str) -> Option<(Unit, f64)> {
    let words = words(title);
    let (_, rest) = words.split_first()?;
    rest.iter().rev().find_map(|word| factor(word))
}

/// The unit that a file's name tells: `pods-mib.csv`. Single letters there are names.
pub(super) fn unit_of_file(name: &str) -> Option<(Unit, f64)> {
    words(name).iter().rev().filter(|word| word.len() > 1).find_map(|word| factor(word))
}

/// How good a title is as the memory, 0 is best; `None`: it is none.
pub(super) fn memory(title: &str) -> Option<usize> {
    // `MEM USAGE / LIMIT` is the usage.
    let words = words(title.split('/').next().unwrap_or(title));
    let left: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .enumerate()
        .filter(|(at, word)| (*at == 0 || factor(word).is_none()) && !PASSED.contains(word))
        .map(|(_, word)| word)
        .collect();
    if left.is_empty() {
        // `value` and nothing else.
        return words.iter().any(|word| word == "value").then_some(MEMORY.len());
    }
    let without: Vec<&str> =
        left.iter().copied().filter(|word| !["mem", "memory"].contains(word)).collect();
    let stem = without.join("_");
    MEMORY.iter().position(|names| names.contains(&stem.as_str()))
}

/// Whether a title names the limit of the memory.
pub(super) fn is_limit(title: &str) -> bool {
    let words = words(title);
    let is_known = |word: &String| factor(word).is_some() || BESIDE_LIMIT.contains(&word.as_str());
    words.iter().any(|word| word == "limit" || word == "limits") && words.iter().all(is_known)
}

/// The words of a title as one name, to compare it with those that are known.
pub(super) fn name(title: &str) -> String {
    words(title).join("_")
}

/// Seconds that one of a time column's numbers is; `None` inside: its name tells no unit.
pub(super) fn time(title: &str) -> Option<Option<f64>> {
    if title == "k" {
        return Some(Some(300.0));
    }
    let words = words(title);
    let mut unit = None;
    let mut is_time = false;
    for word in &words {
        let word = word.as_str();
        if TIMES.contains(&word) {
            is_time = true;
            if word == "seconds" {
                unit = Some(1.0);
            }
        } else if let Some(seconds) = seconds(word) {
            unit = Some(seconds);
        } else if !BESIDE_TIME.contains(&word) {
            return None;
        }
    }
    is_time.then_some(unit)
}

fn seconds(word: &str) -> Option<f64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" => 1.0,
        "ms" | "msec" | "millis" | "milliseconds" => 1e-3,
        "us" | "usec" | "micros" | "microseconds" => 1e-6,
        "ns" | "nanos" | "nanoseconds" => 1e-9,
        "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_other_tools_are_taken_apart() {
        assert_eq!(words("Memory usage [KB]"), ["memory", "usage", "kb"]);
        assert_eq!(words("MemUsage"), ["mem", "usage"]);
        assert_eq!(words("memMiB"), ["mem", "mib"]);
        assert_eq!(words("MEM %"), ["mem", "pct"]);
        assert_eq!(words("container_memory_rss{pod=\"a_kb\"}"), ["container", "memory", "rss"]);
    }

    #[test]
    fn the_memory_is_told_from_its_neighbours() {
        for title in [
            "mem_bytes",
            "Memory (KB)",
            "mem_mib",
            "ws_mib",
            "usage_mib",
            "used_mib",
            "memory",
            "MemUsage",
            "container_memory_working_set_bytes",
            "process_resident_memory_bytes",
            "mem_util_percent",
            "memory.current",
            "MEM USAGE / LIMIT",
            "value",
        ] {
            assert!(memory(title).is_some(), "{title}");
        }
        for title in [
            "mem_limit",
            "Memory capacity provisioned [KB]",
            "swap_bytes",
            "cpu_pct",
            "heap_mib",
            "cache_mib",
            "file_bytes",
            "k",
            "requests",
            "mem_free_mib",
            "virtual_mb",
            "gpu_mem_mib",
        ] {
            assert_eq!(memory(title), None, "{title}");
        }
        assert!(memory("ws_kib") < memory("usage_mib") && memory("mem_mib") < memory("ws_mib"));
        assert!(is_limit("container_spec_memory_limit_bytes") && is_limit("limit_mib"));
        assert!(!is_limit("cpu_limit") && !is_limit("limit_hits") && !is_limit("memory"));
    }

    #[test]
    fn a_time_is_known_with_its_unit() {
        assert_eq!(time("t_s"), Some(Some(1.0)));
        assert_eq!(time("k"), Some(Some(300.0)));
        assert_eq!(time("Timestamp [ms]"), Some(Some(0.001)));
        for free in ["time", "timestamp", "Time", "time_stamp", "_time", "date", "ts"] {
            assert_eq!(time(free), Some(None), "{free}");
        }
        for other in ["response_time_ms", "realtime", "month", "cpu_time", "s", "life"] {
            assert_eq!(time(other), None, "{other}");
        }
    }

    #[test]
    fn a_title_that_is_only_a_unit_tells_none() {
        assert_eq!((unit("k"), unit("b")), (None, None));
        assert_eq!(unit("mem_k"), Some((Unit::Bytes, 1024.0)));
        assert_eq!(unit_of_file("sock-shop-mib"), Some((Unit::Bytes, 1_048_576.0)));
        assert_eq!(unit_of_file("b"), None);
    }
}
