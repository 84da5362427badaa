//! systemd's way to write moments and spans (systemd.time(7)).

use casefile::Moment;
use jiff::{Timestamp, civil::DateTime};

/// `Sun 2026-11-22 17:46:35.948623 UTC`, `@1795369595`; a zone other than UTC is not known here.
pub(super) fn read(text: &str) -> Option<Moment> {
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let micros: i64 = format!("{part:0<6}").get(..6)?.parse().ok()?;
        return Moment::from_micros(
            whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?,
        );
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let [.., date, time, "UTC"] = words.as_slice() else { return None };
    let moment: DateTime = format!("{date}T{time}").parse().ok()?;
    let zoned = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Moment(Timestamp::from(zoned)))
}

/// `1min 30s`, `2s`, `500ms`, `infinity`, in seconds; `infinity` and 0 are none.
pub(super) fn span(text: &str) -> Option<f64> {
    let mut whole = 0.0;
    for word in text.split_whitespace() {
        let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, unit) = word.split_at_checked(end)?;
        let number: f64 = number.parse().ok()?;
        whole += number
            * match unit {
                "us" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "min" => 60.0,
                "h" => 3600.0,
                "d" | "day" => 86_400.0,
                "w" | "week" | "weeks" => 604_800.0,
                "month" | "months" => 2_629_800.0,
                "y" | "year" | "years" => 31_557_600.0,
                _ => return None,
            };
    }
    (whole > 0.0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemds_moments_are_read_in_every_form_it_prints() {
        let whole = read("Sun 2026-11-22 17:46:35 UTC").unwrap();
        assert_eq!(whole, Moment::parse("2026-11-22T17:46:35Z").unwrap());
        let part = read("Sun 2026-11-22 17:46:35.948623 UTC").unwrap();
        assert_eq!(part.micros_since(whole), 948_623);
        assert_eq!(read("@1795369595"), Some(whole));
        assert_eq!(read("@1795369595.948623"), Some(part));
        for nothing in ["", "n/a", "Sun 2026-11-22 17:46:35 CET", "@", "@9999999999999999999"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn spans_add_up() {
        assert_eq!(span("1min 30s"), Some(90.0));
        assert_eq!(span("500ms"), Some(0.5));
        for nothing in ["infinity", "0", "", "s", "1 fortnight"] {
            assert_eq!(span(nothing), None, "{nothing}");
        }
    }
}
