//! Who the sentence is about: the container by its name, or the process that died in it.
//!
//! Pasted text often names neither; then it is `The container` or `A process`, never a guess.

use casefile::CgroupPath;
use judge::Verdict;
use judge::verdict::{Fate, Killer, Role, Victim};

use crate::Report;

/// The persons of the sentence.
pub(crate) struct Cast {
    /// As the subject of the sentence: `api`, `python3 (pid 295) in api`, `The container`.
    pub(crate) who: String,
    /// True for `3 processes in api`.
    pub(crate) plural: bool,
    /// The container inside a sentence: `api`, `the container`.
    pub(crate) container: String,
    /// The container itself ended (its main process, or nothing more is known).
    pub(crate) is_whole: bool,
    /// The subject of the sentence is the one victim, by its name and pid.
    pub(crate) is_victim: bool,
    /// A container (not only a process) is known to be concerned.
    pub(crate) has_container: bool,
    /// The container has a name or an id.
    pub(crate) named: bool,
}

impl Cast {
    /// The persons of a report.
    pub(crate) fn of(report: &Report) -> Self {
        let verdict = &report.verdict;
        let name = container_name(report);
        let roles_need_one = |victim: &Victim| match victim.role {
            Role::Main | Role::Child | Role::Exec => true,
            Role::Other => false,
        };
        let has_container = name.is_some()
            || verdict.victims.is_empty()
            || verdict.victims.iter().any(roles_need_one);
        // Whoever was killed, it was not the main process if that runs on or ended by itself.
        let within = verdict.killer.is_kernel_oom()
            && matches!(verdict.main.fate, Fate::Alive | Fate::Exited);
        let is_whole = verdict.main.fate == Fate::Killed
            || (verdict.victims.is_empty() && !within)
            || verdict.victims.iter().any(|victim| victim.role == Role::Main)
            || matches!(verdict.killer, Killer::StillAlive | Killer::NotKilled | Killer::Unknown);
        let nameless = nameless(verdict);
        let container = name.clone().unwrap_or_else(|| format!("the {nameless}"));
        let named = name.is_some();
        if let Some(cgroup) = counted_cgroup(verdict).filter(|_| !named) {
            return Self::of_cgroup(cgroup);
        }
        let (who, plural) = if is_whole && has_container {
            (name.map_or_else(|| without_name(nameless), capital_for_id), false)
        } else {
            // Of pasted kernel text: the victim's service, LXC container, login session.
            let owner = verdict.place.as_ref().and_then(CgroupPath::owner);
            let place = match (has_container, owner) {
                (true, _) => format!(" in {container}"),
                (false, Some(owner)) => format!(" in {owner}"),
                (false, None) => String::new(),
            };
            match verdict.victims.as_slice() {
                [] => (format!("A process{place}"), false),
                [one] => (format!("{}{place}", process(one, "A process")), false),
                several => (format!("{} processes{place}", several.len()), true),
            }
        };
        let is_victim = !(is_whole && has_container) && verdict.victims.len() == 1;
        Self { is_victim, who, plural, container, is_whole, has_container, named }
    }

    /// A process, of which nothing more is known, in a cgroup that is no container's.
    fn of_cgroup(cgroup: &CgroupPath) -> Self {
        let container = format!("the cgroup {}", super::short_path(cgroup));
        Self {
            who: format!("A process in {container}"),
            plural: false,
            container,
            is_whole: false,
            is_victim: false,
            has_container: false,
            named: true,
        }
    }

    /// The limit that is the victim's own: the container's, or that of the process's own cgroup
    /// where no container is known.
    pub(crate) fn own_limit(&self, verdict: &Verdict) -> String {
        if self.has_container && self.is_whole {
            return "its own memory limit".to_owned();
        }
        let holds_container =
            verdict.limit_cgroup.as_ref().is_some_and(|path| path.container_id().is_some());
        if self.has_container || holds_container {
            return format!("the {}'s own memory limit", noun(verdict));
        }
        let whose = if self.plural { "their" } else { "its" };
        match &verdict.limit_cgroup {
            Some(path) if path.name().ends_with(".service") => {
                format!("the memory limit of {whose} service {}", path.name())
            }
            Some(path) if path.owner().is_some_and(|owner| owner.is_container()) => {
                let owner = path.owner().map(|owner| owner.to_string()).unwrap_or_default();
                format!("the own memory limit of {owner}")
            }
            Some(path) => {
                format!("the memory limit of {whose} own cgroup {}", super::short_path(path))
            }
            None => format!("the memory limit of {whose} own cgroup"),
        }
    }
}

/// A cgroup of which only the kernel's counter tells that somebody was killed in it, and that is no container's.
fn counted_cgroup(verdict: &Verdict) -> Option<&CgroupPath> {
    let nobody = verdict.victims.is_empty() && verdict.main.exit_code.is_none();
    let place = verdict.place.as_ref().filter(|_| nobody && verdict.killer.is_kernel_oom())?;
    let is_containers = verdict.container_id.is_some()
        || place.container_id().is_some()
        || place.owner().is_some_and(|owner| owner.is_container());
    (!is_containers).then_some(place)
}

/// What holds the inner limit: `the container`; of a process and a unit only `it`.
pub(crate) fn inside(verdict: &Verdict) -> &'static str {
    if noun(verdict) == "container" { "the container" } else { "it" }
}

/// What kind of thing the subject is.
fn noun(verdict: &Verdict) -> &'static str {
    let subject = verdict.subject.as_ref();
    let runtime = subject.and_then(|subject| subject.runtime.as_deref());
    let name = subject.and_then(|subject| subject.name.as_deref()).unwrap_or_default();
    match runtime {
        Some("systemd") if name.ends_with(".slice") => "slice",
        Some("systemd") if name.ends_with(".scope") => "scope",
        Some("systemd") => "service",
        Some("process") => "process",
        Some(_) | None => "container",
    }
}

/// What a nameless victim is, as far as the evidence goes.
fn nameless(verdict: &Verdict) -> &'static str {
    let is_container = verdict.subject.is_some()
        || verdict.container_id.is_some()
        || verdict.main.exit_code.is_some()
        || verdict.victims.iter().any(|victim| victim.role != Role::Other);
    if is_container {
        return "container";
    }
    let by = verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    match verdict.killer {
        // A program's own last words need not come from a container.
        Killer::NotKilled | Killer::Crash => "program",
        Killer::Eviction => "pod",
        Killer::StopTimeout | Killer::Stopped if by == Some("systemd") => "service",
        Killer::OomDaemon | Killer::Process | Killer::ResourceLimit => "process",
        Killer::ContainerMemoryLimit
        | Killer::AncestorMemoryLimit
        | Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory
        | Killer::StopTimeout
        | Killer::Stopped
        | Killer::ApiKill
        | Killer::FailedProbe
        | Killer::Runtime
        | Killer::StillAlive
        | Killer::Unknown => "container",
    }
}

/// `The container`; of the many processes and services of a machine it is `A process`.
fn without_name(what: &str) -> String {
    let article = if matches!(what, "process" | "service") { "A" } else { "The" };
    format!("{article} {what}")
}

/// A process's name: in quotes where its characters could pass for ours (`x, pid 1`). A process
/// chooses its own name, of up to 15 bytes.
pub(crate) fn named(comm: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-+:/@".contains(c);
    if !comm.is_empty() && comm.chars().all(plain) {
        return comm.to_owned();
    }
    format!("\"{}\"", comm.replace('"', "\\\""))
}

/// `python3 (pid 295)`.
pub(crate) fn process(victim: &Victim, nameless: &str) -> String {
    match (&victim.comm, victim.pid) {
        (Some(comm), Some(pid)) => format!("{} (pid {pid})", named(comm)),
        (Some(comm), None) => named(comm),
        (None, Some(pid)) => format!("{nameless} (pid {pid})"),
        (None, None) => nameless.to_owned(),
    }
}

/// The container's name as the reader knows it, or its short id.
fn container_name(report: &Report) -> Option<String> {
    let verdict = &report.verdict;
    let subject = verdict.subject.as_ref();
    subject
        .and_then(|subject| subject.name.clone())
        .or_else(|| report.asked.clone())
        .filter(|name| !name.trim().is_empty())
        .or_else(|| {
            let id = subject
                .and_then(|subject| subject.container_id.as_ref())
                .or(verdict.container_id.as_ref())?;
            let short: String = id.as_str().chars().take(12).collect();
            Some(format!("container {short}"))
        })
}

/// A name stays as it is written; only our own word `container` takes a capital.
fn capital_for_id(name: String) -> String {
    match name.strip_prefix("container ") {
        Some(id) => format!("Container {id}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_name_that_reads_like_our_own_words_stands_in_quotes() {
        assert_eq!(named("kworker/0:1-mm"), "kworker/0:1-mm");
        assert_eq!(named("x, pid 1"), "\"x, pid 1\"");
        assert_eq!(named("a\" (pid 1)"), "\"a\\\" (pid 1)\"");
        assert_eq!(named(""), "\"\"");
    }
}
