//! The answer for programs. Parts are parts of one, not percent; times are seconds.

use serde_json::{Value, json};
use sizing::replay::curve::Curve;

use super::Answer;

pub(super) fn render(answer: &Answer) -> anyhow::Result<String> {
    let rules = answer.rules.iter().map(|rule| {
        json!({
            "policy": rule.named.word,
            "does": rule.named.does,
            "source": rule.named.source,
            "days": rule.score.days,
            "oom_days": rule.score.oom_days,
            "kills_per_day": rule.score.kills,
            "slack": rule.score.slack,
            "unused": rule.score.unused,
            "ours_slack_at_same_oom_days": rule.ours,
        })
    });
    let mut curves = serde_json::Map::new();
    if !answer.ours.points().is_empty() {
        curves.insert("ours".to_owned(), points(&answer.ours));
    }
    if let Some(largest) = &answer.largest {
        curves.insert("max".to_owned(), points(largest));
    }
    let whole = json!({
        "files": answer.files,
        "series": answer.series,
        "series_too_short": answer.too_short,
        "history_seconds": answer.history,
        "policies": rules.collect::<Vec<_>>(),
        "curves": curves,
    });
    Ok(report::escape::json(&format!("{}\n", serde_json::to_string_pretty(&whole)?)))
}

fn points(curve: &Curve) -> Value {
    let point = |(oom_days, slack): &(f64, f64)| json!({"oom_days": oom_days, "slack": slack});
    curve.points().iter().map(point).collect()
}
