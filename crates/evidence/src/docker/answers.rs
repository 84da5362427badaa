//! What of docker's answers steers the gathering: which containers exist, where the daemon keeps
//! its state, which machine it runs on, what the event history holds.
//!
//! Everything is optional: Podman's answers lack some fields. Nothing here becomes evidence.

use casefile::{ContainerId, Moment};
use serde_json::Value;

/// A container of `GET /containers/json?all=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its full id.
    pub(crate) id: ContainerId,
    /// Its names, without the leading `/`.
    pub(crate) names: Vec<String>,
}

/// The list of containers.
pub(crate) fn list(text: &str) -> Result<Vec<Listed>, serde_json::Error> {
    let rows: Vec<Value> = serde_json::from_str(text)?;
    Ok(rows.iter().filter_map(listed).collect())
}

fn listed(row: &Value) -> Option<Listed> {
    let id = ContainerId::parse(row.get("Id")?.as_str()?)?;
    let names = row.get("Names").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names = names.iter().filter_map(Value::as_str);
    Some(Listed { id, names: names.map(|name| name.trim_start_matches('/').to_owned()).collect() })
}

/// The id of a container's state, if the name, the id or the beginning of it is this word.
pub(crate) fn meant(inspect: &str, word: &str) -> Option<ContainerId> {
    let state: Value = serde_json::from_str(inspect).ok()?;
    let id = ContainerId::parse(state.get("Id")?.as_str()?)?;
    let name = state.get("Name").and_then(Value::as_str).unwrap_or_default();
    let is_it =
        name.trim_start_matches('/') == word || id.as_str().starts_with(&word.to_ascii_lowercase());
    is_it.then_some(id)
}

/// `GET /info` and `GET /version`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DaemonFacts {
    /// `DockerRootDir`
    pub(crate) root_dir: Option<String>,
    /// `CgroupDriver`: cgroupfs, systemd, none.
    pub(crate) cgroup_driver: Option<String>,
    /// `CgroupVersion`
    pub(crate) cgroup_version: Option<String>,
    /// `KernelVersion` of the machine the daemon runs on.
    pub(crate) kernel: Option<String>,
    /// `Name`: the daemon's host name.
    pub(crate) host_name: Option<String>,
    /// `OperatingSystem`, as a person reads it.
    pub(crate) system: Option<String>,
    /// `MemTotal` in bytes.
    pub(crate) mem_total: Option<u64>,
    /// The engine's version.
    pub(crate) version: Option<String>,
    /// containerd's version.
    pub(crate) containerd: Option<String>,
    /// `SystemTime`: the daemon's clock when it answered.
    pub(crate) system_time: Option<Moment>,
    /// It is Podman that answers.
    pub(crate) podman: bool,
}

impl DaemonFacts {
    /// Of docker's daemon on this machine, without asking it: describing itself costs it the start of
    /// three programs. `server` is the header of any answer, `Docker/28.2.2 (linux)`; its folder is what
    /// its containers' files lie in.
    pub(crate) fn nearby(
        server: &str,
        root_dir: Option<String>,
        cgroup: Option<u8>,
    ) -> Option<Self> {
        let version = server.strip_prefix("Docker/")?.split(' ').next()?;
        Some(Self {
            version: Some(version.to_owned()),
            root_dir: Some(root_dir?),
            cgroup_version: Some(cgroup?.to_string()),
            ..Self::default()
        })
    }

    /// Reads both answers; either may be empty text.
    pub(crate) fn read(info: &str, version: &str) -> Self {
        let info: Value = serde_json::from_str(info).unwrap_or_default();
        let version: Value = serde_json::from_str(version).unwrap_or_default();
        let said = |from: &Value, key: &str| {
            from.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let components = version.get("Components").and_then(Value::as_array);
        let containerd = components.and_then(|all| {
            all.iter().find(|one| one.get("Name").and_then(Value::as_str) == Some("containerd"))
        });
        Self {
            root_dir: said(&info, "DockerRootDir"),
            cgroup_driver: said(&info, "CgroupDriver"),
            cgroup_version: said(&info, "CgroupVersion"),
            kernel: said(&info, "KernelVersion").or_else(|| said(&version, "KernelVersion")),
            host_name: said(&info, "Name"),
            system: said(&info, "OperatingSystem"),
            mem_total: info.get("MemTotal").and_then(Value::as_u64).filter(|bytes| *bytes > 0),
            version: said(&version, "Version").or_else(|| said(&info, "ServerVersion")),
            podman: components.is_some_and(|all| {
                let name = |one: &Value| said(one, "Name").unwrap_or_default();
                all.iter().any(|one| name(one).starts_with("Podman"))
            }),
            containerd: containerd.and_then(|one| said(one, "Version")),
            system_time: said(&info, "SystemTime").as_deref().and_then(Moment::parse),
        }
    }
}

/// One line of `GET /events`, read only as far as finding containers and ages needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventLine {
    /// `Type`: container, network, image …
    pub(crate) kind: String,
    /// `Action`
    pub(crate) action: String,
    /// `Actor.ID`, where it is a container's.
    pub(crate) container: Option<ContainerId>,
    /// `Actor.Attributes.name`
    pub(crate) name: Option<String>,
    /// `timeNano`, else `time`.
    pub(crate) at: Option<Moment>,
}

/// The events of a history; lines that are none are left out.
pub(crate) fn events(text: &str) -> Vec<EventLine> {
    text.lines().filter_map(event).collect()
}

fn event(line: &str) -> Option<EventLine> {
    let event: Value = serde_json::from_str(line).ok()?;
    let said = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let kind = said("/Type").unwrap_or("container").to_owned();
    // Docker before 1.22 wrote `status` and `id` only; Podman writes both spellings.
    let action = said("/Action").or_else(|| said("/status"))?.to_owned();
    let id = said("/Actor/ID").or_else(|| said("/id"));
    let nanos = event.get("timeNano").and_then(Value::as_i64).filter(|nanos| *nanos > 0);
    let seconds = event.get("time").and_then(Value::as_i64);
    let at = match nanos {
        Some(nanos) => Moment::from_nanos(i128::from(nanos)),
        None => seconds.and_then(|seconds| Moment::from_micros(seconds.checked_mul(1_000_000)?)),
    };
    let container = id.filter(|_| kind == "container").and_then(ContainerId::parse);
    let name = said("/Actor/Attributes/name").map(str::to_owned);
    Some(EventLine { kind, action, container, name, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    #[test]
    fn names_lose_their_slash() {
        let text = format!(r#"[{{"Id":"{ID}","Names":["/api","/web/api"]}},{{"Id":"short"}}]"#);
        let all = list(&text).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].names, ["api", "web/api"]);
    }

    #[test]
    fn a_network_event_is_nobodys_container() {
        let text = format!(
            "{{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{{\"ID\":\"{ID}\"}},\"time\":7}}\n\
             not json\n\
             {{\"status\":\"die\",\"id\":\"{ID}\",\"timeNano\":1500000000}}\n"
        );
        let all = events(&text);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].container, None);
        assert_eq!(all[0].at, Moment::from_micros(7_000_000));
        assert_eq!(all[1].container.as_ref().unwrap().as_str(), ID);
        assert_eq!(all[1].at, Moment::from_micros(1_500_000));
    }

    #[test]
    fn a_state_of_another_name_is_not_the_one_that_was_meant() {
        let text = format!(r#"{{"Id":"{ID}","Name":"/api"}}"#);
        for word in ["api", "3fc28f", "3FC2", ID] {
            assert!(meant(&text, word).is_some(), "{word}");
        }
        assert!(meant(&text, "ap").is_none() && meant("<html>", "api").is_none());
    }

    #[test]
    fn an_answer_that_is_no_json_tells_nothing() {
        assert_eq!(DaemonFacts::read("", "<html>"), DaemonFacts::default());
        let facts = DaemonFacts::read(
            r#"{"KernelVersion":"6.1.0","MemTotal":1024,"CgroupDriver":""}"#,
            r#"{"Version":"26.1.5","Components":[{"Name":"Engine","Version":"26.1.5"},{"Name":"containerd","Version":"1.7.24"}]}"#,
        );
        assert_eq!(facts.containerd.as_deref(), Some("1.7.24"));
        assert_eq!(facts.kernel.as_deref(), Some("6.1.0"));
        assert_eq!((facts.mem_total, facts.cgroup_driver), (Some(1024), None));
    }
}
