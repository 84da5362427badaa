//! JSON, pretty-printed, in the published shape. It shortens nothing and has no colours.

use crate::answer::Answer;
use crate::{Report, escape};

/// The report as JSON, ended by a line break.
pub fn render(report: &Report) -> String {
    let answer = Answer::of(report);
    // The answer holds strings, numbers and lists only: writing it cannot fail.
    let text = serde_json::to_string_pretty(&answer).unwrap_or_default();
    escape::json(&text) + "\n"
}

/// Several reports as one JSON array of answers, ended by a line break.
pub fn render_all(reports: &[Report]) -> String {
    let answers: Vec<Answer> = reports.iter().map(Answer::of).collect();
    let text = serde_json::to_string_pretty(&answers).unwrap_or_default();
    escape::json(&text) + "\n"
}
