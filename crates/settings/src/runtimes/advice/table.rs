//! Advice that is followed fits: every runtime, many versions, limits and layouts.

use super::*;
use crate::runtimes::{Cpus, Layout, mib};

const VERSIONS: [(Runtime, &[&str]); 8] = [
    (
        Runtime::Node,
        &["12.4", "12.22", "14.21", "18.20", "20.2", "20.20", "22.23", "24.21", "26.10"],
    ),
    (Runtime::Deno, &["2.3.7", "2.9.6"]),
    (Runtime::Go, &["1.19.13", "1.25.5"]),
    (Runtime::DotNet, &["3.1.23", "6", "10"]),
    (Runtime::Php, &["8.2"]),
    (Runtime::Postgres, &["13", "15", "17"]),
    (Runtime::Redis, &["7.0"]),
    (Runtime::MariaDb, &["10.11"]),
];

const LAYOUTS: [Layout; 8] = [
    Layout::ContainerV1,
    Layout::ContainerV2,
    Layout::ServiceV1,
    Layout::ServiceV2,
    Layout::ParentV1,
    Layout::ParentV2,
    Layout::HiddenParentV1,
    Layout::HiddenParentV2,
];

fn views(limit: u64) -> impl Iterator<Item = View> {
    let cpus = Cpus { online: 8, affinity: 8, quota: Some(2000) };
    LAYOUTS
        .into_iter()
        .map(move |layout| View::imagined(layout, Some(mib(limit)), mib(64_000), cpus))
}

#[test]
fn what_follows_the_advice_fits_wherever_the_limit_stands() {
    for (runtime, versions) in VERSIONS {
        for version in versions.iter().filter_map(|text| Version::parse(text)) {
            for limit in [96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 16_384] {
                for view in views(limit) {
                    let (told, room) = (Told::default(), Room::of(mib(limit)));
                    let advice = runtime.advises(&version, &view, &told, &room);
                    if advice.cannot.is_some() {
                        assert!(limit <= 256, "{runtime} {version} {limit}: {advice:?}");
                        continue;
                    }
                    let (belief, fits) = advice.outcome(runtime, &version, &view, &told, &room);
                    assert_eq!(belief.refuses, None, "{runtime} {version} {limit}");
                    let small = runtime == Runtime::DotNet && limit < 256
                        || runtime == Runtime::Deno && limit < 192
                        || runtime == Runtime::Node && limit < 192;
                    assert!(
                        fits == Fits::Fits || small && fits == Fits::Tight,
                        "{runtime} {version} {limit} {view:?}: {fits:?} {advice:?} {belief:?}"
                    );
                }
            }
        }
    }
}

fn asked(runtime: Runtime, version: &str, limit: u64, room: impl Fn(Room) -> Room) -> Advice {
    let view = views(limit).next().unwrap();
    let version = Version::parse(version).unwrap();
    runtime.advises(&version, &view, &Told::default(), &room(Room::of(mib(limit))))
}

/// What real programs showed (`cargo xtask rescue`): 96 MiB of 160 ended by V8's own error with 55 MiB free.
#[test]
fn a_heap_gets_what_was_measured_not_to_be_used_outside_of_it() {
    let old = |outside: Option<u64>| {
        let room = |room| Room { outside: outside.map(mib), ..room };
        asked(Runtime::Node, "22.23.3", 160, room).settings[0].value.clone()
    };
    assert_eq!(old(None), "--max-old-space-size=96");
    assert_eq!(old(Some(12)), "--max-old-space-size=110");
    // More than usual: less for the heap.
    assert_eq!(old(Some(60)), "--max-old-space-size=84");
}

/// Buffers that took 183 to 223 of 256 MiB went on to fill the limit, whatever the heap had.
#[test]
fn buffers_that_leave_no_heap_worth_its_name_are_not_saved_by_a_flag() {
    for (outside, is_hopeless) in [(92, false), (150, false), (183, true), (223, true)] {
        let room = |room| Room { outside: Some(mib(outside)), ..room };
        let found = asked(Runtime::Node, "22.23.3", 256, room);
        assert_eq!(found.cannot.is_some(), is_hopeless, "{outside}: {found:?}");
        assert_eq!(found.settings.is_empty(), is_hopeless);
    }
}

/// A full cache that took new keys while it was saved had 146 of its 153 MiB twice.
#[test]
fn a_store_that_saves_has_room_for_all_its_data_twice() {
    for limit in [128, 256, 1024] {
        let found = asked(Runtime::Redis, "7.0.15", limit, |room| room);
        let bound = found.settings[0].value.trim_end_matches("mb").parse::<u64>().unwrap();
        assert!(bound * 2 < limit, "{bound} of {limit}");
    }
}

/// 256 MiB of freed memory in sixteen arenas became 44 in two.
#[test]
fn what_arenas_can_hold_is_not_called_hopeless() {
    let found = asked(Runtime::Python, "3.11", 256, |room| room);
    assert_eq!((found.cannot.clone(), found.settings[0].value.as_str()), (None, "2"));
    assert!(found.unbounded.is_some());
    let told = found.applied(&Told::default());
    let view = views(256).next().unwrap();
    let version = Version::parse("3.11").unwrap();
    let again = Runtime::Python.advises(&version, &view, &told, &Room::of(mib(256)));
    assert!(again.cannot.is_some() && again.settings.is_empty(), "{again:?}");
}
