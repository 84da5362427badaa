//! What the tests of `env` stand on: programs that are called as runtimes are, cgroups of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with programs.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// env(1) under another name: it prints its environment.
    pub(crate) fn speaker(&self, name: &str) -> String {
        let to = self.file(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy("/usr/bin/env", &to).unwrap();
        to.to_str().unwrap().to_owned()
    }

    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let to = self.file(name);
        fs::write(&to, text).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        to.to_str().unwrap().to_owned()
    }
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_why137")
}

/// `why137 env` with these words, and no environment but PATH.
pub(crate) fn entry(words: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("env").args(words).env_clear();
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    command
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A line of what env(1) printed.
pub(crate) fn variable(output: &Output, name: &str) -> Option<String> {
    let text = said(output);
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.map(str::to_owned)
}

const MEMORY: &str = "/sys/fs/cgroup/memory";
const CPU: &str = "/sys/fs/cgroup/cpu";

/// Cgroups of version 1, removed in the end.
pub(crate) struct Cgroup {
    folders: Vec<PathBuf>,
}

impl Cgroup {
    /// `None`, and said so, where none can be made.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let why = if !rustix::process::geteuid().is_root() {
            "this user is not root"
        } else if !Path::new(MEMORY).join("memory.limit_in_bytes").exists() {
            "this machine has no cgroup v1 memory controller"
        } else {
            let name = format!("why137-env-{}-{name}", std::process::id());
            let of = |root: &str| Path::new(root).join(&name);
            let folders = vec![of(MEMORY), of(MEMORY).join("below"), of(CPU)];
            for folder in &folders {
                fs::create_dir_all(folder).unwrap();
            }
            return Some(Self { folders });
        };
        println!("NOT RUN: a cgroup of its own, because {why}");
        None
    }

    pub(crate) fn write(&self, file: &str, value: &str) {
        let at = usize::from(file.starts_with("cpu.")) * 2;
        fs::write(self.folders[at].join(file), value).unwrap();
    }

    pub(crate) fn limit(&self, mib: u64) {
        self.write("memory.limit_in_bytes", &(mib << 20).to_string());
    }

    /// Starts something in it; `below`: in a cgroup without a limit of its own, below it.
    pub(crate) fn run(&self, below: bool, command: &Command) -> Output {
        let [memory, inner, cpu] = self.folders.as_slice() else { unreachable!() };
        let memory = if below { inner } else { memory };
        let script =
            r#"echo $$ > "$1/cgroup.procs"; echo $$ > "$2/cgroup.procs"; shift 2; exec "$@""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(memory).arg(cpu);
        shell.arg(command.get_program()).args(command.get_args()).env_clear();
        let set = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            Some((name.to_owned(), value?.to_owned()))
        };
        shell.envs(command.get_envs().filter_map(set)).output().unwrap()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The innermost first; a process that has just ended may still be counted.
        for folder in self.folders.iter().rev() {
            for _ in 0..50 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}
