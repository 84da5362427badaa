//! Several Compose files as one, as `docker compose -f a -f b` makes them.
//!
//! Mappings are merged deep; sequences are appended, but a command, an entrypoint and a health check's test
//! are replaced; environment, labels and the like are compared by name in either form, volumes by the path
//! they are mounted at. `!reset` unsets, `!override` replaces. Leans on the Compose specification, 13-merge.

use std::collections::HashMap;
use std::rc::Rc;

use crate::tree::{Mark, Node, Value};

/// Replaced whole.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];
/// `NAME=VALUE` items or a mapping: the same thing.
const NAMED: [&str; 6] = ["environment", "labels", "annotations", "args", "sysctls", "extra_hosts"];
/// One value or several: the same thing.
const SEVERAL: [&str; 5] = ["tmpfs", "env_file", "dns", "dns_search", "dns_opt"];

/// What two values come to: `name` is the key under which they stand.
pub(crate) fn merge(below: &Rc<Node>, above: &Rc<Node>, name: &str) -> Rc<Node> {
    match above.mark {
        Some(Mark::Reset) => return Rc::new(null(above)),
        Some(Mark::Override) => return above.clone(),
        Some(Mark::Other) | None => {}
    }
    if REPLACED.contains(&name) || below.is_null() || above.is_null() {
        return if above.is_null() && !REPLACED.contains(&name) {
            below.clone()
        } else {
            above.clone()
        };
    }
    let (below, above) = if NAMED.contains(&name) {
        (by_name(below), by_name(above))
    } else if SEVERAL.contains(&name) {
        (as_list(below), as_list(above))
    } else {
        (below.clone(), above.clone())
    };
    let value = match (&below.value, &above.value) {
        (Value::Map(under), Value::Map(over)) => Value::Map(maps(under, over)),
        (Value::List(under), Value::List(over)) if name == "volumes" => {
            Value::List(volumes(under, over))
        }
        (Value::List(under), Value::List(over)) => {
            Value::List(under.iter().chain(over).cloned().collect())
        }
        _ => return above,
    };
    Rc::new(Node::new(above.place.clone(), None, value))
}

/// The `!reset` and `!override` of a file that stands alone, or whose entry meets none below.
fn null(node: &Node) -> Node {
    let value = Value::Scalar { text: String::new(), plain: true };
    Node::new(node.place.clone(), None, value)
}

type Entries = Vec<(Rc<Node>, Rc<Node>)>;

fn key_text(key: &Node) -> &str {
    match &key.value {
        Value::Scalar { text, .. } => text,
        Value::List(_) | Value::Map(_) => "",
    }
}

fn maps(under: &Entries, over: &Entries) -> Entries {
    let mut all = under.clone();
    let names = under.iter().enumerate();
    let mut at: HashMap<&str, usize> = names.map(|(at, (key, _))| (key_text(key), at)).collect();
    for (key, value) in over {
        let name = key_text(key);
        match at.get(name).and_then(|at| all.get_mut(*at)) {
            Some((_, old)) => *old = merge(old, value, name),
            None => {
                at.insert(name, all.len());
                all.push((key.clone(), value.clone()));
            }
        }
    }
    all
}

fn by_name(node: &Rc<Node>) -> Rc<Node> {
    let Value::List(items) = &node.value else { return node.clone() };
    let entries = items.iter().filter_map(|item| {
        let (name, value) = item.text()?.split_once('=').unwrap_or((item.text()?, ""));
        let at = |text: &str| Rc::new(Node::scalar(item.place.clone(), text));
        Some((at(name), at(value)))
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

/// The path inside the container of a volume in either form.
fn target(volume: &Node) -> Option<&str> {
    if let Some(target) = volume.field("target") {
        return target.text();
    }
    let mut parts = volume.text()?.split(':');
    let first = parts.next();
    parts.next().or(first)
}

fn volumes(under: &[Rc<Node>], over: &[Rc<Node>]) -> Vec<Rc<Node>> {
    let mut all = under.to_vec();
    for volume in over {
        let path = target(volume);
        match all.iter_mut().find(|other| path.is_some() && target(other) == path) {
            Some(old) => *old = volume.clone(),
            None => all.push(volume.clone()),
        }
    }
    all
}
