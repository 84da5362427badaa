//! Where a program is asked: cgroups of its own below every hierarchy that shows limits, and the
//! layouts in which a process sees them.
//!
//! The cgroups are `why137-truth-PID-N` and `leaf` below it; they are made here, and removed when the
//! `Place` goes. A container is imitated as Docker makes it: on version 1 a mount namespace in which the
//! leaf's folders are mounted at the roots (`mount --bind`), with or without a cgroup namespace; on
//! version 2 (`place/unified.rs`) always with one. Nothing outside of these folders is written, and mounts
//! are made in the program's own namespace only.
//! References: Linux `Documentation/admin-guide/cgroup-v1/memory.rst`, `cgroup_namespaces(7)`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use lab::Cgroup;

use super::cells::{Layout, Question};

mod unified;

pub(super) use unified::keep_a_quota;

const MOUNTED: &str = "/sys/fs/cgroup";
/// The hierarchies without which a JVM takes a container for none.
const CONTROLLERS: [&str; 4] = ["memory", "cpu", "cpuacct", "cpuset"];

/// `sh -c SCRIPT sh LAYOUT CGROUP ROOT HIERARCHIES PROGRAM…`: joins, lays the mounts out, changes the root
/// where the program has one of its own, and becomes the program.
const SCRIPT: &str = r#"
set -e
layout=$1 cgroup=$2 root=$3 hierarchies=$4
shift 4
for one in $hierarchies; do echo $$ > "/sys/fs/cgroup/$one/$cgroup/cgroup.procs"; done
case $layout in private) namespaces=-mC ;; *) namespaces=-m ;; esac
exec unshare $namespaces sh -c '
set -e
layout=$1 cgroup=$2 root=$3 hierarchies=$4
shift 4
if [ "$layout" != host ]; then
  stage=$(mktemp -d)
  mount -t tmpfs none "$stage"
  for one in $hierarchies; do
    mkdir "$stage/$one"
    case $layout in
      private) mount -t cgroup -o "$one" none "$stage/$one" ;;
      *) mount --bind "/sys/fs/cgroup/$one/$cgroup" "$stage/$one" ;;
    esac
  done
  umount -R -l /sys/fs/cgroup
  mount --move "$stage" /sys/fs/cgroup
  rmdir "$stage"
fi
if [ -n "$root" ]; then
  mount --rbind /proc "$root/proc"
  mount --rbind /sys "$root/sys"
  exec chroot "$root" "$@"
fi
exec "$@"
' sh "$layout" "$cgroup" "$root" "$hierarchies" "$@"
"#;

/// What is started: a program, perhaps with a root folder of its own.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// Its root folder, where it brings its own libraries.
    pub(crate) root: Option<PathBuf>,
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// Its environment, beside `PATH`.
    pub(crate) environment: Vec<(String, String)>,
}

/// The cgroups.
pub(crate) struct Place {
    cgroup: Cgroup,
    name: String,
    /// The folders below `/sys/fs/cgroup`: `memory`, and `cpu,cpuacct` where they are one. The unified
    /// hierarchy is that folder itself.
    hierarchies: Vec<String>,
    /// Version 2: what holds the namespaces.
    keepers: RefCell<Vec<unified::Keeper>>,
}

/// Why no program can be asked here, on version 1.
pub(crate) fn why_not() -> Option<String> {
    let missing = CONTROLLERS.iter().find(|name| !Path::new(MOUNTED).join(name).exists());
    if let Some(name) = missing {
        return Some(format!("this machine has no `{name}` hierarchy of cgroup v1"));
    }
    let is_root = Path::new(MOUNTED).join("memory");
    let writable = Command::new("test").arg("-w").arg(is_root).status();
    if !writable.is_ok_and(|status| status.success()) {
        return Some("cgroups can be made by root only".to_owned());
    }
    None
}

impl Place {
    /// Makes the cgroups; the number tells places of one process apart.
    pub(crate) fn make(cgroup: Cgroup, number: usize) -> Result<Self> {
        let hierarchies = match cgroup {
            Cgroup::V1 => separate()?,
            Cgroup::V2 => vec![String::new()],
        };
        let name = format!("why137-truth-{}-{number}", std::process::id());
        let place = Self { cgroup, name, hierarchies, keepers: RefCell::default() };
        for hierarchy in &place.hierarchies {
            let top = Path::new(MOUNTED).join(hierarchy);
            for folder in [top.join(&place.name), top.join(&place.name).join("leaf")] {
                std::fs::create_dir(&folder)
                    .with_context(|| format!("could not make `{}`", folder.display()))?;
                match cgroup {
                    Cgroup::V1 => settle(&top, &folder)?,
                    Cgroup::V2 => unified::hand_down(&folder)?,
                }
            }
        }
        Ok(place)
    }

    fn file(&self, controller: &str, level: &str, file: &str) -> PathBuf {
        Path::new(MOUNTED).join(controller).join(&self.name).join(level).join(file)
    }

    /// Sets what the question wants.
    fn set(&self, question: &Question) -> Result<()> {
        match self.cgroup {
            Cgroup::V1 => self.set_separate(question),
            Cgroup::V2 => self.set_unified(question),
        }
    }

    fn set_separate(&self, question: &Question) -> Result<()> {
        let amount = |mebibytes: Option<u64>| {
            mebibytes.map_or("-1".to_owned(), |amount| (amount << 20).to_string())
        };
        let (above, own) = limits(question);
        write(&self.file("memory", "", "memory.limit_in_bytes"), &amount(above))?;
        write(&self.file("memory", "leaf", "memory.limit_in_bytes"), &amount(own))?;
        let soft = amount(question.reservation);
        write(&self.file("memory", "leaf", "memory.soft_limit_in_bytes"), &soft)?;
        let quota = question.quota.map_or("-1".to_owned(), |quota| (quota * 100).to_string());
        write(&self.file("cpu", "leaf", "cpu.cfs_period_us"), "100000")?;
        write(&self.file("cpu", "leaf", "cpu.cfs_quota_us"), &quota)?;
        let all = std::fs::read_to_string(self.file("cpuset", "", "cpuset.cpus"))?;
        let bound = if question.is_bound_to_one { "0" } else { all.trim() };
        write(&self.file("cpuset", "leaf", "cpuset.cpus"), bound)
    }

    /// Runs a program in it to its end.
    pub(crate) fn run(&self, question: &Question, launch: &Launch) -> Result<Output> {
        self.set(question)?;
        if self.cgroup == Cgroup::V2 {
            return self.run_unified(question, launch);
        }
        let layout = match question.layout {
            Layout::Container | Layout::HiddenParent => "container",
            Layout::ContainerPrivate | Layout::HiddenParentPrivate => "private",
            Layout::Service | Layout::Parent => "host",
        };
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh", layout, &format!("{}/leaf", self.name)]);
        command.arg(launch.root.clone().unwrap_or_default());
        command.arg(self.hierarchies.join(" "));
        start(command, launch)
    }

    /// How many processors the machine has, and its memory in bytes.
    pub(crate) fn machine() -> Result<(u32, u64)> {
        let text = std::fs::read_to_string("/proc/meminfo")?;
        let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let words = total.and_then(|line| line.split_whitespace().next());
        let Some(kibibytes) = words.and_then(|number| number.parse::<u64>().ok()) else {
            bail!("/proc/meminfo has no MemTotal");
        };
        let text = std::fs::read_to_string("/proc/cpuinfo")?;
        let cpus = text.lines().filter(|line| line.starts_with("processor")).count();
        Ok((u32::try_from(cpus)?.max(1), kibibytes << 10))
    }
}

/// Runs the program behind the words that put it into its place.
fn start(mut command: Command, launch: &Launch) -> Result<Output> {
    command.args(&launch.words).env_clear().stdin(Stdio::null());
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(launch.environment.clone());
    command.output().with_context(|| crate::repository::words(&command))
}

/// The hierarchies of version 1.
fn separate() -> Result<Vec<String>> {
    let mut hierarchies: Vec<String> = Vec::new();
    for name in CONTROLLERS {
        // `cpu` is a link to `cpu,cpuacct` where both are one hierarchy.
        let real = std::fs::canonicalize(Path::new(MOUNTED).join(name))?;
        let folder = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !hierarchies.contains(&folder) {
            hierarchies.push(folder);
        }
    }
    Ok(hierarchies)
}

/// A cpuset of version 1 takes nobody in before it has processors and memory.
fn settle(top: &Path, folder: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if top.join(file).exists() {
            let all = std::fs::read_to_string(top.join(file))?;
            write(&folder.join(file), all.trim())?;
        }
    }
    Ok(())
}

/// The limits of the level above and of the leaf.
fn limits(question: &Question) -> (Option<u64>, Option<u64>) {
    match question.layout {
        Layout::Parent | Layout::HiddenParent | Layout::HiddenParentPrivate => {
            (question.limit, None)
        }
        Layout::Container | Layout::ContainerPrivate | Layout::Service => (None, question.limit),
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keepers.borrow_mut().clear();
        for hierarchy in &self.hierarchies {
            let folder = Path::new(MOUNTED).join(hierarchy).join(&self.name);
            for one in [folder.join("leaf"), folder] {
                if let Err(err) = std::fs::remove_dir(&one) {
                    crate::complain(&format!("could not remove `{}`: {err}", one.display()));
                }
            }
        }
    }
}

fn write(file: &Path, value: &str) -> Result<()> {
    std::fs::write(file, value)
        .with_context(|| format!("could not write `{value}` to `{}`", file.display()))
}
