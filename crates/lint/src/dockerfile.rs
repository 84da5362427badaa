//! A Dockerfile → the workload that its last stage makes: environment and main process, with what
//! earlier stages of the same file hand down.
//!
//! `RUN` is not looked at: it runs while the image is built. What a base image brings is not known.
//! Leans on the Dockerfile reference.

mod lines;

use std::collections::HashMap;
use std::sync::Arc;

use self::lines::Instruction;
use crate::place::{Place, Unreadable};
use crate::shell;
use crate::workload::{Platform, Variable, Word, Workload};
use crate::yaml;

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// A value is not longer: of one that doubles itself line by line the beginning is enough.
const LONGEST: usize = 4096;
/// Instructions, and settings that stages hand down. Real files have hundreds.
const MOST: usize = 50_000;

/// What a stage has come to.
#[derive(Debug, Clone, Default)]
struct Stage {
    name: Option<String>,
    image: String,
    environment: Vec<Variable>,
    arguments: HashMap<String, String>,
    shell: Vec<String>,
    entrypoint: Option<Start>,
    command: Option<Start>,
    files: Vec<Word>,
}

/// `ENTRYPOINT` or `CMD`.
#[derive(Debug, Clone)]
struct Start {
    words: Vec<Word>,
    /// A line for the shell, not a list of words.
    is_line: bool,
}

/// Reads the file, up to its last stage or the one that is wanted.
pub(crate) fn read(
    file: &Arc<str>,
    text: &str,
    target: Option<&str>,
) -> Result<Workload, Unreadable> {
    let (instructions, escape) = lines::read(file, text)?;
    let mut stages: Vec<Stage> = Vec::new();
    let mut global = HashMap::new();
    let mut handed_down = instructions.len();
    for instruction in &instructions {
        if handed_down > MOST {
            let why = format!("with what its stages hand down it has more than {MOST} settings");
            return Err(Unreadable::new(instruction.place.clone(), why));
        }
        let keyword = instruction.keyword.as_str();
        if !KEYWORDS.contains(&keyword) {
            let why = format!("there is no instruction `{keyword}`");
            return Err(Unreadable::new(instruction.place.clone(), why));
        }
        match (keyword, stages.last_mut()) {
            ("FROM", _) => {
                let stage = from(instruction, &stages, &global)?;
                handed_down += stage.environment.len() + stage.files.len();
                stages.push(stage);
            }
            ("ARG", None) => {
                for (name, value) in pairs(&instruction.rest, escape) {
                    global.insert(name, value);
                }
            }
            (_, Some(stage)) => stage.take(instruction, escape, &global),
            (_, None) => {
                let why = format!("`{keyword}` stands before the first FROM");
                return Err(Unreadable::new(instruction.place.clone(), why));
            }
        }
    }
    let place = Place::new(file, 1, 1);
    let wanted =
        stages.iter().rposition(|stage| target.is_some() && stage.name.as_deref() == target);
    stages.truncate(wanted.map_or(stages.len(), |at| at + 1));
    let last = stages.pop().ok_or_else(|| Unreadable::new(place.clone(), "it has no FROM"))?;
    Ok(last.workload(place))
}

/// A new stage: an earlier one of this file goes on, or an image begins one.
fn from(
    instruction: &Instruction,
    stages: &[Stage],
    global: &HashMap<String, String>,
) -> Result<Stage, Unreadable> {
    let expanded = expanded(&instruction.rest, &|name| global.get(name).cloned());
    let mut words = expanded.split_whitespace().filter(|word| !word.starts_with("--"));
    let Some(image) = words.next() else {
        return Err(Unreadable::new(instruction.place.clone(), "FROM names no image"));
    };
    let name = words.next().filter(|word| word.eq_ignore_ascii_case("as")).and(words.next());
    let same =
        |stage: &&Stage| stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(image));
    let mut stage = stages.iter().rfind(same).cloned().unwrap_or_else(|| Stage {
        image: image.to_owned(),
        shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
        ..Stage::default()
    });
    stage.name = name.map(str::to_owned);
    stage.arguments.clear();
    Ok(stage)
}

impl Stage {
    fn take(&mut self, instruction: &Instruction, escape: char, global: &HashMap<String, String>) {
        let place = &instruction.place;
        match instruction.keyword.as_str() {
            "ENV" => {
                for (name, value) in pairs(&instruction.rest, escape) {
                    let value = expanded(&value, &|name| self.known(name));
                    self.environment.push(Variable { name, value, place: place.clone() });
                }
            }
            "ARG" => {
                for (name, value) in pairs(&instruction.rest, escape) {
                    let global = global.get(&name).cloned();
                    let value = if value.is_empty() { global.unwrap_or(value) } else { value };
                    self.arguments.insert(name, value);
                }
            }
            "SHELL" => {
                if let Some(words) = list(&instruction.rest) {
                    self.shell = words;
                }
            }
            "ENTRYPOINT" => {
                self.entrypoint = Some(self.start(&instruction.rest, place));
                // An entrypoint puts away the command that a stage before brought.
                self.command = None;
            }
            "CMD" => self.command = Some(self.start(&instruction.rest, place)),
            "COPY" | "ADD" => {
                let bodies = instruction.heredocs.iter();
                self.files
                    .extend(bodies.map(|text| Word { text: text.clone(), place: place.clone() }));
            }
            _ => {}
        }
    }

    fn known(&self, name: &str) -> Option<String> {
        let set = self.environment.iter().rfind(|variable| variable.name == name);
        set.map(|variable| variable.value.clone()).or_else(|| self.arguments.get(name).cloned())
    }

    /// A list of words, or a line for the shell: also what looks like a list and is none.
    fn start(&self, rest: &str, place: &Place) -> Start {
        let word = |text: String| Word { text, place: place.clone() };
        match list(rest) {
            Some(words) => Start { words: words.into_iter().map(word).collect(), is_line: false },
            None => {
                let line = word(rest.to_owned());
                let shell = self.shell.iter().cloned().map(word);
                Start { words: shell.chain([line]).collect(), is_line: true }
            }
        }
    }

    fn workload(self, place: Place) -> Workload {
        let name = "the image's main process".to_owned();
        let mut workload = Workload::new(Platform::Dockerfile, name, place);
        workload.entrypoint = self.entrypoint.as_ref().map_or(0, |entry| entry.words.len());
        workload.command = match (self.entrypoint, self.command) {
            (Some(entry), _) if entry.is_line => entry.words,
            (Some(entry), command) => {
                entry.words.into_iter().chain(command.into_iter().flat_map(|it| it.words)).collect()
            }
            (None, command) => command.map(|it| it.words).unwrap_or_default(),
        };
        workload.image = Some(self.image);
        workload.environment = self.environment;
        workload.files = self.files;
        workload
    }
}

/// `["a", "b"]`; docker takes anything else as a line.
fn list(rest: &str) -> Option<Vec<String>> {
    let rest = rest.trim();
    if !rest.starts_with('[') || !rest.ends_with(']') || rest.contains('\'') && !rest.contains('"')
    {
        return None;
    }
    let documents = yaml::read(&Arc::from(""), rest).ok()?;
    let strings = |node: &crate::tree::Node| match &node.value {
        crate::tree::Value::Scalar { text, plain: false } => Some(text.clone()),
        _ => None,
    };
    documents.first()?.items().iter().map(|node| strings(node)).collect()
}

/// `NAME=VALUE …`, with quotes and escapes, or the old `NAME VALUE`.
fn pairs(rest: &str, escape: char) -> Vec<(String, String)> {
    let rest =
        if escape == '`' { rest.replace('\\', "\\\\").replace('`', "\\") } else { rest.to_owned() };
    let words = shell::split(&rest);
    let is_old = words.first().is_some_and(|word| !word.contains('=')) && words.len() > 1;
    if is_old {
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((&rest, ""));
        return vec![(name.to_owned(), value.trim().to_owned())];
    }
    let pair = |word: &String| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        (name.to_owned(), value.to_owned())
    };
    words.iter().map(pair).collect()
}

/// `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; what is not known stays as it stands.
fn expanded(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        if out.len() > LONGEST {
            break;
        }
        out.push_str(before);
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (inner, tail) = match braced {
            Some(parts) => parts,
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        let name = inner.split(|c| !is_name(c)).next().unwrap_or_default();
        let operator = inner.strip_prefix(name).unwrap_or_default();
        let value = known(name).filter(|value| !value.is_empty());
        let found = match (operator.strip_prefix(":-"), operator.strip_prefix(":+")) {
            (Some(default), _) => Some(value.unwrap_or_else(|| default.to_owned())),
            (_, Some(other)) => Some(value.map_or(String::new(), |_| other.to_owned())),
            (None, None) => value,
        };
        match found {
            Some(found) => out.push_str(&found),
            None => {
                out.push('$');
                out.push_str(after.strip_suffix(tail).unwrap_or_default());
            }
        }
        rest = tail;
    }
    out += rest;
    if out.len() > LONGEST { out.chars().take(LONGEST).collect() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let workload = read(&Arc::from("Dockerfile"), text, None).unwrap();
        workload.command.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn the_last_stage_starts_with_entrypoint_and_command() {
        assert_eq!(words("FROM a\nENTRYPOINT [\"e\"]\ncmd [\"c\", \"d\"]"), ["e", "c", "d"]);
        assert_eq!(words("FROM a\nCMD node x"), ["/bin/sh", "-c", "node x"]);
        assert_eq!(words("FROM a\nENTRYPOINT node x\nCMD [\"c\"]"), ["/bin/sh", "-c", "node x"]);
        assert_eq!(words("FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x"), ["/bin/bash", "-c", "x"]);
        // Single quotes make no list.
        assert_eq!(words("FROM a\nCMD ['c']"), ["/bin/sh", "-c", "['c']"]);
    }

    #[test]
    fn stages_hand_down_what_they_set() {
        let text = "ARG V=20\nFROM node:$V AS base\nENV A=1\nCMD [\"b\"]\nFROM golang AS build\nCMD x\n\
                    FROM base\nENV B=\"2 3\" C=${A}4 D=${X:-5}\nENV E 6 7";
        let workload = read(&Arc::from("Dockerfile"), text, None).unwrap();
        assert_eq!(workload.image.as_deref(), Some("node:20"));
        assert_eq!(workload.command.len(), 1);
        let values: Vec<&str> = workload.environment.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["1", "2 3", "14", "5", "6 7"]);
        // An entrypoint puts a handed down command away.
        assert_eq!(words("FROM a AS b\nCMD [\"c\"]\nFROM b\nENTRYPOINT [\"e\"]"), ["e"]);
    }

    #[test]
    fn what_is_no_dockerfile_names_its_line() {
        for (text, line) in [("FROM a\nFRUM b", 2), ("RUN x", 1), ("# c", 1), ("FROM", 1)] {
            assert_eq!(read(&Arc::from("f"), text, None).unwrap_err().place.line, line, "{text}");
        }
    }
}
