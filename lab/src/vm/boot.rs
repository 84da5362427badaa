//! Boots the machine and listens to it.
//!
//! Two serial lines: the kernel's console goes to `console.log`, the runner's lines come to us. The
//! machine ends with this process, however that ends (`setpriv --pdeathsig`).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Vm;
use super::kernel::Kernel;
use crate::shell;

/// The longest silence: a step inside waits 400 s at most, and the emulation may be busy before.
const SILENCE: Duration = Duration::from_secs(600);

/// The kernel's words. An emulated timer on a busy host comes late: the kernel must neither give up
/// for that (`no_timer_check`) nor report it among the lines of deaths. Every report of a whole run
/// has room in its log.
const KERNEL_WORDS: &str = "console=ttyS0 loglevel=4 panic=-1 psi=1 log_buf_len=4M no_timer_check \
    nowatchdog rcupdate.rcu_cpu_stall_suppress=1";

/// What the machine says.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Something begins.
    Begins(&'a str),
    /// A death, or another piece of its work, is over.
    Over(&'a Value),
}

/// Everything a start needs.
#[derive(Debug, Clone)]
pub(super) struct Machinery {
    /// Root of the unpacked monitor.
    pub(super) monitor: PathBuf,
    pub(super) kernel: Kernel,
    pub(super) initramfs: PathBuf,
    /// The disk with the system.
    pub(super) root: PathBuf,
    pub(super) vm: Vm,
    /// Where its console and the snapshot go.
    pub(super) work: PathBuf,
    pub(super) size: Size,
}

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Processors.
    pub cpus: u32,
    /// MiB of memory.
    pub memory: u32,
}

/// Whether what the machine writes to its root disk stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// Forgotten at the end.
    Forgotten,
    /// Kept: the machine is being made.
    Kept,
}

/// An environment in which the unpacked monitor's programs find their libraries.
pub(super) fn command(monitor: &Path, program: &str) -> Command {
    let mut command = Command::new(monitor.join(program));
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
        .map(|folder| monitor.join(folder).display().to_string())
        .join(":");
    command.env("LD_LIBRARY_PATH", libraries).env("MKE2FS_CONFIG", monitor.join("etc/mke2fs.conf"));
    command
}

impl Machinery {
    /// Boots with these further disks until the machine switches itself off.
    pub(super) fn boot(
        &self,
        verb: &str,
        disks: &[&Path],
        hear: &mut dyn FnMut(Heard<'_>),
    ) -> Result<()> {
        self.boot_with(verb, Writes::Forgotten, disks, hear)
    }

    /// The same; writes may be kept.
    pub(super) fn boot_with(
        &self,
        verb: &str,
        writes: Writes,
        disks: &[&Path],
        hear: &mut dyn FnMut(Heard<'_>),
    ) -> Result<()> {
        let mut child = self.start(verb, writes, disks)?;
        let output = child.stdout.take().context("the monitor has no output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        let mut strange = Vec::new();
        let mut done = false;
        let ended = loop {
            match lines.recv_timeout(SILENCE) {
                Ok(line) => match line.trim_end_matches('\r') {
                    "@done" => done = true,
                    line => listen(line, &mut strange, hear),
                },
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    break Err(format!("it said nothing for {} s", SILENCE.as_secs()));
                }
            }
        };
        if ended.is_err() {
            child.kill()?;
        }
        child.wait()?;
        if let (Ok(()), true) = (&ended, done) {
            return Ok(());
        }
        let why = ended.err().unwrap_or_else(|| strange.join(" · "));
        bail!(
            "the machine broke down: {why}; its console ends with: {}; see `{}`",
            self.last_lines(),
            self.console().display()
        )
    }

    /// The kernel's last words.
    fn last_lines(&self) -> String {
        let text = std::fs::read(self.console()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines: Vec<&str> = text.lines().map(str::trim_end).rev().take(3).collect();
        lines.reverse();
        lines.join(" · ")
    }

    fn console(&self) -> PathBuf {
        self.work.join("console.log")
    }

    fn start(&self, verb: &str, writes: Writes, disks: &[&Path]) -> Result<Child> {
        let flavour = self.vm.flavour;
        let qemu = command(&self.monitor, "usr/bin/qemu-system-x86_64");
        let guard = Path::new("/usr/bin/setpriv");
        let mut command = if guard.exists() {
            let mut command = Command::new("nice");
            command
                .args(["-n", "5"])
                .arg(guard)
                .args(["--pdeathsig", "KILL"])
                .arg(qemu.get_program());
            command
        } else {
            Command::new(qemu.get_program())
        };
        for (key, value) in qemu.get_envs() {
            command.env(key, value.unwrap_or_default());
        }
        for firmware in ["usr/share/seabios", "usr/share/qemu"] {
            command.arg("-L").arg(self.monitor.join(firmware));
        }
        // QEMU 7.2's emulation of cmpxchg16b crashes 6.12 kernels.
        command.args(["-accel", "tcg", "-cpu", "max,-cx16", "-nodefaults", "-no-reboot"]);
        command.args(["-smp", &self.size.cpus.to_string(), "-m", &self.size.memory.to_string()]);
        command.args(["-display", "none", "-vga", "none", "-nic", "none", "-monitor", "none"]);
        command.arg("-serial").arg(format!("file:{}", self.console().display()));
        command.args(["-serial", "stdio", "-kernel"]).arg(&self.kernel.image);
        command.arg("-initrd").arg(&self.initramfs);
        command.arg("-append").arg(format!(
            "{KERNEL_WORDS} lab.init={} lab.verb={verb} lab.cgroup={}",
            flavour.init(),
            self.vm.cgroup.word()
        ));
        let kept = if writes == Writes::Kept { "off" } else { "on" };
        command.arg("-drive").arg(format!(
            "file={},format=raw,if=virtio,cache=unsafe,snapshot={kept}",
            self.root.display()
        ));
        for disk in disks {
            command
                .arg("-drive")
                .arg(format!("file={},format=raw,if=virtio,cache=unsafe", disk.display()));
        }
        // Where QEMU puts the snapshot.
        command.env("TMPDIR", &self.work);
        let log = std::fs::File::create(self.work.join("monitor.log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command.spawn().with_context(|| format!("could not run `{}`", shell::words(&command)))
    }
}

fn listen(line: &str, strange: &mut Vec<String>, hear: &mut dyn FnMut(Heard<'_>)) {
    if let Some(what) = line.strip_prefix("@begins ") {
        hear(Heard::Begins(what));
    } else if let Some(value) =
        line.strip_prefix("@over ").and_then(|text| serde_json::from_str(text).ok())
    {
        hear(Heard::Over(&value));
    } else if !line.trim().is_empty() {
        strange.push(line.trim_start_matches("@failed ").to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_entries_and_complaints_are_told_apart() {
        let mut heard = Vec::new();
        let mut strange = Vec::new();
        for line in ["@begins lab exit-1", "@over {\"name\":\"exit-1\"}", "@failed no disk", " "] {
            listen(line, &mut strange, &mut |one| heard.push(format!("{one:?}")));
        }
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard.iter().any(|one| one.contains("lab exit-1")));
        assert_eq!(strange, ["no disk"]);
    }

    #[test]
    fn a_torn_entry_is_a_complaint_and_not_an_entry() {
        let mut strange = Vec::new();
        listen("@over {\"name\":", &mut strange, &mut |_| panic!("heard"));
        assert_eq!(strange.len(), 1);
    }
}
