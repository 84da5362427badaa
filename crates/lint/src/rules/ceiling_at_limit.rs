//! # ceiling-at-limit — a runtime may use as much as the limit, or more
//!
//! ## What it looks for
//! - Node.js and Deno: `--max-old-space-size` or its percentage, in `NODE_OPTIONS`, `DENO_V8_FLAGS` or the command, that
//!   reaches the limit, alone or with what they need beside their heap; or the default heap of the image's version,
//!   which is never below 256 MiB of old space.
//! - Go: a `GOMEMLIMIT` that reaches the limit. .NET: a `GCHeapHardLimit` or its percentage, both hexadecimal.
//! - PHP-FPM: `memory_limit` × `pm.max_children`, PostgreSQL: `shared_buffers`, and the connections' `work_mem` where the
//!   file speaks of it, Redis: `maxmemory`, MariaDB: the buffer pool; in the command or in a file that stands in the
//!   file itself. Their defaults too, where nothing else can configure them.
//! - A value that the runtime refuses at its start (`GOMEMLIMIT=400M`, `--max-old-space-size=1g`).
//! - `note`: a default that follows the machine, since this version does not see a limit on cgroup v2.
//!
//! The version is taken from the image's tag (`node:22.12-alpine`, `php:8.3-fpm`). A tag without one tells none: then
//! only what holds for all versions is told, and of several sums the smallest. A value that a shell, a template or the
//! cluster puts together is left alone. The JVM has a rule of its own: xmx-against-limit.
//!
//! ## Why it means that
//! A collector works when its ceiling comes near. If the kernel's limit comes first, the process is killed
//! with memory that a collection would have freed. What is outside the ceiling (buffers, code, stacks) counts
//! to the limit as well, so a ceiling of exactly the limit is already too high.
//!
//! ## What would speak against it
//! - The program never comes near its ceiling. Then the setting is of no use, and the limit is not needed as high.
//! - The flag belongs to a process that does not run in this container all the time (a build step).
//! - A configuration file in the image says something else.
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

use settings::runtimes::Runtime;

use super::sums::{Excess, Sum, mebibytes, weigh};
use super::{Rule, Wrong};
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "ceiling-at-limit",
    title: "a runtime may use as much as the limit, or more",
    file: include_str!("ceiling_at_limit.rs"),
    look,
};

/// All with a ceiling of their own but the JVM.
const RUNTIMES: [Runtime; 8] = [
    Runtime::Node,
    Runtime::Deno,
    Runtime::Go,
    Runtime::DotNet,
    Runtime::Php,
    Runtime::Postgres,
    Runtime::Redis,
    Runtime::MariaDb,
];

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some((limit, _)) = workload.effective() else { return Vec::new() };
    let found = RUNTIMES.into_iter().filter_map(|runtime| {
        let sum = weigh(workload, runtime, limit)?;
        let (name, limit) = (&workload.name, mebibytes(limit));
        let message = match &sum.belief.refuses {
            Some(refusal) => format!("{name}: {refusal}"),
            None => {
                let why = why(&sum);
                let spelled = spelled(&sum);
                let version = sum.version.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
                format!(
                    "{name} lets {runtime}{version} use {spelled}, of a limit of {limit}: {why}"
                )
            }
        };
        let Sum { level, place, instead, .. } = sum;
        Some(Wrong { level, place, message, instead })
    });
    found.collect()
}

fn spelled(sum: &Sum) -> String {
    let least = if sum.is_least { "at least " } else { "" };
    let alone = matches!(sum.excess, Excess::Whole | Excess::Above) && sum.belief.number() == 1;
    if alone {
        let ceiling = sum.belief.ceiling.map(mebibytes).unwrap_or_default();
        return format!("{least}{ceiling} ({})", sum.belief.from);
    }
    let (terms, total) = sum.spelled(sum.excess == Excess::Usual);
    format!("{least}{terms} = {}", mebibytes(total))
}

fn why(sum: &Sum) -> String {
    let why = match (sum.excess, sum.is_default) {
        (Excess::Whole | Excess::Above, true) => "its default reaches it",
        (Excess::Least | Excess::Refused, true) => "its defaults do not fit",
        (Excess::Whole, false) => {
            "the ceiling is the whole limit, and the kernel kills before it is reached"
        }
        (Excess::Above, false) => {
            "the ceiling is above the limit, and the kernel kills before it is reached"
        }
        (Excess::Least | Excess::Refused, false) => {
            "even a trivial program that fills it does not fit"
        }
        (Excess::Usual, _) => "with what a service usually needs beside it there is no room",
    };
    match sum.condition {
        Some(condition) => format!("{why}, {condition}"),
        None => why.to_owned(),
    }
}
