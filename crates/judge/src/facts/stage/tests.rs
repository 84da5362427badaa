//! What belongs to a life: kills, a pod's events, an OOM daemon's lines; and whether a kill hit its main process.

use casefile::Citation;
use parse::record::{ContainerRecord, OomDaemon};

use super::*;
use crate::facts::End;
use crate::facts::made::{SPAN, at, id, killed, row};

fn cite() -> Citation {
    Citation { exhibit: "a".to_owned(), span: SPAN }
}

fn fact<T>(what: T, seconds: Option<f64>) -> Fact<T> {
    Fact { what, at: seconds.map(at), stamp: None, cite: cite(), source: Source::Pasted }
}

/// A container's life of a minute that ended with 137.
fn life() -> Life {
    let end =
        End { at: Some(at(60.0)), exit_code: Some(137), cite: cite(), reason: None, main: None };
    Life {
        teller: Teller::Docker,
        id: Some(id('a')),
        started_at: Some(at(0.0)),
        end: Some(end),
        ..Life::default()
    }
}

/// A `Killed process` line without a report.
fn bare(pid: u32, comm: &str, seconds: Option<f64>) -> OomKill {
    OomKill {
        report: Box::default(),
        exhibit: "kmsg".to_owned(),
        at: seconds.map(at),
        stamp: None,
        level: Level::Unknown,
        level_shown: false,
        victims: vec![killed(pid, comm)],
        kill_line: true,
        container: None,
        limit: None,
        usage: None,
        inferred: false,
    }
}

fn sheet(oom_kills: Vec<OomKill>) -> FactSheet {
    FactSheet { oom_kills, asked_id: Some(id('a')), ..FactSheet::default() }
}

/// Whether the first kill belongs to this life.
fn is_its(sheet: &FactSheet, life: Life) -> bool {
    belongs(sheet, &sheet.oom_kills[0], &[life], 0)
}

fn with_oom_event(seconds: f64) -> Life {
    Life { oom_events: vec![(Some(at(seconds)), cite())], ..life() }
}

#[test]
fn a_bare_line_is_tied_to_a_container_by_its_pid() {
    let its = |life: Life| is_its(&sheet(vec![bare(7, "w", Some(59.9))]), life);
    assert!(its(Life { pid: Some(7), ..life() }) && !its(Life { pid: Some(8), ..life() }));
    let record = ContainerRecord { pid: Some(7), ..ContainerRecord::default() };
    assert!(its(Life { record: Some(fact(Box::new(record), None)), ..life() }));
}

#[test]
fn a_bare_line_is_tied_to_a_container_by_docker_s_word_at_that_moment() {
    let its = |life: Life| is_its(&sheet(vec![bare(7, "w", Some(59.9))]), life);
    assert!(!its(life()), "nothing says that it was out of memory");
    assert!(its(with_oom_event(59.9)) && its(with_oom_event(60.8)));
    assert!(!its(with_oom_event(60.9)) && !its(with_oom_event(58.9)));
    let flag = |flag: bool| Life { flag: Some((flag, cite())), ..life() };
    assert!(its(flag(true)) && !its(flag(false)));
    let mut other_code = with_oom_event(59.9);
    other_code.end.as_mut().unwrap().exit_code = Some(1);
    assert!(!its(other_code));
    let early = sheet(vec![bare(7, "w", Some(50.0))]);
    assert!(!is_its(&early, with_oom_event(50.0)), "it lived on for ten seconds");
}

#[test]
fn of_several_bare_lines_at_one_moment_none_is_tied() {
    let its = |others: Vec<OomKill>| {
        let mut kills = vec![bare(7, "w", Some(59.9))];
        kills.extend(others);
        is_its(&sheet(kills), with_oom_event(59.9))
    };
    assert!(!its(vec![bare(8, "w", Some(59.8))]));
    assert!(its(vec![bare(7, "w", Some(59.9))]), "the same one, in two texts");
    assert!(its(vec![bare(8, "w", Some(30.0))]), "long before the end");
    let placed = OomKill { container: Some(id('b')), ..bare(8, "w", Some(59.8)) };
    assert!(its(vec![placed]), "that one is another container's");
}

/// Its own end is told by a report with its cgroup: a bare line is somebody else's.
#[test]
fn a_bare_line_beside_a_report_of_the_container_is_not_its() {
    let its = |container: char, seconds: f64, inferred: bool| {
        let report =
            OomKill { container: Some(id(container)), inferred, ..bare(8, "w", Some(seconds)) };
        is_its(&sheet(vec![bare(7, "w", Some(59.9)), report]), with_oom_event(59.9))
    };
    assert!(!its('a', 59.8, false));
    assert!(its('b', 59.8, false));
    assert!(its('a', 57.0, false) && !its('a', 57.1, false), "three seconds");
    assert!(!its('a', 62.9, false) && its('a', 63.0, false));
    assert!(its('a', 30.0, true), "a place that was guessed is no report");
}

#[test]
fn pasted_without_times_the_files_are_one_case() {
    let its = |asked: bool, level: Level, flag: Option<bool>, code: i64, comm: &str| {
        let kill = OomKill { level, ..bare(7, comm, None) };
        let known = sheet(vec![kill]);
        let sheet = if asked { known } else { FactSheet { asked_id: None, ..known } };
        let command = vec!["/app/serve".to_owned()];
        let record = ContainerRecord { command, ..ContainerRecord::default() };
        let mut life = Life { record: Some(fact(Box::new(record), None)), ..life() };
        life.flag = flag.map(|flag| (flag, cite()));
        life.end.as_mut().unwrap().exit_code = Some(code);
        is_its(&sheet, life)
    };
    let unknown = Level::Unknown;
    assert!(its(false, unknown, Some(true), 1, "w"), "the flag says so");
    assert!(!its(true, unknown, Some(true), 1, "w"), "gathered text has times");
    assert!(its(false, unknown, None, 137, "serve") && !its(false, unknown, None, 137, "w"));
    assert!(!its(false, unknown, None, 1, "serve"));
    // The flag misses a host-wide kill on cgroup v1.
    assert!(its(false, Level::Host, Some(false), 137, "serve"));
    assert!(!its(false, unknown, Some(false), 137, "serve"));
    assert!(!its(false, Level::Host, Some(false), 137, "w"));
}

#[test]
fn a_process_has_the_kills_that_took_it_and_nobody_has_those_of_a_container() {
    let process = |pid: Option<u32>| Life { teller: Teller::Process, id: None, pid, ..life() };
    let its = |kill: OomKill, life: Life| is_its(&sheet(vec![kill]), life);
    let kill = || bare(7, "w", Some(59.9));
    assert!(its(kill(), process(Some(7))));
    assert!(!its(kill(), process(Some(8))) && !its(kill(), process(None)));
    // A life that has no name of any kind takes what there is.
    assert!(its(kill(), Life { teller: Teller::Bare, id: None, ..life() }));
    let elsewhere = || OomKill { container: Some(id('b')), ..kill() };
    assert!(!its(elsewhere(), life()));
    for named in [
        Life { place: CgroupPath::parse("/mine"), id: None, ..life() },
        Life { unit: Some("a.service".to_owned()), id: None, ..life() },
    ] {
        assert!(!its(elsewhere(), named.clone()) && !its(kill(), named));
    }
}

#[test]
fn a_kill_is_in_the_life_that_ends_after_it() {
    let of = |from: f64, to: f64| {
        let mut life = Life { started_at: Some(at(from)), ..life() };
        life.end.as_mut().unwrap().at = Some(at(to));
        life
    };
    let lives = [of(0.0, 60.0), of(60.5, 90.0)];
    assert_eq!(life_at(&lives, at(60.0)), Some(0));
    assert_eq!((life_at(&lives, at(60.09)), life_at(&lives, at(60.1))), (Some(0), None));
    assert_eq!((life_at(&lives, at(60.4)), life_at(&lives, at(80.0))), (Some(1), Some(1)));
    // The runtime's clock may be behind.
    assert_eq!((life_at(&lives, at(92.0)), life_at(&lives, at(99.0))), (Some(1), None));
}

#[test]
fn a_pods_event_is_of_the_life_around_it() {
    let of = |seconds: Option<f64>, count: u64| {
        let told = PodEvent { count: Some(count), ..PodEvent::default() };
        is_of_life(&life(), &fact(told, seconds))
    };
    assert!(of(None, 1) && of(Some(30.0), 1));
    assert!(of(Some(-1.9), 1) && !of(Some(-2.0), 1));
    assert!(of(Some(119.9), 1) && !of(Some(120.0), 1));
    assert!(of(Some(500.0), 2), "a count shows its latest time only");
    assert!(!of(Some(-500.0), 2));
}

#[test]
fn an_oom_daemon_that_names_a_pid_ended_what_ended_right_after() {
    let ends = |pid: Option<u32>, seconds: f64, own: Option<u32>| {
        let line = DaemonLine::OomDaemonKill {
            daemon: OomDaemon::Earlyoom,
            pid,
            comm: None,
            uid: None,
            signal: Some(9),
            unit: None,
            reason: None,
            rss: None,
        };
        ends_it(&fact(line, Some(seconds)), &Life { pid: own, ..life() })
    };
    assert!(ends(Some(7), 59.0, Some(7)) && ends(Some(7), 59.0, None));
    assert!(!ends(Some(7), 59.0, Some(8)) && !ends(None, 59.0, None));
    assert!(ends(Some(7), 60.1, None) && !ends(Some(7), 60.2, None));
    assert!(ends(Some(7), 58.6, None) && !ends(Some(7), 58.5, None));
}

/// Killed so many seconds before the end, in a container that runs this program.
fn hit(program: &str, comm: &str, table: &[&str], before: f64) -> MainHit {
    let mut kill = OomKill { container: Some(id('a')), ..bare(7, comm, Some(60.0 - before)) };
    kill.report.tasks = table.iter().zip(7..).map(|(comm, pid)| row(pid, comm)).collect();
    let known = sheet(vec![kill]);
    let record = ContainerRecord { command: vec![program.to_owned()], ..<_>::default() };
    let lives = [Life { record: Some(fact(Box::new(record), None)), ..life() }];
    let stage = Stage::of_life(&known, &lives, 0).unwrap();
    stage.main_hit(&known.oom_kills[0])
}

/// The limit's report lists the victim alone, or another task; so many seconds before the end.
fn alone(teller: Teller, level: Level, listed: u32, before: f64) -> MainHit {
    let mut kill = OomKill { level, container: Some(id('a')), ..bare(7, "w", Some(60.0 - before)) };
    kill.report.tasks = vec![row(listed, "w")];
    let known = sheet(vec![kill]);
    let record = ContainerRecord { command: vec!["serve".to_owned()], ..<_>::default() };
    let lives = [Life { teller, record: Some(fact(Box::new(record), None)), ..life() }];
    Stage::of_life(&known, &lives, 0).unwrap().main_hit(&known.oom_kills[0])
}

#[test]
fn the_only_task_below_a_limit_is_the_main_process_where_the_end_follows() {
    let docker =
        |level: Level, listed: u32, before: f64| alone(Teller::Docker, level, listed, before);
    assert_eq!(docker(Level::Own, 7, 2.9), MainHit::Yes);
    assert_eq!(docker(Level::Ancestor, 7, 2.9), MainHit::Yes);
    assert_ne!(docker(Level::Own, 7, 3.1), MainHit::Yes, "the end came later");
    assert_ne!(docker(Level::Own, 8, 1.0), MainHit::Yes, "another task is listed");
    assert_ne!(docker(Level::Host, 7, 1.0), MainHit::Yes, "not a limit's report");
    // systemd waits for what is left of a unit.
    assert_eq!(alone(Teller::Systemd, Level::Own, 7, 20.0), MainHit::Yes);
    assert_ne!(alone(Teller::Systemd, Level::Ancestor, 7, 1.0), MainHit::Yes);
}

/// The surer the victim is the main process, the later the end may be.
#[test]
fn a_namesake_of_the_main_process_is_it_where_the_end_follows() {
    let alone = |before: f64| hit("serve", "serve", &["serve"], before);
    assert_eq!((alone(14.9), alone(15.0)), (MainHit::Yes, MainHit::No));
    let unlisted = |before: f64| hit("serve", "serve", &[], before);
    assert_eq!((unlisted(2.9), unlisted(3.0)), (MainHit::Yes, MainHit::Unclear));
    assert_eq!((unlisted(14.9), unlisted(15.0)), (MainHit::Unclear, MainHit::No));
    // Another name, where the main process stands in the table.
    assert_eq!(hit("serve", "work", &["serve", "work"], 0.1), MainHit::No);
    assert_eq!(hit("serve", "work", &[], 0.1), MainHit::Unclear);
    assert_eq!(hit("serve", "work", &["serve", "serve", "work"], 0.1), MainHit::Unclear);
    // A shell passes on its child's 137.
    assert_eq!(hit("sh", "work", &["sh", "work"], 0.1), MainHit::Unclear);
    assert_eq!(hit("sh", "sh", &["sh"], 0.1), MainHit::Yes);
    assert_eq!(hit("sh", "sh", &["sh", "sh"], 0.1), MainHit::Unclear);
}

#[test]
fn the_main_process_is_known_by_its_pid_while_it_lives() {
    let pid = |alive: bool, inner: &[(u32, u32)]| {
        let process = |(pid, inner): &(u32, u32)| {
            let record = ProcessRecord { pid: *pid, inner_pid: Some(*inner), ..<_>::default() };
            fact(record, None)
        };
        let known =
            FactSheet { processes: inner.iter().map(process).collect(), ..sheet(Vec::new()) };
        let lives = [Life { alive, end: None, ..life() }];
        Stage::of_life(&known, &lives, 0).unwrap().main_pid()
    };
    assert_eq!(pid(true, &[(712, 9), (700, 1)]), Some(700));
    assert_eq!(pid(false, &[(700, 1)]), None);
}

fn unit_line(unit: &str, seconds: f64) -> Fact<DaemonLine> {
    fact(DaemonLine::UnitOomKill { unit: unit.to_owned() }, Some(seconds))
}

#[test]
fn a_units_line_is_on_its_stage_in_its_time_and_on_no_containers() {
    let seen = |life: Life, line: Fact<DaemonLine>| {
        let known = FactSheet { daemon: vec![line], ..sheet(Vec::new()) };
        let lives = [life];
        Stage::of_life(&known, &lives, 0).unwrap().daemon().count() == 1
    };
    let robot = || Life {
        teller: Teller::Systemd,
        id: None,
        unit: Some("robot.service".to_owned()),
        ..life()
    };
    assert!(seen(robot(), unit_line("robot.service", 59.0)));
    assert!(!seen(robot(), unit_line("robot.service", 90.0)), "long after its end");
    assert!(!seen(robot(), unit_line("other.service", 59.0)));
    assert!(!seen(life(), unit_line("other.service", 59.0)), "no container's");
    let within = Life { place: CgroupPath::parse("/robot.slice/one"), ..life() };
    assert!(seen(within, unit_line("/robot.slice", 59.0)), "it lies below that unit");
    let scope = format!("docker-{}.scope", id('a').as_str());
    assert!(seen(life(), unit_line(&scope, 59.0)) && !seen(life(), unit_line(&scope, 90.0)));
    let neighbour = format!("docker-{}.scope", id('b').as_str());
    assert!(!seen(life(), unit_line(&neighbour, 59.0)));
}

#[test]
fn of_two_pods_of_one_name_the_uid_decides_and_a_nodes_event_has_another_one() {
    let seen = |kind: &str, uid: &str| {
        let text = |word: &str| Some(word.to_owned());
        let event =
            PodEvent { kind: text(kind), uid: text(uid), object: text("web"), ..<_>::default() };
        let pod = parse::record::PodRecord { name: text("web"), uid: text("1"), ..<_>::default() };
        let known = FactSheet { pod_events: vec![fact(event, Some(59.0))], ..sheet(Vec::new()) };
        let lives = [Life { pod: Some(fact(Box::new(pod), None)), ..life() }];
        Stage::of_life(&known, &lives, 0).unwrap().pod_events().count() == 1
    };
    assert!(seen("Pod", "1") && !seen("Pod", "2") && seen("Node", "2") && seen("Node", "1"));
}

/// What a stranger's text says counts only where no log of the container itself is at hand.
#[test]
fn the_containers_own_log_is_its_word() {
    let seen = |own: bool, asked: bool, seconds: f64| {
        let words = |source| {
            let told = fact(Application::ToldToStop("x".to_owned()), Some(seconds));
            Fact { source, ..told }
        };
        let mut application = vec![words(Source::Pasted)];
        application.extend(own.then(|| words(Source::ApplicationLog)));
        let asked_id = asked.then(|| id('a'));
        let known = FactSheet { application, asked_id, ..FactSheet::default() };
        let lives = [life()];
        Stage::of_life(&known, &lives, 0).unwrap().application().count()
    };
    assert_eq!((seen(false, false, 59.0), seen(true, false, 59.0)), (1, 1));
    assert_eq!((seen(false, true, 59.0), seen(true, true, 59.0)), (0, 1));
    assert_eq!((seen(false, false, 90.0), seen(true, false, 90.0)), (0, 0));
}

#[test]
fn a_signal_a_quarter_of_a_second_before_came_first() {
    let before = |seconds: f64| {
        let signal = ApiSignal { signal: 9, named: true, at: Some(at(50.0)), cite: cite() };
        let known = sheet(Vec::new());
        let lives = [Life { signals: vec![signal], ..life() }];
        let stage = Stage::of_life(&known, &lives, 0).unwrap();
        stage.was_killed_by_api_before(Some(at(seconds)))
    };
    assert!(before(50.251) && !before(50.25));
}

#[test]
fn a_table_of_another_containers_kill_names_no_main_process() {
    let full =
        |letter: char| CgroupPath::parse(&format!("/docker/{}", letter.to_string().repeat(64)));
    let with_table = |letter: char| {
        let report = parse::record::OomReport {
            oom_memcg: full(letter),
            tasks: vec![row(7, "serve")],
            ..<_>::default()
        };
        let container = Some(id(letter));
        OomKill { report: Box::new(report), level: Level::Own, container, ..bare(9, "w", None) }
    };
    let without = |letter: char| OomKill { container: Some(id(letter)), ..bare(8, "w", None) };
    let first = |known: char, asked: char| {
        let sheet = sheet(vec![with_table(known), without(asked)]);
        let life = life();
        let stage = Stage::of_text(&sheet, &life);
        stage.first_of_container(&sheet.oom_kills[1]).map(TaskRow::process)
    };
    assert_eq!(first('a', 'a'), Some(7));
    assert_eq!((first('b', 'a'), first('a', 'b'), first('b', 'b')), (None, None, None));
}

#[test]
fn a_units_own_limit_is_the_one_of_its_state() {
    let limit = Limit::At(casefile::Bytes(64 << 20));
    let state = parse::record::UnitRecord { memory_max: Some(limit), ..<_>::default() };
    let unit = Life { unit_record: Some(fact(Box::new(state), None)), ..life() };
    let sheet = sheet(Vec::new());
    let of = |life: &Life| Stage::of_text(&sheet, life).configured_limit().map(|(limit, _)| limit);
    assert_eq!((of(&unit), of(&life())), (Some(limit), None));
}
