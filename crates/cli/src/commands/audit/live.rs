//! One look at what runs: each process recognised, measured, and asked what its runtime believes.

use std::cmp::Reverse;

use ::audit::live::{Alive, Ground, Held, Live, Now};
use casefile::Bytes;
use evidence::live::{Look, OfProcess, Running, Scope};
use hierarchy::Holds;
use serde_json::{Map, Value, json};
use settings::runtimes::{Runtime, malloc};

use crate::failure::{Failure, NOTHING};

/// What was looked at, and what came of it.
#[derive(Debug)]
pub(super) struct Seen {
    /// Its name, where it has one.
    pub(super) name: Option<String>,
    /// Its container's id.
    pub(super) id: Option<String>,
    /// Its main process, or the one that was asked about.
    pub(super) pid: u32,
    /// Which processes were looked at.
    pub(super) scope: Scope,
    /// Where they are counted.
    pub(super) cgroup: String,
    /// How many there are.
    pub(super) processes: usize,
    /// The answer.
    pub(super) live: Live,
}

/// Looks once.
pub(super) fn look(running: &Running) -> Result<Seen, Failure> {
    let look = running.look();
    let mut quota = None;
    let found: Vec<Alive> =
        look.processes.iter().filter_map(|one| alive(one, &mut quota)).collect();
    if found.is_empty() {
        return Err(ended(running));
    }
    let ground = ground(running, &look, &found, quota);
    Ok(Seen {
        name: running.name.clone(),
        id: running.id.as_ref().map(ToString::to_string),
        pid: running.pid,
        scope: running.scope,
        cgroup: running.cgroup.to_string(),
        processes: found.len(),
        live: ::audit::live::of_living(&ground, &found),
    })
}

fn ended(running: &Running) -> Failure {
    let name = running.name.clone().unwrap_or_else(|| format!("pid {}", running.pid));
    let asked = match &running.name {
        Some(name) => report::escape::shell_word(name),
        None => format!("--pid {}", running.pid),
    };
    Failure::new(NOTHING, format!("nothing of `{name}` runs any more"))
        .hint(format!("`why137 explain {asked}` tells how it ended"))
}

/// One process; `None` if it is gone. The first quota that is seen is told.
fn alive(one: &OfProcess, quota: &mut Option<u32>) -> Option<Alive> {
    if one.is_stuck {
        return Some(stuck(one));
    }
    let seen = recognise::process(one.pid).ok()?;
    let view = seen.view.as_ref();
    *quota = quota.or_else(|| view.and_then(|view| view.cpus.quota));
    let belief = seen.runtime.as_ref().zip(view);
    let belief =
        belief.map(|((runtime, version), view)| runtime.believes(version, view, &seen.told));
    let is_go = seen.runtime.as_ref().is_some_and(|(runtime, _)| *runtime == Runtime::Go);
    let arenas = one.arenas.filter(|_| !is_go).zip(view);
    Some(Alive {
        pid: one.pid,
        parent: one.parent,
        worker_of: seen.worker_of,
        kind: seen.kind,
        comm: seen.comm,
        belief,
        arenas: arenas.map(|(now, view)| (now, malloc::most_arenas(view, &seen.told))),
        runtime: seen.runtime,
        held: one.measured.map(|it| Held {
            pss: it.pss,
            private: it.private,
            kept: it.kept,
            shmem: it.shmem,
            given_up: it.given_up,
            private_peak: it.private_peak,
        }),
    })
}

/// Whoever asks more of it hangs with it.
fn stuck(one: &OfProcess) -> Alive {
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", one.pid)).unwrap_or_default();
    Alive {
        pid: one.pid,
        parent: one.parent,
        worker_of: None,
        kind: None,
        comm: comm.trim_end().to_owned(),
        runtime: None,
        belief: None,
        held: None,
        arenas: None,
    }
}

fn ground(running: &Running, look: &Look, all: &[Alive], quota: Option<u32>) -> Ground {
    let is_whole = running.scope != Scope::Tree;
    let limit = look.limit.as_ref();
    Ground {
        limit: limit.map(|limit| limit.bytes),
        limit_cgroup: limit.and_then(|limit| Some(limit.cgroup.as_ref()?.to_string())),
        host: look.host,
        high: look.high,
        now: if is_whole { now(&look.holds) } else { of_processes(all) },
        limit_now: limit.and_then(|limit| limit.holds.as_ref()).map(now),
        is_whole,
        quota,
    }
}

fn now(holds: &Holds) -> Now {
    let Holds { usage, anon, file, shmem, kernel } = *holds;
    Now { usage, anon, file, shmem, kernel }
}

/// Of processes that share their cgroup with strangers: what they hold themselves.
fn of_processes(all: &[Alive]) -> Now {
    let sum = |part: fn(&Held) -> u64| {
        let parts: Option<Vec<u64>> = all.iter().map(|one| one.held.as_ref().map(part)).collect();
        parts.map(|parts| Bytes(parts.into_iter().fold(0, u64::saturating_add)))
    };
    Now {
        usage: sum(|held| held.pss.0),
        anon: sum(|held| held.kept.0.saturating_sub(held.shmem.0)),
        file: sum(|held| held.pss.0.saturating_sub(held.kept.0)),
        shmem: sum(|held| held.shmem.0),
        kernel: None,
    }
}

impl Seen {
    /// The worst first; of equals the one that is nearest to its limit.
    pub(super) fn rank(&self) -> (u8, Reverse<u64>, Option<String>) {
        let rank = match self.live.fits {
            "cannot-fit" => 0,
            "tight" => 1,
            "unlimited" => 2,
            "unknown" => 3,
            _ => 4,
        };
        let (usage, limit) = (self.live.now.usage, self.live.limit_bytes);
        let full = usage.zip(limit.filter(|limit| limit.0 > 0));
        let full = full.map_or(0, |(usage, limit)| usage.0.saturating_mul(1000) / limit.0);
        (rank, Reverse(full), self.name.clone())
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let mut all = Map::new();
        let head = json!({
            "name": self.name, "container_id": self.id, "pid": self.pid, "cgroup": self.cgroup,
            "scope": self.scope.word(),
        });
        // Neither can fail: no map with keys that are no text, no number that is none.
        let body = serde_json::to_value(&self.live).unwrap_or_default();
        for part in [head, body] {
            if let Value::Object(part) = part {
                all.extend(part);
            }
        }
        Value::Object(all)
    }

    /// As a person would call it.
    pub(super) fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("pid {}", self.pid))
    }

    /// The words that lead back to it.
    pub(super) fn asked(&self) -> String {
        match &self.name {
            Some(name) => report::escape::shell_word(name),
            None => format!("--pid {}", self.pid),
        }
    }
}
