//! One report while its lines are being collected.

use casefile::{Span, Stamp};

use super::{amounts::Columns, summary};
use crate::{
    record::{Constraint, KillMessage, Killed, OomReport},
    transport::Line,
};

/// A report that more lines may join.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) report: OomReport,
    pub(super) span: Option<Span>,
    /// The stamps of the first line, the summary and the latest line.
    pub(super) first_at: Option<Stamp>,
    pub(super) summary_at: Option<Stamp>,
    pub(super) last_at: Option<Stamp>,
    /// The summary line as far as it was seen; its pieces can come apart.
    pub(super) summary_text: String,
    pub(super) columns: Option<Columns>,
    /// The lines directly after `Memory cgroup stats for`.
    pub(super) stats_open: bool,
    /// How many statistics blocks were seen; only the first is kept.
    pub(super) stats_blocks: usize,
    /// Somebody died, or nobody could: what follows is another report's.
    pub(super) closed: bool,
    /// Another report's lines stand between this one's: what names no process may be the other's.
    pub(super) mixed: bool,
    /// The words of the `Kill process` line, for the `Killed process` line after it.
    pub(super) chosen_message: Option<KillMessage>,
}

impl Draft {
    /// Takes a line's place into the report's.
    pub(super) fn covers(&mut self, span: Span, at: Option<Stamp>) {
        self.span = Some(self.span.map_or(span, |seen| seen.joined(span)));
        self.first_at = self.first_at.or(at);
        self.last_at = at.or(self.last_at);
    }

    /// Takes a summary line, or its first piece.
    pub(super) fn begin_summary(&mut self, line: &Line) {
        self.report.summary = Some(line.span);
        self.summary_at = line.at;
        self.summary_text.clone_from(&line.text);
        self.stats_open = false;
        self.read_summary();
    }

    /// Reads the summary again after a piece of it came, or its victim's name.
    pub(super) fn read_summary(&mut self) {
        let Some(span) = self.report.summary.filter(|_| !self.summary_text.is_empty()) else {
            return;
        };
        let killed = &self.report.killed;
        let name = |pid| killed.iter().find(|killed| killed.pid == pid)?.comm.clone();
        let seen = summary::parse(&self.summary_text, span, name);
        self.report.constraint = seen.constraint;
        self.report.global_oom = seen.global_oom;
        self.report.by_bpf |= matches!(
            &self.report.constraint,
            Some(Constraint::Other(word)) if word.starts_with("CONSTRAINT_BPF")
        );
        self.report.oom_memcg = seen.oom_memcg;
        self.report.task_memcg = seen.task_memcg;
        self.report.named = seen.named;
        self.report.summary_cut = seen.cut;
    }

    /// The pid that the summary names.
    pub(super) fn named_pid(&self) -> Option<u32> {
        self.report.named.as_ref()?.pid
    }

    /// True if this victim can be the one that the report waits for.
    pub(super) fn waits_for(&self, killed: &Killed) -> bool {
        let report = &self.report;
        if self.mixed && report.chosen.as_ref().and_then(|chosen| chosen.pid) != Some(killed.pid) {
            return false;
        }
        let open = report.killed.is_empty()
            && !report.none_killable
            && report.already_exiting.is_none()
            && !self.is_only_reaped();
        // 5.0 and 5.1 name the chosen process in the summary, then kill its child.
        let process = self.process_of(killed.pid).unwrap_or(killed.pid);
        let other_named = self.named_pid().is_some_and(|pid| pid != process);
        let sacrificed = report.chosen.is_some();
        let memcg = report.oom_memcg.is_some()
            || report.memory.is_some()
            || report.memcg_in_trace == Some(true)
            || report.constraint == Some(Constraint::Memcg);
        let host =
            report.global_oom || (report.memcg_in_trace == Some(false) && report.memory.is_none());
        let level_fits = match killed.message.or(self.chosen_message) {
            Some(KillMessage::MemoryCgroup) => memcg || !host,
            Some(KillMessage::OutOfMemory | KillMessage::AllocatingTask) => !memcg,
            None => true,
        };
        let in_time = sacrificed || near(self.last_at, killed.at, 60);
        open && (!other_named || sacrificed) && level_fits && in_time
    }

    /// The process of a thread that stands in the task table for it. The table and the `Killed process`
    /// line name a thread that still has the memory (`find_lock_task_mm`), the summary names the process.
    fn process_of(&self, pid: u32) -> Option<u32> {
        let row = self.report.tasks.iter().find(|row| row.pid == pid)?;
        row.tgid.filter(|process| *process != pid)
    }

    /// The process that the summary names, in place of its thread that the victim's line names.
    fn name_the_process(&mut self) {
        let Some(named) = self.named_pid() else { return };
        let is_told = self.report.killed.iter().any(|killed| killed.pid == named);
        let of_thread = |pid: u32| self.process_of(pid) == Some(named);
        let at = self.report.killed.iter().position(|killed| of_thread(killed.pid));
        if let Some(killed) = at.and_then(|at| self.report.killed.get_mut(at)).filter(|_| !is_told)
        {
            killed.pid = named;
        }
    }

    /// Fills what the victims' own lines do not show.
    pub(super) fn complete(mut self) -> Option<(OomReport, Span, Option<Stamp>)> {
        self.read_summary();
        let shows_something = self.shows_something();
        let report = &mut self.report;
        let message = self.chosen_message;
        for killed in &mut report.killed {
            let named = report.named.as_ref().filter(|named| named.pid == Some(killed.pid));
            let row = report
                .tasks
                .iter()
                .find(|row| row.pid == killed.pid)
                .or_else(|| report.tasks.iter().find(|row| row.tgid == Some(killed.pid)));
            killed.message = killed.message.or(message);
            killed.uid = killed
                .uid
                .or_else(|| named.and_then(|named| named.uid))
                .or_else(|| row.and_then(|row| row.uid));
            killed.oom_score_adj = killed.oom_score_adj.or_else(|| row?.oom_score_adj);
            killed.comm = killed
                .comm
                .take()
                .or_else(|| named.and_then(|named| named.comm.clone()))
                .or_else(|| row.map(|row| row.comm.clone()));
        }
        let at = report.killed.iter().find_map(|killed| killed.at);
        self.name_the_process();
        self.drop_what_may_be_anothers();
        let at = at.or(self.summary_at).or(self.first_at);
        let span = self.span.filter(|_| shows_something)?;
        Some((self.report, span, at))
    }

    /// Of two reports whose lines mix only the lines that name a process are certain; so are they of a report whose statistics are of a cgroup that did not run out.
    fn drop_what_may_be_anothers(&mut self) {
        let names_somebody = !self.names_nobody();
        let report = &mut self.report;
        let of_another = match (&report.stats_for, &report.oom_memcg) {
            (Some(stats), Some(limit)) => stats != limit,
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        if !self.mixed && !of_another {
            return;
        }
        (report.memory, report.memory_swap, report.swap, report.kmem) = (None, None, None, None);
        (report.stats_for, report.stats_span) = (None, None);
        report.stats.clear();
        if self.mixed {
            (report.free, report.total_ram, report.memcg_in_trace) = (None, None, None);
            report.tasks.clear();
            if names_somebody {
                (report.invoker, report.invoked_by) = (None, None);
            }
            // `Task in /a killed as a result of limit of /b` names no process: it may be another's than
            // the process that is named here. Alone, both its cgroups are of one line.
            if self.summary_text.is_empty() && names_somebody {
                (report.summary, report.oom_memcg, report.task_memcg) = (None, None, None);
            }
        }
    }

    /// True while somebody's death is still to be told.
    pub(super) fn is_open(&self) -> bool {
        !self.closed && self.report.killed.is_empty() && self.shows_something()
    }

    /// True if nothing in it says who died.
    pub(super) fn names_nobody(&self) -> bool {
        let report = &self.report;
        report.killed.is_empty() && report.named.is_none() && report.chosen.is_none()
    }

    /// True if the task was already chosen: the table is printed before that.
    pub(super) fn after_choice(&self) -> bool {
        !self.summary_text.is_empty() || self.report.chosen.is_some()
    }

    /// True if the report consists of `oom_reaper` lines alone.
    pub(super) fn is_only_reaped(&self) -> bool {
        let report = &self.report;
        !report.reaped.is_empty()
            && report.killed.is_empty()
            && report.invoker.is_none()
            && report.summary.is_none()
    }

    fn shows_something(&self) -> bool {
        let report = &self.report;
        report.invoker.is_some()
            || report.summary.is_some()
            || report.memory.is_some()
            || report.memory_swap.is_some()
            || report.swap.is_some()
            || report.kmem.is_some()
            || report.stats_span.is_some()
            || !report.tasks.is_empty()
            || report.chosen.is_some()
            || !report.killed.is_empty()
            || report.group.is_some()
            || !report.reaped.is_empty()
            || report.already_exiting.is_some()
            || report.none_killable
    }
}

/// True unless both stamps are known, of one clock, and further apart.
pub(super) fn near(one: Option<Stamp>, other: Option<Stamp>, seconds: u64) -> bool {
    let apart = match (one, other) {
        (Some(Stamp::SinceBoot(one)), Some(Stamp::SinceBoot(other))) => one.abs_diff(other),
        (Some(Stamp::Wall(one)), Some(Stamp::Wall(other)))
        | (Some(Stamp::Local(one)), Some(Stamp::Local(other))) => {
            one.micros_since(other).unsigned_abs()
        }
        _ => return true,
    };
    apart <= seconds.saturating_mul(1_000_000)
}
