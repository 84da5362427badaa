//! ECS task definitions → one workload per container: the JSON that is registered, `aws ecs
//! describe-task-definition` output, `AWS::ECS::TaskDefinition` of CloudFormation (capital names; what the
//! CDK synthesises), and `aws_ecs_task_definition` of Terraform as JSON (`*.tf.json`, `terraform show -json`),
//! whose containers are a text of JSON within it.
//!
//! Leans on the API reference, ContainerDefinition: `memory` is a hard limit and `memoryReservation` a soft
//! one, both in MiB; a task's `memory` is MiB or `N GB`, and a cgroup above its containers.

use std::rc::Rc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use crate::tree::Node;
use crate::workload::{Declared, Platform, Scratch, Stated, Variable, Word, Workload};
use crate::yaml;

/// Terraform's type of a task definition.
const TERRAFORM: &str = "aws_ecs_task_definition";

/// The containers of a document, if it holds task definitions; `notes` is told what cannot be read.
pub(crate) fn read(document: &Node, notes: &mut Vec<String>) -> Option<Vec<Workload>> {
    if field(document, "containerDefinitions").is_some() {
        return Some(task(document, notes));
    }
    if let Some(inner) = field(document, "taskDefinition").filter(|node| node.is_map()) {
        return Some(task(inner, notes));
    }
    if is_container_list(document.items()) {
        let one = |container: &Rc<Node>| {
            let mut workload = of(container, None, &Stated::Nothing);
            if workload.limit.is_nothing() {
                workload.limit = Stated::Open(container.place.clone());
            }
            workload
        };
        return Some(document.items().iter().map(one).collect());
    }
    let tasks = definitions(document);
    (!tasks.is_empty()).then(|| tasks.into_iter().flat_map(|it| task(it, notes)).collect())
}

/// The task definitions of a template or a plan.
fn definitions(document: &Node) -> Vec<&Node> {
    let mut found: Vec<&Node> = Vec::new();
    if let Some(resources) = document.field("Resources") {
        let all = resources.entries().filter(|(_, _, it)| {
            it.field("Type").and_then(|node| node.text()) == Some("AWS::ECS::TaskDefinition")
        });
        found.extend(all.filter_map(|(_, _, it)| it.field("Properties").map(Rc::as_ref)));
    }
    for (_, _, one) in document.at(&["resource", TERRAFORM]).iter().flat_map(|it| it.entries()) {
        // One, or a list of them.
        found.extend(one.is_map().then_some(one.as_ref()));
        found.extend(one.items().iter().map(Rc::as_ref));
    }
    // Planned before present: a plan holds both.
    let values = document.field("planned_values").or_else(|| document.field("values"));
    if let Some(root) = values.and_then(|values| values.field("root_module")) {
        in_module(root, &mut found);
    }
    found
}

/// The resources of a module and of those below it; a document is not deeper than its reader allows.
fn in_module<'a>(module: &'a Node, found: &mut Vec<&'a Node>) {
    for resource in module.field("resources").map(|node| node.items()).unwrap_or_default() {
        if resource.field("type").and_then(|node| node.text()) == Some(TERRAFORM) {
            found.extend(resource.field("values").map(Rc::as_ref));
        }
    }
    for child in module.field("child_modules").map(|node| node.items()).unwrap_or_default() {
        in_module(child, found);
    }
}

/// A file for `--container-definitions`: a list of them, without their task, whose memory is not known.
fn is_container_list(items: &[Rc<Node>]) -> bool {
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

fn items<'a>(node: &'a Node, name: &str) -> &'a [Rc<Node>] {
    field(node, name).map(|node| node.items()).unwrap_or_default()
}

fn task(task: &Node, notes: &mut Vec<String>) -> Vec<Workload> {
    let family = field(task, "family").and_then(|node| node.text());
    let shared = amount(task, "memory");
    let mut containers = items(task, "containerDefinitions").to_vec();
    if let Some(text) = task.field("container_definitions") {
        containers.extend(written(text, notes));
    }
    containers.iter().map(|container| of(container, family, &shared)).collect()
}

/// Containers that stand as a text of JSON.
fn written(node: &Node, notes: &mut Vec<String>) -> Vec<Rc<Node>> {
    let text = node.text().unwrap_or_default();
    match yaml::read_within(&node.place, text).ok().as_deref() {
        Some([containers]) if !containers.items().is_empty() => containers.items().to_vec(),
        _ => {
            notes.push(format!(
                "the container definitions on line {} are an expression of Terraform's; what it comes to is in \
                 `terraform show -json PLAN`",
                node.place.line
            ));
            Vec::new()
        }
    }
}

fn of(container: &Node, family: Option<&str>, shared: &Stated) -> Workload {
    let name = field(container, "name");
    let place = name.map_or(&container.place, |node| &node.place).clone();
    let key = name.and_then(|node| node.text()).unwrap_or("?");
    let said = format!("container `{key}` of task `{}`", family.unwrap_or("?"));
    let mut workload = Workload::new(Platform::Ecs, said, place);
    workload.declared =
        Declared { key: key.to_owned(), owner: family.map(str::to_owned), ..Declared::default() };
    workload.limit = amount(container, "memory");
    workload.reserved = amount(container, "memoryReservation");
    workload.shared = shared.clone();
    workload.image = field(container, "image").and_then(|node| node.text()).map(str::to_owned);
    environment(container, &mut workload);
    for list in ["entryPoint", "command"] {
        let all = items(container, list);
        let words = all.iter().filter_map(|node| {
            let text = node.text().filter(|_| !node.is_open())?;
            Some(Word { text: text.to_owned(), place: node.place.clone() })
        });
        let before = workload.command.len();
        workload.command.extend(words);
        let is_whole = workload.command.len() - before == all.len();
        workload.is_command_open |= !is_whole || field(container, list).is_some() && all.is_empty();
        if list == "entryPoint" {
            workload.entrypoint = workload.command.len();
        }
    }
    let paths = items(container, "mountPoints").iter();
    let paths = paths.filter_map(|it| field(it, "containerPath")?.text().map(str::to_owned));
    workload.mounts = paths.collect();
    if let Some(linux) = field(container, "linuxParameters") {
        workload.has_init = field(linux, "initProcessEnabled").is_some_and(Node::is_true);
        workload.scratch = scratch(linux);
    }
    workload
}

fn environment(container: &Node, workload: &mut Workload) {
    for variable in items(container, "environment") {
        let name = field(variable, "name").and_then(|node| node.text());
        let value = field(variable, "value");
        let known = value.filter(|node| !node.is_open()).and_then(|node| node.text());
        match (name, value, known) {
            (Some(name), Some(node), Some(text)) => {
                let (name, place) = (name.to_owned(), node.place.clone());
                workload.environment.push(Variable { name, value: text.to_owned(), place });
            }
            // `{"Ref": …}`
            (Some(name), _, None) => workload.unknown.names.push(name.to_owned()),
            (Some(_), None, Some(_)) => {}
            (None, _, _) => workload.unknown.any = true,
        }
    }
    let secrets = items(container, "secrets").iter();
    let names = secrets.filter_map(|secret| field(secret, "name")?.text());
    workload.unknown.names.extend(names.map(str::to_owned));
    workload.unknown.any |= field(container, "environmentFiles").is_some();
}

fn scratch(linux: &Node) -> Vec<Scratch> {
    let of = |node: &Node, what: String, setting, path: Option<&str>| match amount(node, setting) {
        Stated::At(size, place) => {
            Some(Scratch { what, size, place, setting, path: path.map(str::to_owned) })
        }
        Stated::Nothing | Stated::Open(_) => None,
    };
    let shm = "/dev/shm";
    let shared = of(linux, shm.to_owned(), "sharedMemorySize", Some(shm));
    let mounts = items(linux, "tmpfs").iter().filter_map(|mount| {
        let path = field(mount, "containerPath").and_then(|node| node.text());
        of(mount, format!("the tmpfs at {}", path.unwrap_or("?")), "size", path)
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
