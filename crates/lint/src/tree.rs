//! YAML and JSON as a tree whose every node knows where it stands.
//!
//! Nodes are shared, so that an alias costs nothing; the weight of a node counts its copies, and a
//! document that would be too large written out is refused ([`HEAVIEST`]).

use std::rc::Rc;

use crate::place::Place;

/// Nodes of a document with its aliases written out. Real files have thousands.
pub(crate) const HEAVIEST: u64 = 1_000_000;
/// Levels of a document. Real files have less than twenty.
pub(crate) const DEEPEST: usize = 100;

/// Stands where a template's mark stood, a letter each; of the private use area, so nobody's text.
pub(crate) const TEMPLATED: char = '\u{e137}';

/// What a tag asks of a merge (Compose).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `!reset`: as if it were not set in the files before.
    Reset,
    /// `!override`: instead of what the files before say.
    Override,
    /// A tag whose meaning is somebody else's (`!Ref`): the value is not known.
    Other,
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) mark: Option<Mark>,
    pub(crate) weight: u64,
    pub(crate) value: Value,
}

/// Its value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A scalar, as text.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping, in the order of the file.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    pub(crate) fn new(place: Place, mark: Option<Mark>, value: Value) -> Self {
        let sum = |nodes: &mut dyn Iterator<Item = &Rc<Node>>| {
            nodes.fold(1u64, |sum, node| sum.saturating_add(node.weight))
        };
        let weight = match &value {
            Value::Scalar { .. } => 1,
            Value::List(items) => sum(&mut items.iter()),
            Value::Map(entries) => sum(&mut entries.iter().flat_map(|(key, value)| [key, value])),
        };
        Self { place, mark, weight, value }
    }

    pub(crate) fn scalar(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, None, Value::Scalar { text: text.into(), plain: false })
    }

    pub(crate) fn null(place: Place) -> Self {
        Self::new(place, None, Value::Scalar { text: String::new(), plain: true })
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar { .. } | Value::Map(_) => &[],
        }
    }

    /// The entries of a mapping whose keys are scalars.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = (&str, &Rc<Node>, &Rc<Node>)> {
        let pairs: &[(Rc<Node>, Rc<Node>)] = match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar { .. } | Value::List(_) => &[],
        };
        pairs.iter().filter_map(|(key, value)| match &key.value {
            Value::Scalar { text, .. } => Some((text.as_str(), key, value)),
            Value::List(_) | Value::Map(_) => None,
        })
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// An entry's value; of several the last.
    pub(crate) fn field(&self, name: &str) -> Option<&Rc<Node>> {
        self.entries().rfind(|(key, _, _)| *key == name).map(|(_, _, value)| value)
    }

    /// The value at the end of a path of names.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Rc<Node>> {
        let (first, rest) = path.split_first()?;
        let mut node = self.field(first)?;
        for name in rest {
            node = node.field(name)?;
        }
        Some(node)
    }

    /// Whether a template engine or a foreign tag will put something else here: `{{ … }}` is text in
    /// quotes, and a mapping whose key is a mapping without them.
    pub(crate) fn is_open(&self) -> bool {
        let templated = match &self.value {
            Value::Scalar { text, .. } => text.contains("{{") || text.contains(TEMPLATED),
            Value::Map(entries) => entries.iter().any(|(key, _)| key.is_map()),
            Value::List(_) => false,
        };
        templated || self.mark == Some(Mark::Other)
    }
}
