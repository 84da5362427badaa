//! Fetches Debian packages with all they depend on and unpacks them under `target/lab/debian`.
//!
//! apt is asked as if nothing were installed (an empty status file), with its state, cache and
//! sources in the lab's own folder: so the answer does not depend on the machine, the machine's
//! lists are not touched, and nothing is installed. The mirror is the one the machine itself uses.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::Lab;
use crate::shell;

/// Which Debian the daemon comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Debian 12 with Docker 20.10.
    Bookworm,
    /// Debian 13 with Docker 26.1.
    Trixie,
}

impl Release {
    /// The archive's name for it.
    fn suite(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// The Docker version it brings.
    pub fn docker(self) -> &'static str {
        match self {
            Self::Bookworm => "20.10",
            Self::Trixie => "26.1",
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
    /// Packages that are left out of the folder, by the start of their file's name.
    pub(crate) without: &'static [&'static str],
    /// The only packages that are put into the folder, likewise; empty for all.
    pub(crate) only: &'static [&'static str],
}

impl Group {
    /// Whether the package in this file goes into the folder.
    fn takes(&self, file: &str) -> bool {
        let begins = |names: &[&str]| names.iter().any(|name| file.starts_with(name));
        !begins(self.without) && (self.only.is_empty() || begins(self.only))
    }

    /// What the folder was made from; a folder of another recipe is made anew.
    pub(crate) fn recipe(&self) -> String {
        format!("{:?} {:?}", self.packages, self.without)
    }
}

/// dockerd, containerd, runc, tini and their libraries. libc stays out: the programs are loaded
/// by the host's own loader, which must meet its own libc.
pub(crate) const DAEMON: Group = Group {
    name: "daemon",
    packages: &["docker.io"],
    without: &["libc6_", "perl", "libperl", "usrmerge", "dpkg_"],
    only: &[],
};
/// bash, coreutils, util-linux (prlimit) and Python.
pub(crate) const BASE: Group = Group {
    name: "base",
    packages: &["bash", "dash", "coreutils", "python3", "util-linux"],
    without: BULK,
    only: &[],
};
/// Node.js with what a shell needs.
pub(crate) const NODE: Group = Group {
    name: "node",
    packages: &["bash", "dash", "coreutils", "nodejs"],
    without: BULK,
    only: &[],
};
/// A Java runtime with what a shell needs.
pub(crate) const JAVA: Group = Group {
    name: "java",
    packages: &["bash", "dash", "coreutils", "openjdk-17-jre-headless"],
    without: BULK,
    only: &[],
};
/// The virtual machine's monitor, and what makes its disk. Its libc is the host's, as above.
pub(crate) const MONITOR: Group = Group {
    name: "monitor",
    packages: &["qemu-system-x86", "e2fsprogs", "busybox-static"],
    without: &["libc6_", "perl", "libperl", "usrmerge", "dpkg_", "iso-codes", "systemd"],
    only: &[],
};
/// The machine's system: what a shell as init, Docker and the lab's runner need, and the kernel.
pub(crate) const GUEST: Group = Group {
    name: "guest",
    packages: &[
        "docker.io",
        "docker-cli",
        "linux-image-cloud-amd64",
        // Libraries that programs of the host are linked to, and what the machine's init calls.
        "base-files",
        "bash",
        "coreutils",
        "dash",
        "iproute2",
        "iptables",
        "kmod",
        "libgcc-s1",
        "mawk",
        "mount",
        "procps",
        "sed",
        "tar",
        "util-linux",
    ],
    without: &["initramfs-tools", "dracut", "klibc", "perl", "libperl", "usrmerge", "dpkg_"],
    only: &[],
};
/// The same with systemd as its first program, and what else ends or holds processes on such a
/// machine: systemd-oomd, earlyoom, Podman, systemd-nspawn.
pub(crate) const GUEST_WITH_SYSTEMD: Group = Group {
    name: "guest-with-systemd",
    packages: &[
        "docker.io",
        "docker-cli",
        "linux-image-cloud-amd64",
        "base-files",
        "bash",
        "busybox-static",
        "coreutils",
        "crun",
        "dash",
        "dbus",
        "earlyoom",
        "findutils",
        "grep",
        "iproute2",
        "iptables",
        "kmod",
        "libgcc-s1",
        "mawk",
        "mount",
        "podman",
        "procps",
        "sed",
        "systemd",
        "systemd-container",
        "systemd-oomd",
        "tar",
        "util-linux",
    ],
    without: &[
        "initramfs-tools",
        "dracut",
        "klibc",
        "perl",
        "libperl",
        "usrmerge",
        "dpkg_",
        "gnupg",
        "gpg",
        "dirmngr",
        "pinentry",
    ],
    only: &[],
};
/// Debian 12's kernel: the last one of Debian's cloud kernels with the memory controller of
/// cgroup v1 (6.12 is built without `CONFIG_MEMCG_V1`).
pub(crate) const KERNEL_WITH_V1: Group = Group {
    name: "kernel-with-v1",
    packages: &["linux-image-cloud-amd64"],
    without: &[],
    only: &["linux-image-6"],
};
/// What writes a journal from a text, for the benchmark.
pub(crate) const JOURNAL: Group = Group {
    name: "journal",
    packages: &["systemd-journal-remote"],
    without: &["libc6_", "perl", "libperl", "usrmerge", "dpkg_"],
    only: &[],
};
/// Compose: one program that needs libc alone. Docker 20.10 and 26 both understand it.
const COMPOSE: Group = Group {
    name: "compose",
    packages: &["docker-compose"],
    without: &[],
    only: &["docker-compose_"],
};
/// The name of its program.
pub(crate) const COMPOSE_NAME: &str = "docker-compose";
/// Servers as Debian ships them, with what they need: the programs of `cargo xtask rescue`.
const SERVERS: Group = Group {
    name: "servers",
    packages: &[
        "bash",
        "celery",
        "coreutils",
        "dash",
        "gunicorn",
        "mariadb-client-core",
        "mariadb-server-core",
        "openjdk-17-jre-headless",
        "php8.2-fpm",
        "php8.2-opcache",
        "postgresql-15",
        "python3",
        "redis-server",
        "tzdata",
        "util-linux",
    ],
    without: &["perl", "libperl", "usrmerge", "dpkg_", "fonts-", "systemd_", "libsystemd-shared"],
    only: &[],
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
        let recipe = group.recipe();
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
            if !group.takes(&file) {
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
///
/// # Errors
/// The machine's apt names no Debian archive.
pub fn sources(suite: &str) -> Result<String> {
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

/// systemd-journal-remote, fetched: `-o export` on its input becomes a journal.
///
/// # Errors
/// It could not be fetched.
pub fn journal_writer(lab: &Lab) -> Result<Command> {
    let root = Archive::new(&lab.folder, lab.release).unpacked(&JOURNAL)?;
    let mut command = Command::new(root.join("lib/systemd/systemd-journal-remote"));
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
        .into_iter()
        .flat_map(|folder| [root.join(folder), root.join(folder).join("systemd")])
        .map(|folder| folder.display().to_string());
    command.env("LD_LIBRARY_PATH", libraries.collect::<Vec<_>>().join(":"));
    Ok(command)
}

/// A root folder with servers of Debian 12, fetched; they run in it by `chroot`.
///
/// # Errors
/// They could not be fetched.
pub fn servers(lab: &Path) -> Result<PathBuf> {
    Archive::new(lab, Release::Bookworm).unpacked(&SERVERS)
}

/// The program of [`COMPOSE`], fetched.
pub(crate) fn compose(lab: &Path) -> Result<PathBuf> {
    let root = Archive::new(lab, Release::Trixie).unpacked(&COMPOSE)?;
    Ok(root.join("usr/libexec/docker/cli-plugins").join(COMPOSE_NAME))
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
