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

/// Lives of these ages, so many seconds apart, at their limit.
fn apart(ages: &[f64], gap: f64) -> Past {
    let mut start = 0.0;
    let mut ended = Vec::new();
    for age in ages {
        ended.push(memory(start, *age));
        start += age + gap;
    }
    past(ended)
}

#[test]
fn the_limit_is_the_one_that_killed_and_else_the_one_that_is_set() {
    let mut one = past(lives(&[0.4; 3], |start, age| Ended {
        limit: Some(Bytes(32 << 20)),
        ..memory(start, age)
    }));
    assert_eq!(only(&one).limit, Some(Bytes(32 << 20)));
    one.ended.iter_mut().for_each(|end| end.killer = Killer::AncestorMemoryLimit);
    assert_eq!(only(&one).limit, Some(LIMIT), "a parent's limit is not its own");
}

#[test]
fn a_pause_is_longer_than_docker_waits_and_a_start_takes() {
    assert_eq!(only(&apart(&[0.5; 4], 150.0)).seen, 4);
    assert!(loops(&apart(&[0.5; 4], 150.5)).is_empty());
}

#[test]
fn a_life_is_none_of_a_loop_where_it_lasted_twenty_times_as_long_and_an_hour() {
    let seen = |ages: &[f64]| loops(&apart(ages, 1.0)).first().map(|one| one.seen);
    assert_eq!(seen(&[3600.0, 1.0, 1.0, 1.0]), Some(4), "an hour is no long life yet");
    assert_eq!(seen(&[3601.0, 1.0, 1.0, 1.0]), Some(3));
    assert_eq!(seen(&[4000.0, 200.0, 200.0, 200.0]), Some(4), "twenty times");
    assert_eq!(seen(&[4001.0, 200.0, 200.0, 200.0]), Some(3));
    // Short ones before lives that lasted are another round.
    assert_eq!(seen(&[200.0, 4000.0, 4000.0, 4000.0]), Some(4));
    assert_eq!(seen(&[199.0, 4000.0, 4000.0, 4000.0]), Some(3));
    assert_eq!(seen(&[1.0, 3600.0, 3600.0, 3600.0]), Some(4));
}

#[test]
fn the_rules_words_are_added_where_they_say_more_than_the_code() {
    let words = |detail: &str| {
        let one =
            |start, age| Ended { detail: Some(detail.to_owned()), ..by_itself(start, age, 1) };
        let Cause::NotMemory(words) = only(&past(lives(&[1.0; 3], one))).cause else { panic!() };
        words
    };
    assert_eq!(words("it ended with 1"), "ends by itself with 1");
    assert_eq!(words("a panic of Go"), "ends by itself with 1: a panic of Go");
}

#[test]
fn half_of_the_ends_explained_speaks_for_all() {
    let lost = |start, age| Ended {
        exit_code: Some(1),
        ..end(start, age, Killer::Unknown, Level::Unknown)
    };
    let cause = |explained: usize| {
        let mut ended = lives(&[0.4; 6], lost);
        for end in ended.iter_mut().rev().take(explained) {
            (end.killer, end.level) = (Killer::ContainerMemoryLimit, Level::Own);
        }
        only(&past(ended)).cause
    };
    assert_eq!((cause(3), cause(2)), (Cause::OwnLimit, Cause::Unknown));
}

/// On a busy machine starts differ; a check that never passed says that they were starts.
#[test]
fn ages_that_differ_by_half_are_starts_where_the_check_never_passed() {
    let in_warm_up = |ages: &[f64]| {
        let mut one = past(lives(ages, memory));
        one.has_health_check = true;
        only(&one).in_warm_up
    };
    assert!(in_warm_up(&[10.0, 15.0, 20.0, 25.0, 30.0]), "five of twenty");
    assert!(in_warm_up(&[10.0, 10.0, 20.0, 30.0, 30.0]), "ten of twenty");
    assert!(!in_warm_up(&[0.9, 0.9, 2.0, 3.1, 3.1]), "more than half");
    assert!(!in_warm_up(&[4.0, 5.0, 20.0, 35.0, 36.0]));
}

#[test]
fn three_times_the_longest_life_and_a_minute_is_over() {
    let over = |age: f64, lived: f64| {
        let mut one = past(lives(&[age; 3], memory));
        let last = one.ended.last().and_then(|end| end.at).unwrap();
        (one.is_alive, one.alive_since) = (true, Some(last));
        one.now = last.plus_micros((lived * 1e6) as i64);
        !only(&one).state.goes_round()
    };
    assert!(!over(1.0, 60.0) && over(1.0, 60.5));
    assert!(!over(30.0, 90.0) && over(30.0, 90.5));
}

#[test]
fn a_life_of_ten_seconds_sets_the_wait_back() {
    let wait = |age: f64| only(&apart(&[0.5, 0.5, age], 1.0)).next_wait_seconds.unwrap();
    assert!((wait(9.5) - 0.8).abs() < 0.01 && (wait(10.0) - 0.1).abs() < 0.01);
    let policy = |policy: &str| {
        let mut one = past(lives(&[0.4; 3], memory));
        one.policy = Some(policy.to_owned());
        only(&one).next_wait_seconds.is_some()
    };
    assert!(policy("always") && policy("unless-stopped") && policy("on-failure:5"));
    assert!(!policy("no"));
}

#[test]
fn the_first_ends_and_the_last_are_the_evidence() {
    let says = |ended: Vec<Ended>| {
        let lines = only(&past(ended)).because;
        lines.into_iter().map(|line| line.says).collect::<Vec<_>>()
    };
    let numbered = |count: usize, killer: Killer| {
        let mut ended = lives(&vec![0.4; count], |start, age| end(start, age, killer, Level::Own));
        for (number, end) in ended.iter_mut().enumerate() {
            end.because = Some(Because { says: number.to_string(), ..line() });
        }
        ended
    };
    assert_eq!(says(numbered(3, Killer::ContainerMemoryLimit)), ["0", "1", "2"]);
    assert_eq!(says(numbered(5, Killer::ContainerMemoryLimit)), ["0", "1", "4"]);
    // Those that explain it, where any does.
    assert_eq!(says(numbered(5, Killer::Unknown)), ["0", "1", "4"]);
    let mut some = numbered(5, Killer::ContainerMemoryLimit);
    some[0].killer = Killer::Unknown;
    assert_eq!(says(some), ["1", "2", "4"]);
}

#[test]
fn a_loop_is_stopped_first_and_then_tried_with_more() {
    let changes = |change: fn(&mut Past)| {
        let mut one = past(lives(&[0.4; 4], memory));
        change(&mut one);
        let remedies = only(&one).remedies;
        remedies.into_iter().map(|remedy| remedy.change).collect::<Vec<_>>()
    };
    let all = changes(|_| ());
    let [stop, guard] = &all[..] else { panic!("{all:?}") };
    assert_eq!(stop, "docker update --restart on-failure:3 api");
    assert_eq!(guard, "why137 guard api --consent api");
    for name in ["web_1.a-b", "0a"] {
        let mut one = past(lives(&[0.4; 4], memory));
        one.name = Some(name.to_owned());
        assert!(only(&one).remedies[0].change.ends_with(name), "{name}");
    }
    let nameless = changes(|one| one.name = Some("a b".to_owned()));
    assert!(nameless[0].ends_with(" NAME"), "{nameless:?}");
    let by_itself = changes(|one| {
        one.ended.iter_mut().for_each(|end| end.killer = Killer::NotKilled);
    });
    assert_eq!(by_itself[1], "docker logs --tail 50 api");
}

#[test]
fn a_trial_is_twice_the_limit_and_watched_past_twice_the_oldest_age() {
    let watch = |age: f64| only(&past(lives(&[age; 3], memory))).trial().unwrap().watch_seconds;
    assert!((watch(10.0) - 21.0).abs() < 0.01 && (watch(0.5) - 5.0).abs() < 0.01);
    let mut found = only(&past(lives(&[0.4; 3], memory)));
    found.limit_with_swap = Some(Bytes(96 << 20));
    let asked = found.trial_of(Bytes(100 << 20)).unwrap();
    assert_eq!(asked.limit, Bytes(100 << 20));
    assert_eq!(asked.limit_with_swap, Some(Bytes(132 << 20)), "its 32 MiB of swap stay");
    found.limit = Some(Bytes(0));
    assert_eq!(found.trial(), None, "no limit is set");
}

#[test]
fn a_counter_counts_for_the_life_in_which_its_kills_are() {
    let kills = |count: u32| -> Vec<Inside> {
        (0..count).map(|at| killed_inside(f64::from(at), "a")).collect()
    };
    let mut one = pool(kills(2));
    one.counted = Some((30, line()));
    let found = only(&one);
    assert_eq!((found.deaths, found.seen, found.at_limit), (30, 2, 2));
    // 25 seconds of life for 30 kills.
    assert!(found.interval_seconds.is_some_and(|it| (it - 25.0 / 30.0).abs() < 0.01));
    one.inside_lives = false;
    assert!(loops(&one).is_empty(), "the two were in an earlier life");
    let mut three = pool(kills(3));
    assert_eq!(only(&three).deaths, 3);
    three.inside[1].level = Level::Ancestor;
    assert_eq!(only(&three).at_limit, 2);
}

#[test]
fn kills_ten_minutes_apart_are_still_a_storm() {
    let slow = |gap: f64| {
        let kills = (0..4).map(|at| killed_inside(f64::from(at) * gap, "a")).collect();
        let mut one = pool(kills);
        one.now = Some(moment(gap * 3.0));
        !loops(&one).is_empty()
    };
    assert!(slow(600.0) && !slow(601.0));
}

#[test]
fn a_storm_is_over_after_ten_intervals_and_a_minute() {
    let over = |gap: f64, idle: f64| {
        let kills = (0..4).map(|at| killed_inside(f64::from(at) * gap, "a")).collect();
        let mut one = pool(kills);
        one.now = Some(moment(gap * 3.0 + idle));
        matches!(only(&one).state, State::Over(_))
    };
    assert!(!over(1.0, 60.0) && over(1.0, 61.0));
    assert!(!over(8.0, 80.0) && over(8.0, 81.0));
}

#[test]
fn the_name_that_was_killed_most_often_is_the_storms() {
    for names in [["b", "a", "a", "b", "a", "a"], ["a", "b", "a", "a", "b", "a"]] {
        let kills = names.iter().zip(0..).map(|(name, at)| killed_inside(f64::from(at), name));
        let found = only(&pool(kills.collect()));
        assert_eq!((found.victim.as_deref(), found.seen), (Some("a"), 4));
    }
}

/// Scripts read these.
#[test]
fn the_words_of_json_are_these() {
    let kinds = [Kind::RestartLoop, Kind::RespawnStorm].map(Kind::word);
    assert_eq!(kinds, ["restart-loop", "respawn-storm"]);
    let causes = [
        Cause::OwnLimit,
        Cause::ParentLimit,
        Cause::Machine,
        Cause::MemoryOfUnknownLevel,
        Cause::NotMemory(String::new()),
        Cause::Mixed(Vec::new()),
        Cause::Unknown,
    ];
    let words: Vec<&str> = causes.iter().map(Cause::word).collect();
    let memory =
        ["container-memory-limit", "ancestor-memory-limit", "host-out-of-memory", "out-of-memory"];
    assert_eq!(words, [&memory[..], &["not-memory", "mixed", "unknown"]].concat());
    let states = [State::Up, State::Waiting, State::Down, State::Over(1.0)].map(State::word);
    assert_eq!(states, ["up", "waiting", "down", "over"]);
}

#[test]
fn ages_are_alike_within_two_fifths_or_half_a_second() {
    let near = |ages: &[f64]| Ages::of(ages).unwrap().near;
    assert_eq!((near(&[10.0, 10.0, 14.0]), near(&[10.0, 10.0, 14.1])), (3, 2));
    assert_eq!((near(&[0.5, 0.5, 1.0]), near(&[0.5, 0.5, 1.1])), (3, 2));
}
