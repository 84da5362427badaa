//! The answer as JSON: one line per series.
//!
//! Amounts are in the unit that `unit` names: bytes as whole numbers, percent and fractions as they are.

use serde_json::{Value, json};
use sizing::Unit;
use sizing::size::Size;

use super::Sized;

pub(super) fn line(sized: &Sized) -> String {
    report::escape::json(&format!("{}\n", value(sized)))
}

pub(super) fn value(sized: &Sized) -> Value {
    let Sized { series, size, pair, limit_now } = sized;
    let amount = |value: f64| match series.unit {
        Unit::Bytes => json!(value.round() as i64),
        Unit::Percent | Unit::Fraction => json!(value),
    };
    let maybe = |value: Option<f64>| value.map_or(Value::Null, amount);
    let risk = size.risk.iter().map(
        |risk| json!({"limit_bytes": amount(risk.limit_bytes), "oom_per_day": risk.oom_per_day}),
    );
    let steps = steps(size, series.unit);
    let because = size.shape.says.iter().map(|found| &found.says);
    json!({
        "series": series.name,
        "unit": series.unit.word(),
        "shape": size.shape.kind.word(),
        "shape_confidence": size.shape.confidence.word(),
        "shape_because": because.collect::<Vec<_>>(),
        "samples": size.shape.samples,
        "span_seconds": size.shape.span_seconds,
        "limit_now_bytes": maybe(*limit_now),
        "limit_bytes": maybe(size.limit),
        "request_bytes": maybe(size.request),
        "ceiling_bytes": pair.as_ref().and_then(|pair| pair.ceiling()).map(|ceiling| ceiling.0),
        "settings": pair.as_ref().map(|pair| pair.settings()),
        "blocked_because": size.blocked_because,
        "risk": risk.collect::<Vec<_>>(),
        "steps": steps,
        "censored": size.censored,
        "says": size.says,
    })
}

/// Each is rounded so that all of them add up to the rounded limit.
fn steps(size: &Size, unit: Unit) -> Vec<Value> {
    let (mut sum, mut told) = (0.0, 0.0);
    let step = |step: &sizing::size::Step| {
        sum += step.bytes;
        let bytes = match unit {
            Unit::Bytes => {
                let bytes = f64::round(sum) - told;
                told += bytes;
                json!(bytes as i64)
            }
            Unit::Percent | Unit::Fraction => json!(step.bytes),
        };
        json!({"what": step.what, "bytes": bytes, "from": step.from})
    };
    size.steps.iter().map(step).collect()
}
