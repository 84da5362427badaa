//! What a large text is, by its beginning: a log of lines, of entries, or one document.
//!
//! Only logs are cut. A JSON or YAML document means something as a whole only, so it is read whole
//! or not at all. Decides nothing about what the text says.
//! Forms: journalctl(1) of systemd 257, dmesg(1) of util-linux 2.41, kubectl's and docker's output.

use memchr::{memchr, memrchr2};

/// How far the bounds of a line or an entry are looked for. The longest lines of journals are some
/// kilobytes; what is longer was never a log line.
pub(super) const LONGEST: usize = 256 << 10;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One entry is one line.
    Lines,
    /// One entry is one line of JSON, some ten times as long as its message.
    JsonLines,
    /// `journalctl -o export`: an entry begins with `__CURSOR=`.
    Export,
    /// `journalctl -o json-pretty`: an entry begins with a line `{`.
    Pretty,
    /// `journalctl -o verbose`: an entry's lines but the first are indented.
    Verbose,
    /// One document, or no text of bytes.
    Document,
}

impl Form {
    /// Recognises a text by its beginning.
    pub(super) fn of(head: &[u8]) -> Self {
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Self::Document;
        }
        let head = head.get(..LONGEST).unwrap_or(head);
        let text = String::from_utf8_lossy(head);
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().trim_end();
        let second = lines.next().unwrap_or_default();
        if first.starts_with('{') {
            return match first {
                "{" if second.trim_start().starts_with("\"__CURSOR\"") => Self::Pretty,
                _ if first.ends_with('}') && !text.starts_with("{\n") => Self::JsonLines,
                _ => Self::Document,
            };
        }
        // `[   12.345678] …` is dmesg's, not an array.
        let inside = first.strip_prefix('[').map(str::trim_start);
        if inside.is_some_and(|inside| inside.is_empty() || inside.starts_with(['{', '"', '['])) {
            return Self::Document;
        }
        if first.starts_with("__CURSOR=") {
            return Self::Export;
        }
        if first.ends_with(']') && first.contains(" [s=") && second.starts_with("    ") {
            return Self::Verbose;
        }
        if is_manifest(text) { Self::Document } else { Self::Lines }
    }

    /// How much longer an entry is than its words.
    pub(super) fn weight(self) -> usize {
        match self {
            Self::Lines | Self::Document => 1,
            Self::JsonLines | Self::Export | Self::Pretty | Self::Verbose => 8,
        }
    }

    /// Where the entry around a place begins; `None` if nothing near tells.
    pub(super) fn entry_start(self, bytes: &[u8], at: usize) -> Option<usize> {
        let lowest = at.saturating_sub(LONGEST);
        let mut start = line_start(bytes, at, lowest)?;
        while !self.begins_entry(bytes, start) {
            if start <= lowest {
                return line_start(bytes, at, lowest);
            }
            start = line_start(bytes, start - 1, lowest)?;
        }
        Some(start)
    }

    /// One past the end of the entry around a place; `None` if it is not there yet.
    pub(super) fn entry_end(self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut end = line_end(bytes, at)?;
        let most = at.saturating_add(LONGEST);
        while end < bytes.len() && end < most && !self.begins_entry(bytes, end) {
            match line_end(bytes, end) {
                Some(next) => end = next,
                None => break,
            }
        }
        Some(end)
    }

    fn begins_entry(self, bytes: &[u8], start: usize) -> bool {
        let rest = bytes.get(start..).unwrap_or_default();
        match self {
            Self::Lines | Self::JsonLines | Self::Document => true,
            Self::Export => rest.starts_with(b"__CURSOR="),
            Self::Pretty => rest.starts_with(b"{\n"),
            Self::Verbose => !rest.starts_with(b" "),
        }
    }
}

/// A line ends with its line feed. A run of NUL bytes, which a crash leaves in a log file, ends
/// a line as well.
fn line_start(bytes: &[u8], at: usize, lowest: usize) -> Option<usize> {
    let before = bytes.get(lowest..at)?;
    match memrchr2(b'\n', 0, before) {
        Some(end) => Some(lowest + end + 1),
        None => (lowest == 0).then_some(0),
    }
}

fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    memchr(b'\n', bytes.get(at..)?).map(|end| at + end + 1)
}

/// The beginning of what `kubectl` prints of an object, in YAML or described.
fn is_manifest(text: &str) -> bool {
    let heads = ["apiVersion:", "items:", "kind:"];
    let mut lines = text.lines().take(12);
    lines.any(|line| {
        heads.iter().any(|head| line.starts_with(head) || line.starts_with(&format!("- {head}")))
            || (line.starts_with("Namespace:  "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_its_beginning() {
        let forms: [(&[u8], Form); 14] = [
            (b"May 27 18:42:10 n1 kernel: words\n", Form::Lines),
            (b"[   12.345678] words\n", Form::Lines),
            (b"[Wed May 27 18:42:10 2026] words\n", Form::Lines),
            (b"{\"MESSAGE\":\"x\"}\n{\"MESSAGE\":\"y\"}\n", Form::JsonLines),
            (b"__CURSOR=s=1;i=2\nMESSAGE=x\n", Form::Export),
            (b"{\n\t\"__CURSOR\" : \"s=1\",\n", Form::Pretty),
            (b"Wed 2026-05-27 18:42:10.000000 UTC [s=1;i=2]\n    MESSAGE=x\n", Form::Verbose),
            (b"[\n  {\n    \"Id\": \"x\"\n", Form::Document),
            (b"[{\"Id\":\"x\"}]\n", Form::Document),
            (b"{\n  \"items\": [\n", Form::Document),
            (b"apiVersion: v1\nitems:\n", Form::Document),
            (b"Name:         web\nNamespace:    shop\n", Form::Document),
            (b"\xff\xfeM\x00", Form::Document),
            (b"", Form::Lines),
        ];
        for (head, form) in forms {
            assert_eq!(Form::of(head), form, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn an_entry_has_all_its_lines() {
        let text =
            b"__CURSOR=s=1\nMESSAGE=a\n\n__CURSOR=s=2\n_PID=7\nMESSAGE=b\n_X=1\n\n__CURSOR=s=3\n";
        let at = text.windows(9).position(|part| part == b"MESSAGE=b").unwrap();
        let (start, end) = (
            Form::Export.entry_start(text, at).unwrap(),
            Form::Export.entry_end(text, at).unwrap(),
        );
        assert_eq!(&text[start..end], b"__CURSOR=s=2\n_PID=7\nMESSAGE=b\n_X=1\n\n");
        assert_eq!(Form::Lines.entry_start(text, at), Some(at));
        assert_eq!(&text[at..Form::Lines.entry_end(text, at).unwrap()], b"MESSAGE=b\n");
    }

    #[test]
    fn zeros_that_a_crash_left_end_a_line() {
        let text = b"cut line\0\0\0\0May 27 kernel: x\n";
        assert_eq!(Form::Lines.entry_start(text, 15), Some(12));
    }
}
