//! `--watch`: a look every two seconds until Ctrl-C, which ends it with 0.
//!
//! A terminal shows the page, drawn anew; anything else gets one line for each look, for whoever keeps them.
//! What grows is told from the first look on. Leans on signalfd(2), poll(2).

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use casefile::Bytes;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use super::live::Seen;
use super::{AuditArgs, Format, find, line, look, page};
use crate::printer::Printer;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks until it is told to stop.
pub(super) fn run(printer: &Printer, arguments: &AuditArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::take(&[Signal::SIGINT])?;
    let is_terminal = std::io::stdout().is_terminal() && arguments.format == Format::Text;
    let mut first: Option<(Instant, u64)> = None;
    let mut running = find(printer, arguments)?;
    loop {
        let began = Instant::now();
        let seen = look(printer, arguments, &running)?;
        let own = held(&seen);
        let (since, then) = *first.get_or_insert((began, own));
        let growth = Growth { over: began.duration_since(since), then, now: own };
        match (arguments.format, is_terminal) {
            (Format::Json, _) => {
                let all: Vec<Value> = seen.iter().map(Seen::json).collect();
                let one = all.first().filter(|_| arguments.is_of_one()).cloned();
                printer.answer(&format!("{}\n", one.unwrap_or(Value::Array(all))))?;
            }
            (Format::Text, true) => {
                printer.redraw(&screen(printer, arguments, &seen, &growth))?;
            }
            (Format::Text, false) => {
                let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
                let lines = seen.iter().map(|one| format!("{now}  {}", line::line(one)));
                printer.answer(&lines.collect::<String>())?;
            }
        }
        if stop.came_within(PAUSE.saturating_sub(began.elapsed())) {
            return Ok(ExitCode::SUCCESS);
        }
        // Others may have started since.
        if !arguments.is_of_one() {
            running = find(printer, arguments)?;
        }
    }
}

/// What all hold that cannot be given back.
fn held(seen: &[Seen]) -> u64 {
    let own = |one: &Seen| {
        let now = &one.live.now;
        [now.anon, now.shmem]
            .into_iter()
            .flatten()
            .map(|bytes| bytes.0)
            .fold(0, u64::saturating_add)
    };
    seen.iter().map(own).fold(0, u64::saturating_add)
}

/// What came since the first look.
struct Growth {
    over: Duration,
    then: u64,
    now: u64,
}

impl Growth {
    /// `grown by 3.2 MiB in 14 s`.
    fn says(&self) -> String {
        let seconds = self.over.as_secs();
        let by = Bytes(self.now.abs_diff(self.then));
        match (seconds, by.0 >> 16) {
            (0, _) => "watched from now on".to_owned(),
            (_, 0) => format!("level for {seconds} s"),
            (_, _) if self.now > self.then => format!("grown by {by} in {seconds} s"),
            (_, _) => format!("shrunk by {by} in {seconds} s"),
        }
    }
}

fn screen(printer: &Printer, arguments: &AuditArgs, seen: &[Seen], growth: &Growth) -> String {
    let width = printer.page(false).width;
    let says = format!("{}; Ctrl-C ends the watch", growth.says());
    match arguments.is_of_one() {
        true => seen.iter().map(|one| page::page(one, width, Some(&says))).collect(),
        false => format!("{}\n{says}\n", line::lines(seen)),
    }
}

/// Ctrl-C, and other signals that ask for an end, as something to wait for.
pub(crate) struct Stop(SignalFd);

impl Stop {
    /// From now on these are waited for, and end nothing by themselves.
    pub(crate) fn take(signals: &[Signal]) -> anyhow::Result<Self> {
        let wanted: SigSet = signals.iter().copied().collect();
        wanted.thread_swap_mask(SigmaskHow::SIG_BLOCK).context("could not block signals")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&wanted, flags).context("could not open a signalfd")?))
    }

    /// Whether it came before this time was over, or nobody reads on.
    pub(crate) fn came_within(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(rest).ok();
            let out = std::io::stdout();
            // A pipe whose reader has gone is told without being asked about.
            let mut wait = [
                PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(out.as_fd(), PollFlags::empty()),
            ];
            let polled = poll(&mut wait, timeout.as_ref());
            if wait.iter().any(|one| !one.revents().is_empty()) {
                return true;
            }
            match polled {
                Ok(0) => return false,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    std::thread::sleep(rest);
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_since_the_first_look() {
        let says = |seconds, then: u64, now: u64| {
            Growth { over: Duration::from_secs(seconds), then: then << 20, now: now << 20 }.says()
        };
        assert_eq!(says(0, 5, 5), "watched from now on");
        assert_eq!(says(14, 5, 8), "grown by 3 MiB in 14 s");
        assert_eq!(says(14, 8, 5), "shrunk by 3 MiB in 14 s");
        assert_eq!(says(14, 8, 8), "level for 14 s");
    }
}
