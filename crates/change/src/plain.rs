//! What a document means, without how it is written: aliases and merges resolved.
//!
//! Two texts are compared by it: an edit may change what was asked for and nothing else, wherever an anchor leads.

use std::collections::HashMap;

use crate::document::{Node, Style, Value};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plain {
    /// A scalar; whether it is quoted decides between `"1"` and 1.
    Scalar(String, bool),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

impl Plain {
    pub(crate) fn of(node: &Node) -> Self {
        let node = node.resolved();
        match &node.value {
            Value::Scalar { text, style } => Self::Scalar(text.clone(), *style != Style::Plain),
            Value::List { items, .. } => {
                Self::List(items.iter().map(|item| Self::of(item)).collect())
            }
            Value::Map { .. } => {
                let fields = node.fields().into_iter();
                Self::Map(fields.map(|(name, value)| (name.to_owned(), Self::of(value))).collect())
            }
            Value::Alias { target, .. } => Self::of(target),
        }
    }
}

/// The paths at which two values differ; a list's places are numbers. A path stops where one of the two has nothing.
pub(crate) fn differences(old: &Plain, new: &Plain) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    compare(old, new, &mut Vec::new(), &mut found);
    found
}

fn compare(old: &Plain, new: &Plain, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match (old, new) {
        (Plain::Map(entries), Plain::Map(others)) => {
            let names = |all: &'_ [(String, Plain)]| -> HashMap<String, usize> {
                all.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect()
            };
            let (old_names, new_names) = (names(entries), names(others));
            for (name, value) in entries {
                path.push(name.clone());
                match new_names.get(name).and_then(|at| others.get(*at)) {
                    Some((_, other)) => compare(value, other, path, found),
                    None => found.push(path.clone()),
                }
                path.pop();
            }
            for (name, _) in others.iter().filter(|(name, _)| !old_names.contains_key(name)) {
                found.push(path.iter().cloned().chain([name.clone()]).collect());
            }
        }
        (Plain::List(items), Plain::List(others)) => {
            for at in 0..items.len().max(others.len()) {
                path.push(at.to_string());
                match (items.get(at), others.get(at)) {
                    (Some(item), Some(other)) => compare(item, other, path, found),
                    _ => found.push(path.clone()),
                }
                path.pop();
            }
        }
        _ if old == new => {}
        _ => found.push(path.clone()),
    }
}
