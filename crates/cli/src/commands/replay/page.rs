//! The answer for a person: one line first, then a row per rule, then the curves.

use std::path::Path;

use report::escape::terminal;
use sizing::policy::Rule;
use sizing::replay::curve::Curve;
use sizing::words::span;

use super::{Answer, Replayed};

/// Points of a curve that are shown.
const SHOWN: usize = 8;

pub(super) fn page(answer: &Answer, svg: Option<&Path>) -> String {
    let mut lines = vec![headline(answer), String::new()];
    lines.push(
        "  rule        days  days with a kill   kills/day    slack   unused   ours at as many"
            .to_owned(),
    );
    lines.extend(answer.rules.iter().map(row));
    lines.push(String::new());
    lines.push(format!(
        "  {} series of {} file{}, each watched for {} before its first limit; limits decided each hour.",
        answer.series,
        answer.files,
        if answer.files == 1 { "" } else { "s" },
        span(answer.history)
    ));
    if answer.too_short > 0 {
        lines.push(format!("  Too short to score: {} of the {}.", answer.too_short, answer.series));
    }
    lines.push(
        "  slack: part of the limit not used, mean over days; unused: by memory, over all days."
            .to_owned(),
    );
    if !answer.ours.points().is_empty() {
        lines.push(
            "  ours at as many: our slack where as many days have a kill; `-`: no setting is hit as seldom.".to_owned(),
        );
        lines.extend(curve("ours", &answer.ours));
    }
    if let Some(largest) = &answer.largest {
        lines.extend(curve("max", largest));
    }
    if let Some(path) = svg {
        lines.push(format!("  drawn in {}", path.display()));
    }
    let text: Vec<String> = lines.iter().map(|line| terminal(line)).collect();
    format!("{}\n", text.join("\n"))
}

/// Against how many of the others ours needs less where it is hit as often.
fn headline(answer: &Answer) -> String {
    let others: Vec<&Replayed> =
        answer.rules.iter().filter(|rule| !matches!(rule.named.rule, Rule::Ours(_))).collect();
    let days = answer.rules.first().map_or(0, |rule| rule.score.days);
    if answer.ours.points().is_empty() || others.is_empty() {
        return format!("{days} days of {} series replayed.", answer.series);
    }
    let better: Vec<&str> = others
        .iter()
        .filter(|rule| rule.ours.is_some_and(|ours| ours < rule.score.slack))
        .map(|rule| rule.named.word)
        .collect();
    let worse: Vec<&str> = others
        .iter()
        .filter(|rule| rule.ours.is_none_or(|ours| ours >= rule.score.slack))
        .map(|rule| rule.named.word)
        .collect();
    let (better, worse) = (better.join(", "), worse.join(", "));
    let told = match (better.is_empty(), worse.is_empty()) {
        (_, true) => format!("less memory unused than {better}"),
        (true, false) => format!("not less memory unused than {worse}"),
        (false, false) => format!("less memory unused than {better}; not than {worse}"),
    };
    format!("{days} days of {} series. Hit as often, ours leaves {told}.", answer.series)
}

fn row(rule: &Replayed) -> String {
    let score = rule.score;
    let ours = match (rule.named.rule, rule.ours) {
        (Rule::Ours(_), _) => String::new(),
        (_, Some(ours)) => percent(ours),
        (_, None) => "-".to_owned(),
    };
    let line = format!(
        "  {:<9} {:>6}  {:>16}  {:>10}  {:>7}  {:>7}  {:>16}",
        rule.named.word,
        score.days,
        percent(score.oom_days),
        format!("{:.3}", score.kills),
        percent(score.slack),
        percent(score.unused),
        ours
    );
    line.trim_end().to_owned()
}

/// Some points of a curve, on one line that a page has room for.
fn curve(name: &str, curve: &Curve) -> Vec<String> {
    let useful: Vec<&(f64, f64)> = curve.points().iter().filter(|point| point.0 <= 0.5).collect();
    if useful.is_empty() {
        return Vec::new();
    }
    let every = useful.len().div_ceil(SHOWN);
    let line = |title: &str, of: fn(&(f64, f64)) -> f64| {
        let cells = useful.iter().step_by(every).map(|point| format!("{:>8}", percent(of(point))));
        format!("  {title:<20}{}", cells.collect::<String>())
    };
    vec![
        String::new(),
        line(&format!("{name}: with a kill"), |point| point.0),
        line(&format!("{name}: slack"), |point| point.1),
    ]
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}
