//! The container a case is about, as far as gathering needs to know it: where its traces can be,
//! and from when to when to look. The same fields are read again, with care, by the judging rooms.

use casefile::{ContainerId, Moment};
use serde_json::Value;

use crate::docker::answers::EventLine;

/// The container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Its id.
    pub(crate) id: ContainerId,
    /// False if it has been removed and only events remain.
    pub(crate) exists: bool,
    /// Its main process, if it runs.
    pub(crate) pid: Option<u32>,
    /// The first that is known of it: its creation, or its oldest event.
    pub(crate) first_known: Option<Moment>,
    /// Start of its last life.
    pub(crate) started: Option<Moment>,
    /// End of its last life; `None` while it runs or if nobody knows.
    pub(crate) ended: Option<Moment>,
    /// `State.CgroupPath`, where the runtime tells it (Podman).
    pub(crate) cgroup_path: Option<String>,
    /// `HostConfig.CgroupParent`
    pub(crate) cgroup_parent: Option<String>,
    /// The daemon's root folder, by where the container's files are.
    pub(crate) root_dir: Option<String>,
    /// The Swarm task that it is.
    pub(crate) task: Option<String>,
    /// `Config.Tty`: its log has no stream headers.
    pub(crate) tty: bool,
}

impl Subject {
    /// From `GET /containers/ID/json`.
    pub(crate) fn inspected(id: &ContainerId, inspect: &str) -> Self {
        let inspect: Value = serde_json::from_str(inspect).unwrap_or_default();
        let text = |pointer: &str| inspect.pointer(pointer).and_then(Value::as_str);
        // A container that waits for its next start is called running too, without a pid.
        let said_running = inspect.pointer("/State/Running").and_then(Value::as_bool) == Some(true);
        let pid = inspect.pointer("/State/Pid").and_then(Value::as_u64).filter(|pid| *pid > 0);
        let running = said_running && pid.is_some();
        let ended = text("/State/FinishedAt").and_then(Moment::parse);
        Self {
            id: text("/Id").and_then(ContainerId::parse).unwrap_or_else(|| id.clone()),
            exists: true,
            pid: pid.and_then(|pid| u32::try_from(pid).ok()).filter(|_| running),
            first_known: text("/Created").and_then(Moment::parse),
            started: text("/State/StartedAt").and_then(Moment::parse),
            // While it runs, `FinishedAt` is the end of an earlier life.
            ended: ended.filter(|_| !running),
            cgroup_path: text("/State/CgroupPath")
                .filter(|path| !path.is_empty())
                .map(str::to_owned),
            cgroup_parent: text("/HostConfig/CgroupParent")
                .filter(|parent| !parent.is_empty())
                .map(str::to_owned),
            root_dir: text("/ResolvConfPath").and_then(|path| {
                let (root, _) = path.split_once("/containers/")?;
                Some(root.to_owned()).filter(|root| root.starts_with('/'))
            }),
            task: inspect
                .pointer("/Config/Labels/com.docker.swarm.task.id")
                .and_then(Value::as_str)
                .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
                .map(str::to_owned),
            tty: inspect.pointer("/Config/Tty").and_then(Value::as_bool) == Some(true),
        }
    }

    /// From the events that a removed container left behind.
    pub(crate) fn remembered(id: &ContainerId, history: &[EventLine]) -> Self {
        let own: Vec<&EventLine> = history
            .iter()
            .filter(|event| event.container.as_ref().is_some_and(|other| other.is_same(id)))
            .collect();
        let last = |action: &str| {
            own.iter().rev().find(|event| event.action == action).and_then(|event| event.at)
        };
        Self {
            id: id.clone(),
            exists: false,
            pid: None,
            first_known: own.iter().filter_map(|event| event.at).min(),
            started: last("start"),
            ended: last("die").or_else(|| last("died")).or_else(|| last("destroy")),
            cgroup_path: None,
            cgroup_parent: None,
            root_dir: None,
            task: None,
            tty: false,
        }
    }

    /// What every source of this machine needs to know of it.
    pub(crate) fn life(&self) -> Life {
        Life {
            noun: "container",
            about: Some(self.id.clone()),
            pid: self.pid,
            first_known: self.first_known,
            started: self.started,
            ended: self.ended,
            processes_check: format!("docker top {} -o pid,ppid,rss,stat,wchan,args", self.id),
        }
    }

    /// The moment before which nothing about this container can have happened, less a minute for
    /// clocks that disagree.
    pub(crate) fn look_from(&self) -> Option<Moment> {
        self.life().look_from()
    }

    /// From a minute before the last life's start.
    pub(crate) fn life_from(&self) -> Option<Moment> {
        self.started.or(self.first_known)?.plus_micros(-MINUTE)
    }

    /// To a minute after its end; `now` while it lives.
    pub(crate) fn life_to(&self, now: Moment) -> Moment {
        self.ended.and_then(|end| end.plus_micros(MINUTE)).unwrap_or(now)
    }
}

/// What is known of a subject's life, whatever it is: a container, a unit, a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    /// What a person calls it.
    pub(crate) noun: &'static str,
    /// The container it is.
    pub(crate) about: Option<ContainerId>,
    /// Its main process, if it runs.
    pub(crate) pid: Option<u32>,
    /// The first that is known of it.
    pub(crate) first_known: Option<Moment>,
    /// Start of its last life.
    pub(crate) started: Option<Moment>,
    /// End of its last life; `None` while it runs or if nobody knows.
    pub(crate) ended: Option<Moment>,
    /// The command by which a person sees its processes.
    pub(crate) processes_check: String,
}

impl Life {
    /// The moment before which nothing about it can have happened, less a minute for clocks that
    /// disagree.
    pub(crate) fn look_from(&self) -> Option<Moment> {
        let known = [self.first_known, self.started].into_iter().flatten().min()?;
        known.plus_micros(-MINUTE)
    }
}

/// In microseconds.
const MINUTE: i64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::answers::events;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn at(text: &str) -> Option<Moment> {
        Moment::parse(text)
    }

    #[test]
    fn the_end_of_an_earlier_life_is_not_the_end_of_this_one() {
        let id = ContainerId::parse(ID).unwrap();
        let text = r#"{"Created":"2026-05-27T10:00:00Z","State":{"Running":true,"Pid":42,
            "StartedAt":"2026-05-27T12:00:00Z","FinishedAt":"2026-05-27T11:00:00Z"}}"#;
        let subject = Subject::inspected(&id, text);
        assert_eq!((subject.pid, subject.ended), (Some(42), None));
        assert_eq!(subject.look_from(), at("2026-05-27T09:59:00Z"));
        assert_eq!(subject.life_from(), at("2026-05-27T11:59:00Z"));
        let ended = Subject::inspected(&id, &text.replace("true,\"Pid\":42", "false,\"Pid\":0"));
        assert_eq!(ended.ended, at("2026-05-27T11:00:00Z"));
    }

    #[test]
    fn a_removed_containers_last_life_is_read_from_its_events() {
        let line = |action: &str, seconds: u64| {
            format!(
                "{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{ID}\"}},\"time\":{seconds}}}\n"
            )
        };
        let text = [line("start", 100), line("die", 200), line("start", 300), line("die", 400)];
        let id = ContainerId::parse(ID).unwrap();
        let subject = Subject::remembered(&id, &events(&text.concat()));
        assert_eq!(subject.first_known, Moment::from_micros(100_000_000));
        assert_eq!(subject.started, Moment::from_micros(300_000_000));
        assert_eq!(subject.ended, Moment::from_micros(400_000_000));
    }
}
