//! Facts of the kernel made for the tests of this room: a place, an id, a time, a victim, a task.

use casefile::{ContainerId, Moment, Span};
use parse::record::{Killed, TaskRow};

/// Where it stands, where that does not matter.
pub(crate) const SPAN: Span = Span { start: 0, end: 1 };

/// The container of this letter.
pub(crate) fn id(letter: char) -> ContainerId {
    ContainerId::parse(&letter.to_string().repeat(64)).expect("an id")
}

/// So many seconds after the first moment.
pub(crate) fn at(seconds: f64) -> Moment {
    let micros = 1_700_000_000_000_000 + (seconds * 1e6).round() as i64;
    Moment::from_micros(micros).expect("a moment")
}

/// As a `Killed process` line names it.
pub(crate) fn killed(pid: u32, comm: &str) -> Killed {
    Killed {
        pid,
        comm: Some(comm.to_owned()),
        message: None,
        uid: None,
        total_vm_kb: None,
        anon_rss_kb: None,
        file_rss_kb: None,
        shmem_rss_kb: None,
        oom_score_adj: None,
        span: SPAN,
        at: None,
    }
}

/// A row of a report's table.
pub(crate) fn row(pid: u32, comm: &str) -> TaskRow {
    TaskRow {
        pid,
        tgid: None,
        uid: None,
        rss: None,
        total_vm: None,
        oom_score_adj: None,
        comm: comm.to_owned(),
        span: SPAN,
    }
}
