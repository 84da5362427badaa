//! Blocks told by indentation: YAML's `env:`, `environment:`, `labels:`, `annotations:`, the
//! same of `kubectl describe`, private keys over several lines, and attribute lists of events.
//!
//! Reads line by line and keeps indentation; a line that no block claims is left to others.

use settings::memory_settings::may_be_kept;

use super::arguments::Arguments;
use super::clients::Mentions;
use super::names;
use super::words::redact_words;
use super::{REDACTED, shapes};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Variables,
    Labels,
    SecretData,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
    /// Indentation of the line that opened it.
    indent: usize,
    /// Indentation of its entries, once one was seen.
    entries: Option<usize>,
    /// `name:` of the list entry at hand.
    name: Option<String>,
    /// Inside `valueFrom:` at this indentation: references, not values.
    reference: Option<usize>,
}

/// What stands before the words of a line: blanks, and a mail's quote marks.
const BEFORE: [char; 3] = [' ', '\t', '>'];

/// Which block the text is in.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    block: Option<Block>,
    arguments: Option<Arguments>,
    in_private_key: bool,
    kind_is_secret: bool,
}

impl Blocks {
    /// The line without secrets, if a block claims it.
    pub(super) fn claim(&mut self, line: &str, mentions: &Mentions<'_>) -> Option<String> {
        if let Some(changed) = self.private_key(line) {
            return Some(changed);
        }
        if let Some(changed) = event_line(line) {
            self.block = None;
            self.arguments = None;
            return Some(changed);
        }
        let (indent, words) = indented(line);
        if words.is_empty() {
            return None;
        }
        if let Some(block) = &mut self.block {
            let listed =
                words.starts_with("- ") && indent == block.indent && block.kind == Kind::Variables;
            if indent > block.indent || listed {
                let head = line.get(..line.len() - words.len()).unwrap_or_default();
                return Some(format!("{head}{}", block.entry(indent, words)));
            }
            self.block = None;
        }
        if let Some(list) = &mut self.arguments {
            if list.holds(indent, words) {
                let head = line.get(..line.len() - line.trim_start_matches(BEFORE).len())?;
                return list.entry(indent, words, mentions).map(|entry| format!("{head}{entry}"));
            }
            self.arguments = None;
        }
        self.open(indent, line, words).or_else(|| {
            let bare = words.strip_prefix("- ").unwrap_or(words);
            let indent = indent + words.len() - bare.len();
            let (list, changed) = Arguments::open(indent, line, bare, mentions)?;
            self.arguments = Some(list);
            changed
        })
    }

    fn open(&mut self, indent: usize, line: &str, words: &str) -> Option<String> {
        let bare = words.strip_prefix("- ").unwrap_or(words);
        let indent = indent + words.len() - bare.len();
        if bare.starts_with("kind:") {
            self.kind_is_secret = bare.trim_end().ends_with("Secret");
        }
        let (key, rest) = bare.split_once(':')?;
        let kind = match key {
            "env" | "environment" | "Environment" | "extraEnv" | "extraEnvVars" => Kind::Variables,
            "labels" | "annotations" | "Labels" | "Annotations" => Kind::Labels,
            "data" | "stringData" if self.kind_is_secret => Kind::SecretData,
            _ => return None,
        };
        let value = rest.trim();
        let mut block = Block { kind, indent, entries: None, name: None, reference: None };
        if value.is_empty() || value.starts_with('#') {
            self.block = Some(block);
            return Some(line.to_owned());
        }
        // `<none>`
        if value.starts_with('<') {
            return None;
        }
        let head = line.get(..line.len() - rest.trim_start().len())?;
        if let Some(flow) = value.strip_prefix(['{', '[']) {
            // Quoted flow style is JSON and is read as such.
            return (!flow.trim_start().starts_with(['"', '{']))
                .then(|| format!("{head}{}", block.flow(value)));
        }
        // `Labels:  app=web` of describe: the first entry stands on the line of the head.
        if key.starts_with(|c: char| c.is_ascii_uppercase()) && kind == Kind::Labels {
            let changed = block.entry(head.len(), rest.trim_start());
            self.block = Some(block);
            return Some(format!("{head}{changed}"));
        }
        None
    }

    /// The lines of a private key after its first.
    fn private_key(&mut self, line: &str) -> Option<String> {
        if line.contains("-----END ") && self.in_private_key {
            self.in_private_key = false;
            return Some(line.to_owned());
        }
        if let Some((_, after)) = line.split_once("-----BEGIN ")
            && after.contains("PRIVATE KEY-----")
        {
            // Only a key that goes on in the next line; one on a line is a matter of shape.
            self.in_private_key = after.trim_end().ends_with("PRIVATE KEY-----");
            return None;
        }
        if !self.in_private_key {
            return None;
        }
        let word = line.split_whitespace().next_back().unwrap_or_default();
        let is_body = word == REDACTED
            || (!word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=:,-".contains(&b)));
        if !is_body {
            self.in_private_key = false;
            return None;
        }
        let head = line.trim_end().strip_suffix(word)?;
        Some(format!("{head}{REDACTED}"))
    }
}

impl Block {
    /// One entry of the block, without its indentation.
    fn entry(&mut self, indent: usize, words: &str) -> String {
        let bare = words.strip_prefix("- ").unwrap_or(words).trim_start();
        let dash = words.get(..words.len() - bare.len()).unwrap_or_default();
        let depth = indent + dash.len();
        if !dash.is_empty() {
            self.name = None;
            self.reference = None;
        }
        let first = *self.entries.get_or_insert(depth);
        if self.reference.is_some_and(|reference| depth > reference) {
            return words.to_owned();
        }
        self.reference = None;
        if depth > first {
            // A value that goes on over several lines.
            return format!("{dash}{}", redacted_tail(bare));
        }
        let changed = match self.kind {
            Kind::Variables => self.variable(depth, bare),
            Kind::Labels => pair(bare, names::is_kept_label),
            Kind::SecretData => pair(bare, |_| false),
        };
        format!("{dash}{changed}")
    }

    fn variable(&mut self, depth: usize, bare: &str) -> String {
        let Some((key, value)) = bare.split_once(':').filter(|(key, _)| !key.contains('=')) else {
            return pair(bare, may_be_kept);
        };
        let value = value.trim();
        match key {
            "name"
                if value.is_empty() || names::is_variable_name(value.trim_matches(['"', '\''])) =>
            {
                self.name = Some(value.trim_matches(['"', '\'']).to_owned());
                bare.to_owned()
            }
            "valueFrom" => {
                self.reference = Some(depth);
                bare.to_owned()
            }
            "value" => {
                let name = self.name.clone().unwrap_or_default();
                pair(bare, |_| may_be_kept(&name))
            }
            _ => pair(bare, may_be_kept),
        }
    }

    /// `{A: b, C: d}` or `[A=b, C=d]` on one line.
    fn flow(&self, value: &str) -> String {
        let keep: fn(&str) -> bool = match self.kind {
            Kind::Variables => may_be_kept,
            Kind::Labels => names::is_kept_label,
            Kind::SecretData => |_| false,
        };
        let (open, inner) = value.split_at_checked(1).unwrap_or((value, ""));
        let body = inner.trim_end_matches(['}', ']']);
        let close = inner.get(body.len()..).unwrap_or_default();
        let entries: Vec<String> = body
            .split(',')
            .map(|entry| {
                let bare = entry.trim_start();
                let space = entry.get(..entry.len() - bare.len()).unwrap_or_default();
                let changed = if bare.contains(['=', ':']) || bare.is_empty() {
                    pair(bare, keep)
                } else {
                    redacted_tail(bare)
                };
                format!("{space}{changed}")
            })
            .collect();
        format!("{open}{}{close}", entries.join(","))
    }
}

/// `k=v` or `k: v` (quoted as a whole or in parts) without `v`, unless `k` is kept.
fn pair(bare: &str, keep: impl Fn(&str) -> bool) -> String {
    let at = bare.find(['=', ':']).map(|at| (at, at + 1));
    let Some((name_end, after)) = at else {
        let is_name = names::is_variable_name(bare.trim());
        return if is_name { bare.to_owned() } else { redacted_tail(bare) };
    };
    let name = bare.get(..name_end).unwrap_or_default();
    let rest = bare.get(after..).unwrap_or_default();
    let value = rest.trim();
    if value.is_empty()
        || value.starts_with(REDACTED)
        || value.starts_with("<set to ")
        || keep(name.trim_matches(['"', '\'', ' ']))
    {
        return redact_words(bare);
    }
    let head = bare.get(..bare.len() - rest.trim_start().len()).unwrap_or_default();
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\''))
        && value.len() > 1
        && value.ends_with(quote)
    {
        return format!("{head}{quote}{REDACTED}{quote}");
    }
    // `"K=V"`: the quote was opened before the name.
    let opened = name.chars().next().filter(|c| matches!(c, '"' | '\''));
    match opened.filter(|quote| value.ends_with(*quote)) {
        Some(quote) => format!("{head}{REDACTED}{quote}"),
        None if matches!(value, "|" | ">" | "|-" | ">-" | "|+" | ">+") => bare.to_owned(),
        None => format!("{head}{REDACTED}"),
    }
}

fn redacted_tail(bare: &str) -> String {
    if bare.trim().is_empty() { bare.to_owned() } else { REDACTED.to_owned() }
}

/// Depth in columns (a mail's quote marks count as they stand) and what follows.
fn indented(line: &str) -> (usize, &str) {
    let words = line.trim_start_matches(BEFORE);
    (line.len() - words.len(), words.trim_end())
}

/// `… container die ID (label=x, image=y, name=z)`: only the runtime's own attributes are kept.
fn event_line(line: &str) -> Option<String> {
    let trimmed = line.trim_end();
    let inner = trimmed.strip_suffix(')')?;
    let (open, _) = inner.match_indices(" (").find(|(at, _)| {
        let id = inner.get(..*at).and_then(|head| head.split_whitespace().next_back());
        id.is_some_and(|id| id.len() >= 12 && shapes::is_an_id(id))
    })?;
    let head = inner.get(..open)?;
    let list = inner.get(open + 2..)?;
    let pairs = attributes(list);
    if pairs.is_empty() {
        return None;
    }
    let kept: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| {
            if names::is_kept_attribute(name) || value.is_empty() {
                format!("{name}={}", shapes::without_marked_tokens(value))
            } else {
                format!("{name}={REDACTED}")
            }
        })
        .collect();
    let tail = line.get(trimmed.len()..).unwrap_or_default();
    Some(format!("{} ({}){tail}", redact_words(head), kept.join(", ")))
}

/// `a=b, c=d`: a comma separates only where a name and `=` follow it.
fn attributes(list: &str) -> Vec<(&str, &str)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    };
    let mut starts: Vec<usize> = vec![0];
    for (at, _) in list.match_indices(", ") {
        let rest = list.get(at + 2..).unwrap_or_default();
        if rest.split_once('=').is_some_and(|(name, _)| is_name(name)) {
            starts.push(at + 2);
        }
    }
    let mut pairs = Vec::new();
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).map_or(list.len(), |next| next - 2);
        match list.get(*start..end).and_then(|entry| entry.split_once('=')) {
            Some((name, value)) if is_name(name) => pairs.push((name, value)),
            Some(_) | None => return Vec::new(),
        }
    }
    pairs
}
