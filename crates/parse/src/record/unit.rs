//! What systemd says about a unit, and Swarm about a task.

use casefile::{Bytes, CgroupPath, ContainerId, Limit, Moment, Span};

/// How a unit's main process ended, as wait(2) told systemd: a status and a signal are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MainEnd {
    /// `ExecMainCode=1`, `code=exited`: it chose this status.
    Exited(i32),
    /// `ExecMainCode=2` or 3, `code=killed`, `code=dumped`: this signal ended it.
    Killed(i32),
}

/// A unit as `systemctl show` or `systemctl status` describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnitRecord {
    /// `Id`: `api.service`.
    pub name: String,
    /// `LoadState`: loaded, not-found, masked …
    pub load_state: Option<String>,
    /// `ActiveState`: active, activating, deactivating, inactive, failed.
    pub active_state: Option<String>,
    /// `SubState`: running, exited, dead, auto-restart, stop-sigterm …
    pub sub_state: Option<String>,
    /// `Result`: success, signal, exit-code, oom-kill, timeout, watchdog, resources …
    pub result: Option<String>,
    /// `MainPID`; 0 in the text is `None`.
    pub main_pid: Option<u32>,
    /// `ExecMainPID`: the last main process, alive or not; 0 is `None`.
    pub exec_main_pid: Option<u32>,
    /// How the last main process ended; `None` while it runs.
    pub end: Option<MainEnd>,
    /// Start of the last main process.
    pub started_at: Option<Moment>,
    /// End of the last main process.
    pub exited_at: Option<Moment>,
    /// When the unit was last entered into its state, for units without a main process.
    pub changed_at: Option<Moment>,
    /// `ControlGroup`; empty once the unit's cgroup is gone.
    pub cgroup: Option<CgroupPath>,
    /// `Slice`
    pub slice: Option<String>,
    /// `MemoryMax` (v1 and old: `MemoryLimit`).
    pub memory_max: Option<Limit>,
    /// `MemoryHigh`
    pub memory_high: Option<Limit>,
    /// `MemoryCurrent`
    pub memory_current: Option<Bytes>,
    /// `MemoryPeak`, since systemd 255.
    pub memory_peak: Option<Bytes>,
    /// `OOMPolicy`: continue, stop, kill.
    pub oom_policy: Option<String>,
    /// `NRestarts`
    pub restarts: Option<u64>,
    /// `TimeoutStopUSec` in seconds.
    pub stop_timeout: Option<f64>,
    /// `RuntimeMaxUSec` in seconds.
    pub runtime_max: Option<f64>,
    /// `WatchdogUSec` in seconds.
    pub watchdog: Option<f64>,
    /// `KillSignal`
    pub kill_signal: Option<i32>,
    /// `ExecStart`: the program and its arguments.
    pub command: Vec<String>,
    /// Where single fields stand, by the name of the field here.
    pub shown_at: Vec<(&'static str, Span)>,
}

impl UnitRecord {
    /// The bytes that show a field of this record, where they are known.
    pub fn span_of(&self, field: &str) -> Option<Span> {
        self.shown_at.iter().find(|(name, _)| *name == field).map(|(_, span)| *span)
    }

    /// The unit has a process that systemd counts as its main one, or is up without any.
    pub fn is_up(&self) -> bool {
        let state = self.active_state.as_deref();
        matches!(state, Some("active" | "reloading" | "activating" | "deactivating"))
            && !matches!(self.sub_state.as_deref(), Some("auto-restart" | "dead" | "exited"))
            && (self.end.is_none() || self.main_pid.is_some())
    }
}

/// A Swarm task: one try at a service's replica.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SwarmTask {
    /// Its id.
    pub id: Option<String>,
    /// The container it ran as.
    pub container: Option<ContainerId>,
    /// `Status.State`: running, complete, failed, shutdown, rejected, orphaned, remove …
    pub state: Option<String>,
    /// `DesiredState`: running, shutdown, remove …
    pub desired: Option<String>,
    /// `Status.Err`: `task: non-zero exit (137): dockerexec: unhealthy container`.
    pub error: Option<String>,
    /// `Status.Message`
    pub message: Option<String>,
    /// `Status.ContainerStatus.ExitCode`
    pub exit_code: Option<i64>,
    /// `Status.Timestamp`
    pub at: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(active: &str, sub: &str) -> UnitRecord {
        UnitRecord {
            active_state: Some(active.to_owned()),
            sub_state: Some(sub.to_owned()),
            ..UnitRecord::default()
        }
    }

    #[test]
    fn a_unit_is_up_while_it_has_a_process_or_none_has_ended() {
        for active in ["active", "reloading", "activating", "deactivating"] {
            assert!(unit(active, "running").is_up(), "{active}");
            for sub in ["auto-restart", "dead", "exited"] {
                assert!(!unit(active, sub).is_up(), "{active} {sub}");
            }
        }
        assert!(!unit("failed", "failed").is_up());
        assert!(!UnitRecord::default().is_up());
        let ended = UnitRecord { end: Some(MainEnd::Killed(9)), ..unit("active", "running") };
        assert!(!ended.is_up());
        assert!(UnitRecord { main_pid: Some(7), ..ended }.is_up(), "the next one runs");
    }

    #[test]
    fn a_field_stands_where_it_was_noted() {
        let (first, second) = (Span { start: 1, end: 2 }, Span { start: 3, end: 4 });
        let shown_at = vec![("result", first), ("slice", second)];
        let record = UnitRecord { shown_at, ..UnitRecord::default() };
        assert_eq!(record.span_of("slice"), Some(second));
        assert_eq!(record.span_of("result"), Some(first));
        assert_eq!(record.span_of("status"), None);
    }
}
