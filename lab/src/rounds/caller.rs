//! why137 as somebody calls it who uses the lab's daemon: no other environment, a journal of its own, and every
//! answer kept beside the others.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::run::Lab;
use crate::shell;

/// Who asks.
pub(super) struct Caller<'a> {
    program: &'a Path,
    host: String,
    /// Where the program keeps its journal: nobody else's.
    pub(super) state: PathBuf,
    /// Folders that are looked through for programs before the system's.
    pub(super) path: Vec<PathBuf>,
    answers: PathBuf,
    name: &'static str,
}

impl<'a> Caller<'a> {
    /// With an empty journal; answers are kept under the round's name.
    pub(super) fn new(
        lab: &Lab,
        daemon: &Daemon,
        program: &'a Path,
        name: &'static str,
    ) -> Result<Self> {
        let state = lab.folder.join("run/state").join(name);
        if state.exists() {
            std::fs::remove_dir_all(&state)?;
        }
        let answers = lab.folder.join("answers");
        Ok(Self { program, host: daemon.host(), state, path: Vec::new(), answers, name })
    }

    /// Exit code and answer; where there is none what it complained of.
    pub(super) fn why137(&self, words: &[&str]) -> Result<(i32, String)> {
        let system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
        let path = std::env::join_paths(self.path.iter().chain(&system))?;
        let mut command = Command::new(self.program);
        command.args(words).env_clear().env("DOCKER_HOST", &self.host);
        command.env("PATH", path).env("HOME", "/nonexistent");
        command.env("DOCKER_CONFIG", "/nonexistent");
        command.env("LC_ALL", "C.UTF-8").env("XDG_STATE_HOME", &self.state);
        let done = shell::output(&mut command)?;
        let code = done.status.code().unwrap_or(-1);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let said = text(&done.stdout);
        Ok((code, if said.is_empty() { text(&done.stderr) } else { said }))
    }

    /// The same as JSON, kept.
    pub(super) fn json(&self, words: &[&str], keep_as: &str) -> Result<(i32, Value)> {
        let (code, text) = self.why137(words)?;
        self.keep(keep_as, &text)?;
        let value = serde_json::from_str(&text).with_context(|| format!("no answer: {text}"))?;
        Ok((code, value))
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, what: &str, text: &str) -> Result<()> {
        std::fs::create_dir_all(&self.answers)?;
        std::fs::write(self.answers.join(format!("{}-{what}", self.name)), text)?;
        Ok(())
    }
}
