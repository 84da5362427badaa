//! The Docker client against the lab's daemon: the unpacked `docker` program, its answers as JSON.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::daemon::Places;
use crate::shell;

/// A client of the lab's daemon.
#[derive(Debug, Clone)]
pub(crate) struct Docker {
    program: PathBuf,
    host: String,
    environment: [(&'static str, String); 2],
}

/// What `docker inspect` says of a container, as far as the lab checks it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) status: String,
    pub(crate) exit_code: i64,
    pub(crate) oom_killed: bool,
    pub(crate) pid: u32,
    pub(crate) restarts: u64,
    pub(crate) id: String,
    pub(crate) memory: u64,
    pub(crate) memory_and_swap: u64,
    pub(crate) cgroup_parent: String,
}

impl Docker {
    pub(crate) fn new(places: &Places) -> Self {
        Self {
            program: places.program("docker"),
            host: places.host(),
            environment: places.environment(),
        }
    }

    /// A client command. The user's own client configuration is out of reach.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(self.environment.clone());
        command.env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", "/nonexistent");
        command
    }

    /// Runs and returns what it printed; an error unless it succeeds.
    pub(crate) fn read(&self, arguments: &[&str]) -> Result<String> {
        shell::read(&mut self.command(arguments))
    }

    /// Runs, whatever comes of it.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<Output> {
        shell::output(&mut self.command(arguments))
    }

    /// Whether the daemon answers at all.
    pub(crate) fn answers(&self) -> bool {
        self.read(&["version", "--format", "{{.Server.Version}}"]).is_ok()
    }

    /// What the container is now; `None` if there is none of that name.
    pub(crate) fn state(&self, name: &str) -> Result<Option<State>> {
        let done = self.output(&["container", "inspect", name])?;
        if !done.status.success() {
            return Ok(None);
        }
        let all: Value = serde_json::from_slice(&done.stdout)
            .with_context(|| format!("`docker inspect {name}` is not JSON"))?;
        let of = |path: &str| all.pointer(&format!("/0{path}")).cloned().unwrap_or_default();
        let text = |path: &str| of(path).as_str().unwrap_or_default().to_owned();
        Ok(Some(State {
            status: text("/State/Status"),
            exit_code: of("/State/ExitCode").as_i64().unwrap_or(-1),
            oom_killed: of("/State/OOMKilled").as_bool().unwrap_or(false),
            pid: of("/State/Pid").as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            restarts: of("/RestartCount").as_u64().unwrap_or(0),
            id: text("/Id"),
            memory: of("/HostConfig/Memory").as_u64().unwrap_or(0),
            memory_and_swap: of("/HostConfig/MemorySwap").as_u64().unwrap_or(0),
            cgroup_parent: text("/HostConfig/CgroupParent"),
        }))
    }

    /// Removes every container of the lab's daemon.
    pub(crate) fn remove_all_containers(&self) -> Result<()> {
        let all = self.read(&["ps", "-aq"])?;
        let ids: Vec<&str> = all.lines().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut arguments = vec!["rm", "-f", "-v"];
        arguments.extend(ids);
        self.read(&arguments).map(drop)
    }
}
