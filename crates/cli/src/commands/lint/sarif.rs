//! Findings as SARIF 2.1.0, for code scanning.
//!
//! Leans on the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0": every
//! rule is described once, results point at rules by index, columns count characters.

use ::lint::{Finding, Outcome, Place};
use casefile::RuleManual;
use serde_json::{Value, json};

use super::forms::{fingerprint, printed};

/// One run.
pub(super) fn sarif(outcome: &Outcome) -> anyhow::Result<String> {
    let rules: Vec<Value> = ::lint::manuals().iter().map(rule).collect();
    let results: Vec<Value> = outcome.findings.iter().map(result).collect();
    let notes = outcome.notes.iter().map(|note| {
        json!({
            "level": "note", "message": { "text": note.text },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&note.file) } } }]
        })
    });
    let problems = outcome.problems.iter().map(|problem| {
        json!({
            "level": "error", "message": { "text": problem.why },
            "locations": [location(&problem.place)]
        })
    });
    let notifications: Vec<Value> = notes.chain(problems).collect();
    printed(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "why137", "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": outcome.problems.is_empty(),
                "toolExecutionNotifications": notifications
            }],
            "results": results
        }]
    }))
}

fn rule(manual: &RuleManual) -> Value {
    json!({
        "id": manual.id,
        "shortDescription": { "text": manual.title },
        "fullDescription": { "text": manual.title },
        "help": { "text": manual.text, "markdown": manual.text },
        "defaultConfiguration": { "level": "warning" }
    })
}

fn result(finding: &Finding) -> Value {
    let index = ::lint::manuals().iter().position(|manual| manual.id == finding.rule);
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level.word(),
        "message": { "text": format!("{}\nInstead: {}", finding.message, finding.instead) },
        "locations": [location(&finding.place)],
        "partialFingerprints": { "why137/v1": fingerprint(finding) }
    })
}

fn location(place: &Place) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file) },
        "region": { "startLine": place.line, "startColumn": place.column }
    } })
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    // A name with a colon in its first part would be taken for a scheme.
    if path.split('/').next().is_some_and(|first| first.contains(':')) {
        out.push_str("./");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_reference() {
        assert_eq!(uri("a b/c:d#é.yaml"), "a%20b/c%3Ad%23%C3%A9.yaml");
        assert_eq!(uri("c:x"), "./c%3Ax");
    }
}
