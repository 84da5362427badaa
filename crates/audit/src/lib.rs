//! What the processes under one limit may grow to, and whether it has room: the sum, term by term.
//!
//! A process is given with what its runtime believes (`settings::runtimes`); who found it, on a machine or
//! in a question about one that does not run yet, does not matter. Nothing is read here, and nothing is
//! recommended: that is for those who know what the memory did over time.

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
    /// How many of them there are.
    pub count: u64,
    /// The processors it sizes its pools for.
    pub cpus: Option<u32>,
}

/// Adds up what these processes may use under this limit.
#[must_use]
pub fn of(limit: Option<Bytes>, cgroup: Option<String>, processes: &[Process]) -> Audit {
    let sums = processes.iter().map(|process| process.belief.may_use(process.count));
    let bounded: Vec<(Bytes, Bytes)> = sums.clone().flatten().collect();
    let all_are = bounded.len() == processes.len() && !processes.is_empty();
    let total =
        |part: fn(&(Bytes, Bytes)) -> u64| bounded.iter().map(part).fold(0u64, u64::saturating_add);
    let (least, usual) = (total(|sum| sum.0.0), total(|sum| sum.1.0));
    Audit {
        limit_bytes: limit,
        limit_cgroup: cgroup,
        fits: Fits::of(limit, Bytes(least), all_are.then_some(Bytes(usual))).word(),
        may_use_bytes: all_are.then_some(Bytes(usual)),
        sum: processes.iter().flat_map(terms).collect(),
        processes: processes.iter().map(row).collect(),
        remarks: processes.iter().flat_map(|process| process.belief.remarks.clone()).collect(),
    }
}

fn terms(process: &Process) -> Vec<Term> {
    let Some(ceiling) = process.belief.ceiling else { return Vec::new() };
    let times = |bytes: Bytes| Bytes(bytes.0.saturating_mul(process.count));
    let name = match (&process.runtime, process.count) {
        (Some((runtime, _)), 1) => format!("{runtime}'s managed memory"),
        (Some((runtime, _)), count) => format!("{count} × {runtime}'s managed memory"),
        (None, 1) => "managed memory".to_owned(),
        (None, count) => format!("{count} × managed memory"),
    };
    let own = Term { what: name, bytes: times(ceiling), from: process.belief.from.clone() };
    let outside = process.belief.outside.iter().filter(|part| part.usual.0 > 0).map(|part| Term {
        what: part.what.clone(),
        bytes: times(part.usual),
        from: part.from.clone(),
    });
    std::iter::once(own).chain(outside).collect()
}

fn row(process: &Process) -> Row {
    let belief = &process.belief;
    let outside = belief.outside.iter().map(|part| part.usual.0).sum();
    Row {
        pid: process.pid,
        comm: process.comm.clone(),
        runtime: process.runtime.as_ref().map(|(runtime, _)| runtime.word()),
        version: process.runtime.as_ref().map(|(_, version)| version.to_string()),
        ceiling_bytes: belief.ceiling,
        ceiling_from: Some(belief.from.clone()).filter(|from| !from.is_empty()),
        non_heap_bytes: (!belief.outside.is_empty()).then_some(Bytes(outside)),
        count: process.count,
        cpus: belief.cpus,
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
}
