//! Reports of the kernel's OOM killer as kills: which count, where they happened, and which are the same.

use casefile::Source;
use parse::record::{ContainerRecord, MemoryLine, NamedVictim, Seen};

use super::*;
use crate::facts::made::{self, SPAN, at, id, row};

fn path(text: &str) -> Option<CgroupPath> {
    CgroupPath::parse(text)
}

/// The cgroup of container `a`.
fn of_a() -> Option<CgroupPath> {
    path(&format!("/docker/{}", id('a').as_str()))
}

/// As a `Killed process` line tells it.
fn killed(pid: u32) -> Killed {
    Killed { message: Some(KillMessage::MemoryCgroup), ..made::killed(pid, "w") }
}

/// At this limit, in this cgroup, with these victims.
fn report(limit: Option<&str>, task: Option<&str>, victims: &[u32]) -> OomReport {
    OomReport {
        oom_memcg: limit.and_then(path),
        task_memcg: task.and_then(path),
        killed: victims.iter().map(|pid| killed(*pid)).collect(),
        ..OomReport::default()
    }
}

/// As one text shows it, at that time after boot and, where its clock is known, on the wall's.
fn shown(report: OomReport, text: &str, seconds: f64, on_the_wall: bool) -> Fact<Box<OomReport>> {
    let cite = Citation { exhibit: text.to_owned(), span: SPAN };
    Fact {
        what: Box::new(report),
        at: on_the_wall.then(|| at(seconds)),
        stamp: Some(Stamp::SinceBoot((seconds * 1e6).round() as u64)),
        cite,
        source: Source::KernelLog,
    }
}

fn sheet(reports: Vec<Fact<Box<OomReport>>>) -> FactSheet {
    let mut sheet = FactSheet::default();
    establish(&mut sheet, reports);
    sheet
}

fn kill(report: OomReport) -> OomKill {
    sheet(vec![shown(report, "kmsg", 1.0, true)]).oom_kills.remove(0)
}

#[test]
fn a_program_that_the_kernel_asked_is_a_policy_and_a_limit_is_none() {
    let by = |by_bpf: bool, constraint: Option<Constraint>| {
        kill(OomReport { by_bpf, constraint, ..report(None, None, &[7]) }).is_policy()
    };
    assert!(by(true, None) && by(false, Some(Constraint::Other("X".to_owned()))));
    assert!(!by(false, Some(Constraint::Memcg)) && !by(false, None));
}

#[test]
fn a_kill_in_a_named_cgroup_that_is_not_the_containers_happened_elsewhere() {
    let of = |task: Option<CgroupPath>| {
        kill(OomReport { task_memcg: task, ..report(None, None, &[7]) }).is_elsewhere(&id('a'))
    };
    assert!(!of(of_a()) && of(path("/mine")) && !of(None));
    assert!(of(path(&format!("/docker/{}", id('b').as_str()))));
}

#[test]
fn without_a_cgroup_or_with_one_that_was_guessed_a_kill_has_no_place() {
    let bare = kill(report(None, None, &[7]));
    assert!(bare.is_placeless());
    let named = kill(report(None, Some("/mine"), &[7]));
    assert!(!named.is_placeless());
    assert!(OomKill { inferred: true, ..named }.is_placeless());
    // Its container is known by the limit, where the line ends before the task.
    let by_limit = kill(OomReport { oom_memcg: of_a(), ..report(None, None, &[7]) });
    assert!(!by_limit.is_placeless() && by_limit.is_in(&id('a')));
}

#[test]
fn a_group_kill_takes_a_container_whose_parent_slice_it_names() {
    let takes = |group: &str, parent: &str| {
        let kill = kill(OomReport { group_path: path(group), ..report(None, None, &[7]) });
        let record = ContainerRecord { cgroup_parent: Some(parent.to_owned()), ..<_>::default() };
        let cite = kill.cite(SPAN);
        let what = Box::new(record);
        let record = Fact { what, at: None, stamp: None, cite, source: Source::ContainerInspect };
        kill.takes_whole(&Life { record: Some(record), ..Life::default() })
    };
    assert!(takes("/jobs.slice", "jobs.slice") && !takes("/other.slice", "jobs.slice"));
    assert!(takes("/jobs", "/jobs") && takes("/jobs", "/jobs/one") && !takes("/jobs/one", "/jobs"));
    // A name that is no slice is no place.
    assert!(!takes("/jobs", "jobs"));
}

#[test]
fn a_report_counts_as_a_kill_where_it_shows_who_died_or_where() {
    let counts = |report: OomReport| {
        let told = sheet(vec![shown(report, "kmsg", 1.0, true)]);
        assert_eq!(told.oom_kills.len() + told.oom_unfinished.len(), 1);
        told.oom_kills.len() == 1
    };
    assert!(counts(report(None, None, &[7])));
    assert!(counts(report(Some("/mine"), Some("/mine"), &[])));
    assert!(!counts(report(Some("/mine"), None, &[])) && !counts(report(None, Some("/mine"), &[])));
    let chosen = |exiting: Option<NamedVictim>| OomReport {
        chosen_message: Some(KillMessage::MemoryCgroup),
        already_exiting: exiting,
        ..OomReport::default()
    };
    assert!(counts(chosen(None)));
    let named = NamedVictim { pid: Some(7), comm: None, uid: None, span: SPAN };
    assert!(!counts(chosen(Some(named))), "it ends by itself");
    assert!(!counts(OomReport { none_killable: true, ..report(None, None, &[7]) }));
}

#[test]
fn of_two_texts_about_one_kill_the_fuller_counts() {
    let whole = || OomReport { summary: Some(SPAN), ..report(Some("/mine"), Some("/mine"), &[7]) };
    let bare = || report(None, None, &[7]);
    let limit = |reports: Vec<Fact<Box<OomReport>>>| {
        let told = sheet(reports);
        assert_eq!(told.oom_kills.len(), 1, "{:?}", told.oom_kills);
        told.oom_kills[0].limit_cgroup().cloned()
    };
    let journal = |report| shown(report, "journal", 1.5, true);
    let kmsg = |report| shown(report, "kmsg", 1.0, true);
    assert_eq!(limit(vec![kmsg(bare()), journal(whole())]), path("/mine"));
    assert_eq!(limit(vec![kmsg(whole()), journal(bare())]), path("/mine"));
    // Of two that tell as much, the first.
    let other = report(Some("/other"), Some("/other"), &[7]);
    let one = report(Some("/mine"), Some("/mine"), &[7]);
    assert_eq!(limit(vec![kmsg(one), journal(other)]), path("/mine"));
    // What a report holds beside the victim's line counts, each part for itself.
    let line = MemoryLine { usage: None, limit: None, failcnt: None, span: SPAN };
    let invoker = Some(Seen { value: (), span: SPAN });
    for fuller in [
        OomReport { memory: Some(line), ..report(Some("/mine"), Some("/mine"), &[7]) },
        OomReport { invoker, ..report(Some("/mine"), Some("/mine"), &[7]) },
    ] {
        assert_eq!(limit(vec![kmsg(bare()), journal(fuller)]), path("/mine"));
    }
}

#[test]
fn the_same_victim_within_two_seconds_is_the_same_kill() {
    let kills = |texts: [&str; 2], seconds: [f64; 2], on_the_wall: bool, pids: [u32; 2]| {
        let one = |index: usize| {
            let bare = report(None, None, &[pids[index]]);
            shown(bare, texts[index], seconds[index], on_the_wall)
        };
        sheet(vec![one(0), one(1)]).oom_kills.len()
    };
    let two = ["kmsg", "journal"];
    for on_the_wall in [true, false] {
        assert_eq!(kills(two, [10.0, 11.999], on_the_wall, [7, 7]), 1);
        assert_eq!(kills(two, [10.0, 12.0], on_the_wall, [7, 7]), 2, "a pid that came again");
        assert_eq!(kills(two, [12.0, 10.0], on_the_wall, [7, 7]), 2);
    }
    assert_eq!(kills(two, [10.0, 10.0], true, [7, 8]), 2);
    // In one text only a copy has the very same stamp.
    assert_eq!(kills(["kmsg"; 2], [10.0, 10.0], true, [7, 7]), 1);
    assert_eq!(kills(["kmsg"; 2], [10.0, 10.1], true, [7, 7]), 2);
}

#[test]
fn the_same_pid_with_another_size_is_another_kill() {
    let kills = |sizes: [Option<u64>; 2]| {
        let one = |text: &str, anon_rss_kb: Option<u64>| {
            let killed = vec![Killed { anon_rss_kb, ..killed(7) }];
            shown(OomReport { killed, ..report(None, None, &[]) }, text, 10.0, true)
        };
        sheet(vec![one("kmsg", sizes[0]), one("journal", sizes[1])]).oom_kills.len()
    };
    assert_eq!(kills([Some(5), Some(5)]), 1);
    assert_eq!(kills([Some(5), Some(6)]), 2);
    assert_eq!((kills([Some(5), None]), kills([None, Some(5)])), (1, 1));
}

#[test]
fn without_a_clock_on_one_side_the_same_victim_is_the_same_kill() {
    let dated = shown(report(None, None, &[7]), "journal", 10.0, true);
    let undated = Fact { stamp: None, ..shown(report(None, None, &[7]), "pasted", 0.0, false) };
    assert_eq!(sheet(vec![dated, undated]).oom_kills.len(), 1);
}

#[test]
fn kills_without_a_victim_are_never_the_same() {
    let placed = |text: &str| shown(report(Some("/mine"), Some("/mine"), &[]), text, 10.0, true);
    assert_eq!(sheet(vec![placed("kmsg"), placed("journal")]).oom_kills.len(), 2);
}

/// The level is the one that the cgroup in question sees.
#[test]
fn a_limit_is_own_above_or_below_as_seen_from_the_cgroup_that_was_asked_about() {
    let level = |limit: &str, task: &str, change: fn(&mut OomKill)| {
        let mut sheet = sheet(vec![shown(report(Some(limit), Some(task), &[7]), "a", 1.0, true)]);
        sheet.asked_cgroup = path("/a/b");
        sheet.oom_kills.iter_mut().for_each(change);
        relevel(&mut sheet);
        sheet.oom_kills[0].level
    };
    let as_it_is = |_: &mut OomKill| ();
    assert_eq!(level("/a/b", "/a/b/c", as_it_is), Level::Own);
    assert_eq!(level("/a", "/a/b/c", as_it_is), Level::Ancestor);
    assert_eq!(level("/a/b/c", "/a/b/c", as_it_is), Level::Nested);
    // What happened elsewhere keeps its own.
    assert_eq!(level("/a", "/a", as_it_is), Level::Own);
    assert_eq!(level("/a/b/c", "/a/b/c", |kill| kill.level = Level::Host), Level::Host);
    assert_eq!(level("/a/b/c", "/a/b/c", |kill| kill.level_shown = false), Level::Own);
}

#[test]
fn kills_stand_in_order_of_time_where_all_have_one() {
    let pids = |wall: [bool; 2]| {
        let one = shown(report(None, None, &[1]), "a", 20.0, wall[0]);
        let other = shown(report(None, None, &[2]), "a", 10.0, wall[1]);
        let kills = sheet(vec![one, other]).oom_kills;
        kills.iter().map(|kill| kill.victims[0].pid).collect::<Vec<_>>()
    };
    assert_eq!((pids([true, true]), pids([true, false])), (vec![2, 1], vec![1, 2]));
}

#[test]
fn the_table_tells_the_main_process_where_its_first_row_is_the_oldest() {
    let main = |limit: Option<CgroupPath>, pids: &[u32]| {
        let tasks = pids.iter().map(|pid| row(*pid, "w")).collect();
        let report = OomReport {
            tasks,
            task_memcg: limit.clone(),
            oom_memcg: limit,
            ..report(None, None, &[7])
        };
        kill(report).first_of_container().map(|row| row.pid)
    };
    assert_eq!(main(of_a(), &[7, 9]), Some(7));
    assert_eq!(main(of_a(), &[9, 7]), None, "the counter of pids began anew");
    assert_eq!(main(path("/mine"), &[7, 9]), None, "no container");
    assert_eq!(main(of_a(), &[]), None);
}

#[test]
fn a_report_with_the_victims_line_is_fuller_than_one_that_only_names_it() {
    let named = NamedVictim { pid: Some(7), comm: None, uid: None, span: SPAN };
    let reaped = OomReport { reaped: vec![named], ..report(None, None, &[]) };
    let told = sheet(vec![
        shown(reaped, "kmsg", 1.0, true),
        shown(report(None, None, &[7]), "journal", 1.0, true),
    ]);
    assert_eq!(told.oom_kills.len(), 1);
    assert!(told.oom_kills[0].kill_line);
}

#[test]
fn a_victim_that_is_only_named_has_the_score_of_its_row() {
    let row = |pid: u32, score: i32| TaskRow { oom_score_adj: Some(score), ..row(pid, "w") };
    let named = NamedVictim { pid: Some(7), comm: None, uid: None, span: SPAN };
    let tasks = vec![row(6, 1), row(7, 500), row(8, 2)];
    let told = kill(OomReport { named: Some(named), tasks, ..report(None, None, &[]) });
    assert_eq!(told.victims[0].oom_score_adj, Some(500));
}

#[test]
fn the_level_is_what_the_report_shows() {
    let container = format!("/docker/{}", id('a').as_str());
    let pod = "/kubepods/pod0c7d1b6e-5c3a-4d2e-9f10-1a2b3c4d5e6f";
    let at = |limit: Option<&str>, task: Option<&str>| report(limit, task, &[7]);
    let shown = |report: OomReport| level(&report);
    assert_eq!(shown(at(Some(&container), Some(&container))), (Level::Own, true));
    assert_eq!(shown(at(Some("/docker"), Some(&container))), (Level::Ancestor, true));
    let inner = format!("{container}/inner");
    assert_eq!(shown(at(Some(&inner), Some(&inner))), (Level::Nested, true));
    // The line ends inside the task's path.
    let cut = |limit: &str, task: Option<&str>| {
        shown(OomReport { summary_cut: true, ..at(Some(limit), task) })
    };
    assert_eq!(cut(&container, Some("/docker/3f")), (Level::Own, true));
    assert_eq!(cut(pod, Some("/kubepods/po")), (Level::Ancestor, true));
    assert_eq!(cut("/mine", Some("/mine")), (Level::Unknown, false));
    // It does not matter where the victim's name still stands behind it.
    let named = NamedVictim { pid: Some(7), comm: None, uid: None, span: SPAN };
    let whole =
        OomReport { named: Some(named), summary_cut: true, ..at(Some("/mine"), Some("/mine")) };
    assert_eq!(shown(whole), (Level::Own, true));
}

#[test]
fn without_a_summary_the_words_suggest_the_level() {
    let of = |message: KillMessage, change: fn(&mut OomReport)| {
        let mut told = report(None, None, &[7]);
        told.killed[0].message = Some(message);
        change(&mut told);
        level(&told)
    };
    let invoker = |told: &mut OomReport| {
        let (comm, pid) = ("w".to_owned(), Some(1));
        told.invoked_by = Some(parse::record::Invoker {
            comm,
            pid,
            gfp_mask: None,
            order: None,
            oom_score_adj: None,
        });
    };
    let host = KillMessage::OutOfMemory;
    assert_eq!(of(host, |_| ()), (Level::Host, false));
    assert_eq!(of(host, invoker), (Level::Host, true));
    assert_eq!(of(host, |told| told.constraint = Some(Constraint::None)), (Level::Host, true));
    assert_eq!(of(host, |told| told.global_oom = true), (Level::Host, true));
    // Old kernels say the same words at a cgroup's limit.
    assert_eq!(of(host, |told| told.memcg_in_trace = Some(true)), (Level::Unknown, false));
    let memory = |told: &mut OomReport| {
        told.memory = Some(MemoryLine { usage: None, limit: None, failcnt: None, span: SPAN });
    };
    assert_eq!(of(host, memory), (Level::Unknown, false));
    assert_eq!(of(KillMessage::MemoryCgroup, |_| ()), (Level::Unknown, false));
}

/// A path that was mangled in transport.
#[test]
fn a_limit_whose_name_stands_above_the_task_is_above_it() {
    let of = |limit: &str, task: &str| level(&report(Some(limit), Some(task), &[7]));
    assert_eq!(of("/jobs.slice", "/x/jobs.slice/one"), (Level::Ancestor, true));
    assert_eq!(of("/jobs.slice", "/x/y/one"), (Level::Unknown, false));
    assert_eq!(of("/one", "/x/one"), (Level::Unknown, false), "the task's own name");
}
