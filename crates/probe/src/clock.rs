//! The clock of the stamps, and when its zero was.
//!
//! Leans on Documentation/trace/ftrace.rst, "trace_clock": `boot` and `mono` are the clocks of
//! clock_gettime(2); `local` is the kernel log's and drifts against both.

use casefile::{Clock, Moment};
use rustix::time::{ClockId, clock_gettime};

use crate::instance::Instance;

/// The clock that stamps the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceClock {
    /// `CLOCK_BOOTTIME`: since boot, sleep included.
    Boot,
    /// `CLOCK_MONOTONIC`: since boot, sleep not included.
    Monotonic,
    /// The kernel's own, close to that of the kernel log; its zero is only roughly the boot.
    Local,
}

impl TraceClock {
    /// Its name in `trace_clock`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Monotonic => "mono",
            Self::Local => "local",
        }
    }

    /// The exhibit's clock: its zero, compared with the wall clock now.
    pub fn calibrate(self) -> Clock {
        let id = match self {
            Self::Boot => ClockId::Boottime,
            Self::Monotonic => ClockId::Monotonic,
            Self::Local => return Clock::Unknown,
        };
        let (wall, since) = (nanos(ClockId::Realtime), nanos(id));
        Moment::from_nanos(wall - since)
            .map_or(Clock::Unknown, |zero_at| Clock::SinceBoot { zero_at })
    }
}

fn nanos(id: ClockId) -> i128 {
    let now = clock_gettime(id);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// Sets the best clock that is offered.
pub(crate) fn choose(instance: &Instance) -> TraceClock {
    let offered = std::fs::read_to_string(instance.path("trace_clock")).unwrap_or_default();
    [TraceClock::Boot, TraceClock::Monotonic]
        .into_iter()
        .find(|clock| {
            let is_offered = offered
                .split_whitespace()
                .any(|word| word.trim_matches(['[', ']']) == clock.name());
            is_offered && instance.write("trace_clock", clock.name()).is_ok()
        })
        .unwrap_or(TraceClock::Local)
}
