//! The bar for leaks: on the days recorded in the lab, on days made from seeds, and on damaged ones.
//!
//! lab/series belongs to this repository, so its absence is a failure, not a reason to pass.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests say what they found by failing"
)]

#[path = "shape/made.rs"]
mod made;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use made::{EXTRAS, Extra, Loses, day};
use proptest::prelude::*;
use sizing::shape::{self, Kind};
use sizing::table::{self, Wanted};
use sizing::{Point, Series, Unit};

/// What is known of a recorded day.
struct Truth {
    /// Percent of the limit in an hour, and the hour in which it begins.
    leak: Option<(f64, f64)>,
    series: Series,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lab/series")
}

fn recorded() -> Vec<Truth> {
    let truth = std::fs::read_to_string(folder().join("truth.csv")).expect("lab/series/truth.csv");
    let leak = |line: &str| {
        let (before, after) = line.split_once('"').unwrap();
        let fields: Vec<&str> = before.split(',').collect();
        let from = after.split_once("\",").unwrap().1.split(',').nth(3).unwrap();
        (fields[1] == "leak").then(|| (fields[2].parse().unwrap(), from.parse().unwrap()))
    };
    let mut found = Vec::new();
    for runtime in ["go", "java", "node", "python"] {
        let path = folder().join(format!("{runtime}.csv.gz"));
        let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(File::open(&path)?)) };
        let wanted = Wanted { column: Some("mem_bytes".to_owned()), ..Wanted::default() };
        table::read(&open, &wanted, &mut |series| {
            let is = |line: &&str| line.split(',').next() == Some(&series.name);
            let line = truth.lines().find(is).ok_or("not in truth.csv")?;
            found.push(Truth { leak: leak(line), series });
            Ok(())
        })
        .unwrap();
    }
    found
}

fn after(series: &Series, hours: f64) -> Series {
    let mut cut = series.clone();
    cut.cut(series.points[0].at + hours * 3600.0);
    cut
}

fn is_leak(series: &Series) -> bool {
    shape::of(series, None).kind == Kind::Leak
}

/// How fast the memory itself rose within six hours of the leak, in percent of the limit in an hour: the median of the
/// slopes between the least of each half hour. A heap that has room does not grow by what it loses.
fn measured(truth: &Truth) -> Option<f64> {
    let (_, from) = truth.leak?;
    let mut floors: Vec<(u64, f64, f64)> = Vec::new();
    for point in &truth.series.points {
        let hour = point.at / 3600.0 - from;
        if !(0.5..6.0).contains(&hour) {
            continue;
        }
        let block = (point.at / 1800.0) as u64;
        match floors.last_mut().filter(|last| last.0 == block) {
            Some(last) if point.used < last.2 => *last = (block, point.at, point.used),
            Some(_) => {}
            None => floors.push((block, point.at, point.used)),
        }
    }
    let mut slopes: Vec<f64> = Vec::new();
    for (at, one) in floors.iter().enumerate() {
        slopes.extend(floors[at + 1..].iter().map(|two| (two.2 - one.2) / (two.1 - one.1)));
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.get(slopes.len() / 2)?;
    Some(middle * 3600.0 * 100.0 / truth.series.limit()?)
}

#[test]
fn the_bar_for_leaks_holds_on_the_recorded_days() {
    let days = recorded();
    let (mut leaks, mut seen, mut missed, mut found) = (0, 0, Vec::new(), 0);
    let (mut free, mut alarms, mut early) = (0, Vec::new(), Vec::new());
    for day in &days {
        match day.leak {
            Some((rate, from)) if rate >= 0.5 => {
                leaks += 1;
                let is_seen = measured(day).is_none_or(|rate| rate >= 0.5);
                seen += usize::from(is_seen);
                if is_leak(&after(&day.series, from + 6.0)) {
                    found += 1;
                } else if is_seen {
                    missed.push(&day.series.name);
                }
            }
            Some(_) => {}
            None => {
                free += 1;
                if is_leak(&day.series) {
                    alarms.push(&day.series.name);
                }
                if is_leak(&after(&day.series, 2.0)) {
                    early.push(&day.series.name);
                }
            }
        }
    }
    assert!(leaks >= 40 && free >= 80, "{leaks} leaks, {free} without");
    assert!(missed.len() * 20 <= seen, "of {seen} missed: {missed:?}");
    // Of all of them, also of those whose memory had not grown yet.
    assert!(found * 100 >= leaks * 92, "{found} of {leaks}");
    assert!(alarms.len() * 50 <= free, "of {free} days, at their end: {alarms:?}");
    assert!(early.len() * 100 <= free, "of {free} days, after two hours: {early:?}");
}

#[test]
fn days_made_from_seeds_are_told_apart() {
    let (mut alarms, mut early, mut all) = (Vec::new(), 0, 0);
    // What goes on growing for the whole day is not counted: nobody can tell.
    for extra in EXTRAS.into_iter().filter(|extra| *extra != Extra::SlowCache) {
        for seed in 0..12 {
            let made = day(9000 + seed, extra, None, seed % 2 == 0);
            all += 1;
            early += usize::from(is_leak(&after(&made, 2.0)));
            if is_leak(&made) {
                alarms.push(made.name);
            }
        }
    }
    assert!(alarms.len() * 50 <= all && early * 100 <= all, "of {all}: {alarms:?}, early {early}");
    let mut found = 0;
    for seed in 0..40 {
        let per_hour = [0.02, 0.05, 0.1][seed as usize % 3];
        let loses = Loses { per_hour, from: (seed % 2) as f64 * 3.0, by_request: seed % 4 == 0 };
        let made = day(9500 + seed, Extra::Nothing, Some(loses), true);
        found += usize::from(is_leak(&after(&made, loses.from + 6.0)));
    }
    assert!(found >= 37, "{found} of 40");
}

#[test]
fn a_fast_leak_is_told_long_before_it_is_full() {
    for seed in 0..10 {
        let loses = Loses { per_hour: 0.3, from: 0.0, by_request: false };
        let made = day(9700 + seed, Extra::Nothing, Some(loses), false);
        assert!(is_leak(&made), "{}", made.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_samples_get_a_shape_that_holds_together(
        values in prop::collection::vec((0.0_f64..1e12, 0.0_f64..4000.0), 0..200),
        limit in prop::option::of(0.0_f64..1e12),
        asks in any::<bool>(),
    ) {
        let mut series = Series::named("any", Unit::Bytes);
        let mut at = 0.0;
        for (used, step) in &values {
            at += step + 0.001;
            series.points.push(Point { at, used: *used });
            if asks {
                series.requests.push(at * step);
            }
        }
        let shape = shape::of(&series, limit);
        prop_assert_eq!(shape.samples, values.len());
        prop_assert!(!shape.says.is_empty());
        prop_assert!(shape.kind != Kind::Leak || shape.leak.is_some());
        for finding in &shape.says {
            prop_assert!(finding.from_seconds <= finding.to_seconds);
            prop_assert!(finding.samples <= shape.samples);
        }
        if let Some(leak) = shape.leak {
            prop_assert!(leak.per_second.low <= leak.per_second.middle);
            prop_assert!(leak.per_second.middle <= leak.per_second.high);
            prop_assert!(leak.per_second.middle > 0.0);
        }
    }

    #[test]
    fn what_falls_is_no_leak(start in 500.0_f64..900.0, rate in 0.0_f64..0.4, rough in 0.0_f64..20.0) {
        let mut series = Series::named("falls", Unit::Bytes);
        for at in 0..720_u32 {
            let noise = f64::from((at * at * 7 + at * 13) % 41) / 40.0;
            let used = (start - rate * f64::from(at) + rough * noise).max(0.0);
            series.points.push(Point { at: f64::from(at) * 60.0, used });
        }
        prop_assert!(shape::of(&series, Some(1000.0)).kind != Kind::Leak);
    }
}
