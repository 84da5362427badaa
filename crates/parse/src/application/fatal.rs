//! A program's own fatal signals, and its words that it was told to stop.
//!
//! An aborted heap limit is not read here but with its runtime's sentence.

use super::words::{after, begins, between, has_any, number};
use crate::record::Application;

/// Signals as shells, IDEs and runtimes print them (x86 and arm64 numbers).
const SIGNALS: [(&str, &str, i32); 9] = [
    ("Segmentation fault", "SIGSEGV", 11),
    ("Bus error", "SIGBUS", 7),
    ("Aborted", "SIGABRT", 6),
    ("Illegal instruction", "SIGILL", 4),
    ("Floating point exception", "SIGFPE", 8),
    ("Trace/breakpoint trap", "SIGTRAP", 5),
    ("Bad system call", "SIGSYS", 31),
    ("CPU time limit exceeded", "SIGXCPU", 24),
    ("File size limit exceeded", "SIGXFSZ", 25),
];

/// Reads one line.
pub(super) fn read(line: &str, lower: &str) -> Option<Application> {
    fatal(line, lower).map(Application::FatalSignal).or_else(|| told(line, lower))
}

fn fatal(line: &str, lower: &str) -> Option<i32> {
    if let Some(number) = after(line, "Uncaught signal: ").and_then(number) {
        return known(number);
    }
    SIGNALS.iter().find_map(|(words, name, number)| {
        let alone = begins(line, words).is_some_and(|rest| {
            // `Aborted` and `Aborted (core dumped)`, not `Aborted by the user`.
            let rest = rest.trim().trim_end_matches(['"', '}']);
            rest.is_empty() || rest.starts_with("(core dumped)") || rest.starts_with("\\n")
        });
        let said = alone
            || job(line, words)
            || zsh(lower, words)
            || between(line, "exit signal ", " (").is_some_and(|said| said == *words)
            || has_any(
                line,
                &[&format!("killed by signal: {words}"), &format!("Python error: {words}")],
            )
            || line.contains(&format!("[signal {name}:"))
            || named(line, lower, name, *number);
        said.then_some(*number)
    })
}

/// bash: `./run.sh: line 3:    12 Segmentation fault      (core dumped) ./x`
fn job(line: &str, words: &str) -> bool {
    line.split_once(": line ").is_some_and(|(_, rest)| {
        rest.split_once(':').is_some_and(|(_, rest)| {
            let rest = rest.trim_start();
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .trim_start()
                    .starts_with(words)
        })
    })
}

/// `zsh: segmentation fault  ./x`
fn zsh(lower: &str, words: &str) -> bool {
    lower.strip_prefix("zsh: ").is_some_and(|rest| rest.contains(&words.to_ascii_lowercase()))
}

/// `exited on signal 11 (SIGSEGV)`, `signal: 'SIGABRT'`, `#  SIGSEGV (0xb) at pc=…`,
/// `npm ERR! signal SIGSEGV`.
fn named(line: &str, lower: &str, name: &str, number: i32) -> bool {
    let ended = has_any(
        lower,
        &[
            "exited",
            "terminated",
            "died",
            "killed by",
            "ended",
            "crashed",
            "signal:",
            "received by",
        ],
    );
    let by_number =
        [format!("signal {number} "), format!("signal {number}("), format!("signal {number}:")];
    (ended && (line.contains(name) || by_number.iter().any(|words| lower.contains(words.as_str()))))
        || begins(line, &format!("signal {name}")).is_some()
        || begins(line, &format!("{name} (0x")).is_some()
}

fn known(number: i32) -> Option<i32> {
    SIGNALS.iter().any(|(_, _, known)| *known == number).then_some(number)
}

/// `received SIGTERM`, `Handling signal: term`, `Received SIGTERM scheduling shutdown...`
fn told(line: &str, lower: &str) -> Option<Application> {
    let named = has_any(
        lower,
        &[
            "sigterm",
            "sigint",
            "sigquit",
            "signal 15",
            "signal 2 ",
            "signal: term",
            "signal term",
            "signal: interrupt",
            "(15)",
            "terminated signal",
            "terminate signal",
            "signal: 15",
            "\"signal\":15",
        ],
    );
    let received = has_any(
        lower,
        &[
            "receiv",
            "caught",
            "catch",
            "got ",
            "handling",
            "trapped",
            "shutting",
            "shutdown",
            "stopping",
            "exiting",
            "interrupted by",
            "on signal",
        ],
    );
    let other_sense = has_any(
        lower,
        &[
            "sending",
            "failed to",
            "did not",
            "ignor",
            "exited on",
            "terminated by",
            "killed by",
            "was sent",
            "timed out",
        ],
    );
    let words = [
        "received fast shutdown request",
        "received smart shutdown request",
        "received immediate shutdown request",
        "worker: Warm shutdown",
        "worker: Cold shutdown",
        "Gracefully stopping, waiting for requests to finish",
        "Gracefully shutting down workers",
        "Commencing graceful shutdown",
        "Application is shutting down...",
    ];
    let said = (named && received && !other_sense) || has_any(line, &words);
    (said && line.len() < 400).then(|| Application::ToldToStop(line.to_owned()))
}
