//! # resource-limit — a kernel-made kill that is not memory
//!
//! ## What it looks for
//! An exit by SIGKILL with a hard limit on CPU time in the container's configuration (`--ulimit cpu=…`) that
//! the life can have used up; an exit by SIGXCPU (152); a traced SIGKILL by the kernel without an OOM mark.
//!
//! ## Why it means that
//! At the soft RLIMIT_CPU the kernel sends SIGXCPU every second, at the hard one SIGKILL. It writes no
//! log line, so the configuration is what points at it: at most `likely`.
//!
//! ## What would speak against it
//! - A life shorter than the limit: CPU time cannot exceed it by much on few cores.
//! - An API kill, a kernel OOM kill.
//!
//! ## Example
//! ```text
//! "Ulimits": [{"Name": "cpu", "Hard": 1, "Soft": 1}]      exit 137
//! ```
//!
//! ## References
//! - Linux `kernel/time/posix-cpu-timers.c` `check_process_timers`; setrlimit(2)

use parse::record::TraceEvent;

use super::draft::{decisive, draft, end_line};
use super::{Rule, Seek, rivals, stop_timeout};
use crate::facts::Stage;
use crate::verdict::{Candidate, Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "resource-limit",
    title: "a kernel-made kill that is not memory (RLIMIT_CPU)",
    file: include_str!("resource_limit.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::OwnEnd || stage.life.alive {
        return None;
    }
    by_trace(stage).or_else(|| by_signal(stage)).or_else(|| by_configuration(stage))
}

fn by_trace(stage: &Stage<'_>) -> Option<Verdict> {
    let marked: Vec<u32> = stage
        .trace()
        .filter_map(|fact| match &fact.what {
            TraceEvent::MarkVictim { pid, .. } => Some(*pid),
            _ => None,
        })
        .collect();
    let fact = stage.trace().find(|fact| match &fact.what {
        TraceEvent::Signal { signal: 9, code: 128, result: 0, pid, sender_pid, .. } => {
            pid == sender_pid && !marked.contains(pid)
        }
        _ => false,
    })?;
    let mut verdict = base(stage, Confidence::Likely);
    let says = "the kernel sent SIGKILL in the victim's own context and marked no OOM victim";
    verdict.because.push(decisive(&fact.cite, fact.at, says, "code=128"));
    Some(verdict)
}

fn by_signal(stage: &Stage<'_>) -> Option<Verdict> {
    (stage.life.exit_code() == Some(152)).then(|| {
        let mut verdict = base(stage, Confidence::Likely);
        verdict.main.signal = Some(24);
        verdict.detail = Some("152 is 128 + SIGXCPU: the soft limit on CPU time".to_owned());
        verdict.because.extend(end_line(stage, "152 is 128 + SIGXCPU"));
        verdict
    })
}

fn by_configuration(stage: &Stage<'_>) -> Option<Verdict> {
    if stage.life.exit_code() != Some(137)
        || !stage.kills.is_empty()
        || stage.life.flagged() == Some(true)
    {
        return None;
    }
    let record = stage.life.record.as_ref()?;
    let limit = record.what.ulimits.iter().find(|limit| limit.name == "cpu")?;
    let seconds = limit.hard.or(limit.soft)?;
    let lived = stage.life.ended_at()?.seconds_since(stage.life.started_at?);
    // Many cores burn CPU time faster than the clock runs: 64 is generous.
    let possible = lived * 64.0 >= seconds as f64;
    possible.then(|| {
        let mut verdict = base(stage, Confidence::Likely);
        verdict.detail = Some(format!(
            "each of its processes may use {seconds} s of CPU time, and it lived {lived:.1} s"
        ));
        let says = format!("a hard limit of {seconds} s of CPU time is configured");
        let cite = record.cite_at(record.what.span_of("ulimits").unwrap_or(record.cite.span));
        verdict.because.push(decisive(&cite, None, says, "cpu"));
        verdict.because.extend(end_line(stage, "an end by SIGKILL that nobody else claims"));
        verdict.ruled_out = rivals::kernel_ruled_out(stage);
        verdict.ruled_out.extend(rivals::api_ruled_out(stage));
        let because = "a kill -9 leaves the same traces".to_owned();
        verdict.candidates =
            vec![Candidate { killer: Killer::Process, confidence: Confidence::Possible, because }];
        verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
        verdict
    })
}

fn base(stage: &Stage<'_>, confidence: Confidence) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::ResourceLimit, Level::None, confidence);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Killed;
    verdict.main.signal = Some(9);
    verdict.victims = stop_timeout::main_victim(stage);
    let says = "the hard limit on CPU time ran out";
    verdict.detail = Some(says.to_owned());
    verdict
}
