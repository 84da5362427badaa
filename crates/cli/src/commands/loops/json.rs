//! The same for programs: an array, one object for each loop.

use anyhow::Context;
use judge::loops::{Cause, Health, Loop, State};
use judge::verdict::Because;
use report::escape;
use serde_json::{Value, json};

use super::{Seen, page, unread};

/// All loops, in order.
pub(super) fn render(all: &[Seen]) -> anyhow::Result<String> {
    let objects: Vec<Value> =
        all.iter().flat_map(|seen| seen.loops.iter().map(|one| object(one, seen))).collect();
    let text = serde_json::to_string_pretty(&objects).context("could not write JSON")?;
    Ok(escape::json(&(text + "\n")))
}

fn object(one: &Loop, seen: &Seen) -> Value {
    let causes = match &one.cause {
        Cause::NotMemory(what) => json!([{"what": what, "deaths": one.seen}]),
        Cause::Mixed(parts) => parts
            .iter()
            .map(|(what, count)| json!({"what": what, "deaths": count}))
            .collect::<Value>(),
        _ => json!([]),
    };
    let ages = one.ages.map(|ages| {
        json!({
            "count": ages.count,
            "median_seconds": ages.median,
            "shortest_seconds": ages.shortest,
            "longest_seconds": ages.longest,
            "spread_seconds": ages.spread,
            "alike": ages.are_alike(),
        })
    });
    let before_health = match one.health {
        Health::NoCheck => None,
        Health::Never => Some(true),
        Health::Healthy(_) => Some(false),
    };
    let over_seconds = match one.state {
        State::Over(lived) => Some(lived),
        State::Up | State::Waiting | State::Down => None,
    };
    let trial = one.trial().map(|trial| {
        json!({
            "limit_bytes": trial.limit,
            "because": trial.because,
            "watch_seconds": trial.watch_seconds,
        })
    });
    json!({
        "name": one.name,
        "container_id": one.container_id,
        "kind": one.kind.word(),
        "headline": page::headline(one),
        "cause": one.cause.word(),
        "causes": causes,
        "is_memory": one.is_memory(),
        "confidence": one.confidence,
        "deaths": one.deaths,
        "seen": one.seen,
        "at_limit": one.at_limit,
        "since": one.since,
        "last": one.last,
        "ages": ages,
        "interval_seconds": one.interval_seconds,
        "next_wait_seconds": one.next_wait_seconds,
        "in_warm_up": one.in_warm_up,
        "before_health": before_health,
        "limit_bytes": one.limit,
        "policy": one.policy,
        "state": one.state.word(),
        "over_seconds": over_seconds,
        "victim": one.victim,
        "crowd": one.crowd.map(|(count, held)| json!({"count": count, "held_bytes": held})),
        "because": one.because.iter().map(|it| line(it, seen)).collect::<Vec<Value>>(),
        "gaps": unread(seen)
            .map(|gap| json!({"source": gap.source, "because": gap.because}))
            .collect::<Vec<Value>>(),
        "remedies": one.remedies,
        "trial": trial,
    })
}

fn line(because: &Because, seen: &Seen) -> Value {
    json!({
        "exhibit": because.cite.exhibit,
        "quote": page::quote(because, &seen.case),
        "at": because.at,
        "says": because.says,
    })
}
