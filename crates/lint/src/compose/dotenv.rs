//! `.env` and `env_file`: variables, one a line.
//!
//! Leans on docker compose's documentation, "Set, use, and manage variables in a Compose file with
//! interpolation", ".env file syntax": quotes, comments behind a blank, `export`, values over several lines
//! in quotes, and variables in what is not in single quotes. A line that is none is left out: whoever runs
//! `docker compose` hears of it.

use super::variables::{Known, substituted};

/// A variable, and the line on which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// `None`: the value of whoever runs it.
    pub(crate) value: Option<String>,
    pub(crate) line: usize,
}

/// Every variable, in order. `known` is what the values may name beside each other.
pub(crate) fn read(text: &str, known: &Known) -> Vec<Line> {
    let mut known = known.clone();
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let whole = rest;
        let (this, tail) = whole.split_once('\n').unwrap_or((whole, ""));
        let here = line;
        (rest, line) = (tail, line + 1);
        let begins = without_export(this.trim());
        if begins.is_empty() || begins.starts_with('#') {
            continue;
        }
        let Some((name, value)) = begins.split_once(['=', ':']) else {
            if is_name(begins) {
                found.push(Line { name: begins.to_owned(), value: None, line: here });
            }
            continue;
        };
        let (name, value) = (name.trim(), value.trim_start());
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                // Over as many lines as it takes; behind it a comment may stand.
                let open = whole.split_once(quote).map(|(_, open)| open).unwrap_or_default();
                let Some((inside, behind)) = closed(open, quote) else { break };
                let taken = open.strip_suffix(behind).unwrap_or_default();
                line += taken.matches('\n').count();
                rest = behind.split_once('\n').map_or("", |(_, rest)| rest);
                if quote == '"' { substituted(&unescaped(&inside), &known) } else { inside }
            }
            _ => {
                let value = value.split(" #").next().unwrap_or(value).trim_end();
                substituted(value, &known)
            }
        };
        if is_name(name) {
            known.insert(name.to_owned(), value.clone());
            found.push(Line { name: name.to_owned(), value: Some(value), line: here });
        }
    }
    found
}

fn without_export(line: &str) -> &str {
    let rest = line.strip_prefix("export").filter(|it| it.starts_with(char::is_whitespace));
    rest.map_or(line, str::trim_start)
}

/// `env_file` with `format: raw`: nothing has a meaning.
pub(crate) fn read_raw(text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim_start();
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        Some(Line { name: name.to_owned(), value: Some(value.to_owned()), line: at + 1 })
    });
    lines.collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_alphanumeric() || "_.-[]".contains(letter))
}

/// What stands in front of the closing quote, and behind it.
fn closed(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, next)) if next == quote => inside.push(next),
                Some((_, next)) => inside.extend(['\\', next]),
                None => return None,
            },
            _ if letter == quote => return Some((inside, text.get(at + letter.len_utf8()..)?)),
            _ => inside.push(letter),
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            // A `$` that is one.
            Some('$') => out.push_str("$$"),
            Some(other @ ('"' | '\\')) => out.push(other),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, String, usize)> {
        let all = read(text, &Known::new());
        all.into_iter()
            .map(|it| (it.name, it.value.unwrap_or_else(|| "-".to_owned()), it.line))
            .collect()
    }

    fn values(text: &str) -> Vec<String> {
        said(text).into_iter().map(|(_, value, _)| value).collect()
    }

    #[test]
    fn every_spelling_of_a_value_is_read() {
        let text = "# c\nA=1\nexport B = two words # c\nC='$A \"x\"'\nD=\"$A\\t${A}\\$A\" # c\nE=a#b\n\nF: y\nG=\nH\n";
        assert_eq!(values(text), ["1", "two words", "$A \"x\"", "1\t1$A", "a#b", "y", "", "-"]);
    }

    #[test]
    fn a_value_over_several_lines_moves_those_behind_it() {
        let text = "A=\"x\ny\" \nB='1\n2'\nC=3";
        let expected = [("A", "x\ny", 1), ("B", "1\n2", 3), ("C", "3", 5)];
        let expected =
            expected.map(|(name, value, line)| (name.to_owned(), value.to_owned(), line));
        assert_eq!(said(text), expected);
    }

    #[test]
    fn what_is_no_variable_is_left_out() {
        assert_eq!(values("a b\n=x\n?x=1\nA=\"open\nB=2"), [""; 0]);
        assert_eq!(read_raw("# c\nA=\"1\" # x\nB")[0].value.as_deref(), Some("\"1\" # x"));
    }
}
