//! Replays whose outcome was reckoned by hand.

use proptest::prelude::*;

use super::*;
use crate::policy::{Choice, named};
use crate::series::{Point, Unit};

const HOUR: f64 = 3600.0;

/// One sample every quarter of an hour.
fn series(used: impl IntoIterator<Item = f64>) -> Series {
    let point = |(at, used): (usize, f64)| Point { at: at as f64 * 900.0, used };
    Series {
        points: used.into_iter().enumerate().map(point).collect(),
        ..Series::named("a", Unit::Percent)
    }
}

fn terms(hours: f64) -> Terms {
    Terms { history: hours * HOUR, ..Terms::default() }
}

#[test]
fn a_flat_series_is_never_killed_and_its_slack_is_the_margin() {
    // Two days watched, then three whole days: 96 samples each.
    let flat = series(vec![40.0; 5 * 96 + 1]);
    let days = days(&flat, &Rule::Max(1.25), &terms(48.0));
    assert_eq!(days.len(), 3);
    for day in &days {
        assert_eq!(day.kills, 0);
        assert!((day.slack - 0.2).abs() < 1e-9);
    }
    let score = Score::of(&days);
    assert!((score.unused - 0.2).abs() < 1e-9);
    assert_eq!((score.oom_days, score.kills), (0.0, 0.0));
}

#[test]
fn nothing_is_scored_before_the_history_nor_on_a_short_last_day() {
    // A kill would come at once, but it lies in the history.
    let early = series((0..96 * 2).map(|at| if at < 96 { at as f64 } else { 40.0 }));
    assert_eq!(days(&early, &Rule::Max(1.1), &terms(24.0)).len(), 1);
    let short = series(vec![40.0; 96 + 47]);
    assert!(days(&short, &Rule::Max(1.1), &terms(24.0)).is_empty());
    let half = series(vec![40.0; 96 + 49]);
    assert_eq!(days(&half, &Rule::Max(1.1), &terms(24.0)).len(), 1);
    assert!(days(&series([]), &Rule::Krr, &terms(1.0)).is_empty());
}

/// Flat at 40 for a day, then at 60 for a day.
fn step() -> Series {
    series((0..193).map(|at| if at < 98 { 40.0 } else { 60.0 }))
}

#[test]
fn a_rule_that_does_not_hear_of_kills_is_counted_once_per_decision() {
    // KRR's limit is 46 for two samples of 40. At 24 h 30 min it jumps to 60, killed, and again at 24 h 45 min:
    // counted once until the next decision, 46 * 1.15 = 52.9: killed four times, counted once; then 60.835 for
    // four samples, then 69 for the 84 that are left of the day.
    let days = days(&step(), &Rule::Krr, &terms(24.0));
    assert_eq!(days.len(), 1);
    assert_eq!(days[0].kills, 2);
    let slack = (86.0 * (1.0 - 40.0 / 46.0) + 4.0 * (1.0 - 60.0 / 60.835)) / 96.0;
    assert!((days[0].slack - slack).abs() < 1e-9, "{:?}", days[0]);
}

#[test]
fn a_rule_that_hears_of_kills_decides_anew_at_once() {
    // max14 x 1.10 of 40 is 44; killed it gives 52.8, killed again 63.36: two kills in two samples.
    let days = days(&step(), &Rule::Max(1.1), &terms(24.0));
    assert_eq!((days.len(), days[0].kills), (1, 2));
    // Two samples of 40 under 44 before them; after them 63.36, and from 26 h on 60 * 1.1, which is more.
    let rest = 4.0 * (1.0 - 60.0 / 63.36) + 88.0 * (1.0 - 60.0 / 66.0);
    let slack = (2.0 * (1.0 - 40.0 / 44.0) + rest) / 96.0;
    assert!((days[0].slack - slack).abs() < 1e-9, "{:?}", days[0]);
}

#[test]
fn a_rule_never_learns_what_was_wanted_beyond_its_limit() {
    // One sample of 1000 above a limit of 44: whoever saw it would set 1100 for two weeks.
    let spike = series((0..289).map(|at| if at == 120 { 1000.0 } else { 40.0 }));
    for rule in named::all().map(|named| named.rule) {
        let days = days(&spike, &rule, &terms(24.0));
        assert_eq!(days.len(), 2, "{rule:?}");
        assert_eq!(days[0].kills, 1, "{rule:?}");
        assert_eq!(days[1].kills, 0, "{rule:?}");
        // 1,100 would leave 96 % of the second day unused.
        assert!(days[1].slack < 0.55, "{rule:?}: {days:?}");
    }
}

#[test]
fn a_limit_holds_until_the_next_hour_and_sees_only_what_lies_before() {
    // Each hour is 2 above the one before: a limit at the highest so far is hit in the first sample of each hour
    // that follows it, and heard of at once.
    let climb = series((0..193).map(|at| 40.0 + 2.0 * (at / 4) as f64));
    let days = days(&climb, &Rule::Max(1.0), &terms(24.0));
    assert_eq!(days.len(), 1);
    // A bump of a fifth carries it over the next hours, so it is hit less than 24 times, but more than once.
    assert!((2..24).contains(&days[0].kills), "{days:?}");
}

#[test]
fn a_gap_is_no_time_in_which_memory_was_held() {
    let mut gap = series(vec![40.0; 97 + 96]);
    for point in gap.points.iter_mut().skip(140) {
        point.at += 5.0 * HOUR;
    }
    let whole = days(&series(vec![40.0; 97 + 96]), &Rule::Max(1.25), &terms(24.0));
    let days = days(&gap, &Rule::Max(1.25), &terms(24.0));
    // 5 h 15 min between two samples count as one hour.
    let lost = whole[0].held - days[0].held;
    assert!((0.0..=50.0 * 6.0 * HOUR).contains(&lost), "{lost}");
    assert!((days[0].slack - 0.2).abs() < 1e-9);
}

#[test]
fn no_days_are_no_score_to_divide_by() {
    let none = Score::of(&[]);
    assert_eq!((none.days, none.oom_days, none.slack), (0, 0.0, 0.0));
}

proptest! {
    /// Whatever the samples are: parts are parts, and a kill is where a sample lies above the limit.
    #[test]
    fn days_are_parts_and_no_rule_uses_more_than_it_holds(
        used in proptest::collection::vec(0.0f64..100.0, 100..400),
        which in 0usize..7,
        hours in 1.0f64..30.0,
    ) {
        let rule = named::all()[which].rule;
        for day in days(&series(used), &rule, &terms(hours)) {
            prop_assert!((0.0..=1.0).contains(&day.slack), "{day:?}");
            prop_assert!(day.used <= day.held * (1.0 + 1e-9), "{day:?}");
            prop_assert!(day.kills <= 97);
        }
    }

    /// Above everything that ever comes nobody is killed.
    #[test]
    fn a_limit_above_all_is_never_hit(used in proptest::collection::vec(50.0f64..100.0, 100..300)) {
        let days = days(&series(used), &Rule::Max(2.1), &terms(6.0));
        prop_assert!(days.iter().all(|day| day.kills == 0));
    }

    /// What comes later changes nothing of the days before it.
    #[test]
    fn a_day_does_not_depend_on_the_next(
        used in proptest::collection::vec(10.0f64..100.0, 300..301),
        tail in proptest::collection::vec(10.0f64..1000.0, 1..100),
        which in 0usize..7,
    ) {
        let rule = named::all()[which].rule;
        let first = |used: Vec<f64>| days(&series(used), &rule, &terms(24.0)).into_iter().take(2).collect::<Vec<_>>();
        let longer: Vec<f64> = used.iter().copied().chain(tail).collect();
        let (short, long) = (first(used), first(longer));
        prop_assert_eq!(&short[..2], &long[..2]);
    }
}

#[test]
fn a_bolder_choice_is_killed_at_least_as_often_on_a_restless_series() {
    let restless = series((0..96 * 8).map(|at| 50.0 + f64::from((at * 7919 % 41) as u32)));
    let kills = |share: f64| {
        let rule = Rule::Ours(Choice::of(share));
        days(&restless, &rule, &terms(48.0)).iter().map(|day| day.kills).sum::<u32>()
    };
    assert!(kills(0.6) >= kills(0.1) && kills(0.1) >= kills(0.001));
}
