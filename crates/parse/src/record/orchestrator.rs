//! What Kubernetes and ECS say. Their word alone is at most `likely`.

use casefile::{Bytes, ContainerId, Limit, Moment, Span};

/// A pod from `kubectl describe pod` or `kubectl get pod -o json|yaml`, whole or cut.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PodRecord {
    /// Pod name.
    pub name: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Uid.
    pub uid: Option<String>,
    /// Node.
    pub node: Option<String>,
    /// `status.phase` / `Status:`
    pub phase: Option<String>,
    /// `status.reason` / `Reason:` of the pod (`Evicted`, `NodeLost` …).
    pub reason: Option<String>,
    /// `status.message`
    pub message: Option<String>,
    /// QoS class.
    pub qos: Option<String>,
    /// True when the pod is being deleted (`deletionTimestamp`, `Terminating`).
    pub deleting: Option<bool>,
    /// `terminationGracePeriodSeconds`
    pub grace_seconds: Option<u64>,
    /// Conditions `DisruptionTarget`: reason (`TerminationByKubelet`, `PreemptionByScheduler` …)
    /// and message.
    pub disruption: Option<(String, String)>,
    /// The containers, each with its last ended life.
    pub containers: Vec<ContainerStatus>,
}

/// A memory request and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirement {
    /// `resources.limits.memory`
    pub limit: Option<Limit>,
    /// `resources.requests.memory`
    pub request: Option<Bytes>,
}

/// One container's status in a pod.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContainerStatus {
    /// Name in the pod.
    pub name: Option<String>,
    /// Id of the life that ended (else of the current one).
    pub id: Option<ContainerId>,
    /// True for an init container.
    pub init: bool,
    /// True if a life is running now.
    pub running: Option<bool>,
    /// `Waiting` reason (`CrashLoopBackOff` …).
    pub waiting: Option<String>,
    /// The ended life's `reason`: OOMKilled, Error, Completed, ContainerStatusUnknown, Evicted …
    pub reason: Option<String>,
    /// Its `exitCode`.
    pub exit_code: Option<i64>,
    /// Its `signal`.
    pub signal: Option<i32>,
    /// Its `message`.
    pub message: Option<String>,
    /// Its start.
    pub started_at: Option<Moment>,
    /// Its end; the zero time of an invented status is `None`.
    pub finished_at: Option<Moment>,
    /// True if the ended life is the container's last one (`state.terminated`), false if a later
    /// one is running or waiting (`lastState.terminated`).
    pub ended_now: bool,
    /// `restartCount`
    pub restart_count: Option<u64>,
    /// Memory request and limit.
    pub memory: Requirement,
    /// `command` + `args`.
    pub command: Vec<String>,
    /// The image's name and tag.
    pub image: Option<String>,
    /// Known memory settings in the environment.
    pub memory_settings: Vec<(String, String)>,
    /// The lines (or the part of a document) that tell of the end, for quoting.
    pub shown_at: Option<Span>,
}

/// A Kubernetes event, from `describe`, `get events`, JSON, YAML, or an exporter's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodEvent {
    /// `Killing`, `Unhealthy`, `Evicted`, `OOMKilling`, `SystemOOM`, `Preempting`, `TaintManagerEviction`,
    /// `NodeNotReady`, `BackOff`, `ExceededGracePeriod` …
    pub reason: String,
    /// The message, wrapped lines joined.
    pub message: String,
    /// Involved object (pod name), where shown.
    pub object: Option<String>,
    /// Involved object's kind (`Pod`, `Node`), where shown.
    pub kind: Option<String>,
    /// Its namespace, where shown.
    pub namespace: Option<String>,
    /// Uid of the involved object.
    pub uid: Option<String>,
    /// Container named by `fieldPath: spec.containers{NAME}`.
    pub container: Option<String>,
    /// How often.
    pub count: Option<u64>,
    /// Last time seen.
    pub at: Option<Moment>,
}

/// An ECS task (describe-tasks, an event, a `--query` with renamed fields) or a Batch attempt.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EcsTask {
    /// Task ARN or id.
    pub task: Option<String>,
    /// `launchType`: EC2, FARGATE.
    pub launch_type: Option<String>,
    /// `stopCode`
    pub stop_code: Option<String>,
    /// `stoppedReason` (or a renamed field with its known words).
    pub stopped_reason: Option<String>,
    /// `lastStatus`
    pub last_status: Option<String>,
    /// Task memory.
    pub memory: Option<Bytes>,
    /// `stoppingAt`
    pub stopping_at: Option<Moment>,
    /// `stoppedAt`
    pub stopped_at: Option<Moment>,
    /// Containers in order; `reason`, `exit_code`, `name`, `id` (runtimeId), `memory.limit` are
    /// filled as shown.
    pub containers: Vec<ContainerStatus>,
    /// True if the text ends inside the JSON: what is missing may matter.
    pub cut: bool,
}
