//! The kernel's own records about deaths: OOM reports of 2.6.18 to 7.2, faults, panics, SysRq.
//!
//! Reads lines whose prefix says that the kernel wrote them, and unprefixed lines that begin with
//! exactly the kernel's words; a program's log that prints or quotes such a line is not the
//! kernel. Lines are put together into reports; what a report means is judged elsewhere. Every
//! field shows what the text shows: a number that is cut or out of range is `None`.
//!
//! Not read: Android's lowmemorykiller, and processes that die silently because they share the
//! victim's memory. Sources: mm/oom_kill.c, mm/memcontrol.c, mm/show_mem.c, and the numbers of
//! records measured on 6.1, 6.12, 6.18 and 7.2.

mod amounts;
mod assemble;
#[cfg(test)]
mod corpus;
mod draft;
mod other;
mod summary;
#[cfg(test)]
mod tests;
mod victim;

use casefile::Stamp;

use crate::{
    Sighting,
    text::Text,
    transport::{Line, Writer},
};

/// Everything that the kernel says in this text, in order of appearance.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let mut assembly = assemble::Assembly::default();
    let mut lines = outside_commits(text.whole(), text.lines());
    if newest_first(&lines) {
        lines.reverse();
    }
    for line in lines {
        assembly.take(line);
    }
    assembly.finish()
}

/// `git log` indents a message by four blanks below `commit 4f1c… ` and its head: what a person
/// wrote there about a kernel's line is prose. Lines with the kernel's own prefix stay.
fn outside_commits<'a>(text: &str, lines: &'a [Line]) -> Vec<&'a Line> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for raw in text.split_inclusive('\n') {
        let end = start + raw.len();
        let head = raw.strip_prefix("commit ").is_some_and(|rest| {
            let hash = rest.split_whitespace().next().unwrap_or_default();
            hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let message = raw.starts_with("    ") && !raw.trim().is_empty();
        let of_head = raw.split_once(": ").is_some_and(|(key, _)| !key.contains(' '));
        inside = head || (inside && (message || of_head || raw.trim().is_empty()));
        if inside && message {
            spans.push((start, end));
        }
        start = end;
    }
    if spans.is_empty() {
        return lines.iter().collect();
    }
    let in_message = |line: &Line| {
        let at = spans.partition_point(|(start, _)| *start <= line.span.start);
        at.checked_sub(1)
            .and_then(|at| spans.get(at))
            .is_some_and(|(_, end)| line.span.start < *end)
    };
    lines.iter().filter(|line| line.writer != Writer::Unsaid || !in_message(line)).collect()
}

/// `journalctl -r` and log viewers show the newest line first: stamps only go back.
pub(crate) fn newest_first(lines: &[&Line]) -> bool {
    let stamps =
        lines.iter().filter(|line| line.writer == Writer::Kernel).filter_map(|line| line.at);
    let (mut back, mut last) = (0_usize, None);
    for stamp in stamps {
        let order = match (last, stamp) {
            (Some(Stamp::SinceBoot(last)), Stamp::SinceBoot(now)) => now.cmp(&last),
            (Some(Stamp::Wall(last)), Stamp::Wall(now))
            | (Some(Stamp::Local(last)), Stamp::Local(now)) => now.cmp(&last),
            _ => std::cmp::Ordering::Equal,
        };
        match order {
            std::cmp::Ordering::Greater => return false,
            std::cmp::Ordering::Less => back += 1,
            std::cmp::Ordering::Equal => {}
        }
        last = Some(stamp);
    }
    // One step back can be a boot between two lines.
    back >= 2
}
