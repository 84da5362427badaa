//! ECS task definitions: one subject per container, in the API's spelling or CloudFormation's (capital names).
//!
//! Leans on the API reference, ContainerDefinition: `memory` is a hard limit in MiB.

use std::rc::Rc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use super::environment::{self, Names};
use super::{Found, Stated, Subject, Wish, against, words};
use crate::document::Node;
use crate::edit::{Editor, New, Refused};

const PLAIN: Names = Names { list: "environment", name: "name", value: "value" };
const CAPITAL: Names = Names { list: "Environment", name: "Name", value: "Value" };

pub(super) fn is_task(document: &Node) -> bool {
    let mut all = Vec::new();
    find(document, Vec::new(), &mut all);
    !all.is_empty()
}

pub(super) fn find<'a>(document: &'a Node, path: Vec<String>, all: &mut Vec<Found<'a>>) {
    let mut lists: Vec<Found<'a>> = Vec::new();
    for names in [&["containerDefinitions"][..], &["taskDefinition", "containerDefinitions"]] {
        lists.extend(Found::below(document, &path, names));
    }
    let resources = document.field("Resources").map(|node| node.fields()).unwrap_or_default();
    for (name, resource) in resources {
        let kind = resource.field("Type").and_then(|node| node.text());
        if kind == Some("AWS::ECS::TaskDefinition") {
            let path: Vec<String> =
                path.iter().cloned().chain(["Resources".to_owned(), name.to_owned()]).collect();
            lists.extend(Found::below(resource, &path, &["Properties", "ContainerDefinitions"]));
        }
    }
    if is_container_list(document.items()) {
        lists.push(Found { node: document, path, below: Vec::new() });
    }
    for list in lists {
        for (at, node) in list.node.items().iter().enumerate().filter(|(_, node)| node.is_map()) {
            let path = list.path.iter().cloned().chain([at.to_string()]).collect();
            all.push(Found { node, path, below: Vec::new() });
        }
    }
}

/// A file for `--container-definitions`.
fn is_container_list(items: &[Rc<Node>]) -> bool {
    let only_here = ["essential", "memoryReservation", "portMappings", "logConfiguration"];
    !items.is_empty()
        && items.iter().all(|one| one.field("name").is_some() && one.field("image").is_some())
        && items.iter().any(|one| only_here.iter().any(|name| one.field(name).is_some()))
}

/// CloudFormation's names begin with a capital.
fn has_capitals(container: &Node) -> bool {
    container.own("Name").is_some() || container.own("Image").is_some()
}

fn field<'a>(node: &'a Node, name: &str, capital: &str) -> Option<&'a Rc<Node>> {
    node.field(name).or_else(|| node.field(capital)).filter(|node| !node.is_null())
}

pub(super) fn subject(found: &Found<'_>, documents: &[Rc<Node>]) -> Subject {
    let container = found.node;
    let said = |name, capital| field(container, name, capital).and_then(|node| node.text());
    let command = [("entryPoint", "EntryPoint"), ("command", "Command")].into_iter();
    let command = command
        .flat_map(|(name, capital)| words::of(field(container, name, capital).map(AsRef::as_ref)));
    let own = amount(field(container, "memory", "Memory").map(AsRef::as_ref));
    let task = task(found, documents);
    let shared = amount(task.and_then(|task| field(task, "memory", "Memory")).map(AsRef::as_ref));
    let containers =
        task.and_then(|task| field(task, "containerDefinitions", "ContainerDefinitions"));
    let others = containers.map_or(0, |node| node.items().len());
    Subject {
        name: said("name", "Name").unwrap_or_default().to_owned(),
        owner: task.and_then(|task| field(task, "family", "Family")?.text()).map(str::to_owned),
        image: said("image", "Image").map(str::to_owned),
        command: command.collect(),
        environment: environment::read(container, names(container)),
        limit: if own == Stated::Nothing { shared } else { own },
        is_shared: own == Stated::Nothing && shared != Stated::Nothing && others > 1,
        cpus: None,
        remarks: Vec::new(),
    }
}

/// The task that the container is in: two steps above it.
fn task<'a>(found: &Found<'_>, documents: &'a [Rc<Node>]) -> Option<&'a Node> {
    let (first, rest) = found.path.split_first()?;
    let mut node: &Node = documents.get(first.parse::<usize>().ok()?)?;
    for name in rest.get(..rest.len().checked_sub(2)?)? {
        node = node.field(name)?;
    }
    Some(node)
}

fn names(container: &Node) -> Names {
    if has_capitals(container) { CAPITAL } else { PLAIN }
}

/// MiB, or `2 GB`, whose GB are GiB.
fn amount(node: Option<&Node>) -> Stated {
    let Some(node) = node else { return Stated::Nothing };
    let known = node.text().and_then(|text| match text.trim().parse::<u64>() {
        Ok(number) => number.checked_mul(1 << 20).map(Bytes),
        Err(_) => parse(text, Dialect::Binary),
    });
    match known {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes),
        None => Stated::Open,
    }
}

pub(super) fn edit(editor: &mut Editor<'_>, found: &Found<'_>, wish: &Wish) -> Result<(), Refused> {
    let container = found.node;
    let capitals = has_capitals(container);
    if let Some(limit) = wish.limit {
        if !limit.0.is_multiple_of(1 << 20) {
            return Err(Refused(format!("a task definition counts in whole MiB, {limit} is none")));
        }
        // The service refuses these.
        let reserved = field(container, "memoryReservation", "MemoryReservation");
        let reserved = amount(reserved.map(AsRef::as_ref));
        against(reserved, |reserved, limit| reserved >= limit, limit, "its memoryReservation")?;
        let number = (limit.0 >> 20).to_string();
        let name = if capitals { "Memory" } else { "memory" };
        match container.own(name).filter(|entry| !entry.value.is_null()) {
            Some(entry) => editor.set(&entry.value, &number)?,
            None => {
                let entry = (name.to_owned(), New::Raw(number));
                editor.add_entries(container, &["image", "Image"], &[entry])?;
            }
        }
    }
    environment::set(editor, container, names(container), &wish.variables)?;
    let own = |name: &str| container.own(name).map(|entry| entry.value.as_ref());
    let lists = ["command", "Command", "entryPoint", "EntryPoint"];
    let places: Vec<&Node> = lists.into_iter().filter_map(own).collect();
    words::replace(editor, &places, &wish.words)?;
    let names = if capitals { ("EntryPoint", "Command") } else { ("entryPoint", "command") };
    match &wish.options {
        Some(options) => words::append(editor, found, names, options),
        None => Ok(()),
    }
}
