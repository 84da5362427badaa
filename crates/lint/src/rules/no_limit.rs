//! # no-limit — nothing but the machine bounds the memory
//!
//! ## What it looks for
//! - Compose: a service with neither `mem_limit` nor `deploy.resources.limits.memory`; `0` is none.
//! - Kubernetes: a container without `resources.limits.memory`, in a pod without `spec.resources`.
//! - ECS: a container without `memory` in a task without `memory`.
//!
//! ## Why it means that
//! Without a limit the machine's memory is the limit. When it is full the kernel chooses among all processes
//! of the machine by their size and `oom_score_adj`: the one that grew need not be the one that dies. A
//! reservation or a request protects nothing of this kind: `mem_reservation`, `requests` and
//! `memoryReservation` never stop a process.
//!
//! ## What would speak against it
//! - A limit that the file does not show: a LimitRange of the namespace, a parent cgroup, a systemd slice.
//! - A machine that is there for this one service.
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     image: shop/api:1.4        # no mem_limit
//! ```
//!
//! ## References
//! - Kernel documentation, cgroup-v2, `memory.max`; Compose specification, `mem_limit`; Kubernetes, "Resource
//!   Management for Pods and Containers"; ECS API reference, ContainerDefinition

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::{Platform, Workload};

pub(super) const RULE: Rule = Rule {
    id: "no-limit",
    title: "nothing but the machine bounds the memory",
    file: include_str!("no_limit.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let instead = match workload.platform {
        Platform::Compose => "`mem_limit:` with what it was measured to need",
        Platform::Kubernetes => "`resources.limits.memory:` with what it was measured to need",
        Platform::Ecs => {
            "`\"memory\":` (MiB) in the container definition, with what it was measured to need"
        }
        // An image has no limit; whoever runs it sets one.
        Platform::Dockerfile => return Vec::new(),
    };
    if !workload.limit.is_nothing() || !workload.shared.is_nothing() {
        return Vec::new();
    }
    let name = &workload.name;
    let message = match workload.reserved.bytes() {
        Some(reserved) => format!(
            "{name} has no memory limit: the {reserved} that are reserved stop nothing; if the machine's \
             memory runs out, the kernel picks its victim among all of the machine"
        ),
        None => format!(
            "{name} has no memory limit: only the machine's memory stops it, and then the kernel picks \
             its victim among all of the machine"
        ),
    };
    vec![Wrong {
        level: Level::Warning,
        place: workload.place.clone(),
        message,
        instead: instead.to_owned(),
    }]
}
