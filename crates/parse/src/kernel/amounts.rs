//! Lines with amounts: usage and limit, the statistics block, Mem-Info, the task table.
//!
//! Pages are read as 4 KiB, as on x86 and most arm64 kernels; a kernel with larger pages prints
//! the same words. mm/memcontrol.c `mem_cgroup_print_oom_meminfo`, mm/show_mem.c, mm/oom_kill.c
//! `dump_tasks`; 2.6.32 … 7.2.

use casefile::{Bytes, CgroupPath, Limit, Span};

use super::victim::{digits, signed};
use crate::record::{MemoryLine, TaskRow};

const PAGE: u64 = 4096;

/// Which counter a usage line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    Memory,
    MemorySwap,
    Swap,
    Kmem,
}

/// `memory: usage 65536kB, limit 65536kB, failcnt 0`
pub(super) fn usage(text: &str, span: Span) -> Option<(Counter, MemoryLine)> {
    const COUNTERS: [(&str, Counter); 4] = [
        ("memory: usage ", Counter::Memory),
        ("memory+swap: usage ", Counter::MemorySwap),
        ("swap: usage ", Counter::Swap),
        ("kmem: usage ", Counter::Kmem),
    ];
    let (counter, rest) =
        COUNTERS.iter().find_map(|(words, counter)| Some((*counter, text.strip_prefix(words)?)))?;
    let (number, rest) = digits(rest)?;
    // Cut before its unit the number may have lost digits.
    let rest = rest.strip_prefix("kB")?;
    let usage = number.parse().ok().and_then(Bytes::from_kib);
    let after = |key: &str| rest.split_once(key).and_then(|(_, rest)| digits(rest.trim_start()));
    let limit =
        after("limit ").filter(|(_, rest)| rest.starts_with("kB")).and_then(|(number, _)| {
            number.parse::<u128>().ok()?.checked_mul(1024).map(Limit::from_kernel)
        });
    let failcnt = after("failcnt ").and_then(|(number, _)| number.parse().ok());
    Some((counter, MemoryLine { usage, limit, failcnt, span }))
}

/// `Memory cgroup stats for /x:`, with the values where they stand on the same line.
pub(super) fn stats_for(text: &str) -> Option<(Option<CgroupPath>, &str)> {
    let rest = text.strip_prefix("Memory cgroup stats")?;
    // 3.x printed `Memory cgroup stats : cache:…` without a path.
    let Some(rest) = rest.strip_prefix(" for ") else {
        return Some((None, rest.trim_start().strip_prefix(':')?));
    };
    // rsyslog writes a line feed inside a record as `#012`.
    let (path, values) = match rest.split_once(": ").or_else(|| rest.split_once(":#012")) {
        Some(split) => split,
        None => (rest.strip_suffix(':')?, ""),
    };
    Some((CgroupPath::parse(path), values))
}

/// `cache:49632KB rss:1056KB`, `anon 4096`, several or one; `None` if anything else stands there.
pub(super) fn stats(text: &str) -> Option<Vec<(String, Bytes)>> {
    let mut found = Vec::new();
    let mut words = text.split("#012").flat_map(str::split_whitespace);
    while let Some(word) = words.next() {
        let value = match word.split_once(':') {
            Some((name, value)) => {
                let value = value.strip_suffix("KB").or(value.strip_suffix("kB"))?;
                (name, digits(value).filter(|(_, rest)| rest.is_empty())?.0.parse().ok()?, 1024)
            }
            None => {
                let (number, rest) = digits(words.next()?)?;
                (word, number.parse::<u64>().ok().filter(|_| rest.is_empty())?, 1)
            }
        };
        let (name, number, unit) = value;
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_()".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return None;
        }
        if let Some(bytes) = number.checked_mul(unit).filter(|_| is_size(name)) {
            found.push((name.to_owned(), Bytes(bytes)));
        }
    }
    (!found.is_empty() || !text.trim().is_empty()).then_some(found)
}

/// memory.stat counts events, too (`pgfault`), which are no amounts of memory.
fn is_size(name: &str) -> bool {
    const EVENTS: [&str; 9] =
        ["pg", "workingset_", "thp_", "zswp", "swpin", "swpout", "pswp", "numa_", "nr_"];
    let name = name.strip_prefix("total_").unwrap_or(name);
    !EVENTS.iter().any(|event| name.starts_with(event))
}

/// ` free:121136 free_pcp:0 …` of Mem-Info: pages of the whole machine. The lines of a node show
/// `free:484kB` and are not it.
pub(super) fn free(text: &str) -> Option<Bytes> {
    if text.starts_with("Node ") {
        return None;
    }
    let value = text.split_whitespace().find_map(|word| word.strip_prefix("free:"))?;
    let (number, rest) = digits(value)?;
    number.parse::<u64>().ok().filter(|_| rest.is_empty())?.checked_mul(PAGE).map(Bytes)
}

/// `445340 pages RAM`
pub(super) fn total_ram(text: &str) -> Option<Bytes> {
    let (number, rest) =
        digits(text.strip_suffix(" pages RAM").or(text.strip_suffix(" pages of RAM"))?)?;
    number.parse::<u64>().ok().filter(|_| rest.is_empty())?.checked_mul(PAGE).map(Bytes)
}

/// The columns of a task table between the pid and the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns(Vec<String>);

/// `[ pid ]   uid  tgid total_vm      rss … name`
pub(super) fn header(text: &str) -> Option<Columns> {
    let (inner, columns) = text.strip_prefix('[')?.split_once(']')?;
    if inner.trim() != "pid" {
        return None;
    }
    let mut columns: Vec<String> = columns.split_whitespace().map(str::to_owned).collect();
    if columns.last().is_some_and(|last| last == "name") {
        columns.pop();
    }
    (columns.len() >= 4).then_some(Columns(columns))
}

/// One row. Without a header the columns that all versions share are read: the first four, and
/// the adjustment directly before the name.
pub(super) fn row(text: &str, columns: Option<&Columns>, span: Span) -> Option<TaskRow> {
    let (inner, mut rest) = text.strip_prefix('[')?.split_once(']')?;
    let (pid, tail) = digits(inner.trim())?;
    if !tail.is_empty() {
        return None;
    }
    let wanted = columns.map_or(usize::MAX, |columns| columns.0.len());
    let mut values: Vec<&str> = Vec::new();
    while values.len() < wanted {
        let words = rest.trim_start();
        let end = words.find(char::is_whitespace).unwrap_or(words.len());
        let (word, after) = words.split_at_checked(end)?;
        if signed(word).is_none() && word.parse::<i128>().is_err() {
            break;
        }
        values.push(word);
        rest = after;
    }
    let complete = match columns {
        Some(_) => values.len() == wanted,
        None => matches!(values.len(), 7 | 8 | 10),
    };
    if !complete {
        return None;
    }
    let value = |name: &str, fallback: Option<usize>| {
        let at = match columns {
            Some(columns) => columns.0.iter().position(|column| column == name),
            None => fallback,
        };
        at.and_then(|at| values.get(at).copied())
    };
    let pages = |name, fallback| {
        let pages: u64 = value(name, Some(fallback))?.parse().ok()?;
        pages.checked_mul(PAGE).map(Bytes)
    };
    Some(TaskRow {
        pid: pid.parse().ok()?,
        tgid: value("tgid", Some(1)).and_then(|text| text.parse().ok()),
        uid: value("uid", Some(0)).and_then(|text| text.parse().ok()),
        rss: pages("rss", 3),
        total_vm: pages("total_vm", 2),
        oom_score_adj: value("oom_score_adj", values.len().checked_sub(1)).and_then(signed),
        comm: rest.trim().to_owned(),
        span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 0, end: 1 };

    #[test]
    fn the_tables_header_says_what_its_columns_are() {
        for (head, line) in [
            (
                "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
                "[ 1381]  1000  1380   530382     5191     174     5110           -17 a b",
            ),
            (
                "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
                "[ 1381]  1000  1380   530382     5191     174     4     5110           -17 a b",
            ),
            (
                "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
                "[ 1381]  1000  1380   530382     5191   1      0           -17 a b",
            ),
            (
                "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes \
                 swapents oom_score_adj name",
                "[   1381]  1000  1380   530382     5191     5000      100        91   69632  0  -17 a b",
            ),
        ] {
            for columns in [header(head), None] {
                let row = row(line, columns.as_ref(), SPAN).unwrap();
                assert_eq!((row.pid, row.tgid, row.uid), (1381, Some(1380), Some(1000)), "{head}");
                assert_eq!(row.rss, Some(Bytes(5191 * 4096)));
                assert_eq!(row.total_vm, Some(Bytes(530_382 * 4096)));
                assert_eq!((row.oom_score_adj, row.comm.as_str()), (Some(-17), "a b"));
            }
        }
        assert_eq!(row("[c000] 1 2 3 4 5 6 7 a", None, SPAN), None);
    }

    #[test]
    fn usage_lines_tell_no_limit_from_a_limit() {
        let (counter, line) = usage("memory: usage 8kB, limit 9kB, failcnt 3", SPAN).unwrap();
        assert_eq!((counter, line.failcnt), (Counter::Memory, Some(3)));
        assert_eq!(line.usage, Some(Bytes(8192)));
        assert_eq!(line.limit, Some(Limit::At(Bytes(9216))));
        let (_, line) =
            usage("kmem: usage 0kB, limit 9007199254740988kB, failcnt 0", SPAN).unwrap();
        assert_eq!(line.limit, Some(Limit::Unlimited));
        let (_, line) = usage("memory+swap: usage 0kB, limit 1801439850", SPAN).unwrap();
        assert_eq!(line.limit, None);
    }

    #[test]
    fn all_shapes_of_the_statistics_are_bytes() {
        let (path, values) = stats_for("Memory cgroup stats for /a:b: cache:0KB rss:48KB").unwrap();
        assert_eq!(path, CgroupPath::parse("/a:b"));
        assert_eq!(stats(values).unwrap().last(), Some(&("rss".to_owned(), Bytes(48 * 1024))));
        assert_eq!(stats("total_rss 4096").unwrap(), [("total_rss".to_owned(), Bytes(4096))]);
        assert_eq!(stats("pgfault 12").unwrap(), []);
        assert_eq!(stats("anon 1#012file 2").unwrap().len(), 2);
        assert_eq!(stats("Tasks state (memory values in pages):"), None);
        let (path, values) = stats_for("Memory cgroup stats for /x:#012anon 1#012file 2").unwrap();
        assert_eq!((path, stats(values).unwrap().len()), (CgroupPath::parse("/x"), 2));
    }

    #[test]
    fn the_machines_free_pages_are_not_a_nodes() {
        assert_eq!(free("free:12929 slab_reclaimable:1635"), Some(Bytes(12929 * 4096)));
        assert_eq!(free("Node 0 DMA free:484kB min:4kB"), None);
        assert_eq!(free("slab:1 free:484kB"), None);
        assert_eq!(total_ram("445340 pages RAM"), Some(Bytes(445_340 * 4096)));
    }
}
