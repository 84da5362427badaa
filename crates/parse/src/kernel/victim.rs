//! Lines that name a process: `Killed process …`, `Kill process …`, `oom_reaper: …`.
//!
//! A name is up to 15 bytes of anything, `)` and `,pid=1` too. Behind it the kernel prints only
//! fields of its own, so the last `) total-vm:` ends the name. A number that the text cuts off is
//! not read. mm/oom_kill.c, 2.6.18 … 7.2.

use casefile::{Span, Stamp};

use crate::record::{KillMessage, Killed, NamedVictim};

/// The words before `Kill process` and `Killed process`; 2.6.18 wrote `Memory` with a capital.
const MESSAGES: [(&str, KillMessage); 4] = [
    ("Memory cgroup out of memory: ", KillMessage::MemoryCgroup),
    ("Out of memory: ", KillMessage::OutOfMemory),
    ("Out of memory (oom_kill_allocating_task): ", KillMessage::AllocatingTask),
    ("Out of Memory: ", KillMessage::OutOfMemory),
];

/// Takes the message off, where there is one.
pub(super) fn message(text: &str) -> (Option<KillMessage>, &str) {
    MESSAGES
        .iter()
        .find_map(|(words, message)| Some((Some(*message), text.strip_prefix(words)?)))
        .unwrap_or((None, text))
}

/// `Killed process 295 (python3) total-vm:…`, with or without the message.
pub(super) fn killed(text: &str, span: Span, at: Option<Stamp>) -> Option<Killed> {
    let (message, rest) = message(text);
    let (pid, rest) = digits(rest.strip_prefix("Killed process ")?)?;
    let (early_uid, rest) = early_uid(rest);
    let (comm, fields) = name_and_fields(rest);
    let kilobytes = |key| size_kb(fields, key);
    Some(Killed {
        pid: pid.parse().ok()?,
        comm,
        message,
        uid: early_uid.or_else(|| uid(fields)).or_else(|| late_uid(rest, fields)),
        total_vm_kb: kilobytes("total-vm:").or_else(|| kilobytes("vsz:")),
        anon_rss_kb: kilobytes("anon-rss:"),
        file_rss_kb: kilobytes("file-rss:"),
        shmem_rss_kb: kilobytes("shmem-rss:"),
        oom_score_adj: after(fields, "oom_score_adj:").and_then(signed),
        span,
        at,
    })
}

/// `, UID 500, (java)` of RHEL 5 and 6.
fn early_uid(rest: &str) -> (Option<u32>, &str) {
    let read = || {
        let (uid, rest) = digits(rest.strip_prefix(", UID ")?)?;
        Some((uid.parse().ok(), rest.strip_prefix(',')?))
    };
    read().unwrap_or((None, rest))
}

/// `(java), UID 0, total-vm:…`: the fields then begin with the number.
fn late_uid(rest: &str, fields: &str) -> Option<u32> {
    let (number, after) = digits(fields).filter(|_| rest.contains("), UID "))?;
    after.starts_with(", ").then(|| number.parse().ok())?
}

/// The name in parentheses, and the text behind it.
fn name_and_fields(rest: &str) -> (Option<String>, &str) {
    let Some(inner) = rest.trim_start().strip_prefix('(') else { return (None, rest) };
    for anchor in [") total-vm:", ") vsz:"] {
        if let Some((comm, _)) = inner.rsplit_once(anchor) {
            let fields = inner.get(comm.len()..).unwrap_or("");
            return (Some(comm.to_owned()), fields);
        }
    }
    // RHEL 7.7 and later: `(java), UID 0, total-vm:…`.
    if let Some((comm, fields)) = inner.rsplit_once("), UID ") {
        return (Some(comm.to_owned()), fields);
    }
    // Cut inside the fields, or a form without them. A name has at most 15 bytes.
    let whole = inner.rmatch_indices(')').find_map(|(at, _)| {
        let comm = inner.get(..at).filter(|comm| comm.chars().count() <= 15)?;
        Some((Some(comm.to_owned()), inner.get(at..).unwrap_or("")))
    });
    whole.unwrap_or((None, ""))
}

/// `Kill process 3861 (bash) score 88 or sacrifice child`, with the message before it; up to
/// 2.6.35 `kill process 3861 (bash) score 88 or a child`, which never stands without its message.
pub(super) fn chosen(text: &str, span: Span) -> Option<(Option<KillMessage>, NamedVictim)> {
    let (message, rest) = message(text);
    let old = || rest.strip_prefix("kill process ").filter(|_| message.is_some());
    let (pid, rest) = digits(rest.strip_prefix("Kill process ").or_else(old)?)?;
    if rest.ends_with("sharing same memory") {
        return None;
    }
    let (uid, rest) = early_uid(rest);
    let inner = rest.trim_start().strip_prefix('(').unwrap_or("");
    let comm = inner.rsplit_once(") score ").map(|(comm, _)| comm.to_owned());
    Some((message, NamedVictim { pid: pid.parse().ok(), comm, uid, span }))
}

/// `oom_reaper: reaped process 295 (python3), now …`, `oom_reaper: unable to reap pid:295 (x)`.
pub(super) fn reaped(text: &str, span: Span) -> Option<NamedVictim> {
    let rest = text.strip_prefix("oom_reaper: ")?;
    let rest = rest.strip_prefix("reaped process ").or(rest.strip_prefix("unable to reap pid:"))?;
    let (pid, rest) = digits(rest)?;
    let inner = rest.trim_start().strip_prefix('(').unwrap_or("");
    let comm = inner.rsplit_once("), now ").or_else(|| inner.rsplit_once(')'));
    let comm = comm.map(|(comm, _)| comm.to_owned());
    Some(NamedVictim { pid: pid.parse().ok(), comm, uid: None, span })
}

/// `…: OOM victim 295 (python3) is already exiting. Skip killing the task`: chosen, not killed.
pub(super) fn exiting(text: &str, span: Span) -> Option<NamedVictim> {
    let (_, rest) = message(text);
    let (pid, rest) = digits(rest.strip_prefix("OOM victim ")?)?;
    let inner = rest.trim_start().strip_prefix('(').unwrap_or("");
    let comm = inner.rsplit_once(") is already exiting").map(|(comm, _)| comm.to_owned());
    Some(NamedVictim { pid: pid.parse().ok(), comm, uid: None, span })
}

/// Leading digits and what follows; `None` without any.
pub(super) fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(number, _)| !number.is_empty())
}

/// A number with its sign; `None` out of range.
pub(super) fn signed(text: &str) -> Option<i32> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, rest) = digits(rest)?;
    // A pager's `>` or dots tell that the number is cut.
    let whole = rest.is_empty() || rest.starts_with([' ', '\t', ',', ')']);
    let value: i32 = number.parse().ok().filter(|_| whole)?;
    Some(if negative { -value } else { value })
}

fn after<'a>(fields: &'a str, key: &str) -> Option<&'a str> {
    fields.split_once(key).map(|(_, rest)| rest)
}

/// A size is whole only when its unit follows.
fn size_kb(fields: &str, key: &str) -> Option<u64> {
    let (number, rest) = digits(after(fields, key)?)?;
    rest.starts_with("kB").then(|| number.parse().ok())?
}

/// `UID:0 pgtables:…`. In a mangled tail (`UID:00`) the number may have lost or gained digits, so
/// only one with the next field behind it counts.
fn uid(fields: &str) -> Option<u32> {
    let (number, rest) = digits(after(fields, "UID:")?)?;
    let leading_zero = number.len() > 1 && number.starts_with('0');
    (rest.starts_with(" pgtables:") && !leading_zero).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 0, end: 1 };

    fn read(text: &str) -> Killed {
        killed(text, SPAN, None).unwrap()
    }

    #[test]
    fn every_versions_victim_line_is_read() {
        let last = read(
            "Memory cgroup out of memory: Killed process 7 (a b) total-vm:9kB, anon-rss:4kB, \
             file-rss:3kB, shmem-rss:2kB, UID:33 pgtables:1kB oom_score_adj:-900",
        );
        assert_eq!((last.pid, last.comm.as_deref()), (7, Some("a b")));
        assert_eq!((last.total_vm_kb, last.anon_rss_kb), (Some(9), Some(4)));
        assert_eq!((last.file_rss_kb, last.shmem_rss_kb), (Some(3), Some(2)));
        assert_eq!((last.uid, last.oom_score_adj), (Some(33), Some(-900)));
        assert_eq!(last.message, Some(KillMessage::MemoryCgroup));
        let el6 =
            read("Killed process 18, UID 500, (java) total-vm:12kB, anon-rss:7kB, file-rss:0kB");
        assert_eq!(
            (el6.uid, el6.comm.as_deref(), el6.total_vm_kb),
            (Some(500), Some("java"), Some(12))
        );
        let el7 = read("Killed process 18 (a), UID 5), UID 33, total-vm:12kB, anon-rss:7kB");
        assert_eq!((el7.uid, el7.comm.as_deref()), (Some(33), Some("a), UID 5")));
        assert_eq!((el7.total_vm_kb, el7.anon_rss_kb), (Some(12), Some(7)));
        let el5 = read("Out of memory: Killed process 18, UID 500, (java).");
        assert_eq!((el5.uid, el5.comm.as_deref()), (Some(500), Some("java")));
        let old = read("Killed process 18 (java) vsz:12kB, anon-rss:7kB, file-rss:0kB");
        assert_eq!((old.total_vm_kb, old.comm.as_deref()), (Some(12), Some("java")));
        let short = read("Out of memory: Killed process 18 (java) which we saw (twice)");
        assert_eq!(short.comm.as_deref(), Some("java"));
        let asked = read("Out of memory (oom_kill_allocating_task): Killed process 18 (java)");
        assert_eq!(asked.message, Some(KillMessage::AllocatingTask));
    }

    #[test]
    fn the_chosen_process_is_read_in_the_words_of_every_version() {
        for line in [
            "Out of memory: Kill process 7 (a b) score 31 or sacrifice child",
            "Out of memory: kill process 7 (a b) score 712330 or a child",
        ] {
            let (message, named) = chosen(line, SPAN).unwrap();
            assert_eq!(message, Some(KillMessage::OutOfMemory), "{line}");
            assert_eq!((named.pid, named.comm.as_deref()), (Some(7), Some("a b")), "{line}");
        }
        assert!(chosen("kill process 7 (a) score 1 or a child", SPAN).is_none());
    }

    #[test]
    fn a_hostile_name_cannot_end_itself() {
        for comm in ["a) total-vm:1kB", "((sd-pam))", ",pid=1,uid=0", ") x (", ")"] {
            let line =
                format!("Killed process 7 ({comm}) total-vm:9kB, anon-rss:4kB, file-rss:3kB");
            let read = read(&line);
            assert_eq!((read.comm.as_deref(), read.total_vm_kb), (Some(comm), Some(9)));
        }
    }

    #[test]
    fn a_line_cut_anywhere_shows_no_wrong_number() {
        let line = "Killed process 71 (ab) total-vm:91kB, anon-rss:41kB, file-rss:31kB, \
                    shmem-rss:21kB, UID:33 pgtables:11kB oom_score_adj:0";
        let whole = read(line);
        for end in 0..line.len() {
            let Some(cut) = killed(line.get(..end).unwrap(), SPAN, None) else { continue };
            assert!(cut.comm.is_none() || cut.comm == whole.comm, "{end}");
            assert!(cut.total_vm_kb.is_none() || cut.total_vm_kb == whole.total_vm_kb);
            assert!(cut.anon_rss_kb.is_none() || cut.anon_rss_kb == whole.anon_rss_kb);
            assert!(cut.uid.is_none() || cut.uid == whole.uid);
        }
        let huge = read("Killed process 7 (a) total-vm:99999999999999999999999kB, anon-rss:1kB");
        assert_eq!((huge.total_vm_kb, huge.anon_rss_kb), (None, Some(1)));
        assert!(killed("Killed process 99999999999 (a) total-vm:1kB", SPAN, None).is_none());
    }
}
