//! Edits of YAML and JSON at the places where nodes stand.
//!
//! What is put in follows what stands around it: indentation, quotes, flow or block, own lines or one. What cannot be
//! put in without writing something else anew is refused.

use std::ops::Range;
use std::rc::Rc;

use crate::document::{Entry, Node, Style, Value};
use crate::text::{Edit, before, line_end, line_stop};

/// Why a file is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What is put in.
#[derive(Debug, Clone)]
pub(crate) enum New {
    /// A text.
    Text(String),
    /// As it is spelled: a number, an alias, a copy of another place.
    Raw(String),
    List(Vec<New>),
    Map(Vec<(String, New)>),
}

/// Gathers edits of one text.
pub(crate) struct Editor<'a> {
    text: &'a str,
    pub(crate) edits: Vec<Edit>,
    end: &'static str,
    /// Spaces of a level.
    step: usize,
    /// Spaces before the dash of a list, beyond its key.
    dash: usize,
}

impl<'a> Editor<'a> {
    /// For a text and its documents, whose indentation is taken over.
    pub(crate) fn new(text: &'a str, documents: &[Rc<Node>]) -> Self {
        let mut editor = Self { text, edits: Vec::new(), end: line_end(text), step: 2, dash: 2 };
        let steps = documents.iter().find_map(|node| editor.step_of(node));
        editor.step = steps.unwrap_or(2);
        editor.dash = documents.iter().find_map(|node| editor.dash_of(node)).unwrap_or(editor.step);
        editor
    }

    fn column(&self, at: usize) -> usize {
        before(self.text, at).chars().count()
    }

    /// How much deeper a mapping stands than the one it is in.
    fn step_of(&self, node: &Node) -> Option<usize> {
        node.own_entries().iter().find_map(|entry| {
            let inner = entry.value.own_entries().first();
            let is_block = matches!(entry.value.value, Value::Map { is_flow: false, .. });
            let step = inner.filter(|_| is_block).and_then(|inner| {
                self.column(inner.key.span.start).checked_sub(self.column(entry.key.span.start))
            });
            step.filter(|step| *step > 0).or_else(|| self.step_of(&entry.value))
        })
    }

    /// How much deeper a list's dash stands than the list's key.
    fn dash_of(&self, node: &Node) -> Option<usize> {
        let inner = |node: &Node| node.items().iter().find_map(|item| self.dash_of(item));
        if matches!(node.value, Value::Alias { .. }) {
            return None;
        }
        let of_entry = |entry: &Entry| {
            let item = match &entry.value.value {
                Value::List { items, is_flow: false } => items.first()?,
                _ => return None,
            };
            let dash = before(self.text, item.span.start).rfind('-')?;
            dash.checked_sub(self.column(entry.key.span.start))
        };
        node.own_entries()
            .iter()
            .find_map(|entry| of_entry(entry).or_else(|| self.dash_of(&entry.value)))
            .or_else(|| inner(node))
    }

    /// Gives a scalar another value: only the words that differ where that is possible, its quotes kept.
    pub(crate) fn set(&mut self, node: &Node, new: &str) -> Result<(), Refused> {
        let Value::Scalar { text: old, style } = &node.value else {
            return Err(self.refusal(node, "is no plain value of its own"));
        };
        if old == new {
            return Ok(());
        }
        if let Some((at, words)) = self.changed_words(node, old, new) {
            self.edits.push(Edit { at, new: words });
            return Ok(());
        }
        if *style == Style::Block {
            return Err(self.refusal(node, "is a block of text"));
        }
        // A number stays one, an amount stays as bare as it was.
        let is_bare = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        let is_amount = old.starts_with(|c: char| c.is_ascii_digit()) && is_bare(old);
        let new = match style {
            Style::Plain if is_amount && is_bare(new) => new.to_owned(),
            _ => spelled(new, *style),
        };
        self.edits.push(Edit { at: node.span.clone(), new });
        Ok(())
    }

    /// The place of the words in which two values differ, and the new ones.
    fn changed_words(&self, node: &Node, old: &str, new: &str) -> Option<(Range<usize>, String)> {
        let (from, to): (Vec<&str>, Vec<&str>) =
            (old.split(' ').collect(), new.split(' ').collect());
        let head = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        let tail = from.iter().rev().zip(to.iter().rev());
        let tail = tail.take_while(|(one, other)| one == other).count();
        let tail = tail.min(from.len() - head).min(to.len() - head);
        let out = from.get(head..from.len() - tail)?.join(" ");
        let words = to.get(head..to.len() - tail)?.join(" ");
        let raw = self.text.get(node.span.clone())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_./=+:%".contains(c);
        let harmless = !words.is_empty() && words.chars().all(plain) && !words.contains(": ");
        // A scalar as a whole may need other quotes than it had.
        if out.is_empty() || !harmless || out == old || raw.matches(&out).count() != 1 {
            return None;
        }
        let start = node.span.start + raw.find(&out)?;
        Some((start..start + out.len(), words))
    }

    /// Replaces words inside a scalar's own text, whatever its style.
    pub(crate) fn replace_words(&mut self, node: &Node, old: &str, new: &str) -> bool {
        let raw = self.text.get(node.span.clone()).unwrap_or_default();
        let is_edge =
            |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"';&|()".contains(c));
        let mut places = raw.match_indices(old).filter(|(at, word)| {
            let left = raw.get(..*at).and_then(|text| text.chars().next_back());
            let right = raw.get(at + word.len()..).and_then(|text| text.chars().next());
            is_edge(left) && is_edge(right)
        });
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_./=+:%".contains(c);
        match (places.next(), places.next()) {
            (Some((at, word)), None) if new.chars().all(plain) => {
                let start = node.span.start + at;
                self.edits.push(Edit { at: start..start + word.len(), new: new.to_owned() });
                true
            }
            _ => false,
        }
    }

    /// Puts words behind a scalar's own text, inside its quotes.
    pub(crate) fn append_words(&mut self, node: &Node, words: &str) -> Result<(), Refused> {
        let Value::Scalar { style, .. } = &node.value else {
            return Err(self.refusal(node, "is no plain value of its own"));
        };
        let end = match style {
            Style::Single | Style::Double => node.span.end.saturating_sub(1),
            Style::Plain | Style::Block => node.span.end,
        };
        self.edits.push(Edit::insert(end, format!(" {words}")));
        Ok(())
    }

    /// Puts entries into a mapping, behind the entry of this name or behind its last.
    pub(crate) fn add_entries(
        &mut self,
        map: &Node,
        after: &[&str],
        entries: &[(String, New)],
    ) -> Result<(), Refused> {
        let Value::Map { entries: own, is_flow } = &map.value else {
            return Err(self.refusal(map, "is no mapping of its own"));
        };
        let style = sibling_style(own.iter().map(|entry| entry.value.as_ref()));
        let place = after.iter().find_map(|name| map.own(name)).or(own.last());
        if !is_flow {
            let Some((place, first)) = place.zip(own.first()) else {
                return Err(self.refusal(map, "is empty"));
            };
            let indent = self.indent(first)?;
            let at = line_stop(self.text, place.value.span.end.max(place.key.span.end));
            let mut text = String::new();
            for (key, new) in entries {
                text += self.end;
                text += &self.block(key, new, &indent, style);
            }
            self.edits.push(Edit::insert(at, text));
            return Ok(());
        }
        let quotes_keys = own.iter().any(|entry| is_double(&entry.key));
        let style = if quotes_keys { Style::Double } else { style };
        let colon = place.and_then(|it| self.text.get(it.key.span.end..it.value.span.start));
        let colon = colon.filter(|text| text.trim() == ":" && !text.contains('\n'));
        let colon = colon.map_or(": ", str::trim_start);
        let written: Vec<String> = entries
            .iter()
            .map(|(key, new)| {
                let key_style = if quotes_keys { Style::Double } else { Style::Plain };
                format!("{}{colon}{}", spelled(key, key_style), flow(new, style))
            })
            .collect();
        let around =
            own.iter().map(|it| (it.key.span.start, it.value.span.end.max(it.key.span.end)));
        let around: Vec<(usize, usize)> = around.collect();
        let place =
            place.and_then(|it| around.iter().position(|(start, _)| *start == it.key.span.start));
        self.add_in_flow(map, &around, place, &written);
        Ok(())
    }

    /// Puts items behind the last of a list.
    pub(crate) fn add_items(&mut self, list: &Node, items: &[New]) -> Result<(), Refused> {
        let Value::List { items: own, is_flow } = &list.value else {
            return Err(self.refusal(list, "is no list of its own"));
        };
        let inner =
            own.iter().flat_map(|item| item.own_entries().iter().map(|it| it.value.as_ref()));
        let style = sibling_style(own.iter().map(AsRef::as_ref).chain(inner));
        if *is_flow {
            let is_json =
                own.iter().any(|item| item.own_entries().iter().any(|it| is_double(&it.key)));
            let style = if is_json { Style::Double } else { style };
            let spelled: Vec<String> = items
                .iter()
                .map(|new| if is_json { flow_quoted(new, style) } else { flow(new, style) })
                .collect();
            let around: Vec<(usize, usize)> =
                own.iter().map(|item| (item.span.start, item.span.end)).collect();
            self.add_in_flow(list, &around, around.len().checked_sub(1), &spelled);
            return Ok(());
        }
        let Some(last) = own.last() else { return Err(self.refusal(list, "is empty")) };
        let prefix = own.iter().rev().map(|item| before(self.text, item.span.start));
        let is_dash = |text: &&str| text.trim() == "-";
        let Some(prefix) = prefix.into_iter().find(is_dash).map(str::to_owned) else {
            return Err(self.refusal(list, "is written in a way that is not known here"));
        };
        let deep = " ".repeat(prefix.chars().count());
        let mut text = String::new();
        for item in items {
            text += self.end;
            text += &prefix;
            text += &self.item(item, &deep, style);
        }
        self.edits.push(Edit::insert(line_stop(self.text, last.span.end), text));
        Ok(())
    }

    /// Gives an entry that has no value one, or lays new entries over the alias that it has.
    pub(crate) fn fill(&mut self, entry: &Entry, new: &New) -> Result<(), Refused> {
        let colon = self.text.get(entry.key.span.end..).and_then(|rest| rest.find(':'));
        let colon = colon.map(|at| entry.key.span.end + at + 1);
        let Some(colon) = colon.filter(|_| entry.value.anchor.is_none() && !entry.value.is_tagged)
        else {
            return Err(self.refusal(&entry.key, "has no value that can be filled"));
        };
        let indent = self.indent(entry)?;
        let key = entry.key.text().unwrap_or_default();
        // Of the block form only what stands behind the key.
        let block = self.block(key, new, &indent, Style::Plain);
        let Some((_, lines)) = block.split_once('\n') else {
            return Err(self.refusal(&entry.key, "has no value that can be filled"));
        };
        if entry.value.span.end > colon {
            self.edits.push(Edit { at: colon..entry.value.span.end, new: String::new() });
        }
        let at = line_stop(self.text, entry.value.span.end.max(colon));
        self.edits.push(Edit::insert(at, format!("{}{lines}", self.end)));
        Ok(())
    }

    /// The indentation of a block mapping, by its first entry.
    fn indent(&self, first: &Entry) -> Result<String, Refused> {
        let prefix = before(self.text, first.key.span.start);
        match prefix.chars().all(char::is_whitespace) {
            true => Ok(prefix.to_owned()),
            false if prefix.chars().all(|c| c == '-' || c == ' ') => {
                Ok(" ".repeat(prefix.chars().count()))
            }
            false => Err(self.refusal(&first.key, "is written in a way that is not known here")),
        }
    }

    fn block(&self, key: &str, new: &New, indent: &str, style: Style) -> String {
        let key = if key == "<<" { key.to_owned() } else { spelled(key, Style::Plain) };
        match new {
            New::Text(text) => format!("{indent}{key}: {}", spelled(text, style)),
            New::Raw(text) => format!("{indent}{key}: {text}"),
            New::Map(entries) => {
                let deep = format!("{indent}{}", " ".repeat(self.step));
                let lines = entries.iter().map(|(key, new)| self.block(key, new, &deep, style));
                format!("{indent}{key}:{}{}", self.end, lines.collect::<Vec<_>>().join(self.end))
            }
            New::List(items) => {
                let dash = format!("{indent}{}- ", " ".repeat(self.dash));
                let deep = " ".repeat(dash.len());
                let lines =
                    items.iter().map(|item| format!("{dash}{}", self.item(item, &deep, style)));
                format!("{indent}{key}:{}{}", self.end, lines.collect::<Vec<_>>().join(self.end))
            }
        }
    }

    /// An item behind its dash.
    fn item(&self, new: &New, deep: &str, style: Style) -> String {
        match new {
            New::Text(text) => spelled(text, style),
            New::Raw(text) => text.clone(),
            New::List(_) => flow(new, style),
            New::Map(entries) => {
                let lines = entries.iter().map(|(key, new)| self.block(key, new, deep, style));
                let lines = lines.collect::<Vec<_>>().join(self.end);
                lines.strip_prefix(deep).unwrap_or(&lines).to_owned()
            }
        }
    }

    /// Puts spelled entries or items into braces or brackets, behind one of those that stand there.
    fn add_in_flow(
        &mut self,
        node: &Node,
        around: &[(usize, usize)],
        place: Option<usize>,
        spelled: &[String],
    ) {
        let Some((place, (start, end))) = place.and_then(|at| Some((at, *around.get(at)?))) else {
            self.edits.push(Edit::insert(node.span.start + 1, spelled.join(", ")));
            return;
        };
        let prefix = before(self.text, start);
        if !prefix.is_empty() && !prefix.chars().all(char::is_whitespace)
            || prefix.is_empty() && start == 0
        {
            let gap = place.checked_sub(1).and_then(|at| around.get(at)).map(|(_, end)| *end);
            let gap = gap.and_then(|gap| self.text.get(gap..start)).filter(|gap| gap.trim() == ",");
            let gap = gap.filter(|gap| !gap.contains('\n')).unwrap_or(", ");
            let text: String = spelled.iter().map(|one| format!("{gap}{one}")).collect();
            self.edits.push(Edit::insert(end, text));
            return;
        }
        // Each on a line of its own: behind the comma and the comment of the one before.
        let lines = spelled.join(&format!(",{}{prefix}", self.end));
        let rest = self.text.get(end..line_stop(self.text, end)).unwrap_or_default();
        match rest.trim_start().strip_prefix(',') {
            Some(behind) if is_blank_or_comment(behind) => {
                let at = line_stop(self.text, end);
                self.edits.push(Edit::insert(at, format!("{}{prefix}{lines},", self.end)));
            }
            None if is_blank_or_comment(rest) => {
                self.edits.push(Edit::insert(end, ","));
                let at = line_stop(self.text, end);
                self.edits.push(Edit::insert(at, format!("{}{prefix}{lines}", self.end)));
            }
            Some(_) | None => {
                self.edits.push(Edit::insert(end, format!(",{}{prefix}{lines}", self.end)));
            }
        }
    }

    fn refusal(&self, node: &Node, why: &str) -> Refused {
        let line = self.text.get(..node.span.start).unwrap_or_default().matches('\n').count() + 1;
        Refused(format!("what stands at line {line} {why}"))
    }
}

fn is_blank_or_comment(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with('#')
}

fn is_double(node: &Node) -> bool {
    matches!(node.value, Value::Scalar { style: Style::Double, .. })
}

/// The quotes that most values around have.
fn sibling_style<'a>(nodes: impl Iterator<Item = &'a Node>) -> Style {
    let (mut single, mut double, mut plain) = (0, 0, 0);
    for node in nodes {
        match &node.value {
            Value::Scalar { style: Style::Single, .. } => single += 1,
            Value::Scalar { style: Style::Double, .. } => double += 1,
            Value::Scalar { style: Style::Plain, .. } => plain += 1,
            _ => {}
        }
    }
    match () {
        () if double > plain && double >= single => Style::Double,
        () if single > plain => Style::Single,
        () => Style::Plain,
    }
}

/// On one line, in braces and brackets.
fn flow(new: &New, style: Style) -> String {
    spelled_in_flow(new, style, false)
}

/// The same as JSON, its keys in quotes.
fn flow_quoted(new: &New, style: Style) -> String {
    spelled_in_flow(new, style, true)
}

fn spelled_in_flow(new: &New, style: Style, quotes_keys: bool) -> String {
    let key_style =
        if quotes_keys || style == Style::Double { Style::Double } else { Style::Plain };
    match new {
        New::Text(text) => spelled(text, style),
        New::Raw(text) => text.clone(),
        New::List(items) => {
            let items = items.iter().map(|item| spelled_in_flow(item, style, quotes_keys));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        New::Map(entries) => {
            let entries = entries.iter().map(|(key, new)| {
                format!("{}: {}", spelled(key, key_style), spelled_in_flow(new, style, quotes_keys))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A scalar in these quotes; without them only where every reader takes it for the same text.
pub(crate) fn spelled(text: &str, style: Style) -> String {
    match style {
        Style::Single if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        Style::Plain if is_plainly_text(text) => text.to_owned(),
        Style::Plain | Style::Single | Style::Double | Style::Block => {
            serde_json::Value::from(text).to_string()
        }
    }
}

/// Whether a text without quotes is read as itself: no indicator, no number, no word of its own meaning.
fn is_plainly_text(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || " -_./=+:%".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/_".contains(c))
        || text.starts_with("--")
        || text.starts_with("-X");
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    begins
        && text.chars().all(letters)
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !text.starts_with("---")
        && !words.contains(&text.to_ascii_lowercase().as_str())
        && !text.starts_with(|c: char| c.is_ascii_digit())
}
