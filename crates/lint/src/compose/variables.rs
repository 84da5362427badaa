//! `${NAME:-default}` in Compose files: what `.env` beside the file sets counts, and then the defaults. The
//! environment of whoever runs `docker compose` is not read, though it would win: an answer must not depend
//! on who asks.
//!
//! A value whose variable is set nowhere stays as it is written, `$` and all: nothing is concluded from it.
//! Leans on the Compose specification, 12-interpolation.

use std::collections::HashMap;
use std::rc::Rc;

use crate::tree::{Node, Value};

/// What is set, by name.
pub(crate) type Known = HashMap<String, String>;

/// A document with its values put in; its keys stay.
pub(crate) fn interpolated(document: &Rc<Node>, known: &Known) -> Rc<Node> {
    let mut done = HashMap::new();
    with_values(document, known, &mut done)
}

/// Nodes that an alias shares stay shared.
fn with_values(
    node: &Rc<Node>,
    known: &Known,
    done: &mut HashMap<*const Node, Rc<Node>>,
) -> Rc<Node> {
    if let Some(found) = done.get(&Rc::as_ptr(node)) {
        return found.clone();
    }
    let value = match &node.value {
        Value::Scalar { text, .. } if !text.contains('$') => None,
        Value::Scalar { text, plain } => {
            Some(Value::Scalar { text: substituted(text, known), plain: *plain })
        }
        Value::List(items) => {
            Some(Value::List(items.iter().map(|item| with_values(item, known, done)).collect()))
        }
        Value::Map(entries) => {
            let entries = entries.iter();
            let pairs = entries.map(|(key, value)| (key.clone(), with_values(value, known, done)));
            Some(Value::Map(pairs.collect()))
        }
    };
    let found = match value {
        Some(value) => Rc::new(Node::new(node.place.clone(), node.mark, value)),
        None => node.clone(),
    };
    done.insert(Rc::as_ptr(node), found.clone());
    found
}

/// The text with what is known put in; the rest stays as it is written.
pub(crate) fn substituted(text: &str, known: &Known) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let begins = |text: &str| {
            text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        };
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((inner, tail)) = braced(after) {
            match value(inner, known).filter(|_| begins(inner)) {
                Some(value) => out.push_str(&value),
                None => {
                    out.push_str("${");
                    out.push_str(inner);
                    out.push('}');
                }
            }
            rest = tail;
        } else {
            let end = after.find(|letter| !is_name(letter)).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
            match known.get(name).filter(|_| begins(name)) {
                Some(value) => out.push_str(value),
                None => {
                    out.push('$');
                    out.push_str(name);
                }
            }
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// What stands in the braces and behind them; defaults may hold variables.
fn braced(after: &str) -> Option<(&str, &str)> {
    let inner = after.strip_prefix('{')?;
    let mut depth = 0usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                let (inner, tail) = inner.split_at_checked(at)?;
                return Some((inner, tail.strip_prefix('}')?));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What `NAME`, `NAME:-default` and the like come to; `None`: it depends on what is not known.
fn value(inner: &str, known: &Known) -> Option<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let operator = inner.trim_start_matches(is_name);
    let name = inner.strip_suffix(operator)?;
    let set = known.get(name);
    let (counts_empty, operator) = match operator.strip_prefix(':') {
        Some(operator) => (false, operator),
        None => (true, operator),
    };
    let set = set.filter(|value| counts_empty || !value.is_empty());
    let mut letters = operator.chars();
    let kind = letters.next();
    let rest = letters.as_str();
    match (kind, set) {
        (None, Some(value)) => counts_empty.then(|| value.clone()),
        (Some('-' | '?'), Some(value)) => Some(value.clone()),
        (Some('-'), None) => Some(substituted(rest, known)),
        (Some('+'), Some(_)) => Some(substituted(rest, known)),
        // Set and empty.
        (Some('+'), None) if known.contains_key(name) => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let pairs = [("SET", "512m"), ("EMPTY", ""), ("B", "x")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn what_is_set_counts_and_then_the_default() {
        for (text, expected) in [
            ("${A:-512m}", "512m"),
            ("a${A-b}c$$d", "abc$d"),
            ("${A:-${N:-1g}}", "1g"),
            ("${SET:-1g}", "512m"),
            ("${SET}", "512m"),
            ("$SET.", "512m."),
            ("${EMPTY:-1g}", "1g"),
            ("${EMPTY-1g}", ""),
            ("${EMPTY}", ""),
            ("${SET:?must}${SET?must}", "512m512m"),
            ("${SET:+yes}${EMPTY:+yes}${EMPTY+yes}", "yesyes"),
            ("${A:-$B}", "x"),
            ("$(nproc) 100$ $1", "$(nproc) 100$ $1"),
        ] {
            assert_eq!(substituted(text, &known()), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_sets_stays_as_it_is_written() {
        for open in ["${A}", "$A", "${A:?must}", "${A:+b}", "${A", "${}", "${1a:-b}", "${A:=b}"] {
            assert_eq!(substituted(open, &known()), open);
        }
        assert_eq!(substituted("${A:-$C}", &known()), "$C");
        assert_eq!(substituted("a$$b${C}", &known()), "a$b${C}");
    }
}
