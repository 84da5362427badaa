//! # ecs-task-memory-only — only the task has a limit, so its containers share one
//!
//! ## What it looks for
//! ECS: a task definition with `memory` at task level and containers without a `memory` of their own; a
//! `memoryReservation` is soft and changes nothing.
//!
//! ## Why it means that
//! The task's memory is a cgroup above the containers'. On cgroup v2 a process cannot see a limit that sits there:
//! Node.js, the JVM and .NET size their heaps by the machine. And whichever container grows fills the limit of all; the
//! kernel's victim may be a sidecar. With a hard limit per container each dies by its own.
//!
//! ## What would speak against it
//! - One container in the task, whose runtime has its ceiling set by hand.
//! - cgroup v1, where the JVM and .NET 9 still find the limit of a parent.
//!
//! ## Example
//! ```json
//! { "memory": "1024", "containerDefinitions": [ { "name": "app", "image": "shop/api" } ] }
//! ```
//!
//! ## References
//! - ECS API reference, TaskDefinition and ContainerDefinition; kernel documentation, cgroup-v2

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::{Platform, Workload};

pub(super) const RULE: Rule = Rule {
    id: "ecs-task-memory-only",
    title: "only the task has a limit, so its containers share one",
    file: include_str!("ecs_task_memory_only.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    if workload.platform != Platform::Ecs
        || !workload.limit.is_nothing()
        || workload.shared.is_nothing()
    {
        return Vec::new();
    }
    let name = &workload.name;
    let task = match workload.shared.bytes() {
        Some(bytes) => format!("the task's {bytes}"),
        None => "the task's memory".to_owned(),
    };
    let soft = match workload.reserved.bytes() {
        Some(bytes) => format!(" (its reservation of {bytes} is soft)"),
        None => String::new(),
    };
    vec![Wrong {
        level: Level::Warning,
        place: workload.place.clone(),
        message: format!(
            "{name} has no limit of its own{soft}: {task} is a cgroup above it, which it cannot see on cgroup v2, and \
             shares with the task's other containers"
        ),
        instead: "`\"memory\":` (MiB) in the container definition; all of them together within the task's".to_owned(),
    }]
}
