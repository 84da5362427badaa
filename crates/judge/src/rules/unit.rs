//! What the rules share about systemd's units and bare processes: why systemd stopped one, and which
//! killers are left for a SIGKILL that nothing explains.
//!
//! Not a rule. systemd is the parent of a service's main process: it knows a signal from a status and
//! writes down every signal that it sends itself, but not who else sent one.

use casefile::{Citation, Moment, signal_name};
use parse::record::{DaemonLine, MainEnd, OomDaemon};

use crate::facts::{Fact, Stage, Teller};
use crate::verdict::{Killer, RuledOut};

/// The subject is no container: there is no runtime's API, no PID 1 of its own, no flag.
pub(super) fn is_bare(stage: &Stage<'_>) -> bool {
    matches!(stage.life.teller, Teller::Systemd | Teller::Process | Teller::Parent)
}

/// systemd's own reason to stop a unit.
pub(super) struct Stop {
    pub(super) cite: Citation,
    pub(super) at: Option<Moment>,
    pub(super) says: &'static str,
    /// True where somebody asked for it, false where a time of its settings ran out.
    pub(super) asked: bool,
}

/// Why systemd stopped the unit in this life, if it did so before the main process ended.
pub(super) fn stop(stage: &Stage<'_>) -> Option<Stop> {
    if stage.life.teller != Teller::Systemd {
        return None;
    }
    let before_end = |fact: &&Fact<DaemonLine>| {
        let end = stage.life.ended_at();
        fact.at.zip(end).is_none_or(|(at, end)| end.seconds_since(at) > -1.0)
    };
    let lines = || stage.daemon().filter(before_end);
    let limit =
        lines().find(|fact| matches!(fact.what, DaemonLine::UnitTimeLimit { at_start: false, .. }));
    if let Some(fact) = limit {
        let says = "it had run for its RuntimeMaxSec= and systemd stopped it";
        return Some(Stop { cite: fact.cite.clone(), at: fact.at, says, asked: false });
    }
    let asked = lines().find(|fact| matches!(fact.what, DaemonLine::UnitStopping { .. }))?;
    let says = "systemd was asked to stop the unit";
    Some(Stop { cite: asked.cite.clone(), at: asked.at, says, asked: true })
}

/// The stop signal of the unit.
pub(super) fn stop_signal(stage: &Stage<'_>) -> String {
    let state = stage.life.unit_record.as_ref();
    signal_name(state.and_then(|state| state.what.kill_signal).unwrap_or(15))
}

/// Seconds that systemd gives the unit to stop.
pub(super) fn grace(stage: &Stage<'_>) -> Option<f64> {
    stage.life.unit_record.as_ref()?.what.stop_timeout
}

/// systemd's result says that a time ran out, and the end was its SIGKILL; of the lines that say
/// which time, none is at hand.
pub(super) fn timed_out<'a>(stage: &Stage<'a>) -> Option<&'a Fact<DaemonLine>> {
    let killed = stage.main_end() == Some(MainEnd::Killed(9));
    let timeout = |fact: &&Fact<DaemonLine>| matches!(&fact.what, DaemonLine::UnitResult { result, .. } if result == "timeout");
    stage.daemon().filter(|_| killed && stage.life.unit.is_some()).find(timeout)
}

/// The journal holds this life from its start line to its end line: a stop or kill by systemd would
/// stand between them.
fn is_told_whole(stage: &Stage<'_>) -> bool {
    let has = |is: fn(&DaemonLine) -> bool| stage.daemon().any(|fact| is(&fact.what));
    stage.life.teller == Teller::Systemd
        && has(|line| matches!(line, DaemonLine::UnitStarted { .. }))
        && has(|line| matches!(line, DaemonLine::UnitMainExited { .. }))
}

/// systemd sent no signal itself, where that is certain.
pub(super) fn systemd_silent(stage: &Stage<'_>) -> Option<String> {
    let acted = stop(stage).is_some()
        || stage.daemon().any(|fact| {
            matches!(
                fact.what,
                DaemonLine::UnitKilling { .. }
                    | DaemonLine::UnitKilledByClient { .. }
                    | DaemonLine::UnitStopTimeout { .. }
                    | DaemonLine::UnitTimeLimit { .. }
            )
        });
    (is_told_whole(stage) && !acted).then(|| {
        "systemd's journal holds this life from start to end, and no stop or kill in it".to_owned()
    })
}

/// Every killer that fits a SIGKILL of a unit's or a plain process without a witness. The parent's wait saw
/// the signal: a chosen 137 is no rival.
pub(super) fn fitting(stage: &Stage<'_>) -> Vec<(Killer, String)> {
    let teller = stage.life.teller;
    let name = if teller == Teller::Systemd { "LimitCPU=, " } else { "" };
    let limit =
        format!("a hard limit on CPU time ({name}RLIMIT_CPU) ends in a SIGKILL without a trace");
    let stop = "a stop whose time ran out ends with SIGKILL";
    let stop = (teller != Teller::Parent).then_some((Killer::StopTimeout, stop));
    let kernel = [
        (Killer::HostOutOfMemory, "the host's OOM killer can choose any process"),
        (
            Killer::ContainerMemoryLimit,
            "a memory limit of its own cgroup ends a process with SIGKILL",
        ),
        (Killer::AncestorMemoryLimit, "a limit of a slice above it can have filled"),
    ];
    let others = [
        (Killer::OomDaemon, "systemd-oomd, earlyoom and their like end a process with SIGKILL"),
        (Killer::Process, "a kill -9 by any process of root or of its user, itself included"),
        (Killer::ResourceLimit, limit.as_str()),
    ];
    let all = kernel.into_iter().chain(stop).chain(others);
    all.map(|(killer, because)| (killer, because.to_owned())).collect()
}

/// What the parent's wait and systemd's journal exclude.
pub(super) fn ruled_out(stage: &Stage<'_>) -> Vec<RuledOut> {
    let mut out = Vec::new();
    if let Some(MainEnd::Killed(signal)) = stage.main_end().filter(|_| is_bare(stage)) {
        let whose = if stage.life.teller == Teller::Parent { "its parent" } else { "systemd" };
        let because = format!("{whose}'s wait saw {}, not a status", signal_name(signal));
        out.push(RuledOut { killer: Killer::NotKilled, because });
    }
    if let Some(because) = systemd_silent(stage) {
        out.push(RuledOut { killer: Killer::StopTimeout, because });
    }
    out
}

/// Why systemd's result seems to say something else.
pub(super) fn contradiction(stage: &Stage<'_>, killer: Killer) -> Option<String> {
    match (stage.unit_result()?, killer.is_kernel_oom()) {
        ("signal", true) if stage.sheet.machine.cgroup_version != Some(2) => Some(
            "systemd's result `signal` is no contradiction: on cgroup v1 systemd is not told of OOM kills.".to_owned(),
        ),
        ("oom-kill", false) if killer == Killer::OomDaemon && oomd_struck(stage) => Some(
            "systemd's result `oom-kill` is no contradiction: a kill by systemd-oomd counts as one.".to_owned(),
        ),
        ("oom-kill", false) => Some(
            "systemd's result `oom-kill` says that some process of the unit was killed for memory, not what ended the main one.".to_owned(),
        ),
        _ => None,
    }
}

/// systemd-oomd says that it killed the unit.
fn oomd_struck(stage: &Stage<'_>) -> bool {
    stage.daemon().any(|fact| {
        let by = |daemon: &OomDaemon| *daemon == OomDaemon::SystemdOomd;
        matches!(&fact.what, DaemonLine::OomDaemonKill { daemon, .. } if by(daemon))
    })
}
