//! A unit's lives from systemd's lines and its state, and which lines are about it.

use casefile::{Source, Span};
use parse::record::{OomDaemon, ProcessRecord};

use super::*;

fn at(seconds: f64) -> Moment {
    Moment::from_micros(1_700_000_000_000_000 + (seconds * 1e6).round() as i64).unwrap()
}

fn fact<T>(what: T, seconds: Option<f64>) -> Fact<T> {
    let cite = Citation { exhibit: "a".to_owned(), span: Span { start: 0, end: 1 } };
    Fact { what, at: seconds.map(at), stamp: None, cite, source: Source::Journal }
}

fn unit() -> String {
    "robot.service".to_owned()
}

fn robot() -> Life {
    let place = CgroupPath::parse("/system.slice/robot.service");
    Life { teller: Teller::Systemd, unit: Some(unit()), place, pid: Some(7), ..Life::default() }
}

fn oom_daemon(unit: Option<&str>, pid: Option<u32>) -> DaemonLine {
    DaemonLine::OomDaemonKill {
        daemon: OomDaemon::SystemdOomd,
        pid,
        comm: None,
        uid: None,
        signal: None,
        unit: unit.map(str::to_owned),
        reason: None,
        rss: None,
    }
}

fn sent_to(pid: Option<u32>) -> DaemonLine {
    DaemonLine::SignalSentBy {
        comm: None,
        pid: Some(1),
        uid: None,
        login_uid: None,
        signal: Some(9),
        target_pid: pid,
        target_comm: None,
    }
}

#[test]
fn a_line_is_about_a_unit_by_its_name_its_cgroup_or_its_process() {
    let about = |line: DaemonLine| is_about(&line, &robot());
    assert!(about(DaemonLine::UnitOomKill { unit: unit() }));
    assert!(!about(DaemonLine::UnitOomKill { unit: "other.service".to_owned() }));
    assert!(about(oom_daemon(Some("/system.slice/robot.service"), None)));
    assert!(about(oom_daemon(Some("/system.slice"), None)), "all below it was killed");
    assert!(!about(oom_daemon(Some("/system.slice/robot.service/inner"), None)));
    assert!(!about(oom_daemon(Some("/user.slice/robot.service"), None)));
    assert!(about(oom_daemon(None, Some(7))) && !about(oom_daemon(None, Some(8))));
    assert!(about(sent_to(Some(7))) && !about(sent_to(Some(8))) && !about(sent_to(None)));
    assert!(!about(DaemonLine::DaemonShutdown { by: "dockerd".to_owned() }));
}

/// A unit that is gone has no state, and its cgroup is not known.
#[test]
fn without_a_known_cgroup_one_that_bears_the_units_name_is_its() {
    let gone = Life { place: None, pid: None, ..robot() };
    assert!(is_about(&oom_daemon(Some("/system.slice/robot.service"), None), &gone));
    assert!(!is_about(&oom_daemon(Some("/system.slice/other.service"), None), &gone));
    assert!(!is_about(&oom_daemon(None, Some(7)), &gone), "whose process that was is not shown");
}

fn state(change: impl FnOnce(&mut UnitRecord)) -> UnitRecord {
    let mut state = UnitRecord { name: unit(), ..UnitRecord::default() };
    change(&mut state);
    state
}

/// The lives of `robot.service` as these lines and this state tell them.
fn lives(lines: Vec<Fact<DaemonLine>>, state: Option<UnitRecord>) -> Vec<Life> {
    let units = state.map(|state| fact(Box::new(state), None)).into_iter().collect();
    let sheet =
        FactSheet { asked_unit: Some(unit()), daemon: lines, units, ..FactSheet::default() };
    unit_lives(&sheet)
}

fn started(seconds: f64, ready: bool) -> Fact<DaemonLine> {
    fact(DaemonLine::UnitStarted { unit: unit(), ready }, Some(seconds))
}

fn exited(seconds: f64, status: i32) -> Fact<DaemonLine> {
    let code = "exited".to_owned();
    let line = DaemonLine::UnitMainExited { unit: unit(), code, status: Some(status) };
    fact(line, Some(seconds))
}

fn starts(lives: &[Life]) -> Vec<Option<Moment>> {
    lives.iter().map(|life| life.started_at).collect()
}

#[test]
fn a_start_that_was_announced_and_then_reached_is_one_life() {
    let one = lives(vec![started(0.0, false), started(1.0, true), exited(5.0, 1)], None);
    assert_eq!(starts(&one), [Some(at(0.0))]);
    let two = lives(vec![started(0.0, true), started(9.0, true)], None);
    assert_eq!(starts(&two), [Some(at(0.0)), Some(at(9.0))]);
    // It ended before it was ready, and was started again.
    let again = vec![started(0.0, false), exited(1.0, 1), started(2.0, true)];
    assert_eq!(starts(&lives(again, None)), [Some(at(0.0)), Some(at(2.0))]);
}

#[test]
fn a_state_within_a_second_and_a_half_of_the_last_start_tells_of_that_life() {
    let with = |lines: Vec<Fact<DaemonLine>>, start: Option<f64>| {
        let state = state(|state| {
            state.started_at = start.map(at);
            state.end = Some(MainEnd::Exited(1));
        });
        lives(lines, Some(state)).len()
    };
    let known = || vec![started(0.0, true)];
    assert_eq!(
        (with(known(), Some(1.4)), with(known(), Some(1.5)), with(known(), None)),
        (1, 2, 1)
    );
    // Its start is not in the journal: the end must not lie before the start.
    let ended = || vec![exited(10.0, 1)];
    assert_eq!((with(ended(), Some(10.9)), with(ended(), Some(11.0))), (1, 2));
    assert_eq!((with(ended(), Some(3.0)), with(ended(), Some(30.0))), (1, 2));
}

#[test]
fn the_journals_line_of_an_end_counts_where_it_says_the_same() {
    let end = |status: i32| {
        let state = state(|state| {
            state.end = Some(MainEnd::Exited(status));
            state.exited_at = Some(at(8.0));
        });
        let told = lives(vec![started(0.0, true), exited(5.0, 1)], Some(state));
        told.last().unwrap().end.clone().unwrap()
    };
    let (same, other) = (end(1), end(2));
    assert_eq!((same.at, same.exit_code), (Some(at(5.0)), Some(1)));
    assert_eq!((same.cite.exhibit.as_str(), other.exit_code), ("a", Some(2)));
}

#[test]
fn the_line_that_shows_an_end_is_the_journals_where_the_state_says_the_same() {
    let cited = |status: i32| {
        let mut line = exited(5.0, 1);
        line.cite.exhibit = "journal".to_owned();
        let state = state(|state| state.end = Some(MainEnd::Exited(status)));
        let told = lives(vec![started(0.0, true), line], Some(state));
        told.last().and_then(|life| life.end.clone()).unwrap().cite.exhibit
    };
    assert_eq!((cited(1).as_str(), cited(2).as_str()), ("journal", "a"));
}

#[test]
fn a_kill_in_a_cgroup_of_the_units_name_is_its_where_its_own_is_not_known() {
    let report = |path: &str| parse::record::OomReport {
        task_memcg: CgroupPath::parse(path),
        ..<_>::default()
    };
    let kill = |path: &str| OomKill {
        report: Box::new(report(path)),
        exhibit: "kmsg".to_owned(),
        at: None,
        stamp: None,
        level: crate::verdict::Level::Host,
        level_shown: true,
        victims: Vec::new(),
        kill_line: true,
        container: None,
        limit: None,
        usage: None,
        inferred: false,
    };
    let gone = Life { place: None, pid: None, ..robot() };
    assert!(is_in_place(&kill("/system.slice/robot.service"), &gone));
    assert!(is_in_place(&kill("/robot.service/inner"), &gone), "below it");
    assert!(!is_in_place(&kill("/system.slice/other.service"), &gone));
    let nobody = Life { unit: None, ..gone };
    assert!(!is_in_place(&kill("/system.slice/robot.service"), &nobody));
}

#[test]
fn a_state_without_an_end_does_not_take_one_away() {
    let left = |lines: Vec<Fact<DaemonLine>>| {
        let told = lives(lines, Some(state(|_| ())));
        told.last().and_then(|life| life.end.clone()).map(|end| end.exit_code)
    };
    assert_eq!(left(vec![started(0.0, true), exited(5.0, 1)]), Some(Some(1)));
    assert_eq!(left(vec![started(0.0, true)]), None);
}

#[test]
fn a_unit_that_is_not_there_has_no_state() {
    let pid = |load: &str, change: fn(&mut UnitRecord)| {
        let state = state(|state| {
            state.load_state = Some(load.to_owned());
            state.exec_main_pid = Some(7);
            change(state);
        });
        lives(Vec::new(), Some(state)).last().and_then(|life| life.pid)
    };
    let nothing = |_: &mut UnitRecord| ();
    let ended = |state: &mut UnitRecord| state.end = Some(MainEnd::Exited(1));
    let up = |state: &mut UnitRecord| state.active_state = Some("active".to_owned());
    let loaded = |state: &mut UnitRecord| state.started_at = Some(at(0.0));
    assert_eq!((pid("not-found", nothing), pid("not-found", loaded)), (None, None));
    assert_eq!((pid("not-found", ended), pid("not-found", up)), (Some(7), Some(7)));
    assert_eq!(pid("loaded", loaded), Some(7), "removed units keep what runs of them");
}

#[test]
fn of_two_units_in_one_text_none_is_the_question() {
    let two = |other: &str| {
        let mut second = state(|_| ());
        second.name = other.to_owned();
        let units = [state(|_| ()), second].into_iter();
        let units = units.map(|state| fact(Box::new(state), None)).collect();
        unit_name(&FactSheet { units, ..FactSheet::default() })
    };
    assert_eq!((two("robot.service"), two("other.service")), (Some(unit()), None));
}

#[test]
fn the_place_is_the_one_that_was_asked_for_or_the_units() {
    let slice = state(|state| state.slice = Some("system.slice".to_owned()));
    let mut sheet = FactSheet { units: vec![fact(Box::new(slice), None)], ..FactSheet::default() };
    assert_eq!(place(&sheet), CgroupPath::parse("/system.slice/robot.service"));
    sheet.asked_cgroup = CgroupPath::parse("/mine");
    assert_eq!(place(&sheet), CgroupPath::parse("/mine"));
    sheet.asked_cgroup = None;
    sheet.asked_id = casefile::ContainerId::parse(&"a".repeat(64));
    assert_eq!(place(&sheet), None, "a container's place is its id");
}

#[test]
fn a_process_that_was_asked_about_is_one_of_its_unit() {
    let of = |place: &str| {
        let record = ProcessRecord { pid: 7, comm: Some("w".to_owned()), ..<_>::default() };
        let sheet = FactSheet {
            asked_pid: Some(7),
            asked_cgroup: CgroupPath::parse(place),
            processes: vec![fact(record, None)],
            ..FactSheet::default()
        };
        let mut lives = process_life(&sheet);
        let life = lives.remove(0);
        assert_eq!((life.name.as_deref(), life.alive), (Some("w (pid 7)"), true));
        life.unit
    };
    assert_eq!(of("/system.slice/robot.service"), Some(unit()));
    assert_eq!(of("/system.slice/run-1.scope"), Some("run-1.scope".to_owned()));
    assert_eq!(of("/user.slice/user-1000.slice"), None);
    let container = format!("/system.slice/docker-{}.scope", "a".repeat(64));
    assert_eq!(of(&container), None);
}
