//! Spans and amounts as a reader wants them.

use casefile::Bytes;

use crate::series::Unit;

/// `40 s`, `12 min`, `6.5 h`, `3 days`.
#[must_use]
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let short = |value: f64| {
        if value < 9.95 && (value - value.round()).abs() > 0.05 {
            format!("{value:.1}")
        } else {
            format!("{value:.0}")
        }
    };
    match seconds {
        s if s < 120.0 => format!("{} s", short(s)),
        s if s < 7200.0 => format!("{} min", short(s / 60.0)),
        s if s < 172_800.0 => format!("{} h", short(s / 3600.0)),
        s => format!("{} days", short(s / 86_400.0)),
    }
}

/// `256 MiB`, `63.2 %`, `0.83`.
#[must_use]
pub fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => Bytes(value.max(0.0).round() as u64).to_string(),
        Unit::Percent => format!("{value:.1} %"),
        Unit::Fraction => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_unit_that_a_reader_expects() {
        let told = [0.5, 40.0, 720.0, 23_400.0, 259_200.0].map(span);
        assert_eq!(told, ["0.5 s", "40 s", "12 min", "6.5 h", "3 days"]);
        assert_eq!(amount(268_435_456.0, Unit::Bytes), "256 MiB");
        assert_eq!(amount(63.21, Unit::Percent), "63.2 %");
    }
}
