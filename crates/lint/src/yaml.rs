//! YAML text → trees, one per document: anchors, aliases and merge keys resolved.
//!
//! JSON is read by the same door, since YAML 1.2 holds it whole. Leans on YAML 1.2.2 and, for `<<`, on
//! the type "merge" of YAML 1.1, which Compose and Kubernetes both read.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::place::{Place, Unreadable};
use crate::tree::{DEEPEST, HEAVIEST, Mark, Node, Value};

/// Reads every document.
pub(crate) fn read(file: &Arc<str>, text: &str) -> Result<Vec<Rc<Node>>, Unreadable> {
    documents(file, None, text)
}

/// Reads a text that stands as one value in a file: everything in it stands there.
pub(crate) fn read_within(place: &Place, text: &str) -> Result<Vec<Rc<Node>>, Unreadable> {
    documents(&place.file, Some(place), text)
        .map_err(|error| Unreadable { place: place.clone(), ..error })
}

fn documents(
    file: &Arc<str>,
    within: Option<&Place>,
    text: &str,
) -> Result<Vec<Rc<Node>>, Unreadable> {
    let mut builder = Builder {
        file: file.clone(),
        within: within.cloned(),
        documents: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            Unreadable::new(
                Place::new(file, marker.line().max(1), marker.col() + 1),
                format!("it is not YAML: {}", error.info()),
            )
        })?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

struct Builder {
    file: Arc<str>,
    within: Option<Place>,
    documents: Vec<Rc<Node>>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Rc<Node>>,
}

/// A collection whose end has not come.
struct Frame {
    place: Place,
    mark: Option<Mark>,
    anchor: usize,
    is_map: bool,
    /// Of a mapping keys and values in turn.
    nodes: Vec<Rc<Node>>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
        let own = || Place::new(&self.file, span.start.line().max(1), span.start.col() + 1);
        let place = self.within.clone().unwrap_or_else(own);
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let mark = tag.as_deref().and_then(mark);
                let value = match mark {
                    Some(Mark::Reset) => unset(),
                    Some(Mark::Override | Mark::Other) | None => {
                        Value::Scalar { text: text.into_owned(), plain }
                    }
                };
                let node = Rc::new(Node::new(place, mark, value));
                self.add(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(place, anchor, tag.as_deref(), false)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(place, anchor, tag.as_deref(), true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Unreadable::new(place, "an alias stands inside its own anchor"));
                };
                self.add(node, 0)?;
            }
            // Comments are not asked for; what else a newer reader may tell is no value.
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        place: Place,
        anchor: usize,
        tag: Option<&Tag>,
        is_map: bool,
    ) -> Result<(), Unreadable> {
        if self.open.len() >= DEEPEST {
            return Err(Unreadable::new(
                place,
                format!("it is nested deeper than {DEEPEST} levels"),
            ));
        }
        self.open.push(Frame {
            place,
            mark: tag.and_then(mark),
            anchor,
            is_map,
            nodes: Vec::new(),
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.is_map {
            _ if frame.mark == Some(Mark::Reset) => unset(),
            true => Value::Map(merged(frame.nodes)),
            false => Value::List(frame.nodes),
        };
        self.add(Rc::new(Node::new(frame.place, frame.mark, value)), frame.anchor)
    }

    fn add(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Unreadable> {
        if node.weight > HEAVIEST {
            return Err(Unreadable::new(
                node.place.clone(),
                format!("with its aliases written out it has more than {HEAVIEST} values"),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(frame) => frame.nodes.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

/// What a `!reset` leaves, whatever stands behind it.
fn unset() -> Value {
    Value::Scalar { text: String::new(), plain: true }
}

fn mark(tag: &Tag) -> Option<Mark> {
    match tag.suffix() {
        "reset" => Some(Mark::Reset),
        "override" => Some(Mark::Override),
        _ if tag.is_yaml_core_schema() => None,
        _ => Some(Mark::Other),
    }
}

/// Pairs keys with values and puts the entries of `<<` below the mapping's own.
fn merged(nodes: Vec<Rc<Node>>) -> Vec<(Rc<Node>, Rc<Node>)> {
    let mut own: Vec<(Rc<Node>, Rc<Node>)> = Vec::new();
    let mut from: Vec<Rc<Node>> = Vec::new();
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        let is_merge = matches!(&key.value, Value::Scalar { text, plain: true } if text == "<<");
        match &value.value {
            Value::Map(_) if is_merge => from.push(value),
            Value::List(items) if is_merge => from.extend(items.iter().cloned()),
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) => own.push((key, value)),
        }
    }
    // An own key beats a merged one, of those the earlier; `field` takes the last.
    let mut all = Vec::new();
    for node in from.iter().rev() {
        if let Value::Map(entries) = &node.value {
            all.extend(entries.iter().cloned());
        }
    }
    all.extend(own);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Rc<Node> {
        read(&Arc::from("f"), text).unwrap().remove(0)
    }

    #[test]
    fn every_node_knows_its_place() {
        let tree = one("a:\n  b: [x, {c: y}]\n");
        let found = tree.at(&["a", "b"]).unwrap().items()[1].field("c").unwrap();
        assert_eq!((found.text(), found.place.line, found.place.column), (Some("y"), 2, 14));
    }

    #[test]
    fn merge_keys_lie_below_the_own() {
        let tree = one(
            "x: &x {m: 1, n: 1}\ny: &y {m: 2, o: 2}\nz:\n  m: 3\n  <<: [*x, *y]\nw: {<<: [*x, *y]}\n",
        );
        let said = |path: &[&str]| tree.at(path).unwrap().text().unwrap().to_owned();
        assert_eq!(
            (said(&["z", "m"]), said(&["z", "n"]), said(&["z", "o"])),
            ("3".into(), "1".into(), "2".into())
        );
        assert_eq!(said(&["w", "m"]), "1");
    }

    #[test]
    fn json_is_read_with_tabs_and_surrogates() {
        let tree = one("{\n\t\"a\": [1,\n\t\t{\"b\":\"\\ud83d\\ude00\\/\"}\n\t]\n}\n");
        assert_eq!(tree.field("a").unwrap().items()[1].field("b").unwrap().text(), Some("😀/"));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            text += &format!("a{level}: &a{level} [{below}]\n");
        }
        let error = read(&Arc::from("f"), &text).unwrap_err();
        assert!(error.why.contains("1000000"), "{error:?}");
        let error = read(&Arc::from("f"), &("[".repeat(120) + &"]".repeat(120))).unwrap_err();
        assert!(error.why.contains("100 levels"), "{error:?}");
        assert!(read(&Arc::from("f"), &"[".repeat(50_000)).is_err());
        assert!(read(&Arc::from("f"), &"- ".repeat(50_000)).is_err());
        assert!(read(&Arc::from("f"), "a: &a [*a]").is_err());
    }

    #[test]
    fn what_is_not_yaml_names_its_line() {
        let error = read(&Arc::from("f"), "a: b\nc: [d\ne: f\n").unwrap_err();
        assert!(error.place.line >= 2, "{error:?}");
    }
}
