//! The exhibits of a death of our own: the kernel's report, counters, trace lines, the wait
//! status, the machine. Each text passes `parse::redact` before it is an exhibit.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use casefile::{Body, CaseFile, Clock, Exhibit, Gap, Moment, Source};
use rustix::time::{ClockId, clock_gettime};

/// An exhibit with nothing known about its clock.
pub(super) fn exhibit(id: &str, source: Source, label: &str, text: &str) -> Exhibit {
    Exhibit {
        id: id.to_owned(),
        source,
        label: label.to_owned(),
        check: None,
        about: None,
        clock: Clock::Unknown,
        covers: false,
        cut_from: None,
        body: Body::Text(parse::redact(source, text)),
    }
}

/// The kernel's log from now on.
#[derive(Debug)]
pub(super) struct KernelLog {
    file: File,
    records: Vec<String>,
    lost: bool,
}

impl KernelLog {
    /// Opens the log behind its last record.
    pub(super) fn open() -> std::io::Result<Self> {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        let flags = i32::try_from(flags).map_err(|_unreachable| ErrorKind::InvalidInput)?;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open("/dev/kmsg")?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, records: Vec::new(), lost: false })
    }

    /// Takes in the records that came since.
    pub(super) fn read(&mut self) {
        // One read gives one record, of at most 8 KiB.
        let mut record = [0_u8; 8192];
        loop {
            match self.file.read(&mut record) {
                Ok(0) => return,
                Ok(length) => {
                    let bytes = record.get(..length).unwrap_or_default();
                    self.records.push(String::from_utf8_lossy(bytes).into_owned());
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.lost = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_no_more) => return,
            }
        }
    }

    /// True once the report that kills this process is complete.
    pub(super) fn has_kill_of(&self, pid: u32) -> bool {
        self.records.iter().any(|record| is_kill_of(record, pid))
    }

    /// The report that ends with the kill of this process: reports follow one another, the kernel
    /// writes each under its OOM lock. Other machines' noise stays out.
    pub(super) fn report_of(&self, pid: u32) -> Option<Exhibit> {
        let end = self.records.iter().position(|record| is_kill_of(record, pid))?;
        let start = self
            .records
            .iter()
            .take(end)
            .rposition(|record| record.contains(" invoked oom-killer: "))
            .unwrap_or(0);
        let reaped = format!("reaped process {pid} (");
        let after = self.records.iter().skip(end + 1).filter(|record| record.contains(&reaped));
        let report = self.records.iter().take(end + 1).skip(start);
        let text: String = report.chain(after).map(String::as_str).collect();
        Some(Exhibit {
            check: Some("sudo dmesg".to_owned()),
            clock: since_boot(),
            covers: !self.lost,
            ..exhibit("kmsg", Source::KernelLog, "/dev/kmsg", &text)
        })
    }
}

fn is_kill_of(record: &str, pid: u32) -> bool {
    record.contains(&format!("Killed process {pid} ("))
}

/// The kernel log's clock runs like CLOCK_MONOTONIC, to some tens of milliseconds.
fn since_boot() -> Clock {
    let micros = |id| {
        let now = clock_gettime(id);
        now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    };
    let zero = micros(ClockId::Realtime) - micros(ClockId::Monotonic);
    Moment::from_micros(zero).map_or(Clock::Unknown, |zero_at| Clock::SinceBoot { zero_at })
}

/// The wait status, as the parent of the process saw it.
pub(super) fn wait_status(pid: u32, comm: &str, status: ExitStatus) -> Exhibit {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("exited {}", code.unwrap_or_default()),
    };
    let text = format!("==> wait status of pid {pid} <==\ncomm {comm}\n{how}\n");
    exhibit("wait", Source::Proc, "wait(2)", &text)
}

/// What the machine is, in the keys that every case uses.
pub(super) fn machine() -> Exhibit {
    let mut text = String::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{key}: {value}\n"));
        }
    };
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    add("kernel-release", release.map(|release| release.trim().to_owned()));
    add("cgroup-version", super::cgroup::version().map(|version| version.to_string()));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    for (key, name) in [("mem-total-bytes", "MemTotal:"), ("mem-available-bytes", "MemAvailable:")]
    {
        let kib =
            memory.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
        add(key, kib.and_then(|kib| kib.parse::<u64>().ok()).map(|kib| (kib * 1024).to_string()));
    }
    exhibit("machine", Source::Machine, "/proc", &text)
}

/// The lines of a trace that tell of one process, each signal with its sender.
pub(super) fn trace_of(lines: &[String], pid: u32) -> String {
    let mut text = String::new();
    let mut is_ours = false;
    for line in lines {
        if !line.starts_with("# sender ") {
            is_ours = line.split([' ', ':']).any(|word| word == format!("pid={pid}"));
        }
        if is_ours {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A source that could not be read.
pub(super) fn gap(case: &mut CaseFile, source: Source, tried: &str, because: &str) {
    let would_tell = match source {
        Source::KernelLog => "which process the kernel killed, and at which limit",
        Source::Trace => "who sent the signal",
        _ => "more about the death",
    };
    case.gaps.push(Gap {
        source,
        tried: tried.to_owned(),
        because: because.to_owned(),
        would_tell: would_tell.to_owned(),
        open_by: Some("sudo why137 demo".to_owned()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_one_process_are_kept() {
        let lines = [
            "a-1 [000] d..1. 9.1: signal_generate: sig=9 errno=0 code=0 comm=x pid=7 grp=1 res=0",
            "# sender pid=1 uid=0 auid=unset cmdline=a",
            "b-2 [000] d..1. 9.2: signal_generate: sig=9 errno=0 code=0 comm=x pid=77 grp=1 res=0",
            "# sender pid=2 uid=0 auid=unset cmdline=b",
            "c-3 [000] d..1. 9.3: mark_victim: pid=7",
        ]
        .map(str::to_owned);
        let kept = trace_of(&lines, 7);
        let expected = format!("{}\n{}\n{}\n", lines[0], lines[1], lines[4]);
        assert_eq!(kept, expected);
    }
}
