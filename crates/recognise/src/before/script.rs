//! A script of the shell: the commands in it that may be the program, without running any.
//!
//! Not a shell: words are split at blanks and quotes, variables are those of the environment and those that the
//! script sets in a plain way, conditions are not decided. `exec` names the program; without one all
//! commands that lead to a runtime must lead to the same.

use std::path::Path;

use settings::runtimes::names;

use super::{Before, Script, Walk, is_shell, launchers, name_of};

/// Commands of a script that are looked at.
const MOST_COMMANDS: usize = 512;

/// By these words a script tells a runtime how much memory it may use.
const STEERING: [&str; 12] = [
    "-Xmx",
    "-Xms",
    "MaxRAM",
    "InitialRAM",
    "MaxHeapSize",
    "max-old-space-size",
    "max_old_space_size",
    "GOMEMLIMIT",
    "GCHeapHardLimit",
    "WEB_CONCURRENCY",
    "MALLOC_ARENA_MAX",
    "--workers",
];

/// A script, and whether it steers memory itself, outside of its comments.
pub(super) fn about(path: &Path, text: &str) -> Script {
    let said = |word: &&&str| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(**word))
    };
    let steers_by = STEERING.iter().find(said).copied();
    Script { path: path.to_owned(), steers_by }
}

/// Where a script with these arguments leads.
pub(super) fn lead(walk: &Walk<'_>, text: &str, arguments: &[String]) -> Option<Before> {
    let mut set: Vec<(String, String)> = Vec::new();
    let (mut found, mut executed): (Vec<Before>, Option<Before>) = (Vec::new(), None);
    for words in commands(text).into_iter().take(MOST_COMMANDS) {
        let mut words = words.as_slice();
        let mut is_exec = false;
        while let Some((first, rest)) = words.split_first() {
            match first.text.as_str() {
                "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "command"
                | "export" | "time" => {}
                "exec" => is_exec = true,
                word => match assignment(word) {
                    Some((name, value)) => {
                        let value = expand(value, &set, walk);
                        set.retain(|(other, _)| other != name);
                        set.push((name.to_owned(), value));
                    }
                    None => break,
                },
            }
            words = rest;
        }
        let words = spoken(words, &set, arguments, walk);
        if !words.first().is_some_and(|first| is_exec || is_worth_following(first)) {
            continue;
        }
        let Some(one) = walk.follow(&words) else { continue };
        if is_exec {
            executed = Some(one);
        } else {
            found.push(one);
        }
    }
    let agree = found.windows(2).all(|pair| matches!(pair, [a, b] if a.runtime == b.runtime));
    executed.or_else(|| found.pop().filter(|_| agree))
}

/// Every other command is a file's or the shell's own, and leads nowhere.
fn is_worth_following(word: &str) -> bool {
    let name = name_of(word);
    names::of_program(name).is_some()
        || launchers::of(name).is_some()
        || launchers::beside(name).is_some()
        || is_shell(name)
        || word.contains('/')
}

/// A word as it stands in a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Word {
    text: String,
    /// In single quotes: no variable in it is one.
    is_plain: bool,
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, value))
}

/// The words with their variables' values; what nobody knows is left out.
fn spoken(
    words: &[Word],
    set: &[(String, String)],
    arguments: &[String],
    walk: &Walk<'_>,
) -> Vec<String> {
    let mut all = Vec::new();
    for word in words {
        match word.text.as_str() {
            "$@" | "${@}" | "$*" => all.extend(arguments.iter().cloned()),
            text if word.is_plain || !text.contains('$') => all.push(text.to_owned()),
            text => {
                let value = expand(text, set, walk);
                all.extend(value.split_whitespace().map(str::to_owned));
            }
        }
    }
    all
}

/// `$NAME`, `${NAME}` and `${NAME:-OTHERWISE}`; anything else is nothing.
fn expand(text: &str, set: &[(String, String)], walk: &Walk<'_>) -> String {
    let value = |name: &str| {
        let own = set.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone());
        own.or_else(|| (walk.variable)(name)).unwrap_or_default()
    };
    let mut parts = text.split('$');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some((inside, rest)) = part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
            let (name, otherwise) = inside.split_at_checked(end).unwrap_or((inside, ""));
            let known = value(name);
            all += match otherwise.strip_prefix(":-").or_else(|| otherwise.strip_prefix('-')) {
                Some(otherwise) if known.is_empty() => otherwise,
                _ => &known,
            };
            all += rest;
        } else {
            let end = part.find(|c| !is_name(c)).unwrap_or(part.len());
            let (name, rest) = part.split_at_checked(end).unwrap_or((part, ""));
            all += &value(name);
            all += rest;
        }
    }
    all
}

/// The simple commands, in order: words without their quotes.
fn commands(text: &str) -> Vec<Vec<Word>> {
    let mut all: Vec<Vec<Word>> = vec![Vec::new()];
    let mut word: Option<Word> = None;
    let mut letters = text.chars().peekable();
    let mut quote: Option<char> = None;
    let end_word = |word: &mut Option<Word>, all: &mut Vec<Vec<Word>>| {
        if let (Some(word), Some(command)) = (word.take(), all.last_mut()) {
            command.push(word);
        }
    };
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => match letters.next() {
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().text.push(next),
            },
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().text.push(letter),
            ('\'' | '"', None) => {
                quote = Some(letter);
                let word = word.get_or_insert_default();
                word.is_plain |= letter == '\'';
            }
            ('#', None) if word.is_none() => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
            }
            ('\n' | ';' | '&' | '|' | '(' | ')' | '`', None) => {
                end_word(&mut word, &mut all);
                all.push(Vec::new());
            }
            (' ' | '\t' | '\r', None) => end_word(&mut word, &mut all),
            (letter, None) => word.get_or_insert_default().text.push(letter),
        }
    }
    end_word(&mut word, &mut all);
    all.retain(|command| !command.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let line = |words: Vec<Word>| {
            words.into_iter().map(|word| word.text).collect::<Vec<_>>().join("·")
        };
        commands(text).into_iter().map(line).collect()
    }

    #[test]
    fn a_script_is_split_into_its_commands() {
        let text =
            "#!/bin/sh\nset -e # x\ncd '/a b' && exec node \\\n  \"$A\" 'it''s'|cat; x=$(y z)\n";
        let found = ["set·-e", "cd·/a b", "exec·node·$A·its", "cat", "x=$", "y·z"];
        assert_eq!(said(text), found);
        assert_eq!(said("\"open"), ["open"]);
        assert_eq!(said(""), [""; 0]);
    }

    #[test]
    fn variables_are_the_environments_and_the_scripts() {
        let variable = |name: &str| (name == "JAVA_HOME").then(|| "/opt/java".to_owned());
        let walk = Walk { variable: &variable, left: std::cell::Cell::new(9) };
        let set = [("CMD".to_owned(), "java".to_owned())];
        let found = |text: &str| expand(text, &set, &walk);
        assert_eq!(found("$JAVA_HOME/bin/java"), "/opt/java/bin/java");
        assert_eq!(found("${JAVA_HOME}/bin/$CMD"), "/opt/java/bin/java");
        assert_eq!(found("${NOBODY:-here}${NOBODY}$NOBODY"), "here");
        assert_eq!(found("a$"), "a");
    }
}
