//! `log`: the program's own last words, from `GET /containers/ID/logs`.
//!
//! A log is full of secrets and mostly beside the point, so by default only the lines that
//! `parse::read` recognises as telling are kept; the answer from the saved case is then the same as
//! the live one. Only the last life is asked for: what an earlier life said would be taken for this
//! one's, because the lines carry no stamps.

use casefile::{Exhibit, Source, Span};

use crate::docker::http::{Answer, ApiError};
use crate::found::{Found, about, exhibit, gap};
use crate::subject::Subject;

/// Of the last lines at most this much is kept.
const CAP: usize = 256 << 10;

/// How many lines are asked for.
const LINES: usize = 300;

/// The path that asks for the log of the last life.
pub(crate) fn path(subject: &Subject) -> String {
    let path = format!("/containers/{}/logs?stdout=1&stderr=1&tail={LINES}", subject.id);
    match subject.started {
        // One second earlier: the first lines may be stamped before the daemon's own stamp.
        Some(start) => format!("{path}&since={}", start.0.as_second() - 1),
        None => path,
    }
}

/// The log as an exhibit, if any of it is worth keeping.
pub(crate) fn found(
    subject: &Subject,
    answer: Result<Answer, ApiError>,
    with_logs: bool,
    client: &str,
) -> Found {
    let check = format!("{client} logs --tail {LINES} {}", subject.id);
    let mut found = Found::default();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return Found::gap(gap(Source::ApplicationLog, &check, &error.plain(), None));
        }
    };
    if let Some(cut) = &answer.cut {
        found.gaps.push(gap(Source::ApplicationLog, &check, &cut.plain(), Some(&check)));
    }
    let bytes = if subject.tty { answer.body } else { without_headers(&answer.body) };
    let text = String::from_utf8_lossy(&bytes);
    let text = last_lines(&text, CAP);
    let (text, label) = if with_logs {
        (text.to_owned(), format!("the last {LINES} lines"))
    } else {
        (telling(text), format!("telling lines of the last {LINES} (use --with-logs to keep all)"))
    };
    if !text.is_empty() {
        found.exhibits.push(Exhibit {
            check: Some(check),
            ..about(exhibit("log", Source::ApplicationLog, &label, &text), &subject.id)
        });
    }
    found
}

/// A unit's last words as an exhibit, if any of them are worth keeping.
pub(crate) fn kept(text: &str, with_logs: bool, check: &str) -> Found {
    let text = last_lines(text, CAP);
    let (text, label) = if with_logs {
        (text.to_owned(), format!("the last {LINES} lines"))
    } else {
        (telling(text), format!("telling lines of the last {LINES} (use --with-logs to keep all)"))
    };
    if text.is_empty() {
        return Found::default();
    }
    let own = exhibit("log", Source::ApplicationLog, &label, &text);
    Found { exhibits: vec![Exhibit { check: Some(check.to_owned()), ..own }], ..Found::default() }
}

/// Takes the stream headers out: `[stream, 0, 0, 0, length as four bytes big-endian]` before each
/// piece (Engine API, "Stream format"). A text without them is left as it is.
pub(crate) fn without_headers(bytes: &[u8]) -> Vec<u8> {
    let mut words = Vec::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let [0..=2, 0, 0, 0, a, b, c, d] = *header else {
            // No header where one must be: this daemon sent plain text (a terminal's log).
            words.extend_from_slice(rest);
            return words;
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let (piece, next) = after.split_at_checked(length).unwrap_or((after, &[]));
        words.extend_from_slice(piece);
        rest = next;
    }
    // What is left is a header that was cut, or a plain text shorter than one.
    if words.is_empty() && !matches!(rest.first(), Some(0..=2)) {
        words.extend_from_slice(rest);
    }
    words
}

/// The last whole lines within `most` bytes.
fn last_lines(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut from = text.len() - most;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = text.get(from..).unwrap_or_default();
    tail.split_once('\n').map_or(tail, |(_, whole)| whole)
}

/// The lines that the reader recognises, in order, each once.
fn telling(text: &str) -> String {
    let mut spans: Vec<Span> =
        parse::read(Source::ApplicationLog, text).into_iter().map(|seen| seen.span).collect();
    spans.sort_unstable();
    let mut kept = String::new();
    let mut done = 0;
    for span in spans {
        let fresh = Span { start: span.start.max(done), end: span.end };
        if let Some(words) = fresh.of(text).filter(|words| !words.is_empty()) {
            kept.push_str(words.trim_end_matches('\n'));
            kept.push('\n');
            done = fresh.end;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::{ContainerId, Moment};

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn subject(tty: bool) -> Subject {
        let id = ContainerId::parse(ID).unwrap();
        let started = Moment::from_micros(9_000_000);
        Subject { tty, started, ..Subject::remembered(&id, &[]) }
    }

    fn framed(stream: u8, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, text.as_bytes()].concat()
    }

    #[test]
    fn stream_headers_are_taken_out_and_nothing_else() {
        let both = [framed(1, "out\n"), framed(2, "err\n")].concat();
        assert_eq!(without_headers(&both), b"out\nerr\n");
        // Cut in the middle of a piece, and in the middle of a header.
        assert_eq!(without_headers(&both[..10]), b"ou");
        assert_eq!(without_headers(&both[..15]), b"out\n");
        assert_eq!(without_headers(b"hi\n"), b"hi\n");
        assert_eq!(without_headers(b"plain text of a terminal\n"), b"plain text of a terminal\n");
    }

    #[test]
    fn only_whole_last_lines_are_kept_of_a_long_log() {
        assert_eq!(last_lines("aaaa\nbbbb\ncc\n", 7), "cc\n");
        assert_eq!(last_lines("aé\n", 2), "");
        assert_eq!(last_lines("short\n", 100), "short\n");
    }

    #[test]
    fn the_whole_log_is_kept_only_on_demand() {
        let words = "hello\npassed the password around\n";
        let answer = || Ok(Answer { body: framed(1, words), cut: None, server: None });
        let all = found(&subject(false), answer(), true, "docker");
        assert_eq!(all.exhibits[0].text(), words);
        let telling = found(&subject(false), answer(), false, "docker");
        assert!(telling.exhibits.is_empty() && telling.gaps.is_empty());
        assert!(path(&subject(false)).ends_with("&tail=300&since=8"));
    }

    #[test]
    fn a_driver_that_cannot_be_read_is_a_gap() {
        let error = ApiError::Refused {
            path: "/logs".to_owned(),
            status: 501,
            message: "configured logging driver does not support reading".to_owned(),
        };
        let found = found(&subject(false), Err(error), false, "docker");
        assert!(found.gaps[0].because.contains("does not support reading"));
    }
}
