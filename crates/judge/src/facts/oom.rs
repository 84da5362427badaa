//! Kernel OOM reports → kills with a level: whose limit filled, whose process died.
//!
//! The level comes from the summary line alone (`oom_memcg` against `task_memcg`, `constraint`,
//! `global_oom`; mm/oom_kill.c `dump_header`, mm/memcontrol.c `mem_cgroup_print_oom_context`): never from Docker's flag, never
//! from which process was large.

mod bare;

pub(super) use bare::place_by_count;
use casefile::{Bytes, CgroupPath, Citation, ContainerId, Limit, Moment, Relation, Stamp};
use parse::record::{Constraint, KillMessage, Killed, OomReport, TaskRow};

use super::{Fact, FactSheet, Life, program};
use crate::verdict::Level;

/// One run of the kernel's OOM killer that killed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OomKill {
    /// The report, and where it stands.
    pub(crate) report: Box<OomReport>,
    pub(crate) exhibit: String,
    pub(crate) at: Option<Moment>,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) level: Level,
    /// True if the level stands in the report; false where the words only suggest it (a bare
    /// `Out of memory: Killed process` line is the host's, or a cpuset's).
    pub(crate) level_shown: bool,
    /// Everyone who died by it.
    pub(crate) victims: Vec<Killed>,
    /// True where a `Killed process` line stands; false where only the summary names the victim.
    pub(crate) kill_line: bool,
    /// The victim's container.
    pub(crate) container: Option<ContainerId>,
    pub(crate) limit: Option<Limit>,
    pub(crate) usage: Option<Bytes>,
    /// Its place was taken from reports around it; the line itself does not show it.
    pub(crate) inferred: bool,
}

/// Whether the container's main process was the victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MainHit {
    /// It was.
    Yes,
    /// Another process of the container was.
    No,
    /// The evidence does not show it.
    Unclear,
}

impl OomKill {
    /// A pointer into the report's exhibit.
    pub(crate) fn cite(&self, span: casefile::Span) -> Citation {
        Citation { exhibit: self.exhibit.clone(), span }
    }

    /// A BPF program or another policy decided, not a full limit.
    pub(crate) fn is_policy(&self) -> bool {
        self.report.by_bpf || matches!(self.report.constraint, Some(Constraint::Other(_)))
    }

    /// The cgroup whose limit filled.
    pub(crate) fn limit_cgroup(&self) -> Option<&CgroupPath> {
        self.report.oom_memcg.as_ref()
    }

    /// The kill happened in this container.
    pub(crate) fn is_in(&self, id: &ContainerId) -> bool {
        self.container.as_ref().is_some_and(|own| own.is_same(id))
    }

    /// The kill happened somewhere else for certain: another container, or a named cgroup that is
    /// not this container's.
    pub(crate) fn is_elsewhere(&self, id: &ContainerId) -> bool {
        match (&self.container, &self.report.task_memcg) {
            (Some(own), _) => !own.is_same(id),
            (None, Some(_)) => true,
            (None, None) => false,
        }
    }

    /// A group kill (`memory.oom.group`) at this life's cgroup or above it: everything in it died.
    pub(crate) fn takes_whole(&self, life: &Life) -> bool {
        let Some(group) = &self.report.group_path else { return false };
        let holds =
            |path: &CgroupPath| matches!(group.relation(path), Relation::Same | Relation::Above);
        let own = life.id.as_ref().filter(|id| self.is_in(id));
        let named = own.and_then(|_| self.report.task_memcg.as_ref()?.container());
        if let Some(path) = named.as_ref().or(life.place.as_ref()) {
            return holds(path);
        }
        let parent = life.record.as_ref().and_then(|record| record.what.cgroup_parent.as_deref());
        parent.is_some_and(|parent| match CgroupPath::parse(parent) {
            Some(path) => holds(&path),
            // The systemd driver's parent is a slice by its name alone.
            None => parent.ends_with(".slice") && group.name() == parent,
        })
    }

    /// The kernel did not print where: no container, no cgroup, or only one that the reports around
    /// it suggest. It can have happened in any container.
    pub(crate) fn is_placeless(&self) -> bool {
        self.inferred || (self.container.is_none() && self.report.task_memcg.is_none())
    }

    /// A victim that bears the name of this program.
    pub(crate) fn took(&self, program: &str) -> bool {
        let names = self.victims.iter().filter_map(|victim| victim.comm.as_deref());
        names.into_iter().any(|comm| program::is_comm_of(comm, program))
    }

    /// The main process of the victim's container by the task table: the table lists a cgroup's
    /// tasks in the order they joined it, and the container's first is its main process. Only
    /// told where the first row also has the lowest pid, so that a wrapped pid counter or a second
    /// cgroup in the table cannot mislead; and only for tables of one container.
    pub(crate) fn first_of_container(&self) -> Option<&TaskRow> {
        let one_container = self.level == Level::Own
            && self.report.oom_memcg.as_ref().is_some_and(|path| path.container_id().is_some());
        let first = self.report.tasks.first()?;
        let lowest = self.report.tasks.iter().map(TaskRow::process).min()?;
        (one_container && first.process() == lowest).then_some(first)
    }
}

/// Turns reports into kills; what shows no victim stays a report.
pub(super) fn establish(sheet: &mut FactSheet, reports: Vec<Fact<Box<OomReport>>>) {
    for fact in reports {
        let victims = victims(&fact.what);
        let placed = fact.what.task_memcg.is_some() && fact.what.oom_memcg.is_some();
        // `Kill process A … or sacrifice child` alone: the kernel killed right after it, A or its child.
        let chosen = fact.what.chosen_message.is_some() && fact.what.already_exiting.is_none();
        if fact.what.none_killable || (victims.is_empty() && !placed && !chosen) {
            sheet.oom_unfinished.push(fact);
            continue;
        }
        let (level, level_shown) = level(&fact.what);
        let memory = fact.what.memory;
        let kill = OomKill {
            exhibit: fact.cite.exhibit.clone(),
            at: fact.at,
            stamp: fact.stamp,
            level,
            level_shown,
            kill_line: !fact.what.killed.is_empty(),
            container: container(&fact.what),
            limit: memory.and_then(|line| line.limit),
            usage: memory.and_then(|line| line.usage),
            inferred: false,
            victims,
            report: fact.what,
        };
        // The same kill may stand in two exhibits (kmsg and journal): keep the fuller one.
        let twin = sheet.oom_kills.iter_mut().find(|other| is_twin(other, &kill));
        match twin {
            Some(other) if fullness(&kill) > fullness(other) => *other = kill,
            Some(_) => {}
            None => sheet.oom_kills.push(kill),
        }
    }
    bare::place(&mut sheet.oom_kills);
    let dated = sheet.oom_kills.iter().all(|kill| kill.at.is_some());
    if dated {
        sheet.oom_kills.sort_by_key(|kill| kill.at);
    }
}

/// The level as seen from the subject's own cgroup, where it is no container by its path: a unit, a
/// container by name, a process group.
pub(super) fn relevel(sheet: &mut FactSheet) {
    let Some(place) = super::unit::place(sheet) else { return };
    for kill in &mut sheet.oom_kills {
        let (Some(limit), Some(task)) = (&kill.report.oom_memcg, &kill.report.task_memcg) else {
            continue;
        };
        let inside = matches!(task.relation(&place), Relation::Same | Relation::Below);
        let of_cgroup = matches!(kill.level, Level::Own | Level::Nested | Level::Ancestor);
        if inside && of_cgroup && kill.level_shown {
            kill.level = match limit.relation(&place) {
                Relation::Same => Level::Own,
                Relation::Above => Level::Ancestor,
                Relation::Below => Level::Nested,
                Relation::Apart => kill.level,
            };
        }
    }
}

fn is_twin(one: &OomKill, other: &OomKill) -> bool {
    let pids = |kill: &OomKill| kill.victims.iter().map(|v| v.pid).collect::<Vec<_>>();
    let near = match (one.at, other.at) {
        (Some(a), Some(b)) => a.seconds_since(b).abs() < 2.0,
        (None, _) | (_, None) => match (one.stamp, other.stamp) {
            // The logs of two boots count from zero each, and pids begin anew.
            (Some(Stamp::SinceBoot(a)), Some(Stamp::SinceBoot(b))) => a.abs_diff(b) < 2_000_000,
            (Some(_) | None, _) => true,
        },
    };
    let sizes = one.victims.iter().zip(&other.victims).all(|(a, b)| {
        a.anon_rss_kb.is_none() || b.anon_rss_kb.is_none() || a.anon_rss_kb == b.anon_rss_kb
    });
    // Twice in one text: the same report was pasted twice.
    let copied = one.exhibit != other.exhibit || (one.stamp.is_some() && one.stamp == other.stamp);
    copied && !one.victims.is_empty() && pids(one) == pids(other) && near && sizes
}

fn fullness(kill: &OomKill) -> usize {
    usize::from(kill.report.summary.is_some())
        + usize::from(kill.kill_line)
        + usize::from(kill.report.memory.is_some())
        + usize::from(kill.report.invoker.is_some())
}

/// Who died: the `Killed process` lines, else whom the summary line names.
fn victims(report: &OomReport) -> Vec<Killed> {
    if !report.killed.is_empty() {
        return report.killed.clone();
    }
    // "already exiting": chosen, and left to end by itself.
    if report.already_exiting.is_some() {
        return Vec::new();
    }
    // The reaper takes the memory of OOM victims only: seen alone, it names them.
    let by_message = report.chosen.as_ref().filter(|_| report.chosen_message.is_some());
    let named = report.named.as_ref().or(report.reaped.first()).or(by_message);
    let Some(named) = named else { return Vec::new() };
    let Some(pid) = named.pid else { return Vec::new() };
    let row = report.tasks.iter().find(|row| row.process() == pid);
    vec![Killed {
        pid,
        comm: named.comm.clone(),
        message: None,
        uid: named.uid,
        total_vm_kb: None,
        anon_rss_kb: None,
        file_rss_kb: None,
        shmem_rss_kb: None,
        oom_score_adj: row.and_then(|row| row.oom_score_adj),
        span: named.span,
        at: None,
    }]
}

fn container(report: &OomReport) -> Option<ContainerId> {
    let by_task = report.task_memcg.as_ref().and_then(CgroupPath::container_id);
    by_task.or_else(|| report.oom_memcg.as_ref().and_then(CgroupPath::container_id))
}

/// The level, and whether the report shows it.
fn level(report: &OomReport) -> (Level, bool) {
    match &report.constraint {
        Some(Constraint::Cpuset | Constraint::MemoryPolicy) => return (Level::Numa, true),
        Some(Constraint::Other(_)) => return (Level::Unknown, false),
        Some(Constraint::None | Constraint::Memcg) | None => {}
    }
    match (&report.oom_memcg, &report.task_memcg) {
        (Some(limit), Some(task)) if !report.summary_cut || report.named.is_some() => {
            return between(limit, task);
        }
        // The text ends inside the task's path: a limit on a container's own cgroup can only have
        // killed inside that container.
        (Some(limit), _) if limit.container_id().is_some() => return between(limit, limit),
        (Some(limit), _) if limit.pod_uid().is_some() => return (Level::Ancestor, true),
        (Some(_), _) => return (Level::Unknown, false),
        (None, _) => {}
    }
    if report.global_oom {
        return (Level::Host, true);
    }
    let message = report.killed.iter().find_map(|killed| killed.message).or(report.chosen_message);
    let by_memcg = report.memcg_in_trace == Some(true) || report.memory.is_some();
    match message {
        Some(KillMessage::MemoryCgroup) => (Level::Unknown, false),
        Some(KillMessage::OutOfMemory | KillMessage::AllocatingTask) if !by_memcg => {
            let whole = report.constraint.is_some() || report.invoked_by.is_some();
            (Level::Host, whole)
        }
        Some(_) | None => (Level::Unknown, false),
    }
}

/// The level of a limit on `limit` that killed a task in `task`.
fn between(limit: &CgroupPath, task: &CgroupPath) -> (Level, bool) {
    let container = task.boundary();
    match (limit.relation(task), &container) {
        (Relation::Same | Relation::Above, Some(own)) => match limit.relation(own) {
            Relation::Same => (Level::Own, true),
            Relation::Above => (Level::Ancestor, true),
            Relation::Below => (Level::Nested, true),
            Relation::Apart => (Level::Unknown, false),
        },
        (Relation::Same, None) => (Level::Own, true),
        (Relation::Above, None) => (Level::Ancestor, true),
        // A path that was mangled in transport: the limit's own name still stands in the task's
        // path, above its last name.
        (Relation::Apart | Relation::Below, _) => {
            let above: Vec<&str> = task.names().rev().skip(1).collect();
            let named = !limit.is_root() && above.contains(&limit.name());
            if named { (Level::Ancestor, true) } else { (Level::Unknown, false) }
        }
    }
}

#[cfg(test)]
mod tests;
