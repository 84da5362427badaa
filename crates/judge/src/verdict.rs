//! The answer, as data: who, at which level, how sure, by what, against which rivals.

use casefile::{Bytes, CgroupPath, Citation, ContainerId, Gap, Limit, Moment};
use serde::Serialize;

/// Who ended it. The words are the design's stable vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Killer {
    /// Kernel OOM kill at the container's own cgroup limit (or one nested below it).
    ContainerMemoryLimit,
    /// The same at a pod, slice, task or other parent limit.
    AncestorMemoryLimit,
    /// Host-wide kernel OOM.
    HostOutOfMemory,
    /// OOM constrained to a cpuset or memory policy.
    NumaOutOfMemory,
    /// A kernel OOM kill whose level the evidence does not show.
    OutOfMemory,
    /// systemd-oomd, earlyoom, oomd, nohang.
    OomDaemon,
    /// The kubelet, by node pressure.
    Eviction,
    /// Asked to stop, still there after the grace period, SIGKILL.
    StopTimeout,
    /// Asked to stop and did.
    Stopped,
    /// `docker kill`, `rm -f`, an orchestrator's immediate kill.
    ApiKill,
    /// Liveness, startup or health check.
    FailedProbe,
    /// Another process.
    Process,
    /// `RLIMIT_CPU` and other kernel-made kills that are not memory.
    ResourceLimit,
    /// The runtime's own clean-up.
    Runtime,
    /// A fatal signal of the program's own making.
    Crash,
    /// The program ended by itself with a status.
    NotKilled,
    /// Nothing died.
    StillAlive,
    /// The evidence does not tell.
    Unknown,
}

impl Killer {
    /// Every word, in the order of the vocabulary.
    pub const ALL: [Self; 18] = [
        Self::ContainerMemoryLimit,
        Self::AncestorMemoryLimit,
        Self::HostOutOfMemory,
        Self::NumaOutOfMemory,
        Self::OutOfMemory,
        Self::OomDaemon,
        Self::Eviction,
        Self::StopTimeout,
        Self::Stopped,
        Self::ApiKill,
        Self::FailedProbe,
        Self::Process,
        Self::ResourceLimit,
        Self::Runtime,
        Self::Crash,
        Self::NotKilled,
        Self::StillAlive,
        Self::Unknown,
    ];

    /// The word as it stands in the JSON contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::ContainerMemoryLimit => "container-memory-limit",
            Self::AncestorMemoryLimit => "ancestor-memory-limit",
            Self::HostOutOfMemory => "host-out-of-memory",
            Self::NumaOutOfMemory => "numa-out-of-memory",
            Self::OutOfMemory => "out-of-memory",
            Self::OomDaemon => "oom-daemon",
            Self::Eviction => "eviction",
            Self::StopTimeout => "stop-timeout",
            Self::Stopped => "stopped",
            Self::ApiKill => "api-kill",
            Self::FailedProbe => "failed-probe",
            Self::Process => "process",
            Self::ResourceLimit => "resource-limit",
            Self::Runtime => "runtime",
            Self::Crash => "crash",
            Self::NotKilled => "not-killed",
            Self::StillAlive => "still-alive",
            Self::Unknown => "unknown",
        }
    }

    /// A kernel OOM kill of whatever level.
    pub fn is_kernel_oom(self) -> bool {
        match self {
            Self::ContainerMemoryLimit
            | Self::AncestorMemoryLimit
            | Self::HostOutOfMemory
            | Self::NumaOutOfMemory
            | Self::OutOfMemory => true,
            Self::OomDaemon
            | Self::Eviction
            | Self::StopTimeout
            | Self::Stopped
            | Self::ApiKill
            | Self::FailedProbe
            | Self::Process
            | Self::ResourceLimit
            | Self::Runtime
            | Self::Crash
            | Self::NotKilled
            | Self::StillAlive
            | Self::Unknown => false,
        }
    }
}

/// Which limit filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The container's own.
    Own,
    /// One set below the container's, inside it.
    Nested,
    /// A parent's.
    Ancestor,
    /// The whole machine's memory.
    Host,
    /// The memory of the allowed NUMA nodes.
    Numa,
    /// An OOM kill whose level is not shown.
    Unknown,
    /// No memory limit had a part in it.
    None,
}

/// How sure. `Proven` needs a record that names killer and victim and excludes the rivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The evidence does not tell.
    Unknown,
    /// One of several that fit.
    Possible,
    /// What the evidence points at; a rival is not excluded.
    Likely,
    /// Named by a record; rivals excluded.
    Proven,
}

/// Who did it, where it is a process, daemon or API client.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KilledBy {
    /// Program name.
    pub name: Option<String>,
    /// Pid in the initial namespace.
    pub pid: Option<u32>,
    /// Uid.
    pub uid: Option<u32>,
    /// Login uid.
    pub login_uid: Option<u32>,
    /// Command line.
    pub command: Option<String>,
    /// The API client, where seen.
    pub client: Option<String>,
}

/// What the answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Subject {
    /// Container or pod name.
    pub name: Option<String>,
    /// Container id.
    pub container_id: Option<ContainerId>,
    /// `docker`, `kubernetes`, `ecs`; `process` for one whose parent told its end (wait(2)).
    pub runtime: Option<String>,
    /// Which life, counted from 1, where history tells.
    pub life: Option<u32>,
}

/// What became of the main process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Ended by a signal from outside it.
    Killed,
    /// Ended with a status of its own, or by a fault of its own.
    Exited,
    /// Running.
    Alive,
    /// Not shown.
    #[default]
    Unknown,
}

/// The container's PID 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MainProcess {
    /// Pid in the initial namespace.
    pub pid: Option<u32>,
    /// Name.
    pub comm: Option<String>,
    /// What it runs, from the runtime's configuration; for text, not in the contract.
    #[serde(skip)]
    pub command: Vec<String>,
    /// Known memory settings of its environment, `NAME=value`; for remedies, not in the contract.
    #[serde(skip)]
    pub settings: Vec<String>,
    /// What its runtime could see; for remedies, not in the contract.
    #[serde(skip)]
    pub around: Surroundings,
    /// Its fate.
    pub fate: Fate,
    /// Exit code as the runtime shows it.
    pub exit_code: Option<i64>,
    /// The signal that ended it, where that is known.
    pub signal: Option<i32>,
    /// False where the code was invented (dead shim, `ContainerStatusUnknown`).
    pub exit_code_trusted: bool,
}

/// What decides how a runtime sizes itself, beside its command and settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The image's name and tag.
    pub image: Option<String>,
    /// The version of the hierarchy that counts memory.
    pub cgroup_version: Option<u8>,
    /// The machine's memory.
    pub host: Option<Bytes>,
    /// Where the command stands.
    pub command_cite: Option<Citation>,
    /// Where the memory settings of the environment stand.
    pub settings_cite: Option<Citation>,
}

/// What a victim was to its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// PID 1 of the container and nothing else.
    Main,
    /// Started by the main process.
    Child,
    /// Started by `exec` or a health probe.
    Exec,
    /// Not shown, or no container.
    Other,
}

/// A process that died by this killer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Victim {
    /// Pid in the initial namespace.
    pub pid: Option<u32>,
    /// Name.
    pub comm: Option<String>,
    /// Its part in the container.
    pub role: Role,
    /// Uid.
    pub uid: Option<u32>,
    /// `total-vm`, kB.
    pub total_vm_kb: Option<u64>,
    /// `anon-rss`, kB.
    pub anon_rss_kb: Option<u64>,
    /// `file-rss`, kB.
    pub file_rss_kb: Option<u64>,
    /// `shmem-rss`, kB.
    pub shmem_rss_kb: Option<u64>,
    /// `oom_score_adj`
    pub oom_score_adj: Option<i32>,
}

/// One line of evidence and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The bytes.
    pub cite: Citation,
    /// When, where the exhibit tells.
    pub at: Option<Moment>,
    /// What it says, in one clause.
    pub says: String,
    /// The decisive words in the quote, to be marked.
    pub decisive: Option<String>,
}

/// A rival that the evidence excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuledOut {
    /// The rival.
    pub killer: Killer,
    /// By what.
    pub because: String,
}

/// A killer that the evidence does not exclude.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The killer.
    pub killer: Killer,
    /// How well it fits.
    pub confidence: Confidence,
    /// Why it may be it.
    pub because: String,
}

/// Evidence that would decide, and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WouldSettle {
    /// What is missing.
    pub missing: String,
    /// A command, or where to look.
    pub how: String,
}

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The change, concrete.
    pub change: String,
    /// What it does.
    pub effect: String,
    /// What it may cost.
    pub risk: String,
    /// How to take it back.
    pub undo: String,
}

/// One part of the memory at the moment of death.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// `anonymous`, `files`, `shmem/tmpfs`, `kernel`.
    pub what: &'static str,
    /// How much.
    pub bytes: Bytes,
}

/// A process and what it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its pid.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// Resident memory.
    pub rss: Bytes,
    /// True for a victim.
    pub killed: bool,
    /// True for a process that is not of the subject's container (a neighbour under a shared
    /// parent), where that is known.
    pub neighbour: bool,
}

/// What filled the memory, from the kernel's report or the live counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// The parts, biggest first.
    pub shares: Vec<Share>,
    /// The biggest processes, biggest first.
    pub holders: Vec<Holder>,
    /// Where the numbers stand.
    pub cite: Option<Citation>,
    /// Processes of one name, where there are several: workers, as a rule.
    pub pools: Vec<Pool>,
    /// Highest usage seen, where the kernel still told (`memory.peak`, `max_usage_in_bytes`).
    pub peak: Option<Bytes>,
}

/// Several processes of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Their name.
    pub comm: String,
    /// What each held, the largest first.
    pub rss: Vec<Bytes>,
    /// What all other processes there held.
    pub others: Bytes,
}

impl Pool {
    /// What all of them held, shared pages counted once for each.
    #[must_use]
    pub fn held(&self) -> Bytes {
        Bytes(self.rss.iter().fold(0, |sum, rss| sum.saturating_add(rss.0)))
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The rule that reached it: its id.
    pub rule: &'static str,
    /// Who.
    pub killer: Killer,
    /// At which level.
    pub level: Level,
    /// How sure.
    pub confidence: Confidence,
    /// The process, daemon or client.
    pub killed_by: Option<KilledBy>,
    /// What the answer is about.
    pub subject: Option<Subject>,
    /// The container, of the subject or of the victim's cgroup.
    pub container_id: Option<ContainerId>,
    /// The cgroup of the subject or of the victim, where it is known; [`CgroupPath::owner`] names it.
    pub place: Option<CgroupPath>,
    /// Its main process.
    pub main: MainProcess,
    /// Who died.
    pub victims: Vec<Victim>,
    /// When.
    pub at: Option<Moment>,
    /// A time as the text shows it where no moment can be known (`[83.46] since boot`).
    pub at_words: Option<String>,
    /// Seconds from the start of the life to the death.
    pub lived_seconds: Option<f64>,
    /// Whether this container's own limit is to blame.
    pub limit_at_fault: Option<bool>,
    /// The limit that filled (or the container's, where only a status is given).
    pub limit: Option<Limit>,
    /// Usage at that limit.
    pub usage: Option<Bytes>,
    /// Whose limit.
    pub limit_cgroup: Option<CgroupPath>,
    /// What filled it.
    pub memory: Memory,
    /// The plain reason in one clause, for the first line, where the killer's word does not say
    /// enough (`V8 reached its own heap limit`, `docker sent SIGTERM, waited 2 s, then SIGKILL`).
    pub detail: Option<String>,
    /// The proof.
    pub because: Vec<Because>,
    /// Rivals excluded.
    pub ruled_out: Vec<RuledOut>,
    /// Rivals not excluded.
    pub candidates: Vec<Candidate>,
    /// Why two sources seem to disagree.
    pub contradictions: Vec<String>,
    /// What would decide.
    pub would_settle_it: Vec<WouldSettle>,
    /// Every other death or life, oldest first.
    pub findings: Vec<Verdict>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What to change.
    pub remedies: Vec<Remedy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killers_word_is_the_one_that_json_shows() {
        for killer in Killer::ALL {
            let shown = serde_json::to_value(killer).unwrap();
            assert_eq!(shown.as_str(), Some(killer.word()));
        }
    }
}
