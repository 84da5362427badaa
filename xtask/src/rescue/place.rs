//! Where a workload lives and dies: a memory cgroup of its own with a limit that is in force, in which the
//! program sees what it would see in a container or as a service.
//!
//! The cgroups are `why137-rescue-PID-N` below each hierarchy of version 1; one life gets one, so the kernel's
//! counters begin at zero. Nobody but the workload's own processes is ever ended, and limits are at most
//! 512 MiB, swap included. Version 2 is not here: this machine has none.
//! Reference: Linux `Documentation/admin-guide/cgroup-v1/memory.rst`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const MOUNTED: &str = "/sys/fs/cgroup";
/// The hierarchies without which a JVM takes a container for none.
const CONTROLLERS: [&str; 4] = ["memory", "cpu", "cpuacct", "cpuset"];
/// No limit above this: a workload whose ceiling fails must not reach the machine's memory.
const MOST: u64 = 512;

/// `sh -c ENTER sh CGROUP HIERARCHIES LAYOUT ROOT SCRATCH PROGRAM…`: joins the cgroup unless it has no name,
/// lays the mounts out in a namespace of its own, changes the root where there is one (the scratch folder is
/// then `/mnt`), and becomes the program.
const ENTER: &str = r#"
set -e
cgroup=$1 hierarchies=$2
if [ -n "$cgroup" ]; then
  for one in $hierarchies; do echo $$ > "/sys/fs/cgroup/$one/$cgroup/cgroup.procs"; done
fi
exec unshare -m sh -c '
set -e
cgroup=$1 hierarchies=$2 layout=$3 root=$4 scratch=$5
shift 5
if [ "$layout" = container ]; then
  stage=$(mktemp -d)
  mount -t tmpfs none "$stage"
  for one in $hierarchies; do
    mkdir "$stage/$one"
    mount --bind "/sys/fs/cgroup/$one/$cgroup" "$stage/$one"
  done
  umount -R -l /sys/fs/cgroup
  mount --move "$stage" /sys/fs/cgroup
  rmdir "$stage"
fi
if [ -n "$root" ]; then
  for one in proc sys dev; do mount --rbind "/$one" "$root/$one"; done
  mount --bind "$scratch" "$root/mnt"
  exec chroot "$root" "$@"
fi
cd "$scratch"
exec "$@"
' sh "$@"
"#;

/// What the workload sees of its cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Its own cgroup as the root, as Docker shows it.
    Container,
    /// The whole hierarchy, as a systemd service sees it.
    Service,
}

impl Layout {
    /// As `why137 align --layout` takes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Service => "service",
        }
    }
}

/// What is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// Its root folder, where it brings its own libraries.
    pub(crate) root: Option<PathBuf>,
    /// Its folder; `/mnt` under a root of its own.
    pub(crate) scratch: PathBuf,
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// Its environment, beside `PATH`.
    pub(crate) environment: Vec<(String, String)>,
}

impl Launch {
    /// Outside of any limit: what prepares, and what asks a server.
    pub(crate) fn outside(&self) -> Command {
        self.command("", "", Layout::Service)
    }

    fn command(&self, cgroup: &str, hierarchies: &str, layout: Layout) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", ENTER, "sh", cgroup, hierarchies, layout.word()]);
        command.arg(self.root.clone().unwrap_or_default()).arg(&self.scratch);
        command.args(&self.words).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/tmp").env("LC_ALL", "C.UTF-8").envs(self.environment.clone());
        command
    }
}

/// One cgroup with its limit.
pub(crate) struct Place {
    name: String,
    hierarchies: Vec<String>,
}

/// What the kernel counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The most that was charged, file cache included.
    pub(crate) peak: u64,
    /// How often a charge met the limit.
    pub(crate) met: u64,
    /// How many processes the kernel's OOM killer ended.
    pub(crate) kills: u64,
    /// The processors' time in nanoseconds: what else the machine does is not in it.
    pub(crate) cpu: u64,
}

/// Why nothing can be run here.
pub(crate) fn why_not() -> Option<String> {
    let missing = CONTROLLERS.iter().find(|name| !Path::new(MOUNTED).join(name).exists());
    if let Some(name) = missing {
        return Some(format!("this machine has no `{name}` hierarchy of cgroup v1"));
    }
    let writable = Command::new("test").arg("-w").arg(Path::new(MOUNTED).join("memory")).status();
    if !writable.is_ok_and(|status| status.success()) {
        return Some("cgroups can be made by root only".to_owned());
    }
    None
}

impl Place {
    /// Makes it, and checks that its limit (in MiB) is in force; the quota is in thousandths of a processor.
    pub(crate) fn make(number: usize, limit: u64, quota: Option<u32>) -> Result<Self> {
        if limit > MOST {
            bail!("a limit of {limit} MiB is above the {MOST} that are allowed here");
        }
        let name = format!("why137-rescue-{}-{number}", std::process::id());
        let place = Self { name, hierarchies: separate()? };
        for hierarchy in &place.hierarchies {
            let top = Path::new(MOUNTED).join(hierarchy);
            let folder = top.join(&place.name);
            std::fs::create_dir(&folder)
                .with_context(|| format!("could not make `{}`", folder.display()))?;
            // A cpuset takes nobody in before it has processors and memory.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if top.join(file).exists() {
                    let all = std::fs::read_to_string(top.join(file))?;
                    write(&folder.join(file), all.trim())?;
                }
            }
        }
        let bytes = (limit << 20).to_string();
        write(&place.file("memory", "memory.limit_in_bytes"), &bytes)?;
        let with_swap = place.file("memory", "memory.memsw.limit_in_bytes");
        if with_swap.exists() {
            write(&with_swap, &bytes)?;
        }
        let set = std::fs::read_to_string(place.file("memory", "memory.limit_in_bytes"))?;
        if set.trim() != bytes {
            bail!("the limit is not in force: {}", set.trim());
        }
        if let Some(quota) = quota {
            write(&place.file("cpu", "cpu.cfs_quota_us"), &(quota * 100).to_string())?;
        }
        Ok(place)
    }

    /// One of its files.
    pub(crate) fn file(&self, controller: &str, file: &str) -> PathBuf {
        Path::new(MOUNTED).join(controller).join(&self.name).join(file)
    }

    /// The name of the cgroup, as the kernel's log has it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The program in it.
    pub(crate) fn command(&self, layout: Layout, launch: &Launch) -> Command {
        launch.command(&self.name, &self.hierarchies.join(" "), layout)
    }

    /// Its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.file("memory", "cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// What it holds now that no file backs: anonymous and shared memory.
    pub(super) fn unbacked(&self) -> u64 {
        let text = std::fs::read_to_string(self.file("memory", "memory.stat")).unwrap_or_default();
        ["total_rss", "total_shmem"].iter().filter_map(|key| number(&text, key)).sum()
    }

    /// What the kernel counted.
    pub(crate) fn counts(&self) -> Counts {
        let of = |controller: &str, file: &str| {
            let text = std::fs::read_to_string(self.file(controller, file)).unwrap_or_default();
            text.trim().parse().unwrap_or(0)
        };
        let events = std::fs::read_to_string(self.file("memory", "memory.oom_control"));
        Counts {
            peak: of("memory", "memory.max_usage_in_bytes"),
            met: of("memory", "memory.failcnt"),
            cpu: of("cpuacct", "cpuacct.usage"),
            kills: number(&events.unwrap_or_default(), "oom_kill").unwrap_or(0),
        }
    }

    /// Ends what is left in it: politely, and after five seconds by force. A number that is no longer in the
    /// cgroup may be somebody else's by now.
    pub(crate) fn end(&self, first: u32) {
        if self.pids().contains(&first) {
            signal("TERM", first);
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && !self.pids().is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
        while !self.pids().is_empty() && begun.elapsed() < Duration::from_secs(15) {
            self.pids().into_iter().for_each(|pid| signal("KILL", pid));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn signal(name: &str, pid: u32) {
    // It may be gone already, which is as good.
    let _gone = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\" 2> /dev/null", "sh", name, &pid.to_string()])
        .status();
}

/// The hierarchies of version 1; `cpu` may be a link to `cpu,cpuacct`.
fn separate() -> Result<Vec<String>> {
    let mut hierarchies: Vec<String> = Vec::new();
    for name in CONTROLLERS {
        let real = std::fs::canonicalize(Path::new(MOUNTED).join(name))?;
        let folder = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !hierarchies.contains(&folder) {
            hierarchies.push(folder);
        }
    }
    Ok(hierarchies)
}

impl Drop for Place {
    fn drop(&mut self) {
        for hierarchy in &self.hierarchies {
            let folder = Path::new(MOUNTED).join(hierarchy).join(&self.name);
            // The last process may still be on its way out.
            let tries = (0..40).any(|_| {
                std::fs::remove_dir(&folder).is_ok() || {
                    std::thread::sleep(Duration::from_millis(50));
                    !folder.exists()
                }
            });
            if !tries {
                crate::complain(&format!("could not remove `{}`", folder.display()));
            }
        }
    }
}

/// The number behind a key of a `key value` file.
pub(crate) fn number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn write(file: &Path, value: &str) -> Result<()> {
    std::fs::write(file, value)
        .with_context(|| format!("could not write `{value}` to `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_could_harm_the_machine_is_refused() {
        let err = Place::make(0, MOST + 1, None).map(|_| ()).unwrap_err();
        assert!(err.to_string().contains("above"), "{err}");
    }

    #[test]
    fn a_key_is_not_taken_for_a_longer_one() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!((number(text, "oom_kill"), number(text, "oom")), (Some(3), None));
    }
}
