//! # not-killed — the program ended by itself with a status
//!
//! ## What it looks for
//! - An exit code that no signal's end shows as: up to 128, above 192, or 128 + a signal that ends nothing
//!   by itself (CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH). 126, 127 and a runtime's error say that it
//!   could not start; 255 is also what docker writes after a lost state.
//! - Without an exit code: a runtime's own words that it gave up: Java `OutOfMemoryError`, Python
//!   `MemoryError`, Go `runtime: out of memory`, PHP, Ruby.
//!
//! ## Why it means that
//! A signal's end shows as 128 + its number. A smaller code is the program's own choice. A runtime that
//! reports its own out-of-memory error still ran: it chose the end, no killer did. It is `proven` where the
//! runtime's whole record also denies an OOM kill, or where wait(2) itself was read; a cause that only the
//! program's words give is `likely`.
//!
//! ## What would speak against it
//! - An API signal before it that the program obeyed (stopped).
//! - A child that was killed, whose parent ended with its own code (own-limit and its kin, with the main
//!   process `exited`; in a bare log a supervisor's word for it is enough to be silent here).
//! - 137 chosen by a program leaves the same traces as SIGKILL: it stays unknown.
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

use parse::record::{Application, Form, LanguageDeath};

use super::draft::{because, draft, end_line, possible};
use super::{Rule, Seek, rivals};
use crate::facts::{Fact, Stage, Teller};
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
    by_exit_code(stage).or_else(|| by_words(stage))
}

fn by_exit_code(stage: &Stage<'_>) -> Option<Verdict> {
    let code = stage.life.exit_code()?;
    if !is_status(code) {
        return None;
    }
    // A log in which a child was killed: its parent's status is only the consequence.
    let bare_log = matches!(stage.life.teller, Teller::Bare | Teller::Nobody);
    if bare_log && code != 0 && stage.child_killed().is_some() {
        return None;
    }
    let (confidence, detail) = match code {
        126 | 127 => (Confidence::Likely, start_failure(stage, code)),
        128 if could_not_start(stage) => (Confidence::Likely, start_failure(stage, code)),
        255 => (
            Confidence::Likely,
            "255: the program's own, or the runtime lost its state (a reboot)".to_owned(),
        ),
        code => (certainty(stage), format!("it ended with {code}")),
    };
    let mut verdict = base(stage, confidence);
    verdict.detail = Some(detail);
    if let Some((fact, words)) = allocation_words(stage) {
        // The status is certain, its cause is the program's own word.
        verdict.confidence = Confidence::Likely;
        verdict.detail = Some(format!("{words}; it ended with {code}"));
        verdict.because.push(because(&fact.cite, fact.at, words));
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
    let waited = stage.life.teller == Teller::Parent;
    // A bare `0 false TIME` may be a later life's code beside an earlier life's end.
    let whole = stage.life.record.as_ref().is_some_and(|record| {
        record.what.form == Some(Form::Inspect) && record.what.status.is_some()
    });
    let runtime = whole && stage.life.flagged() == Some(false);
    if waited || runtime { Confidence::Proven } else { Confidence::Likely }
}

/// Codes that no signal's end shows as: below 128 + 1, above 128 + 64, and 128 + those signals that
/// end nothing by themselves (CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH).
fn is_status(code: i64) -> bool {
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28].map(|signal| 128 + signal);
    (0..=128).contains(&code) || (193..=255).contains(&code) || harmless.contains(&code)
}

fn could_not_start(stage: &Stage<'_>) -> bool {
    stage.life.record.as_ref().is_some_and(|record| record.what.error.is_some())
}

fn start_failure(stage: &Stage<'_>, code: i64) -> String {
    let error = stage.life.record.as_ref().and_then(|record| record.what.error.clone());
    match error {
        Some(error) => format!("it could not start: {error}"),
        None => format!("{code}: the command was not found or could not be run"),
    }
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
