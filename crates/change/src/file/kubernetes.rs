//! Kubernetes manifests: one subject per container.
//!
//! Leans on the API reference, core/v1 PodSpec and Container.

use std::rc::Rc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use super::environment::{self, Names};
use super::{Found, Stated, Subject, Wish, against, thousandths, words};
use crate::document::Node;
use crate::edit::{Editor, New, Refused};
use crate::sizes::kubernetes_size;

const NAMES: Names = Names { list: "env", name: "name", value: "value" };

pub(super) fn is_manifest(document: &Node) -> bool {
    document.field("apiVersion").is_some() && document.field("kind").is_some()
}

pub(super) fn find<'a>(document: &'a Node, path: Vec<String>, all: &mut Vec<Found<'a>>) {
    let kind = document.field("kind").and_then(|node| node.text()).unwrap_or_default();
    if kind.ends_with("List") {
        let items = document.field("items").map(|node| node.items()).unwrap_or_default();
        for (at, item) in items.iter().enumerate() {
            let path = path.iter().cloned().chain(["items".to_owned(), at.to_string()]).collect();
            find(item, path, all);
        }
        return;
    }
    let paths: [&[&str]; 4] = [
        &["spec", "jobTemplate", "spec", "template", "spec"],
        &["spec", "template", "spec"],
        &["template", "spec"],
        &["spec"],
    ];
    let spec = paths.iter().find_map(|names| {
        Found::below(document, &path, names).filter(|it| it.node.field("containers").is_some())
    });
    let Some(spec) = spec else { return };
    for list in ["initContainers", "containers"] {
        let items = spec.node.field(list).map(|node| node.items()).unwrap_or_default();
        for (at, node) in items.iter().enumerate().filter(|(_, node)| node.is_map()) {
            let path = spec.path.iter().cloned().chain([list.to_owned(), at.to_string()]).collect();
            all.push(Found { node, path, below: Vec::new() });
        }
    }
}

pub(super) fn subject(found: &Found<'_>, documents: &[Rc<Node>]) -> Subject {
    let container = found.node;
    let said = |path: &[&str]| container.at(path).and_then(|node| node.text());
    let command = ["command", "args"]
        .into_iter()
        .flat_map(|name| words::of(container.field(name).map(AsRef::as_ref)));
    let mut remarks = Vec::new();
    if container.field("envFrom").is_some_and(|node| !node.is_null()) {
        remarks.push(
            "its envFrom is not read: variables in it count where the file says nothing".to_owned(),
        );
    }
    let own = amount(container, "limits");
    let pod = pod(found, documents);
    let shared = pod.map_or(Stated::Nothing, |pod| amount(pod, "limits"));
    let limit = if own == Stated::Nothing { shared } else { own };
    let others = pod.and_then(|pod| pod.field("containers")).map_or(0, |node| node.items().len());
    let is_shared = own == Stated::Nothing && shared != Stated::Nothing && others > 1;
    Subject {
        name: said(&["name"]).unwrap_or_default().to_owned(),
        owner: owner(found, documents),
        image: said(&["image"]).map(str::to_owned),
        command: command.collect(),
        environment: environment::read(container, NAMES),
        limit,
        is_shared,
        cpus: said(&["resources", "limits", "cpu"]).and_then(thousandths),
        remarks,
    }
}

/// The memory that a container's or a pod's resources say.
fn amount(node: &Node, which: &str) -> Stated {
    let Some(node) = node.at(&["resources", which, "memory"]).filter(|it| !it.is_null()) else {
        return Stated::Nothing;
    };
    match node.text().and_then(|text| parse(text, Dialect::Kubernetes)) {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes),
        None => Stated::Open,
    }
}

/// The pod's specification, which the container is in: two steps above it.
fn pod<'a>(found: &Found<'_>, documents: &'a [Rc<Node>]) -> Option<&'a Node> {
    let (first, rest) = found.path.split_first()?;
    let mut node: &Node = documents.get(first.parse::<usize>().ok()?)?;
    for name in rest.get(..rest.len().checked_sub(2)?)? {
        node = match name.parse::<usize>() {
            Ok(at) if !node.items().is_empty() => node.items().get(at)?,
            _ => node.field(name)?,
        };
    }
    Some(node)
}

/// ``Deployment `api` ``: the innermost object on the way that has a kind.
fn owner(found: &Found<'_>, documents: &[Rc<Node>]) -> Option<String> {
    let (first, rest) = found.path.split_first()?;
    let mut node = documents.get(first.parse::<usize>().ok()?)?;
    let mut owner = None;
    for name in rest {
        if let Some(kind) = node.field("kind").and_then(|node| node.text()) {
            let name = node.at(&["metadata", "name"]).and_then(|node| node.text()).unwrap_or("?");
            owner = Some(format!("{kind} `{name}`"));
        }
        node = match name.parse::<usize>() {
            Ok(at) if !node.items().is_empty() => node.items().get(at)?,
            _ => node.field(name)?,
        };
    }
    owner
}

pub(super) fn edit(editor: &mut Editor<'_>, found: &Found<'_>, wish: &Wish) -> Result<(), Refused> {
    let container = found.node;
    if let Some(limit) = wish.limit {
        set_limit(editor, container, limit)?;
    }
    environment::set(editor, container, NAMES, &wish.variables)?;
    let own = |name: &str| container.own(name).map(|entry| entry.value.as_ref());
    let places: Vec<&Node> = ["args", "command"].into_iter().filter_map(own).collect();
    words::replace(editor, &places, &wish.words)?;
    match &wish.options {
        // `args` alone are the words behind the image's own entrypoint.
        Some(options) => words::append(editor, found, ("command", "args"), options),
        None => Ok(()),
    }
}

fn set_limit(editor: &mut Editor<'_>, container: &Node, limit: Bytes) -> Result<(), Refused> {
    let size = kubernetes_size(limit);
    // The API refuses a request above the limit.
    let requested = amount(container, "requests");
    against(requested, |requested, limit| requested > limit, limit, "its request")?;
    let elsewhere = || Refused("its resources come from elsewhere in the file".to_owned());
    let memory = ("memory".to_owned(), New::Raw(size.clone()));
    let limits = |memory| ("limits".to_owned(), New::Map(vec![memory]));
    let Some(resources) = container.own("resources") else {
        if container.field("resources").is_some() {
            return Err(elsewhere());
        }
        let resources = ("resources".to_owned(), New::Map(vec![limits(memory)]));
        return editor.add_entries(container, &["image"], &[resources]);
    };
    if resources.value.is_null() {
        return editor.fill(resources, &New::Map(vec![limits(memory)]));
    }
    let Some(own) = resources.value.own("limits") else {
        return editor.add_entries(&resources.value, &[], &[limits(memory)]);
    };
    match own.value.own("memory") {
        _ if own.value.is_null() => editor.fill(own, &New::Map(vec![memory])),
        Some(entry) if entry.value.is_null() => Err(elsewhere()),
        Some(entry) => editor.set(&entry.value, &size),
        None => editor.add_entries(&own.value, &[], &[memory]),
    }
}
