//! ECS task definitions → one workload per container: the JSON that is registered, `aws ecs
//! describe-task-definition` output, and `AWS::ECS::TaskDefinition` of CloudFormation (capital names).
//!
//! Leans on the API reference, ContainerDefinition: `memory` is a hard limit and `memoryReservation` a soft
//! one, both in MiB; a task's `memory` is MiB or `N GB`, and a cgroup above its containers.

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use crate::tree::Node;
use crate::workload::{Platform, Scratch, Stated, Variable, Word, Workload};

/// The containers of a document, if it holds task definitions.
pub(crate) fn read(document: &Node) -> Option<Vec<Workload>> {
    if field(document, "containerDefinitions").is_some() {
        return Some(task(document));
    }
    if let Some(inner) = field(document, "taskDefinition").filter(|node| node.is_map()) {
        return Some(task(inner));
    }
    if is_container_list(document.items()) {
        let one = |container: &std::rc::Rc<Node>| {
            let mut workload = of(container, "?", &Stated::Nothing);
            if workload.limit.is_nothing() {
                workload.limit = Stated::Open(container.place.clone());
            }
            workload
        };
        return Some(document.items().iter().map(one).collect());
    }
    let resources = document.field("Resources")?;
    let definitions = resources.entries().filter(|(_, _, it)| {
        it.field("Type").and_then(|node| node.text()) == Some("AWS::ECS::TaskDefinition")
    });
    let all: Vec<_> = definitions.filter_map(|(_, _, it)| it.field("Properties")).collect();
    (!all.is_empty()).then(|| all.into_iter().flat_map(|it| task(it)).collect())
}

/// A file for `--container-definitions`: a list of them, without their task, whose memory is not known.
fn is_container_list(items: &[std::rc::Rc<Node>]) -> bool {
    let only_here = ["essential", "memoryReservation", "portMappings", "logConfiguration"];
    let has = |one: &Node, name: &str| field(one, name).is_some();
    !items.is_empty()
        && items.iter().all(|one| has(one, "name") && has(one, "image"))
        && items.iter().any(|one| only_here.iter().any(|name| has(one, name)))
}

/// A field in the API's spelling or in CloudFormation's.
fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let found = node.field(name).or_else(|| {
        let mut letters = name.chars();
        let first = letters.next()?.to_ascii_uppercase();
        node.field(&format!("{first}{}", letters.as_str()))
    });
    found.map(|node| node.as_ref()).filter(|node| !node.is_null())
}

fn items<'a>(node: &'a Node, name: &str) -> &'a [std::rc::Rc<Node>] {
    field(node, name).map(|node| node.items()).unwrap_or_default()
}

fn task(task: &Node) -> Vec<Workload> {
    let family = field(task, "family").and_then(|node| node.text()).unwrap_or("?");
    let shared = amount(task, "memory");
    let containers = items(task, "containerDefinitions").iter();
    containers.map(|container| of(container, family, &shared)).collect()
}

fn of(container: &Node, family: &str, shared: &Stated) -> Workload {
    let name = field(container, "name");
    let place = name.map_or(&container.place, |node| &node.place).clone();
    let said = name.and_then(|node| node.text()).unwrap_or("?");
    let said = format!("container `{said}` of task `{family}`");
    let mut workload = Workload::new(Platform::Ecs, said, place);
    workload.limit = amount(container, "memory");
    workload.reserved = amount(container, "memoryReservation");
    workload.shared = shared.clone();
    workload.image = field(container, "image").and_then(|node| node.text()).map(str::to_owned);
    for variable in items(container, "environment") {
        let name = field(variable, "name").and_then(|node| node.text());
        let value = field(variable, "value");
        if let Some((name, value)) = name.zip(value) {
            let (name, place) = (name.to_owned(), value.place.clone());
            let value = value.text().unwrap_or_default().to_owned();
            workload.environment.push(Variable { name, value, place });
        }
    }
    for list in ["entryPoint", "command"] {
        workload.command.extend(items(container, list).iter().filter_map(|node| {
            node.text().map(|text| Word { text: text.to_owned(), place: node.place.clone() })
        }));
    }
    if let Some(linux) = field(container, "linuxParameters") {
        workload.has_init = field(linux, "initProcessEnabled").is_some_and(Node::is_true);
        workload.scratch = scratch(linux);
    }
    workload
}

fn scratch(linux: &Node) -> Vec<Scratch> {
    let of = |node: &Node, what: String, setting| match amount(node, setting) {
        Stated::At(size, place) => Some(Scratch { what, size, place, setting }),
        Stated::Nothing | Stated::Open(_) => None,
    };
    let shared = of(linux, "/dev/shm".to_owned(), "sharedMemorySize");
    let mounts = items(linux, "tmpfs").iter().filter_map(|mount| {
        let path = field(mount, "containerPath").and_then(|node| node.text()).unwrap_or("?");
        of(mount, format!("the tmpfs at {path}"), "size")
    });
    shared.into_iter().chain(mounts).collect()
}

/// MiB, or `2 GB`, `0.5GB`, whose GB are GiB.
fn amount(node: &Node, name: &str) -> Stated {
    let Some(node) = field(node, name) else { return Stated::Nothing };
    let known = node.text().filter(|_| !node.is_open()).and_then(|text| {
        let text = text.trim();
        match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u64>().ok()?.checked_mul(1 << 20).map(Bytes),
            false => parse(text, Dialect::Binary),
        }
    });
    match known {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes, node.place.clone()),
        None => Stated::Open(node.place.clone()),
    }
}
