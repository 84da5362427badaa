//! The arrows between the crates: which may know of which. A new arrow is a decision, so it
//! fails here until the table says otherwise.

use anyhow::{Result, bail};
use serde_json::Value;

/// Each crate and those it may depend on, for building and for its tests. The lab sees the
/// program as a user does, so it knows no room.
const ALLOWED: &[(&str, &[&str])] = &[
    ("casefile", &[]),
    ("settings", &["casefile"]),
    ("parse", &["casefile", "settings"]),
    ("judge", &["casefile", "parse", "settings"]),
    ("report", &["casefile", "judge"]),
    ("hierarchy", &["casefile"]),
    ("evidence", &["casefile", "hierarchy", "parse", "settings"]),
    ("sizing", &["casefile"]),
    ("audit", &["casefile", "settings"]),
    ("recognise", &["casefile", "hierarchy", "settings"]),
    ("lint", &["casefile", "settings"]),
    ("change", &["casefile", "settings"]),
    ("probe", &["casefile"]),
    ("confine", &["casefile", "hierarchy"]),
    (
        "cli",
        &[
            "audit",
            "casefile",
            "change",
            "settings",
            "parse",
            "judge",
            "report",
            "evidence",
            "probe",
            "confine",
            "hierarchy",
            "lint",
            "recognise",
            "sizing",
        ],
    ),
    ("testkit", &["casefile"]),
    ("lab", &[]),
    ("xtask", &["casefile", "lab", "sizing", "testkit"]),
];

/// Crates that only the tests of others may use.
const FOR_TESTS: &[&str] = &["testkit"];

/// Compares what cargo says with the table.
pub(crate) fn check(metadata: &Value) -> Result<()> {
    let wrong = strangers(metadata);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

fn strangers(metadata: &Value) -> Vec<String> {
    let items = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let name =
        |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for package in items(metadata, "packages") {
        let from = name(&package);
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == from) else {
            wrong.push(format!("crate {from} is not in the table of layers"));
            continue;
        };
        for dependency in items(&package, "dependencies") {
            let to = name(&dependency);
            let ours = dependency.get("path").is_some_and(|path| !path.is_null());
            let in_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            let fine = allowed.contains(&to.as_str())
                || in_tests
                    && FOR_TESTS.contains(&to.as_str())
                    && !["lab", "xtask"].contains(&&*from);
            if ours && !fine {
                wrong.push(format!("new arrow between crates: {from} → {to}"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_new_arrow_fails_and_names_both_ends() {
        let metadata = json!({"packages": [{"name": "parse", "dependencies": [
            {"name": "casefile", "path": "/x"}, {"name": "judge", "path": "/x"},
            {"name": "serde", "path": null}]}]});
        assert_eq!(strangers(&metadata), ["new arrow between crates: parse → judge"]);
    }

    #[test]
    fn the_test_kit_is_for_tests_only() {
        let arrow = |kind: Value| {
            json!({"packages": [{"name": "judge", "dependencies": [
                {"name": "testkit", "path": "/x", "kind": kind}]}]})
        };
        assert_eq!(strangers(&arrow(json!("dev"))), [""; 0]);
        assert_eq!(strangers(&arrow(Value::Null)), ["new arrow between crates: judge → testkit"]);
    }

    #[test]
    fn the_table_itself_has_no_circle() {
        let mut below: Vec<&str> = Vec::new();
        while below.len() < ALLOWED.len() {
            let next = ALLOWED.iter().find(|(name, needs)| {
                !below.contains(name) && needs.iter().all(|need| below.contains(need))
            });
            below.push(next.expect("a circle").0);
        }
    }
}
