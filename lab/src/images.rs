//! The images the containers run: Debian files imported from the unpacked packages; no registry.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::debian::{Archive, BASE, Group, JAVA, NODE, Release};
use crate::docker::Docker;
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

    /// Imports the image unless the daemon has it already.
    pub(crate) fn provide(self, lab: &Path, release: Release, docker: &Docker) -> Result<()> {
        let root = Archive::new(lab, release).unpacked(&self.group())?;
        if !docker.read(&["images", "-q", self.tag()])?.is_empty() {
            return Ok(());
        }
        finish(self, &root)?;
        let mut tar = Command::new("tar")
            .arg("-C")
            .arg(&root)
            .args(["-c", "."])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not run `tar`")?;
        let files = tar.stdout.take().context("`tar` has no output")?;
        let mut import = docker.command(&["import", "-", self.tag()]);
        let done = import.stdin(files).output().context("could not run `docker import`")?;
        let packed = tar.wait()?;
        if !packed.success() || !done.status.success() {
            bail!("`{}`: {}", shell::words(&import), String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
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
