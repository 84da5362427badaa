//! The same places on cgroup v2: one hierarchy for all controllers, and a container always in a cgroup
//! namespace of its own, as Docker and Kubernetes make it there.
//!
//! An emulated machine takes a tenth of a second to start anything. So the mounts are made once for a layout,
//! by a keeper that stays in the leaf and holds the namespaces, and each program enters them
//! (`nsenter --join-cgroup`, util-linux 2.40 on).
//! Reference: Linux `Documentation/admin-guide/cgroup-v2.rst`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use super::{Launch, Place, limits, start, write};
use crate::truth::cells::{Layout, Question};

/// `sh -c KEEPER sh LAYOUT CGROUP ROOT`: `/sys/fs/cgroup` is mounted anew in the namespace, its root is then
/// the leaf. It ends with its input.
const KEEPER: &str = r#"
set -e
layout=$1 cgroup=$2 root=$3
echo $$ > "/sys/fs/cgroup/$cgroup/cgroup.procs"
case $layout in private) namespaces=-mC ;; *) namespaces=-m ;; esac
exec unshare $namespaces sh -c '
set -e
layout=$1 root=$2
if [ "$layout" = private ]; then
  umount -l /sys/fs/cgroup
  mount -t cgroup2 cgroup /sys/fs/cgroup
fi
if [ -n "$root" ]; then
  mount --rbind /proc "$root/proc"
  mount --rbind /sys "$root/sys"
fi
echo ready
exec cat
' sh "$layout" "$root"
"#;

/// `sh -c SIMPLY sh CGROUP PROGRAM…`: no namespace at all.
const SIMPLY: &str = r#"echo $$ > "/sys/fs/cgroup/$1/cgroup.procs"; shift; exec "$@""#;

/// A cgroup with a quota that holds nobody, for as long as the machine runs. The kernel patches its own code
/// whenever the first quota comes and the last one goes (`cfs_bandwidth_used`), and QEMU's emulation of
/// several processors may run the half-patched instruction: a panic after hundreds of cells.
pub(crate) fn keep_a_quota() -> Result<()> {
    let folder = Path::new(super::MOUNTED).join("why137-truth-quota");
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    write(&folder.join("cpu.max"), "100000 100000")
}

/// A process that holds namespaces for a layout and a root folder.
pub(super) struct Keeper {
    is_private: bool,
    root: Option<PathBuf>,
    process: Child,
}

impl Keeper {
    fn start(is_private: bool, cgroup: &str, root: Option<&PathBuf>) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", if is_private { "private" } else { "host" }, cgroup]);
        command.arg(root.cloned().unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("could not run `sh`")?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if line != "ready\n" {
            let ended = process.wait()?;
            bail!("the namespaces could not be made: {ended}");
        }
        Ok(Self { is_private, root: root.cloned(), process })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if let Err(err) = self.process.wait() {
            crate::complain(&format!("could not wait for a process: {err}"));
        }
    }
}

/// The controllers that the levels below may have; the leaf has none below it, and may hold processes.
pub(super) fn hand_down(folder: &Path) -> Result<()> {
    if folder.ends_with("leaf") {
        return Ok(());
    }
    write(&folder.join("cgroup.subtree_control"), "+memory +cpu +cpuset")
}

impl Place {
    pub(super) fn run_unified(&self, question: &Question, launch: &Launch) -> Result<Output> {
        let cgroup = format!("{}/leaf", self.name);
        let is_private = matches!(
            question.layout,
            Layout::Container
                | Layout::ContainerPrivate
                | Layout::HiddenParent
                | Layout::HiddenParentPrivate
        );
        if !is_private && launch.root.is_none() {
            let mut command = Command::new("sh");
            command.args(["-c", SIMPLY, "sh", &cgroup]);
            return start(command, launch);
        }
        let mut keepers = self.keepers.borrow_mut();
        let is_it = |one: &Keeper| one.is_private == is_private && one.root == launch.root;
        if !keepers.iter().any(is_it) {
            keepers.push(Keeper::start(is_private, &cgroup, launch.root.as_ref())?);
        }
        let keeper = keepers.iter().find(|one| is_it(one)).context("no keeper")?;
        let mut command = Command::new("nsenter");
        command.args(["--target", &keeper.process.id().to_string(), "--join-cgroup", "--mount"]);
        if is_private {
            command.arg("--cgroup");
        }
        if let Some(root) = &launch.root {
            command.arg("chroot").arg(root);
        }
        start(command, launch)
    }

    pub(super) fn set_unified(&self, question: &Question) -> Result<()> {
        let amount = |mebibytes: Option<u64>| {
            mebibytes.map_or("max".to_owned(), |amount| (amount << 20).to_string())
        };
        let (above, own) = limits(question);
        write(&self.file("", "", "memory.max"), &amount(above))?;
        write(&self.file("", "leaf", "memory.max"), &amount(own))?;
        write(&self.file("", "leaf", "memory.high"), &amount(question.reservation))?;
        let quota = question.quota.map_or("max".to_owned(), |quota| (quota * 100).to_string());
        write(&self.file("", "leaf", "cpu.max"), &format!("{quota} 100000"))?;
        // All that the level above has; to nothing it cannot go back while a keeper is in it.
        let all = std::fs::read_to_string(self.file("", "", "cpuset.cpus.effective"))?;
        let bound = if question.is_bound_to_one { "0" } else { all.trim() };
        write(&self.file("", "leaf", "cpuset.cpus"), bound)
    }
}
