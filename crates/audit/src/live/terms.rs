//! The terms of the sum: ceilings with what lives outside them, what is held where there is no ceiling,
//! and what is no process's.

use casefile::Bytes;
use settings::runtimes::{Belief, Count};

use super::family::{Family, ceiling, held};
use super::{Alive, Ground, Held, total};
use crate::{Process, Term};

/// Less than this is not worth a line.
const LEAST: u64 = 1 << 20;
/// A program that only starts and waits for another one: `sh -c …`, an init.
const WRAPPER: u64 = 2 << 20;

/// A part of the sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Portion {
    /// Whose it is, in a few words.
    pub(super) whose: String,
    /// The master, where it is a family's.
    pub(super) of: Option<u32>,
    /// Its lines.
    pub(super) terms: Vec<Term>,
    /// What is certain.
    pub(super) least: u64,
    /// What it may come to; `None`: nothing bounds it.
    pub(super) usual: Option<u64>,
}

impl Portion {
    /// What its lines say, whether it is bounded or not.
    pub(super) fn said(&self) -> u64 {
        total(self.terms.iter().map(|term| term.bytes.0))
    }
}

impl Family<'_> {
    /// Its parts of the sum.
    pub(super) fn portions(&self, all: &[Alive]) -> Vec<Portion> {
        if let Some(belief) = self.belief_of_all() {
            let live = self.kinds.iter().map(Vec::len).max().unwrap_or(0) as u64;
            let processes = belief.processes.clone().map(|count| grown(count, live));
            let belief = Belief { processes, ..belief.clone() };
            let everybody: Vec<&Alive> = self.members().collect();
            return vec![bounded(&everybody, belief, 1)];
        }
        let helpers = self.helpers.iter().map(|helper| vec![*helper]);
        let groups = std::iter::once(vec![self.top]).chain(self.kinds.iter().cloned());
        let (bound, free): (Vec<_>, Vec<_>) = groups
            .chain(helpers)
            .partition(|group| group.first().and_then(|it| ceiling(it)).is_some());
        let mut alike: Vec<(Belief, Vec<&Alive>)> = Vec::new();
        for one in bound.iter().flatten() {
            // Each process stands for itself: what it would start is here already.
            let Some(belief) = one.belief.clone() else { continue };
            let belief = Belief { processes: None, ..belief };
            match alike.iter_mut().find(|(known, _)| is_alike(known, &belief)) {
                Some((_, group)) => group.push(one),
                None => alike.push((belief, vec![*one])),
            }
        }
        let portion =
            |(belief, group): (Belief, Vec<&Alive>)| bounded(&group, belief, group.len() as u64);
        let mut portions: Vec<Portion> = alike.into_iter().map(portion).collect();
        portions.extend(self.measured(&free, all));
        portions
    }

    /// Those without a ceiling: workers at the size of the largest, what is shared once.
    fn measured(&self, groups: &[Vec<&Alive>], all: &[Alive]) -> Option<Portion> {
        let members: Vec<&Alive> = groups.iter().flatten().copied().collect();
        let first = members.first()?;
        let held = held(&members).unwrap_or_default();
        let kept = total(held.iter().map(|one| one.kept.0));
        let whose = named(first);
        let why = reason(first);
        let of = Some(self.top.pid);
        if members.len() == 1 {
            let bytes = Bytes(total(held.iter().map(|one| one.pss.0)));
            let waits = is_wrapper(first, all);
            let from = if waits { "now; it waits for what it started".to_owned() } else { why };
            let usual = waits.then_some(bytes.0);
            let terms = line(format!("{whose} (pid {})", first.pid), bytes, from);
            return Some(Portion { whose, of, terms, least: kept, usual });
        }
        let pools: Vec<&Vec<&Alive>> = groups.iter().filter(|group| is_pool(group)).collect();
        let mut terms = Vec::new();
        let mut apart = 0;
        for pool in &pools {
            let private = pool.iter().filter_map(|one| Some(one.held?.private.0));
            let private: Vec<u64> = private.collect();
            let largest = private.iter().copied().max().unwrap_or(0);
            let count = self.wanted(pool);
            apart += total(private.into_iter());
            let whose = pool.first().map(|it| named(it)).unwrap_or_default();
            let what = format!("{count} × a worker of {whose}, as large as the largest now");
            terms.extend(line(what, Bytes(largest.saturating_mul(count)), why.clone()));
        }
        let shared = Bytes(total(held.iter().map(|one| one.pss.0)).saturating_sub(apart));
        terms.extend(match pools.is_empty() {
            true => line(
                format!("{whose} (pid {}) and what it started of its own", self.top.pid),
                shared,
                why,
            ),
            false => {
                let what = format!("{whose} (pid {}) and what they all share", self.top.pid);
                line(what, shared, "now, counted once".to_owned())
            }
        });
        let whose = match pools.is_empty() {
            true => format!("{whose} and what it started of its own"),
            false => format!("{whose} and its workers"),
        };
        Some(Portion { whose, of, terms, least: kept, usual: None })
    }

    /// How many workers of a kind: those that live, or that the master is told to have.
    pub(super) fn wanted(&self, kind: &[&Alive]) -> u64 {
        let live = kind.len() as u64;
        let told = self.top.belief.as_ref().and_then(|belief| belief.processes.as_ref());
        match told {
            // Several kinds: nobody knows whose number it is.
            Some(count) if self.kinds.len() == 1 => count.number.max(live),
            Some(_) | None => live,
        }
    }
}

/// The same terms.
fn is_alike(one: &Belief, other: &Belief) -> bool {
    one.ceiling == other.ceiling && one.from == other.from && one.outside == other.outside
}

/// At least as many as there are.
fn grown(count: Count, live: u64) -> Count {
    if live > count.number {
        Count { number: live, from: format!("{live} of them now") }
    } else {
        count
    }
}

/// A ceiling and what lives outside it, or what is held if that is more already.
fn bounded(group: &[&Alive], belief: Belief, count: u64) -> Portion {
    let first = group.first();
    let (least, usual) = (belief.least(count).0, belief.may_use(count).map_or(0, |(_, it)| it.0));
    let process = Process {
        pid: first.map(|it| it.pid),
        comm: first.map(|it| it.comm.clone()),
        runtime: first.and_then(|it| it.runtime.clone()),
        belief,
        count,
    };
    let mut terms = crate::terms(&process);
    let whose = first.map(|it| named(it)).unwrap_or_default();
    let kept = total(group.iter().filter_map(|one| Some(one.held?.kept.0)));
    let more = kept.saturating_sub(usual);
    terms.extend(line(
        format!("{whose}: held beyond that already"),
        Bytes(more),
        "measured now".to_owned(),
    ));
    let of = first.map(|it| it.pid);
    Portion { whose, of, terms, least: least.max(kept), usual: Some(usual.max(kept)) }
}

/// What is no process's: files on tmpfs, the kernel's own beside what is only measured, strangers.
pub(super) fn beside(ground: &Ground, all: &[Alive]) -> Vec<Portion> {
    let portion = |what: &str, bytes: u64, least: u64, usual: Option<u64>, from: &str| Portion {
        whose: what.to_owned(),
        of: None,
        terms: line(what.to_owned(), Bytes(bytes), from.to_owned()),
        least,
        usual,
    };
    let of =
        |part: fn(&Held) -> Bytes| total(all.iter().filter_map(|one| Some(part(&one.held?).0)));
    let mut found = Vec::new();
    if let Some(shmem) = ground.now.shmem.filter(|_| ground.is_whole) {
        let files = shmem.0.saturating_sub(of(|held| held.shmem));
        if files >= LEAST {
            let from = "now; it cannot be given back";
            found.push(portion("files on tmpfs and in /dev/shm", files, files, Some(files), from));
        }
    }
    let is_unread = all.iter().any(|one| one.held.is_none() && ceiling(one).is_none());
    if let Some(anon) = ground.now.anon.filter(|_| ground.is_whole && is_unread) {
        let unread =
            anon.0.saturating_sub(of(|held| Bytes(held.kept.0.saturating_sub(held.shmem.0))));
        let from = "now, as their cgroup counts it";
        let what = "processes that could not be read one by one";
        found.push(portion(what, unread, unread, Some(unread), from));
    }
    // A runtime's usual needs hold the kernel's share of them already.
    let is_measured = all.iter().any(|one| ceiling(one).is_none());
    if let Some(kernel) = ground.now.kernel.filter(|it| is_measured && it.0 >= LEAST) {
        let from = "now: slab, stacks, page tables";
        found.push(portion("the kernel's memory for them", kernel.0, 0, Some(kernel.0), from));
    }
    let around = ground.limit_now.as_ref().or((!ground.is_whole).then_some(&ground.now));
    let own = if ground.is_whole { ground.now.kept() } else { Some(of(|held| held.kept)) };
    let others = around.and_then(super::Now::kept).zip(own);
    let others = others.map_or(0, |(around, own)| around.saturating_sub(own));
    if ground.limit.is_some() && others >= LEAST {
        let from = "now, nothing here bounds it";
        found.push(portion("others under the same limit", others, others, None, from));
    }
    found
}

/// A line, unless it says nothing.
fn line(what: String, bytes: Bytes, from: String) -> Vec<Term> {
    if bytes.0 == 0 { Vec::new() } else { vec![Term { what, bytes, from }] }
}

/// `Python 3.12.1`, or the name of a process that was not recognised.
pub(super) fn named(one: &Alive) -> String {
    match &one.runtime {
        Some((runtime, _)) => runtime.to_string(),
        None => one.comm.clone(),
    }
}

/// Several workers of one kind.
fn is_pool(group: &[&Alive]) -> bool {
    group.len() > 1 && group.first().is_some_and(|first| first.kind.is_some())
}

/// Why its present size is what is counted.
fn reason(one: &Alive) -> String {
    match (&one.runtime, &one.belief) {
        (None, _) => "now; its runtime is not known".to_owned(),
        (Some(_), Some(belief)) if !belief.from.is_empty() => format!("now; {}", belief.from),
        (Some(_), _) => "now; nothing bounds it".to_owned(),
    }
}

/// A small program whose child, or that one's, was recognised.
fn is_wrapper(one: &Alive, all: &[Alive]) -> bool {
    let is_small = one.runtime.is_none() && one.held.is_some_and(|held| held.private.0 <= WRAPPER);
    let find = |pid: u32| all.iter().find(|other| other.pid == pid);
    is_small
        && all.iter().filter(|other| other.runtime.is_some()).any(|other| {
            let above = std::iter::successors(find(other.parent), |it| find(it.parent));
            above.take(all.len()).any(|it| it.pid == one.pid)
        })
}
