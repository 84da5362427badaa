//! Findings as text, JSON, GitHub's workflow commands and GitLab's Code Quality report.
//!
//! Names and settings in a message come from the files, so each form escapes for its medium. Leans on
//! "Workflow commands for GitHub Actions" and GitLab's "Code Quality report format".

use ::lint::{Finding, Level, Outcome, Place};
use anyhow::Context;
use report::escape;
use serde_json::{Value, json};

/// For a person: a finding and what to write instead.
pub(super) fn text(outcome: &Outcome, files: usize) -> String {
    let mut text = String::new();
    for finding in &outcome.findings {
        let Finding { rule, level, message, instead, place } = finding;
        let Place { file, line, column } = place;
        let head = format!("{file}:{line}:{column}: {}: {message} [{rule}]", level.word());
        text +=
            &format!("{}\n    instead: {}\n", escape::terminal(&head), escape::terminal(instead));
    }
    let plural = |count: usize, one: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
    };
    let found = match outcome.findings.len() {
        0 => "no findings".to_owned(),
        count => plural(count, "finding"),
    };
    let looked = plural(outcome.workloads, "workload");
    if !outcome.findings.is_empty() {
        text += "\n";
    }
    text += &format!("{found}: {looked} in {} looked at", plural(files, "file"));
    if !outcome.findings.is_empty() {
        text += "; `why137 rule ID` explains a rule";
    }
    text + "\n"
}

/// For programs.
pub(super) fn json(outcome: &Outcome) -> anyhow::Result<String> {
    let findings: Vec<Value> = outcome
        .findings
        .iter()
        .map(|finding| {
            let Finding { rule, level, message, instead, place } = finding;
            json!({
                "rule": rule, "level": level.word(), "file": &*place.file, "line": place.line,
                "column": place.column, "message": message, "instead": instead
            })
        })
        .collect();
    let notes: Vec<Value> =
        outcome.notes.iter().map(|note| json!({ "file": note.file, "text": note.text })).collect();
    let problems: Vec<Value> = outcome.problems.iter().map(|problem| {
        let place = &problem.place;
        json!({ "file": &*place.file, "line": place.line, "column": place.column, "why": problem.why })
    }).collect();
    printed(&json!({
        "findings": findings, "notes": notes, "problems": problems, "workloads": outcome.workloads
    }))
}

/// GitHub's annotations, a line each.
pub(super) fn github(outcome: &Outcome) -> String {
    let line = |level: &str, place: &Place, title: &str, message: &str| {
        format!(
            "::{level} file={},line={},col={},title={}::{}\n",
            escape::github_value(&place.file),
            place.line,
            place.column,
            escape::github_value(title),
            escape::github_message(message)
        )
    };
    let mut text = String::new();
    for finding in &outcome.findings {
        let level = match finding.level {
            Level::Note => "notice",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let message = format!("{} Instead: {}", finding.message, finding.instead);
        text += &line(level, &finding.place, &format!("why137 {}", finding.rule), &message);
    }
    for problem in &outcome.problems {
        text += &line("error", &problem.place, "why137 lint", &problem.why);
    }
    text
}

/// GitLab's Code Quality report.
pub(super) fn gitlab(outcome: &Outcome) -> anyhow::Result<String> {
    let issue = |finding: &Finding| {
        let severity = match finding.level {
            Level::Note => "info",
            Level::Warning => "minor",
            Level::Error => "major",
        };
        json!({
            "description": format!("{} Instead: {}", finding.message, finding.instead),
            "check_name": finding.rule,
            "fingerprint": fingerprint(finding),
            "severity": severity,
            "location": { "path": &*finding.place.file, "lines": { "begin": finding.place.line } }
        })
    };
    printed(&Value::Array(outcome.findings.iter().map(issue).collect()))
}

/// The same for the same finding, wherever in its file it has moved to.
pub(super) fn fingerprint(finding: &Finding) -> String {
    // FNV-1a, twice with two bases: a name, no secret.
    let hash = |basis: u64| {
        let words = [finding.rule, &finding.place.file, &finding.message];
        let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
        bytes.fold(basis, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142))
}

pub(super) fn printed(value: &Value) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("could not write JSON")?;
    Ok(escape::json(&text) + "\n")
}
