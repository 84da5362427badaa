//! Templates of YAML (Helm, Jinja, gomplate): the marks out, so that the rest can be read.
//!
//! A mark that stands alone on its line leaves an empty line, one among other text leaves letters that
//! nobody uses ([`TEMPLATED`]): lines and columns stay. Nothing is evaluated: both branches of a condition
//! stay, and what a mark would have put in is missing, so that nothing may be concluded from what is not
//! there. Leans on Go's `text/template`, Helm's chart template guide and Jinja's template designer
//! documentation.

use crate::tree::TEMPLATED;

const MARKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// Whether a text has marks of a template.
pub(crate) fn has_marks(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The text without its marks.
pub(crate) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, close)) = next(rest) {
        let (before, mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let inner = mark.get(2..).unwrap_or_default();
        // A mark that does not end makes the rest unreadable, as it should.
        let Some((inner, tail)) = inner.split_once(close) else {
            out.push_str(mark);
            rest = "";
            break;
        };
        let letters = inner.chars().map(|letter| if letter == '\n' { letter } else { TEMPLATED });
        out.extend([TEMPLATED, TEMPLATED]);
        out.extend(letters);
        out.extend([TEMPLATED, TEMPLATED]);
        rest = tail;
    }
    out.push_str(rest);
    let is_mark = |letter: char| letter == TEMPLATED || letter.is_whitespace();
    let lines = out.split('\n').map(|line| {
        let alone = line.contains(TEMPLATED) && line.chars().all(is_mark);
        if alone { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the first mark begins, and how it ends.
fn next(text: &str) -> Option<(usize, &'static str)> {
    let found = MARKS.iter().filter_map(|(open, close)| Some((text.find(open)?, *close)));
    found.min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_leave_lines_and_columns_as_they_were() {
        let text = "{{- if .on }}\na: {{ .b }}c\n  {{- toYaml\n  .x }}\n{% for a in b %}\nd: 'e'\n";
        let found = blanked(text);
        let lines: Vec<&str> = found.split('\n').collect();
        assert_eq!(lines.len(), text.split('\n').count());
        assert_eq!((lines[0], lines[2], lines[3], lines[4]), ("", "", "", ""));
        assert_eq!(lines[1].chars().count(), "a: {{ .b }}c".len());
        assert!(lines[1].starts_with("a: ") && lines[1].ends_with('c'));
        assert_eq!(lines[5], "d: 'e'");
        assert_eq!(blanked("a: {{ b"), "a: {{ b");
        assert_eq!(blanked("a: b"), "a: b");
    }
}
