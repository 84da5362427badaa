//! `why137 env --print`: what would be exported, and the sum.

use casefile::Bytes;
use report::escape;

use super::decide::Decision;

pub(super) fn page(decision: &Decision) -> String {
    let mut text = match decision.limit {
        Some(Ok((limit, whose))) => format!("Limit    {limit}, {whose}\n"),
        Some(Err(why)) => format!("Limit    none: {why}\n"),
        None => String::new(),
    };
    let program = decision.program.as_deref().unwrap_or("no runtime that is known");
    text += &format!("Program  {}\n", escape::terminal(program));
    if decision.exports.is_empty() {
        text += "\nNothing is exported.\n";
    } else {
        text += "\nExported\n";
    }
    for export in &decision.exports {
        text += &format!("  {}={}\n", export.name, escape::shell_word(&export.value));
        text += &format!("    {}\n", escape::terminal(&export.because));
    }
    if !decision.left.is_empty() {
        text += "\nLeft as it is\n";
    }
    for why in &decision.left {
        text += &format!("  {}\n", escape::terminal(why));
    }
    let advice = &decision.advice;
    if !advice.steps.is_empty() {
        text += "\nThe sum\n";
        for step in &advice.steps {
            text += &format!("  {:>11}  {} ({})\n", signed(step.bytes), step.what, step.from);
        }
        let left = advice.steps.iter().fold(0i64, |sum, step| sum.saturating_add(step.bytes));
        text += &format!("  {:>11}  left\n", signed(left));
    }
    let notes = [("Not bounded", &advice.unbounded), ("Cannot be bounded", &advice.cannot)];
    for (what, note) in notes.into_iter().chain([("To be measured first", &advice.missing)]) {
        if let Some(note) = note {
            text += &format!("\n{what}: {}.\n", escape::terminal(note));
        }
    }
    if let Some(warning) = &decision.warning {
        text += &format!("\n  ! {}\n", escape::terminal(warning));
    }
    text
}

fn signed(bytes: i64) -> String {
    let size = Bytes(bytes.unsigned_abs());
    if bytes < 0 { format!("- {size}") } else { size.to_string() }
}
