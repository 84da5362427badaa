//! # two-memory-limits — `mem_limit` and `deploy` say different things
//!
//! ## What it looks for
//! Compose, after all files are merged: `mem_limit` beside `deploy.resources.limits`, with another `memory` there or
//! none.
//!
//! ## Why it means that
//! `docker compose` refuses the whole project: "can't set distinct values on 'mem_limit' and
//! 'deploy.resources.limits.memory'". A `deploy.resources.limits` without `memory` counts as another value, also where
//! only an overlay brought it. docker-compose 1 takes `mem_limit`, or with `--compatibility` the other.
//!
//! ## What would speak against it
//! Nothing: with the same value in both places the rule is silent.
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     mem_limit: 512m
//!     deploy: { resources: { limits: { memory: 256m } } }
//! ```
//!
//! ## References
//! - compose-go `loader/validate.go`

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::{Stated, Workload};

pub(super) const RULE: Rule = Rule {
    id: "two-memory-limits",
    title: "`mem_limit` and `deploy` say different things",
    file: include_str!("two_memory_limits.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let compose = &workload.compose;
    let (Stated::At(short, place), Some(limits)) = (&compose.mem_limit, &compose.deploy_limits)
    else {
        return Vec::new();
    };
    let name = &workload.name;
    let (message, at) = match &compose.deploy_memory {
        Stated::At(long, _) if long == short => return Vec::new(),
        Stated::At(long, at) => {
            let text = format!(
                "{name} has `mem_limit` {short} and `deploy.resources.limits.memory` {long}: docker compose refuses \
                 two values, and older versions disagree about which counts"
            );
            (text, at)
        }
        Stated::Nothing => {
            let text = format!(
                "{name} has `mem_limit` {short} and a `deploy.resources.limits` without `memory`, which docker \
                 compose takes for another value: it refuses both together"
            );
            (text, limits)
        }
        Stated::Open(_) => return Vec::new(),
    };
    // The later one in the file is the one that was added.
    let place = if (&at.file, at.line) > (&place.file, place.line) { at } else { place };
    let instead = format!("one of them: `deploy.resources.limits.memory: {}m`", short.0 >> 20);
    vec![Wrong { level: Level::Error, place: place.clone(), message, instead }]
}
