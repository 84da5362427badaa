//! # restart-without-bound — a service that dies at its limit dies again, for ever
//!
//! ## What it looks for
//! Compose: `restart: always`, `unless-stopped`, or `on-failure` without a number; where `deploy.restart_policy` stands,
//! its condition counts instead, bounded by `max_attempts`.
//!
//! ## Why it means that
//! Docker waits 100 ms before the first restart and twice as long before each further one, at most a minute; a life
//! of ten seconds or more starts the row again. A service that outgrows its limit in a minute is
//! started every minute for as long as the machine lives: it looks as if it ran, it loses its work each time, and
//! the first death, which had the evidence, is long gone from the kernel log and docker's events.
//!
//! ## What would speak against it
//! - A service that must come back after a reboot whatever it costs, with an alarm on its restarts.
//! - An orchestrator that counts restarts itself.
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     restart: always          # on-failure:5 gives up and can be seen
//! ```
//!
//! ## References
//! - Docker documentation, "Start containers automatically"; moby `restartmanager`; Compose specification, `restart`

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "restart-without-bound",
    title: "a service that dies at its limit dies again, for ever",
    file: include_str!("restart_without_bound.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some(policy) = &workload.compose.restart else { return Vec::new() };
    let message = format!(
        "{} has `{}`, without bound: killed for its memory it is started again after 100 ms, 200 ms … at most \
         1 min, and without a wait that grows if each life lasts 10 s",
        workload.name, policy.text
    );
    let instead = if policy.text.starts_with("condition") {
        "`max_attempts: 5` beside the condition"
    } else {
        "`restart: on-failure:5`"
    };
    vec![Wrong {
        level: Level::Warning,
        place: policy.place.clone(),
        message,
        instead: instead.to_owned(),
    }]
}
