//! Which physical line continues the one before: mailers, terminals and web forms wrap reports.
//!
//! A wrapped line has no prefix while the line before it has one, or, in bare text, it is a
//! fragment that never begins a kernel record (`(java) total-vm:…`). When in doubt lines stay
//! apart: a swallowed line of another kind is worse than a cut one.

use super::{Line, Writer, stamp};

/// Mailers wrap at 72 to 80 columns; a line that had room for the next word was not wrapped.
const WRAP_FROM: usize = 66;
/// The kernel cuts a record near 1 KiB; far above that nothing was wrapped.
const LONGEST: usize = 1 << 13;
/// Longer lines were not wrapped by a mailer.
const WRAP_TO: usize = 100;

/// What is known of the physical line before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Last {
    /// A logical line stands directly before, with no blank line between.
    pub(super) adjacent: bool,
    /// That logical line had a prefix.
    pub(super) prefixed: bool,
    /// Characters of its last physical line.
    pub(super) width: usize,
    /// Its last physical line ends in a space (`format=flowed`).
    pub(super) flowed: bool,
}

/// How a physical line without a prefix stands to the line before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// It is a line of its own.
    Apart,
    /// It continues the line before after a blank.
    Blank,
    /// It continues a word of the line before.
    Seamless,
}

/// Decides whether `text` continues `line`; `indent` is the white space before it.
pub(super) fn joint(last: Last, line: &Line, text: &str, indent: usize) -> Joint {
    if !last.adjacent || is_other(text) || begins_report(text) {
        return Joint::Apart;
    }
    if line.text.is_empty() {
        return Joint::Blank;
    }
    if line.text.len() > LONGEST {
        return Joint::Apart;
    }
    let report = line.writer == Writer::Kernel
        || (line.writer == Writer::Unsaid && begins_report(&line.text));
    if report && line.text.starts_with("oom-kill:") && !ends_with_number(&line.text, "uid=") {
        return summary_joint(&line.text, text);
    }
    if report && is_seam(&line.text, text) {
        return Joint::Seamless;
    }
    // A name with a line feed inside breaks its line in dmesg.
    let named = line.text.contains("Killed process ") && !line.text.contains("total-vm:");
    if report && named && text.contains(") total-vm:") {
        return Joint::Blank;
    }
    if report && (is_fragment(text) || dangles(&line.text, text)) {
        return Joint::Blank;
    }
    if is_complete(&line.text) || !last.prefixed || indent >= 2 {
        return Joint::Apart;
    }
    let first_word = text.split_whitespace().next().map_or(0, |word| word.chars().count());
    let filled = last.width + 1 + first_word > WRAP_FROM && (40..=WRAP_TO).contains(&last.width);
    let flowed = last.flowed && report && last.width <= WRAP_TO;
    if filled || flowed { Joint::Blank } else { Joint::Apart }
}

fn summary_joint(summary: &str, text: &str) -> Joint {
    const KEYS: [&str; 9] = [
        "nodemask=",
        "cpuset=",
        "mems_allowed=",
        "global_oom",
        "oom_memcg=",
        "task_memcg=",
        "task=",
        "pid=",
        "uid=",
    ];
    if !text.starts_with(',') && !KEYS.iter().any(|key| text.contains(key)) {
        return Joint::Apart;
    }
    // Only a process name has blanks; a cgroup path is broken inside its word.
    let in_comm = summary.rsplit_once(',').is_some_and(|(_, field)| field.starts_with("task="));
    if in_comm && !text.starts_with(',') { Joint::Blank } else { Joint::Seamless }
}

/// The beginnings of a kernel report's records, as printed without a prefix.
pub(super) fn begins_report(text: &str) -> bool {
    const BEGINNINGS: [&str; 22] = [
        "oom-kill:",
        "Memory cgroup out of memory",
        "Memory cgroup stats",
        "Memory cgroup min protection",
        "Out of memory",
        "Killed process ",
        "Task in /",
        "Tasks in /",
        "Tasks state",
        "memory: usage",
        "memory+swap: usage",
        "swap: usage",
        "kmem: usage",
        "oom_reaper: ",
        "Mem-Info:",
        "Call Trace",
        "Hardware name:",
        "CPU: ",
        "Kernel panic",
        "Node 0",
        "Killed ",
        "oom_kill_process: ",
    ];
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || text == "Killed"
        || text.contains(" invoked oom-killer")
        || is_table(text)
}

fn is_table(text: &str) -> bool {
    let Some((inner, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    inner.trim() == "pid" || stamp::number::<u64>(inner.trim()).is_some()
}

/// Lines of other kinds: prompts, JSON, separators, remarks, and what has a clock of its own.
fn is_other(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    text.starts_with(['{', '}', '"', '$', '#', '~', '`', '*'])
        || text.starts_with("--")
        || text.starts_with("...")
        || text.starts_with('<') && !text.starts_with("<T")
        || text.starts_with("[.")
        || text.starts_with("[s")
        || first.ends_with(['#', '$'])
        || first.contains('@')
        || stamp::iso(text).is_some()
}

/// Pieces that continue a record and never begin one.
fn is_fragment(text: &str) -> bool {
    const FRAGMENTS: [&str; 24] = [
        "total-vm:",
        "anon-rss:",
        "file-rss:",
        "shmem-rss:",
        "UID:",
        "pgtables:",
        "oom_score_adj:",
        "gfp_mask=",
        "nodemask=",
        "order=",
        "oom_score_adj=",
        "oom_adj=",
        "failcnt ",
        "killed as a result of",
        "as a result of limit of",
        "or sacrifice child",
        "sacrifice child",
        "invoked oom-killer",
        "now anon-rss:",
        "swapents ",
        "rss_anon ",
        "pgtables_bytes ",
        "oom_score_adj name",
        "killable processes...",
    ];
    if FRAGMENTS.iter().any(|fragment| text.starts_with(fragment)) {
        return true;
    }
    text.starts_with('(') && text.contains(") total-vm:")
}

/// True if a terminal broke a word in two: the halves are one of the kernel's fields, neither is.
fn is_seam(line: &str, text: &str) -> bool {
    let last = line.rsplit(char::is_whitespace).next().unwrap_or(line);
    let first = text.split_whitespace().next().unwrap_or("");
    // `Killed process 176` and `60 (java)`.
    let pid = line.strip_suffix(last).is_some_and(|head| head.ends_with("Killed process "));
    if pid && last.bytes().all(|byte| byte.is_ascii_digit()) && !last.is_empty() {
        return stamp::number::<u64>(first).is_some();
    }
    let whole = format!("{last}{first}");
    // `total-vm:4123` and `456kB`: what stands behind a key without its unit is cut.
    let apart = is_field(first) && !last.contains(':');
    whole.len() <= 64 && is_field(&whole) && !is_field(last) && !apart
}

fn is_field(word: &str) -> bool {
    const WORDS: [&str; 8] =
        ["Killed", "process", "usage", "limit", "failcnt", "memory:", "sacrifice", "child"];
    const SIZES: [&str; 7] =
        ["total-vm:", "anon-rss:", "file-rss:", "shmem-rss:", "pgtables:", "oom_score_adj:", ""];
    let word = word.strip_suffix(',').unwrap_or(word);
    let amount = word.strip_suffix("kB").unwrap_or(word);
    let sized = SIZES.iter().any(|key| {
        let number = amount.strip_prefix(key).unwrap_or("");
        let unit = amount.len() != word.len() || *key == "oom_score_adj:";
        unit && stamp::number::<u64>(number.trim_start_matches('-')).is_some()
    });
    sized || WORDS.contains(&word)
}

/// True if the record is open at its end and `text` has the shape that it waits for.
fn dangles(line: &str, text: &str) -> bool {
    let numeric = |word: &str| stamp::number::<u64>(word.trim_start_matches('-')).is_some();
    if line.ends_with("invoked oom-killer:") || line.ends_with("invoked") {
        return true;
    }
    let last_word = line.rsplit(char::is_whitespace).next().unwrap_or(line);
    let first_word = text.split_whitespace().next().unwrap_or("");
    let kill = line.contains("Killed") || line.contains("Kill process");
    if kill && (last_word == "Killed" || last_word == "process" || numeric(last_word)) {
        return text.starts_with("process ") || text.starts_with('(') || numeric(first_word);
    }
    if line.contains("usage ") && (last_word == "limit" || last_word == "usage") {
        return first_word.trim_end_matches(',').ends_with("kB");
    }
    if line.ends_with("killed as a result of limit of") || line.ends_with("Memory cgroup stats for")
    {
        return text.starts_with('/');
    }
    if is_table(line) {
        return table_dangles(line, text);
    }
    // A call trace's `order=0,` or a victim's `file-rss:0kB,`.
    line.ends_with(',') && (line.contains("invoked oom-killer") || kill)
}

/// A header without `name`, a row without a name.
fn table_dangles(line: &str, text: &str) -> bool {
    let numeric = |word: &str| stamp::number::<u64>(word.trim_start_matches('-')).is_some();
    let Some((inner, columns)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    else {
        return false;
    };
    if inner.trim() == "pid" {
        return !line.ends_with(" name") && text.ends_with("name");
    }
    let row = columns.split_whitespace().all(numeric);
    let count = columns.split_whitespace().count();
    let word_only = text.split_whitespace().count() <= 2 && count >= 6;
    row && count >= 2 && (word_only || text.split_whitespace().next().is_some_and(numeric))
}

/// True if the record is at its end: nothing can follow.
fn is_complete(text: &str) -> bool {
    let reaped = text.starts_with("oom_reaper: ") && text.ends_with("kB");
    ends_with_number(text, "oom_score_adj:")
        || ends_with_number(text, "oom_score_adj=")
        || ends_with_number(text, "uid=")
        || ends_with_number(text, "failcnt ")
        || text.ends_with("sacrifice child")
        || reaped
}

fn ends_with_number(text: &str, key: &str) -> bool {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    head.len() != text.len() && head.strip_suffix('-').unwrap_or(head).ends_with(key)
}
