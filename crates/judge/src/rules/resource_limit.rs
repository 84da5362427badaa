//! # resource-limit — a kernel-made kill that is not memory
//!
//! ## What it looks for
//! - A SIGKILL in a signal trace that the kernel sent (`code=128`) in the victim's own context, to a process
//!   that the OOM killer did not mark.
//! - An exit by SIGXCPU (152), the soft limit.
//! - An exit by SIGKILL with a limit on CPU time in the container's configuration (`--ulimit cpu=…`) that the
//!   life can have used up, and no sign of an OOM kill.
//!
//! ## Why it means that
//! At the soft RLIMIT_CPU the kernel sends SIGXCPU every second, at the hard one SIGKILL. It writes no
//! log line, so the trace or the configuration is what points at it: at most `likely`.
//!
//! ## What would speak against it
//! - A life too short for the limit: all of the machine's cores are taken as busy, 64 where their number is not known.
//! - An API kill, a kernel OOM kill, `OOMKilled=true`.
//!
//! ## Example
//! ```text
//! "Ulimits": [{"Name": "cpu", "Hard": 1, "Soft": 1}]      exit 137
//! ```
//!
//! ## References
//! - Linux `kernel/time/posix-cpu-timers.c` `check_process_timers`; setrlimit(2)

use parse::record::TraceEvent;

use super::draft::{decisive, draft, end_line, main_victim, possible};
use super::{Rule, Seek, process, rivals};
use crate::facts::{Fact, Stage};
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

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
    let marked = stage.marked_victims();
    let is_own = |fact: &&Fact<TraceEvent>| {
        matches!(
            &fact.what,
            TraceEvent::Signal { signal: 9, code: 128, result: 0, pid, sender_pid, .. }
                if pid == sender_pid && !marked.contains(pid)
        )
    };
    let own = || stage.trace().filter(is_own);
    let fact = own()
        .find(|fact| process::hits_main(stage, &fact.what))
        .or_else(|| own().filter(|fact| process::is_passed_on(stage, fact)).last())?;
    let mut verdict = base(stage);
    if process::is_passed_on(stage, fact) {
        process::tell_child(&mut verdict, &fact.what);
        verdict.because.extend(end_line(stage, process::PASSED_ON));
    }
    let says = "the kernel sent SIGKILL in the victim's own context and marked no OOM victim";
    verdict.because.push(decisive(&fact.cite, fact.at, says, "code=128"));
    Some(verdict)
}

fn by_signal(stage: &Stage<'_>) -> Option<Verdict> {
    (stage.life.exit_code() == Some(152)).then(|| {
        let mut verdict = base(stage);
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
    // Many cores burn CPU time faster than the clock runs: where their number is not known, 64 is generous.
    let cores = stage.sheet.machine.cpus.unwrap_or(64);
    let used_up = lived * f64::from(cores) >= seconds as f64;
    used_up.then(|| {
        let mut verdict = base(stage);
        verdict.detail = Some(format!(
            "each of its processes may use {seconds} s of CPU time, and it lived {lived:.1} s"
        ));
        let says = format!("a hard limit of {seconds} s of CPU time is configured");
        let cite = record.cite_at(record.what.span_of("ulimits").unwrap_or(record.cite.span));
        verdict.because.push(decisive(&cite, None, says, "cpu"));
        verdict.because.extend(end_line(stage, "an end by SIGKILL that nobody else claims"));
        verdict.ruled_out = rivals::kernel_ruled_out(stage);
        verdict.ruled_out.extend(rivals::api_ruled_out(stage));
        verdict.candidates = vec![possible(Killer::Process, "a kill -9 leaves the same traces")];
        verdict.would_settle_it = rivals::would_settle(stage, verdict.at);
        verdict
    })
}

fn base(stage: &Stage<'_>) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::ResourceLimit, Level::None, Confidence::Likely);
    verdict.limit_at_fault = Some(false);
    verdict.main.fate = Fate::Killed;
    verdict.main.signal = Some(9);
    verdict.victims = main_victim(stage);
    verdict.detail = Some("the hard limit on CPU time ran out".to_owned());
    verdict
}
