//! # xmx-against-limit — the Java heap and what the JVM needs beside it do not fit the limit
//!
//! ## What it looks for
//! - `-Xmx`, `-XX:MaxHeapSize` or `-XX:MaxRAMPercentage`, in the command, in `JAVA_TOOL_OPTIONS`, `JDK_JAVA_OPTIONS` or
//!   `_JAVA_OPTIONS`, or in a variable that a start script passes on (`JAVA_OPTS`, `CATALINA_OPTS`): the strongest of
//!   them, in the JVM's own order.
//! - `error` if the heap reaches the limit, or a trivial program that fills the heap does not fit; `warning` if a
//!   service's usual metaspace, code and direct buffers do not fit beside it.
//!
//! ## Why it means that
//! `-Xmx` bounds the heap only. Metaspace, compiled code, thread stacks, the collector's tables and direct
//! buffers come on top, and all of it counts to the limit. A JVM that fills its heap throws an
//! OutOfMemoryError only if the kernel lets it come so far.
//!
//! ## What would speak against it
//! - The heap never fills. Then `-Xmx` can be lower at no cost.
//! - A start script that does not read the variable: then its value has no effect at all.
//!
//! ## Example
//! ```yaml
//! services:
//!   shop:
//!     image: eclipse-temurin:21-jre
//!     mem_limit: 1g
//!     command: java -Xmx1g -jar shop.jar     # -Xmx800m leaves room for the rest
//! ```
//!
//! ## References
//! - HotSpot `Arguments::set_heap_size`; java(1); `why137 audit --predict java@17 --limit 1g --setting -Xmx1g`

use casefile::Bytes;
use settings::runtimes::Runtime;

use super::sums::{Steered, mebibytes, spelled, steered};
use super::{Rule, Wrong};
use crate::Level;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "xmx-against-limit",
    title: "the Java heap and what the JVM needs beside it do not fit the limit",
    file: include_str!("xmx_against_limit.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some((limit, _)) = workload.effective() else { return Vec::new() };
    let found = steered(workload, Runtime::Java, limit).and_then(|it| against(workload, limit, it));
    Vec::from_iter(found)
}

fn against(workload: &Workload, limit: Bytes, steered: Steered) -> Option<Wrong> {
    let Steered { belief, version, place } = steered;
    let name = &workload.name;
    if let Some(refusal) = belief.refuses {
        let message = format!("{name}: {refusal}");
        let instead = "a number with k, m or g behind it: `-Xmx384m`".to_owned();
        return Some(Wrong { level: Level::Error, place, message, instead });
    }
    let ceiling = belief.ceiling?;
    let (least_sum, least) = spelled(&belief, false)?;
    let (usual_sum, usual) = spelled(&belief, true)?;
    let (level, sum, why) = if ceiling >= limit {
        (Level::Error, format!("{least_sum} = {}", mebibytes(least)), "the heap alone reaches it")
    } else if least > limit {
        (
            Level::Error,
            format!("{least_sum} = {}", mebibytes(least)),
            "even a trivial program that fills its heap does not fit",
        )
    } else if usual > limit {
        (
            Level::Warning,
            format!("{usual_sum} = {}", mebibytes(usual)),
            "a service's usual needs beside its heap do not fit",
        )
    } else {
        return None;
    };
    let message =
        format!("{name} lets the JVM use {sum}, of a limit of {}: {why}", mebibytes(limit));
    let outside = usual.0.saturating_sub(ceiling.0);
    // A twentieth stays free, as in an audit.
    let heap = (limit.0 / 20 * 19).saturating_sub(outside) >> 20;
    let instead = if heap >= 16 {
        format!(
            "`-Xmx{heap}m`: 95 % of {} less {} beside the heap (reckoned for JDK {version})",
            mebibytes(limit),
            mebibytes(Bytes(outside))
        )
    } else {
        format!("a limit above {}: what a JVM usually needs beside its heap", Bytes(outside))
    };
    Some(Wrong { level, place, message, instead })
}
