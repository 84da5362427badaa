//! Amounts as people and tools write them.
//!
//! Three dialects disagree about the same letters: Docker's `64m` is 64 MiB (docker/go-units
//! `RAMInBytes`), Kubernetes' `64M` is 64,000,000 bytes and `64m` is a thousandth of 64 bytes (apimachinery
//! `resource.Quantity`), the JVM's `-Xmx64m` is 64 MiB.

use casefile::Bytes;

/// Which rules the letters follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `docker run -m`, Compose, the JVM, `MemAvailable: … kB`: every letter is binary.
    Binary,
    /// Kubernetes: `Ki Mi Gi Ti` are binary, `k M G T` are decimal, `m` is a thousandth.
    Kubernetes,
    /// Human output (`docker stats`): `MiB` is binary, `MB` is decimal, a bare `M` is binary.
    Human,
}

/// Reads one amount: `64m`, `512Mi`, `1.5 GiB`, `128974848`, `1e9`. `None` for anything else.
pub fn parse(text: &str, dialect: Dialect) -> Option<Bytes> {
    let text = text.trim();
    let split = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || is_exponent(text, *at)))
        .map_or(text.len(), |(at, _)| at);
    let number: f64 = text.get(..split)?.parse().ok()?;
    let scale = scale(text.get(split..)?.trim(), dialect)?;
    let bytes = number * scale;
    // 2^63 bytes: nothing real is above, and the cast below stays exact enough to be honest.
    (bytes.is_finite() && (0.0..9.2e18).contains(&bytes)).then(|| Bytes(bytes.round() as u64))
}

/// `e9` directly after digits and before digits is an exponent, not a unit (`1e9`, `12e6`).
fn is_exponent(text: &str, at: usize) -> bool {
    let mut rest = text.get(at..).unwrap_or_default().chars();
    at > 0
        && matches!(rest.next(), Some('e' | 'E'))
        && rest.next().is_some_and(|next| next.is_ascii_digit())
}

fn scale(unit: &str, dialect: Dialect) -> Option<f64> {
    if dialect == Dialect::Kubernetes {
        return Some(match unit {
            "" => 1.0,
            "m" => 1e-3,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "Ki" => 1024.0,
            "Mi" => 1024f64.powi(2),
            "Gi" => 1024f64.powi(3),
            "Ti" => 1024f64.powi(4),
            _ => return None,
        });
    }
    let lower = unit.to_ascii_lowercase();
    if matches!(lower.as_str(), "" | "b" | "bytes") {
        return Some(1.0);
    }
    let mut letters = lower.chars();
    let power = match letters.next()? {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        _ => return None,
    };
    match (letters.as_str(), dialect) {
        ("" | "ib" | "i", _) | ("b", Dialect::Binary) => Some(1024f64.powi(power)),
        ("b", Dialect::Human) => Some(1000f64.powi(power)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_means_different_things_in_different_dialects() {
        assert_eq!(parse("64m", Dialect::Binary), Some(Bytes(64 << 20)));
        assert_eq!(parse("64M", Dialect::Kubernetes), Some(Bytes(64_000_000)));
        assert_eq!(parse("512Mi", Dialect::Kubernetes), Some(Bytes(512 << 20)));
        assert_eq!(parse("1.5GiB", Dialect::Human), Some(Bytes(3 << 29)));
        assert_eq!(parse("12.5 MB", Dialect::Human), Some(Bytes(12_500_000)));
        assert_eq!(parse("1g", Dialect::Binary), Some(Bytes(1 << 30)));
        assert_eq!(parse("1e9", Dialect::Kubernetes), Some(Bytes(1_000_000_000)));
        assert_eq!(parse("67108864", Dialect::Binary), Some(Bytes(64 << 20)));
    }

    #[test]
    fn what_is_not_an_amount_is_none() {
        for text in ["", "m", "-5", "64x", "1e999", "NaN", "inf", "0x10", "64 m m"] {
            assert_eq!(parse(text, Dialect::Binary), None, "{text}");
        }
    }
}
