//! The words of JSON: brackets, strings, numbers and literals with the bytes they stand at.
//!
//! A string that lacks its closing quote ends with its line, unless a mailer wrapped it. Decides
//! nothing about how words fit together.

use casefile::Span;

/// One word of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `{` or `[`
    Open(char),
    /// `}` or `]`
    Close(char),
    Comma,
    Colon,
    /// Decoded text, and whether its closing quote was there.
    String(String, bool),
    /// A number, literal or call, as written.
    Word(String),
    /// A mailer's or table's mark before the text of a line.
    Margin,
    /// A character that is no JSON but may be skipped: an ellipsis, a comment.
    Skipped,
}

/// A token with its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) span: Span,
    /// Column, if only blanks and quote marks stand before it in its line.
    pub(super) column: Option<usize>,
}

/// Longest run of lines a wrapped string may take.
const WRAPPED_LINES: usize = 3;

/// A place in a text, with what is known of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) line_start: usize,
    /// Nothing but blanks and margins stands between `line_start` and `at`.
    pub(super) fresh: bool,
}

/// What a text that is one string says.
pub(super) fn string(text: &str) -> Option<String> {
    let mut scanner = Scanner::new(text, Place::default());
    match scanner.next()?.token {
        Token::String(inside, true) if scanner.rest().is_empty() => Some(inside),
        _ => None,
    }
}

/// Reads tokens one by one.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line_start: usize,
    fresh: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at a place in the text.
    pub(super) fn new(text: &'a str, place: Place) -> Self {
        Self { text, at: place.at, line_start: place.line_start, fresh: place.fresh }
    }

    /// Where the next token will be looked for.
    pub(super) fn place(&self) -> Place {
        Place { at: self.at, line_start: self.line_start, fresh: self.fresh }
    }

    /// Goes back to a place it was at.
    pub(super) fn return_to(&mut self, place: Place) {
        self.at = place.at;
        self.line_start = place.line_start;
        self.fresh = place.fresh;
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The character after blanks, without taking anything.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().find(|c| !c.is_whitespace())
    }

    /// The next token; `None` at the end of the text.
    pub(super) fn next(&mut self) -> Option<Placed> {
        self.skip_blanks();
        let first = self.rest().chars().next()?;
        let column = self.fresh.then_some(self.at - self.line_start);
        let start = self.at;
        self.fresh = self.fresh && is_margin(first);
        let token = match first {
            '{' | '[' => self.take(first, Token::Open(first)),
            '}' | ']' => self.take(first, Token::Close(first)),
            ',' => self.take(first, Token::Comma),
            ':' => self.take(first, Token::Colon),
            '"' | '\'' => self.string(first, first),
            '\u{201c}' | '\u{201d}' => self.string(first, '\u{201d}'),
            'u' | 'b' if self.rest().get(1..).is_some_and(|rest| rest.starts_with(['"', '\''])) => {
                // Python 2 prints `u'exited'`.
                self.at += 1;
                let quote = self.rest().chars().next().unwrap_or('"');
                self.string(quote, quote)
            }
            '#' => self.comment(),
            '/' if self.rest().starts_with("//") => self.comment(),
            c if c.is_alphanumeric() || matches!(c, '-' | '+' | '_' | '$') => self.word(),
            c if column.is_some() && is_margin(c) => self.take(c, Token::Margin),
            other => self.take(other, Token::Skipped),
        };
        Some(Placed { token, span: Span { start, end: self.at }, column })
    }

    fn take(&mut self, taken: char, token: Token) -> Token {
        self.at += taken.len_utf8();
        token
    }

    pub(super) fn skip_blanks(&mut self) {
        for c in self.rest().chars() {
            if !c.is_whitespace() {
                return;
            }
            self.at += c.len_utf8();
            if c == '\n' {
                self.line_start = self.at;
                self.fresh = true;
            }
        }
    }

    fn comment(&mut self) -> Token {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        Token::Skipped
    }

    /// A number or name; a call's arguments (`datetime.datetime(2024, 5, 6)`) belong to it.
    fn word(&mut self) -> Token {
        let rest = self.rest();
        let mut depth = 0_u32;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let inside = match c {
                '(' => {
                    depth += 1;
                    true
                }
                ')' if depth > 0 => {
                    depth -= 1;
                    true
                }
                '\n' => false,
                c if depth > 0 => c != '\n',
                c => c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '$'),
            };
            if !inside {
                end = at;
                break;
            }
        }
        self.at += end;
        Token::Word(rest.get(..end).unwrap_or_default().to_owned())
    }

    fn string(&mut self, open: char, close: char) -> Token {
        self.at += open.len_utf8();
        let rest = self.rest();
        let (end, closed) = string_end(rest, close);
        let raw = rest.get(..end).unwrap_or_default();
        self.at += end + if closed { close.len_utf8() } else { 0 };
        // What follows a wrapped string stands in no column until the next line begins.
        Token::String(unescape(raw), closed)
    }
}

/// A mailer's or table's mark before the text of a line.
pub(super) fn is_margin(c: char) -> bool {
    matches!(c, '>' | '|')
}

/// Bytes up to the closing quote and true, or up to the line's end and false.
fn string_end(rest: &str, close: char) -> (usize, bool) {
    let mut line_end = None;
    let mut lines = 1;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == close {
            let closes = line_end.is_none() || ends_a_value(rest.get(at + c.len_utf8()..));
            return if closes { (at, true) } else { (line_end.unwrap_or(at), false) };
        }
        if c == '\n' {
            escaped = false;
            line_end = line_end.or(Some(at));
            lines += 1;
            if lines > WRAPPED_LINES {
                break;
            }
        }
    }
    (line_end.unwrap_or(rest.len()), false)
}

/// Whether what follows a quote in a later line shows that it closes a wrapped string; a quote
/// that opens the next key is followed by a name.
fn ends_a_value(after: Option<&str>) -> bool {
    let after = after.unwrap_or_default().trim_start_matches([' ', '\t', '\r']);
    after.is_empty() || after.starts_with([',', '}', ']', '\n'])
}

/// Decodes escapes; what is not an escape stays as it is. A line break (a mailer's) and the blanks
/// around it become one blank.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => unescape_one(&mut rest, &mut text),
            '\n' => {
                text.truncate(text.trim_end().len());
                text.push(' ');
                let tail = rest.as_str().trim_start_matches([' ', '\t', '>', '|']);
                rest = tail.chars();
            }
            c => text.push(c),
        }
    }
    text
}

fn unescape_one(rest: &mut std::str::Chars<'_>, text: &mut String) {
    match rest.next() {
        Some('n') => text.push('\n'),
        Some('t') => text.push('\t'),
        Some('r') => text.push('\r'),
        Some('b') => text.push('\u{8}'),
        Some('f') => text.push('\u{c}'),
        Some('u') => text.push(hex_escape(rest, 4)),
        Some('x') => text.push(hex_escape(rest, 2)),
        Some(other) => text.push(other),
        None => {}
    }
}

/// One `\uXXXX` (with its second half, for characters beyond the first plane) or `\xXX`.
fn hex_escape(rest: &mut std::str::Chars<'_>, digits: usize) -> char {
    let Some(first) = hex(rest, digits) else { return char::REPLACEMENT_CHARACTER };
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let mut ahead = rest.clone();
    let second = (ahead.next() == Some('\\') && ahead.next() == Some('u'))
        .then(|| hex(&mut ahead, 4))
        .flatten()
        .filter(|low| (0xdc00..0xe000).contains(low));
    let Some(low) = second else { return char::REPLACEMENT_CHARACTER };
    *rest = ahead;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hex(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<u32> {
    let taken = rest.as_str().get(..digits)?;
    let value = u32::from_str_radix(taken, 16).ok()?;
    *rest = rest.as_str().get(digits..)?.chars();
    Some(value)
}
