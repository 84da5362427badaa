//! The kernel's log from a moment on, read where this user may.
//!
//! Records of /dev/kmsg (Documentation/ABI/testing/dev-kmsg), each kept whole. The kernel writes
//! an OOM report under its OOM lock, so reports follow one another and are never mixed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

use casefile::{Clock, Exhibit, Moment, Source};
use rustix::time::{ClockId, clock_gettime};

use super::exhibit;

/// More than this is not kept: a log that is flooded covers nothing, and its end is what counts.
const MOST_RECORDS: usize = 20_000;

/// The kernel's log from now on.
#[derive(Debug)]
pub(in crate::commands) struct KernelLog {
    file: File,
    records: Vec<String>,
    lost: bool,
}

/// Whether a report is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Keep {
    /// It is about the subject, or may be.
    Yes,
    /// It is certainly about something else.
    No,
}

impl KernelLog {
    /// Opens the log behind its last record.
    pub(in crate::commands) fn open() -> std::io::Result<Self> {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        let flags = i32::try_from(flags).map_err(|_unreachable| ErrorKind::InvalidInput)?;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open("/dev/kmsg")?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, records: Vec::new(), lost: false })
    }

    /// Takes in the records that came since.
    pub(in crate::commands) fn read(&mut self) {
        // One read gives one record, of at most 8 KiB.
        let mut record = [0_u8; 8192];
        loop {
            match self.file.read(&mut record) {
                Ok(0) => return,
                Ok(length) => {
                    let bytes = record.get(..length).unwrap_or_default();
                    self.records.push(String::from_utf8_lossy(bytes).into_owned());
                    if self.records.len() > MOST_RECORDS {
                        self.records.drain(..MOST_RECORDS / 2);
                        self.lost = true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.lost = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_no_more) => return,
            }
        }
    }

    /// True once the report that kills this process is complete.
    pub(in crate::commands) fn has_kill_of(&self, pid: u32) -> bool {
        self.records.iter().any(|record| is_kill_of(record, pid))
    }

    /// True once a report that kills in a cgroup of this name is complete.
    pub(in crate::commands) fn has_kill_in(&self, name: &str) -> bool {
        groups(&self.records)
            .any(|report| report.contains(name) && report.contains("Killed process "))
    }

    /// The report that ends with the kill of this process. Other machines' noise stays out.
    pub(in crate::commands) fn report_of(&self, pid: u32) -> Option<Exhibit> {
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
        Some(self.exhibit(&text, !self.lost))
    }

    /// Everything since it was opened but the OOM reports that `keep` refuses.
    pub(in crate::commands) fn window(&self, covers: bool, keep: impl Fn(&str) -> Keep) -> Exhibit {
        let text: String = groups(&self.records).filter(|group| keep(group) == Keep::Yes).collect();
        self.exhibit(&text, covers && !self.lost)
    }

    fn exhibit(&self, text: &str, covers: bool) -> Exhibit {
        Exhibit {
            check: Some("sudo dmesg".to_owned()),
            clock: since_boot(),
            covers,
            ..exhibit("kmsg", Source::KernelLog, "/dev/kmsg", text)
        }
    }
}

/// Each OOM report as one text, every other record as one of its own.
fn groups(records: &[String]) -> impl Iterator<Item = String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_open = false;
    for record in records {
        let begins = record.contains(" invoked oom-killer: ");
        match found.last_mut().filter(|_| is_open && !begins) {
            Some(report) => report.push_str(record),
            None => found.push(record.clone()),
        }
        is_open = (is_open || begins) && !record.contains("Killed process ");
    }
    found.into_iter()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_kept_or_left_out_whole() {
        let records = [
            "6,1,1,-;eth0 up\n",
            "4,2,2,-;a invoked oom-killer: gfp\n",
            "6,3,3,-;oom-kill:task_memcg=/x\n",
            "3,4,4,-;Memory cgroup out of memory: Killed process 7 (a)\n",
            "6,5,5,-;oom_reaper: reaped process 7 (a)\n",
            "4,6,6,-;b invoked oom-killer: gfp\n",
            "4,7,7,-;c invoked oom-killer: gfp\n",
        ]
        .map(str::to_owned);
        let found: Vec<String> = groups(&records).collect();
        assert_eq!(found.len(), 5);
        assert_eq!(found[1], records[1..4].concat());
        assert_eq!(found[2], records[4]);
        assert_eq!((&found[3], &found[4]), (&records[5], &records[6]));
    }
}
