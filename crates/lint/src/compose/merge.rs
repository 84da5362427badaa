//! Several Compose files as one, as `docker compose -f a -f b` makes them.
//!
//! Mappings are merged deep; sequences are appended, but a command, an entrypoint and a health check's test
//! are replaced; environment, labels and the like are compared by name in either form, volumes and configs by
//! the path they are mounted at. `!reset` unsets, `!override` replaces. What holds depends on where a name
//! stands: a service may be called `test` or `command`. Leans on the Compose specification, 13-merge.

use std::collections::HashMap;
use std::rc::Rc;

use crate::tree::{Mark, Node, Value};

/// Where in a file two values meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    File,
    Services,
    Service,
    Build,
    Deploy,
    HealthCheck,
    /// Variables, labels: each has one value or none, and the last word counts.
    Names,
    Other,
}

impl Level {
    fn below(self, name: &str) -> Self {
        match (self, name) {
            (Self::File, "services") => Self::Services,
            (Self::Services, _) => Self::Service,
            (Self::Service, "build") => Self::Build,
            (Self::Service, "deploy") => Self::Deploy,
            (Self::Service, "healthcheck") => Self::HealthCheck,
            _ => Self::Other,
        }
    }

    /// How the values of an entry here become one.
    fn way(self, name: &str) -> Way {
        match (self, name) {
            (Self::Service, "command" | "entrypoint") | (Self::HealthCheck, "test") => {
                Way::Replaced
            }
            (Self::Service, "environment" | "labels" | "annotations" | "sysctls")
            | (Self::Build, "args" | "labels" | "additional_contexts")
            | (Self::Deploy, "labels") => Way::Named,
            (Self::Service, "env_file") => Way::Files,
            (Self::Service, "tmpfs" | "dns" | "dns_search" | "dns_opt") => Way::Several,
            (Self::Service, "volumes" | "configs" | "secrets") => Way::Mounts,
            (Self::Service, "build") => Way::Build,
            (Self::Names, _) => Way::Replaced,
            _ if name.starts_with("x-") => Way::Replaced,
            _ => Way::Deep,
        }
    }
}

/// How two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Deep,
    Replaced,
    /// `NAME=VALUE` items or a mapping: the same thing.
    Named,
    /// One value or several: the same thing.
    Several,
    /// The same of files.
    Files,
    /// One for each path.
    Mounts,
    /// A path alone is the context.
    Build,
}

/// What two values come to that stand at this level: whole files, or services.
pub(crate) fn merge(below: &Rc<Node>, above: &Rc<Node>, level: Level) -> Rc<Node> {
    joined(below, above, level, Way::Deep)
}

fn joined(below: &Rc<Node>, above: &Rc<Node>, level: Level, way: Way) -> Rc<Node> {
    if let Some(Mark::Reset | Mark::Override) = above.mark {
        return above.clone();
    }
    if above.is_null() && way != Way::Replaced {
        return below.clone();
    }
    if below.is_null() || above.is_null() || way == Way::Replaced {
        return above.clone();
    }
    let (below, above) = match way {
        Way::Named => (by_name(below), by_name(above)),
        Way::Several | Way::Files => (as_list(below), as_list(above)),
        Way::Build => (as_build(below), as_build(above)),
        Way::Deep | Way::Replaced | Way::Mounts => (below.clone(), above.clone()),
    };
    let value = match (&below.value, &above.value) {
        (Value::Map(under), Value::Map(over)) => {
            let level = if way == Way::Named { Level::Names } else { level };
            Value::Map(maps(under, over, level))
        }
        (Value::List(under), Value::List(over)) => Value::List(match way {
            Way::Mounts => unique(under, over, |item| target(item).map(str::to_owned)),
            Way::Files => unique(under, over, path),
            Way::Several => unique(under, over, name),
            _ => under.iter().chain(over).cloned().collect(),
        }),
        _ => return above,
    };
    Rc::new(Node::new(above.place.clone(), None, value))
}

/// A service as another one gets it that extends it: what a tag asks for is asked of the service itself.
pub(crate) fn without_marks(node: &Rc<Node>) -> Rc<Node> {
    let mark = node.mark.filter(|mark| *mark == Mark::Other);
    let value = match &node.value {
        Value::Scalar { .. } if node.mark == mark => return node.clone(),
        Value::Scalar { text, plain } => Value::Scalar { text: text.clone(), plain: *plain },
        Value::List(items) => Value::List(items.iter().map(without_marks).collect()),
        Value::Map(entries) => {
            let kept = entries.iter().filter(|(_, value)| value.mark != Some(Mark::Reset));
            Value::Map(kept.map(|(key, value)| (key.clone(), without_marks(value))).collect())
        }
    };
    Rc::new(Node::new(node.place.clone(), mark, value))
}

type Entries = Vec<(Rc<Node>, Rc<Node>)>;

fn key_text(key: &Node) -> &str {
    match &key.value {
        Value::Scalar { text, .. } => text,
        Value::List(_) | Value::Map(_) => "",
    }
}

fn maps(under: &Entries, over: &Entries, level: Level) -> Entries {
    let mut all = under.clone();
    let names = under.iter().enumerate();
    let mut at: HashMap<&str, usize> = names.map(|(at, (key, _))| (key_text(key), at)).collect();
    for (key, value) in over {
        let name = key_text(key);
        match at.get(name).and_then(|at| all.get_mut(*at)) {
            Some((_, old)) => *old = joined(old, value, level.below(name), level.way(name)),
            None => {
                at.insert(name, all.len());
                all.push((key.clone(), value.clone()));
            }
        }
    }
    all
}

/// A name without a value takes it from outside: it stays without.
fn by_name(node: &Rc<Node>) -> Rc<Node> {
    let Value::List(items) = &node.value else { return node.clone() };
    let entries = items.iter().filter_map(|item| {
        let place = || item.place.clone();
        let (name, value) = match item.text()?.split_once('=') {
            Some((name, value)) => (name, Node::scalar(place(), value)),
            None => (item.text()?, Node::null(place())),
        };
        Some((Rc::new(Node::scalar(place(), name)), Rc::new(value)))
    });
    Rc::new(Node::new(node.place.clone(), None, Value::Map(entries.collect())))
}

fn as_list(node: &Rc<Node>) -> Rc<Node> {
    match &node.value {
        Value::Scalar { .. } => {
            Rc::new(Node::new(node.place.clone(), None, Value::List(vec![node.clone()])))
        }
        Value::List(_) | Value::Map(_) => node.clone(),
    }
}

fn as_build(node: &Rc<Node>) -> Rc<Node> {
    match &node.value {
        Value::Scalar { .. } => {
            let key = Rc::new(Node::scalar(node.place.clone(), "context"));
            let value = Value::Map(vec![(key, node.clone())]);
            Rc::new(Node::new(node.place.clone(), None, value))
        }
        Value::List(_) | Value::Map(_) => node.clone(),
    }
}

/// The path inside the container of a volume or config in either form.
pub(crate) fn target(volume: &Node) -> Option<&str> {
    if let Some(target) = volume.field("target") {
        return target.text();
    }
    if let Some(source) = volume.field("source") {
        return source.text();
    }
    let mut parts = volume.text()?.split(':');
    let first = parts.next();
    parts.next().or(first)
}

/// What stands in front of an `=`: `/scratch:size` of `/scratch:size=64m`.
fn name(item: &Node) -> Option<String> {
    item.text()?.split('=').next().map(str::to_owned)
}

/// A path, which a file in another folder means otherwise.
fn path(item: &Node) -> Option<String> {
    let path = item.field("path").map_or_else(|| item.text(), |path| path.text())?;
    let folder = item.place.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{folder}/{path}"))
}

/// What is named again stands where it stood, as it was said last.
fn unique(
    under: &[Rc<Node>],
    over: &[Rc<Node>],
    name: fn(&Node) -> Option<String>,
) -> Vec<Rc<Node>> {
    let mut all: Vec<Rc<Node>> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    for item in under.iter().chain(over) {
        let name = name(item);
        let known = name.as_ref().and_then(|name| at.get(name));
        match known.and_then(|at| all.get_mut(*at)) {
            Some(old) => *old = item.clone(),
            None => {
                at.extend(name.map(|name| (name, all.len())));
                all.push(item.clone());
            }
        }
    }
    all
}
