//! `cargo xtask dossier CASE.json NAME RULE`: a saved case as a dossier under `cases/`, with the verdict
//! that the program gives now. It is a draft: title, prose and rivals are a person's work, and
//! the verdict is to be read before it is believed.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use casefile::CaseFile;
use serde_json::{Value, json};
use testkit::{Dossier, write_dossier};

use crate::repository::Repository;

/// Writes the draft.
pub(crate) fn write(repository: &Repository, case: &str, name: &str, rule: &str) -> Result<()> {
    let text = std::fs::read_to_string(case).with_context(|| format!("could not read `{case}`"))?;
    let parsed =
        CaseFile::from_json(&text).with_context(|| format!("`{case}` is no saved case"))?;
    let program = repository.why137()?;
    let output = Command::new(&program)
        .args(["explain", "--format", "json", case])
        .output()
        .with_context(|| format!("could not run `{}`", program.display()))?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("why137 gave no JSON answer to `{case}`"))?;
    let dossier = Dossier {
        name: name.to_owned(),
        title: name.replace(['/', '-'], " "),
        provenance: "recorded, PLATFORM AND KERNEL".to_owned(),
        speaks_for: rule.to_owned(),
        speaks_against: Vec::new(),
        case: parsed,
        verdict: expected(&answer),
    };
    let path = repository.root.join("cases").join(format!("{name}.md"));
    ensure!(!path.exists(), "`{}` exists already", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
    }
    std::fs::write(&path, write_dossier(&dossier))
        .with_context(|| format!("could not write `{}`", path.display()))
}

/// The parts of the answer that a dossier compares.
fn expected(answer: &Value) -> Value {
    let killers = |list: &str| -> Vec<Value> {
        let items = answer.get(list).and_then(Value::as_array);
        items.into_iter().flatten().map(|item| item["killer"].clone()).collect()
    };
    let victims = answer["victims"].as_array().into_iter().flatten().map(
        |victim| json!({ "pid": victim["pid"], "comm": victim["comm"], "role": victim["role"] }),
    );
    json!({
        "killer": answer["killer"],
        "level": answer["level"],
        "confidence": answer["confidence"],
        "killed_by": answer.pointer("/killed_by/name"),
        "fate": answer.pointer("/main/fate"),
        "exit_code": answer.pointer("/main/exit_code"),
        "victims": victims.collect::<Vec<_>>(),
        "limit_at_fault": answer["limit_at_fault"],
        "limit_bytes": answer["limit_bytes"],
        "candidates": killers("candidates"),
        "findings": killers("findings"),
    })
}
