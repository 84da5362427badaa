//! # xmx-against-limit — the Java heap and what the JVM needs beside it do not fit the limit
//!
//! ## What it looks for
//! - `-Xmx`, `-XX:MaxHeapSize` or `-XX:MaxRAMPercentage`, in the command, in `JAVA_TOOL_OPTIONS`, `JDK_JAVA_OPTIONS` or
//!   `_JAVA_OPTIONS`, or in a variable that a start script passes on (`JAVA_OPTS`, `CATALINA_OPTS`): the strongest of
//!   them, in the JVM's own order.
//! - `error` if the heap reaches the limit, or a trivial program that fills the heap does not fit; `warning` if a
//!   service's usual metaspace, code and direct buffers do not fit beside it.
//! - `note`: the image's JDK does not see the limit of a container on cgroup v2 (before 8u372, 11.0.16 and 15), so that
//!   its default heap follows the machine.
//!
//! The JDK's version is taken from the image's tag (`eclipse-temurin:17-jre`, `tomcat:10-jdk17`). Without one, what is
//! told holds for all of them.
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

use settings::runtimes::Runtime;

use super::sums::{Excess, Sum, mebibytes, weigh};
use super::{Rule, Wrong};
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    id: "xmx-against-limit",
    title: "the Java heap and what the JVM needs beside it do not fit the limit",
    file: include_str!("xmx_against_limit.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some((limit, _)) = workload.effective() else { return Vec::new() };
    let Some(sum) = weigh(workload, Runtime::Java, limit) else { return Vec::new() };
    let (name, limit) = (&workload.name, mebibytes(limit));
    let message = match &sum.belief.refuses {
        Some(refusal) => format!("{name}: {refusal}"),
        None => {
            let (spelled, total) = sum.spelled(sum.excess == Excess::Usual);
            let why = why(&sum);
            let version =
                sum.version.as_ref().map(|it| format!(" of JDK {it}")).unwrap_or_default();
            let least = if sum.is_least { "at least " } else { "" };
            let total = mebibytes(total);
            format!(
                "{name} lets the JVM{version} use {least}{spelled} = {total}, of a limit of {limit}: {why}"
            )
        }
    };
    let Sum { level, place, instead, .. } = sum;
    vec![Wrong { level, place, message, instead }]
}

fn why(sum: &Sum) -> String {
    let why = match sum.excess {
        Excess::Above | Excess::Whole => "the heap alone reaches it",
        Excess::Least | Excess::Refused => {
            "even a trivial program that fills its heap does not fit"
        }
        Excess::Usual => "a service's usual needs beside its heap do not fit",
    };
    match sum.condition {
        Some(condition) => format!("{why}, {condition}"),
        None => why.to_owned(),
    }
}
