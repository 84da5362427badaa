//! Workload → findings. One rule, one file; each file's head is its manual.

mod ceiling_at_limit;
mod critical_requests_differ;
mod deploy_ignored;
mod differs_from_running;
mod ecs_task_memory_only;
mod no_limit;
mod restart_without_bound;
mod shell_swallows_sigterm;
mod sums;
mod tmpfs_above_limit;
mod two_memory_limits;
mod workers_from_host_cpus;
mod xmx_against_limit;

use std::sync::LazyLock;

use casefile::RuleManual;

use crate::place::Place;
use crate::running::Running;
use crate::workload::Workload;
use crate::{Finding, Level};

/// One thing that is wrong.
struct Rule {
    /// Kebab-case; the name of its file.
    id: &'static str,
    /// One line.
    title: &'static str,
    /// Its file: the head is the manual.
    file: &'static str,
    /// What it finds.
    look: fn(&Workload) -> Vec<Wrong>,
}

/// A finding that does not know its rule yet.
struct Wrong {
    level: Level,
    place: Place,
    message: String,
    instead: String,
}

/// Every rule, in the order of the manual.
static RULES: [&Rule; 12] = [
    &no_limit::RULE,
    &ceiling_at_limit::RULE,
    &xmx_against_limit::RULE,
    &tmpfs_above_limit::RULE,
    &workers_from_host_cpus::RULE,
    &shell_swallows_sigterm::RULE,
    &restart_without_bound::RULE,
    &two_memory_limits::RULE,
    &deploy_ignored::RULE,
    &critical_requests_differ::RULE,
    &ecs_task_memory_only::RULE,
    &differs_from_running::RULE,
];

/// Every rule's manual.
#[must_use]
pub fn manuals() -> &'static [RuleManual] {
    static MANUALS: LazyLock<Vec<RuleManual>> = LazyLock::new(|| {
        RULES.iter().map(|rule| RuleManual::of(rule.id, rule.title, rule.file)).collect()
    });
    &MANUALS
}

/// What all rules find.
pub(crate) fn look(workloads: &[Workload]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for workload in workloads {
        for rule in RULES {
            for Wrong { level, place, message, instead } in (rule.look)(workload) {
                let finding = Finding { rule: rule.id, level, place, message, instead };
                // Two services that share an anchor say one thing twice.
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
    }
    found
}

/// In what a running container differs from what its file says.
pub(crate) fn compare(workload: &Workload, running: &Running) -> Vec<Finding> {
    let found = differs_from_running::compare(workload, running).into_iter();
    let rule = differs_from_running::RULE.id;
    found
        .map(|Wrong { level, place, message, instead }| Finding {
            rule,
            level,
            place,
            message,
            instead,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_documented_under_five_headings() {
        let headings = [
            "## What it looks for",
            "## Why it means that",
            "## What would speak against it",
            "## Example",
            "## References",
        ];
        for manual in manuals() {
            let first = format!("# {} ", manual.id);
            assert!(manual.text.starts_with(&first), "rule {}", manual.id);
            for heading in headings {
                assert!(manual.text.contains(heading), "rule {} lacks `{heading}`", manual.id);
            }
        }
    }

    #[test]
    fn rule_ids_are_unique_and_kebab_case() {
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        let kebab = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(ids.iter().all(|id| kebab(id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len());
    }
}
