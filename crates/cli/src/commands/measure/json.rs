//! The answer for programs.

use anyhow::Context;
use serde_json::{Value, json};
use sizing::shape::Shape;
use sizing::verify::{Look, Watched};

use super::WatchArgs;
use super::page::{at_level, at_peak};
use super::watching::Seen;

/// All of it, on several lines.
pub(super) fn render(
    seen: &Seen,
    watched: &Watched,
    shape: &Shape,
    arguments: &WatchArgs,
) -> anyhow::Result<String> {
    let shape = serde_json::to_value(shape).context("could not write JSON")?;
    let mut all = self::watched(seen, watched)?;
    if let Some(all) = all.as_object_mut() {
        all.insert("shape".to_owned(), shape);
        let saved = arguments.save.as_ref().map(|path| path.display().to_string());
        all.insert("saved".to_owned(), json!(saved));
    }
    Ok(serde_json::to_string_pretty(&all).context("could not write JSON")? + "\n")
}

/// What was watched and what it comes to.
pub(crate) fn watched(seen: &Seen, watched: &Watched) -> anyhow::Result<Value> {
    let ends = seen.ends.iter().map(|end| {
        let at = end.since_start.map(|at| at.as_secs_f64());
        json!({ "t_s": at, "exit_code": end.code, "oom_kills": end.kills })
    });
    Ok(json!({
        "name": seen.name, "container_id": seen.id, "pid": seen.pid, "scope": seen.scope,
        "cgroup": seen.cgroup, "cgroup_version": seen.version, "began_at": seen.began_at,
        "stopped_by": seen.stopped_by, "requests_counted_by": seen.counted_by,
        "collections_told_by": seen.collected_by,
        "start": seen.looks.first().map(composition),
        "level": at_level(&seen.looks).map(composition),
        "peak": at_peak(&seen.looks).map(composition),
        "kernel_peak_bytes": seen.looks.last().and_then(|look| look.peak_bytes),
        "lives_ended": ends.collect::<Vec<_>>(),
        "watched": serde_json::to_value(watched).context("could not write JSON")?,
    }))
}

fn composition(look: &Look) -> Value {
    let cold = look.file_bytes.zip(look.active_file_bytes).map(|(all, hot)| (all - hot).max(0.0));
    json!({
        "t_s": look.t_s, "age_s": look.age_s, "mem_bytes": look.mem_bytes,
        "usage_bytes": look.usage_bytes, "anon_bytes": look.anon_bytes,
        "shmem_bytes": look.shmem_bytes, "kernel_bytes": look.kernel_bytes,
        "hot_file_bytes": look.active_file_bytes, "cold_file_bytes": cold,
        "swap_bytes": look.swap_bytes,
    })
}
