//! Bun: it knows its limit and has no ceiling.
//!
//! # Recognised by
//! The address of its own releases in the executable's constants, with the version
//! (`oven-sh/bun/releases/download/bun-vX.Y.Z`); a program that Bun compiled carries them too.
//!
//! # Settings, the later the stronger
//! None bounds its heap. `--max-old-space-size` is accepted and ignored; `NODE_OPTIONS` is not read; `--smol`,
//! `BUN_JSC_forceRAMSize` and `BUN_JSC_gcMaxHeapSize` only make it collect earlier.
//!
//! # Its default
//! The limit of its cgroup is a hint to JavaScriptCore's collector, no ceiling: whatever is set, a heap that
//! grows is killed at the limit. Processors: up to 1.3.0 what it may run on; 1.3.14 takes the quota, rounded
//! up (not measured in between); 1.4 rounds it down. On both cgroup versions.
//!
//! # Outside its ceiling
//! It has none, so everything.
//!
//! # What to set
//! Nothing in Bun; a limit above the largest heap that was seen.

use super::{Belief, Told, Version, View};

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let mut remarks = Vec::new();
    if told.arguments.iter().any(|word| word.replace('_', "-").starts_with("--max-old-space-size"))
    {
        remarks.push("--max-old-space-size is accepted and ignored by Bun".to_owned());
    }
    if told.variable("NODE_OPTIONS").is_some() {
        remarks.push("NODE_OPTIONS is not read by Bun".to_owned());
    }
    for name in ["BUN_JSC_forceRAMSize", "BUN_JSC_gcMaxHeapSize"] {
        if told.variable(name).is_some() {
            remarks.push(format!("{name} is a hint to the collector, no ceiling"));
        }
    }
    Belief {
        from: "nothing bounds its heap; the limit is a hint to its collector".to_owned(),
        cpus: cpus(version, view),
        remarks,
        ..Belief::default()
    }
}

fn cpus(version: &Version, view: &View) -> Option<u32> {
    let cpus = view.cpus;
    let quota = if version.is_at_least(&[1, 4]) {
        cpus.quota_down()
    } else if version.is_at_least(&[1, 3, 14]) {
        cpus.quota_up()
    } else if version.is_at_least(&[1, 3, 1]) {
        // Somewhere here it began: without a quota it makes no difference.
        cpus.quota.is_none().then_some(cpus.affinity)?.into()
    } else {
        None
    };
    Some(quota.map_or(cpus.affinity, |quota| quota.min(cpus.affinity)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(version: &str, layout: Layout, quota: u32, told: &Told) -> Belief {
        let cpus = Cpus { online: 4, affinity: 4, quota: Some(quota) };
        let view = View::imagined(layout, Some(mib(128)), mib(4808), cpus);
        believes(&Version::parse(version).unwrap(), &view, told)
    }

    /// Killed at 128 MiB with each of these: 1.1.45, 1.3.14 and 1.4.5.
    #[test]
    fn no_setting_that_was_measured_bounds_its_heap() {
        let told = |words: &[&str], name: &str| Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: vec![(name.to_owned(), "1".to_owned())],
            ..Told::default()
        };
        for version in ["1.1.45", "1.3.14", "1.4.5"] {
            for told in [
                told(&["--max-old-space-size=64"], "X"),
                told(&[], "NODE_OPTIONS"),
                told(&["--smol"], "BUN_JSC_gcMaxHeapSize"),
            ] {
                let found = belief(version, Layout::ContainerV2, 4000, &told);
                assert_eq!(found.ceiling, None);
                assert_eq!(found.remarks.len(), 1);
                assert_eq!(found.fits(Some(mib(128)), 1), Fits::Unknown);
            }
        }
    }

    /// `os.availableParallelism()`: of four processors on v2, of two on v1.
    #[test]
    fn processors_are_those_that_were_measured() {
        for (version, quota, expected) in
            [("1.1.45", 2500, 4), ("1.3.14", 2500, 3), ("1.4.5", 2500, 2), ("1.3.14", 500, 1)]
        {
            let found = belief(version, Layout::ContainerV2, quota, &Told::default());
            assert_eq!(found.cpus, Some(expected), "bun {version}");
        }
        let two = |version: &str, quota| {
            let cpus = Cpus { online: 2, affinity: 2, quota: Some(quota) };
            let view = View::imagined(Layout::ServiceV1, Some(mib(256)), mib(24_000), cpus);
            believes(&Version::parse(version).unwrap(), &view, &Told::default()).cpus
        };
        for (version, half, more) in [
            ("1.1.45", 2, 2),
            ("1.2.23", 2, 2),
            ("1.3.0", 2, 2),
            ("1.3.14", 1, 2),
            ("1.4.0", 1, 1),
            ("1.4.5", 1, 1),
        ] {
            assert_eq!(
                (two(version, 500), two(version, 1500)),
                (Some(half), Some(more)),
                "{version}"
            );
        }
        assert_eq!(two("1.3.5", 500), None);
    }
}
