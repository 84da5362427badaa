//! Options and amounts as servers' command lines and configuration files spell them.
//!
//! Values only: which option a server has, and which of several counts, is in its own file.

use casefile::Bytes;

/// The last value of an option: `-w 4`, `-w4`, `-w=4`, `--workers 4`, `--workers=4`. `names` holds all spellings.
pub(super) fn option<'a>(arguments: &'a [String], names: &[&str]) -> Option<&'a str> {
    let mut found = None;
    for (at, word) in arguments.iter().enumerate() {
        for name in names {
            let Some(rest) = word.strip_prefix(name) else { continue };
            let is_short = !name.starts_with("--");
            found = match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => arguments.get(at + 1).map(String::as_str),
                None if is_short && name.len() == 2 => Some(rest),
                None => continue,
            };
        }
    }
    found
}

/// An amount as PostgreSQL and PHP write one: digits and perhaps one unit, in powers of 1024.
pub(super) fn amount(text: &str, units: &[(&str, u64)], without: u64) -> Option<Bytes> {
    let text = text.trim().trim_matches(['\'', '"']);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit = unit.trim();
    let scale = match unit {
        "" => without,
        unit => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.checked_mul(scale).map(Bytes)
}

/// Words of a variable that holds options, such as `GUNICORN_CMD_ARGS`.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_option_is_read_and_the_last_counts() {
        let last = |line: &str| option(&split(line), &["-w", "--workers"]).map(str::to_owned);
        for line in ["-w 4", "-w4", "-w=4", "--workers 4", "--workers=4", "-w 2 --workers=4"] {
            assert_eq!(last(line).as_deref(), Some("4"), "{line}");
        }
        assert_eq!(last("--worker-class gevent --workers-x=3"), None);
        assert_eq!(last("--workers"), None);
    }

    #[test]
    fn an_amount_has_digits_and_a_known_unit() {
        let units = [("MB", 1 << 20)];
        assert_eq!(amount("'128MB'", &units, 8192), Some(Bytes(128 << 20)));
        assert_eq!(amount("16384", &units, 8192), Some(Bytes(128 << 20)));
        for wrong in ["", "MB", "-1", "128mb", "1.5MB"] {
            assert_eq!(amount(wrong, &units, 1), None, "{wrong}");
        }
    }
}
