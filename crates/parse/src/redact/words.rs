//! Secrets in running text: command lines, log lines, `key=value`, headers.
//!
//! Works on one line without its end. Deliberately keeps every name and separator, so that a
//! reader sees what was there, and what only looks like a pair: image tags, module paths, ids.

use super::names::{self, Telling};
use super::{REDACTED, commands, shapes};

/// Lines are read in parts of this many bytes: what stands on one line is looked at from every
/// name in it, and a hostile line of a megabyte would take minutes.
const PART: usize = 4096;

/// One line, or one string of a JSON document, without its secrets.
pub(super) fn redact_words(line: &str) -> String {
    if line.len() <= PART {
        return redact_part(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while rest.len() > PART {
        let at = (0..=PART).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let head = rest.get(..at).unwrap_or(rest);
        // Between words, so that no pair is cut.
        let at = head.rfind(' ').map_or(at, |space| space + 1);
        out.push_str(&redact_part(rest.get(..at).unwrap_or_default()));
        rest = rest.get(at..).unwrap_or_default();
    }
    out + &redact_part(rest)
}

fn redact_part(line: &str) -> String {
    if line.len() < 4 {
        return line.to_owned();
    }
    let line = shapes::without_marked_tokens(line);
    let line = without_headers(&line);
    let line = commands::without_variables(&line);
    let line = without_named_values(&line);
    let line = commands::without_client_passwords(&line);
    shapes::without_random_strings(&line)
}

/// `Bearer X`, and what follows the scheme of an `Authorization:` header.
fn without_headers(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for scheme in ["bearer ", "basic ", "digest ", "token "] {
        // Whether it is there is told much faster than where, and mostly it is not.
        if !lower.contains(scheme) {
            continue;
        }
        for (at, _) in lower.match_indices(scheme) {
            let before =
                lower.get(..at).unwrap_or_default().trim_end_matches([' ', '"', '\'', '\\']);
            let is_header = before.ends_with("authorization:") || before.ends_with("authorization");
            let start = at + scheme.len();
            let token = line.get(start..).unwrap_or_default();
            let length = token.find(|c: char| c.is_whitespace() || "\"'`\\,".contains(c));
            let length = length.unwrap_or(token.len());
            let token = token.get(..length).unwrap_or_default();
            let telling = scheme == "bearer " && length >= 12 && !is_word(token);
            if !token.is_empty() && token != REDACTED && (is_header || telling) {
                cuts.push((start, start + length));
            }
        }
    }
    cut_out(line, cuts)
}

fn is_word(token: &str) -> bool {
    token.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// Replaces ranges; those that overlap an earlier one are left out.
pub(super) fn cut_out(line: &str, mut cuts: Vec<(usize, usize)>) -> String {
    cuts.sort_unstable();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    for (start, end) in cuts {
        if start >= at {
            out.push_str(line.get(at..start).unwrap_or_default());
            out.push_str(REDACTED);
            at = end;
        }
    }
    out.push_str(line.get(at..).unwrap_or_default());
    out
}

/// `NAME=value`, `"name": "value"`, `name: value`, `--name value`, where the name is telling.
fn without_named_values(line: &str) -> String {
    let mut cuts = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find(|c| !is_name_letter(c)).unwrap_or(rest.len());
        if length == 0 {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let name = rest.get(..length).unwrap_or_default();
        // Most words are followed by no value, and that is told fastest.
        let joined = Named::join(name, line.get(at + length..).unwrap_or_default());
        let found = joined
            .and_then(|_join| names::telling(name))
            .and_then(|telling| Named { line, at, name, telling }.secret());
        at += length;
        if let Some((start, end)) = found {
            cuts.push((start, end));
            at = at.max(end);
        }
    }
    cut_out(line, cuts)
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// How the value is joined to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// `name=value`, `name => value`
    Equals,
    /// `name: value`
    Colon,
    /// `name:value`
    TightColon,
    /// `--name value`
    Flag,
}

/// A telling name at its place in a line.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    line: &'a str,
    at: usize,
    name: &'a str,
    telling: Telling,
}

impl Named<'_> {
    /// The bytes of the secret that belongs to the name, if there is one.
    fn secret(self) -> Option<(usize, usize)> {
        let Self { line, at, name, telling } = self;
        let (join, gap) = Self::join(name, line.get(at + name.len()..)?)?;
        let value = value_at(line, at + name.len() + gap, join)?;
        let leads = line.get(..at)?.trim_start_matches([' ', '\t', '>', '-', '"', '\'']).is_empty();
        let is_cookie = name.to_ascii_lowercase().ends_with("cookie");
        let whole_line = join == Join::Colon
            && !value.quoted
            && ((leads && telling == Telling::Strong) || is_cookie);
        let end = if whole_line { line.trim_end().len() } else { value.end };
        let alone = leads && end == line.trim_end().len();
        let text = line.get(value.start..end)?;
        let kept =
            text.is_empty() || names::is_harmless(text) || self.is_no_pair(join, text, alone);
        (!kept).then_some((value.start, end))
    }

    /// The join that follows a name, and how many bytes it takes.
    fn join(name: &str, after: &str) -> Option<(Join, usize)> {
        let bare =
            after.strip_prefix("\\\"").or_else(|| after.strip_prefix(['"', '\''])).unwrap_or(after);
        let quote = after.len() - bare.len();
        let trimmed = bare.trim_start_matches([' ', '\t']);
        let space = bare.len() - trimmed.len();
        for sign in ["=>", ":=", "=", ":"] {
            let Some(rest) = trimmed.strip_prefix(sign) else { continue };
            if rest.starts_with([':', '=']) || (sign == ":" && rest.starts_with("//")) {
                return None;
            }
            let value = rest.trim_start_matches([' ', '\t']);
            let gap = rest.len() - value.len();
            let total = quote + space + sign.len() + gap;
            return match (sign, gap) {
                // `NAME= next`: an empty value; `name = value` is written with two spaces.
                ("=", 1..) if space == 0 => None,
                (":", 0) if quote == 0 => Some((Join::TightColon, total)),
                (":", _) => Some((Join::Colon, total)),
                _ => Some((Join::Equals, total)),
            };
        }
        let is_flag = name.starts_with('-') && quote == 0 && space > 0;
        let nul = is_flag || (name.starts_with('-') && bare.starts_with('\0'));
        let gap = bare.len() - bare.trim_start_matches([' ', '\t', '\0']).len();
        (nul && !bare.get(gap..)?.starts_with('-')).then_some((Join::Flag, gap))
    }
    /// Looks like a pair and is none: an image and its tag, a service and its log line, prose.
    fn is_no_pair(self, join: Join, value: &str, alone: bool) -> bool {
        let is_role = names::is_role(self.name);
        match join {
            Join::Equals | Join::Flag => false,
            Join::Colon if self.telling == Telling::Strong => is_role,
            Join::Colon => {
                let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
                let coded = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
                let after = self.line.get(self.at + self.name.len()..).unwrap_or_default();
                let quoted = after.starts_with(['"', '\'']);
                is_role || !(quoted || coded || value.len() >= 16 || alone)
            }
            Join::TightColon => {
                let before = self.line.get(..self.at).unwrap_or_default();
                // `SessionToken.java:42` is a place in a source file.
                let place = self.name.contains('.') && value.bytes().all(|b| b.is_ascii_digit());
                let service = is_role || before.ends_with('/');
                self.telling == Telling::Weak || service || place || is_tag(value)
            }
        }
    }
}

/// An image tag: `1.2.3`, `v2`, `latest`, `3.19-alpine`.
fn is_tag(value: &str) -> bool {
    let value = value.trim_end_matches([',', ')', ';']);
    let version = value.strip_prefix('v').unwrap_or(value);
    let is_major = version.len() < value.len() && version.bytes().all(|b| b.is_ascii_digit());
    let numbered = version.starts_with(|c: char| c.is_ascii_digit())
        && (version.contains('.') || is_major)
        && version
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b));
    numbered || matches!(value, "latest" | "stable" | "alpine" | "main" | "master" | "edge")
}

/// Where a value stands, without its quotes.
struct Value {
    start: usize,
    end: usize,
    quoted: bool,
}

fn value_at(line: &str, start: usize, join: Join) -> Option<Value> {
    let rest = line.get(start..)?;
    for quote in ["\\\"", "\\'", "\"", "'", "`"] {
        if let Some(inner) = rest.strip_prefix(quote) {
            let start = start + quote.len();
            let length = closing(inner, quote).unwrap_or(inner.trim_end().len());
            return Some(Value { start, end: start + length, quoted: true });
        }
    }
    let in_query = line
        .get(..start)?
        .rsplit(|c: char| c.is_whitespace() || "\"'".contains(c))
        .next()
        .is_some_and(|word| word.contains('?') || word.contains('&'));
    let stop = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\0') || (c == '&' && in_query)
    };
    let mut length = rest.find(stop).unwrap_or(rest.len());
    let mut value = rest.get(..length)?;
    // `a=x,b=y` and `(a=x, b=y)`: the comma is the list's, if another pair or nothing follows.
    if let Some(comma) = value.char_indices().find_map(|(at, c)| {
        let next = value.get(at + 1..).unwrap_or_default();
        let listed = next.is_empty()
            || next.split_once(['=', ':']).is_some_and(|(name, _)| names::is_variable_name(name));
        (c == ',' && listed).then_some(at)
    }) {
        length = comma;
        value = rest.get(..length)?;
    }
    if join != Join::Flag || !value.contains(['(', '[', '{']) {
        value = value.trim_end_matches([')', ']', '}', ';', ',', '\\']);
    }
    length = length.min(value.len());
    Some(Value { start, end: start + length, quoted: false })
}

/// Where a quoted value ends: its quote, not escaped.
fn closing(inner: &str, quote: &str) -> Option<usize> {
    if quote.starts_with('\\') {
        return inner.find(quote);
    }
    let mark = quote.chars().next()?;
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' && mark != '\'' {
            escaped = true;
        } else if letter == mark {
            return Some(at);
        }
    }
    None
}
