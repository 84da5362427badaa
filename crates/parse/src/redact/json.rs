//! JSON wherever it stands: a whole document, one cut at either end, one amid other text.
//!
//! Reads tokens, not documents: `serde_json` would refuse the cut ones. Every edit is a whole
//! value or the inside of a string that is written back as JSON, so what was valid stays valid.

use settings::memory_settings::may_be_kept;

use super::clients::{Mentions, Walk};
use super::names::{self, Telling};
use super::{REDACTED, redact_text, shapes};

/// What a text is known to be, for all JSON in it.
pub(super) struct Document<'a> {
    /// How many strings deep this text lies in another.
    pub(super) depth: usize,
    /// A Kubernetes `Secret` object is in it: its `data` is secret whatever the names.
    pub(super) holds_secret_object: bool,
    /// The clients it names, whose password flags are looked for in lists of arguments.
    pub(super) mentions: Mentions<'a>,
}

/// Whether a Kubernetes object of the kind `Secret` is in a text.
pub(super) fn holds_secret(text: &str) -> bool {
    text.match_indices("kind").any(|(at, word)| {
        let rest = text.get(at + word.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(['"', ' ', ':', '\\']);
        rest.strip_prefix("Secret")
            .is_some_and(|end| !end.starts_with(|c: char| c.is_alphanumeric()))
    })
}

/// Where JSON begins in a line: `{"`, `[{`, `["`, a `{` or `[` that ends the line, or, for a
/// document cut at its head, `"key":`.
pub(super) fn starts_in(line: &str, at_line_start: bool) -> Option<usize> {
    line.char_indices().find_map(|(at, letter)| {
        let rest = line.get(at + letter.len_utf8()..)?.trim_start();
        let starts = match letter {
            '{' => rest.starts_with('"') || (rest.is_empty() && line.get(..at)?.trim().is_empty()),
            '[' => {
                rest.starts_with(['{', '"'])
                    || (rest.is_empty() && line.get(..at)?.trim().is_empty())
            }
            '"' => {
                let lone = at_line_start
                    && line.get(..at)?.trim_start_matches(['>', ' ', '\t']).is_empty()
                    && is_lone_variable(line.get(at..)?);
                lone || string_end(line, at).is_some_and(|end| {
                    line.get(end..).is_some_and(|after| after.trim_start().starts_with(':'))
                        && line.get(at + 1..end - 1).is_some_and(|key| {
                            !key.is_empty() && key.len() < 100 && !key.contains(' ')
                        })
                })
            }
            _ => false,
        };
        starts.then_some(at)
    })
}

/// The key of a list of arguments, whose program may stand beside it or nowhere.
fn is_command(key: &str) -> bool {
    matches!(
        key.to_ascii_lowercase().as_str(),
        "args" | "arguments" | "cmd" | "command" | "entrypoint" | "createcommand" | "test"
    )
}

/// `"NAME=value",` alone on its line: an entry of an `Env` whose head is cut off.
fn is_lone_variable(text: &str) -> bool {
    let inner = text.trim_end().trim_end_matches(',').trim_matches('"');
    inner.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// One past the closing quote of the string that opens at `start`, if it closes on its line.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.as_bytes().iter().enumerate().skip(start + 1) {
        match byte {
            b'\n' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What the strings of an object or array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `Env`, `environment`: variables.
    Variables,
    /// Labels, annotations.
    Labels,
    /// Attributes of an event.
    Attributes,
    /// Options of a log driver.
    LogOptions,
    /// The data of a Kubernetes secret, or all below a telling name.
    Secret,
    /// Anything else.
    Plain,
}

#[derive(Debug)]
struct Frame {
    is_object: bool,
    kind: Kind,
    /// The key it stands under.
    key: String,
    /// The key whose value comes next.
    next: String,
    /// `name` of a `{name, value}` pair.
    name: Option<String>,
    /// Where its `value` stands.
    value: Option<(usize, usize)>,
    /// The array's element before, for `--password`, `X`.
    before: String,
    /// The command the array's elements are, or an object's program.
    walk: Walk,
}

struct Region<'a> {
    text: &'a str,
    document: &'a Document<'a>,
    stack: Vec<Frame>,
    edits: Vec<(usize, usize, String)>,
}

impl Document<'_> {
    /// Redacts the JSON that begins at `start`; returns it with the length it had.
    pub(super) fn redact_region(&mut self, text: &str, start: usize) -> Option<(String, usize)> {
        let mut region = Region { text, document: self, stack: Vec::new(), edits: Vec::new() };
        if text.as_bytes().get(start) == Some(&b'"') {
            let rest = text.get(start..)?;
            let line = rest.split('\n').next().unwrap_or(rest);
            let frame = if is_lone_variable(line) {
                Frame::new(false, Kind::Variables, "Env")
            } else {
                Frame::new(true, Kind::Plain, "")
            };
            region.stack.push(frame);
        }
        let end = region.walk(start);
        while let Some(frame) = region.stack.pop() {
            region.close(&frame);
        }
        if end <= start {
            return None;
        }
        Some((region.write(start, end), end - start))
    }
}

impl Frame {
    fn new(is_object: bool, kind: Kind, key: &str) -> Self {
        Self {
            is_object,
            kind,
            key: key.to_owned(),
            next: String::new(),
            name: None,
            value: None,
            before: String::new(),
            walk: Walk::default(),
        }
    }
}

impl Region<'_> {
    /// Reads tokens until the document closes or something that is no JSON stands there.
    fn walk(&mut self, start: usize) -> usize {
        let mut at = start;
        while let Some(byte) = self.text.as_bytes().get(at) {
            match byte {
                b'{' | b'[' => {
                    self.open(*byte == b'{');
                    at += 1;
                }
                b'}' | b']' => {
                    if self.stack.last().is_none_or(|frame| frame.is_object != (*byte == b'}')) {
                        return at + 1;
                    }
                    if let Some(frame) = self.stack.pop() {
                        self.close(&frame);
                    }
                    at += 1;
                    if self.stack.is_empty() {
                        return at;
                    }
                }
                b'"' => match self.string(at) {
                    (end, true) => at = end,
                    (end, false) => return end,
                },
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'.' => at += 1,
                _ => match self.literal(at) {
                    Some(end) => at = end,
                    None => return self.back_to_line_start(start, at),
                },
            }
        }
        at
    }

    /// Words that are no JSON: the line they stand on is not of the document, if it is only theirs.
    fn back_to_line_start(&self, start: usize, at: usize) -> usize {
        let seen = self.text.get(start..at).unwrap_or_default();
        let line = seen.rsplit('\n').next().unwrap_or(seen);
        let only_theirs =
            seen.len() > line.len() && line.trim_matches(['>', ' ', '\t', '.']).is_empty();
        if only_theirs { at - line.len() } else { at }
    }

    fn open(&mut self, is_object: bool) {
        let (key, outer, outer_key, in_array) = match self.stack.last() {
            Some(frame) if frame.is_object => {
                (frame.next.clone(), Kind::Plain, frame.key.clone(), false)
            }
            Some(frame) => (frame.key.clone(), frame.kind, String::new(), true),
            None => (String::new(), Kind::Plain, String::new(), false),
        };
        let walk = self.stack.last().map_or_else(Walk::default, |frame| frame.walk);
        let kind = if in_array { outer } else { self.kind_of(&key, &outer_key) };
        let mut frame = Frame::new(is_object, kind, &key);
        if !is_object && !in_array {
            frame.walk = walk;
        }
        if is_object && in_array {
            // An entry `{name, value}` of a list: its other keys are its own.
            frame.kind = if kind == Kind::Variables { Kind::Plain } else { kind };
            frame.before = if kind == Kind::Variables { "entry".to_owned() } else { String::new() };
        }
        self.stack.push(frame);
    }

    fn kind_of(&self, key: &str, outer_key: &str) -> Kind {
        let lower = key.to_ascii_lowercase();
        match lower.as_str() {
            "env" | "environment" | "environmentvariables" | "extraenv" => Kind::Variables,
            "labels" | "annotations" => Kind::Labels,
            "attributes" => Kind::Attributes,
            "config" if outer_key.eq_ignore_ascii_case("logconfig") => Kind::LogOptions,
            "options" if outer_key.eq_ignore_ascii_case("logconfiguration") => Kind::LogOptions,
            "data" | "stringdata" if self.document.holds_secret_object => Kind::Secret,
            _ => Kind::Plain,
        }
    }

    /// Decides a `{name, value}` pair once both were seen, or the text ended.
    fn close(&mut self, frame: &Frame) {
        let Some((start, end)) = frame.value else { return };
        let is_variable = frame.before == "entry";
        let name = frame.name.as_deref().unwrap_or_default();
        let keep = if is_variable { may_be_kept(name) } else { names::telling(name).is_none() };
        if keep { self.inner(start, end) } else { self.replace(start, end) }
    }

    /// Reads the string at `at`; false with the end of what was read if it does not close.
    fn string(&mut self, at: usize) -> (usize, bool) {
        let Some(end) = string_end(self.text, at) else {
            let rest = self.text.get(at..).unwrap_or_default();
            let end = at + rest.find('\n').unwrap_or(rest.len());
            self.value(at, end);
            return (end, false);
        };
        let after = self.text.get(end..).unwrap_or_default().trim_start();
        match self.stack.last() {
            Some(frame) if frame.is_object && after.starts_with(':') => self.key(at, end),
            Some(_) => self.value(at, end),
            None => {}
        }
        (end, true)
    }

    /// A key is kept, without a secret in it: Go's `Get "http://user:SECRET@host/": EOF` looks like
    /// one. What it announces is told by what it says, however it is escaped.
    fn key(&mut self, start: usize, end: usize) {
        let text = self.decoded(start, end);
        self.rewrite(start, end, &super::words::redact_words(&text));
        if let Some(frame) = self.stack.last_mut() {
            frame.next = text;
        }
    }

    /// Decides about the string value that stands from `start` to `end`, quotes included.
    fn value(&mut self, start: usize, end: usize) {
        let text = self.decoded(start, end);
        let Some(frame) = self.stack.last_mut() else { return };
        if !frame.is_object {
            return self.element(start, end, &text);
        }
        let key = frame.next.clone();
        let lower = key.to_ascii_lowercase();
        let is_entry = frame.before == "entry";
        match lower.as_str() {
            "name" | "key" => frame.name = Some(text.clone()),
            "path" | "entrypoint" | "command" => {
                frame.walk.see(&text);
            }
            "value" if frame.kind == Kind::Plain => {
                frame.value = Some((start, end));
                return;
            }
            _ => {}
        }
        let keep = match frame.kind {
            Kind::Variables => may_be_kept(&key),
            Kind::Labels => names::is_kept_label(&key),
            Kind::Attributes => names::is_kept_attribute(&key),
            Kind::LogOptions => names::is_kept_log_option(&key),
            Kind::Secret => false,
            Kind::Plain => is_entry || names::telling(&key).is_none() || names::is_harmless(&text),
        };
        match lower.as_str() {
            _ if !keep => self.replace(start, end),
            "labels" | "annotations" => self.rewrite(start, end, &label_list(&text)),
            "env" | "environment" => self.rewrite(start, end, &variable(&text)),
            "image" | "imageid" | "name" | "id" | "names" | "container" | "containerid" => {
                self.rewrite(start, end, &shapes::without_marked_tokens(&text));
            }
            _ => self.inner(start, end),
        }
    }

    /// Decides about an element of an array.
    fn element(&mut self, start: usize, end: usize, text: &str) {
        let Some(frame) = self.stack.last_mut() else { return };
        let before = std::mem::replace(&mut frame.before, text.to_owned());
        let (kind, key) = (frame.kind, frame.key.clone());
        let cut = if is_command(&key) {
            frame.walk.step_in_list(text, &self.document.mentions)
        } else {
            frame.walk.step(text)
        };
        match kind {
            Kind::Variables => return self.rewrite(start, end, &variable(text)),
            Kind::Labels | Kind::Attributes => return self.rewrite(start, end, &label_list(text)),
            Kind::Secret => return self.replace(start, end),
            Kind::LogOptions | Kind::Plain => {}
        }
        let after_flag = before.starts_with('-')
            && !before.contains('=')
            && names::telling(&before).is_some()
            && !text.starts_with('-');
        let short_flag =
            before == "-a" && key.eq_ignore_ascii_case("args") && !text.starts_with('-');
        let under_name = names::telling(&key) == Some(Telling::Strong);
        if (after_flag || short_flag || under_name) && !names::is_harmless(text) {
            self.replace(start, end);
        } else if matches!(before.as_str(), "-e" | "--env") {
            self.rewrite(start, end, &variable(text));
        } else if let Some(cut) = cut {
            self.rewrite(start, end, &super::words::cut_out(text, vec![cut]));
        } else {
            self.inner(start, end);
        }
    }

    /// A number or word; a number under a telling name goes, `true` and `null` stay.
    fn literal(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..length)?;
        // Python's `NaN` is one, too.
        let is_number = word.parse::<f64>().is_ok();
        if !is_number && !matches!(word, "true" | "false" | "null") {
            return None;
        }
        let frame = self.stack.last()?;
        let goes = match frame.kind {
            Kind::Variables => frame.is_object && !may_be_kept(&frame.next),
            Kind::Secret => true,
            Kind::Plain => frame.is_object && names::telling(&frame.next) == Some(Telling::Strong),
            Kind::Labels | Kind::Attributes | Kind::LogOptions => false,
        };
        if is_number && goes {
            self.edits.push((at, at + length, format!("\"{REDACTED}\"")));
        }
        Some(at + length)
    }

    fn decoded(&self, start: usize, end: usize) -> String {
        let token = self.text.get(start..end).unwrap_or_default();
        serde_json::from_str(token).unwrap_or_else(|_| {
            let inner = token.strip_prefix('"').unwrap_or(token);
            inner.strip_suffix('"').unwrap_or(inner).to_owned()
        })
    }

    fn replace(&mut self, start: usize, end: usize) {
        self.rewrite(start, end, REDACTED);
    }

    /// Takes the secrets out of a string that is kept.
    fn inner(&mut self, start: usize, end: usize) {
        let text = self.decoded(start, end);
        let redacted = redact_text(&text, true, self.document.depth + 1);
        self.rewrite(start, end, &redacted);
    }

    /// Writes a string back as JSON, with as much of a closing quote as it had.
    fn rewrite(&mut self, start: usize, end: usize, new: &str) {
        if new == self.decoded(start, end) {
            return;
        }
        let closed = string_end(self.text, start) == Some(end);
        let mut json = serde_json::Value::from(new).to_string();
        if !closed {
            json.pop();
        }
        self.edits.push((start, end, json));
    }

    fn write(&mut self, start: usize, end: usize) -> String {
        self.edits.sort_by_key(|edit| edit.0);
        let mut out = String::with_capacity(end - start);
        let mut at = start;
        for (from, to, new) in &self.edits {
            if *from >= at {
                out.push_str(self.text.get(at..*from).unwrap_or_default());
                out.push_str(new);
                at = *to;
            }
        }
        out.push_str(self.text.get(at..end).unwrap_or_default());
        out
    }
}

/// `NAME=value` without the value, unless it steers memory.
fn variable(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) if may_be_kept(name) => {
            format!("{name}={}", super::words::redact_words(value))
        }
        Some((name, value)) if !value.is_empty() => format!("{name}={REDACTED}"),
        Some(_) | None => text.to_owned(),
    }
}

/// `a=b,c=d` without the values of labels that nothing reads.
fn label_list(text: &str) -> String {
    let parts = text.split(',').map(|pair| match pair.split_once('=') {
        Some((name, _)) if names::is_kept_label(name.trim()) => pair.to_owned(),
        Some((name, _)) => format!("{name}={REDACTED}"),
        // A comma inside a value: its rest has no name of its own.
        None if pair.is_empty() => String::new(),
        None => REDACTED.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}
