//! What `why137 fix` makes of real containers: measured under a load, told what fits, made anew, run under the same
//! load, and put back by `--undo`.
//!
//! Compose is Debian's own `docker-compose`. What docker shows of the container and what stands in the file
//! decide, not what the program says of them. The load asks from inside the container, which has no network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::caller::Caller;
use super::outcome_of;
use crate::daemon::Daemon;
use crate::deaths::Memory;
use crate::debian;
use crate::docker::Docker;
use crate::guest;
use crate::images::Image;
use crate::platform::Machine;
use crate::run::{Lab, Outcome};
use crate::shell;
use crate::stage::check_limit;

mod list;

pub(super) use list::FIXES;

/// One container to be fixed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fix {
    pub(super) name: &'static str,
    /// Number in the acceptance table, or `-`.
    pub(super) scenario: &'static str,
    image: Image,
    /// The limit in MiB; swap beside it is never allowed.
    memory: u64,
    made: Made,
    /// Beside the Compose file, and mounted at the root of the container.
    files: &'static [(&'static str, &'static [u8])],
    command: &'static [&'static str],
    /// Further words of `fix`; `{file}` is the Compose file.
    words: &'static [&'static str],
    /// So many seconds are watched before the change; on an emulated machine three times as many.
    seconds: u64,
    load: Load,
    becomes: Becomes,
}

/// Said where a kill before the change is missing.
const NOT_KILLED: &str = "it was not killed before the change";

/// Who made the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    ByDocker,
    ByCompose,
}

/// What is done to it meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Lines to its port, one after the other.
    Asks,
    /// A shell that works inside.
    Works,
}

/// What must come of it.
#[derive(Debug, Clone, Copy)]
struct Becomes {
    outcome: &'static str,
    /// Words of `because`, of the verdict or of the whole answer's.
    because: &'static str,
    /// Words of the settings that it is told.
    told: &'static [&'static str],
    /// The limit afterwards, in MiB, until it is taken back.
    memory: u64,
    /// It was killed before the change.
    killed_before: bool,
}

impl Fix {
    /// Why it is left out where nobody names it.
    pub(super) fn by_name_only(&self) -> Option<String> {
        (self.load == Load::Asks).then(|| {
            format!(
                "what its runtime holds and collects hangs on how fast this machine answers: `cargo xtask lab {}`, on a quiet one",
                self.name
            )
        })
    }
}

/// Names with their scenario numbers.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIXES.iter().map(|fix| (fix.name, fix.scenario))
}

/// Makes it, has it fixed, and looks.
pub(super) fn outcome(
    lab: &Lab,
    daemon: &Daemon,
    program: &Path,
    fix: &'static Fix,
) -> Result<Outcome> {
    fix.image.provide(lab, &daemon.docker)?;
    let stage = Stage::new(lab, daemon, program, fix)?;
    outcome_of(stage.all(), stage.docker.remove(&stage.name))
}

/// One container under repair.
struct Stage<'a> {
    fix: &'static Fix,
    docker: &'a Docker,
    caller: Caller<'a>,
    name: String,
    folder: PathBuf,
    compose: PathBuf,
    host: String,
    machine: Machine,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab, daemon: &'a Daemon, program: &'a Path, fix: &'static Fix) -> Result<Self> {
        let machine = lab.platform.machine;
        let compose = match machine {
            Machine::Shared => debian::compose(&lab.folder)?,
            Machine::Own => PathBuf::from(guest::INPUT).join(debian::COMPOSE_NAME),
        };
        let mut caller = Caller::new(lab, daemon, program, fix.name)?;
        // The client for the load, and Compose for the program.
        caller.path = vec![lab.programs()?.join("usr/bin")];
        caller.path.extend(compose.parent().map(Path::to_owned));
        let folder = lab.folder.join("run/fix").join(fix.name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let name = match fix.made {
            Made::ByDocker => format!("lab-{}", fix.name),
            Made::ByCompose => format!("lab-{}-api-1", fix.name),
        };
        let docker = &daemon.docker;
        Ok(Self { fix, docker, caller, name, folder, compose, host: daemon.host(), machine })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("compose.yaml")
    }

    /// Every difference from what should be. A busy machine may not come to kill it in the time: it gets three
    /// times as long then, once.
    fn all(&self) -> Result<Vec<String>> {
        let factor = if self.machine == Machine::Own { 3 } else { 1 };
        let wrong = self.once(factor)?;
        if wrong.iter().any(|line| line == NOT_KILLED) { self.once(3 * factor) } else { Ok(wrong) }
    }

    /// From its making on, so many times the seconds of the list.
    fn once(&self, factor: u64) -> Result<Vec<String>> {
        self.docker.remove(&self.name)?;
        for (name, bytes) in self.fix.files {
            std::fs::write(self.folder.join(name), bytes)?;
        }
        std::fs::write(self.folder.join("load.sh"), self.load())?;
        match self.fix.made {
            Made::ByDocker => self.create()?,
            Made::ByCompose => self.up()?,
        }
        let state = self.docker.state(&self.name)?.context("it is gone after its start")?;
        check_limit(&state, Memory::Mib(self.fix.memory))?;
        let before = self.known()?;
        let (code, answer) = self.fixed(factor)?;
        let mut wrong = self.compared(code, &answer);
        let stands = answer.get("undo").is_some_and(Value::is_string);
        wrong.extend(if stands { self.undone(&before)? } else { self.as_before(&before)? });
        Ok(wrong)
    }

    /// The load: it goes on until somebody ends it, whatever ends the container. Its pauses start no program: that
    /// would cost more than a request.
    fn load(&self) -> String {
        let inside = match self.fix.load {
            Load::Asks => {
                "exec 3<>/dev/tcp/127.0.0.1/8080 || exit 1; \
                 exec 4<> <(:); while echo >&3 && read -r -t 60 line <&3; do echo \"$line\"; \
                 read -r -t 0.05 -u 4; done"
            }
            Load::Works => {
                "exec 4<> <(:); while :; do for i in {1..2000}; do :; done; echo ok; \
                 read -r -t 0.05 -u 4; done"
            }
        };
        format!(
            "while :; do\n    docker exec {} bash -c '{inside}' 2>/dev/null\n    sleep 0.3\ndone\n",
            self.name
        )
    }

    fn create(&self) -> Result<()> {
        let limit = format!("{}m", self.fix.memory);
        let mut words = vec!["run", "-d", "--name", &self.name, "--network", "none"];
        words.extend(["--pull", "never", "--restart", "on-failure"]);
        words.extend(["--memory", &limit, "--memory-swap", &limit, self.fix.image.tag()]);
        words.extend(self.fix.command);
        self.docker.read(&words).map(drop)
    }

    /// By a Compose file as a person would write it.
    fn up(&self) -> Result<()> {
        let (memory, image) = (self.fix.memory, self.fix.image.tag());
        let mut text = format!(
            "# The lab's own project.\nservices:\n  # What is to be fixed.\n  api:\n    image: {image}\n    \
             network_mode: none\n    pull_policy: never\n    mem_limit: {memory}m  # with no swap beside it\n    \
             memswap_limit: {memory}m\n    restart: on-failure\n"
        );
        if !self.fix.files.is_empty() {
            text.push_str("    volumes:\n");
        }
        for (name, _) in self.fix.files {
            text.push_str(&format!("      - ./{name}:/{name}:ro\n"));
        }
        // Every JSON text is YAML too.
        text.push_str(&format!("    command: {}\n", json!(self.fix.command)));
        std::fs::write(self.file(), text)?;
        let project = format!("lab-{}", self.fix.name);
        let mut command = std::process::Command::new(&self.compose);
        command.args(["-p", &project, "up", "-d"]).current_dir(&self.folder);
        command.env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", "/nonexistent");
        shell::read(&mut command).map(drop)
    }

    /// What docker keeps of it, and what stands in its file.
    fn known(&self) -> Result<Value> {
        let config = self.docker.host_config(&self.name)?;
        let of = |key: &str| config.get(key).cloned().unwrap_or_default();
        let file = match self.fix.made {
            Made::ByDocker => None,
            Made::ByCompose => Some(std::fs::read_to_string(self.file())?),
        };
        let words = ["inspect", "-f", "{{json .Config.Cmd}} {{json .Config.Env}}", &self.name];
        let told = self.docker.read(&words)?;
        Ok(json!({"memory": of("Memory"), "swap": of("MemorySwap"), "told": told, "file": file}))
    }

    fn fixed(&self, factor: u64) -> Result<(i32, Value)> {
        let time = format!("{}s", self.fix.seconds * factor);
        let file = self.file().display().to_string();
        let load = self.folder.join("load.sh").display().to_string();
        let mut words =
            vec!["fix", &self.name, "--yes", "--format", "json", "--for", time.as_str()];
        words.extend(
            self.fix.words.iter().map(|word| if *word == "{file}" { &file } else { *word }),
        );
        words.extend(["--", "bash", &load]);
        self.caller.json(&words, "fix.json")
    }

    /// The answer beside what it should be.
    fn compared(&self, code: i32, answer: &Value) -> Vec<String> {
        let becomes = self.fix.becomes;
        let mut wrong = Vec::new();
        let at = |path: &str| answer.pointer(path).cloned().unwrap_or_default();
        let outcome = at("/outcome");
        if outcome != json!(becomes.outcome) {
            let why = [at("/because"), at("/verify/because")];
            wrong.push(format!("outcome: expected {}, got {outcome}: {why:?}", becomes.outcome));
        }
        let wanted = match becomes.outcome {
            "fixed" => 0,
            "moved_the_cost" | "does_not_hold" => 1,
            _ => 3,
        };
        if code != wanted {
            wrong.push(format!("exit code: expected {wanted}, got {code}"));
        }
        let because = format!("{} {}", at("/because"), at("/verify/because"));
        if !because.contains(becomes.because) {
            wrong.push(format!("because: expected `{}`, got {because}", becomes.because));
        }
        let told = at("/plan/settings").to_string();
        let missing = becomes.told.iter().filter(|word| !told.contains(**word));
        wrong.extend(missing.map(|word| format!("settings: expected `{word}`, got {told}")));
        let kills = |which: &str| at(&format!("/verify/{which}/kills")).as_f64().unwrap_or(0.0);
        if becomes.killed_before && kills("before") < 1.0 {
            wrong.push(NOT_KILLED.to_owned());
        }
        if becomes.outcome == "fixed" && kills("after") > 0.0 {
            wrong.push("it was killed after the change".to_owned());
        }
        wrong
    }

    /// Nothing stands of the change.
    fn as_before(&self, before: &Value) -> Result<Vec<String>> {
        let now = self.known()?;
        let same = now == *before;
        Ok(if same { Vec::new() } else { vec![format!("expected {before}, is {now}")] })
    }

    /// The change stands, and `--undo` takes it back.
    fn undone(&self, before: &Value) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let after = self.known()?;
        let limit = self.fix.becomes.memory << 20;
        let of = |known: &Value, key: &str| known.get(key).cloned().unwrap_or_default();
        // Without swap a machine keeps no number of it.
        let had = of(before, "swap");
        let swap = if had == of(before, "memory") { json!(limit) } else { had };
        if of(&after, "memory") != json!(limit) || of(&after, "swap") != swap {
            wrong.push(format!("expected {limit} and as much with swap, is {after}"));
        }
        if after == *before {
            wrong.push(format!("nothing was changed: {after}"));
        }
        let (code, text) = self.caller.why137(&["fix", &self.name, "--undo", "--yes"])?;
        self.caller.keep("undo.txt", &text)?;
        if code != 0 {
            wrong.push(format!("undo: exit code {code}: {text}"));
        }
        wrong.extend(self.as_before(before)?.into_iter().map(|line| format!("undo: {line}")));
        Ok(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_stays_small_also_with_its_new_limit() {
        for fix in FIXES {
            assert!(fix.memory.max(fix.becomes.memory) <= 256, "{}", fix.name);
        }
    }

    #[test]
    fn what_is_not_fixed_keeps_its_limit() {
        for fix in FIXES.iter().filter(|fix| fix.becomes.outcome != "fixed") {
            assert_eq!(fix.memory, fix.becomes.memory, "{}", fix.name);
        }
    }
}
