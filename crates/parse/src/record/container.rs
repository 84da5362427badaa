//! What container runtimes and node daemons say.

use casefile::{Bytes, ContainerId, Limit, Moment, Span};

/// Which output a container record was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `docker inspect` JSON, whole or cut.
    Inspect,
    /// A row of `docker ps -a`.
    PsRow,
    /// A row of `docker stats`.
    Stats,
    /// The output of `docker inspect --format …` or the like: bare values.
    Format,
    /// `docker compose` and CI lines: `web_1 exited with code 137`.
    ExitLine,
}

/// A container as the runtime describes it. `oom_killed` says that an OOM notification reached
/// the container's cgroup, never what ended it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContainerRecord {
    /// Which output; `None` only in tests.
    pub form: Option<Form>,
    /// `Id`
    pub id: Option<ContainerId>,
    /// `Name` without the leading `/`.
    pub name: Option<String>,
    /// `Config.Image` or the `ps` column.
    pub image: Option<String>,
    /// `Path` and `Args`: what PID 1 runs.
    pub command: Vec<String>,
    /// `State.Pid`; 0 in the text is `None` here.
    pub pid: Option<u32>,
    /// `State.Status`: created, running, paused, restarting, removing, exited, dead.
    pub status: Option<String>,
    /// `State.Running`
    pub running: Option<bool>,
    /// `State.Paused`
    pub paused: Option<bool>,
    /// `State.OOMKilled`
    pub oom_killed: Option<bool>,
    /// `State.ExitCode`; not set while running or never started.
    pub exit_code: Option<i64>,
    /// `State.Error`, when not empty.
    pub error: Option<String>,
    /// `State.StartedAt`
    pub started_at: Option<Moment>,
    /// `State.FinishedAt`
    pub finished_at: Option<Moment>,
    /// `RestartCount`
    pub restart_count: Option<u64>,
    /// `HostConfig.RestartPolicy.Name`, with `:N` when a maximum is set.
    pub restart_policy: Option<String>,
    /// `HostConfig.Memory`; 0 in the text is `Unlimited`.
    pub memory: Option<Limit>,
    /// `HostConfig.MemorySwap`; -1 is `Unlimited`, 0 is `None`.
    pub memory_swap: Option<Limit>,
    /// Memory in use, from `docker stats`.
    pub usage: Option<Bytes>,
    /// `HostConfig.OomKillDisable`
    pub oom_kill_disable: Option<bool>,
    /// `HostConfig.CgroupParent`, when not empty.
    pub cgroup_parent: Option<String>,
    /// `HostConfig.PidMode`, when not empty (`host`: PID 1 is not its own).
    pub pid_mode: Option<String>,
    /// `HostConfig.Runtime` (`runc`, `runsc`, `kata`), when not empty.
    pub runtime: Option<String>,
    /// `HostConfig.Init`
    pub init: Option<bool>,
    /// `HostConfig.AutoRemove`
    pub auto_remove: Option<bool>,
    /// `Config.StopSignal`
    pub stop_signal: Option<String>,
    /// Podman's `Config.HealthcheckOnFailureAction`: `kill`, `stop`, `restart`, `none`.
    pub health_on_failure: Option<String>,
    /// `Config.StopTimeout` in seconds.
    pub stop_timeout: Option<u64>,
    /// `HostConfig.ShmSize`
    pub shm_size: Option<Bytes>,
    /// `HostConfig.Tmpfs`: mount point and options.
    pub tmpfs: Vec<(String, String)>,
    /// `HostConfig.Ulimits`
    pub ulimits: Vec<Ulimit>,
    /// `State.Health.Status`
    pub health: Option<String>,
    /// Known memory settings in the environment (`NODE_OPTIONS=…`).
    pub memory_settings: Vec<(String, String)>,
    /// Where single fields stand, by the name of the field here: `oom_killed`, `exit_code`, `memory` …
    pub shown_at: Vec<(&'static str, Span)>,
}

impl ContainerRecord {
    /// The bytes that show a field of this record (`oom_killed`), where they are known.
    pub fn span_of(&self, field: &str) -> Option<Span> {
        self.shown_at.iter().find(|(name, _)| *name == field).map(|(_, span)| *span)
    }
}

/// A resource limit of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// `cpu`, `as`, `nofile` …
    pub name: String,
    /// Soft value; -1 is unlimited and `None`.
    pub soft: Option<u64>,
    /// Hard value.
    pub hard: Option<u64>,
}

/// One entry of `docker events`. Order of entries is not order of causes; nobody's name is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// What happened.
    pub action: ContainerAction,
    /// Whose.
    pub id: Option<ContainerId>,
    /// `name` attribute.
    pub name: Option<String>,
    /// `image` attribute.
    pub image: Option<String>,
    /// When the daemon wrote it.
    pub at: Option<Moment>,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerAction {
    /// `create`
    Create,
    /// `start`
    Start,
    /// `restart`: written after the stop and start that it consists of.
    Restart,
    /// `oom`: an OOM notification; one kill can make several, a sibling's kill can make one.
    Oom,
    /// `kill`: a signal was asked for through the API; written even if the process was gone.
    Kill {
        /// The signal's number.
        signal: Option<i32>,
    },
    /// `stop`
    Stop,
    /// `die` (Podman: `died`)
    Die {
        /// `exitCode`
        exit_code: Option<i64>,
    },
    /// `destroy` / `remove`
    Destroy,
    /// `pause` (true) and `unpause` (false)
    Pause(bool),
    /// `exec_die`: a process started by `exec` or a health probe ended.
    ExecDie {
        /// `exitCode`
        exit_code: Option<i64>,
    },
    /// `health_status: X`
    Health(String),
    /// Any other action, as printed.
    Other(String),
}

/// `HasBeenManuallyStopped` of `config.v2.json`: true after any API signal in this life; reset by
/// the next start; not set by the daemon's own shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManuallyStopped {
    /// Whose.
    pub id: Option<ContainerId>,
    /// The flag.
    pub value: bool,
}

/// Which user-space OOM daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomDaemon {
    /// systemd-oomd
    SystemdOomd,
    /// earlyoom
    Earlyoom,
    /// Facebook's oomd
    Oomd,
    /// nohang
    Nohang,
}

/// One line of a daemon's log. `unit` and `container` are whose death it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaemonLine {
    /// dockerd: `Container failed to exit within 10s of signal 15 - using the force`; CRI-O:
    /// `stop signal timed out. Killing`; podman: `StopSignal SIGTERM failed to stop container …
    /// in 10 seconds, resorting to SIGKILL`.
    StopEscalated {
        /// The container.
        container: Option<ContainerId>,
        /// Seconds it was given.
        grace_seconds: Option<u64>,
        /// The program that gave up waiting: dockerd, cri-o, podman.
        by: String,
    },
    /// containerd CRI, CRI-O: a stop was asked for (`StopContainer for … with timeout N`).
    StopRequested {
        /// The container.
        container: Option<ContainerId>,
        /// Seconds it will be given.
        grace_seconds: Option<u64>,
        /// The program.
        by: String,
    },
    /// containerd CRI `Kill container "ID"`, kubelet `Killing container with a grace period`.
    KillRequested {
        /// The container.
        container: Option<ContainerId>,
        /// The program.
        by: String,
        /// The reason the line gives.
        reason: Option<String>,
    },
    /// systemd: `U: State 'stop-sigterm' timed out. Killing.`
    UnitStopTimeout {
        /// The unit.
        unit: String,
    },
    /// systemd: `U: Killing process P (C) with signal SIGKILL.`
    UnitKilling {
        /// The unit.
        unit: String,
        /// The process.
        pid: u32,
        /// Its name.
        comm: Option<String>,
    },
    /// systemd: `U: Killed unit cgroup with SIGKILL on client request.`
    UnitKilledByClient {
        /// The unit.
        unit: String,
    },
    /// systemd: `U: Main process exited, code=killed, status=9/KILL`
    UnitMainExited {
        /// The unit.
        unit: String,
        /// `exited`, `killed`, `dumped`
        code: String,
        /// The status or signal number.
        status: Option<i32>,
    },
    /// systemd: `U: Failed with result 'oom-kill'` and the like: the result's word.
    UnitResult {
        /// The unit.
        unit: String,
        /// `oom-kill`, `signal`, `timeout`, `watchdog`, `exit-code` …
        result: String,
    },
    /// systemd: `U: A process of this unit has been killed by the OOM killer.` An OOM kill in the
    /// unit; not which process, not which limit.
    UnitOomKill {
        /// The unit.
        unit: String,
    },
    /// systemd: `Stopping U…` / `U: Stopping`: a stop was asked for.
    UnitStopping {
        /// The unit.
        unit: String,
    },
    /// systemd: `Starting U…` (not yet done), `Started U.`: a new run of the unit.
    UnitStarted {
        /// The unit.
        unit: String,
        /// False for `Starting`: the main process runs, and has not said that it is ready.
        ready: bool,
    },
    /// systemd: `U: Deactivated successfully.` (up to 245 `Succeeded.`): it ended, and nothing
    /// failed; of a main process that ended cleanly nothing else is written.
    UnitDeactivated {
        /// The unit.
        unit: String,
    },
    /// systemd: a time that its settings allow ran out, and it is stopped: `Service reached runtime
    /// time limit. Stopping.`, `start operation timed out. Terminating.`
    UnitTimeLimit {
        /// The unit.
        unit: String,
        /// True for the time until it is ready (`TimeoutStartSec=`), false for `RuntimeMaxSec=`.
        at_start: bool,
    },
    /// A user-space OOM daemon killed something.
    OomDaemonKill {
        /// Which daemon.
        daemon: OomDaemon,
        /// The process, where one is named.
        pid: Option<u32>,
        /// Its name.
        comm: Option<String>,
        /// Its uid.
        uid: Option<u32>,
        /// The signal it was sent (`SIGTERM` first is usual).
        signal: Option<i32>,
        /// The cgroup or unit that was killed.
        unit: Option<String>,
        /// The reason the line gives, as printed.
        reason: Option<String>,
        /// Resident memory of the process by the line.
        rss: Option<Bytes>,
    },
    /// containerd-shim or `shim disconnected`, `cleaning up dead shim`: logged on normal exits too.
    ShimGone {
        /// The container.
        container: Option<ContainerId>,
    },
    /// dockerd or containerd: `TaskOOM`, `OOM killed`, runc `container init was OOM-killed`.
    RuntimeOom {
        /// The container.
        container: Option<ContainerId>,
        /// True for a start that failed: no process of the container ever ran.
        at_start: bool,
    },
    /// dockerd: `Processing signal 'terminated'`, `Daemon shutdown complete`, `Stopping Docker`.
    DaemonShutdown {
        /// The daemon.
        by: String,
    },
    /// Swarm: `task: non-zero exit (137): dockerexec: unhealthy container`; Podman and autoheal.
    UnhealthyKill {
        /// The container.
        container: Option<ContainerId>,
        /// Who acted: swarm, podman, autoheal.
        by: String,
    },
    /// Slurm, Nomad, LXC and others: the cgroup's OOM counter moved
    /// (`Detected 1 oom_kill event in StepId=…`).
    OomCounted {
        /// The program.
        by: String,
        /// How many, where it says.
        count: Option<u64>,
    },
    /// An audit record or sudo/shell line that names who sent a signal.
    SignalSentBy {
        /// The sender's name.
        comm: Option<String>,
        /// Its pid.
        pid: Option<u32>,
        /// Its uid.
        uid: Option<u32>,
        /// The login uid (`auid`).
        login_uid: Option<u32>,
        /// The signal.
        signal: Option<i32>,
        /// The target.
        target_pid: Option<u32>,
        /// The target's name.
        target_comm: Option<String>,
    },
}

/// What a command in a transcript asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// An end at once, or by a signal that was named: `docker kill`, `docker rm -f`.
    Kill,
    /// A stop with a grace period: `docker stop`, `docker restart`, `kubectl delete pod`.
    Stop,
    /// An eviction by `kubectl drain`.
    Drain,
    /// kill(1): a signal to processes.
    Process,
}

/// A command that was typed, and ran, in a terminal whose transcript was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The command: `docker kill`.
    pub by: String,
    /// What it asks for.
    pub kind: RequestKind,
    /// The signal, where it is named or the command's own.
    pub signal: Option<i32>,
    /// The grace period that was given.
    pub grace_seconds: Option<u64>,
    /// Names or ids of containers, names of pods, pids.
    pub targets: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stands_where_it_was_noted() {
        let (first, second) = (Span { start: 1, end: 2 }, Span { start: 3, end: 4 });
        let shown_at = vec![("memory", first), ("pid", second)];
        let record = ContainerRecord { shown_at, ..ContainerRecord::default() };
        assert_eq!(record.span_of("pid"), Some(second));
        assert_eq!(record.span_of("memory"), Some(first));
        assert_eq!(record.span_of("status"), None);
    }
}
