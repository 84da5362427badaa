//! Finding words in a line: whether they begin it, what follows them, which process they name.
//!
//! Knows how log prefixes look in general (stamps, levels, brackets, `web_1 |`), not whose they
//! are. Decides nothing about the words.

use casefile::{Bytes, Moment, Stamp};
use settings::quantity::{self, Dialect};

/// Words that stand before a message without being part of it, in lower case.
const PREFIX_WORDS: [&str; 52] = [
    "alert",
    "am",
    "app",
    "apr",
    "aug",
    "c",
    "crit",
    "critical",
    "debug",
    "dec",
    "e",
    "emerg",
    "err",
    "error",
    "f",
    "fatal",
    "feb",
    "fri",
    "i",
    "info",
    "information",
    "jan",
    "jul",
    "jun",
    "log",
    "mar",
    "may",
    "mon",
    "notice",
    "nov",
    "npm",
    "oct",
    "out",
    "panic",
    "pm",
    "pnpm",
    "sat",
    "sep",
    "severe",
    "stderr",
    "stdout",
    "sun",
    "system",
    "thu",
    "trace",
    "tue",
    "utc",
    "w",
    "warn",
    "warning",
    "wed",
    "yarn",
];

/// More tokens than this before a message are prose, not a prefix.
const MOST_PREFIX_TOKENS: usize = 16;

/// What follows `phrase`, if `phrase` stands where the message of a log line begins.
pub(crate) fn begins<'a>(line: &'a str, phrase: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(found) = line.get(from..)?.find(phrase) {
        let at = from + found;
        let before = line.get(..at)?;
        // `"OOMKilled":` is no `Killed`; the letter of an escaped line end is no word's.
        let bare = before.strip_suffix("\\n").or_else(|| before.strip_suffix("\\t"));
        let in_a_word = bare.is_none() && before.ends_with(char::is_alphanumeric);
        if is_prefix(before) && !in_a_word {
            return line.get(at + phrase.len()..);
        }
        from = at + phrase.len().max(1);
    }
    None
}

/// What follows the first of these that begins the message.
pub(crate) fn begins_any<'a>(line: &'a str, phrases: &[&str]) -> Option<&'a str> {
    phrases.iter().find_map(|phrase| begins(line, phrase))
}

/// What follows `phrase`, wherever it stands.
pub(crate) fn after<'a>(line: &'a str, phrase: &str) -> Option<&'a str> {
    // Whether it is there is told much faster than where, and mostly it is not.
    if !line.contains(phrase) {
        return None;
    }
    line.split_once(phrase).map(|(_, rest)| rest)
}

/// What stands between `open` and the next `close`.
pub(crate) fn between<'a>(line: &'a str, open: &str, close: &str) -> Option<&'a str> {
    after(line, open)?.split_once(close).map(|(inside, _)| inside)
}

/// True if any of the phrases occurs.
pub(crate) fn has_any(line: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| line.contains(phrase))
}

/// True if words speak about a message instead of carrying it: five or more plain lower-case
/// words, and nothing of a log's making (`key=`, `{`, a tab, columns) among them.
pub(crate) fn is_prose(words: &str) -> bool {
    let made = has_any(words, &["=", "{", "\t", "  ", "|", "](", ".go:"]);
    let plain = words
        .split_whitespace()
        .map(|word| word.trim_matches([',', ':', '.', '\'', '"', '(', ')']))
        .filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    !made && plain.count() >= 5
}

/// The number a text begins with, after blanks.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim_start();
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The first process id a line names: `pid:12`, `(pid 12)`, `PID=12`, `pid(s) 12`.
pub(crate) fn pid(line: &str) -> Option<u32> {
    let lower = line.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut before = None;
    while let Some((head, tail)) = rest.split_once("pid") {
        let letter_before = head.chars().next_back().or(before);
        if !letter_before.is_some_and(char::is_alphanumeric) {
            let tail = tail.strip_prefix("(s)").unwrap_or(tail);
            let digits = tail.trim_start_matches([' ', ':', '=', '#', '[', '(', '"', '\'']);
            if tail.len() - digits.len() <= 4
                && let Some(pid) = number(digits)
            {
                return Some(pid);
            }
        }
        before = Some('d');
        rest = tail;
    }
    None
}

/// The amount a text begins with: `512 MiB`, `1062M(207.5%)`, `5.5 GB of …`.
pub(crate) fn amount(text: &str, dialect: Dialect) -> Option<Bytes> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(digits)?;
    let unit: String = rest.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    quantity::parse(&format!("{}{unit}", number.trim_end_matches('.')), dialect)
}

/// True if everything before a message is what loggers and log drivers put there.
fn is_prefix(prefix: &str) -> bool {
    let prefix = prefix.trim();
    // A message inside a field (`"msg": "…`, `msg="…`) or after a line end that was escaped.
    let field = [":\"", ": \"", "=\"", ":'", ": '", "='", "\\n", "--->", "\\t"];
    if prefix.is_empty() || field.iter().any(|end| prefix.ends_with(end)) {
        return true;
    }
    // Longer than any logger's prefix; bounds the work on a hostile line.
    if prefix.len() > 600 {
        return false;
    }
    let tokens = tokens(prefix);
    tokens.len() <= MOST_PREFIX_TOKENS
        && tokens.iter().enumerate().all(|(at, token)| {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let next = tokens.get(at + 1);
            is_prefix_token(token)
                // A host or service name: behind a time of day, or before the `|` of Compose.
                || (is_name(token)
                    && (before.is_some_and(|before| is_time(before))
                        || next.is_some_and(|next| *next == "|")))
        })
}

/// Splits at blanks; what stands in brackets is one token.
fn tokens(prefix: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = prefix.trim_start();
    while !rest.is_empty() {
        let closing = match rest.chars().next() {
            Some('[') => Some(']'),
            Some('(') => Some(')'),
            Some('<') => Some('>'),
            _ => None,
        };
        let end = closing
            .and_then(|closing| rest.find(closing))
            .map(|end| end + 1)
            .unwrap_or_else(|| rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let Some((token, tail)) = rest.split_at_checked(end) else { break };
        found.push(token);
        rest = tail.trim_start();
    }
    found
}

fn is_prefix_token(token: &str) -> bool {
    let bare = token.trim_end_matches([':', '!', ',', '|', '>', ']', ')']);
    let inner = bare.trim_start_matches(['.', '/', '-']).trim_end_matches('.');
    token.starts_with(['[', '(', '<', '{'])
        || token.ends_with([':', '|', '!', '>', ']', '#'])
        || token.chars().any(|c| c.is_ascii_digit())
        || !token.chars().any(char::is_alphanumeric)
        || inner.contains(['.', '/', '_', '=', '@', ':', '-'])
        || PREFIX_WORDS.binary_search(&bare.to_ascii_lowercase().as_str()).is_ok()
}

fn is_time(token: &str) -> bool {
    token.contains(':') && token.chars().filter(char::is_ascii_digit).count() >= 4
}

fn is_name(token: &str) -> bool {
    token.len() <= 40 && token.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The time a line shows near its start: `2026-05-27T18:42:10.301Z`, `[2026-05-27 18:42:10 +0000]`.
/// Without a zone it is good for order within the log only.
pub(crate) fn stamp(line: &str) -> Option<Stamp> {
    let start = line.char_indices().take(80).map(|(at, _)| at).find(|at| {
        let shape = line.get(*at..*at + 10).unwrap_or_default();
        shape.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => matches!(byte, b'-' | b'/'),
            _ => byte.is_ascii_digit(),
        }) && shape.len() == 10
    })?;
    let date = line.get(start..start + 10)?.replace('/', "-");
    let rest = line.get(start + 10..)?.strip_prefix(['T', ' '])?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ":.,".contains(c))).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(end)?;
    let time = time.trim_end_matches(['.', ',', ':']).replace(',', ".");
    let zone = zone.trim_start();
    let offset = zone.strip_prefix(['+', '-']).and_then(|digits| {
        let digits: String = digits.chars().filter(|c| *c != ':').take(4).collect();
        let (hours, minutes) = digits.split_at_checked(2)?;
        (digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| format!("{}{hours}:{minutes}", zone.get(..1).unwrap_or("+")))
    });
    if zone.starts_with('Z') || zone.starts_with("UTC") {
        return Moment::parse(&format!("{date}T{time}Z")).map(Stamp::Wall);
    }
    match offset {
        Some(offset) => Moment::parse(&format!("{date}T{time}{offset}")).map(Stamp::Wall),
        None => Moment::parse(&format!("{date}T{time}Z")).map(Stamp::Local),
    }
}

/// The line without terminal colours.
pub(crate) fn without_colours(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    loop {
        let found = ["\u{1b}[", "\\u001b[", "\\x1b[", "\\033["]
            .iter()
            .filter_map(|start| rest.find(start).map(|at| (at, start.len())))
            .min();
        let Some((at, length)) = found else { break };
        kept.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + length..).unwrap_or_default();
        rest = tail.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_words_are_sorted() {
        assert!(PREFIX_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn words_begin_a_line_behind_any_log_prefix() {
        for line in [
            "boom here",
            "2026-05-27T18:42:10.301Z boom here",
            "[2026-05-27 18:42:10 +0000] [3] [CRITICAL] boom here",
            "web_1  | boom here",
            "api | 2026-05-27 ERROR boom here",
            "May 27 18:42:10 host app[12]: boom here",
            "npm ERR! boom here",
            "2026-05-27 18:42:10,123 ERROR [main] org.example.App - boom here",
            r#"{"log":"boom here\n","stream":"stderr"}"#,
            r#"time="2026-05-27" level=error msg="boom here""#,
            "#12 34.51 boom here",
            r"first line\nboom here",
        ] {
            assert!(begins(line, "boom").is_some_and(|rest| rest.starts_with(" here")), "{line}");
        }
    }

    #[test]
    fn prose_is_told_from_what_a_log_puts_before_a_message() {
        for head in
            ["When a liveness probe fails you see: ", "The kubelet evicts pods with words like '"]
        {
            assert!(is_prose(head), "{head}");
        }
        for head in [
            "",
            "2m  Normal  Killing  pod/web-0  ",
            "Alert: pod web-0 in prod: Container web ",
            "level=info msg=\"one two three four five six ",
            "{\"Msg\":\"Container ",
        ] {
            assert!(!is_prose(head), "{head}");
        }
    }

    #[test]
    fn words_inside_a_sentence_do_not_begin_it() {
        for line in ["you may see boom here", "the fix for boom here", "If it says: then boom"] {
            assert_eq!(begins(line, "boom"), None, "{line}");
        }
    }

    #[test]
    fn a_process_id_is_read_in_every_spelling() {
        for line in ["Worker (pid:12) x", "PID 12", "pid=12", "(pid: 12)", "rapid pid(s) 12, 13"] {
            assert_eq!(pid(line), Some(12), "{line}");
        }
        assert_eq!(pid("rapid 12"), None);
        assert_eq!(pid("the pid of it was 12"), None);
    }

    #[test]
    fn a_stamp_is_read_with_and_without_a_zone() {
        let wall = |text: &str| Moment::parse(text).map(Stamp::Wall);
        let noon = "2026-05-27T12:00:00Z";
        assert_eq!(stamp("2026-05-27T12:00:00Z x"), wall(noon));
        assert_eq!(stamp("[2026-05-27 14:00:00 +0200] [3] x"), wall(noon));
        assert_eq!(stamp("web_1 | 2026/05/27 12:00:00 x"), Moment::parse(noon).map(Stamp::Local));
        assert!(stamp("2026-05-27 12:00:00,500 x").is_some());
        assert_eq!(stamp("no time here 2026"), None);
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(without_colours("\u{1b}[31mred\u{1b}[0m \\u001b[1;32mgreen"), "red green");
    }

    #[test]
    fn an_amount_stops_at_what_is_no_unit() {
        assert_eq!(amount("1062M(207.5%)", Dialect::Binary), Some(Bytes(1062 << 20)));
        assert_eq!(amount("512 MiB exceeded", Dialect::Human), Some(Bytes(512 << 20)));
        assert_eq!(amount("x", Dialect::Human), None);
    }
}
