//! Times as Go prints them: `2026-05-27 18:42:11.5 +0000 UTC`, in a line of other values.
//!
//! Podman hands its times to a template as they are, Docker as RFC 3339. Leans on `time.Time.String`
//! of Go's standard library. Does not read times without an offset.

use std::borrow::Cow;

/// The line with each of Go's times, and the monotonic reading ` m=+0.1` behind it, as one word of
/// RFC 3339.
pub(super) fn with_whole_times(line: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = line;
    let mut at = 0;
    // A date is found by its first dash, four digits after its beginning.
    while let Some(dash) = rest.get(at..).and_then(|tail| tail.find('-')).map(|found| at + found) {
        at = dash + 1;
        let Some(start) = dash.checked_sub(4) else { continue };
        let is_fresh = rest
            .get(..start)
            .is_some_and(|head| !head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-'));
        let Some((time, length)) = rest.get(start..).filter(|_| is_fresh).and_then(go_time) else {
            continue;
        };
        out.push_str(rest.get(..start).unwrap_or_default());
        out.push_str(&time);
        rest = rest.get(start + length..).unwrap_or_default();
        at = 0;
    }
    if out.is_empty() {
        return Cow::Borrowed(line);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `DATE TIME ±HHMM ZONE` at the head of a text, in RFC 3339, and how long it was.
fn go_time(text: &str) -> Option<(String, usize)> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(' ')?;
    let (seconds, rest) = rest.split_at_checked(8)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| 1 + leading_digits(rest));
    let (fraction, rest) = rest.split_at_checked(digits)?;
    let rest = rest.strip_prefix(' ')?;
    let (sign, rest) = rest.split_at_checked(1)?;
    let (hours, rest) = rest.split_at_checked(2)?;
    let (minutes, rest) = rest.split_at_checked(2)?;
    let is_time = has_shape(date, "0000-00-00")
        && has_shape(seconds, "00:00:00")
        && fraction != "."
        && matches!(sign, "+" | "-")
        && has_shape(hours, "00")
        && has_shape(minutes, "00");
    if !is_time {
        return None;
    }
    let rest = rest.get(zone_length(rest)..)?;
    let clock = rest.strip_prefix(" m=+").or_else(|| rest.strip_prefix(" m=-"));
    let rest = clock
        .map_or(rest, |clock| clock.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    Some((format!("{date}T{seconds}{fraction}{sign}{hours}:{minutes}"), text.len() - rest.len()))
}

/// ` UTC`, ` CEST`; where a zone has no name, Go prints its offset again: ` -03`, ` +0545`.
fn zone_length(rest: &str) -> usize {
    let Some(rest) = rest.strip_prefix(' ') else { return 0 };
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-')));
    let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let is_name = (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
    let digits = word.strip_prefix(['+', '-']).unwrap_or_default();
    let is_offset = matches!(digits.len(), 2 | 4) && leading_digits(digits) == digits.len();
    if is_name || is_offset { 1 + word.len() } else { 0 }
}

fn leading_digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// Digits where `like` has digits, and otherwise the same.
fn has_shape(text: &str, like: &str) -> bool {
    text.len() == like.len()
        && text.bytes().zip(like.bytes()).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            _ => byte == like,
        })
}

#[cfg(test)]
mod tests {
    use super::with_whole_times;

    #[test]
    fn each_time_becomes_one_word_and_nothing_else_changes() {
        for (line, expected) in [
            ("a 2026-05-27 18:42:11.5 +0000 UTC b", "a 2026-05-27T18:42:11.5+00:00 b"),
            ("at=2026-05-27 18:42:11 +0545 +0545", "at=2026-05-27T18:42:11+05:45"),
            ("2026-05-27 18:42:11 -0300 -03 m=+0.1 7", "2026-05-27T18:42:11-03:00 7"),
            (
                "2026-05-27 18:42:11 +0000 UTC 0001-01-01 00:00:00 +0000 UTC",
                "2026-05-27T18:42:11+00:00 0001-01-01T00:00:00+00:00",
            ),
            ("my-2026-05-27 18:42:11 +0000 UTC", "my-2026-05-27 18:42:11 +0000 UTC"),
            ("2026-05-27 18:42:11 - — é-é-é", "2026-05-27 18:42:11 - — é-é-é"),
            ("2026-05-27 18:42:11 +0000 utc 7", "2026-05-27T18:42:11+00:00 utc 7"),
            ("2026-05-27 18:42:11 +0000 ZONES7", "2026-05-27T18:42:11+00:00 ZONES7"),
            ("2026-05-27 18:42:11 +0000 ZONELESS", "2026-05-27T18:42:11+00:00 ZONELESS"),
            ("2026-05-27 18:42:11 +0000 -030 7", "2026-05-27T18:42:11+00:00 -030 7"),
            ("2026-05-27 18:42:11 +0000 -0x 7", "2026-05-27T18:42:11+00:00 -0x 7"),
        ] {
            assert_eq!(with_whole_times(line), expected);
        }
    }

    #[test]
    fn what_only_looks_like_a_time_stays() {
        for line in [
            "2026-05x27 18:42:11 +0000 UTC",
            "abcd-05-27 18:42:11 +0000 UTC",
            "2026-05-27 18.42.11 +0000 UTC",
            "2026-05-27 18:42:11. +0000 UTC",
            "2026-05-27 18:42:11 x0000 UTC",
            "2026-05-27 18:42:11 +0x00 UTC",
            "2026-05-27 18:42:11 +00x0 UTC",
            "2026-05-27T18:42:11 +0000 UTC",
            "2026-05-27 18:42:11+0000 UTC",
        ] {
            assert_eq!(with_whole_times(line), line);
        }
    }
}
