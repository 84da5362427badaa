use proptest::prelude::*;

use super::*;
use crate::series::{End, Point};

fn of(values: impl IntoIterator<Item = f64>, step: f64) -> Series {
    let mut series = Series::named("web", Unit::Bytes);
    let points = values.into_iter().enumerate();
    series.points =
        points.map(|(at, mib)| Point { at: at as f64 * step, used: (mib * MIB).round() }).collect();
    series
}

/// A day of five-minute samples that go about a level.
fn steady(level: f64) -> Series {
    of((0..288).map(|at| level + f64::from((at * 7) % 11) - 5.0), 300.0)
}

fn limited(mib: f64) -> Asked {
    Asked { limit: Some(mib * MIB), ..Asked::default() }
}

fn mib(value: f64) -> f64 {
    value / MIB
}

#[test]
fn a_steady_container_gets_its_peak_and_room_and_every_step_is_told() {
    let size = size(&steady(200.0), &Asked::default());
    let limit = size.limit.unwrap();
    assert!(limit > 205.0 * MIB && limit < 260.0 * MIB, "{}", mib(limit));
    let all: f64 = size.steps.iter().map(|step| step.bytes).sum();
    assert!((all - limit).abs() < 1.0, "{:?}", size.steps);
    assert!(size.steps[0].from.contains("288 samples over 24 h"), "{:?}", size.steps[0]);
    assert!(!size.censored && size.blocked_because.is_none());
    let at = size.risk.iter().find(|risk| risk.limit_bytes == limit).unwrap();
    assert!(at.oom_per_day < 0.1, "{:?}", size.risk);
}

#[test]
fn a_limit_that_is_enough_is_not_raised() {
    let size = size(&steady(200.0), &limited(400.0));
    assert!(size.limit.unwrap() < 400.0 * MIB && size.blocked_because.is_none());
    assert!(size.says.iter().any(|says| says.contains("400 MiB is enough")), "{:?}", size.says);
}

#[test]
fn a_limit_that_was_never_met_is_not_raised() {
    let size = size(&steady(200.0), &limited(210.0));
    assert_eq!(size.limit, Some(210.0 * MIB), "{:?}", size.steps);
    assert!(size.says.iter().any(|says| says.contains("never met")), "{:?}", size.says);
    let all: f64 = size.steps.iter().map(|step| step.bytes).sum();
    assert!((all - 210.0 * MIB).abs() < 1.0);
}

#[test]
fn a_plateau_above_the_cap_is_the_case_in_which_a_raise_is_right() {
    let mut series = steady(200.0);
    series.limits = vec![206.0 * MIB; 288];
    let size = size(&series, &Asked { killed: true, runtime: Runtime::Fits, ..limited(206.0) });
    assert!(size.censored);
    assert!(size.limit.unwrap() >= 1.4 * 206.0 * MIB, "{:?}", size.steps);
    assert!(size.steps.iter().any(|step| step.what.contains("more was wanted")));
}

#[test]
fn a_runtime_that_cannot_fit_blocks_the_raise() {
    let asked =
        Asked { runtime: Runtime::CannotFit("V8 may use 1 GiB".to_owned()), ..limited(150.0) };
    let size = size(&steady(200.0), &asked);
    assert_eq!(size.limit, None);
    assert!(size.blocked_because.unwrap().contains("V8 may use 1 GiB"));
}

#[test]
fn what_the_runtime_needs_at_least_is_a_step_and_a_reason_for_a_raise() {
    let least = Some((300.0 * MIB, "no heap size leaves room".to_owned()));
    let size = size(&steady(200.0), &Asked { least, ..limited(250.0) });
    assert_eq!(size.limit, Some(300.0 * MIB), "{:?}", size.steps);
    assert!(size.steps.iter().any(|step| step.from == "no heap size leaves room"));
    assert!((size.steps.iter().map(|step| step.bytes).sum::<f64>() - 300.0 * MIB).abs() < 1.0);
}

#[test]
fn a_leak_is_not_cured_by_a_raise_and_what_it_would_buy_is_said() {
    let mut series = of((0..600).map(|at| 20.0 + f64::from(at) * 0.2), 60.0);
    series.limits = vec![140.0 * MIB; 600];
    let size = size(&series, &Asked { killed: true, ..limited(140.0) });
    assert_eq!(size.shape.kind, Kind::Leak, "{:?}", size.shape);
    assert_eq!(size.limit, None);
    let because = size.blocked_because.unwrap();
    assert!(because.contains("leak") && because.contains("longer"), "{because}");
}

#[test]
fn a_raise_that_did_not_help_is_told() {
    let mut series = of((0..60).chain(0..240).map(|at| f64::from(at) * 4.0 + 10.0), 10.0);
    series.limits = vec![256.0 * MIB; 60].into_iter().chain(vec![970.0 * MIB; 240]).collect();
    series.ends = vec![End { after: 60, killed: true }, End { after: 300, killed: true }];
    let size = size(&series, &Asked::default());
    let says = size.says.join("\n");
    assert!(
        says.contains("raised 256 MiB → 970 MiB, lived 30 min longer, died at the limit again"),
        "{says}"
    );
}

#[test]
fn the_four_cases_in_which_nothing_is_capped() {
    let few = size(&of([1.0, 2.0], 60.0), &Asked::default());
    assert!(
        few.limit.is_none() && few.blocked_because.unwrap().contains("not measured: 2 samples")
    );
    let alone = size(&steady(200.0), &Asked { alone: true, ..Asked::default() });
    assert!(alone.limit.is_none() && alone.blocked_because.unwrap().contains("single tenant"));
    let model = size(&steady(600.0), &Asked { cap: Some(512.0 * MIB), ..Asked::default() });
    let because = model.blocked_because.unwrap();
    assert!(model.limit.is_none() && because.contains("bigger than the cap"), "{because}");
    let batch =
        (0..600).map(|at| if (300..303).contains(&at) { 400.0 } else { 20.0 + f64::from(at % 3) });
    let batch = size(&of(batch, 10.0), &Asked::default());
    let because = batch.blocked_because.unwrap_or_default();
    assert!(
        batch.limit.is_none() && because.contains("spiky batch"),
        "{:?} {because}",
        batch.shape
    );
}

#[test]
fn from_seconds_of_growth_and_a_handful_of_samples_nothing_is_advised() {
    let climb = || of((0..40).map(|at| 7.0 + f64::from(at) * 0.1), 1.0);
    let early = size(&climb(), &Asked::default());
    let because = early.blocked_because.unwrap();
    assert!(because.contains("within 39 s it grew from 7 MiB to 10.9 MiB, and still"), "{because}");
    // After a kill there is a limit that is known to be too small.
    let killed = size(&climb(), &Asked { killed: true, ..limited(11.0) });
    assert!(!killed.blocked_because.unwrap_or_default().contains("too early"));
    let few = size(&of([5.0; 7], 60.0), &Asked::default());
    assert!(few.blocked_because.unwrap().contains("not measured: 7 samples tell nothing"));
    assert!(size(&of([5.0; 7], 600.0), &Asked::default()).limit.is_some());
}

#[test]
fn of_nothing_and_of_zeros_no_number_is_made() {
    assert_eq!(size(&of([], 60.0), &Asked::default()).limit, None);
    let zeros = size(&of(vec![0.0; 50], 60.0), &Asked::default());
    assert_eq!((zeros.limit, zeros.steps.len()), (None, 0));
}

#[test]
fn a_short_watch_states_no_chance() {
    let short = size(&of((0..120).map(|at| 50.0 + f64::from(at % 5)), 1.0), &Asked::default());
    assert!(short.risk.is_empty());
    assert!(short.says.iter().any(|says| says.contains("too short to state a chance")));
}

#[test]
fn after_a_kill_the_chance_is_that_of_a_kill_again() {
    let mut series = steady(200.0);
    series.limits = vec![206.0 * MIB; 288];
    let asked = Asked { killed: true, runtime: Runtime::Fits, ..limited(206.0) };
    let size = size(&series, &asked);
    let at = |limit: f64| size.risk.iter().find(|risk| risk.limit_bytes == limit).unwrap();
    assert!(at(206.0 * MIB).oom_per_day > 0.9, "{:?}", size.risk);
    // The sum says that nine of ten stay below what it asks for.
    let chance = at(size.limit.unwrap()).oom_per_day;
    assert!((0.05..=0.1).contains(&chance), "{chance}");
    let last = size.risk.last().unwrap();
    assert!(last.oom_per_day <= 0.01 && last.limit_bytes > 2.0 * 206.0 * MIB, "{last:?}");
}

#[test]
fn a_kill_that_a_day_under_a_larger_limit_outlived_says_nothing_more() {
    let two_days = |killed_late: bool| {
        let mut series = of((0..576).map(|at| 200.0 + f64::from((at * 7) % 11)), 300.0);
        series.limits = (0..576).map(|at| if at < 100 { 211.0 } else { 512.0 } * MIB).collect();
        series.ends = vec![End { after: 100, killed: true }];
        if killed_late {
            series.ends.push(End { after: 200, killed: true });
        }
        size(&series, &Asked::default())
    };
    let outlived = two_days(false);
    assert!(outlived.limit.unwrap() < 260.0 * MIB, "{:?}", outlived.steps);
    assert!(two_days(true).censored);
    // The first kill is outlived only from the second on.
    let mut short = of((0..300).map(|at| 200.0 + f64::from(at % 11)), 300.0);
    short.limits = (0..300).map(|at| if at < 100 { 211.0 } else { 512.0 } * MIB).collect();
    short.ends = vec![End { after: 100, killed: true }];
    assert!(size(&short, &Asked::default()).limit.unwrap() >= 1.4 * 211.0 * MIB);
}

#[test]
fn a_limit_below_what_was_held_was_not_in_effect_and_is_not_kept() {
    let size = size(&steady(200.0), &limited(100.0));
    assert!(!size.censored && size.limit.unwrap() > 205.0 * MIB, "{:?}", size.steps);
    let says = size.says.join("\n");
    assert!(says.contains("288 samples lie above the limit of 100 MiB, up to 205 MiB"), "{says}");
}

#[test]
fn a_larger_limit_that_is_full_again_is_told_of_a_life_that_has_not_ended() {
    let mut series = of((0..60).chain(0..300).map(|at| f64::from(at) * 4.0 + 10.0), 10.0);
    series.limits = vec![250.0 * MIB; 60].into_iter().chain(vec![1210.0 * MIB; 300]).collect();
    series.ends = vec![End { after: 60, killed: true }];
    let size = size(&series, &Asked::default());
    let says = size.says.join("\n");
    assert!(says.contains("lived 40 min longer, and has filled the limit again"), "{says}");
    let because = size.blocked_because.unwrap();
    assert!(because.contains("2.4 GiB instead of 1.2 GiB would last"), "{because}");
}

proptest! {
    #[test]
    fn never_below_a_peak_that_was_seen_and_the_steps_add_up(
        values in prop::collection::vec(1.0f64..4000.0, 8..400), step in 10.0f64..7200.0
    ) {
        let series = of(values, step);
        let size = size(&series, &Asked::default());
        if let Some(limit) = size.limit {
            prop_assert!(limit >= series.peak().unwrap().used);
            let all: f64 = size.steps.iter().map(|step| step.bytes).sum();
            prop_assert!((all - limit).abs() < 2.0);
            prop_assert!(limit % MIB == 0.0);
        }
        prop_assert!(size.risk.windows(2).all(|pair| pair[1].oom_per_day <= pair[0].oom_per_day + 1e-12));
        prop_assert!(size.risk.iter().all(|risk| (0.0..=1.0).contains(&risk.oom_per_day)));
    }

    #[test]
    fn a_container_that_takes_more_never_gets_less(
        values in prop::collection::vec(10.0f64..1000.0, 40..300), factor in 1.0f64..4.0, higher in 1.0f64..500.0
    ) {
        let wanted = |series: &Series| {
            let steps = size(series, &Asked::default()).steps;
            steps.iter().map(|step| step.bytes).sum::<f64>()
        };
        let plain = of(values.clone(), 900.0);
        let scaled = of(values.iter().map(|value| value * factor), 900.0);
        prop_assert!(wanted(&scaled) >= wanted(&plain) - MIB);
        let peak = values.iter().copied().fold(0.0, f64::max);
        // The highest sample higher; another hour would also be more that is known, and less room for that.
        let mut raised = values.clone();
        if let Some(top) = raised.iter_mut().find(|value| **value == peak) {
            *top = peak + higher;
        }
        let kept = size(&of(raised.clone(), 900.0), &Asked::default()).shape.kind != Kind::Leak;
        if kept && size(&plain, &Asked::default()).shape.kind != Kind::Leak {
            prop_assert!(wanted(&of(raised, 900.0)) >= wanted(&plain));
        }
    }

    #[test]
    fn percent_and_bytes_are_sized_alike(values in prop::collection::vec(1.0f64..90.0, 30..200)) {
        let mut series = of(values.clone(), 900.0);
        let in_bytes = size(&series, &Asked::default());
        series.unit = Unit::Percent;
        series.points.iter_mut().zip(&values).for_each(|(point, value)| point.used = *value);
        let in_percent = size(&series, &Asked::default());
        // What is large against a limit is told by it, and percent bring one of their own.
        let grows = in_bytes.shape.leak.is_some() || in_percent.shape.leak.is_some();
        if let (Some(bytes), Some(percent), false) = (in_bytes.limit, in_percent.limit, grows) {
            prop_assert!(mib(bytes) + 1e-6 >= percent && mib(bytes) <= percent + 1.01, "{} {}", mib(bytes), percent);
        }
    }
}
