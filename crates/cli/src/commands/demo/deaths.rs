//! The three deaths, made and witnessed.
//!
//! Each returns the case of what happened, or why it could not be made here. Whatever is started
//! is ended and waited for, on every way out.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use casefile::{Asked, Bytes, CaseFile, Exhibit, Limit, Moment, Source};
use confine::{Cgroup, Wish};
use probe::Probe;
use rustix::process::{Pid, Signal, kill_process};

use super::exhibits::{self, gap};
use super::parts::LIMIT;
use super::stage::Abandoned;
use crate::commands::witness::kernel_log::KernelLog;
use crate::commands::witness::{self, Ended, exhibit};

/// Everything the deaths need, opened once.
pub(super) struct Theatre {
    abandoned: Abandoned,
    probe: Result<Probe, String>,
    kernel_log: Result<KernelLog, String>,
}

impl Theatre {
    /// Opens what this user may open.
    pub(super) fn open(abandoned: Abandoned) -> Self {
        let probe = Probe::open().map_err(|error| {
            let cause = std::error::Error::source(&error)
                .and_then(|cause| cause.downcast_ref::<std::io::Error>())
                .map(|cause| format!(": {}", cause.kind()));
            format!("{error}{}", cause.unwrap_or_default())
        });
        let kernel_log = KernelLog::open()
            .map_err(|error| format!("could not read `/dev/kmsg`: {}", error.kind()));
        Self { abandoned, probe, kernel_log }
    }

    /// Reads the trace until a line about this process satisfies, for a second at most.
    fn trace(&mut self, pid: u32, until: impl Fn(&str) -> bool) -> Option<Exhibit> {
        let probe = self.probe.as_mut().ok()?;
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut lines = Vec::new();
        let mut text = String::new();
        while !self.abandoned.is_set() && Instant::now() < deadline {
            lines.extend(probe.read_lines(Instant::now() + Duration::from_millis(5)));
            text = exhibits::trace_of(&lines, pid);
            if until(&text) {
                break;
            }
        }
        let clock = probe.clock().calibrate();
        let covers = !probe.has_lost();
        let made =
            exhibit("trace", Source::Trace, "signal:signal_generate, oom:mark_victim", &text);
        (!text.is_empty()).then_some(Exhibit { clock, covers, ..made })
    }
}

/// A child that is ended and waited for when it goes out of sight.
struct Actor {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Actor {
    /// This program in another part.
    fn part(part: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("why137").args(["demo", "--part"]).args(part);
        Self::start(command)
    }

    fn start(mut command: Command) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start a process")?;
        Ok(Self { child, ended: None })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its first line, which it writes when it is where it should be.
    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let output = self.child.stdout.take().context("a process has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("could not hear from a process")?;
        if line.trim() != "ready" {
            bail!("a process of the demonstration did not start");
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).context("could not send a signal to our own child")
    }

    /// How it ended, if it does within this time.
    fn end(&mut self, abandoned: &Abandoned, longest: Duration) -> Option<ExitStatus> {
        self.ended = abandoned.wait_for(longest, || self.child.try_wait().ok().flatten());
        self.ended
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It is ours and not waited for yet: the pid cannot be anyone else's.
            self.child.kill().unwrap_or_default();
            self.child.wait().map(|_status| ()).unwrap_or_default();
        }
    }
}

/// A process fills the limit of its own cgroup.
pub(super) fn own_limit(theatre: &mut Theatre) -> anyhow::Result<CaseFile> {
    if let (Err(trace), Err(log)) = (&theatre.probe, &theatre.kernel_log) {
        bail!("nothing would witness it: {log}; {trace}");
    }
    let cgroup = Cgroup::create(&Wish {
        name: format!("why137-demo-{}", std::process::id()),
        limit: Some(Bytes(LIMIT)),
        swap: Some(Limit::At(Bytes(0))),
    })?;
    let directory = cgroup.directory().to_string_lossy().into_owned();
    let mut hog = Actor::part(&["hog", &directory])?;
    let pid = hog.pid();
    let Some(status) = hog.end(&theatre.abandoned, Duration::from_secs(3)) else {
        bail!("the process did not fill its limit in 3 s");
    };
    if let Some(code) = status.code() {
        let refused = code == i32::from(super::parts::NO_LIMIT);
        let why = if refused { "found its limit not in force" } else { "outlived its limit" };
        bail!("the process {why} (it ended with {code})");
    }
    let mut case = new_case("hog")?;
    match &mut theatre.kernel_log {
        Ok(log) => {
            theatre.abandoned.wait_for(Duration::from_millis(500), || {
                log.read();
                log.has_kill_of(pid).then_some(())
            });
            match log.report_of(pid) {
                Some(report) => case.exhibits.push(report),
                // The kernel prints ten reports in 5 s at most, on the whole machine.
                None => {
                    let because = "the kernel wrote no report of this kill (it holds reports back \
                        when many processes are killed at once)";
                    gap(&mut case, Source::KernelLog, "/dev/kmsg", because);
                }
            }
        }
        Err(because) => gap(&mut case, Source::KernelLog, "/dev/kmsg", because),
    }
    let counters = cgroup.counters();
    case.exhibits.push(exhibit("cgroup", Source::Cgroup, &directory, &counters));
    case.exhibits.extend(theatre.trace(pid, |text| text.contains("sig=9")));
    if let Err(because) = &theatre.probe {
        gap(&mut case, Source::Trace, "tracefs", because);
    }
    case.exhibits.push(wait_status(pid, "hog", status));
    case.exhibits.push(witness::machine());
    Ok(case)
}

/// A process that ignores SIGTERM is asked to stop, waited for, and killed: as `docker stop -t 1`.
pub(super) fn forced_stop(theatre: &Theatre) -> anyhow::Result<CaseFile> {
    let mut command = Command::new("sh");
    // `read` ends with the pipe: the shell does not outlive us, though it hears no SIGTERM.
    command.args(["-c", "trap '' TERM; echo ready; read line"]);
    let mut stubborn = Actor::start(command)?;
    stubborn.wait_until_ready()?;
    let pid = stubborn.pid();
    let mut journal = vec![line(&format!("asked pid {pid} to stop (SIGTERM), grace 1 s"))];
    stubborn.signal(Signal::TERM)?;
    if stubborn.end(&theatre.abandoned, Duration::from_secs(1)).is_some() {
        bail!("the process obeyed SIGTERM, though it was told to ignore it");
    }
    stubborn.signal(Signal::KILL)?;
    journal.push(line(&format!("pid {pid} still there after 1 s, sent SIGKILL")));
    let status = stubborn.end(&theatre.abandoned, Duration::from_secs(1));
    let status = status.context("the process outlived SIGKILL")?;
    let mut case = new_case("stubborn")?;
    let text = journal.concat();
    case.exhibits.push(exhibit("journal", Source::Journal, "what why137 demo did", &text));
    case.exhibits.push(wait_status(pid, "sh", status));
    case.exhibits.push(witness::machine());
    Ok(case)
}

/// Another process sends SIGKILL, and only a trace can tell which.
pub(super) fn neighbour(theatre: &mut Theatre) -> anyhow::Result<CaseFile> {
    if let Err(because) = &theatre.probe {
        bail!("{because}");
    }
    let mut victim = Actor::part(&["victim"])?;
    victim.wait_until_ready()?;
    let pid = victim.pid();
    let neighbour = Actor::part(&["neighbour", &pid.to_string()])?;
    let trace = theatre.trace(pid, |text| text.contains("# sender "));
    let status = victim.end(&theatre.abandoned, Duration::from_secs(1));
    let status = status.context("the victim outlived SIGKILL")?;
    drop(neighbour);
    let mut case = new_case("victim")?;
    case.exhibits.push(trace.context("the trace did not show the signal")?);
    case.exhibits.push(wait_status(pid, "victim", status));
    case.exhibits.push(witness::machine());
    Ok(case)
}

fn wait_status(pid: u32, comm: &str, status: ExitStatus) -> Exhibit {
    Ended { pid, comm, status, lived: None, inner_pid: false }.exhibit()
}

fn new_case(name: &str) -> anyhow::Result<CaseFile> {
    let asked = Asked { name: Some(name.to_owned()), ..Asked::default() };
    Ok(CaseFile::new(asked, Moment(jiff::Timestamp::now())))
}

/// A line as `journalctl -o short-iso-precise` would show it.
fn line(words: &str) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00");
    format!("{now} localhost why137-demo[{}]: {words}\n", std::process::id())
}
