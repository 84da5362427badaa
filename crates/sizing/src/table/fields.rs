//! One field as a number: an amount, a count, a time.
//!
//! What others write is understood where it has one meaning only: `123.4MiB / 1GiB` of `docker stats`, `345Mi`,
//! `NULL`, a decimal comma where the fields are not parted by commas. Everything else is refused by its line.

use csv::ByteRecord;

use super::titles::factor;
use super::{Columns, TableError};
use crate::series::Unit;

/// More than this is no memory of one container: 2^60 bytes, or ten thousand times the whole.
const MOST_BYTES: f64 = 1_152_921_504_606_846_976.0;
const MOST_PARTS: f64 = 1e6;
/// A limit of so much is none: what cgroup v1 shows without one.
const NO_LIMIT: f64 = 4_611_686_018_427_387_904.0;
/// No time lies beyond the year 5138, or as long before 1970.
const LAST_TIME: f64 = 1e11;

/// A field's text, without white space around it; empty if it is no text.
pub(super) fn text(record: &ByteRecord, at: usize) -> &str {
    record.get(at).and_then(|field| std::str::from_utf8(field).ok()).map_or("", str::trim)
}

pub(super) fn wrong(
    columns: &Columns,
    record: &ByteRecord,
    at: usize,
    what: &'static str,
) -> TableError {
    let shown = record.get(at).map(String::from_utf8_lossy).unwrap_or_default();
    TableError::Field {
        line: columns.line(record),
        column: columns.titles.get(at).cloned().unwrap_or_default(),
        text: shown.chars().take(40).collect(),
        what,
    }
}

/// Whether the text says that nobody knows.
pub(super) fn is_unknown(field: &str) -> bool {
    let words = ["", "-", "--", "nan", "null", "none", "na", "n/a", "<nil>"];
    words.iter().any(|word| field.eq_ignore_ascii_case(word))
}

fn is_empty(record: &ByteRecord, at: usize) -> bool {
    record.get(at).is_none_or(|raw| raw.iter().all(u8::is_ascii_whitespace))
}

/// A number of the column's own unit, NaN where it is not known.
pub(super) fn number(columns: &Columns, record: &ByteRecord, at: usize) -> Result<f64, TableError> {
    let field = text(record, at);
    let found = match plain(columns, field) {
        Some(found) => found,
        None if is_unknown(field) && (!field.is_empty() || is_empty(record, at)) => f64::NAN,
        None => f64::INFINITY,
    };
    // What a monitoring system computed may be a rounding below nothing.
    match found {
        found if found.is_nan() => Ok(f64::NAN),
        found if found.is_finite() && found > -0.001 => Ok(found.max(0.0)),
        _ => Err(wrong(columns, record, at, "a number of 0 or more")),
    }
}

fn plain(columns: &Columns, field: &str) -> Option<f64> {
    if let Ok(number) = field.parse::<f64>() {
        return Some(number);
    }
    let (whole, part) = field.split_once(',').filter(|_| columns.decimal_comma)?;
    format!("{whole}.{part}").parse().ok()
}

/// An amount of memory with a unit of its own, `345Mi` or `12.5%`.
pub(super) fn amount_with_unit(field: &str) -> Option<(f64, Unit)> {
    let at = field.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%')?;
    let (number, word) = field.split_at_checked(at)?;
    let number = number.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    let word = word.trim().to_ascii_lowercase();
    let word = if word == "%" { "pct" } else { &word };
    // `k` is a thousand to some and 1024 to others.
    let (unit, factor) = factor(word).filter(|_| word != "k")?;
    Some((number * factor, unit))
}

/// The memory of a row in the series' unit, and the limit that stands in the same field.
pub(super) fn memory(columns: &Columns, record: &ByteRecord) -> Result<(f64, f64), TableError> {
    let (at, factor) = columns.memory;
    let field = text(record, at);
    let (found, limit) = match field.parse::<f64>() {
        Ok(found) if found >= 0.0 && found.is_finite() => (found * factor, f64::NAN),
        _ => told(columns, record)?,
    };
    let most = if columns.unit == Unit::Bytes { MOST_BYTES } else { MOST_PARTS };
    if found > most {
        return Err(wrong(columns, record, at, "an amount of memory"));
    }
    Ok((found, limit))
}

/// The same of a field that is no plain number.
fn told(columns: &Columns, record: &ByteRecord) -> Result<(f64, f64), TableError> {
    let (at, factor) = columns.memory;
    let field = text(record, at);
    let (used, limit) = field.split_once('/').unwrap_or((field, ""));
    let of = |field: &str| {
        let (number, unit) = amount_with_unit(field.trim())?;
        (unit == columns.unit && number >= 0.0).then_some(number)
    };
    let found = match of(used) {
        Some(found) => found,
        None => number(columns, record, at)? * factor,
    };
    Ok((found, of(limit).map_or(f64::NAN, no_limit)))
}

/// A limit in the series' unit, NaN where there is none.
pub(super) fn limit(columns: &Columns, record: &ByteRecord) -> Result<f64, TableError> {
    let Some((at, factor)) = columns.limit else { return Ok(f64::NAN) };
    let field = text(record, at);
    let is_none = ["max", "unlimited", "inf", "+inf", "infinity", "-1", "no limit"];
    if is_none.iter().any(|word| field.eq_ignore_ascii_case(word)) {
        return Ok(f64::NAN);
    }
    if let Some((found, _)) = amount_with_unit(field).filter(|(_, unit)| *unit == columns.unit) {
        return Ok(no_limit(found));
    }
    Ok(no_limit(number(columns, record, at)? * factor))
}

fn no_limit(limit: f64) -> f64 {
    if limit > 0.0 && limit < NO_LIMIT { limit } else { f64::NAN }
}

/// Seconds, of whatever the column counts from; NaN where the field is empty.
pub(super) fn time(columns: &Columns, record: &ByteRecord) -> Result<f64, TableError> {
    let (at, step) = columns.time;
    let field = text(record, at);
    let seconds = match plain(columns, field) {
        Some(number) => number * unit(number, step),
        None if is_empty(record, at) => return Ok(f64::NAN),
        None => date(field).unwrap_or(f64::NAN),
    };
    if seconds.abs() <= LAST_TIME {
        return Ok(seconds);
    }
    Err(wrong(columns, record, at, "a time (seconds, or a date such as 2026-01-31T08:00:00Z)"))
}

/// Since 1970 a number tells its unit by its size; a column that says milliseconds may hold seconds all the same.
fn unit(number: f64, step: Option<f64>) -> f64 {
    match (step, number.abs()) {
        (Some(step), 1e9..1e10) if step < 1.0 => 1.0,
        (Some(step), _) => step,
        (None, 1e17..1e20) => 1e-9,
        (None, 1e14..1e17) => 1e-6,
        (None, 1e11..1e14) => 1e-3,
        (None, _) => 1.0,
    }
}

/// Seconds since 1970 of a date. Without a zone it is taken as UTC: only differences count.
fn date(field: &str) -> Option<f64> {
    if let Ok(moment) = field.parse::<jiff::Timestamp>() {
        return Some(moment.as_duration().as_secs_f64());
    }
    let plain = field.strip_suffix("UTC").unwrap_or(field).trim_end();
    let plain = plain.strip_suffix("+0000").unwrap_or(plain).trim_end();
    let plain = plain.replace('/', "-");
    let moment: jiff::civil::DateTime = plain.parse().ok()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_others_write_them_and_never_guessed() {
        let noon = 1_767_268_800.0;
        for text in [
            "2026-01-01T12:00:00Z",
            "2026-01-01T14:00:00+02:00",
            "2026-01-01 12:00:00",
            "2026-01-01 12:00",
            "2026/01/01 12:00:00",
            "2026-01-01 12:00:00 UTC",
            "2026-01-01 12:00:00 +0000 UTC",
            "2026-01-01 12:00:00+00:00",
            "2026-01-01T12:00:00.000",
        ] {
            assert_eq!(date(text), Some(noon), "{text}");
        }
        for text in ["01/02/2026 12:00", "noon", "2026-13-01", ""] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_since_1970_tells_its_unit_by_its_size() {
        let second = 1_767_268_800.0;
        let read = |number: f64, step| number * unit(number, step);
        for (number, step) in [
            (second, None),
            (second * 1e3, None),
            (second * 1e6, None),
            (second * 1e9, None),
            (second * 1e3, Some(1e-3)),
            (second, Some(1e-3)),
        ] {
            assert!((read(number, step) - second).abs() < 1.0, "{number} {step:?}");
        }
        assert_eq!((read(5000.0, Some(1e-3)), read(7.0, None)), (5.0, 7.0));
    }

    #[test]
    fn amounts_carry_their_unit_where_it_has_one_meaning() {
        assert_eq!(amount_with_unit("1.5GiB"), Some((1.5 * 1_073_741_824.0, Unit::Bytes)));
        assert_eq!(amount_with_unit("345Mi"), Some((345.0 * 1_048_576.0, Unit::Bytes)));
        assert_eq!(amount_with_unit("12.5%"), Some((12.5, Unit::Percent)));
        for text in ["12", "12 pages", "1k", "1e400MiB", "MiB", "infMiB"] {
            assert_eq!(amount_with_unit(text), None, "{text}");
        }
    }
}
