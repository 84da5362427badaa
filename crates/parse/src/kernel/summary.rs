//! The summary line: which limit, whose cgroup, which process.
//!
//! `oom-kill:constraint=K,nodemask=N,cpuset=S,mems_allowed=M,{global_oom|oom_memcg=/B},
//! task_memcg=/A,task=C,pid=P,uid=U` (5.0 and later, RHEL 8), printed in pieces with continuation
//! records, so other records can stand between and the rest can come later. Before 5.0:
//! `Task in /A killed as a result of limit of /B`. A path that the text cuts is not read: half a
//! path looks like an ancestor. mm/oom_kill.c `dump_oom_victim`, mm/memcontrol.c.

use casefile::{CgroupPath, Span};

use super::victim::digits;
use crate::record::{Constraint, NamedVictim};

/// What a summary line shows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Summary {
    pub(super) constraint: Option<Constraint>,
    pub(super) global_oom: bool,
    pub(super) oom_memcg: Option<CgroupPath>,
    pub(super) task_memcg: Option<CgroupPath>,
    pub(super) named: Option<NamedVictim>,
    /// The line ends before its `uid=`.
    pub(super) cut: bool,
}

/// Reads a summary line. `comm` is the victim's name by its own line, where the pids agree.
pub(super) fn parse(text: &str, span: Span, comm: impl Fn(u32) -> Option<String>) -> Summary {
    let text = text.strip_prefix("oom-kill:").unwrap_or(text);
    let (before_pid, end) = match text.rsplit_once(",pid=") {
        Some((before, end)) => (before, Some(end)),
        None => (text, None),
    };
    let pid_digits = end.and_then(digits);
    let uid_digits = pid_digits.and_then(|(_, rest)| {
        let rest = rest.strip_prefix(",uid")?;
        // Serial consoles lose bytes: `uid0`.
        digits(rest.strip_prefix('=').unwrap_or(rest))
    });
    // A pid at the end, or before the `>` of a pager, may have lost digits.
    let pid = pid_digits.filter(|(_, rest)| rest.starts_with(','));
    let pid = pid.and_then(|(pid, _)| pid.parse().ok());
    let whole = |rest: &str| rest.is_empty() || rest.starts_with(char::is_whitespace);
    let uid_digits = uid_digits.filter(|(_, rest)| whole(rest));
    let uid = uid_digits.and_then(|(uid, _)| uid.parse().ok());
    let known = pid.and_then(comm);
    let (head, task) = match before_pid.split_once(",task_memcg=") {
        Some((head, tail)) => {
            let split = split_task(tail, known.as_deref(), end.is_some());
            (head, Some(split))
        }
        None => (before_pid, None),
    };
    let task_follows = task.is_some();
    let (task_memcg, name) = match task {
        Some(split) => split,
        // A kernel without memory cgroups names the task only.
        None => (None, split_task(head, known.as_deref(), end.is_some()).1),
    };
    let oom_memcg = head.split_once(",oom_memcg=").map(|(_, path)| path);
    let named =
        (pid.is_some() || name.is_some()).then_some(NamedVictim { pid, comm: name, uid, span });
    Summary {
        constraint: constraint(text),
        global_oom: head.ends_with(",global_oom") || head.contains(",global_oom,"),
        // Complete only if the next field follows.
        oom_memcg: oom_memcg.filter(|_| task_follows).and_then(whole_path),
        task_memcg: task_memcg.and_then(whole_path),
        named,
        cut: uid_digits.is_none(),
    }
}

/// A path without an elision: people shorten them with dots, pagers with `>`. A part that was made
/// unreadable (`<redacted>`) is still a part.
fn whole_path(text: &str) -> Option<CgroupPath> {
    let cut = text.ends_with('>') && text.matches('<').count() != text.matches('>').count();
    let shortened = text.contains("...") || text.contains('…') || cut;
    CgroupPath::parse(text).filter(|_| !shortened)
}

/// Splits `/A,task=C`. Both may hold `,task=`: the victim's own line decides, else the longest
/// name that is possible (15 bytes).
fn split_task<'a>(
    tail: &'a str,
    known: Option<&str>,
    whole: bool,
) -> (Option<&'a str>, Option<String>) {
    let splits = || {
        tail.match_indices(",task=")
            .filter_map(|(at, key)| Some((tail.get(..at)?, tail.get(at + key.len()..)?)))
    };
    let by_name = splits().find(|(_, name)| known.is_some_and(|known| known == *name));
    let found = by_name
        .or_else(|| splits().find(|(_, name)| name.len() <= 60 && name.chars().count() <= 15))
        .or_else(|| splits().last());
    match found {
        // Without `,pid=` behind it the name may be cut.
        Some((path, name)) => (Some(path), whole.then(|| name.to_owned())),
        None => (None, None),
    }
}

fn constraint(text: &str) -> Option<Constraint> {
    let (word, _) = text.strip_prefix("constraint=")?.split_once(',')?;
    Some(match word {
        "CONSTRAINT_NONE" => Constraint::None,
        "CONSTRAINT_MEMCG" => Constraint::Memcg,
        "CONSTRAINT_CPUSET" => Constraint::Cpuset,
        "CONSTRAINT_MEMORY_POLICY" => Constraint::MemoryPolicy,
        other => Constraint::Other(other.to_owned()),
    })
}

/// `Task in /A killed as a result of limit of /B`, or `Memory limit reached of cgroup /B` when no
/// task was left: the task's cgroup and the limit's.
pub(super) fn task_in(text: &str) -> Option<(Option<CgroupPath>, Option<CgroupPath>)> {
    if let Some(path) = text.strip_prefix("Memory limit reached of cgroup ") {
        return Some((None, CgroupPath::parse(path)));
    }
    let rest = text.strip_prefix("Task in ").filter(|rest| rest.starts_with('/'))?;
    let (task, limit) = rest.split_once(" killed as a result of limit of ")?;
    Some((whole_path(task), whole_path(limit)))
}

/// `Tasks in /G are going to be killed due to memory.oom.group set`
pub(super) fn group(text: &str) -> Option<Option<CgroupPath>> {
    let rest = text.strip_prefix("Tasks in ")?;
    let (path, _) = rest.split_once(" are going to be killed due to memory.oom.group")?;
    Some(CgroupPath::parse(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 0, end: 1 };

    fn read(text: &str) -> Summary {
        parse(text, SPAN, |_| None)
    }

    fn path(text: &str) -> Option<CgroupPath> {
        CgroupPath::parse(text)
    }

    #[test]
    fn the_limit_the_cgroup_and_the_process_are_read() {
        let seen = read(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=0-1,3,cpuset=c,mems_allowed=0-1,3,\
             oom_memcg=/pod,task_memcg=/pod/x,task=a b,pid=12,uid=7",
        );
        assert_eq!((seen.oom_memcg, seen.task_memcg), (path("/pod"), path("/pod/x")));
        let named = seen.named.unwrap();
        assert_eq!((named.pid, named.comm.as_deref(), named.uid), (Some(12), Some("a b"), Some(7)));
        assert!(!seen.cut && !seen.global_oom);
        let host = read(
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,\
             task_memcg=/a,task=x,pid=12,uid0",
        );
        assert!(host.global_oom && !host.cut && host.oom_memcg.is_none());
        let plain = read(
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,\
             task=dbus-daemon,pid=454,uid=101",
        );
        assert_eq!(plain.named.unwrap().comm.as_deref(), Some("dbus-daemon"));
    }

    #[test]
    fn hostile_names_and_paths_do_not_move_the_limit() {
        let head = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,\
                    oom_memcg=/b,task_memcg=/b/a";
        for comm in [",pid=1,uid=0", "x,task=y", ",global_oom,", "a,task_memcg=/z"] {
            let line = format!("{head},task={comm},pid=77,uid=5");
            let seen = read(&line);
            assert_eq!(seen.oom_memcg, path("/b"), "{comm}");
            assert!(!seen.global_oom, "{comm}");
            let named = seen.named.unwrap();
            assert_eq!((named.pid, named.comm.as_deref()), (Some(77), Some(comm)));
        }
        let line = format!("{head},task=evil,task=ok,pid=77,uid=5");
        let seen = parse(&line, SPAN, |_| Some("ok".to_owned()));
        assert_eq!(seen.task_memcg, path("/b/a,task=evil"));
    }

    #[test]
    fn a_part_of_a_path_that_was_made_unreadable_is_still_a_part() {
        let head = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0";
        let seen = read(&format!(
            "{head},oom_memcg=/kube/pod<uid>,task_memcg=/kube/pod<uid>/<id>,task=java,pid=12,uid=7"
        ));
        assert_eq!(
            (seen.oom_memcg, seen.task_memcg),
            (path("/kube/pod<uid>"), path("/kube/pod<uid>/<id>"))
        );
        assert_eq!(
            task_in("Task in /a/b killed as a result of limit of /a>"),
            Some((path("/a/b"), None))
        );
    }

    #[test]
    fn a_cut_summary_shows_no_half_path_and_no_half_pid() {
        let line = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,\
                    oom_memcg=/pod/abc,task_memcg=/pod/abc/def,task=java,pid=1234,uid=0";
        let whole = read(line);
        for end in 0..line.len() {
            let cut = read(line.get(..end).unwrap());
            assert!(cut.oom_memcg.is_none() || cut.oom_memcg == whole.oom_memcg, "{end}");
            assert!(cut.task_memcg.is_none() || cut.task_memcg == whole.task_memcg, "{end}");
            let named = cut.named.clone();
            assert!(named.as_ref().is_none_or(|named| named.pid.is_none_or(|pid| pid == 1234)));
            assert!(named.is_none_or(|named| named.comm.is_none_or(|comm| comm == "java")));
            assert!(cut.cut);
        }
    }
}
