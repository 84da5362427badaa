//! Where things are in this checkout, and how its programs are run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// This checkout.
#[derive(Debug)]
pub(crate) struct Repository {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// What `cargo metadata` says of its own packages.
    pub(crate) metadata: Value,
}

impl Repository {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let mut ask = Command::new(cargo_program());
        ask.args(["metadata", "--no-deps", "--format-version", "1"]);
        ask.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit());
        let done = ask.output().context("could not run `cargo metadata`")?;
        let metadata: Value =
            serde_json::from_slice(&done.stdout).context("`cargo metadata` is not JSON")?;
        let path = |name: &str| {
            let found = metadata.get(name).and_then(Value::as_str).map(PathBuf::from);
            found.with_context(|| format!("`cargo metadata` names no `{name}`"))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, metadata })
    }

    /// The lab's folder. It lies beside cargo's files, so that `cargo clean` removes it too.
    pub(crate) fn lab(&self) -> PathBuf {
        self.target.join("lab")
    }

    /// A cargo command in this checkout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_program());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Runs with the terminal; an error unless it succeeds.
    pub(crate) fn succeed(&self, command: &mut Command) -> Result<()> {
        let line = words(command);
        crate::say(&format!("\n$ {line}"));
        let status = command.status().with_context(|| format!("could not run `{line}`"))?;
        if !status.success() {
            bail!("`{line}` ended with {status}");
        }
        Ok(())
    }

    /// The program under test: `WHY137`, or built from this checkout.
    pub(crate) fn why137(&self) -> Result<PathBuf> {
        if let Some(given) = std::env::var_os("WHY137") {
            let given = PathBuf::from(given);
            return std::fs::canonicalize(&given)
                .with_context(|| format!("WHY137 names `{}`", given.display()));
        }
        self.succeed(&mut self.cargo(&["build", "--quiet", "--package", "cli"]))?;
        let built = self.target.join("debug/why137");
        if !built.exists() {
            bail!("the build left no `{}`", built.display());
        }
        Ok(built)
    }

    /// The lab's runner for its virtual machine, built from this checkout.
    pub(crate) fn lab_guest(&self) -> Result<PathBuf> {
        let words = ["build", "--quiet", "--package", "lab", "--bin", "lab-guest"];
        self.succeed(&mut self.cargo(&words))?;
        let built = self.target.join("debug/lab-guest");
        if !built.exists() {
            bail!("the build left no `{}`", built.display());
        }
        Ok(built)
    }

    /// Every file with this ending under a folder of this checkout, sorted.
    pub(crate) fn files(&self, under: &str, ending: &str) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        collect(&self.root.join(under), ending, &mut found)?;
        found.sort();
        Ok(found)
    }

    /// A path as it is written inside this checkout.
    pub(crate) fn inside(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The command line as a person would type it.
pub(crate) fn words(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let listing = std::fs::read_dir(folder)
        .with_context(|| format!("could not list `{}`", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(&path, ending, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    Ok(())
}
