//! What a source gave: exhibits, gaps, and facts for the machine's own exhibit.

use casefile::{Body, Clock, ContainerId, Exhibit, Gap, Source};

/// What one source gave.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Evidence.
    pub(crate) exhibits: Vec<Exhibit>,
    /// What could not be read.
    pub(crate) gaps: Vec<Gap>,
    /// Lines for the machine's exhibit, `key: value`.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Found {
    /// Only a gap.
    pub(crate) fn gap(gap: Gap) -> Self {
        Self { gaps: vec![gap], ..Self::default() }
    }

    /// Takes over what another source gave.
    pub(crate) fn add(&mut self, other: Self) {
        self.exhibits.extend(other.exhibits);
        self.gaps.extend(other.gaps);
        self.facts.extend(other.facts);
    }
}

/// An exhibit of this text, redacted; clock, container and coverage are still unknown.
#[must_use]
pub fn exhibit(id: &str, source: Source, label: &str, text: &str) -> Exhibit {
    Exhibit {
        id: id.to_owned(),
        source,
        label: label.to_owned(),
        check: None,
        about: None,
        clock: Clock::Unknown,
        covers: false,
        cut_from: None,
        body: Body::Text(parse::redact(source, text)),
    }
}

/// The container an exhibit is about, if the text of its id is one.
pub(crate) fn about(exhibit: Exhibit, id: &ContainerId) -> Exhibit {
    Exhibit { about: Some(id.clone()), ..exhibit }
}

/// A gap; `tried` is a path, command or API call.
pub(crate) fn gap(source: Source, tried: &str, because: &str, open_by: Option<&str>) -> Gap {
    Gap {
        source,
        tried: tried.to_owned(),
        because: because.to_owned(),
        would_tell: would_tell(source).to_owned(),
        open_by: open_by.map(str::to_owned),
    }
}

/// What each source would have told.
fn would_tell(source: Source) -> &'static str {
    match source {
        Source::KernelLog => {
            "whether the kernel's OOM killer acted, on which process and at which limit"
        }
        Source::ContainerInspect => {
            "the container's memory limit, exit code, OOM flag, and when it started and ended"
        }
        Source::ContainerEvents => {
            "whether a stop or kill was asked for through docker, and when the container died"
        }
        Source::DockerConfig => {
            "whether anyone signalled the container through docker's API in its last life"
        }
        Source::Journal => {
            "what dockerd, containerd, systemd and the OOM daemons wrote about this death"
        }
        Source::Cgroup => "the limits, usage and OOM counters of the container and its parents",
        Source::Proc => {
            "which processes live in the container, their memory and what they wait for"
        }
        Source::ApplicationLog => "the program's own last words",
        Source::UnitState => {
            "how the unit's main process ended, by systemd's own wait, and its memory settings"
        }
        Source::Swarm => "why the Swarm manager ended the task",
        Source::Machine => "the machine's kernel, memory and boot time",
        Source::Pasted | Source::Kubernetes | Source::Ecs | Source::Trace => {
            "more about how the container ended"
        }
    }
}

/// An I/O failure in plain words.
pub(crate) fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        ErrorKind::TimedOut => "no answer came within 5 s".to_owned(),
        _ => error.to_string(),
    }
}
