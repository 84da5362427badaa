use casefile::{Bytes, Citation, Span};

use super::super::past::Inside;
use super::*;

const LIMIT: Bytes = Bytes(64 << 20);

fn moment(seconds: f64) -> Moment {
    Moment::from_micros(1_700_000_000_000_000 + (seconds * 1e6) as i64).unwrap()
}

fn line() -> Because {
    let cite = Citation { exhibit: "kmsg".to_owned(), span: Span { start: 0, end: 1 } };
    Because { cite, at: None, says: String::new(), decisive: None }
}

fn end(start: f64, age: f64, killer: Killer, level: Level) -> Ended {
    Ended {
        started_at: Some(moment(start)),
        at: Some(moment(start + age)),
        killer,
        level,
        confidence: Confidence::Proven,
        exit_code: Some(137),
        limit: Some(LIMIT),
        was_healthy: false,
        detail: None,
        victim: Some("python3".to_owned()),
        because: Some(line()),
        remedies: Vec::new(),
    }
}

fn memory(start: f64, age: f64) -> Ended {
    end(start, age, Killer::ContainerMemoryLimit, Level::Own)
}

fn by_itself(start: f64, age: f64, code: i64) -> Ended {
    Ended {
        exit_code: Some(code),
        limit: None,
        victim: None,
        ..end(start, age, Killer::NotKilled, Level::None)
    }
}

/// Lives of these ages, one second apart.
fn lives(ages: &[f64], one: impl Fn(f64, f64) -> Ended) -> Vec<Ended> {
    let mut start = 0.0;
    ages.iter()
        .map(|age| {
            let end = one(start, *age);
            start += age + 1.0;
            end
        })
        .collect()
}

fn past(ended: Vec<Ended>) -> Past {
    let last = ended.last().and_then(|end| end.at);
    Past {
        name: Some("api".to_owned()),
        policy: Some("always".to_owned()),
        restart_count: Some(ended.len() as u64),
        limit: Some(LIMIT),
        limit_with_swap: Some(LIMIT),
        status: Some("restarting".to_owned()),
        now: last.and_then(|at| at.plus_micros(500_000)),
        ended,
        ..Past::default()
    }
}

fn only(past: &Past) -> Loop {
    let mut all = loops(past);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn equal_ages_at_the_limit_are_kills_during_the_start() {
    let found = only(&past(lives(&[0.40, 0.42, 0.41, 0.44, 0.40], memory)));
    assert_eq!((found.kind, &found.cause), (Kind::RestartLoop, &Cause::OwnLimit));
    assert_eq!((found.deaths, found.seen, found.at_limit), (5, 5, 5));
    let ages = found.ages.unwrap();
    assert!((ages.median - 0.41).abs() < 0.001 && ages.are_alike(), "{ages:?}");
    assert!(found.in_warm_up && found.is_memory());
    assert_eq!((found.health, found.confidence), (Health::NoCheck, Confidence::Proven));
    assert!((found.interval_seconds.unwrap() - 1.42).abs() < 0.05);
    let trial = found.trial().unwrap();
    assert_eq!(trial.limit, Bytes(128 << 20));
    assert_eq!(trial.limit_with_swap, Some(Bytes(128 << 20)));
    assert!(trial.because.contains("at least"), "{}", trial.because);
}

#[test]
fn ages_that_differ_are_a_loop_and_no_start_up() {
    let found = only(&past(lives(&[40.0, 300.0, 9.0, 120.0], memory)));
    assert_eq!(found.cause, Cause::OwnLimit);
    assert!(!found.in_warm_up && !found.ages.unwrap().are_alike());
}

#[test]
fn one_start_that_took_far_longer_does_not_hide_that_the_others_are_alike() {
    let found = only(&past(lives(&[8.4, 0.31, 0.3, 0.32, 0.4, 0.2, 0.3, 0.28], memory)));
    assert!(found.in_warm_up, "{:?}", found.ages);
    assert_eq!(found.ages.map(|ages| (ages.count, ages.near)), Some((8, 7)));
    let found = only(&past(lives(&[8.4, 0.31, 30.0, 0.32], memory)));
    assert!(!found.in_warm_up, "{:?}", found.ages);
}

#[test]
fn one_death_or_two_are_no_loop() {
    for count in 0..3 {
        let past = past(lives(&vec![0.4; count], memory));
        assert!(loops(&past).is_empty(), "{count}");
    }
    assert_eq!(loops(&past(lives(&[0.4; 3], memory))).len(), 1);
}

#[test]
fn a_healthy_life_between_is_no_start_up() {
    let mut ended = lives(&[3.0, 3.1, 3.0, 3.05], memory);
    ended[1].was_healthy = true;
    let mut one = past(ended);
    one.has_health_check = true;
    let found = only(&one);
    assert_eq!(found.health, Health::Healthy(1));
    assert!(!found.in_warm_up);
    one.ended[1].was_healthy = false;
    let found = only(&one);
    assert_eq!((found.health, found.in_warm_up), (Health::Never, true));
}

#[test]
fn what_ends_by_itself_is_never_called_memory() {
    let found = only(&past(lives(&[1.0; 6], |start, age| by_itself(start, age, 1))));
    let Cause::NotMemory(words) = &found.cause else { panic!("{:?}", found.cause) };
    assert_eq!(words, "ends by itself with 1");
    assert!(!found.is_memory() && !found.in_warm_up && found.trial().is_none());
    let said: Vec<&str> = found.remedies.iter().map(|it| it.change.as_str()).collect();
    assert!(said.iter().all(|change| !change.contains("limit")), "{said:?}");
}

#[test]
fn two_causes_are_told_with_their_counts_and_are_not_called_memory() {
    let mut ended = lives(&[1.0; 5], memory);
    for (index, start) in [(1, 2.0), (3, 6.0)] {
        ended[index] = by_itself(start, 1.0, 1);
    }
    let found = only(&past(ended));
    let Cause::Mixed(parts) = &found.cause else { panic!("{:?}", found.cause) };
    let counts: Vec<usize> = parts.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [3, 2]);
    assert!(!found.is_memory() && !found.in_warm_up && found.trial().is_none());
}

#[test]
fn an_end_without_an_explanation_speaks_against_none_and_many_of_them_against_all() {
    let lost = |start, age| end(start, age, Killer::Unknown, Level::Unknown);
    let mut ended = lives(&[0.4; 5], memory);
    ended[0] = lost(0.0, 0.4);
    assert_eq!(only(&past(ended.clone())).cause, Cause::OwnLimit);
    for (index, end) in ended.iter_mut().enumerate().take(3) {
        *end = lost(index as f64 * 1.4, 0.4);
    }
    // 137 at the same age each time, and what is explained is all of one kind.
    let found = only(&past(ended.clone()));
    assert_eq!((&found.cause, found.confidence), (&Cause::OwnLimit, Confidence::Likely));
    ended[1].exit_code = Some(1);
    let found = only(&past(ended.clone()));
    assert_eq!((&found.cause, found.confidence), (&Cause::Unknown, Confidence::Unknown));
    assert!(found.trial().is_none());
    ended[1] = lost(1.4, 0.4);
    ended[3] = lost(4.2, 0.4);
    assert_eq!(only(&past(ended)).cause, Cause::Unknown, "one alone speaks for none");
}

#[test]
fn another_limit_than_its_own_gets_no_trial() {
    let parent = |start, age| end(start, age, Killer::AncestorMemoryLimit, Level::Ancestor);
    let found = only(&past(lives(&[0.4; 4], parent)));
    assert_eq!(found.cause, Cause::ParentLimit);
    assert!(found.is_memory() && found.trial().is_none() && !found.in_warm_up);
    let host = |start, age| end(start, age, Killer::HostOutOfMemory, Level::Host);
    assert_eq!(only(&past(lives(&[0.4; 4], host))).cause, Cause::Machine);
    let any = |start, age| end(start, age, Killer::OutOfMemory, Level::Unknown);
    assert_eq!(only(&past(lives(&[0.4; 4], any))).cause, Cause::MemoryOfUnknownLevel);
}

#[test]
fn a_stop_that_was_asked_for_begins_anew() {
    let mut ended = lives(&[0.4; 5], memory);
    ended[2].killer = Killer::Stopped;
    let mut one = past(ended);
    assert!(loops(&one).is_empty(), "two deaths since the stop");
    one.ended.extend(lives(&[0.4; 1], |_, age| memory(7.2, age)));
    assert_eq!(only(&one).seen, 3);
}

#[test]
fn a_pause_or_a_long_life_begins_anew() {
    let mut ended = lives(&[0.4; 3], memory);
    ended.extend([memory(500.0, 0.4), memory(502.0, 0.4)]);
    assert!(loops(&past(ended)).is_empty(), "eight minutes passed between");
    let mut ended = lives(&[0.4, 0.4, 0.4, 9000.0], memory);
    assert!(loops(&past(ended.clone())).is_empty(), "the last life began well");
    ended.extend([memory(9006.0, 0.4), memory(9007.5, 0.4), memory(9009.0, 0.4)]);
    assert_eq!(only(&past(ended)).seen, 3);
}

#[test]
fn slow_lives_of_the_same_kind_are_one_loop() {
    let found = only(&past(lives(&[3500.0, 3610.0, 3400.0, 3700.0], memory)));
    assert_eq!((found.seen, found.in_warm_up), (4, false));
}

#[test]
fn the_count_of_docker_tells_of_deaths_that_events_forgot() {
    let mut one = past(lives(&[0.4, 0.41], memory));
    one.restart_count = Some(12);
    let found = only(&one);
    assert_eq!((found.deaths, found.seen), (12, 2));
    assert_eq!(found.confidence, Confidence::Likely);
    one.status = Some("exited".to_owned());
    let found = only(&one);
    assert_eq!((found.deaths, found.state), (13, State::Down));
    // Docker forgets the count when a person starts it, and events hold more.
    one.ended = lives(&[0.4; 6], memory);
    one.restart_count = Some(0);
    assert_eq!(only(&one).deaths, 6);
}

#[test]
fn docker_waits_twice_as_long_each_time_up_to_a_minute_and_begins_anew_after_ten_seconds() {
    let wait = |ages: &[f64]| only(&past(lives(ages, memory))).next_wait_seconds.unwrap();
    let near = |one: f64, other: f64| assert!((one - other).abs() < 0.01, "{one} {other}");
    near(wait(&[0.4; 3]), 0.8);
    near(wait(&[0.4; 8]), 25.6);
    near(wait(&[0.4; 12]), 60.0);
    near(wait(&[0.4, 0.4, 0.4, 12.0]), 0.1);
    let mut one = past(lives(&[0.4; 3], memory));
    one.policy = Some("no".to_owned());
    assert_eq!(only(&one).next_wait_seconds, None);
}

#[test]
fn a_life_that_goes_on_far_longer_ends_the_loop() {
    let mut one = past(lives(&[0.4; 4], memory));
    let last = one.ended.last().and_then(|end| end.at).unwrap();
    (one.is_alive, one.status) = (true, Some("running".to_owned()));
    one.alive_since = last.plus_micros(1_000_000);
    one.now = last.plus_micros(3_000_000);
    assert_eq!(only(&one).state, State::Up);
    one.is_healthy = true;
    assert!(matches!(only(&one).state, State::Over(_)));
    one.is_healthy = false;
    one.now = last.plus_micros(120_000_000);
    let found = only(&one);
    assert!(!found.state.goes_round() && found.next_wait_seconds.is_none());
}

#[test]
fn a_strangers_name_does_not_get_into_a_command() {
    let mut one = past(lives(&[0.4; 4], memory));
    one.name = Some("x; reboot".to_owned());
    let found = only(&one);
    assert!(found.remedies.iter().all(|it| !it.change.contains("reboot")), "{:?}", found.remedies);
    one.name = Some("--all".to_owned());
    assert!(only(&one).remedies.iter().all(|it| !it.change.contains("--all")));
}

fn killed_inside(at: f64, name: &str) -> Inside {
    Inside {
        at: Some(moment(at)),
        victims: vec![name.to_owned()],
        level: Level::Own,
        limit: Some(Bytes(128 << 20)),
        crowd: Some((6, Bytes(128 << 20))),
        because: line(),
        remedies: Vec::new(),
    }
}

fn pool(kills: Vec<Inside>) -> Past {
    Past {
        name: Some("web".to_owned()),
        inside: kills,
        inside_lives: true,
        is_alive: true,
        alive_since: Some(moment(-5.0)),
        now: Some(moment(20.0)),
        status: Some("running".to_owned()),
        ..Past::default()
    }
}

#[test]
fn kills_of_one_name_inside_a_container_that_stays_up_are_a_storm() {
    let kills = (0..8).map(|at| killed_inside(f64::from(at) * 2.0, "python3")).collect();
    let found = only(&pool(kills));
    assert_eq!((found.kind, &found.cause), (Kind::RespawnStorm, &Cause::OwnLimit));
    assert_eq!((found.deaths, found.seen, found.ages), (8, 8, None));
    assert_eq!(found.victim.as_deref(), Some("python3"));
    assert!((found.interval_seconds.unwrap() - 2.0).abs() < 0.01);
    assert_eq!((found.state, found.crowd), (State::Up, Some((6, Bytes(128 << 20)))));
    // Its restart policy has no part in it.
    assert!(found.trial().is_none());
}

#[test]
fn few_kills_slow_ones_and_those_of_different_programs_are_no_storm() {
    let two = vec![killed_inside(0.0, "a"), killed_inside(1.0, "a")];
    assert!(loops(&pool(two)).is_empty());
    let slow = (0..4).map(|at| killed_inside(f64::from(at) * 4000.0, "a")).collect();
    assert!(loops(&pool(slow)).is_empty());
    let others = ["a", "b", "c"].iter().map(|name| killed_inside(0.0, name)).collect();
    assert!(loops(&pool(others)).is_empty());
}

#[test]
fn a_counter_alone_makes_a_storm_likely_and_its_limit_unknown() {
    let mut one = pool(Vec::new());
    one.counted = Some((30, line()));
    let found = only(&one);
    assert_eq!((found.deaths, found.seen), (30, 0));
    assert_eq!(found.confidence, Confidence::Likely);
    assert_eq!(found.cause, Cause::MemoryOfUnknownLevel);
    one.counted = Some((2, line()));
    assert!(loops(&one).is_empty());
}

#[test]
fn a_storm_that_has_gone_quiet_is_over() {
    let kills = (0..5).map(|at| killed_inside(f64::from(at), "a")).collect();
    let mut one = pool(kills);
    one.now = Some(moment(300.0));
    assert!(matches!(only(&one).state, State::Over(_)));
}
