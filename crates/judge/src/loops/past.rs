//! A container's past as a loop's judgement needs it: how each life ended, by the rules' own verdict, and what
//! was killed inside while it lived.

use casefile::{Bytes, ContainerId, Limit, Moment};
use parse::record::{ContainerAction, ContainerRecord, CounterValue};

use crate::facts::{Fact, FactSheet, Life, MainHit, OomKill, Stage, lives_of_container};
use crate::rules;
use crate::verdict::{Because, Confidence, Killer, Level, Remedy};

/// A container's past.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    pub(super) name: Option<String>,
    pub(super) id: Option<ContainerId>,
    pub(super) policy: Option<String>,
    pub(super) restart_count: Option<u64>,
    pub(super) limit: Option<Bytes>,
    pub(super) limit_with_swap: Option<Bytes>,
    pub(super) has_health_check: bool,
    /// Docker's word: `running`, `restarting`, `exited`.
    pub(super) status: Option<String>,
    /// Lives that ended, oldest first.
    pub(super) ended: Vec<Ended>,
    /// The start of the life that goes on.
    pub(super) alive_since: Option<Moment>,
    pub(super) is_alive: bool,
    /// The life that goes on is healthy.
    pub(super) is_healthy: bool,
    pub(super) now: Option<Moment>,
    /// Kills of others than the main process, in the last life that has any, oldest first.
    pub(super) inside: Vec<Inside>,
    /// That life goes on.
    pub(super) inside_lives: bool,
    /// What its cgroup counts, now.
    pub(super) counted: Option<(u64, Because)>,
    /// Lines about the policy and its count.
    pub(super) about: Vec<Because>,
}

/// The end of one life.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) started_at: Option<Moment>,
    pub(super) at: Option<Moment>,
    pub(super) killer: Killer,
    pub(super) level: Level,
    pub(super) confidence: Confidence,
    pub(super) exit_code: Option<i64>,
    pub(super) limit: Option<Bytes>,
    pub(super) was_healthy: bool,
    /// The rules' own words for the reason.
    pub(super) detail: Option<String>,
    pub(super) victim: Option<String>,
    pub(super) because: Option<Because>,
    pub(super) remedies: Vec<Remedy>,
}

impl Ended {
    /// Seconds from start to end.
    pub(super) fn age(&self) -> Option<f64> {
        Some(self.at?.seconds_since(self.started_at?)).filter(|age| *age >= 0.0)
    }
}

/// A kill inside.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub(super) at: Option<Moment>,
    pub(super) victims: Vec<String>,
    pub(super) level: Level,
    pub(super) limit: Option<Bytes>,
    /// How many of the victim's name the kernel's table shows, and what all there held.
    pub(super) crowd: Option<(usize, Bytes)>,
    pub(super) because: Because,
    pub(super) remedies: Vec<Remedy>,
}

/// Every container that a case's events and records are about.
pub(super) fn subjects(sheet: &FactSheet) -> Vec<ContainerId> {
    if let Some(id) = &sheet.asked_id {
        return vec![id.clone()];
    }
    let records = sheet.containers.iter().filter_map(|fact| fact.what.id.clone());
    let events = sheet.events.iter().filter_map(|fact| fact.what.id.clone());
    let mut ids: Vec<ContainerId> = Vec::new();
    for id in records.chain(events) {
        if ids.iter().all(|known| !known.is_same(&id)) {
            ids.push(id);
        }
    }
    ids
}

/// The past of one container; `None` where nothing tells of a life.
pub(super) fn of(sheet: &FactSheet, id: Option<ContainerId>) -> Option<Past> {
    let lives = lives_of_container(sheet, id.clone());
    let last = lives.last()?;
    let record = lives.iter().rev().find_map(|life| life.record.as_ref());
    let mut past = Past {
        name: last.name.clone(),
        id: last.id.clone().or(id),
        is_alive: last.alive,
        alive_since: last.started_at.filter(|_| last.alive),
        now: sheet.gathered_at,
        ..Past::default()
    };
    if let Some(record) = record {
        describe(&mut past, record);
    }
    past.has_health_check |= sheet.events.iter().any(|event| {
        is_of(past.id.as_ref(), event.what.id.as_ref())
            && matches!(event.what.action, ContainerAction::Health(_))
    });
    past.is_healthy = last.alive && was_healthy(sheet, last, record);
    for index in 0..lives.len() {
        let Some(stage) = Stage::of_life(sheet, &lives, index).map(of_one_life) else { continue };
        past.ended.extend(ended(&stage));
        let inside = inside(&stage);
        if !inside.is_empty() {
            (past.inside, past.inside_lives) = (inside, stage.life.alive);
        }
    }
    let forgotten = forgotten(sheet, &past, lives.first());
    past.ended.splice(0..0, forgotten);
    if last.alive {
        past.counted = counted(sheet, past.id.as_ref());
    }
    Some(past)
}

/// Without the start of a life, kills of earlier lives lie in it too: its own is the last one that ended a main process.
fn of_one_life(stage: Stage<'_>) -> Stage<'_> {
    if stage.life.started_at.is_some() {
        return stage;
    }
    let mut ends: Vec<Moment> = stage.main_kills().iter().filter_map(|kill| kill.at).collect();
    ends.sort();
    ends.pop();
    let Some(earlier) = ends.pop() else { return stage };
    let kills = stage.kills.iter().copied();
    let kills = kills.filter(|kill| kill.at.is_none_or(|at| at > earlier)).collect();
    stage.with_kills(kills)
}

/// Deaths of lives that the events have forgotten and the kernel's log has not: kills in this container from
/// before its first known life, as many as Docker's count has restarts more than are known.
fn forgotten(sheet: &FactSheet, past: &Past, first: Option<&Life>) -> Vec<Ended> {
    let known = u64::try_from(past.ended.len()).unwrap_or(u64::MAX);
    let missing = past.restart_count.unwrap_or(0).saturating_sub(known);
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    // Of the last life docker itself keeps the end, and the start only while no other one has begun.
    let kill_of = |end: &Ended| end.because.as_ref().and_then(|because| because.at).or(end.at);
    let start = first.and_then(|life| {
        life.started_at.or_else(|| past.ended.first().filter(|_| !life.alive).and_then(kill_of))
    });
    let Some((id, start)) = past.id.as_ref().zip(start) else {
        return Vec::new();
    };
    let before = |kill: &&OomKill| {
        let earlier = kill.at.is_some_and(|at| start.seconds_since(at) > 0.05);
        kill.is_in(id) && earlier && !kill.is_policy() && !kill.report.manual
    };
    let kills: Vec<&OomKill> = sheet.oom_kills.iter().filter(before).collect();
    let from = kills.len().saturating_sub(missing);
    kills.get(from..).unwrap_or_default().iter().filter_map(|kill| of_kill(kill)).collect()
}

/// A life of which only its kill is known.
fn of_kill(kill: &OomKill) -> Option<Ended> {
    let victim = kill.victims.first()?;
    let killer = match kill.level {
        Level::Own | Level::Nested => Killer::ContainerMemoryLimit,
        Level::Ancestor => Killer::AncestorMemoryLimit,
        Level::Host => Killer::HostOutOfMemory,
        Level::Numa => Killer::NumaOutOfMemory,
        Level::Unknown | Level::None => Killer::OutOfMemory,
    };
    Some(Ended {
        started_at: None,
        at: kill.at,
        killer,
        level: kill.level,
        // That the life ended by it is not seen.
        confidence: Confidence::Likely,
        exit_code: None,
        limit: kill.limit.and_then(Limit::bytes),
        was_healthy: false,
        detail: None,
        victim: victim.comm.clone(),
        because: Some(Because {
            cite: kill.cite(victim.span),
            at: kill.at,
            says: "the kernel killed it in a life that docker's events have forgotten".to_owned(),
            decisive: victim.comm.clone(),
        }),
        remedies: Vec::new(),
    })
}

fn is_of(one: Option<&ContainerId>, other: Option<&ContainerId>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.is_same(other))
}

fn describe(past: &mut Past, record: &Fact<Box<ContainerRecord>>) {
    let told = &record.what;
    past.policy = told.restart_policy.clone();
    past.restart_count = told.restart_count;
    past.limit = told.memory.and_then(Limit::bytes);
    past.limit_with_swap = told.memory_swap.and_then(Limit::bytes);
    past.has_health_check = told.health.as_deref().is_some_and(|word| word != "none");
    past.status = told.status.clone();
    for (field, says) in [
        ("restart_policy", "what Docker does when it ends"),
        ("restart_count", "how often its restart policy has started it again"),
    ] {
        if let Some(span) = told.span_of(field) {
            let says = says.to_owned();
            past.about.push(Because { cite: record.cite_at(span), at: None, says, decisive: None });
        }
    }
}

/// A health check passed in this life.
fn was_healthy(
    sheet: &FactSheet,
    life: &Life,
    record: Option<&Fact<Box<ContainerRecord>>>,
) -> bool {
    let by_event = sheet.events.iter().any(|event| {
        let healthy = matches!(&event.what.action, ContainerAction::Health(word)
            if word.contains("healthy") && !word.contains("unhealthy"));
        healthy
            && is_of(life.id.as_ref(), event.what.id.as_ref())
            && event.at.is_some_and(|at| life.holds(at))
    });
    let by_record =
        life.alive && record.is_some_and(|it| it.what.health.as_deref() == Some("healthy"));
    by_event || by_record
}

/// How a life ended, by the rules.
fn ended(stage: &Stage<'_>) -> Option<Ended> {
    let life = stage.life;
    let end = life.end.as_ref().filter(|_| !life.alive)?;
    let verdict = rules::reach_life(stage);
    let by_line = verdict.because.first().cloned();
    let says = match end.exit_code {
        Some(code) => format!("the life ended with {code}"),
        None => "the life ended".to_owned(),
    };
    let by_end = Because { cite: end.cite.clone(), at: end.at, says, decisive: None };
    Some(Ended {
        started_at: life.started_at,
        at: end.at,
        killer: verdict.killer,
        level: verdict.level,
        confidence: verdict.confidence,
        exit_code: life.exit_code(),
        limit: verdict.limit.and_then(Limit::bytes),
        was_healthy: was_healthy(stage.sheet, life, None),
        detail: verdict.detail.clone(),
        victim: verdict.victims.iter().find_map(|victim| victim.comm.clone()),
        because: Some(by_line.unwrap_or(by_end)),
        remedies: crate::remedy::propose(&verdict),
    })
}

/// Kernel kills of a life that did not hit its main process.
fn inside(stage: &Stage<'_>) -> Vec<Inside> {
    // Of a life whose start is forgotten an earlier kill may be an earlier life's end.
    if stage.life.started_at.is_none() {
        return Vec::new();
    }
    let others = stage.kills.iter().filter(|kill| {
        stage.main_hit(kill) == MainHit::No && !kill.is_policy() && !kill.report.manual
    });
    let others: Vec<&OomKill> = others.copied().collect();
    // What to change is the same for all: the verdict on the whole storm.
    let remedies = if others.len() < 2 || !stage.life.alive {
        Vec::new()
    } else {
        crate::remedy::propose(&rules::reach_life(stage))
    };
    let one = |kill: &&OomKill| {
        let victim = kill.victims.first()?;
        let because = Because {
            cite: kill.cite(victim.span),
            at: kill.at,
            says: "the kernel killed a process inside, and the container went on".to_owned(),
            decisive: victim.comm.clone(),
        };
        Some(Inside {
            at: kill.at,
            victims: kill.victims.iter().filter_map(|one| one.comm.clone()).collect(),
            level: kill.level,
            limit: kill.limit.and_then(Limit::bytes),
            crowd: crowd(kill),
            because,
            remedies: remedies.clone(),
        })
    };
    others.iter().filter_map(one).collect()
}

/// Processes of the victim's name in the kernel's table, and what all of the table held.
fn crowd(kill: &OomKill) -> Option<(usize, Bytes)> {
    let name = kill.victims.first()?.comm.as_deref()?;
    let alike = kill.report.tasks.iter().filter(|row| row.comm == name).count();
    Some((alike, kill.usage?)).filter(|(alike, _)| *alike > 0)
}

/// `oom_kill` of the container's own cgroup.
fn counted(sheet: &FactSheet, id: Option<&ContainerId>) -> Option<(u64, Because)> {
    sheet.counters.iter().rev().find_map(|fact| {
        let CounterValue::Number(kills) = fact.what.value else { return None };
        let own = fact.what.cgroup.as_ref().and_then(casefile::CgroupPath::container_id);
        let ours = own.is_none_or(|own| is_of(id, Some(&own)));
        let says = format!("its cgroup has counted {kills} kills in this life");
        let because = Because { cite: fact.cite.clone(), at: None, says, decisive: None };
        (fact.what.key == "oom_kill" && ours).then_some((kills, because))
    })
}

#[cfg(test)]
mod tests;
