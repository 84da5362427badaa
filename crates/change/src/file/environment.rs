//! Variables as Kubernetes and ECS write them: a list of names and values.

use super::{Variable, text};
use crate::document::{Node, Value};
use crate::edit::{Editor, New, Refused};

/// How a file calls the parts of a variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) list: &'static str,
    pub(super) name: &'static str,
    pub(super) value: &'static str,
}

/// The variables of a container; one whose value comes from a secret or a map has none here.
pub(super) fn read(container: &Node, names: Names) -> Vec<Variable> {
    let items = container.field(names.list).map(|node| node.items()).unwrap_or_default();
    let one = |item: &std::rc::Rc<Node>| {
        let name = item.field(names.name)?.text()?.to_owned();
        let value = item.field(names.value).map(|node| node.text().unwrap_or_default().to_owned());
        Some(Variable { name, raw: value.clone().unwrap_or_default(), value })
    };
    items.iter().filter_map(one).collect()
}

/// Sets variables: in the items that are there, the rest behind the last.
pub(super) fn set(
    editor: &mut Editor<'_>,
    container: &Node,
    names: Names,
    variables: &[(String, String)],
) -> Result<(), Refused> {
    if variables.is_empty() {
        return Ok(());
    }
    let item = |(name, value): &(String, String)| {
        New::Map(vec![(names.name.to_owned(), text(name)), (names.value.to_owned(), quoted(value))])
    };
    let Some(entry) = container.own(names.list) else {
        if container.field(names.list).is_some() {
            return Err(Refused("the variables come from elsewhere in the file".to_owned()));
        }
        let list = New::List(variables.iter().map(item).collect());
        return editor.add_entries(
            container,
            &["image", "Image"],
            &[(names.list.to_owned(), list)],
        );
    };
    if entry.value.is_null() {
        return editor.fill(entry, &New::List(variables.iter().map(item).collect()));
    }
    if matches!(entry.value.value, Value::Alias { .. }) {
        return Err(Refused("the variables are an alias of another place".to_owned()));
    }
    let mut fresh = Vec::new();
    for variable in variables {
        let named = |item: &&std::rc::Rc<Node>| {
            item.field(names.name).and_then(|node| node.text()) == Some(&variable.0)
        };
        match entry.value.items().iter().rfind(named) {
            Some(item) => match item.own(names.value) {
                Some(value) if !value.value.is_null() => editor.set(&value.value, &variable.1)?,
                _ => {
                    return Err(Refused(format!(
                        "the value of `{}` comes from elsewhere, a secret or a map",
                        variable.0
                    )));
                }
            },
            None => fresh.push(item(variable)),
        }
    }
    if fresh.is_empty() { Ok(()) } else { editor.add_items(&entry.value, &fresh) }
}

/// A value has to be a text, whatever it looks like; `spelled` sees to that.
fn quoted(value: &str) -> New {
    text(value)
}
