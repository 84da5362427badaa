//! What container runtimes and the kubelet say about stops, kills and OOM notifications.
//!
//! `ignoring event … TaskDelete` and `received exit event` are written at every end and tell
//! nothing. That a shim is gone is logged on normal ends as well; the judge knows that.

use casefile::ContainerId;

use super::said::{Said, between, id_in, number_after};
use crate::application::words::number;
use crate::record::DaemonLine;

/// dockerd under its names; k3s, RKE2, MicroK8s and k0s print containerd's and the kubelet's lines.
const DOCKERD: [&str; 4] = ["dockerd", "docker", "moby", "balena"];
const CONTAINERD: [&str; 8] =
    ["containerd", "docker", "k3s", "rke2", "microk8s", "k0s", "balena", "buildkit"];
const CRIO: [&str; 2] = ["crio", "cri-o"];
const PODMAN: [&str; 3] = ["podman", "conmon", "systemd"];
const KUBELET: [&str; 6] = ["kubelet", "hyperkube", "k3s", "rke2", "microk8s", "k0s"];

pub(super) fn read(said: &Said) -> Option<DaemonLine> {
    at_start(said)
        .or_else(|| ecs_agent(said))
        .or_else(|| dockerd(said))
        .or_else(|| containerd(said))
        .or_else(|| crio(said))
        .or_else(|| podman(said))
        .or_else(|| kubelet(said))
        .or_else(|| nomad(said))
        .or_else(|| unhealthy(said))
        .or_else(|| heroku(said))
}

/// `heroku[web.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 30
/// seconds of SIGTERM`: the dyno manager's SIGKILL follows.
fn heroku(said: &Said) -> Option<DaemonLine> {
    let message = said.message.as_str();
    let ours = message.contains("heroku[") || said.is(&["heroku"]);
    (ours && message.contains("Error R12 (Exit timeout)")).then(|| DaemonLine::StopEscalated {
        container: None,
        grace_seconds: number_after(message, "failed to exit within "),
        by: "heroku".to_owned(),
    })
}

/// ECS's agent on Docker's `oom` event: `process within container ID (name: "…") died due to OOM`.
fn ecs_agent(said: &Said) -> Option<DaemonLine> {
    let words = said.message.as_str();
    let told = words.contains("process within container ") && words.contains("died due to OOM");
    told.then(|| DaemonLine::RuntimeOom { container: said.container(), at_start: false })
}

/// runc's word for a start that its own limit ended; whoever passes it on.
fn at_start(said: &Said) -> Option<DaemonLine> {
    let words = said.with_error();
    words
        .contains("container init was OOM-killed")
        .then(|| DaemonLine::RuntimeOom { container: said.container(), at_start: true })
}

fn dockerd(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&DOCKERD) {
        return None;
    }
    let message = said.message.as_str();
    let by = || "dockerd".to_owned();
    if message.starts_with("Container ")
        && message.contains("failed to exit within ")
        && (message.contains("using the force") || message.contains("direct SIGKILL"))
    {
        let grace_seconds = number_after(message, "failed to exit within ");
        if message.contains("direct SIGKILL") {
            return Some(DaemonLine::KillRequested {
                container: said.container(),
                by: by(),
                reason: Some(message.to_owned()),
            });
        }
        return Some(DaemonLine::StopEscalated {
            container: said.container(),
            grace_seconds,
            by: by(),
        });
    }
    if message.contains("force killing")
        && (message.contains("failed to stop after sending signal")
            || message.contains("ailed to send signal"))
    {
        return Some(DaemonLine::StopEscalated {
            container: said.container(),
            grace_seconds: None,
            by: by(),
        });
    }
    // With `debug` set, of every signal that is asked for: `Sending kill signal 9 to container ID`. One that
    // does not ask for an end (HUP, USR1) is left out.
    if let Some(signal) = message.strip_prefix("Sending kill signal ").and_then(number) {
        let container = Some(id_in(message.split_once(" to container ")?.1)?);
        return match signal {
            9 => Some(DaemonLine::KillRequested { container, by: by(), reason: None }),
            2 | 3 | 15 => {
                Some(DaemonLine::StopRequested { container, grace_seconds: None, by: by() })
            }
            _ => None,
        };
    }
    let graceful = message.starts_with("stopping event stream following graceful shutdown")
        || message.starts_with("stopping healthcheck following graceful shutdown");
    let shutdown = message.starts_with("Processing signal '")
        || message.starts_with("Daemon shutdown complete")
        || (graceful && said.field("module").is_some());
    shutdown.then(|| DaemonLine::DaemonShutdown { by: by() })
}

fn containerd(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&CONTAINERD) {
        return None;
    }
    let message = said.message.as_str();
    let by = || "containerd".to_owned();
    if message.contains("TaskOOM event") || said.field("topic") == Some("/tasks/oom") {
        return Some(DaemonLine::RuntimeOom { container: said.container(), at_start: false });
    }
    if message.starts_with("shim disconnected")
        || message.starts_with("cleaning up dead shim")
        || message.starts_with("cleaning up after shim disconnected")
        || message.starts_with("shim reaped")
    {
        return Some(DaemonLine::ShimGone { container: said.container() });
    }
    let quoted = |before: &str| between(message, before, "\"").and_then(ContainerId::parse);
    if message.starts_with("StopContainer for \"") && message.contains(" with timeout ") {
        return Some(DaemonLine::StopRequested {
            container: quoted("StopContainer for \""),
            grace_seconds: number_after(message, " with timeout "),
            by: by(),
        });
    }
    if message.starts_with("Stop container \"") && message.contains(" with signal ") {
        return Some(DaemonLine::StopRequested {
            container: Some(quoted("Stop container \"")?),
            grace_seconds: None,
            by: by(),
        });
    }
    message.starts_with("Kill container \"").then(|| {
        let container = Some(quoted("Kill container \"")?);
        Some(DaemonLine::KillRequested { container, by: by(), reason: None })
    })?
}

fn crio(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&CRIO) {
        return None;
    }
    let message = said.message.as_str();
    let by = || "cri-o".to_owned();
    if let Some(rest) = message.strip_prefix("Stopping container: ") {
        return Some(DaemonLine::StopRequested {
            container: Some(id_in(rest)?),
            grace_seconds: number_after(rest, "timeout: "),
            by: by(),
        });
    }
    let stopping =
        message.starts_with("Stopping container ") || message.starts_with("Stop container ");
    let gave_up = message.contains("timed out")
        && (message.to_ascii_lowercase().contains("killing")
            || message.contains("with stop signal timed out"));
    if stopping && gave_up {
        return Some(DaemonLine::StopEscalated {
            container: said.container(),
            grace_seconds: number_after(message, "timeout reached after "),
            by: by(),
        });
    }
    None
}

fn podman(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&PODMAN) {
        return None;
    }
    let message = said.message.as_str();
    let gave_up = message.contains("failed to stop container ")
        || message.contains("Timed out stopping container ");
    if gave_up && message.contains("resorting to SIGKILL") {
        return Some(DaemonLine::StopEscalated {
            container: said.container(),
            grace_seconds: number_after(message, " in "),
            by: "podman".to_owned(),
        });
    }
    // conmon: `conmon 5d1e…<20 digits> <ninfo>: OOM received`
    let oom = message.contains("OOM received") || message.contains("OOM event received");
    (oom && (message.contains(">: ") || said.is(&["conmon"])))
        .then(|| DaemonLine::RuntimeOom { container: said.container(), at_start: false })
}

fn kubelet(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&KUBELET) {
        return None;
    }
    let message = said.message.as_str();
    let structured = message.starts_with("Killing container with a grace period")
        && said.field("containerID").is_some();
    let plain = message.starts_with("Killing container \"") && message.contains("grace period");
    (structured || plain).then(|| {
        let id = if structured { said.field("containerID") } else { between(message, "\"", "\"") };
        let (container, by) = (id.and_then(ContainerId::parse), "kubelet".to_owned());
        // Of none, SIGKILL comes at once.
        let grace = match said.field("gracePeriod") {
            Some(period) => period.parse().ok(),
            None => number_after(message, " with a "),
        };
        match grace.filter(|seconds| *seconds > 0) {
            Some(_) => DaemonLine::StopRequested { container, grace_seconds: grace, by },
            None => DaemonLine::KillRequested { container, by, reason: None },
        }
    })
}

/// Nomad's task event: `Killing  Sent interrupt. Waiting 5s before force killing`.
fn nomad(said: &Said) -> Option<DaemonLine> {
    let message = said.message.as_str();
    let told = message.contains("Sent interrupt. Waiting ");
    (told && message.contains(" before force killing")).then(|| DaemonLine::StopRequested {
        container: None,
        grace_seconds: number_after(message, "Sent interrupt. Waiting "),
        by: "nomad".to_owned(),
    })
}

/// A controller that acts on a failed health check. Plain Docker never does.
fn unhealthy(said: &Said) -> Option<DaemonLine> {
    let words = said.with_error();
    // `Restart Signaled  healthcheck: check "alive" unhealthy` among the events of `alloc status`.
    let nomad = between(&words, "healthcheck: check ", " unhealthy").is_some()
        && (words.contains("Restart Signaled") || words.contains("restarting"));
    let by = if nomad {
        "nomad"
    } else if words.contains("dockerexec: unhealthy container") {
        "swarm"
    } else if words.contains("found to be unhealthy - Restarting container") {
        "autoheal"
    } else {
        return None;
    };
    Some(DaemonLine::UnhealthyKill { container: id_in(&words), by: by.to_owned() })
}
