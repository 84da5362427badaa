use super::*;
use crate::series::{End, Point};

const MIB: f64 = 1_048_576.0;

/// Samples a step apart, in MiB.
fn series(step: f64, values: impl IntoIterator<Item = f64>) -> Series {
    let mut series = Series::named("a", Unit::Bytes);
    let point = |(at, used): (usize, f64)| Point { at: at as f64 * step, used: used * MIB };
    series.points = values.into_iter().enumerate().map(point).collect();
    series
}

fn kind(series: &Series, limit: f64) -> Kind {
    of(series, Some(limit * MIB)).kind
}

/// Something that is not the same twice, from -1 to 1.
fn rough(at: usize) -> f64 {
    ((at * at * 7 + at * 13) % 41) as f64 / 20.0 - 1.0
}

#[test]
fn nothing_is_said_of_a_few_samples() {
    for count in 0..FEWEST_SAMPLES {
        let shape = of(&series(10.0, (0..count).map(|at| at as f64 * 8.0)), Some(64.0 * MIB));
        assert_eq!((shape.kind, shape.confidence), (Kind::TooEarly, Confidence::Unknown));
        assert!(shape.leak.is_none() && shape.plateau.is_none());
        assert_eq!((shape.samples, shape.says.len()), (count, 1));
    }
}

#[test]
fn what_fills_its_limit_within_a_minute_is_told_within_that_minute() {
    // 1 MiB a second beside 4 MiB, in 64 MiB.
    let shape = of(&series(1.0, (0..50).map(|at| 4.0 + at as f64)), Some(64.0 * MIB));
    assert_eq!((shape.kind, shape.confidence), (Kind::Leak, Confidence::Possible));
    let leak = shape.leak.unwrap();
    assert!((leak.per_second.middle / MIB - 1.0).abs() < 0.01, "{leak:?}");
    let full = leak.full_after_seconds.unwrap();
    assert!((full.middle - 11.0).abs() < 1.5, "{full:?}");
    assert!(shape.says.iter().any(|finding| finding.says.contains("1 MiB per second")));
    assert!(shape.says.iter().any(|finding| finding.says.contains("49 s")), "{:?}", shape.says);
}

#[test]
fn under_an_even_load_a_leak_is_said_to_be_independent_of_it() {
    for seconds in [30, 45, 60] {
        let mut leaking =
            series(1.0, (0..seconds).map(|at| 4.0 + f64::from(at) * 58.0 / f64::from(seconds)));
        leaking.requests = (0..seconds).map(|at| f64::from(at * 20 + at % 3)).collect();
        let shape = of(&leaking, Some(64.0 * MIB));
        assert_eq!(shape.kind, Kind::Leak, "{seconds} s: {:?}", shape.says);
        assert_eq!(shape.leak.map(|leak| leak.load), Some(Load::Independent));
    }
}

#[test]
fn a_quarter_of_the_limit_within_a_minute_is_too_early_to_say() {
    let rising = series(1.0, (0..60).map(|at| 4.0 + at as f64 / 4.0));
    let shape = of(&rising, Some(64.0 * MIB));
    assert_eq!((shape.kind, shape.plateau), (Kind::TooEarly, None), "{:?}", shape.says);
}

#[test]
fn what_rises_and_stays_is_a_plateau_under_the_same_limit() {
    let steady = series(1.0, (0..60).map(|at| (4.0 + 5.0 * at as f64).min(50.0)));
    let shape = of(&steady, Some(64.0 * MIB));
    assert_eq!(shape.kind, Kind::Plateau, "{:?}", shape.says);
    assert_eq!(shape.plateau, Some(50.0 * MIB));
}

#[test]
fn a_slow_leak_under_a_saw_is_told_after_six_hours_with_its_interval() {
    // 0.8 % of 1,000 MiB an hour; collections every 20 minutes.
    let value = |at: usize| 300.0 + at as f64 * 8.0 / 60.0 + (at % 20) as f64 * 4.0 + rough(at);
    let shape = of(&series(60.0, (0..361).map(value)), Some(1000.0 * MIB));
    assert_eq!(shape.kind, Kind::Leak, "{:?}", shape.says);
    let leak = shape.leak.unwrap();
    let per_hour = |slope: f64| slope * 3600.0 / MIB;
    assert!(per_hour(leak.per_second.low) < 8.0 && per_hour(leak.per_second.high) > 8.0);
    assert!((per_hour(leak.per_second.middle) - 8.0).abs() < 1.0, "{leak:?}");
    let full = leak.full_after_seconds.unwrap();
    assert!(full.soonest < full.middle && full.latest.is_some_and(|latest| latest > full.middle));
}

#[test]
fn the_same_samples_without_the_climb_are_none() {
    let value = |at: usize| 300.0 + (at % 20) as f64 * 4.0 + rough(at);
    assert_eq!(kind(&series(60.0, (0..361).map(value)), 1000.0), Kind::Plateau);
}

#[test]
fn a_cache_that_fills_is_too_early_at_first_and_saturating_later() {
    let cache = |at: usize| 100.0 + 300.0 * (1.0 - (-(at as f64) / 150.0).exp()) + rough(at);
    assert_eq!(kind(&series(60.0, (0..120).map(cache)), 1000.0), Kind::TooEarly);
    let day = of(&series(60.0, (0..900).map(cache)), Some(1000.0 * MIB));
    assert_eq!(day.kind, Kind::SaturatingCache, "{:?}", day.says);
}

#[test]
fn a_cache_that_fills_for_longer_than_it_was_seen_is_told_by_its_bend() {
    // Time constants from three to five hours, asked after six: none of them is nearly full.
    for hours in [3.0, 4.0, 5.0] {
        let cache = |at: usize| {
            100.0 + 400.0 * (1.0 - (-(at as f64) / (60.0 * hours)).exp()) + 2.0 * rough(at)
        };
        let found = of(&series(60.0, (0..361).map(cache)), Some(1000.0 * MIB));
        assert_ne!(found.kind, Kind::Leak, "{hours} h: {:?}", found.says);
        assert_ne!(kind(&series(60.0, (0..721).map(cache)), 1000.0), Kind::Leak, "{hours} h later");
    }
}

#[test]
fn a_leak_behind_a_warm_up_is_told_from_a_cache() {
    for per_hour in [10.0, 20.0, 50.0] {
        let value = |at: usize| {
            let warm = 150.0 * (1.0 - (-(at as f64) / 40.0).exp());
            200.0 + warm + at as f64 * per_hour / 60.0 + 2.0 * rough(at)
        };
        let shape = of(&series(60.0, (0..361).map(value)), Some(1000.0 * MIB));
        assert_eq!(shape.kind, Kind::Leak, "{per_hour} MiB/h: {:?}", shape.says);
        let found = shape.leak.unwrap().per_second.middle * 3600.0 / MIB;
        assert!((found / per_hour - 1.0).abs() < 0.35, "{per_hour}: {found}");
    }
}

#[test]
fn stairs_of_four_steps_are_no_leak() {
    let value = |at: usize| {
        let stairs = [130, 500, 760, 1150].iter().filter(|step| at >= **step).count();
        200.0 + 60.0 * stairs as f64 + 4.0 * rough(at)
    };
    assert_ne!(kind(&series(60.0, (0..1440).map(value)), 1000.0), Kind::Leak);
    // The same climb without steps is one.
    let line = |at: usize| 200.0 + 240.0 * at as f64 / 1440.0 + 4.0 * rough(at);
    assert_eq!(kind(&series(60.0, (0..1440).map(line)), 1000.0), Kind::Leak);
}

#[test]
fn few_collections_do_not_hide_a_leak() {
    // 1.2 % of 1,000 MiB an hour under a collection in 37 to 53 minutes: eight troughs in six hours.
    let mut used = 0.0;
    let mut next = 37;
    let leaking = (0..361).map(|at| {
        used += 3.0;
        if at == next {
            used = 0.0;
            next += 37 + (at * 7) % 17;
        }
        300.0 + at as f64 * 0.2 + used + rough(at)
    });
    let shape = of(&series(60.0, leaking), Some(1000.0 * MIB));
    assert_eq!(shape.kind, Kind::Leak, "{:?}", shape.says);
}

#[test]
fn one_step_is_a_plateau_that_says_so() {
    let stepped = |at: usize| if at < 400 { 200.0 } else { 320.0 } + rough(at);
    let shape = of(&series(60.0, (0..720).map(stepped)), Some(1000.0 * MIB));
    assert_eq!(shape.kind, Kind::Plateau);
    assert!(shape.says.iter().any(|finding| finding.says.starts_with("one step of 120 MiB")));
}

#[test]
fn bursts_and_starts_are_told_from_levels() {
    let bursts = |at: usize| if at % 97 < 4 { 600.0 } else { 200.0 + rough(at) };
    assert_eq!(kind(&series(60.0, (0..1440).map(bursts)), 1000.0), Kind::Spiky);
    let start = |at: usize| if at < 20 { 700.0 } else { 200.0 + rough(at) };
    let shape = of(&series(60.0, (0..1440).map(start)), Some(1000.0 * MIB));
    assert_eq!((shape.kind, shape.start_peak), (Kind::StartUpPeak, Some(700.0 * MIB)));
}

#[test]
fn what_swings_with_the_day_is_no_leak_once_a_day_is_seen() {
    let swing =
        |at: usize| 300.0 + 100.0 * (at as f64 / 1440.0 * std::f64::consts::TAU).sin() + rough(at);
    for hours in [20, 24, 30, 36, 48, 72] {
        let found = kind(&series(60.0, (0..hours * 60).map(swing)), 1000.0);
        assert_ne!(found, Kind::Leak, "after {hours} h");
    }
    let days = of(&series(60.0, (0..3 * 1440).map(swing)), Some(1000.0 * MIB));
    let said = "it swings with the day: 201 MiB in its lowest hour, 399 MiB in its highest";
    let says: Vec<&str> = days.says.iter().map(|finding| finding.says.as_str()).collect();
    assert!(says.contains(&said), "{says:?}");
    assert!(days.kind == Kind::Plateau && says.iter().all(|says| !says.contains("step")));
}

#[test]
fn what_follows_the_requests_is_no_leak_and_what_each_leaves_is() {
    // The load rises over six hours and swings while it does.
    let rate = |at: usize| 60.0 + at as f64 * 0.4 + 25.0 * (at as f64 / 9.0).sin();
    let done: Vec<f64> = (0..361)
        .scan(0.0, |sum, at| {
            *sum += rate(at);
            Some(*sum)
        })
        .collect();
    let mut sessions = series(60.0, (0..361).map(|at| 100.0 + rate(at) + rough(at)));
    sessions.requests.clone_from(&done);
    assert_ne!(kind(&sessions, 1000.0), Kind::Leak);
    sessions.requests.clear();
    assert_eq!(kind(&sessions, 1000.0), Kind::Leak);

    let mut each = series(
        60.0,
        done.iter().enumerate().map(|(at, sum)| 100.0 + sum / 400.0 + 0.2 * rough(at)),
    );
    each.requests.clone_from(&done);
    let shape = of(&each, Some(1000.0 * MIB));
    let leak = shape.leak.expect("a leak");
    assert_eq!((shape.kind, leak.load), (Kind::Leak, Load::Follows));
    let one = leak.per_request.unwrap();
    assert!((one / (MIB / 400.0) - 1.0).abs() < 0.05, "{one}");
}

#[test]
fn lives_that_die_young_at_the_limit_are_a_loop() {
    let mut dying = series(1.0, (0..200).map(|at| ((at % 40) as f64 * 1.6).min(64.0)));
    dying.ends = (1..=5).map(|life| End { after: life * 40, killed: true }).collect();
    let shape = of(&dying, Some(64.0 * MIB));
    assert_eq!((shape.kind, shape.confidence), (Kind::RestartLoop, Confidence::Likely));
    assert!(shape.says[0].says.contains("5 lives were killed"), "{:?}", shape.says);
    assert!(shape.leak.is_some(), "each of them climbs");
    // Ended by someone else: no loop.
    dying.ends.iter_mut().for_each(|end| end.killed = false);
    assert_ne!(kind(&dying, 64.0), Kind::RestartLoop);
}

#[test]
fn a_leak_cut_into_lives_by_its_kills_is_a_leak() {
    // 20 hours from 200 MiB to the limit, three times.
    let value = |at: usize| 200.0 + (at % 1200) as f64 * 800.0 / 1200.0 + rough(at);
    let mut cut = series(60.0, (0..3700).map(value));
    cut.ends = (1..=3).map(|life| End { after: life * 1200, killed: true }).collect();
    let told = of(&cut, Some(1000.0 * MIB));
    assert_eq!(told.kind, Kind::Leak);
    assert!(told.says.iter().any(|finding| finding.says.contains("life before")));
    // Nobody told of the kills: the fall from the limit does.
    cut.ends.clear();
    assert_eq!(kind(&cut, 1000.0), Kind::Leak);
}

#[test]
fn what_is_full_does_not_count_as_rest() {
    let value = |at: usize| (200.0 + at as f64 * 1.2).min(996.0);
    assert_eq!(kind(&series(60.0, (0..900).map(value)), 1000.0), Kind::Leak);
}

#[test]
fn percents_and_fractions_are_their_own_limit() {
    for (unit, all) in [(Unit::Percent, 100.0), (Unit::Fraction, 1.0)] {
        let mut leaking = series(60.0, (0..720).map(|at| 0.2 + at as f64 / 1440.0));
        leaking.unit = unit;
        leaking.points.iter_mut().for_each(|point| point.used *= all / MIB);
        let shape = of(&leaking, None);
        assert_eq!(shape.kind, Kind::Leak, "{unit:?}");
        let until = shape.leak.and_then(|leak| leak.full_after_seconds).unwrap();
        assert!((until.middle / 3600.0 - 7.2).abs() < 0.3, "{until:?}");
    }
}

#[test]
fn the_unit_does_not_change_the_shape() {
    let value = |at: usize| 300.0 + at as f64 * 0.5 + rough(at);
    let mib = series(60.0, (0..400).map(value));
    let mut small = mib.clone();
    small.points.iter_mut().for_each(|point| point.used /= 1024.0);
    let (one, other) = (of(&mib, Some(1000.0 * MIB)), of(&small, Some(1000.0 * MIB / 1024.0)));
    assert_eq!((one.kind, one.confidence), (other.kind, other.confidence));
    let slope = |shape: &Shape| shape.leak.unwrap().per_second.middle;
    assert!((slope(&one) / slope(&other) - 1024.0).abs() < 1e-3);
}

#[test]
fn words_are_those_of_the_json_and_each_is_its_own() {
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        assert!(Kind::ALL[..at].iter().all(|other| other.word() != kind.word()));
        assert!(kind.word().chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'));
    }
}
