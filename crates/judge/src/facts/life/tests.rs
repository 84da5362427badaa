//! Lives from events, records and statuses, and what belongs to each of them.

use casefile::{Bytes, Source, Span};
use parse::record::ContainerAction::{Die, Health, Kill, Start};

use super::*;

fn id(letter: char) -> ContainerId {
    ContainerId::parse(&letter.to_string().repeat(64)).unwrap()
}

fn at(seconds: f64) -> Moment {
    Moment::from_micros(1_700_000_000_000_000 + (seconds * 1e6).round() as i64).unwrap()
}

fn fact<T>(what: T, exhibit: &str) -> Fact<T> {
    let cite = Citation { exhibit: exhibit.to_owned(), span: Span { start: 0, end: 1 } };
    Fact { what, at: None, stamp: None, cite, source: Source::Pasted }
}

fn end(seconds: f64, exit_code: i64) -> Option<End> {
    let cite = fact((), "a").cite;
    let (at, exit_code) = (Some(at(seconds)), Some(exit_code));
    Some(End { at, exit_code, cite, reason: None, main: None })
}

/// What happened to container `a`, as one text tells it.
fn event(exhibit: &str, seconds: Option<f64>, action: ContainerAction) -> Fact<ContainerEvent> {
    let (id, name) = (Some(id('a')), Some("web".to_owned()));
    let told = ContainerEvent { action, id, name, image: None, at: seconds.map(at) };
    Fact { at: told.at, ..fact(told, exhibit) }
}

const DIED: ContainerAction = Die { exit_code: Some(1) };

fn of_events(events: Vec<Fact<ContainerEvent>>) -> Vec<Life> {
    lives(&FactSheet { events, ..FactSheet::default() })
}

fn record(told: ContainerRecord) -> Fact<Box<ContainerRecord>> {
    fact(Box::new(told), "inspect")
}

fn of_records(records: Vec<ContainerRecord>) -> Vec<Life> {
    let containers = records.into_iter().map(record).collect();
    lives(&FactSheet { containers, ..FactSheet::default() })
}

fn ended(letter: char, exit_code: i64) -> ContainerRecord {
    let (running, exit_code) = (Some(false), Some(exit_code));
    ContainerRecord { id: Some(id(letter)), running, exit_code, ..ContainerRecord::default() }
}

#[test]
fn a_moment_lies_in_a_life_with_room_for_its_tellers_clock() {
    for (teller, room) in [
        (Teller::Docker, 0.25),
        (Teller::Systemd, 0.02),
        (Teller::Kubernetes, 1.0),
        (Teller::Parent, 1.0),
    ] {
        let life = Life { teller, started_at: Some(at(0.0)), end: end(10.0, 1), ..Life::default() };
        assert!(life.holds(at(0.001 - room)) && !life.holds(at(-room)), "{teller:?}");
        assert!(life.holds(at(12.999)) && !life.holds(at(13.0)), "{teller:?}");
        let life = Life { until: Some(at(11.0)), ..life };
        assert!(life.holds(at(10.999)) && !life.holds(at(11.0)), "the next one began");
    }
}

#[test]
fn an_end_follows_a_signal_within_a_second() {
    let life = Life { end: end(10.0, 137), ..Life::default() };
    let after = |moment: f64| life.ended_right_after(at(moment)).unwrap();
    assert!(after(10.25) && !after(10.251) && after(9.001) && !after(9.0));
    assert_eq!(Life::default().ended_right_after(at(0.0)), None);
}

#[test]
fn who_was_asked_about_is_the_subject_even_where_nothing_tells_of_a_life() {
    let place = CgroupPath::parse("/mine");
    let name = Some("web".to_owned());
    let by_id = FactSheet { asked_id: Some(id('a')), asked_name: name.clone(), ..<_>::default() };
    let [life] = &lives(&by_id)[..] else { panic!() };
    assert_eq!((life.teller, &life.id, &life.name), (Teller::Docker, &Some(id('a')), &None));
    let by_place =
        FactSheet { asked_cgroup: place.clone(), asked_name: name.clone(), ..<_>::default() };
    let [life] = &lives(&by_place)[..] else { panic!() };
    assert_eq!((&life.place, &life.name, &life.id), (&place, &name, &None));
    assert_eq!(lives(&FactSheet { asked_name: name, ..<_>::default() }), []);
}

#[test]
fn of_several_containers_in_a_pasted_table_a_death_is_the_question_and_of_two_the_last() {
    let asked = |records: Vec<ContainerRecord>| of_records(records).pop().and_then(|it| it.id);
    let flagged = ContainerRecord { oom_killed: Some(true), ..ended('f', 0) };
    assert_eq!(asked(vec![ended('a', 0), ended('b', 1), ended('c', 0)]), Some(id('b')));
    assert_eq!(asked(vec![ended('a', 1), ended('b', 1)]), Some(id('b')));
    assert_eq!(asked(vec![ended('a', 137), ended('b', 1)]), Some(id('a')));
    assert_eq!(asked(vec![flagged.clone(), ended('b', 1)]), Some(id('f')));
    assert_eq!(asked(vec![ended('a', 137), flagged]), Some(id('f')));
}

#[test]
fn the_other_containers_that_died_are_other_subjects() {
    let containers = [ended('a', 137), ended('b', 1), ended('b', 1), ended('c', 0)];
    let containers = containers.into_iter().map(record).collect();
    let sheet = FactSheet { containers, ..FactSheet::default() };
    let others = other_subjects(&sheet);
    let ids: Vec<_> = others.iter().map(|lives| lives.last().unwrap().id.clone()).collect();
    assert_eq!(ids, [Some(id('b'))]);
    let asked = FactSheet { asked_id: Some(id('a')), ..sheet };
    assert_eq!(other_subjects(&asked), [] as [Vec<Life>; 0]);
}

#[test]
fn a_life_has_the_name_and_the_id_of_its_events() {
    let [life] = &of_events(vec![event("a", Some(0.0), Start)])[..] else { panic!() };
    assert_eq!((life.id.as_ref(), life.name.as_deref()), (Some(&id('a')), Some("web")));
    assert!(life.alive);
}

#[test]
fn an_event_whose_time_is_cut_off_stays_behind_the_one_before_it_in_its_text() {
    let events = vec![
        event("later", Some(20.0), Start),
        event("later", None, DIED),
        event("earlier", Some(0.0), Start),
        event("earlier", Some(5.0), DIED),
    ];
    let lives = of_events(events);
    let starts: Vec<_> = lives.iter().map(|life| life.started_at).collect();
    assert_eq!(starts, [Some(at(0.0)), Some(at(20.0))]);
    assert!(lives.iter().all(|life| !life.alive && life.exit_code() == Some(1)));
}

#[test]
fn a_history_that_goes_back_once_had_its_clock_set_back() {
    let last = |told: &[(&str, f64, ContainerAction)]| {
        let event = |(text, at, action): &(&str, f64, ContainerAction)| {
            event(text, Some(*at), action.clone())
        };
        let last = of_events(told.iter().map(event).collect()).pop()?;
        Some((last.started_at?, last.ended_at()?))
    };
    let set_back = [("a", 100.0, Start), ("a", 110.0, DIED), ("a", 50.0, Start), ("a", 60.0, DIED)];
    let life = |from: f64, to: f64| Some((at(from), at(to)));
    assert_eq!(last(&set_back), life(50.0, 60.0));
    // At one and the same moment nothing went back.
    let equal = [("a", 100.0, Start), ("a", 110.0, DIED), ("a", 110.0, Start), ("a", 50.0, DIED)];
    assert_eq!(last(&equal), life(110.0, 50.0));
    assert_eq!(last(&set_back[..3]), life(100.0, 110.0), "three entries tell nothing of a clock");
    let mut newest_first = set_back.clone();
    newest_first.reverse();
    newest_first.swap(0, 2);
    newest_first.swap(1, 3);
    assert_eq!(last(&newest_first), life(100.0, 110.0));
    let two_texts =
        [("a", 100.0, Start), ("a", 110.0, DIED), ("b", 50.0, Start), ("b", 60.0, DIED)];
    assert_eq!(last(&two_texts), life(100.0, 110.0));
}

#[test]
fn an_end_that_the_daemon_made_up_at_its_own_start_has_neither_code_nor_time() {
    let known = |started: f64, ended: f64, code: i64| {
        let mut sheet = FactSheet::default();
        sheet.machine.daemon_started_at = Some(at(100.0));
        let (started_at, end) = (Some(at(started)), end(ended, code));
        let mut lives = [Life { started_at, end, ..Life::default() }];
        doubt_the_daemons_own_end(&sheet, &mut lives);
        let [life] = lives;
        assert_eq!(life.exit_code().is_some(), life.ended_at().is_some());
        life.exit_code().is_some()
    };
    assert!(!known(0.0, 99.0, 255) && known(0.0, 98.999, 255));
    assert!(!known(0.0, 104.999, 255) && known(0.0, 105.0, 255));
    assert!(known(100.0, 101.0, 255), "it was started by this daemon");
    assert!(known(0.0, 101.0, 137));
}

#[test]
fn up_to_docker_23_the_flag_of_a_running_container_is_the_life_before_its() {
    let of = |version: Option<&str>, alive: bool, own: bool, earlier: Option<bool>| {
        let mut sheet = FactSheet::default();
        sheet.machine.docker_version = version.map(str::to_owned);
        let flag = |flag: bool| (flag, fact((), "inspect").cite);
        let previous = Life { flag: earlier.map(flag), ..Life::default() };
        let mut lives = [previous, Life { alive, flag: Some(flag(own)), ..Life::default() }];
        give_flag_to_its_life(&sheet, &mut lives);
        lives[0].flagged()
    };
    assert_eq!(of(Some("23.0.6"), true, true, None), Some(true));
    assert_eq!(of(Some("24.0.0"), true, true, None), None);
    assert_eq!(of(None, true, true, None), None);
    assert_eq!(of(Some("20.10"), false, true, None), None, "its own end set it");
    assert_eq!(of(Some("20.10"), true, false, None), None);
    assert_eq!(of(Some("20.10"), true, true, Some(false)), Some(false));
}

#[test]
fn a_pods_status_of_the_same_container_adds_its_word() {
    let status = |letter| ContainerStatus { id: Some(id(letter)), ..ContainerStatus::default() };
    let containers = vec![status('b'), status('a')];
    let pod = fact(Box::new(PodRecord { containers, ..PodRecord::default() }), "pod");
    let sheet = FactSheet { pods: vec![pod], ..FactSheet::default() };
    let with_word = |letter| {
        let mut life = Life { id: Some(id(letter)), ..Life::default() };
        with_orchestrators_word(&sheet, &mut life);
        life
    };
    let life = with_word('a');
    assert_eq!(life.status.map(|status| status.what.id.clone()), Some(Some(id('a'))));
    assert!(life.pod.is_some());
    assert_eq!(with_word('c').pod, None);
}

#[test]
fn only_a_failed_check_makes_a_life_unhealthy() {
    let unhealthy = |word: &str| {
        let events =
            vec![event("a", Some(0.0), Start), event("a", Some(1.0), Health(word.to_owned()))];
        of_events(events).pop().and_then(|life| life.unhealthy).is_some()
    };
    assert!(unhealthy("health_status: unhealthy") && !unhealthy("health_status: healthy"));
}

#[test]
fn a_signal_that_is_written_within_two_seconds_after_the_end_is_that_lifes() {
    let signals = |written: f64| {
        let kill = Kill { signal: Some(9) };
        let events = vec![
            event("a", Some(0.0), Start),
            event("a", Some(10.0), DIED),
            event("a", Some(written), kill),
        ];
        of_events(events).iter().map(|life| life.signals.len()).collect::<Vec<_>>()
    };
    assert_eq!(signals(11.999), [1]);
    assert_eq!(signals(12.0), [0, 1]);
}

#[test]
fn numbers_of_docker_stats_show_that_a_container_runs() {
    let alive = |form: Form, usage: u64| {
        let (form, usage) = (Some(form), Some(Bytes(usage)));
        of_records(vec![ContainerRecord { form, usage, ..ContainerRecord::default() }])[0].alive
    };
    assert!(alive(Form::Stats, 1) && !alive(Form::Stats, 0) && !alive(Form::Format, 1));
}

#[test]
fn a_record_that_began_two_seconds_after_the_last_known_start_is_a_new_life() {
    let lives = |known: Vec<Fact<ContainerEvent>>, start: f64| {
        let told = ContainerRecord {
            id: Some(id('a')),
            running: Some(true),
            started_at: Some(at(start)),
            ..ContainerRecord::default()
        };
        let sheet = FactSheet { events: known, containers: vec![record(told)], ..<_>::default() };
        lives(&sheet).len()
    };
    let started = vec![event("a", Some(10.0), Start)];
    assert_eq!((lives(started.clone(), 12.0), lives(started, 12.001)), (1, 2));
    let died = vec![event("a", Some(10.0), DIED)];
    assert_eq!((lives(died.clone(), 10.0), lives(died, 10.001)), (1, 2));
    // Two rows without a start: two ends are two deaths.
    let row = |end: f64| ContainerRecord { finished_at: Some(at(end)), ..ended('a', 1) };
    assert_eq!(of_records(vec![row(5.0), row(5.0)]).len(), 1);
    assert_eq!(of_records(vec![row(5.0), row(6.0)]).len(), 2);
}

#[test]
fn only_a_row_of_a_list_keeps_the_pid_of_what_has_ended() {
    let pid = |form: Form, running: bool| {
        let (form, running) = (Some(form), Some(running));
        let told = ContainerRecord { form, running, pid: Some(41), ..ended('a', 137) };
        of_records(vec![told])[0].pid
    };
    assert_eq!(pid(Form::PsRow, false), Some(41));
    assert_eq!((pid(Form::Inspect, false), pid(Form::PsRow, true)), (None, None));
}

#[test]
fn a_running_container_shows_the_end_of_the_life_before() {
    let told = |running: bool, start: f64, end: f64| ContainerRecord {
        id: Some(id('a')),
        name: Some("web".to_owned()),
        running: Some(running),
        started_at: Some(at(start)),
        finished_at: Some(at(end)),
        ..ContainerRecord::default()
    };
    let lives_with = |events: Vec<Fact<ContainerEvent>>, told: ContainerRecord| {
        lives(&FactSheet { events, containers: vec![record(told)], ..<_>::default() })
    };
    let both = lives_with(Vec::new(), told(true, 100.0, 50.0));
    let [earlier, now] = &both[..] else { panic!("{both:?}") };
    assert_eq!(
        (earlier.ended_at(), earlier.exit_code(), earlier.alive),
        (Some(at(50.0)), None, false)
    );
    assert_eq!((earlier.name.as_deref(), earlier.id.as_ref()), (Some("web"), Some(&id('a'))));
    assert_eq!((now.started_at, now.alive), (Some(at(100.0)), true));
    // Docker keeps the end before the start that failed; that tells of no other life.
    assert_eq!(lives_with(Vec::new(), told(false, 100.0, 50.0)).len(), 1);
    assert_eq!(lives_with(Vec::new(), told(true, 100.0, 100.0)).len(), 1);
    // Its event may be written fifteen seconds late; a life that began then is another one.
    let known =
        |start: f64, end: f64| vec![event("a", Some(start), Start), event("a", Some(end), DIED)];
    assert_eq!(lives_with(known(10.0, 64.9), told(true, 100.0, 50.0)).len(), 2);
    assert_eq!(lives_with(known(10.0, 65.0), told(true, 100.0, 50.0)).len(), 3);
    assert_eq!(lives_with(known(10.0, 48.0), told(true, 100.0, 50.0)).len(), 2);
    assert_eq!(lives_with(known(10.0, 47.9), told(true, 100.0, 50.0)).len(), 3);
    assert_eq!(lives_with(known(50.0, 55.0), told(true, 100.0, 50.0)).len(), 3);
}

#[test]
fn a_pod_without_its_containers_is_a_life_by_its_phase_and_reason() {
    let of = |phase: Option<&str>, reason: Option<&str>| {
        let (phase, reason) = (phase.map(str::to_owned), reason.map(str::to_owned));
        let name = Some("shop-0".to_owned());
        let pod = fact(Box::new(PodRecord { name, phase, reason, ..<_>::default() }), "pod");
        lives(&FactSheet { pods: vec![pod], ..FactSheet::default() })
    };
    let [life] = &of(Some("Running"), None)[..] else { panic!() };
    assert_eq!((life.teller, life.name.as_deref()), (Teller::Kubernetes, Some("shop-0")));
    assert!(life.alive && life.pod.is_some());
    assert_eq!(life.alive_cite.as_ref().map(|cite| cite.exhibit.as_str()), Some("pod"));
    assert!(!of(Some("Running"), Some("Evicted"))[0].alive && !of(Some("Failed"), None)[0].alive);
    assert!(!of(None, Some("Evicted"))[0].alive);
    assert_eq!(of(None, None), []);
}

#[test]
fn a_task_without_its_containers_has_the_exit_code_that_stands_beside_it() {
    let task = fact(Box::new(EcsTask::default()), "task");
    let exits = vec![fact(1, "a"), fact(137, "a")];
    let [life] = &lives(&FactSheet { tasks: vec![task], exits, ..<_>::default() })[..] else {
        panic!()
    };
    assert_eq!((life.teller, life.exit_code()), (Teller::Ecs, Some(137)));
    assert!(life.task.is_some());
}

#[test]
fn a_status_is_quoted_where_it_stands() {
    let span = Span { start: 40, end: 90 };
    let status = ContainerStatus {
        reason: Some("OOMKilled".to_owned()),
        shown_at: Some(span),
        ..ContainerStatus::default()
    };
    let pod = fact(Box::new(PodRecord { containers: vec![status], ..<_>::default() }), "pod");
    let [life] = &lives(&FactSheet { pods: vec![pod], ..<_>::default() })[..] else { panic!() };
    let cites = [&life.end.as_ref().unwrap().cite, &life.flag.as_ref().unwrap().1];
    assert!(cites.iter().all(|cite| cite.span == span && cite.exhibit == "pod"), "{cites:?}");
}

/// The question's life comes last.
#[test]
fn an_eviction_weighs_more_than_a_flag_and_a_flag_more_than_a_code() {
    let status = |reason: Option<&str>, code: i64, end: f64| ContainerStatus {
        name: Some(format!("{code}")),
        reason: reason.map(str::to_owned),
        exit_code: Some(code),
        finished_at: Some(at(end)),
        ..ContainerStatus::default()
    };
    let pod = |reason: Option<&str>, containers: Vec<ContainerStatus>| {
        let reason = reason.map(str::to_owned);
        fact(Box::new(PodRecord { reason, containers, ..<_>::default() }), "pod")
    };
    let codes = |pods: Vec<Fact<Box<PodRecord>>>| {
        let lives = lives(&FactSheet { pods, ..FactSheet::default() });
        lives.iter().filter_map(Life::exit_code).collect::<Vec<_>>()
    };
    let own = vec![
        status(Some("OOMKilled"), 137, 5.0),
        status(None, 0, 1.0),
        status(None, 1, 9.0),
        status(None, 2, 3.0),
    ];
    assert_eq!(codes(vec![pod(None, own.clone())]), [0, 1, 2, 137]);
    let evicted = pod(Some("Evicted"), vec![status(None, 143, 7.0)]);
    assert_eq!(codes(vec![evicted, pod(Some("Failed"), own)]), [0, 1, 2, 137, 143]);
}

#[test]
fn a_parents_word_tells_a_signal_and_a_status_apart() {
    let of = |signal: Option<i32>, exit_code: Option<i32>| {
        let started_at = Some(at(5.0));
        let wait = WaitStatus { pid: 41, signal, exit_code, started_at, ..<_>::default() };
        lives(&FactSheet { waits: vec![fact(wait, "a")], ..<_>::default() }).remove(0)
    };
    let killed = of(Some(9), None);
    assert_eq!((killed.exit_code(), killed.started_at), (Some(137), Some(at(5.0))));
    assert_eq!(killed.end.and_then(|end| end.main), Some(MainEnd::Killed(9)));
    let exited = of(None, Some(137));
    assert_eq!((exited.exit_code(), exited.teller), (Some(137), Teller::Parent));
    assert_eq!(exited.end.and_then(|end| end.main), Some(MainEnd::Exited(137)));
}

#[test]
fn the_subjects_name_is_that_of_the_container_in_question() {
    let named = |name: &str, told: ContainerRecord| {
        record(ContainerRecord { name: Some(name.to_owned()), ..told })
    };
    let mut sheet = FactSheet {
        containers: vec![named("db", ended('b', 137)), named("web", ended('a', 1))],
        events: vec![event("a", Some(0.0), Start)],
        ..FactSheet::default()
    };
    assert_eq!(subject_name(&sheet, Some(&id('b'))).as_deref(), Some("db"));
    assert_eq!(subject_name(&sheet, Some(&id('c'))), None);
    sheet.containers.clear();
    assert_eq!(subject_name(&sheet, Some(&id('a'))).as_deref(), Some("web"), "by its events");
    // Without any id the one that died.
    let row = |code| ContainerRecord { id: None, ..ended('a', code) };
    sheet.containers = vec![named("web-1", row(137)), named("db-1", row(0))];
    assert_eq!(subject_name(&sheet, None).as_deref(), Some("web-1"));
}

#[test]
fn compose_shortens_a_name_by_its_project() {
    assert!(is_same_name("shop-web-1", "web-1") && is_same_name("web-1", "shop-web-1"));
    assert!(is_same_name("shop_web_1", "web_1") && is_same_name("web", "web"));
    assert!(!is_same_name("shopweb-1", "web-1") && !is_same_name("db-1", "web-1"));
}

/// `docker ps` shows that it runs, and not since when: the death before is not undone by that.
#[test]
fn a_row_without_a_start_takes_no_end_away() {
    let row = ContainerRecord {
        id: Some(id('a')),
        status: Some("running".to_owned()),
        ..ContainerRecord::default()
    };
    let events = vec![event("a", Some(0.0), Start), event("a", Some(10.0), DIED)];
    let told = lives(&FactSheet { events, containers: vec![record(row)], ..<_>::default() });
    let [life] = &told[..] else { panic!("{told:?}") };
    assert_eq!((life.alive, life.exit_code()), (false, Some(1)));
}
