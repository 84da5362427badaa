//! A process that does not run yet, as a command line describes it: its runtime, where its limit stands and
//! what it is told.
//!
//! `audit --predict` and `align` ask about the same. Nothing is read but this machine's own size, where nobody
//! names another one.

use anyhow::Context;
use casefile::Bytes;
use clap::{Args, ValueEnum};
use settings::runtimes::{Cpus, Layout, Runtime, Told, Version, View};

pub(crate) use crate::commands::amounts::size;
use crate::failure::{Failure, USAGE};

/// What surrounds a process that does not run yet.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A process that does not run yet")]
pub(crate) struct Imagined {
    /// A setting: an environment variable (`GOMEMLIMIT=400MiB`), an option (`-Xmx300m`, `--workers 4`) or, in
    /// lower case, a configuration file's (`memory_limit=256M`). Several times.
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
    pub(crate) count: u64,
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

impl Imagined {
    /// What it is told by the settings that were named.
    pub(crate) fn told(&self) -> Result<Told, Failure> {
        let mut told = told(&self.settings)?;
        let built = self.build_settings.iter().filter_map(|line| line.split_once('='));
        told.build_settings.extend(built.map(|(key, value)| (key.to_owned(), value.to_owned())));
        Ok(told)
    }

    /// What it could see with this limit.
    pub(crate) fn view(&self, limit: Option<Bytes>) -> anyhow::Result<View> {
        self.view_with(limit, None)
    }

    /// The same where a file says which quota it has, in thousandths of a processor; the command line beats it.
    pub(crate) fn view_with(
        &self,
        limit: Option<Bytes>,
        cpus: Option<u32>,
    ) -> anyhow::Result<View> {
        let layout = match (self.layout, self.cgroup) {
            (Place::Container, CgroupVersion::V1) => Layout::ContainerV1,
            (Place::Container, CgroupVersion::V2) => Layout::ContainerV2,
            (Place::Service, CgroupVersion::V1) => Layout::ServiceV1,
            (Place::Service, CgroupVersion::V2) => Layout::ServiceV2,
            (Place::Parent, CgroupVersion::V1) => Layout::ParentV1,
            (Place::Parent, CgroupVersion::V2) => Layout::ParentV2,
            (Place::HiddenParent, CgroupVersion::V1) => Layout::HiddenParentV1,
            (Place::HiddenParent, CgroupVersion::V2) => Layout::HiddenParentV2,
        };
        let host = match self.host_memory {
            Some(given) => given,
            None => this_machines_memory().context("could not read this machine's memory")?,
        };
        let online = std::thread::available_parallelism().map_or(1, usize::from);
        let online = u32::try_from(online).unwrap_or(u32::MAX);
        let online = self.host_cpus.unwrap_or(online);
        let quota = self.cpus.or(cpus);
        // This machine may have fewer processors than the one that is asked about hands out.
        let least = quota.filter(|_| self.host_cpus.is_none()).unwrap_or(1).div_ceil(1000);
        let online = online.max(least);
        let affinity = self.cpuset.map_or(online, |bound| bound.min(online));
        let cpus = Cpus { online, affinity, quota };
        let view = View::imagined(layout, limit, host, cpus);
        Ok(View { leaf_high: self.reservation, ..view })
    }
}

/// `node@22.12.0`. `command` is what to try instead, as a hint.
pub(crate) fn asked(text: &str, command: &str) -> Result<(Runtime, Version), Failure> {
    let words: Vec<&str> = Runtime::ALL.iter().map(|runtime| runtime.word()).collect();
    let hint = format!("known runtimes: {}\n{command}", words.join(", "));
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
            // `-c work_mem=4MB`: the option and its value.
            told.arguments.extend(setting.splitn(2, ' ').map(str::to_owned));
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

fn this_machines_memory() -> Option<Bytes> {
    hierarchy::meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_runtime_and_version() {
        assert!(asked("node@22.12.0", "").is_ok() && asked("java@8u372", "").is_ok());
        for wrong in ["node", "cobol@1", "node@latest", "@"] {
            assert!(asked(wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_are_variables_options_or_of_a_file() {
        let settings = [
            "GOMEMLIMIT=1GiB",
            "-Xmx300m",
            "-c work_mem=4MB",
            "--max-old-space-size=64",
            "pm.max_children=4",
        ];
        let found = told(&settings.map(str::to_owned)).unwrap();
        assert_eq!(found.setting("pm.max_children"), Some("4"));
        assert_eq!(found.variable("GOMEMLIMIT"), Some("1GiB"));
        let words = ["-Xmx300m", "-c", "work_mem=4MB", "--max-old-space-size=64"];
        assert_eq!(found.arguments, words);
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
