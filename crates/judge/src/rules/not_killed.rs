//! # not-killed — the program ended by itself with a status
//!
//! ## What it looks for
//! - An exit code that no signal's end shows as: up to 128, above 192, or 128 + a signal that ends nothing
//!   by itself (CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH). 126, 127 and a runtime's error say that it
//!   could not start; 255 is also what docker writes after a lost state.
//! - Any code, 137 too, where wait(2) itself said that it is a status (systemd's `code=exited`).
//! - Without an exit code: a runtime's own words that it gave up: Java `OutOfMemoryError`, Python
//!   `MemoryError`, Go `runtime: out of memory`, PHP, Ruby; a Go or Rust panic.
//!
//! ## Why it means that
//! A signal's end shows as 128 + its number. A smaller code is the program's own choice. A runtime that
//! reports its own out-of-memory error still ran: it chose the end, no killer did. It is `proven` where the
//! runtime's whole record also denies an OOM kill, or where wait(2) itself was read; a cause that only the
//! program's words give is `likely`.
//!
//! ## What would speak against it
//! - A unit's main process that is `docker run` or `podman run`, or is not known: its 137 is the container's (unknown).
//! - An API signal before it that the program obeyed (stopped).
//! - A child that was killed, whose parent ended with its own code (own-limit and its kin, with the main
//!   process `exited`; in a bare log a supervisor's word for it is enough to be silent here).
//! - 137 chosen by a program leaves the same traces as SIGKILL wherever only a runtime tells of it: it
//!   stays unknown.
//! - `Cannot allocate memory` without an exit code: a refused request, not an end.
//!
//! ## Example
//! ```text
//! numpy.core._exceptions._ArrayMemoryError: Unable to allocate 273. GiB for an array
//! exit 1
//! ```
//!
//! ## References
//! - wait(2), POSIX shell exit status; HotSpot `-XX:+ExitOnOutOfMemoryError` (3), Go runtime `throw` (2)

use parse::record::{Application, DaemonLine, Form, LanguageDeath, MainEnd, OwnEnd};

use super::draft::{because, draft, end_line, possible};
use super::{Rule, Seek, rivals};
use crate::facts::{Fact, Stage, Teller, program};
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "not-killed",
    title: "the program ended by itself with a status",
    file: include_str!("not_killed.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::OwnEnd || stage.life.alive {
        return None;
    }
    by_exit_code(stage)
        .or_else(|| by_success(stage))
        .or_else(|| by_words(stage))
        .or_else(|| by_panic(stage))
}

/// systemd writes no status of an end that it counts as a success: 0, or a signal that its settings
/// (and its own list: HUP, INT, PIPE, TERM) let pass.
fn by_success(stage: &Stage<'_>) -> Option<Verdict> {
    let ended = stage.life.teller == Teller::Systemd && stage.life.end.is_some();
    if !ended || stage.life.exit_code().is_some() || !stage.kills.is_empty() {
        return None;
    }
    let success = |line: &DaemonLine| matches!(line, DaemonLine::UnitDeactivated { .. });
    stage.daemon().find(|fact| success(&fact.what))?;
    let mut verdict = base(stage, Confidence::Likely);
    let says = "systemd counts its end as a success: status 0, or a signal that it lets pass";
    verdict.detail = Some(says.to_owned());
    verdict.because.extend(end_line(stage, says));
    let because = "a SIGTERM, SIGINT or SIGHUP by another process counts as a success, too";
    verdict.candidates = vec![possible(Killer::Process, because)];
    Some(verdict)
}

fn by_exit_code(stage: &Stage<'_>) -> Option<Verdict> {
    let code = stage.life.exit_code()?;
    let chosen = matches!(stage.main_end(), Some(MainEnd::Exited(_)));
    if matches!(stage.main_end(), Some(MainEnd::Killed(_))) || !(chosen || is_status(code)) {
        return None;
    }
    if !is_status(code) && may_be_a_containers(stage) {
        return None;
    }
    // A log in which a child was killed: its parent's status is only the consequence.
    let bare_log = matches!(stage.life.teller, Teller::Bare | Teller::Nobody);
    if bare_log && code != 0 && stage.child_killed().is_some() {
        return None;
    }
    let (confidence, detail) = match code {
        126 | 127 => (Confidence::Likely, start_failure(stage, code)),
        200..=245 if stage.life.teller == Teller::Systemd => {
            (Confidence::Likely, systemds_code(code))
        }
        128 if could_not_start(stage) => (Confidence::Likely, start_failure(stage, code)),
        255 => (
            Confidence::Likely,
            "255: the program's own, or the runtime lost its state (a reboot)".to_owned(),
        ),
        code => (certainty(stage), own_words(stage, code)),
    };
    let mut verdict = base(stage, confidence);
    verdict.detail = Some(detail);
    if let Some((fact, words)) = allocation_words(stage) {
        // The status is certain, its cause is the program's own word.
        verdict.confidence = Confidence::Likely;
        verdict.detail = Some(format!("{words}; it ended with {code}"));
        verdict.because.push(because(&fact.cite, fact.at, words));
    }
    if let Some((fact, end)) = own_end(stage)
        && of_code(end, code).is_some()
    {
        verdict.because.push(because(
            &fact.cite,
            fact.at,
            "the program's or its shell's own words",
        ));
    }
    let error = stage.life.record.as_ref().filter(|record| record.what.error.is_some());
    if let Some(record) = error {
        let span = record.what.span_of("error").unwrap_or(record.cite.span);
        let says = "the runtime could not start it";
        verdict.because.push(because(&record.cite_at(span), None, says));
    }
    let says = match error {
        Some(_) => format!("{code} is what the runtime notes for a failed start"),
        None => format!("{code} is the program's own status, no signal's"),
    };
    verdict.because.extend(end_line(stage, says));
    let bare =
        stage.life.record.as_ref().is_some_and(|record| record.what.form == Some(Form::Format));
    if code == 0 && bare {
        let because =
            "a container that was started again shows 0 beside the time of its previous end";
        verdict.candidates = vec![possible(Killer::StillAlive, because)];
    }
    if code == 255 {
        let because = "after a reboot or a lost runtime state docker writes 255";
        verdict.candidates = vec![possible(Killer::Runtime, because)];
    }
    verdict.contradictions = rivals::contradictions(stage, &verdict);
    Some(verdict)
}

/// The code says that the main process chose its end; that nothing else was killed in it needs the
/// runtime's flag, and the runtime itself rather than an orchestrator.
fn certainty(stage: &Stage<'_>) -> Confidence {
    let waited = stage.main_end().is_some();
    // A bare `0 false TIME` may be a later life's code beside an earlier life's end.
    let whole = stage.life.record.as_ref().is_some_and(|record| {
        record.what.form == Some(Form::Inspect) && record.what.status.is_some()
    });
    let runtime = whole && stage.life.flagged() == Some(false);
    if waited || runtime { Confidence::Proven } else { Confidence::Likely }
}

/// systemd's child ends with these where the program could not be run as the unit asks
/// (systemd.exec(5), "Process Exit Codes"); a program may choose the same numbers.
fn systemds_code(code: i64) -> String {
    let what = match code {
        200 => "its working directory could not be entered (CHDIR)",
        202 => "its file descriptors could not be set up (FDS)",
        203 => "its program could not be run (EXEC)",
        205 => "its resource limits could not be set (LIMITS)",
        216 => "its group could not be taken (GROUP)",
        217 => "its user could not be taken (USER)",
        219 => "its cgroup could not be entered (CGROUP)",
        226 => "its mount namespace could not be made (NAMESPACE)",
        _ => "one of its settings could not be applied",
    };
    format!("it could not start: {what}")
}

/// Codes that no signal's end shows as: below 128 + 1, above 128 + 64, and 128 + those signals that
/// end nothing by themselves (CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH).
fn is_status(code: i64) -> bool {
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28].map(|signal| 128 + signal);
    (0..=128).contains(&code) || (193..=255).contains(&code) || harmless.contains(&code)
}

/// A unit's main process can be a container's client: then its status is what became of the container. A
/// program that is not known can be one.
pub(super) fn may_be_a_containers(stage: &Stage<'_>) -> bool {
    stage.life.teller == Teller::Systemd
        && stage.life.program().is_none_or(program::is_container_client)
}

fn could_not_start(stage: &Stage<'_>) -> bool {
    stage.life.record.as_ref().is_some_and(|record| record.what.error.is_some())
}

fn start_failure(stage: &Stage<'_>, code: i64) -> String {
    let error = stage.life.record.as_ref().and_then(|record| record.what.error.clone());
    match error {
        Some(error) => format!("it could not start: {error}"),
        None => start_words(stage, code),
    }
}

/// 127 is a shell's for a command that it did not find, 126 for one that it may not run; the program's
/// log says which, where it is at hand.
fn start_words(stage: &Stage<'_>, code: i64) -> String {
    let told = own_end(stage).map(|(_, end)| end);
    match (code, told) {
        (127, _) | (_, Some(OwnEnd::CommandNotFound)) => {
            format!("{code}: the command was not found in the container")
        }
        (126, Some(OwnEnd::NotExecutable)) | (126, None) => {
            "126: the command was found and could not be run (no permission, another CPU's program)"
                .to_owned()
        }
        (_, _) => format!("{code}: the command was not found or could not be run"),
    }
}

/// The program's or its shell's own words about an end, the last of them.
fn own_end<'a>(stage: &Stage<'a>) -> Option<(&'a Fact<Application>, OwnEnd)> {
    let told = stage.application().filter_map(|fact| match &fact.what {
        Application::OwnEnd(end) => Some((fact, *end)),
        Application::Language { .. }
        | Application::JavaOnOutOfMemory { .. }
        | Application::ChildKilled { .. }
        | Application::SupervisorKills { .. }
        | Application::ToldToStop(_)
        | Application::Platform { .. }
        | Application::FatalSignal(_) => None,
    });
    told.last()
}

/// What the words say of an end with this code, where the two fit together.
fn of_code(end: OwnEnd, code: i64) -> Option<&'static str> {
    match (end, code) {
        (OwnEnd::GoPanic, 2) => Some("a Go panic that nothing recovered"),
        (OwnEnd::GoFatal, 2) => Some("a fatal error of the Go runtime"),
        (OwnEnd::RustPanic, 101) => Some("a Rust panic of the main thread"),
        (OwnEnd::CommandNotFound, 1 | 127) => Some("a command was not found"),
        (OwnEnd::NotExecutable, 1 | 126) => Some("a program could not be run"),
        (OwnEnd::FileTooLarge, _) => Some("a file grew beyond its size limit (RLIMIT_FSIZE)"),
        (
            OwnEnd::GoPanic
            | OwnEnd::GoFatal
            | OwnEnd::RustPanic
            | OwnEnd::CommandNotFound
            | OwnEnd::NotExecutable,
            _,
        ) => None,
    }
}

fn own_words(stage: &Stage<'_>, code: i64) -> String {
    let words = own_end(stage).and_then(|(_, end)| of_code(end, code));
    words.map_or_else(
        || format!("it ended with {code}"),
        |words| format!("{words}; it ended with {code}"),
    )
}

/// A panic's words in a bare log: the runtime prints them when it ends the program.
fn by_panic(stage: &Stage<'_>) -> Option<Verdict> {
    let unfinished = !stage.sheet.oom_unfinished.is_empty() || !stage.sheet.oom_kills.is_empty();
    if stage.life.exit_code().is_some() || unfinished {
        return None;
    }
    let (fact, end) = own_end(stage)?;
    // One line alone may be a logger's word for a panic that was recovered.
    let panics = stage
        .application()
        .filter(|fact| matches!(fact.what, Application::OwnEnd(OwnEnd::GoPanic)));
    if end == OwnEnd::GoPanic && panics.count() < 2 {
        return None;
    }
    let words = match end {
        OwnEnd::GoPanic => "a Go panic that nothing recovered; the program ends with 2",
        OwnEnd::GoFatal => "a fatal error of the Go runtime; the program ends with 2",
        OwnEnd::RustPanic => "a Rust panic of the main thread; the program ends with 101",
        // A shell's complaint or an errno need not have ended anything.
        OwnEnd::CommandNotFound | OwnEnd::NotExecutable | OwnEnd::FileTooLarge => return None,
    };
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.detail = Some(words.to_owned());
    verdict.because.push(because(&fact.cite, fact.at, "the runtime's own words"));
    Some(verdict)
}

fn by_words(stage: &Stage<'_>) -> Option<Verdict> {
    // A report that is cut before its victim may tell of this program, or of another.
    if stage.life.exit_code().is_some() || !stage.sheet.oom_unfinished.is_empty() {
        return None;
    }
    let (fact, words) = allocation_words(stage).filter(|(fact, _)| ends(&fact.what))?;
    let mut verdict = base(stage, Confidence::Likely);
    verdict.at = fact.at.or(verdict.at);
    verdict.main.fate = Fate::Exited;
    verdict.detail = Some(words.to_owned());
    verdict.because.push(because(
        &fact.cite,
        fact.at,
        "the runtime's own words; no killer is in them",
    ));
    let platform = stage.application().find_map(|fact| {
        let Application::Platform { limit, usage, .. } = &fact.what else { return None };
        Some((fact, *limit, *usage))
    });
    if let Some((fact, limit, usage)) = platform {
        verdict.limit = limit.or(verdict.limit);
        verdict.usage = usage.or(verdict.usage);
        verdict.because.push(because(&fact.cite, fact.at, "the platform's figures"));
    }
    Some(verdict)
}

/// `Cannot allocate memory` alone shows a refused request, not an end.
fn ends(words: &Application) -> bool {
    !matches!(words, Application::Language { death: LanguageDeath::OtherAllocation, .. })
}

type Words<'a> = (&'a Fact<Application>, &'static str);

fn allocation_words<'a>(stage: &Stage<'a>) -> Option<Words<'a>> {
    let told = stage.application().filter_map(|fact| {
        let Application::Language { death, survived, .. } = &fact.what else { return None };
        (!survived).then_some((fact, words(*death)))
    });
    told.last()
}

fn words(death: LanguageDeath) -> &'static str {
    match death {
        LanguageDeath::JavaOutOfMemoryError => {
            "Java's own heap or metaspace was exhausted (OutOfMemoryError)"
        }
        LanguageDeath::JavaNativeAllocation => "the JVM could not get native memory and gave up",
        LanguageDeath::PythonMemoryError => "a Python allocation was refused (MemoryError)",
        LanguageDeath::GoOutOfMemory => "the Go runtime could not get memory and gave up",
        LanguageDeath::PhpMemoryLimit => "PHP's own memory_limit was reached",
        LanguageDeath::RubyNoMemory => "a Ruby allocation was refused (NoMemoryError)",
        LanguageDeath::GpuOutOfMemory => "the GPU's memory was exhausted, not the host's",
        LanguageDeath::OtherAllocation => "the program could not get memory and gave up",
        LanguageDeath::V8HeapLimit => "a child reached V8's own heap limit and aborted",
        LanguageDeath::V8OutOfMemory => "V8 could not get memory in a child, which aborted",
        LanguageDeath::DotnetOutOfMemory => ".NET ran out of its own heap in a child",
        LanguageDeath::RustAllocation => "a Rust allocation failed in a child, which aborted",
        LanguageDeath::CppBadAlloc => "a C++ allocation failed (std::bad_alloc) in a child",
    }
}

fn base(stage: &Stage<'_>, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::NotKilled, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Exited;
    verdict
}
