//! Signals as data: blocked, and read one by one with who sent each.
//!
//! The command stays in our process group, so that the shell's job control reaches both at once. A
//! signal that the terminal made has reached the command already and must not be passed on: the
//! kernel marks those (`SI_KERNEL`), one sent by kill(2) carries its sender. Leans on signalfd(2),
//! sigaction(2), credentials(7) on process groups.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Sent by the kernel: the terminal's own keys, a hang-up.
const SI_KERNEL: i32 = 0x80;

/// What is passed on.
const PASSED_ON: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGTSTP,
];

/// The signals of this process.
#[derive(Debug)]
pub(super) struct Signals {
    descriptor: SignalFd,
    /// Blocked by whoever started us: so it shall be for the command.
    blocked: Vec<i32>,
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    /// Its number.
    pub(super) number: i32,
    /// By the kernel: to the whole foreground group, the command too.
    pub(super) by_kernel: bool,
    /// Who sent it, as our pid namespace shows it; 0 for one outside.
    pub(super) pid: u32,
    /// The sender's uid.
    pub(super) uid: u32,
}

impl Signals {
    /// Blocks them.
    pub(super) fn take() -> anyhow::Result<Self> {
        let mut wanted: SigSet = PASSED_ON.into_iter().collect();
        wanted.add(Signal::SIGCHLD);
        let before =
            wanted.thread_swap_mask(SigmaskHow::SIG_BLOCK).context("could not block signals")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let descriptor =
            SignalFd::with_flags(&wanted, flags).context("could not open a signalfd")?;
        Ok(Self { descriptor, blocked: before.iter().map(|signal| signal as i32).collect() })
    }

    /// What is to stay blocked in the command.
    pub(super) fn blocked(&self) -> &[i32] {
        &self.blocked
    }

    /// Ready when a signal is there.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// The next signal that is there; a child's change is the caller's to look at anyway.
    pub(super) fn next(&mut self) -> Option<Came> {
        loop {
            let seen = self.descriptor.read_signal().ok().flatten()?;
            let number = i32::try_from(seen.ssi_signo).ok()?;
            if number != Signal::SIGCHLD as i32 {
                return Some(Came {
                    number,
                    by_kernel: seen.ssi_code == SI_KERNEL,
                    pid: seen.ssi_pid,
                    uid: seen.ssi_uid,
                });
            }
        }
    }
}

impl Came {
    /// To be sent to the command as well.
    pub(super) fn is_to_be_passed_on(self) -> bool {
        // A hang-up is told to the session's leader alone, and a second one changes nothing.
        !self.by_kernel || self.number == Signal::SIGHUP as i32
    }

    /// A key of the terminal that asks for the end: the person knows.
    pub(super) fn is_key(self) -> bool {
        let asks = [Signal::SIGINT as i32, Signal::SIGQUIT as i32].contains(&self.number);
        self.by_kernel && asks
    }

    /// Asks for an end.
    pub(super) fn asks_to_stop(self) -> bool {
        [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM]
            .into_iter()
            .any(|signal| signal as i32 == self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_terminal_sends_to_all_is_not_sent_again() {
        let came =
            |number: Signal, by_kernel| Came { number: number as i32, by_kernel, pid: 1, uid: 0 };
        assert!(!came(Signal::SIGINT, true).is_to_be_passed_on());
        assert!(came(Signal::SIGINT, false).is_to_be_passed_on());
        assert!(came(Signal::SIGHUP, true).is_to_be_passed_on());
        assert!(came(Signal::SIGQUIT, true).is_key() && !came(Signal::SIGQUIT, false).is_key());
        assert!(!came(Signal::SIGTSTP, true).is_key());
    }
}
