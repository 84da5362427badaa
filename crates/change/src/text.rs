//! Text and what is put into it: byte ranges, lines, line ends.
//!
//! An edit replaces a range and nothing else; whatever is not in a range stays byte for byte.

use std::ops::Range;

/// One replacement. An empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) new: String,
}

impl Edit {
    pub(crate) fn insert(at: usize, new: impl Into<String>) -> Self {
        Self { at: at..at, new: new.into() }
    }
}

/// The text with its edits; those of one place in the order they were made. `None`: two overlap.
pub(crate) fn edited(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let mut out = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for edit in sorted {
        out.push_str(text.get(done..edit.at.start)?);
        out.push_str(&edit.new);
        done = edit.at.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// The line end that this text uses.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        Some(_) | None => "\n",
    }
}

/// Where the line of this place begins.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1)
}

/// Where the line of this place ends, its line end left out.
pub(crate) fn line_stop(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let line = if line.len() < rest.len() { line.strip_suffix('\r').unwrap_or(line) } else { line };
    at + line.len()
}

/// What stands on the line before this place.
pub(crate) fn before(text: &str, at: usize) -> &str {
    text.get(line_start(text, at)..at).unwrap_or_default()
}

/// The words of `new`, each at the place of the word of `old` that it stands for; what is only new in front.
///
/// Options variables are read word by word, so the order of different options says nothing.
#[must_use]
pub fn in_place(old: &str, new: &str) -> String {
    let separator = if old.contains(' ') || !old.contains(',') { ' ' } else { ',' };
    let words = |text: &str| -> Vec<String> {
        text.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (old, mut fresh) = (words(old), words(new));
    let kept: Vec<&String> = old.iter().filter(|word| fresh.contains(word)).collect();
    let kept: Vec<String> = kept.into_iter().cloned().collect();
    fresh.retain(|word| !kept.contains(word));
    let mut out = Vec::new();
    for word in &old {
        if kept.contains(word) {
            out.push(word.clone());
        } else if let Some(at) = fresh.iter().position(|it| option_of(it) == option_of(word)) {
            out.push(fresh.remove(at));
        }
    }
    fresh.extend(out);
    fresh.join(&separator.to_string())
}

/// `--max-old-space-size` of `--max_old_space_size=64`, `-Xmx` of `-Xmx64m`.
fn option_of(word: &str) -> String {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let jvm = ["-Xmx", "-Xms"].into_iter().find(|option| word.starts_with(option));
    jvm.unwrap_or(name).replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_one_place_keep_their_order_and_overlaps_are_refused() {
        let edits =
            [Edit::insert(1, "b"), Edit { at: 2..3, new: String::new() }, Edit::insert(1, "c")];
        assert_eq!(edited("aXY", &edits).as_deref(), Some("abcX"));
        let edits = [Edit { at: 0..2, new: String::new() }, Edit { at: 1..3, new: String::new() }];
        assert_eq!(edited("aXY", &edits), None);
    }

    #[test]
    fn lines_end_where_their_line_end_begins() {
        let text = "ab\r\ncd";
        assert_eq!((line_start(text, 5), line_stop(text, 5)), (4, 6));
        assert_eq!((line_start(text, 1), line_stop(text, 1)), (0, 2));
        assert_eq!((line_end(text), line_end("a\nb\r\n"), line_end("")), ("\r\n", "\n", "\n"));
        assert_eq!(line_stop("a\r", 0), 2);
    }

    #[test]
    fn a_word_keeps_its_place_when_its_value_changes() {
        let said = |old, new| in_place(old, new);
        assert_eq!(
            said(
                "--inspect --max_old_space_size=4096 -r a",
                "--max-old-space-size=358 --inspect -r a"
            ),
            "--inspect --max-old-space-size=358 -r a"
        );
        assert_eq!(said("-Da=b -Xmx2g -Xms1g", "-Xmx300m -XX:X=1 -Da=b"), "-XX:X=1 -Da=b -Xmx300m");
        assert_eq!(said("", "-Xmx300m"), "-Xmx300m");
        assert_eq!(
            said("--a=1,--max-old-space-size=9", "--max-old-space-size=3,--a=1"),
            "--a=1,--max-old-space-size=3"
        );
    }
}
