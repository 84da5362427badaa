//! Who sent SIGKILL or SIGTERM to whom, and whom the OOM killer marked: seen while it happens,
//! through a tracefs instance of our own.
//!
//! No compiler, no kernel module, no `unsafe`, and no other tracer is disturbed: an instance has
//! its own buffers, filters and switches. Deliberately decides nothing and keeps no history; it
//! says what the kernel says, line by line.
//!
//! # The lines
//!
//! What [`Probe::read_lines`] returns is `trace_pipe`'s own text (Documentation/trace/ftrace.rst),
//! one event a line, with stamps of the clock that [`Probe::clock`] names:
//!
//! ```text
//!  why137-771   [001] d..1.   964.310554: signal_generate: sig=9 errno=0 code=0 comm=sleep pid=770 grp=1 res=0
//!     hog-772   [000] d..1.   964.512001: mark_victim: pid=772 comm=hog total-vm=91234kB anon-rss=64888kB …
//! # sender pid=771 uid=0 auid=1000 exe=/usr/bin/why137 cmdline=why137 demo-part neighbour 770
//! CPU:1 [LOST 5 EVENTS]
//! ```
//!
//! - `NAME-NUMBER` before `[cpu]` is the *thread* in whose context the signal was made: the
//!   sender, except where `code` is above 0 (`128`: the kernel's own doing, the thread only
//!   happened to run).
//! - A `# sender` line follows the signal it belongs to, if its process was still there to be
//!   read in `/proc`: `pid` is that thread's number, `tgid` its process where that differs, `uid`
//!   the real uid, `auid` the login uid or `unset`. `cmdline` is last and takes the rest of the line.
//! - `mark_victim` shows as many fields as this kernel prints ([`Probe::victim_fields`]); some kernels
//!   say only `pid`.
//! - `[LOST n EVENTS]`: the buffer was full; silence proves nothing from then on.
//!
//! # What is left behind
//!
//! Nothing, when the [`Probe`] is dropped. If the program itself is killed with SIGKILL, the
//! instance `why137-PID` stays until `rmdir /sys/kernel/tracing/instances/why137-PID` or a
//! reboot: it keeps at most 64 KiB per CPU. The private mount of tracefs never has a name and
//! goes with the program (on kernels before 5.2 it is a directory in the temporary directory).

mod clock;
mod instance;
mod sender;
mod tracefs;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use clock::TraceClock;
use instance::Instance;

/// Why nothing can be seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// tracefs is not mounted and could not be.
    #[error("tracefs is not mounted and a private one could not be")]
    NoTracefs(#[source] std::io::Error),
    /// The kernel has tracefs without this event.
    #[error("this kernel offers no `{event}` event")]
    NoEvent {
        /// Its path below `events`.
        event: &'static str,
    },
    /// A file of tracefs refused.
    #[error("could not {doing} `{path}`")]
    File {
        /// `create`, `write`, `open`.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A running observation of signals 9 and 15 on the whole machine. Ends when dropped.
#[derive(Debug)]
pub struct Probe {
    instance: Instance,
    pipe: Option<File>,
    /// Bytes of a line that has not ended yet.
    begun: Vec<u8>,
    clock: TraceClock,
    victim_fields: Vec<String>,
    lost: bool,
}

/// How long to sleep between two looks into an empty pipe: a sender may live only a millisecond.
const LOOK_EVERY: Duration = Duration::from_micros(500);

impl Probe {
    /// Starts to observe. Needs root, or the right to write to tracefs.
    pub fn open() -> Result<Self, ProbeError> {
        let instance = Instance::create(tracefs::find()?)?;
        let clock = clock::choose(&instance);
        instance.shrink_buffers();
        instance.wake_at_once();
        if !instance.offers("signal/signal_generate") {
            return Err(ProbeError::NoEvent { event: "signal/signal_generate" });
        }
        instance.write("events/signal/signal_generate/filter", "sig==9 || sig==15")?;
        instance.write("events/signal/signal_generate/enable", "1")?;
        // Without it a kill is still seen as a signal with code 128.
        let victim_fields = instance.fields("oom/mark_victim");
        let marks = !victim_fields.is_empty()
            && instance.write("events/oom/mark_victim/enable", "1").is_ok();
        instance.write("tracing_on", "1")?;
        let pipe = Some(instance.open_pipe()?);
        let victim_fields = if marks { victim_fields } else { Vec::new() };
        Ok(Self { instance, pipe, begun: Vec::new(), clock, victim_fields, lost: false })
    }

    /// The clock of the stamps.
    pub fn clock(&self) -> TraceClock {
        self.clock
    }

    /// The fields that this kernel tells of an OOM victim; empty if it does not tell at all.
    pub fn victim_fields(&self) -> &[String] {
        &self.victim_fields
    }

    /// True if the buffer was full once: silence proves nothing.
    pub fn has_lost(&self) -> bool {
        self.lost
    }

    /// The pipe, to be waited on beside other things: it is ready when there are lines.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// The lines that are there; waits for the first until `deadline`.
    pub fn read_lines(&mut self, deadline: Instant) -> Vec<String> {
        loop {
            let lines = self.read_now();
            if !lines.is_empty() || Instant::now() >= deadline {
                return lines;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn read_now(&mut self) -> Vec<String> {
        let mut part = [0_u8; 8192];
        if let Some(pipe) = &mut self.pipe {
            while let Ok(length) = pipe.read(&mut part) {
                if length == 0 {
                    break;
                }
                self.begun.extend_from_slice(part.get(..length).unwrap_or_default());
            }
        }
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        let mut lines = Vec::new();
        for line in String::from_utf8_lossy(&whole).lines().filter(|line| !line.is_empty()) {
            self.lost |= line.contains("[LOST ");
            lines.push(line.to_owned());
            lines.extend(sender::describe(line));
        }
        lines
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // An instance whose pipe is open cannot be removed.
        self.pipe = None;
        self.instance.remove();
    }
}

#[cfg(test)]
mod tests;
