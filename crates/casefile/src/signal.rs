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

/// The first real-time signal of glibc, which keeps 32 and 33 for itself; docker counts alike.
const RTMIN: i32 = 34;
/// The last one of Linux.
const RTMAX: i32 = 64;

/// `SIGKILL` for 9, `SIGRTMIN+3` for 37; `signal 70` for what has no name.
#[must_use]
pub fn signal_name(number: i32) -> String {
    match number {
        RTMIN => return "SIGRTMIN".to_owned(),
        _ if (RTMIN..=RTMAX).contains(&number) => return format!("SIGRTMIN+{}", number - RTMIN),
        _ => {}
    }
    let name =
        usize::try_from(number).ok().and_then(|number| NAMES.get(number.checked_sub(1)?).copied());
    name.map_or_else(|| format!("signal {number}"), str::to_owned)
}

/// 3 for `SIGQUIT`, `QUIT`, `quit`; 37 for `SIGRTMIN+3`, 62 for `RTMAX-2`. A number is the caller's to
/// read: some sources print it in hexadecimal.
#[must_use]
pub fn signal_number(name: &str) -> Option<i32> {
    let wanted = name.to_ascii_uppercase();
    let wanted = wanted.strip_prefix("SIG").unwrap_or(&wanted);
    if let Some(number) = real_time(wanted) {
        return Some(number);
    }
    let at = NAMES.iter().position(|known| known.strip_prefix("SIG") == Some(wanted))?;
    i32::try_from(at + 1).ok()
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-2`.
fn real_time(name: &str) -> Option<i32> {
    let from_below = name.strip_prefix("RTMIN").map(|rest| (RTMIN, rest.strip_prefix('+'), rest));
    let from_above = name.strip_prefix("RTMAX").map(|rest| (RTMAX, rest.strip_prefix('-'), rest));
    let (from, steps, rest) = from_below.or(from_above)?;
    let steps: i32 = match steps {
        Some(steps) => steps.parse().ok()?,
        None => rest.is_empty().then_some(0)?,
    };
    let number = if from == RTMIN { from.checked_add(steps)? } else { from.checked_sub(steps)? };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
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
        assert_eq!(signal_name(32), "signal 32");
        assert_eq!(signal_name(65), "signal 65");
    }

    #[test]
    fn real_time_signals_are_named_as_docker_and_systemd_name_them() {
        assert_eq!(signal_name(34), "SIGRTMIN");
        assert_eq!(signal_name(37), "SIGRTMIN+3");
        assert_eq!(signal_name(64), "SIGRTMIN+30");
        assert_eq!(signal_number("SIGRTMIN+3"), Some(37));
        assert_eq!(signal_number("rtmin"), Some(34));
        assert_eq!(signal_number("RTMAX-2"), Some(62));
        assert_eq!(signal_number("SIGRTMAX"), Some(64));
        for stranger in ["RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMINX", "RTMIN+", "RTMIN+2147483647"]
        {
            assert_eq!(signal_number(stranger), None, "{stranger}");
        }
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
