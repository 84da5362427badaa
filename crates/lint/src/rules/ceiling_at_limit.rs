//! # ceiling-at-limit — a runtime may use as much as the limit, or more
//!
//! ## What it looks for
//! - Node.js: `--max-old-space-size` or its percentage, in `NODE_OPTIONS` or the command, that reaches the limit, alone
//!   or with what Node.js needs beside its heap; or the default heap of the image's version, which is never below
//!   256 MiB of old space.
//! - Go: a `GOMEMLIMIT` that reaches the limit.
//! - A value that the runtime refuses at its start (`GOMEMLIMIT=400M`, `--max-old-space-size=1g`).
//!
//! The JVM has a rule of its own: xmx-against-limit.
//!
//! ## Why it means that
//! A collector works when its ceiling comes near. If the kernel's limit comes first, the process is killed
//! with memory that a collection would have freed. What is outside the ceiling (buffers, code, stacks) counts
//! to the limit as well, so a ceiling of exactly the limit is already too high.
//!
//! ## What would speak against it
//! - The program never comes near its ceiling. Then the setting is of no use, and the limit is not needed as high.
//! - The flag belongs to a process that does not run in this container all the time (a build step).
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     mem_limit: 512m
//!     environment: { NODE_OPTIONS: --max-old-space-size=512 }   # 384 leaves room
//! ```
//!
//! ## References
//! - V8 `src/heap/heap.cc`; libuv `uv_get_constrained_memory`; Node.js CLI documentation; Go, "A Guide to the Go Garbage
//!   Collector", memory limit; `why137 audit --predict`

use casefile::Bytes;
use settings::runtimes::Runtime;

use super::sums::{Steered, by_default, image_version, mebibytes, spelled, steered};
use super::{Rule, Wrong};
use crate::Level;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "ceiling-at-limit",
    title: "a runtime may use as much as the limit, or more",
    file: include_str!("ceiling_at_limit.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some((limit, _)) = workload.effective() else { return Vec::new() };
    let mut found = Vec::new();
    for runtime in [Runtime::Node, Runtime::Go] {
        match steered(workload, runtime, limit) {
            Some(steered) => found.extend(by_setting(workload, runtime, limit, steered)),
            None if runtime == Runtime::Node => found.extend(default_heap(workload, limit)),
            None => {}
        }
    }
    found
}

fn by_setting(
    workload: &Workload,
    runtime: Runtime,
    limit: Bytes,
    steered: Steered,
) -> Option<Wrong> {
    let Steered { belief, place, .. } = steered;
    let name = &workload.name;
    let instead = instead(runtime, limit);
    if let Some(refusal) = &belief.refuses {
        let message = format!("{name}: {refusal}");
        return Some(Wrong { level: Level::Error, place, message, instead });
    }
    let ceiling = belief.ceiling?;
    let (_, least) = spelled(&belief, false)?;
    let (sum, usual) = spelled(&belief, true)?;
    let (level, why) = if ceiling >= limit {
        let word = if ceiling == limit { "is the whole limit" } else { "is above the limit" };
        let rest = format!("the ceiling {word}: the kernel kills before the collector is pressed");
        (Level::Error, rest)
    } else if least > limit {
        (Level::Error, "even a trivial program that fills it does not fit".to_owned())
    } else if usual > limit {
        (Level::Warning, "with what a service usually needs beside it there is no room".to_owned())
    } else {
        return None;
    };
    let sum = if belief.outside.is_empty() { sum } else { format!("{sum} = {}", mebibytes(usual)) };
    let message =
        format!("{name} lets {runtime} use {sum}, of a limit of {}: {why}", mebibytes(limit));
    Some(Wrong { level, place, message, instead })
}

/// What `settings` recommends: a share of the limit.
fn instead(runtime: Runtime, limit: Bytes) -> String {
    let whole = limit.0 >> 20;
    match runtime {
        Runtime::Go => {
            let share = if whole <= 512 { 85 } else { 90 };
            format!("`GOMEMLIMIT={}MiB` ({share} % of {limit})", whole * share / 100)
        }
        _ => {
            let (old, how) = match whole {
                0..256 => (whole.saturating_sub(64).max(32), "the limit less 64 MiB".to_owned()),
                256..1024 => (whole * 70 / 100, format!("70 % of {limit}")),
                1024..4096 => (whole * 75 / 100, format!("75 % of {limit}")),
                _ => (whole * 80 / 100, format!("80 % of {limit}")),
            };
            format!(
                "`--max-old-space-size={old}` ({how}; divided by the processes and worker threads, \
                 less where Buffers are large)"
            )
        }
    }
}

/// Node.js takes at least 256 MiB of old space, whatever the limit is.
fn default_heap(workload: &Workload, limit: Bytes) -> Option<Wrong> {
    let version = image_version(workload, Runtime::Node)?;
    // Before, it sees no limit on cgroup v2, and its heap follows the machine, which the file does not say.
    let sees = version.is_at_least(&[20, 3]) || version.to_string() == "20";
    let Steered { belief, version, place } = by_default(workload, Runtime::Node, limit)?;
    let ceiling = belief.ceiling.filter(|ceiling| sees && *ceiling >= limit)?;
    let message = format!(
        "{} lets Node.js {version} use {} ({}), of a limit of {}: the default heap is above it",
        workload.name,
        mebibytes(ceiling),
        belief.from,
        mebibytes(limit)
    );
    let instead = format!("in `NODE_OPTIONS` {}", instead(Runtime::Node, limit));
    Some(Wrong { level: Level::Error, place, message, instead })
}
