//! The processor time of what is watched: its cgroup's own count, else the sum of its processes'.
//!
//! v2 counts it in `cpu.stat` of every cgroup, v1 in a hierarchy of its own, where the cgroup may be another
//! one: it is believed only under the same path. The sum of processes misses what ended unseen and unwaited
//! for. Leans on cgroup-v2.rst ("cpu.stat"), cgroup-v1/cpuacct.rst, proc_pid_stat(5).

use std::path::PathBuf;
use std::time::Duration;

use crate::cgroup;
use crate::live::{Running, Scope, descendants};
use crate::roots::{Roots, read_text};

/// More processes are not added up.
const MOST: usize = 512;

/// Where it is counted.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    file: Option<PathBuf>,
    /// What was read last: processes that end take theirs with them.
    most: Option<Duration>,
}

impl Clock {
    /// Of what runs now.
    pub(super) fn of(running: &Running) -> Self {
        let file = if running.scope == Scope::Tree { None } else { file(running) };
        Self { file: file.filter(|path| path.exists()), most: None }
    }

    /// Used until now.
    pub(super) fn used(&mut self, running: &Running) -> Option<Duration> {
        let now = match &self.file {
            Some(path) => counted(&read_text(path).ok()?),
            None => of_processes(running),
        };
        self.most = self.most.max(now);
        self.most
    }
}

fn file(running: &Running) -> Option<PathBuf> {
    if running.version() != 1 {
        return Some(running.directory().join("cpu.stat"));
    }
    let roots = Roots::default();
    let mounts = read_text(&roots.proc.join("self/mountinfo")).ok()?;
    let places = read_text(&roots.of_process(running.pid, "cgroup")).ok()?;
    let tree = hierarchy::of_controller(&mounts, "cpuacct")?;
    let path = hierarchy::place_of(&places, 1, "cpuacct")?;
    let path = path.container().unwrap_or(path);
    (path == running.cgroup).then(|| tree.directory(&path))?.map(|it| it.join("cpuacct.usage"))
}

/// `usage_usec 12`, or a lone number of nanoseconds.
fn counted(text: &str) -> Option<Duration> {
    if let Ok(nanos) = text.trim().parse() {
        return Some(Duration::from_nanos(nanos));
    }
    let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    micros.trim().parse().ok().map(Duration::from_micros)
}

fn of_processes(running: &Running) -> Option<Duration> {
    let proc = Roots::default().proc;
    let pids = match running.scope {
        Scope::Tree => descendants(running.pid, &proc),
        _ => cgroup::processes(&running.directory(), MOST),
    };
    let ticks = pids
        .into_iter()
        .filter_map(|pid| ticks(&read_text(&proc.join(pid.to_string()).join("stat")).ok()?));
    let sum = ticks.fold(None, |sum: Option<u64>, one| Some(sum.unwrap_or(0).saturating_add(one)));
    // 100 a second on every architecture that Docker runs on (USER_HZ).
    sum.map(|ticks| Duration::from_millis(ticks.saturating_mul(10)))
}

/// Its own and that of children it has waited for.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let all = fields.split_whitespace().skip(11).take(4);
    let all: Vec<u64> = all.filter_map(|field| field.parse().ok()).collect();
    (all.len() == 4).then(|| all.iter().copied().fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_and_a_process_are_read() {
        assert_eq!(counted("1500000000\n"), Some(Duration::from_millis(1500)));
        assert_eq!(
            counted("usage_usec 2500\nuser_usec 1\nsystem_usec 2\n"),
            Some(Duration::from_micros(2500))
        );
        assert_eq!(counted("nonsense"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 3 4 20 0 1 0 99 0 0";
        assert_eq!(ticks(stat), Some(40));
        assert_eq!(ticks("7 (a"), None);
    }
}
