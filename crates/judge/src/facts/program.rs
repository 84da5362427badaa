//! A program's name: as a path ends, as the kernel cuts it, and what it tells of PID 1.
//!
//! The one place that knows which programs stand before another one: a name that is compared with
//! the kernel's `comm`, and a status that may be a child's, both hang on it.

/// Shells: they wait for a child and end with its status, and they pass no signal on.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "ksh"];

/// Inits for containers: they pass signals on and end with their child's status.
const INITS: [&str; 3] = ["tini", "dumb-init", "docker-init"];

/// The last name of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The kernel keeps 15 bytes of a program's name (`TASK_COMM_LEN` is 16 with its end); a character that does
/// not fit whole is left out here.
pub(crate) fn comm_of(program: &str) -> &str {
    program.get(..program.floor_char_boundary(15)).unwrap_or(program)
}

/// A process of this `comm` runs this program, whether the source cuts names or not.
pub(crate) fn is_comm_of(comm: &str, program: &str) -> bool {
    comm == program || comm == comm_of(program)
}

/// A shell. `busybox` alone is none: it may be any of its applets.
pub(crate) fn is_shell(program: &str) -> bool {
    SHELLS.contains(&program)
}

/// Its exit status can be its child's: a shell, an init, or `busybox`, which may be a shell.
pub(crate) fn passes_on_status(program: &str) -> bool {
    is_shell(program) || INITS.contains(&program) || program == "busybox"
}

/// It waits for a container that another process runs, and ends with that container's status.
pub(crate) fn is_container_client(program: &str) -> bool {
    matches!(
        program,
        "docker" | "podman" | "nerdctl" | "ctr" | "conmon" | "docker-compose" | "machinectl"
    )
}

/// The program of interest bears another name: it is a child, or (`env`) what PID 1 turns into.
pub(crate) fn starts_another(program: &str) -> bool {
    passes_on_status(program) || program == "env"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_in_the_programs_name() {
        assert_eq!(name_of("/usr/local/bin/python3"), "python3");
        assert_eq!(name_of("nginx"), "nginx");
    }

    #[test]
    fn a_long_name_is_known_cut_and_whole() {
        assert_eq!(comm_of("containerd-shim-runc-v2"), "containerd-shim");
        assert!(is_comm_of("containerd-shim", "containerd-shim-runc-v2"));
        assert!(is_comm_of("containerd-shim-runc-v2", "containerd-shim-runc-v2"));
        assert!(!is_comm_of("python", "python3"));
        assert_eq!(comm_of("größenbestimmung"), "größenbestimm");
    }

    #[test]
    fn a_containers_client_is_not_what_runs_in_it() {
        assert!(is_container_client("docker") && is_container_client("podman"));
        assert!(!is_container_client("dockerd") && !is_container_client("sh"));
    }

    #[test]
    fn env_turns_into_another_program_and_passes_nothing_on() {
        assert!(starts_another("env") && !passes_on_status("env"));
        assert!(starts_another("bash") && !starts_another("nginx"));
        assert!(passes_on_status("tini") && !is_shell("tini"));
        assert!(passes_on_status("busybox") && !is_shell("busybox"));
    }
}
