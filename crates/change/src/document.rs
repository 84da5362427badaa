//! YAML and JSON as trees whose every node knows where it stands in the text, byte for byte.
//!
//! Aliases stay aliases and merges stay merges, since an edit must know what is the node's own. Leans on YAML 1.2.2,
//! which holds JSON whole, and on the type "merge" of YAML 1.1.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle};

/// Nodes of a document with its aliases written out. Real files have thousands.
const HEAVIEST: u64 = 1_000_000;
/// Levels of a document. Real files have less than twenty.
const DEEPEST: usize = 100;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    /// Of a collection from its first to behind its last byte; a scalar's with its quotes, without what follows it.
    pub(crate) span: Range<usize>,
    pub(crate) anchor: Option<String>,
    pub(crate) is_tagged: bool,
    pub(crate) value: Value,
    weight: u64,
}

/// What a node holds.
#[derive(Debug)]
pub(crate) enum Value {
    Scalar { text: String, style: Style },
    List { items: Vec<Rc<Node>>, is_flow: bool },
    Map { entries: Vec<Entry>, is_flow: bool },
    Alias { name: String, target: Rc<Node> },
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Rc<Node>,
    pub(crate) value: Rc<Node>,
}

/// Reads every document.
pub(crate) fn read(text: &str) -> Result<Vec<Rc<Node>>, Unreadable> {
    let mut options = Options::default();
    options.emit_anchor_events = true;
    let mut builder = Builder {
        text,
        documents: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        named: None,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Unreadable {
            line: error.marker().line().max(1),
            why: format!("it is not YAML: {}", error.info()),
        })?;
        builder.take(event, &span)?;
    }
    builder.finish_named()?;
    Ok(builder.documents)
}

struct Builder<'a> {
    text: &'a str,
    documents: Vec<Rc<Node>>,
    open: Vec<Frame>,
    anchors: HashMap<usize, (String, Rc<Node>)>,
    /// A scalar with an anchor whose name comes with the next event.
    named: Option<(Node, usize)>,
}

/// A collection whose end has not come.
struct Frame {
    start: usize,
    line: usize,
    number: usize,
    anchor: Option<String>,
    is_tagged: bool,
    is_flow: bool,
    is_map: bool,
    /// Of a mapping keys and values in turn.
    nodes: Vec<Rc<Node>>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start);
        if let Event::Anchor(_, name) = event {
            match (self.named.as_mut(), self.open.last_mut()) {
                (Some((node, _)), _) => node.anchor = Some(name.into_owned()),
                (None, Some(frame)) => frame.anchor = Some(name.into_owned()),
                (None, None) => {}
            }
            return Ok(());
        }
        self.finish_named()?;
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, number, tag) => {
                let node = self.scalar(start..end, &text, style, tag.is_some());
                self.named = Some((node, number));
            }
            Event::SequenceStart(style, number, tag) => {
                self.open(span, (number, tag.is_some()), style, false)?;
            }
            Event::MappingStart(style, number, tag) => {
                self.open(span, (number, tag.is_some()), style, true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end)?,
            Event::Alias(number) => {
                let Some((name, target)) = self.anchors.get(&number).cloned() else {
                    let why = "an alias stands inside its own anchor".to_owned();
                    return Err(Unreadable { line: span.start.line(), why });
                };
                let weight = target.weight;
                let value = Value::Alias { name, target };
                self.add(
                    Node { span: start..end, anchor: None, is_tagged: false, value, weight },
                    0,
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    fn scalar(&self, span: Range<usize>, text: &str, style: ScalarStyle, is_tagged: bool) -> Node {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        // The span of a block scalar, and of a plain one on several lines, may hold what follows it.
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let span = span.start..span.start + raw.trim_end().len();
        let value = Value::Scalar { text: text.to_owned(), style };
        Node { span, anchor: None, is_tagged, value, weight: 1 }
    }

    fn finish_named(&mut self) -> Result<(), Unreadable> {
        match self.named.take() {
            Some((node, number)) => self.add(node, number),
            None => Ok(()),
        }
    }

    fn open(
        &mut self,
        span: &Span,
        (number, is_tagged): (usize, bool),
        style: StructureStyle,
        is_map: bool,
    ) -> Result<(), Unreadable> {
        let line = span.start.line();
        if self.open.len() >= DEEPEST {
            return Err(Unreadable {
                line,
                why: format!("it is nested deeper than {DEEPEST} levels"),
            });
        }
        self.open.push(Frame {
            start: span.start.byte_offset().unwrap_or(0),
            line,
            number,
            anchor: None,
            is_tagged,
            is_flow: style == StructureStyle::Flow,
            is_map,
            nodes: Vec::new(),
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Unreadable> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let last = frame.nodes.iter().map(|node| node.span.end).max().unwrap_or(frame.start);
        let span = frame.start..if frame.is_flow { end } else { last };
        let weight = frame.nodes.iter().fold(1u64, |sum, node| sum.saturating_add(node.weight));
        if weight > HEAVIEST {
            let why = format!("with its aliases written out it has more than {HEAVIEST} values");
            return Err(Unreadable { line: frame.line, why });
        }
        let value = if frame.is_map {
            let mut nodes = frame.nodes.into_iter();
            let mut entries = Vec::new();
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                entries.push(Entry { key, value });
            }
            Value::Map { entries, is_flow: frame.is_flow }
        } else {
            Value::List { items: frame.nodes, is_flow: frame.is_flow }
        };
        let (anchor, is_tagged) = (frame.anchor, frame.is_tagged);
        self.add(Node { span, anchor, is_tagged, value, weight }, frame.number)
    }

    fn add(&mut self, node: Node, number: usize) -> Result<(), Unreadable> {
        let node = Rc::new(node);
        if number != 0 {
            self.anchors.insert(number, (node.anchor.clone().unwrap_or_default(), node.clone()));
        }
        match self.open.last_mut() {
            Some(frame) => frame.nodes.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

impl Node {
    /// What an alias stands for, or the node itself.
    pub(crate) fn resolved(&self) -> &Node {
        match &self.value {
            Value::Alias { target, .. } => target.resolved(),
            Value::Scalar { .. } | Value::List { .. } | Value::Map { .. } => self,
        }
    }

    /// The text of a scalar that is not null, an alias' too.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.resolved().value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.resolved().value, Value::Scalar { text, style: Style::Plain }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.resolved().value, Value::Map { .. })
    }

    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.resolved().value {
            Value::List { items, .. } => items,
            Value::Scalar { .. } | Value::Map { .. } | Value::Alias { .. } => &[],
        }
    }

    /// The entries of a mapping as they are written, `<<` too.
    pub(crate) fn own_entries(&self) -> &[Entry] {
        match &self.resolved().value {
            Value::Map { entries, .. } => entries,
            Value::Scalar { .. } | Value::List { .. } | Value::Alias { .. } => &[],
        }
    }

    /// An entry that is written here, and not merged in; of several the last.
    pub(crate) fn own(&self, name: &str) -> Option<&Entry> {
        self.own_entries().iter().rfind(|entry| entry.key.text() == Some(name))
    }

    /// An entry's value, also a merged one.
    pub(crate) fn field(&self, name: &str) -> Option<&Rc<Node>> {
        if let Some(entry) = self.own(name) {
            return Some(&entry.value);
        }
        let merges = self.own_entries().iter().filter(|entry| entry.is_merge());
        let mut from = merges.flat_map(|entry| match &entry.value.resolved().value {
            Value::List { items, .. } => items.as_slice(),
            Value::Scalar { .. } | Value::Map { .. } | Value::Alias { .. } => {
                std::slice::from_ref(&entry.value)
            }
        });
        from.find_map(|node| node.field(name))
    }

    /// The value at the end of a path of names.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Rc<Node>> {
        let (first, rest) = path.split_first()?;
        let node = self.field(first)?;
        if rest.is_empty() { Some(node) } else { node.at(rest) }
    }

    /// All entries, merged ones too, each name once, in the order of the text.
    pub(crate) fn fields(&self) -> Vec<(&str, &Rc<Node>)> {
        let mut found = Vec::new();
        self.collect(&mut found, &mut HashMap::new());
        found
    }

    fn collect<'a>(
        &'a self,
        found: &mut Vec<(&'a str, &'a Rc<Node>)>,
        places: &mut HashMap<&'a str, usize>,
    ) {
        // An own entry beats a merged one, of the own the last, of the merged the first.
        let own_from = found.len();
        for entry in self.own_entries().iter().filter(|entry| !entry.is_merge()) {
            let Some(name) = entry.key.text() else { continue };
            match places.get(name).copied() {
                Some(at) if at >= own_from => {
                    if let Some(slot) = found.get_mut(at) {
                        slot.1 = &entry.value;
                    }
                }
                Some(_) => {}
                None => {
                    places.insert(name, found.len());
                    found.push((name, &entry.value));
                }
            }
        }
        for entry in self.own_entries().iter().filter(|entry| entry.is_merge()) {
            match &entry.value.resolved().value {
                Value::List { items, .. } => {
                    items.iter().for_each(|item| item.resolved().collect(found, places));
                }
                Value::Scalar { .. } | Value::Map { .. } | Value::Alias { .. } => {
                    entry.value.resolved().collect(found, places);
                }
            }
        }
    }
}

impl Entry {
    /// Whether it is `<<`, whose value's entries count as the mapping's.
    pub(crate) fn is_merge(&self) -> bool {
        matches!(&self.key.value, Value::Scalar { text, style: Style::Plain } if text == "<<")
    }
}
