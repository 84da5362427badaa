//! Words on lines: widths, wrapping, tables of two columns, and shortening around what matters.
//!
//! Everything here is given text that is already escaped, so a character below U+0020 can only be
//! one of the two marks that this program sets itself. It knows no colours and no verdicts.
//!
//! Leans on: Unicode UAX #11 (East Asian width), by `unicode-width`.

use unicode_width::UnicodeWidthChar;

/// Opens marked words; the renderer turns it into bold, or into nothing.
pub(crate) const MARK: char = '\u{1}';
/// Closes marked words.
pub(crate) const UNMARK: char = '\u{2}';

/// Columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The longest beginning that fits into `columns`, and the rest.
fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (position, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > columns {
            return text.split_at(position);
        }
    }
    (text, "")
}

/// Cuts a word that is longer than a line, behind a comma where one stands late enough: the
/// kernel writes its reports as one word of `key=value,key=value`.
fn split_long(word: &str, columns: usize) -> (&str, &str) {
    let (head, rest) = split_at_width(word, columns);
    match head.rfind(',') {
        Some(comma) if comma * 2 > head.len() => word.split_at(comma + 1),
        Some(_) | None => (head, rest),
    }
}

/// Breaks a text at spaces into lines of at most `columns`; a longer word is cut.
/// Runs of spaces inside a line are kept: log lines carry their own columns.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in text.split_inclusive(' ') {
        let mut piece = piece;
        let taken = width(&line);
        let needed = width(piece.trim_end());
        if !line.is_empty() && taken + needed > columns {
            // A word that fits on no line begins where there is room for a good part of it.
            if needed > columns && taken * 2 < columns {
                let (head, rest) = split_long(piece, columns - taken);
                line.push_str(head);
                piece = rest;
            }
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        while width(piece.trim_end()) > columns {
            let (head, rest) = split_long(piece, columns);
            lines.push(head.to_owned());
            piece = rest;
        }
        line.push_str(piece);
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Pads on the right to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A table of a label and a text: the texts share one left edge and wrap below themselves.
/// Where the labels would leave less than half of the page, each text begins on its own line.
pub fn rows(indent: usize, gap: usize, rows: &[(String, String)], page: usize) -> Vec<String> {
    let label_width = rows.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
    let edge = indent + label_width + gap;
    let lead = " ".repeat(indent);
    let mut lines = Vec::new();
    for (label, text) in rows {
        if edge * 2 > page {
            lines.extend(
                wrap(label, page.saturating_sub(indent)).iter().map(|l| format!("{lead}{l}")),
            );
            let deeper = indent + 4;
            let below = " ".repeat(deeper);
            lines.extend(
                wrap(text, page.saturating_sub(deeper)).iter().map(|l| format!("{below}{l}")),
            );
            continue;
        }
        let mut first = format!("{lead}{}", pad(label, label_width + gap));
        for line in wrap(text, page.saturating_sub(edge)) {
            first.push_str(&line);
            lines.push(first.trim_end().to_owned());
            first = " ".repeat(edge);
        }
    }
    lines
}

/// A quote on at most so many lines, shortened with `…` so that its decisive words stay, marked.
/// The beginning stays too where there is room: it tells what kind of line it is.
pub(crate) fn excerpt(
    quote: &str,
    decisive: Option<&str>,
    columns: usize,
    lines_allowed: usize,
) -> Vec<String> {
    let mut room = columns.saturating_mul(lines_allowed);
    loop {
        let one = if width(quote) <= room {
            shortened(quote, decisive, room)
        } else {
            // The digits of a container id after the twelfth tell a reader nothing.
            shortened(&short_ids(quote), decisive.map(short_ids).as_deref(), room)
        };
        let lines = marks_per_line(wrap(&one, columns));
        // Words do not fill a line to its end, so a text of two widths may need a third line.
        if lines.len() <= lines_allowed || room <= columns {
            return lines;
        }
        room = room.saturating_sub(4);
    }
}

/// Container ids of 64 digits cut to the 12 that runtimes show.
fn short_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().chain(std::iter::once(' ')) {
        if character.is_ascii_hexdigit() {
            run.push(character);
            continue;
        }
        if run.len() == 64 {
            out.extend(run.chars().take(12));
            out.push('…');
        } else {
            out.push_str(&run);
        }
        run.clear();
        out.push(character);
    }
    out.pop();
    out
}

/// Closes a mark at the end of its line and opens it again on the next.
fn marks_per_line(lines: Vec<String>) -> Vec<String> {
    let mut open = false;
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let mut whole = if open { format!("{MARK}{line}") } else { line };
        open = whole.rfind(MARK) > whole.rfind(UNMARK);
        if open {
            whole.push(UNMARK);
        }
        out.push(whole);
    }
    out
}

fn shortened(quote: &str, decisive: Option<&str>, columns: usize) -> String {
    let quote = quote.trim();
    let found = decisive
        .filter(|words| !words.is_empty())
        .and_then(|words| split_around(quote, words).map(|(before, after)| (before, words, after)));
    let Some((before, words, after)) = found else {
        return cut_end(quote, columns);
    };
    if width(quote) <= columns {
        return format!("{before}{MARK}{words}{UNMARK}{after}");
    }
    let words = cut_end(words, columns.saturating_sub(4));
    let room = columns.saturating_sub(width(&words));
    let share = match (words.contains('='), width(before) + 2 <= room) {
        // The value of a key (`oom_memcg=`) says more than what stands before it.
        (true, _) => room.saturating_sub(width(after)).max(room / 2),
        (false, true) => room,
        (false, false) => room * 2 / 3,
    };
    let before = shortened_before(before, share);
    let after = cut_end(after, room.saturating_sub(width(&before)));
    format!("{before}{MARK}{words}{UNMARK}{after}")
}

/// The text before and behind the words: where they stand in quotes of their own (`"signal":"9"`),
/// else where they are no part of a longer word or number, else where they stand first.
fn split_around<'a>(quote: &'a str, words: &str) -> Option<(&'a str, &'a str)> {
    let places: Vec<(&str, &str)> = quote
        .match_indices(words)
        .filter_map(|(at, found)| Some((quote.get(..at)?, quote.get(at + found.len()..)?)))
        .collect();
    let quoted = |(before, after): &&(&str, &str)| before.ends_with('"') && after.starts_with('"');
    let alone = |(before, after): &&(&str, &str)| {
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    };
    let found = places.iter().find(quoted).or_else(|| places.iter().find(alone));
    found.or_else(|| places.first()).copied()
}

/// The beginning of what stands before the decisive words, and what stands next to them: in
/// `"signal":"9"` the key tells what the number is.
fn shortened_before(before: &str, columns: usize) -> String {
    if width(before) <= columns {
        return before.to_owned();
    }
    let next = next_to_the_end(before, (columns / 2).min(24));
    let room = columns.saturating_sub(width(next) + 2);
    let (head, _) = split_at_width(before, room);
    let head = whole_words(head);
    match (head.is_empty(), head.ends_with(',')) {
        (true, _) => format!("…{next}"),
        (false, true) => format!("{head}…{next}"),
        (false, false) => format!("{head} …{next}"),
    }
}

/// The whole fields at the end of a text that fit into so many columns; nothing where it ends with
/// a field's end.
fn next_to_the_end(text: &str, columns: usize) -> &str {
    let ends = |c: char| c == ',' || c == '{' || c.is_whitespace();
    if text.ends_with(ends) {
        // The space between two words stays.
        return if text.ends_with(' ') { " " } else { "" };
    }
    let field = text.rsplit(ends).next().unwrap_or_default();
    if width(field) <= columns { field } else { "" }
}

/// The text up to its last space or comma, if it has one.
fn whole_words(text: &str) -> &str {
    match text.rfind([' ', ',']) {
        Some(at) => text.get(..=at).unwrap_or_default().trim_end(),
        None => "",
    }
}

/// The beginning of a text, with `…` where the end was cut.
pub(crate) fn cut_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (head, _) = split_at_width(text, columns.saturating_sub(1));
    format!("{}…", head.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_page_and_no_word_is_lost() {
        let text = "one twoo three 0123456789abcdefghijklmnop four";
        let lines = wrap(text, 12);
        assert!(lines.iter().all(|line| width(line) <= 12), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut_end("日本語", 5), "日本…");
    }

    #[test]
    fn a_shortened_quote_keeps_its_decisive_words() {
        let quote = "Memory cgroup out of memory: Killed process 295 (python3) total-vm:79548kB, \
                     anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB";
        let excerpt = |decisive| excerpt(quote, Some(decisive), 60, 1).join("\n");
        let shown = excerpt("anon-rss:64888kB");
        assert!(width(&shown) <= 60, "{}: {shown}", width(&shown));
        assert!(shown.contains("\u{1}anon-rss:64888kB\u{2}"), "{shown}");
        assert!(shown.starts_with("Memory cgroup"), "{shown}");
        assert!(width(&excerpt(quote)) <= 60);
        assert!(excerpt("not there").ends_with('…'));
    }

    #[test]
    fn the_number_that_is_marked_is_the_one_that_its_key_names() {
        let quote = "{\"status\":\"kill\",\"id\":\"0ce69d260329\",\"from\":\"lab-9/base\",\"signal\":\"9\"}},\
                     \"scope\":\"local\",\"time\":1795361979,\"timeNano\":1795361979000000009}";
        let shown = excerpt(quote, Some("9"), 50, 1).concat();
        assert!(shown.contains("\"signal\":\"\u{1}9\u{2}\""), "{shown}");
        assert!(width(&shown) <= 50, "{shown}");
    }

    #[test]
    fn the_value_behind_decisive_words_is_shown() {
        let id = "ab".repeat(32);
        let quote = format!(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={id},mems_allowed=0,\
             oom_memcg=/docker/{id},task_memcg=/docker/{id},task=tail,pid=17385,uid=0"
        );
        let shown = excerpt(&quote, Some("oom_memcg="), 58, 2).concat();
        assert!(shown.starts_with("oom-kill:"), "{shown}");
        assert!(shown.contains("oom_memcg=\u{2}/docker/abababababab…"), "{shown}");
    }

    #[test]
    fn a_quote_on_two_lines_is_marked_on_both_and_its_ids_are_short() {
        let id = "ab".repeat(32);
        let quote = format!("one two three cpuset={id},oom_memcg=/docker/{id} four five six seven");
        let shown = excerpt(&quote, Some(&format!("three cpuset={id}")), 30, 2);
        assert_eq!(
            shown,
            [
                "one two \u{1}three cpuset=ababababa\u{2}",
                "\u{1}bab…\u{2},oom_memcg=/docker/ababab…"
            ],
            "{shown:?}"
        );
    }

    #[test]
    fn texts_of_a_table_share_one_left_edge() {
        let table = [
            ("a".to_owned(), "one two three four five".to_owned()),
            ("long".to_owned(), "six".to_owned()),
        ];
        assert_eq!(
            rows(2, 2, &table, 22),
            ["  a     one two three", "        four five", "  long  six"]
        );
    }
}
