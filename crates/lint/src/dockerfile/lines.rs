//! A Dockerfile's text → instructions: continued lines joined, comments out, heredocs beside.
//!
//! Leans on the Dockerfile reference (format, parser directives, here-documents). Directives count only
//! above everything else; a comment or an empty line inside a continued instruction is skipped.

use std::sync::Arc;

use crate::place::{Place, Unreadable};

/// An instruction.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    /// In capitals.
    pub(crate) keyword: String,
    /// What stands behind it, on one line.
    pub(crate) rest: String,
    pub(crate) place: Place,
    /// The bodies of its here-documents.
    pub(crate) heredocs: Vec<String>,
}

/// Every instruction, in order, and the escape character.
pub(crate) fn read(file: &Arc<str>, text: &str) -> Result<(Vec<Instruction>, char), Unreadable> {
    let escape = escape(text);
    let mut lines = text.lines().enumerate();
    let mut found = Vec::new();
    while let Some((at, line)) = lines.next() {
        let begins = line.trim_start();
        if begins.is_empty() || begins.starts_with('#') {
            continue;
        }
        let column = line.chars().count() - begins.chars().count() + 1;
        let place = Place::new(file, at + 1, column);
        let mut joined = String::new();
        let mut part = begins;
        loop {
            let end = part.trim_end();
            let Some(more) = end.strip_suffix(escape) else {
                joined.push_str(end);
                break;
            };
            joined.push_str(more);
            let next = lines.by_ref().map(|(_, line)| line).find(|line| {
                let line = line.trim_start();
                !line.is_empty() && !line.starts_with('#')
            });
            match next {
                Some(next) => part = next,
                None => break,
            }
        }
        let (keyword, rest) = joined.split_once(char::is_whitespace).unwrap_or((&joined, ""));
        let keyword = keyword.to_ascii_uppercase();
        let mut heredocs = Vec::new();
        if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
            for (name, strips) in opened(rest) {
                let body = heredoc(&mut lines, &name, strips).ok_or_else(|| {
                    Unreadable::new(place.clone(), format!("the here-document `{name}` has no end"))
                })?;
                heredocs.push(body);
            }
        }
        found.push(Instruction { keyword, rest: rest.trim().to_owned(), place, heredocs });
    }
    Ok((found, escape))
}

/// The escape character that the directives choose; a directive is no longer one behind anything else.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|it| it.split_once('='))
        else {
            break;
        };
        let name = name.trim().to_ascii_lowercase();
        if name.is_empty() || name.contains(char::is_whitespace) {
            break;
        }
        if name == "escape" {
            return if value.trim() == "`" { '`' } else { '\\' };
        }
    }
    '\\'
}

/// The here-documents that a line opens, and whether leading tabs are taken out.
fn opened(rest: &str) -> Vec<(String, bool)> {
    let opened = rest.split_whitespace().filter_map(|word| {
        let (_, word) = word
            .split_once("<<")
            .filter(|(before, _)| before.bytes().all(|byte| byte.is_ascii_digit()))?;
        let (strips, word) = match word.strip_prefix('-') {
            Some(word) => (true, word),
            None => (false, word),
        };
        let name = word.trim_matches(['"', '\'']);
        let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        (fine && !name.is_empty()).then(|| (name.to_owned(), strips))
    });
    opened.collect()
}

fn heredoc<'a>(
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
    name: &str,
    strips: bool,
) -> Option<String> {
    let mut body = String::new();
    for (_, line) in lines {
        let line = if strips { line.trim_start_matches('\t') } else { line };
        if line == name {
            return Some(body);
        }
        body.push_str(line);
        body.push('\n');
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(text: &str) -> Vec<(String, String, usize)> {
        let (found, _) = read(&Arc::from("f"), text).unwrap();
        found.into_iter().map(|it| (it.keyword, it.rest, it.place.line)).collect()
    }

    #[test]
    fn continued_lines_are_one_with_their_comments_out() {
        let found = rests("# syntax=x\nfrom a\n\nRUN b \\\n  # c\n\n  && d\nCMD e\r\n");
        assert_eq!(found[0], ("FROM".into(), "a".into(), 2));
        assert_eq!(found[1], ("RUN".into(), "b   && d".into(), 4));
        assert_eq!(found[2], ("CMD".into(), "e".into(), 8));
    }

    #[test]
    fn the_escape_character_is_a_directive_only_at_the_top() {
        let found = rests("# escape=`\nFROM a\nRUN b `\n c\\\nCMD d");
        assert_eq!(found[1].1, "b  c\\");
        assert_eq!(found.len(), 3);
        let found = rests("FROM a\n# escape=`\nRUN b \\\n c");
        assert_eq!(found[1].1, "b  c");
    }

    #[test]
    fn here_documents_are_no_instructions() {
        let text = "FROM a\nCOPY <<-\"EOF\" <<B /x/\n\tFROM z\n\tEOF\nworker\nB\nCMD c";
        let (found, _) = read(&Arc::from("f"), text).unwrap();
        assert_eq!(found[1].heredocs, ["FROM z\n", "worker\n"]);
        assert_eq!(found.len(), 3);
        assert!(read(&Arc::from("f"), "FROM a\nRUN <<EOF\nx").is_err());
        // A shell's own here-string and a shift are none.
        assert_eq!(rests("FROM a\nRUN cat <<<x && echo $((1<<2))\nCMD c").len(), 3);
    }
}
