//! Lines without a report, between reports of one limit or of several.

use casefile::{Bytes, CgroupPath, Citation, Source, Stamp};
use parse::record::Killed;

use super::*;
use crate::facts::Fact;
use crate::facts::made::{SPAN, id, killed, row};
use crate::verdict::Level;

fn path(letter: char) -> Option<CgroupPath> {
    CgroupPath::parse(&format!("/docker/{}", id(letter).as_str()))
}

/// `Memory cgroup out of memory: Killed process` alone, so many seconds after boot.
fn bare_line(seconds: u64, pid: u32, comm: &str) -> OomKill {
    let victim = Killed { message: Some(KillMessage::MemoryCgroup), ..killed(pid, comm) };
    OomKill {
        report: Box::default(),
        exhibit: "kmsg".to_owned(),
        at: None,
        stamp: Some(Stamp::SinceBoot(seconds * 1_000_000)),
        level: Level::Unknown,
        level_shown: false,
        victims: vec![victim],
        kill_line: true,
        container: None,
        limit: None,
        usage: None,
        inferred: false,
    }
}

/// The same with a report: container `letter` at its own limit, and the pids of its task table.
fn reported(letter: char, seconds: u64, pid: u32, comm: &str, table: &[u32]) -> OomKill {
    let mut kill = bare_line(seconds, pid, comm);
    kill.report.oom_memcg = path(letter);
    kill.report.task_memcg = path(letter);
    kill.report.tasks = table.iter().map(|pid| row(*pid, comm)).collect();
    OomKill { level: Level::Own, level_shown: true, container: Some(id(letter)), ..kill }
}

/// Whose the last of these kills is.
fn placed(mut kills: Vec<OomKill>) -> Option<ContainerId> {
    place(&mut kills);
    let last = kills.pop().unwrap();
    assert_eq!(last.inferred, last.container.is_some());
    last.container
}

#[test]
fn in_a_storm_of_one_limit_a_line_of_a_known_name_is_that_limits() {
    let report = || reported('a', 100, 7, "w", &[]);
    assert_eq!(placed(vec![report(), bare_line(101, 8, "w")]), Some(id('a')));
    assert_eq!(placed(vec![report(), bare_line(101, 8, "other")]), None);
    assert_eq!(placed(vec![report(), bare_line(109, 8, "w")]), Some(id('a')));
    assert_eq!(placed(vec![report(), bare_line(110, 8, "w")]), None, "ten seconds later");
    assert_eq!(placed(vec![report(), report(), bare_line(101, 8, "w")]), Some(id('a')));
}

#[test]
fn between_two_limits_a_line_is_the_ones_whose_table_lists_it_or_whose_pids_lie_around_it() {
    let of = |pid: u32, comm: &str| {
        placed(vec![
            reported('a', 100, 10, "w", &[10, 20]),
            reported('b', 100, 100, "w", &[100, 120]),
            bare_line(101, pid, comm),
        ])
    };
    assert_eq!((of(20, "w"), of(120, "w")), (Some(id('a')), Some(id('b'))));
    assert_eq!((of(15, "w"), of(110, "w")), (Some(id('a')), Some(id('b'))));
    assert_eq!(of(50, "w"), None, "between both");
    assert_eq!(of(15, "other"), None);
    // Whose pids lie among each other's.
    let mixed = placed(vec![
        reported('a', 100, 10, "w", &[10, 200]),
        reported('b', 100, 100, "w", &[100, 120]),
        bare_line(101, 110, "w"),
    ]);
    assert_eq!(mixed, None);
    // Two reports of one limit together.
    let one = placed(vec![
        reported('a', 100, 10, "w", &[]),
        reported('a', 101, 30, "w", &[]),
        reported('b', 101, 100, "w", &[]),
        bare_line(102, 20, "w"),
    ]);
    assert_eq!(one, Some(id('a')));
}

#[test]
fn only_a_line_about_a_cgroups_memory_without_any_place_is_placed() {
    let report = || reported('a', 100, 7, "w", &[]);
    let changed = |change: fn(&mut OomKill)| {
        let mut line = bare_line(101, 8, "w");
        change(&mut line);
        placed(vec![report(), line])
    };
    assert_eq!(changed(|_| ()), Some(id('a')));
    assert_eq!(changed(|line| line.victims[0].message = Some(KillMessage::OutOfMemory)), None);
    assert_eq!(changed(|line| line.report.summary = Some(SPAN)), None);
    assert_eq!(changed(|line| line.report.oom_memcg = CgroupPath::parse("/mine")), None);
    assert_eq!(changed(|line| line.exhibit = "journal".to_owned()), None, "another clock");
}

/// A counter settles what stands near and bears a name that is known there.
#[test]
fn a_counter_that_counts_one_more_places_the_one_line_that_is_left() {
    let with = |change: fn(&mut Counter)| {
        let mut counter = Counter {
            cgroup: path('a'),
            file: "memory.events".to_owned(),
            key: "oom_kill".to_owned(),
            value: CounterValue::Number(2),
        };
        change(&mut counter);
        let cite = Citation { exhibit: "counter".to_owned(), span: SPAN };
        let counter = Fact { what: counter, at: None, stamp: None, cite, source: Source::Cgroup };
        let mut sheet = FactSheet {
            asked_id: Some(id('a')),
            oom_kills: vec![
                reported('a', 100, 10, "w", &[]),
                reported('b', 100, 100, "w", &[]),
                bare_line(101, 50, "w"),
            ],
            counters: vec![counter],
            ..FactSheet::default()
        };
        place_by_count(&mut sheet);
        sheet.oom_kills[2].container.clone()
    };
    assert_eq!(with(|_| ()), Some(id('a')));
    assert_eq!(with(|it| it.value = CounterValue::Number(1)), None);
    assert_eq!(with(|it| it.value = CounterValue::Number(3)), None);
    assert_eq!(with(|it| it.key = "oom".to_owned()), None);
    assert_eq!(with(|it| it.file = "memory.events.local".to_owned()), None);
    assert_eq!(with(|it| it.cgroup = path('b')), None);
    assert_eq!(with(|it| it.cgroup = CgroupPath::parse("/docker")), None);
    assert_eq!(with(|it| it.cgroup = None), None);
    let inner = |it: &mut Counter| {
        it.cgroup = path('a').and_then(|own| CgroupPath::parse(&format!("{own}/inner")));
    };
    assert_eq!(with(inner), None, "a cgroup inside counts its own");
    assert_eq!(with(|it| it.value = CounterValue::Limit(casefile::Limit::At(Bytes(2)))), None);
}
