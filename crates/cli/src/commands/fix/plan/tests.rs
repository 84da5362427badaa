//! What is wanted, by size, gates and a limit chosen by hand.

use sizing::shape::Kind;
use sizing::{End, Point, Series};

use super::*;

fn mib(count: u64) -> Bytes {
    Bytes(count << 20)
}

/// A look a second.
fn series(seconds: u32, at: impl Fn(f64) -> f64, killed_after: &[usize]) -> Series {
    let mut series = Series::named("api", Unit::Bytes);
    series.points = (0..seconds)
        .map(|second| Point { at: f64::from(second), used: at(f64::from(second)) * MIB })
        .collect();
    series.limits = vec![64.0 * MIB; series.points.len()];
    series.ends = killed_after.iter().map(|after| End { after: *after, killed: true }).collect();
    series
}

fn held(peak: f64) -> Watched {
    Watched { peak_mem_bytes: Some(peak * MIB), ..Watched::default() }
}

fn size_of(series: &Series) -> Size {
    sizing::size::size(series, &Asked { limit: Some(64.0 * MIB), ..Asked::default() })
}

#[test]
fn a_level_that_met_its_limit_is_raised_beyond_it() {
    let size = size_of(&series(60, |_| 63.9, &[60]));
    match want(&size, Some(mib(64)), None, &held(63.9)) {
        Want::Limit(limit) => assert!(limit > mib(80), "{limit}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_leak_is_raised_neither_by_its_size_nor_by_hand() {
    let leak = series(3600, |second| 10.0 + second * 0.0145, &[]);
    let size = size_of(&leak);
    assert_eq!(size.shape.kind, Kind::Leak);
    for asked in [None, Some(mib(256))] {
        match want(&size, Some(mib(64)), asked, &held(62.0)) {
            Want::Blocked(because) => {
                assert!(because.contains("leak"), "{because}");
                // 64 MiB at 0.0145 MiB a second.
                let twice = "128 MiB instead of 64 MiB would last";
                assert_eq!(because.matches(twice).count(), 1, "{because}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_runtime_that_does_not_fit_is_told_its_ceiling_before_any_raise() {
    assert_eq!(want_unfit(None, None), Want::Settings);
    assert_eq!(want_unfit(None, Some(mib(128))), Want::Limit(mib(128)));
    let cannot = || Some("no setting helps".to_owned());
    assert_eq!(want_unfit(cannot(), None), Want::Blocked("no setting helps".to_owned()));
    // In another limit it is asked again.
    assert_eq!(want_unfit(cannot(), Some(mib(128))), Want::Limit(mib(128)));
}

#[test]
fn enough_is_left_alone_and_a_limit_below_what_it_held_is_refused() {
    let size = size_of(&series(60, |_| 20.0, &[]));
    let now = Some(mib(64));
    assert!(matches!(want(&size, now, None, &held(20.0)), Want::Nothing(_)));
    assert!(matches!(want(&size, now, Some(mib(64)), &held(20.0)), Want::Nothing(_)));
    let refused = want(&size, now, Some(mib(16)), &held(20.0));
    assert!(matches!(refused, Want::Blocked(because) if because.contains("would kill it")));
    assert_eq!(want(&size, now, Some(mib(32)), &held(20.0)), Want::Limit(mib(32)));
}

#[test]
fn what_still_grows_is_not_called_enough() {
    let size = size_of(&series(60, |_| 20.0, &[]));
    let growth = |left_s| Some(Growth { per_s: 1e5, left_s, is_leak: false });
    let grows = Watched { growth: growth(600.0), ..held(20.0) };
    match want(&size, Some(mib(64)), None, &grows) {
        Want::Blocked(because) => assert!(because.starts_with("too early"), "{because}"),
        other => panic!("{other:?}"),
    }
    let far = Watched { growth: growth(1e6), ..held(20.0) };
    assert!(matches!(want(&size, Some(mib(64)), None, &far), Want::Nothing(_)));
}

#[test]
fn a_death_alone_leads_to_a_trial_and_never_to_less() {
    assert_eq!(want_trial(mib(64), None), Want::Limit(mib(128)));
    assert_eq!(want_trial(mib(64), Some(mib(96))), Want::Limit(mib(96)));
    assert!(matches!(want_trial(mib(64), Some(mib(64))), Want::Blocked(_)));
}

fn target(memory: u64, memory_swap: i64) -> Target {
    Target {
        daemon: change::Daemon::Podman(PathBuf::from("podman")),
        id: "1".to_owned(),
        name: "api".to_owned(),
        now: change::Settings { policy: "no".to_owned(), memory, memory_swap },
        made: None,
    }
}

#[test]
fn swap_beside_the_limit_stays_what_it_is() {
    let plan = |old| Plan {
        limit: Some((old, mib(96))),
        settings: Vec::new(),
        way: Way::InPlace,
        notes: Vec::new(),
    };
    let swap = |had: i64| plan(Some(mib(64))).swap(&target(64 << 20, had));
    assert_eq!(swap(64 << 20), Some(96 << 20), "none stays none");
    assert_eq!(swap(128 << 20), Some(160 << 20));
    assert_eq!(swap(-1), Some(-1), "without a limit");
    assert_eq!(plan(None).swap(&target(0, 0)), Some(0), "not set");
}

#[test]
fn what_is_made_anew_by_hand_is_told_its_swap() {
    let lines = |memory: u64, both| by_hand(&target(memory << 20, both), None).join("\n");
    assert!(lines(64, 64 << 20).contains("it has no swap beside its limit"));
    assert!(lines(64, 96 << 20).contains("it has 32 MiB of swap beside its limit"));
    assert!(!lines(64, -1).contains("swap") && !lines(0, 0).contains("swap"));
}
