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
