//! A master and its workers, or a process alone: what is counted once, and what each has.

use casefile::Bytes;
use settings::runtimes::{Belief, Runtime};

use super::{Alive, Held, Row, total};

/// A process and those that descend from it by the same executable.
#[derive(Debug)]
pub(super) struct Family<'a> {
    /// The master, or the process alone.
    pub(super) top: &'a Alive,
    /// Its workers, kind by kind.
    pub(super) kinds: Vec<Vec<&'a Alive>>,
    /// Those that serve nobody.
    pub(super) helpers: Vec<&'a Alive>,
}

impl<'a> Family<'a> {
    /// Every process in exactly one family, in the order of the pids of the masters.
    pub(super) fn all(all: &'a [Alive]) -> Vec<Self> {
        let find = |pid: u32| all.iter().find(|one| one.pid == pid);
        let top_of = |one: &'a Alive| {
            let mut top = one;
            // A worker whose master is not looked at stands for itself; a circle cannot be.
            for _ in 0..all.len() {
                match top.worker_of.and_then(find).filter(|above| above.pid != top.pid) {
                    Some(above) => top = above,
                    None => break,
                }
            }
            top.pid
        };
        let mut families: Vec<Self> = Vec::new();
        let tops: Vec<(u32, &Alive)> = all.iter().map(|one| (top_of(one), one)).collect();
        for (_, top) in tops.iter().filter(|(top, one)| *top == one.pid) {
            let mut family = Self { top, kinds: Vec::new(), helpers: Vec::new() };
            for (_, one) in tops.iter().filter(|(of, one)| *of == top.pid && one.pid != *of) {
                family.take(one);
            }
            families.push(family);
        }
        families
    }

    fn take(&mut self, worker: &'a Alive) {
        if worker.kind.is_none() {
            self.helpers.push(worker);
            return;
        }
        let is_alike = |kind: &&mut Vec<&Alive>| {
            kind.first().is_some_and(|first| {
                first.worker_of == worker.worker_of
                    && first.kind == worker.kind
                    && ceiling(first) == ceiling(worker)
            })
        };
        match self.kinds.iter_mut().find(is_alike) {
            Some(kind) => kind.push(worker),
            None => self.kinds.push(vec![worker]),
        }
    }

    /// Everybody in it.
    pub(super) fn members(&self) -> impl Iterator<Item = &'a Alive> {
        let workers = self.kinds.iter().flatten().copied();
        std::iter::once(self.top).chain(workers).chain(self.helpers.iter().copied())
    }

    /// What the master believes counts its workers too: their number is a setting of its own, or what
    /// they share is what it believes.
    pub(super) fn belief_of_all(&self) -> Option<&'a Belief> {
        let (runtime, _) = self.top.runtime.as_ref()?;
        let counts = matches!(runtime, Runtime::Php | Runtime::Postgres | Runtime::Redis);
        self.top.belief.as_ref().filter(|belief| counts && belief.ceiling.is_some())
    }

    /// One row for each process, one for all workers of one kind.
    pub(super) fn rows(&self) -> Vec<Row> {
        let alone = std::iter::once(vec![self.top]);
        let helpers = self.helpers.iter().map(|helper| vec![*helper]);
        let groups = alone.chain(self.kinds.iter().cloned()).chain(helpers);
        let mut rows: Vec<Row> = groups.filter_map(|group| row(&group)).collect();
        if let Some(belief) = self.belief_of_all() {
            // What workers could tell of themselves is what their master was told.
            let each = matches!(self.top.runtime, Some((Runtime::Php, _)));
            for row in rows.iter_mut().filter(|row| row.pid != self.top.pid) {
                row.ceiling_bytes = belief.ceiling.filter(|_| each);
                row.ceiling_from = Some(format!("counted with pid {}", self.top.pid));
                row.non_heap_bytes = row.non_heap_bytes.filter(|_| each);
            }
        }
        rows
    }
}

/// The ceiling of one, if it has one.
pub(super) fn ceiling(one: &Alive) -> Option<Bytes> {
    one.belief.as_ref()?.ceiling
}

/// What these hold, all of them; `None` where one cannot be read.
pub(super) fn held(group: &[&Alive]) -> Option<Vec<Held>> {
    group.iter().map(|one| one.held).collect()
}

fn row(group: &[&Alive]) -> Option<Row> {
    let first = group.first()?;
    let belief = first.belief.as_ref();
    let own = belief.into_iter().flat_map(|belief| &belief.outside).filter(|part| !part.shared);
    let outside = total(own.map(|part| part.usual.0));
    let held = held(group);
    Some(Row {
        pid: first.pid,
        comm: first.comm.clone(),
        runtime: first.runtime.as_ref().map(|(runtime, _)| runtime.word()),
        version: first.runtime.as_ref().map(|(_, version)| version.to_string()),
        ceiling_bytes: ceiling(first),
        ceiling_from: belief.map(|belief| belief.from.clone()).filter(|from| !from.is_empty()),
        non_heap_bytes: belief.filter(|it| !it.outside.is_empty()).map(|_| Bytes(outside)),
        count: group.len() as u64,
        pids: if group.len() > 1 { group.iter().map(|one| one.pid).collect() } else { Vec::new() },
        worker_of: first.worker_of,
        pss_bytes: held.as_ref().map(|all| Bytes(total(all.iter().map(|one| one.pss.0)))),
        private_bytes: held.as_ref().and_then(|all| all.iter().map(|one| one.private).max()),
        cpus: belief.and_then(|belief| belief.cpus),
        collector: belief.and_then(|belief| belief.collector),
        given_up_bytes: held.map(|all| Bytes(total(all.iter().map(|one| one.given_up.0)))),
        arenas: group.iter().filter_map(|one| Some(one.arenas?.0)).max(),
    })
}
