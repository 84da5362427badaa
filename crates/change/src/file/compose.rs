//! Compose files: one subject per service.
//!
//! `extends` is followed within the file; `include` and other files of the project are not read: what they say is
//! theirs. Leans on the Compose specification.

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use super::substitution::substituted;
use super::{Found, Stated, Subject, Variable, Wish, against, text, thousandths, words};
use crate::document::{Entry, Node, Value};
use crate::edit::{Editor, New, Refused};
use crate::sizes::docker_size;

/// What only a swarm reads.
const FOR_SWARM: [&str; 6] =
    ["mode", "placement", "update_config", "rollback_config", "endpoint_mode", "replicas"];

pub(super) fn is_compose(document: &Node) -> bool {
    document.field("services").is_some_and(|node| node.is_map())
}

pub(super) fn find<'a>(document: &'a Node, path: Vec<String>, all: &mut Vec<Found<'a>>) {
    let Some(services) = document.field("services") else { return };
    // What is too much is refused by its number, and so need not be followed.
    let follows = services.own_entries().len() <= super::MOST;
    for (name, node) in services.fields().into_iter().filter(|(_, node)| node.is_map()) {
        let path = path.iter().cloned().chain(["services".to_owned(), name.to_owned()]).collect();
        let below = if follows { bases(services, node) } else { Vec::new() };
        all.push(Found { node, path, below });
    }
}

/// Extending goes no further in real files, and ends in a circle.
const FURTHEST: usize = 16;

/// The services of the same file that a service extends, the nearest first.
fn bases<'a>(services: &'a Node, service: &'a Node) -> Vec<&'a Node> {
    let mut found = Vec::new();
    let mut from = service;
    while let Some(extends) = from.field("extends").filter(|_| found.len() < FURTHEST) {
        let name = match extends.field("file") {
            Some(_elsewhere) => None,
            None => extends.text().or_else(|| extends.field("service")?.text()),
        };
        let Some(base) = name.and_then(|name| services.field(name)) else { break };
        found.push(base.as_ref());
        from = base;
    }
    found
}

fn layers<'a>(found: &Found<'a>) -> impl DoubleEndedIterator<Item = &'a Node> {
    std::iter::once(found.node).chain(found.below.clone())
}

pub(super) fn subject(found: &Found<'_>) -> Subject {
    let said = |names: &[&str]| layers(found).find_map(|layer| layer.at(names)?.text());
    let has = |names: &[&str]| layers(found).any(|it| it.at(names).is_some_and(|it| !it.is_null()));
    let mut remarks = Vec::new();
    if has(&["env_file"]) {
        let why = "its env_file is not read: variables in it count where the file says nothing";
        remarks.push(why.to_owned());
    }
    if has(&["extends", "file"]) {
        remarks.push("what it extends in another file is not read".to_owned());
    }
    let stated = |names: &[&str]| {
        let mut all = layers(found).map(|layer| amount(layer.at(names)));
        all.find(|stated| *stated != Stated::Nothing).unwrap_or_default()
    };
    let own = stated(&["mem_limit"]);
    let deployed = stated(&["deploy", "resources", "limits", "memory"]);
    let cpus = said(&["cpus"]).or_else(|| said(&["deploy", "resources", "limits", "cpus"]));
    let command = ["entrypoint", "command"].into_iter().flat_map(|name| {
        words::of(layers(found).find_map(|layer| layer.field(name)).map(AsRef::as_ref))
    });
    let mut environment: Vec<Variable> = Vec::new();
    for variable in layers(found).rev().flat_map(|it| variables(it.field("environment"))) {
        environment.retain(|known| known.name != variable.name);
        environment.push(variable);
    }
    Subject {
        name: found.path.last().cloned().unwrap_or_default(),
        owner: None,
        image: said(&["image"]).and_then(substituted),
        command: command.map(|word| substituted(&word).unwrap_or(word)).collect(),
        environment,
        limit: if own == Stated::Nothing { deployed } else { own },
        is_shared: false,
        cpus: cpus.and_then(substituted).as_deref().and_then(thousandths),
        remarks,
    }
}

fn amount(node: Option<&std::rc::Rc<Node>>) -> Stated {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Stated::Nothing };
    let known = node.text().and_then(substituted);
    match known.and_then(|text| parse(&text, Dialect::Binary)) {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes),
        None => Stated::Open,
    }
}

fn variables(node: Option<&std::rc::Rc<Node>>) -> Vec<Variable> {
    let Some(node) = node else { return Vec::new() };
    let one = |name: &str, raw: Option<&str>| Variable {
        name: name.to_owned(),
        raw: raw.unwrap_or_default().to_owned(),
        value: raw.and_then(substituted),
    };
    let listed =
        node.items().iter().filter_map(|item| item.text()).map(|item| match item.split_once('=') {
            Some((name, value)) => one(name, Some(value)),
            None => one(item, None),
        });
    let mapped = node.fields().into_iter().map(|(name, value)| one(name, value.text()));
    listed.chain(mapped).collect()
}

pub(super) fn edit(
    editor: &mut Editor<'_>,
    found: &Found<'_>,
    wish: &Wish,
    source: &str,
) -> Result<(), Refused> {
    let service = found.node;
    if matches!(service.value, Value::Alias { .. }) {
        return Err(Refused("the service is an alias of another place as a whole".to_owned()));
    }
    if let Some(limit) = wish.limit {
        set_limit(editor, found, limit)?;
    }
    if !wish.variables.is_empty() {
        set_environment(editor, service, &wish.variables, source)?;
    }
    let own = |name: &str| service.own(name).map(|entry| entry.value.as_ref());
    let places: Vec<&Node> = ["command", "entrypoint"].into_iter().filter_map(own).collect();
    words::replace(editor, &places, &wish.words)?;
    match &wish.options {
        Some(options) => words::append(editor, found, ("entrypoint", "command"), options),
        None => Ok(()),
    }
}

const AFTER: [&str; 2] = ["image", "build"];

fn set_limit(editor: &mut Editor<'_>, found: &Found<'_>, limit: Bytes) -> Result<(), Refused> {
    let service = found.node;
    let size = docker_size(limit);
    // Docker refuses to start a container with one that is larger.
    let reserved = amount(service.field("mem_reservation"));
    against(reserved, |reserved, limit| reserved > limit, limit, "its mem_reservation")?;
    let is_set = |node: Option<&std::rc::Rc<Node>>| node.is_some_and(|node| !node.is_null());
    let names = ["deploy", "resources", "limits", "memory"];
    let in_deploy = layers(found).any(|layer| is_set(layer.at(&names)));
    let own_limit = service.own("mem_limit").filter(|entry| !entry.value.is_null());
    if let Some(entry) = own_limit {
        editor.set(&entry.value, &size)?;
    }
    set_swap(editor, found, limit)?;
    if !in_deploy && own_limit.is_some() {
        return Ok(());
    }
    let deploy = service.own("deploy").map(|entry| entry.value.as_ref());
    let is_for_swarm =
        deploy.is_some_and(|node| FOR_SWARM.iter().any(|name| node.own(name).is_some()));
    let resources = deploy.and_then(|node| node.own("resources")).map(|entry| entry.value.as_ref());
    let limits = resources.and_then(|node| node.own("limits")).map(|entry| entry.value.as_ref());
    let memory = (String::from("memory"), New::Raw(size.clone()));
    if let Some(limits) = limits.filter(|node| matches!(node.value, Value::Map { .. })) {
        return match limits.own("memory").filter(|entry| !entry.value.is_null()) {
            Some(entry) => editor.set(&entry.value, &size),
            None => editor.add_entries(limits, &[], &[memory]),
        };
    }
    if in_deploy {
        return Err(Refused("its limit comes from elsewhere in the file".to_owned()));
    }
    if let Some(deploy) = deploy.filter(|_| is_for_swarm) {
        let limits = ("limits".to_owned(), New::Map(vec![memory]));
        return match resources {
            Some(resources) => editor.add_entries(resources, &[], &[limits]),
            None => {
                let resources = ("resources".to_owned(), New::Map(vec![limits]));
                editor.add_entries(deploy, &[], &[resources])
            }
        };
    }
    match service.own("mem_limit") {
        Some(_) => Err(Refused("its `mem_limit` is empty".to_owned())),
        None => editor.add_entries(service, &AFTER, &[("mem_limit".to_owned(), New::Raw(size))]),
    }
}

/// Memory and swap together go with the limit, so that the swap beside it stays as much as it was: docker refuses a
/// container whose memory alone may be more.
fn set_swap(editor: &mut Editor<'_>, found: &Found<'_>, limit: Bytes) -> Result<(), Refused> {
    let stated = |name: &'static str| {
        layers(found).find_map(|layer| layer.field(name).filter(|node| !node.is_null()).cloned())
    };
    let Some(node) = stated("memswap_limit") else { return Ok(()) };
    // As much swap as it wants.
    if node.text().is_some_and(|text| text.trim().starts_with('-')) {
        return Ok(());
    }
    let old = subject(found).limit;
    let both = match (amount(Some(&node)), old) {
        (Stated::Nothing, _) => return Ok(()),
        (Stated::At(swap), Stated::At(old)) => {
            Bytes(limit.0.saturating_add(swap.0.saturating_sub(old.0)))
        }
        (Stated::At(swap), _) => swap.max(limit),
        (Stated::Open, _) => {
            return Err(Refused(
                "its memswap_limit comes from a variable, and has to go with the limit".to_owned(),
            ));
        }
    };
    let size = docker_size(both);
    match found.node.own("memswap_limit").filter(|entry| !entry.value.is_null()) {
        Some(entry) if amount(Some(&entry.value)) == Stated::At(both) => Ok(()),
        Some(entry) => editor.set(&entry.value, &size),
        None if amount(Some(&node)) == Stated::At(both) => Ok(()),
        None => {
            let added = ("memswap_limit".to_owned(), New::Raw(size));
            editor.add_entries(found.node, &AFTER, &[added])
        }
    }
}

fn set_environment(
    editor: &mut Editor<'_>,
    service: &Node,
    variables: &[(String, String)],
    source: &str,
) -> Result<(), Refused> {
    let fresh = |variables: &[(String, String)]| -> Vec<(String, New)> {
        variables.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let Some(entry) = service.own("environment") else {
        let mut entries = match service.field("environment").filter(|node| !node.is_null()) {
            Some(merged) => inherited(merged, variables, source)?,
            None => Vec::new(),
        };
        entries.extend(fresh(variables));
        let environment = ("environment".to_owned(), New::Map(entries));
        return editor.add_entries(service, &AFTER, &[environment]);
    };
    match &entry.value.value {
        _ if entry.value.is_null() => editor.fill(entry, &New::Map(fresh(variables))),
        Value::Alias { name, target } if target.is_map() => {
            let below = vec![("<<".to_owned(), New::Raw(format!("*{name}")))];
            let entries = below.into_iter().chain(fresh(variables)).collect();
            editor.fill(entry, &New::Map(entries))
        }
        Value::Map { .. } => set_mapped(editor, entry, variables),
        Value::List { .. } => set_listed(editor, entry, variables),
        Value::Alias { .. } | Value::Scalar { .. } => {
            Err(Refused("its variables are written in another place, as a list".to_owned()))
        }
    }
}

/// What a service gets by a merge and would lose with an `environment` of its own: laid below it by its anchor, or
/// copied.
fn inherited(
    merged: &Node,
    variables: &[(String, String)],
    source: &str,
) -> Result<Vec<(String, New)>, Refused> {
    let anchor = match &merged.value {
        Value::Alias { name, .. } => Some(name),
        _ => merged.anchor.as_ref(),
    };
    if !merged.is_map() {
        return Err(Refused("it gets its variables by a merge, as a list".to_owned()));
    }
    if let Some(name) = anchor {
        return Ok(vec![("<<".to_owned(), New::Raw(format!("*{name}")))]);
    }
    let others = merged.fields().into_iter();
    let others = others.filter(|(name, _)| !variables.iter().any(|(known, _)| known == name));
    others
        .map(|(name, value)| {
            let raw = source.get(value.span.clone()).unwrap_or_default();
            if raw.contains('\n')
                || !matches!(value.value, Value::Scalar { .. } | Value::Alias { .. })
            {
                return Err(Refused(
                    "it gets variables by a merge that cannot be copied".to_owned(),
                ));
            }
            Ok((name.to_owned(), New::Raw(raw.to_owned())))
        })
        .collect()
}

fn set_mapped(
    editor: &mut Editor<'_>,
    entry: &Entry,
    variables: &[(String, String)],
) -> Result<(), Refused> {
    let mut fresh = Vec::new();
    for (name, value) in variables {
        match entry.value.own(name) {
            Some(own) if own.value.is_null() => return Err(from_outside(name)),
            Some(own) => editor.set(&own.value, value)?,
            None => fresh.push((name.clone(), text(value))),
        }
    }
    if fresh.is_empty() { Ok(()) } else { editor.add_entries(&entry.value, &[], &fresh) }
}

fn set_listed(
    editor: &mut Editor<'_>,
    entry: &Entry,
    variables: &[(String, String)],
) -> Result<(), Refused> {
    let mut fresh = Vec::new();
    for (name, value) in variables {
        let item = entry
            .value
            .items()
            .iter()
            .rfind(|item| item.text().is_some_and(|text| text.split('=').next() == Some(name)));
        match item {
            Some(item) if item.text() == Some(name) => return Err(from_outside(name)),
            Some(item) => editor.set(item, &format!("{name}={value}"))?,
            None => fresh.push(text(&format!("{name}={value}"))),
        }
    }
    if fresh.is_empty() { Ok(()) } else { editor.add_items(&entry.value, &fresh) }
}

fn from_outside(name: &str) -> Refused {
    Refused(format!("`{name}` is handed on from the environment of whoever runs Compose"))
}
