//! # crash — a fatal signal of the program's own making
//!
//! ## What it looks for
//! - A language runtime's words before it aborted (V8 `Reached heap limit`, `std::bad_alloc`, a Rust
//!   allocation, .NET; any runtime's where the end shows a signal of the list below).
//! - An exit code of 128 + SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGXFSZ, SIGPIPE or SIGSTKFLT;
//!   a kernel line about a segfault of the program at that moment is quoted beside it.
//! - In pasted text without an end: the kernel's line about a fault, or a shell's words (`Segmentation fault`).
//!
//! ## Why it means that
//! These signals are raised by what the program itself does. A runtime that finds its own heap limit
//! reached aborts: 134, or 139 as PID 1, where glibc's abort falls through to a trap. Another process can
//! send the same signals, so it is `likely` at most.
//!
//! ## What would speak against it
//! - A `kill` event with the same signal (api-kill).
//! - 137 or a status below 126 after a runtime's words: an abort never shows like that; the main process
//!   outlived the child that aborted (not-killed), or something else ended it.
//! - A shell can return a child's 139; the child crashed then.
//! - A SIGBUS (135) is often a full /dev/shm or a truncated file, not the memory limit.
//!
//! ## Example
//! ```text
//! FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
//! exit 139
//! ```
//!
//! ## References
//! - signal(7); V8 `src/heap/heap.cc` `FatalProcessOutOfMemory`; glibc `abort`

use casefile::{Bytes, Citation, Moment, signal_name};
use parse::record::{Application, KernelEvent, LanguageDeath, MainEnd};

use super::draft::{because, decisive, draft, end_line, main_victim, possible};
use super::{Rule, Seek, rivals};
use crate::facts::{Fact, Stage, Teller, program};
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "crash",
    title: "a fatal signal of the program's own making, a heap limit's abort too",
    file: include_str!("crash.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::OwnEnd || stage.life.alive {
        return None;
    }
    by_runtime(stage)
        .or_else(|| by_exit_code(stage))
        .or_else(|| by_kernel(stage))
        .or_else(|| by_words(stage))
}

/// The signals that a program's own deeds raise: ILL, TRAP, ABRT, BUS, FPE, SEGV, PIPE, STKFLT, XFSZ, SYS.
const OWN_MAKING: [i32; 10] = [4, 5, 6, 7, 8, 11, 13, 16, 25, 31];

fn by_runtime(stage: &Stage<'_>) -> Option<Verdict> {
    // A smaller code is the main process's own: it outlived the child that aborted (not-killed).
    // An abort never shows as 137.
    if stage.life.exit_code().is_some_and(|code| (0..126).contains(&code) || code == 137) {
        return None;
    }
    let (fact, death, ceiling) = abort(stage)?;
    let mut verdict = base(stage);
    let ceiling = ceiling.map(|bytes| format!(" of {bytes}")).unwrap_or_default();
    verdict.detail = Some(format!("{}{ceiling}; not the container's limit", words(death)));
    verdict.at = verdict.at.or(fact.at);
    verdict.because.push(because(&fact.cite, fact.at, "the runtime says why it aborted"));
    verdict.because.extend(end_line(stage, end_says(stage)));
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

type Abort<'a> = (&'a Fact<Application>, LanguageDeath, Option<Bytes>);

/// The words of a runtime that aborts where it ends; others abort if told to, and then the end
/// shows a signal.
fn abort<'a>(stage: &Stage<'a>) -> Option<Abort<'a>> {
    stage.application().find_map(|fact| {
        let Application::Language { death, ceiling, survived } = &fact.what else { return None };
        let aborted = aborts(*death) || own_signal(stage).is_some();
        (!survived && aborted).then_some((fact, *death, *ceiling))
    })
}

fn aborts(death: LanguageDeath) -> bool {
    match death {
        LanguageDeath::V8HeapLimit
        | LanguageDeath::V8OutOfMemory
        | LanguageDeath::RustAllocation
        | LanguageDeath::CppBadAlloc
        | LanguageDeath::DotnetOutOfMemory => true,
        LanguageDeath::JavaOutOfMemoryError
        | LanguageDeath::JavaNativeAllocation
        | LanguageDeath::PythonMemoryError
        | LanguageDeath::GoOutOfMemory
        | LanguageDeath::PhpMemoryLimit
        | LanguageDeath::RubyNoMemory
        | LanguageDeath::GpuOutOfMemory
        | LanguageDeath::OtherAllocation => false,
    }
}

fn words(death: LanguageDeath) -> &'static str {
    match death {
        LanguageDeath::V8HeapLimit => "V8 reached its own heap limit and aborted",
        LanguageDeath::V8OutOfMemory => "V8 could not get memory for itself and aborted",
        LanguageDeath::RustAllocation => "a Rust allocation failed and the program aborted",
        LanguageDeath::CppBadAlloc => {
            "a C++ allocation failed (std::bad_alloc) and the program aborted"
        }
        LanguageDeath::DotnetOutOfMemory => ".NET ran out of its own heap and aborted",
        LanguageDeath::JavaOutOfMemoryError => {
            "Java's own heap was exhausted and the JVM was told to crash on it"
        }
        LanguageDeath::JavaNativeAllocation
        | LanguageDeath::PythonMemoryError
        | LanguageDeath::GoOutOfMemory
        | LanguageDeath::PhpMemoryLimit
        | LanguageDeath::RubyNoMemory
        | LanguageDeath::GpuOutOfMemory
        | LanguageDeath::OtherAllocation => "the program could not get memory",
    }
}

fn own_signal(stage: &Stage<'_>) -> Option<i32> {
    let code = i32::try_from(stage.life.exit_code()?).ok()?;
    let signal = code.checked_sub(128)?;
    OWN_MAKING.contains(&signal).then_some(signal)
}

fn end_says(stage: &Stage<'_>) -> String {
    match (own_signal(stage), stage.life.exit_code()) {
        (Some(signal), _) if stage.main_end() == Some(MainEnd::Killed(signal)) => {
            format!("{}, by the word of the parent's own wait", signal_name(signal))
        }
        (Some(11), _) => "139 is 128 + SIGSEGV; an abort as PID 1 shows like this too".to_owned(),
        (Some(signal), Some(code)) => format!("{code} is 128 + {}", signal_name(signal)),
        (_, Some(code)) => format!("the container ended with {code}"),
        (_, None) => "the end".to_owned(),
    }
}

fn by_exit_code(stage: &Stage<'_>) -> Option<Verdict> {
    let signal = own_signal(stage)?;
    let fault = fault_of(stage);
    let mut verdict = base(stage);
    verdict.detail = Some(signal_words(signal));
    if let Some((cite, at, what)) = fault {
        verdict.because.push(decisive(&cite, at, "the kernel's line about the fault", what));
    }
    verdict.because.extend(end_line(stage, end_says(stage)));
    // systemd's wait saw the signal itself: nobody passed on a status.
    if rivals::passes_on(stage) && !matches!(stage.main_end(), Some(MainEnd::Killed(_))) {
        verdict.contradictions.push(
            "The main process is a shell or an init: it can have passed on the code of a child that crashed.".to_owned(),
        );
        let (code, name) = (128 + signal, signal_name(signal));
        verdict.candidates = vec![
            possible(Killer::NotKilled, format!("a script can choose {code}")),
            possible(Killer::Process, format!("another process can send {name}")),
        ];
    }
    verdict.ruled_out = rivals::kernel_ruled_out(stage);
    verdict.contradictions.extend(rivals::contradictions(stage, &verdict));
    Some(verdict)
}

/// What a signal of a program's own making usually means.
fn signal_words(signal: i32) -> String {
    let words = match signal {
        4 => {
            "an instruction that this CPU does not have, or a compiler's trap: often a program built for a newer CPU"
        }
        5 => {
            "a trap: an assertion of the runtime (Go, Chromium, Swift), or a debugger's breakpoint"
        }
        6 => "the program aborted itself: an assertion, or its memory allocator found damage",
        7 => {
            "often a full /dev/shm, huge pages that ran out or a truncated file that is mapped; not the memory limit"
        }
        8 => "an integer was divided by zero, or a result did not fit",
        11 => "memory was touched that is not the program's",
        13 => "it wrote to a pipe or socket that nobody reads any more",
        25 => "a file grew beyond its size limit (RLIMIT_FSIZE)",
        31 => "a seccomp filter forbids a system call",
        _ => return format!("{} of the program's own making", signal_name(signal)),
    };
    format!("{}: {words}", signal_name(signal))
}

type Fault = (Citation, Option<Moment>, String);

/// The kernel's line about this program's fault: by name and time.
fn fault_of(stage: &Stage<'_>) -> Option<Fault> {
    let program = stage.life.program()?;
    stage.sheet.kernel.iter().rev().find_map(|fact| {
        let KernelEvent::Fault { comm: Some(comm), what, .. } = &fact.what else { return None };
        // By name only: a line of a container that ended just before must not be taken for
        // this one's, so the clocks' difference is given 50 ms, not 250.
        let started = stage.life.started_at;
        let held = fact.at.zip(stage.life.ended_at()).is_some_and(|(at, end)| {
            let before = end.seconds_since(at);
            let after = started.is_none_or(|start| at.seconds_since(start) > -0.05);
            after && (-0.05..1.0).contains(&before)
        });
        let same = program::is_comm_of(comm, program);
        (same && held).then(|| (fact.cite.clone(), fact.at, what.clone()))
    })
}

/// Pasted kernel text alone.
fn by_kernel(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.teller != Teller::Nobody {
        return None;
    }
    let (fact, comm, pid, what) = stage.sheet.kernel.iter().rev().find_map(|fact| {
        let KernelEvent::Fault { comm, pid, what } = &fact.what else { return None };
        Some((fact, comm.clone(), *pid, what.clone()))
    })?;
    let mut verdict = base(stage);
    verdict.at = fact.at;
    verdict.main.pid = pid;
    verdict.main.comm = comm;
    verdict.because.push(decisive(&fact.cite, fact.at, "the kernel's line about the fault", what));
    Some(verdict)
}

/// A shell's words about a crashed child.
fn by_words(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.end.is_some() {
        return None;
    }
    let (fact, signal) = stage.application().find_map(|fact| {
        let Application::FatalSignal(signal) = fact.what else { return None };
        OWN_MAKING.contains(&signal).then_some((fact, signal))
    })?;
    let mut verdict = base(stage);
    verdict.detail = Some(signal_words(signal));
    verdict.because.push(because(&fact.cite, fact.at, "the words of a fatal signal"));
    Some(verdict)
}

fn base(stage: &Stage<'_>) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Crash, Level::None, Confidence::Likely);
    verdict.limit_at_fault = Some(false);
    let signal = own_signal(stage);
    verdict.main.signal = signal;
    if signal.is_some() {
        // Its own deed: nobody killed it.
        verdict.main.fate = Fate::Exited;
    }
    if stage.life.teller == Teller::Docker && signal.is_some() && !rivals::passes_on(stage) {
        verdict.victims = main_victim(stage);
    }
    verdict
}
