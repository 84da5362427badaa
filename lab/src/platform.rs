//! Where deaths happen: which Docker, which cgroup generation, whose machine; and what differs
//! between them. Everything that a death says "per platform" is said with the words of this file.

use std::path::Path;

/// Which generation of control groups holds the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cgroup {
    /// `memory.limit_in_bytes`, one tree per controller.
    V1,
    /// `memory.max`, one tree for all.
    V2,
}

impl Cgroup {
    /// `v1` or `v2`.
    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    /// From that word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::V1, Self::V2].into_iter().find(|one| one.word() == word)
    }

    /// What this machine has mounted; `None` where memory is not controlled.
    pub(crate) fn here() -> Option<Self> {
        let mounted = Path::new("/sys/fs/cgroup");
        if mounted.join("memory/memory.limit_in_bytes").exists() {
            return Some(Self::V1);
        }
        let controllers = std::fs::read_to_string(mounted.join("cgroup.controllers")).ok()?;
        controllers.split_whitespace().any(|one| one == "memory").then_some(Self::V2)
    }
}

/// Whether others live on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// Somebody's machine: it must never run out of memory, and nothing runs without a limit.
    Shared,
    /// The lab's virtual machine, which may.
    Own,
}

/// One platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// `20.10` or `26.1`.
    pub docker: &'static str,
    /// The cgroup generation.
    pub cgroup: Cgroup,
    /// Whose machine.
    pub machine: Machine,
}

impl Platform {
    /// Its name in `lab/results`: `docker-26.1-cgroup-v2`.
    pub fn name(&self) -> String {
        format!("docker-{}-cgroup-{}", self.docker, self.cgroup.word())
    }

    /// Since Docker 24 the flag rises with the notification; before, only when the container ends.
    fn flags_while_running(&self) -> bool {
        self.docker != "20.10"
    }
}

/// What `State.OOMKilled` must be, platform by platform. This is the only place that knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    /// Not compared.
    Open,
    /// The same everywhere.
    Is(bool),
    /// A process of a container that goes on was killed at a limit: raised at once since Docker
    /// 24, before that only when the container ends.
    KilledWhileRunning,
    /// The machine's memory ran out: cgroup v2 counts the kill in the container's own
    /// `memory.events`, cgroup v1 notifies nobody.
    HostOutOfMemory,
    /// The same while the container goes on.
    HostOutOfMemoryWhileRunning,
}

impl Flag {
    /// What it must be here; `None` if it is not compared.
    pub(crate) fn on(self, platform: &Platform) -> Option<bool> {
        match self {
            Self::Open => None,
            Self::Is(flag) => Some(flag),
            Self::KilledWhileRunning => Some(platform.flags_while_running()),
            Self::HostOutOfMemory => Some(platform.cgroup == Cgroup::V2),
            Self::HostOutOfMemoryWhileRunning => {
                Some(platform.cgroup == Cgroup::V2 && platform.flags_while_running())
            }
        }
    }
}

/// What a death needs of its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// It happens everywhere.
    Nothing,
    /// Only this generation has it, because of this.
    Only(Cgroup, &'static str),
    /// It takes the whole machine's memory, or reaches outside the lab's containers.
    OwnMachine,
    /// Both.
    OwnMachineAnd(Cgroup, &'static str),
}

impl Needs {
    /// Why the death cannot happen here, in one clause.
    pub(crate) fn missing(self, platform: &Platform) -> Option<String> {
        let own = platform.machine == Machine::Own;
        let wants_machine = matches!(self, Self::OwnMachine | Self::OwnMachineAnd(..));
        match self {
            Self::Only(cgroup, why) | Self::OwnMachineAnd(cgroup, why)
                if cgroup != platform.cgroup =>
            {
                Some(why.to_owned())
            }
            _ if wants_machine && !own => {
                Some("it needs a machine of its own: `cargo xtask lab vm`".to_owned())
            }
            Self::Nothing | Self::Only(..) | Self::OwnMachine | Self::OwnMachineAnd(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Platform =
        Platform { docker: "20.10", cgroup: Cgroup::V1, machine: Machine::Shared };
    const THERE: Platform = Platform { docker: "26.1", cgroup: Cgroup::V2, machine: Machine::Own };

    #[test]
    fn the_hosts_oom_killer_raises_the_flag_on_v2_only() {
        assert_eq!(Flag::HostOutOfMemory.on(&HERE), Some(false));
        assert_eq!(Flag::HostOutOfMemory.on(&THERE), Some(true));
        let v1 = Platform { cgroup: Cgroup::V1, ..THERE };
        assert_eq!(Flag::HostOutOfMemoryWhileRunning.on(&v1), Some(false));
    }

    #[test]
    fn a_running_containers_flag_depends_on_docker() {
        assert_eq!(Flag::KilledWhileRunning.on(&HERE), Some(false));
        assert_eq!(Flag::KilledWhileRunning.on(&THERE), Some(true));
    }

    #[test]
    fn what_is_missing_is_said() {
        let v2 = Needs::Only(Cgroup::V2, "cgroup v1 has no memory.high");
        assert_eq!(v2.missing(&THERE), None);
        assert_eq!(v2.missing(&HERE).as_deref(), Some("cgroup v1 has no memory.high"));
        assert!(Needs::OwnMachine.missing(&HERE).is_some_and(|why| why.contains("lab vm")));
        assert_eq!(Needs::OwnMachine.missing(&THERE), None);
    }
}
