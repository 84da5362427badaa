//! Where this machine's files are; parameters, so that tests can build a small machine of their own.

use std::path::{Path, PathBuf};

/// The places this room reads.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    /// `/proc`
    pub(crate) proc: PathBuf,
    /// `/dev/kmsg`
    pub(crate) dev_kmsg: PathBuf,
    /// The journal's reader.
    pub(crate) journalctl: PathBuf,
    /// systemd's client.
    pub(crate) systemctl: PathBuf,
    /// The default daemon socket.
    pub(crate) docker_socket: PathBuf,
    /// Podman's socket.
    pub(crate) podman_socket: PathBuf,
    /// Podman's client.
    pub(crate) podman: PathBuf,
    /// containerd's client.
    pub(crate) ctr: PathBuf,
    /// The folder of this user's run-time sockets (a rootless daemon's is in it).
    pub(crate) user_runtime: PathBuf,
    /// The default daemon's pid file.
    pub(crate) docker_pidfile: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        let user = rustix::process::getuid().as_raw();
        Self {
            proc: PathBuf::from("/proc"),
            dev_kmsg: PathBuf::from("/dev/kmsg"),
            journalctl: PathBuf::from("journalctl"),
            systemctl: PathBuf::from("systemctl"),
            docker_socket: PathBuf::from("/var/run/docker.sock"),
            podman_socket: PathBuf::from("/run/podman/podman.sock"),
            podman: PathBuf::from("podman"),
            ctr: PathBuf::from("ctr"),
            user_runtime: PathBuf::from(format!("/run/user/{user}")),
            docker_pidfile: PathBuf::from("/var/run/docker.pid"),
        }
    }
}

impl Roots {
    /// `/proc/PID/FILE`
    pub(crate) fn of_process(&self, pid: u32, file: &str) -> PathBuf {
        self.proc.join(pid.to_string()).join(file)
    }
}

/// A file's text with what is not UTF-8 replaced; `/proc/PID/cmdline` and comm may hold any bytes.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
