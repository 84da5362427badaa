//! Lists of arguments with one word per line: `Args:` and `Command:` of `kubectl describe`,
//! `args:`, `command:` and `entrypoint:` of YAML.
//!
//! A flag and its value stand on two lines there, and the program on a third. Claims a line only
//! if something in it has to go for what stands above it; all else is left to others.

use super::clients::{Mentions, Walk};
use super::{REDACTED, names};

/// A list of arguments, from its head to the first line that is not indented below it.
#[derive(Debug)]
pub(super) struct Arguments {
    /// Indentation of the line that opened it.
    indent: usize,
    /// Indentation of its entries and whether a dash leads them, once one was seen.
    entries: Option<(usize, bool)>,
    /// The entry before is a flag that announces a secret.
    after_flag: bool,
    /// The entry's value is a block of lines below it, and secret.
    hidden_below: bool,
    walk: Walk,
}

impl Arguments {
    /// The list that a line opens, and the line itself if entries on it have to go.
    pub(super) fn open(
        indent: usize,
        line: &str,
        bare: &str,
        mentions: &Mentions<'_>,
    ) -> Option<(Self, Option<String>)> {
        const HEADS: [&str; 9] = [
            "Args",
            "Command",
            "args",
            "arguments",
            "cmd",
            "command",
            "entrypoint",
            "exec",
            "test",
        ];
        let (key, rest) = bare.split_once(':')?;
        if !HEADS.contains(&key) {
            return None;
        }
        let value = rest.trim();
        let mut list = Self {
            indent,
            entries: None,
            after_flag: false,
            hidden_below: false,
            walk: Walk::default(),
        };
        if value.is_empty() || value.starts_with('#') || is_block_head(value) {
            return Some((list, None));
        }
        // Quoted flow style is JSON and is read as such.
        let flow = value.strip_prefix('[').filter(|flow| !flow.trim_start().starts_with('"'))?;
        let head = line.get(..line.find('[')? + 1)?;
        let inner = flow.trim_end_matches(']');
        let close = flow.get(inner.len()..)?;
        let mut is_changed = false;
        let words: Vec<String> = inner
            .split(',')
            .map(|entry| {
                let changed = list.without_secret(entry, mentions);
                is_changed |= changed.is_some();
                changed.unwrap_or_else(|| entry.to_owned())
            })
            .collect();
        is_changed.then(|| (list, Some(format!("{head}{}{close}", words.join(",")))))
    }

    /// Whether a line is one of the list's.
    pub(super) fn holds(&self, indent: usize, words: &str) -> bool {
        indent > self.indent || (indent == self.indent && words.starts_with("- "))
    }

    /// The entry without its secret, if there is one in it.
    pub(super) fn entry(
        &mut self,
        indent: usize,
        words: &str,
        mentions: &Mentions<'_>,
    ) -> Option<String> {
        let bare = words.strip_prefix("- ").unwrap_or(words).trim_start();
        let dash = words.get(..words.len() - bare.len())?;
        let depth = indent + dash.len();
        let (first, is_dashed) = *self.entries.get_or_insert((depth, !dash.is_empty()));
        if depth > first || (is_dashed && dash.is_empty()) {
            return self.hidden_below.then(|| REDACTED.to_owned());
        }
        self.hidden_below = false;
        self.without_secret(bare, mentions).map(|changed| format!("{dash}{changed}"))
    }

    /// One entry, quoted or not, with the blanks around it.
    fn without_secret(&mut self, entry: &str, mentions: &Mentions<'_>) -> Option<String> {
        let word = entry.trim().trim_end_matches('\\').trim_end();
        let word = word.trim_matches(['"', '\'']);
        let start = entry.find(word)?;
        let is_flag = word.starts_with('-');
        let is_value = std::mem::take(&mut self.after_flag) && !is_flag;
        // `- sh -c "app --token` ends in a flag as well.
        let last = word.rsplit(char::is_whitespace).next().unwrap_or(word);
        self.after_flag =
            last.starts_with('-') && !last.contains('=') && names::telling(last).is_some();
        if is_value && is_block_head(word) {
            self.hidden_below = true;
            return None;
        }
        let step = self.walk.step_in_list(word, mentions);
        let (from, to) = if is_value && !names::is_harmless(word) {
            self.after_flag = false;
            (0, word.len())
        } else {
            step?
        };
        let head = entry.get(..start + from)?;
        Some(format!("{head}{REDACTED}{}", entry.get(start + to..)?))
    }
}

/// YAML's `|`, `>-`, `|2`, …: the value stands on the lines below.
fn is_block_head(value: &str) -> bool {
    let is_indicator = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-');
    value
        .strip_prefix(['|', '>'])
        .is_some_and(|rest| rest.len() <= 2 && rest.bytes().all(is_indicator))
}
