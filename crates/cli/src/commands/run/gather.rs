//! The evidence of a run, put into its record: the kernel's log meanwhile, the counters, the wait
//! status, the signals that were passed on, the trace.
//!
//! Of the kernel's log all is kept but OOM reports that are certainly about other cgroups. What a
//! report that names no cgroup means is decided by the kernel's own counter: it moved, or it did not.

use std::time::{Duration, Instant};

use casefile::{CgroupPath, Exhibit, Gap, Moment, Source};
use parse::run_record::{RunEnd, RunLine};

use super::watch::Seen;
use crate::commands::witness::kernel_log::Keep;
use crate::commands::witness::{self, Ended, exhibit};

/// The kernel prints a kill right after it made it; more than this is not waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Processes that an OOM killer took in the command's cgroup; `None` where nobody counted.
pub(super) fn oom_kills(seen: &Seen) -> Option<u64> {
    seen.cage.sample().and_then(|sample| sample.oom_kills)
}

/// Writes the evidence into the record.
pub(super) fn gather(seen: &mut Seen) {
    seen.look_again();
    let kills = oom_kills(seen);
    kernel_log(seen, kills);
    if !seen.journal.is_empty() {
        let text = std::mem::take(&mut seen.journal);
        put(seen, exhibit("journal", Source::Journal, "what why137 run passed on", &text));
    }
    cgroups(seen, kills);
    let lived = Some((seen.started, seen.ended));
    let (pid, status, inner_pid) = (seen.pid, seen.status, seen.inner_pid);
    let wait = Ended { pid, comm: &seen.comm, status, lived, inner_pid }.exhibit();
    put(seen, wait);
    trace(seen);
    put(seen, witness::machine());
    let end = RunEnd { at: seen.ended, gathered_at: Moment(jiff::Timestamp::now()) };
    seen.recorder.line(RunLine::End(end));
}

fn put(seen: &mut Seen, exhibit: Exhibit) {
    seen.recorder.line(RunLine::Exhibit(Box::new(exhibit)));
}

fn gap(seen: &mut Seen, source: Source, tried: &str, because: &str, would_tell: &str) {
    let open_by = rights_would_help(source).then(|| "sudo why137 run -- CMD".to_owned());
    seen.recorder.line(RunLine::Gap(Gap {
        source,
        tried: tried.to_owned(),
        because: because.to_owned(),
        would_tell: would_tell.to_owned(),
        open_by,
    }));
}

fn rights_would_help(source: Source) -> bool {
    let is_closed = matches!(source, Source::KernelLog | Source::Trace | Source::Cgroup);
    is_closed && !rustix::process::geteuid().is_root()
}

fn kernel_log(seen: &mut Seen, kills: Option<u64>) {
    let (pid, name) = (seen.pid, seen.cage.name().map(str::to_owned));
    let shared = seen.cage.nearest().map(|cgroup| cgroup.path().clone());
    let (own, inner_pid) = (seen.cage.own().is_some(), seen.inner_pid);
    let exhibit = match &mut seen.kernel_log {
        Ok(log) => {
            let deadline = Instant::now() + PATIENCE;
            log.read();
            while kills.is_some_and(|kills| kills > 0)
                && !name.as_deref().is_some_and(|name| log.has_kill_in(name))
                && Instant::now() < deadline
            {
                std::thread::sleep(Duration::from_millis(2));
                log.read();
            }
            let about =
                About { pid, name: name.as_deref(), shared: shared.as_ref(), inner_pid, kills };
            // Its silence excludes only where no report had to be left out on a guess.
            let covers = own && kills.is_some();
            Ok(log.window(covers, |report| about.keep(report)))
        }
        Err(because) => Err(because.clone()),
    };
    match exhibit {
        Ok(exhibit) => {
            // The kernel's spelling of the path: ours may be that of a cgroup namespace.
            let path = name.as_deref().and_then(|name| path_in(exhibit.text(), name));
            if let Some(path) = path {
                seen.recorder.line(RunLine::Cgroup(path));
            }
            put(seen, exhibit);
        }
        Err(because) => {
            let would_tell =
                "whether the kernel's OOM killer acted, on which process and at which limit";
            gap(seen, Source::KernelLog, "/dev/kmsg", &because, would_tell);
        }
    }
}

/// What a report has to be about.
struct About<'a> {
    pid: u32,
    name: Option<&'a str>,
    shared: Option<&'a CgroupPath>,
    inner_pid: bool,
    kills: Option<u64>,
}

impl About<'_> {
    fn keep(&self, report: &str) -> Keep {
        if !is_about_oom(report) {
            return Keep::Yes;
        }
        let killed = format!("Killed process {} (", self.pid);
        let is_main = !self.inner_pid && report.contains(&killed);
        let is_ours = match (task_path(report), self.name, self.shared) {
            (Some(path), Some(name), _) => path.split('/').any(|part| part == name),
            // Everything below a namespace's root looks alike.
            (Some(path), None, Some(shared)) => !shared.is_root() && path == shared.as_str(),
            (Some(_), None, None) => false,
            (None, _, _) => self.kills.is_none_or(|kills| kills > 0),
        };
        if is_main || is_ours { Keep::Yes } else { Keep::No }
    }
}

fn is_about_oom(report: &str) -> bool {
    [" invoked oom-killer: ", "oom-kill:", "Killed process ", "oom_reaper: "]
        .iter()
        .any(|words| report.contains(words))
}

/// The victim's cgroup: `task_memcg=/x,task=…`; before 5.0 `Task in /x killed as a result of …`.
fn task_path(report: &str) -> Option<&str> {
    let new = report.split_once("task_memcg=").and_then(|(_, rest)| rest.split(",task=").next());
    let old = || {
        let (_, rest) = report.split_once("Task in ")?;
        rest.split_once(" killed as a result of").map(|(path, _)| path)
    };
    new.or_else(old).map(str::trim)
}

/// The path up to a name that only this run gave.
fn path_in(text: &str, name: &str) -> Option<CgroupPath> {
    let path = text.lines().filter_map(task_path).find(|path| path.contains(name))?;
    let end = path.find(name)? + name.len();
    CgroupPath::parse(path.get(..end)?)
}

/// Its own cgroup, and every limit above it.
fn cgroups(seen: &mut Seen, kills: Option<u64>) {
    let mut found: Vec<(String, String)> = Vec::new();
    if let Some(nearest) = seen.cage.nearest() {
        // A shared cgroup's counters began before this run: they testify only if they moved.
        if seen.cage.own().is_some() || kills.is_some_and(|kills| kills > 0) {
            found.push((nearest.directory().display().to_string(), nearest.counters()));
        }
        for ancestor in nearest.ancestors() {
            let limited = ancestor.limit.and_then(casefile::Limit::bytes).is_some();
            if limited && seen.cage.own().is_some() {
                let label = ancestor.directory.display().to_string();
                found.push((label, nearest.counters_of(&ancestor)));
            }
        }
    }
    let prefix = namespace_of(seen);
    for (number, (label, text)) in found.into_iter().enumerate() {
        let id = format!("cgroup-{number}");
        let text = under(&prefix, &text);
        put(seen, exhibit(&id, Source::Cgroup, &label, &text));
    }
    if let Some(because) = seen.cage.missing().map(str::to_owned) {
        let would_tell = "whether an OOM killer took a process of this command, and its memory";
        gap(seen, Source::Cgroup, "a cgroup of its own", &because, would_tell);
    }
}

/// What the kernel puts before the paths that are seen here: the root of a cgroup namespace.
fn namespace_of(seen: &Seen) -> String {
    let kernels = seen.recorder.record().and_then(|record| record.header.cgroup.clone());
    let ours = seen.cage.path();
    let prefix = kernels.zip(ours).and_then(|(kernels, ours)| {
        kernels.as_str().strip_suffix(ours.as_str()).map(str::to_owned)
    });
    prefix.unwrap_or_default()
}

/// The same files under the kernel's paths.
fn under(prefix: &str, text: &str) -> String {
    if prefix.is_empty() {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| {
        for point in ["==> /sys/fs/cgroup/memory/", "==> /sys/fs/cgroup/"] {
            if let Some(rest) = line.strip_prefix(point) {
                return format!("{}{prefix}/{rest}\n", point.trim_end_matches('/'));
            }
        }
        format!("{line}\n")
    });
    lines.collect()
}

fn trace(seen: &mut Seen) {
    match &seen.probe {
        Ok(Some(probe)) => {
            let clock = probe.clock().calibrate();
            let text: String = seen.trace.iter().map(|line| format!("{line}\n")).collect();
            let label = "signal:signal_generate, oom:mark_victim";
            if !text.is_empty() {
                put(seen, Exhibit { clock, ..exhibit("trace", Source::Trace, label, &text) });
            }
        }
        Ok(None) => {
            let because = "the command had ended before a trace was begun";
            gap(seen, Source::Trace, "tracefs", because, "who sent the signal");
        }
        Err(because) => {
            let because = because.clone();
            gap(seen, Source::Trace, "tracefs", &because, "who sent the signal");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "4,1,1,-;a invoked oom-killer: x\n6,2,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/host/ci,task_memcg=/host/ci/why137-run-7-1/main,task=a,pid=9,uid=0\n3,3,3,-;Memory cgroup out of memory: Killed process 9 (a)\n";

    fn about(kills: u64) -> About<'static> {
        let name = Some("why137-run-7-1");
        About { pid: 5, name, shared: None, inner_pid: false, kills: Some(kills) }
    }

    #[test]
    fn only_reports_that_are_certainly_others_are_left_out() {
        let other = OURS.replace("why137-run-7-1", "why137-run-7-12");
        let bare = "3,3,3,-;Memory cgroup out of memory: Killed process 9 (a)\n";
        assert_eq!(about(1).keep(OURS), Keep::Yes);
        assert_eq!(about(1).keep(&other), Keep::No);
        assert_eq!(about(1).keep(bare), Keep::Yes);
        assert_eq!(about(0).keep(bare), Keep::No);
        assert_eq!(about(0).keep(&bare.replace(" 9 ", " 5 ")), Keep::Yes);
        assert_eq!(about(0).keep("6,1,1,-;eth0 up\n"), Keep::Yes);
        let old = "6,1,1,-;Task in /ci/why137-run-7-1 killed as a result of limit of /ci\n3,2,2,-;Killed process 9 (a)";
        assert_eq!(about(1).keep(old), Keep::Yes);
    }

    #[test]
    fn counters_stand_under_the_kernels_paths() {
        let text = "==> /sys/fs/cgroup/ci/memory.max <==\n7\n";
        assert_eq!(under("/host", text), "==> /sys/fs/cgroup/host/ci/memory.max <==\n7\n");
        let text = "==> /sys/fs/cgroup/memory/ci/x <==\n7\n";
        assert_eq!(under("/host", text), "==> /sys/fs/cgroup/memory/host/ci/x <==\n7\n");
        assert_eq!(under("", text), text);
    }

    #[test]
    fn the_kernels_own_spelling_of_the_path_is_taken() {
        let path = path_in(OURS, "why137-run-7-1").unwrap();
        assert_eq!(path.as_str(), "/host/ci/why137-run-7-1");
        assert_eq!(path_in(OURS, "why137-run-8"), None);
    }
}
