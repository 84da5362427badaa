//! What a page, a terminal or an editor put around a text, taken off before it is read and kept.
//!
//! Dumps and APIs of forums, mails in HTML and "view source" give a log as `&quot;OOMKilled&quot;: true` between
//! `<pre><code>` and `</code></pre>`; `jq` and `kubectl` set colours inside of a document; `cat -n` counts its lines. Of
//! markup only a handful of tags go, and the entities of <https://html.spec.whatwg.org/multipage/named-characters.html>
//! that escape it. A text without all of this is left byte for byte as it is. Time is linear in the text. Secrets
//! are none of its business, and what the words mean neither.

use std::borrow::Cow;

/// Tags that stand around logs; a name in angle brackets that is none of them (`<main>`) is the text's own.
const TAGS: [&str; 24] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "samp",
    "span",
    "strong",
    "td",
    "tr",
    "ul",
];

/// Tags that end a line where they stand.
const LINE_ENDS: [&str; 9] = ["blockquote", "br", "dd", "div", "hr", "li", "p", "pre", "tr"];

/// The entities that escape markup, and the blank that does not break.
const ENTITIES: [(&str, &str); 12] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&#34;", "\""),
    ("&#39;", "'"),
    ("&#039;", "'"),
    ("&#x27;", "'"),
    ("&#x22;", "\""),
    ("&nbsp;", " "),
    ("&#160;", " "),
    ("&amp;", "&"),
];

/// The words of a text without what a page, a terminal or an editor put around them.
pub fn bare(text: &str) -> Cow<'_, str> {
    let mut kept = Cow::Borrowed(text);
    for step in [without_colours, without_markup, without_gutter] {
        if let Some(changed) = step(&kept) {
            kept = Cow::Owned(changed);
        }
    }
    kept
}

/// A terminal's colours: `ESC [ 1 ; 31 m` (ECMA-48 SGR) and no other sequence. `jq` and `kubectl` set them
/// inside of documents.
fn without_colours(text: &str) -> Option<String> {
    if !text.contains("\u{1b}[") {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(words) => kept.push_str(words),
            None => {
                kept.push_str("\u{1b}[");
                kept.push_str(part);
            }
        }
    }
    Some(kept)
}

/// The words of a page's source.
fn without_markup(text: &str) -> Option<String> {
    let tagged =
        ["<pre", "<code", "<p>", "<br", "<td", "<li>"].iter().any(|tag| text.contains(tag));
    // `&` alone is a shell's, and an entity within a kernel's or a JSON log is a program's own.
    let escaped = ["&quot;", "&#34;", "&#x22;", "&lt;", "&gt;"].iter().any(|it| text.contains(it));
    match (tagged, escaped) {
        (false, false) => None,
        (true, _) => Some(unescaped(&without_tags(text))),
        (false, true) => Some(unescaped(text)),
    }
}

/// What `cat -n`, an editor or a diff put before every line: numbers that count up by one, or `+`.
fn without_gutter(text: &str) -> Option<String> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    if numbered(first).is_none() && !first.starts_with('+') {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut before: Option<u64> = None;
    let mut lines = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words = match (numbered(line), line.strip_prefix('+')) {
            (Some((number, words)), _) if before.is_none_or(|last| number == last + 1) => {
                before = Some(number);
                words
            }
            (None, Some(words)) if before.is_none() => words,
            (_, _) => return None,
        };
        kept.push_str(words);
        kept.push('\n');
        lines += 1;
    }
    (lines >= 3).then_some(kept)
}

/// `  12  words`, `12: words`, `12 | words`: the number, and the words with their own indentation.
fn numbered(line: &str) -> Option<(u64, &str)> {
    let line = line.trim_start();
    let digits = line.find(|c: char| !c.is_ascii_digit()).filter(|at| (1..=6).contains(at))?;
    let (number, rest) = line.split_at_checked(digits)?;
    let behind =
        ["  ", "\t", ": ", " | ", " │ "].iter().find_map(|mark| rest.strip_prefix(mark))?;
    Some((number.parse().ok()?, behind))
}

fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match tag(after) {
            Some((name, behind)) => {
                if LINE_ENDS.contains(&name.as_str()) && !kept.is_empty() && !kept.ends_with('\n') {
                    kept.push('\n');
                }
                rest = behind;
            }
            None => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// `code class="x">rest`, `/pre>rest`, `br/>rest`: the tag's name and what stands behind it.
fn tag(after: &str) -> Option<(String, &str)> {
    // Longer than any tag around a log; bounds the work on a hostile line.
    let end = after.bytes().take(300).position(|byte| matches!(byte, b'>' | b'<' | b'\n'))?;
    let (inside, behind) = (after.get(..end)?, after.get(end..)?.strip_prefix('>')?);
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let name = inside.split([' ', '/']).next()?.to_ascii_lowercase();
    TAGS.binary_search(&name.as_str()).ok()?;
    Some((name, behind))
}

fn unescaped(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at_checked(at).unwrap_or((rest, ""));
        kept.push_str(before);
        let known =
            ENTITIES.iter().find_map(|(name, sign)| Some((sign, entity.strip_prefix(name)?)));
        match known {
            Some((sign, behind)) => {
                kept.push_str(sign);
                rest = behind;
            }
            None => {
                kept.push('&');
                rest = entity.get(1..).unwrap_or("");
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_are_sorted() {
        assert!(TAGS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(LINE_ENDS.iter().all(|name| TAGS.contains(name)));
    }

    #[test]
    fn a_pages_source_is_read_as_the_page_shows_it() {
        for (source, page) in [
            ("<pre><code>a &lt;main&gt; b\n</code></pre>", "a <main> b\n"),
            ("<p>x</p><PRE class=\"l\">&quot;y&quot;: &#39;1&#39;</PRE>", "x\n\"y\": '1'\n"),
            ("one<br/>two<br>three", "one\ntwo\nthree"),
            ("&quot;OOMKilled&quot;: true &amp;&amp; &nbsp;1", "\"OOMKilled\": true &&  1"),
            ("a &amp;lt; b &quot;", "a &lt; b \""),
        ] {
            assert_eq!(bare(source), page, "{source}");
        }
    }

    #[test]
    fn a_text_that_is_no_pages_source_stays_as_it_is() {
        for text in [
            "",
            "[1.000000] Killed process 7 (<main>) total-vm:1kB",
            "curl 'http://x/?a=1&b=2' && echo <none>",
            "&amp; alone",
            "containerStatuses: <nil>, a<b",
        ] {
            assert!(matches!(bare(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        // What is no tag stays, in a page's source too.
        assert_eq!(bare("<code>ID <none> &x; &"), "ID <none> &x; &");
        assert_eq!(bare(&format!("<pre>{}", "<".repeat(1000))).len(), 1000);
    }

    #[test]
    fn colours_go_and_what_is_no_colour_stays() {
        assert_eq!(bare("\u{1b}[1;39m{\u{1b}[0m\"a\"\u{1b}[m: 1}"), "{\"a\": 1}");
        assert!(matches!(bare("\u{1b}]0;title\u{7} x"), Cow::Borrowed(_)));
        assert_eq!(bare("\u{1b}[2J\u{1b}[31mred"), "\u{1b}[2Jred");
    }

    #[test]
    fn counted_and_added_lines_lose_their_gutter() {
        assert_eq!(bare(" 1  a\n 2    b: 1\n\n 3  c\n"), "a\n  b: 1\nc\n");
        assert_eq!(bare("41\ta\n42\tb\n43\tc"), "a\nb\nc\n");
        assert_eq!(bare("+a\n+  b\n+c\n"), "a\n  b\nc\n");
        for text in [
            "1  a\n2  b\n",
            "1  a\n3  b\n4  c\n",
            "1  a\n2  b\nc\n3  d\n",
            "+a\n b\n-c\n",
            "1  a\n2  b\n+c\n",
            "137 false\n138 true\n139 x\n",
            "10:00:01 a\n10:00:02 b\n10:00:03 c\n",
        ] {
            assert_eq!(bare(text), text);
        }
    }
}
