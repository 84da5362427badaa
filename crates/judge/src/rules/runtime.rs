//! # runtime — the runtime's own clean-up; the exit code may be invented
//!
//! ## What it looks for
//! - A shim (containerd-shim, conmon) that was killed in this life, by the kernel's log or by a signal
//!   trace, and an exit code of 137.
//! - The daemon's own line that it shuts down, within 30 s of an end with 137 or 143 for which no signal
//!   came through the API.
//!
//! ## Why it means that
//! containerd writes 137 for a shim that died, whatever the program did. A daemon that shuts down stops its
//! containers itself. Neither names the container's own process, so the answer is `likely` at most.
//!
//! ## What would speak against it
//! - `ContainerStatusUnknown` is the kubelet's invention for a container that it cannot find: the cause
//!   stays unknown.
//! - A kernel OOM kill of the main process: a real end stands in the kernel's log.
//! - `shim disconnected` and `cleaning up dead shim` are logged on normal exits, too; alone they prove nothing.
//! - An end right before the start of the daemon that answers now fits a daemon that was stopped, without
//!   a line that says so: it is only a candidate (unknown).
//!
//! ## Example
//! ```text
//! Out of memory: Killed process 811 (containerd-shim) …        and the container: exit 137
//! ```
//!
//! ## References
//! - containerd `runtime/v2/shim.go` `cleanupAfterDeadShim`

use parse::record::{DaemonLine, TraceEvent};

use super::draft::{because, by_name, draft, end_line, possible};
use super::{Rule, Seek, process};
use crate::facts::Stage;
use crate::verdict::{Confidence, Fate, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "runtime",
    title: "the runtime's own clean-up; the exit code may be invented",
    file: include_str!("runtime.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside || !stage.main_kills().is_empty() {
        return None;
    }
    dead_shim(stage).or_else(|| daemon_shutdown(stage))
}

/// The shim's own death: seen live, or the kernel naming it as a victim.
fn dead_shim(stage: &Stage<'_>) -> Option<Verdict> {
    let is_shim = |comm: &str| comm.starts_with("containerd-shim") || comm.starts_with("conmon");
    let by_kernel = stage.sheet.oom_kills.iter().find_map(|kill| {
        let shim = kill.victims.iter().find(|v| v.comm.as_deref().is_some_and(is_shim))?;
        // Another container's shim dies, too: only one right before this end can be its own.
        let held = match (kill.at, stage.life.ended_at()) {
            (Some(at), Some(end)) => (-1.0..5.0).contains(&end.seconds_since(at)),
            (None, _) | (_, None) => !stage.sheet.is_asked(),
        };
        held.then(|| (kill.cite(shim.span), kill.at))
    });
    let by_trace = || {
        let mut kills = stage.trace().filter(|fact| process::is_delivered_kill(&fact.what));
        let hit = kills
            .find(|fact| matches!(&fact.what, TraceEvent::Signal { comm, .. } if is_shim(comm)))?;
        Some((hit.cite.clone(), hit.at))
    };
    let (cite, at) = by_kernel.or_else(by_trace)?;
    if stage.life.exit_code() != Some(137) {
        return None;
    }
    let says = "the container's shim was killed; containerd then cleans up and writes 137 whatever the program did";
    let mut verdict = base(stage, "containerd", says);
    verdict.because.push(because(&cite, at, says));
    verdict.because.extend(end_line(stage, "the code that was written"));
    Some(verdict)
}

fn daemon_shutdown(stage: &Stage<'_>) -> Option<Verdict> {
    let fact = stage.daemon().find(|fact| {
        let near = match (fact.at, stage.life.ended_at()) {
            (Some(at), Some(end)) => end.seconds_since(at).abs() < 30.0,
            (None, _) | (_, None) => false,
        };
        near && matches!(fact.what, DaemonLine::DaemonShutdown { .. })
    })?;
    let by_signal = matches!(stage.life.exit_code(), Some(137 | 143));
    if !by_signal || !stage.life.signals.is_empty() {
        return None;
    }
    let says = "the daemon was shutting down and stops its containers itself";
    let mut verdict = base(stage, "dockerd", says);
    verdict.main.exit_code_trusted = true;
    verdict.main.fate = Fate::Killed;
    verdict.because.push(because(&fact.cite, fact.at, says));
    verdict.because.extend(end_line(stage, "the end that followed"));
    Some(verdict)
}

fn base(stage: &Stage<'_>, by: &str, says: &str) -> Verdict {
    let mut verdict = draft(stage, RULE.id, Killer::Runtime, Level::None, Confidence::Likely);
    verdict.main.exit_code_trusted = false;
    verdict.main.fate = Fate::Unknown;
    verdict.detail = Some(says.to_owned());
    verdict.killed_by = Some(by_name(by));
    let because = "the program may have ended by itself before; its own code is lost";
    verdict.candidates = vec![possible(Killer::NotKilled, because)];
    verdict
}
