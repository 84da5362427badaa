//! One death's stage: its containers and parent cgroup, the steps of its making, and whether what
//! should have happened has happened. It asks why137 nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cgroup;
use crate::daemon::Daemon;
use crate::deaths::{Death, Memory, Other, PARENT_LIMIT, Place, Step};
use crate::docker::{Docker, State};
use crate::platform::{Cgroup, Machine, Platform};
use crate::run::Lab;
use crate::shell;

/// The containers' names and the parent cgroup of one death.
pub(crate) struct Stage {
    /// The first container's name.
    pub(crate) name: String,
    parent: String,
    lab: String,
    platform: Platform,
}

impl Stage {
    pub(crate) fn new(lab: &Lab, death: &Death) -> Self {
        Self {
            name: format!("lab-{}", death.name),
            parent: format!("/why137lab-{}", std::process::id()),
            lab: lab.folder.display().to_string(),
            platform: lab.platform,
        }
    }

    /// What the kernel's lines about this death hold: the containers' ids, and the parent.
    pub(crate) fn marks(&self, docker: &Docker) -> Result<Vec<String>> {
        let mut marks = vec![self.parent.clone()];
        for name in self.containers(docker)? {
            marks.extend(docker.state(&name)?.map(|state| state.id));
        }
        Ok(marks)
    }

    /// Every container of this death that there is.
    fn containers(&self, docker: &Docker) -> Result<Vec<String>> {
        // `lab-exit-1` begins the name of another death's container, but there is only one death at
        // a time.
        let all = docker.names()?;
        Ok(all.into_iter().filter(|name| name.starts_with(&self.name)).collect())
    }

    fn fill(&self, words: &[&str]) -> Vec<String> {
        words
            .iter()
            .map(|word| {
                word.replace("{name}", &self.name)
                    .replace("{parent}", &self.parent)
                    .replace("{lab}", &self.lab)
            })
            .collect()
    }

    /// Removes this death's containers and parent cgroups.
    pub(crate) fn clear(&self, docker: &Docker) -> Result<()> {
        for name in self.containers(docker)? {
            docker.remove(&name)?;
        }
        Cgroup::remove_parent(&self.parent)
    }

    /// Creates a container and makes sure that its limit will be in force before it starts.
    pub(crate) fn create(&self, docker: &Docker, death: &Death, other: &Other) -> Result<()> {
        let name = format!("{}{}", self.name, other.suffix);
        let mut words: Vec<String> =
            ["create", "--name", &name, "--network", "none", "--pull", "never"]
                .map(str::to_owned)
                .to_vec();
        match other.memory {
            Memory::Mib(mebibytes) => {
                let limit = format!("{mebibytes}m");
                words.extend(["--memory", &limit, "--memory-swap", &limit].map(str::to_owned));
            }
            Memory::Unlimited if self.platform.machine == Machine::Own => {}
            Memory::Unlimited => bail!("without a limit nothing runs on somebody's machine"),
        }
        if other.options.contains(&"{parent}") {
            self.platform.cgroup.make_parent(&self.parent, PARENT_LIMIT)?;
        }
        words.extend(self.fill(other.options));
        words.push(death.image.tag().to_owned());
        words.extend(self.fill(other.command));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        docker.read(&words)?;
        let state = docker.state(&name)?.context("the container is gone before its start")?;
        check_limit(&state, other.memory)
    }

    fn state(&self, docker: &Docker, suffix: &str) -> Result<State> {
        let name = format!("{}{suffix}", self.name);
        docker.state(&name)?.with_context(|| format!("there is no container `{name}`"))
    }

    /// Does or awaits one step.
    pub(crate) fn take(&self, step: &Step, daemon: &mut Daemon, death: &Death) -> Result<()> {
        let docker = daemon.docker.clone();
        match *step {
            Step::Docker(words) => self.client(&docker, words, true),
            Step::Try(words) => self.client(&docker, words, false),
            Step::Another(other) => {
                self.create(&docker, death, &other)?;
                docker.read(&["start", &format!("{}{}", self.name, other.suffix)]).map(drop)
            }
            Step::Ended(suffix) => until(|| Ok(has_ended(&self.state(&docker, suffix)?))),
            Step::Logged(text) => until(|| docker.logged(&self.name, text)),
            Step::LoggedBy(suffix, text) => {
                let name = format!("{}{suffix}", self.name);
                until(|| docker.logged(&name, text))
            }
            Step::Kills(count) => until(|| {
                let ended = has_ended(&self.state(&docker, "")?);
                Ok(ended || self.oom_kills(&docker, &self.name)?.unwrap_or(0) >= count)
            }),
            Step::UnderOom => {
                until(|| Ok(self.platform.cgroup.is_under_oom(&self.state(&docker, "")?)))
            }
            Step::Throttled => {
                until(|| Ok(self.platform.cgroup.throttled(&self.state(&docker, "")?) > 0))
            }
            Step::Restarted(count) => until(|| {
                let state = self.state(&docker, "")?;
                Ok(state.restarts >= count
                    && ["running", "exited"].contains(&state.status.as_str()))
            }),
            Step::Gone => until(|| Ok(docker.state(&self.name)?.is_none())),
            Step::Sleep(milliseconds) => {
                std::thread::sleep(Duration::from_millis(milliseconds));
                Ok(())
            }
            Step::HostSignal(signal) => shell::signal(signal, self.main_pid(&docker)?),
            Step::SignalAll(signal) => {
                for name in self.containers(&docker)? {
                    let state = docker.state(&name)?.context("a container is gone")?;
                    anyhow::ensure!(state.pid != 0, "`{name}` does not run");
                    shell::signal(signal, state.pid)?;
                }
                Ok(())
            }
            Step::Write(place, file, value) => {
                let folder = match place {
                    Place::Own => self.platform.cgroup.folder_of(&self.state(&docker, "")?),
                    Place::Parent => self.platform.cgroup.folder(&self.parent),
                };
                cgroup::write(&folder.join(file), value)
            }
            Step::SysRqKill if self.platform.machine == Machine::Own => {
                cgroup::write(Path::new("/proc/sysrq-trigger"), "f")
            }
            Step::SysRqKill => bail!("nobody's machine is asked for an OOM kill"),
            Step::ShimKilled => shell::signal("KILL", shim_of(self.main_pid(&docker)?)?),
            Step::DaemonRestarted => daemon.restart(),
            Step::BuildFails { memory, run } => self.build(&docker, memory, run),
        }
    }

    /// The classic builder runs each step in a container and leaves the one that failed; it gets
    /// this death's name. The builder's own limit is given on its command line.
    fn build(&self, docker: &Docker, memory: u64, run: &str) -> Result<()> {
        let folder = empty_folder(&self.name)?;
        std::fs::write(folder.join("Dockerfile"), format!("FROM lab/base\nRUN {run}\n"))?;
        let (limit, context) = (format!("{memory}m"), folder.display().to_string());
        let words =
            ["build", "--memory", &limit, "--memory-swap", &limit, "--network", "none", &context];
        let done = shell::output(docker.command(&words).env("DOCKER_BUILDKIT", "0"))?;
        std::fs::remove_dir_all(&folder)?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let id = said.lines().find_map(|line| line.trim().strip_prefix("---> Running in "));
        let id = id.with_context(|| format!("the build ran no step: {said}"))?;
        anyhow::ensure!(!done.status.success(), "the build step was to fail");
        docker.read(&["rm", &self.name])?;
        docker.read(&["rename", id, &self.name]).map(drop)
    }

    fn client(&self, docker: &Docker, words: &[&str], must: bool) -> Result<()> {
        let words = self.fill(words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if must { docker.read(&words).map(drop) } else { docker.output(&words).map(drop) }
    }

    fn main_pid(&self, docker: &Docker) -> Result<u32> {
        match self.state(docker, "")?.pid {
            0 => bail!("the container does not run"),
            pid => Ok(pid),
        }
    }

    /// The kernel's own count for the container's cgroup; `None` once the cgroup is gone.
    pub(crate) fn oom_kills(&self, docker: &Docker, name: &str) -> Result<Option<u64>> {
        Ok(docker.state(name)?.and_then(|state| self.platform.cgroup.oom_kills(&state)))
    }

    /// Whether the flag should be raised and is not.
    pub(crate) fn lost_its_flag(&self, docker: &Docker, death: &Death) -> Result<bool> {
        let wanted = death.truth.oom_killed.on(&self.platform) == Some(true);
        Ok(wanted && docker.state(&self.name)?.is_some_and(|state| !state.oom_killed))
    }

    /// Whether what should have happened has happened.
    pub(crate) fn check_truth(&self, docker: &Docker, death: &Death) -> Result<Vec<String>> {
        let truth = death.truth;
        let Some(state) = docker.state(&self.name)? else {
            let wrong = format!("the death did not come about: gone, not {}", truth.status);
            return Ok(if truth.status == "gone" { Vec::new() } else { vec![wrong] });
        };
        let mut wrong = Vec::new();
        if !truth.status.is_empty() && truth.status != state.status {
            wrong.push(format!("status {}, not {}", state.status, truth.status));
        }
        if truth.exit_code.is_some_and(|code| code != state.exit_code) {
            wrong.push(format!("exit code {}, not {:?}", state.exit_code, truth.exit_code));
        }
        let flag = truth.oom_killed.on(&self.platform);
        if flag.is_some_and(|flag| flag != state.oom_killed) {
            wrong.push(format!("OOMKilled {}, not {flag:?}", state.oom_killed));
        }
        Ok(wrong.into_iter().map(|line| format!("the death did not come about: {line}")).collect())
    }
}

/// Whether the limit that was asked for is in force, swap included.
pub(crate) fn check_limit(state: &State, memory: Memory) -> Result<()> {
    let Memory::Mib(mebibytes) = memory else { return Ok(()) };
    let bytes = mebibytes << 20;
    let swap_is_shut = state.memory_and_swap == bytes || !has_swap();
    if state.memory != bytes || !swap_is_shut {
        bail!(
            "the limit is not in force: memory {}, with swap {}",
            state.memory,
            state.memory_and_swap
        );
    }
    Ok(())
}

fn until(question: impl FnMut() -> Result<bool>) -> Result<()> {
    // A first start at its limit can spend minutes in reclaim before the kernel gives up, on a busy
    // disk and on an emulated machine most of all.
    if !shell::wait_until(Duration::from_secs(400), question)? {
        bail!("it did not happen in 400 s");
    }
    Ok(())
}

fn has_ended(state: &State) -> bool {
    ["exited", "dead"].contains(&state.status.as_str())
}

/// The shim: the parent of the main process, checked by name before it is killed.
fn shim_of(main: u32) -> Result<u32> {
    let status = std::fs::read_to_string(format!("/proc/{main}/status"))?;
    let parent: u32 = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
        .context("the main process has no parent")?;
    let program = std::fs::read_link(format!("/proc/{parent}/exe"))?;
    if !program.to_string_lossy().contains("containerd-shim") {
        bail!("the parent of the main process is `{}`", program.display());
    }
    Ok(parent)
}

/// Whether the machine has swap at all (`/proc/swaps` below its heading).
fn has_swap() -> bool {
    std::fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

/// An empty folder for a build's context, beside nothing of anybody else's.
fn empty_folder(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("why137-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    Ok(folder)
}
