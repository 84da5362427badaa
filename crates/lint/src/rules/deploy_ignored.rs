//! # deploy-ignored — a limit that docker-compose 1 does not set
//!
//! ## What it looks for
//! Compose: a file whose `version` is 3 or 3.x, a service whose only limit is `deploy.resources.limits.memory`, and no
//! sign that the file is for a swarm (`deploy.mode`, `placement`, `update_config` …).
//!
//! ## Why it means that
//! docker-compose 1 (the one with the hyphen, the last that looks at `version`) reads `deploy` only with
//! `--compatibility`; without it the container has no limit (`HostConfig.Memory` is 0) and nothing says so beyond
//! a warning. `docker compose` 2 and `docker stack deploy` set it.
//!
//! ## What would speak against it
//! - The project is only ever started with `docker compose` 2 or later: then the line `version:` can go, and with it
//!   this finding.
//!
//! ## Example
//! ```yaml
//! version: "3.8"
//! services:
//!   api:
//!     deploy: { resources: { limits: { memory: 512m } } }
//! ```
//!
//! ## References
//! - Compose specification, deploy, resources; docker-compose 1.20 release notes (`--compatibility`)

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::{Stated, Workload};

pub(super) const RULE: Rule = Rule {
    id: "deploy-ignored",
    title: "a limit that docker-compose 1 does not set",
    file: include_str!("deploy_ignored.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let compose = &workload.compose;
    let Some(version) = &compose.third_version else { return Vec::new() };
    let Stated::At(limit, place) = &compose.deploy_memory else { return Vec::new() };
    if compose.is_for_swarm || !compose.mem_limit.is_nothing() {
        return Vec::new();
    }
    let message = format!(
        "{} has its limit of {limit} only under `deploy`, in a file of version {}: docker-compose 1 starts it \
         without a limit, unless `--compatibility` is given; docker compose 2 and docker stack set it",
        workload.name, version.text
    );
    let instead = "no `version:` line, and `docker compose up` (version 2 or later); to check: \
                   `docker inspect -f '{{.HostConfig.Memory}}' NAME`";
    vec![Wrong { level: Level::Note, place: place.clone(), message, instead: instead.to_owned() }]
}
