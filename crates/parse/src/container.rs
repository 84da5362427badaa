//! What container runtimes print: inspect documents, events, `ps` and `stats` rows, bare values of
//! `--format`, and the lines in which Compose and CI systems repeat an exit code.
//!
//! A gathered exhibit is read as what it is. Pasted text is recognised by content, and a shape
//! that other programs print as well is only taken where the text leaves no doubt. Says nothing
//! about what a flag or a code means. Sources: the Docker Engine API (v1.24 to v1.51), the formatters
//! of docker/cli and podman, and Compose's v1 and v2 output.

mod command;
mod event;
mod exit_line;
mod format;
mod inspect;
mod request;
mod row;

use casefile::Span;

use crate::Sighting;
use crate::json::Node;
use crate::record::{ManuallyStopped, Record};
use crate::text::Text;
use crate::transport::Writer;

/// One line of the text as it stands there, without the blanks around it.
#[derive(Debug, Clone, Copy)]
struct Raw<'a> {
    words: &'a str,
    span: Span,
}

/// Reads pasted text: whatever a runtime's command may have printed.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let documents = text.objects();
    let mut found: Vec<Sighting> = documents.iter().copied().filter_map(from_json).collect();
    found.extend(documents.iter().copied().filter_map(manually_stopped));
    let kernel = text.lines().iter().filter(|line| line.writer == Writer::Kernel);
    let foreign = kernel.map(|line| line.span).chain(documents.iter().map(|node| node.span));
    let text = text.whole();
    let mut lines = outside(raw_lines(text), foreign.collect());
    let readers =
        [event::read, request::read, command::read, format::read, row::read, exit_line::read];
    for read in readers {
        let seen = read(text, &lines);
        lines = outside(lines, seen.iter().map(|sighting| sighting.span).collect());
        found.extend(seen);
    }
    found
}

/// The lines of a text that hold anything.
fn raw_lines(text: &str) -> Vec<Raw<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let head = start + (line.len() - line.trim_start().len());
        if !words.is_empty() && !is_program_output(words) {
            lines.push(Raw { words, span: Span { start: head, end: head + words.len() } });
        }
        start += line.len();
    }
    lines
}

/// `web-1  | words`: Compose shows what the container's program wrote, which is never a runtime's
/// word.
fn is_program_output(words: &str) -> bool {
    words.contains('|')
        && words.split_once("| ").is_some_and(|(name, _)| {
            let plain = name.trim_end();
            plain.len() < name.len()
                && !plain.is_empty()
                && !plain.starts_with(|c: char| c.is_ascii_digit())
                && plain.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        })
}

/// The lines that touch none of the spans.
fn outside(lines: Vec<Raw<'_>>, mut spans: Vec<Span>) -> Vec<Raw<'_>> {
    spans.sort();
    let mut ahead = spans.into_iter().peekable();
    // The furthest end of all spans that begin before the line ends.
    let mut covered = 0;
    lines
        .into_iter()
        .filter(|line| {
            while let Some(span) = ahead.next_if(|span| span.start < line.span.end) {
                covered = covered.max(span.end);
            }
            covered <= line.span.start
        })
        .collect()
}

/// Reads the output of `docker inspect` and its like.
pub(crate) fn read_inspect(text: &str) -> Vec<Sighting> {
    Text::new(text).objects().into_iter().filter_map(inspect::from_json).collect()
}

/// Reads the output of `docker events` and its like.
pub(crate) fn read_events(text: &str) -> Vec<Sighting> {
    let shared = Text::new(text);
    let documents = shared.objects().into_iter();
    let mut found: Vec<Sighting> = documents.filter_map(event::from_json).collect();
    found.extend(event::read(text, &raw_lines(text)));
    found.sort_by_key(|sighting| sighting.span.start);
    found
}

/// Reads `config.v2.json`, whole or reduced to the keys that are of use.
pub(crate) fn read_config(text: &str) -> Vec<Sighting> {
    Text::new(text).objects().into_iter().filter_map(manually_stopped).collect()
}

fn from_json(node: &Node) -> Option<Sighting> {
    event::from_json(node).or_else(|| row::from_json(node)).or_else(|| inspect::from_json(node))
}

fn manually_stopped(node: &Node) -> Option<Sighting> {
    let flag = node.get("HasBeenManuallyStopped")?;
    let id = node.get("ID").or_else(|| node.get("Id")).and_then(Node::as_str);
    let record =
        ManuallyStopped { id: id.and_then(casefile::ContainerId::parse), value: flag.as_bool()? };
    Some(Sighting { record: Record::ManuallyStopped(record), span: flag.span, at: None })
}

#[cfg(test)]
mod tests;
