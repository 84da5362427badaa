//! What a reader saw, typed. Every field that the text does not show is `None`.

mod container;
mod kernel;
mod orchestrator;
mod process;
mod unit;

use casefile::{Span, Stamp};
pub use container::{
    ContainerAction, ContainerEvent, ContainerRecord, DaemonLine, Form, ManuallyStopped, OomDaemon,
    Request, RequestKind, Ulimit,
};
pub use kernel::{
    Constraint, Invoker, KernelEvent, KillMessage, Killed, MemoryLine, NamedVictim, OomReport,
    TaskRow,
};
pub use orchestrator::{ContainerStatus, EcsTask, PodEvent, PodRecord, Requirement};
pub use process::{
    Application, Counter, CounterValue, LanguageDeath, MachineFact, OwnEnd, ProcessRecord,
    TraceEvent, WaitStatus,
};
pub use unit::{MainEnd, SwarmTask, UnitRecord};

/// One thing a reader saw, with the bytes it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// What was seen.
    pub record: Record,
    /// Where: whole lines, without the line end.
    pub span: Span,
    /// When, as the text shows it.
    pub at: Option<Stamp>,
}

/// A value with the bytes it was read from, for quoting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<T> {
    /// The value.
    pub value: T,
    /// The line (or the part of a JSON document) that shows it.
    pub span: Span,
}

/// Everything a reader can see.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// From the kernel's log.
    Kernel(KernelEvent),
    /// The state of a container as a runtime tells it.
    Container(Box<ContainerRecord>),
    /// An entry of the runtime's event stream.
    ContainerEvent(ContainerEvent),
    /// `HasBeenManuallyStopped` of Docker's own state file.
    ManuallyStopped(ManuallyStopped),
    /// A line of dockerd, containerd, systemd, CRI-O, Podman or an OOM daemon.
    Daemon(DaemonLine),
    /// A command in a transcript that asked for an end.
    Request(Request),
    /// A systemd unit.
    Unit(Box<UnitRecord>),
    /// A Swarm task.
    SwarmTask(Box<SwarmTask>),
    /// A Kubernetes pod.
    Pod(Box<PodRecord>),
    /// A Kubernetes event.
    PodEvent(PodEvent),
    /// An ECS task or Batch attempt.
    EcsTask(Box<EcsTask>),
    /// A line of the program's own output that tells of a death.
    Application(Application),
    /// A counter or value of a cgroup file.
    Counter(Counter),
    /// A process that is alive.
    Process(ProcessRecord),
    /// A tracepoint event.
    Trace(TraceEvent),
    /// A fact about the machine.
    Machine(MachineFact),
    /// How a process ended that no runtime kept.
    WaitStatus(WaitStatus),
    /// A bare exit code in pasted text (`exited with code 137`, `Exit Code: 137`), with no record
    /// of whose it is.
    BareExit(i64),
    /// A bare OOM flag (`OOMKilled=true`, `reason: OOMKilled`) without a record around it.
    BareOomFlag(bool),
    /// A memory limit shown alone (`docker inspect --format '{{.HostConfig.Memory}}'` prints
    /// `67108864`; a `docker run --memory=1g` line).
    BareLimit(casefile::Limit),
}
