//! The images the containers run: Debian files imported from the unpacked packages; no registry.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::debian::{Archive, BASE, Group, JAVA, NODE, Release};
use crate::docker::Docker;
use crate::platform::Machine;
use crate::run::Lab;
use crate::shell;

/// What a container needs inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Image {
    /// bash, coreutils, util-linux, Python.
    Base,
    /// bash and Node.js.
    Node,
    /// bash and a Java runtime with [`FILLER`].
    Java,
}

/// Fills the Java heap or direct buffers; the source lies beside the class.
const FILLER: &[u8] = include_bytes!("../java/Filler.class");

impl Image {
    /// Every image, in the order in which the machine gets them.
    pub(crate) const ALL: [Self; 3] = [Self::Base, Self::Node, Self::Java];

    /// Its tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Base => "lab/base",
            Self::Node => "lab/node",
            Self::Java => "lab/java",
        }
    }

    fn group(self) -> Group {
        match self {
            Self::Base => BASE,
            Self::Node => NODE,
            Self::Java => JAVA,
        }
    }

    /// Imports the image unless the daemon has it already. The lab's own machine had it put in
    /// when it was made.
    pub(crate) fn provide(self, lab: &Lab, docker: &Docker) -> Result<()> {
        if lab.platform.machine == Machine::Own {
            if docker.read(&["images", "-q", self.tag()])?.is_empty() {
                bail!("the machine was made without the image `{}`", self.tag());
            }
            return Ok(());
        }
        let root = self.root(&lab.folder, lab.release)?;
        if !docker.read(&["images", "-q", self.tag()])?.is_empty() {
            return Ok(());
        }
        let mut tar =
            packing(&root).stdout(Stdio::piped()).spawn().context("could not run `tar`")?;
        let files = tar.stdout.take().context("`tar` has no output")?;
        self.import(docker, files.into())?;
        if !tar.wait()?.success() {
            bail!("`tar` could not pack `{}`", root.display());
        }
        Ok(())
    }

    /// Its files, fetched and finished.
    fn root(self, lab: &Path, release: Release) -> Result<PathBuf> {
        let root = Archive::new(lab, release).unpacked(&self.group())?;
        finish(self, &root)?;
        Ok(root)
    }

    /// Writes its files as a tar archive.
    pub(crate) fn pack(self, lab: &Path, release: Release, to: &Path) -> Result<()> {
        let file = std::fs::File::create(to)
            .with_context(|| format!("could not write `{}`", to.display()))?;
        let packed = packing(&self.root(lab, release)?).stdout(file).status()?;
        if !packed.success() {
            bail!("`tar` could not write `{}`", to.display());
        }
        Ok(())
    }

    /// Gives such an archive to the daemon.
    pub(crate) fn import(self, docker: &Docker, archive: Stdio) -> Result<()> {
        let mut import = docker.command(&["import", "-", self.tag()]);
        let done = import.stdin(archive).output().context("could not run `docker import`")?;
        if !done.status.success() {
            bail!("`{}`: {}", shell::words(&import), String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
}

fn packing(root: &Path) -> Command {
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(root).args(["-c", "."]).stdin(Stdio::null());
    tar
}

/// What packages leave to their installation scripts: the shell's link, users, Java's link.
fn finish(image: Image, root: &Path) -> Result<()> {
    for bulk in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n"] {
        let folder = root.join(bulk);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    link("dash", &root.join("bin/sh"))?;
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n")?;
    std::fs::write(root.join("etc/group"), "root:x:0:\n")?;
    if image == Image::Java {
        let home = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java";
        link(home, &root.join("usr/bin/java"))?;
        std::fs::create_dir_all(root.join("app"))?;
        std::fs::write(root.join("app/Filler.class"), FILLER)?;
    }
    Ok(())
}

fn link(to: &str, at: &Path) -> Result<()> {
    match std::fs::symlink_metadata(at) {
        Ok(_there) => Ok(()),
        Err(_missing) => std::os::unix::fs::symlink(to, at)
            .with_context(|| format!("could not make the link `{}`", at.display())),
    }
}
