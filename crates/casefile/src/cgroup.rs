//! Cgroup paths and container ids: whose limit, whose process.
//!
//! Paths are absolute from the root of the hierarchy, as the kernel prints them in `oom_memcg=`
//! and `task_memcg=` (mm/oom_kill.c, `dump_header`), never relative to a cgroup namespace.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A container's id as runtimes write it: 64 hexadecimal digits, or a prefix of at least 12.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContainerId(String);

impl ContainerId {
    /// Accepts `docker://ID`, `containerd://ID`, `cri-o://ID`, `sha256:`-less bare ids.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.trim().rsplit("://").next()?;
        let hex = (12..=64).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(bare.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two spellings of one container: one is a prefix of the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// How one cgroup stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same cgroup.
    Same,
    /// The other lies below this one.
    Above,
    /// This one lies below the other.
    Below,
    /// Neither contains the other.
    Apart,
}

/// The path of a cgroup, absolute in its hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CgroupPath(String);

impl CgroupPath {
    /// Any text that starts with `/`; a trailing `/` is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let kept = if text.len() > 1 { text.trim_end_matches('/') } else { text };
        kept.starts_with('/').then(|| Self(kept.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `/`: the whole machine.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The names from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The cgroup above; `None` above the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let (above, _) = self.as_str().rsplit_once('/')?;
        Self::parse(if above.is_empty() { "/" } else { above })
    }

    /// The last name, or `/`.
    pub fn name(&self) -> &str {
        self.names().next_back().unwrap_or("/")
    }

    /// How `self` stands to `other`: `/pod` is [`Relation::Above`] `/pod/abc`.
    pub fn relation(&self, other: &Self) -> Relation {
        if self.0 == other.0 {
            return Relation::Same;
        }
        let below = |low: &Self, high: &Self| {
            high.is_root()
                || low.0.strip_prefix(high.0.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if below(other, self) {
            Relation::Above
        } else if below(self, other) {
            Relation::Below
        } else {
            Relation::Apart
        }
    }

    /// The container this cgroup belongs to: the deepest name that carries a container id.
    /// `/docker/ID`, `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`,
    /// `libpod-ID.scope`, `/kubepods/…/podUID/ID`, `/ecs/TASK/ID`; names below the id are nested.
    pub fn container_id(&self) -> Option<ContainerId> {
        self.names().rev().find_map(|name| {
            let stem = name.strip_suffix(".scope").unwrap_or(name);
            let id = stem.rsplit(['-', ':']).next().unwrap_or(stem);
            let id = ContainerId::parse(id).filter(|id| id.as_str().len() == 64)?;
            // conmon's own scope carries the container's id, yet is not the container.
            (!stem.contains("conmon")).then_some(id)
        })
    }

    /// The cgroup of the container itself, without what is nested below it.
    pub fn container(&self) -> Option<Self> {
        let id = self.container_id()?;
        let end = self.0.find(id.as_str())? + id.as_str().len();
        let rest = self.0.get(end..)?;
        let end = end + rest.find('/').unwrap_or(rest.len());
        self.0.get(..end).map(|path| Self(path.to_owned()))
    }

    /// A unit's cgroup by the slice it is in. systemd nests slices by their dashes: `a-b.slice` is
    /// `/a.slice/a-b.slice`, `-.slice` is the root; a slice is its own place.
    pub fn of_unit(unit: &str, slice: &str) -> Option<Self> {
        let is_slice = unit.ends_with(".slice");
        let stem = if is_slice { unit } else { slice }.strip_suffix(".slice")?;
        let mut path = String::new();
        let mut prefix = String::new();
        for part in stem.split('-').filter(|part| !part.is_empty()) {
            prefix = if prefix.is_empty() { part.to_owned() } else { format!("{prefix}-{part}") };
            path.push_str(&format!("/{prefix}.slice"));
        }
        if !is_slice {
            path.push_str(&format!("/{unit}"));
        }
        Self::parse(&path)
    }

    /// This path below another: `/system.slice/x` below `/lxc` is `/lxc/system.slice/x`.
    pub fn below(&self, root: &Self) -> Self {
        if root.is_root() { self.clone() } else { Self(format!("{}{}", root.0, self.0)) }
    }

    /// The pod's uid, written with `-`, from `kubepods-burstable-podUID.slice` or `/podUID/`.
    pub fn pod_uid(&self) -> Option<String> {
        self.names().find_map(|name| {
            let stem = name.strip_suffix(".slice").unwrap_or(name);
            let uid = stem.rsplit_once("pod").map(|(_, uid)| uid)?;
            let shape = uid.len() >= 32
                && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-' || b == b'_');
            shape.then(|| uid.replace('_', "-"))
        })
    }
}

impl fmt::Display for CgroupPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    #[test]
    fn every_runtimes_spelling_names_its_container() {
        for text in [
            format!("/docker/{ID}"),
            format!("/system.slice/docker-{ID}.scope/inner/worker"),
            format!("/kubepods.slice/kubepods-burstable.slice/x.slice/cri-containerd-{ID}.scope"),
            format!("/kubepods/burstable/pod35393d36-d6bf-435b-8e2c-fc096e60d3bb/{ID}"),
            format!("/machine.slice/libpod-{ID}.scope/container"),
            format!("/ecs/9781c248-0edd-4cdb-9a93-f63cb662a5d3/{ID}"),
            format!("/kubepods-pod1.slice:cri-containerd:{ID}"),
        ] {
            assert_eq!(path(&text).container_id().unwrap().as_str(), ID, "{text}");
        }
        assert_eq!(path(&format!("/machine.slice/libpod-conmon-{ID}.scope")).container_id(), None);
        assert_eq!(path("/user.slice/user-1000.slice").container_id(), None);
        let nested = path(&format!("/docker/{ID}/w/1"));
        assert_eq!(nested.container().unwrap().as_str(), format!("/docker/{ID}"));
    }

    #[test]
    fn a_name_that_only_begins_alike_is_not_an_ancestor() {
        assert_eq!(path("/a").relation(&path("/a/b")), Relation::Above);
        assert_eq!(path("/a/b").relation(&path("/a")), Relation::Below);
        assert_eq!(path("/a").relation(&path("/ab")), Relation::Apart);
        assert_eq!(path("/").relation(&path("/ab")), Relation::Above);
        assert_eq!(path("/a/").relation(&path("/a")), Relation::Same);
    }

    #[test]
    fn a_units_place_follows_from_its_slice() {
        let of = |unit: &str, slice: &str| CgroupPath::of_unit(unit, slice).unwrap().to_string();
        assert_eq!(of("api.service", "system.slice"), "/system.slice/api.service");
        assert_eq!(of("w@1.service", "system-w.slice"), "/system.slice/system-w.slice/w@1.service");
        assert_eq!(of("web-prod.slice", "web.slice"), "/web.slice/web-prod.slice");
        assert_eq!(of("init.scope", "-.slice"), "/init.scope");
        assert_eq!(CgroupPath::of_unit("api.service", ""), None);
        assert_eq!(path("/a").below(&path("/b")).as_str(), "/b/a");
        assert_eq!(path("/a").below(&path("/")).as_str(), "/a");
    }

    #[test]
    fn a_pods_uid_is_read_in_both_drivers_spellings() {
        let systemd = "/kubepods.slice/kubepods-pod58dc1221_d430_496e_951d_e8cb23caaead.slice";
        assert_eq!(path(systemd).pod_uid().unwrap(), "58dc1221-d430-496e-951d-e8cb23caaead");
        let cgroupfs = "/kubepods/burstable/pod35393d36-d6bf-435b-8e2c-fc096e60d3bb/x";
        assert_eq!(path(cgroupfs).pod_uid().unwrap(), "35393d36-d6bf-435b-8e2c-fc096e60d3bb");
    }
}
