//! Short names: grades, killers as row labels, roles, signals. No sentences.
//!
//! Leans on: signal(7) for the numbers, which are those of x86 and ARM; the judge's vocabulary for
//! the rest.

use judge::verdict::{Confidence, Fate, Killer, Level, Role};

/// How sure, in one word.
pub(crate) fn grade(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
        Confidence::Unknown => "unknown",
    }
}

/// The level's word in the contract.
pub(crate) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Own => "own",
        Level::Nested => "nested",
        Level::Ancestor => "ancestor",
        Level::Host => "host",
        Level::Numa => "numa",
        Level::Unknown => "unknown",
        Level::None => "none",
    }
}

/// The fate's word in the contract.
pub(crate) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Killed => "killed",
        Fate::Exited => "exited",
        Fate::Alive => "alive",
        Fate::Unknown => "unknown",
    }
}

/// A cause as something that was excluded: `host out of memory`.
pub(crate) fn killer_title(killer: Killer) -> &'static str {
    match killer {
        Killer::ContainerMemoryLimit => "its own memory limit",
        Killer::AncestorMemoryLimit => "a parent's memory limit",
        Killer::HostOutOfMemory => "host out of memory",
        Killer::NumaOutOfMemory => "NUMA nodes out of memory",
        Killer::OutOfMemory => "out of memory",
        Killer::OomDaemon => "out-of-memory daemon",
        Killer::Eviction => "eviction",
        Killer::StopTimeout => "stop that timed out",
        Killer::Stopped => "stop by request",
        Killer::ApiKill => "kill by request",
        Killer::FailedProbe => "failed health check",
        Killer::Process => "another process",
        Killer::ResourceLimit => "other resource limit",
        Killer::Runtime => "runtime's clean-up",
        Killer::Crash => "crash",
        Killer::NotKilled => "its own exit",
        Killer::StillAlive => "still alive",
        Killer::Unknown => "something not seen",
    }
}

/// A cause as something that it can be: `the host's OOM killer`.
pub(crate) fn candidate(killer: Killer) -> &'static str {
    match killer {
        Killer::ContainerMemoryLimit => "its own memory limit",
        Killer::AncestorMemoryLimit => "a parent's memory limit",
        Killer::HostOutOfMemory => "the host's OOM killer",
        Killer::NumaOutOfMemory => "full NUMA nodes",
        Killer::OutOfMemory => "the OOM killer",
        Killer::OomDaemon => "an out-of-memory daemon",
        Killer::Eviction => "an eviction",
        Killer::StopTimeout => "a stop that timed out",
        Killer::Stopped => "a stop by request",
        Killer::ApiKill => "a kill by request",
        Killer::FailedProbe => "a failed health check",
        Killer::Process => "another process",
        Killer::ResourceLimit => "another resource limit",
        Killer::Runtime => "the runtime's clean-up",
        Killer::Crash => "a crash",
        Killer::NotKilled => "the program itself",
        Killer::StillAlive => "it is still alive",
        Killer::Unknown => "something not seen",
    }
}

/// What a victim was; nothing where it is not shown.
pub(crate) fn role(role: Role) -> Option<&'static str> {
    match role {
        Role::Main => Some("the main process"),
        Role::Child => Some("a child of the main process"),
        Role::Exec => Some("started by exec or a health check"),
        Role::Other => None,
    }
}

/// The same in a list of several.
pub(crate) fn short_role(role: Role) -> Option<&'static str> {
    match role {
        Role::Main => Some("main process"),
        Role::Child => Some("child"),
        Role::Exec => Some("exec or health check"),
        Role::Other => None,
    }
}

/// A text that is meant to be pasted into a shell: it must not be broken over lines.
pub(crate) fn is_command(text: &str) -> bool {
    const PROGRAMS: [&str; 24] = [
        "why137",
        "sudo",
        "docker",
        "podman",
        "kubectl",
        "journalctl",
        "dmesg",
        "aws",
        "cat",
        "grep",
        "systemctl",
        "ausearch",
        "auditctl",
        "crictl",
        "ctr",
        "nerdctl",
        "oomctl",
        "sysctl",
        "echo",
        "ls",
        "swapon",
        "sh",
        "zgrep",
        "export",
    ];
    let mut words = text.split_whitespace();
    // A program's name alone, or at the head of a sentence, is prose: a command has arguments.
    let is_program = words.next().is_some_and(|first| PROGRAMS.contains(&first));
    is_program && words.next().is_some() && !text.trim_end().ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_killers_share_a_label() {
        for name in [killer_title, candidate] {
            let mut names: Vec<&str> = Killer::ALL.iter().map(|killer| name(*killer)).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), Killer::ALL.len());
        }
    }
}
