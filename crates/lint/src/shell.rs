//! Command lines and scripts, as far as a reader of files needs them: words, and whether a shell stays
//! the first process.
//!
//! Measured: `dash -c` 0.5.12 (Debian's /bin/sh) stays for every script, even of one command; `bash -c`
//! 5.2 and BusyBox 1.37 (Alpine's /bin/sh) become the last command unless that is a pipeline. bash before
//! 5.1 does so only for a script of one command (its CHANGES).

use crate::workload::Word;

/// The words of a line, as Compose and a shell split it.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => {
                quote = Some(letter);
                begun = true;
            }
            (_, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => {
                begun = true;
                word.extend(letters.next().filter(|next| *next != '\n'));
            }
            (_, None) if letter.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                begun = true;
                word.push(letter);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// A program's name without its folder.
pub(crate) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The shell and the script of `sh -c SCRIPT`.
pub(crate) fn script(words: &[Word]) -> Option<(&str, &Word)> {
    let mut words = words.iter();
    let mut first = words.next()?;
    if program(&first.text) == "env" {
        first = words.next()?;
    }
    let shell = program(&first.text);
    if !matches!(shell, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh") {
        return None;
    }
    let mut wanted = false;
    for word in words {
        if wanted && !word.text.starts_with('-') {
            return Some((shell, word));
        }
        match word.text.strip_prefix('-') {
            Some(letters) if !letters.starts_with('-') => wanted |= letters.contains('c'),
            Some(_) => {}
            // `-o pipefail` has its name behind it; anything else is a script's file.
            None if word.text == "pipefail" => {}
            None => return None,
        }
    }
    None
}

/// Whether the shell stays, as the first process, in front of what it runs.
pub(crate) fn stays(shell: &str, script: &str) -> bool {
    let commands = commands(script);
    let first_words = |command: &(String, bool)| -> Option<String> {
        split(&command.0).into_iter().find(|word| !is_assignment(word))
    };
    let firsts: Vec<String> = commands.iter().filter_map(first_words).collect();
    if firsts.is_empty() || firsts.iter().any(|word| word == "trap" || word == "exec") {
        return false;
    }
    let loose = commands.iter().any(|(_, loose)| *loose);
    let replaces = match shell {
        "bash" | "ksh" | "zsh" => commands.len() == 1,
        "ash" => true,
        _ => false,
    };
    loose || !replaces
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The commands of a script, and whether each is part of a pipeline or of the background.
fn commands(script: &str) -> Vec<(String, bool)> {
    let mut found: Vec<(String, bool)> = Vec::new();
    let mut command = String::new();
    let (mut quote, mut depth, mut piped) = (None, 0usize, false);
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => {
                command.push(letter);
                command.extend(letters.next());
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('(', None) => depth += 1,
            (')', None) => depth = depth.saturating_sub(1),
            (';' | '\n' | '&' | '|', None) if depth == 0 => {
                let twice = letters.next_if(|next| *next == letter).is_some();
                let redirects =
                    letter == '&' && (command.ends_with('>') || letters.peek() == Some(&'>'));
                if redirects && !twice {
                    command.push(letter);
                    continue;
                }
                let loose = !twice && matches!(letter, '&' | '|');
                push(&mut found, &mut command, piped || loose);
                piped = loose && letter == '|';
                continue;
            }
            _ => {}
        }
        command.push(letter);
    }
    push(&mut found, &mut command, piped);
    found
}

fn push(found: &mut Vec<(String, bool)>, command: &mut String, loose: bool) {
    let text = std::mem::take(command);
    let text = text.trim();
    if !text.is_empty() && !text.starts_with('#') {
        found.push((text.to_owned(), loose));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(split(r#"sh -c "a 'b' \"c" d\ e '' "#), ["sh", "-c", "a 'b' \"c", "d e", ""]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn a_shell_stays_unless_it_hands_over() {
        for script in
            ["node app.js", "cd /app && node app.js", "echo 'exec x'; node a", "A=1 node a"]
        {
            assert!(stays("sh", script), "{script}");
        }
        for script in
            ["exec node a", "cd /app && exec node a", "trap 'kill 1' TERM; a & wait", "", "# x"]
        {
            assert!(!stays("sh", script), "{script}");
        }
        assert!(!stays("bash", "node app.js 2>&1") && stays("bash", "node app.js | tee log"));
        assert!(stays("bash", "node app.js & wait"));
    }

    #[test]
    fn a_script_is_found_behind_its_shell() {
        let place = crate::place::Place::new(&std::sync::Arc::from("f"), 1, 1);
        let found = |line: &str| {
            let words: Vec<Word> =
                split(line).into_iter().map(|text| Word { text, place: place.clone() }).collect();
            script(&words).map(|(shell, word)| (shell.to_owned(), word.text.clone()))
        };
        let said = |shell: &str, text: &str| Some((shell.to_owned(), text.to_owned()));
        assert_eq!(found("/bin/sh -c 'a b'"), said("sh", "a b"));
        assert_eq!(found("/usr/bin/env bash -euo pipefail -c 'a'"), said("bash", "a"));
        assert_eq!(found("sh ./start.sh"), None);
        assert_eq!(found("tini -- sh -c a"), None);
    }
}
