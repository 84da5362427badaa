//! What the parent of a process can testify: how it ended, what the kernel's log said meanwhile,
//! what the machine is.
//!
//! Shared by `demo` and `run`. Each text passes `parse::redact` before it is an exhibit.

pub(super) mod kernel_log;

use std::process::ExitStatus;

use std::os::unix::process::ExitStatusExt;

use casefile::{Exhibit, Moment, Source};

pub(super) use evidence::exhibit;

/// A process that ended: whose status it is, and from when to when it lived.
#[derive(Debug, Clone)]
pub(super) struct Ended<'a> {
    /// As its parent knows it.
    pub(super) pid: u32,
    /// Its name.
    pub(super) comm: &'a str,
    /// How.
    pub(super) status: ExitStatus,
    /// From when to when, where that was noted.
    pub(super) lived: Option<(Moment, Moment)>,
    /// The pid is one of an inner namespace.
    pub(super) inner_pid: bool,
}

impl Ended<'_> {
    /// The wait status, as the parent of the process saw it.
    pub(super) fn exhibit(&self) -> Exhibit {
        let pid = self.pid;
        // A name may hold a line end, and this text is read line by line.
        let comm: String = self.comm.chars().filter(|c| !c.is_control()).collect();
        let mut text = format!("==> wait status of pid {pid} <==\ncomm {comm}\n");
        if let Some((started, ended)) = self.lived {
            text += &format!("started {}\nended {}\n", started.0, ended.0);
        }
        if self.inner_pid {
            text += "namespace inner\n";
        }
        text += &match (self.status.signal(), self.status.code()) {
            (Some(signal), _) => format!("signal {signal}\n"),
            (None, code) => format!("exited {}\n", code.unwrap_or_default()),
        };
        exhibit("wait", Source::Proc, "wait(2)", &text)
    }
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
    add("cgroup-version", confine::version().map(|version| version.to_string()));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    for (key, name) in [("mem-total-bytes", "MemTotal"), ("mem-available-bytes", "MemAvailable")] {
        add(key, hierarchy::meminfo(&memory, name).map(|bytes| bytes.0.to_string()));
    }
    exhibit("machine", Source::Machine, "/proc", &text)
}
