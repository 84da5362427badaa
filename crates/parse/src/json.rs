//! JSON that may be cut or damaged: values with the bytes they stand at.
//!
//! People paste the middle of a document, lose a line, mistype a comma, or paste what Python
//! prints (`{'exitCode': 137, 'reason': None}`). [`documents`] finds every value in a text and
//! keeps what can be read of it, marking what is not whole as not [`Node::complete`]. It does not
//! validate, and it knows nothing of what the keys mean. Grammar: RFC 8259, and Python's `repr`
//! of dictionaries.

mod scan;
mod tree;

use casefile::Span;

/// One value, with the bytes it stands at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Its bytes; of a member of an object, those of its key and its value: `"OOMKilled": false`.
    pub(crate) span: Span,
    /// False if something in it was cut, missing or repaired.
    pub(crate) complete: bool,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Keys in order. A key that the text does not show (its line is cut) is empty.
    Object(Vec<(String, Node)>),
    /// Values in order.
    Array(Vec<Node>),
    /// Escapes are decoded.
    String(String),
    /// As it is written.
    Number(String),
    /// `true`, `True`.
    Bool(bool),
    /// `null`, `None`.
    Null,
    /// Anything else that stands where a value should: `datetime.datetime(2024, 5, 6)`.
    Opaque(String),
}

/// The values of a text, in order: whole documents, JSON lines, documents with a cut head or tail.
pub(crate) fn documents(text: &str) -> Vec<Node> {
    tree::documents(text)
}

/// The text of one quoted string that is all there is; its escapes are decoded.
pub(crate) fn string(text: &str) -> Option<String> {
    scan::string(text)
}

/// The objects among values: every document that is one, and the elements of every array of them,
/// also of one whose head is cut off or that has a bracket too many behind it.
pub(crate) fn objects(documents: &[Node]) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut waiting: Vec<&Node> = documents.iter().rev().collect();
    while let Some(node) = waiting.pop() {
        match &node.value {
            Value::Object(_) => {
                found.push(node);
                waiting.extend(unnamed_arrays(node).into_iter().rev());
            }
            Value::Array(items) => waiting.extend(items.iter().rev()),
            Value::String(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Opaque(_) => {}
        }
    }
    found
}

/// The arrays in an object of which nothing has a key, however many closing brackets made objects
/// around them.
fn unnamed_arrays(object: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut waiting = vec![object];
    while let Some(node) = waiting.pop() {
        // With a key the object is a document whose head is cut: it is read as a whole.
        if node.members().iter().any(|(name, _)| !name.is_empty()) {
            continue;
        }
        for (_, member) in node.members() {
            match &member.value {
                Value::Array(_) => found.push(member),
                Value::Object(_) => waiting.push(member),
                Value::String(_)
                | Value::Number(_)
                | Value::Bool(_)
                | Value::Null
                | Value::Opaque(_) => {}
            }
        }
    }
    found
}

impl Node {
    /// The member of this key. One that stands twice with different values is none: neither value
    /// is proof of anything.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.undisputed(|name| name == key)
    }

    /// The member of this key in any case, by the same rule.
    pub(crate) fn get_any_case(&self, key: &str) -> Option<&Self> {
        self.undisputed(|name| name.eq_ignore_ascii_case(key))
    }

    fn undisputed(&self, is_named: impl Fn(&str) -> bool) -> Option<&Self> {
        let mut named = self.members().iter().filter(|(name, _)| is_named(name));
        let (_, first) = named.next()?;
        named.all(|(_, other)| first.says_the_same(other)).then_some(first)
    }

    /// Equal values, wherever they stand. Recurses no deeper than a tree is built.
    fn says_the_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Object(members), Value::Object(others)) => {
                members.len() == others.len()
                    && members.iter().zip(others).all(|((name, node), (key, other))| {
                        name == key && node.says_the_same(other)
                    })
            }
            (Value::Array(items), Value::Array(others)) => {
                items.len() == others.len()
                    && items.iter().zip(others).all(|(item, other)| item.says_the_same(other))
            }
            (value, other) => value == other,
        }
    }

    /// The same value, where the text it was read from begins at this byte of another one. Recurses no
    /// deeper than a tree is built.
    pub(crate) fn moved(self, start: usize) -> Self {
        let value = match self.value {
            Value::Object(members) => Value::Object(
                members.into_iter().map(|(key, node)| (key, node.moved(start))).collect(),
            ),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|node| node.moved(start)).collect())
            }
            value => value,
        };
        let span = Span { start: self.span.start + start, end: self.span.end + start };
        Self { value, span, ..self }
    }

    /// Follows keys down. A member whose own key is cut off stands in for a key that is missing.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Self> {
        let Some((key, rest)) = keys.split_first() else { return Some(self) };
        if self.members().iter().any(|(name, _)| name == key) {
            return self.get(key)?.path(rest);
        }
        if rest.is_empty() {
            return None;
        }
        self.members()
            .iter()
            .filter(|(name, _)| name.is_empty())
            .find_map(|(_, unnamed)| unnamed.path(rest))
    }

    /// The values directly below.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match &self.value {
            Value::Object(members) => members.iter().map(|(_, node)| node).collect(),
            Value::Array(items) => items.iter().collect(),
            Value::String(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Opaque(_) => Vec::new(),
        }
    }

    /// Keys and values of an object; empty for anything else.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        if let Value::Object(members) = &self.value { members } else { &[] }
    }

    /// Elements of an array; empty for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::Array(items) = &self.value { items } else { &[] }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value { Some(text) } else { None }
    }

    /// A whole number, also one written as a string (`"exitCode": "137"`).
    pub(crate) fn as_i64(&self) -> Option<i64> {
        self.number_text()?.parse().ok()
    }

    /// A whole number that is not negative, also one written as a string.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        self.number_text()?.parse().ok()
    }

    /// A flag, also one written as a string.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Value::String(_)
            | Value::Object(_)
            | Value::Array(_)
            | Value::Number(_)
            | Value::Null
            | Value::Opaque(_) => None,
        }
    }

    fn number_text(&self) -> Option<&str> {
        match &self.value {
            // Some encoders write whole numbers as `137.0`.
            Value::Number(text) | Value::String(text) => {
                Some(text.trim().strip_suffix(".0").unwrap_or(text.trim()))
            }
            Value::Object(_)
            | Value::Array(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Opaque(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
