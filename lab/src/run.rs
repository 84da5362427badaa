//! Runs deaths one after the other: create, check that the limit is in force, start, let it
//! happen, check Docker's facts, ask why137, compare, clean up.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::answer::Asker;
use crate::daemon::{Daemon, Lifetime, Places, stop_leftover};
use crate::deaths::{self, Death, Other, PARENT_LIMIT, Step};
use crate::debian::{Archive, DAEMON, Release};
use crate::docker::{Docker, State};
use crate::expect::differences;
use crate::host::{self, MEMORY};
use crate::shell;

/// The lab's folder and what to put into it.
#[derive(Debug, Clone)]
pub struct Lab {
    /// `target/lab`
    pub folder: PathBuf,
    /// Where the daemon comes from.
    pub release: Release,
}

/// What is asked of a run.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Names or scenario numbers; empty for all.
    pub only: Vec<String>,
    /// Save each death's case and compare nothing.
    pub record: bool,
}

/// How one death went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened as it should, and the answer is right.
    Passed,
    /// What is wrong, one line each.
    Failed(Vec<String>),
    /// It could not be made here, because of this.
    NotRun(String),
}

/// One line of the lab's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `scenario 3 child-killed-exit-0`, or the name alone.
    pub title: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// Names of all deaths with their scenario numbers, in order.
pub fn all_names() -> Vec<(&'static str, &'static str)> {
    deaths::all().iter().map(|death| (death.name, death.scenario)).collect()
}

/// Acceptance scenarios and platforms that have no death here, and why.
pub const NOT_MADE: &[(&str, &str)] = &[
    ("scenario 22", "a start-up peak needs samples over time, and a question afterwards has none"),
    ("scenario 23", "leak or plateau needs samples over time, and a question afterwards has none"),
    ("lab on Docker 26", "the lab fetches only Debian 12's daemon"),
    ("lab on cgroup v2", "it needs a virtual machine, and the lab starts none"),
];

/// Makes the deaths and compares the answers of `program` (none: only Docker's facts are checked).
/// `tell` hears of each as soon as it is over.
pub fn run(
    lab: &Lab,
    program: Option<&Path>,
    wish: &Wish,
    tell: &mut dyn FnMut(&Entry),
) -> Result<Vec<Entry>> {
    let wanted = wanted(&wish.only)?;
    let mut entries = Vec::new();
    if let Some(reason) = host::why_it_cannot_run() {
        for death in wanted {
            let outcome = Outcome::NotRun(reason.to_owned());
            let entry = Entry { title: title(&death), outcome, took: Duration::ZERO };
            tell(&entry);
            entries.push(entry);
        }
        return Ok(entries);
    }
    std::fs::create_dir_all(&lab.folder)
        .with_context(|| format!("could not make `{}`", lab.folder.display()))?;
    let mut daemon = Daemon::start(&lab.folder, lab.release, Lifetime::WithUs)?;
    provide(lab, &daemon, &wanted)?;
    for death in wanted {
        let begun = Instant::now();
        let outcome = match one(lab, &mut daemon, program, wish.record, &death) {
            Ok(found) if found.is_empty() => Outcome::Passed,
            Ok(found) => Outcome::Failed(found),
            Err(err) => Outcome::Failed(vec![format!("{err:#}")]),
        };
        let entry = Entry { title: title(&death), outcome, took: begun.elapsed() };
        tell(&entry);
        entries.push(entry);
    }
    Ok(entries)
}

/// Starts a daemon that stays, with all images; returns its `DOCKER_HOST`.
pub fn bring_up(lab: &Lab) -> Result<String> {
    if let Some(reason) = host::why_it_cannot_run() {
        bail!("{reason}");
    }
    let daemon = Daemon::start(&lab.folder, lab.release, Lifetime::UntilTakenDown)?;
    provide(lab, &daemon, &deaths::all())?;
    Ok(daemon.host())
}

/// Stops the daemon that `bring_up` or a killed run left; true if there was one.
pub fn take_down(lab: &Lab) -> Result<bool> {
    let programs = Archive::new(&lab.folder, lab.release).unpacked(&DAEMON)?;
    let places = Places::new(&lab.folder, programs)?;
    drop(Docker::new(&places).remove_all_containers());
    stop_leftover(&places)
}

fn title(death: &Death) -> String {
    match death.scenario {
        "-" => format!("lab {}", death.name),
        number => format!("lab scenario {number} {}", death.name),
    }
}

fn wanted(only: &[String]) -> Result<Vec<Death>> {
    let all = deaths::all();
    if let Some(stranger) =
        only.iter().find(|word| !all.iter().any(|one| one.name == *word || one.scenario == *word))
    {
        bail!("the lab has no death or scenario `{stranger}`");
    }
    let asked = |death: &Death| {
        only.is_empty() || only.iter().any(|word| word == death.name || word == death.scenario)
    };
    Ok(all.into_iter().filter(asked).collect())
}

/// The images these deaths need, and the seccomp profile of one of them.
fn provide(lab: &Lab, daemon: &Daemon, wanted: &[Death]) -> Result<()> {
    let mut images: Vec<_> = wanted.iter().map(|death| death.image).collect();
    images.sort();
    images.dedup();
    for image in images {
        image.provide(&lab.folder, lab.release, &daemon.docker)?;
    }
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["sethostname"],"action":"SCMP_ACT_KILL_PROCESS"}]}"#;
    std::fs::write(lab.folder.join("run/forbid-sethostname.json"), profile)?;
    Ok(())
}

/// One death from creation to removal; what was wrong.
fn one(
    lab: &Lab,
    daemon: &mut Daemon,
    program: Option<&Path>,
    record: bool,
    death: &Death,
) -> Result<Vec<String>> {
    let stage = Stage::new(lab, death)?;
    stage.clear(&daemon.docker)?;
    let found = act(lab, &stage, daemon, program, record, death);
    let cleared = stage.clear(&daemon.docker);
    let found = found?;
    cleared?;
    Ok(found)
}

fn act(
    lab: &Lab,
    stage: &Stage,
    daemon: &mut Daemon,
    program: Option<&Path>,
    record: bool,
    death: &Death,
) -> Result<Vec<String>> {
    let first =
        Other { suffix: "", memory: death.memory, options: death.options, command: death.command };
    stage.create(&daemon.docker, death, &first)?;
    let started = daemon.docker.output(&["start", &stage.name])?;
    if !started.status.success() && death.truth.status != "created" {
        bail!("could not start it: {}", String::from_utf8_lossy(&started.stderr).trim());
    }
    for step in death.then {
        stage.take(step, daemon, death).with_context(|| format!("at {step:?}"))?;
    }
    let wrong = stage.check_truth(&daemon.docker, death)?;
    let Some(program) = program.filter(|_| wrong.is_empty()) else { return Ok(wrong) };
    let host = daemon.host();
    let asker = Asker { program, host: &host, lab: &lab.folder };
    let asked = std::iter::once(("", death.expect)).chain(death.also.iter().copied());
    let mut found = Vec::new();
    for (suffix, expect) in asked {
        let name = format!("{}{suffix}", stage.name);
        let keep_as = format!("{}{suffix}", death.name);
        if record {
            asker.record(&name, &keep_as)?;
            continue;
        }
        let counted = stage.oom_kills(&daemon.docker, &name)?;
        let answer = asker.ask(&name, &keep_as)?;
        let about = if death.also.is_empty() { String::new() } else { format!("{name}: ") };
        found.extend(
            differences(&expect, &answer.json, &answer.text, counted)
                .into_iter()
                .chain(answer.faults)
                .map(|line| format!("{about}{line}")),
        );
    }
    Ok(found)
}

/// The containers' names and the parent cgroup of one death.
struct Stage {
    name: String,
    parent: String,
    lab: String,
}

impl Stage {
    fn new(lab: &Lab, death: &Death) -> Result<Self> {
        let stage = Self {
            name: format!("lab-{}", death.name),
            parent: format!("/why137lab-{}", std::process::id()),
            lab: lab.folder.display().to_string(),
        };
        Ok(stage)
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
    fn clear(&self, docker: &Docker) -> Result<()> {
        let all = docker.read(&["ps", "-a", "--format", "{{.Names}}"])?;
        for name in all.lines().filter(|name| name.starts_with(&self.name)) {
            docker.output(&["rm", "-f", "-v", name])?;
        }
        for controller in std::fs::read_dir("/sys/fs/cgroup")?.flatten() {
            let ours = controller.path().join(self.parent.trim_start_matches('/'));
            if ours.exists() {
                // Its last process may still be on the way out.
                shell::wait_until(Duration::from_secs(5), || {
                    Ok(std::fs::remove_dir(&ours).is_ok() || !ours.exists())
                })?;
            }
        }
        Ok(())
    }

    /// Creates a container and makes sure that its limit will be in force before it starts.
    fn create(&self, docker: &Docker, death: &Death, other: &Other) -> Result<()> {
        let name = format!("{}{}", self.name, other.suffix);
        let memory = format!("{}m", other.memory);
        let mut words: Vec<String> = ["create", "--name", &name, "--network", "none"]
            .into_iter()
            .chain(["--pull", "never", "--memory", &memory, "--memory-swap", &memory])
            .map(str::to_owned)
            .collect();
        let options = self.fill(other.options);
        if other.options.contains(&"{parent}") {
            self.make_parent()?;
        }
        words.extend(options);
        words.push(death.image.tag().to_owned());
        words.extend(self.fill(other.command));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        docker.read(&words)?;
        let state = docker.state(&name)?.context("the container is gone before its start")?;
        let bytes = other.memory << 20;
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

    fn make_parent(&self) -> Result<()> {
        let folder = Path::new(MEMORY).join(self.parent.trim_start_matches('/'));
        if folder.exists() {
            return Ok(());
        }
        std::fs::create_dir(&folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
        let bytes = (PARENT_LIMIT << 20).to_string();
        std::fs::write(folder.join("memory.limit_in_bytes"), &bytes)?;
        let with_swap = folder.join("memory.memsw.limit_in_bytes");
        if with_swap.exists() {
            std::fs::write(with_swap, &bytes)?;
        }
        let set = std::fs::read_to_string(folder.join("memory.limit_in_bytes"))?;
        if set.trim() != bytes {
            bail!("the parent's limit is not in force: {}", set.trim());
        }
        Ok(())
    }

    fn state(&self, docker: &Docker, suffix: &str) -> Result<State> {
        let name = format!("{}{suffix}", self.name);
        docker.state(&name)?.with_context(|| format!("there is no container `{name}`"))
    }

    fn take(&self, step: &Step, daemon: &mut Daemon, death: &Death) -> Result<()> {
        let docker = daemon.docker.clone();
        match *step {
            Step::Docker(words) => self.client(&docker, words, true),
            Step::Try(words) => self.client(&docker, words, false),
            Step::Another(other) => {
                self.create(&docker, death, &other)?;
                docker.read(&["start", &format!("{}{}", self.name, other.suffix)]).map(drop)
            }
            Step::Ended(suffix) => until(|| Ok(has_ended(&self.state(&docker, suffix)?))),
            Step::Logged(text) => until(|| {
                let logs = docker.output(&["logs", &self.name])?;
                let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
                Ok(has(&logs.stdout) || has(&logs.stderr))
            }),
            Step::Kills(count) => until(|| {
                let ended = has_ended(&self.state(&docker, "")?);
                Ok(ended || self.oom_kills(&docker, &self.name)?.unwrap_or(0) >= count)
            }),
            Step::UnderOom => until(|| {
                let state = self.state(&docker, "")?;
                Ok(oom_control(&state, "under_oom").unwrap_or(0) == 1)
            }),
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
    fn oom_kills(&self, docker: &Docker, name: &str) -> Result<Option<u64>> {
        Ok(docker.state(name)?.and_then(|state| oom_control(&state, "oom_kill")))
    }

    /// Whether what should have happened has happened.
    fn check_truth(&self, docker: &Docker, death: &Death) -> Result<Vec<String>> {
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
        if truth.oom_killed.is_some_and(|flag| flag != state.oom_killed) {
            wrong.push(format!("OOMKilled {}, not {:?}", state.oom_killed, truth.oom_killed));
        }
        Ok(wrong.into_iter().map(|line| format!("the death did not come about: {line}")).collect())
    }
}

fn until(question: impl FnMut() -> Result<bool>) -> Result<()> {
    // Generous: on a busy disk a first start thrashes at its limit for long before anything is killed.
    if !shell::wait_until(Duration::from_secs(150), question)? {
        bail!("it did not happen in 150 s");
    }
    Ok(())
}

fn has_ended(state: &State) -> bool {
    ["exited", "dead"].contains(&state.status.as_str())
}

/// One number of the container's `memory.oom_control`.
fn oom_control(state: &State, key: &str) -> Option<u64> {
    let parent = match state.cgroup_parent.trim_start_matches('/') {
        "" => "docker",
        parent => parent,
    };
    let file = Path::new(MEMORY).join(parent).join(&state.id).join("memory.oom_control");
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
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
