//! `why137 audit`: what processes may grow to, beside the limit in effect.
//!
//! `--predict RUNTIME@VERSION` asks it of a process that does not run yet, in a container with a limit.
//! The sums are `settings::runtimes`' and `audit`'s; this command reads its words and shows the result.

use std::process::ExitCode;

use ::audit::{Audit, Process};
use anyhow::Context;
use casefile::Bytes;
use clap::{Args, ValueEnum};
use settings::quantity::{self, Dialect};
use settings::runtimes::{Cpus, Layout, Runtime, Told, Version, View};

use crate::failure::{Failure, USAGE};
use crate::printer::Printer;

/// Exit codes of this command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 fits, or it cannot be known; 1 tight, cannot fit, or it would not start; 2 usage.";

/// What is audited, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    /// A process that does not run yet: `node@22.12.0`, `go@1.25`, `java@17`; a lone first number is
    /// the newest release of its line.
    #[arg(long, value_name = "RUNTIME@VERSION", required = true)]
    predict: String,
    /// The limit of its container; without it there is none.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    limit: Option<Bytes>,
    /// A setting: an environment variable (`GOMEMLIMIT=400MiB`), an option (`-Xmx300m`) or, in lower case, a
    /// configuration file's (`memory_limit=256M`). Several times.
    #[arg(long = "setting", value_name = "K=V", allow_hyphen_values = true)]
    settings: Vec<String>,
    /// The cgroup version of the container's host.
    #[arg(long, value_enum, value_name = "VERSION", default_value = "v2")]
    cgroup: CgroupVersion,
    /// Where the limit is, and what of it the process can see.
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "container")]
    layout: Place,
    /// The memory of the host; this machine's if nothing is said.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    host_memory: Option<Bytes>,
    /// The processors of the host; this machine's if nothing is said.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    host_cpus: Option<u32>,
    /// The processors that the container may use, a quota (`--cpus`): `0.5`, `2`.
    #[arg(long, value_name = "NUMBER", value_parser = thousandths)]
    cpus: Option<u32>,
    /// The processors that the container is bound to (`--cpuset-cpus`), by their number.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    cpuset: Option<u32>,
    /// Its soft limit (`--memory-reservation`; `memory.high` on v2).
    #[arg(long, value_name = "SIZE", value_parser = size)]
    reservation: Option<Bytes>,
    /// Go: a line of the build information, as `go version -m` prints it:
    /// `DefaultGODEBUG=containermaxprocs=0`. Several times.
    #[arg(long = "build-setting", value_name = "K=V")]
    build_settings: Vec<String>,
    /// How many such processes run in the container.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// The form of the answer.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// 1 or 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CgroupVersion {
    V1,
    V2,
}

/// Where the limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// Its own, as Docker and Kubernetes set it: the process sees its cgroup as the root.
    Container,
    /// Its own, as of a systemd service: the process sees the whole hierarchy.
    Service,
    /// On a level above that the process can see, as of a slice.
    Parent,
    /// On a level above that the process cannot see, as of a Kubernetes pod.
    HiddenParent,
}

/// The form of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// For programs.
    Json,
}

/// Answers.
pub(super) fn run(printer: &Printer, arguments: &AuditArgs) -> anyhow::Result<ExitCode> {
    let (runtime, version) = asked(&arguments.predict)?;
    let mut told = told(&arguments.settings)?;
    let built = arguments.build_settings.iter().filter_map(|line| line.split_once('='));
    told.build_settings.extend(built.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let view = view(arguments)?;
    let belief = runtime.believes(&version, &view, &told);
    let refuses = belief.refuses.clone();
    let process = Process {
        pid: None,
        comm: None,
        runtime: Some((runtime, version)),
        belief,
        count: arguments.count,
    };
    let mut audit = ::audit::of(arguments.limit, None, &[process]);
    audit.remarks.extend(refuses.clone());
    let text = match arguments.format {
        Format::Json => {
            serde_json::to_string_pretty(&audit).context("could not write JSON")? + "\n"
        }
        Format::Text => page(&audit),
    };
    printer.answer(&text)?;
    let bad = refuses.is_some() || matches!(audit.fits, "tight" | "cannot-fit");
    Ok(ExitCode::from(u8::from(bad)))
}

/// `node@22.12.0`.
fn asked(text: &str) -> Result<(Runtime, Version), Failure> {
    let words: Vec<&str> = Runtime::ALL.iter().map(|runtime| runtime.word()).collect();
    let hint = format!(
        "known runtimes: {}\nwhy137 audit --predict node@22 --limit 512m",
        words.join(", ")
    );
    let (word, version) = text.split_once('@').ok_or_else(|| {
        Failure::new(USAGE, format!("`{text}` has no version")).hint(hint.clone())
    })?;
    let runtime = Runtime::of_word(word).ok_or_else(|| {
        Failure::new(USAGE, format!("no runtime `{word}` is known")).hint(hint.clone())
    })?;
    let version = Version::parse(version)
        .ok_or_else(|| Failure::new(USAGE, format!("`{version}` is no version")).hint(hint))?;
    Ok((runtime, version))
}

/// Options begin with `-`; lower-case names are of configuration files, the others variables.
fn told(settings: &[String]) -> Result<Told, Failure> {
    let mut told = Told::default();
    for setting in settings {
        if setting.starts_with('-') {
            told.arguments.push(setting.clone());
            continue;
        }
        let Some((name, value)) = setting.split_once('=').filter(|(name, _)| !name.is_empty())
        else {
            return Err(Failure::new(USAGE, format!("the setting `{setting}` has no value"))
                .hint("a variable is NAME=VALUE, an option begins with `-`"));
        };
        let pair = (name.to_owned(), value.to_owned());
        // `memory_limit`, `pm.max_children`, `System.GC.HeapHardLimit`: of a configuration file.
        if name.contains(['.', '[']) || !name.contains(|c: char| c.is_ascii_uppercase()) {
            told.settings.push(pair);
        } else {
            told.environment.push(pair);
        }
    }
    Ok(told)
}

fn view(arguments: &AuditArgs) -> anyhow::Result<View> {
    let layout = match (arguments.layout, arguments.cgroup) {
        (Place::Container, CgroupVersion::V1) => Layout::ContainerV1,
        (Place::Container, CgroupVersion::V2) => Layout::ContainerV2,
        (Place::Service, CgroupVersion::V1) => Layout::ServiceV1,
        (Place::Service, CgroupVersion::V2) => Layout::ServiceV2,
        (Place::Parent, CgroupVersion::V1) => Layout::ParentV1,
        (Place::Parent, CgroupVersion::V2) => Layout::ParentV2,
        (Place::HiddenParent, CgroupVersion::V1) => Layout::HiddenParentV1,
        (Place::HiddenParent, CgroupVersion::V2) => Layout::HiddenParentV2,
    };
    let host = match arguments.host_memory {
        Some(given) => given,
        None => this_machines_memory().context("could not read this machine's memory")?,
    };
    let online = std::thread::available_parallelism().map_or(1, usize::from);
    let online = u32::try_from(online).unwrap_or(u32::MAX);
    let online = arguments.host_cpus.unwrap_or(online);
    let quota = arguments.cpus;
    // This machine may have fewer processors than the one that is asked about hands out.
    let least = quota.filter(|_| arguments.host_cpus.is_none()).unwrap_or(1).div_ceil(1000);
    let online = online.max(least);
    let affinity = arguments.cpuset.map_or(online, |bound| bound.min(online));
    let cpus = Cpus { online, affinity, quota };
    let view = View::imagined(layout, arguments.limit, host, cpus);
    Ok(View { leaf_high: arguments.reservation, ..view })
}

fn this_machines_memory() -> Option<Bytes> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Bytes::from_kib(line.split_whitespace().next()?.parse().ok()?)
}

fn size(text: &str) -> Result<Bytes, String> {
    quantity::parse(text, Dialect::Binary)
        .filter(|bytes| bytes.0 > 0)
        .ok_or_else(|| "a size is a number with k, m or g behind it, such as 512m".to_owned())
}

fn thousandths(text: &str) -> Result<u32, String> {
    let number: f64 = text.parse().map_err(|_not_a_number| "a number such as 0.5".to_owned())?;
    let thousandths = (number * 1000.0).round();
    if (1.0..=4_000_000.0).contains(&thousandths) {
        Ok(thousandths as u32)
    } else {
        Err("a number above 0, such as 0.5".to_owned())
    }
}

/// The answer for a person.
fn page(audit: &Audit) -> String {
    let limit = audit.limit_bytes.map_or("no limit".to_owned(), |limit| format!("limit {limit}"));
    let mut text = match (audit.fits, audit.may_use_bytes) {
        ("fits", Some(sum)) => format!("Fits: it may use {sum}, {limit}.\n"),
        ("tight", Some(sum)) => format!("Tight: it may come to use {sum}, {limit}.\n"),
        ("cannot-fit", Some(sum)) => format!("Cannot fit: it may use {sum}, {limit}.\n"),
        ("cannot-fit", None) => {
            format!("Cannot fit: what is bounded is already above the {limit}.\n")
        }
        ("unlimited", Some(sum)) => {
            format!("Unlimited: it may use {sum}, and nothing stops it there.\n")
        }
        ("unlimited", None) => {
            "Unlimited: neither the runtime nor a cgroup bounds it.\n".to_owned()
        }
        (_, _) => format!("Not known: nothing in the runtime bounds what it may use, {limit}.\n"),
    };
    for process in &audit.processes {
        let name = process.runtime.unwrap_or("unknown");
        let version = process.version.as_deref().unwrap_or("");
        text += &format!("\n  {name} {version}");
        if let Some(from) = &process.ceiling_from {
            text += &format!(": {from}");
        }
        if let Some(from) = &process.count_from {
            let processes = if process.count == 1 { "process" } else { "processes" };
            text += &format!("; {} {processes} ({from})", process.count);
        }
        if let Some(cpus) = process.cpus {
            text +=
                &format!("; sizes its pools for {cpus} {}", if cpus == 1 { "CPU" } else { "CPUs" });
        }
        text += "\n";
    }
    if !audit.sum.is_empty() {
        text += "\n";
    }
    for term in &audit.sum {
        text += &format!("  {:>10}  {} ({})\n", term.bytes.to_string(), term.what, term.from);
    }
    if let Some(sum) = audit.may_use_bytes {
        text += &format!("  {:>10}  together\n", sum.to_string());
    }
    for remark in &audit.remarks {
        text += &format!("\n  ! {remark}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_runtime_and_version() {
        assert!(asked("node@22.12.0").is_ok() && asked("java@8u372").is_ok());
        for wrong in ["node", "cobol@1", "node@latest", "@"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_are_variables_or_options() {
        let settings =
            ["GOMEMLIMIT=1GiB", "-Xmx300m", "--max-old-space-size=64", "pm.max_children=4"];
        let found = told(&settings.map(str::to_owned)).unwrap();
        assert_eq!(found.setting("pm.max_children"), Some("4"));
        assert_eq!(found.variable("GOMEMLIMIT"), Some("1GiB"));
        assert_eq!(found.arguments, ["-Xmx300m", "--max-old-space-size=64"]);
        assert!(told(&["GOMEMLIMIT".to_owned()]).is_err());
    }

    #[test]
    fn processors_are_read_in_thousandths() {
        assert_eq!(thousandths("0.5"), Ok(500));
        assert!(
            thousandths("0").is_err() && thousandths("-1").is_err() && thousandths("x").is_err()
        );
    }
}
