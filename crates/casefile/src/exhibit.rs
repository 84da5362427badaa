//! Exhibits: verbatim evidence, where it came from, and how to point into it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Clock, ContainerId};

/// A range of bytes in an exhibit's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes this span points at, if the text has them.
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(self.start..self.end)
    }

    /// The smallest span that holds both.
    pub fn joined(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Where an exhibit came from. The gatherer says so; for pasted text the recogniser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Text whose kind must be recognised from its content; may hold several kinds.
    Pasted,
    /// The kernel's log: /dev/kmsg, dmesg, `journalctl -k`, syslog's kernel lines.
    KernelLog,
    /// `docker inspect`, `podman inspect`: JSON.
    ContainerInspect,
    /// `docker events`, `podman events`: text or JSON lines.
    ContainerEvents,
    /// Docker's own state of a container, `config.v2.json`.
    DockerConfig,
    /// dockerd's and containerd's log lines, systemd's and OOM daemons' lines: journal text.
    Journal,
    /// One file of a cgroup, or `path: value` lines of several.
    Cgroup,
    /// `/proc/PID/*` of a process that is alive.
    Proc,
    /// What the program itself wrote: never evidence of what the kernel or a daemon did.
    ApplicationLog,
    /// `kubectl describe`, `kubectl get`, Kubernetes events.
    Kubernetes,
    /// `aws ecs describe-tasks`, ECS events, Batch jobs.
    Ecs,
    /// `signal:*`, `oom:*`, `sched:*` trace events of a tracefs instance.
    Trace,
    /// `systemctl show` of one unit: how its main process ended, as wait(2) told systemd.
    UnitState,
    /// A Swarm manager's word about a task.
    Swarm,
    /// Facts about the machine: kernel version, cgroup version, Docker version, boot.
    Machine,
}

impl Source {
    /// The source's name as a reader sees it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pasted => "pasted text",
            Self::KernelLog => "kernel log",
            Self::ContainerInspect => "docker inspect",
            Self::ContainerEvents => "docker events",
            Self::DockerConfig => "config.v2.json",
            Self::Journal => "journal",
            Self::Cgroup => "cgroup",
            Self::Proc => "proc",
            Self::ApplicationLog => "container log",
            Self::Kubernetes => "kubernetes",
            Self::Ecs => "ecs",
            Self::Trace => "signal trace",
            Self::UnitState => "systemctl show",
            Self::Swarm => "swarm",
            Self::Machine => "machine",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.title())
    }
}

/// What an exhibit holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Text as it was seen, secrets redacted.
    Text(String),
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// Unique within the case: `kmsg`, `inspect`, `file-1`.
    pub id: String,
    /// Where it came from.
    pub source: Source,
    /// What was read, as a person would name it: a path, a command, an API call.
    pub label: String,
    /// The command by which a person can check this exhibit by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The container it is about, where the gatherer knows (`None`: the whole machine, or unknown).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<ContainerId>,
    /// The clock of its stamps.
    #[serde(default)]
    pub clock: Clock,
    /// True if it certainly holds everything its source had from before the subject's start to
    /// after its end: only then may its silence exclude anything.
    #[serde(default)]
    pub covers: bool,
    /// Where the text is only what a much larger one holds of interest: which parts of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_from: Option<CutFrom>,
    /// The evidence itself.
    pub body: Body,
}

/// A text too large to be kept: its digest, and where the kept parts stood in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutFrom {
    /// Its length.
    pub bytes: u64,
    /// Its digest, `algorithm:hexadecimal`.
    pub digest: String,
    /// The byte ranges that were kept, in order; the exhibit's text is these, one after the other.
    pub kept: Vec<Span>,
}

impl Exhibit {
    /// The text of the exhibit.
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text(text) => text,
        }
    }
}

/// A pointer to bytes in an exhibit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Citation {
    /// The exhibit's id.
    pub exhibit: String,
    /// Where in its text.
    pub span: Span,
}
