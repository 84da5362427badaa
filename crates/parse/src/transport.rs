//! Lines and their prefixes: what every log's transport adds before the words that matter.
//!
//! Knows /dev/kmsg, dmesg in all its time formats, journalctl (short forms, export, verbose, json),
//! `dmesg --json`, syslog, serial consoles, grep's prefixes, quoted and indented mail; joins what a mailer wrapped.
//! Decides nothing about the words. A line of a program is marked as such, so that no reader
//! takes it for the kernel's. Time is linear in the text.
//!
//! Where a line has two stamps (`Jul 23 18:56:46 host kernel: [678517.17] `) the outer one counts:
//! every line of that log has it, so lines of different writers compare.

mod journal;
#[cfg(test)]
mod listed;
mod prefix;
mod stamp;
#[cfg(test)]
mod tests;
mod wrap;
mod wrapped;

use std::borrow::Cow;

use casefile::{Moment, Span, Stamp};

use self::{
    journal::Block,
    prefix::{Peeled, peel},
    wrap::{Joint, Last, joint},
};

/// Who wrote a line, by its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The prefix says the kernel did.
    Kernel,
    /// A program, by its syslog tag.
    Program {
        /// `dockerd`, `systemd`, `earlyoom` …; empty where the prefix names none.
        name: String,
        /// Its pid.
        pid: Option<u32>,
    },
    /// The line has no prefix that tells.
    Unsaid,
}

/// One logical line: transport prefix taken off, wrapped continuation joined with one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The words.
    pub(crate) text: String,
    /// The bytes of the whole line or lines.
    pub(crate) span: Span,
    /// Its stamp.
    pub(crate) at: Option<Stamp>,
    /// Who wrote it.
    pub(crate) writer: Writer,
}

/// JSON nests, so a byte is looked at once for every object around it; hostile nesting ends here.
const OBJECT_LOOKS: usize = 16;

/// Splits a text into its lines.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let object_budget = text.len().saturating_mul(OBJECT_LOOKS);
    let mut reader = Reader { text, object_budget, ..Reader::default() };
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        reader.read_behind_object(start, raw);
        start += raw.len();
    }
    reader.finish()
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    found: Vec<Line>,
    last: Last,
    /// Physical lines before this offset belong to an object that is already read.
    taken_to: usize,
    /// Bytes that may still be looked at in search of JSON objects' ends.
    object_budget: usize,
    block: Option<Block>,
    /// The previous line's stamp, for `dmesg -e`.
    clock: Option<Stamp>,
    /// The previous line was a raw kmsg record, whose ` KEY=value` lines follow.
    raw_record: bool,
}

impl Reader<'_> {
    /// Reads what an object that is already read leaves of a physical line: `},{` and `},`.
    fn read_behind_object(&mut self, start: usize, raw: &str) {
        let mut start = start;
        let end = start + raw.len();
        loop {
            let behind_object = self.taken_to > start;
            start = start.max(self.taken_to);
            let Some(rest) = self.text.get(start..end) else { return };
            if behind_object && !rest.contains('{') {
                return;
            }
            let taken_to = self.taken_to;
            self.read(start, rest.trim_end_matches(['\n', '\r']));
            if self.taken_to == taken_to {
                return;
            }
        }
    }

    fn read(&mut self, start: usize, raw: &str) {
        let cleaned = cleaned(raw);
        let unquoted = unquoted(&cleaned);
        let words = unquoted.trim();
        let span = Span { start, end: start + raw.trim_end().len() };
        if words.is_empty() {
            self.close_block();
            self.last.adjacent = false;
            return;
        }
        if self.read_structured(start, raw, words, span) {
            return;
        }
        if self.raw_record && raw.starts_with(' ') && is_key_value(words) {
            return;
        }
        if let Some(field) = wrapped::csv_field(words) {
            self.push(peel(&field), span);
            self.last = Last::default();
            return;
        }
        let peeled = peel(unquoted);
        let indent = unquoted.chars().take_while(|c| c.is_whitespace()).count();
        if !peeled.prefixed && self.join(&peeled, indent, span, raw) {
            return;
        }
        self.raw_record = peeled.prefixed && raw.starts_with(|c: char| c.is_ascii_digit());
        self.push(peeled, span);
        self.note(raw);
    }

    /// JSON entries and `-o export` blocks. True if the line is used up.
    fn read_structured(&mut self, start: usize, raw: &str, words: &str, span: Span) -> bool {
        if let Some(at) = raw.find('{').filter(|at| opens_object(raw, *at))
            && let Some(found) = self.read_object(start + at)
        {
            found.iter().for_each(|line| self.push_parts(line));
            self.last = Last::default();
            return true;
        }
        if Block::begins(words) {
            self.close_block();
            self.block = Some(Block::new(words));
            self.last = Last::default();
            return true;
        }
        if let Some(block) = &mut self.block {
            if block.take(words, span) {
                return true;
            }
            self.close_block();
        }
        false
    }

    fn read_object(&mut self, start: usize) -> Option<Vec<Line>> {
        let rest = self.text.get(start..)?;
        let end = journal::object_end(rest.get(..self.object_budget).unwrap_or(rest));
        let looked_at = end.unwrap_or_else(|looked_at| looked_at);
        self.object_budget = self.object_budget.saturating_sub(looked_at);
        let length = end.ok()?;
        let span = Span { start, end: start + length };
        let object = rest.get(..length)?;
        let lines = match journal::entry(object, span) {
            Some(line) => vec![line],
            None => wrapped::entries(object, start),
        };
        if lines.is_empty() {
            return None;
        }
        // The brace that ends one entry can stand on the line that begins the next.
        self.taken_to = start + length;
        Some(lines)
    }

    fn close_block(&mut self) {
        if let Some(line) = self.block.take().and_then(Block::finish) {
            self.push_parts(&line);
        }
    }

    /// Appends a wrapped line to the one before. True if it was one.
    fn join(&mut self, peeled: &Peeled<'_>, indent: usize, span: Span, raw: &str) -> bool {
        let Some(line) = self.found.last_mut() else { return false };
        let text = peeled.text.trim();
        let joint = joint(self.last, line, text, indent);
        match joint {
            Joint::Apart => return false,
            Joint::Blank if !line.text.is_empty() => line.text.push(' '),
            Joint::Blank | Joint::Seamless => {}
        }
        line.text.push_str(text);
        line.span = line.span.joined(span);
        let prefixed = self.last.prefixed;
        self.note(raw);
        self.last.prefixed = prefixed;
        true
    }

    fn push(&mut self, peeled: Peeled<'_>, span: Span) {
        if self.found.last().is_some_and(|line| line.text.is_empty()) {
            self.found.pop();
        }
        let at = match peeled.after_micros {
            Some(micros) if peeled.at.is_none() => {
                self.clock.and_then(|clock| later(clock, micros))
            }
            Some(_) | None => peeled.at,
        };
        self.clock = at.or(self.clock);
        self.last.prefixed = peeled.prefixed;
        let text = peeled.text.into_owned();
        self.push_parts(&Line { text, span, at, writer: peeled.writer });
    }

    /// A record with line feeds inside (statistics, Mem-Info) is several lines of one place. In a
    /// line that names a process the line feed is part of a hostile name.
    fn push_parts(&mut self, line: &Line) {
        let named = ["Kill", "oom-kill:", "oom_reaper:", "["];
        let whole = named.iter().any(|word| line.text.starts_with(word))
            || line.text.contains("Kill")
            || line.text.contains(" invoked oom-killer");
        if whole || !line.text.contains('\n') {
            self.found.push(Line { text: line.text.trim().to_owned(), ..line.clone() });
            return;
        }
        let parts = line.text.split('\n').map(str::trim).filter(|part| !part.is_empty());
        self.found.extend(parts.map(|part| Line { text: part.to_owned(), ..line.clone() }));
    }

    fn note(&mut self, raw: &str) {
        self.last.adjacent = true;
        self.last.width = raw.chars().count();
        self.last.flowed = raw.ends_with(' ');
    }

    fn finish(mut self) -> Vec<Line> {
        self.close_block();
        // A line without words only stood between others.
        self.found.retain(|line| !line.text.is_empty());
        self.found
    }
}

fn later(stamp: Stamp, micros: u64) -> Option<Stamp> {
    let moved = |moment: Moment| moment.plus_micros(i64::try_from(micros).ok()?);
    match stamp {
        Stamp::Wall(moment) => moved(moment).map(Stamp::Wall),
        Stamp::Local(moment) => moved(moment).map(Stamp::Local),
        Stamp::SinceBoot(since) => since.checked_add(micros).map(Stamp::SinceBoot),
    }
}

/// An object may open a line, an array, or a `data: ` line of `-o json-sse`.
fn opens_object(raw: &str, at: usize) -> bool {
    let before = raw.get(..at).unwrap_or("").trim();
    matches!(before, "" | "[" | "," | "}," | "data:" | ">")
}

fn is_key_value(words: &str) -> bool {
    words.split_once('=').is_some_and(|(key, _)| {
        let named = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !key.is_empty() && key.bytes().all(named)
    })
}

/// Terminal colours off, and the no-break spaces of web pages made plain ones.
fn cleaned(raw: &str) -> Cow<'_, str> {
    let plain = !raw.contains(['\u{1b}', '\u{a0}', '\u{feff}', '\u{200b}', '\r']);
    if plain {
        return Cow::Borrowed(raw);
    }
    let mut kept = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next_if_eq(&'[').is_some() {
                    // A control sequence ends with a byte from `@` to `~` (ECMA-48).
                    for inner in characters.by_ref() {
                        if ('@'..='~').contains(&inner) {
                            break;
                        }
                    }
                }
            }
            '\u{a0}' => kept.push(' '),
            '\u{feff}' | '\u{200b}' | '\r' => {}
            other => kept.push(other),
        }
    }
    Cow::Owned(kept)
}

/// Mail quoting: `> `, `>> | `.
fn unquoted(line: &str) -> &str {
    let mut rest = line;
    let mut quoted = false;
    loop {
        let words = rest.trim_start();
        if let Some(inner) = words.strip_prefix('>') {
            rest = inner;
            quoted = true;
        } else if let Some(inner) = words.strip_prefix("| ").filter(|_| quoted) {
            rest = inner;
        } else if let Some(inner) = words.strip_prefix("| ").filter(|inner| !inner.contains('|')) {
            rest = inner;
        } else {
            // One blank belongs to the quote mark, more are the text's own indentation.
            let rest = if quoted { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
            return in_backticks(rest).unwrap_or(rest);
        }
    }
}

/// An item of a Markdown list that is code: `` - `the line` ``, `` 1. `the line` ``, `` `the line` ``.
fn in_backticks(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let marked = words.trim_start_matches(|c: char| c.is_ascii_digit());
    let marked = marked.strip_prefix(". ").or_else(|| marked.strip_prefix(") "));
    let item = ["- ", "* ", "+ "].iter().find_map(|mark| words.strip_prefix(mark));
    let inner = marked.or(item).unwrap_or(words).trim_start().strip_prefix('`')?;
    // Three begin or end a block of code.
    (!inner.starts_with('`')).then(|| inner.trim_end().strip_suffix('`').unwrap_or(inner))
}
