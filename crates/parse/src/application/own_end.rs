//! Ends of a program's own making that are neither a signal nor a want of memory: Go's and Rust's
//! panics, a command that was not found or may not run, a file that outgrew its limit.
//!
//! A Go program that dereferences nil prints `[signal SIGSEGV: …]`, yet no signal ends it: the
//! runtime catches it and exits with 2. Whether a shell's complaint ended anything is told by the exit
//! code, elsewhere. Sources: Go `runtime/panic.go`, Rust `library/std/src/panicking.rs`, POSIX shell 2.8.2.

use super::words::{begins, has_any};
use crate::record::{Application, OwnEnd};

/// Go's fatal errors that are not about memory; the compiler's `fatal error: x.h` is none of them.
const GO_FATAL: [&str; 5] = [
    "fatal error: all goroutines are asleep - deadlock!",
    "fatal error: concurrent map",
    "fatal error: stack overflow",
    "fatal error: unexpected signal during runtime execution",
    "runtime: goroutine stack exceeds",
];

/// Reads one line.
pub(super) fn read(line: &str, lower: &str) -> Option<Application> {
    go(line)
        .or_else(|| rust(line))
        .or_else(|| not_run(line, lower))
        .or_else(|| too_large(lower))
        .map(Application::OwnEnd)
}

fn go(line: &str) -> Option<OwnEnd> {
    // A server that recovers prints the stack of the request's goroutine; the first one's is the end.
    let running = begins(line, "goroutine 1 [running").is_some();
    // `[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45f2e4]`
    let caught = begins(line, "[signal SIG").is_some_and(|rest| rest.contains(" code="));
    let panicked = begins(line, "panic: ").is_some_and(|rest| !rest.contains("recovered and"));
    if running || caught || panicked {
        return Some(OwnEnd::GoPanic);
    }
    let fatal = GO_FATAL.iter().any(|words| begins(line, words).is_some());
    fatal.then_some(OwnEnd::GoFatal)
}

/// `thread 'main' panicked at src/main.rs:4:5:`; any other thread's panic ends only that thread.
fn rust(line: &str) -> Option<OwnEnd> {
    let rest = begins(line, "thread 'main'")?;
    rest.contains("panicked at").then_some(OwnEnd::RustPanic)
}

fn not_run(line: &str, lower: &str) -> Option<OwnEnd> {
    // `sh: 1: serve: not found`, `bash: line 3: serve: command not found`, `exec: "serve": executable
    // file not found in $PATH`, `/start.sh: exec: line 2: serve: not found`
    let tail = lower.trim_end_matches(['"', '}', '.', ' ']);
    let of_shell = has_any(lower, &["sh: ", "exec: ", "line ", "env: "]);
    if has_any(lower, &["executable file not found in $path"])
        || (of_shell && (tail.ends_with(": not found") || tail.ends_with("command not found")))
    {
        return Some(OwnEnd::CommandNotFound);
    }
    let of_exec = begins(line, "exec ").is_some() || of_shell;
    let refused =
        ["exec format error", "permission denied", "cannot execute binary file", "cannot execute"];
    (of_exec && refused.iter().any(|words| tail.contains(words))).then_some(OwnEnd::NotExecutable)
}

/// errno EFBIG, as every language prints it.
fn too_large(lower: &str) -> Option<OwnEnd> {
    let tail = lower.trim_end_matches(['"', '}', '.', ' ', '\'']);
    tail.ends_with(": file too large").then_some(OwnEnd::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(line: &str) -> Option<OwnEnd> {
        match read(line, &line.to_ascii_lowercase())? {
            Application::OwnEnd(end) => Some(end),
            _ => None,
        }
    }

    #[test]
    fn each_end_is_told_apart() {
        for (line, expected) in [
            ("panic: runtime error: index out of range [5] with length 3", OwnEnd::GoPanic),
            ("2026/05/27 18:42:10 panic: boom", OwnEnd::GoPanic),
            ("goroutine 1 [running]:", OwnEnd::GoPanic),
            (
                "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45f2e4]",
                OwnEnd::GoPanic,
            ),
            ("fatal error: all goroutines are asleep - deadlock!", OwnEnd::GoFatal),
            ("fatal error: concurrent map writes", OwnEnd::GoFatal),
            ("thread 'main' panicked at src/main.rs:4:5:", OwnEnd::RustPanic),
            ("thread 'main' (41) panicked at src/main.rs:4:5:", OwnEnd::RustPanic),
            ("sh: 1: serve: not found", OwnEnd::CommandNotFound),
            ("bash: line 1: serve: command not found", OwnEnd::CommandNotFound),
            (
                "exec: \"serve\": executable file not found in $PATH: unknown",
                OwnEnd::CommandNotFound,
            ),
            ("exec /app/run: exec format error", OwnEnd::NotExecutable),
            ("sh: 1: /app/run: Permission denied", OwnEnd::NotExecutable),
            ("write /data/x: file too large", OwnEnd::FileTooLarge),
        ] {
            assert_eq!(end(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_ends_nothing_is_none() {
        for line in [
            "http: panic serving 10.0.0.7:51234: boom",
            "goroutine 18 [running]:",
            "thread 'worker-3' panicked at src/pool.rs:9:1:",
            "fatal error: stdio.h: No such file or directory",
            "GET /x 404: not found",
            "413 request entity too large",
            "don't panic: everything is fine, goroutine count 12",
        ] {
            assert_eq!(end(line), None, "{line}");
        }
    }
}
