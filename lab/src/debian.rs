//! Fetches Debian packages with all they depend on and unpacks them under `target/lab/debian`.
//!
//! apt is asked as if nothing were installed (an empty status file), with its state, cache and
//! sources in the lab's own folder: so the answer does not depend on the machine, the machine's
//! lists are not touched, and nothing is installed. The mirror is the one the machine itself uses.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Which Debian the daemon comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Debian 12 with Docker 20.10.
    Bookworm,
}

impl Release {
    /// The archive's name for it.
    fn suite(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
        }
    }

    /// The Docker version it brings.
    pub fn docker(self) -> &'static str {
        match self {
            Self::Bookworm => "20.10",
        }
    }
}

/// A group of packages that is unpacked into one root folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The folder's name.
    pub(crate) name: &'static str,
    /// What to ask apt for; dependencies follow.
    pub(crate) packages: &'static [&'static str],
    /// Packages that are left out of the folder, by the start of their name.
    pub(crate) without: &'static [&'static str],
}

/// dockerd, containerd, runc, tini and their libraries. libc stays out: the programs are loaded
/// by the host's own loader, which must meet its own libc.
pub(crate) const DAEMON: Group = Group {
    name: "daemon",
    packages: &["docker.io"],
    without: &["libc6_", "perl", "libperl", "usrmerge", "dpkg_"],
};
/// bash, coreutils, util-linux (prlimit) and Python.
pub(crate) const BASE: Group = Group {
    name: "base",
    packages: &["bash", "dash", "coreutils", "python3", "util-linux"],
    without: BULK,
};
/// Node.js with what a shell needs.
pub(crate) const NODE: Group =
    Group { name: "node", packages: &["bash", "dash", "coreutils", "nodejs"], without: BULK };
/// A Java runtime with what a shell needs.
pub(crate) const JAVA: Group = Group {
    name: "java",
    packages: &["bash", "dash", "coreutils", "openjdk-17-jre-headless"],
    without: BULK,
};
const BULK: &[&str] = &["perl", "libperl", "usrmerge", "dpkg_", "fonts-"];

/// How old the archive's lists may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// Whatever was fetched once.
    OnceIsEnough,
    /// Fetched now.
    Now,
}

/// The lab's own apt.
pub(crate) struct Archive {
    release: Release,
    folder: PathBuf,
}

impl Archive {
    /// Prepares the folder; fetches nothing yet.
    pub(crate) fn new(lab: &Path, release: Release) -> Self {
        Self { release, folder: lab.join("debian").join(release.suite()) }
    }

    /// The group's root folder, fetched and unpacked if it is not there yet.
    pub(crate) fn unpacked(&self, group: &Group) -> Result<PathBuf> {
        let root = self.folder.join(group.name);
        let done = self.folder.join(format!("{}.done", group.name));
        let recipe = format!("{:?} {:?}", group.packages, group.without);
        if std::fs::read_to_string(&done).is_ok_and(|found| found == recipe) {
            return Ok(root);
        }
        if root.exists() {
            std::fs::remove_dir_all(&root)
                .with_context(|| format!("could not clear `{}`", root.display()))?;
        }
        self.update(Freshness::OnceIsEnough)?;
        let files = match self.download(group) {
            Ok(files) => files,
            // The lists may be of last month: the archive keeps only the latest versions.
            Err(_stale) => {
                self.update(Freshness::Now)?;
                self.download(group)?
            }
        };
        std::fs::create_dir_all(&root)?;
        for file in files {
            if group.without.iter().any(|name| file.starts_with(name)) {
                continue;
            }
            let package = self.archives().join(&file);
            shell::read(Command::new("dpkg").arg("-x").arg(&package).arg(&root))?;
        }
        std::fs::write(&done, recipe)?;
        Ok(root)
    }

    fn archives(&self) -> PathBuf {
        self.folder.join("apt/cache/archives")
    }

    /// An apt-get that sees only the lab's folder.
    fn apt(&self, archives: &Path) -> Command {
        let apt = self.folder.join("apt");
        let mut command = Command::new("apt-get");
        for (key, value) in [
            ("Dir::State", apt.join("state")),
            ("Dir::State::status", apt.join("state/status")),
            ("Dir::Cache", apt.join("cache")),
            ("Dir::Cache::archives", archives.to_owned()),
            ("Dir::Etc::sourcelist", apt.join("sources.list")),
            ("Dir::Etc::sourceparts", apt.join("none")),
        ] {
            command.arg("-o").arg(format!("{key}={}", value.display()));
        }
        command.args(["-o", "APT::Sandbox::User=root", "-o", "APT::Install-Recommends=false"]);
        command.args(["-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3", "-qq", "-y"]);
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Reads the archive's lists.
    fn update(&self, freshness: Freshness) -> Result<()> {
        let apt = self.folder.join("apt");
        for part in ["state/lists/partial", "cache/archives/partial", "empty/partial", "none"] {
            std::fs::create_dir_all(apt.join(part))
                .with_context(|| format!("could not make `{}`", apt.join(part).display()))?;
        }
        let listed = apt.join("updated");
        if listed.exists() && freshness == Freshness::OnceIsEnough {
            return Ok(());
        }
        std::fs::write(apt.join("state/status"), "")?;
        std::fs::write(apt.join("sources.list"), sources(self.release.suite())?)?;
        shell::read(self.apt(&self.archives()).arg("update"))
            .context("could not read the Debian archive's lists")?;
        std::fs::write(&listed, "")?;
        Ok(())
    }

    /// Downloads the group with everything it depends on; returns the files' names.
    fn download(&self, group: &Group) -> Result<Vec<String>> {
        // With an empty archive folder `--print-uris` names every file: 'URI' FILE SIZE HASH.
        let empty = self.folder.join("apt/empty");
        let listing =
            shell::read(self.apt(&empty).args(["--print-uris", "install"]).args(group.packages))?;
        let files: Vec<String> = listing
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .filter(|file| file.ends_with(".deb"))
            .map(str::to_owned)
            .collect();
        if files.is_empty() {
            bail!("apt names no package for {:?}", group.packages);
        }
        shell::read(
            self.apt(&self.archives()).args(["--download-only", "install"]).args(group.packages),
        )
        .with_context(|| format!("could not download {:?}", group.packages))?;
        Ok(files)
    }
}

/// The machine's own Debian sources, asked for another suite where the machine runs another one.
fn sources(suite: &str) -> Result<String> {
    let listed = shell::read(Command::new("apt-get").env("LC_ALL", "C").args([
        "indextargets",
        // Also those whose lists were never fetched, as on a machine that was just installed.
        "--no-release-info",
        "--format",
        "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)",
    ]))?;
    let mut lines: Vec<String> = listed.lines().filter_map(|line| source(line, suite)).collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        bail!("this machine's apt sources name no Debian archive (`apt-get indextargets`)");
    }
    Ok(lines.join("\n") + "\n")
}

/// One line of `sources.list` from one target of the machine's apt; nothing for other archives
/// than Debian's (`RELEASE` is then not a Debian suite).
fn source(target: &str, suite: &str) -> Option<String> {
    const SUITES: [&str; 6] = ["bookworm", "trixie", "forky", "sid", "stable", "testing"];
    let [by, uri, release, component] =
        <[&str; 4]>::try_from(target.split(' ').collect::<Vec<_>>()).ok()?;
    let (name, rest) = release.find('-').map_or((release, ""), |at| release.split_at(at));
    // Vendors, too, publish a `bookworm main`; mirrors of Debian end in `debian…`.
    let mirror = uri.trim_end_matches('/').rsplit('/').next()?.starts_with("debian");
    let known = by == "Packages" && component == "main" && mirror && SUITES.contains(&name);
    let wanted = matches!(rest, "" | "-security" | "-updates");
    (known && wanted).then(|| format!("deb {} {uri} {suite}{rest} main", signed_by()))
}

/// The archive's keys; without this file apt looks into its own store.
fn signed_by() -> &'static str {
    if Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists() {
        "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    } else {
        ""
    }
}

/// A Python interpreter for machines that have none: the one unpacked for the images, as a
/// command with its loader. `None` where the lab was never fetched.
pub fn unpacked_python(lab: &Path) -> Option<Command> {
    let root = lab.join("debian/bookworm/base");
    let python = root.join("usr/bin/python3.11");
    python.exists().then(|| {
        let mut command = Command::new(root.join("lib64/ld-linux-x86-64.so.2"));
        let libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"]
            .map(|folder| root.join(folder).display().to_string())
            .join(":");
        command.args(["--library-path", &libraries]).arg(python);
        command.env("PYTHONHOME", root.join("usr"));
        command
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_mirror_is_asked_for_the_suite_we_need() {
        let line = source("Packages http://mirror.test/debian/ trixie main", "bookworm");
        assert!(
            line.is_some_and(|line| line.ends_with(" http://mirror.test/debian/ bookworm main"))
        );
        let security = "Packages http://mirror.test/debian-security/ bookworm-security main";
        let line = source(security, "bookworm");
        assert!(line.is_some_and(|line| line.ends_with(" bookworm-security main")));
        assert_eq!(source("Packages http://vendor.test/ bookworm main", "bookworm"), None);
        assert_eq!(source("DEP-11 http://mirror.test/debian/ bookworm main", "bookworm"), None);
    }
}
