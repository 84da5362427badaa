//! Lines without a report: whose limit they belong to.
//!
//! The kernel prints ten reports in 5 s (mm/oom_kill.c `oom_rs`), and a `Killed process` line for every
//! victim. A line alone names neither the limit nor the cgroup; only what stands around it can, and
//! where that fits several, it is nobody's.

use casefile::{ContainerId, Stamp};
use parse::record::{Counter, CounterValue, KillMessage, TaskRow};

use super::OomKill;
use crate::facts::FactSheet;

/// In a storm most kills have no report of their own (10 per 5 s are printed), only the `Memory cgroup
/// out of memory: Killed process` line. Such a line belongs to the limit that every report within
/// 10 s of it names, if a process of that name is known there; where reports of several limits are
/// that near, to the one whose task table lists the pid; otherwise its place stays unknown.
pub(super) fn place(kills: &mut [OomKill]) {
    let placed: Vec<OomKill> =
        kills.iter().filter(|kill| kill.report.oom_memcg.is_some()).cloned().collect();
    for kill in kills.iter_mut().filter(|kill| is_bare_memcg_line(kill)) {
        let named = |other: &&OomKill| knows_name(other, kill);
        let near: Vec<&OomKill> = placed.iter().filter(|other| is_near(kill, other)).collect();
        let lists = |other: &&&OomKill| {
            other.report.tasks.iter().any(|row| kill.victims.iter().any(|v| v.pid == row.process()))
        };
        let first = near.first().copied();
        let one =
            near.iter().all(|other| first.map(OomKill::limit_cgroup) == Some(other.limit_cgroup()));
        let model = if one {
            first.filter(named)
        } else {
            near.iter().find(lists).copied().or_else(|| by_pid(kill, &near).filter(named))
        };
        let Some(model) = model else { continue };
        take_place(kill, model);
    }
}

/// What is still nobody's and bears a name known in the asked container is the container's where its
/// own counter demands it: `oom_kill` says exactly as many kills as lines are placed there and such
/// lines stand within 10 s of them.
pub(in crate::facts) fn place_by_count(sheet: &mut FactSheet) {
    let Some(id) = &sheet.asked_id else { return };
    let Some(counted) = sheet.counters.iter().find_map(|fact| kills_counted(&fact.what, id)) else {
        return;
    };
    let (ours, others): (Vec<&mut OomKill>, _) =
        sheet.oom_kills.iter_mut().partition(|kill| kill.is_in(id));
    let mut bare: Vec<(&mut OomKill, &OomKill)> = others
        .into_iter()
        .filter(|kill| is_bare_memcg_line(kill))
        .filter_map(|kill| {
            let near = ours.iter().find(|other| is_near(kill, other) && knows_name(other, kill))?;
            Some((kill, &**near))
        })
        .collect();
    let placed: usize = ours.iter().map(|kill| kill.victims.len()).sum();
    if u64::try_from(placed + bare.len()) == Ok(counted) {
        for (kill, model) in &mut bare {
            take_place(kill, model);
        }
    }
}

/// The kills this counter tells of, if it is that of the container's own cgroup.
fn kills_counted(counter: &Counter, id: &ContainerId) -> Option<u64> {
    let events = matches!(counter.file.as_str(), "memory.events" | "memory.oom_control");
    let path = counter.cgroup.as_ref()?;
    let own = path.container().is_some_and(|container| container == *path)
        && path.container_id().is_some_and(|own| own.is_same(id));
    match counter.value {
        CounterValue::Number(kills) if events && own && counter.key == "oom_kill" => Some(kills),
        CounterValue::Number(_) | CounterValue::Limit(_) | CounterValue::Pressure(_) => None,
    }
}

fn take_place(kill: &mut OomKill, model: &OomKill) {
    kill.level = model.level;
    (kill.level_shown, kill.inferred) = (false, true);
    kill.container = model.container.clone();
    (kill.limit, kill.usage) = (model.limit, model.usage);
    kill.report.oom_memcg = model.report.oom_memcg.clone();
    kill.report.task_memcg = model.report.task_memcg.clone();
}

/// The one limit between whose reported pids this line's pid lies: processes that were forked together.
fn by_pid<'a>(kill: &OomKill, near: &[&'a OomKill]) -> Option<&'a OomKill> {
    let [victim] = kill.victims.as_slice() else { return None };
    let spans = |model: &&&OomKill| {
        let same = near.iter().filter(|other| other.limit_cgroup() == model.limit_cgroup());
        let pids: Vec<u32> = same
            .flat_map(|other| {
                let rows = other.report.tasks.iter().map(TaskRow::process);
                rows.chain(other.victims.iter().map(|victim| victim.pid))
            })
            .collect();
        let ends = pids.iter().min().zip(pids.iter().max());
        ends.is_some_and(|(first, last)| (*first..=*last).contains(&victim.pid))
    };
    let mut fitting = near.iter().filter(spans);
    let model = fitting.next()?;
    fitting.all(|other| other.limit_cgroup() == model.limit_cgroup()).then_some(*model)
}

fn is_bare_memcg_line(kill: &OomKill) -> bool {
    let memcg = kill.victims.iter().any(|v| v.message == Some(KillMessage::MemoryCgroup));
    memcg && kill.report.oom_memcg.is_none() && kill.report.summary.is_none()
}

/// A victim of this line bears a name that the other report knows.
fn knows_name(other: &OomKill, kill: &OomKill) -> bool {
    let known = other.victims.iter().map(|victim| victim.comm.as_deref());
    let rows = other.report.tasks.iter().map(|row| Some(row.comm.as_str()));
    let names: Vec<_> = known.chain(rows).flatten().collect();
    kill.victims.iter().any(|victim| victim.comm.as_deref().is_some_and(|c| names.contains(&c)))
}

fn is_near(kill: &OomKill, other: &OomKill) -> bool {
    seconds_apart(kill, other).is_some_and(|apart| apart < 10.0)
}

/// Distance on one clock; `None` where the two cannot be compared.
fn seconds_apart(one: &OomKill, other: &OomKill) -> Option<f64> {
    match (one.stamp?, other.stamp?) {
        _ if one.exhibit != other.exhibit => None,
        (Stamp::SinceBoot(a), Stamp::SinceBoot(b)) => Some(a.abs_diff(b) as f64 / 1e6),
        (Stamp::Wall(a), Stamp::Wall(b)) | (Stamp::Local(a), Stamp::Local(b)) => {
            Some(a.seconds_since(b).abs())
        }
        (Stamp::SinceBoot(_) | Stamp::Wall(_) | Stamp::Local(_), _) => None,
    }
}

#[cfg(test)]
mod tests;
