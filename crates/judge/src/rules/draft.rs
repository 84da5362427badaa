//! The beginnings of a verdict: what every rule fills in the same way.

use casefile::{Citation, ContainerId, Moment};

use crate::facts::{ApiSignal, End, Life, Stage, Teller, named_container};
use crate::verdict::{
    Because, Confidence, Fate, Killer, Level, MainProcess, Memory, Subject, Verdict,
};

/// A verdict on this stage with everything that does not depend on the cause.
pub(super) fn draft(
    stage: &Stage<'_>,
    rule: &'static str,
    killer: Killer,
    level: Level,
    confidence: Confidence,
) -> Verdict {
    let life = stage.life;
    let configured = stage.configured_limit();
    let at = life.ended_at();
    Verdict {
        rule,
        killer,
        level,
        confidence,
        killed_by: None,
        subject: subject(life),
        container_id: life.id.clone().or_else(|| named_by_daemon(stage)),
        main: main_process(stage),
        victims: Vec::new(),
        at,
        at_words: None,
        lived_seconds: lived(life, at),
        limit_at_fault: None,
        limit: configured.map(|(limit, _)| limit),
        usage: None,
        limit_cgroup: None,
        memory: Memory::default(),
        detail: None,
        because: Vec::new(),
        ruled_out: Vec::new(),
        candidates: Vec::new(),
        contradictions: Vec::new(),
        would_settle_it: Vec::new(),
        findings: Vec::new(),
        gaps: stage.sheet.gaps.clone(),
        remedies: Vec::new(),
    }
}

/// The container that a daemon's line names, where no record does.
fn named_by_daemon(stage: &Stage<'_>) -> Option<ContainerId> {
    stage.daemon().filter_map(|fact| named_container(&fact.what)).last()
}

fn subject(life: &Life) -> Option<Subject> {
    let runtime = match life.teller {
        Teller::Docker => Some("docker"),
        Teller::Kubernetes => Some("kubernetes"),
        Teller::Ecs => Some("ecs"),
        Teller::Parent => Some("process"),
        Teller::Bare | Teller::Nobody => None,
    };
    let known = life.name.is_some() || life.id.is_some();
    known.then(|| Subject {
        name: life.name.clone(),
        container_id: life.id.clone(),
        runtime: runtime.map(str::to_owned),
        life: life.number,
    })
}

fn main_process(stage: &Stage<'_>) -> MainProcess {
    let life = stage.life;
    let exit_code = life.exit_code();
    let fate = match exit_code {
        _ if life.alive => Fate::Alive,
        Some(code) if (0..126).contains(&code) => Fate::Exited,
        Some(_) | None => Fate::Unknown,
    };
    MainProcess {
        pid: stage.main_pid(),
        comm: None,
        command: life.command(),
        settings: settings(life),
        fate,
        exit_code,
        signal: None,
        exit_code_trusted: exit_code.is_some(),
    }
}

/// Known memory settings, by the runtime's or the orchestrator's record.
fn settings(life: &Life) -> Vec<String> {
    let record = life.record.as_ref().map(|record| record.what.memory_settings.clone());
    let status = life.status.as_ref().map(|status| status.what.memory_settings.clone());
    let pairs = record.into_iter().chain(status).flatten();
    pairs.map(|(name, value)| format!("{name}={value}")).collect()
}

fn lived(life: &Life, at: Option<Moment>) -> Option<f64> {
    let seconds = at?.seconds_since(life.started_at?);
    (seconds >= 0.0).then_some(seconds)
}

/// One line of evidence.
pub(super) fn because(cite: &Citation, at: Option<Moment>, says: impl Into<String>) -> Because {
    Because { cite: cite.clone(), at, says: says.into(), decisive: None }
}

/// One line of evidence with the words that decide.
pub(super) fn decisive(
    cite: &Citation,
    at: Option<Moment>,
    says: impl Into<String>,
    words: impl Into<String>,
) -> Because {
    Because { decisive: Some(words.into()), ..because(cite, at, says) }
}

/// The line that shows how the life ended.
pub(super) fn end_line(stage: &Stage<'_>, says: impl Into<String>) -> Option<Because> {
    let End { at, cite, exit_code, .. } = stage.life.end.as_ref()?;
    let words = exit_code.map(|code| code.to_string());
    Some(Because { decisive: words, ..because(cite, *at, says) })
}

/// The line of an API signal.
pub(super) fn signal_line(signal: &ApiSignal, says: impl Into<String>) -> Because {
    decisive(&signal.cite, signal.at, says, signal.signal.to_string())
}

/// `SIGTERM` for 15.
pub(crate) fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        16 => "SIGSTKFLT",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// The number of a signal as configuration spells it (`SIGQUIT`, `QUIT`, `3`).
pub(super) fn signal_number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let wanted = format!("SIG{}", name.trim_start_matches("SIG"));
    (1..32).find(|number| signal_name(*number) == wanted)
}

/// A life that ended the same way again and again is said once, with the count.
pub(super) fn note_storm(verdict: &mut Verdict, findings: &[Verdict]) {
    let same = findings
        .iter()
        .filter(|finding| {
            finding.killer == verdict.killer && finding.subject == with_life(verdict, finding)
        })
        .count();
    if same >= 2 && verdict.killer.is_kernel_oom() && verdict.subject.is_some() {
        let lives = same + 1;
        let words = format!("{lives} lives in a row ended this way; restarting cannot help");
        verdict.detail =
            Some(verdict.detail.take().map_or(words.clone(), |d| format!("{d}; {words}")));
    }
}

/// The verdict's subject in the finding's life: the same container, whichever life.
fn with_life(verdict: &Verdict, finding: &Verdict) -> Option<Subject> {
    let life = finding.subject.as_ref().and_then(|subject| subject.life);
    verdict.subject.clone().map(|subject| Subject { life, ..subject })
}
