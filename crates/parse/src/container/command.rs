//! Memory limits that a pasted command or Compose file sets: `docker run -m 64m`, `--memory=1g`,
//! `mem_limit: 512m`.
//!
//! Only the options before the image count: `python -m http.server` is not a limit. Says nothing
//! of swap, nor whether the command was ever run.

use casefile::{Limit, Span};
use settings::quantity::{Dialect, parse as parse_amount};

use super::Raw;
use crate::Sighting;
use crate::record::Record;

/// Options of `docker run` and `podman run` that take no value.
const FLAGS: [&str; 13] = [
    "--detach",
    "--init",
    "--interactive",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--privileged",
    "--publish-all",
    "--quiet",
    "--read-only",
    "--replace",
    "--rm",
    "--systemd",
    "--tty",
];

/// The limits among lines.
pub(super) fn read(_text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    let compose = lines.iter().any(|line| line.words.trim_end() == "services:");
    let mut under_limits = false;
    let mut command: Option<Command> = None;
    let mut found = Vec::new();
    for line in lines {
        if command.is_none() {
            command = Command::starting(line);
        }
        if let Some(open) = &mut command {
            let seen = open.limits_in(line);
            let goes_on = line.words.ends_with('\\') && !open.past_image;
            found.extend(seen);
            if !goes_on {
                command = None;
            }
            continue;
        }
        let (key, value) = line.words.split_once(':').unwrap_or(("", ""));
        if key == "mem_limit" || (compose && under_limits && key == "memory") {
            let value = value.split(" #").next().unwrap_or_default();
            let value = value.trim().trim_matches(['"', '\'']);
            found.extend(limit(value, line.span));
        }
        under_limits = key == "limits" || (under_limits && key != "reservations");
    }
    found
}

fn limit(value: &str, span: Span) -> Option<Sighting> {
    let bytes = parse_amount(value, Dialect::Binary)?;
    let limit = if bytes.0 == 0 { Limit::Unlimited } else { Limit::At(bytes) };
    Some(Sighting { record: Record::BareLimit(limit), span, at: None })
}

/// A `run` command whose options are being read, over continued lines.
struct Command {
    /// Bytes of the line that hold no option: everything up to `run`.
    skip: usize,
    past_image: bool,
}

impl Command {
    fn starting(line: &Raw<'_>) -> Option<Self> {
        let mut words = placed_words(line.words).into_iter().skip_while(|(_, word)| {
            let program = word.rsplit('/').next().unwrap_or(word);
            !matches!(program, "docker" | "podman" | "nerdctl")
        });
        words.next()?;
        // Between the program and its verb there may be global options (`docker --context x run`).
        let (at, verb) =
            words.take(6).find(|(_, word)| matches!(*word, "run" | "create" | "update"))?;
        Some(Self { skip: at + verb.len(), past_image: false })
    }

    fn limits_in(&mut self, line: &Raw<'_>) -> Vec<Sighting> {
        let mut found = Vec::new();
        let mut words =
            placed_words(line.words).into_iter().filter(|(at, _)| *at >= self.skip).peekable();
        while let Some((at, word)) = words.next() {
            if word == "\\" {
                break;
            }
            if !word.starts_with('-') {
                self.past_image = true;
                break;
            }
            let inline = word
                .strip_prefix("--memory=")
                .or_else(|| word.strip_prefix("-m=")) // pflag takes `-m=64m` and `-m64m`
                .or_else(|| word.strip_prefix("-m").filter(|value| !value.is_empty()));
            let start = line.span.start + at;
            if let Some(value) = inline {
                let span = Span { start, end: start + word.len() };
                found.extend(limit(value.trim_matches(['"', '\'']), span));
            } else if takes_value(word)
                && let Some((value_at, value)) = words.next_if(|(_, next)| *next != "\\")
                && (word == "-m" || word == "--memory")
            {
                let span = Span { start, end: line.span.start + value_at + value.len() };
                found.extend(limit(value.trim_matches(['"', '\'']), span));
            }
        }
        self.skip = 0;
        found
    }
}

/// Whether the next word belongs to this option: not for `--rm`, `-it`, `--name=x`.
fn takes_value(option: &str) -> bool {
    if option.contains('=') || FLAGS.contains(&option) {
        return false;
    }
    match option.strip_prefix('-') {
        Some(letters) if !letters.starts_with('-') => {
            !letters.chars().all(|letter| matches!(letter, 'd' | 'i' | 't' | 'P' | 'q'))
        }
        Some(_) | None => true,
    }
}

/// Words with their place in the line.
fn placed_words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices() {
        match (c.is_whitespace(), start) {
            (true, Some(begin)) => {
                words.extend(line.get(begin..at).map(|word| (begin, word)));
                start = None;
            }
            (false, None) => start = Some(at),
            (true, None) | (false, Some(_)) => {}
        }
    }
    words.extend(start.and_then(|begin| Some((begin, line.get(begin..)?))));
    words
}
