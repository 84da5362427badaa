//! The beginnings of a verdict: what every rule fills in the same way.

use casefile::{CgroupPath, Citation, ContainerId, Moment, signal_number};
use parse::record::{DaemonLine, Killed};

use crate::facts::{ApiSignal, End, Fact, Life, Stage, Teller, named_container, unit_of};
use crate::verdict::{
    Because, Candidate, Confidence, Fate, KilledBy, Killer, Level, MainProcess, Memory, Role,
    Subject, Surroundings, Verdict, Victim,
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
        place: life.place.clone().or_else(|| place_by_daemon(stage)),
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
    last_named(stage, named_container)
}

/// The unit that systemd's lines name, where nothing else is the subject.
fn place_by_daemon(stage: &Stage<'_>) -> Option<CgroupPath> {
    if stage.life.teller != Teller::Nobody {
        return None;
    }
    let named = last_named(stage, |line| unit_of(line).map(str::to_owned))?;
    CgroupPath::parse(&format!("/{}", named.trim_start_matches('/')))
}

/// Whom the last line names that tells of no good end, else the last of all.
fn last_named<T>(stage: &Stage<'_>, name: impl Fn(&DaemonLine) -> Option<T>) -> Option<T> {
    let of = |fact: &Fact<DaemonLine>| name(&fact.what);
    let told = stage.daemon().filter(|fact| !ends_well(&fact.what));
    told.filter_map(of).last().or_else(|| stage.daemon().filter_map(of).last())
}

/// Another unit's start or good end stands beside the line of a death in every journal.
fn ends_well(line: &DaemonLine) -> bool {
    matches!(line, DaemonLine::UnitDeactivated { .. } | DaemonLine::UnitStarted { .. })
}

fn subject(life: &Life) -> Option<Subject> {
    let runtime = match life.teller {
        Teller::Docker => Some("docker"),
        Teller::Kubernetes => Some("kubernetes"),
        Teller::Ecs => Some("ecs"),
        Teller::Parent | Teller::Process => Some("process"),
        Teller::Systemd => Some("systemd"),
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
        command: life.command().to_vec(),
        settings: settings(life),
        around: surroundings(stage),
        fate,
        exit_code,
        signal: None,
        exit_code_trusted: exit_code.is_some() && !is_invented(life),
    }
}

fn surroundings(stage: &Stage<'_>) -> Surroundings {
    let record = stage.life.record.as_ref();
    let cite = |field: &str| record.and_then(|fact| Some(fact.cite_at(fact.what.span_of(field)?)));
    Surroundings {
        image: record
            .and_then(|fact| fact.what.image.clone())
            .or_else(|| stage.life.status.as_ref().and_then(|status| status.what.image.clone())),
        cgroup_version: stage.sheet.machine.cgroup_version,
        host: stage.sheet.machine.mem_total,
        command_cite: cite("command"),
        settings_cite: cite("memory_settings"),
    }
}

/// The kubelet's 137 for a container that it could not find is a constant.
fn is_invented(life: &Life) -> bool {
    let reason = life.end.as_ref().and_then(|end| end.reason.as_deref());
    reason == Some("ContainerStatusUnknown")
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

/// The signal that asks this container to stop.
pub(super) fn stop_signal(stage: &Stage<'_>) -> i32 {
    let record = stage.life.record.as_ref();
    let configured = record.and_then(|record| record.what.stop_signal.as_deref());
    let number = |name: &str| name.parse().ok().or_else(|| signal_number(name));
    configured.and_then(number).unwrap_or(15)
}

/// The signal asks for an end that the program may shape: the container's stop signal, TERM, INT,
/// QUIT, HUP. An end by any other one is a kill.
pub(super) fn asks_to_stop(stage: &Stage<'_>, signal: i32) -> bool {
    // SIGKILL never asks, not even as STOPSIGNAL; with a `stop` event whatever was sent did.
    let by_stop = stage.life.stop_event.is_some() || signal == stop_signal(stage);
    signal != 9 && (by_stop || matches!(signal, 15 | 2 | 3 | 1))
}

/// A victim of whom only the role is known.
pub(super) fn nameless(role: Role) -> Victim {
    Victim {
        pid: None,
        comm: None,
        role,
        uid: None,
        total_vm_kb: None,
        anon_rss_kb: None,
        file_rss_kb: None,
        shmem_rss_kb: None,
        oom_score_adj: None,
    }
}

/// A victim as the kernel's line describes it.
pub(super) fn victim_of(killed: &Killed, role: Role) -> Victim {
    Victim {
        pid: Some(killed.pid),
        comm: killed.comm.clone(),
        role,
        uid: killed.uid,
        total_vm_kb: killed.total_vm_kb,
        anon_rss_kb: killed.anon_rss_kb,
        file_rss_kb: killed.file_rss_kb,
        shmem_rss_kb: killed.shmem_rss_kb,
        oom_score_adj: killed.oom_score_adj,
    }
}

/// The main process as a victim, where a container with a known main process is the subject.
pub(super) fn main_victim(stage: &Stage<'_>) -> Vec<Victim> {
    let known = stage.life.teller == Teller::Docker
        && (!stage.life.command().is_empty() || stage.life.number.is_some());
    let pid = stage.main_pid();
    let victim = Victim { pid, ..nameless(Role::Main) };
    if known || pid.is_some() { vec![victim] } else { Vec::new() }
}

/// One rival that is no more than possible.
pub(super) fn possible(killer: Killer, because: impl Into<String>) -> Candidate {
    Candidate { killer, confidence: Confidence::Possible, because: because.into() }
}

/// Who did it, where no more than a name is known.
pub(super) fn by_name(name: impl Into<String>) -> KilledBy {
    KilledBy { name: Some(name.into()), ..KilledBy::default() }
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

/// The answer is about a death; that the container runs again stands beside it.
pub(super) fn note_next_life(verdict: &mut Verdict, next: Option<&Life>) {
    let Some(next) = next else { return };
    if let Some(cite) = &next.alive_cite {
        let says = "it was started again, and nothing says that it died since";
        verdict.because.push(because(cite, next.started_at, says));
    }
}

/// Two texts that cannot both be true of one life prove nothing about it.
pub(super) fn note_dispute(verdict: &mut Verdict, life: &Life) {
    if let Some(words) = &life.disputed {
        verdict.confidence = verdict.confidence.min(Confidence::Likely);
        verdict.contradictions.push(words.clone());
    }
}

/// The verdict's subject in the finding's life: the same container, whichever life.
fn with_life(verdict: &Verdict, finding: &Verdict) -> Option<Subject> {
    let life = finding.subject.as_ref().and_then(|subject| subject.life);
    verdict.subject.clone().map(|subject| Subject { life, ..subject })
}
