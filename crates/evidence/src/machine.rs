//! `machine`: what the machine is, as `key: value` lines, and the clocks by which stamps since boot
//! become moments.
//!
//! A fact that cannot be read is left out; nothing is filled in.

use std::path::Path;

use casefile::{Exhibit, Moment, Source};
use rustix::time::{ClockId, clock_gettime};

use crate::docker::answers::DaemonFacts;
use crate::found::exhibit;
use crate::roots::{Roots, read_text};

/// The keys in the order they are written.
const KEYS: [&str; 13] = [
    "kernel-release",
    "cgroup-version",
    "docker-version",
    "containerd-version",
    "mem-total-bytes",
    "mem-available-bytes",
    "cpus",
    "booted-at",
    "daemon-started-at",
    "events-wrapped",
    "events-since",
    "kernel-log-since-micros",
    "pid-namespace",
];

/// The machine's clocks, read together, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// Since 1970.
    pub(crate) wall: i64,
    /// Since boot without the time spent suspended, as the kernel log's clock runs.
    pub(crate) monotonic: i64,
    /// Since boot with it, as `starttime` of `/proc/PID/stat` counts.
    pub(crate) boottime: i64,
}

impl Clocks {
    /// Now.
    pub(crate) fn read() -> Self {
        let micros = |clock| {
            let time = clock_gettime(clock);
            time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        };
        Self {
            wall: micros(ClockId::Realtime),
            monotonic: micros(ClockId::Monotonic),
            boottime: micros(ClockId::Boottime),
        }
    }

    /// Now, as a moment.
    pub(crate) fn now(&self) -> Moment {
        Moment::from_micros(self.wall).unwrap_or(Moment(jiff::Timestamp::UNIX_EPOCH))
    }

    /// The moment of stamp zero of the kernel log.
    pub(crate) fn kernel_log_zero(&self) -> Moment {
        Moment::from_micros(self.wall - self.monotonic).unwrap_or_else(|| self.now())
    }

    /// When the machine booted.
    pub(crate) fn booted(&self) -> Option<Moment> {
        Moment::from_micros(self.wall - self.boottime)
    }

    /// When a process started, by the text of its `/proc/PID/stat`.
    pub(crate) fn process_start(&self, stat: &str) -> Option<Moment> {
        // The name in parentheses may hold anything, parentheses too; `starttime` is field 22, the
        // twentieth after it.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks: i64 = fields.split_whitespace().nth(19)?.parse().ok()?;
        // User space sees 100 ticks a second on every architecture that Docker runs on (USER_HZ).
        self.booted()?.plus_micros(ticks.checked_mul(10_000)?)
    }
}

/// When the daemon started, by its own process.
pub(crate) fn daemon_started(
    listener: Option<u32>,
    socket: Option<&Path>,
    roots: &Roots,
    clocks: &Clocks,
) -> Option<Moment> {
    let pid = dockerd(listener, socket, roots)?;
    clocks.process_start(&read_text(&roots.of_process(pid, "stat")).ok()?)
}

/// The daemon's own process on this machine: whoever listens on its socket, or its pid file names where
/// systemd made the socket; `None` unless it is called dockerd.
pub(crate) fn dockerd(listener: Option<u32>, socket: Option<&Path>, roots: &Roots) -> Option<u32> {
    let by_pidfile = || {
        let is_default = socket == Some(roots.docker_socket.as_path());
        let text = is_default.then(|| read_text(&roots.docker_pidfile).ok())??;
        text.trim().parse().ok()
    };
    let is_daemon = |pid: &u32| {
        read_text(&roots.of_process(*pid, "comm")).is_ok_and(|comm| comm.trim() == "dockerd")
    };
    listener.filter(is_daemon).or_else(|| by_pidfile().filter(is_daemon))
}

/// The facts that only this machine's own files tell.
pub(crate) fn local_facts(roots: &Roots, clocks: &Clocks) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(release) = kernel_release(roots) {
        facts.push(("kernel-release", release));
    }
    // The initial pid namespace has a fixed inode (Linux `include/linux/proc_ns.h`).
    if let Ok(namespace) = std::fs::read_link(roots.proc.join("self/ns/pid")) {
        let initial = namespace.as_os_str() == "pid:[4026531836]";
        facts.push(("pid-namespace", if initial { "initial" } else { "nested" }.to_owned()));
    }
    let memory = read_text(&roots.proc.join("meminfo")).unwrap_or_default();
    for (key, name) in [("mem-total-bytes", "MemTotal"), ("mem-available-bytes", "MemAvailable")] {
        if let Some(bytes) = hierarchy::meminfo(&memory, name) {
            facts.push((key, bytes.0.to_string()));
        }
    }
    let stat = read_text(&roots.proc.join("stat")).unwrap_or_default();
    if let Some(cpus) = online(&stat) {
        facts.push(("cpus", cpus.to_string()));
    }
    if let Some(booted) = clocks.booted() {
        facts.push(("booted-at", booted.0.to_string()));
    }
    facts
}

/// Processors online: `/proc/stat` has a line for each (`cpu0 …`).
fn online(stat: &str) -> Option<usize> {
    let is_one = |line: &&str| {
        let number = line.strip_prefix("cpu").and_then(|rest| rest.chars().next());
        number.is_some_and(|first| first.is_ascii_digit())
    };
    Some(stat.lines().filter(is_one).count()).filter(|cpus| *cpus > 0)
}

/// `uname -r`
pub(crate) fn kernel_release(roots: &Roots) -> Option<String> {
    kernel_setting("osrelease", roots)
}

/// `uname -n`
pub(crate) fn host_name(roots: &Roots) -> Option<String> {
    kernel_setting("hostname", roots)
}

fn kernel_setting(name: &str, roots: &Roots) -> Option<String> {
    let text = read_text(&roots.proc.join("sys/kernel").join(name)).ok()?;
    Some(text.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Whether the process that listens on a socket can be the daemon itself, or systemd that made the
/// socket for it; not a forwarder.
pub(crate) fn may_be_docker(pid: u32, roots: &Roots) -> bool {
    let comm = read_text(&roots.of_process(pid, "comm")).unwrap_or_default();
    pid == 1 || ["dockerd", "systemd", "podman", "init"].contains(&comm.trim())
}

/// The facts that the daemon tells.
pub(crate) fn daemon_facts(daemon: &DaemonFacts) -> Vec<(&'static str, String)> {
    [
        ("kernel-release", daemon.kernel.clone()),
        ("cgroup-version", daemon.cgroup_version.clone()),
        ("docker-version", daemon.version.clone().filter(|_| !daemon.podman)),
        ("containerd-version", daemon.containerd.clone()),
        ("mem-total-bytes", daemon.mem_total.map(|bytes| bytes.to_string())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

/// The exhibit; of two values for one key the first counts.
pub(crate) fn as_exhibit(facts: &[(&'static str, String)]) -> Option<Exhibit> {
    let line = |key: &&str| {
        let (key, value) = facts.iter().find(|(known, _)| known == key)?;
        // A daemon may be a stranger: a line end in a version would make up another fact.
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        Some(format!("{key}: {value}\n"))
    };
    let text: String = KEYS.iter().filter_map(line).collect();
    let label = "facts about the machine, gathered";
    let check = "uname -r; docker version; grep Mem /proc/meminfo".to_owned();
    (!text.is_empty()).then(|| Exhibit {
        check: Some(check),
        ..exhibit("machine", Source::Machine, label, &text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Clocks =
        Clocks { wall: 1_000_000_000_000, monotonic: 90_000_000, boottime: 100_000_000 };

    #[test]
    fn a_process_is_dated_by_the_clock_that_counts_suspends() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1234 0 0 0";
        // 999,900 s + 12.34 s
        assert_eq!(CLOCKS.process_start(stat), Moment::from_micros(999_912_340_000));
        assert_eq!(CLOCKS.process_start("42 (x"), None);
        assert_eq!(CLOCKS.kernel_log_zero(), Moment::from_micros(999_910_000_000).unwrap());
    }

    #[test]
    fn processors_online_are_counted_by_their_lines() {
        let stat = "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\ncpu11 1 2 3\nintr 5\ncpufreq 1\n";
        assert_eq!(online(stat), Some(3));
        assert_eq!(online("cpu  1 2 3\n"), None);
    }

    #[test]
    fn a_daemon_is_dated_only_if_it_is_one() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots {
            proc: root.path().to_owned(),
            docker_socket: "/run/d.sock".into(),
            docker_pidfile: root.path().join("docker.pid"),
            ..Roots::default()
        };
        for (pid, comm) in [(1, "systemd"), (7, "dockerd")] {
            std::fs::create_dir_all(root.path().join(pid.to_string())).unwrap();
            std::fs::write(roots.of_process(pid, "comm"), format!("{comm}\n")).unwrap();
            let stat = format!("{pid} ({comm}) S {}1000 0", "0 ".repeat(18));
            std::fs::write(roots.of_process(pid, "stat"), stat).unwrap();
        }
        let socket = Some(Path::new("/run/d.sock"));
        let started = |pid| daemon_started(pid, socket, &roots, &CLOCKS);
        assert_eq!(started(Some(7)), Moment::from_micros(999_910_000_000));
        assert_eq!(started(Some(1)), None);
        std::fs::write(&roots.docker_pidfile, "7").unwrap();
        assert_eq!(started(Some(1)), Moment::from_micros(999_910_000_000));
    }

    #[test]
    fn a_version_cannot_make_up_a_second_fact() {
        let facts = [
            ("docker-version", "1\nevents-wrapped: false".to_owned()),
            ("kernel-release", "6.1.0".to_owned()),
            ("kernel-release", "other".to_owned()),
        ];
        let text = as_exhibit(&facts).unwrap().text().to_owned();
        assert_eq!(text, "kernel-release: 6.1.0\ndocker-version: 1events-wrapped: false\n");
        assert!(as_exhibit(&[]).is_none());
    }
}
