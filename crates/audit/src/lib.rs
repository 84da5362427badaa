//! What the processes under one limit may grow to, and whether it has room: the sum, term by term.
//!
//! A process is given with what its runtime believes (`settings::runtimes`); who found it, on a machine or
//! in a question about one that does not run yet, does not matter. Nothing is read here, and nothing is
//! recommended: that is for those who know what the memory did over time.

pub mod live;

use casefile::Bytes;
use serde::Serialize;
use settings::runtimes::{Belief, Fits, Runtime, Version};

/// A process, or several of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its pid, where it runs; of several the first.
    pub pid: Option<u32>,
    /// Its name, where it runs.
    pub comm: Option<String>,
    /// Its runtime, where that is known.
    pub runtime: Option<(Runtime, Version)>,
    /// What that runtime believes.
    pub belief: Belief,
    /// How many of them there are.
    pub count: u64,
}

/// The limit, the sum and what follows; in JSON as `audit --format json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The limit in effect, in bytes; `null`: there is none.
    pub limit_bytes: Option<Bytes>,
    /// The cgroup that has it.
    pub limit_cgroup: Option<String>,
    /// `fits`, `tight`, `cannot-fit`, `unlimited` or `unknown`.
    pub fits: &'static str,
    /// What all together may come to use; `null` where nothing bounds a part of it.
    pub may_use_bytes: Option<Bytes>,
    /// The terms.
    pub sum: Vec<Term>,
    /// The processes.
    pub processes: Vec<Row>,
    /// What is set and not read, not as written, or missing.
    pub remarks: Vec<String>,
}

/// A term of the sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// What it is.
    pub what: String,
    /// How much.
    pub bytes: Bytes,
    /// Where the number comes from.
    pub from: String,
}

/// A process, with what it believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its pid, where it runs.
    pub pid: Option<u32>,
    /// Its name, where it runs.
    pub comm: Option<String>,
    /// Its runtime.
    pub runtime: Option<&'static str>,
    /// The version of it.
    pub version: Option<String>,
    /// What its managed memory may grow to.
    pub ceiling_bytes: Option<Bytes>,
    /// Which setting or rule made the ceiling.
    pub ceiling_from: Option<String>,
    /// What it usually needs outside that.
    pub non_heap_bytes: Option<Bytes>,
    /// How many of them there are, with those that it makes itself.
    pub count: u64,
    /// Which setting or rule says how many it makes.
    pub count_from: Option<String>,
    /// The processors it sizes its pools for.
    pub cpus: Option<u32>,
    /// The garbage collector it chooses by what it sees of the machine.
    pub collector: Option<&'static str>,
    /// Why it does not start with these settings.
    pub refuses: Option<String>,
}

/// Adds up what these processes may use under this limit.
#[must_use]
pub fn of(limit: Option<Bytes>, cgroup: Option<String>, processes: &[Process]) -> Audit {
    let usual: Option<Vec<u64>> = processes
        .iter()
        .map(|process| process.belief.may_use(process.count).map(|(_, usual)| usual.0))
        .collect();
    let usual = usual.filter(|all| !all.is_empty());
    let usual = usual.map(|all| Bytes(all.into_iter().fold(0, u64::saturating_add)));
    let least = processes.iter().map(|process| process.belief.least(process.count).0);
    let least = Bytes(least.fold(0, u64::saturating_add));
    Audit {
        limit_bytes: limit,
        limit_cgroup: cgroup,
        fits: Fits::of(limit, least, usual).word(),
        may_use_bytes: usual,
        sum: processes.iter().flat_map(terms).collect(),
        processes: processes.iter().map(row).collect(),
        remarks: processes.iter().flat_map(|process| process.belief.remarks.clone()).collect(),
    }
}

/// What is bounded; of what has no bound, the parts that are known beside it.
fn terms(process: &Process) -> Vec<Term> {
    let belief = &process.belief;
    let (all, each) = (process.count, process.count.saturating_mul(belief.number()));
    let times = |count: u64| if count == 1 { String::new() } else { format!("{count} × ") };
    let name =
        process.runtime.as_ref().map_or(String::new(), |(runtime, _)| format!("{runtime}'s "));
    let own = belief.ceiling.map(|ceiling| Term {
        what: format!("{}{name}managed memory", times(each)),
        bytes: Bytes(ceiling.0.saturating_mul(each)),
        from: belief.from.clone(),
    });
    let outside = belief.outside.iter().filter(|part| part.usual.0 > 0).map(|part| {
        let count = if part.shared { all } else { each };
        Term {
            // Several processes' parts are told as such only where a runtime makes its own.
            what: format!(
                "{}{}",
                if belief.processes.is_some() { times(count) } else { String::new() },
                part.what
            ),
            bytes: Bytes(part.usual.0.saturating_mul(count)),
            from: part.from.clone(),
        }
    });
    own.into_iter().chain(outside).collect()
}

fn row(process: &Process) -> Row {
    let belief = &process.belief;
    let own = belief.outside.iter().filter(|part| !part.shared);
    let outside = own.fold(0u64, |sum, part| sum.saturating_add(part.usual.0));
    Row {
        pid: process.pid,
        comm: process.comm.clone(),
        runtime: process.runtime.as_ref().map(|(runtime, _)| runtime.word()),
        version: process.runtime.as_ref().map(|(_, version)| version.to_string()),
        ceiling_bytes: belief.ceiling,
        ceiling_from: Some(belief.from.clone()).filter(|from| !from.is_empty()),
        non_heap_bytes: (!belief.outside.is_empty()).then_some(Bytes(outside)),
        count: process.count.saturating_mul(belief.number()),
        count_from: belief.processes.as_ref().map(|count| count.from.clone()),
        cpus: belief.cpus,
        collector: belief.collector,
        refuses: belief.refuses.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::runtimes::{Cpus, Layout, Told, View};

    fn node(limit: u64, count: u64) -> Process {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view =
            View::imagined(Layout::ContainerV2, Some(Bytes(limit << 20)), Bytes(24 << 30), cpus);
        let version = Version::parse("22.23.3").unwrap();
        let belief = Runtime::Node.believes(&version, &view, &Told::default());
        Process { pid: None, comm: None, runtime: Some((Runtime::Node, version)), belief, count }
    }

    #[test]
    fn the_terms_add_up_to_what_is_said() {
        let found = of(Some(Bytes(512 << 20)), None, &[node(512, 1)]);
        let sum: u64 = found.sum.iter().map(|term| term.bytes.0).sum();
        assert_eq!(found.may_use_bytes, Some(Bytes(sum)));
        assert_eq!((found.fits, sum >> 20), ("fits", 259 + 48));
    }

    #[test]
    fn several_processes_have_their_ceiling_each() {
        let limit = Some(Bytes(512 << 20));
        assert_eq!(of(limit, None, &[node(512, 2)]).fits, "cannot-fit");
        assert_eq!(of(limit, None, &[node(512, 1), node(512, 1)]).fits, "cannot-fit");
    }

    #[test]
    fn without_a_bound_only_too_much_is_certain() {
        let unbounded = Process { belief: Belief::default(), ..node(512, 1) };
        let found = of(Some(Bytes(512 << 20)), None, &[node(512, 1), unbounded.clone()]);
        assert_eq!((found.fits, found.may_use_bytes), ("unknown", None));
        let found = of(Some(Bytes(128 << 20)), None, &[node(128, 1), unbounded]);
        assert_eq!(found.fits, "cannot-fit");
        assert_eq!(of(None, None, &[node(512, 1)]).fits, "unlimited");
        assert_eq!(of(Some(Bytes(1)), None, &[]).fits, "unknown");
    }

    fn told(runtime: Runtime, version: &str, settings: &[(&str, &str)]) -> Process {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view =
            View::imagined(Layout::ContainerV2, Some(Bytes(512 << 20)), Bytes(24 << 30), cpus);
        let (mut told, version) = (Told::default(), Version::parse(version).unwrap());
        for (name, value) in settings {
            let pair = ((*name).to_owned(), (*value).to_owned());
            if name.contains(char::is_uppercase) {
                &mut told.environment
            } else {
                &mut told.settings
            }
            .push(pair);
        }
        let belief = runtime.believes(&version, &view, &told);
        Process { pid: None, comm: None, runtime: Some((runtime, version)), belief, count: 1 }
    }

    #[test]
    fn workers_have_their_ceiling_each_and_what_is_shared_once() {
        let pool = [("memory_limit", "64M"), ("pm.max_children", "4")];
        let found = of(Some(Bytes(512 << 20)), None, &[told(Runtime::Php, "8.2", &pool)]);
        let sum: u64 = found.sum.iter().map(|term| term.bytes.0).sum();
        assert_eq!((found.may_use_bytes, sum >> 20), (Some(Bytes(sum)), 4 * (64 + 4) + 6 + 128));
        let row = &found.processes[0];
        assert_eq!((row.count, row.count_from.as_deref()), (4, Some("pm.max_children = 4")));
        assert_eq!(found.fits, "fits");
        let pool = [("memory_limit", "256M"), ("pm.max_children", "10")];
        let found = of(Some(Bytes(512 << 20)), None, &[told(Runtime::Php, "8.2", &pool)]);
        assert_eq!(found.fits, "cannot-fit");
    }

    #[test]
    fn workers_without_a_bound_are_counted_and_not_summed_up() {
        let python = told(Runtime::Python, "3.12", &[("WEB_CONCURRENCY", "6")]);
        let found = of(Some(Bytes(512 << 20)), None, std::slice::from_ref(&python));
        assert_eq!((found.fits, found.may_use_bytes), ("unknown", None));
        assert_eq!(found.processes[0].count, 6);
        assert_eq!(of(Some(Bytes(32 << 20)), None, &[python]).fits, "cannot-fit");
    }
}
