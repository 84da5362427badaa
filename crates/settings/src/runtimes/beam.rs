//! The BEAM (Erlang, Elixir): no ceiling at all.
//!
//! # Recognised by
//! An executable `beam.smp` in a folder `erts-X.Y.Z`; the release is in `releases/N/OTP_VERSION` beside it, or
//! X + 12.
//!
//! # Settings, the later the stronger
//! `ERL_AFLAGS` < the command line < `ERL_FLAGS` < `ERL_ZFLAGS`: `+S SCHEDULERS:ONLINE`. `+hmax` bounds each of its
//! own processes, not the sum. In the command line of a running one `+S` stands as `-S`, with the
//! environment merged in.
//!
//! # Its default
//! No bound of the memory. Schedulers: OTP 23 and 25 take what it may run on, 27 and 29 the quota of their own
//! cgroup, rounded down; 26 and 28 were not measured (28 lies between two that agree).
//!
//! # Outside its ceiling
//! It has none. A shell without an application takes 29 MiB.
//!
//! # What to set
//! `+S N:N` at the quota, rounded up; a limit above the largest memory that was seen.

use super::words::split;
use super::{Belief, Part, Told, Version, View};

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let schedulers = schedulers(told);
    let cpus = schedulers.or_else(|| default(version, view));
    let mut remarks = Vec::new();
    if schedulers.is_none() && cpus.is_none() {
        remarks.push(format!("whether OTP {version} follows the quota was not measured"));
    }
    Belief {
        from: "nothing bounds its memory".to_owned(),
        cpus,
        outside: vec![Part::new(
            "the emulator itself",
            20,
            64,
            "measured: 29 MiB of an idle shell",
        )],
        remarks,
        ..Belief::default()
    }
}

fn default(version: &Version, view: &View) -> Option<u32> {
    let cpus = view.cpus;
    let Some(quota) = cpus.quota_down() else { return Some(cpus.affinity) };
    match version.major() {
        27.. => Some(quota.min(cpus.affinity)),
        26 => None,
        _ => Some(cpus.affinity),
    }
}

/// The schedulers that are online, by the strongest `+S`.
fn schedulers(told: &Told) -> Option<u32> {
    let words = |name: &str| split(told.variable(name).unwrap_or_default());
    let running = told.arguments.iter().any(|word| word == "--");
    let (first, last) = match running {
        true => (Vec::new(), Vec::new()),
        false => (words("ERL_AFLAGS"), [words("ERL_FLAGS"), words("ERL_ZFLAGS")].concat()),
    };
    let own = told.arguments.iter().take_while(|word| *word != "--").cloned();
    let all: Vec<String> = first.into_iter().chain(own).chain(last).collect();
    let mut found = None;
    for (at, word) in all.iter().enumerate() {
        let Some(rest) = word.strip_prefix("+S").or_else(|| word.strip_prefix("-S")) else {
            continue;
        };
        let value = if rest.is_empty() { all.get(at + 1).map(String::as_str) } else { Some(rest) };
        let number = value.and_then(|value| value.rsplit(':').next()?.parse().ok());
        found = number.or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn cpus(version: &str, quota: u32, words: &[&str], variables: &[(&str, &str)]) -> Option<u32> {
        let cpus = Cpus { online: 4, affinity: 4, quota: Some(quota) };
        let view = View::imagined(Layout::ContainerV2, Some(mib(256)), mib(4808), cpus);
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: variables
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
            ..Told::default()
        };
        let found = believes(&Version::parse(version).unwrap(), &view, &told);
        assert_eq!((found.ceiling, found.fits(Some(mib(256)), 1)), (None, Fits::Unknown));
        found.cpus
    }

    /// `erlang:system_info(schedulers_online)` as measured: 23.2, 25.2.3, 27 and 29.
    #[test]
    fn schedulers_are_those_that_were_measured() {
        for (version, quota, expected) in [
            ("23.2", 500, Some(4)),
            ("25.2.3", 1500, Some(4)),
            ("26", 1500, None),
            ("27", 500, Some(1)),
            ("27", 2500, Some(2)),
            ("29", 2500, Some(2)),
        ] {
            assert_eq!(cpus(version, quota, &[], &[]), expected, "OTP {version}");
        }
    }

    /// OTP 25.2.3: each of these was started.
    #[test]
    fn the_environment_stands_on_both_sides_of_the_command_line() {
        let flags = ("ERL_FLAGS", "+S 3:1");
        assert_eq!(cpus("25.2.3", 500, &[], &[flags]), Some(1));
        assert_eq!(cpus("25.2.3", 500, &["+S", "2:2"], &[flags]), Some(1));
        let before = ("ERL_AFLAGS", "+S 1:1");
        assert_eq!(cpus("25.2.3", 500, &[], &[before, ("ERL_FLAGS", "+S 2:2")]), Some(2));
        let behind = ("ERL_ZFLAGS", "+S 3:3");
        assert_eq!(cpus("25.2.3", 500, &[], &[before, ("ERL_FLAGS", "+S 2:2"), behind]), Some(3));
        // As a running one shows it.
        assert_eq!(cpus("25.2.3", 500, &["-S", "3:1", "--", "-S", "9"], &[behind]), Some(1));
    }
}
