//! The lab's own Docker daemon: its own socket, data, exec root and pid file, no bridge, no
//! iptables. Started from unpacked files, stopped by pid, never another one's.
//!
//! A daemon that a killed earlier run left behind is recognised by our pid file and by the path
//! of its executable, and is stopped before a new one starts.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::docker::Docker;
use crate::run::Lab;
use crate::shell;

/// Whether the daemon ends with this process or stays for a person to play with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Stopped when the value is dropped; also told to stop if this process is killed.
    WithUs,
    /// Stays until `take_down`.
    UntilTakenDown,
}

/// Where everything of the daemon lies.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `target/lab/run`
    run: PathBuf,
    /// The same folder by a path short enough for a socket (108 bytes with the terminating zero).
    short: PathBuf,
    /// Root of the unpacked packages.
    programs: PathBuf,
}

impl Places {
    pub(crate) fn new(lab: &Path, programs: PathBuf) -> Result<Self> {
        let run = lab.join("run");
        std::fs::create_dir_all(&run)
            .with_context(|| format!("could not make `{}`", run.display()))?;
        // The longest socket path below it: `exec/containerd/containerd.sock.ttrpc`.
        let long = run.join("exec/containerd/containerd.sock.ttrpc").as_os_str().len() >= 104;
        let short = if long { short_name_of(&run)? } else { run.clone() };
        Ok(Self { run, short, programs })
    }

    /// `DOCKER_HOST` of this daemon.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.short.join("docker.sock").display())
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        ["usr/bin", "usr/sbin", "sbin", "bin"]
            .iter()
            .map(|folder| self.programs.join(folder).join(name))
            .find(|path| path.exists())
            .unwrap_or_else(|| self.programs.join("usr/bin").join(name))
    }

    /// `PATH` and `LD_LIBRARY_PATH` under which the unpacked programs find each other.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let join = |folders: &[&str]| {
            folders
                .iter()
                .map(|folder| self.programs.join(folder).display().to_string())
                .collect::<Vec<_>>()
                .join(":")
        };
        let path = std::env::var("PATH").unwrap_or_default();
        [
            ("PATH", format!("{}:{path}", join(&["usr/bin", "usr/sbin", "sbin", "bin"]))),
            ("LD_LIBRARY_PATH", join(&["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"])),
        ]
    }

    fn log(&self) -> PathBuf {
        self.run.join("dockerd.log")
    }
}

/// A link in `/tmp` to a folder whose own path is too long for a socket, named after that path so
/// that two checkouts do not meet.
fn short_name_of(run: &Path) -> Result<PathBuf> {
    let sum =
        run.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let link = PathBuf::from(format!("/tmp/why137-lab-{sum:016x}"));
    match std::fs::read_link(&link) {
        Ok(found) if found == run => {}
        Ok(other) => bail!("`{}` leads to `{}`", link.display(), other.display()),
        Err(_missing) => symlink(run, &link)
            .with_context(|| format!("could not make the link `{}`", link.display()))?,
    }
    Ok(link)
}

/// A running daemon.
pub struct Daemon {
    places: Places,
    child: Option<Child>,
    lifetime: Lifetime,
    /// Its client.
    pub(crate) docker: Docker,
}

impl Daemon {
    /// Fetches the programs if needed, stops a leftover, starts the daemon and waits for it.
    pub fn start(lab: &Lab, lifetime: Lifetime) -> Result<Self> {
        let places = Places::new(&lab.folder, lab.programs()?)?;
        stop_leftover(&places)?;
        let docker = Docker::new(&places);
        let child = launch(&places, lifetime)?;
        std::fs::write(places.run.join("daemon.pid"), child.id().to_string())?;
        let mut daemon = Self { places, child: Some(child), lifetime, docker };
        daemon.wait_until_ready()?;
        daemon.docker.remove_all_containers()?;
        Ok(daemon)
    }

    /// Stops it and starts it again on the same data: its memory of events is gone.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.stop()?;
        let child = launch(&self.places, self.lifetime)?;
        std::fs::write(self.places.run.join("daemon.pid"), child.id().to_string())?;
        self.child = Some(child);
        self.wait_until_ready()
    }

    /// `DOCKER_HOST` for clients.
    pub fn host(&self) -> String {
        self.places.host()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let ready = shell::wait_until(Duration::from_secs(90), || {
            if let Some(child) = self.child.as_mut()
                && let Some(status) = child.try_wait()?
            {
                bail!("dockerd ended with {status}; see `{}`", self.places.log().display());
            }
            Ok(self.docker.answers())
        })?;
        if !ready {
            bail!("dockerd did not answer in 90 s; see `{}`", self.places.log().display());
        }
        Ok(())
    }

    /// SIGTERM, 20 s, SIGKILL; then the same for the containerd it started.
    fn stop(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            shell::signal("TERM", child.id())?;
            let ended =
                shell::wait_until(Duration::from_secs(20), || Ok(child.try_wait()?.is_some()))?;
            if !ended {
                child.kill()?;
                child.wait()?;
            }
        }
        stop_containerd(&self.places)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        match self.lifetime {
            Lifetime::WithUs => {
                // Also on the way out of a panic: there is nobody left to tell, and the next
                // start stops a leftover.
                drop(self.docker.remove_all_containers());
                drop(self.stop());
            }
            Lifetime::UntilTakenDown => {}
        }
    }
}

/// Starts dockerd. With `setpriv --pdeathsig` the kernel tells it to stop when this process is
/// gone, however it went; Ctrl-C reaches it by the terminal's process group.
fn launch(places: &Places, lifetime: Lifetime) -> Result<Child> {
    let dockerd = places.program("dockerd");
    let guarded = lifetime == Lifetime::WithUs && Path::new("/usr/bin/setpriv").exists();
    let mut command = if guarded {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(&dockerd);
        command
    } else {
        Command::new(&dockerd)
    };
    let log = std::fs::File::create(places.log())
        .with_context(|| format!("could not write `{}`", places.log().display()))?;
    command
        .args(["--host", &places.host(), "--bridge=none", "--iptables=false"])
        .args(["--ip6tables=false", "--shutdown-timeout", "5"])
        .arg("--config-file")
        .arg(places.run.join("daemon.json"))
        .arg("--data-root")
        .arg(places.run.join("data"))
        .arg("--exec-root")
        .arg(places.short.join("exec"))
        .arg("--pidfile")
        .arg(places.run.join("dockerd.pid"))
        .envs(places.environment())
        .env_remove("DOCKER_HOST")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    std::fs::write(places.run.join("daemon.json"), "{}\n")?;
    command.spawn().with_context(|| format!("could not start `{}`", dockerd.display()))
}

/// Stops a daemon of ours that is still there from an earlier run; true if there was one.
pub(crate) fn stop_leftover(places: &Places) -> Result<bool> {
    let mut found = false;
    for file in ["daemon.pid", "dockerd.pid"] {
        let file = places.run.join(file);
        if let Some(pid) = pid_of(&file, &places.program("dockerd")) {
            found = true;
            end(pid)?;
        }
        if file.exists() {
            std::fs::remove_file(&file)?;
        }
    }
    stop_containerd(places)?;
    Ok(found)
}

fn stop_containerd(places: &Places) -> Result<()> {
    let file = places.run.join("exec/containerd/containerd.pid");
    match pid_of(&file, &places.program("containerd")) {
        Some(pid) => end(pid),
        None => Ok(()),
    }
}

/// The pid in the file, if that process is alive and runs exactly this program.
fn pid_of(file: &Path, program: &Path) -> Option<u32> {
    let pid: u32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let runs = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    (runs == std::fs::canonicalize(program).ok()?).then_some(pid)
}

fn end(pid: u32) -> Result<()> {
    let gone = || Ok(!Path::new(&format!("/proc/{pid}/exe")).exists() || is_zombie(pid));
    shell::signal("TERM", pid)?;
    if !shell::wait_until(Duration::from_secs(20), gone)? {
        shell::signal("KILL", pid)?;
        shell::wait_until(Duration::from_secs(5), gone)?;
    }
    Ok(())
}

fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}
