//! One life of a workload: started in its cgroup, given its load, watched, and ended.
//!
//! It is measured as an on-call engineer could: what the processes hold (`smaps_rollup`), and what lies outside
//! the heap as the program's own metrics tell it. Whether it died of its limit is the kernel's own count, never a guess from
//! an exit code. References: proc_pid_smaps_rollup(5), Linux `mm/oom_kill.c` (the lines in the kernel's log).

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::place::{Counts, Launch, Layout, Place};

/// No workload may take longer.
const LONGEST: Duration = Duration::from_secs(150);
/// After a kill a server gets this long to notice; its client would wait for ever.
const AFTERMATH: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;

/// What is run.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) layout: Layout,
    /// The limit in MiB.
    pub(super) limit: u64,
    /// Thousandths of a processor.
    pub(super) quota: Option<u32>,
    pub(super) launch: &'a Launch,
    /// What asks it, where it is a server.
    pub(super) client: Option<&'a Launch>,
    /// What the program (or the client) prints when all its work is done.
    pub(super) done: &'a str,
}

/// How it went.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    /// The program's exit code as a shell has it; `None`: it was still running when its load was over.
    pub(super) exit: Option<i32>,
    /// All work was done, and the count is right.
    pub(super) done: bool,
    pub(super) counts: Counts,
    /// The most of it that no file backs, as sampled.
    pub(super) unbacked: u64,
    /// Until it was done or a process was killed.
    pub(super) seconds: f64,
    /// Whom the kernel ended first, by its own log.
    pub(super) victim: Option<String>,
    pub(super) seen: Seen,
    /// All that it printed.
    pub(super) said: String,
    /// The last line that it, or what asked it, printed.
    pub(super) last: String,
}

/// What was measured of its processes, in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The largest process but the first, what it shares left out.
    pub(super) worker: u64,
    /// The first process with all that is shared: everything's share without what workers have alone.
    pub(super) master: u64,
    /// Anonymous memory beside the heap, as the program's metrics told it.
    pub(super) outside: Option<u64>,
}

/// Lives it.
pub(super) fn live(number: usize, run: &Run<'_>) -> Result<Life> {
    let place = Place::make(number, run.limit, run.quota)?;
    let log = run.launch.scratch.join("program.log");
    let client_log = run.launch.scratch.join("client.log");
    let begun = Instant::now();
    let mut program = spawn(place.command(run.layout, run.launch), &log)?;
    let mut client = match run.client {
        Some(client) => Some(spawn(client.outside(), &client_log)?),
        None => None,
    };
    let first = program.id();
    let mut life = Life::default();
    let (status, asked) =
        watch(&place, &mut program, client.as_mut(), &mut life).inspect_err(|_| {
            place.end(first);
        })?;
    life.seconds = begun.elapsed().as_secs_f64();
    if let Some(mut client) = client.filter(|_| asked.is_none()) {
        client.kill()?;
        client.wait()?;
    }
    place.end(first);
    if status.is_none() {
        program.wait()?;
    }
    life.counts = place.counts();
    life.exit = status.map(code);
    if life.counts.kills > 0 {
        life.victim = victim(place.name());
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let answer = if run.client.is_some() {
        std::fs::read_to_string(&client_log).unwrap_or_default()
    } else {
        said.clone()
    };
    let ended_well = if run.client.is_some() { asked } else { status }.is_some_and(|s| s.success());
    life.done = ended_well && answer.lines().any(|line| line.trim() == run.done);
    life.last = last_words(&answer, &said);
    life.seen.outside = outside_told(&said);
    life.said = said;
    Ok(life)
}

fn spawn(mut command: Command, log: &Path) -> Result<Child> {
    let out = File::create(log).with_context(|| format!("could not make `{}`", log.display()))?;
    let err = out.try_clone()?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().with_context(|| crate::repository::words(&command))
}

/// Watches until the program or its client has ended, somebody was killed, or the time is over.
fn watch(
    place: &Place,
    program: &mut Child,
    mut client: Option<&mut Child>,
    life: &mut Life,
) -> Result<(Option<ExitStatus>, Option<ExitStatus>)> {
    let begun = Instant::now();
    let mut killed_at: Option<Instant> = None;
    let mut fullest = 0;
    loop {
        life.unbacked = life.unbacked.max(place.unbacked());
        sample(place, program.id(), &mut life.seen, &mut fullest);
        let status = program.try_wait()?;
        let asked = match client.as_mut() {
            Some(client) => client.try_wait()?,
            None => None,
        };
        if killed_at.is_none() && place.counts().kills > 0 {
            killed_at = Some(Instant::now());
        }
        let is_over = status.is_some()
            || asked.is_some()
            || killed_at.is_some_and(|at| at.elapsed() > AFTERMATH)
            || begun.elapsed() > LONGEST;
        if is_over {
            return Ok((status, asked));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What one process holds.
struct Held {
    private: u64,
    share: u64,
}

fn held(pid: u32) -> Option<Held> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    Some(Held {
        private: (kib("Private_Clean") + kib("Private_Dirty")) << 10,
        share: kib("Pss") << 10,
    })
}

fn sample(place: &Place, first: u32, seen: &mut Seen, fullest: &mut u64) {
    let all: BTreeMap<u32, Held> =
        place.pids().into_iter().filter_map(|pid| Some((pid, held(pid)?))).collect();
    let workers = || all.iter().filter(|(pid, _)| **pid != first).map(|(_, held)| held.private);
    seen.worker = seen.worker.max(workers().max().unwrap_or(0).div_ceil(MIB));
    let share: u64 = all.values().map(|held| held.share).sum();
    if share > *fullest {
        *fullest = share;
        seen.master = share.saturating_sub(workers().sum()).div_ceil(MIB);
    }
}

/// The most `outside=` of the metrics, in MiB: the program tells its heap and all it holds of one moment.
fn outside_told(text: &str) -> Option<u64> {
    let metrics = text.lines().filter(|line| line.starts_with("metrics "));
    let words = metrics.flat_map(|line| line.split(' '));
    words.filter_map(|word| word.strip_prefix("outside=")?.parse().ok()).max()
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Whom the kernel's log names: `Killed process 17 (node)` after the line that names the cgroup.
fn victim(cgroup: &str) -> Option<String> {
    let log = Command::new("dmesg").output().ok()?;
    let text = String::from_utf8_lossy(&log.stdout).into_owned();
    named_victim(&text, cgroup)
}

fn named_victim(log: &str, cgroup: &str) -> Option<String> {
    let of_ours =
        |line: &&str| line.contains("oom-kill:") && line.contains(&format!("oom_memcg=/{cgroup},"));
    let line = log.lines().find(of_ours)?;
    line.split(',').find_map(|word| word.strip_prefix("task=")).map(str::to_owned)
}

/// What it or its client complained of.
fn last_words(answer: &str, said: &str) -> String {
    let tells = |text: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.rfind(|line| !line.is_empty() && !line.starts_with("metrics ")).map(str::to_owned)
    };
    tells(answer).or_else(|| tells(said)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_victim_is_the_one_that_the_kernel_named_for_this_cgroup() {
        let log = "[1.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/why137-rescue-1-2,task_memcg=/why137-rescue-1-2,task=java,pid=7,uid=0\n\
                   [2.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/why137-rescue-1-3,task_memcg=/why137-rescue-1-3,task=node,pid=8,uid=0\n";
        assert_eq!(named_victim(log, "why137-rescue-1-3").as_deref(), Some("node"));
        assert_eq!(named_victim(log, "why137-rescue-1-"), None);
    }

    #[test]
    fn what_lies_outside_the_heap_is_the_most_that_the_metrics_told() {
        let text = "metrics heap=20 outside=9\nmetrics heap=41 outside=8\ndone 3\n";
        assert_eq!((outside_told(text), outside_told("done 3\n")), (Some(9), None));
    }

    #[test]
    fn a_signal_is_told_as_a_shell_tells_it() {
        assert_eq!(code(ExitStatus::from_raw(9)), 137);
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
    }
}
