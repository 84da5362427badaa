//! Whole answers: which term, which verdict, how many fit.

use super::*;
use settings::runtimes::{Cpus, Layout, Told, View};

const MIB: u64 = 1 << 20;

fn mib(amount: u64) -> Bytes {
    Bytes(amount * MIB)
}

/// PSS, USS and what cannot be given back, in MiB.
fn held(pss: u64, private: u64, kept: u64) -> Option<Held> {
    let (pss, private, kept) = (mib(pss), mib(private), mib(kept));
    let given_up = Bytes(0);
    Some(Held { pss, private, kept, shmem: Bytes(0), given_up, private_peak: private })
}

fn alive(pid: u32, parent: u32, comm: &str, held: Option<Held>) -> Alive {
    let (kind, comm) = (Some(String::new()), comm.to_owned());
    let (worker_of, runtime, belief, arenas) = (None, None, None, None);
    Alive { pid, parent, worker_of, kind, comm, runtime, belief, held, arenas }
}

fn of(runtime: Runtime, version: &str, settings: &[(&str, &str)], limit: u64, one: Alive) -> Alive {
    let cpus = Cpus { online: 2, affinity: 2, quota: Some(1000) };
    let view = View::imagined(Layout::ContainerV2, Some(mib(limit)), mib(24_000), cpus);
    let pairs = |is_setting: bool| {
        let is_setting = move |name: &str| {
            is_setting != name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        let pairs = settings.iter().filter(move |(name, _)| is_setting(name));
        pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    // `belief` asks for names in capitals as variables, the others are of files.
    let told = Told { environment: pairs(false), settings: pairs(true), ..Told::default() };
    let version = Version::parse(version).unwrap();
    let belief = runtime.believes(&version, &view, &told);
    Alive { runtime: Some((runtime, version)), belief: Some(belief), ..one }
}

fn node(limit: u64, one: Alive) -> Alive {
    of(Runtime::Node, "22.23.3", &[], limit, one)
}

fn python(one: Alive) -> Alive {
    of(Runtime::Python, "3.12.1", &[], 128, one)
}

fn worker(master: u32, one: Alive) -> Alive {
    Alive { worker_of: Some(master), parent: master, ..one }
}

fn ground(limit: u64) -> Ground {
    Ground {
        limit: Some(mib(limit)),
        limit_cgroup: Some("/docker/x".to_owned()),
        host: Some(mib(24_000)),
        now: Now { usage: Some(mib(60)), anon: Some(mib(40)), ..Now::default() },
        is_whole: true,
        ..Ground::default()
    }
}

#[test]
fn a_ceiling_counts_whatever_is_used_of_it() {
    let found = of_living(&ground(512), &[node(512, alive(7, 1, "node", held(40, 30, 20)))]);
    assert_eq!((found.fits, found.may_use_bytes), ("fits", Some(mib(259 + 48))));
    let found = of_living(&ground(128), &[node(128, alive(7, 1, "node", held(40, 30, 20)))]);
    assert_eq!(found.fits, "cannot-fit");
    assert_eq!((found.processes[0].count, found.processes[0].pid), (1, 7));
    assert_eq!(found.processes[0].ceiling_bytes, Some(mib(259)));
}

#[test]
fn an_audit_of_one_process_says_what_the_prediction_says() {
    let one = node(512, alive(7, 1, "node", held(40, 30, 20)));
    let process = crate::Process {
        pid: Some(7),
        comm: Some("node".to_owned()),
        runtime: one.runtime.clone(),
        belief: one.belief.clone().unwrap(),
        count: 1,
    };
    let foretold = crate::of(Some(mib(512)), None, &[process]);
    let found = of_living(&ground(512), &[one]);
    assert_eq!((found.fits, found.may_use_bytes), (foretold.fits, foretold.may_use_bytes));
    assert_eq!(found.sum, foretold.sum);
}

#[test]
fn what_is_held_beyond_the_ceiling_is_added() {
    let found = of_living(&ground(512), &[node(512, alive(7, 1, "node", held(420, 410, 400)))]);
    assert_eq!((found.fits, found.may_use_bytes), ("fits", Some(mib(400))));
    let found = of_living(&ground(400), &[node(400, alive(7, 1, "node", held(420, 410, 399)))]);
    assert_eq!((found.fits, found.certain_bytes >= mib(399)), ("tight", true));
    assert!(found.sum.iter().any(|term| term.what.contains("beyond")), "{:?}", found.sum);
}

/// The example of the manual: six workers of 31 MiB beside 12 MiB.
fn pool(workers: &[u64], settings: &[(&str, &str)]) -> Vec<Alive> {
    let limit = 128;
    let pages = workers.len() as u64;
    // 12 MiB: 10 shared by all, 2 of the master's own.
    let master = of(
        Runtime::Python,
        "3.12.1",
        settings,
        limit,
        alive(10, 1, "gunicorn", held(2 + 10 - pages, 2, 2)),
    );
    let mut all = vec![master];
    for (at, private) in workers.iter().enumerate() {
        let one = alive(11 + at as u32, 10, "gunicorn", held(private + 1, *private, *private));
        all.push(worker(10, python(one)));
    }
    all
}

#[test]
fn workers_are_counted_at_the_size_of_the_largest_and_what_they_share_once() {
    let all = pool(&[31, 12, 11, 12, 12, 12], &[]);
    let found = of_living(&ground(128), &all);
    let pool = &found.pools[0];
    assert_eq!((pool.master_pid, pool.workers, pool.worker_bytes), (10, 6, mib(31)));
    assert_eq!((pool.worker_median_bytes, pool.master_bytes), (mib(12), mib(12)));
    // (0.85 × 128 − 12) / 31 = 3.1
    assert_eq!((pool.fit, found.fits), (Some(3), "tight"));
    assert_eq!(pool.says, "6 workers × 31 MiB + 12 MiB (the master) = 198 MiB > 128 MiB: 3 fit");
    assert_eq!(found.may_use_bytes, None);
    assert_eq!(found.processes.iter().map(|row| row.count).collect::<Vec<_>>(), [1, 6]);
    assert_eq!(found.processes[1].pids, [11, 12, 13, 14, 15, 16]);
    let sum: u64 = found.sum.iter().map(|term| term.bytes.0).sum();
    assert_eq!(sum, mib(6 * 31 + 12).0);
}

#[test]
fn workers_that_have_room_are_still_not_bounded() {
    let found = of_living(&ground(512), &pool(&[31, 31], &[]));
    assert_eq!((found.fits, found.pools[0].fit), ("unknown", Some(13)));
    assert_eq!(found.unbounded, ["Python and its workers"]);
}

#[test]
fn workers_that_are_told_and_not_there_yet_count() {
    let mut all = pool(&[31, 31], &[("workers", "4")]);
    let told = [("WEB_CONCURRENCY", "4")];
    all[0] = of(Runtime::Python, "3.12.1", &told, 128, all[0].clone());
    let found = of_living(&ground(128), &all);
    assert_eq!((found.pools[0].workers, found.pools[0].workers_wanted), (2, 4));
    assert_eq!((found.pools[0].fit, found.fits), (Some(3), "tight"));
}

#[test]
fn who_serves_nobody_is_no_worker() {
    let mut all = pool(&[10, 10], &[]);
    let tracker = worker(10, python(alive(20, 10, "python3", held(5, 4, 4))));
    all.push(Alive { kind: None, ..tracker });
    let found = of_living(&ground(128), &all);
    assert_eq!((found.pools.len(), found.pools[0].workers), (1, 2));
    // 12 of the master with the shared pages, 5 of the tracker.
    assert_eq!(found.pools[0].master_bytes, mib(17));
    assert_eq!(found.processes.len(), 3);
}

#[test]
fn workers_with_a_ceiling_have_it_each() {
    let mut all = vec![node(1024, alive(7, 1, "node", held(40, 30, 20)))];
    for pid in [8, 9] {
        all.push(worker(7, node(1024, alive(pid, 7, "node", held(40, 30, 20)))));
    }
    let found = of_living(&ground(1024), &all);
    // 524 each, and 48 outside.
    assert_eq!((found.fits, found.may_use_bytes), ("cannot-fit", Some(mib(3 * (524 + 48)))));
    assert_eq!(found.pools[0].workers, 2);
    // (0.85 × 1024 − 60) / 30, and (0.95 × 1024 − 572) / 572
    assert_eq!((found.pools[0].fit, found.pools[0].fit_at_ceiling), (Some(27), Some(0)));
    assert!(found.sum.iter().any(|term| term.what.starts_with("3 × Node.js")), "{:?}", found.sum);
}

#[test]
fn a_masters_own_count_covers_its_workers() {
    let settings = [("memory_limit", "64M"), ("pm.max_children", "4")];
    let master = of(Runtime::Php, "8.2", &settings, 512, alive(7, 1, "php-fpm", held(6, 4, 4)));
    let child = |pid| {
        worker(
            7,
            of(Runtime::Php, "8.2", &settings, 512, alive(pid, 7, "php-fpm", held(12, 10, 10))),
        )
    };
    let found = of_living(&ground(512), &[master, child(8), child(9)]);
    assert_eq!((found.fits, found.may_use_bytes), ("fits", Some(mib(4 * 68 + 6 + 128))));
    assert_eq!((found.pools[0].workers, found.pools[0].worker_bytes), (2, mib(10)));
    let rows: Vec<_> = found.processes.iter().map(|row| (row.count, row.ceiling_bytes)).collect();
    assert_eq!(rows, [(1, Some(mib(64))), (2, Some(mib(64)))]);
    // (0.95 × 512 − 134) / 68
    assert_eq!(found.pools[0].fit_at_ceiling, Some(5));
}

#[test]
fn a_program_that_is_not_recognised_is_a_term_and_leaves_it_open() {
    let known = node(512, alive(7, 1, "node", held(40, 30, 20)));
    let other = alive(8, 1, "server", held(30, 25, 20));
    let found = of_living(&ground(512), &[known.clone(), other.clone()]);
    assert_eq!((found.fits, found.may_use_bytes), ("unknown", None));
    assert_eq!(found.unbounded, ["server"]);
    assert_eq!(found.processes[1].runtime, None);
    assert!(found.sum.iter().any(|term| term.what == "server (pid 8)" && term.bytes == mib(30)));
    let found = of_living(&ground(128), &[known, other]);
    assert_eq!(found.fits, "cannot-fit");
}

#[test]
fn a_shell_that_waits_for_what_it_started_leaves_nothing_open() {
    let shell =
        alive(1, 0, "sh", Some(Held { private: Bytes(300 << 10), ..held(1, 1, 0).unwrap() }));
    let known = node(512, alive(7, 1, "node", held(40, 30, 20)));
    let found = of_living(&ground(512), &[shell.clone(), known]);
    assert_eq!((found.fits, found.may_use_bytes), ("fits", Some(mib(1 + 259 + 48))));
    // Alone it is a program like any other.
    assert_eq!(of_living(&ground(512), &[shell]).fits, "unknown");
}

#[test]
fn files_in_memory_count_and_files_of_a_disk_do_not() {
    let one = [node(512, alive(7, 1, "node", held(40, 30, 20)))];
    let now =
        Now { anon: Some(mib(20)), file: Some(mib(400)), shmem: Some(mib(220)), ..Now::default() };
    let found = of_living(&Ground { now, ..ground(512) }, &one);
    assert_eq!((found.fits, found.may_use_bytes), ("tight", Some(mib(259 + 48 + 220))));
    let now = Now { shmem: None, ..now };
    assert_eq!(of_living(&Ground { now, ..ground(512) }, &one).fits, "fits");
}

#[test]
fn strangers_under_the_same_limit_leave_it_open() {
    let one = [node(512, alive(7, 1, "node", held(40, 30, 20)))];
    let now = Now { anon: Some(mib(40)), ..Now::default() };
    let around = Some(Now { anon: Some(mib(140)), ..Now::default() });
    let found = of_living(&Ground { now, limit_now: around, ..ground(512) }, &one);
    assert_eq!((found.fits, found.may_use_bytes), ("unknown", None));
    assert_eq!(found.unbounded, ["others under the same limit"]);
    let around = Some(Now { anon: Some(mib(400)), ..Now::default() });
    let found = of_living(&Ground { now, limit_now: around, ..ground(512) }, &one);
    assert_eq!(found.fits, "cannot-fit");
}

#[test]
fn a_limit_that_is_nearly_full_is_tight_whatever_fills_it() {
    let now = Now { anon: Some(mib(125)), ..Now::default() };
    let one = [alive(7, 1, "server", held(125, 125, 125))];
    assert_eq!(of_living(&Ground { now, ..ground(128) }, &one).fits, "tight");
}

#[test]
fn without_a_limit_or_with_an_absurd_one_the_machine_is_the_bound() {
    let one = [node(512, alive(7, 1, "node", held(40, 30, 20)))];
    let none = Ground { limit: None, limit_cgroup: None, ..ground(512) };
    let found = of_living(&none, &one);
    assert_eq!(
        (found.fits, found.limit_bytes, found.host_bytes),
        ("unlimited", None, Some(mib(24_000)))
    );
    let found = of_living(&ground(1 << 20), &one);
    assert_eq!((found.fits, found.limit_bytes, found.limit_cgroup), ("unlimited", None, None));
    assert!(found.remarks[0].contains("bounds nothing"), "{:?}", found.remarks);
    assert_eq!(of_living(&ground(512), &[]).fits, "unknown");
}

#[test]
fn what_could_not_be_read_is_said_and_decides_nothing() {
    let found = of_living(&ground(512), &[alive(7, 1, "server", None)]);
    assert_eq!(found.fits, "unknown");
    assert!(found.remarks[0].contains("pid 7"), "{:?}", found.remarks);
    assert_eq!(found.processes[0].pss_bytes, None);
    // Their cgroup knows what all of them hold.
    assert_eq!((found.certain_bytes, found.sum[0].bytes), (mib(40), mib(40)));
}

#[test]
fn counts_that_read_the_machine_are_named_once() {
    let go = |pid| of(Runtime::Go, "1.24.1", &[], 512, alive(pid, 1, "app", held(10, 10, 10)));
    let place = Ground { quota: Some(1000), ..ground(512) };
    let found = of_living(&place, &[go(7), go(8)]);
    let said: Vec<&String> = found.remarks.iter().filter(|it| it.contains("GOMAXPROCS")).collect();
    assert_eq!(said, ["Go: GOMAXPROCS is 2, the machine's; the quota is 1: set GOMAXPROCS=1"]);
    let free = Ground { quota: Some(2000), ..ground(512) };
    assert!(of_living(&free, &[go(7)]).remarks.is_empty());
}

#[test]
fn arenas_that_are_many_are_told_instead_of_those_that_might_come() {
    let one = of(Runtime::Python, "3.12.1", &[], 512, alive(7, 1, "python3", held(90, 90, 90)));
    let many = Alive { arenas: Some((12, 16)), ..one.clone() };
    let said = of_living(&ground(512), &[many]).remarks;
    let arenas: Vec<&String> = said.iter().filter(|it| it.contains("arenas")).collect();
    assert!(arenas.len() == 1 && arenas[0].contains("malloc has 12 arenas"), "{said:?}");
}

#[test]
fn a_worker_whose_master_is_elsewhere_stands_for_itself() {
    let lone = worker(4, python(alive(7, 4, "python3", held(10, 10, 10))));
    let found = of_living(&ground(512), &[lone]);
    assert_eq!((found.processes.len(), found.pools.len()), (1, 0));
}
