//! Signals by name and number, as x86 and Arm Linux count them.
//!
//! One table, so that a stop signal that one room can read another can print. Real-time signals
//! (34 to 64) have no name here: glibc and the kernel count them from different ends.
//!
//! Leans on signal(7) and Linux `include/uapi/asm-generic/signal.h`.

/// Signal n stands at n - 1.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// `SIGKILL` for 9; `signal 40` for what has no name.
#[must_use]
pub fn signal_name(number: i32) -> String {
    let name =
        usize::try_from(number).ok().and_then(|number| NAMES.get(number.checked_sub(1)?).copied());
    name.map_or_else(|| format!("signal {number}"), str::to_owned)
}

/// 3 for `SIGQUIT`, `QUIT`, `quit`. A number is the caller's to read: some sources print it in
/// hexadecimal.
#[must_use]
pub fn signal_number(name: &str) -> Option<i32> {
    let wanted = name.to_ascii_uppercase();
    let wanted = wanted.strip_prefix("SIG").unwrap_or(&wanted);
    let at = NAMES.iter().position(|known| known.strip_prefix("SIG") == Some(wanted))?;
    i32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_numbers() {
        assert_eq!(signal_name(9), "SIGKILL");
        assert_eq!(signal_name(15), "SIGTERM");
        assert_eq!(signal_name(11), "SIGSEGV");
        assert_eq!(signal_name(28), "SIGWINCH");
        assert_eq!(signal_name(31), "SIGSYS");
    }

    #[test]
    fn what_has_no_name_is_said_by_number() {
        assert_eq!(signal_name(0), "signal 0");
        assert_eq!(signal_name(-1), "signal -1");
        assert_eq!(signal_name(64), "signal 64");
    }

    #[test]
    fn every_name_is_read_in_each_spelling() {
        for number in 1..32 {
            let name = signal_name(number);
            let short = name.trim_start_matches("SIG");
            for spelling in [name.as_str(), short, &short.to_ascii_lowercase()] {
                assert_eq!(signal_number(spelling), Some(number), "{spelling}");
            }
        }
        assert_eq!(signal_number("9"), None);
        assert_eq!(signal_number("SIG"), None);
    }
}
