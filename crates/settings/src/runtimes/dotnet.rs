//! .NET: three quarters of the limit, and hexadecimal numbers in its environment.
//!
//! # Recognised by
//! A mapped `libcoreclr.so` in a folder `Microsoft.NETCore.App/X.Y.Z`.
//!
//! # Settings, the later the stronger
//! `System.GC.HeapHardLimit[Percent]` in runtimeconfig.json (decimal) < `COMPlus_GCHeapHardLimit[Percent]` <
//! `DOTNET_GCHeapHardLimit[Percent]` (6 on). A number of bytes beats a percentage. In the environment both are
//! **hexadecimal**: `50` is 80 %, `75` is 117 % and silently the default, `4B` is 75 %.
//! `DOTNET_PROCESSOR_COUNT` sets the processors.
//!
//! # Its default
//! 75 % of the limit that it sees, at least 20 MiB; without a limit no bound. Core 3.1 sees version 1's
//! limit only, at the leaf; .NET 5 and later both versions', .NET 9 and later also its parents'. Measured: 3.1
//! and 10; between them by the source. The quota rounded up gives the processors.
//!
//! # Outside its ceiling
//! The runtime itself, compiled code, thread stacks, native memory.
//!
//! # What to set
//! Nothing, as a rule; `DOTNET_GCHeapHardLimitPercent=3C` (60 %) for services with much native memory.

use casefile::Bytes;

use super::{Belief, MIB, Part, Told, Version, View};

const LEAST: Bytes = Bytes(20 * MIB);

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let mut remarks = Vec::new();
    let seen = seen(version, view).filter(|limit| *limit < view.host);
    if version.is_at_least(&[5]) && !version.is_at_least(&[10]) {
        remarks.push(format!(".NET {version} is told from its source here, not measured"));
    }
    if seen.is_none() && view.in_effect.is_some() {
        remarks.push(format!(".NET {version} does not see the limit"));
    }
    let mut belief = Belief { cpus: cpus(view, told), ..Belief::default() };
    let bytes = value(version, told, "GCHeapHardLimit", "System.GC.HeapHardLimit", &mut remarks);
    let percent = value(
        version,
        told,
        "GCHeapHardLimitPercent",
        "System.GC.HeapHardLimitPercent",
        &mut remarks,
    );
    match (bytes, percent, seen) {
        (Some(Err(from)), _, _) => {
            belief.refuses =
                Some(format!("{from}: .NET does not start; a hexadecimal number of bytes"));
        }
        (Some(Ok((bytes, from))), _, _) if bytes > 0 => {
            belief.ceiling = Some(Bytes(bytes));
            belief.from = from;
        }
        (_, Some(Ok((percent, from))), _) if (1..100).contains(&percent) => {
            let memory = seen.unwrap_or(view.host);
            belief.ceiling = Some(Bytes(memory.0 / 100 * percent));
            belief.from = format!("{from}: {percent} % of {memory}");
        }
        (_, percent, seen) => {
            if let Some(Ok((percent, from))) = percent.filter(|_| seen.is_some()) {
                remarks.push(format!("{from} is {percent} %, so it is the default that counts"));
            }
            match seen {
                Some(limit) => {
                    belief.ceiling = Some(Bytes(limit.0 / 4 * 3).max(LEAST));
                    belief.from = format!("75 % of the limit of {limit}, at least 20 MiB");
                }
                None => belief.from = "no limit is seen: no bound".to_owned(),
            }
        }
    }
    if belief.ceiling.is_some() {
        let from = "an allowance: not measured under load";
        belief.outside.push(Part::new("the runtime, code and native memory", 0, 64, from));
    }
    belief.remarks = remarks;
    belief
}

/// The limit that this version sees.
fn seen(version: &Version, view: &View) -> Option<Bytes> {
    let parents = version.is_at_least(&[9]);
    let above = if view.cgroup_version == 1 { view.hierarchical } else { view.above };
    match (view.cgroup_version, version.is_at_least(&[5])) {
        (1, _) | (_, true) => [view.leaf, above.filter(|_| parents)].into_iter().flatten().min(),
        (_, false) => None,
    }
}

type Number = Result<(u64, String), String>;

/// A setting by its stronger name first; what Core 3.1 does not read is remarked.
fn value(
    version: &Version,
    told: &Told,
    name: &str,
    in_file: &str,
    remarks: &mut Vec<String>,
) -> Option<Number> {
    let new = format!("DOTNET_{name}");
    let reads_new = version.is_at_least(&[6]);
    if told.variable(&new).is_some() && !reads_new {
        remarks.push(format!("{new} is not read before .NET 6: COMPlus_{name} is"));
    }
    let old = format!("COMPlus_{name}");
    let of = |name: String| Some((told.variable(&name)?.to_owned(), name));
    if let Some((text, name)) = Some(new).filter(|_| reads_new).and_then(of).or_else(|| of(old)) {
        let digits = text.trim_start_matches("0x").trim_start_matches("0X");
        let from = format!("{name}={text}");
        let number = u64::from_str_radix(digits, 16);
        return Some(number.map(|number| (number, from.clone())).map_err(|_not_hexadecimal| from));
    }
    let text = told.setting(in_file)?;
    let from = format!("{in_file}={text}");
    Some(text.parse().map(|number| (number, from.clone())).map_err(|_not_a_number| from))
}

fn cpus(view: &View, told: &Told) -> Option<u32> {
    let given = told.variable("DOTNET_PROCESSOR_COUNT");
    if let Some(given) = given {
        return given.parse().ok().filter(|number| *number > 0);
    }
    let cpus = view.cpus;
    Some(cpus.quota_up().map_or(cpus.affinity, |quota| quota.min(cpus.affinity)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Layout, mib};

    fn belief(version: &str, layout: Layout, limit: u64, variables: &[(&str, &str)]) -> Belief {
        let cpus = Cpus { online: 2, affinity: 2, quota: Some(500) };
        let view = View::imagined(layout, Some(mib(limit)), mib(24_000), cpus);
        let environment = variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        let told = Told { environment: environment.collect(), ..Told::default() };
        believes(&Version::parse(version).unwrap(), &view, &told)
    }

    fn heap(version: &str, layout: Layout, limit: u64, variables: &[(&str, &str)]) -> Option<u64> {
        belief(version, layout, limit, variables).ceiling.map(|bytes| bytes.0 / MIB)
    }

    #[test]
    fn default_hard_limits_are_those_that_were_measured() {
        let cells = [(20, 20), (24, 20), (64, 48), (128, 96), (512, 384), (2048, 1536)];
        for (limit, expected) in cells {
            assert_eq!(heap("10.0.9", Layout::ContainerV2, limit, &[]), Some(expected));
        }
        assert_eq!(heap("3.1.23", Layout::ContainerV1, 256, &[]), Some(192));
        assert_eq!(heap("3.1.23", Layout::ContainerV1, 1024, &[]), Some(768));
        assert_eq!(heap("3.1.23", Layout::ContainerV2, 256, &[]), None);
        assert_eq!(belief("3.1.23", Layout::ContainerV1, 256, &[]).cpus, Some(1));
    }

    #[test]
    fn the_environments_numbers_are_hexadecimal() {
        let percent = |text| {
            heap("10.0.9", Layout::ContainerV2, 1000, &[("DOTNET_GCHeapHardLimitPercent", text)])
        };
        assert_eq!(
            (percent("50"), percent("4B"), percent("3C")),
            (Some(800), Some(750), Some(600))
        );
        assert_eq!(
            (percent("75"), percent("90"), percent("64")),
            (Some(750), Some(750), Some(750))
        );
        let found =
            belief("10.0.9", Layout::ContainerV2, 512, &[("DOTNET_GCHeapHardLimitPercent", "75")]);
        assert!(found.remarks.iter().any(|remark| remark.contains("117 %")), "{found:?}");
        let bytes = [("DOTNET_GCHeapHardLimit", "400000000")];
        assert_eq!(heap("10.0.9", Layout::ContainerV2, 512, &bytes), Some(16 << 10));
        let wrong =
            belief("10.0.9", Layout::ContainerV2, 512, &[("DOTNET_GCHeapHardLimit", "200MB")]);
        assert!(wrong.refuses.is_some());
    }

    #[test]
    fn bytes_beat_a_percentage_and_the_new_name_beats_the_old() {
        let both = [
            ("DOTNET_GCHeapHardLimitPercent", "50"),
            ("DOTNET_GCHeapHardLimit", "6400000"),
            ("COMPlus_GCHeapHardLimit", "C800000"),
        ];
        assert_eq!(heap("10.0.9", Layout::ContainerV2, 512, &both), Some(100));
        assert_eq!(heap("3.1.23", Layout::ContainerV1, 512, &both), Some(200));
        let found = belief("3.1.23", Layout::ContainerV1, 512, &both);
        assert_eq!(found.remarks.len(), 2);
    }

    #[test]
    fn parents_are_seen_from_9_on() {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view = View {
            above: Some(mib(512)),
            in_effect: Some(mib(512)),
            ..View::imagined(Layout::ServiceV2, None, mib(24_000), cpus)
        };
        let heap =
            |version| believes(&Version::parse(version).unwrap(), &view, &Told::default()).ceiling;
        assert_eq!((heap("10.0.9"), heap("3.1.23")), (Some(mib(384)), None));
    }
}
