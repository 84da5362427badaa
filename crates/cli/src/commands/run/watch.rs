//! From the start of the command to its end: signals passed on, samples taken, the trace read.
//!
//! One thread that sleeps until a signal, a trace line or the next sample is due. Nothing here
//! delays a short command: the first sample comes after 10 ms, the trace after 100 ms.

use std::collections::BTreeSet;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use casefile::{Moment, signal_name};
use parse::run_record::{FORMAT, RunHeader, RunLine, RunSample};
use probe::Probe;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::RunArgs;
use super::cage::Cage;
use super::inside::{self, JOINING, Refused};
use super::recorder::Recorder;
use super::signals::{Came, Signals};
use crate::commands::witness::kernel_log::KernelLog;

/// Between two looks at first, and at most.
const OFTEN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_secs(1);
/// A line at least this often, even if nothing changes: the record's own pulse.
const PULSE: Duration = Duration::from_secs(10);
/// A tracefs instance costs some milliseconds: not for a command that is over by then.
const TRACE_AFTER: Duration = Duration::from_millis(100);
/// Processes of the command that are remembered; of a job that starts more, the latest.
const MOST_MEMBERS: usize = 4096;
/// Lines of the trace that are kept.
const MOST_LINES: usize = 400;
/// The initial pid namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO).
const INITIAL_NAMESPACE: &str = "pid:[4026531836]";

/// The command and everything that watches it.
pub(super) struct Watched<'a> {
    child: Child,
    pid: Pid,
    signals: &'a mut Signals,
    begun: Instant,
    /// How it was seen.
    pub(super) seen: Seen,
}

/// What was seen of the command.
pub(super) struct Seen {
    pub(super) cage: Cage,
    pub(super) recorder: Recorder,
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) inner_pid: bool,
    pub(super) started: Moment,
    pub(super) ended: Moment,
    /// As the kernel had it: the command's, or one that it became.
    pub(super) comm: String,
    pub(super) status: ExitStatus,
    pub(super) kernel_log: Result<KernelLog, String>,
    pub(super) probe: Result<Option<Probe>, String>,
    pub(super) trace: Vec<String>,
    /// Lines about signals that were passed on, as a journal.
    pub(super) journal: String,
    /// A key of the terminal asked for the end.
    pub(super) by_key: bool,
    next_look: Instant,
    last_line: Option<(Instant, RunSample)>,
    /// Pids that were seen in the command's cgroup: one that was killed is no longer there when the
    /// trace tells of it.
    members: BTreeSet<u32>,
}

impl<'a> Watched<'a> {
    /// Starts the command.
    pub(super) fn start(
        arguments: &RunArgs,
        cage: Cage,
        mut recorder: Recorder,
        signals: &'a mut Signals,
    ) -> anyhow::Result<Self> {
        let kernel_log = KernelLog::open()
            .map_err(|error| format!("could not read `/dev/kmsg`: {}", error.kind()));
        let mut command = starter(arguments, &cage, signals)?;
        let started = Moment(jiff::Timestamp::now());
        let child = command.spawn().context("could not start `why137` a second time")?;
        let begun = Instant::now();
        let words = arguments.command.iter().map(|word| word.to_string_lossy());
        let line = words.collect::<Vec<_>>().join(" ");
        let program = arguments.command.first().map(|word| word.to_string_lossy());
        let program = program.unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
        let inner_pid = std::fs::read_link("/proc/self/ns/pid")
            .is_ok_and(|namespace| namespace.as_os_str() != INITIAL_NAMESPACE);
        recorder.begin(RunHeader {
            why137_run_record: FORMAT,
            started_at: started,
            name: name.clone(),
            command: parse::redact(casefile::Source::Pasted, &line),
            pid: child.id(),
            inner_pid_namespace: inner_pid,
            cgroup: cage.path(),
            cgroup_version: confine::version(),
            limit: arguments.memory.filter(|_| cage.own().is_some()),
            without_cgroup: cage.missing().map(str::to_owned),
        });
        let seen = Seen {
            cage,
            recorder,
            pid: child.id(),
            name,
            inner_pid,
            started,
            ended: started,
            comm: String::new(),
            status: ExitStatus::default(),
            kernel_log,
            probe: Ok(None),
            trace: Vec::new(),
            journal: String::new(),
            by_key: false,
            next_look: begun + OFTEN,
            last_line: None,
            members: BTreeSet::new(),
        };
        Ok(Self { pid: Pid::from_child(&child), child, signals, begun, seen })
    }

    /// Waits for the end of the command.
    pub(super) fn until_end(mut self) -> anyhow::Result<Seen> {
        loop {
            self.sleep();
            while let Some(came) = self.signals.next() {
                self.pass_on(came);
            }
            self.read_trace();
            if self.has_ended()? {
                break;
            }
            self.follow_a_stop();
            if Instant::now() >= self.seen.next_look {
                self.look();
            }
        }
        self.seen.ended = Moment(jiff::Timestamp::now());
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", self.seen.pid));
        self.seen.comm = comm.unwrap_or_default().trim_end().to_owned();
        self.seen.status = self.child.wait().context("could not wait for the command")?;
        if self.seen.comm == JOINING && self.seen.status.code().is_none() {
            self.seen.comm.clone_from(&self.seen.name);
        }
        Ok(self.seen)
    }

    /// Until a signal, a trace line, or the next look is due.
    fn sleep(&self) {
        let rest = self.seen.next_look.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(rest).ok();
        let mut wait = vec![PollFd::from_borrowed_fd(self.signals.descriptor(), PollFlags::IN)];
        if let Ok(Some(probe)) = &self.seen.probe {
            wait.extend(probe.pipe().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        }
        // Interrupted or refused: the loop looks at everything again, at the pace of the samples.
        if poll(&mut wait, timeout.as_ref()).is_err_and(|error| error != Errno::INTR) {
            std::thread::sleep(OFTEN.min(rest));
        }
    }

    fn pass_on(&mut self, came: Came) {
        self.seen.by_key |= came.is_key();
        let Some(signal) = Signal::from_named_raw(came.number) else { return };
        if !came.is_to_be_passed_on() {
            return;
        }
        // It may have ended in this moment.
        let sent = kill_process(self.pid, signal).is_ok();
        if sent && came.asks_to_stop() && !came.by_kernel {
            let comm = std::fs::read_to_string(format!("/proc/{}/comm", came.pid));
            let who = comm.map(|comm| format!(" ({})", comm.trim_end())).unwrap_or_default();
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00");
            self.seen.journal += &format!(
                "{now} localhost why137-run[{}]: passed {} on to pid {}, sent by pid {} uid {}{who}\n",
                std::process::id(),
                signal_name(came.number),
                self.seen.pid,
                came.pid,
                came.uid,
            );
        }
    }

    /// Ended, but not reaped: its name can still be read.
    fn has_ended(&self) -> anyhow::Result<bool> {
        reap_strangers(self.seen.pid);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), options) {
            Ok(status) => Ok(status.is_some()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error).context("could not wait for the command"),
        }
    }

    /// The command was stopped by the terminal's key (or its like): so do we, and the shell sees
    /// a stopped job. SIGSTOP is somebody's own business with the command.
    fn follow_a_stop(&self) {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        let status = waitid(WaitId::Pid(self.pid), options).ok().flatten();
        let signal = status.and_then(|status| status.stopping_signal());
        let keys = [Signal::TSTP, Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
        if signal.is_some_and(|signal| keys.contains(&signal)) {
            // SIGCONT is queued and passed on when we go on. Refused only to nobody's process.
            kill_process(rustix::process::getpid(), Signal::STOP).unwrap_or_default();
        }
    }

    fn look(&mut self) {
        let (now, pid) = (Instant::now(), self.seen.pid);
        let after = now.saturating_duration_since(self.begun);
        self.seen.find_cage(pid);
        self.seen.count_members();
        if after >= TRACE_AFTER && matches!(self.seen.probe, Ok(None)) {
            self.seen.probe = open_probe();
        }
        let pause = (after / 20).clamp(OFTEN, SELDOM);
        self.seen.next_look = now + pause;
        let Some(sample) = self.seen.sample(after) else { return };
        let last = self.seen.last_line.as_ref();
        // Growing fast: what comes next may be the end.
        if last.is_some_and(|(_, last)| has_grown(last, &sample)) {
            self.seen.next_look = now + (pause / 8).max(OFTEN);
        }
        let is_due = last.is_none_or(|(at, last)| {
            now.saturating_duration_since(*at) >= PULSE || differs(last, &sample)
        });
        if is_due {
            self.seen.last_line = Some((now, sample.clone()));
            self.seen.recorder.line(RunLine::Sample(sample));
        }
    }

    fn read_trace(&mut self) {
        self.seen.read_trace(Instant::now());
    }
}

impl Seen {
    /// The last look, and the trace's last lines.
    pub(super) fn look_again(&mut self) {
        let after = self.ended.micros_since(self.started).max(0).unsigned_abs();
        self.find_cage(self.pid);
        if let Some(sample) = self.sample(Duration::from_micros(after)) {
            self.recorder.line(RunLine::Sample(sample));
        }
        self.read_trace(Instant::now());
    }

    fn find_cage(&mut self, pid: u32) {
        let known = self.cage.own().is_some();
        self.cage.find(pid);
        if let Some(path) = self.cage.path().filter(|_| !known) {
            self.recorder.line(RunLine::Cgroup(path));
        }
    }

    fn count_members(&mut self) {
        let Some(own) = self.cage.own() else { return };
        if self.members.len() > MOST_MEMBERS {
            self.members.clear();
        }
        self.members.extend(own.processes(MOST_MEMBERS));
    }

    fn sample(&self, after: Duration) -> Option<RunSample> {
        let sample = self.cage.sample()?;
        Some(RunSample {
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            usage: sample.usage,
            anon: sample.anon,
            file: sample.file,
            shmem: sample.shmem,
            oom_kills: sample.oom_kills,
            limit_hits: sample.limit_hits,
            pressure: sample.pressure,
        })
    }

    /// Keeps the lines about the command and what it started.
    fn read_trace(&mut self, until: Instant) {
        let Ok(Some(probe)) = &mut self.probe else { return };
        let mut is_ours = false;
        for line in probe.read_lines(until) {
            if !line.starts_with("# sender ") {
                let target = target_of(&line);
                is_ours = target.is_some_and(|pid| {
                    pid == self.pid || self.members.contains(&pid) || self.cage.holds(pid)
                });
            }
            if is_ours && self.trace.len() < MOST_LINES {
                self.trace.push(line);
            }
        }
    }

    /// The command never began.
    pub(super) fn never_began(&self) -> Option<Refused> {
        inside::refused(&self.comm, self.status.code())
    }

    /// Why the way into the cage did not work; takes it down.
    pub(super) fn give_up(self) -> String {
        self.recorder.forget();
        let because = match self.comm.as_str() {
            JOINING => "the cgroup could not be joined",
            _ => "systemd-run could not make a scope",
        };
        drop(self.cage.remove());
        because.to_owned()
    }

    /// Nothing to tell.
    pub(super) fn forget(&self) {
        self.recorder.forget();
    }

    /// The exit code that a shell would show.
    pub(super) fn code(&self) -> u8 {
        let code = self.status.code().or_else(|| Some(128 + self.status.signal()?));
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::failure::RUN)
    }
}

/// This program once more, on its way to become the command.
fn starter(arguments: &RunArgs, cage: &Cage, signals: &Signals) -> anyhow::Result<Command> {
    let (before, directory) = cage.way_in();
    let mut command = match before.split_first() {
        Some((first, rest)) => {
            let program = std::env::current_exe().context("could not find `why137` itself")?;
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => {
            let mut command = Command::new("/proc/self/exe");
            command.arg0("why137");
            command
        }
    };
    command.args(inside::words(directory, signals.blocked())).args(&arguments.command);
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    Ok(command)
}

fn open_probe() -> Result<Option<Probe>, String> {
    Probe::open().map(Some).map_err(|error| {
        let cause = std::error::Error::source(&error)
            .and_then(|cause| cause.downcast_ref::<std::io::Error>())
            .map(|cause| format!(": {}", cause.kind()));
        format!("{error}{}", cause.unwrap_or_default())
    })
}

/// The process that a trace line is about.
fn target_of(line: &str) -> Option<u32> {
    let (_, fields) =
        line.split_once(": signal_generate: ").or_else(|| line.split_once(": mark_victim: "))?;
    // A name may hold ` pid=7`: behind `comm=` the last one counts, `mark_victim` begins with it.
    let before = fields.split(" grp=").next().unwrap_or(fields);
    let text = match fields.strip_prefix("pid=") {
        Some(rest) => rest,
        None => before.rsplit("pid=").next()?,
    };
    text.split(' ').next()?.parse().ok()
}

/// As PID 1 of a container: processes that lost their parent are ours to reap.
fn reap_strangers(command: u32) {
    if std::process::id() != 1 {
        return;
    }
    let children = std::fs::read_to_string("/proc/self/task/1/children").unwrap_or_default();
    let strangers = children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
    for pid in strangers.filter(|pid| u32::try_from(*pid) != Ok(command)) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        // Gone already, or not ended yet: both are fine.
        Pid::from_raw(pid).map(|pid| waitid(WaitId::Pid(pid), options).ok());
    }
}

fn has_grown(last: &RunSample, now: &RunSample) -> bool {
    last.usage.zip(now.usage).is_some_and(|(last, now)| now > last + last / 8)
}

/// More than a 64th, or a counter moved.
fn differs(last: &RunSample, now: &RunSample) -> bool {
    let moved = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) > a / 64,
        (a, b) => a != b,
    };
    moved(last.usage, now.usage)
        || last.oom_kills != now.oom_kills
        || moved(last.limit_hits, now.limit_hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_line_names_its_target() {
        let line = "sh-1 [000] d... 5.000001: signal_generate: sig=15 errno=0 code=0 comm=a pid=7 pid=12 grp=1 res=0";
        assert_eq!(target_of(line), Some(12));
        assert_eq!(target_of("hog-3 [0] 1.0: mark_victim: pid=3 comm=a pid=9"), Some(3));
        assert_eq!(target_of("# sender pid=3"), None);
    }

    #[test]
    fn a_sample_is_written_when_something_changed() {
        let at = |usage: u64, oom_kills: u64| RunSample {
            usage: Some(usage),
            oom_kills: Some(oom_kills),
            ..RunSample::default()
        };
        assert!(!differs(&at(6400, 0), &at(6410, 0)));
        assert!(differs(&at(6400, 0), &at(6600, 0)));
        assert!(differs(&at(6400, 0), &at(6400, 1)));
        assert!(has_grown(&at(800, 0), &at(1000, 0)) && !has_grown(&at(800, 0), &at(810, 0)));
    }
}
