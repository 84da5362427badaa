//! Go: no version reads a memory limit; `GOMEMLIMIT` is the only ceiling, and a soft one.
//!
//! # Recognised by
//! The ELF section `.go.buildinfo`, which survives stripping: version, modules, build settings.
//!
//! # Settings, the later the stronger
//! `GOMEMLIMIT` (1.19 on: bytes, or `B KiB MiB GiB TiB`, or `off`; anything else ends the program with 2 at
//! its start) < `debug.SetMemoryLimit`. `GOMAXPROCS` < `runtime.GOMAXPROCS`. A library may set them:
//! `KimMachineGun/automemlimit` takes 90 % of the limit, `go.uber.org/automaxprocs` the quota.
//!
//! # Its default
//! No ceiling: the next collection begins at the live heap × (1 + GOGC/100). Processors from 1.25 on:
//! the quota of its own cgroup, rounded up, at least 2 - if the main module's `go` line is 1.25 or
//! later too (`containermaxprocs` in the build's DefaultGODEBUG); runtime/cgroup_linux.go.
//!
//! # Outside its ceiling
//! Memory from C, mmap, and what the collector is late by: 12 MiB typically, 66 MiB at worst.
//!
//! # What to set
//! `GOMEMLIMIT` of 90 % of the limit, 85 % up to 512 MiB, in MiB.

use casefile::Bytes;

use super::{Belief, Part, Told, Version, View};

/// The library that sets the memory limit by the cgroup's, and the share it takes.
const AUTOMEMLIMIT: (&str, u64) = ("KimMachineGun/automemlimit", 90);

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let mut belief = Belief { cpus: Some(cpus(version, view, told)), ..Belief::default() };
    let limit = told.variable("GOMEMLIMIT").filter(|text| !text.is_empty());
    match limit.map(|text| (text, amount(text))) {
        Some((text, _)) if !version.is_at_least(&[1, 19]) => {
            belief.remarks.push(format!("GOMEMLIMIT={text} is not read before Go 1.19"));
        }
        Some((text, Err(()))) => {
            belief.refuses = Some(format!(
                "GOMEMLIMIT={text}: the program ends with 2 at its start; the units are B, KiB, MiB, GiB, TiB"
            ));
        }
        Some((text, Ok(Some(bytes)))) => {
            belief.ceiling = Some(bytes);
            belief.from = format!("GOMEMLIMIT={text}");
        }
        Some((_, Ok(None))) => belief.from = "GOMEMLIMIT=off".to_owned(),
        None => belief.from = "GOMEMLIMIT is not set".to_owned(),
    }
    let by_library = told.build_settings.iter().any(|(key, _)| key.contains(AUTOMEMLIMIT.0));
    if let Some(limit) = view.leaf.filter(|_| by_library && belief.ceiling.is_none()) {
        belief.ceiling = Some(Bytes(limit.0 / 100 * AUTOMEMLIMIT.1));
        belief.from = format!("{} takes {} % of {limit}", AUTOMEMLIMIT.0, AUTOMEMLIMIT.1);
    }
    if belief.ceiling.is_some() {
        let from = "measured: peaks within 12 MiB of GOMEMLIMIT, 66 MiB above it at worst";
        belief.outside.push(Part::new("what the collector is late by", 0, 12, from));
    }
    belief
}

/// `GOMEMLIMIT` as runtime/mgcpacer.go reads it: `Ok(None)` is `off`.
fn amount(text: &str) -> Result<Option<Bytes>, ()> {
    if text == "off" {
        return Ok(None);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or(())?;
    let scale: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(()),
    };
    let number: u64 = number.parse().map_err(|_not_a_number| ())?;
    let bytes = number.checked_mul(scale).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or(())?;
    // The greatest number is how the runtime itself writes `off`.
    Ok(Some(Bytes(bytes)).filter(|bytes| bytes.0 != i64::MAX.unsigned_abs()))
}

fn cpus(version: &Version, view: &View, told: &Told) -> u32 {
    let asked = told.variable("GOMAXPROCS").and_then(|text| text.parse::<u32>().ok());
    if let Some(asked) = asked.filter(|asked| *asked > 0) {
        return asked;
    }
    let switched = |text: &str| {
        text.split(',').rev().find_map(|word| Some(word.strip_prefix("containermaxprocs=")? == "1"))
    };
    let by_environment = told.variable("GODEBUG").and_then(switched);
    let defaults = told.build_settings.iter().find(|(key, _)| key == "DefaultGODEBUG");
    let by_build = defaults.and_then(|(_, text)| switched(text));
    let on = by_environment.or(by_build).unwrap_or(true) && version.is_at_least(&[1, 25]);
    match view.cpus.quota_up().filter(|_| on) {
        Some(quota) => quota.max(2).min(view.cpus.affinity),
        None => view.cpus.affinity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(version: &str, environment: &[(&str, &str)], build: &[(&str, &str)]) -> Belief {
        let cpus = Cpus { online: 4, affinity: 4, quota: Some(2500) };
        let view = View::imagined(Layout::ContainerV2, Some(mib(512)), mib(4808), cpus);
        let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let told = Told {
            environment: pairs(environment),
            build_settings: pairs(build),
            ..Told::default()
        };
        believes(&Version::parse(version).unwrap(), &view, &told)
    }

    #[test]
    fn no_version_that_was_measured_takes_a_ceiling_from_the_limit() {
        for version in ["1.18", "1.21.13", "1.25.5", "1.27.3"] {
            let found = belief(version, &[], &[]);
            assert_eq!(found.ceiling, None);
            assert_eq!(found.fits(Some(mib(512)), 1), Fits::Unknown);
        }
    }

    #[test]
    fn gomemlimit_is_read_as_the_runtime_reads_it() {
        let ceiling = |text| belief("1.25.5", &[("GOMEMLIMIT", text)], &[]).ceiling;
        assert_eq!(ceiling("460MiB"), Some(mib(460)));
        assert_eq!(ceiling("1048576"), Some(mib(1)));
        assert_eq!(ceiling("1048576B"), Some(mib(1)));
        assert_eq!(ceiling("off"), None);
        assert_eq!(ceiling("9223372036854775807"), None);
        for wrong in ["460M", "460MB", "90%", "-1", "1.5GiB", "MiB", "99999999TiB"] {
            let found = belief("1.25.5", &[("GOMEMLIMIT", wrong)], &[]);
            assert!(found.refuses.is_some() && found.ceiling.is_none(), "{wrong}");
        }
        let early = belief("1.18.10", &[("GOMEMLIMIT", "460MiB")], &[]);
        assert_eq!((early.ceiling, early.remarks.len(), early.refuses), (None, 1, None));
    }

    #[test]
    fn nine_tenths_fit_and_a_twentieth_less_is_tight() {
        let fits = |text| belief("1.25.5", &[("GOMEMLIMIT", text)], &[]).fits(Some(mib(512)), 1);
        assert_eq!(fits("460MiB"), Fits::Fits);
        assert_eq!(fits("486MiB"), Fits::Tight);
        assert_eq!(fits("513MiB"), Fits::CannotFit);
    }

    #[test]
    fn processors_follow_the_quota_only_where_version_and_module_do() {
        let cpus =
            |version, environment: &[_], build: &[_]| belief(version, environment, build).cpus;
        let off = ("DefaultGODEBUG", "asynctimerchan=1,containermaxprocs=0");
        assert_eq!(cpus("1.24.9", &[], &[]), Some(4));
        assert_eq!(cpus("1.25.0", &[], &[]), Some(3));
        assert_eq!(cpus("1.25.0", &[], &[off]), Some(4));
        assert_eq!(cpus("1.25.0", &[("GODEBUG", "containermaxprocs=1")], &[off]), Some(3));
        assert_eq!(cpus("1.25.0", &[("GODEBUG", "containermaxprocs=0")], &[]), Some(4));
        assert_eq!(cpus("1.25.0", &[("GOMAXPROCS", "7")], &[]), Some(7));
    }

    #[test]
    fn a_library_that_sets_the_limit_is_believed() {
        let found = belief("1.25.5", &[], &[("github.com/KimMachineGun/automemlimit", "v0.7.0")]);
        assert_eq!(found.ceiling.map(|bytes| bytes.0 / super::super::MIB), Some(460));
    }
}
