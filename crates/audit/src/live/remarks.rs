//! What is beside the sum and still leads to a death: limits that bound nothing, counts made for the
//! whole machine, arenas, what could not be read.

use casefile::Bytes;
use settings::runtimes::Runtime;

use super::{Alive, Ground};

/// As many arenas hold little.
const FEW_ARENAS: u32 = 8;

/// Each once, in the order of the processes.
pub(super) fn of(ground: &Ground, limit: Option<Bytes>, all: &[Alive]) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    let mut add = |remark: String| {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    };
    if let Some((absurd, host)) = ground.limit.filter(|_| limit.is_none()).zip(ground.host) {
        add(format!("the limit of {absurd} bounds nothing: this machine has {host}"));
    }
    if let Some(high) = ground.high.filter(|high| limit.is_none_or(|limit| *high < limit)) {
        add(format!("above memory.high, {high}, the kernel slows the processes down"));
    }
    for one in all {
        let own = one.belief.iter().flat_map(|belief| belief.remarks.clone());
        let own: Vec<String> = own.collect();
        let of_quota =
            processors(ground, one).filter(|_| !own.iter().any(|remark| remark.contains("quota")));
        // What is only possible gives way to what is counted; nor does a process whose malloc has one
        // arena spread over more.
        let is_told = has_many(one).is_some() || one.arenas.is_some_and(|(now, _)| now == 1);
        let own = own.into_iter().filter(|it| !is_told || !it.contains("malloc arenas"));
        let refuses = one.belief.as_ref().and_then(|belief| belief.refuses.clone());
        own.chain(of_quota).chain(refuses).for_each(&mut add);
    }
    arenas(all).into_iter().for_each(&mut add);
    let closed: Vec<&Alive> = all.iter().filter(|one| one.held.is_none()).collect();
    if let Some(first) = closed.first() {
        add(format!(
            "what {} of {} processes hold could not be read (pid {}, {}): only root and their \
             owner may, and nobody while they are stuck",
            closed.len(),
            all.len(),
            first.pid,
            first.comm
        ));
    }
    remarks
}

/// Counts that read the machine although a quota is in force.
fn processors(ground: &Ground, one: &Alive) -> Option<String> {
    let quota = ground.quota?;
    let whole = quota.div_ceil(1000).max(1);
    let cpus = one.belief.as_ref()?.cpus.filter(|cpus| *cpus > whole)?;
    let (runtime, _) = one.runtime.as_ref()?;
    let (what, set) = match runtime {
        Runtime::Go => ("GOMAXPROCS is", format!("GOMAXPROCS={whole}")),
        Runtime::Java => (
            "threads of the collector and of pools are for",
            format!("-XX:ActiveProcessorCount={whole}"),
        ),
        Runtime::DotNet => ("heaps and pools are for", format!("DOTNET_PROCESSOR_COUNT={whole}")),
        Runtime::Beam => ("schedulers are", format!("+S {whole}")),
        Runtime::Node | Runtime::Bun | Runtime::Deno => (
            "os.cpus() and what is made from it count",
            "the number of workers yourself".to_owned(),
        ),
        Runtime::Ruby => ("Etc.nprocessors is", format!("WEB_CONCURRENCY={whole}")),
        Runtime::Python => ("os.cpu_count() is", "the number of workers yourself".to_owned()),
        Runtime::Nginx => ("workers are", format!("worker_processes {whole}")),
        Runtime::Php | Runtime::Postgres | Runtime::Redis | Runtime::MariaDb => {
            ("threads are for", "their number yourself".to_owned())
        }
    };
    let quota = f64::from(quota) / 1000.0;
    Some(format!("{runtime}: {what} {cpus}, the machine's; the quota is {quota}: set {set}"))
}

/// Of all whose arenas are many, once.
fn arenas(all: &[Alive]) -> Option<String> {
    let many = all.iter().filter_map(|one| Some((one, has_many(one)?)));
    let many: Vec<(&Alive, (u32, u32))> = many.collect();
    let (one, (now, most)) = many.iter().max_by_key(|(_, (now, _))| *now)?;
    let others = match many.len() {
        1 => String::new(),
        count => format!(", the most of {count} processes"),
    };
    Some(format!(
        "{} (pid {}{others}): malloc has {now} arenas and may come to {most}, 8 for each processor of the machine; \
         what they hold free is not given back. MALLOC_ARENA_MAX=2 bounds them",
        one.comm, one.pid
    ))
}

fn has_many(one: &Alive) -> Option<(u32, u32)> {
    one.arenas.filter(|(now, most)| *now >= FEW_ARENAS && now <= most)
}
