//! Versions as runtimes print them: `v20.3.0`, `1.25.5`, `8u504`, `1.8.0_504`, `17.0.15+6`.

use std::fmt;

/// A version: its numbers, as many as were said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    numbers: Vec<u32>,
}

impl Version {
    /// Reads one; `None` where no number stands at the beginning.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let text = text.strip_prefix("go").unwrap_or(text);
        // A build or a suffix is no number: `17.0.15+6`, `1.21rc2`, `1.25.5-X:nocoverageredesign`.
        let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | 'u' | '_'));
        let text = end.map_or(text, |end| text.get(..end).unwrap_or_default());
        let numbers: Option<Vec<u32>> = text
            .split(['.', 'u', '_'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().ok())
            .collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty())?;
        Some(Self { numbers })
    }

    /// The first number.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.number(0)
    }

    /// The number at this place; what was not said is 0.
    #[must_use]
    pub fn number(&self, at: usize) -> u32 {
        self.numbers.get(at).copied().unwrap_or(0)
    }

    /// At least this version; what was not said is 0. A lone first number stands for the newest release
    /// of its line.
    #[must_use]
    pub fn is_at_least(&self, numbers: &[u32]) -> bool {
        let longest = numbers.len().max(self.numbers.len());
        let rest = if self.numbers.len() == 1 { u32::MAX } else { 0 };
        let padded = |numbers: &[u32], rest: u32| -> Vec<u32> {
            (0..longest).map(|at| numbers.get(at).copied().unwrap_or(rest)).collect()
        };
        padded(&self.numbers, rest) >= padded(numbers, 0)
    }

    /// Of this line, and at least this version of it.
    #[must_use]
    pub fn is_from(&self, numbers: &[u32]) -> bool {
        numbers.first() == Some(&self.major()) && self.is_at_least(numbers)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.numbers.iter().map(u32::to_string).collect();
        out.write_str(&words.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        Version::parse(text).map(|version| version.to_string())
    }

    #[test]
    fn every_runtimes_way_to_write_a_version_is_read() {
        assert_eq!(said("v20.3.0").as_deref(), Some("20.3.0"));
        assert_eq!(said("go1.25.5").as_deref(), Some("1.25.5"));
        assert_eq!(said("1.21rc2").as_deref(), Some("1.21"));
        assert_eq!(said("8u504").as_deref(), Some("8.504"));
        assert_eq!(said("1.8.0_504").as_deref(), Some("1.8.0.504"));
        assert_eq!(said("17.0.15+6").as_deref(), Some("17.0.15"));
        assert_eq!(said("latest"), None);
        assert_eq!(said(""), None);
    }

    #[test]
    fn what_was_not_said_is_zero() {
        let version = Version::parse("20.3").unwrap();
        assert!(version.is_at_least(&[20, 3]) && version.is_at_least(&[20, 3, 0]));
        assert!(!version.is_at_least(&[20, 3, 1]));
        assert!(version.is_from(&[20, 3]) && !version.is_from(&[18, 0]));
    }

    #[test]
    fn a_lone_first_number_is_the_newest_of_its_line() {
        let version = Version::parse("20").unwrap();
        assert!(version.is_at_least(&[20, 99]) && !version.is_at_least(&[21]));
    }
}
