//! Workers of one master: how many there is room for, by what the largest holds alone.
//!
//! Pages that workers share with their master are there once, however many workers are: they are counted
//! with the master. A seventh of the limit is left for files and the kernel (85 %).

use casefile::Bytes;
use serde::Serialize;
use settings::runtimes::{Belief, Runtime};

use super::family::{Family, held};
use super::terms::{Portion, named};
use super::{Alive, total};

/// Of a limit in percent.
const SHARE: u64 = 85;
/// A subshell is no pool.
const SMALL: u64 = 4 << 20;

/// Workers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Their master.
    pub master_pid: u32,
    /// Whose workers they are, in a few words.
    pub of: String,
    /// How many there are.
    pub workers: u64,
    /// How many the master is told to have, if that is more.
    pub workers_wanted: u64,
    /// What the largest holds alone (USS).
    pub worker_bytes: Bytes,
    /// What one in the middle holds alone.
    pub worker_median_bytes: Bytes,
    /// The share of the largest in all that it maps (PSS).
    pub worker_pss_bytes: Bytes,
    /// The most that one of them ever held alone, as far as can be told from outside.
    pub worker_peak_bytes: Bytes,
    /// The master, with what all share, once.
    pub master_bytes: Bytes,
    /// What else lives under the limit.
    pub others_bytes: Bytes,
    /// How many there is room for as large as the largest is now; `null`: there is no limit.
    pub fit: Option<u64>,
    /// How many there is room for if each fills its ceiling; `null`: they have none, or there is no limit.
    pub fit_at_ceiling: Option<u64>,
    /// The same in a sentence.
    pub says: String,
}

impl Pool {
    /// More workers than there is room for at the size of the largest.
    pub(super) fn is_too_large(&self) -> bool {
        self.fit.is_some_and(|fit| fit < self.workers_wanted)
    }
}

/// Every kind with two workers or more that can be measured.
pub(super) fn pools(
    families: &[Family<'_>],
    portions: &[Portion],
    limit: Option<Bytes>,
) -> Vec<Pool> {
    let mut found = Vec::new();
    for family in families {
        let mine: Vec<u32> = family.members().map(|one| one.pid).collect();
        let is_mine = |portion: &&Portion| portion.of.is_some_and(|pid| mine.contains(&pid));
        let others = total(portions.iter().filter(|it| !is_mine(it)).map(Portion::said));
        for kind in family.kinds.iter().filter(|kind| kind.len() > 1) {
            found.extend(pool(family, kind, others, limit));
        }
    }
    found
}

fn pool(family: &Family<'_>, kind: &[&Alive], others: u64, limit: Option<Bytes>) -> Option<Pool> {
    let workers = held(kind)?;
    let everybody: Vec<&Alive> = family.members().collect();
    let all = held(&everybody)?;
    let mut private: Vec<Bytes> = workers.iter().map(|one| one.private).collect();
    private.sort_unstable();
    let largest = private.last().copied().filter(|largest| largest.0 > 0)?;
    if family.top.runtime.is_none() && largest.0 < SMALL {
        return None;
    }
    let apart = total(private.iter().map(|bytes| bytes.0));
    let master = total(all.iter().map(|one| one.pss.0)).saturating_sub(apart);
    let room = limit.map(|limit| {
        let share = u128::from(limit.0) * u128::from(SHARE) / 100;
        let left = share.saturating_sub(u128::from(master.saturating_add(others)));
        u64::try_from(left / u128::from(largest.0)).unwrap_or(u64::MAX)
    });
    let first = kind.first()?;
    let mut pool = Pool {
        master_pid: first.worker_of?,
        of: named(first),
        workers: kind.len() as u64,
        workers_wanted: family.wanted(kind),
        worker_bytes: largest,
        worker_median_bytes: private.get(private.len() / 2).copied()?,
        worker_pss_bytes: workers.iter().map(|one| one.pss).max()?,
        worker_peak_bytes: workers.iter().map(|one| one.private_peak).max()?,
        master_bytes: Bytes(master),
        others_bytes: Bytes(others),
        fit: room,
        fit_at_ceiling: None,
        says: String::new(),
    };
    pool.says = says(&pool, limit);
    if let Some((each, fit)) = at_ceiling(family, kind, &pool, limit) {
        pool.fit_at_ceiling = Some(fit);
        pool.says += &format!("; at their ceilings, {each} each, {fit}");
    }
    Some(pool)
}

/// What a worker may come to, and how many of those there is room for.
fn at_ceiling(
    family: &Family<'_>,
    kind: &[&Alive],
    pool: &Pool,
    limit: Option<Bytes>,
) -> Option<(Bytes, u64)> {
    let sum = |belief: &Belief, shared: bool| {
        let parts = belief.outside.iter().filter(|part| part.shared == shared);
        total(parts.map(|part| part.usual.0))
    };
    let own = |belief: &Belief| Some(belief.ceiling?.0.saturating_add(sum(belief, false)));
    let (each, master) = match (family.belief_of_all(), family.top.runtime.as_ref()) {
        (Some(belief), Some((Runtime::Php, _))) => (own(belief)?, sum(belief, true)),
        // Their ceiling is what they share.
        (Some(_), _) => return None,
        (None, _) => {
            let master = family.top.belief.as_ref().and_then(own);
            (own(kind.first()?.belief.as_ref()?)?, master.unwrap_or(pool.master_bytes.0))
        }
    };
    // As tight as a verdict may be and still be `fits`.
    let left = limit?.0 / 20 * 19;
    let left = left.saturating_sub(master).saturating_sub(pool.others_bytes.0);
    Some((Bytes(each), left.checked_div(each)?))
}

/// `6 workers × 31 MiB + 12 MiB = 198 MiB > 128 MiB: 3 fit`.
fn says(pool: &Pool, limit: Option<Bytes>) -> String {
    let (count, each) = (pool.workers_wanted, pool.worker_bytes);
    let beside = pool.master_bytes.0.saturating_add(pool.others_bytes.0);
    let sum = each.0.saturating_mul(count).saturating_add(beside);
    let others = if pool.others_bytes.0 >= 1 << 20 { " with what else is here" } else { "" };
    let text = format!(
        "{count} workers × {each} + {} (the master{others}) = {}",
        Bytes(beside),
        Bytes(sum)
    );
    match (limit, pool.fit) {
        (Some(limit), Some(fit)) => {
            let sign = if sum > limit.0 { '>' } else { '≤' };
            let fits = if fit == 1 { "fits" } else { "fit" };
            let share = if fit < count && sum <= limit.0 {
                format!("{fit} {fits} into {SHARE} % of it")
            } else {
                format!("{fit} {fits}")
            };
            format!("{text} {sign} {limit}: {share}")
        }
        _ => text,
    }
}
