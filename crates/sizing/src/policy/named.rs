//! The rules that can be asked for by name, with what they do and where that was read.
//!
//! The versions are those whose source or document was read; a later one may decide otherwise.

use super::{Choice, Rule};

/// A rule that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Named {
    /// As it is asked for.
    pub word: &'static str,
    /// The rule, as its authors set it.
    pub rule: Rule,
    /// What it does.
    pub does: &'static str,
    /// Where that was read, with its version.
    pub source: &'static str,
}

/// All of them, ours first.
#[must_use]
pub fn all() -> [Named; 7] {
    [
        Named {
            word: "ours",
            rule: Rule::Ours(Choice::default()),
            does: "why137's own: the highest hour of two weeks and room above it by how much this container still climbs",
            source: "this program",
        },
        Named {
            word: "vpa",
            rule: Rule::Vpa,
            does: "target: P90 of daily peaks that halve each day, bucket edge, x 1.15, 250 MiB at least; more after a kill",
            source: "kubernetes/autoscaler 55c37cd, vertical-pod-autoscaler/pkg/recommender",
        },
        Named {
            word: "krr",
            rule: Rule::Krr,
            does: "max of 14 days x 1.15, 100 MiB at least",
            source: "robusta-dev/krr d6baa74, strategy simple",
        },
        Named {
            word: "crane",
            rule: Rule::Crane,
            does: "P99 of 7 days that halve each 48 h, buckets of 100 MiB, x 1.15; more after a kill",
            source: "gocrane/crane 2b0ddae, pkg/recommendation",
        },
        Named {
            word: "kubecost",
            rule: Rule::Kubecost,
            does: "max of 14 days / 0.7, 20 MiB at least",
            source: "kubecost/docs v1.x, request right-sizing API v2, algorithm max",
        },
        Named {
            word: "plateau",
            rule: Rule::Plateau,
            does: "largest hourly median of 7 days x 1.25",
            source: "a rule of thumb",
        },
        Named {
            word: "max",
            rule: Rule::Max(1.1),
            does: "max of 14 days x 1.10; after a kill 20 % more for a day",
            source: "a rule of thumb",
        },
    ]
}

/// The rule of that name.
#[must_use]
pub fn named(word: &str) -> Option<Named> {
    all().into_iter().find(|named| named.word.eq_ignore_ascii_case(word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_name_and_says_where_it_was_read() {
        for rule in all() {
            assert_eq!(named(rule.word), Some(rule));
            assert!(!rule.does.is_empty() && !rule.source.is_empty());
        }
        assert_eq!(named(" KRR ").map(|rule| rule.rule), Some(Rule::Krr));
        assert_eq!(named("autopilot"), None);
    }
}
