//! The ways logs write a time, read into [`Stamp`]s.
//!
//! Reads what strftime and printk print: it does not guess a zone or a year. A wall clock without
//! a zone is [`Stamp::Local`]; syslog's missing year is 1970. Month names are those that glibc's
//! and journald's `%b` print in the languages seen most in posts; another month gives no stamp,
//! yet the prefix is still recognised. See dmesg(1), journalctl(1), RFC 3164 and RFC 5424.

use casefile::{Moment, Stamp};
use jiff::{SignedDuration, civil, tz::TimeZone};

/// Month names by their beginning, lower case; the first that fits wins, so `juin` stands before
/// the shorter ones.
const MONTHS: [(&str, i8); 50] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("jän", 1),
    ("mär", 3),
    ("mai", 5),
    ("okt", 10),
    ("dez", 12),
    ("fév", 2),
    ("fev", 2),
    ("avr", 4),
    ("juin", 6),
    ("juil", 7),
    ("aoû", 8),
    ("aou", 8),
    ("déc", 12),
    ("ene", 1),
    ("abr", 4),
    ("ago", 8),
    ("dic", 12),
    ("gen", 1),
    ("mag", 5),
    ("giu", 6),
    ("lug", 7),
    ("set", 9),
    ("ott", 10),
    ("out", 10),
    ("янв", 1),
    ("фев", 2),
    ("мар", 3),
    ("апр", 4),
    ("май", 5),
    ("мая", 5),
    ("июн", 6),
    ("июл", 7),
    ("авг", 8),
    ("сен", 9),
    ("окт", 10),
    ("ноя", 11),
    ("дек", 12),
    ("maj", 5),
];

/// `14:52:38` or `14:52:38.123456`: hour, minute, second, nanoseconds.
pub(super) fn clock_time(token: &str) -> Option<civil::Time> {
    let (whole, fraction) = token.split_once(['.', ',']).unwrap_or((token, ""));
    let mut parts = whole.split(':');
    let mut part = || {
        let text = parts.next()?;
        (text.len() == 2).then(|| number::<i8>(text))?
    };
    let (hour, minute, second) = (part()?, part()?, part()?);
    if parts.next().is_some() || fraction.len() > 9 {
        return None;
    }
    let nanos = if fraction.is_empty() { 0 } else { nanoseconds(fraction)? };
    // A leap second is read as the second before it.
    civil::Time::new(hour, minute, second.min(59), nanos).ok()
}

/// Digits only, no sign: `str::parse` alone would take `+5`.
pub(super) fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    let value: i32 = number(fraction)?;
    let missing = 9_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    value.checked_mul(10_i32.checked_pow(missing)?)
}

/// True if the word can be a month: a known name, or `5月`, `5월`.
pub(super) fn month(word: &str) -> Option<i8> {
    if let Some(digits) = word.strip_suffix(['月', '월']) {
        return number(digits).filter(|month| (1..=12).contains(month));
    }
    let low = word.to_lowercase();
    let letters = low.strip_suffix('.').unwrap_or(&low);
    let short = (3..=10).contains(&letters.chars().count());
    let known = MONTHS.iter().find(|(name, _)| letters.starts_with(name));
    known.filter(|_| short).map(|(_, month)| *month)
}

/// A zone-less wall clock, read as if it were UTC. 29 February without a year is 1 March: 1970
/// has none.
pub(super) fn local(year: i16, month: i8, day: i8, time: civil::Time) -> Option<Stamp> {
    let date = match civil::Date::new(year, month, day) {
        Ok(date) => date,
        Err(_) if (month, day) == (2, 29) => civil::Date::new(year, 3, 1).ok()?,
        Err(_) => return None,
    };
    wall(date.to_datetime(time), SignedDuration::ZERO).map(Stamp::Local)
}

fn wall(datetime: civil::DateTime, offset: SignedDuration) -> Option<Moment> {
    let read = TimeZone::UTC.to_timestamp(datetime).ok()?;
    read.checked_sub(offset).ok().map(Moment)
}

/// Seconds since boot, as printk shows them: `678517.179056`.
pub(super) fn since_boot(text: &str) -> Option<Stamp> {
    let (seconds, fraction) = text.trim().split_once('.')?;
    if !(3..=9).contains(&fraction.len()) && fraction.len() != 2 {
        return None;
    }
    let micros = u64::try_from(nanoseconds(fraction)? / 1000).ok()?;
    let seconds: u64 = number(seconds)?;
    Some(Stamp::SinceBoot(seconds.checked_mul(1_000_000)?.checked_add(micros)?))
}

/// An ISO time at the start of a text.
pub(super) struct Iso<'a> {
    /// The time; `None` if it is shaped like one, yet not in the calendar.
    pub(super) at: Option<Stamp>,
    /// `T`, a comma and six digits, as only `dmesg --time-format iso` prints it.
    pub(super) dmesg: bool,
    /// A blank and a comma with milliseconds: Python's and log4j's own logs.
    pub(super) program: bool,
    /// `T` and nine digits behind a point, as `docker logs -t` and `kubectl logs --timestamps`
    /// print it before a container's output; syslog and the journal have six at most.
    pub(super) container: bool,
    /// What follows.
    pub(super) rest: &'a str,
}

/// `2024-05-09T14:52:38,123456+02:00`, `2024-05-09T14:52:38+0200`, `2024-05-09 14:52:38`, `…Z`.
pub(super) fn iso(text: &str) -> Option<Iso<'_>> {
    let date = text.get(..10)?;
    let mut parts = date.split('-');
    let year: i16 = parts.next().filter(|year| year.len() == 4).and_then(number)?;
    let (month, day) = (number(parts.next()?)?, number(parts.next()?)?);
    let rest = text.get(10..)?.strip_prefix(['T', ' '])?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".,:".contains(c))).unwrap_or(rest.len());
    let (time, rest) = rest.split_at_checked(end)?;
    let digits = time.split_once(',').map(|(_, fraction)| fraction.len());
    let with_t = text.get(10..11) == Some("T");
    let (dmesg, program) = (with_t && digits == Some(6), !with_t && digits.is_some());
    let container = with_t && time.split_once('.').is_some_and(|(_, part)| part.len() == 9);
    let time = clock_time(time)?;
    let date = civil::Date::new(year, month, day).ok();
    let (offset, rest) = offset(rest);
    let at = date.and_then(|date| match offset {
        Some(offset) => wall(date.to_datetime(time), offset).map(Stamp::Wall),
        None => local(year, month, day, time),
    });
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(Iso {
        at,
        dmesg,
        program,
        container,
        rest,
    })
}

/// A clock whose zone's name follows, ` CEST` as Cloud Logging and `date` put it, without that
/// name. Only names that are no word of a log: `INFO` and `WARN` stand in the same place.
pub(super) fn without_zone(iso: Iso<'_>) -> Iso<'_> {
    let Some(Stamp::Local(moment)) = iso.at else { return iso };
    match zone_name(iso.rest) {
        Some(("UTC" | "GMT", rest)) => Iso { at: Some(Stamp::Wall(moment)), rest, ..iso },
        Some((_, rest)) => Iso { rest, ..iso },
        None => iso,
    }
}

fn zone_name(text: &str) -> Option<(&str, &str)> {
    const ZONES: [&str; 18] = [
        "UTC", "GMT", "CET", "CEST", "EET", "EEST", "WET", "WEST", "BST", "IST", "MSK", "JST",
        "EST", "EDT", "CST", "CDT", "PST", "PDT",
    ];
    let (word, rest) = token(text.strip_prefix(' ')?)?;
    ZONES.contains(&word).then_some((word, rest))
}

fn offset(text: &str) -> (Option<SignedDuration>, &str) {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return (Some(SignedDuration::ZERO), rest);
    }
    let read = || {
        let (sign, digits) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let hours: i64 = number(digits.get(..2)?)?;
        let rest = digits.get(2..)?;
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let (minutes, rest) = match rest.get(..2).and_then(number::<i64>) {
            Some(minutes) => (minutes, rest.get(2..)?),
            None => (0, rest),
        };
        Some((SignedDuration::from_secs(sign * (hours * 3600 + minutes * 60)), rest))
    };
    match read() {
        Some((offset, rest)) => (Some(offset), rest),
        None => (None, text),
    }
}

/// `May  9 14:52:38`, `May 09 14:52:38.123456`, `Thu May  9 14:52:38 2024`, `5月 09 14:52:38`,
/// `May 9 2024 14:52:38`: the stamp and what follows.
pub(super) fn syslog(text: &str) -> Option<(Option<Stamp>, &str)> {
    let (first, after) = token(text)?;
    let (name, after) = match month(first) {
        Some(_) => (first, after),
        // A weekday comes first: any short word in any language.
        None if first.chars().count() <= 6 && !first.ends_with(':') => token(after)?,
        None => return None,
    };
    let month = month(name)?;
    let (day, after) = token(after)?;
    let day: i8 = number(day).filter(|day| (1..=31).contains(day))?;
    let (mut next, mut rest) = token(after)?;
    let mut year = None;
    if next.len() == 4 {
        year = Some(number::<i16>(next)?);
        (next, rest) = token(rest)?;
    }
    let time = clock_time(next.strip_suffix(':').unwrap_or(next))?;
    if let Some((word, after)) = token(rest)
        && word.len() == 4
        && let Some(seen) = number::<i16>(word).filter(|year| (1990..2200).contains(year))
    {
        year = Some(seen);
        rest = after;
    }
    Some((local(year.unwrap_or(1970), month, day, time), rest))
}

/// `Thu 2024-05-09 14:52:38 CEST` of `journalctl -o short-full`, or with a fraction (verbose).
pub(super) fn full(text: &str) -> Option<(Option<Stamp>, &str)> {
    let (weekday, after) = token(text)?;
    if weekday.chars().count() > 6 {
        return None;
    }
    let iso = iso(after.trim_start())?;
    let (zone, rest) = token(iso.rest)?;
    let letters = zone.bytes().all(|byte| byte.is_ascii_uppercase());
    let numeric = zone.starts_with(['+', '-']) && zone.bytes().skip(1).all(|b| b.is_ascii_digit());
    if !(letters || numeric) || zone.len() > 5 {
        return None;
    }
    let at = match iso.at {
        Some(Stamp::Local(moment)) if matches!(zone, "UTC" | "GMT") => Some(Stamp::Wall(moment)),
        other => other,
    };
    Some((at, rest))
}

/// `1715259158.123456` of `journalctl -o short-unix`.
pub(super) fn unix(text: &str) -> Option<(Option<Stamp>, &str)> {
    let (word, rest) = token(text)?;
    let (seconds, fraction) = word.split_once('.')?;
    if seconds.len() != 10 || fraction.len() != 6 {
        return None;
    }
    let micros = number::<i64>(seconds)?.checked_mul(1_000_000)?.checked_add(number(fraction)?)?;
    Some((Moment::from_micros(micros).map(Stamp::Wall), rest))
}

/// The inside of a `dmesg -T` bracket, in any language: weekday, month, day, time, year.
pub(super) fn ctime(inner: &str) -> Option<Option<Stamp>> {
    let words: Vec<&str> = inner.split_whitespace().collect();
    let [_, name, day, time, year] = words.as_slice() else { return None };
    let (day, year): (i8, i16) = (number(day)?, number(year).filter(|_| year.len() == 4)?);
    if time.len() != 8 {
        return None;
    }
    let time = clock_time(time)?;
    Some(month(name).and_then(|month| local(year, month, day, time)))
}

/// The inside of a `dmesg -e` or `-H` bracket: `May10 13:45` (to the minute).
pub(super) fn short_date(inner: &str) -> Option<Option<Stamp>> {
    let (date, time) = inner.trim().rsplit_once(' ')?;
    // Some viewers show `Mar 24 03:17:42` in brackets.
    let time = match time.split_once(':').filter(|_| time.len() == 5) {
        Some((hour, minute)) => civil::Time::new(number(hour)?, number(minute)?, 0, 0).ok()?,
        None => clock_time(time)?,
    };
    let date = date.trim();
    let split = date.len().checked_sub(2)?;
    let (name, day) = date.split_at_checked(split)?;
    let day: i8 = number(day.trim())?;
    Some(local(1970, month(name.trim())?, day, time))
}

/// The first word and what follows it; `None` at the end of the text.
pub(super) fn token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    (!word.is_empty()).then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stamp: Option<Stamp>) -> String {
        match stamp {
            Some(Stamp::Wall(moment)) => format!("wall {moment}"),
            Some(Stamp::Local(moment)) => format!("local {moment}"),
            Some(Stamp::SinceBoot(micros)) => format!("boot {micros}"),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn an_offset_makes_a_wall_clock_and_its_absence_a_local_one() {
        for (text, want) in [
            ("2024-05-09T14:52:38,123456+02:00 x", "wall 2024-05-09 12:52:38 UTC"),
            ("2024-05-09T14:52:38-0700 x", "wall 2024-05-09 21:52:38 UTC"),
            ("2024-05-09T14:52:38.123456789Z x", "wall 2024-05-09 14:52:38 UTC"),
            ("2024-05-09 14:52:38 x", "local 2024-05-09 14:52:38 UTC"),
            ("2024-02-31 14:52:38 x", "none"),
        ] {
            let iso = iso(text).unwrap();
            assert_eq!((shown(iso.at).as_str(), iso.rest), (want, " x"), "{text}");
        }
        assert!(iso("2024-05-09x14:52:38").is_none());
    }

    #[test]
    fn a_zones_name_is_taken_off_and_a_level_is_not() {
        for (text, at, rest) in [
            ("2024-05-09 14:52:38.5 CEST h", "local 2024-05-09 14:52:38 UTC", " h"),
            ("2024-05-09 14:52:38 UTC h", "wall 2024-05-09 14:52:38 UTC", " h"),
            ("2024-05-09 14:52:38 INFO h", "local 2024-05-09 14:52:38 UTC", " INFO h"),
            ("2024-05-09T14:52:38Z CEST", "wall 2024-05-09 14:52:38 UTC", " CEST"),
        ] {
            let iso = without_zone(iso(text).unwrap());
            assert_eq!((shown(iso.at).as_str(), iso.rest), (at, rest), "{text}");
        }
    }

    #[test]
    fn syslogs_clock_is_read_with_and_without_a_year_in_several_languages() {
        for (text, want) in [
            ("May  9 14:52:38 h", "local 1970-05-09 14:52:38 UTC"),
            ("Feb 29 14:52:38 h", "local 1970-03-01 14:52:38 UTC"),
            ("May 09 14:52:38.123456 h", "local 1970-05-09 14:52:38 UTC"),
            ("Thu May  9 14:52:38 2024 h", "local 2024-05-09 14:52:38 UTC"),
            ("May 9 2024 14:52:38 h", "local 2024-05-09 14:52:38 UTC"),
            ("5月 09 14:52:38 h", "local 1970-05-09 14:52:38 UTC"),
            ("déc. 29 13:48:13 h", "local 1970-12-29 13:48:13 UTC"),
        ] {
            let (at, rest) = syslog(text).unwrap();
            assert_eq!((shown(at).as_str(), rest), (want, " h"), "{text}");
        }
        assert!(syslog("Marked 3 pages 12").is_none());
    }

    #[test]
    fn brackets_of_dmesg_are_read() {
        assert_eq!(shown(since_boot("   83.469293")), "boot 83469293");
        assert_eq!(since_boot("99999999999999999999.469293"), None);
        assert_eq!(
            shown(ctime("四 3月 18 18:47:12 2021").unwrap()),
            "local 2021-03-18 18:47:12 UTC"
        );
        assert_eq!(
            shown(ctime("pt maj 10 18:47:12 2021").unwrap()),
            "local 2021-05-10 18:47:12 UTC"
        );
        assert_eq!(shown(short_date("May10 13:45").unwrap()), "local 1970-05-10 13:45:00 UTC");
        assert_eq!(ctime("Thu May 09 14:52:38.123456 2024"), None);
    }
}
