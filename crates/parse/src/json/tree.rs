//! Fits tokens together into trees, repairing what a paste broke.
//!
//! A first pass trusts the brackets. If they do not add up, a second one trusts indentation as
//! well, because a lost `},` line would otherwise put half of a document into its last object.
//! Never recurses; linear in the length of the text.

use casefile::Span;

use super::scan::{Place, Placed, Scanner, Token, is_margin};
use super::{Node, Value};

/// Deepest nesting that is kept; what lies deeper is dropped. Real documents stay below 20.
const DEEPEST: usize = 64;
/// How many levels a cut head may lack.
const CUT_LEVELS: usize = 32;
/// Longest key that may open a document.
const LONGEST_KEY: usize = 128;

pub(super) fn documents(text: &str) -> Vec<Node> {
    let mut found = Vec::new();
    let mut place = Place { at: 0, line_start: 0, fresh: true };
    while let Some((start, headless)) = next_start(text, place) {
        let mut read = Builder::new(text, start, headless, false).run();
        if !read.0.as_ref().is_some_and(|node| node.complete) {
            let by_columns = Builder::new(text, start, headless, true).run();
            // Only one that read as far may replace the other: else the rest would be read again
            // and again. The line end behind the last bracket is nothing left to read.
            let left = text.get(by_columns.1.at..read.1.at).unwrap_or_default();
            if left.trim().is_empty() {
                read = by_columns;
            }
        }
        found.extend(read.0);
        place = read.1;
    }
    found
}

/// The next place where a document may start, and whether its head is cut off.
fn next_start(text: &str, from: Place) -> Option<(Place, bool)> {
    let mut place = from;
    for (offset, c) in text.get(from.at..)?.char_indices() {
        place.at = from.at + offset;
        let rest = text.get(place.at..).unwrap_or_default();
        match c {
            '\n' => {
                place.fresh = true;
                place.line_start = place.at + 1;
            }
            '{' if opens_object(rest) => return Some((place, false)),
            '[' if opens_array(rest) => return Some((place, false)),
            '"' | '\'' | '\u{201c}' if place.fresh && opens_pair(rest) => {
                return Some((place, true));
            }
            c if place.fresh => {
                place.fresh = c.is_whitespace() || is_margin(c) || matches!(c, '}' | ']' | ',');
            }
            _ => {}
        }
    }
    None
}

/// `{"key":`
fn opens_object(rest: &str) -> bool {
    rest.strip_prefix('{').is_some_and(|inner| opens_pair(past_margins(inner)))
}

/// `[{"key":`, `[["name", 137]`, `["a"`: an array of something that JSON has.
fn opens_array(rest: &str) -> bool {
    let mut inner = rest;
    for _ in 0..4 {
        let Some(deeper) = inner.strip_prefix('[') else { break };
        inner = past_margins(deeper);
    }
    opens_object(inner)
        || quoted(inner).is_some_and(|after| after.trim_start().starts_with([',', ']']))
}

/// Behind blanks, line ends and the marks of a quoted mail.
fn past_margins(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || is_margin(c))
}

/// `"key":`, with a key that looks like one.
fn opens_pair(rest: &str) -> bool {
    quoted(rest).is_some_and(|after| after.trim_start().starts_with(':'))
}

/// What follows a short quoted name, also one that Python 2 prints (`u'name'`).
fn quoted(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix(['u', 'b']).unwrap_or(rest);
    let open = rest.chars().next()?;
    let close = match open {
        '"' | '\'' => open,
        '\u{201c}' => '\u{201d}',
        _ => return None,
    };
    let inner = rest.get(open.len_utf8()..)?;
    let (end, _) = inner
        .char_indices()
        .take(LONGEST_KEY)
        .take_while(|(_, c)| *c != '\n')
        .find(|(_, c)| *c == close)?;
    inner.get(end + close.len_utf8()..)
}

/// A value that is still open.
struct Frame {
    value: Open,
    /// The key it will get in its parent.
    key: Option<(String, usize)>,
    start: usize,
    complete: bool,
    /// Column of the line that opened it.
    line_column: usize,
    /// Column of its first key that begins a line.
    key_column: Option<usize>,
}

enum Open {
    Object { members: Vec<(String, Node)>, key: Option<(String, Span)>, colon: bool },
    Array(Vec<Node>),
}

/// What to do after a token.
enum Step {
    Go,
    /// The outermost bracket closed.
    Done(Node),
    /// The token does not belong to the document.
    End,
}

struct Builder<'a> {
    scanner: Scanner<'a>,
    stack: Vec<Frame>,
    /// Brackets that were opened below [`DEEPEST`].
    buried: usize,
    /// Levels added because the head was cut.
    wrapped: usize,
    trust_columns: bool,
    headless: bool,
    line_column: usize,
    end: usize,
    /// Where the text ends.
    length: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, start: Place, headless: bool, trust_columns: bool) -> Self {
        Self {
            scanner: Scanner::new(text, start),
            stack: Vec::new(),
            buried: 0,
            wrapped: 0,
            trust_columns,
            headless,
            line_column: 0,
            end: start.at,
            length: text.len(),
        }
    }

    /// Reads one document; also where reading may go on.
    fn run(mut self) -> (Option<Node>, Place) {
        if self.headless {
            self.push('{', self.end, None, false);
        }
        loop {
            let before = self.scanner.place();
            let Some(placed) = self.scanner.next() else { break };
            if let Some(column) = placed.column {
                self.line_column = column;
            }
            let end = placed.span.end;
            match self.step(placed) {
                Step::Go => self.end = end,
                Step::Done(root) => {
                    self.end = end;
                    if let Some(root) = self.after_root(root) {
                        return (Some(root), self.scanner.place());
                    }
                }
                Step::End => return (self.close_all(), self.past_blanks(before)),
            }
        }
        (self.close_all(), self.scanner.place())
    }

    /// The place of a token that was read and is not taken.
    fn past_blanks(&self, before: Place) -> Place {
        let mut scanner = self.scanner.clone();
        scanner.return_to(before);
        scanner.skip_blanks();
        scanner.place()
    }

    fn step(&mut self, placed: Placed) -> Step {
        let Placed { token, span, column } = placed;
        if self.buried > 0 {
            match token {
                Token::Open(_) => self.buried += 1,
                Token::Close(_) => self.buried -= 1,
                Token::Comma
                | Token::Colon
                | Token::String(..)
                | Token::Word(_)
                | Token::Margin
                | Token::Skipped => {}
            }
            return Step::Go;
        }
        match token {
            Token::Open(bracket) => return self.open(bracket, span, column),
            Token::Close(bracket) => {
                if let Some(root) = self.close(bracket, span, column) {
                    return Step::Done(root);
                }
            }
            Token::Comma => self.comma(),
            Token::Colon => self.colon(),
            Token::String(text, closed) => self.string(text, closed, span, column),
            Token::Word(word) => return self.word(word, span),
            Token::Margin => {}
            Token::Skipped => self.mark_broken(),
        }
        Step::Go
    }

    fn open(&mut self, bracket: char, span: Span, column: Option<usize>) -> Step {
        // A bracket in column 0 where a key is due begins the next document: this one is cut.
        let due_key =
            matches!(self.stack.last(), Some(Frame { value: Open::Object { key: None, .. }, .. }));
        if due_key && column == Some(0) {
            self.mark_broken();
            return Step::End;
        }
        if self.stack.len() >= DEEPEST {
            self.buried = 1;
            self.mark_broken();
            return Step::Go;
        }
        let key = self.take_key();
        if due_key {
            self.mark_broken();
        }
        self.push(bracket, span.start, key, true);
        Step::Go
    }

    fn push(&mut self, bracket: char, start: usize, key: Option<(String, usize)>, complete: bool) {
        let value = if bracket == '{' {
            Open::Object { members: Vec::new(), key: None, colon: false }
        } else {
            Open::Array(Vec::new())
        };
        self.stack.push(Frame {
            value,
            key,
            start,
            complete,
            line_column: self.line_column,
            key_column: None,
        });
    }

    /// The key that waits for a value in the innermost object.
    fn take_key(&mut self) -> Option<(String, usize)> {
        match self.stack.last_mut().map(|frame| &mut frame.value) {
            Some(Open::Object { key, colon, .. }) => {
                *colon = false;
                Some(
                    key.take().map_or_else(
                        || (String::new(), usize::MAX),
                        |(name, span)| (name, span.start),
                    ),
                )
            }
            Some(Open::Array(_)) | None => None,
        }
    }

    fn close(&mut self, bracket: char, span: Span, column: Option<usize>) -> Option<Node> {
        let object = bracket == '}';
        let fits = |frame: &Frame| matches!(frame.value, Open::Object { .. }) == object;
        let by_column = if self.trust_columns { column } else { None };
        let target = match by_column {
            Some(column) => match self
                .stack
                .iter()
                .rposition(|frame| fits(frame) && frame.line_column == column)
            {
                Some(at) => Some(at),
                // Deeper than anything open: its opening line is lost.
                None if self.stack.last().is_some_and(|frame| column > frame.line_column)
                    && !self.headless =>
                {
                    self.mark_broken();
                    return None;
                }
                None => self.stack.iter().rposition(fits),
            },
            None => self.stack.iter().rposition(fits),
        };
        let Some(target) = target else {
            self.mark_broken();
            // A stray bracket of the other kind ends a document that has none to close.
            return self.collapse_to(0, span.end, false);
        };
        // What it leaves open above the target is broken, and so the target is.
        self.collapse_to(target, span.end, true)
    }

    /// Closes every frame above `target`, then `target` itself.
    fn collapse_to(&mut self, target: usize, end: usize, clean: bool) -> Option<Node> {
        while self.stack.len() > target + 1 {
            let last_end = self.end;
            self.close_top(last_end, false);
        }
        self.close_top(end, clean)
    }

    /// Closes the innermost frame; the root is returned, any other goes to its parent.
    fn close_top(&mut self, end: usize, clean: bool) -> Option<Node> {
        let frame = self.stack.pop()?;
        let (value, children_complete) = match frame.value {
            Open::Object { mut members, key, colon } => {
                let dangling = key.is_some();
                if let Some((name, span)) = key.filter(|_| colon) {
                    members.push((name, Node { value: Value::Null, span, complete: false }));
                }
                let whole = members.iter().all(|(_, node)| node.complete);
                (Value::Object(members), whole && !dangling)
            }
            Open::Array(items) => {
                let whole = items.iter().all(|node| node.complete);
                (Value::Array(items), whole)
            }
        };
        let complete = clean && frame.complete && children_complete;
        let node = Node { value, span: Span { start: frame.start, end }, complete };
        if self.stack.is_empty() {
            return Some(node);
        }
        self.add(node, frame.key);
        None
    }

    /// Gives a value to the innermost frame, under its key.
    fn add(&mut self, mut node: Node, key: Option<(String, usize)>) {
        let Some(frame) = self.stack.last_mut() else { return };
        match &mut frame.value {
            Open::Object { members, .. } => {
                let (name, start) = key.unwrap_or((String::new(), usize::MAX));
                node.span.start = node.span.start.min(start);
                members.push((name, node));
            }
            Open::Array(items) => items.push(node),
        }
    }

    fn comma(&mut self) {
        if let Some(Frame { value: Open::Object { key, colon, .. }, complete, .. }) =
            self.stack.last_mut()
            && key.take().is_some()
        {
            *colon = false;
            *complete = false;
        }
    }

    fn colon(&mut self) {
        match self.stack.last_mut() {
            Some(Frame { value: Open::Object { key: Some(_), colon, .. }, .. }) => *colon = true,
            Some(frame) => frame.complete = false,
            None => {}
        }
    }

    fn string(&mut self, text: String, closed: bool, span: Span, column: Option<usize>) {
        let is_key = closed && self.scanner.peek() == Some(':');
        let waits = matches!(
            self.stack.last(),
            Some(Frame { value: Open::Object { key: Some(_), colon: true, .. }, .. })
        );
        if is_key && !waits {
            return self.key(text, span, column);
        }
        if is_key && column.is_some() {
            // The value before is lost with its line: `"ExitCode":` and then the next key.
            self.comma_after_lost_value();
            return self.key(text, span, column);
        }
        self.scalar(Value::String(text), span, closed);
    }

    fn comma_after_lost_value(&mut self) {
        if let Some((name, start)) = self.take_key() {
            let span = Span { start: start.min(self.end), end: self.end };
            self.add(Node { value: Value::Null, span, complete: false }, Some((name, start)));
        }
    }

    fn key(&mut self, text: String, span: Span, column: Option<usize>) {
        if let (true, Some(column)) = (self.trust_columns, column) {
            self.leave_deeper_objects(column);
        }
        if matches!(self.stack.last(), Some(Frame { value: Open::Array(_), .. })) {
            self.reopen_last_object(span.start);
        }
        if let Some(frame) = self.stack.last_mut()
            && let Open::Object { key, colon, .. } = &mut frame.value
        {
            frame.key_column = frame.key_column.or(column);
            // A name without a value before this one.
            frame.complete &= key.is_none();
            *key = Some((text, span));
            *colon = false;
        }
    }

    /// A key further left than its object's keys belongs to an outer object: a `}` is lost.
    fn leave_deeper_objects(&mut self, column: usize) {
        let deeper = self.stack.last().is_some_and(|frame| match frame.value {
            Open::Object { .. } => frame.key_column.is_some_and(|own| own > column),
            Open::Array(_) => true,
        });
        let outer = self.stack.iter().rposition(|frame| frame.key_column == Some(column));
        if let (true, Some(outer)) = (deeper, outer) {
            while self.stack.len() > outer + 1 {
                let end = self.end;
                self.close_top(end, false);
            }
        }
    }

    /// A pair directly in an array: the object before it was closed by a bracket whose opening
    /// line is lost, or the object's own opening line is.
    fn reopen_last_object(&mut self, start: usize) {
        let last = match self.stack.last_mut() {
            Some(Frame { value: Open::Array(items), .. }) => {
                items.pop_if(|node| matches!(node.value, Value::Object(_)))
            }
            Some(_) | None => None,
        };
        match last {
            Some(Node { value: Value::Object(members), span, .. }) => {
                self.push('{', span.start, None, false);
                self.fill_top(members);
            }
            Some(_) | None => self.push('{', start, None, false),
        }
    }

    fn scalar(&mut self, value: Value, span: Span, complete: bool) {
        let node = Node { value, span, complete };
        let object_without_key = match self.stack.last() {
            Some(Frame { value: Open::Object { key, .. }, .. }) => key.is_none(),
            Some(_) | None => false,
        };
        if object_without_key {
            // A value whose key is lost tells nothing.
            self.mark_broken();
            return;
        }
        let key = self.take_key();
        self.add(node, key);
    }

    /// A literal or number; any other word outside a value's place is not JSON and ends it.
    fn word(&mut self, word: String, span: Span) -> Step {
        let value = match word.as_str() {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" => Value::Null,
            // A number at the very end of an unfinished document may have lost digits.
            word if is_number(word) && span.end == self.length && !self.stack.is_empty() => {
                Value::Opaque(word.to_owned())
            }
            word if is_number(word) => Value::Number(word.to_owned()),
            _ => {
                let due = matches!(
                    self.stack.last(),
                    Some(Frame { value: Open::Object { colon: true, .. }, .. })
                );
                if !due && !word.ends_with(')') {
                    self.mark_broken();
                    return Step::End;
                }
                Value::Opaque(word)
            }
        };
        self.scalar(value, span, true);
        Step::Go
    }

    fn mark_broken(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.complete = false;
        }
    }

    /// After the outermost bracket closed: what follows may show that the head was cut off, so
    /// that the document goes on one level further out, or that the bracket belonged to an object
    /// whose opening line is lost. Gives the root back if neither is so.
    fn after_root(&mut self, mut root: Node) -> Option<Node> {
        while self.wrapped < CUT_LEVELS {
            let before = self.scanner.place();
            let next = self.scanner.next();
            let is_object = matches!(root.value, Value::Object(_));
            let key_follows = |scanner: &Scanner<'_>| matches!(scanner.peek(), Some('"' | '\''));
            match next.map(|placed| (placed.token, placed.span)) {
                Some((Token::Close(bracket), span))
                    if bracket == ']' || self.headless || !is_object =>
                {
                    root = wrap(root, bracket == '}', span.end);
                    self.end = span.end;
                    self.wrapped += 1;
                }
                Some((Token::Comma, _)) if key_follows(&self.scanner) => {
                    self.go_on_as_object(root);
                    return None;
                }
                Some((Token::Comma, _)) if matches!(self.scanner.peek(), Some('{' | '[')) => {
                    self.wrapped += 1;
                    self.push('[', root.span.start, None, false);
                    self.add(root, None);
                    return None;
                }
                Some(_) | None => {
                    self.scanner.return_to(before);
                    return Some(root);
                }
            }
        }
        Some(root)
    }

    fn go_on_as_object(&mut self, root: Node) {
        self.wrapped += 1;
        let start = root.span.start;
        self.push('{', start, None, false);
        match root.value {
            // An object that was opened and closed in this text, yet goes on.
            Value::Object(members) if root.complete => self.fill_top(members),
            value => self.add(Node { value, ..root }, Some((String::new(), start))),
        }
    }

    /// Puts members into the object that was just pushed.
    fn fill_top(&mut self, members: Vec<(String, Node)>) {
        if let Some(Frame { value: Open::Object { members: open, .. }, .. }) = self.stack.last_mut()
        {
            *open = members;
        }
    }

    fn close_all(&mut self) -> Option<Node> {
        let end = self.end;
        let mut root = None;
        while !self.stack.is_empty() {
            root = self.close_top(end, false);
        }
        root
    }
}

/// The level around a value whose opening is cut off.
fn wrap(inner: Node, as_object: bool, end: usize) -> Node {
    let span = Span { start: inner.span.start, end };
    let value = if as_object {
        Value::Object(vec![(String::new(), inner)])
    } else {
        Value::Array(vec![inner])
    };
    Node { value, span, complete: false }
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    digits.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok()
}
