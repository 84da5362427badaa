//! What to tell a runtime whose version nobody knows for certain: settings that every version takes, and that
//! leave room in each.
//!
//! No sum of its own: the advice for each of the versions below is tried on all of them, and the best of what
//! none refuses is given. A version that is only likely (an image's variable) says which of them has to have
//! room; that none refuses to start counts for all.

use super::{Advice, Room, heaps};
use crate::runtimes::{Fits, Runtime, Told, Version, View};

/// Versions between which a runtime changed what it takes or believes.
fn versions(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Node => &[
            "12.22.12", "14.21.3", "16.20.2", "18.20.8", "20.2.0", "20.20.2", "22.12.0", "22.23.3",
            "24.21.0", "26.10.0",
        ],
        Runtime::Java => &["8u181", "8u504", "11.0.13", "11.0.24", "17.0.15", "21.0.8", "25.0.3"],
        Runtime::Go => &["1.19.13", "1.25.5"],
        Runtime::Deno => &["2.3.7", "2.9.6"],
        Runtime::DotNet => &["3.1.23", "6.0.36", "8.0.11", "10.0.9"],
        Runtime::Python => &["3.8.20", "3.12.8", "3.14.0"],
        Runtime::Php => &["8.2.0"],
        Runtime::Postgres => &["13.0", "17.0"],
        Runtime::Ruby => &["3.3.0"],
        Runtime::Beam => &["27.0"],
        Runtime::Bun => &["1.4.5"],
        Runtime::Nginx => &["1.26.0"],
        Runtime::Redis => &["7.0.0"],
        Runtime::MariaDb => &["10.11.0"],
    }
}

impl Runtime {
    /// What to tell it, whichever version it is; `likely` is what is said of it, without proof. The version is
    /// the one that the settings are reckoned for; `None`: what one takes another refuses.
    #[must_use]
    pub fn advises_any(
        self,
        likely: Option<&Version>,
        view: &View,
        told: &Told,
        room: &Room,
    ) -> Option<(Version, Advice)> {
        let all: Vec<Version> =
            versions(self).iter().filter_map(|text| Version::parse(text)).collect();
        let has_room: &[Version] = likely.map_or(&all, std::slice::from_ref);
        let mut found: Vec<(Version, Advice)> = Vec::new();
        for version in has_room.iter().chain(&all) {
            let advice = match self {
                Self::Node => heaps::node_with(version, view, told, room, false),
                _ => self.advises(version, view, told, room),
            };
            if found.iter().all(|(_, other)| other.settings != advice.settings) {
                found.push((version.clone(), advice));
            }
        }
        let starts = |advice: &Advice| {
            let told = advice.applied(told);
            all.iter().all(|version| self.believes(version, view, &told).refuses.is_none())
        };
        // What is refused without any advice is not the advice's fault.
        if starts(&Advice::default()) {
            found.retain(|(_, advice)| starts(advice));
        }
        let worth = |advice: &Advice| {
            let outcomes =
                has_room.iter().map(|version| advice.outcome(self, version, view, told, room));
            let (mut fits, mut least) = (2, u64::MAX);
            for (belief, outcome) in outcomes {
                fits = fits.min(rank(outcome));
                least = least.min(belief.ceiling.map_or(0, |ceiling| ceiling.0));
            }
            // Where there is room the most is best, where there is none the least.
            (advice.cannot.is_none(), fits, if fits == 2 { least } else { u64::MAX - least })
        };
        found.into_iter().max_by_key(|(_, advice)| worth(advice))
    }
}

fn rank(fits: Fits) -> u8 {
    match fits {
        Fits::Fits | Fits::Unlimited => 2,
        Fits::Tight | Fits::Unknown => 1,
        Fits::CannotFit => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Layout, mib};

    const LAYOUTS: [Layout; 4] =
        [Layout::ContainerV1, Layout::ContainerV2, Layout::ServiceV1, Layout::ParentV2];

    fn view(layout: Layout, limit: u64) -> View {
        let cpus = Cpus { online: 8, affinity: 8, quota: None };
        View::imagined(layout, Some(mib(limit)), mib(64_000), cpus)
    }

    #[test]
    fn every_version_starts_with_it_and_has_room() {
        for runtime in [Runtime::Node, Runtime::Java, Runtime::Go, Runtime::Deno, Runtime::DotNet] {
            for limit in [192, 256, 384, 512, 1024, 4096] {
                for layout in LAYOUTS {
                    let (view, told, room) =
                        (view(layout, limit), Told::default(), Room::of(mib(limit)));
                    let (_, advice) = runtime.advises_any(None, &view, &told, &room).unwrap();
                    assert!(!advice.settings.is_empty(), "{runtime} {limit} {layout:?}");
                    for version in versions(runtime).iter().filter_map(|text| Version::parse(text))
                    {
                        let (belief, fits) = advice.outcome(runtime, &version, &view, &told, &room);
                        assert_eq!(belief.refuses, None, "{runtime} {version} {limit}");
                        let what = format!("{runtime} {version} {limit} {layout:?}: {advice:?}");
                        // Blind to a parent's limit, Node 24 takes 192 MiB for young objects unless a flag
                        // says less, which Node 16 refuses.
                        let is_blind = runtime == Runtime::Node && layout == Layout::ParentV2;
                        let is_blind = is_blind && limit < 384;
                        assert!(fits != Fits::CannotFit || is_blind, "{what}");
                        let is_small = limit <= 512 && runtime == Runtime::Java || limit < 256;
                        assert!(fits == Fits::Fits || is_small || is_blind, "{fits:?} {what}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_flag_that_an_old_version_refuses_is_not_told_to_a_likely_one() {
        // Blind to the limit of a hidden parent, Node 18 gets a flag that Node 16 refuses.
        let view = view(Layout::HiddenParentV2, 512);
        let (told, room) = (Told::default(), Room::of(mib(512)));
        let version = Version::parse("18.20.8").unwrap();
        let certain = Runtime::Node.advises(&version, &view, &told, &room);
        assert!(certain.settings[0].value.contains("semi"), "{certain:?}");
        let (_, likely) = Runtime::Node.advises_any(Some(&version), &view, &told, &room).unwrap();
        assert!(!likely.settings[0].value.contains("semi"), "{likely:?}");
        let (_, fits) = likely.outcome(Runtime::Node, &version, &view, &told, &room);
        assert_eq!(fits, Fits::Fits);
    }

    #[test]
    fn what_is_refused_anyway_is_no_reason_to_say_nothing() {
        let view = view(Layout::ContainerV2, 512);
        let bad = ("NODE_OPTIONS".to_owned(), "--max-heap-size=64".to_owned());
        let told = Told { environment: vec![bad], ..Told::default() };
        let found = Runtime::Node.advises_any(None, &view, &told, &Room::of(mib(512)));
        let (_, advice) = found.unwrap();
        assert!(!advice.settings.is_empty());
    }
}
