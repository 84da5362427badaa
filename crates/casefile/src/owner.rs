//! What a cgroup's path belongs to, in the words of whoever made it: a container, a service, a
//! login session, an LXC container, a virtual machine.
//!
//! Read from names alone, which are conventions: systemd units (systemd.unit(5)), LXC and Incus
//! (`lxc.payload.NAME`, lxc `src/lxc/cgroups/cgfsng.c`), systemd-nspawn and libvirt
//! (`machine-NAME.scope`), containerd (`/NAMESPACE/NAME`), Kata (`kata_overhead`), Slurm, BuildKit.
//! A path that follows none of them has no owner; nothing is guessed.

use std::fmt;

use crate::{CgroupPath, ContainerId};

/// What kind of thing a cgroup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKind {
    /// A container of Docker, Podman, CRI-O, containerd: its name is its id.
    Container,
    /// A container of containerd that has a name, not a hexadecimal id (`ctr run`).
    Containerd,
    /// An LXC container, also of Incus and LXD.
    Lxc,
    /// The process that starts and watches an LXC container, outside of it.
    LxcMonitor,
    /// A systemd-nspawn container.
    Nspawn,
    /// A virtual machine (libvirt), or the sandbox of a Kata container.
    VirtualMachine,
    /// A Kubernetes pod; its name is its uid.
    Pod,
    /// An ECS task; its name is its id.
    EcsTask,
    /// A step of an image build (BuildKit).
    BuildStep,
    /// A systemd service.
    Service,
    /// A systemd scope.
    Scope,
    /// A login session.
    Session,
    /// All of one user's processes.
    User,
    /// A systemd slice.
    Slice,
    /// A Slurm job.
    SlurmJob,
}

/// The owner of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What kind of thing it is.
    pub kind: OwnerKind,
    /// Its name, as its own tools write it.
    pub name: String,
    /// The user whose manager it belongs to, where it is not the system's.
    pub user: Option<u32>,
    /// The container or machine around it.
    pub within: Option<Box<Self>>,
}

impl Owner {
    /// A container or machine: a boundary that services inside it do not move.
    pub fn is_container(&self) -> bool {
        match self.kind {
            OwnerKind::Container
            | OwnerKind::Containerd
            | OwnerKind::Lxc
            | OwnerKind::Nspawn
            | OwnerKind::VirtualMachine => true,
            OwnerKind::LxcMonitor
            | OwnerKind::Pod
            | OwnerKind::EcsTask
            | OwnerKind::BuildStep
            | OwnerKind::Service
            | OwnerKind::Scope
            | OwnerKind::Session
            | OwnerKind::User
            | OwnerKind::Slice
            | OwnerKind::SlurmJob => false,
        }
    }

    /// A unit that holds processes itself.
    fn is_unit(&self) -> bool {
        matches!(self.kind, OwnerKind::Service | OwnerKind::Scope | OwnerKind::Session)
    }
}

impl fmt::Display for Owner {
    /// `the service api.service`, `the LXC container web`, `the service sync.service of user 1000`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            OwnerKind::Container => {
                let short: String = name.chars().take(12).collect();
                write!(out, "the container {short}")?;
            }
            OwnerKind::Containerd => write!(out, "the containerd container {name}")?,
            OwnerKind::Lxc => write!(out, "the LXC container {name}")?,
            OwnerKind::LxcMonitor => write!(out, "the monitor of the LXC container {name}")?,
            OwnerKind::Nspawn => write!(out, "the nspawn container {name}")?,
            OwnerKind::VirtualMachine => write!(out, "the virtual machine {name}")?,
            OwnerKind::Pod => write!(out, "the pod {name}")?,
            OwnerKind::EcsTask => write!(out, "the ECS task {name}")?,
            OwnerKind::BuildStep => out.write_str("a step of an image build")?,
            OwnerKind::Service => write!(out, "the service {name}")?,
            OwnerKind::Scope => write!(out, "the scope {name}")?,
            OwnerKind::Session => write!(out, "the login session {name}")?,
            OwnerKind::User => write!(out, "the processes of user {name}")?,
            OwnerKind::Slice => write!(out, "the slice {name}")?,
            OwnerKind::SlurmJob => write!(out, "the Slurm job {name}")?,
        }
        if let Some(user) = self.user {
            write!(out, " of user {user}")?;
        }
        match &self.within {
            Some(around) => write!(out, " in {around}"),
            None => Ok(()),
        }
    }
}

/// An owner and the cgroup it begins at, as its place among the path's names.
struct Layer {
    owner: Owner,
    /// How many names lead to it.
    depth: usize,
}

impl CgroupPath {
    /// Whose cgroup this is: the innermost thing that has a name, and the container around it.
    pub fn owner(&self) -> Option<Owner> {
        let mut layers = self.layers();
        let inner = layers.pop()?.owner;
        let around = layers.into_iter().rev().map(|layer| layer.owner).find(Owner::is_container);
        // A container is named by itself: the machine around it is where, not whose.
        let within = around.filter(|around| *around != inner && !inner.is_container());
        Some(Owner { within: within.map(Box::new), ..inner })
    }

    /// The cgroup whose limit a person would call the subject's own: the innermost container's,
    /// whatever runs in it; without a container the innermost service's, scope's or session's.
    pub fn boundary(&self) -> Option<Self> {
        if let Some(container) = self.container() {
            return Some(container);
        }
        let layers = self.layers();
        let container = layers.iter().rfind(|layer| layer.owner.is_container());
        let layer = container.or_else(|| layers.iter().rfind(|layer| layer.owner.is_unit()))?;
        Some(self.upper(layer.depth))
    }

    /// The first `depth` names.
    fn upper(&self, depth: usize) -> Self {
        let names: Vec<&str> = self.names().take(depth).collect();
        Self::parse(&format!("/{}", names.join("/"))).unwrap_or_else(|| self.clone())
    }

    fn layers(&self) -> Vec<Layer> {
        let names: Vec<&str> = self.names().collect();
        let mut layers: Vec<Layer> = Vec::new();
        let mut user = None;
        for (at, name) in names.iter().enumerate() {
            let above = at.checked_sub(1).and_then(|above| names.get(above)).copied();
            if let Some(uid) = uid_of(name) {
                user = Some(uid);
            }
            let Some(owner) = layer(name, above, at) else { continue };
            // Inside a container its own system counts users from new.
            user = user.filter(|_| !owner.is_container());
            // What a user's own slice and manager are called is said by the user's number.
            let user = match owner.kind {
                OwnerKind::User => None,
                _ if uid_of(name).is_some() => None,
                _ => user,
            };
            layers.push(Layer { owner: Owner { user, ..owner }, depth: at + 1 });
        }
        layers
    }
}

/// What one name of a path says, with the name above it and its place.
fn layer(name: &str, above: Option<&str>, at: usize) -> Option<Owner> {
    let owner =
        |kind, name: &str| Some(Owner { kind, name: name.to_owned(), user: None, within: None });
    if name.contains("conmon") {
        return unit(name);
    }
    if let Some(id) = own_container_id(name) {
        let kata = above == Some("kata_overhead");
        let kind = if kata { OwnerKind::VirtualMachine } else { OwnerKind::Container };
        return owner(kind, id.as_str());
    }
    if let Some(inner) = name.strip_prefix("lxc.payload.") {
        return owner(OwnerKind::Lxc, inner);
    }
    if let Some(inner) = name.strip_prefix("lxc.monitor.") {
        return owner(OwnerKind::LxcMonitor, inner);
    }
    match above {
        Some("lxc.payload" | "lxc") => return owner(OwnerKind::Lxc, name),
        Some("lxc.monitor") => return owner(OwnerKind::LxcMonitor, name),
        Some("ecs") => return owner(OwnerKind::EcsTask, name),
        Some("buildkit") => return owner(OwnerKind::BuildStep, name),
        // The default namespace of containerd's own tools, at the root only.
        Some("default") if at == 1 => return owner(OwnerKind::Containerd, name),
        _ => {}
    }
    if let Some(uid) = pod_uid(name) {
        return owner(OwnerKind::Pod, &uid);
    }
    if let Some(task) = name.strip_prefix("ecstasks-").and_then(|it| it.strip_suffix(".slice")) {
        return owner(OwnerKind::EcsTask, task);
    }
    if let Some(job) = name.strip_prefix("job_").filter(|job| is_number(job)) {
        return owner(OwnerKind::SlurmJob, job);
    }
    machine(name).or_else(|| unit(name))
}

/// systemd-machined's scopes and nspawn's services.
fn machine(name: &str) -> Option<Owner> {
    let owner = |kind, name: String| Some(Owner { kind, name, user: None, within: None });
    let nspawn = name.strip_prefix("systemd-nspawn@").and_then(|it| it.strip_suffix(".service"));
    if let Some(inner) = nspawn {
        return owner(OwnerKind::Nspawn, unescaped(inner));
    }
    let inner = name.strip_prefix("machine-").and_then(|it| it.strip_suffix(".scope"))?;
    let inner = unescaped(inner);
    // libvirt: `qemu-3-NAME`, `lxc-3-NAME`.
    let numbered = |prefix: &str| {
        let (number, name) = inner.strip_prefix(prefix)?.split_once('-')?;
        is_number(number).then(|| name.to_owned())
    };
    if let Some(name) = numbered("qemu-") {
        return owner(OwnerKind::VirtualMachine, name);
    }
    if let Some(name) = numbered("lxc-") {
        return owner(OwnerKind::Lxc, name);
    }
    owner(OwnerKind::Nspawn, inner)
}

fn unit(name: &str) -> Option<Owner> {
    let owner =
        |kind, name: &str| Some(Owner { kind, name: name.to_owned(), user: None, within: None });
    if name.ends_with(".service") {
        return owner(OwnerKind::Service, name);
    }
    if let Some(stem) = name.strip_suffix(".scope") {
        return match stem.strip_prefix("session-") {
            Some(session) => owner(OwnerKind::Session, session),
            None => owner(OwnerKind::Scope, name),
        };
    }
    let stem = name.strip_suffix(".slice")?;
    match stem.strip_prefix("user-").filter(|uid| is_number(uid)) {
        Some(uid) => owner(OwnerKind::User, uid),
        None => owner(OwnerKind::Slice, name),
    }
}

/// `user-1000.slice`, `user@1000.service`.
fn uid_of(name: &str) -> Option<u32> {
    let slice = name.strip_prefix("user-").and_then(|it| it.strip_suffix(".slice"));
    let manager = || name.strip_prefix("user@").and_then(|it| it.strip_suffix(".service"));
    slice.or_else(manager)?.parse().ok()
}

/// The container's id, if this one name carries it.
fn own_container_id(name: &str) -> Option<ContainerId> {
    CgroupPath::parse(&format!("/{name}"))?.container_id()
}

fn pod_uid(name: &str) -> Option<String> {
    CgroupPath::parse(&format!("/{name}"))?.pod_uid()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// systemd writes what a unit's name may not hold as `\x2d` and the like (systemd-escape(1)).
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        plain.push_str(before);
        let digits = after.get(..2);
        let letter = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match letter.filter(|byte| byte.is_ascii_graphic()) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                plain.push_str("\\x");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn said(path: &str) -> Option<String> {
        CgroupPath::parse(path).unwrap().owner().map(|owner| owner.to_string())
    }

    fn boundary(path: &str) -> Option<String> {
        CgroupPath::parse(path).unwrap().boundary().map(|path| path.to_string())
    }

    #[test]
    fn every_kind_of_place_is_named_as_its_own_tools_name_it() {
        for (path, words) in [
            ("/system.slice/api.service", "the service api.service"),
            (
                "/system.slice/system-getty.slice/getty@tty1.service",
                "the service getty@tty1.service",
            ),
            ("/user.slice/user-1000.slice/session-3.scope", "the login session 3 of user 1000"),
            ("/user.slice/user-1000.slice", "the processes of user 1000"),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/sync.service",
                "the service sync.service of user 1000",
            ),
            ("/user.slice/user-7.slice/user@7.service/app.slice", "the slice app.slice of user 7"),
            ("/lxc.payload.web", "the LXC container web"),
            ("/lxc/web/ns", "the LXC container web"),
            ("/lxc.monitor.web", "the monitor of the LXC container web"),
            ("/machine.slice/machine-web\\x2d1.scope/payload", "the nspawn container web-1"),
            ("/machine.slice/systemd-nspawn@db.service/payload", "the nspawn container db"),
            ("/machine.slice/machine-qemu\\x2d3\\x2dvm\\x2d1.scope", "the virtual machine vm-1"),
            (
                "/lxc.payload.web/system.slice/nginx.service",
                "the service nginx.service in the LXC container web",
            ),
            ("/default/redis", "the containerd container redis"),
            ("/docker/buildkit/k2m3", "a step of an image build"),
            ("/slurm/uid_1000/job_42/step_0/task_0", "the Slurm job 42"),
            ("/ecs/9781c248-0edd", "the ECS task 9781c248-0edd"),
        ] {
            assert_eq!(said(path).as_deref(), Some(words), "{path}");
        }
        assert_eq!(said(&format!("/docker/{ID}/w")).unwrap(), "the container 3fc28fa1c647");
        let nerdctl = format!("/system.slice/nerdctl-{ID}.scope");
        assert_eq!(said(&nerdctl).unwrap(), "the container 3fc28fa1c647");
        let kata = format!("/kata_overhead/{ID}");
        assert_eq!(said(&kata).unwrap(), format!("the virtual machine {ID}"));
        for nobody in ["/", "/docker", "/mine/worker", "/process_api/e792"] {
            assert_eq!(said(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn a_containers_own_limit_is_the_one_around_everything_in_it() {
        for (path, own) in [
            ("/lxc.payload.web/system.slice/nginx.service", "/lxc.payload.web"),
            (
                "/machine.slice/machine-web.scope/payload/init.scope",
                "/machine.slice/machine-web.scope",
            ),
            ("/system.slice/api.service/workers/1", "/system.slice/api.service"),
            (
                "/user.slice/user-7.slice/user@7.service/app.slice/sync.service",
                "/user.slice/user-7.slice/user@7.service/app.slice/sync.service",
            ),
        ] {
            assert_eq!(boundary(path).as_deref(), Some(own), "{path}");
        }
        let nested = format!("/lxc.payload.web/docker/{ID}/w");
        assert_eq!(boundary(&nested).unwrap(), format!("/lxc.payload.web/docker/{ID}"));
        assert_eq!(boundary("/mine/worker"), None);
    }

    #[test]
    fn escapes_that_are_none_stay_as_they_are() {
        assert_eq!(unescaped("a\\x2db"), "a-b");
        assert_eq!(unescaped("a\\xzzb\\x"), "a\\xzzb\\x");
        assert_eq!(unescaped("\\x1b\\xé"), "\\x1b\\xé");
    }
}
